/* world.h - a whole hall in one thread for tests: a clock that moves when told, chance from one
 * seed, a disk that can be crashed, fixed keys.
 *
 * It is the hall of app/hall.h, as `serve` runs it, without sockets and threads. Its log lies on a
 * simulated disk (sys/files_sim.h); blobs and checkpoints are real files in test_dir(). What
 * world_crash_and_restart keeps is what was synced, and nothing else.
 *
 * By default the hall has one exam, "paper-1", with the items of world_items, and the candidates
 * R001, R002 ... on its roster, and the exam is open. */
#pragma once

#include "app/hall.h"
#include "crypto/code.h"
#include "sys/files_sim.h"
#include "tests/test.h"

#define WORLD_START    1800000000000 /* 2027-01-15 08:00 UTC */
#define WORLD_MINUTES  60
#define WORLD_ITEMS    7
#define WORLD_ROLLS    4
#define MINUTE_MS      60000ll
#define WORLD_END_MS   (WORLD_MINUTES * MINUTE_MS)
#define WORLD_GRACE_MS 5000ll

struct world_opts {
    uint64_t seed;                 /* 0: test_seed() */
    const char *dir;               /* an empty folder; NULL: test_dir() */
    const char *settings;          /* as in hall_opts */
    const char *keys[WORLD_ITEMS]; /* JSON of each item's key; NULL: world_keys' */
    const char *texts;             /* put into each item's text, and its options; NULL: "" */
    const char *exam; /* body of the exam's definition; NULL: an hour, 4 and -1 marks, subset */
    uint64_t checkpoint_every; /* as in hall_opts */
    unsigned rolls;            /* candidates; 0: WORLD_ROLLS */
    bool bare;                 /* no exam and nobody on the roster */
    bool draft;                /* not opened yet */
    bool memory;               /* a log in memory: nothing outlives the hall */
};

/* One candidate's session. */
struct seat {
    uint32_t attempt;
    char cookie[TOKEN_CHARS + 1];
};

struct world {
    struct world_opts opts;
    struct hall *hall;
    struct clock_sim clock;
    struct chance chance, faults;
    struct keys keys;
    struct files_sim *disk;
    char dir[200];
    struct exchange exchange;
    struct seat seat; /* who the next candidate's call is of */
    struct arena arena;
    const struct json *json; /* of the newest reply, when it is JSON */
    struct why why;
};

/* Item 1 single (A-D), 2 single with a last option that stays, 3 several (A-D), 4 number, 5 text, 6
 * text of two blanks, 7 single worth 2 and -0.5; 1 to 3 in section Physics, the others in Maths. */
extern const char *const world_keys[WORLD_ITEMS];
void world_items(struct out *out, const char *const keys[WORLD_ITEMS], const char *texts);

void world_open(struct world *world, const struct world_opts *opts); /* opts NULL: all defaults */
void world_close(struct world *world);
void world_restart(struct world *world);           /* stopped in peace, started again */
void world_crash_and_restart(struct world *world); /* the power is cut; what was synced is there */
fail world_start_hall(struct world *world);        /* opens the hall; world->why says why not */
void world_advance(struct world *world, int64_t ms); /* and the hall's tick */

/* --- requests ----------------------------------------------------------------------------------
 * Each gives the status; the reply stays until the next one. */

struct world_request {
    const char *method, *target;
    str body;
    const char *headers; /* more header lines, each with CRLF */
    const char *cookie;  /* NULL: none */
    bool admin;
    bool unflushed; /* leave what it appended in memory */
};
unsigned world_request(struct world *world, const struct world_request *request);
unsigned world_get(struct world *world, const char *path);  /* of the attempt: "", "/answers" */
unsigned world_post(struct world *world, const char *path); /* of the attempt: "/start" */
unsigned world_put(struct world *world, unsigned item, const char *value, uint32_t seq);
unsigned world_admin(struct world *world, const char *method, const char *target, const char *body);
unsigned world_sign_in(struct world *world, const char *roll, const char *code);
void world_code(const struct world *world, const char *roll, char code[CODE_CHARS + 1]);

/* Signs the candidate in with the right code: theirs are the next calls. */
struct seat world_login(struct world *world, const char *roll);
struct seat world_start(struct world *world, const char *roll); /* and starts the attempt */
void world_sit(struct world *world, const struct seat *seat);   /* an earlier session's calls */

str world_body(const struct world *world);
str world_headers(const struct world *world);
str world_problem(const struct world *world);                 /* the slug of a problem reply */
str world_str(const struct world *world, const char *member); /* of the reply's object */
int64_t world_i64(const struct world *world, const char *member);
/* A member of the n-th object of an array of the reply: world_in(w, "answers", 0, "value"). */
str world_in(const struct world *world, const char *array, unsigned n, const char *member);
unsigned world_count(const struct world *world, const char *array);

/* Every event of that kind in the log; what is not durable yet is not counted. */
unsigned world_event_count(const struct world *world, enum topic topic, enum event_type type);
