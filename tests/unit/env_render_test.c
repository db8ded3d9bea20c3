/* env_render_test.c - what an environment is written as, and that no difference between two goes
 * unseen. */
#include "codec/json.h"
#include "codec/yaml_out.h"
#include "platform/env_render.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct why why;

static const char two[] =
    "hall: nee-2027\n"
    "domain: exam.example.org\n"
    "time_zone: Asia/Kolkata\n"
    "exams:\n"
    "  - name: paper-1\n"
    "    languages: [en, hi]\n"
    "    marks: {right: 4, wrong: -1}\n"
    "    instructions: [\"Read: all.\", Think.]\n"
    "    shifts:\n"
    "      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 180, "
    "candidates: 225000}\n"
    "objectives: {save: {p99: 250ms}, sign_in: {p99: 2s}, failed: 0}\n"
    "environments:\n"
    "  local:   {on: machine}\n"
    "  nonprod: {on: aws, account: \"111122223333\", region: ap-south-1, size: small}\n";
static const char more[] = "  prod: {like: nonprod, account: \"444455556666\", size: exam%s}\n";
static const char services[] = "services: {answers: {settings: {grace_s: 7}}}\n";

static struct env_files *render(const char *more_keys, const char *name)
{
    struct spec *spec = arena_new(&arena, struct spec);
    struct env env;
    struct env_files *files = arena_new(&arena, struct env_files);
    struct out text = out_make(64 * KIB);
    out_z(&text, two);
    if (more_keys)
        out_fmt(&text, more, more_keys);
    out_z(&text, services);
    str whole = arena_str(&arena, out_view(&text));
    out_fini(&text);
    CHECK_OK(spec_parse(spec, "hall.yaml", whole, &arena, &why));
    CHECK_OK(env_open(&env, spec, str_z(name), &arena, &why));
    env_render(&env, files);
    return files;
}

static str file_of(const struct env_files *files, const char *end)
{
    for (unsigned i = 0; i < files->count; i++)
        if (str_ends(files->rows[i].path, str_z(end)))
            return files->rows[i].text;
    test_failed(__FILE__, __LINE__, "no file %s is rendered", end);
}

static void start(void)
{
    arena_fini(&arena);
    arena = arena_make(512 * MIB);
}

TEST(env_render, adding_an_environment_changes_no_byte_of_another)
{
    start();
    const struct env_files *before = render(NULL, "nonprod"), *after = render("", "nonprod");
    CHECK_EQ(before->count, 9);
    CHECK_EQ(after->count, before->count);
    for (unsigned i = 0; i < before->count; i++) {
        CHECK_STR(after->rows[i].path, before->rows[i].path);
        CHECK_STR(after->rows[i].text, before->rows[i].text);
    }
    CHECK_EQ(render("", "local")->count, 1); /* rules; the rest is for clusters */
    arena_fini(&arena);
}

/* docs/environments.md is what deploy/terraform is written against. */
TEST(env_render, the_variables_are_those_that_terraform_declares)
{
    static const char *const objects[][12] = {
        { "network", "cidr", "zones", "nat_per_zone", "flow_log_days", NULL },
        { "cluster", "version", "public_access_cidrs", "admin_role_arns", "deletion_protection",
          "system_nodes", "node_pools", NULL },
        { "events", "kafka_version", "broker_type", "brokers_per_zone", "storage_gib",
          "storage_gib_max", "enhanced_monitoring", NULL },
        { "documents", "engine_version", "class", "instances", "storage_type", "backup_days",
          "deletion_protection", NULL },
        { "blobs", "archive_lock_days", "archive_lock_mode", "deletion_protection", NULL },
        { "registry", "repository", "keep_images", NULL },
        { "secrets", "names", "recovery_days", NULL },
        { "observability", "log_days", "metrics", "alarm_topic", NULL },
        { "workloads", "namespace", "service_accounts", NULL },
    };
    struct json *root;
    start();
    str text = file_of(render("", "prod"), "terraform.tfvars.json");
    CHECK_OK(json_parse(&root, text, &arena, &why));
    CHECK_EQ(root->count, 7 + COUNT(objects));
    for (size_t i = 0; i < COUNT(objects); i++) {
        const struct json *object = json_get(root, str_z(objects[i][0]));
        unsigned keys = 0;
        CHECK(object);
        for (const char *const *key = &objects[i][1]; *key; key++, keys++)
            if (!json_get(object, str_z(*key)))
                test_failed(__FILE__, __LINE__, "%s has no %s", objects[i][0], *key);
        CHECK_EQ(object->count, keys);
    }
    const struct json *pools = json_get(json_get(root, STR("cluster")), STR("node_pools"));
    CHECK_EQ(json_get(json_get(pools, STR("exam")), STR("max"))->type, JSON_NUMBER);
    CHECK_EQ(json_get(json_get(root, STR("documents")), STR("deletion_protection"))->type,
             JSON_TRUE);
    CHECK_HAS(text, STR("\"zones\": [\"ap-south-1a\", \"ap-south-1b\", \"ap-south-1c\"]"));
    CHECK_HAS(text, STR("\n  \"account\": \"444455556666\",\n"));
    CHECK_HAS(file_of(render("", "prod"), "backend.hcl"),
              STR("bucket       = \"nee-2027-state-444455556666\"\n"
                  "key          = \"prod/hall.tfstate\"\n"));
    arena_fini(&arena);
}

TEST(env_render, the_spec_that_pods_get_is_a_spec_and_says_the_same)
{
    struct spec spec, again;
    struct env env;
    struct out out = out_make(64 * KIB);
    start();
    out_fmt(&out, "%s%s", two, services);
    CHECK_OK(spec_parse(&spec, "hall.yaml", arena_str(&arena, out_view(&out)), &arena, &why));
    CHECK_OK(env_open(&env, &spec, STR("nonprod"), &arena, &why));
    out_clear(&out);
    yo_env_config(&(struct yaml_out){ .out = &out }, &env);
    CHECK_OK(spec_parse(&again, "hall.yaml", arena_str(&arena, out_view(&out)), &arena, &why));
    CHECK_STR(again.domain, STR("nonprod.exam.example.org"));
    CHECK_STR(again.settings, STR("answers.grace_s=7\n"));
    CHECK_STR(again.exams[0].instructions, STR("Read: all.\nThink."));
    CHECK_EQ(again.exams[0].minutes, 180);
    CHECK_EQ(again.exams[0].shifts[0].opens, spec.exams[0].shifts[0].opens);
    CHECK_EQ(again.exams[0].shifts[0].candidates, 225000);
    CHECK_EQ(again.objectives.save.p99_us, 250000);
    out_fini(&out);
    arena_fini(&arena);
}

TEST(env_render, capacity_stands_ready_from_before_a_shift_until_after_it)
{
    start();
    str text = file_of(render("", "prod"), "values.yaml");
    CHECK_HAS(text, STR("      timezone: Asia/Kolkata\n"
                        "      start: \"2027-01-22T07:30\"\n"
                        "      end: \"2027-01-22T12:30\"\n"
                        "      candidates: 225000\n"));
    arena_fini(&arena);
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static struct env_comparison compare(const struct env_files *a, const struct env_files *b)
{
    struct env_comparison c;
    CHECK_OK(env_compare(&c, a, b, &arena, &why));
    return c;
}

TEST(env_diff, two_sizes_are_identical_but_for_what_is_listed)
{
    start();
    struct env_comparison c = compare(render("", "nonprod"), render("", "prod"));
    for (const struct env_difference *d = c.first; d; d = d->next)
        if (!d->kind)
            test_failed(__FILE__, __LINE__, "%.*s %.*s: %.*s | %.*s", STR_ARG(d->file),
                        STR_ARG(d->path), STR_ARG(d->a), STR_ARG(d->b));
    CHECK(c.listed > 30);
    CHECK_EQ(compare(render("", "prod"), render("", "prod")).listed, 0);
    arena_fini(&arena);
}

TEST(env_diff, each_environment_may_be_delivered_by_a_runner_of_its_own)
{
    start();
    const struct env_files *nonprod = render("", "nonprod");
    const struct env_files *prod = render(", runner: prod-delivery", "prod");
    CHECK_HAS(file_of(nonprod, ".github/workflows/deliver-nonprod.yml"),
              STR("\n    runs-on: \"nee-2027-nonprod\"\n"));
    CHECK_HAS(file_of(prod, ".github/workflows/deliver-prod.yml"),
              STR("\n    runs-on: \"prod-delivery\"\n"));
    CHECK_HAS(file_of(prod, ".gitlab/deliver-prod.yml"), STR("\n  tags: [\"prod-delivery\"]\n"));
    struct env_comparison c = compare(nonprod, prod);
    for (const struct env_difference *d = c.first; d; d = d->next)
        CHECK(d->kind);
    arena_fini(&arena);
}

TEST(env_diff, what_one_environment_sets_for_itself_is_found)
{
    static const char *const rows[][2] = {
        { ", cluster: {version: 1.33}", "cluster.version" },
        { ", services: {answers: {memory: 1Gi}}", "services.answers.resources.limits.memory" },
        { ", services: {answers: {settings: {grace_s: 8}}}", "config.settings.answers.grace_s" },
        { ", scaling: {cpu_percent: 70}",
          "services.results.autoscaling.targetCPUUtilizationPercentage" },
        { ", schedule: {ahead: 90m}", "autoscaling.schedule[0].start" },
        { ", owner: somebody", "tags.Owner" },
        { ", cluster: {node_pools: {exam: {capacity: spot}}}", "cluster.node_pools.exam.capacity" },
        { ", secrets: {names: [keys, tls, connections, sms]}", "secrets.names[3]" },
    };
    start();
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct env_comparison c = compare(render("", "nonprod"), render(rows[i][0], "prod"));
        const struct env_difference *d = c.first;
        while (d && (d->kind || !str_eq(d->path, str_z(rows[i][1]))))
            d = d->next;
        if (!d)
            test_failed(__FILE__, __LINE__, "%s: no difference at %s", rows[i][0], rows[i][1]);
    }
    arena_fini(&arena);
}

/* Changes the last letter or digit of line `line` of a text; false when it has none, or is a
 * comment. */
static bool spoil(str text, unsigned line, str *spoilt)
{
    char *copy = arena_bytes(&arena, text.n + 1);
    size_t at = 0, end;
    must(copy);
    memcpy(copy, text.p, text.n);
    for (; line > 1; line--)
        at += (size_t)str_find(str_from(text, at), '\n') + 1;
    end = at + (size_t)str_find(str_from(text, at), '\n');
    if (str_starts(str_trim(str_of(text.p + at, end - at)), STR("#")))
        return false;
    while (end > at) {
        char c = copy[--end];
        bool digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (!digit && !letter)
            continue;
        copy[end] = digit ? (c == '9' ? '8' : (char)(c + 1)) : c == 'q' ? 'z' : 'q';
        *spoilt = str_of(copy, text.n);
        return true;
    }
    return false;
}

/* Every line of every file, one at a time: what is not listed must be found. */
TEST(env_diff, each_of_hundreds_of_single_changes_is_found)
{
    unsigned found = 0, allowed = 0;
    start();
    const struct env_files *a = render("", "nonprod");
    struct env_files *b = render("", "prod");
    struct arena kept = arena;
    for (unsigned f = 0; f < b->count; f++) {
        str right = b->rows[f].text;
        unsigned lines = 0;
        for (size_t i = 0; i < right.n; i++)
            lines += right.p[i] == '\n';
        for (unsigned line = 1; line <= lines; line++) {
            struct env_comparison c = { 0 }, own = { 0 };
            struct env_files good = *b;
            arena = arena_make(64 * MIB);
            if (spoil(right, line, &b->rows[f].text)) {
                bool refused = env_compare(&c, a, b, &arena, &why) != FAIL_NONE;
                good.rows[f].text = right;
                bool listed = !refused && !c.different &&
                              env_compare(&own, &good, b, &arena, &why) == FAIL_NONE &&
                              own.listed >= 1 && !own.different;
                if (!refused && !c.different && !listed)
                    test_failed(__FILE__, __LINE__, "%.*s, line %u: a change is not found",
                                STR_ARG(b->rows[f].path), line);
                found += !listed;
                allowed += listed;
            }
            arena_fini(&arena);
            b->rows[f].text = right;
        }
    }
    arena = kept;
    CHECK(found >= 200);
    CHECK(allowed <=
          70); /* lines: 23 sizes and addresses of Terraform, 4 of each service, 5 more */
    arena_fini(&arena);
}

TEST(env_diff, a_file_or_a_line_more_or_less_is_found)
{
    start();
    const struct env_files *a = render("", "nonprod");
    for (unsigned f = 0; f < a->count; f++) {
        struct env_files *b = render("", "prod");
        str name = b->rows[f].path;
        b->rows[f] = b->rows[--b->count];
        if (env_compare(&(struct env_comparison){ 0 }, a, b, &arena, &why) == FAIL_NONE &&
            !compare(a, b).different)
            test_failed(__FILE__, __LINE__, "nobody misses %.*s", STR_ARG(name));
        b->rows[b->count++] = (struct env_file){ STR(".gitlab/own.yml"), STR("a: 1\n") };
        if (env_compare(&(struct env_comparison){ 0 }, a, b, &arena, &why) == FAIL_NONE)
            CHECK(compare(a, b).different >= 2);
    }
    struct env_files both = *a;
    both.rows[both.count++] =
        (struct env_file){ STR("environments/prod/values.yaml"), STR("a: 1\n") };
    CHECK_EQ(env_compare(&(struct env_comparison){ 0 }, a, &both, &arena, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("nonprod and prod"));
    arena_fini(&arena);
}
