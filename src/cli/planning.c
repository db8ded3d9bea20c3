/* planning.c - see planning.h. */
#include "cli/planning.h"

#include "cli/cmd_env.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROSTER_BYTES_MAX (512 * MIB)
#define HABIT_MAX_S      3600

static instant wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * (instant)1000 + now.tv_nsec / 1000000;
}

/* --- environment --------------------------------------------------------------------------------
 */

static fail env_choose(struct planning *p, const char *given, struct why *why)
{
    const struct yaml *map = yaml_member(p->spec.tree, "environments");
    struct env env;
    int best = -1;
    if (given)
        return env_open(&p->env, &p->spec, str_z(given), &p->arena, why);
    if (!map || !map->first)
        return fail_set(why, FAIL_CONFLICT,
                        "the spec has no environment; add one with: examhall env add prod --on aws "
                        "--account A --region R --size exam");
    for (const struct yaml *e = map->first; e; e = e->next) {
        fail f = env_open(&env, &p->spec, e->key, &p->arena, why);
        int rank = env.cloud + (env.cloud && env.exam);
        if (f)
            return f;
        if (rank > best) {
            best = rank;
            p->env = env;
        }
    }
    return FAIL_NONE;
}

/* --- files --------------------------------------------------------------------------------------
 */

/* capacity.json beside the spec, when it is there. */
static const char *capacity_path(char path[4200], const char *spec, const char *given)
{
    const char *slash = strrchr(spec, '/');
    if (given)
        return given;
    snprintf(path, 4200, "%.*scapacity.json", slash ? (int)(slash - spec) + 1 : 0, spec);
    return access(path, F_OK) == 0 ? path : NULL;
}

static fail measured_load(struct planning *p, const char *path, struct why *why)
{
    char own[SHA256_HEX];
    str text;
    if (!path)
        return FAIL_NONE;
    fail f = file_read(path, MEASURED_BYTES_MAX, &p->arena, &text, why);
    if (!f)
        f = why_add(why, measured_parse(&p->measured, text, wall_ms(), &p->arena, why),
                    "%s is no capacity file", path);
    if (!f)
        f = sha256_file(own, "/proc/self/exe", why);
    p->is_measured = !f;
    p->same_binary = !f && str_eq(p->measured.sha256, str_z(own));
    return f;
}

static fail prices_load(struct planning *p, const char *path, struct why *why)
{
    str text = prices_packed();
    fail f = path ? file_read(path, PRICES_BYTES_MAX, &p->arena, &text, why) : FAIL_NONE;
    if (!f)
        f = why_add(why, prices_parse(&p->prices, text, wall_ms(), &p->arena, why),
                    "%s is no price list", path ? path : "the packed one");
    return f;
}

static fail roster_load(struct planning *p, const char *path, struct why *why)
{
    str text;
    struct arena arena = arena_make(ROSTER_BYTES_MAX);
    if (!path)
        return FAIL_NONE;
    fail f = file_read(path, ROSTER_BYTES_MAX / 2, &arena, &text, why);
    if (!f)
        f = why_add(why, timetable_roster(&p->timetable, text, &p->arena, &p->strangers, why),
                    "%s is no roster", path);
    arena_fini(&arena);
    return f;
}

static fail habits_take(struct habits *habits, const struct planning_words *words, struct why *why)
{
    const struct {
        const char *name, *text;
        int64_t *to;
    } rows[] = { { "--save-every", words->save_every, &habits->save_every_s },
                 { "--start-within", words->start_within, &habits->start_within_s },
                 { "--submit-within", words->submit_within, &habits->submit_within_s },
                 { "--result-within", words->result_within, &habits->result_within_s } };
    *habits = habits_default;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].text && (!str_i64(str_z(rows[i].text), rows[i].to) || *rows[i].to < 1 ||
                             *rows[i].to > HABIT_MAX_S))
            return fail_set(why, FAIL_USAGE,
                            "%s is \"%.40s\", but must be a whole number of seconds from 1 to %d",
                            rows[i].name, rows[i].text, HABIT_MAX_S);
    return FAIL_NONE;
}

fail planning_load(struct planning *p, const struct planning_words *words, bool timetable_needed,
                   struct why *why)
{
    char path[4200];
    const char *spec = spec_path(words->spec);
    *p = (struct planning){ .arena = arena_make(256 * MIB) };
    fail f = habits_take(&p->habits, words, why);
    if (!f)
        f = spec_load(&p->spec, spec, &p->arena, why);
    if (!f)
        f = env_choose(p, words->env, why);
    if (!f)
        f = measured_load(p, capacity_path(path, spec, words->capacity), why);
    if (!f)
        f = prices_load(p, words->prices, why);
    if (f)
        return f;
    f = timetable_make(&p->timetable, &p->spec, &p->arena, why);
    if (f == FAIL_CONFLICT && !timetable_needed)
        f = FAIL_NONE;
    if (!f)
        f = roster_load(p, words->roster, why);
    if (!f && timetable_needed && !p->timetable.candidates)
        f = fail_set(why, FAIL_CONFLICT,
                     "no shift of the spec says how many candidates it expects, so there is no "
                     "load to plan for; write `candidates: 225000` to each, or count them with "
                     "--roster FILE");
    return f;
}

void planning_fini(struct planning *p)
{
    arena_fini(&p->arena);
}
