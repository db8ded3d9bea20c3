/* log_check.c - see log_check.h. */
#include "store/log_check.h"
#include "sys/note.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE_LAST 19
#define RETRY_US  100000

/* Want of a descriptor says nothing about the bytes: the thread tries again until one is free. */
static fail next_batch(struct log_check *check, struct walk *walk, bool *found, struct why *why)
{
    fail f;
    while ((f = walk_next(walk, found, why)) == FAIL_STARVED && check->patient && !check->stop)
        usleep(RETRY_US);
    if (f != FAIL_STARVED || !check->stop)
        return f;
    *found = true; /* it was not looked at, so nothing is missing */
    return FAIL_NONE;
}

static fail check(struct log_check *check, struct why *why)
{
    struct walk walk;
    fail f = FAIL_NONE;
    walk_init(&walk, check->segments, (struct place){ 0 });
    while (!f && walk.place.segment < check->end.segment && !check->stop) {
        bool found;
        f = next_batch(check, &walk, &found, why);
        if (!f && !found)
            f = walk_corrupt(&walk, "no valid batch is here, but some are further on", why);
        check->left = check->end.first - MIN(walk.place.first, check->end.first);
    }
    walk_fini(&walk);
    return f;
}

fail log_check_now(struct segments *segments, struct place end, struct why *why)
{
    struct log_check now = { .segments = segments, .end = end };
    return check(&now, why);
}

static void *check_main(void *arg)
{
    struct log_check *ours = arg;
    struct why why;
    fail_ignore(setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_LAST), "then it is less polite");
    if (check(ours, &why)) {
        ours->damaged = true;
        note_fail("log.damaged", &why);
    }
    return NULL;
}

void log_check_start(struct log_check *check, struct segments *segments, struct place end)
{
    sigset_t all, before; /* signals are for the owner's thread */
    check->segments = segments;
    check->end = end;
    check->left = end.first;
    check->patient = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    check->running = pthread_create(&check->thread, NULL, check_main, check) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    must(check->running);
}

void log_check_stop(struct log_check *check)
{
    check->stop = true;
    if (check->running)
        must(pthread_join(check->thread, NULL) == 0);
    check->running = false;
}
