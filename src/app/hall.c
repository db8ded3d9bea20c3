/* hall.c - opens a hall, takes requests, keeps time; see hall.h.
 *
 * Read in this order: struct hall, hall_open (keys, checkpoint, log, replay), hall_handle (a
 * request's way through find, admit, parse, handle, reply), emit. Checkpoints are in
 * checkpoint.c, the routes that belong to no service in own_routes.c. */
#include "app/hall_internal.h"
#include "app/paper.h"
#include "app/reply.h"
#include "base/table.h"
#include "net/gateway_stats.h"
#include "sys/note.h"

#include <stdio.h>
#include <stdlib.h>

/* --- opening -----------------------------------------------------------------------------------
 */

void *host_table(size_t entries, size_t entry_bytes)
{
    return table_new(entries, entry_bytes); /* never freed: it lives as long as the process */
}

static bool hosted(const char *only, const char *name)
{
    str rest = str_z(only);
    if (!only || !*only)
        return true;
    while (rest.p)
        if (str_eq(str_trim(str_cut(&rest, ',')), str_z(name)))
            return true;
    return false;
}

static fail choose_services(struct hall *hall, const char *only, struct why *why)
{
    str rest = str_z(only);
    for (unsigned i = 0; services[i]; i++) {
        if (!hosted(only, services[i]->name))
            continue;
        must(hall->service_count < SERVICES_MAX);
        hall->hosted[hall->service_count++].service = services[i];
        hall->followed |= services[i]->topics;
        hall->has_book |= services[i]->reads_book;
    }
    while (only && *only && rest.p) {
        str name = str_trim(str_cut(&rest, ','));
        bool known = false;
        for (unsigned i = 0; services[i]; i++)
            known |= str_eq(name, str_z(services[i]->name));
        if (!known)
            return fail_set(why, FAIL_USAGE, "there is no service \"%.*s\"; see examhall status",
                            STR_ARG(name));
    }
    return FAIL_NONE;
}

static fail read_settings(struct hall *hall, const char *text, struct why *why)
{
    for (unsigned i = 0; i < hall->service_count; i++) {
        const struct service *service = hall->hosted[i].service;
        for (size_t k = 0; k < service->settings.count; k++) {
            must(hall->setting_count < SETTINGS_MAX);
            hall->settings[hall->setting_count++] = service->settings.rows[k];
        }
    }
    for (str rest = str_z(text); rest.p && rest.n;) {
        str value = str_cut(&rest, '\n');
        str name = str_trim(str_cut(&value, '='));
        int64_t v;
        if (!name.n)
            continue;
        const char *names[SETTINGS_MAX + 1] = { 0 };
        struct setting *found = NULL;
        for (unsigned i = 0; i < hall->setting_count; i++) {
            names[i] = hall->settings[i].name;
            if (str_eq(name, str_z(names[i])))
                found = &hall->settings[i];
        }
        if (!found) {
            const char *near = str_nearest(name, names);
            return fail_set(why, FAIL_USAGE, "there is no setting \"%.*s\"%s%s", STR_ARG(name),
                            near ? "; did you mean " : "", near ? near : "");
        }
        if (!str_i64(str_trim(value), &v) || v < found->min || v > found->max)
            return fail_set(why, FAIL_USAGE, "%s must be a whole number from %lld to %lld",
                            found->name, (long long)found->min, (long long)found->max);
        found->value = v;
    }
    return FAIL_NONE;
}

int64_t setting(const struct host *host, const char *name)
{
    for (unsigned i = 0; i < host->hall->setting_count; i++)
        if (strcmp(host->hall->settings[i].name, name) == 0)
            return host->hall->settings[i].value;
    never("a setting that no table has");
}

void hall_fold(struct hall *hall, const struct record *record)
{
    directory_apply(&hall->directory, record);
    if (hall->has_book && !hall->book_follows)
        book_apply(&hall->book, record);
    if (!(hall->followed & TOPIC_BIT(record->topic)))
        return;
    for (unsigned i = 0; i < hall->service_count; i++)
        if (hall->hosted[i].service->topics & TOPIC_BIT(record->topic))
            hall->hosted[i].service->apply(hall->hosted[i].state, record);
}

void hall_fold_run(struct hall *hall, const struct record *records, size_t n)
{
    directory_expect(&hall->directory, records, n);
    if (hall->has_book)
        book_expect(&hall->book, records, n);
    for (size_t i = 0; i < n; i++)
        hall_fold(hall, &records[i]);
}

static fail fold_run(void *ctx, const struct record *records, size_t n, struct why *why)
{
    (void)why;
    hall_fold_run(ctx, records, n);
    return FAIL_NONE;
}

static fail open_services(struct hall *hall, struct why *why)
{
    for (unsigned i = 0; i < hall->service_count; i++) {
        const struct service *service = hall->hosted[i].service;
        hall->hosted[i].state = arena_alloc(&hall->memory, MAX(service->state_bytes, 1));
        must(hall->hosted[i].state);
        fail f = service->open ? service->open(hall->hosted[i].state, &hall->host, why) : FAIL_NONE;
        if (f)
            return why_add(why, f, "service %s", service->name);
        for (size_t k = 0; k < service->routes.count; k++)
            routes_add(&hall->routes, &service->routes.rows[k], i);
    }
    own_routes_add(hall);
    return FAIL_NONE;
}

static fail open_blobs(struct hall *hall, const struct hall_opts *opts, struct why *why)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/blobs", opts->dir);
    fail f = blobs_open(&hall->blobs, files_real(), path, why);
    return f ? f : blobs_open(&hall->worker_blobs, files_real(), path, why);
}

/* And folds what came after the checkpoint. */
static fail open_log(struct hall *hall, const struct hall_opts *opts, struct why *why)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/log", opts->dir);
    struct log_opts log_opts = {
        .backend = opts->log_backend ? opts->log_backend : "embedded",
        .dir = path,
        .files = opts->files,
        .segment_bytes = opts->segment_bytes,
        .replay = fold_run,
        .replay_ctx = hall,
        .replay_from = hall->checkpoint_at,
        .reading = opts->reading,
        .threads = opts->threads,
    };
    fail f = log_open(&hall->log, &log_opts, why);
    hall->host.log = hall->log;
    return f ? f : checkpoint_check(hall, why);
}

static fail open_clock(struct hall *hall, const struct hall_opts *opts, struct why *why)
{
    char path[4096];
    hall->host.clock = opts->clock ? opts->clock : &hall->clock.clock;
    if (opts->clock)
        return FAIL_NONE;
    snprintf(path, sizeof(path), "%s/clock", opts->dir);
    const char *anchor = opts->reading ? NULL : path;
    return clock_real_init(&hall->clock, anchor, log_last_at(hall->log), why);
}

static fail open_hall(struct hall *hall, const struct hall_opts *opts, struct why *why)
{
    hall->opts = *opts;
    hall->memory = arena_make(64 * GIB);
    directory_init(&hall->directory);
    book_init(&hall->book, &hall->directory);
    fail f = choose_services(hall, opts->only, why);
    if (!f)
        f = read_settings(hall, opts->settings, why);
    if (!f && !opts->keys)
        f = keys_load(&hall->keys, opts->dir, why);
    if (!f && opts->keys)
        hall->keys = *opts->keys;
    if (!f)
        f = open_blobs(hall, opts, why);
    struct host *host = &hall->host;
    host->chance = opts->chance;
    host->keys = &hall->keys;
    host->directory = &hall->directory;
    host->book = &hall->book;
    host->blobs = &hall->blobs;
    host->worker_blobs = &hall->worker_blobs;
    host->gateway = opts->gateway;
    host->memory = &hall->memory;
    host->papers = arena_many(&hall->memory, struct frozen_paper, EXAMS_MAX);
    host->hall_name = opts->name ? opts->name : "hall";
    host->hall = hall;
    if (!f)
        f = open_services(hall, why);
    if (!f)
        f = checkpoint_load(hall, why);
    if (!f)
        f = open_log(hall, opts, why);
    if (!f)
        f = open_clock(hall, opts, why);
    if (f)
        return f;
    hall->opened_us = clock_mono_us(host->clock);
    return FAIL_NONE;
}

/* A checkpoint can turn out to be damaged when half of it is folded already; the log is enough. */
fail hall_open(struct hall **out, const struct hall_opts *opts, struct why *why)
{
    bool damaged = false;
    for (;;) {
        struct hall *hall = calloc(1, sizeof(*hall));
        must(hall);
        hall->checkpoint_damaged = damaged;
        fail f = open_hall(hall, opts, why);
        if (!f) {
            *out = hall;
            return FAIL_NONE;
        }
        bool again = hall->checkpoint_damaged && !damaged;
        hall_close(hall);
        if (!again)
            return f;
        note_fail("checkpoint.damaged", why);
        damaged = true;
    }
}

void hall_close(struct hall *hall)
{
    if (!hall)
        return;
    for (unsigned i = 0; i < hall->service_count; i++)
        if (hall->hosted[i].service->close && hall->hosted[i].state)
            hall->hosted[i].service->close(hall->hosted[i].state);
    log_close(hall->log);
    blobs_close(&hall->blobs);
    blobs_close(&hall->worker_blobs);
    book_fini(&hall->book);
    directory_fini(&hall->directory);
    arena_fini(&hall->memory);
    keys_fini(&hall->keys);
    free(hall);
}

struct host *hall_host(struct hall *hall)
{
    return &hall->host;
}

const char *hall_version(const struct hall *hall)
{
    return hall->opts.version ? hall->opts.version : "unknown";
}

fail emit(struct host *host, enum topic topic, enum event_type type, uint32_t key, str body,
          struct why *why)
{
    struct record record = {
        .at = MAX(clock_now(host->clock), log_last_at(host->log)),
        .topic = (uint8_t)topic,
        .type = (uint8_t)type,
        .key = key,
        .body = body,
    };
    fail f = log_append(host->log, &record, &record.offset, why);
    if (!f)
        hall_fold(host->hall, &record);
    return f;
}

fail emit_bulk(struct host *host, enum topic topic, enum event_type type, uint32_t key, str body,
               struct why *why)
{
    fail f = emit(host, topic, type, key, body, why);
    if (f != FAIL_BUSY)
        return f;
    log_sync(host->log);
    return emit(host, topic, type, key, body, why);
}

bool hall_tick(struct hall *hall)
{
    instant now = clock_now(hall->host.clock);
    bool more = false;
    for (unsigned i = 0; i < hall->service_count; i++)
        if (hall->hosted[i].service->tick)
            more |= hall->hosted[i].service->tick(hall->hosted[i].state, &hall->host, now);
    if (hall->host.gateway)
        atomic_store(&hall->host.gateway->roster, hall->directory.candidate_count);
    log_flush(hall->log);
    return more;
}

/* --- a request's way ---------------------------------------------------------------------------
 */

void exchange_init(struct exchange *exchange)
{
    *exchange = (struct exchange){ .arena = arena_make(16 * MIB),
                                   .body = out_make(64 * MIB),
                                   .headers = out_make(4 * KIB) };
}

void exchange_reset(struct exchange *exchange)
{
    arena_reset(&exchange->arena);
    out_clear(&exchange->body);
    out_clear(&exchange->headers);
    if (exchange->body.cap > MIB)
        out_fini(&exchange->body);
    exchange->why.slug = NULL;
    exchange->why.retry_after_s = 0;
    exchange->req = (struct req){ 0 };
    exchange->done = false;
}

void exchange_fini(struct exchange *exchange)
{
    arena_fini(&exchange->arena);
    out_fini(&exchange->body);
    out_fini(&exchange->headers);
}

void exchange_write(const struct exchange *exchange, struct out *out)
{
    const struct req *req = &exchange->req;
    out_z(out, "HTTP/1.1 ");
    out_u64(out, req->status);
    out_char(out, ' ');
    out_z(out, http_reason(req->status));
    if (exchange->body.n || req->status != 204) {
        out_z(out, "\r\nContent-Type: ");
        out_z(out, req->type);
        out_z(out, "\r\nContent-Length: ");
        out_u64(out, exchange->body.n);
    }
    out_z(out, "\r\nX-Content-Type-Options: nosniff\r\n");
    if (exchange->headers.n == 0 ||
        str_find_str(out_view(&exchange->headers), STR("Cache-Control")) < 0)
        out_z(out, "Cache-Control: no-store\r\n");
    out_str(out, out_view(&exchange->headers));
    out_z(out, "\r\n");
    out_str(out, out_view(&exchange->body));
}

/* Who asks? Tries the classes the route lets in; the token's epoch must be the newest. */
static fail admit(struct hall *hall, struct req *req, const struct http_head *head, bool admin)
{
    unsigned who = req->route->who;
    if (admin) {
        req->who = WHO_OPERATOR;
        if (who & (WHO_OPERATOR | WHO_OFFICER | WHO_ANYONE))
            return FAIL_NONE;
    }
    if (who & WHO_ANYONE) {
        req->who = WHO_ANYONE;
        return FAIL_NONE;
    }
    if (!(who & (WHO_CANDIDATE | WHO_OFFICER)))
        return fail_set(req->why, FAIL_FORBIDDEN,
                        "only the operator may do this, on the admin socket");
    struct token token;
    str text = http_cookie(head, "__Host-examhall");
    if (!text.p)
        return fail_as(req->why, FAIL_UNSIGNED, "not-signed-in", "sign in first");
    fail f = token_read(&token, text, hall->keys.token, req->now, req->why);
    if (f)
        return f;
    const struct directory *d = &hall->directory;
    bool candidate = token.kind == TOKEN_CANDIDATE;
    if (!(who & (candidate ? WHO_CANDIDATE : WHO_OFFICER)))
        return fail_as(req->why, FAIL_FORBIDDEN, "not-yours", "this is not for %s",
                       candidate ? "candidates" : "officers");
    if (token.subject >= (candidate ? d->candidate_count : d->officer_count))
        return fail_as(req->why, FAIL_UNSIGNED, "not-signed-in",
                       "the session is not one of this hall");
    uint32_t epoch =
        candidate ? d->candidates[token.subject].epoch : d->officers[token.subject].epoch;
    if (token.epoch != epoch)
        return fail_as(
            req->why, FAIL_UNSIGNED, "signed-in-elsewhere",
            "somebody has signed in again with the same name, on another device or here; "
            "this session has ended, all recorded answers are kept");
    req->who = candidate ? WHO_CANDIDATE : WHO_OFFICER;
    req->subject = token.subject;
    req->epoch = token.epoch;
    return FAIL_NONE;
}

/* A page of another site may not act with our cookie: SameSite keeps it away, this is the second
 * lock. Programs that send no Origin are not browsers and have no cookie by accident. */
static fail same_origin(const struct req *req, const struct http_head *head)
{
    str origin = http_field(head, "origin");
    if (!origin.p)
        return FAIL_NONE;
    ptrdiff_t host_at = str_find_str(origin, STR("://"));
    if (host_at < 0 ||
        !str_eq_nocase(str_from(origin, (size_t)host_at + 3), http_field(head, "host")))
        return fail_as(req->why, FAIL_FORBIDDEN, "other-origin",
                       "a page of another site may not do this");
    return FAIL_NONE;
}

static fail parse_body(struct req *req, const struct http_head *head)
{
    size_t max = req->route->body_bytes_max ? req->route->body_bytes_max : 16 * KIB;
    if (req->raw_body.n > max)
        return fail_set(req->why, FAIL_LIMIT, "the body has %zu bytes, at most %zu are taken",
                        req->raw_body.n, max);
    if (!req->route->takes)
        return FAIL_NONE;
    if (!*req->route->takes && !req->raw_body.n)
        return FAIL_NONE;
    str type = http_field(head, "content-type");
    if (!str_starts(type, STR("application/json")))
        return fail_set(req->why, FAIL_INPUT, "the Content-Type must be application/json");
    struct json *body = NULL;
    fail f = json_parse(&body, req->raw_body, req->arena, req->why);
    if (f)
        return why_add(req->why, f, "the body is not JSON");
    req->body = body;
    return takes_check(req->route->takes, body, req->why);
}

static fail take(struct hall *hall, struct exchange *exchange, const struct http_head *head,
                 bool admin)
{
    struct req *req = &exchange->req;
    fail f = FAIL_NONE;
    struct routed *row =
        routes_find(&hall->routes, req->method, req->path, req->params, req->why, &f);
    if (!row)
        return f;
    exchange->route_index = (uint16_t)(row - hall->routes.rows);
    req->route = row->route;
    req->state = row->service < hall->service_count ? hall->hosted[row->service].state : hall;
    f = admit(hall, req, head, admin);
    if (!f && !str_eq(req->method, STR("GET")))
        f = same_origin(req, head);
    if (!f)
        f = parse_body(req, head);
    return f ? f : row->route->handle(req);
}

void hall_signs_later(struct hall *hall, bool later)
{
    hall->signs_later = later;
}

void exchange_sign(struct exchange *exchange)
{
    struct req *req = &exchange->req;
    char hex[SIGNATURE_DIGITS + 1];
    if (!req->sign_line.n)
        return;
    keys_sign(req->host->keys, req->sign_line, hex);
    memcpy(exchange->body.p + req->sign_at, hex, SIGNATURE_DIGITS);
    req->sign_line = STR_NONE;
}

static void finish(struct hall *hall, struct exchange *exchange, fail f)
{
    struct req *req = &exchange->req;
    if (!f && exchange->body.failed)
        f = fail_set(&exchange->why, FAIL_LIMIT, "the reply would be too large; ask for less");
    if (f)
        reply_problem(exchange, f);
    if (f)
        req->sign_line = STR_NONE; /* the reply is another one now */
    if (!hall->signs_later)
        exchange_sign(exchange);
    exchange->done = true;
    exchange->barrier = log_appended(hall->log);
    struct routed *row = &hall->routes.rows[exchange->route_index];
    row->replies[MIN(req->status / 100, 5)]++;
}

/* What the request kept the loop busy; the worker's part is not in it, nor the wait for it. */
static void loop_time(struct hall *hall, const struct exchange *exchange, int64_t since_us)
{
    hall->routes.rows[exchange->route_index].loop_us +=
        (uint64_t)(clock_mono_us(hall->host.clock) - since_us);
}

void hall_handle(struct hall *hall, struct exchange *exchange, const struct http_head *head,
                 str body, bool admin)
{
    struct req *req = &exchange->req;
    req->host = &hall->host;
    req->arena = &exchange->arena;
    req->why = &exchange->why;
    req->now = clock_now(hall->host.clock);
    req->method = head->method;
    req->path = head->path;
    req->query = head->query;
    req->raw_body = body;
    req->idempotency_key = http_field(head, "idempotency-key");
    req->gzip_ok = str_find_str(http_field(head, "accept-encoding"), STR("gzip")) >= 0;
    req->status = 200;
    req->type = "application/json";
    req->out = &exchange->body;
    req->headers = &exchange->headers;
    int64_t began_us = clock_mono_us(hall->host.clock);
    exchange->route_index = ROUTES_MAX - 1; /* the row of requests for nothing we have */
    fail f = take(hall, exchange, head, admin);
    if (f || !req->job)
        finish(hall, exchange, f);
    loop_time(hall, exchange, began_us);
}

void hall_job_run(struct exchange *exchange)
{
    exchange->req.job->run(exchange->req.job);
}

void hall_job_done(struct hall *hall, struct exchange *exchange)
{
    int64_t began_us = clock_mono_us(hall->host.clock);
    struct job *job = exchange->req.job;
    exchange->req.job = NULL;
    fail f = job->done(&exchange->req, job);
    if (f || !exchange->req.job)
        finish(hall, exchange, f);
    loop_time(hall, exchange, began_us);
}

unsigned hall_call(struct hall *hall, struct exchange *exchange, const char *method,
                   const char *target, str cookie, str body, bool admin)
{
    struct out text = out_make(128 * MIB);
    struct http_head head;
    out_fmt(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, target);
    if (cookie.n)
        out_fmt(&text, "Cookie: __Host-examhall=%.*s\r\n", STR_ARG(cookie));
    if (body.n)
        out_fmt(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.n);
    out_z(&text, "\r\n");
    size_t head_bytes = text.n;
    out_str(&text, body);
    must(!text.failed);
    exchange_reset(exchange);
    str head_text = str_first(out_view(&text), head_bytes);
    if (http_parse_request(&head, head_text, 64 * KIB, &exchange->why) != HTTP_DONE) {
        reply_problem(exchange, FAIL_INPUT); /* a target that is none */
        out_fini(&text);
        return exchange->req.status;
    }
    hall_handle(hall, exchange, &head, str_from(out_view(&text), head_bytes), admin);
    while (!exchange->done) {
        hall_job_run(exchange);
        hall_job_done(hall, exchange);
    }
    log_flush(hall->log);
    log_sync(hall->log);
    out_fini(&text);
    return exchange->req.status;
}
