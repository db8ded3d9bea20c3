/* hall_test.c - the hall as a whole: requests, checkpoints, crashes, and an auditor that judges. */
#include "tests/unit/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- requests ----------------------------------------------------------------------------------
 */

TEST(hall, what_does_not_exist_is_404_and_a_wrong_method_405_as_problem_json)
{
    struct world w;
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "GET", "/v1/nothing", NULL), 404);
    CHECK_STR(world_problem(&w), STR("not-found"));
    CHECK_STR(str_z(w.exchange.req.type), STR("application/problem+json"));
    CHECK_EQ(world_i64(&w, "status"), 404);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/time", "{}"), 405);
    CHECK_STR(world_problem(&w), STR("method"));
    CHECK_EQ(world_admin(&w, "GET", "/v1/a/b/c/d/e/f/g/h/i/j", NULL), 404);
    CHECK_EQ(world_admin(&w, "GET", "/", NULL), 404);
    CHECK_EQ(world_admin(&w, "GET", "/v1/time", NULL), 200);
    CHECK_EQ(world_i64(&w, "now"), WORLD_START);
    world_close(&w);
}

TEST(hall, metrics_count_what_happened)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    CHECK_EQ(world_put(&w, 1, "E", 2), 400);
    CHECK_EQ(world_admin(&w, "GET", "/metrics", NULL), 200);
    CHECK_HAS(world_body(&w), STR("examhall_http_requests_total{method=\"PUT\",route=\"/v1/attempts"
                                  "/:attempt/answers/:item\",code=\"2xx\"} 1\n"));
    CHECK_HAS(world_body(&w), STR("code=\"4xx\"} 1\n"));
    CHECK_HAS(world_body(&w), STR("\nexamhall_answers_saved_total 1\n"));
    CHECK_HAS(world_body(&w), STR("\nexamhall_candidates_signed_in 1\n"));
    CHECK_HAS(world_body(&w), STR("\nexamhall_log_has_room 1\n"));
    CHECK_HAS(world_body(&w), STR("\nexamhall_log_damaged 0\n"));
    world_close(&w);
}

/* Scoring an exam is a job: what it takes on the worker, and how long it waited for it, is not the
 * loop's time. */
TEST(hall, the_time_of_a_job_is_not_the_loops)
{
    static const char score[] =
        "POST /v1/exams/paper-1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n";
    struct world w;
    struct exchange exchange;
    struct http_head head;
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/close", "{}"), 200);
    exchange_init(&exchange);
    CHECK_EQ(http_parse_request(&head, str_z(score), 64 * KIB, &exchange.why), HTTP_DONE);
    hall_handle(w.hall, &exchange, &head, STR("{}"), true);
    CHECK(!exchange.done);
    while (!exchange.done) {
        clock_sim_advance(&w.clock, 5000);
        hall_job_run(&exchange);
        hall_job_done(w.hall, &exchange);
    }
    CHECK_EQ(exchange.req.status, 200);
    exchange_fini(&exchange);
    CHECK_EQ(world_admin(&w, "GET", "/metrics", NULL), 200);
    CHECK_HAS(world_body(&w), STR("route=\"/v1/exams/:exam/score\",code=\"2xx\"} 1\n"));
    CHECK(str_find_str(world_body(&w), STR("_loop_seconds_total{")) < 0); /* no clock moved on it */
    world_close(&w);
}

TEST(hall, the_description_names_every_route_and_its_members)
{
    struct world w;
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "GET", "/openapi.json", NULL), 200);
    const struct json *paths = json_get(w.json, STR("paths"));
    for (unsigned i = 0; services[i]; i++)
        for (size_t k = 0; k < services[i]->routes.count; k++) {
            const struct route *route = &services[i]->routes.rows[k];
            char path[200] = { 0 }, method[10] = { 0 };
            size_t n = 0;
            for (const char *p = route->path; *p && n < 190; p++) {
                bool ends = path[0] && (p[1] == '/' || !p[1]) && strrchr(path, '{') &&
                            (!strrchr(path, '}') || strrchr(path, '{') > strrchr(path, '}'));
                path[n++] = *p == ':' ? '{' : *p;
                if (ends)
                    path[n++] = '}';
            }
            for (n = 0; route->method[n]; n++)
                method[n] = (char)(route->method[n] | 32);
            const struct json *found = json_get(json_get(paths, str_z(path)), str_z(method));
            if (!found)
                test_failed(__FILE__, __LINE__, "no %s %s", method, path);
            CHECK(json_get(found, STR("summary"))->text.n > 0);
            CHECK_EQ(json_get(found, STR("requestBody")) != NULL, route->takes != NULL);
        }
    world_close(&w);
}

TEST(hall, a_service_or_setting_that_does_not_exist_is_refused_with_the_nearest)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .memory = true });
    hall_close(w.hall);
    w.opts.settings = "answers.grace=3";
    CHECK_EQ(world_start_hall(&w), FAIL_USAGE);
    CHECK_HAS(str_z(w.why.text), STR("did you mean answers.grace_s"));
    w.opts.settings = "answers.grace_s=61";
    CHECK_EQ(world_start_hall(&w), FAIL_USAGE);
    CHECK_HAS(str_z(w.why.text), STR("from 0 to 60"));
    w.opts.settings = "answers.grace_s = 60\n\nidentity.wrong_codes=3\n";
    CHECK_EQ(world_start_hall(&w), FAIL_NONE);
    CHECK_EQ(setting(hall_host(w.hall), "answers.grace_s"), 60);
    world_close(&w);
}

/* --- checkpoints -------------------------------------------------------------------------------
 */

static void copy(struct out *out, struct world *w, unsigned status)
{
    out_fmt(out, "%u ", status);
    str rest = world_body(w);
    ptrdiff_t now = str_find_str(rest, STR("\"now\":")); /* all but what the clock says */
    out_str(out, now >= 0 ? str_first(rest, (size_t)now) : rest);
    out_char(out, '\n');
}

/* Everything anybody can ask, in one text. */
static void see_all(struct world *w, struct out *out)
{
    static const char *const targets[] = { "/v1/exams", "/v1/roster", "/v1/staff/overview",
                                           "/v1/staff/candidates" };
    static const char *const paths[] = { "",      "/answers", "/receipt",
                                         "/form", "/result",  "/responses" };
    for (size_t i = 0; i < COUNT(targets); i++)
        copy(out, w, world_admin(w, "GET", targets[i], NULL));
    for (unsigned a = 1; a <= hall_host(w->hall)->directory->candidate_count; a++)
        for (size_t i = 0; i < COUNT(paths); i++) {
            char target[60];
            snprintf(target, sizeof(target), "/v1/attempts/%u%s", a, paths[i]);
            copy(out, w, world_admin(w, "GET", target, NULL));
        }
}

static void same(const struct out *a, const struct out *b)
{
    for (str x = out_view(a), y = out_view(b); x.p || y.p;) /* a line is enough to read */
        CHECK_STR(str_cut(&x, '\n'), str_cut(&y, '\n'));
}

/* A hall in the middle of its day: started, saved, cleared, submitted, signed in twice. */
static void a_days_work(struct world *w)
{
    world_start(w, "R001");
    CHECK_EQ(world_put(w, 1, "B", 1), 200);
    CHECK_EQ(world_put(w, 4, "9.81", 2), 200);
    CHECK_EQ(world_put(w, 6, "5;10", 3), 200);
    CHECK_EQ(world_put(w, 4, NULL, 4), 200);
    CHECK_EQ(world_post(w, "/submit"), 200);
    world_start(w, "R002");
    CHECK_EQ(world_put(w, 3, "AC", 1), 200);
    clock_sim_advance(&w->clock, MINUTE_MS);
    world_login(w, "R002");
    CHECK_EQ(world_put(w, 5, "a longer text", 1), 200);
    CHECK_EQ(world_put(w, 5, "short", 2), 200);
    CHECK_EQ(world_admin(w, "POST", "/v1/staff/attempts/2/time",
                         "{\"minutes\":7,\"reason\":\"late bus\"}"),
             200);
    world_login(w, "R003");
}

static void more_work(struct world *w)
{
    world_login(w, "R002");
    CHECK_EQ(world_put(w, 1, "C", 1), 200);
    CHECK_EQ(world_put(w, 5, "the longest text of them all", 2), 200);
    world_start(w, "R003");
    CHECK_EQ(world_put(w, 2, "D", 1), 200);
}

static void checkpoint(struct world *w)
{
    if (hall_checkpoint(w->hall, &w->why))
        test_failed(__FILE__, __LINE__, "no checkpoint: %s", w->why.text);
}

static void checkpoint_path(const struct world *w, char path[300])
{
    snprintf(path, 300, "%s/checkpoint.db", w->dir);
}

static void remove_checkpoint(const struct world *w)
{
    char path[300];
    checkpoint_path(w, path);
    CHECK_EQ(remove(path), 0);
}

/* A hall that starts from its checkpoint is the one that starts from the log alone. */
static void same_as_from_the_log(struct world *w)
{
    struct out with = out_make(MIB), without = out_make(MIB);
    world_crash_and_restart(w);
    see_all(w, &with);
    remove_checkpoint(w);
    world_crash_and_restart(w);
    see_all(w, &without);
    same(&with, &without);
    out_fini(&with);
    out_fini(&without);
}

TEST(hall, a_checkpoint_and_the_rest_of_the_log_are_the_same_as_the_log_alone)
{
    struct world w;
    world_open(&w, NULL);
    a_days_work(&w);
    checkpoint(&w);
    more_work(&w);
    same_as_from_the_log(&w);
    world_close(&w);
}

TEST(hall, a_checkpoint_of_a_scored_exam_keeps_result_and_digest)
{
    struct world w;
    char digest[65];
    world_open(&w, NULL);
    a_days_work(&w);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/close", "{}"), 200);
    world_advance(&w, 100);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    snprintf(digest, sizeof(digest), "%.*s", STR_ARG(world_str(&w, "digest")));
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/publish", "{}"), 200);
    checkpoint(&w);
    same_as_from_the_log(&w);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    CHECK_STR(world_str(&w, "digest"), str_z(digest));
    world_close(&w);
}

TEST(hall, checkpoints_of_checkpoints_keep_everything)
{
    struct world w;
    world_open(&w, NULL);
    checkpoint(&w);
    a_days_work(&w);
    checkpoint(&w);
    world_crash_and_restart(&w);
    more_work(&w);
    checkpoint(&w);
    same_as_from_the_log(&w);
    world_close(&w);
}

/* A busy hall has always something on its way to the disk. */
TEST(hall, a_checkpoint_is_begun_while_records_are_not_durable_yet)
{
    struct world w;
    struct why why;
    char body[4];
    int status;
    struct wire_out epoch = wire_out_make(body, sizeof(body));
    wire_put_u32(&epoch, 7);
    world_open(&w, &(struct world_opts){ .checkpoint_every = 1 });
    world_start(&w, "R001");
    struct host *host = hall_host(w.hall);
    CHECK_OK(emit(host, TOPIC_SESSIONS, CANDIDATE_SIGNED_IN, 0, str_of(body, epoch.n), &why));
    CHECK(log_durable(host->log) < log_appended(host->log));
    hall_checkpoint_maybe(w.hall);
    CHECK(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    world_crash_and_restart(&w);
    CHECK_EQ(hall_host(w.hall)->directory->candidates[0].epoch, 7);
    remove_checkpoint(&w); /* it was there */
    world_close(&w);
}

TEST(hall, a_checkpoint_that_cannot_be_written_says_so_and_the_hall_goes_on)
{
    struct world w;
    char path[300], inner[310];
    int status;
    world_open(&w, &(struct world_opts){ .checkpoint_every = 1 });
    snprintf(path, sizeof(path), "%s/checkpoint.db.tmp", w.dir);
    snprintf(inner, sizeof(inner), "%s/inner", path);
    CHECK(!mkdir(path, 0700) && !mkdir(inner, 0700)); /* where the file would be written */
    test_listen();
    world_start(&w, "R001");
    hall_checkpoint_maybe(w.hall);
    pid_t child = wait(&status);
    str said = test_heard();
    CHECK(child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1);
    CHECK_HAS(said, STR("\"event\":\"checkpoint.failed\""));
    CHECK_HAS(said, STR("cannot create checkpoint"));
    CHECK(!rmdir(inner) && !rmdir(path));
    world_crash_and_restart(&w);
    CHECK_EQ(hall_host(w.hall)->directory->started_count, 1);
    world_close(&w);
}

/* What the hall says of the damage is not for who reads the tests' output. */
static fail start_silent(struct world *w)
{
    test_listen();
    fail f = world_start_hall(w);
    test_heard();
    return f;
}

TEST(hall, a_damaged_checkpoint_is_not_used_wherever_it_is_damaged)
{
    struct world w;
    struct out good = out_make(MIB), seen = out_make(MIB);
    struct chance chance;
    char path[300];
    struct stat st;
    world_open(&w, NULL);
    a_days_work(&w);
    world_restart(&w);
    see_all(&w, &good);
    checkpoint_path(&w, path);
    chance_sim_init(&chance, test_seed());
    for (int i = 0; i < 60; i++) {
        checkpoint(&w); /* beside a damaged one, from the second time on */
        CHECK_EQ(stat(path, &st), 0);
        long at = i < 20 ? i * 5 : (long)chance_below(&chance, (uint64_t)st.st_size);
        test_turn_over(path, at);
        hall_close(w.hall);
        if (start_silent(&w))
            test_failed(__FILE__, __LINE__, "byte %ld of %ld turned over: %s", at, (long)st.st_size,
                        w.why.text);
        out_clear(&seen);
        see_all(&w, &seen);
        same(&seen, &good);
    }
    out_fini(&good);
    out_fini(&seen);
    world_close(&w);
}

TEST(hall, a_checkpoint_cut_short_or_empty_is_not_used)
{
    struct world w;
    struct out good = out_make(MIB), seen = out_make(MIB);
    char path[300];
    struct stat st;
    world_open(&w, NULL);
    a_days_work(&w);
    world_restart(&w);
    see_all(&w, &good);
    checkpoint_path(&w, path);
    for (int part = 0; part < 8; part++) {
        checkpoint(&w);
        CHECK_EQ(stat(path, &st), 0);
        CHECK_EQ(truncate(path, st.st_size * part / 8), 0);
        hall_close(w.hall);
        if (start_silent(&w))
            test_failed(__FILE__, __LINE__, "%d/8 of it: %s", part, w.why.text);
        out_clear(&seen);
        see_all(&w, &seen);
        same(&seen, &good);
    }
    out_fini(&good);
    out_fini(&seen);
    world_close(&w);
}

TEST(hall, a_checkpoint_ahead_of_its_log_is_refused_with_what_to_do)
{
    struct world w;
    world_open(&w, NULL);
    struct files_sim *older = files_sim_copy(w.disk);
    a_days_work(&w);
    checkpoint(&w);
    hall_close(w.hall);
    files_sim_free(w.disk);
    w.disk = older; /* the log restored from a copy */
    CHECK_EQ(world_start_hall(&w), FAIL_CORRUPT);
    CHECK_HAS(str_z(w.why.text), STR("ahead of the log"));
    CHECK_HAS(str_z(w.why.text), STR("remove"));
    remove_checkpoint(&w);
    CHECK_EQ(world_start_hall(&w), FAIL_NONE);
    world_close(&w);
}

/* --- the auditor -------------------------------------------------------------------------------
 * Random candidates do random things to a hall that is crashed at random; a model of a page of code
 * says what must be there. */

#define AUDIT_ROLLS 6
#define AUDIT_STEPS 1500

struct expected {
    char value[WORLD_ITEMS][40];
    bool there[WORLD_ITEMS];
    uint32_t epoch[WORLD_ITEMS]; /* of the session that saved it */
    uint32_t session;
    bool started, submitted;
    uint32_t seq, saves;
};

struct audit {
    struct world w;
    struct chance chance;
    struct seat seats[AUDIT_ROLLS];
    struct expected expected[AUDIT_ROLLS];
    unsigned crashes;
};

static void random_value(struct audit *a, unsigned item, char value[40])
{
    static const char *const letters[] = { "", "A", "B", "C", "D" };
    static const char *const sets[] = { "", "A", "AC", "BD", "ABCD", "CD" };
    uint64_t n = chance_u64(&a->chance);
    if (item == 1 || item == 2 || item == 7)
        snprintf(value, 40, "%s", letters[n % COUNT(letters)]);
    else if (item == 3)
        snprintf(value, 40, "%s", sets[n % COUNT(sets)]);
    else
        snprintf(value, 40, "%.*s", (int)(n % 21), "0123456789;0123456789");
}

static void audit_save(struct audit *a, unsigned c)
{
    struct expected *e = &a->expected[c];
    unsigned item = 1 + (unsigned)chance_below(&a->chance, WORLD_ITEMS);
    char value[40];
    random_value(a, item, value);
    bool old =
        e->there[item - 1] && e->epoch[item - 1] == e->session && chance_below(&a->chance, 8) == 0;
    uint32_t seq = old ? 1 : e->seq + 1; /* now and then one that was overtaken long ago */
    unsigned status = world_put(&a->w, item, *value ? value : NULL, seq);
    if (old) {
        CHECK_EQ(status, 200);
        CHECK_STR(world_str(&a->w, "superseded"), STR("true"));
        return;
    }
    if (!e->started || e->submitted) {
        CHECK_EQ(status, 409);
        return;
    }
    CHECK_EQ(status, 200);
    snprintf(e->value[item - 1], sizeof(e->value[0]), "%s", value);
    e->there[item - 1] = true;
    e->epoch[item - 1] = e->session;
    e->seq = seq;
    e->saves++;
}

static void audit_read(struct audit *a, unsigned c)
{
    const struct expected *e = &a->expected[c];
    CHECK_EQ(world_get(&a->w, "/answers"), 200);
    unsigned at = 0;
    for (unsigned i = 0; i < WORLD_ITEMS; i++) {
        if (!e->there[i])
            continue;
        char number[8];
        snprintf(number, sizeof(number), "%u", i + 1);
        CHECK_STR(world_in(&a->w, "answers", at, "item"), str_z(number));
        CHECK_STR(world_in(&a->w, "answers", at, "value"), str_z(e->value[i]));
        at++;
    }
    CHECK_EQ(world_count(&a->w, "answers"), at);
    CHECK_EQ(world_get(&a->w, ""), 200);
    CHECK_STR(world_str(&a->w, "state"), e->submitted ? STR("submitted")
                                         : e->started ? STR("running")
                                                      : STR("ready"));
}

static void audit_step(struct audit *a)
{
    unsigned c = (unsigned)chance_below(&a->chance, AUDIT_ROLLS), what;
    struct expected *e = &a->expected[c];
    char roll[8];
    snprintf(roll, sizeof(roll), "R%03u", c + 1);
    what = (unsigned)chance_below(&a->chance, 100);
    if (!a->seats[c].attempt || what < 4) {
        a->seats[c] = world_login(&a->w, roll);
        e->session++;
        e->seq = MAX(e->seq, 1); /* so that 1 is older than any */
    }
    world_sit(&a->w, &a->seats[c]);
    if (what < 10) {
        CHECK_EQ(world_post(&a->w, "/start"), 200);
        e->started = true;
    } else if (what < 80) {
        audit_save(a, c);
    } else if (what < 95) {
        audit_read(a, c);
    } else if (what < 96) {
        CHECK_EQ(world_post(&a->w, "/submit"), e->started ? 200 : 409);
        if (e->started)
            CHECK_EQ(world_i64(&a->w, "saves"), e->saves);
        e->submitted |= e->started;
    } else if (what < 97) {
        checkpoint(&a->w);
    } else {
        world_advance(&a->w, (int64_t)chance_below(&a->chance, 1000));
        world_crash_and_restart(&a->w);
        a->crashes++;
    }
}

TEST(hall, the_auditor_finds_every_acknowledged_answer_and_none_that_was_invented)
{
    const char *parent = test_dir();
    for (uint64_t seed = test_seed(); seed < test_seed() + 6; seed++) {
        struct audit *a = calloc(1, sizeof(*a));
        char dir[100];
        snprintf(dir, sizeof(dir), "%s/%u", parent, (unsigned)(seed - test_seed()));
        CHECK(a && mkdir(dir, 0700) == 0);
        chance_sim_init(&a->chance, seed);
        world_open(&a->w, &(struct world_opts){ .seed = seed, .rolls = AUDIT_ROLLS, .dir = dir });
        for (int step = 0; step < AUDIT_STEPS; step++)
            audit_step(a);
        for (unsigned c = 0; c < AUDIT_ROLLS; c++) {
            world_sit(&a->w, &a->seats[c]);
            if (a->seats[c].attempt)
                audit_read(a, c);
        }
        CHECK(a->crashes > 10);
        world_close(&a->w);
        free(a);
    }
}

/* What it asks the memory for nobody sees; that it touches nothing it may not is ASan's to say. */
TEST(hall, any_bytes_do_to_say_what_comes_next)
{
    static const char *const addresses[] = {
        "",          "/v1/attempts/",           "/v1/attempts/0/answers/1",
        "x",         "/v1/attempts/1",          "/v1/attempts/999999999999/answers/1",
        "/answers/", "/v1/attempts/1/answers/", "/v1/attempts/1/answers/0",
        "/v1/att",   "/v1/attempts/-1",         "/v1/attempts/1/answers/99999999999",
    };
    struct world w;
    struct out bytes = out_make(MIB);
    world_open(&w, NULL);
    world_start(&w, "R001");
    hall_expect(w.hall, STR_NONE);
    for (unsigned candidates = hall_host(w.hall)->directory->candidate_count, i = 0; i < 600; i++) {
        out_fmt(&bytes, "PUT %s HTTP/1.1\r\n", addresses[i % COUNT(addresses)]);
        out_fmt(&bytes, "PUT /v1/attempts/%u/answers/%u", i % (candidates + 2), i % 400);
    }
    for (size_t n = 0; n < bytes.n; n += 7)
        hall_expect(w.hall, str_from(out_view(&bytes), n));
    CHECK_EQ(world_get(&w, "/answers"), 200);
    out_fini(&bytes);
    world_close(&w);
}
