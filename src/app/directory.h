/* directory.h - who and what there is: exams, candidates, officers, and the epoch of each session.
 *
 * Folded from events once per process and read by every service in it, so that seventeen services
 * do not keep seventeen rosters. Nobody but apply changes it. Texts live in the directory's own
 * arena for ever (a roster is small and never shrinks during an exam).
 *
 * An exam, candidate or officer is an index from 0; outside (URLs, JSON) an attempt is its
 * candidate's index + 1, and exams go by name. */
#pragma once

#include "app/events.h"
#include "base/arena.h"
#include "base/out.h"
#include "store/store.h"

#define EXAMS_MAX      256
#define ITEMS_MAX      1000
#define SECTIONS_MAX   32
#define SHIFTS_MAX     64
#define OFFICERS_MAX   1000
#define CANDIDATES_MAX 2000000 /* addresses are reserved, memory is used as they come */
#define TIME_KEYS      4096    /* so many additions of time are known when they are sent again */

enum exam_state { EXAM_DRAFT, EXAM_OPEN, EXAM_CLOSED_STATE, EXAM_SCORED_STATE, EXAM_PUBLISHED };
extern const char *const exam_state_names[]; /* "draft", "open", "closed", "scored", "published" */

enum item_kind { ITEM_SINGLE, ITEM_SEVERAL, ITEM_NUMBER, ITEM_TEXT };

/* What services may know of an item without its text, and never anything of its key. */
struct item_shape {
    uint8_t kind, options, blanks, section;
    bool last_stays;      /* "None of these": never moved from the end */
    int32_t right, wrong; /* milli marks */
};

static inline bool item_is_typed(const struct item_shape *shape)
{
    return shape->kind == ITEM_NUMBER || shape->kind == ITEM_TEXT;
}

struct shift {
    str name;
    instant opens, starts; /* 0: whenever the exam is open */
};

struct exam {
    str name, title, instructions;
    enum exam_state state;
    uint32_t minutes;
    int32_t right, wrong; /* milli marks, defaults of new items */
    uint8_t partial;
    struct shift *shifts;
    unsigned shift_count;
    str sections[SECTIONS_MAX];
    unsigned section_count;
    struct item_shape *items; /* ITEMS_MAX of them; [0] is item 1 */
    str *item_json;           /* public part of each item */
    unsigned item_count;
    char paper[65];      /* digest of the frozen paper, hex; "" before opening */
    str scored;          /* blob of the newest scoring */
    uint32_t candidates; /* on the roster for it */
};

/* A candidate's one attempt. ends_at is the promise: nothing in time is refused, and it only grows.
 */
struct attempt {
    instant started_at, ends_at, submitted_at; /* 0: not yet */
    int32_t extra_s;                           /* added by officers */
    uint8_t submitted_by;                      /* enum submitted_by */
    uint16_t answered;                         /* as of submission */
    uint32_t saves;
    uint8_t digest[32]; /* of all answers, as of submission */
};

struct candidate {
    str roll, name, birth, centre;
    uint16_t exam, extra_minutes;
    uint8_t shift;
    uint32_t epoch; /* of the newest sign-in; 0: never */
    struct attempt attempt;
};

struct officer {
    str name, password_hash, totp_sealed;
    uint8_t role;
    uint32_t epoch;
    uint64_t totp_step; /* the last one used */
};

struct directory {
    struct exam *exams;
    unsigned exam_count;
    struct candidate *candidates;
    uint32_t candidate_count, signed_in_count, started_count, submitted_count;
    struct officer *officers;
    unsigned officer_count;
    uint32_t *by_roll; /* open addressing: index + 1 */
    uint32_t by_roll_mask;
    uint64_t time_keys[TIME_KEYS]; /* a ring of hashes: attempt and Idempotency-Key */
    uint64_t time_key_count;       /* how many there ever were */
    struct arena texts;
};

void directory_init(struct directory *directory);
void directory_fini(struct directory *directory);
/* Asks the memory for a candidate, or for those that these records are about; changes nothing. */
void directory_expect_one(const struct directory *d, uint32_t candidate);
void directory_expect(const struct directory *d, const struct record *records, size_t n);
void directory_apply(struct directory *directory, const struct record *record);
/* The epochs, which checkpoints keep instead of every sign-in. */
fail directory_save(const struct directory *directory, struct store *store,
                    struct why *why) MUST_USE;
fail directory_load(struct directory *directory, struct store *store, struct why *why) MUST_USE;

struct exam *directory_exam(const struct directory *directory, str name); /* NULL when none */
struct candidate *directory_roll(const struct directory *directory, str roll);
struct officer *directory_officer(const struct directory *directory, str name);
/* Was time added to this attempt with this Idempotency-Key, among the newest TIME_KEYS? */
bool directory_time_added(const struct directory *directory, uint32_t candidate, str key);

/* The exam's row as everybody may see it (ARCHITECTURE.md, GET /v1/exams). */
void exam_write(struct out *out, const struct exam *exam);
