/* cmd_officer.c - `examhall officer add`: another officer, or the first one of a hall that was not
 * made by `init`, such as one in a cluster, whose keys come from a secret. */
#include "app/service.h"
#include "cli/officer.h"
#include "codec/base32.h"
#include "crypto/password.h"

#include <sodium.h>

fail officer_add(struct new_officer *officer, const char *name, struct admin *admin,
                 struct chance *chance, struct why *why)
{
    uint8_t secret[TOTP_SECRET_BYTES];
    char hex[2 * TOTP_SECRET_BYTES + 1];
    struct out body = out_make(4 * KIB);
    struct arena arena = arena_make(MIB);
    str reply;
    chance_fill(chance, secret, sizeof(secret));
    password_make(officer->password, chance);
    base32_encode(BASE32_RFC4648, officer->totp_secret, secret, sizeof(secret));
    officer->totp_secret[BASE32_CHARS(sizeof(secret))] = 0;
    jo_open(&body, NULL, '{');
    jo_z(&body, "name", name);
    jo_z(&body, "password", officer->password);
    jo_z(&body, "totp_secret_hex", sodium_bin2hex(hex, sizeof(hex), secret, sizeof(secret)));
    jo_close(&body, '}');
    fail f = admin_call(admin, "POST", "/v1/officers", out_view(&body), &arena, &reply, why);
    sodium_memzero(body.p, body.n);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(hex, sizeof(hex));
    out_fini(&body);
    arena_fini(&arena);
    return f;
}

static void print(const struct new_officer *officer, const char *name)
{
    struct out out = out_make(4 * KIB);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_z(&out, "name", name);
        jo_z(&out, "password", officer->password);
        jo_z(&out, "totp_secret", officer->totp_secret);
        out_z(&out, "}\n");
    } else {
        out_fmt(&out,
                "name      %s\npassword  %s\none-time code, for an authenticator app:\n"
                "otpauth://totp/examhall:%s?secret=%s&issuer=examhall\n"
                "(shown only now; the hall keeps a hash)\n",
                name, officer->password, name, officer->totp_secret);
    }
    fwrite(out.p, 1, out.n, stdout);
    fflush(stdout);
    sodium_memzero(out.p, out.n);
    out_fini(&out);
}

int cmd_officer(int argc, char **argv)
{
    const char *given = NULL, *dir, *words[2];
    size_t n;
    bool stop;
    struct why why;
    struct chance chance;
    struct new_officer officer = { 0 };
    struct admin *admin = NULL;
    const struct option options[] = { { "--data", &given, NULL } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 2, &n, &stop);
    if (status || stop)
        return status;
    if (n != 2 || strcmp(words[0], "add") != 0)
        return help_for("officer", stderr);
    chance_real_init(&chance);
    fail f = hall_dir(given, &dir, &why);
    if (!f)
        f = admin_open(&admin, dir, &why);
    if (!f)
        f = officer_add(&officer, words[1], admin, &chance, &why);
    admin_close(admin);
    if (!f)
        print(&officer, words[1]);
    sodium_memzero(&officer, sizeof(officer));
    return f ? complain(f, &why) : EXIT_DONE;
}
