/* hall_internal.h - the inside of a hall, for the files of src/app only. */
#pragma once

#include "app/hall.h"
#include "app/route.h"

#include <sys/types.h>

#define SERVICES_MAX 32
#define SETTINGS_MAX 128

struct hall {
    struct hall_opts opts;
    struct host host;
    struct clock_real clock;
    struct keys keys;
    struct directory directory;
    struct book book;
    bool has_book;     /* a hosted service reads it */
    unsigned followed; /* TOPIC_BITs of all hosted services */
    struct log *log;
    struct blobs blobs, worker_blobs;
    struct arena memory;
    struct {
        const struct service *service;
        void *state;
    } hosted[SERVICES_MAX];
    unsigned service_count;
    struct setting settings[SETTINGS_MAX];
    unsigned setting_count;
    struct routes routes;
    uint64_t checkpoint_at;  /* offset of the newest checkpoint */
    int64_t checkpoint_us;   /* when it was started */
    bool book_follows;       /* the checkpoint's events are folded, its book is loaded after them */
    bool checkpoint_damaged; /* found while it was being folded: open anew without it */
    pid_t checkpoint_pid;    /* the child writing one, or 0 */
    int64_t opened_us;
    bool signs_later; /* the server has a signer */
};

void hall_fold(struct hall *hall, const struct record *record);
/* The same for several: asks the memory for all that they need first. */
void hall_fold_run(struct hall *hall, const struct record *records, size_t n);
/* Before the log is open: what checkpoint_at says is then folded. */
fail checkpoint_load(struct hall *hall, struct why *why) MUST_USE;
fail checkpoint_check(struct hall *hall, struct why *why) MUST_USE; /* does the log go as far? */
void own_routes_add(struct hall *hall); /* health, metrics, openapi, status, time */
