/* world.c - see world.h. */
#include "tests/unit/world.h"

#include <stdio.h>

#define SEGMENT_BYTES MIB

/* --- the exam ----------------------------------------------------------------------------------
 */

const char *const world_keys[WORLD_ITEMS] = {
    "\"B\"",      "[\"A\",\"C\"]",
    "\"AC\"",     "{\"value\":\"9.81\",\"tolerance\":\"0.01\"}",
    "\"Newton\"", "[[\"5\"],[\"10\",\"ten\"]]",
    "\"D\"",
};

static void write_item(struct out *out, unsigned item, const char *key, const char *texts)
{
    static const char *const kinds[WORLD_ITEMS] = { "single", "single", "several", "number",
                                                    "text",   "text",   "single" };
    const char *last = item == 2 ? "None of these" : "delta";
    out_fmt(out, "%s{\"section\":\"%s\",\"kind\":\"%s\",\"text\":\"Question %u%s?\"",
            item > 1 ? "," : "", item <= 3 ? "Physics" : "Maths", kinds[item - 1], item, texts);
    if (item <= 3 || item == 7)
        out_fmt(out, ",\"options\":[\"alpha%s\",\"beta\",\"gamma\",\"%s\"]", texts, last);
    if (item == 2)
        out_z(out, ",\"last_stays\":true");
    if (item == 6)
        out_z(out, ",\"blanks\":2");
    if (item == 7)
        out_z(out, ",\"right\":\"2\",\"wrong\":\"-0.5\"");
    out_fmt(out, ",\"key\":%s}", key);
}

void world_items(struct out *out, const char *const keys[WORLD_ITEMS], const char *texts)
{
    out_z(out, "{\"items\":[");
    for (unsigned i = 0; i < WORLD_ITEMS; i++)
        write_item(out, i + 1, keys[i] ? keys[i] : world_keys[i], texts ? texts : "");
    out_z(out, "]}");
}

static void must_be(struct world *world, unsigned status, unsigned wanted, const char *doing)
{
    if (status != wanted)
        test_failed(__FILE__, __LINE__, "%s: %u, not %u: %.*s", doing, status, wanted,
                    STR_ARG(world_body(world)));
}

static void fill_roster(struct world *world)
{
    struct out body = out_make(MIB);
    unsigned rolls = world->opts.rolls ? world->opts.rolls : WORLD_ROLLS;
    out_z(&body, "{\"rows\":[");
    for (unsigned i = 1; i <= rolls; i++)
        out_fmt(&body,
                "%s{\"roll\":\"R%03u\",\"name\":\"Candidate %u\",\"birth\":\"2009-01-01\","
                "\"centre\":\"C%u\"}",
                i > 1 ? "," : "", i, i, (i + 1) / 2);
    out_bytes(&body, "]}", 3); /* with its NUL */
    must_be(world, world_admin(world, "POST", "/v1/roster", body.p), 200, "the roster");
    CHECK_EQ(world_i64(world, "imported"), rolls);
    out_fini(&body);
}

static void fill(struct world *world)
{
    struct out items = out_make(64 * KIB);
    const char *exam = world->opts.exam;
    if (!exam)
        exam = "{\"title\":\"Paper one\",\"minutes\":60,\"partial\":\"subset\","
               "\"instructions\":\"Read.\\nThink.\"}";
    must_be(world, world_admin(world, "PUT", "/v1/exams/paper-1", exam), 200, "the exam");
    world_items(&items, world->opts.keys, world->opts.texts);
    out_char(&items, 0);
    must_be(world, world_admin(world, "POST", "/v1/exams/paper-1/items", items.p), 200, "items");
    out_fini(&items);
    if (world_i64(world, "imported") != WORLD_ITEMS)
        test_failed(__FILE__, __LINE__, "items refused: %.*s", STR_ARG(world_body(world)));
    fill_roster(world);
    if (!world->opts.draft)
        must_be(world, world_admin(world, "POST", "/v1/exams/paper-1/open", "{}"), 200, "opening");
}

/* --- the hall ----------------------------------------------------------------------------------
 */

fail world_start_hall(struct world *world)
{
    struct hall_opts opts = {
        .dir = world->dir,
        .name = "world",
        .log_backend = world->opts.memory ? "memory" : "embedded",
        .files = world->opts.memory ? NULL : files_sim_files(world->disk),
        .clock = &world->clock.clock,
        .chance = &world->chance,
        .keys = &world->keys,
        .segment_bytes = SEGMENT_BYTES,
        .checkpoint_every = world->opts.checkpoint_every,
        .settings = world->opts.settings,
        .version = "test",
    };
    world->hall = NULL;
    return hall_open(&world->hall, &opts, &world->why);
}

static void start(struct world *world)
{
    if (world_start_hall(world))
        test_failed(__FILE__, __LINE__, "the hall does not open: %s", world->why.text);
}

/* The disk has the same folders as the real one above the hall's, and they outlive a crash. */
static void make_disk(struct world *world)
{
    world->disk = files_sim_new(4 * MIB, world->opts.seed);
    struct files *files = files_sim_files(world->disk);
    char folder[200] = "", inner[200];
    struct why why;
    for (const char *end = world->dir; end; snprintf(folder, sizeof(folder), "%s", inner)) {
        end = strchr(end + 1, '/');
        snprintf(inner, sizeof(inner), "%.*s", end ? (int)(end - world->dir) : 200, world->dir);
        CHECK_OK(files->make_dir(files, inner, &why));
        CHECK_OK(files->sync_dir(files, folder, &why));
    }
}

void world_open(struct world *world, const struct world_opts *opts)
{
    uint8_t master[32] = "the master key of every world...";
    *world = (struct world){ .opts = opts ? *opts : (struct world_opts){ 0 } };
    if (!world->opts.seed)
        world->opts.seed = test_seed();
    snprintf(world->dir, sizeof(world->dir), "%s", world->opts.dir ? world->opts.dir : test_dir());
    clock_sim_init(&world->clock, WORLD_START);
    chance_sim_init(&world->chance, world->opts.seed);
    chance_sim_init(&world->faults, world->opts.seed + 1);
    keys_from_master(&world->keys, master);
    world->arena = arena_make(64 * MIB);
    exchange_init(&world->exchange);
    if (!world->opts.memory)
        make_disk(world);
    start(world);
    if (!world->opts.bare)
        fill(world);
}

void world_close(struct world *world)
{
    hall_close(world->hall);
    exchange_fini(&world->exchange);
    arena_fini(&world->arena);
    if (world->disk)
        files_sim_free(world->disk);
}

void world_restart(struct world *world)
{
    hall_close(world->hall);
    start(world);
}

/* The old hall goes on with the old disk: what it writes while it closes never was. */
void world_crash_and_restart(struct world *world)
{
    must(world->disk);
    struct files_sim *left = files_sim_copy(world->disk);
    hall_close(world->hall);
    files_sim_free(world->disk);
    world->disk = left;
    files_sim_cut_power(left, &world->faults);
    start(world);
}

void world_advance(struct world *world, int64_t ms)
{
    clock_sim_advance(&world->clock, ms);
    while (hall_tick(world->hall))
        continue;
}

/* --- requests ----------------------------------------------------------------------------------
 */

static void run(struct world *world, const struct http_head *head, str body, bool admin)
{
    exchange_reset(&world->exchange);
    hall_handle(world->hall, &world->exchange, head, body, admin);
    while (!world->exchange.done) {
        hall_job_run(&world->exchange);
        hall_job_done(world->hall, &world->exchange);
    }
}

/* Nothing that a reply says may be less durable than the reply. */
static void check_reply(struct world *world, const struct world_request *request)
{
    struct log *log = hall_host(world->hall)->log;
    struct json *root = NULL;
    CHECK(world->exchange.barrier == log_appended(log));
    if (!request->unflushed) {
        log_flush(log);
        CHECK(log_durable(log) >= world->exchange.barrier);
    }
    bool json = str_find_str(str_z(world->exchange.req.type), STR("json")) >= 0;
    bool packed = str_find_str(world_headers(world), STR("gzip")) >= 0;
    world->json = NULL;
    if (!json || packed || !world_body(world).n)
        return;
    if (json_parse(&root, world_body(world), &world->arena, &world->why))
        test_failed(__FILE__, __LINE__, "the reply is not JSON: %s: %.*s", world->why.text,
                    STR_ARG(world_body(world)));
    world->json = root;
}

unsigned world_request(struct world *world, const struct world_request *request)
{
    struct out text = out_make(64 * KIB);
    struct http_head head;
    struct why why;
    out_fmt(&text, "%s %s HTTP/1.1\r\nHost: exam.example.org\r\n", request->method,
            request->target);
    if (request->cookie)
        out_fmt(&text, "Cookie: __Host-examhall=%s\r\n", request->cookie);
    if (request->body.n && (!request->headers || !strstr(request->headers, "Content-Type")))
        out_z(&text, "Content-Type: application/json\r\n");
    if (request->body.n)
        out_fmt(&text, "Content-Length: %zu\r\n", request->body.n);
    out_z(&text, request->headers ? request->headers : "");
    out_z(&text, "\r\n");
    arena_reset(&world->arena);
    str bytes = arena_str(&world->arena, out_view(&text));
    out_fini(&text);
    if (http_parse_request(&head, bytes, 16 * KIB, &why) != HTTP_DONE)
        test_failed(__FILE__, __LINE__, "the test's own request is wrong: %s", why.text);
    run(world, &head, arena_str(&world->arena, request->body), request->admin);
    check_reply(world, request);
    return world->exchange.req.status;
}

static unsigned of_attempt(struct world *world, const char *method, const char *path, str body)
{
    char target[200];
    snprintf(target, sizeof(target), "/v1/attempts/%u%s", world->seat.attempt, path);
    return world_request(world, &(struct world_request){ .method = method,
                                                         .target = target,
                                                         .cookie = world->seat.cookie,
                                                         .body = body });
}

unsigned world_get(struct world *world, const char *path)
{
    return of_attempt(world, "GET", path, STR_NONE);
}

unsigned world_post(struct world *world, const char *path)
{
    return of_attempt(world, "POST", path, STR("{}"));
}

unsigned world_put(struct world *world, unsigned item, const char *value, uint32_t seq)
{
    char path[40];
    struct out body = out_make(64 * KIB);
    snprintf(path, sizeof(path), "/answers/%u", item);
    jo_open(&body, NULL, '{');
    jo_str(&body, "value", value ? str_z(value) : STR_NONE);
    jo_bool(&body, "marked", false);
    jo_i64(&body, "seq", seq);
    jo_close(&body, '}');
    unsigned status = of_attempt(world, "PUT", path, out_view(&body));
    out_fini(&body);
    return status;
}

unsigned world_admin(struct world *world, const char *method, const char *target, const char *body)
{
    return world_request(
        world, &(struct world_request){
                   .method = method, .target = target, .body = str_z(body), .admin = true });
}

void world_code(const struct world *world, const char *roll, char code[CODE_CHARS + 1])
{
    code_make(code, world->keys.code, str_z(roll), 0);
}

unsigned world_sign_in(struct world *world, const char *roll, const char *code)
{
    char body[300];
    snprintf(body, sizeof(body), "{\"roll\":\"%s\",\"code\":\"%s\"}", roll, code);
    return world_request(
        world,
        &(struct world_request){ .method = "POST", .target = "/v1/sessions", .body = str_z(body) });
}

struct seat world_login(struct world *world, const char *roll)
{
    static const char before[] = "Set-Cookie: __Host-examhall=";
    char code[CODE_CHARS + 1];
    world_code(world, roll, code);
    must_be(world, world_sign_in(world, roll, code), 200, "signing in");
    ptrdiff_t at = str_find_str(world_headers(world), str_z(before));
    CHECK(at >= 0);
    str token = str_from(world_headers(world), (size_t)at + sizeof(before) - 1);
    CHECK_EQ(str_find(token, ';'), TOKEN_CHARS);
    memcpy(world->seat.cookie, token.p, TOKEN_CHARS);
    world->seat.cookie[TOKEN_CHARS] = 0;
    world->seat.attempt = (uint32_t)world_i64(world, "attempt");
    return world->seat;
}

struct seat world_start(struct world *world, const char *roll)
{
    struct seat seat = world_login(world, roll);
    must_be(world, world_post(world, "/start"), 200, "starting");
    return seat;
}

void world_sit(struct world *world, const struct seat *seat)
{
    world->seat = *seat;
}

/* --- replies -----------------------------------------------------------------------------------
 */

str world_body(const struct world *world)
{
    return out_view(&world->exchange.body);
}

str world_headers(const struct world *world)
{
    return out_view(&world->exchange.headers);
}

str world_problem(const struct world *world)
{
    str type = world_str(world, "type");
    return str_starts(type, STR("/problems/")) ? str_from(type, 10) : STR_NONE;
}

static str text_of(const struct json *object, const char *member)
{
    const struct json *found = json_get(object, str_z(member));
    return !found                      ? STR_NONE
           : found->type == JSON_TRUE  ? STR("true")
           : found->type == JSON_FALSE ? STR("false")
                                       : found->text;
}

str world_str(const struct world *world, const char *member)
{
    return text_of(world->json, member);
}

int64_t world_i64(const struct world *world, const char *member)
{
    int64_t v = 0;
    str text = world_str(world, member);
    if (!text.p || !str_i64(text, &v))
        test_failed(__FILE__, __LINE__, "no number %s in %.*s", member, STR_ARG(world_body(world)));
    return v;
}

str world_in(const struct world *world, const char *array, unsigned n, const char *member)
{
    const struct json *found = json_get(world->json, str_z(array));
    const struct json *at = found ? found->first : NULL;
    for (unsigned i = 0; at && i < n; i++)
        at = at->next;
    return text_of(at, member);
}

unsigned world_count(const struct world *world, const char *array)
{
    const struct json *found = json_get(world->json, str_z(array));
    return found ? (unsigned)found->count : 0;
}

struct counting {
    enum event_type type;
    unsigned count;
};

static fail count_one(void *ctx, const struct record *record, struct why *why)
{
    struct counting *counting = ctx;
    (void)why;
    counting->count += record->type == (uint8_t)counting->type;
    return FAIL_NONE;
}

unsigned world_event_count(const struct world *world, enum topic topic, enum event_type type)
{
    struct counting counting = { .type = type };
    struct why why;
    CHECK_OK(
        log_read(hall_host(world->hall)->log, 0, TOPIC_BIT(topic), count_one, &counting, &why));
    return counting.count;
}
