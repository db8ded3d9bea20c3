/* crc32c.c - with the CPU's own instruction where it has one (SSE4.2), by table elsewhere.
 *
 * The instruction takes 8 bytes but answers only three cycles later, so three stretches are summed
 * side by side and then joined: advancing a sum over n zero bytes is a linear map, kept as tables
 * for the one length used. */
#include "store/crc32c.h"

#include <string.h>

#define POLYNOMIAL    0x82f63b78u
#define STRETCH_BYTES 1024

static uint32_t table[256];
static uint32_t skip[4][256]; /* a sum's byte k, moved over STRETCH_BYTES zero bytes */
static bool has_instruction;

static uint32_t over_zeros(uint32_t sum, size_t n)
{
    while (n--)
        sum = table[sum & 0xff] ^ (sum >> 8);
    return sum;
}

/* Before main, so that no thread ever sees a half-made table. */
__attribute__((constructor)) static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t sum = i;
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? (sum >> 1) ^ POLYNOMIAL : sum >> 1;
        table[i] = sum;
    }
    for (uint32_t k = 0; k < 4; k++)
        for (uint32_t i = 0; i < 256; i++)
            skip[k][i] = over_zeros(i << (8 * k), STRETCH_BYTES);
#ifdef __x86_64__
    has_instruction = __builtin_cpu_supports("sse4.2");
#endif
}

uint32_t crc32c_table(uint32_t before, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint32_t sum = ~before;
    for (size_t i = 0; i < n; i++)
        sum = table[(sum ^ p[i]) & 0xff] ^ (sum >> 8);
    return ~sum;
}

#ifdef __x86_64__
static uint64_t word(const unsigned char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    return w;
}

static uint32_t moved(uint64_t sum)
{
    return skip[0][sum & 0xff] ^ skip[1][sum >> 8 & 0xff] ^ skip[2][sum >> 16 & 0xff] ^
           skip[3][sum >> 24 & 0xff];
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t before,
                                                                 const unsigned char *p, size_t n)
{
    uint64_t a = ~before;
    for (; n >= 3 * STRETCH_BYTES; p += 3 * STRETCH_BYTES, n -= 3 * STRETCH_BYTES) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < STRETCH_BYTES; i += 8) {
            a = __builtin_ia32_crc32di(a, word(p + i));
            b = __builtin_ia32_crc32di(b, word(p + STRETCH_BYTES + i));
            c = __builtin_ia32_crc32di(c, word(p + 2 * STRETCH_BYTES + i));
        }
        a = moved(moved(a) ^ b) ^ c;
    }
    for (; n >= 8; p += 8, n -= 8)
        a = __builtin_ia32_crc32di(a, word(p));
    for (; n; p++, n--)
        a = __builtin_ia32_crc32qi((uint32_t)a, *p);
    return ~(uint32_t)a;
}
#endif

uint32_t crc32c(uint32_t before, const void *bytes, size_t n)
{
#ifdef __x86_64__
    if (has_instruction)
        return by_instruction(before, bytes, n);
#endif
    return crc32c_table(before, bytes, n);
}
