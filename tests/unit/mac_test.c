/* mac_test.c - the short MAC: a value computed elsewhere, and that every bit of both sides counts.
 */
#include "crypto/mac.h"

#include "tests/test.h"

TEST(mac, agrees_with_another_implementation)
{
    /* Python: hashlib.blake2b(bytes(range(32)) + b"message", digest_size=16,
     * person=b"examhall mac 1") */
    static const uint8_t wanted[MAC_BYTES] = { 0x56, 0x6a, 0x02, 0x58, 0xbf, 0x2c, 0xdc, 0x04,
                                               0xc5, 0x95, 0x96, 0xb5, 0x29, 0x87, 0x20, 0xd7 };
    uint8_t key[MAC_KEY_BYTES], out[MAC_BYTES];
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    mac_write(out, "message", 7, key);
    CHECK(memcmp(out, wanted, sizeof(out)) == 0);
}

TEST(mac, every_bit_of_key_and_message_counts)
{
    uint8_t both[MAC_KEY_BYTES + 100] = { 0 }, out[MAC_BYTES], first[MAC_BYTES];
    mac_write(first, both + MAC_KEY_BYTES, 100, both);
    for (size_t bit = 0; bit < sizeof(both) * 8; bit++) {
        both[bit / 8] ^= (uint8_t)(1u << bit % 8);
        mac_write(out, both + MAC_KEY_BYTES, 100, both);
        CHECK(memcmp(out, first, sizeof(out)) != 0);
        both[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    mac_write(out, both + MAC_KEY_BYTES, 99, both);
    CHECK(memcmp(out, first, sizeof(out)) != 0);
}
