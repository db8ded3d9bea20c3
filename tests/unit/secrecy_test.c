/* secrecy_test.c - what must not be learned: keys by anybody but scoring, papers before the start.
 *
 * Non-interference: two halls that differ only in what is secret must be alike, byte for byte, in
 * everything that candidates and the public parts of the log can show. */
#include "crypto/password.h"
#include "tests/unit/world.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

TEST(secrecy, only_scoring_follows_the_topic_of_keys)
{
    unsigned followers = 0;
    for (unsigned i = 0; services[i]; i++)
        if (services[i]->topics & TOPIC_BIT(TOPIC_KEYS)) {
            CHECK_STR(str_z(services[i]->name), STR("scoring"));
            followers++;
        }
    CHECK_EQ(followers, 1);
}

/* Two halls side by side, each with a folder of its own. */
static void open_two(struct world w[2], const struct world_opts *a, const struct world_opts *b)
{
    const char *parent = test_dir();
    for (int i = 0; i < 2; i++) {
        struct world_opts opts = i ? *b : *a;
        char dir[100];
        snprintf(dir, sizeof(dir), "%s/%d", parent, i);
        CHECK_EQ(mkdir(dir, 0700), 0);
        opts.dir = dir;
        world_open(&w[i], &opts);
    }
}

/* Whole replies as they go out: status line, headers, body. */
static void record(struct world *w, struct out *out, const char *method, const char *target,
                   const char *body, const char *headers)
{
    struct world_request request = { .method = method,
                                     .target = target,
                                     .cookie = w->seat.cookie,
                                     .body = str_z(body),
                                     .headers = headers };
    world_request(w, &request);
    exchange_write(&w->exchange, out);
    out_char(out, '\n');
}

static void act(struct world *w, const char *what)
{
    char target[60];
    snprintf(target, sizeof(target), "/v1/exams/paper-1/%s", what);
    CHECK_EQ(world_admin(w, "POST", target, "{}"), 200);
}

/* Every route that a candidate may use, asked in every state of the attempt. */
static void ask_everything(struct world *w, struct out *out)
{
    static const char *const gets[] = { "",        "/form",      "/answers", "/receipt",
                                        "/result", "/responses", "/nothing" };
    char target[120];
    for (size_t i = 0; i < COUNT(gets); i++) {
        snprintf(target, sizeof(target), "/v1/attempts/1%s", gets[i]);
        record(w, out, "GET", target, NULL, NULL);
    }
    snprintf(target, sizeof(target), "/v1/papers/%s",
             hall_host(w->hall)->directory->exams[0].paper);
    record(w, out, "GET", target, NULL, NULL);
    record(w, out, "GET", target, NULL, "Accept-Encoding: gzip\r\n");
    record(w, out, "POST", "/v1/attempts/1/heartbeat", "{\"place\":2}", NULL);
    record(w, out, "GET", "/v1/time", NULL, NULL);
    record(w, out, "GET", "/openapi.json", NULL, NULL);
    record(w, out, "GET", "/v1/exams", NULL, NULL);
    record(w, out, "POST", "/v1/exams/paper-1/score", "{}", NULL);
    record(w, out, "GET", "/v1/staff/overview", NULL, NULL);
    record(w, out, "GET", "/metrics", NULL, NULL);
}

static void save_everything(struct world *w, struct out *out)
{
    static const char *const values[WORLD_ITEMS][3] = {
        { "A", "B", "E" },        { "C", "D", "" },    { "AC", "ABCD", "CA" }, { "9.81", "1", "x" },
        { "Newton", "Watt", "" }, { "5;10", "5", "" }, { "D", "A", "" },
    };
    unsigned seq = 0;
    for (unsigned i = 0; i < WORLD_ITEMS; i++)
        for (unsigned k = 0; k < 3; k++) {
            char target[60], body[80];
            snprintf(target, sizeof(target), "/v1/attempts/1/answers/%u", i + 1);
            snprintf(body, sizeof(body), "{\"value\":\"%s\",\"marked\":%s,\"seq\":%u}",
                     values[i][k], k == 1 ? "true" : "false", ++seq);
            record(w, out, "PUT", target, body, NULL);
            record(w, out, "PUT", target, body, NULL);
        }
}

/* A whole sitting, up to the moment before publication. */
static void sitting(struct world *w, struct out *out)
{
    world_login(w, "R001");
    exchange_write(&w->exchange, out);
    ask_everything(w, out);
    record(w, out, "POST", "/v1/attempts/1/start", "{}", NULL);
    act(w, "open");
    ask_everything(w, out);
    record(w, out, "POST", "/v1/attempts/1/start", "{}", NULL);
    ask_everything(w, out);
    save_everything(w, out);
    ask_everything(w, out);
    world_crash_and_restart(w);
    world_login(w, "R001");
    exchange_write(&w->exchange, out);
    ask_everything(w, out);
    record(w, out, "POST", "/v1/attempts/1/submit", "{}", NULL);
    ask_everything(w, out);
    act(w, "close");
    world_advance(w, 100);
    ask_everything(w, out);
    act(w, "score");
    ask_everything(w, out);
}

static const char *const other_keys[WORLD_ITEMS] = {
    "\"A\"",    "[\"B\",\"D\"]",           "[\"BD\",\"ABCD\"]",   "{\"from\":\"1\",\"to\":\"2\"}",
    "\"Watt\"", "[[\"7\",\"8\"],[\"9\"]]", "[\"A\",\"B\",\"C\"]",
};

TEST(secrecy, no_byte_of_a_whole_sitting_depends_on_the_keys)
{
    struct world w[2];
    struct out seen[2] = { out_make(16 * MIB), out_make(16 * MIB) };
    struct world_opts a = { .draft = true }, b = { .draft = true };
    memcpy(b.keys, other_keys, sizeof(b.keys));
    open_two(w, &a, &b);
    for (int i = 0; i < 2; i++)
        sitting(&w[i], &seen[i]);
    CHECK(!seen[0].failed && seen[0].n > 10000);
    CHECK_EQ(seen[0].n, seen[1].n);
    CHECK(str_eq(out_view(&seen[0]), out_view(&seen[1])));
    /* and the keys do matter where they should */
    CHECK(!str_eq(hall_host(w[0].hall)->directory->exams[0].scored,
                  hall_host(w[1].hall)->directory->exams[0].scored));
    for (int i = 0; i < 2; i++) {
        out_fini(&seen[i]);
        world_close(&w[i]);
    }
}

struct hashing {
    crypto_generichash_state state;
    uint32_t skip_topics;
};

static fail hash_record(void *ctx, const struct record *r, struct why *why)
{
    struct hashing *hashing = ctx;
    (void)why;
    if (hashing->skip_topics & TOPIC_BIT(r->topic))
        return FAIL_NONE;
    crypto_generichash_update(&hashing->state, &r->topic, 1);
    crypto_generichash_update(&hashing->state, &r->type, 1);
    crypto_generichash_update(&hashing->state, (const uint8_t *)&r->key, sizeof(r->key));
    crypto_generichash_update(&hashing->state, (const uint8_t *)&r->at, sizeof(r->at));
    crypto_generichash_update(&hashing->state, (const uint8_t *)r->body.p, r->body.n);
    return FAIL_NONE;
}

static void hash_log(struct world *w, uint32_t skip_topics, uint8_t digest[32])
{
    struct hashing hashing = { .skip_topics = skip_topics };
    struct why why;
    crypto_generichash_init(&hashing.state, NULL, 0, 32);
    CHECK_OK(log_read(hall_host(w->hall)->log, 0, TOPICS_ALL, hash_record, &hashing, &why));
    crypto_generichash_final(&hashing.state, digest, 32);
}

TEST(secrecy, nothing_stored_outside_the_topic_of_keys_depends_on_them)
{
    struct world w[2];
    uint8_t digest[2][32], whole[2][32];
    struct world_opts a = { .rolls = 2 }, b = { .rolls = 2 };
    memcpy(b.keys, other_keys, sizeof(b.keys));
    open_two(w, &a, &b);
    for (int i = 0; i < 2; i++) {
        world_start(&w[i], "R001");
        CHECK_EQ(world_put(&w[i], 1, "B", 1), 200);
        CHECK_EQ(world_post(&w[i], "/submit"), 200);
        hash_log(&w[i], TOPIC_BIT(TOPIC_KEYS), digest[i]);
        hash_log(&w[i], 0, whole[i]);
    }
    CHECK(memcmp(digest[0], digest[1], 32) == 0);
    CHECK(memcmp(whole[0], whole[1], 32) != 0);
    for (int i = 0; i < 2; i++)
        world_close(&w[i]);
}

TEST(secrecy, before_the_start_nothing_depends_on_what_the_questions_are)
{
    struct world w[2];
    struct out seen[2] = { out_make(16 * MIB), out_make(16 * MIB) };
    struct world_opts a = { .texts = "one" }, b = { .texts = "two" };
    static const char *const gets[] = { "", "/form", "/answers", "/receipt", "/result" };
    open_two(w, &a, &b);
    for (int i = 0; i < 2; i++) {
        world_login(&w[i], "R001");
        exchange_write(&w[i].exchange, &seen[i]);
        for (size_t k = 0; k < COUNT(gets); k++) {
            char target[60];
            snprintf(target, sizeof(target), "/v1/attempts/1%s", gets[k]);
            record(&w[i], &seen[i], "GET", target, NULL, NULL);
        }
        record(&w[i], &seen[i], "PUT", "/v1/attempts/1/answers/1", "{\"value\":\"A\",\"seq\":1}",
               NULL);
        record(&w[i], &seen[i], "POST", "/v1/attempts/1/heartbeat", "{}", NULL);
        for (int k = 0; k < 2; k++) { /* both papers' digests, asked of both halls */
            char target[120];
            snprintf(target, sizeof(target), "/v1/papers/%s",
                     hall_host(w[k].hall)->directory->exams[0].paper);
            record(&w[i], &seen[i], "GET", target, NULL, NULL);
        }
    }
    CHECK(str_eq(out_view(&seen[0]), out_view(&seen[1])));
    for (int i = 0; i < 2;
         i++) { /* and after it everything does: the test looks at the right thing */
        CHECK_EQ(world_post(&w[i], "/start"), 200);
        out_clear(&seen[i]);
        CHECK_EQ(world_get(&w[i], "/form"), 200);
        out_str(&seen[i], world_body(&w[i]));
    }
    CHECK(!str_eq(out_view(&seen[0]), out_view(&seen[1])));
    for (int i = 0; i < 2; i++) {
        out_fini(&seen[i]);
        world_close(&w[i]);
    }
}

TEST(secrecy, a_start_that_is_refused_says_nothing_of_the_questions)
{
    struct world w[2];
    struct out seen[2] = { out_make(16 * MIB), out_make(16 * MIB) };
    struct world_opts a = { .texts = "one", .draft = true }, b = { .texts = "two", .draft = true };
    open_two(w, &a, &b);
    for (int i = 0; i < 2; i++) {
        world_login(&w[i], "R001");
        CHECK_EQ(world_post(&w[i], "/start"), 409);
        exchange_write(&w[i].exchange, &seen[i]);
        CHECK(str_find_str(out_view(&seen[i]), STR("packed_paper")) < 0);
    }
    CHECK(str_eq(out_view(&seen[0]), out_view(&seen[1])));
    for (int i = 0; i < 2; i++) { /* one that is not says all of them */
        CHECK_EQ(world_admin(&w[i], "POST", "/v1/exams/paper-1/open", "{}"), 200);
        CHECK_EQ(world_post(&w[i], "/start"), 200);
        out_clear(&seen[i]);
        exchange_write(&w[i].exchange, &seen[i]);
        CHECK(str_find_str(out_view(&seen[i]), STR("packed_paper")) >= 0);
    }
    CHECK(!str_eq(out_view(&seen[0]), out_view(&seen[1])));
    for (int i = 0; i < 2; i++) {
        out_fini(&seen[i]);
        world_close(&w[i]);
    }
}

/* --- words that must never be said -------------------------------------------------------------
 */

static void must_not_say(str said, const char *secret, const char *what)
{
    if (str_find_str(said, str_z(secret)) >= 0)
        test_failed(__FILE__, __LINE__, "%s was said in: %.*s", what,
                    STR_ARG(str_first(said, 500)));
}

TEST(secrecy, no_code_token_or_password_is_in_any_problem)
{
    static const char password[] = "swordfish swordfish";
    struct world w;
    char code[CODE_CHARS + 1], body[300];
    struct out said = out_make(MIB);
    world_open(&w, NULL);
    struct seat seat = world_login(&w, "R001");
    world_code(&w, "R001", code);
    const char *bodies[] = { "{\"roll\":\"R002\",\"code\":\"%s\"}",
                             "{\"roll\":\"R002\",\"code\":\"%s",
                             "{\"roll\":\"R002\",\"cod\":\"%s\"}", "{\"code\":\"%s\"}",
                             "{\"roll\":{\"a\":\"%s\"},\"code\":1}" };
    for (size_t i = 0; i < COUNT(bodies); i++) {
        snprintf(body, sizeof(body), bodies[i], code);
        record(&w, &said, "POST", "/v1/sessions", body, NULL);
        snprintf(body, sizeof(body), bodies[i], password);
        record(&w, &said, "POST", "/v1/staff/sessions", body, NULL);
    }
    snprintf(body, sizeof(body), "{\"name\":\"x\",\"password\":\"%s\",\"totp\":\"123456\"}",
             password);
    record(&w, &said, "POST", "/v1/staff/sessions", body, NULL);
    world_login(&w, "R001"); /* the first session is over */
    world_sit(&w, &seat);
    record(&w, &said, "GET", "/v1/attempts/1", NULL, NULL);
    record(&w, &said, "GET", "/v1/attempts/2", NULL, NULL);
    record(&w, &said, "DELETE", "/v1/sessions", NULL, NULL);
    must_not_say(out_view(&said), code, "a code");
    must_not_say(out_view(&said), password, "a password");
    must_not_say(out_view(&said), seat.cookie, "a token");
    out_fini(&said);
    world_close(&w);
}

TEST(secrecy, the_hall_says_nothing_of_a_sitting_on_its_log_lines)
{
    struct world w;
    struct out said = out_make(16 * MIB);
    world_open(&w, &(struct world_opts){ .draft = true });
    test_listen();
    sitting(&w, &said);
    str lines = test_heard();
    char code[CODE_CHARS + 1];
    world_code(&w, "R001", code);
    const char *secrets[] = { code, w.seat.cookie, "Candidate 1", "R001", "Newton", "9.81" };
    for (size_t i = 0; i < COUNT(secrets); i++)
        must_not_say(lines, secrets[i], secrets[i]);
    out_fini(&said);
    world_close(&w);
}

static bool holds(const char *path, const void *secret, size_t n)
{
    char *bytes = malloc(4 * MIB);
    FILE *file = fopen(path, "rb");
    CHECK(bytes && file);
    size_t got = fread(bytes, 1, 4 * MIB, file);
    fclose(file);
    bool found = memmem(bytes, got, secret, n) != NULL;
    free(bytes);
    return found;
}

TEST(secrecy, a_stolen_checkpoint_holds_no_code_no_key_of_the_hall_and_no_totp_secret)
{
    static const uint8_t secret[TOTP_SECRET_BYTES] = "12345678901234567890";
    struct world w;
    char path[300], code[CODE_CHARS + 1];
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "POST", "/v1/officers",
                         "{\"name\":\"chief\",\"password\":\"swordfish swordfish\","
                         "\"totp_secret_hex\":\"3132333435363738393031323334353637383930\"}"),
             200);
    world_start(&w, "R001");
    if (hall_checkpoint(w.hall, &w.why))
        test_failed(__FILE__, __LINE__, "no checkpoint: %s", w.why.text);
    snprintf(path, sizeof(path), "%s/checkpoint.db", w.dir);
    world_code(&w, "R001", code);
    CHECK(holds(path, "Candidate 1", 11)); /* the test can find something */
    CHECK(!holds(path, code, CODE_CHARS));
    CHECK(!holds(path, secret, sizeof(secret)));
    CHECK(!holds(path, "swordfish", 9));
    CHECK(!holds(path, w.keys.token, 32));
    CHECK(!holds(path, w.keys.sign_secret, 32));
    world_close(&w);
}
