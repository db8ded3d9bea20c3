/* crypto_test.c - codes, tokens, keys, passwords, one-time codes: known answers and refusals. */
#include "crypto/cert.h"
#include "crypto/code.h"
#include "crypto/gate_key.h"
#include "crypto/keys.h"
#include "crypto/password.h"
#include "crypto/token.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t key[32] = "a key of thirty-two bytes here.";

/* --- codes -------------------------------------------------------------------------------------
 */

TEST(crypto, a_code_is_a_function_of_key_roll_number_and_serial)
{
    char a[CODE_CHARS + 1], b[CODE_CHARS + 1];
    uint8_t other[32];
    memcpy(other, key, 32);
    other[31] ^= 1;
    code_make(a, key, STR("100001"), 0);
    code_make(b, key, STR("100001"), 0);
    CHECK(code_equal(a, b));
    code_make(b, key, STR("100002"), 0);
    CHECK(!code_equal(a, b));
    code_make(b, key, STR("100001"), 1);
    CHECK(!code_equal(a, b));
    code_make(b, other, STR("100001"), 0);
    CHECK(!code_equal(a, b));
}

TEST(crypto, a_code_is_read_however_it_is_typed)
{
    char code[CODE_CHARS + 1], typed[64], read[CODE_CHARS + 1];
    for (unsigned i = 0; i < 200; i++) {
        char roll[16];
        size_t n = 0;
        snprintf(roll, sizeof(roll), "%u", i);
        code_make(code, key, str_z(roll), 0);
        for (size_t k = 0; k < CODE_CHARS; k++) {
            char c = code[k];
            if (k % 4 == 0)
                typed[n++] = k % 8 ? '-' : ' ';
            typed[n++] = c == '0'   ? "oO"[i % 2]
                         : c == '1' ? "iIlL"[i % 4]
                         : i % 3    ? (char)(c >= 'A' ? c | 32 : c)
                                    : c;
        }
        CHECK(code_normalise(read, str_of(typed, n)));
        CHECK(code_equal(code, read));
    }
}

TEST(crypto, every_single_wrong_symbol_of_a_code_is_noticed_before_it_is_sent)
{
    static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    char code[CODE_CHARS + 1], wrong[CODE_CHARS + 1], read[CODE_CHARS + 1];
    code_make(code, key, STR("100001"), 0);
    for (size_t i = 0; i < CODE_CHARS; i++)
        for (size_t k = 0; k < 32; k++) {
            memcpy(wrong, code, sizeof(wrong));
            wrong[i] = symbols[k];
            CHECK_EQ(code_normalise(read, str_z(wrong)), wrong[i] == code[i]);
        }
    const char *none[] = { "", "U", "0123456789ABCDE", "0123456789ABCDEFG", "\xc3\x84", "a\0b" };
    for (size_t i = 0; i < COUNT(none); i++)
        CHECK(!code_normalise(read, str_z(none[i])));
    CHECK(!code_normalise(read, str_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16)));
}

/* --- tokens ------------------------------------------------------------------------------------
 */

TEST(crypto, a_token_says_what_was_signed_until_it_expires)
{
    struct token token = { TOKEN_OFFICER, 7, 123456, 65001, 1800000000000 }, read;
    struct why why;
    char text[TOKEN_CHARS + 1];
    token_write(&token, key, text);
    CHECK_EQ(strlen(text), TOKEN_CHARS);
    CHECK_OK(token_read(&read, str_z(text), key, 1799999999999, &why));
    CHECK(read.kind == token.kind && read.role == token.role && read.subject == token.subject &&
          read.epoch == token.epoch && read.expires == token.expires);
    CHECK_EQ(token_read(&read, str_z(text), key, 1800000000000, &why), FAIL_UNSIGNED);
}

TEST(crypto, random_bytes_are_never_a_token)
{
    static const char symbols[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct chance chance;
    struct token read;
    struct why why;
    char text[TOKEN_CHARS];
    chance_sim_init(&chance, test_seed());
    for (int i = 0; i < 20000; i++) {
        for (size_t k = 0; k < TOKEN_CHARS; k++)
            text[k] = symbols[chance_below(&chance, 64)];
        memcpy(text, "AQEA", 4); /* the version and kind of a true one */
        CHECK_EQ(token_read(&read, str_of(text, TOKEN_CHARS), key, 0, &why), FAIL_UNSIGNED);
    }
}

/* --- passwords and one-time codes --------------------------------------------------------------
 */

TEST(crypto, one_time_codes_are_those_of_rfc_6238)
{
    static const uint8_t secret[] = "12345678901234567890";
    static const struct {
        uint64_t at_s;
        uint32_t code;
    } rows[] = { { 59, 287082 },       { 1111111109, 81804 },  { 1111111111, 50471 },
                 { 1234567890, 5924 }, { 2000000000, 279037 }, { 20000000000, 353130 } };
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_EQ(totp_at(secret, 20, rows[i].at_s / TOTP_STEP_S), rows[i].code);
}

TEST(crypto, a_one_time_code_is_taken_a_step_early_or_late_and_never_twice)
{
    static const uint8_t secret[] = "12345678901234567890";
    const instant now = 1111111111000;
    uint64_t step = 1111111111 / TOTP_STEP_S;
    char digits[8];
    for (uint64_t s = step - 3; s <= step + 3; s++) {
        snprintf(digits, sizeof(digits), "%06u", totp_at(secret, 20, s));
        bool near = s + 1 >= step && s <= step + 1;
        CHECK_EQ(totp_check(secret, 20, str_z(digits), now, 0), near ? s : 0);
        CHECK_EQ(totp_check(secret, 20, str_z(digits), now, s), 0); /* used */
    }
    CHECK_EQ(totp_check(secret, 20, STR(""), now, 0), 0);
    CHECK_EQ(totp_check(secret, 20, STR("05047"), now, 0), 0);
    CHECK_EQ(totp_check(secret, 20, STR("0050471"), now, 0), 0);
}

TEST(crypto, a_passwords_hash_takes_it_and_no_other)
{
    char hash[PASSWORD_HASH_CHARS], made[32], again[32];
    struct chance chance;
    struct why why;
    chance_sim_init(&chance, test_seed());
    password_make(made, &chance);
    password_make(again, &chance);
    CHECK_EQ(strlen(made), 23);
    CHECK(strcmp(made, again) != 0);
    CHECK_OK(password_hash(hash, str_z(made), &why));
    CHECK(str_starts(str_z(hash), STR("$argon2id$")));
    CHECK(password_check(hash, str_z(made)));
    CHECK(!password_check(hash, str_z(again)));
    CHECK(!password_check(hash, STR("")));
}

/* --- keys --------------------------------------------------------------------------------------
 */

TEST(crypto, keys_are_made_once_kept_private_and_read_back)
{
    struct chance chance;
    struct keys made, read;
    struct why why;
    struct stat st;
    char path[200];
    const char *dir = test_dir();
    chance_sim_init(&chance, test_seed());
    CHECK_EQ(keys_load(&read, dir, &why), FAIL_MISSING);
    CHECK_OK(keys_create(&made, dir, &chance, &why));
    CHECK_EQ(keys_create(&read, dir, &chance, &why), FAIL_CONFLICT);
    CHECK_OK(keys_load(&read, dir, &why));
    CHECK(memcmp(&made, &read, sizeof(made)) == 0);
    CHECK(memcmp(made.token, made.code, 32) != 0 && memcmp(made.form, made.receipt, 32) != 0);
    snprintf(path, sizeof(path), "%s/keys/master", dir);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(chmod(path, 0644), 0);
    CHECK_EQ(keys_load(&read, dir, &why), FAIL_FORBIDDEN);
    CHECK_HAS(str_z(why.text), STR("chmod 600"));
    CHECK_EQ(chmod(path, 0600), 0);
    CHECK_EQ(truncate(path, 31), 0);
    CHECK_EQ(keys_load(&read, dir, &why), FAIL_CORRUPT);
    CHECK_EQ(truncate(path, 33), 0);
    CHECK_EQ(keys_load(&read, dir, &why), FAIL_CORRUPT);
    keys_fini(&read);
    for (size_t i = 0; i < sizeof(read); i++)
        CHECK_EQ(((const char *)&read)[i], 0);
}

static void key_file(char path[200], const char *name, const char *text, mode_t mode)
{
    snprintf(path, 200, "%s/%s", test_dir(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    CHECK(fd >= 0 && fchmod(fd, mode) == 0);
    CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

TEST(crypto, a_gate_key_is_the_secret_in_its_file_and_needs_enough_of_it)
{
    static const char secret[] = "0123456789abcdef0123456789abcdef";
    struct gate_key one, same, other;
    struct why why;
    char path[200], text[64];
    key_file(path, "one", secret, 0600);
    CHECK_OK(gate_key_load(&one, path, &why));
    snprintf(text, sizeof(text), "%s\n", secret); /* an editor's line feed is not part of it */
    key_file(path, "same", text, 0600);
    CHECK_OK(gate_key_load(&same, path, &why));
    CHECK(memcmp(&one, &same, sizeof(one)) == 0);
    snprintf(text, sizeof(text), "%s!", secret);
    key_file(path, "other", text, 0600);
    CHECK_OK(gate_key_load(&other, path, &why));
    CHECK(memcmp(one.tunnel, other.tunnel, 32) != 0 && memcmp(one.ticket, other.ticket, 80) != 0);
    CHECK(memcmp(one.tunnel, one.ticket, 32) != 0);
    key_file(path, "short", secret + 1, 0600);
    CHECK_EQ(gate_key_load(&other, path, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("openssl rand"));
    CHECK_EQ(gate_key_load(&other, "/nonexistent/gate.key", &why), FAIL_WORLD);
    gate_key_fini(&one);
    for (size_t i = 0; i < sizeof(one); i++)
        CHECK_EQ(((const char *)&one)[i], 0);
}

TEST(crypto, a_secret_is_for_its_owner_or_lent_to_a_group_for_reading)
{
    static const struct {
        bool ours;
        mode_t mode;
        bool open;
    } cases[] = {
        { true, 0600, false }, { true, 0400, false },  { true, 0440, true },
        { true, 0604, true },  { false, 0440, false }, { false, 0400, false },
        { false, 0460, true }, { false, 0444, true },  { false, 0640, false },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stat st = { .st_uid = geteuid() + !cases[i].ours, .st_mode = cases[i].mode };
        CHECK_EQ(secret_is_open(&st), cases[i].open);
    }
}

TEST(crypto, a_certificate_is_made_once_and_its_key_is_private)
{
    struct why why;
    struct stat st;
    char path[200];
    const char *dir = test_dir();
    snprintf(path, sizeof(path), "%s/keys", dir);
    CHECK_EQ(mkdir(path, 0700), 0);
    CHECK_OK(cert_create(dir, "exam.example.org", &why));
    snprintf(path, sizeof(path), "%s/keys/tls.key", dir);
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(cert_create(dir, "exam.example.org", &why), FAIL_WORLD); /* never written over */
}
