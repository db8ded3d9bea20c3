/* client.c - see client.h. The socket blocks, with the kernel's own time limits on it; TLS reads
 * and writes it through a BIO of our own, because OpenSSL's would raise SIGPIPE. */
#include "net/client.h"

#include "base/out.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_MS_DEFAULT      10000
#define REPLY_BYTES_MAX_DEFAULT (64 * MIB)
#define HEAD_BYTES_MAX          (16 * KIB)

struct client {
    struct arena arena; /* host, port, path */
    const char *host, *port, *unix_path;
    str authority; /* what goes into Host */
    bool tls, insecure;
    unsigned timeout_ms;
    size_t reply_bytes_max;
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    struct out in; /* bytes of the reply so far */
};

/* -- opening ------------------------------------------------------------------------------- */

static bool url_parse(struct client *client, str url)
{
    if (str_starts(url, STR("unix:"))) {
        client->unix_path = arena_str(&client->arena, str_from(url, 5)).p;
        client->authority = STR("localhost");
        return url.n > 5;
    }
    client->tls = str_starts(url, STR("https://"));
    if (!client->tls && !str_starts(url, STR("http://")))
        return false;
    str rest = str_from(url, client->tls ? 8 : 7);
    client->authority = arena_str(&client->arena, str_cut(&rest, '/'));
    if (rest.n)
        return false;
    str port = client->authority, host = STR_NONE;
    if (str_starts(port, STR("["))) {
        host = str_from(str_cut(&port, ']'), 1);
        str_cut(&port, ':');
    } else {
        host = str_cut(&port, ':');
    }
    uint64_t number;
    if (!host.n || (port.n && (!str_u64(port, &number) || number > UINT16_MAX)))
        return false;
    client->host = arena_str(&client->arena, host).p;
    client->port = port.n ? arena_str(&client->arena, port).p : client->tls ? "443" : "80";
    return true;
}

static fail tls_init(struct client *client, const char *ca_path, struct why *why)
{
    client->ctx = SSL_CTX_new(TLS_client_method());
    if (!client->ctx)
        return fail_set(why, FAIL_WORLD, "OpenSSL gave no context: out of memory.");
    SSL_CTX_set_min_proto_version(client->ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(client->ctx, client->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    int ok = ca_path ? SSL_CTX_load_verify_file(client->ctx, ca_path)
                     : SSL_CTX_set_default_verify_paths(client->ctx);
    if (!ok)
        return fail_set(why, FAIL_INPUT, "No certificate could be read from %s; it must be PEM.",
                        ca_path ? ca_path : "the system's store");
    return FAIL_NONE;
}

fail client_open(struct client **out, const struct client_opts *opts, struct why *why)
{
    struct client *client = calloc(1, sizeof(*client));
    must(client);
    client->fd = -1;
    client->arena = arena_make(64 * KIB);
    client->insecure = opts->insecure;
    client->timeout_ms = opts->timeout_ms ? opts->timeout_ms : TIMEOUT_MS_DEFAULT;
    client->reply_bytes_max =
        opts->reply_bytes_max ? opts->reply_bytes_max : REPLY_BYTES_MAX_DEFAULT;
    client->in = out_make(client->reply_bytes_max + HEAD_BYTES_MAX);
    fail f = FAIL_NONE;
    if (!url_parse(client, str_z(opts->url)))
        f = fail_set(why, FAIL_USAGE,
                     "\"%s\" is no address; write https://host:port, http://host:port or "
                     "unix:/path/of/the.sock.",
                     opts->url);
    else if (client->tls)
        f = tls_init(client, opts->ca_path, why);
    if (f) {
        client_close(client);
        client = NULL;
    }
    *out = client;
    return f;
}

/* -- connecting ---------------------------------------------------------------------------- */

static void disconnect(struct client *client)
{
    SSL_free(client->ssl);
    client->ssl = NULL;
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    disconnect(client);
    SSL_CTX_free(client->ctx);
    out_fini(&client->in);
    arena_fini(&client->arena);
    free(client);
}

static fail unreachable(struct client *client, struct why *why)
{
    bool nobody = errno == ECONNREFUSED || errno == ENOENT;
    const char *where = client->unix_path ? client->unix_path : client->authority.p;
    if (errno == EINPROGRESS || errno == EAGAIN)
        return fail_set(why, FAIL_BUSY, "%s did not answer within %u ms; is it overloaded?", where,
                        client->timeout_ms);
    return fail_errno(why, nobody ? FAIL_MISSING : FAIL_WORLD, "Cannot connect to %s", where);
}

static fail socket_connect(struct client *client, int family, const void *address, socklen_t bytes,
                           struct why *why)
{
    client->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return fail_errno(why, FAIL_WORLD, "Cannot make a socket");
    struct timeval limit = { client->timeout_ms / 1000, client->timeout_ms % 1000 * 1000 };
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (family != AF_UNIX)
        setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (connect(client->fd, address, bytes) == 0)
        return FAIL_NONE;
    fail f = unreachable(client, why);
    disconnect(client);
    return f;
}

static fail connect_unix(struct client *client, struct why *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(client->unix_path) >= sizeof(address.sun_path))
        return fail_set(why, FAIL_USAGE, "The socket's path %s is longer than %zu bytes.",
                        client->unix_path, sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, client->unix_path, strlen(client->unix_path));
    return socket_connect(client, AF_UNIX, &address, sizeof(address), why);
}

static fail connect_tcp(struct client *client, struct why *why)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    int error = getaddrinfo(client->host, client->port, &hints, &list);
    if (error)
        return fail_set(why, FAIL_MISSING, "There is no host %s: %s.", client->host,
                        gai_strerror(error));
    fail f = FAIL_MISSING;
    for (struct addrinfo *a = list; f && a; a = a->ai_next)
        f = socket_connect(client, a->ai_family, a->ai_addr, a->ai_addrlen, why);
    freeaddrinfo(list);
    return f;
}

/* -- TLS ----------------------------------------------------------------------------------- */

static int bio_write(BIO *bio, const char *p, int n)
{
    BIO_clear_retry_flags(bio);
    return (int)send(((struct client *)BIO_get_data(bio))->fd, p, (size_t)n, MSG_NOSIGNAL);
}

static int bio_read(BIO *bio, char *p, int n)
{
    BIO_clear_retry_flags(bio);
    return (int)recv(((struct client *)BIO_get_data(bio))->fd, p, (size_t)n, 0);
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO *bio_new(struct client *client)
{
    static BIO_METHOD *method; /* one for the process, never freed */
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "client");
        must(method);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    BIO *bio = BIO_new(method);
    must(bio);
    BIO_set_data(bio, client);
    BIO_set_init(bio, 1);
    return bio;
}

static fail handshake_failed(struct client *client, struct why *why)
{
    long verdict = SSL_get_verify_result(client->ssl);
    if (!client->insecure && verdict != X509_V_OK)
        return fail_set(why, FAIL_WORLD, "The certificate of %s is not trusted: %s.",
                        client->authority.p, X509_verify_cert_error_string(verdict));
    const char *reason = ERR_reason_error_string(ERR_get_error());
    return fail_set(why, FAIL_WORLD, "No TLS connection to %s: %s.", client->authority.p,
                    reason ? reason : "it was closed, or took too long");
}

static fail tls_connect(struct client *client, struct why *why)
{
    client->ssl = SSL_new(client->ctx);
    must(client->ssl);
    BIO *bio = bio_new(client);
    SSL_set_bio(client->ssl, bio, bio);
    X509_VERIFY_PARAM *param = SSL_get0_param(client->ssl);
    if (!X509_VERIFY_PARAM_set1_ip_asc(param, client->host)) {
        SSL_set1_host(client->ssl, client->host);
        SSL_set_tlsext_host_name(client->ssl, client->host);
    }
    ERR_clear_error();
    if (SSL_connect(client->ssl) == 1)
        return FAIL_NONE;
    fail f = handshake_failed(client, why);
    disconnect(client);
    return f;
}

static fail client_connect(struct client *client, struct why *why)
{
    fail f = client->unix_path ? connect_unix(client, why) : connect_tcp(client, why);
    return f || !client->tls ? f : tls_connect(client, why);
}

/* -- a request and its reply --------------------------------------------------------------- */

static ssize_t bytes_out(struct client *client, str s)
{
    if (!client->ssl)
        return send(client->fd, s.p, s.n, MSG_NOSIGNAL);
    ERR_clear_error();
    return SSL_write(client->ssl, s.p, (int)MIN(s.n, MIB));
}

static ssize_t bytes_in(struct client *client, char *p, size_t n)
{
    if (!client->ssl)
        return recv(client->fd, p, n, 0);
    ERR_clear_error();
    return SSL_read(client->ssl, p, (int)MIN(n, MIB));
}

static fail broken(struct client *client, ssize_t n, struct why *why)
{
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return fail_set(why, FAIL_BUSY, "%s did not reply within %u ms.", client->authority.p,
                        client->timeout_ms);
    return fail_set(why, FAIL_WORLD, "%s closed the connection before its reply was whole.",
                    client->authority.p);
}

static fail send_all(struct client *client, str bytes, struct why *why)
{
    while (bytes.n) {
        errno = 0;
        ssize_t n = bytes_out(client, bytes);
        if (n <= 0)
            return broken(client, n, why);
        bytes = str_from(bytes, (size_t)n);
    }
    return FAIL_NONE;
}

static fail too_large(struct client *client, struct why *why)
{
    return fail_set(why, FAIL_LIMIT,
                    "The reply of %s is larger than there is room for (%zu bytes).",
                    client->authority.p, client->reply_bytes_max);
}

static fail receive_more(struct client *client, struct why *why)
{
    if (!out_reserve(&client->in, 16 * KIB))
        return too_large(client, why);
    errno = 0;
    ssize_t n = bytes_in(client, client->in.p + client->in.n, client->in.cap - client->in.n);
    if (n <= 0)
        return broken(client, n, why);
    client->in.n += (size_t)n;
    return FAIL_NONE;
}

/* Reads until the head is whole; then `head` points into client->in. */
static fail receive_head(struct client *client, struct http_head *head, struct why *why)
{
    for (;;) {
        int answer = http_parse_reply(head, out_view(&client->in), HEAD_BYTES_MAX, why);
        if (answer == HTTP_DONE)
            return FAIL_NONE;
        if (answer != HTTP_MORE)
            return why_add(why, FAIL_INPUT, "The reply of %s", client->authority.p);
        fail f = receive_more(client, why);
        if (f)
            return f;
    }
}

static bool has_body(const char *method, const struct http_head *head)
{
    return strcmp(method, "HEAD") != 0 && head->status != 204 && head->status != 304;
}

static fail receive_reply(struct client *client, const char *method, struct arena *arena,
                          struct client_reply *reply, struct why *why)
{
    fail f = receive_head(client, &reply->head, why);
    if (f)
        return f;
    if (has_body(method, &reply->head) && !reply->head.has_length)
        return fail_set(why, FAIL_INPUT, "The reply of %s has no Content-Length.",
                        client->authority.p);
    size_t head_bytes = reply->head.head_bytes;
    size_t body_bytes = has_body(method, &reply->head) ? (size_t)reply->head.body_bytes : 0;
    if (body_bytes > client->reply_bytes_max)
        return too_large(client, why);
    while (client->in.n < head_bytes + body_bytes)
        if ((f = receive_more(client, why)))
            return f;
    str all = arena_str(arena, str_first(out_view(&client->in), head_bytes + body_bytes));
    if (!all.p)
        return too_large(client, why);
    must(http_parse_reply(&reply->head, all, HEAD_BYTES_MAX, NULL) == HTTP_DONE);
    reply->status = reply->head.status;
    reply->body = str_from(all, head_bytes);
    return FAIL_NONE;
}

static void request_write(struct client *client, const char *method, const char *target,
                          const struct http_field *fields, size_t field_count, str body,
                          struct out *out)
{
    out_fmt(out, "%s %s HTTP/1.1\r\nHost: %.*s\r\n", method, target, STR_ARG(client->authority));
    bool typed = false;
    for (size_t i = 0; i < field_count; i++) {
        typed |= str_eq_nocase(fields[i].name, STR("Content-Type"));
        out_fmt(out, "%.*s: %.*s\r\n", STR_ARG(fields[i].name), STR_ARG(fields[i].value));
    }
    if (body.n && !typed)
        out_z(out, "Content-Type: application/json\r\n");
    if (body.n || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0))
        out_fmt(out, "Content-Length: %zu\r\n", body.n);
    out_z(out, "\r\n");
    out_str(out, body);
}

static fail exchange(struct client *client, const char *method, str bytes, struct arena *arena,
                     struct client_reply *reply, struct why *why)
{
    out_clear(&client->in);
    fail f = FAIL_NONE;
    if (client->fd < 0)
        f = client_connect(client, why);
    if (!f)
        f = send_all(client, bytes, why);
    if (!f)
        f = receive_reply(client, method, arena, reply, why);
    if (f || !reply->head.keep_alive)
        disconnect(client);
    return f;
}

fail client_request(struct client *client, const char *method, const char *target,
                    const struct http_field *fields, size_t field_count, str body,
                    struct arena *arena, struct client_reply *reply, struct why *why)
{
    struct out bytes = out_make(body.n + 64 * KIB);
    request_write(client, method, target, fields, field_count, body, &bytes);
    must(!bytes.failed);
    bool kept = client->fd >= 0;
    fail f = exchange(client, method, out_view(&bytes), arena, reply, why);
    if (f == FAIL_WORLD && kept && client->in.n == 0)
        f = exchange(client, method, out_view(&bytes), arena, reply, why);
    out_fini(&bytes);
    return f;
}
