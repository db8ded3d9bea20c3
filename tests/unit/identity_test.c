/* identity_test.c - signing in, sessions, and who may do what. */
#include "crypto/password.h"
#include "tests/unit/world.h"

#include <stdio.h>

static void copy_body(const struct world *w, char out[1000])
{
    memset(out, 0, 1000);
    memcpy(out, world_body(w).p, MIN(world_body(w).n, 999));
}

TEST(identity, the_right_code_signs_in_however_it_is_typed)
{
    struct world w;
    char code[CODE_CHARS + 1], typed[40];
    world_open(&w, NULL);
    world_code(&w, "R001", code);
    CHECK_EQ(world_sign_in(&w, "R001", code), 200);
    CHECK_EQ(world_i64(&w, "attempt"), 1);
    CHECK_STR(world_str(&w, "roll"), STR("R001"));
    snprintf(typed, sizeof(typed), "%.4s-%.4s %.4s-%.4s ", code, code + 4, code + 8, code + 12);
    for (char *p = typed; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p | 32) : *p;
    CHECK_EQ(world_sign_in(&w, " R001 ", typed), 200);
    world_close(&w);
}

TEST(identity, the_cookie_is_for_this_host_alone_and_no_token_is_in_the_body)
{
    struct world w;
    world_open(&w, NULL);
    struct seat seat = world_login(&w, "R001");
    CHECK_HAS(world_headers(&w), STR("Set-Cookie: __Host-examhall="));
    CHECK_HAS(world_headers(&w), STR("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200"));
    CHECK_EQ(str_find_str(world_body(&w), str_z(seat.cookie)), -1);
    world_close(&w);
}

TEST(identity, a_wrong_code_and_an_unknown_roll_number_get_the_same_answer)
{
    struct world w;
    char code[CODE_CHARS + 1], wrong[1000], unknown[1000];
    world_open(&w, NULL);
    world_code(&w, "R002", code); /* a true code, of another roll number */
    CHECK_EQ(world_sign_in(&w, "R001", code), 401);
    CHECK_STR(world_problem(&w), STR("wrong-code"));
    copy_body(&w, wrong);
    CHECK(!str_starts(world_headers(&w), STR("Set-Cookie")));
    world_code(&w, "R999", code); /* the code its card would have */
    CHECK_EQ(world_sign_in(&w, "R999", code), 401);
    copy_body(&w, unknown);
    CHECK_STR(str_z(unknown), str_z(wrong));
    CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 401);
    copy_body(&w, unknown);
    CHECK_STR(str_z(unknown), str_z(wrong));
    CHECK_EQ(world_event_count(&w, TOPIC_SESSIONS, CANDIDATE_SIGNED_IN), 0);
    world_close(&w);
}

TEST(identity, wrong_codes_are_slowed_and_the_right_one_is_always_let_in)
{
    struct world w;
    char right[CODE_CHARS + 1];
    world_open(&w, NULL);
    world_code(&w, "R001", right);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 401);
    CHECK_HAS(world_headers(&w), STR("Retry-After: 1\r\n"));
    for (int i = 0; i < 20; i++) {
        CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 429);
        CHECK_STR(world_problem(&w), STR("slow-down"));
        CHECK_HAS(world_headers(&w), STR("Retry-After: 1\r\n"));
    }
    CHECK_EQ(world_sign_in(&w, "R001", right), 200); /* nobody can lock a rival out */
    CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 401);
    CHECK_EQ(world_sign_in(&w, "R002", "0000000000000000"), 401); /* nor slow another */
    world_close(&w);
}

TEST(identity, the_wait_for_wrong_codes_doubles_up_to_a_minute_and_is_forgotten_in_time)
{
    static const int waits_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    struct world w;
    world_open(&w, NULL);
    for (int i = 0; i < 9; i++)
        CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 401);
    for (size_t i = 0; i < COUNT(waits_s); i++) {
        char header[40];
        snprintf(header, sizeof(header), "Retry-After: %d\r\n", waits_s[i]);
        CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 401);
        CHECK_HAS(world_headers(&w), str_z(header));
        clock_sim_advance(&w.clock, waits_s[i] * 1000 - 1);
        CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 429);
        clock_sim_advance(&w.clock, 1);
    }
    clock_sim_advance(&w.clock, 15 * MINUTE_MS);
    CHECK_EQ(world_sign_in(&w, "R001", "0000000000000000"), 401);
    CHECK_EQ(str_find_str(world_headers(&w), STR("Retry-After")), -1);
    world_close(&w);
}

TEST(identity, unknown_roll_numbers_are_slowed_alike)
{
    struct world w;
    world_open(&w, NULL);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(world_sign_in(&w, "R999", "0000000000000000"), 401);
    CHECK_EQ(world_sign_in(&w, "R999", "0000000000000000"), 429);
    world_close(&w);
}

TEST(identity, a_new_sign_in_ends_the_older_session_for_good)
{
    struct world w;
    world_open(&w, NULL);
    struct seat old = world_login(&w, "R001");
    struct seat new = world_login(&w, "R001");
    for (int i = 0; i < 2; i++) {
        world_sit(&w, &old);
        CHECK_EQ(world_get(&w, ""), 401);
        CHECK_STR(world_problem(&w), STR("signed-in-elsewhere"));
        world_sit(&w, &new);
        CHECK_EQ(world_get(&w, ""), 200);
        world_crash_and_restart(&w);
    }
    world_close(&w);
}

TEST(identity, signing_out_ends_the_session)
{
    struct world w;
    world_open(&w, NULL);
    struct seat seat = world_login(&w, "R001");
    struct world_request out = { .method = "DELETE",
                                 .target = "/v1/sessions",
                                 .cookie = seat.cookie };
    CHECK_EQ(world_request(&w, &out), 204);
    CHECK_EQ(world_body(&w).n, 0);
    CHECK_HAS(world_headers(&w), STR("Max-Age=0"));
    CHECK_EQ(world_get(&w, ""), 401);
    CHECK_EQ(world_request(&w, &out), 401);
    world_close(&w);
}

/* --- tokens ------------------------------------------------------------------------------------
 */

TEST(identity, a_token_with_any_bit_turned_over_is_refused)
{
    static const char symbols[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct world w;
    world_open(&w, &(struct world_opts){ .memory = true });
    struct seat seat = world_login(&w, "R001");
    for (unsigned bit = 0; bit < TOKEN_CHARS * 6; bit++) {
        struct seat forged = seat;
        char *c = &forged.cookie[bit / 6];
        *c = symbols[(strchr(symbols, *c) - symbols) ^ (1 << bit % 6)];
        world_sit(&w, &forged);
        CHECK_EQ(world_get(&w, ""), 401);
        CHECK_STR(world_problem(&w), STR("not-signed-in"));
    }
    world_sit(&w, &seat);
    CHECK_EQ(world_get(&w, ""), 200);
    world_close(&w);
}

TEST(identity, a_token_cut_short_lengthened_or_of_another_hall_is_refused)
{
    struct world w;
    world_open(&w, NULL);
    struct seat seat = world_login(&w, "R001");
    for (size_t n = 0; n < TOKEN_CHARS; n++) {
        struct seat cut = seat;
        cut.cookie[n] = 0;
        world_sit(&w, &cut);
        CHECK_EQ(world_get(&w, ""), 401);
    }
    char longer[TOKEN_CHARS + 2];
    snprintf(longer, sizeof(longer), "%sA", seat.cookie);
    struct world_request get = { .method = "GET", .target = "/v1/attempts/1", .cookie = longer };
    CHECK_EQ(world_request(&w, &get), 401);
    struct token token = { TOKEN_CANDIDATE, 0, 0, 1, WORLD_START + MINUTE_MS };
    token_write(&token, w.keys.code, longer); /* any key but the right one */
    CHECK_EQ(world_request(&w, &get), 401);
    token_write(&token, w.keys.token, longer);
    CHECK_EQ(world_request(&w, &get), 200);
    token.subject = WORLD_ROLLS; /* signed by us, of nobody */
    token_write(&token, w.keys.token, longer);
    CHECK_EQ(world_request(&w, &get), 401);
    token.subject = 0;
    token.kind = 3;
    token_write(&token, w.keys.token, longer);
    CHECK(world_request(&w, &get) != 200);
    get.cookie = NULL;
    CHECK_EQ(world_request(&w, &get), 401);
    CHECK_STR(world_problem(&w), STR("not-signed-in"));
    world_close(&w);
}

TEST(identity, a_session_ends_when_its_time_is_over)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .settings = "identity.session_s=600" });
    world_login(&w, "R001");
    clock_sim_advance(&w.clock, 600 * 1000 - 1);
    CHECK_EQ(world_get(&w, ""), 200);
    clock_sim_advance(&w.clock, 1);
    CHECK_EQ(world_get(&w, ""), 401);
    CHECK_HAS(world_body(&w), STR("expired"));
    world_close(&w);
}

TEST(identity, a_page_of_another_site_may_change_nothing)
{
    static const struct {
        const char *headers;
        unsigned status;
    } rows[] = {
        { "Origin: https://evil.example\r\n", 403 },
        { "Origin: null\r\n", 403 },
        { "Origin: https://exam.example.org.evil.example\r\n", 403 },
        { "Origin: https://exam.example.org:8443\r\n", 403 },
        { "Origin: https://exam.example.org\r\n", 200 },
        { "", 200 },
    };
    struct world w;
    world_open(&w, NULL);
    struct seat seat = world_start(&w, "R001");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct world_request put = { .method = "PUT",
                                     .target = "/v1/attempts/1/answers/1",
                                     .cookie = seat.cookie,
                                     .headers = rows[i].headers,
                                     .body = STR("{\"value\":\"B\",\"seq\":1}") };
        CHECK_EQ(world_request(&w, &put), rows[i].status);
        if (rows[i].status == 403)
            CHECK_STR(world_problem(&w), STR("other-origin"));
    }
    struct world_request form = { .method = "PUT",
                                  .target = "/v1/attempts/1/answers/1",
                                  .cookie = seat.cookie,
                                  .headers = "Content-Type: text/plain\r\n",
                                  .body = STR("{\"value\":\"C\",\"seq\":2}") };
    CHECK_EQ(world_request(&w, &form), 400); /* what a plain HTML form could send */
    CHECK_HAS(world_body(&w), STR("application/json"));
    world_close(&w);
}

/* --- officers ----------------------------------------------------------------------------------
 */

static const uint8_t secret[TOTP_SECRET_BYTES] = "12345678901234567890";
#define PASSWORD "a long enough password"

static void add_officer(struct world *w)
{
    CHECK_EQ(world_admin(w, "POST", "/v1/officers",
                         "{\"name\":\"chief\",\"password\":\"" PASSWORD "\",\"totp_secret_hex\":"
                         "\"3132333435363738393031323334353637383930\"}"),
             200);
}

static unsigned staff_sign_in(struct world *w, const char *name, const char *password, int step)
{
    char body[300];
    uint64_t now = (uint64_t)clock_now(&w->clock.clock) / 1000 / TOTP_STEP_S;
    snprintf(body, sizeof(body), "{\"name\":\"%s\",\"password\":\"%s\",\"totp\":\"%06u\"}", name,
             password, totp_at(secret, sizeof(secret), now + (uint64_t)(int64_t)step));
    return world_request(w, &(struct world_request){ .method = "POST",
                                                     .target = "/v1/staff/sessions",
                                                     .body = str_z(body) });
}

static void officer_cookie(struct world *w, char cookie[TOKEN_CHARS + 1])
{
    str headers = world_headers(w);
    ptrdiff_t at = str_find_str(headers, STR("examhall="));
    CHECK(at >= 0);
    memcpy(cookie, headers.p + at + 9, TOKEN_CHARS);
    cookie[TOKEN_CHARS] = 0;
}

static unsigned get_as(struct world *w, const char *cookie, const char *target)
{
    return world_request(
        w, &(struct world_request){ .method = "GET", .target = target, .cookie = cookie });
}

TEST(identity, an_officer_needs_name_password_and_a_one_time_code_that_works_once)
{
    struct world w;
    char wrong[1000], body[1000];
    world_open(&w, NULL);
    add_officer(&w);
    CHECK_EQ(staff_sign_in(&w, "chief", "a wrong password ....", 0), 401);
    copy_body(&w, wrong);
    CHECK_EQ(staff_sign_in(&w, "nobody", PASSWORD, 0), 401);
    copy_body(&w, body);
    CHECK_STR(str_z(body), str_z(wrong)); /* no word on which of the three was wrong */
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 3), 401);
    copy_body(&w, body);
    CHECK_STR(str_z(body), str_z(wrong));
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 200);
    CHECK_STR(world_str(&w, "name"), STR("chief"));
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 401); /* seen over the shoulder */
    world_crash_and_restart(&w);
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 401);
    clock_sim_advance(&w.clock, TOTP_STEP_S * 1000);
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 200);
    world_close(&w);
}

TEST(identity, an_officer_beyond_the_limit_is_refused_and_the_hall_opens_again)
{
    struct world w;
    struct why why;
    world_open(&w, NULL);
    for (uint32_t i = 0; i < OFFICERS_MAX; i++) { /* as the route does it, without a hash each */
        char body[100], name[20];
        struct wire_out out = wire_out_make(body, sizeof(body));
        snprintf(name, sizeof(name), "officer %u", i);
        wire_put_str(&out, str_z(name));
        wire_put_u8(&out, 1);
        wire_put_str(&out, STR("no hash"));
        wire_put_str(&out, STR("no secret"));
        CHECK_OK(emit(hall_host(w.hall), TOPIC_STAFF, OFFICER_ADDED, i, str_of(body, out.n), &why));
    }
    CHECK_EQ(world_admin(&w, "POST", "/v1/officers",
                         "{\"name\":\"one more\",\"password\":\"correct horse battery\","
                         "\"totp_secret_hex\":\"00112233445566778899aabbccddeeff00112233\"}"),
             413);
    world_restart(&w);
    CHECK_EQ(hall_host(w.hall)->directory->officer_count, OFFICERS_MAX);
    world_close(&w);
}

TEST(identity, officers_and_candidates_keep_to_their_own_routes)
{
    static const char *const of_staff[] = { "/v1/staff/overview", "/v1/staff/candidates",
                                            "/v1/exams" };
    static const char *const of_operator[] = { "/v1/roster", "/metrics" };
    struct world w;
    char officer[TOKEN_CHARS + 1];
    world_open(&w, NULL);
    add_officer(&w);
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 200);
    officer_cookie(&w, officer);
    struct seat seat = world_start(&w, "R001");
    for (size_t i = 0; i < COUNT(of_staff); i++) {
        CHECK_EQ(get_as(&w, seat.cookie, of_staff[i]), 403);
        CHECK_EQ(get_as(&w, NULL, of_staff[i]), 401);
        CHECK_EQ(get_as(&w, officer, of_staff[i]), 200);
    }
    for (size_t i = 0; i < COUNT(of_operator); i++) {
        CHECK_EQ(get_as(&w, seat.cookie, of_operator[i]), 403);
        CHECK_EQ(get_as(&w, officer, of_operator[i]), 403);
        CHECK_EQ(get_as(&w, NULL, of_operator[i]), 403);
    }
    struct seat as_officer = { .attempt = 1 };
    memcpy(as_officer.cookie, officer, sizeof(officer));
    world_sit(&w, &as_officer);
    CHECK_EQ(world_put(&w, 1, "A", 1), 403);
    CHECK_EQ(world_post(&w, "/start"), 403);
    CHECK_EQ(world_post(&w, "/heartbeat"), 403);
    CHECK_EQ(world_post(&w, "/submit"), 403);
    CHECK_EQ(world_get(&w, ""), 200); /* looking is allowed */
    CHECK_EQ(world_get(&w, "/answers"), 200);
    world_sit(&w, &seat);
    const char *acts[] = { "open", "close", "score", "publish" };
    for (size_t i = 0; i < COUNT(acts); i++) {
        char target[60];
        snprintf(target, sizeof(target), "/v1/exams/paper-1/%s", acts[i]);
        CHECK_EQ(world_request(&w, &(struct world_request){ .method = "POST",
                                                            .target = target,
                                                            .cookie = seat.cookie,
                                                            .body = STR("{}") }),
                 403);
    }
    world_close(&w);
}

TEST(identity, an_officer_who_signs_out_has_no_session_left)
{
    struct world w;
    char officer[TOKEN_CHARS + 1];
    world_open(&w, NULL);
    add_officer(&w);
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 200);
    officer_cookie(&w, officer);
    CHECK_EQ(world_request(&w, &(struct world_request){ .method = "DELETE",
                                                        .target = "/v1/sessions",
                                                        .cookie = officer }),
             204);
    CHECK_EQ(get_as(&w, officer, "/v1/staff/overview"), 401);
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 401); /* the code stays used */
    clock_sim_advance(&w.clock, TOTP_STEP_S * 1000);
    CHECK_EQ(staff_sign_in(&w, "chief", PASSWORD, 0), 200);
    world_close(&w);
}

/* --- the roster --------------------------------------------------------------------------------
 */

TEST(identity, a_row_that_cannot_be_right_is_refused_with_its_index_and_the_others_stay)
{
    static const struct {
        const char *row, *says;
    } rows[] = {
        { "{\"roll\":\"R001\",\"name\":\"X\"}", "R001 is on the roster already" },
        { "{\"roll\":\"\",\"name\":\"X\"}", "1 to 24 characters" },
        { "{\"roll\":\"0123456789012345678901234\",\"name\":\"X\"}", "1 to 24 characters" },
        { "{\"roll\":\"A|1\",\"name\":\"X\"}", "'|'" },
        { "{\"roll\":\"A\\n1\",\"name\":\"X\"}", "'|'" },
        { "{\"roll\":\"A 1\",\"name\":\"X\"}", "'|'" },
        { "{\"roll\":\"A\",\"name\":\"\"}", "a name" },
        { "{\"roll\":\"A\",\"name\":\"X\",\"extra_minutes\":601}", "extra_minutes" },
        { "{\"roll\":\"A\",\"name\":\"X\",\"extra_minutes\":-1}", "extra_minutes" },
        { "{\"roll\":\"A\",\"name\":\"X\",\"exam\":\"paper-2\"}", "paper-2" },
        { "{\"roll\":\"A\",\"name\":\"X\",\"rol\":\"1\"}", "rol" },
        { "{\"roll\":1,\"name\":\"X\"}", "roll" },
        { "{\"name\":\"X\"}", "roll" },
        { "[]", "object" },
    };
    struct world w;
    world_open(&w, NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char body[400], next[40];
        snprintf(next, sizeof(next), "{\"roll\":\"N%zu\",\"name\":\"Next\"}", i);
        snprintf(body, sizeof(body), "{\"rows\":[%s,%s]}", rows[i].row, next);
        CHECK_EQ(world_admin(&w, "POST", "/v1/roster", body), 200);
        CHECK_EQ(world_i64(&w, "imported"), 1);
        CHECK_STR(world_in(&w, "refused", 0, "index"), STR("0"));
        CHECK_HAS(world_in(&w, "refused", 0, "reason"), str_z(rows[i].says));
    }
    CHECK_EQ(world_event_count(&w, TOPIC_ROSTER, CANDIDATE_ADDED), WORLD_ROLLS + COUNT(rows));
    world_close(&w);
}

TEST(identity, a_full_disk_refuses_rows_for_what_it_is_and_the_same_rows_go_in_later)
{
    struct world w;
    struct out body = out_make(MIB);
    unsigned rows = 0;
    int64_t imported = 0, refused = 0;
    world_open(&w, NULL);
    files_sim_set_room(w.disk, 0);
    while (w.exchange.req.status == 200 && rows < 50000) {
        out_clear(&body);
        out_z(&body, "{\"rows\":[");
        for (int k = 0; k < 1000; k++)
            out_fmt(&body, "%s{\"roll\":\"X%05u\",\"name\":\"A name of some length to fill it\"}",
                    k ? "," : "", rows++);
        out_bytes(&body, "]}", 3);
        if (world_admin(&w, "POST", "/v1/roster", body.p) != 200)
            break; /* nothing of it was taken */
        imported += world_i64(&w, "imported");
        refused = world_count(&w, "refused");
        if (refused)
            CHECK_HAS(world_in(&w, "refused", (unsigned)refused - 1, "reason"), STR("is full"));
    }
    CHECK_EQ(w.exchange.req.status, 503);
    CHECK_STR(world_problem(&w), STR("disk-full"));
    CHECK_EQ(imported + refused, rows - 1000);
    files_sim_set_room(w.disk, 64 * MIB);
    CHECK_EQ(world_admin(&w, "POST", "/v1/roster", body.p), 200);
    CHECK_EQ(world_i64(&w, "imported"), 1000);
    CHECK_EQ(world_event_count(&w, TOPIC_ROSTER, CANDIDATE_ADDED), WORLD_ROLLS + imported + 1000);
    out_fini(&body);
    world_close(&w);
}

TEST(identity, the_roster_lists_everybody_with_the_code_that_signs_in)
{
    struct world w;
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "GET", "/v1/roster", NULL), 200);
    CHECK_EQ(world_count(&w, "rows"), WORLD_ROLLS);
    CHECK_STR(world_in(&w, "rows", 1, "roll"), STR("R002"));
    CHECK_STR(world_in(&w, "rows", 1, "centre"), STR("C1"));
    char code[CODE_CHARS + 1];
    snprintf(code, sizeof(code), "%.*s", STR_ARG(world_in(&w, "rows", 1, "code")));
    CHECK_EQ(world_sign_in(&w, "R002", code), 200);
    CHECK_EQ(world_admin(&w, "GET", "/v1/roster?after=2", NULL), 200);
    CHECK_EQ(world_count(&w, "rows"), WORLD_ROLLS - 2);
    CHECK_EQ(world_admin(&w, "GET", "/v1/roster?after=18446744073709551615", NULL), 200);
    CHECK_EQ(world_count(&w, "rows"), 0);
    CHECK_EQ(world_admin(&w, "GET", "/v1/roster?after=x", NULL), 400);
    world_close(&w);
}
