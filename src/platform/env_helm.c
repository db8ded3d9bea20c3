/* env_helm.c - an environment as values of the chart in deploy/helm/examhall. */
#include "platform/env_render.h"

#include "codec/yaml_out.h"

#include <stdio.h>
#include <time.h>

static void write_image(struct yaml_out *y, const struct env *env)
{
    str account = env_text(env, "account"), region = env_text(env, "region");
    str registry =
        arena_fmt(env->arena, "%.*s.dkr.ecr.%.*s.amazonaws.com", STR_ARG(account), STR_ARG(region));
    yo_open(y, "image");
    yo_str(y, "registry", registry);
    yo_str(y, "repository", env_text(env, "registry.repository"));
    yo_z(y, "digest", ""); /* the deployment's: an image is named by its bytes, not by a tag */
    yo_z(y, "pullPolicy", "IfNotPresent");
    yo_close(y);
    yo_z(y, "namespace", "examhall");
    yo_open(y, "existingSecrets");
    for (str rest = env_text(env, "secrets.names"); rest.p;) {
        str name = str_cut(&rest, ',');
        yo_str(y, arena_fmt(env->arena, "%.*s", STR_ARG(name)).p,
               arena_fmt(env->arena, "examhall-%.*s", STR_ARG(name)));
    }
    yo_z(y, "gate", "examhall-gate"); /* a part of the secret `keys` that gateways have too */
    yo_close(y);
    yo_open(y, "externalSecrets"); /* Terraform gave it the right to read them */
    yo_bool(y, "enabled", true);
    yo_close(y);
}

static void write_resources(struct yaml_out *y, const struct env *env, str service)
{
    str memory = env_service_text(env, service, "memory");
    yo_open(y, "resources");
    yo_open(y, "requests");
    yo_str(y, "cpu", env_service_text(env, service, "cpu"));
    yo_str(y, "memory", memory);
    yo_close(y);
    yo_open(y, "limits"); /* no limit of CPU: it would slow a save down that has room to run */
    yo_str(y, "memory", memory);
    yo_close(y);
    yo_close(y);
}

static void write_service(struct yaml_out *y, const struct env *env, str service)
{
    int64_t from, to;
    env_replicas(env, service, &from, &to);
    yo_open(y, service.p);
    yo_i64(y, "replicaCount", from);
    write_resources(y, env, service);
    yo_open(y, "autoscaling");
    yo_bool(y, "enabled", to > from);
    yo_i64(y, "minReplicas", from);
    yo_i64(y, "maxReplicas", to);
    yo_i64(y, "scheduledReplicas", to); /* while a sitting is near: all of them, not on demand */
    yo_i64(y, "targetCPUUtilizationPercentage", env_number(env, "scaling.cpu_percent"));
    yo_close(y);
    yo_str(y, "pool", env_service_text(env, service, "pool"));
    yo_close(y);
}

static void write_instant(struct yaml_out *y, const char *key, instant at)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(at / 1000);
    localtime_r(&seconds, &tm); /* the spec's zone: spec.c has set it */
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M", &tm);
    yo_z(y, key, text);
}

/* From `ahead` before something begins until `after` it is over. */
static void write_window(struct yaml_out *y, const struct env *env, str name, instant from,
                         instant to, int64_t candidates)
{
    yo_item(y);
    yo_str(y, "name", name);
    yo_str(y, "timezone", env->spec->time_zone);
    write_instant(y, "start", from - env_ms(env, "schedule.ahead"));
    write_instant(y, "end", to + env_ms(env, "schedule.after"));
    yo_i64(y, "candidates", candidates);
    yo_item_end(y);
}

static void write_shift(struct yaml_out *y, const struct env *env, const struct spec_exam *exam,
                        const struct spec_shift *shift)
{
    instant opens = spec_shift_opens(shift);
    instant starts = shift->starts ? shift->starts : shift->opens;
    int64_t minutes = exam->minutes ? exam->minutes : 60;
    str name = arena_fmt(env->arena, "%.*s/%.*s", STR_ARG(exam->name), STR_ARG(shift->name));
    if (opens) /* else it is held whenever the exam is open: nothing to plan for */
        write_window(y, env, name, opens, starts + minutes * 60000, shift->candidates);
}

static void write_exam(struct yaml_out *y, const struct env *env, const struct spec_exam *exam)
{
    int64_t candidates = 0;
    for (unsigned s = 0; s < exam->shift_count; s++) {
        write_shift(y, env, exam, &exam->shifts[s]);
        candidates += exam->shifts[s].candidates;
    }
    if (exam->results)
        write_window(y, env, arena_fmt(env->arena, "%.*s/results", STR_ARG(exam->name)),
                     exam->results, exam->results, candidates);
}

static void write_scaling(struct yaml_out *y, const struct env *env)
{
    const struct spec *spec = env->spec;
    size_t before;
    yo_open(y, "autoscaling");
    yo_str(y, "engine", env_text(env, "scaling.engine"));
    yo_open(y, "schedule");
    before = y->out->n;
    for (unsigned e = 0; e < spec->exam_count; e++)
        write_exam(y, env, &spec->exams[e]);
    if (y->out->n == before) {
        y->out->n -= sizeof("schedule:\n") - 1 + 2; /* none: written as an empty list instead */
        yo_close(y);
        yo_empty(y, "schedule", "[]");
    } else {
        yo_close(y);
    }
    yo_close(y);
}

static void write_policies(struct yaml_out *y, const struct env *env)
{
    yo_open(y, "drain");
    yo_i64(y, "delaySeconds", env_ms(env, "drain.delay") / 1000);
    yo_i64(y, "graceSeconds", env_ms(env, "drain.grace") / 1000);
    yo_close(y);
    yo_open(y, "pdb");
    yo_bool(y, "enabled", true);
    yo_z(y, "maxUnavailable", "10%");
    yo_close(y);
    yo_open(y, "networkPolicy");
    yo_bool(y, "enabled", true);
    yo_close(y);
    yo_open(y, "metrics");
    yo_open(y, "serviceMonitor");
    yo_bool(y, "enabled", true);
    yo_z(y, "interval", "15s");
    yo_close(y);
    yo_close(y);
}

/* Services in pods of their own need a log that they share; in one pod they have a folder. */
static void write_backends(struct yaml_out *y, const struct env *env)
{
    bool shared = str_eq(env_text(env, "layout"), STR("each"));
    yo_open(y, "log");
    yo_z(y, "backend", shared ? "kafka" : "embedded");
    if (shared) {
        yo_i64(y, "partitions", env_number(env, "events.partitions"));
        yo_i64(y, "replication", 3); /* a copy in each zone; acknowledged when two have it */
        yo_i64(y, "minInSync", 2);
    }
    yo_close(y);
    yo_open(y, "store");
    yo_z(y, "backend", shared ? "mongodb" : "embedded");
    yo_close(y);
    yo_open(y, "blobs");
    yo_z(y, "backend", shared ? "s3" : "folder");
    yo_close(y);
}

void env_values(const struct env *env, struct out *out)
{
    struct yaml_out y = { .out = out };
    str name;
    yo_str(&y, "hall", env->spec->hall);
    yo_str(&y, "environment", env->name);
    yo_str(&y, "domain", env_text(env, "domain"));
    yo_str(&y, "layout", env_text(env, "layout"));
    write_image(&y, env);
    yo_comment(&y, "The hall's part of the spec: what pods read as hall.yaml.");
    yo_open(&y, "config");
    yo_env_config(&y, env);
    yo_close(&y);
    yo_comment(&y, "Replicas, what each asks for, and the nodes it runs on.");
    yo_open(&y, "services");
    for (unsigned i = 0; (name = env_service_name(i)).p; i++)
        write_service(&y, env, name);
    yo_close(&y);
    yo_comment(&y, "Capacity stands ready for each shift, and follows the load besides.");
    write_scaling(&y, env);
    write_policies(&y, env);
    write_backends(&y, env);
}
