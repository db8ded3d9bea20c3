/* itembank_service_test.c - exams and items through the whole hall: defined, refused, frozen. */
#include "codec/base64.h"
#include "tests/unit/world.h"

#include <stdio.h>

TEST(itembank, an_exam_is_defined_with_defaults_and_the_same_again_is_no_event)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .bare = true });
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a-1", "{}"), 200);
    CHECK_STR(world_str(&w, "exam"), STR("a-1"));
    CHECK_STR(world_str(&w, "title"), STR("a-1"));
    CHECK_STR(world_str(&w, "state"), STR("draft"));
    CHECK_EQ(world_i64(&w, "minutes"), 60);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a-1", "{}"), 200);
    CHECK_EQ(world_event_count(&w, TOPIC_EXAMS, EXAM_DEFINED), 1);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a-1", "{\"minutes\":90}"), 200);
    CHECK_EQ(world_i64(&w, "minutes"), 90);
    CHECK_EQ(world_event_count(&w, TOPIC_EXAMS, EXAM_DEFINED), 2);
    world_close(&w);
}

TEST(itembank, a_definition_that_cannot_be_right_is_refused)
{
    static const struct {
        const char *name, *body, *says;
    } rows[] = {
        { "A1", "{}", "a-z" },
        { "-a", "{}", "a-z" },
        { "a_1", "{}", "a-z" },
        { "12345678901234567890123456789012345678901", "{}", "40" },
        { "a", "{\"minutes\":0}", "minutes" },
        { "a", "{\"minutes\":1441}", "minutes" },
        { "a", "{\"right\":\"four\"}", "right" },
        { "a", "{\"wrong\":\"1e3\"}", "wrong" },
        { "a", "{\"partial\":\"half\"}", "partial" },
        { "a", "{\"shifts\":[{}]}", "name" },
        { "a", "{\"shifts\":[{\"name\":\"\"}]}", "shift's name" },
        { "a", "{\"shifts\":[{\"name\":\"m\",\"starts_at\":-1}]}", "starts_at" },
        { "a", "{\"shifts\":[7]}", "shifts" },
        { "a", "{\"shifts\":{}}", "shifts" },
    };
    struct world w;
    world_open(&w, &(struct world_opts){ .bare = true });
    for (size_t i = 0; i < COUNT(rows); i++) {
        char target[100];
        snprintf(target, sizeof(target), "/v1/exams/%s", rows[i].name);
        CHECK_EQ(world_admin(&w, "PUT", target, rows[i].body), 400);
        CHECK_HAS(world_body(&w), str_z(rows[i].says));
    }
    CHECK_EQ(world_event_count(&w, TOPIC_EXAMS, EXAM_DEFINED), 0);
    world_close(&w);
}

TEST(itembank, a_refused_item_leaves_nothing_and_stops_no_other)
{
    static const char *const bad[] = {
        "{\"kind\":\"single\",\"text\":\"?\",\"options\":[\"a\",\"b\"],\"key\":\"C\"}",
        "{\"kind\":\"single\",\"text\":\"?\",\"options\":[\"a\"],\"key\":\"A\"}",
        "{\"kind\":\"single\",\"text\":\"\",\"options\":[\"a\",\"b\"],\"key\":\"A\"}",
        "{\"kind\":\"single\",\"text\":\"?\",\"options\":[\"a\",\"b\"]}",
        "{\"kind\":\"essay\",\"text\":\"?\",\"key\":\"A\"}",
        "{\"kind\":\"number\",\"text\":\"?\",\"key\":\"pi\"}",
        "{\"kind\":\"text\",\"text\":\"?\",\"blanks\":3,\"key\":\"a;b\"}",
        "{\"kind\":\"number\",\"text\":\"?\",\"key\":\"1\",\"answer\":\"1\"}",
        "7",
    };
    static const char good[] = "{\"kind\":\"number\",\"text\":\"?\",\"key\":\"1\"}";
    struct world w;
    world_open(&w, &(struct world_opts){ .bare = true });
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{}"), 200);
    for (size_t i = 0; i < COUNT(bad); i++) {
        char body[600];
        snprintf(body, sizeof(body), "{\"items\":[%s,%s]}", bad[i], good);
        CHECK_EQ(world_admin(&w, "POST", "/v1/exams/a/items", body), 200);
        CHECK_EQ(world_i64(&w, "imported"), 1);
        CHECK_STR(world_in(&w, "refused", 0, "index"), STR("0"));
        CHECK(world_in(&w, "refused", 0, "reason").n > 10);
    }
    CHECK_EQ(world_event_count(&w, TOPIC_EXAMS, ITEM_ADDED), COUNT(bad));
    CHECK_EQ(world_event_count(&w, TOPIC_KEYS, KEY_SET), COUNT(bad));
    world_close(&w);
}

TEST(itembank, replacing_empties_the_paper_and_its_keys_first)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .draft = true });
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/items",
                         "{\"replace\":true,\"items\":[{\"kind\":\"number\",\"text\":\"?\",\"key\":"
                         "\"1\"}]}"),
             200);
    CHECK_EQ(world_admin(&w, "GET", "/v1/exams", NULL), 200);
    CHECK_STR(world_in(&w, "exams", 0, "items"), STR("1"));
    world_crash_and_restart(&w);
    CHECK_EQ(world_admin(&w, "GET", "/v1/exams", NULL), 200);
    CHECK_STR(world_in(&w, "exams", 0, "items"), STR("1"));
    CHECK_EQ(world_event_count(&w, TOPIC_KEYS, KEYS_EMPTIED), 1);
    world_close(&w);
}

/* A request with as many items as it may bring, each as large as one may be: 15 MB of JSON. */
static void hundred_largest(struct out *body)
{
    static uint8_t png[60 * KIB] = "\x89PNG\r\n\x1a\n";
    static char picture[BASE64_PADDED_CHARS(sizeof(png))];
    struct out text = out_make(64 * KIB);
    base64_encode(BASE64_PADDED, picture, png, sizeof(png));
    while (text.n < 60 * KIB)
        out_z(&text, "Which of these is right? ");
    out_z(body, "{\"items\":[");
    for (unsigned i = 0; i < 100; i++) {
        out_fmt(body, "%s{\"kind\":\"number\",\"key\":\"1\",\"text\":\"", i ? "," : "");
        out_str(body, out_view(&text));
        out_z(body, "\",\"image\":{\"alt\":\"a line\",\"src\":\"data:image/png;base64,");
        out_str(body, str_of(picture, sizeof(picture)));
        out_z(body, "\"}}");
    }
    out_bytes(body, "]}", 3); /* with its NUL */
    out_fini(&text);
}

TEST(itembank, a_request_may_bring_a_hundred_of_the_largest_items)
{
    struct world w;
    struct out body = out_make(32 * MIB);
    hundred_largest(&body);
    world_open(&w, &(struct world_opts){ .bare = true, .memory = true });
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{}"), 200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/a/items", body.p), 200);
    CHECK_EQ(world_i64(&w, "imported"), 100);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/a/open", "{}"), 200);
    world_close(&w);
    out_fini(&body);
}

TEST(itembank, a_paper_that_no_gateway_passes_on_is_not_opened)
{
    struct world w;
    struct out body = out_make(32 * MIB);
    hundred_largest(&body);
    world_open(&w, &(struct world_opts){ .bare = true, .memory = true });
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{}"), 200);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(world_admin(&w, "POST", "/v1/exams/a/items", body.p), 200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/a/open", "{}"), 413);
    CHECK_EQ(world_admin(&w, "GET", "/v1/exams", NULL), 200);
    CHECK_STR(world_in(&w, "exams", 0, "state"), STR("draft"));
    world_close(&w);
    out_fini(&body);
}

TEST(itembank, an_opened_paper_is_frozen)
{
    struct world w;
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/items",
                         "{\"items\":[{\"kind\":\"number\",\"text\":\"?\",\"key\":\"1\"}]}"),
             409);
    CHECK_STR(world_problem(&w), STR("frozen"));
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/items", "{\"replace\":true,\"items\":[]}"),
             409);
    CHECK_EQ(world_event_count(&w, TOPIC_EXAMS, EXAM_EMPTIED), 0);
    world_close(&w);
}

TEST(itembank, an_opened_exam_keeps_its_title_which_is_in_the_paper)
{
    struct world w;
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/paper-1",
                         "{\"title\":\"Another\",\"minutes\":60,\"partial\":\"subset\"}"),
             409);
    CHECK_STR(world_problem(&w), STR("frozen"));
    world_restart(&w);
    world_start(&w, "R001");
    CHECK_EQ(world_get(&w, "/form"), 200);
    char target[100];
    snprintf(target, sizeof(target), "%.*s", STR_ARG(world_str(&w, "paper")));
    CHECK_EQ(world_request(&w, &(struct world_request){ .method = "GET",
                                                        .target = target,
                                                        .cookie = w.seat.cookie }),
             200);
    CHECK_STR(world_str(&w, "title"), STR("Paper one"));
    world_close(&w);
}

TEST(itembank, shifts_that_candidates_have_can_move_in_time_but_not_go_away)
{
    struct world w;
    world_open(&w,
               &(struct world_opts){ .exam = "{\"shifts\":[{\"name\":\"am\"},{\"name\":\"pm\"}]}",
                                     .draft = true,
                                     .bare = true });
    const char *two = "{\"shifts\":[{\"name\":\"am\"},{\"name\":\"pm\"}]}";
    const char *later = "{\"shifts\":[{\"name\":\"am\"},{\"name\":\"pm\",\"starts_at\":"
                        "1800002400000},{\"name\":\"night\"}]}";
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", two), 200);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{\"shifts\":[{\"name\":\"am\"}]}"), 200);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", two), 200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/roster",
                         "{\"rows\":[{\"roll\":\"R1\",\"name\":\"X\",\"shift\":\"pm\"}]}"),
             200);
    CHECK_EQ(world_i64(&w, "imported"), 1);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{\"shifts\":[{\"name\":\"pm\"}]}"), 409);
    CHECK_STR(world_problem(&w), STR("frozen"));
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{\"shifts\":[{\"name\":\"am\"}]}"), 409);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", later), 200);
    world_login(&w, "R1");
    CHECK_EQ(world_i64(&w, "starts_at"), 1800002400000);
    world_close(&w);
}

TEST(itembank, many_large_items_at_once_are_all_taken)
{
    struct world w;
    struct out body = out_make(8 * MIB);
    world_open(&w, &(struct world_opts){ .bare = true });
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{}"), 200);
    out_z(&body, "{\"items\":[");
    for (int i = 0; i < 60; i++) { /* 60 of 60,000 bytes: more than a batch of the log */
        out_fmt(&body, "%s{\"kind\":\"number\",\"key\":\"1\",\"text\":\"", i ? "," : "");
        for (int k = 0; k < 60000; k++)
            out_char(&body, 'x');
        out_z(&body, "\"}");
    }
    out_bytes(&body, "]}", 3);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/a/items", body.p), 200);
    CHECK_EQ(world_i64(&w, "imported"), 60);
    out_fini(&body);
    world_close(&w);
}
