/* base_n_test.c - base32 and base64: known answers, and that nothing has two spellings. */
#include "tests/test.h"
#include "codec/base32.h"
#include "codec/base64.h"

TEST(base32, known_answers)
{
    char text[16];
    base32_encode(BASE32_RFC4648, text, "foobar", 6); /* RFC 4648, chapter 10, without padding */
    CHECK_STR(str_of(text, BASE32_CHARS(6)), STR("MZXW6YTBOI"));
    base32_encode(BASE32_RFC4648, text, "fooba", 5);
    CHECK_STR(str_of(text, BASE32_CHARS(5)), STR("MZXW6YTB"));
    base32_encode(BASE32_CROCKFORD, text, "foobar", 6);
    CHECK_STR(str_of(text, BASE32_CHARS(6)), STR("CSQPYRK1E8"));
}

TEST(base32, every_length_returns)
{
    unsigned char bytes[41], back[41];
    char text[BASE32_CHARS(41)];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 37 + 200);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        for (int alphabet = BASE32_CROCKFORD; alphabet <= BASE32_RFC4648; alphabet++) {
            base32_encode((enum base32)alphabet, text, bytes, n);
            str s = str_of(text, BASE32_CHARS(n));
            CHECK(base32_decode((enum base32)alphabet, s, back, n));
            CHECK(memcmp(bytes, back, n) == 0);
        }
    }
}

TEST(base32, people_may_type_it_their_way)
{
    unsigned char a[10], b[10];
    CHECK(base32_decode(BASE32_CROCKFORD, STR("0123456789ABCDEF"), a, 10));
    CHECK(base32_decode(BASE32_CROCKFORD, STR("oI2L 4567-89ab-cdef"), b, 10) == true);
    CHECK(memcmp(a, b, 1) == 0);
    CHECK(base32_decode(BASE32_CROCKFORD, STR("OL23-4567-89ab-cdef"), b, 10));
    CHECK(memcmp(a, b, 10) == 0);
}

TEST(base32, what_is_not_exact_is_refused)
{
    unsigned char bytes[10];
    CHECK(!base32_decode(BASE32_CROCKFORD, STR("0123456789ABCDE"), bytes, 10));
    CHECK(!base32_decode(BASE32_CROCKFORD, STR("0123456789ABCDEF0"), bytes, 10));
    CHECK(!base32_decode(BASE32_CROCKFORD, STR("U123456789ABCDEF"), bytes, 10));
    CHECK(!base32_decode(BASE32_CROCKFORD,
                         STR("012345678\xc3\xa9"
                             "ABCDE"),
                         bytes, 10));
    CHECK(!base32_decode(BASE32_CROCKFORD, (str){ "\0", 1 }, bytes, 0));
    CHECK(base32_decode(BASE32_CROCKFORD, STR("00"), bytes, 1));
    CHECK(!base32_decode(BASE32_CROCKFORD, STR("01"), bytes, 1)); /* bits are left over */
    CHECK(!base32_decode(BASE32_RFC4648, STR("M0"), bytes, 1));
}

TEST(base64, known_answers)
{
    char text[16];
    CHECK_STR(str_of(text, base64_encode(BASE64_PADDED, text, "fooba", 5)), STR("Zm9vYmE="));
    CHECK_STR(str_of(text, base64_encode(BASE64_PADDED, text, "foob", 4)), STR("Zm9vYg=="));
    CHECK_STR(str_of(text, base64_encode(BASE64_URL, text, "foob", 4)), STR("Zm9vYg"));
    CHECK_STR(str_of(text, base64_encode(BASE64_URL, text, "\xff\xef\xbe", 3)), STR("_---"));
    CHECK_STR(str_of(text, base64_encode(BASE64_PADDED, text, "\xff\xef\xbe", 3)), STR("/+++"));
}

TEST(base64, every_length_returns)
{
    unsigned char bytes[40], back[40];
    char text[BASE64_PADDED_CHARS(40)];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 91 + 130);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        for (int kind = BASE64_URL; kind <= BASE64_PADDED; kind++) {
            size_t got, chars = base64_encode((enum base64)kind, text, bytes, n);
            CHECK_EQ(chars, kind == BASE64_URL ? BASE64URL_CHARS(n) : BASE64_PADDED_CHARS(n));
            CHECK(base64_decode((enum base64)kind, str_of(text, chars), back, n, &got));
            CHECK_EQ(got, n);
            CHECK(memcmp(bytes, back, n) == 0);
            CHECK(n == 0 ||
                  !base64_decode((enum base64)kind, str_of(text, chars), back, n - 1, &got));
        }
    }
}

TEST(base64, nothing_has_two_spellings)
{
    static const char *const bad_url[] = { "Z",     "Zh",     "Zm9=", "Zm9vYg==",
                                           "Zm 9v", "Zm9v\n", "+/+/", "Zm9vYh" };
    static const char *const bad_padded[] = { "Zm9vYg", "Zm9vYg=", "Zm9vYh==", "====",
                                              "Z===",   "-_-_",    "Zm9vYg===" };
    unsigned char bytes[16];
    size_t n;
    for (size_t i = 0; i < COUNT(bad_url); i++)
        CHECK(!base64_decode(BASE64_URL, str_z(bad_url[i]), bytes, sizeof(bytes), &n));
    for (size_t i = 0; i < COUNT(bad_padded); i++)
        CHECK(!base64_decode(BASE64_PADDED, str_z(bad_padded[i]), bytes, sizeof(bytes), &n));
}
