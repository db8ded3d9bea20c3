/* web.c - see web.h. */
#include "platform/web.h"

#include "base/out.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>

#define REPLY_BYTES_MAX (4 * MIB)

/* What is used of libcurl; the types are those of its header. */
struct curl_api {
    __typeof__(&curl_global_init) global_init;
    __typeof__(&curl_easy_init) easy_init;
    __typeof__(&curl_easy_cleanup) easy_cleanup;
    __typeof__(&curl_easy_reset) easy_reset;
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    __typeof__(&curl_easy_perform) easy_perform;
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    __typeof__(&curl_easy_strerror) easy_strerror;
    __typeof__(&curl_easy_header) easy_header;
    __typeof__(&curl_slist_append) slist_append;
    __typeof__(&curl_slist_free_all) slist_free_all;
};

struct web {
    struct web_opts opts;
    struct curl_api api;
    void *library;
    CURL *handle;
};

static fail load(struct web *web, struct why *why)
{
    const struct {
        const char *name;
        void *to;
    } symbols[] = {
        { "curl_global_init", &web->api.global_init },
        { "curl_easy_init", &web->api.easy_init },
        { "curl_easy_cleanup", &web->api.easy_cleanup },
        { "curl_easy_reset", &web->api.easy_reset },
        { "curl_easy_setopt", &web->api.easy_setopt },
        { "curl_easy_perform", &web->api.easy_perform },
        { "curl_easy_getinfo", &web->api.easy_getinfo },
        { "curl_easy_strerror", &web->api.easy_strerror },
        { "curl_easy_header", &web->api.easy_header },
        { "curl_slist_append", &web->api.slist_append },
        { "curl_slist_free_all", &web->api.slist_free_all },
    };
    web->library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!web->library)
        return fail_set(why, FAIL_MISSING,
                        "talking to a registry needs libcurl, which is not on this machine; "
                        "install the package libcurl4 (%s)",
                        dlerror());
    for (size_t i = 0; i < COUNT(symbols); i++) {
        void *symbol = dlsym(web->library, symbols[i].name);
        if (!symbol)
            return fail_set(why, FAIL_MISSING,
                            "the libcurl of this machine has no %s; it must be 7.85 or newer",
                            symbols[i].name);
        memcpy(symbols[i].to, &symbol, sizeof(symbol));
    }
    return FAIL_NONE;
}

fail web_open(struct web **out, const struct web_opts *opts, struct why *why)
{
    struct web *web = calloc(1, sizeof(*web));
    must(web);
    web->opts = *opts;
    fail f = load(web, why);
    if (!f && (web->api.global_init(CURL_GLOBAL_DEFAULT) || !(web->handle = web->api.easy_init())))
        f = fail_set(why, FAIL_WORLD, "libcurl does not start; is there no memory?");
    if (f) {
        web_close(web);
        return f;
    }
    *out = web;
    return FAIL_NONE;
}

/* The library stays loaded: OpenSSL, which it shares with us, has hooks at the process's end. */
void web_close(struct web *web)
{
    if (!web)
        return;
    if (web->handle)
        web->api.easy_cleanup(web->handle);
    free(web);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct out *body = ctx;
    out_bytes(body, bytes, size * count);
    return body->failed ? 0 : size * count;
}

static int show_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                         curl_off_t up)
{
    struct web *web = ctx;
    (void)down_all, (void)down, (void)up_all;
    web->opts.progress(web->opts.ctx, (uint64_t)up);
    return 0;
}

static void set_options(struct web *web, const struct web_request *request, struct out *body,
                        char *error)
{
    __typeof__(web->api.easy_setopt) set = web->api.easy_setopt;
    CURL *handle = web->handle;
    bool is_head = strcmp(request->method, "HEAD") == 0;
    set(handle, CURLOPT_URL, request->url);
    set(handle, CURLOPT_CUSTOMREQUEST, request->method);
    if (is_head)
        set(handle, CURLOPT_NOBODY, 1L);
    else if (strcmp(request->method, "GET") != 0) {
        set(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
        set(handle, CURLOPT_POSTFIELDS, request->body.n ? request->body.p : "");
    }
    set(handle, CURLOPT_WRITEFUNCTION, take_body);
    set(handle, CURLOPT_WRITEDATA, body);
    set(handle, CURLOPT_ERRORBUFFER, error);
    set(handle, CURLOPT_PROTOCOLS_STR, web->opts.plain ? "http,https" : "https");
    set(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    set(handle, CURLOPT_CONNECTTIMEOUT, 10L);
    set(handle, CURLOPT_LOW_SPEED_LIMIT, 1L); /* nothing at all for a minute: give up */
    set(handle, CURLOPT_LOW_SPEED_TIME, 60L);
    set(handle, CURLOPT_NOSIGNAL, 1L);
    set(handle, CURLOPT_USERAGENT, "examhall");
    if (web->opts.ca_path) {
        set(handle, CURLOPT_CAINFO, web->opts.ca_path);
        set(handle, CURLOPT_CAPATH, NULL);
    }
    if (web->opts.progress) {
        set(handle, CURLOPT_XFERINFOFUNCTION, show_progress);
        set(handle, CURLOPT_XFERINFODATA, web);
        set(handle, CURLOPT_NOPROGRESS, 0L);
    }
}

/* What the user can do about it depends on which of these it is. What follows the ? of an address
 * may be a right to write there (an upload into a bucket): it is not for logs. */
static fail explain(struct web *web, CURLcode code, const char *address, const char *error,
                    struct why *why)
{
    char url[300];
    const char *text = error[0] ? error : web->api.easy_strerror(code);
    snprintf(url, sizeof(url), "%.*s", (int)MIN(strcspn(address, "?"), sizeof(url) - 1), address);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return fail_set(why, FAIL_WORLD,
                        "%s shows a certificate that this machine does not trust (%s); give its "
                        "authority's certificate with --ca FILE",
                        url, text);
    case CURLE_SSL_CACERT_BADFILE:
        return fail_set(why, FAIL_WORLD, "the certificates to trust cannot be read (%s)", text);
    case CURLE_SSL_CONNECT_ERROR:
        return fail_set(why, FAIL_WORLD,
                        "%s does not speak TLS (%s); if it has none, and only on this machine, "
                        "use --plain",
                        url, text);
    case CURLE_COULDNT_RESOLVE_HOST:
        return fail_set(why, FAIL_WORLD, "%s: there is no such host (%s)", url, text);
    case CURLE_COULDNT_CONNECT:
        return fail_set(why, FAIL_BUSY, "nobody answers at %s (%s); is the address right?", url,
                        text);
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
        return fail_set(why, FAIL_BUSY, "the connection to %s broke (%s)", url, text);
    default:
        return fail_set(why, FAIL_WORLD, "the request to %s failed (%s)", url, text);
    }
}

static str header(struct web *web, const char *name, size_t index, struct arena *arena)
{
    struct curl_header *found;
    if (web->api.easy_header(web->handle, name, index, CURLH_HEADER, -1, &found) != CURLHE_OK)
        return STR("");
    return arena_str(arena, str_z(found->value));
}

static void read_reply(struct web *web, const struct out *body, struct arena *arena,
                       struct web_reply *reply)
{
    long status = 0;
    web->api.easy_getinfo(web->handle, CURLINFO_RESPONSE_CODE, &status);
    *reply = (struct web_reply){
        .status = (unsigned)status,
        .body = arena_str(arena, out_view(body)),
        .location = header(web, "location", 0, arena),
        .retry_after = header(web, "retry-after", 0, arena),
        .subject = header(web, "oci-subject", 0, arena),
        .challenges = header(web, "www-authenticate", 0, arena),
    };
    for (size_t i = 1; i < 4; i++) {
        str more = header(web, "www-authenticate", i, arena);
        if (more.n)
            reply->challenges =
                arena_fmt(arena, "%.*s\n%.*s", STR_ARG(reply->challenges), STR_ARG(more));
    }
}

fail web_send(struct web *web, const struct web_request *request, struct arena *arena,
              struct web_reply *reply, struct why *why)
{
    char error[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    struct out body = out_make(REPLY_BYTES_MAX);
    web->api.easy_reset(web->handle); /* keeps the connection */
    set_options(web, request, &body, error);
    for (size_t i = 0; i < WEB_HEADERS_MAX && request->headers[i]; i++) {
        struct curl_slist *more = web->api.slist_append(headers, request->headers[i]);
        must(more);
        headers = more;
    }
    web->api.easy_setopt(web->handle, CURLOPT_HTTPHEADER, headers);
    CURLcode code = web->api.easy_perform(web->handle);
    web->api.slist_free_all(headers);
    fail f = FAIL_NONE;
    if (code == CURLE_OK)
        read_reply(web, &body, arena, reply);
    else
        f = explain(web, code, request->url, error, why);
    out_fini(&body);
    return f;
}
