/* item.h - one question: what candidates see, its key, and what both must satisfy.
 *
 * An item is built by an importer, checked by item_check, travels to the hall as JSON
 * (item_write_json, item_from_json) and is stored in two halves that never meet again: the public
 * part (item_write_public) and the key. The public part and the digest are functions of what
 * candidates see alone; no byte of them depends on the key. */
#pragma once

#include "svc/scoring/scoring_api.h"

#define ITEM_OPTIONS_MIN      2
#define ITEM_OPTIONS_MAX      SCORE_OPTIONS_MAX
#define ITEM_OPTION_BYTES_MAX (4 * KIB)
#define ITEM_TEXT_BYTES_MAX   (64 * KIB) /* all texts of an item together */
#define ITEM_NAME_BYTES_MAX   100        /* id and section */
#define ITEM_ALT_BYTES_MAX    2000
#define ITEM_IMAGE_BYTES_MAX  (64 * KIB)
#define ITEM_JSON_BYTES_MAX   (512 * KIB) /* a written item is never larger */
#define ITEM_DIGEST_BYTES     32
#define ITEM_PARTIAL_OF_EXAM  0xff

struct item_image {
    str alt, type, bytes; /* type: image/svg+xml, image/png, image/jpeg; p NULL: no image */
};

/* All texts borrow from whoever built the item. */
struct item {
    str id;      /* the author's own name for it; may be empty */
    str section; /* name; may be empty */
    enum score_kind kind;
    unsigned blanks;   /* text: how many inputs; 1 for all others */
    str passage, text; /* passage: p NULL when there is none */
    str options[ITEM_OPTIONS_MAX];
    unsigned option_count;
    bool last_stays; /* "None of these": the last option is never moved */
    struct item_image image;
    bool has_right, has_wrong; /* false: the exam's marks */
    int32_t right, wrong;      /* milli marks */
    uint8_t partial;           /* enum score_partial, or ITEM_PARTIAL_OF_EXAM */
    struct score_key key;
};

/* What a blank item starts as. */
struct item item_make(enum score_kind kind);

/* FAIL_INPUT or FAIL_LIMIT with the first thing that is wrong. */
fail item_check(const struct item *item, struct why *why) MUST_USE;

/* Is the last option one that must stay last, such as "None of these" or "以上都不对"? */
bool item_last_stays(const struct item *item);

/* BLAKE2b of what candidates see, without section and marks: equal questions have equal digests. */
void item_digest(const struct item *item, uint8_t digest[ITEM_DIGEST_BYTES]);

/* Both writers leave commas between items to the caller.
 * The paper object's item of ARCHITECTURE.md. right and wrong are written as they are: fill in the
 * exam's first. */
void item_write_public(struct out *out, const struct item *item, unsigned number, unsigned section);
/* The operator's request: {"id","section","kind","blanks","passage","text","options","last_stays",
 * "image":{"alt","src"},"right","wrong","partial","key"}; what is empty or the exam's is left out.
 */
void item_write_json(struct out *out, const struct item *item);
/* Reads that; does not check it. Texts borrow from the tree or lie in the arena. */
fail item_from_json(struct item *item, const struct json *json, struct arena *arena,
                    struct why *why) MUST_USE;

/* Pieces that importers share. */
fail item_image_from_json(struct item_image *image, const struct json *json, struct arena *arena,
                          struct why *why) MUST_USE;
fail item_marks_from_json(struct item *item, const struct json *json, struct why *why) MUST_USE;
bool item_kind_of(str name, enum score_kind *kind) MUST_USE;
bool item_partial_of(str name, uint8_t *partial) MUST_USE;
