/* minisign_test.c - files signed as the program minisign signs them, with its own work as witness.
 */
#include "crypto/minisign.h"
#include "tests/test.h"

/* Made by minisign 0.11: `minisign -G -W`, and `minisign -S` of a file of one line, "hello". */
#define SECRET                                                                                     \
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJB0p"                 \
    "IkUMKAh+R+WAB686+N+N6T7cR4Lw4HL0gmilXXSYUxumNDUt/Aibf3GPoNfccfqh40DEjPoUooEt"                 \
    "JCrxzJLEWHmzCrrMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define PUBLIC  "RWQkHSkiRQwoCAibf3GPoNfccfqh40DEjPoUooEtJCrxzJLEWHmzCrrM\n"
#define COMMENT "timestamp:1795646179\tfile:f\thashed"
#define SIGNATURE                                                                                  \
    "RUQkHSkiRQwoCM45KaxkHOl8AjCggI/x/0yqWzMMVFVi5HGcLjuS/Z1XDrYDJKMBM8YfgIxKZo/0htsBFuPsLprzIYvV" \
    "bDcf/g4=\n"
#define WHOLE                                                                                      \
    "v7LBuo04U/OVduTCPO2w2u9p4VD/4D5bI78JEY8gdey1DPZBfK566ksLNEP4OdfJjgTS5M7n9KWpLrXdY1hoBg==\n"
#define UNTRUSTED "untrusted comment: of a test\n"
#define MINISIG   UNTRUSTED SIGNATURE "trusted comment: " COMMENT "\n" WHOLE

static struct why why;

TEST(minisign, what_minisign_signed_is_true_here)
{
    struct minisign_public key;
    str comment;
    CHECK_OK(minisign_public_read(&key, STR(UNTRUSTED PUBLIC), &why));
    CHECK_EQ(minisign_id(key.id), 0x8280C4522291D24);
    CHECK_OK(minisign_verify(STR(MINISIG), STR("hello\n"), &key, &comment, &why));
    CHECK_STR(comment, STR(COMMENT));
}

TEST(minisign, with_minisigns_key_the_signature_is_the_same_to_the_byte)
{
    struct minisign_key key;
    struct out out = out_make(4 * KIB);
    CHECK_OK(minisign_key_read(&key, STR(UNTRUSTED SECRET), &why));
    minisign_sign(&out, &key, STR("hello\n"), STR(COMMENT));
    CHECK(str_ends(out_view(&out), STR("\n" SIGNATURE "trusted comment: " COMMENT "\n" WHOLE)));
    out_clear(&out);
    struct minisign_public public_key = minisign_public_of(&key);
    minisign_public_write(&out, &public_key);
    CHECK_STR(out_view(&out),
              STR("untrusted comment: minisign public key 8280C4522291D24\n" PUBLIC));
    out_fini(&out);
    minisign_fini(&key);
}

TEST(minisign, a_key_made_here_is_read_back_and_a_damaged_one_is_refused)
{
    struct minisign_key key, again;
    struct chance chance;
    struct out out = out_make(4 * KIB);
    chance_sim_init(&chance, test_seed());
    minisign_make(&key, &chance);
    minisign_key_write(&out, &key);
    CHECK_OK(minisign_key_read(&again, out_view(&out), &why));
    CHECK(memcmp(&key, &again, sizeof(key)) == 0);
    out.p[out.n - 100] ^= 1; /* within the secret */
    CHECK_EQ(minisign_key_read(&again, out_view(&out), &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("damaged"));
    out_fini(&out);
}

TEST(minisign, a_key_whose_halves_do_not_belong_together_is_refused)
{
    struct minisign_key key;
    char text[] = UNTRUSTED SECRET;
    text[sizeof(UNTRUSTED) + 90] ^= 1; /* minisign -W writes no checksum that would tell */
    CHECK_EQ(minisign_key_read(&key, str_z(text), &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("damaged"));
}

TEST(minisign, a_key_with_a_password_is_refused_with_what_to_do)
{
    struct minisign_key key;
    char text[] = UNTRUSTED SECRET;
    memcpy(text + sizeof(UNTRUSTED) - 1, "RWRTY0Iy", 8); /* "Ed" "Sc" "B2" */
    CHECK_EQ(minisign_key_read(&key, str_z(text), &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("minisign -G -W"));
}

TEST(minisign, a_changed_byte_of_file_signature_or_comment_is_noticed)
{
    struct minisign_public key;
    char text[] = MINISIG;
    CHECK_OK(minisign_public_read(&key, STR(UNTRUSTED PUBLIC), &why));
    CHECK_EQ(minisign_verify(STR(MINISIG), STR("hello"), &key, NULL, &why), FAIL_CONFLICT);
    CHECK_EQ(minisign_verify(STR(MINISIG), STR("hellp\n"), &key, NULL, &why), FAIL_CONFLICT);
    CHECK_HAS(str_z(why.text), STR("the file was changed"));
    for (size_t i = sizeof(UNTRUSTED) - 1; i < sizeof(text) - 1; i++) {
        text[i] ^= 1;
        if (!minisign_verify(str_of(text, sizeof(text) - 1), STR("hello\n"), &key, NULL, &why))
            test_failed(__FILE__, __LINE__, "true with byte %zu changed: %s", i, text);
        text[i] ^= 1;
    }
    CHECK_OK(minisign_verify(STR(MINISIG), STR("hello\n"), &key, NULL, &why));
}

TEST(minisign, another_key_is_said_by_its_number)
{
    struct minisign_key key;
    struct chance chance;
    chance_sim_init(&chance, test_seed());
    minisign_make(&key, &chance);
    struct minisign_public other = minisign_public_of(&key);
    CHECK_EQ(minisign_verify(STR(MINISIG), STR("hello\n"), &other, NULL, &why), FAIL_CONFLICT);
    CHECK_HAS(str_z(why.text), STR("signed by the key 8280C4522291D24, not by"));
    memcpy(other.id, "\x24\x1d\x29\x22\x45\x0c\x28\x08", 8); /* the number is no proof */
    CHECK_EQ(minisign_verify(STR(MINISIG), STR("hello\n"), &other, NULL, &why), FAIL_CONFLICT);
    CHECK_HAS(str_z(why.text), STR("changed"));
}

TEST(minisign, text_that_is_no_key_and_no_signature_is_refused)
{
    static const char *const texts[] = { "",
                                         "\n",
                                         "untrusted comment: x",
                                         "untrusted comment: x\n",
                                         "untrusted comment: x\nAAAA\n",
                                         PUBLIC,
                                         UNTRUSTED SIGNATURE,
                                         "comment: x\n" PUBLIC,
                                         UNTRUSTED SIGNATURE "trusted comment: x\n" };
    struct minisign_public public_key = { { 0 }, { 0 } };
    struct minisign_key key;
    for (size_t i = 0; i < COUNT(texts); i++) {
        str text = str_z(texts[i]);
        CHECK_EQ(minisign_verify(text, STR("hello\n"), &public_key, NULL, &why), FAIL_INPUT);
        CHECK_EQ(minisign_public_read(&public_key, text, &why), FAIL_INPUT);
        CHECK_EQ(minisign_key_read(&key, text, &why), FAIL_INPUT);
    }
}

TEST(minisign, a_signature_of_the_file_itself_and_not_of_its_hash_is_not_taken)
{
    struct minisign_public key;
    char text[] = MINISIG;
    CHECK_OK(minisign_public_read(&key, STR(UNTRUSTED PUBLIC), &why));
    memcpy(text + sizeof(UNTRUSTED) - 1, "RWQk", 4); /* "Ed" for "ED" */
    CHECK_EQ(minisign_verify(str_z(text), STR("hello\n"), &key, NULL, &why), FAIL_INPUT);
}
