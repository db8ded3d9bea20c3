/* agent_message.c - any bytes as what an agent host or a coordinator sends. Frames end where they
 * say; what a reader takes is what a writer makes; histograms that were taken can be merged and
 * asked. The first byte chooses the message. */
#include "rehearsal/frame.h"
#include "rehearsal/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char room[FRAME_BYTES_MAX];

static void check_frames(str bytes)
{
    struct frame frame;
    size_t used = 0;
    while (frame_take(bytes, &frame, &used) == FRAME_DONE) {
        must(used <= bytes.n && frame.body.n + FRAME_HEAD_BYTES == used);
        char head[FRAME_HEAD_BYTES];
        frame_head(head, frame.kind, frame.body.n);
        must(memcmp(head, bytes.p, sizeof(head)) == 0);
        bytes = str_from(bytes, used);
    }
}

static void check_report(str body)
{
    static struct report report;
    static struct board total;
    struct why why;
    if (report_read(&report, body, &why))
        return;
    memset(&total, 0, sizeof(total));
    for (int i = 0; i < 64; i++)
        board_merge(&total, &report.board);
    for (int i = 0; i < ASK_KINDS; i++)
        must(hist_quantile(&total.latency[i], 990) <= MAX(total.latency[i].max_us, 0));
    struct wire_out out = wire_out_make(room, sizeof(room));
    report_write(&out, &report);
    must(!out.failed && str_eq(str_of(room, out.n), body));
}

static void check_credentials(str body)
{
    static struct credential all[1000];
    struct arena arena = arena_make(MIB);
    struct why why;
    uint32_t n = 0;
    if (!credentials_take(all, &n, COUNT(all), body, &arena, &why)) {
        struct wire_out out = wire_out_make(room, sizeof(room));
        must(credentials_write(&out, all, n) == n && str_eq(str_of(room, out.n), body));
    }
    must(n <= COUNT(all));
    arena_fini(&arena);
}

static void check_plan(str body)
{
    static uint32_t keys[PAPER_ITEMS_MAX + 1];
    struct plan plan;
    struct why why;
    if (plan_read(&plan, keys, body, &why))
        return;
    struct wire_out out = wire_out_make(room, sizeof(room));
    plan_write(&out, &plan);
    must(str_eq(str_of(room, out.n), body));
}

static void check_small(str body)
{
    struct why why;
    struct hello hello;
    struct ping ping;
    struct target_message target;
    struct crew_orders orders;
    struct wire_out out = wire_out_make(room, sizeof(room));
    if (!hello_read(&hello, body, &why))
        hello_write(&out, &hello);
    else if (!ping_read(&ping, body, &why))
        ping_write(&out, &ping);
    else if (!order_read(&orders, body, &why))
        order_write(&out, &orders);
    else if (!target_read(&target, body, &why))
        target_write(&out, &target);
    else
        return;
    must(str_eq(str_of(room, out.n), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str body = str_from(str_of(data, size), 1);
    if (!size || size > FRAME_BYTES_MAX)
        return 0;
    switch (data[0] % 5) {
    case 0:
        check_frames(body);
        break;
    case 1:
        check_report(body);
        break;
    case 2:
        check_credentials(body);
        break;
    case 3:
        check_plan(body);
        break;
    default:
        check_small(body);
    }
    return 0;
}
