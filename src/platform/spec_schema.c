/* spec_schema.c - the keys of a hall, and how a key is found; see spec_schema.h. */
#include "platform/spec_schema.h"

#include "platform/objectives.h"

#include <stdio.h>

static const struct spec_row rows[] = {
    { .path = "", .type = SPEC_MAP, .wanted = "a spec", .help = "the hall" },
    { .path = "hall",
      .type = SPEC_HALL,
      .help = "the hall's name: in receipts, certificates and names of resources" },
    { .path = "title",
      .type = SPEC_TEXT,
      .min = 1,
      .max = 200,
      .help = "the hall's name as people read it" },
    { .path = "domain",
      .type = SPEC_DOMAIN,
      .value = "localhost",
      .help = "where candidates open the examination" },
    { .path = "time_zone",
      .type = SPEC_TEXT, /* spec.c also asks whether this machine knows it */
      .min = 1,
      .max = 60,
      .wanted = "a time zone such as Asia/Kolkata",
      .value = "UTC",
      .help = "the zone of every time in this file" },
    { .path = "listen",
      .type = SPEC_ADDRESS,
      .value = "0.0.0.0:8443",
      .help = "where the gateway of one machine listens" },
    { .path = "exams",
      .type = SPEC_LIST,
      .wanted = "a list of exams",
      .help = "the examinations and their timetable" },
    { .path = "exams[]", .type = SPEC_MAP, .wanted = "a mapping such as {name: paper-1}" },
    { .path = "exams[].name",
      .type = SPEC_NAME,
      .help = "the exam's name in commands and rosters" },
    { .path = "exams[].title",
      .type = SPEC_TEXT,
      .min = 1,
      .max = 200,
      .help = "the exam's name as candidates read it" },
    { .path = "exams[].languages",
      .type = SPEC_WORDS,
      .of = SPEC_LANGUAGE,
      .min = 1,
      .max = 32,
      .wanted = "a list such as [en, hi]",
      .value = "en",
      .help = "the languages of the paper" },
    { .path = "exams[].minutes",
      .type = SPEC_NUMBER,
      .min = 1,
      .max = 1440,
      .value = "60",
      .help = "how long a candidate has" },
    { .path = "exams[].marks",
      .type = SPEC_MAP,
      .wanted = "a mapping such as {right: 4, wrong: -1}",
      .help = "what an answer gains" },
    { .path = "exams[].marks.right",
      .type = SPEC_MARKS,
      .wanted = "marks such as 4",
      .value = "4",
      .help = "for a right answer" },
    { .path = "exams[].marks.wrong",
      .type = SPEC_MARKS,
      .wanted = "marks such as -1 or -0.25",
      .value = "-1",
      .help = "for a wrong one" },
    { .path = "exams[].marks.partial",
      .type = SPEC_CHOICE,
      .choices = "none|subset",
      .value = "none",
      .help = "where several options are right: whether some of them gain" },
    { .path = "exams[].instructions",
      .type = SPEC_LINES,
      .wanted = "a list of lines, at most 20 KiB",
      .max = 20 * KIB,
      .help = "what a candidate reads before the start" },
    { .path = "exams[].results",
      .type = SPEC_WHEN,
      .help = "when results are published: capacity stands ready then too" },
    { .path = "exams[].shifts",
      .type = SPEC_LIST,
      .wanted = "a list of shifts",
      .help = "when it is held" },
    { .path = "exams[].shifts[]", .type = SPEC_MAP, .wanted = "a mapping such as {name: morning}" },
    { .path = "exams[].shifts[].name",
      .type = SPEC_TEXT,
      .min = 1,
      .max = 40,
      .help = "the shift's name in rosters" },
    { .path = "exams[].shifts[].opens",
      .type = SPEC_WHEN,
      .help = "from when candidates may sign in; absent: whenever the exam is open" },
    { .path = "exams[].shifts[].starts",
      .type = SPEC_WHEN,
      .help = "from when they may start; `09:00` alone is on the day of `opens`" },
    { .path = "exams[].shifts[].minutes",
      .type = SPEC_NUMBER,
      .min = 1,
      .max = 1440,
      .help = "how long; the same in each shift of an exam" },
    { .path = "exams[].shifts[].candidates",
      .type = SPEC_NUMBER,
      .min = 0,
      .max = 10000000,
      .value = "0",
      .help = "how many are expected: capacity is planned for them" },
    { .path = "settings",
      .type = SPEC_NAMED,
      .wanted = "a mapping such as {answers.grace_s: 5}",
      .help = "settings of services, by their full names" },
    { .path = "settings.*", .type = SPEC_SETTING },

    { .path = "objectives",
      .type = SPEC_MAP,
      .wanted = "a mapping such as {save: {p99: 250ms}}",
      .help = "what a rehearsal and a rollout are judged by" },
#define X(kind)                                                                                    \
    { .path = "objectives." #kind,                                                                 \
      .type = SPEC_MAP,                                                                            \
      .as = "limits",                                                                              \
      .wanted = "a mapping such as {p99: 2s}",                                                     \
      .help = "how long such a request may take" },
    LIMITED(X)
#undef X
#define X(name, per_mille)                                                                         \
    { .path = "limits." #name,                                                                     \
      .type = SPEC_DURATION,                                                                       \
      .min = 1,                                                                                    \
      .max = 3600000,                                                                              \
      .wanted = "a duration from 1ms to 3600s, such as 250ms or 2s",                               \
      .help = "the limit for " #per_mille " of 1000 requests" },
        LIMITS(X)
#undef X
            { .path = "objectives.save.lost",
              .type = SPEC_NUMBER,
              .value = "0",
              .wanted = "0: an acknowledged answer is never lost",
              .help = "answers that may be lost" },
    { .path = "objectives.failed",
      .type = SPEC_NUMBER,
      .min = 0,
      .max = 1000000,
      .value = "0",
      .wanted = "a number of requests from 0 to 1000000",
      .help = "requests of a rehearsal that may fail" },

    { .path = "services",
      .type = SPEC_NAMED,
      .wanted = "a mapping such as {answers: {replicas: {from: 4, to: 40}}}",
      .help = "what differs from each size's own, in every environment" },
    { .path = "services.*", .type = SPEC_MAP, .wanted = "a mapping such as {memory: 256Mi}" },
    { .path = "services.*.replicas",
      .type = SPEC_REPLICAS,
      .min = 1,
      .max = 1000,
      .wanted = "a number from 1 to 1000, or a mapping such as {from: 4, to: 40}",
      .help = "how many run: always the first, and up to the second under load" },
    { .path = "services.*.replicas.from",
      .type = SPEC_NUMBER,
      .min = 1,
      .max = 1000,
      .help = "how many always run" },
    { .path = "services.*.replicas.to",
      .type = SPEC_NUMBER,
      .min = 1,
      .max = 1000,
      .help = "how many at most" },
    { .path = "services.*.memory",
      .type = SPEC_MEMORY,
      .help = "of one replica: asked for, and the limit" },
    { .path = "services.*.cpu",
      .type = SPEC_CPU,
      .help = "of one replica: asked for; it may use more when there is more" },
    { .path = "services.*.pool",
      .type = SPEC_CHOICE,
      .choices = "exam|batch",
      .help = "the nodes it runs on" },
    { .path = "services.*.settings",
      .type = SPEC_NAMED,
      .wanted = "a mapping such as {grace_s: 5}",
      .help = "settings of this service" },
    { .path = "services.*.settings.*", .type = SPEC_SETTING },

    { .path = "environments",
      .type = SPEC_NAMED,
      .wanted = "a mapping such as {local: {on: machine}}",
      .help = "where the hall stands" },
};

const struct spec_rows spec_hall_rows = TABLE(rows);

static const struct spec_row *find(str path, str key)
{
    const struct spec_rows *const tables[] = { &spec_hall_rows, &spec_environment_rows };
    for (size_t t = 0; t < COUNT(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            str row = str_z(tables[t]->rows[i].path);
            if (!key.p && str_eq(row, path))
                return &tables[t]->rows[i];
            if (!key.p || !row.n || !str_starts(row, path))
                continue;
            row = str_from(row, path.n);
            if (path.n && (!row.n || row.p[0] != '.'))
                continue;
            if (str_eq(str_from(row, path.n ? 1 : 0), key))
                return &tables[t]->rows[i];
        }
    return NULL;
}

const struct spec_row *spec_row(const char *path)
{
    const struct spec_row *row = find(str_z(path), STR_NONE);
    must(row);
    return row;
}

const struct spec_row *spec_row_below(const struct spec_row *map, str key)
{
    const struct spec_row *row;
    str path = str_z(map->path);
    if (str_find(key, '.') >= 0 || str_find(key, '[') >= 0)
        key = STR(""); /* no key is called so; `*` stands for those that people choose */
    if (map->type == SPEC_NAMED)
        key = STR("*");
    row = find(path, key);
    return row || !map->as ? row : find(str_z(map->as), key);
}

const char *spec_keys_below(const struct spec_row *map, const char **keys, size_t max)
{
    const struct spec_rows *const tables[] = { &spec_hall_rows, &spec_environment_rows };
    const char *const paths[] = { map->path, map->as };
    size_t n = 0;
    for (size_t p = 0; p < COUNT(paths) && paths[p]; p++)
        for (size_t t = 0; t < COUNT(tables); t++)
            for (size_t i = 0; i < tables[t]->count && n < max - 1; i++) {
                const char *row = tables[t]->rows[i].path;
                size_t skip = strlen(paths[p]);
                if (strncmp(row, paths[p], skip) != 0 || (skip && row[skip] != '.') || !row[0])
                    continue;
                row += skip ? skip + 1 : 0;
                if (!strpbrk(row, ".[*"))
                    keys[n++] = row;
            }
    keys[n] = NULL;
    return n ? keys[0] : "none";
}
