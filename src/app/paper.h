/* paper.h - an exam's paper as it was frozen: one JSON, the same bytes for everybody, named by its
 * digest and compressed once.
 *
 * A pure function of the exam in the directory, so a process builds it when it is first needed and
 * keeps it (host->papers); every process builds the same bytes. Keys are not in it. Who may have it
 * is for the caller to ask. */
#pragma once

#include "app/service.h"

struct frozen_paper {
    char digest[65];
    str plain, gzip;
    /* The gzip as base64, in quotes, for a reply that has the paper with it; empty where the paper
     * is too large to be waited for with something else. */
    str packed;
};

/* The paper that the exam would have if it were frozen now, in `memory`. FAIL_LIMIT: too large. */
fail paper_freeze(const struct exam *exam, struct frozen_paper *paper, struct arena *memory,
                  struct why *why) MUST_USE;
/* The paper of an exam that has been opened; lives as long as the hall. */
const struct frozen_paper *paper_frozen(struct host *host, uint32_t exam);
