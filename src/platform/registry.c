/* registry.c - see registry.h. */
#include "platform/registry.h"

#include "base/out.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "platform/challenge.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#define TRIES_MAX       5
#define PAUSE_MS_MAX    30000
#define TOKEN_BYTES_MAX (16 * KIB)
#define ACCEPT                                                                                     \
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"

struct registry {
    struct registry_opts opts;
    struct web *web;
    struct arena arena;  /* of one call */
    char origin[300];    /* https://registry.example.org:5000 */
    char *authorization; /* "Authorization: ...", or NULL; wiped before it is freed */
};

struct call {
    const char *method;
    const char *url;
    const char *header; /* one more, or NULL */
    str body;
    const char *doing; /* for people: "upload sha256:..." */
};

static void sleep_ms(void *ctx, unsigned ms)
{
    (void)ctx;
    nanosleep(&(struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 }, NULL);
}

/* Where a password may travel without TLS: to this machine only. 127.example.org is elsewhere. */
static bool is_here(const char *host)
{
    str rest = str_z(host), name = str_cut(&rest, ':');
    bool digits = strspn(host, "0123456789.") == name.n;
    return str_eq(name, STR("localhost")) || (digits && str_starts(name, STR("127."))) ||
           strcmp(host, "[::1]") == 0 || str_starts(str_z(host), STR("[::1]:"));
}

fail registry_open(struct registry **out, const struct registry_opts *opts, struct why *why)
{
    if (opts->plain && opts->user.n && !is_here(opts->host))
        return fail_set(why, FAIL_USAGE,
                        "the password would travel to %s without TLS; leave out --plain",
                        opts->host);
    struct registry *registry = calloc(1, sizeof(*registry));
    must(registry);
    registry->opts = *opts;
    if (!registry->opts.pause)
        registry->opts.pause = sleep_ms;
    registry->arena = arena_make(32 * MIB);
    snprintf(registry->origin, sizeof(registry->origin), "http%s://%s", opts->plain ? "" : "s",
             opts->host);
    fail f =
        web_open(&registry->web,
                 &(struct web_opts){ opts->ca_path, opts->plain, opts->progress, opts->ctx }, why);
    if (f) {
        registry_close(registry);
        return f;
    }
    *out = registry;
    return FAIL_NONE;
}

static void set_authorization(struct registry *registry, const char *scheme, str value)
{
    char *old = registry->authorization, *text = NULL;
    if (value.n) {
        size_t bytes = value.n + 64;
        text = malloc(bytes);
        must(text);
        snprintf(text, bytes, "Authorization: %s %.*s", scheme, STR_ARG(value));
    }
    if (old) {
        sodium_memzero(old, strlen(old));
        free(old);
    }
    registry->authorization = text;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    set_authorization(registry, "", STR_NONE);
    web_close(registry->web);
    arena_fini(&registry->arena);
    free(registry);
}

/* --- who asks ----------------------------------------------------------------------------------
 */

/* "name:password" in base64, in the arena of the call. */
static str basic(struct registry *registry)
{
    const struct registry_opts *opts = &registry->opts;
    str both =
        arena_fmt(&registry->arena, "%.*s:%.*s", STR_ARG(opts->user), STR_ARG(opts->password));
    size_t chars = BASE64_PADDED_CHARS(both.n);
    char *text = both.p ? arena_bytes(&registry->arena, chars) : NULL;
    must(text);
    base64_encode(BASE64_PADDED, text, both.p, both.n);
    return str_of(text, chars);
}

static void out_query(struct out *out, const char *name, str value)
{
    out_fmt(out, "%c%s=", str_find(out_view(out), '?') < 0 ? '?' : '&', name);
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c && strchr("-._~", c));
        out_fmt(out, plain ? "%c" : "%%%02X", c);
    }
}

/* A token becomes a part of a header: only what a header may hold. */
static bool is_token(str token)
{
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= ' ' || token.p[i] >= 0x7f)
            return false;
    return token.n > 0 && token.n <= TOKEN_BYTES_MAX;
}

static fail read_token(struct registry *registry, const char *url, const struct web_reply *reply,
                       struct why *why)
{
    struct json *root;
    str token = STR_NONE;
    if (reply->status == 401 || reply->status == 403)
        return fail_set(why, FAIL_FORBIDDEN, "%s does not take the name and password (%u)%s", url,
                        reply->status,
                        registry->opts.user.n ? "" : "; give them with --credentials FILE");
    if (reply->status != 200)
        return fail_set(why, FAIL_WORLD, "%s gives no token, but status %u", url, reply->status);
    fail f = json_parse(&root, reply->body, &registry->arena, why);
    if (!f)
        f = json_str(root, "token", false, &token, why);
    if (!f && !token.n)
        f = json_str(root, "access_token", false, &token, why);
    if (f || !is_token(token))
        return fail_set(why, FAIL_WORLD, "%s gives no token that can be used", url);
    set_authorization(registry, "Bearer", token);
    return FAIL_NONE;
}

static fail fetch_token(struct registry *registry, const struct challenge *challenge,
                        struct why *why)
{
    const struct registry_opts *opts = &registry->opts;
    struct web_reply reply;
    struct out url = out_make(8 * KIB);
    str scope = challenge->scope;
    if (!scope.n)
        scope = arena_fmt(&registry->arena, "repository:%s:pull,push", opts->repository);
    out_str(&url, challenge->realm);
    if (challenge->service.n)
        out_query(&url, "service", challenge->service);
    out_query(&url, "scope", scope);
    out_char(&url, 0);
    str header = opts->user.n ? arena_fmt(&registry->arena, "Authorization: Basic %.*s",
                                          STR_ARG(basic(registry)))
                              : STR_NONE;
    fail f = url.failed ? fail_set(why, FAIL_WORLD, "its realm is too long") : FAIL_NONE;
    if (!f)
        f = web_send(registry->web,
                     &(struct web_request){
                         .method = "GET", .url = url.p, .headers = { header.p }, .body = STR_NONE },
                     &registry->arena, &reply, why);
    if (!f)
        f = read_token(registry, url.p, &reply, why);
    out_fini(&url);
    return f;
}

static fail authenticate(struct registry *registry, str challenges, struct why *why)
{
    struct challenge challenge;
    const struct registry_opts *opts = &registry->opts;
    bool https, plain;
    if (!challenge_read(&challenge, challenges))
        return fail_set(why, FAIL_WORLD,
                        "%s wants credentials in a way that is not known here (%.*s): Basic and "
                        "Bearer are",
                        opts->host, STR_ARG(str_first(challenges, 100)));
    https = str_starts(challenge.realm, STR("https://"));
    plain = opts->plain && str_starts(challenge.realm, STR("http://"));
    if (challenge.bearer && (https || plain))
        return fetch_token(registry, &challenge, why);
    if (!challenge.basic)
        return fail_set(why, FAIL_WORLD,
                        "%s sends us for a token to \"%.*s\", which is no https://", opts->host,
                        STR_ARG(str_first(challenge.realm, 100)));
    if (!opts->user.n)
        return fail_set(why, FAIL_FORBIDDEN,
                        "%s wants a name and a password; give a file with --credentials FILE "
                        "(name:password, or docker's config.json)",
                        opts->host);
    set_authorization(registry, "Basic", basic(registry));
    return FAIL_NONE;
}

/* --- one request, as often as it makes sense ---------------------------------------------------
 */

/* "DENIED: requested access to the resource is denied", or the status alone. */
static str said(const struct web_reply *reply, struct arena *arena)
{
    struct json *root;
    struct why ignored;
    str code = STR(""), message = STR("");
    if (!json_parse(&root, reply->body, arena, &ignored)) {
        const struct json *errors = json_get(root, STR("errors"));
        const struct json *first = errors ? errors->first : NULL;
        if (first && (json_str(first, "code", false, &code, &ignored) ||
                      json_str(first, "message", false, &message, &ignored)))
            code = message = STR("");
    }
    return arena_fmt(arena, "%u%s%.*s%s%.*s", reply->status, code.n ? " " : "",
                     STR_ARG(str_first(code, 60)), message.n ? ": " : "",
                     STR_ARG(str_first(message, 120)));
}

static fail refusal(struct registry *registry, const struct call *call,
                    const struct web_reply *reply, struct why *why)
{
    static const struct {
        unsigned from, to;
        fail code;
        const char *remedy;
    } table[] = {
        { 400, 400, FAIL_WORLD, "is it an OCI registry, and is the tag one that may be moved?" },
        { 401, 401, FAIL_FORBIDDEN, "it does not take the name and password in the credentials" },
        { 403, 403, FAIL_FORBIDDEN, "this account may not push there; ask for that right" },
        { 404, 404, FAIL_MISSING, "is the name right? Some registries want it made first" },
        { 405, 405, FAIL_WORLD, "this registry only gives; it takes nothing" },
        { 409, 409, FAIL_CONFLICT, "the tag is there already and may not be moved; use another" },
        { 413, 413, FAIL_LIMIT,
          "it is too large for the registry or a proxy before it; raise "
          "their limit" },
        { 429, 429, FAIL_BUSY, "it has had too many requests; wait a while" },
        { 500, 599, FAIL_WORLD,
          "it fails by itself, tried five times; is its disk full? See its "
          "log" },
    };
    str text = said(reply, &registry->arena);
    for (size_t i = 0; i < COUNT(table); i++)
        if (reply->status >= table[i].from && reply->status <= table[i].to)
            return fail_set(why, table[i].code, "%s refuses to %s (%.*s): %s", registry->opts.host,
                            call->doing, STR_ARG(text), table[i].remedy);
    return fail_set(why, FAIL_WORLD, "%s answers strangely to %s (%.*s): is it an OCI registry?",
                    registry->opts.host, call->doing, STR_ARG(text));
}

static bool is_passing(unsigned status)
{
    return status == 429 || status >= 500;
}

/* 0.5, 1, 2, 4 s, or what the registry asks for. */
static unsigned pause_of(unsigned tries, str retry_after)
{
    uint64_t s;
    if (str_u64(retry_after, &s))
        return (unsigned)MIN(s * 1000, PAUSE_MS_MAX);
    return 500u << (tries - 1);
}

static bool is_ours(const struct registry *registry, const char *url)
{
    str rest = str_from(str_z(url), strlen(registry->origin));
    return str_starts(str_z(url), str_z(registry->origin)) && rest.n && rest.p[0] == '/';
}

static fail send_once(struct registry *registry, const struct call *call, struct web_reply *reply,
                      struct why *why)
{
    struct web_request request = { .method = call->method, .url = call->url, .body = call->body };
    size_t n = 0;
    if (call->header)
        request.headers[n++] = call->header;
    if (registry->authorization && is_ours(registry, call->url))
        request.headers[n++] = registry->authorization;
    return web_send(registry->web, &request, &registry->arena, reply, why);
}

/* Any reply that is neither a challenge nor a passing failure is FAIL_NONE. */
static fail send(struct registry *registry, const struct call *call, struct web_reply *reply,
                 struct why *why)
{
    bool asked = false;
    for (unsigned tries = 1;; tries++) {
        *reply = (struct web_reply){ .retry_after = STR("") };
        fail f = send_once(registry, call, reply, why);
        if (!f && reply->status == 401 && !asked && is_ours(registry, call->url)) {
            asked = true;
            f = authenticate(registry, reply->challenges, why);
            if (!f)
                f = send_once(registry, call, reply, why);
        }
        bool again = f ? f == FAIL_BUSY : is_passing(reply->status);
        if (!again || tries == TRIES_MAX)
            return f;
        registry->opts.pause(registry->opts.ctx, pause_of(tries, reply->retry_after));
    }
}

static fail send_for(struct registry *registry, const struct call *call, unsigned status,
                     struct web_reply *reply, struct why *why)
{
    fail f = send(registry, call, reply, why);
    if (!f && reply->status != status)
        f = refusal(registry, call, reply, why);
    return f;
}

/* --- blobs -------------------------------------------------------------------------------------
 */

static const char *url_of(struct registry *registry, const char *kind, const char *name)
{
    str url = arena_fmt(&registry->arena, "%s/v2/%s/%s/%s", registry->origin,
                        registry->opts.repository, kind, name);
    must(url.p);
    return url.p;
}

fail registry_has_blob(struct registry *registry, const struct digest *digest, bool *has,
                       struct why *why)
{
    char name[80];
    struct web_reply reply;
    arena_reset(&registry->arena);
    snprintf(name, sizeof(name), "sha256:%s", digest->hex);
    const struct call call = { "HEAD", url_of(registry, "blobs", name), NULL, STR_NONE,
                               "tell what it has" };
    fail f = send(registry, &call, &reply, why);
    if (f)
        return f;
    *has = reply.status == 200 || reply.status == 307; /* 307: it is there, in some bucket */
    return *has || reply.status == 404 ? FAIL_NONE : refusal(registry, &call, &reply, why);
}

/* Where the upload goes: below the registry, or wherever it says, as long as TLS is kept. */
static fail place_of(struct registry *registry, str location, const char *digest, const char **url,
                     struct why *why)
{
    bool is_path = str_starts(location, STR("/"));
    bool is_safe = str_starts(location, STR("https://")) ||
                   (registry->opts.plain && str_starts(location, STR("http://")));
    if (!is_path && !is_safe)
        return fail_set(why, FAIL_WORLD,
                        "%s sends the upload to \"%.*s\", which is no https:// address; is there a "
                        "proxy before it that hides TLS (X-Forwarded-Proto)?",
                        registry->opts.host, STR_ARG(str_first(location, 100)));
    str text =
        arena_fmt(&registry->arena, "%s%.*s%cdigest=sha256:%s", is_path ? registry->origin : "",
                  STR_ARG(location), str_find(location, '?') < 0 ? '?' : '&', digest);
    if (!text.p)
        return fail_set(why, FAIL_WORLD, "%s sends the upload to an endless address",
                        registry->opts.host);
    *url = text.p;
    return FAIL_NONE;
}

/* *again: the bytes did not arrive, but may at the next try. */
static fail put_once(struct registry *registry, const struct digest *digest, str bytes,
                     struct web_reply *reply, bool *again, struct why *why)
{
    const char *url = url_of(registry, "blobs", "uploads/");
    const struct call start = { "POST", url, "Content-Type:", STR(""), "begin an upload" };
    *again = false;
    fail f = send_for(registry, &start, 202, reply, why);
    if (!f)
        f = place_of(registry, reply->location, digest->hex, &url, why);
    if (f)
        return f;
    const struct call put = { "PUT", url, "Content-Type: application/octet-stream", bytes,
                              "take a layer" };
    f = send_once(registry, &put, reply, why);
    *again = f ? f == FAIL_BUSY : is_passing(reply->status) || reply->status == 401;
    if (!f && reply->status != 201)
        f = refusal(registry, &put, reply, why);
    if (!f)
        *again = false;
    return f;
}

/* An upload that broke has a place of its own at the registry: each try begins with a new one, and
 * with a new token if the old one ended meanwhile. */
fail registry_put_blob(struct registry *registry, const struct digest *digest, str bytes,
                       struct why *why)
{
    for (unsigned tries = 1;; tries++) {
        struct web_reply reply = { .retry_after = STR("") };
        bool again;
        arena_reset(&registry->arena);
        fail f = put_once(registry, digest, bytes, &reply, &again, why);
        if (!again || tries == TRIES_MAX)
            return f;
        if (reply.status == 401)
            set_authorization(registry, "", STR_NONE);
        registry->opts.pause(registry->opts.ctx, pause_of(tries, reply.retry_after));
    }
}

/* --- manifests ---------------------------------------------------------------------------------
 */

fail registry_put_manifest(struct registry *registry, const char *reference, const char *media_type,
                           str bytes, bool *knows_subject, struct why *why)
{
    struct web_reply reply;
    arena_reset(&registry->arena);
    str header = arena_fmt(&registry->arena, "Content-Type: %s", media_type);
    str doing = arena_fmt(&registry->arena, "take the manifest %s of %s", reference,
                          registry->opts.repository);
    const struct call call = { "PUT", url_of(registry, "manifests", reference), header.p, bytes,
                               doing.p };
    fail f = send_for(registry, &call, 201, &reply, why);
    *knows_subject = !f && reply.subject.n > 0;
    return f;
}

fail registry_get_manifest(struct registry *registry, const char *reference, struct arena *arena,
                           str *bytes, struct why *why)
{
    struct web_reply reply;
    arena_reset(&registry->arena);
    const struct call call = { "GET", url_of(registry, "manifests", reference), ACCEPT, STR_NONE,
                               "give a manifest" };
    fail f = send_for(registry, &call, 200, &reply, why);
    if (f)
        return f;
    *bytes = arena_str(arena, reply.body);
    return bytes->p ? FAIL_NONE : fail_set(why, FAIL_LIMIT, "the manifest is too large");
}
