/* gateway.c - fuzzes the gateway whole: a stranger's bytes, cut anywhere, against the reactor.
 *
 * The first byte chooses how the bytes are cut, and whether the hall dies now and then. What the
 * hall gets must be requests that the strict parser takes, one behind the other with nothing
 * between them: a smuggled one would show here. Nothing may be left behind when the stranger has
 * gone. */
#include "net/net_sim.h"
#include "net/reactor.h"

#include <stdlib.h>

#define GATE "gate"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct gateway_limits limits = {
    .window = 8,
    .handshake_ms = 5000,
    .head_ms = 5000,
    .body_ms = 10000,
    .write_ms = 10000,
    .idle_ms = 120000,
    .hold_ms = 30000,
    .linger_ms = 2000,
    .drain_ms = 8000,
    .rate_bytes_per_s = 500,
    .head_bytes_max = 8 * KIB,
    .reply_bytes_max = 64 * KIB,
    .sends_max = 8,
};

struct stage {
    struct net_sim sim;
    struct reactor reactor;
    int listener, gate, halls[64];
    unsigned hall_count;
};

/* Reads what came to the hall, which must be whole requests or the beginning of one. */
static void hall_step(struct stage *stage, int handle)
{
    static char bytes[256 * KIB];
    struct net *net = &stage->sim.net;
    struct http_head head;
    ssize_t n = net->recv(net, handle, bytes, sizeof(bytes));
    for (str rest = { bytes, n > 0 ? (size_t)n : 0 }; rest.n;) {
        must(http_parse_request(&head, rest, 16 * KIB, NULL) == HTTP_DONE);
        must(rest.n >= head.head_bytes + head.body_bytes);
        must(!http_field(&head, "Transfer-Encoding").p);
        rest = str_from(rest, head.head_bytes + (size_t)head.body_bytes);
        static char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        struct iovec part = { reply, sizeof(reply) - 1 };
        net->send(net, handle, &part, 1);
    }
}

static void hall_kill(struct stage *stage)
{
    for (unsigned i = 0; i < stage->hall_count; i++) {
        net_sim_break(&stage->sim, stage->halls[i]);
        stage->sim.net.close(&stage->sim.net, stage->halls[i]);
    }
    stage->hall_count = 0;
}

static void run(struct stage *stage, int rounds, int64_t ms)
{
    struct net *net = &stage->sim.net;
    unsigned char peer[16];
    for (int i = 0; i < rounds; i++) {
        stage->sim.now_us += ms * 1000;
        reactor_round(&stage->reactor, 0);
        int handle;
        while (stage->hall_count < COUNT(stage->halls) &&
               (handle = net->accept(net, stage->gate, peer)) >= 0)
            stage->halls[stage->hall_count++] = handle;
        for (unsigned h = 0; h < stage->hall_count; h++)
            hall_step(stage, stage->halls[h]);
    }
}

static void stranger(struct stage *stage, str bytes, unsigned step, bool deadly)
{
    static char back[64 * KIB];
    struct net *net = &stage->sim.net;
    int handle = net_sim_dial(&stage->sim, stage->listener);
    for (unsigned round = 0; bytes.n; round++) {
        struct iovec part = { (char *)bytes.p, MIN(bytes.n, step) };
        ssize_t n = net->send(net, handle, &part, 1);
        if (n < 0)
            break;
        bytes = str_from(bytes, (size_t)n);
        if (deadly && round % 8 == 7)
            hall_kill(stage);
        run(stage, 2, 1);
        net->recv(net, handle, back, sizeof(back));
    }
    run(stage, 4, 30);
    net->close(net, handle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stage stage;
    static struct gateway_stats stats;
    if (!size || size > 16 * KIB)
        return 0;
    stage = (struct stage){ .hall_count = 0 };
    net_sim_init(&stage.sim, data[0], true);
    stage.listener = net_sim_listen(&stage.sim, NULL);
    stage.gate = net_sim_listen(&stage.sim, GATE);
    struct gateway_opts opts = { .tls_fd = -1,
                                 .plain_fd = stage.listener,
                                 .probe_fd = -1,
                                 .stop_fd = -1,
                                 .leave_fd = -1,
                                 .log_fd = -1,
                                 .gate_path = GATE,
                                 .stats = &stats };
    reactor_init(&stage.reactor, &stage.sim.net, &opts, &limits, 100, NULL, &stats.rows[0]);
    unsigned step = data[0] & 0x40 ? (data[0] & 0x3fu) + 1 : 4096;
    stranger(&stage, str_of(data + 1, size - 1), step, data[0] & 0x80);
    run(&stage, 4, 130000);
    must(stage.reactor.open == 0);
    run(&stage, 2, 30000);
    must(stage.reactor.waiting == 0 && stage.reactor.waiting_bytes == 0);
    hall_kill(&stage);
    reactor_fini(&stage.reactor);
    net_sim_fini(&stage.sim);
    return 0;
}
