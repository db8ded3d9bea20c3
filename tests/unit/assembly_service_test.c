/* assembly_service_test.c - paper and form through the whole hall: frozen, fair, not early. */
#include "tests/unit/world.h"

#include <stdio.h>
#include <zlib.h>

static unsigned get_paper(struct world *w, const char *headers)
{
    char target[100];
    CHECK_EQ(world_get(w, "/form"), 200);
    snprintf(target, sizeof(target), "%.*s", STR_ARG(world_str(w, "paper")));
    return world_request(
        w, &(struct world_request){
               .method = "GET", .target = target, .cookie = w->seat.cookie, .headers = headers });
}

static void paper_target(const struct world *w, char target[100])
{
    const struct directory *d = hall_host(w->hall)->directory;
    snprintf(target, 100, "/v1/papers/%s", d->exams[0].paper);
}

TEST(assembly, neither_form_nor_paper_is_shown_before_the_start)
{
    struct world w;
    char target[100];
    world_open(&w, NULL);
    world_login(&w, "R001");
    CHECK_EQ(world_get(&w, "/form"), 409);
    CHECK_STR(world_problem(&w), STR("not-started"));
    paper_target(&w, target); /* even to who knows its digest */
    struct world_request get = { .method = "GET", .target = target, .cookie = w.seat.cookie };
    CHECK_EQ(world_request(&w, &get), 409);
    CHECK_STR(world_problem(&w), STR("not-started"));
    get.cookie = NULL;
    CHECK_EQ(world_request(&w, &get), 401);
    world_start(&w, "R001");
    get.cookie = w.seat.cookie;
    CHECK_EQ(world_request(&w, &get), 200);
    world_close(&w);
}

TEST(assembly, a_paper_without_a_name_is_no_paper)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .draft = true });
    CHECK_EQ(world_admin(&w, "GET", "/v1/papers/", NULL), 404);
    world_close(&w);
}

TEST(assembly, another_exams_paper_is_not_given)
{
    struct world w;
    char target[100];
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/other", "{}"), 200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/other/items",
                         "{\"items\":[{\"kind\":\"number\",\"text\":\"?\",\"key\":\"1\"}]}"),
             200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/other/open", "{}"), 200);
    world_start(&w, "R001");
    snprintf(target, sizeof(target), "/v1/papers/%s", hall_host(w.hall)->directory->exams[1].paper);
    CHECK_EQ(world_request(&w, &(struct world_request){ .method = "GET",
                                                        .target = target,
                                                        .cookie = w.seat.cookie }),
             404);
    world_close(&w);
}

TEST(assembly, the_paper_has_every_item_and_its_digest_and_stays_the_same_for_ever)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(get_paper(&w, NULL), 200);
    CHECK_EQ(world_count(&w, "items"), WORLD_ITEMS);
    CHECK_EQ(world_count(&w, "sections"), 2);
    CHECK_EQ(world_str(&w, "digest").n, 64);
    CHECK_STR(world_in(&w, "items", 0, "right"), STR("4"));
    CHECK_STR(world_in(&w, "items", 6, "wrong"), STR("-0.5"));
    CHECK_EQ(str_find_str(world_body(&w), STR("key")), -1);
    struct out before = out_make(MIB);
    out_str(&before, world_body(&w));
    world_crash_and_restart(&w);
    CHECK_EQ(get_paper(&w, NULL), 200);
    CHECK_STR(world_body(&w), out_view(&before));
    out_fini(&before);
    world_close(&w);
}

TEST(assembly, no_browser_may_keep_the_paper)
{
    struct world w;
    struct out reply = out_make(MIB);
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(get_paper(&w, NULL), 200);
    exchange_write(&w.exchange, &reply);
    CHECK_HAS(out_view(&reply), STR("\r\nCache-Control: no-store\r\n"));
    CHECK_EQ(str_find_str(out_view(&reply), STR("max-age")), -1);
    out_fini(&reply);
    world_close(&w);
}

TEST(assembly, the_compressed_paper_is_the_same_paper)
{
    struct world w;
    char plain[20000];
    struct out expected = out_make(MIB);
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(get_paper(&w, NULL), 200);
    out_str(&expected, world_body(&w));
    CHECK_EQ(get_paper(&w, "Accept-Encoding: gzip\r\n"), 200);
    CHECK_HAS(world_headers(&w), STR("Content-Encoding: gzip\r\n"));
    z_stream z = { .next_in = (unsigned char *)w.exchange.body.p,
                   .avail_in = (unsigned)w.exchange.body.n,
                   .next_out = (unsigned char *)plain,
                   .avail_out = sizeof(plain) };
    CHECK_EQ(inflateInit2(&z, 31), Z_OK);
    CHECK_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
    CHECK_STR(str_of(plain, z.total_out), out_view(&expected));
    inflateEnd(&z);
    out_fini(&expected);
    world_close(&w);
}

/* The form as "item:options item:options ...". */
static void read_form(struct world *w, struct out *out)
{
    CHECK_EQ(world_get(w, "/form"), 200);
    const struct json *items = json_get(w->json, STR("items"));
    for (const struct json *item = items->first; item; item = item->next) {
        out_str(out, json_get(item, STR("item"))->text);
        out_char(out, ':');
        const struct json *option = json_get(item, STR("options"))->first;
        for (; option; option = option->next)
            out_str(out, option->text);
        out_char(out, ' ');
    }
}

TEST(assembly, a_candidates_form_survives_crashes_and_neighbours_see_another)
{
    struct world w;
    struct out first = out_make(KIB), again = out_make(KIB), other = out_make(KIB);
    world_open(&w, NULL);
    world_start(&w, "R002");
    read_form(&w, &other);
    world_start(&w, "R001");
    read_form(&w, &first);
    world_crash_and_restart(&w);
    world_login(&w, "R001");
    read_form(&w, &again);
    CHECK_STR(out_view(&again), out_view(&first));
    CHECK(!str_eq(out_view(&other), out_view(&first)));
    out_fini(&first);
    out_fini(&again);
    out_fini(&other);
    world_close(&w);
}

TEST(assembly, every_form_has_every_item_once_sections_in_order_and_the_last_option_last)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .rolls = 30 });
    for (unsigned i = 1; i <= 30; i++) {
        char roll[8];
        unsigned seen = 0;
        snprintf(roll, sizeof(roll), "R%03u", i);
        world_start(&w, roll);
        CHECK_EQ(world_get(&w, "/form"), 200);
        CHECK_EQ(world_count(&w, "items"), WORLD_ITEMS);
        const struct json *items = json_get(w.json, STR("items"));
        unsigned place = 0;
        for (const struct json *row = items->first; row; row = row->next, place++) {
            uint64_t item;
            CHECK(str_u64(json_get(row, STR("item"))->text, &item));
            seen |= 1u << item;
            CHECK_EQ(item <= 3, place < 3); /* Physics before Maths */
            const struct json *options = json_get(row, STR("options"));
            CHECK_EQ(options->count, item <= 3 || item == 7 ? 4 : 0);
            if (item == 2) /* "None of these" */
                CHECK_STR(options->first->next->next->next->text, STR("3"));
        }
        CHECK_EQ(seen, 0xfe);
    }
    world_close(&w);
}

TEST(assembly, a_photo_names_the_candidate_whose_screen_it_is)
{
    struct world w;
    struct out body = out_make(4 * KIB);
    world_open(&w, &(struct world_opts){ .rolls = 20 });
    world_start(&w, "R007");
    CHECK_EQ(world_get(&w, "/form"), 200);
    out_z(&body, "{\"sights\":[");
    const struct json *items = json_get(w.json, STR("items"));
    unsigned place = 1;
    for (const struct json *row = items->first; row; row = row->next, place++) {
        out_fmt(&body, "%s{\"item\":%.*s,\"place\":%u", place > 1 ? "," : "",
                STR_ARG(json_get(row, STR("item"))->text), place);
        const struct json *option = json_get(row, STR("options"))->first;
        if (option)
            out_z(&body, ",\"options\":\"");
        for (bool any = option; option; option = option->next) {
            out_char(&body, (char)('A' + option->text.p[0] - '0'));
            if (any && !option->next)
                out_char(&body, '"');
        }
        out_char(&body, '}');
    }
    out_bytes(&body, "]}", 3);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/trace", body.p), 200);
    CHECK_EQ(world_i64(&w, "found"), 1);
    const struct json *rolls = json_get(w.json, STR("rolls"));
    CHECK_STR(rolls->first->text, STR("R007"));
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/trace", "{\"sights\":[]}"), 400);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/trace", "{\"sights\":[{\"item\":8}]}"),
             400);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/trace",
                         "{\"sights\":[{\"item\":1,\"options\":\"ABC\"}]}"),
             400);
    out_fini(&body);
    world_close(&w);
}

TEST(assembly, an_exam_without_items_does_not_open)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .bare = true });
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/a", "{}"), 200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/a/open", "{}"), 409);
    CHECK_STR(world_problem(&w), STR("empty-paper"));
    world_close(&w);
}
