/* load.c - see load.h. */
#include "bench/load.h"

#include "base/hist.h"
#include "codec/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IN_BYTES 8192

struct link {
    int fd;
    SSL *ssl;
    struct load_who *who;
    int64_t sent_us;
    size_t n;
    char in[IN_BYTES];
};

struct load {
    const struct load_opts *opts;
    struct load_result *result;
    SSL_CTX *ctx;
    int epoll;
    struct link *links;
    bool measuring;
    struct hist hist;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void *load_shared(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED);
    return p;
}

/* -- one connection ------------------------------------------------------------------------ */

NORETURN PRINTF(2, 3) static void give_up(struct load *load, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(load->result->error, sizeof(load->result->error), format, args);
    va_end(args);
    _exit(1);
}

static void link_open(struct load *load, struct link *link, unsigned number)
{
    /* Many source addresses: from one, some 14,000 connections are as many as connect() likes. */
    struct sockaddr_in from = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / 8000) };
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(load->opts->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->fd < 0)
        give_up(load, "no socket for connection %u: %s", number, strerror(errno));
    setsockopt(link->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){ 1 }, sizeof(int));
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (bind(link->fd, (struct sockaddr *)&from, sizeof(from)) ||
        connect(link->fd, (struct sockaddr *)&to, sizeof(to)))
        give_up(load, "cannot connect to port %u: %s", load->opts->port, strerror(errno));
    if (!load->ctx)
        return;
    link->ssl = SSL_new(load->ctx);
    SSL_set_fd(link->ssl, link->fd);
    if (SSL_connect(link->ssl) != 1)
        give_up(load, "no TLS on port %u", load->opts->port);
}

static void link_send(struct load *load, struct link *link, const char *bytes, size_t n)
{
    ssize_t sent =
        link->ssl ? SSL_write(link->ssl, bytes, (int)n) : send(link->fd, bytes, n, MSG_NOSIGNAL);
    if (sent != (ssize_t)n)
        give_up(load, "a request could not be sent: %s", strerror(errno));
    link->sent_us = now_us();
    load->result->request_bytes = n;
}

static void save_send(struct load *load, struct link *link)
{
    char bytes[1024], body[128];
    uint32_t seq = ++link->who->seq;
    int body_n = snprintf(body, sizeof(body), "{\"value\":\"%c\",\"marked\":false,\"seq\":%u}",
                          'A' + seq % 4, seq);
    int n = snprintf(bytes, sizeof(bytes),
                     "PUT /v1/attempts/%u/answers/%u HTTP/1.1\r\nHost: localhost:%u\r\n"
                     "Origin: %s://localhost:%u\r\nCookie: __Host-examhall=%s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                     link->who->attempt, seq % 10 + 1, load->opts->port,
                     load->opts->tls ? "https" : "http", load->opts->port, link->who->cookie,
                     body_n, body);
    link_send(load, link, bytes, (size_t)n);
}

/* The reply that is whole in `in`: true, and it is taken out. */
static bool reply_take(struct load *load, struct link *link)
{
    struct http_head head;
    int parsed = http_parse_reply(&head, str_of(link->in, link->n), IN_BYTES, NULL);
    if (parsed > HTTP_DONE)
        give_up(load, "a reply is no HTTP: %.80s", link->in);
    size_t whole = head.head_bytes + (size_t)head.body_bytes;
    if (parsed == HTTP_MORE || link->n < whole)
        return false;
    load->result->reply_bytes = whole;
    if (load->measuring) {
        load->result->replies++;
        load->result->refused += head.status != 200;
        hist_record(&load->hist, now_us() - link->sent_us);
    }
    if (!load->result->sample[0] || head.status != 200)
        snprintf(load->result->sample, sizeof(load->result->sample), "%.*s", (int)whole, link->in);
    memmove(link->in, link->in + whole, link->n - whole);
    link->n -= whole;
    return true;
}

static bool link_read(struct load *load, struct link *link)
{
    ssize_t n;
    if (link->ssl) {
        n = SSL_read(link->ssl, link->in + link->n, (int)(IN_BYTES - link->n));
        if (n <= 0 && SSL_get_error(link->ssl, (int)n) == SSL_ERROR_WANT_READ)
            return false;
    } else {
        n = recv(link->fd, link->in + link->n, IN_BYTES - link->n, 0);
        if (n < 0 && errno == EAGAIN)
            return false;
    }
    if (n <= 0)
        give_up(load, "the server closed a connection");
    link->n += (size_t)n;
    return reply_take(load, link);
}

/* -- all of them --------------------------------------------------------------------------- */

static void prepare(struct load *load, const struct load_opts *opts, struct load_result *result)
{
    *load = (struct load){ .opts = opts, .result = result, .epoll = epoll_create1(0) };
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(opts->core, &cores);
    if (opts->core >= 0)
        sched_setaffinity(0, sizeof(cores), &cores);
    if (opts->tls) {
        load->ctx = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_mode(load->ctx, SSL_MODE_RELEASE_BUFFERS);
    }
    load->links = calloc(opts->connections, sizeof(*load->links));
    must(load->links && load->epoll >= 0);
    for (unsigned i = 0; i < opts->connections; i++) {
        struct link *link = &load->links[i];
        link_open(load, link, i);
        link->who = &opts->who[i % opts->who_count];
        fcntl(link->fd, F_SETFL, O_NONBLOCK);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = link };
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, link->fd, &event);
    }
}

static void pump_until(struct load *load, int64_t end_us)
{
    struct epoll_event events[256];
    while (now_us() < end_us) {
        int n = epoll_wait(load->epoll, events, 256, 10);
        for (int i = 0; i < n; i++)
            if (link_read(load, events[i].data.ptr))
                save_send(load, events[i].data.ptr);
    }
}

/* The child says 'b' when the warming is over and 'e' at the end. */
static void child_run(const struct load_opts *opts, struct load_result *result, int say)
{
    static struct load load;
    prepare(&load, opts, result);
    for (unsigned i = 0; i < opts->connections; i++)
        save_send(&load, &load.links[i]);
    pump_until(&load, now_us() + opts->warm_ms * 1000LL);
    must(write(say, "b", 1) == 1);
    load.measuring = true;
    int64_t begin_us = now_us();
    pump_until(&load, begin_us + opts->ms * 1000LL);
    result->seconds = (double)(now_us() - begin_us) / 1e6;
    must(write(say, "e", 1) == 1);
    result->p50_us = hist_quantile(&load.hist, 500);
    result->p99_us = hist_quantile(&load.hist, 990);
    result->max_us = load.hist.max_us;
    _exit(0);
}

fail load_run(const struct load_opts *opts, load_mark_fn begins, load_mark_fn ends, void *ctx,
              struct load_result *out, struct why *why)
{
    static struct load_result *result; /* children write it */
    if (!result)
        result = load_shared(sizeof(*result));
    memset(result, 0, sizeof(*result));
    int fds[2];
    must(pipe2(fds, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0)
        child_run(opts, result, fds[1]);
    close(fds[1]);
    char mark;
    while (read(fds[0], &mark, 1) == 1)
        (mark == 'b' ? begins : ends)(ctx);
    close(fds[0]);
    waitpid(pid, NULL, 0);
    *out = *result;
    if (result->error[0])
        return fail_set(why, FAIL_WORLD, "The load stopped: %s.", result->error);
    return FAIL_NONE;
}

/* -- connections held idle ----------------------------------------------------------------- */

static void child_hold(const struct load_opts *opts, struct load_result *result, int say, int go)
{
    static struct load load;
    static const char ask[] = "GET /-/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    prepare(&load, opts, result);
    for (unsigned i = 0; i < opts->connections; i++) {
        link_send(&load, &load.links[i], ask, sizeof(ask) - 1);
        while (!link_read(&load, &load.links[i]))
            usleep(20);
    }
    must(write(say, "e", 1) == 1);
    char none;
    while (read(go, &none, 1) > 0) {
    }
    _exit(0);
}

fail load_hold(const struct load_opts *opts, struct load_held *held, struct why *why)
{
    struct load_result *result = load_shared(sizeof(*result));
    int say[2], go[2];
    must(pipe2(say, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
    held->pid = fork();
    if (held->pid == 0) {
        close(go[1]);
        child_hold(opts, result, say[1], go[0]);
    }
    close(say[1]);
    close(go[0]);
    held->go = go[1];
    char mark;
    bool fine = read(say[0], &mark, 1) == 1;
    close(say[0]);
    return fine ? FAIL_NONE
                : fail_set(why, FAIL_WORLD, "The connections were not held: %s.", result->error);
}

void load_release(struct load_held *held)
{
    close(held->go);
    waitpid(held->pid, NULL, 0);
}
