/* log_batch.c - see log_batch.h. Decoding expects the worst: the fuzzer fuzz/log_record.c feeds it.
 */
#include "store/log_batch.h"

#include "store/crc32c.h"

static char *put_varint(char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (char)(v | 0x80);
    *p++ = (char)v;
    return p;
}

static bool get_long_varint(const char **p, const char *end, uint64_t *v)
{
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 63 && *p < end; shift += 7) {
        uint64_t byte = (unsigned char)*(*p)++;
        sum |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *v = sum;
            return byte != 0 || shift == 0; /* one spelling for each number */
        }
    }
    return false;
}

static inline bool get_varint(const char **p, const char *end, uint64_t *v)
{
    if (LIKELY(*p < end && (unsigned char)**p < 0x80)) {
        *v = (unsigned char)*(*p)++;
        return true;
    }
    return get_long_varint(p, end, v);
}

size_t record_encode(char *p, const struct record *record, instant before)
{
    must(record->at >= before && record->body.n <= LOG_BODY_BYTES_MAX);
    char *start = p;
    p = put_varint(p, record->body.n);
    *p++ = (char)record->topic;
    *p++ = (char)record->type;
    p = put_varint(p, record->key);
    p = put_varint(p, (uint64_t)(record->at - before));
    if (record->body.n)
        memcpy(p, record->body.p, record->body.n);
    return (size_t)(p - start) + record->body.n;
}

bool record_decode(str *rest, instant *at, struct record *record)
{
    const char *p = rest->p, *end = p + rest->n;
    uint64_t body_bytes, key, later_ms;
    if (!get_varint(&p, end, &body_bytes) || end - p < 2)
        return false;
    record->topic = (uint8_t)*p++;
    record->type = (uint8_t)*p++;
    if (!get_varint(&p, end, &key) || !get_varint(&p, end, &later_ms))
        return false;
    if (body_bytes > LOG_BODY_BYTES_MAX || body_bytes > (size_t)(end - p) ||
        record->topic >= TOPIC_COUNT || key > UINT32_MAX)
        return false;
    if (__builtin_add_overflow(*at, later_ms, at))
        return false;
    record->at = *at;
    record->key = (uint32_t)key;
    record->body = str_of(p, body_bytes);
    *rest = str_of(p + body_bytes, (size_t)(end - p) - body_bytes);
    return true;
}

static uint32_t sum_of_head(const struct batch_head *head)
{
    size_t from = offsetof(struct batch_head, log_id);
    return crc32c(0, (const char *)head + from, sizeof(*head) - from);
}

void batch_seal(struct batch_head *head, const char *records)
{
    must(batch_padded(head->bytes) <= BATCH_BYTES_MAX);
    head->magic = BATCH_MAGIC;
    head->body_sum = crc32c(0, records, head->bytes);
    head->head_sum = sum_of_head(head);
}

bool batch_head_valid(const struct batch_head *head)
{
    return head->magic == BATCH_MAGIC && head->head_sum == sum_of_head(head) &&
           head->bytes <= BATCH_BYTES_MAX - sizeof(*head);
}

bool batch_body_valid(const struct batch_head *head, const char *records)
{
    return crc32c(0, records, head->bytes) == head->body_sum;
}

fail batch_each(const struct batch_head *head, const char *records, uint64_t from, uint64_t end,
                uint32_t topics, log_run_fn fn, void *ctx, struct why *why)
{
    str rest = str_of(records, head->bytes);
    instant at = head->at_first;
    struct record run[LOG_RUN];
    size_t n = 0;
    fail f = FAIL_NONE;
    for (uint32_t i = 0; i < head->count && head->first + i < end && !f; i++) {
        struct record *record = &run[n];
        if (!record_decode(&rest, &at, record))
            return fail_set(why, FAIL_CORRUPT,
                            "record %llu of the log cannot be read though its checksum is right: "
                            "it was written by another version; use that version",
                            (unsigned long long)(head->first + i));
        record->offset = head->first + i;
        n += record->offset >= from && (topics & TOPIC_BIT(record->topic));
        if (n < LOG_RUN)
            continue;
        f = fn(ctx, run, n, why);
        n = 0;
    }
    return f || !n ? f : fn(ctx, run, n, why);
}
