/* answers_api.h - what others may know of answers: values, receipts.
 *
 * A value is what the candidate chose, in the paper's own letters: "B", "AC", or the typed text. */
#pragma once

#include "app/service.h"

/* Is this a value the item can have? Letters in range, ascending, once each; one for `single`;
 * typed text is UTF-8 without control bytes. The empty value (cleared) always is. */
fail answer_check(const struct item_shape *shape, str value, struct why *why) MUST_USE;

/* The receipt of a submission: who, what, when, signed by the hall (Ed25519), so that anyone with
 * keys/receipt.pub can tell a true one from a made-up one. */
struct receipt {
    str hall, exam, roll, by;
    int64_t attempt, answered, saves, submitted_at;
    str digest, key, signature; /* hex */
};
extern const char *const submitted_by_names[]; /* by enum submitted_by */

/* The line that is signed: "examhall-receipt-1|hall|exam|roll|attempt|answered|saves|at|by|digest".
 */
void receipt_line(struct out *out, const struct receipt *receipt);
/* Reads the JSON that the portal lets candidates keep. Borrows text. */
fail receipt_parse(struct receipt *receipt, str text, struct arena *arena,
                   struct why *why) MUST_USE;
/* FAIL_CONFLICT when it is not what the hall with this public key signed. */
fail receipt_verify(const struct receipt *receipt, const uint8_t public_key[32],
                    struct why *why) MUST_USE;
void receipt_write(struct req *req, const struct receipt *receipt); /* into the reply, signed */
