/* files.c - the portal, from memory. Names under /assets/ hold the hash of their bytes and are
 * cached for ever; pages are asked for again each time and answered 304 when nothing changed. */
#include "net/reactor.h"

/* A page may load only what we serve; nobody may frame it; it learns and tells nothing outside. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "        \
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "                   \
    "frame-ancestors 'none'"
#define SECURITY                                                                                   \
    "Content-Security-Policy: " POLICY "\r\n"                                                      \
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"                          \
    "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"     \
    "Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=(), "           \
    "payment=(), usb=()\r\n"
#define TRANSPORT "Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n"

static const struct gateway_file *find(const struct gateway_opts *opts, str path)
{
    size_t low = 0, high = opts->file_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        str name = str_z(opts->files[middle].path);
        int order = memcmp(path.p, name.p, MIN(path.n, name.n));
        if (order == 0 && path.n == name.n)
            return &opts->files[middle];
        if (order < 0 || (order == 0 && path.n < name.n))
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* "gzip" in the list, and not with a quality of nought. */
bool accepts_gzip(const struct http_head *head)
{
    for (str rest = http_field(head, "Accept-Encoding"); rest.p;) {
        str quality = str_cut(&rest, ',');
        str name = str_trim(str_cut(&quality, ';'));
        if (!str_eq_nocase(name, STR("gzip")))
            continue;
        quality = str_trim(quality);
        while (quality.n && (quality.p[quality.n - 1] == '0' || quality.p[quality.n - 1] == '.'))
            quality.n--;
        return !str_eq_nocase(quality, STR("q="));
    }
    return false;
}

/* The two forms of a file need two names: the compressed one's ends in "-gz". */
static void etag_write(struct out *out, const struct gateway_file *file, bool gzip)
{
    str tag = str_z(file->etag);
    out_str(out, str_first(tag, tag.n - 1));
    out_z(out, gzip ? "-gz\"" : "\"");
}

static bool is_unchanged(const struct http_head *head, str etag)
{
    for (str rest = http_field(head, "If-None-Match"); rest.p;) {
        str one = str_trim(str_cut(&rest, ','));
        if (str_starts(one, STR("W/")))
            one = str_from(one, 2);
        if (str_eq(one, etag) || str_eq(one, STR("*")))
            return true;
    }
    return false;
}

static void head_write(struct out *out, const struct gateway_file *file, unsigned status, str etag,
                       bool gzip, unsigned flags)
{
    bool for_ever = str_starts(str_z(file->path), STR("/assets/"));
    out_fmt(out, "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nETag: %.*s\r\nVary: Accept-Encoding\r\n",
            status, http_reason(status), file->type, STR_ARG(etag));
    out_fmt(out, "Cache-Control: %s\r\n",
            for_ever ? "public, max-age=31536000, immutable" : "no-cache");
    if (status != 304)
        out_fmt(out, "Content-Length: %zu\r\n%s", gzip ? file->gzip.n : file->plain.n,
                gzip ? "Content-Encoding: gzip\r\n" : "");
    out_z(out, SECURITY);
    out_z(out, flags & CONN_TLS ? TRANSPORT : "");
    out_z(out, "\r\n");
}

static void file_reply(struct reactor *reactor, uint32_t number, const struct http_head *head,
                       const struct gateway_file *file)
{
    bool gzip = file->gzip.n && accepts_gzip(head);
    str body = gzip ? file->gzip : file->plain;
    struct out etag = out_make(KIB), out = out_make(4 * KIB);
    etag_write(&etag, file, gzip);
    bool unchanged = is_unchanged(head, out_view(&etag));
    unsigned status = unchanged ? 304 : 200;
    head_write(&out, file, status, out_view(&etag), gzip, conn_at(reactor, number)->flags);
    must(!etag.failed && !out.failed);
    if (unchanged || str_eq(head->method, STR("HEAD")))
        body = STR_NONE;
    gateway_stats_add(&reactor->row->files, 1);
    conn_reply(reactor, number, status, out_view(&out), body, true);
    out_fini(&etag);
    out_fini(&out);
}

void files_reply(struct reactor *reactor, uint32_t number, const struct http_head *head)
{
    if (!str_eq(head->method, STR("GET")) && !str_eq(head->method, STR("HEAD"))) {
        problem_reply(reactor, number, 405, "Pages can only be read: use GET or HEAD.");
        return;
    }
    const struct gateway_file *file = find(reactor->opts, head->path);
    if (file)
        file_reply(reactor, number, head, file);
    else
        problem_reply(reactor, number, 404, "There is nothing at this address.");
}
