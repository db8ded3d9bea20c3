/* importing.h - rows of a file, posted to the hall in chunks, and the report of what became of
 * each. */
#pragma once

#include "cli/cmd.h"
#include "svc/itembank/import.h"

struct refusal {
    unsigned line;
    const char *reason;
};

struct posting_report {
    uint64_t read, imported;
    struct refusal *refused;
    size_t refused_n, refused_cap;
    struct arena arena; /* of the reasons */
};

struct posting {
    struct admin *admin;
    const char *target;
    struct out body; /* the request being filled: whoever adds writes the opening bracket */
    unsigned lines[2000], rows, rows_max;
    size_t bytes_max;
    struct posting_report *report;
    struct progress progress;
    fail f;
    struct why why;
};

void posting_start(struct posting *posting, struct admin *admin, const char *target,
                   unsigned rows_max, size_t bytes_max, struct posting_report *report);
/* One row is in `body`; sends when the chunk is full. False when the hall failed. */
bool posting_add(struct posting *posting, unsigned line);
void posting_refuse(struct posting *posting, unsigned line, const char *reason);
fail posting_end(struct posting *posting, struct why *why); /* why NULL: drops what was not sent */
int posting_print(const struct posting_report *report,
                  const char *what); /* gives the exit status */
void posting_report_fini(struct posting_report *report);

/* The two imports, for `init` too. */
fail import_paper(struct admin *admin, const char *exam, str bytes, enum import_format format,
                  bool replace, struct posting_report *report, struct why *why);
fail import_roster(struct admin *admin, str bytes, struct posting_report *report, struct why *why);
/* A certificate's digest of a roster is over these lines; see rehearsal/certificate.h. */
fail export_roster(struct admin *admin, bool codes, FILE *to, struct why *why);
