/* env_alerts.c - Prometheus rules from the objectives: how fast each one's budget burns, and whom
 * that wakes.
 *
 * A sitting lasts hours, not a month, so windows are short: a page when 14 times too much is missed
 * over five minutes and over the last one, or 6 times over half an hour and the last five; a ticket
 * when a budget would be gone in six hours. Two windows: the long one so that a blink wakes nobody,
 * the short one so that the alert ends soon after the trouble. (The method is that of the Site
 * Reliability Workbook, chapter 5.) */
#include "platform/env_render.h"

#include "codec/yaml_out.h"
#include "net/gateway_stats.h"

#include <stdio.h>

/* An objective of 0 failed requests judges a rehearsal. A hall that runs needs a budget to measure
 * the rate by which it is missed: one request in a thousand. */
#define FAILED_PER_MILLE 1

static const char *const windows[] = { "1m", "5m", "30m", "6h" };

static const struct burn {
    const char *alert, *long_window, *short_window, *severity;
    unsigned factor; /* of the rate that the budget allows */
} burns[] = {
    { "ExamhallBurnsFast", "5m", "1m", "page", 14 },
    { "ExamhallBurnsSlowly", "30m", "5m", "page", 6 },
    { "ExamhallBurnsOverHours", "6h", "30m", "ticket", 1 },
};

static const struct condition {
    const char *alert, *expression, *lasting, *severity, *summary;
} conditions[] = {
    { "ExamhallDown", "up{job=~\".*examhall.*\"} == 0", "1m", "page",
      "{{ $labels.instance }} does not answer" },
    { "ExamhallNoRoom", "examhall_log_has_room == 0", "0s", "page",
      "the log of {{ $labels.instance }} takes no saves: the disk is full, or no descriptor free" },
    { "ExamhallLogDamaged", "examhall_log_damaged == 1", "0s", "page",
      "the log of {{ $labels.instance }} is damaged before its checkpoint: log.damaged says "
      "where" },
    { "ExamhallSheds", "sum(rate(examhall_gateway_shed_total[1m])) > 0", "1m", "page",
      "requests are answered 503 for want of room" },
    { "ExamhallHallAway", "sum(rate(examhall_gateway_reconnects_total[5m])) > 0.1", "2m", "ticket",
      "gateways lose their hall again and again" },
};

struct objective {
    const char *name;         /* "save_p99" */
    char good[160], all[160]; /* counters */
    unsigned missed_per_mille;
};

static const char *class_of(const char *kind)
{
    static const char *const classes[][2] = {
        { "start", "P1" },
        { "form", "P1" },
        { "sign_in", "P2" },
        { "result", "P4" },
    };
    for (size_t i = 0; i < COUNT(classes); i++)
        if (strcmp(classes[i][0], kind) == 0)
            return classes[i][1];
    return "P0"; /* save, heartbeat, submit */
}

/* The largest bucket that is not above the limit: in doubt a request counts as late. */
static const char *bucket_of(int64_t us)
{
    size_t i = GATEWAY_BUCKETS - 1;
    while (i > 0 && gateway_buckets[i].us > us)
        i--;
    return gateway_buckets[i].le;
}

/* --- rules -------------------------------------------------------------------------------------
 */

static void write_labels(struct yaml_out *y, const struct env *env, const char *severity,
                         const char *objective)
{
    yo_open(y, "labels");
    yo_z(y, "severity", severity);
    yo_str(y, "hall", env->spec->hall);
    yo_str(y, "environment", env->name);
    if (objective)
        yo_z(y, "objective", objective);
    yo_close(y);
}

static void write_alert(struct yaml_out *y, const struct env *env, const struct condition *alert,
                        const char *objective)
{
    yo_item(y);
    yo_z(y, "alert", alert->alert);
    yo_z(y, "expr", alert->expression);
    if (alert->lasting)
        yo_z(y, "for", alert->lasting);
    write_labels(y, env, alert->severity, objective);
    yo_open(y, "annotations");
    yo_z(y, "summary", alert->summary);
    yo_close(y);
    yo_item_end(y);
}

static void write_record(struct yaml_out *y, const struct objective *objective, const char *window)
{
    char record[100], expression[500];
    snprintf(record, sizeof(record), "hall:%s:missed_rate%s", objective->name, window);
    snprintf(expression, sizeof(expression), "1 - sum(rate(%s[%s])) / (sum(rate(%s[%s])) > 0)",
             objective->good, window, objective->all, window);
    yo_item(y);
    yo_z(y, "record", record);
    yo_z(y, "expr", expression);
    yo_item_end(y);
}

static void write_burn(struct yaml_out *y, const struct env *env, const struct objective *objective,
                       const struct burn *burn)
{
    char expression[300], summary[200];
    double limit = objective->missed_per_mille * burn->factor / 1000.0;
    limit = MIN(limit, 0.9); /* a wide budget: 14 times of it may be more than all */
    snprintf(expression, sizeof(expression),
             "hall:%s:missed_rate%s > %.4f and hall:%s:missed_rate%s > %.4f", objective->name,
             burn->long_window, limit, objective->name, burn->short_window, limit);
    snprintf(summary, sizeof(summary),
             "{{ $value | humanizePercentage }} of requests miss %s over %s; %.1f %% may",
             objective->name, burn->long_window, objective->missed_per_mille / 10.0);
    write_alert(y, env,
                &(struct condition){ burn->alert, expression, NULL, burn->severity, summary },
                objective->name);
}

static void write_objective(struct yaml_out *y, const struct env *env,
                            const struct objective *objective)
{
    yo_item(y);
    yo_z(y, "name", objective->name);
    yo_open(y, "rules");
    for (size_t i = 0; i < COUNT(windows); i++)
        write_record(y, objective, windows[i]);
    for (size_t i = 0; i < COUNT(burns); i++)
        write_burn(y, env, objective, &burns[i]);
    yo_close(y);
    yo_item_end(y);
}

/* --- objectives --------------------------------------------------------------------------------
 */

static void write_limit(struct yaml_out *y, const struct env *env, const char *kind,
                        const char *limit, int64_t us, unsigned per_mille)
{
    char name[60];
    struct objective objective = { .name = name, .missed_per_mille = 1000 - per_mille };
    if (!us || per_mille == 1000) /* the longest request of all has no rate */
        return;
    snprintf(name, sizeof(name), "%s_%s", kind, limit);
    snprintf(objective.good, sizeof(objective.good),
             "examhall_gateway_latency_seconds_bucket{class=\"%s\",le=\"%s\"}", class_of(kind),
             bucket_of(us));
    snprintf(objective.all, sizeof(objective.all),
             "examhall_gateway_latency_seconds_count{class=\"%s\"}", class_of(kind));
    write_objective(y, env, &objective);
}

static void write_limits(struct yaml_out *y, const struct env *env)
{
    const struct objectives *objectives = &env->spec->objectives;
#define X(limit, per_mille) write_limit(y, env, kind, #limit, limits->limit##_us, per_mille);
#define Y(name)                                                                                    \
    {                                                                                              \
        const char *kind = #name;                                                                  \
        const struct limits *limits = &objectives->name;                                           \
        LIMITS(X)                                                                                  \
    }
    LIMITED(Y)
#undef Y
#undef X
}

void env_rules(const struct env *env, struct out *out)
{
    static const struct objective failed = {
        .name = "failed",
        .good = "examhall_gateway_replies_total{status!=\"5xx\"}",
        .all = "examhall_gateway_replies_total",
        .missed_per_mille = FAILED_PER_MILLE,
    };
    struct yaml_out y = { .out = out };
    yo_open(&y, "groups");
    write_objective(&y, env, &failed);
    write_limits(&y, env);
    yo_item(&y);
    yo_z(&y, "name", "conditions");
    yo_open(&y, "rules");
    for (size_t i = 0; i < COUNT(conditions); i++)
        write_alert(&y, env, &conditions[i], NULL);
    yo_close(&y);
    yo_item_end(&y);
    yo_close(&y);
}
