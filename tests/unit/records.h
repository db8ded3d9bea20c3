/* records.h - records for tests of the log: everything about one follows from its number. */
#pragma once

#include "store/log.h"

#define RECORDS_BODY_BYTES_MAX 600

/* Record i; its body, of 0 to 599 bytes, lies in `body`. */
struct record record_of(uint64_t i, char body[RECORDS_BODY_BYTES_MAX]);
void check_record(const struct record *is, const struct record *want); /* the same in all */
