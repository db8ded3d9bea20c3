/* probe.h - asks the hall once a second whether it is ready, as a gateway would, without waiting.
 *
 * So a hall that nobody uses at the moment, or that takes requests and does not answer, is known
 * too. */
#pragma once

#include "base/base.h"

struct probe {
    int fd;           /* an answer is awaited here; -1: none */
    int64_t asked_ms; /* the last time */
    unsigned deaf;    /* how many times running it did not say yes within two seconds */
};

void probe_begin(struct probe *probe);
void probe_go(struct probe *probe, const char *run, int64_t now_ms); /* at each turn of the loop */
void probe_end(struct probe *probe);
