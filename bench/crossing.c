/* crossing.c - what it costs to hand a save from one process to another and the reply back.
 *
 * Two processes on one core and a Unix socket between them, batches of 1, 10 and 100: pipelined
 * HTTP/1.1 as the gateway and the hall speak it, binary frames with the same content, and for the
 * floor the frames within one process. CPU of both sides together, context switches included; no
 * client's connection is in it. docs/adr/0003 reads the table. */
#include "base/out.h"
#include "codec/http.h"
#include "codec/wire.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES_MAX (256 * KIB)
#define COOKIE    "AQEAAAAAAAABAAAACrAFa0A3rYy05PSZ2o3W_vCA3Uo"
#define BODY      "{\"value\":\"B\",\"marked\":false,\"seq\":31}"
#define REPLY                                                                                      \
    "{\"item\":1,\"seq\":1,\"recorded_at\":1795491658251,\"receipt\":\"Eui8y3TnVV0Iz3oLFQlqng\","  \
    "\"now\":1795491658251}"

/* How a request and a reply are written, and how many bytes of `in` the first one is: 0 when not
 * whole. */
struct form {
    const char *name;
    void (*ask)(struct out *out, unsigned number);
    size_t (*asked)(str in, struct out *out); /* also writes the reply */
    size_t (*answered)(str in);
    bool crosses;
};

static void http_ask(struct out *out, unsigned number)
{
    out_z(out, "PUT /v1/attempts/");
    out_u64(out, number);
    out_z(out, "/answers/12 HTTP/1.1\r\nHost: exam.example.org\r\nCookie: __Host-examhall=" COOKIE
               "\r\nContent-Type: application/json\r\nOrigin: https://exam.example.org\r\n"
               "Accept-Encoding: gzip\r\nX-Forwarded-For: 127.0.0.1\r\nContent-Length: ");
    out_u64(out, sizeof(BODY) - 1);
    out_z(out, "\r\n\r\n" BODY);
}

static size_t http_asked(str in, struct out *out)
{
    struct http_head head;
    if (http_parse_request(&head, in, 8 * KIB, NULL) != HTTP_DONE ||
        in.n < head.head_bytes + head.body_bytes)
        return 0;
    must(http_cookie(&head, "__Host-examhall").p && http_field(&head, "Content-Type").p);
    out_z(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ");
    out_u64(out, sizeof(REPLY) - 1);
    out_z(out, "\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n" REPLY);
    return head.head_bytes + (size_t)head.body_bytes;
}

static size_t http_answered(str in)
{
    struct http_head head;
    if (http_parse_reply(&head, in, 8 * KIB, NULL) != HTTP_DONE ||
        in.n < head.head_bytes + head.body_bytes)
        return 0;
    return head.head_bytes + (size_t)head.body_bytes;
}

/* A frame: length of what follows, then fixed fields, then texts with their lengths. */
static size_t frame_first(str in, struct wire_in *wire)
{
    *wire = wire_in_make(in);
    uint32_t n = wire_get_u32(wire);
    return wire->failed || n > wire->left ? 0 : 4 + n;
}

static void frame_write(struct out *out, uint32_t route, uint32_t a, uint32_t b, str one, str two)
{
    must(out_reserve(out, 64 + one.n + two.n));
    struct wire_out wire = wire_out_make(out->p + out->n, out->cap - out->n);
    wire_put_u32(&wire, (uint32_t)(20 + one.n + two.n));
    wire_put_u32(&wire, route);
    wire_put_u32(&wire, a);
    wire_put_u32(&wire, b);
    wire_put_str(&wire, one);
    wire_put_str(&wire, two);
    out->n += wire.n;
}

static void frame_ask(struct out *out, unsigned number)
{
    frame_write(out, 7, number, 12, STR(COOKIE), STR(BODY));
}

static size_t frame_asked(str in, struct out *out)
{
    struct wire_in wire;
    size_t n = frame_first(in, &wire);
    if (!n)
        return 0;
    uint32_t route = wire_get_u32(&wire), a = wire_get_u32(&wire), b = wire_get_u32(&wire);
    str cookie = wire_get_str(&wire), body = wire_get_str(&wire);
    must(route == 7 && b == 12 && cookie.n && body.n && !wire.failed);
    frame_write(out, 200, a, 0, STR_NONE, STR(REPLY));
    return n;
}

static size_t frame_answered(str in)
{
    struct wire_in wire;
    return frame_first(in, &wire);
}

static const struct form forms[] = {
    { "pipelined HTTP/1.1", http_ask, http_asked, http_answered, true },
    { "binary frames", frame_ask, frame_asked, frame_answered, true },
    { "frames, one process", frame_ask, frame_asked, frame_answered, false },
};

/* -- both sides ---------------------------------------------------------------------------- */

static bool receive(int fd, struct out *in)
{
    must(out_reserve(in, 64 * KIB));
    ssize_t n = read(fd, in->p + in->n, 64 * KIB);
    in->n += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void keep_rest(struct out *in, size_t used)
{
    memmove(in->p, in->p + used, in->n - used);
    in->n -= used;
}

static size_t answer_all(const struct form *form, struct out *in, struct out *out)
{
    size_t used = 0, n;
    while ((n = form->asked(str_from(out_view(in), used), out)))
        used += n;
    keep_rest(in, used);
    return used;
}

static void serve(const struct form *form, int fd)
{
    struct out in = out_make(BYTES_MAX), out = out_make(BYTES_MAX);
    while (receive(fd, &in)) {
        answer_all(form, &in, &out);
        must(write(fd, out.p, out.n) == (ssize_t)out.n);
        out_clear(&out);
    }
    _exit(0);
}

static unsigned count_answers(const struct form *form, struct out *in)
{
    unsigned count = 0;
    size_t used = 0, n;
    while (used < in->n && (n = form->answered(str_from(out_view(in), used)))) {
        used += n;
        count++;
    }
    keep_rest(in, used);
    return count;
}

static void one_batch(const struct form *form, int fd, unsigned batch, struct out *out,
                      struct out *in)
{
    out_clear(out);
    for (unsigned i = 0; i < batch; i++)
        form->ask(out, i);
    if (!form->crosses) {
        struct out direct = *out;
        answer_all(form, &direct, in);
        must(count_answers(form, in) == batch);
        return;
    }
    must(write(fd, out->p, out->n) == (ssize_t)out->n);
    for (unsigned got = 0; got < batch; got += count_answers(form, in))
        must(receive(fd, in));
}

static double cpu_us(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* CPU microseconds a request, of both processes. */
static double measure(const struct form *form, unsigned batch, unsigned requests)
{
    int fds[2];
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    double before = cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN);
    pid_t pid = form->crosses ? fork() : 0;
    if (form->crosses && pid == 0) {
        close(fds[0]);
        serve(form, fds[1]);
    }
    close(fds[1]);
    struct out out = out_make(BYTES_MAX), in = out_make(BYTES_MAX);
    for (unsigned done = 0; done < requests; done += batch)
        one_batch(form, fds[0], batch, &out, &in);
    close(fds[0]);
    if (form->crosses)
        waitpid(pid, NULL, 0);
    out_fini(&out);
    out_fini(&in);
    return (cpu_us(RUSAGE_SELF) + cpu_us(RUSAGE_CHILDREN) - before) / requests;
}

int main(int argc, char **argv)
{
    static const unsigned batches[] = { 1, 10, 100 };
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    cpu_set_t core;
    CPU_ZERO(&core);
    CPU_SET(0, &core);
    sched_setaffinity(0, sizeof(core), &core);
    if (json)
        printf("[");
    else
        printf("\nFrom process to process and back, CPU us a request, both sides, one core\n\n"
               "  %-22s %10s %10s %10s\n",
               "", "batch 1", "batch 10", "batch 100");
    for (size_t i = 0; i < COUNT(forms); i++) {
        double us[COUNT(batches)];
        for (size_t b = 0; b < COUNT(batches); b++)
            us[b] = measure(&forms[i], batches[b], batches[b] == 1 ? 50000 : 200000);
        if (json)
            printf("%s{\"form\":\"%s\",\"cpu_us\":[%.3f,%.3f,%.3f]}", i ? "," : "", forms[i].name,
                   us[0], us[1], us[2]);
        else
            printf("  %-22s %10.2f %10.2f %10.2f\n", forms[i].name, us[0], us[1], us[2]);
    }
    if (json)
        printf("]\n");
    return 0;
}
