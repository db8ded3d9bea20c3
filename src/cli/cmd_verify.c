/* cmd_verify.c - `examhall verify`: the table of what can be checked; and the receipt, which needs
 * no hall, only its key: is this what the hall signed? */
#include "app/service.h"
#include "cli/verify.h"
#include "svc/answers/answers_api.h"

#include <sodium.h>

static fail load_key(const char *path, uint8_t key[32], struct arena *arena, struct why *why)
{
    str text;
    size_t n = 0;
    fail f = file_read(path, 4 * KIB, arena, &text, why);
    if (f)
        return f;
    text = str_trim(text);
    if (sodium_hex2bin(key, 32, text.p, text.n, NULL, &n, NULL) || n != 32 || text.n != 64)
        return fail_set(why, FAIL_USAGE, "%s is not a receipt key: 64 hexadecimal digits", path);
    return FAIL_NONE;
}

static int report(const struct receipt *receipt, fail f, const struct why *why)
{
    struct out out = out_make(8 * KIB);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_bool(&out, "valid", !f);
        jo_str(&out, "exam", receipt->exam);
        jo_str(&out, "roll", receipt->roll);
        jo_i64(&out, "answered", receipt->answered);
        jo_i64(&out, "submitted_at", receipt->submitted_at);
        jo_z(&out, "reason", f ? why->text : "");
        out_z(&out, "}\n");
    } else if (f) {
        out_fmt(&out, "NOT TRUE: %s.\n", why->text);
    } else {
        out_fmt(&out,
                "True. The hall %.*s confirms: roll number %.*s submitted %lld answers (%lld "
                "saves) to %.*s at ",
                STR_ARG(receipt->hall), STR_ARG(receipt->roll), (long long)receipt->answered,
                (long long)receipt->saves, STR_ARG(receipt->exam));
        out_time(&out, receipt->submitted_at);
        out_z(&out, ".\n");
    }
    fwrite(out.p, 1, out.n, stdout);
    out_fini(&out);
    return f ? EXIT_NO : EXIT_DONE;
}

int verify_receipt(const struct verify_opts *opts)
{
    char default_key[4096];
    struct why why;
    str text;
    uint8_t key[32];
    struct receipt receipt = { 0 };
    struct arena arena = arena_make(4 * MIB);
    must(sodium_init() >= 0);
    snprintf(default_key, sizeof(default_key), "%s/keys/receipt.pub",
             opts->dir ? opts->dir : "hall");
    fail f = load_key(opts->key ? opts->key : default_key, key, &arena, &why);
    if (!f)
        f = file_read(opts->file, MIB, &arena, &text, &why);
    if (f) {
        arena_fini(&arena);
        return complain(f, &why);
    }
    f = receipt_parse(&receipt, text, &arena, &why);
    if (f)
        f = fail_set(&why, FAIL_CONFLICT, "%s is not a receipt", opts->file);
    else
        f = receipt_verify(&receipt, key, &why);
    int status = report(&receipt, f, &why);
    arena_fini(&arena);
    return status;
}

int cmd_verify(int argc, char **argv)
{
    static const struct {
        const char *what;
        int (*run)(const struct verify_opts *opts);
        bool tied; /* to a program, a spec, a roster and a time */
    } kinds[] = { { "receipt", verify_receipt, false },
                  { "certificate", verify_certificate, true } };
    struct verify_opts opts = { 0 };
    const char *words[2];
    size_t words_n;
    bool stop;
    const struct option options[] = {
        { "--data", &opts.dir, NULL },      { "--key", &opts.key, NULL },
        { "--spec", &opts.spec, NULL },     { "--roster", &opts.roster, NULL },
        { "--binary", &opts.binary, NULL }, { "--image", &opts.image, NULL },
        { "--at", &opts.at, NULL },
    };
    int status = args_parse(argc, argv, options, COUNT(options), words, 2, &words_n, &stop);
    if (status || stop)
        return status;
    bool tied = opts.spec || opts.roster || opts.binary || opts.image || opts.at;
    if (opts.binary && opts.image) {
        fprintf(stderr, "examhall verify: either --binary FILE or --image LAYOUT\n");
        return EXIT_USAGE;
    }
    opts.file = words_n == 2 ? words[1] : NULL;
    for (size_t i = 0; i < COUNT(kinds) && opts.file; i++)
        if (strcmp(words[0], kinds[i].what) == 0 && (kinds[i].tied || !tied))
            return kinds[i].run(&opts);
    return help_for("verify", stderr);
}
