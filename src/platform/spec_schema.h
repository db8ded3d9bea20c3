/* spec_schema.h - every key that a spec may have, as rows of one table: path, type, range, default,
 * meaning.
 *
 * The rows feed everything: the check and its messages, the nearest right key, the defaults, what
 * `examhall env check --explain` prints, and the variables that are rendered for Terraform. To add
 * a key, add a row: of a hall in spec_schema.c, of an environment in spec_sizes.c, which also has
 * what each size comes to. */
#pragma once

#include "base/str.h"

enum spec_type {
    SPEC_MAP,   /* a mapping with the keys that rows below it name */
    SPEC_LIST,  /* a list; its members are described by the rows below PATH[] */
    SPEC_NAMED, /* a mapping whose keys people choose: PATH.* describes each member */
    SPEC_TEXT,  /* min to max bytes */
    SPEC_LINES, /* a list of texts, one below the other */
    SPEC_WORDS, /* min to max texts, each of the type `of` */
    SPEC_NUMBER,
    SPEC_YES, /* true or false */
    SPEC_CHOICE,
    SPEC_DURATION, /* 250ms, 2s, 60m, 1h: min and max in milliseconds */
    SPEC_REPLICAS, /* a number, or a mapping with the rows below */
    SPEC_SETTING,  /* of a service: the service's own table knows it */
    SPEC_PATTERNS, /* from here on: text that matches a regular expression (spec_types.c) */
    SPEC_PATTERN = SPEC_PATTERNS, /* the row's own */
    SPEC_NAME,
    SPEC_HALL,
    SPEC_DOMAIN,
    SPEC_ADDRESS,
    SPEC_ZONE, /* a time zone */
    SPEC_WHEN,
    SPEC_MARKS,
    SPEC_LANGUAGE,
    SPEC_MEMORY, /* 256Mi */
    SPEC_CPU,    /* 500m, 2 */
    SPEC_ACCOUNT,
    SPEC_REGION, /* one of spec_regions */
    SPEC_CIDR,
    SPEC_ROLE,
    SPEC_MACHINE, /* m7i.large */
};

enum spec_flag {
    SPEC_OWN = 1,      /* names or addresses one environment: not taken over by `like` */
    SPEC_CLOUD = 2,    /* of no meaning for an environment on a machine */
    SPEC_COMPUTED = 4, /* the default is made from other settings (env.c) */
    SPEC_VARIABLE = 8, /* becomes a variable of Terraform, under the same path */
};

struct spec_row {
    const char *path; /* "exams[].shifts[].minutes" */
    enum spec_type type, of;
    int64_t min, max;
    const char *choices; /* SPEC_CHOICE: "machine|aws"; SPEC_PATTERN: the expression */
    const char *as;      /* SPEC_MAP, SPEC_NAMED: rows below this path describe it as well */
    const char *value;   /* the default; NULL: absent */
    const char *exam;    /* the default of size exam, when it is another one */
    unsigned flags;
    const char *wanted; /* what would be right, for people; NULL: the type says it */
    const char *help;   /* what it means, a line */
};

struct spec_rows {
    const struct spec_row *rows;
    size_t count;
};
extern const struct spec_rows spec_hall_rows, spec_environment_rows;

/* The row of `key` in a mapping described by `map`; NULL when there is none. */
const struct spec_row *spec_row_below(const struct spec_row *map, str key);
/* The row with exactly that path, which must exist. */
const struct spec_row *spec_row(const char *path);
/* The keys a mapping may have, for "did you mean"; ends with NULL. Returns the first. */
const char *spec_keys_below(const struct spec_row *map, const char **keys, size_t max);

bool spec_is(const struct spec_row *row, enum spec_type type, str text);
/* "a whole number from 1 to 1440": into `to`. */
const char *spec_wanted(const struct spec_row *row, char *to, size_t n);
const char *spec_wanted_of(enum spec_type type); /* of one of the types from SPEC_PATTERNS on */
bool spec_ms(str text, int64_t *ms);             /* "250ms", "2s", "60m", "1h" */
bool spec_milli(str text, int64_t *milli);       /* of processors: "500m", "2" */
bool spec_bytes(str text, int64_t *bytes);       /* "256Mi", "2Gi" */

/* --- what a size and a region come to ------------------------------------------------------------
 */

struct spec_service {
    const char *name, *small, *exam;          /* replicas, "1..2" */
    const char *memory, *cpu;                 /* of one replica */
    const char *pool;                         /* the nodes it runs on */
    const char *events, *documents, *archive; /* what its role may do: none, read, write */
};
/* The row of that service; services without one of their own have the row `other`. */
const struct spec_service *spec_service(str name);

struct spec_region {
    const char *name, *zones; /* three zones for most: "a,b,c" */
};
extern const struct spec_region spec_regions[]; /* ends with a NULL name */
