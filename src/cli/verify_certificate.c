/* verify_certificate.c - `examhall verify certificate`: does this rehearsal still speak for this
 * program, this spec and this roster? First the signature: unsigned words are not worth comparing.
 */
#include "cli/certify.h"
#include "cli/verify.h"
#include "codec/json_out.h"

#include <time.h>

#define CERTIFICATE_BYTES_MAX (1 * MIB)

struct finding {
    struct certificate certificate; /* all zeros when the signature is not true */
    struct minisign_public key;
    struct doubt doubts[DOUBTS_MAX];
    unsigned count;
};

/* "2027-01-22T03:30:00Z", as this command prints it (thousandths may follow the seconds). */
static bool time_read(const char *text, instant *at)
{
    struct tm tm = { 0 };
    char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = 0;
    if (end && *end == '.' && strlen(end) == 5 && str_i64(str_of(end + 1, 3), &ms))
        end += 4;
    if (!end || strcmp(end, "Z") != 0 || ms < 0)
        return false;
    *at = timegm(&tm) * (instant)1000 + ms;
    return true;
}

static fail at_read(const char *text, instant *at, struct why *why)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *at = now.tv_sec * (instant)1000 + now.tv_nsec / 1000000;
    if (text && !time_read(text, at))
        return fail_set(why, FAIL_USAGE,
                        "--at is \"%.40s\", but must be UTC such as "
                        "2027-01-22T03:30:00Z",
                        text);
    return FAIL_NONE;
}

static void doubt_signature(struct finding *finding, const struct why *why)
{
    struct doubt *doubt = &finding->doubts[finding->count++];
    doubt->slug = "signature";
    snprintf(doubt->text, sizeof(doubt->text), "%.270s", why->text);
}

static fail look(struct finding *finding, const struct verify_opts *opts, struct arena *arena,
                 struct why *why)
{
    char path[4200];
    str text, signature;
    instant at;
    struct certified now;
    struct certified_from from = { opts->dir, opts->binary, opts->image, opts->spec, opts->roster };
    snprintf(path, sizeof(path), "%s.minisig", opts->file);
    fail f = at_read(opts->at, &at, why);
    if (!f)
        f = file_read(opts->file, CERTIFICATE_BYTES_MAX, arena, &text, why);
    if (!f)
        f = file_read(path, CERTIFICATE_BYTES_MAX, arena, &signature, why);
    if (!f)
        f = certify_public(&finding->key, opts->key, opts->dir, why);
    if (f)
        return f;
    f = minisign_verify(signature, text, &finding->key, NULL, why);
    if (!f)
        f = why_add(why, certificate_parse(&finding->certificate, text, arena, why),
                    "it is signed, but no certificate");
    if (f) {
        finding->certificate = (struct certificate){ 0 };
        doubt_signature(finding, why);
        return FAIL_NONE;
    }
    f = certified_read(&now, &from, why);
    if (!f)
        finding->count = certificate_doubts(finding->doubts, &finding->certificate, &now, at);
    return f;
}

static void json_write(struct out *out, const struct finding *finding)
{
    const struct certificate *c = &finding->certificate;
    jo_open(out, NULL, '{');
    jo_bool(out, "valid", finding->count == 0);
    jo_open(out, "reasons", '[');
    for (unsigned i = 0; i < finding->count; i++) {
        jo_open(out, NULL, '{');
        jo_z(out, "reason", finding->doubts[i].slug);
        jo_z(out, "detail", finding->doubts[i].text);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_str(out, "hall", c->hall);
    jo_str(out, "verdict", c->verdict);
    jo_str(out, "profile", c->profile);
    jo_i64(out, "candidates", c->candidates);
    jo_i64(out, "minutes", c->minutes);
    jo_i64(out, "save_every_s", c->save_every_s);
    jo_i64(out, "kills", c->kills);
    jo_i64(out, "upgrades", c->upgrades);
    jo_bool(out, "tls", c->tls);
    jo_at(out, "made_at", c->made_at);
    jo_at(out, "expires_at", c->expires_at);
    jo_str(out, "version", c->version);
    jo_name(out, "key");
    out_fmt(out, "\"%llX\"}\n", (unsigned long long)minisign_id(finding->key.id));
}

static void text_write(struct out *out, const struct finding *finding)
{
    const struct certificate *c = &finding->certificate;
    if (finding->count)
        out_z(out, "VOID:\n");
    for (unsigned i = 0; i < finding->count; i++)
        out_fmt(out, "  - %s\n", finding->doubts[i].text);
    if (finding->count)
        return;
    out_fmt(out, "Valid. The hall %.*s passed a rehearsal with %lld candidates (profile %.*s) on ",
            STR_ARG(c->hall), (long long)c->candidates, STR_ARG(c->profile));
    out_time(out, c->made_at);
    out_fmt(out,
            ".\nThey sat %lld minutes over %s and saved every %lld s, while %lld processes were "
            "killed and all were upgraded %lld times",
            (long long)c->minutes, c->tls ? "TLS" : "plain HTTP, without TLS",
            (long long)c->save_every_s, (long long)c->kills, (long long)c->upgrades);
    out_z(out, ".\nProgram, spec and roster are those that were rehearsed. It expires at ");
    out_time(out, c->expires_at);
    out_fmt(out, ".\nSigned by the key %llX.\n", (unsigned long long)minisign_id(finding->key.id));
}

int verify_certificate(const struct verify_opts *opts)
{
    struct finding finding = { 0 };
    struct arena arena = arena_make(8 * MIB);
    struct out out = out_make(64 * KIB);
    struct why why;
    fail f = look(&finding, opts, &arena, &why);
    int status = f ? complain(f, &why) : finding.count ? EXIT_NO : EXIT_DONE;
    if (!f)
        (is_json_wanted() ? json_write : text_write)(&out, &finding);
    if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout))
        status = EXIT_WORLD;
    out_fini(&out);
    arena_fini(&arena);
    return status;
}
