/* records.c - see records.h. */
#include "tests/unit/records.h"
#include "tests/test.h"

struct record record_of(uint64_t i, char body[RECORDS_BODY_BYTES_MAX])
{
    size_t n = (size_t)(i * 7919 % RECORDS_BODY_BYTES_MAX);
    for (size_t k = 0; k < n; k++)
        body[k] = (char)(i + k);
    return (struct record){ .offset = i,
                            .at = 1800000000000 + (instant)(i / 3),
                            .key = (uint32_t)(i * 2654435761u),
                            .topic = (uint8_t)(i % TOPIC_COUNT),
                            .type = (uint8_t)i,
                            .body = str_of(body, n) };
}

void check_record(const struct record *is, const struct record *want)
{
    CHECK_EQ(is->offset, want->offset);
    CHECK_EQ(is->at, want->at);
    CHECK_EQ(is->key, want->key);
    CHECK_EQ(is->topic, want->topic);
    CHECK_EQ(is->type, want->type);
    CHECK_STR(is->body, want->body);
}
