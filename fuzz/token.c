/* token.c - any bytes as a session's token, as an admit card's code, and as a receipt. What is
 * taken is what we ourselves would write; nothing that we did not sign is taken. */
#include "base/out.h"
#include "crypto/code.h"
#include "crypto/keys.h"
#include "crypto/token.h"
#include "svc/answers/answers_api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t master[32] = "the master key of this fuzzer..";

static void check_token(str text, const struct keys *keys)
{
    struct token token;
    struct why why;
    char again[TOKEN_CHARS + 1];
    if (token_read(&token, text, keys->token, 1, &why))
        return;
    token_write(&token, keys->token, again); /* 128 bits of MAC: only a corpus entry gets here */
    must(str_eq(text, str_z(again)));
}

static void check_code(str typed)
{
    char code[CODE_CHARS + 1], again[CODE_CHARS + 1];
    if (!code_normalise(code, typed))
        return;
    must(strlen(code) == CODE_CHARS);
    must(code_normalise(again, str_z(code)) && code_equal(code, again));
}

static void check_receipt(str text, const struct keys *keys)
{
    struct arena arena = arena_make(4 * MIB);
    struct receipt receipt = { 0 };
    struct why why;
    struct out out = out_make(64 * KIB);
    if (!receipt_parse(&receipt, text, &arena, &why)) {
        receipt_line(&out, &receipt);
        fail_ignore(receipt_verify(&receipt, keys->sign_public, &why), "made-up ones are refused");
    }
    out_fini(&out);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keys keys;
    static bool made;
    if (!made)
        keys_from_master(&keys, master);
    made = true;
    str text = str_of(data, size);
    check_token(text, &keys);
    check_code(text);
    check_receipt(text, &keys);
    return 0;
}
