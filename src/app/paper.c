/* paper.c - see paper.h. */
#include "app/paper.h"

#include "codec/base64.h"
#include "codec/gzip.h"
#include "net/gateway.h"

#include <sodium.h>
#include <string.h>

#define PAPER_BYTES_MAX  GATEWAY_REPLY_BYTES_MAX /* a larger one would reach no candidate */
#define PACKED_BYTES_MAX (32 * KIB)              /* of its gzip */

static void write_paper(struct out *out, const struct exam *exam)
{
    jo_str(out, "title", exam->title);
    jo_open(out, "sections", '[');
    for (unsigned i = 0; i < exam->section_count; i++) {
        jo_open(out, NULL, '{');
        jo_str(out, "name", exam->sections[i]);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_open(out, "items", '[');
    for (unsigned i = 0; i < exam->item_count; i++)
        jo_raw(out, NULL, exam->item_json[i]);
    jo_close(out, ']');
    jo_close(out, '}');
}

static str packed_of(str gzip, struct arena *memory)
{
    if (gzip.n > PACKED_BYTES_MAX)
        return STR_NONE;
    size_t n = BASE64_PADDED_CHARS(gzip.n) + 2;
    char *text = arena_bytes(memory, n);
    must(text);
    text[0] = text[n - 1] = '"';
    must(base64_encode(BASE64_PADDED, text + 1, gzip.p, gzip.n) == n - 2);
    return str_of(text, n);
}

/* The digest is of what follows it, so it can stand inside. */
fail paper_freeze(const struct exam *exam, struct frozen_paper *paper, struct arena *memory,
                  struct why *why)
{
    struct out rest = out_make(PAPER_BYTES_MAX), whole = out_make(PAPER_BYTES_MAX);
    uint8_t hash[32];
    char digest[65];
    write_paper(&rest, exam);
    crypto_generichash(hash, sizeof(hash), (uint8_t *)rest.p, rest.n, NULL, 0);
    sodium_bin2hex(digest, sizeof(digest), hash, sizeof(hash));
    out_fmt(&whole, "{\"digest\":\"%s\",", digest);
    out_str(&whole, out_view(&rest));
    fail f = rest.failed || whole.failed
                 ? fail_set(why, FAIL_LIMIT, "the paper is larger than %zu bytes", PAPER_BYTES_MAX)
                 : FAIL_NONE;
    if (!f) {
        memcpy(paper->digest, digest, sizeof(digest));
        paper->plain = arena_str(memory, out_view(&whole));
        paper->gzip = gzip_pack(paper->plain, memory);
        must(paper->plain.p && paper->gzip.p);
        paper->packed = packed_of(paper->gzip, memory);
    }
    out_fini(&rest);
    out_fini(&whole);
    return f;
}

const struct frozen_paper *paper_frozen(struct host *host, uint32_t index)
{
    const struct exam *exam = &host->directory->exams[index];
    struct frozen_paper *paper = &host->papers[index];
    must(exam->paper[0]);
    if (strcmp(paper->digest, exam->paper) == 0)
        return paper;
    struct why why; /* it was not too large when it was frozen */
    must(!paper_freeze(exam, paper, host->memory, &why));
    must(strcmp(paper->digest, exam->paper) == 0); /* frozen: the same bytes for ever */
    return paper;
}
