/* readiness.c - see readiness.h. */
#include "cli/readiness.h"
#include "cli/cmd.h"
#include "rehearsal/rehearsal.h"

#include <time.h>

#define DAY_MS (24 * 3600 * (instant)1000)

static fail hall_read(struct readiness *r, const char *dir, struct why *why)
{
    char path[4200];
    struct certified_from from = { .dir = dir };
    snprintf(path, sizeof(path), "%s/hall.yaml", dir);
    fail f = spec_load(&r->spec, path, &r->arena, why);
    return f ? f : certified_read(&r->certified, &from, why);
}

fail readiness_load(struct readiness *r, struct rehearsal_opts *opts, struct why *why)
{
    r->arena = arena_make(8 * MIB);
    r->spec.objectives = objectives_default;
    fail f = r->for_dir ? hall_read(r, r->for_dir, why) : FAIL_NONE;
    if (f)
        return f;
    opts->settings = r->spec.settings;
    if (!opts->candidates)
        opts->candidates = (uint32_t)r->certified.candidates;
    return FAIL_NONE;
}

fail readiness_check(struct readiness *r, const struct rehearsal_opts *opts, struct why *why)
{
    if (!r->file && r->sign_with)
        return fail_set(why, FAIL_USAGE, "--sign-with goes with --certificate FILE");
    if (!r->file)
        return FAIL_NONE;
    if (opts->target)
        return fail_set(why, FAIL_USAGE,
                        "a certificate names the program that ran, and --target may run any; let "
                        "the rehearsal make its own hall");
    if (!r->for_dir && !opts->data)
        return fail_set(why, FAIL_USAGE,
                        "--certificate needs --for DIR, the hall it is for, or --data DIR, to keep "
                        "the rehearsal's own");
    fail f = FAIL_NONE;
    if (r->sign_with || r->for_dir)
        f = certify_key(&r->key, r->sign_with, r->for_dir, why);
    return f ? f : certify_check(r->file, why);
}

fail readiness_certify(struct readiness *r, const struct rehearsal_opts *opts,
                       const struct outcome *outcome, const struct judgement *judgement,
                       struct why *why)
{
    struct timespec now;
    struct this_machine machine;
    fail f = FAIL_NONE;
    if (!r->file)
        return FAIL_NONE;
    if (!r->for_dir) /* the folder was made by the run */
        f = hall_read(r, opts->data, why);
    if (!f && !r->for_dir && !r->sign_with)
        f = certify_key(&r->key, NULL, opts->data, why);
    clock_gettime(CLOCK_REALTIME, &now);
    this_machine_read(&machine);
    instant at = now.tv_sec * (instant)1000 + now.tv_nsec / 1000000;
    struct certificate_facts facts = { .hall = r->spec.hall,
                                       .version = version(),
                                       .certified = &r->certified,
                                       .machine = &machine,
                                       .opts = opts,
                                       .outcome = outcome,
                                       .judgement = judgement,
                                       .objectives = &r->spec.objectives,
                                       .made_at = at,
                                       .expires_at = at + r->valid_days * DAY_MS };
    return f ? f : certify_write(r->file, &facts, &r->key, why);
}

void readiness_fini(struct readiness *r)
{
    minisign_fini(&r->key);
    arena_fini(&r->arena);
}
