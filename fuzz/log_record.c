/* log_record.c - any bytes as records, and any bytes as a segment of a log on the simulated disk.
 *
 * The first byte chooses. Records: what decodes encodes to the same bytes again. A segment: the log
 * either refuses it or serves records whose offsets and instants are in order; sums, id and chain
 * are put right if the first byte says so, else nothing would ever get behind them. */
#include "store/log.h"
#include "store/log_batch.h"
#include "sys/files_sim.h"

#include <stdlib.h>

#define SEGMENT_BYTES (32 * KIB)
#define LOG_ID        0x1122334455667788u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_records(str bytes)
{
    instant at = 1800000000000;
    struct record record;
    for (;;) {
        str before = bytes;
        instant before_at = at;
        if (!record_decode(&bytes, &at, &record))
            return;
        char *again = malloc(RECORD_HEAD_BYTES_MAX + record.body.n);
        must(again);
        size_t used = record_encode(again, &record, before_at);
        must(used == before.n - bytes.n && memcmp(again, before.p, used) == 0);
        free(again);
    }
}

struct seen {
    uint64_t next;
    instant at;
};

static fail see(void *ctx, const struct record *record, struct why *why)
{
    (void)why;
    struct seen *seen = ctx;
    must(record->offset == seen->next && record->topic < TOPIC_COUNT);
    volatile char last = record->body.n ? record->body.p[record->body.n - 1] : 0;
    (void)last;
    seen->next++;
    return FAIL_NONE;
}

/* A first, empty batch, and then the stranger's bytes. */
static void fill(struct files_sim *sim, const uint8_t *data, size_t n, uint8_t choice)
{
    struct files *files = files_sim_files(sim);
    struct batch_head first = { .log_id = LOG_ID, .segment_bytes = SEGMENT_BYTES }, head;
    char *bytes = calloc(1, SEGMENT_BYTES), *second = bytes + BATCH_BLOCK_BYTES;
    int handle;
    must(bytes);
    batch_seal(&first, NULL);
    memcpy(bytes, &first, sizeof(first));
    n = MIN(n, SEGMENT_BYTES - BATCH_BLOCK_BYTES);
    memcpy(second, data, n);
    memcpy(&head, second, sizeof(head));
    if (choice & 2) {
        head.log_id = LOG_ID;
        head.chain = first.head_sum;
        head.segment_bytes = SEGMENT_BYTES;
        head.first = 0;
    }
    if ((choice & 4) && head.bytes <= SEGMENT_BYTES - BATCH_BLOCK_BYTES - sizeof(head))
        batch_seal(&head, second + sizeof(head));
    memcpy(second, &head, sizeof(head));
    must(!files->make_dir(files, "log", NULL));
    must(!files->open(files, "log/00000000000000000000.seg", FILE_WRITE | FILE_CREATE, &handle,
                      NULL));
    must(!files->write(files, handle, 0, bytes, SEGMENT_BYTES, NULL));
    free(bytes);
}

static void check_segment(const uint8_t *data, size_t n, uint8_t choice)
{
    struct files_sim *sim = files_sim_new(SEGMENT_BYTES, 1);
    struct log_opts opts = { .backend = "embedded",
                             .dir = "log",
                             .files = files_sim_files(sim),
                             .segment_bytes = SEGMENT_BYTES };
    struct log *log;
    struct why why;
    fill(sim, data, n, choice);
    fail f = log_open(&log, &opts, &why);
    must(!f || f == FAIL_CORRUPT);
    if (!f) {
        struct seen seen = { 0 };
        f = log_read(log, 0, TOPICS_ALL, see, &seen, &why);
        must(f == FAIL_CORRUPT || (!f && seen.next == log_durable(log)));
        log_close(log);
    }
    files_sim_free(sim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 1 + sizeof(struct batch_head))
        return 0;
    if (data[0] & 1)
        check_segment(data + 1, n - 1, data[0]);
    else
        check_records(str_of(data + 1, n - 1));
    return 0;
}
