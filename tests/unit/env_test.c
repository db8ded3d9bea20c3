/* env_test.c - environments: every mistake is answered, every value has its origin, and one more
 * environment changes nothing of the others. */
#include "base/out.h"
#include "platform/env.h"
#include "tests/test.h"

#include <stdio.h>

static struct arena arena;
static struct why why;

static const char whole[] =
    "hall: nee-2027\n"
    "domain: exam.example.org\n"
    "time_zone: Asia/Kolkata\n"
    "exams:\n"
    "  - name: paper-1\n"
    "    shifts:\n"
    "      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 180, "
    "candidates: 225000}\n"
    "\n"
    "environments: # where it stands\n"
    "  local:   {on: machine}\n"
    "  nonprod: {on: aws, account: \"111122223333\", region: ap-south-1, size: small}\n"
    "  # more of them, one day\n"
    "\n"
    "# only what differs\n"
    "services:\n"
    "  answers: {replicas: {from: 4, to: 40}, memory: 256Mi, settings: {grace_s: 7}}\n";

static void read_spec(struct spec *spec, const char *text)
{
    arena_fini(&arena);
    arena = arena_make(64 * MIB);
    CHECK_OK(spec_parse(spec, "hall.yaml", str_z(text), &arena, &why));
}

static void read_env(struct spec *spec, struct env *env, const char *text, const char *name)
{
    read_spec(spec, text);
    CHECK_OK(env_open(env, spec, str_z(name), &arena, &why));
}

TEST(env, thirty_different_mistakes_get_thirty_answers_with_line_and_remedy)
{
    static const struct {
        const char *line, *says; /* NULL: this line is right */
    } rows[] = {
        { "hall: nee 2027", "no blanks" },
        { "tilte: x", "did you mean title" },
        { "domain: exam_example", "a domain such as exam.example.org" },
        { "time_zone: Asia/Kolkatta", "write one such as Asia/Kolkata" },
        { "listen: nowhere", "an address such as 0.0.0.0:8443" },
        { "exams:", NULL },
        { "  - name: Paper 1", "such as paper-1" },
        { "    languages: [en, Hindi!]", "such as en or hi" },
        { "    minutes: 3h", "a whole number from 1 to 1440" },
        { "    results: after lunch", "a time such as 2027-01-22 08:30" },
        { "    marks: {right: four}", "marks such as 4" },
        { "    shifts:", NULL },
        { "      - {name: a, opens: 22.1.2027}", "a time such as 2027-01-22 08:30" },
        { "      - {name: b, opens: 2027-01-22 08:30, starts: 08:00}", "swap the two times" },
        { "      - {name: b}", "give it another name" },
        { "      - {candidates: 10}", "such as {name: morning}" },
        { "  - name: paper-2", NULL },
        { "    title: a", NULL },
        { "    title: b", "keep one" },
        { "objectives:", NULL },
        { "  save: {p99: 250, lost: 0}", "such as 250ms or 2s" },
        { "  submit: {p95: 2s}", "did you mean p90" },
        { "  failed: none", "a number of requests" },
        { "settings: {answers.grace: 3}", "did you mean answers.grace_s" },
        { "services:", NULL },
        { "  answer: {memory: 256Mi}", "did you mean answers" },
        { "  gateway: {memory: 256MB}", "such as 256Mi or 2Gi" },
        { "  scoring: {replicas: {from: 9, to: 3}}", "swap the two" },
        { "  identity: {settings: {session_s: 5}}", "from 600 to 172800" },
        { "environments:", NULL },
        { "  local: {on: machine, region: ap-south-1}", "leave it out" },
        { "  a: {on: azure}", "machine or aws" },
        { "  b: {on: aws, region: ap-south-1}", "needs account" },
        { "  c: {on: aws, account: 1234, region: ap-south-2}", "12 digits" },
        { "  d: {like: e, account: \"111122223333\"}", "circle" },
        { "  e: {like: d}", "circle" },
        { "  f: {like: local, siz: exam}", "did you mean size" },
        { "  g: {on: aws, account: \"111122223333\", region: ap-sout-1}", "mean ap-south-1" },
        { "  h: {like: nonprod}", "no such environment" },
        { "  I: {on: machine}", "needs another name" },
        { "  j:", NULL },
        { "    on: aws", NULL },
        { "    account: \"111122223333\"", NULL },
        { "    region: eu-west-1", NULL },
        { "    documents: {class: r6g.large, backup_days: 3}", "such as db.r6g.large" },
        { "    network: {cidr: 10.0.0.1/16}", "addresses such as 10.20.0.0/16" },
        { "    events: {storage_gib: 900, storage_gib_max: 100}", "must not be above it" },
    };
    static struct spec_mistakes mistakes;
    struct out text = out_make(16 * KIB);
    struct spec spec;
    unsigned wanted = 0;
    for (size_t i = 0; i < COUNT(rows); i++)
        out_fmt(&text, "%s\n", rows[i].line);
    arena = arena_make(16 * MIB);
    spec_read(&spec, out_view(&text), &arena, &mistakes);
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool found = !rows[i].says;
        wanted += !found;
        for (unsigned m = 0; m < mistakes.count && !found; m++)
            found = mistakes.rows[m].line == (int)i + 1 &&
                    str_find_str(str_z(mistakes.rows[m].text), str_z(rows[i].says)) >= 0;
        if (!found)
            test_failed(__FILE__, __LINE__, "line %zu, %s: nothing says \"%s\"", i + 1,
                        rows[i].line, rows[i].says);
    }
    CHECK(wanted >= 30);
    for (unsigned m = 0; m < mistakes.count; m++) /* and what is right is not called wrong */
        if (!rows[mistakes.rows[m].line - 1].says)
            test_failed(__FILE__, __LINE__, "line %d: %s", mistakes.rows[m].line,
                        mistakes.rows[m].text);
    CHECK_EQ(spec_parse(&spec, "hall.yaml", out_view(&text), &arena, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("hall.yaml, line 1"));
    CHECK_HAS(str_z(why.text), STR("more: examhall env check"));
    out_fini(&text);
    arena_fini(&arena);
}

TEST(env, two_environments_may_not_share_a_domain_or_addresses)
{
    static struct spec_mistakes mistakes;
    struct spec spec;
    arena = arena_make(16 * MIB);
    spec_read(&spec,
              STR("hall: x\ndomain: exam.org\nenvironments:\n"
                  "  a: {on: aws, account: \"111122223333\", region: eu-west-1, size: exam}\n"
                  "  b: {like: a, network: {cidr: 10.5.0.0/16}}\n"
                  "  c: {like: a, domain: c.org, network: {cidr: 10.5.0.0/16}}\n"),
              &arena, &mistakes);
    CHECK_EQ(mistakes.count, 2);
    CHECK_EQ(mistakes.rows[0].line, 5);
    CHECK_HAS(str_z(mistakes.rows[0].text), STR("a and b have the same domain"));
    CHECK_EQ(mistakes.rows[1].line, 6);
    CHECK_HAS(str_z(mistakes.rows[1].text), STR("network: {cidr: 10.99.0.0/16}"));
    arena_fini(&arena);
}

TEST(env, names_and_domains_that_aws_cannot_take_are_refused_before_it_is_asked)
{
    static const struct {
        const char *hall, *domain, *name, *says;
    } rows[] = {
        { "x", "localhost", "a", "candidates must find it" },
        { "Hall", "exam.org", "a", "resources on AWS are named by it" },
        { "a--b", "exam.org", "a", "single hyphens, such as nee-2027" },
        { "x", "exam.org", "1a", "such as prod" },
        { "national-examination-2027", "exam.org", "nonprod", "not 33" },
        { "national-examination-2027", "exam.org", "prod", NULL },
    };
    static struct spec_mistakes mistakes;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct spec spec;
        char text[300];
        snprintf(text, sizeof(text),
                 "hall: %s\ndomain: %s\nenvironments:\n  %s: {on: aws, account: \"111122223333\", "
                 "region: ap-south-1}\n",
                 rows[i].hall, rows[i].domain, rows[i].name);
        arena_fini(&arena);
        arena = arena_make(16 * MIB);
        spec_read(&spec, str_z(text), &arena, &mistakes);
        CHECK_EQ(mistakes.count, rows[i].says ? 1 : 0);
        if (rows[i].says)
            CHECK_HAS(str_z(mistakes.rows[0].text), str_z(rows[i].says));
    }
    arena_fini(&arena);
}

TEST(env, what_terraform_or_the_chart_would_refuse_is_refused_in_the_spec)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        { "cluster: {version: 1.29}", "1.30 or later" },
        { "cluster: {system_nodes: {min: 1}}", "a whole number from 2 to 100" },
        { "cluster: {public_access_cidrs: [0.0.0.0/0]}", "the whole Internet" },
        { "runner: ubuntu-24.04", "from inside only; name a runner inside, or its addresses" },
        { "runner: ubuntu-24.04, cluster: {public_access_cidrs: [203.0.113.0/24]}", NULL },
        { "runner: '${{ x }}'", "the label of a runner, such as prod-delivery" },
        { "documents: {instances: 1}", "a whole number from 2 to 16" },
        { "documents: {backup_days: 07}", "a whole number from 7 to 35" },
        { "owner: 'C:\\'", "1 to 60 letters" },
        { "owner: 'say \"exam\"', cost_center: 'परीक्षा: 4711 @ Delhi'", "owner is" },
        { "registry: {keep_images: 9}", "a whole number from 10" },
        { "registry: {repository: nee//examhall}", "a path such as" },
        { "network: {zones: [ap-south-1a, ap-south-1b]}", "a list of 3 zones" },
        { "network: {cidr: 8.8.0.0/16}", "must be private" },
        { "network: {cidr: 172.32.0.0/16}", "must be private" },
        { "network: {flow_log_days: 100}", "days only; write 120" },
        { "observability: {log_days: 3652}", "days only; write 3653" },
        { "secrets: {names: [keys, connections]}", "secrets.names lacks tls" },
        { "size: exam, blobs: {deletion_protection: false}", "outlives any destroy" },
        { "blobs: {archive_lock_mode: COMPLIANCE}", "deletion_protection must be true" },
        { "blobs: {deletion_protection: false}}\n  b: {like: a, size: exam", "COMPLIANCE in b" },
        { "blobs: {archive_lock_mode: COMPLIANCE, deletion_protection: true}", NULL },
        { "network: {cidr: 192.168.0.0/16, flow_log_days: 3653}", NULL },
    };
    static struct spec_mistakes mistakes;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct spec spec;
        char text[300];
        snprintf(text, sizeof(text),
                 "hall: x\ndomain: exam.org\nenvironments:\n  a: {on: aws, account: "
                 "\"111122223333\", region: ap-south-1, %s}\n",
                 rows[i].line);
        arena_fini(&arena);
        arena = arena_make(16 * MIB);
        spec_read(&spec, str_z(text), &arena, &mistakes);
        CHECK_EQ(mistakes.count, rows[i].says ? 1 : 0);
        if (rows[i].says && mistakes.count)
            CHECK_HAS(str_z(mistakes.rows[0].text), str_z(rows[i].says));
    }
    arena_fini(&arena);
}

static void check_value(const struct env *env, const char *path, const char *text,
                        const char *origin)
{
    char to[100];
    const struct env_value *value = env_value(env, path);
    CHECK_STR(value->text, str_z(text));
    CHECK_STR(str_z(env_origin(env, value, to, sizeof(to))), str_z(origin));
}

TEST(env, a_value_comes_from_itself_whom_it_is_like_the_hall_its_size_or_a_default)
{
    struct spec spec;
    struct env env;
    char text[2000];
    snprintf(text, sizeof(text), "%senvironments2: x\n",
             whole); /* more than the schema: only to see it refused */
    CHECK_EQ(spec_parse(&spec, "h", str_z(text), &arena, &why), FAIL_INPUT);
    read_env(&spec, &env, whole, "nonprod");
    check_value(&env, "region", "ap-south-1", "line 11");
    check_value(&env, "domain", "nonprod.exam.example.org", "made from others");
    check_value(&env, "network.nat_per_zone", "false", "size small");
    check_value(&env, "cluster.version", "1.34", "default");
    check_value(&env, "services.answers.replicas", "4..40", "line 16");
    check_value(&env, "services.answers.settings.grace_s", "7", "line 16");
    check_value(&env, "services.scoring.replicas", "1..2", "size small");
    CHECK_STR(spec.settings, STR("answers.grace_s=7\n"));
    read_env(&spec, &env,
             "hall: x\ndomain: exam.org\nenvironments:\n"
             "  a: {on: aws, account: \"111122223333\", region: ap-northeast-1, domain: a.org,\n"
             "      network: {cidr: 10.1.0.0/16}, services: {scoring: {replicas: 5}}}\n"
             "  b: {like: a, size: exam, documents: {instances: 5}}\n",
             "b");
    check_value(&env, "account", "111122223333", "like a, line 4");
    check_value(&env, "network.zones", "ap-northeast-1a,ap-northeast-1c,ap-northeast-1d",
                "made from others");
    check_value(&env, "domain", "exam.org", "made from others"); /* names one: not taken over */
    check_value(&env, "documents.instances", "5", "line 6");
    check_value(&env, "documents.class", "db.r6g.2xlarge", "size exam");
    check_value(&env, "services.scoring.replicas", "5..5", "like a, line 5");
    check_value(&env, "after", "a", "made from others");
    CHECK_EQ(env_open(&env, &spec, STR("c"), &arena, &why), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("there are: a, b"));
    arena_fini(&arena);
}

/* Every number of both sizes is right in itself: a table cannot be wrong unseen. */
TEST(env, each_row_of_the_schema_has_a_meaning_and_a_default_that_it_would_take)
{
    const struct spec_rows *const tables[] = { &spec_hall_rows, &spec_environment_rows };
    for (size_t t = 0; t < COUNT(tables); t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            const struct spec_row *row = &tables[t]->rows[i];
            const char *const values[] = { row->value, row->exam };
            bool words = row->type == SPEC_WORDS, inner = row->type == SPEC_SETTING;
            if (!row->help && row->path[strlen(row->path) - 1] != ']' &&
                row->path[strlen(row->path) - 1] != '*' && !inner)
                test_failed(__FILE__, __LINE__, "%s has no meaning", row->path);
            for (size_t v = 0; v < COUNT(values); v++)
                for (str rest = str_z(values[v]); rest.p && rest.n;) {
                    str word = words ? str_cut(&rest, ',') : rest;
                    if (!words)
                        rest = STR_NONE;
                    if (!spec_is(row, words ? row->of : row->type, word))
                        test_failed(__FILE__, __LINE__, "%s: its default %s is refused", row->path,
                                    values[v]);
                }
        }
}

TEST(env, adding_one_leaves_every_other_byte_and_every_other_value)
{
    static const struct env_addition addition = {
        .name = "prod",
        .like = "nonprod",
        .keys = { { "account", "444455556666" }, { "size", "exam" }, { "region", NULL } },
    };
    struct spec spec, after;
    struct env before, same;
    str result;
    char hash[65];
    read_env(&spec, &before, whole, "nonprod");
    memcpy(hash, before.hash, sizeof(hash));
    CHECK_OK(env_add(str_z(whole), &addition, &arena, &result, &why));
    CHECK_HAS(result, STR("  # more of them, one day\n"
                          "  prod: {like: nonprod, account: \"444455556666\", size: exam}\n"
                          "\n# only what differs\n"));
    CHECK_EQ(result.n, sizeof(whole) - 1 + 61);
    CHECK_OK(spec_parse(&after, "hall.yaml", result, &arena, &why));
    CHECK_OK(env_open(&same, &after, STR("nonprod"), &arena, &why));
    CHECK_STR(str_z(same.hash), str_z(hash));
    CHECK_OK(env_open(&same, &after, STR("prod"), &arena, &why));
    CHECK(strcmp(same.hash, hash) != 0);
    CHECK_EQ(env_add(result, &addition, &arena, &result, &why), FAIL_CONFLICT);
    arena_fini(&arena);
}

TEST(env, adding_one_that_would_be_wrong_or_has_no_place_is_refused)
{
    static const struct {
        const char *text, *says;
        struct env_addition addition;
    } rows[] = {
        { whole, "no such environment", { "prod", "nonprot", { { NULL } } } },
        { whole, "12 digits", { "prod", "nonprod", { { "account", "12" } } } },
        { whole, "needs another name", { "Prod", "nonprod", { { NULL } } } },
        { "hall: x\nenvironments: {a: {on: machine}}\n",
          "a line of its own",
          { "b", 0, { { 0 } } } },
        { "hall: x\nenvironments: {}\n", "write only", { "b", 0, { { "on", "machine" } } } },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        str result;
        arena_fini(&arena);
        arena = arena_make(16 * MIB);
        CHECK(env_add(str_z(rows[i].text), &rows[i].addition, &arena, &result, &why));
        CHECK_HAS(str_z(why.text), str_z(rows[i].says));
    }
    arena_fini(&arena);
}

TEST(env, the_first_one_is_added_where_there_is_none_in_the_files_own_line_ends)
{
    static const struct env_addition addition = { "a", NULL, { { "on", "machine" } } };
    static const char *const rows[][2] = {
        { "hall: x", "hall: x\n\nenvironments:\n  a: {on: machine}\n" },
        { "hall: x\r\n", "hall: x\r\n\r\nenvironments:\r\n  a: {on: machine}\r\n" },
        { "hall: x\nenvironments:\n  # none yet\n\n# end\n",
          "hall: x\nenvironments:\n  # none yet\n  a: {on: machine}\n\n# end\n" },
        { "environments:\n    b:\n        on: machine\nhall: x\n",
          "environments:\n    b:\n        on: machine\n    a: {on: machine}\nhall: x\n" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        str result;
        arena_fini(&arena);
        arena = arena_make(16 * MIB);
        CHECK_OK(env_add(str_z(rows[i][0]), &addition, &arena, &result, &why));
        CHECK_STR(result, str_z(rows[i][1]));
    }
    arena_fini(&arena);
}
