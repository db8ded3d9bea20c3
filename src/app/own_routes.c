/* own_routes.c - routes that belong to no service: health, time, metrics, status, the API's
 * description.
 *
 * /openapi.json is made from the same table that routes requests, so it cannot be out of date. */
#include "app/hall_internal.h"
#include "net/gateway_stats.h"

#include <stdio.h>
#include <unistd.h>

static struct hall *hall_of(const struct req *req)
{
    return req->state;
}

static fail health(struct req *req)
{
    jo_open(req->out, NULL, '{');
    jo_z(req->out, "status", "ok");
    jo_close(req->out, '}');
    return FAIL_NONE;
}

static fail get_time(struct req *req)
{
    jo_open(req->out, NULL, '{');
    jo_i64(req->out, "now", req->now);
    jo_close(req->out, '}');
    return FAIL_NONE;
}

/* --- metrics -----------------------------------------------------------------------------------
 */

static void metric(struct out *out, const char *name, const char *type, const char *help)
{
    out_fmt(out, "# HELP examhall_%s %s\n# TYPE examhall_%s %s\n", name, help, name, type);
}

static void metric_number(struct out *out, const char *name, const char *type, const char *help,
                          uint64_t value)
{
    metric(out, name, type, help);
    out_fmt(out, "examhall_%s %llu\n", name, (unsigned long long)value);
}

static void write_routes(struct out *out, const struct routes *routes)
{
    metric(out, "http_requests_total", "counter",
           "Requests answered, by route and class of status.");
    for (unsigned i = 0; i < routes->count; i++) {
        const struct routed *row = &routes->rows[i];
        for (unsigned status = 1; status < 6; status++)
            if (row->replies[status])
                out_fmt(
                    out,
                    "examhall_http_requests_total{method=\"%s\",route=\"%s\",code=\"%uxx\"} %llu\n",
                    row->route->method, row->route->path, status,
                    (unsigned long long)row->replies[status]);
    }
    metric(out, "http_request_loop_seconds_total", "counter",
           "What requests kept the hall's loop busy, by route; jobs on the worker are not in it.");
    for (unsigned i = 0; i < routes->count; i++) {
        const struct routed *row = &routes->rows[i];
        if (row->loop_us)
            out_fmt(out,
                    "examhall_http_request_loop_seconds_total{method=\"%s\",route=\"%s\"} "
                    "%llu.%06llu\n",
                    row->route->method, row->route->path,
                    (unsigned long long)(row->loop_us / 1000000),
                    (unsigned long long)(row->loop_us % 1000000));
    }
}

static void write_log(struct out *out, const struct log *log)
{
    struct log_stats stats;
    log_stats(log, &stats);
    metric_number(out, "log_records_total", "counter",
                  "Records appended since the process started.", stats.records);
    metric_number(out, "log_batches_total", "counter", "Batches made durable.", stats.batches);
    metric(out, "log_sync_seconds_total", "counter", "Time spent making batches durable.");
    out_fmt(out, "examhall_log_sync_seconds_total %llu.%06llu\n",
            (unsigned long long)(stats.sync_us_total / 1000000),
            (unsigned long long)(stats.sync_us_total % 1000000));
    metric_number(out, "log_has_room", "gauge",
                  "0 when saves are refused: the disk is full, or no descriptor is free.",
                  stats.has_room);
    metric_number(out, "log_damaged", "gauge",
                  "1 when what was checked behind the opening is not what was written.",
                  stats.damaged);
}

static fail get_metrics(struct req *req)
{
    struct hall *hall = hall_of(req);
    struct out *out = req->out;
    metric(out, "build_info", "gauge", "The program that runs.");
    out_fmt(out, "examhall_build_info{version=\"%s\"} 1\n", hall_version(hall));
    write_routes(out, &hall->routes);
    write_log(out, hall->log);
    metric_number(out, "candidates", "gauge", "Candidates on the roster.",
                  hall->directory.candidate_count);
    metric_number(out, "candidates_signed_in", "gauge",
                  "Candidates who have signed in at least once.", hall->directory.signed_in_count);
    for (unsigned i = 0; i < hall->service_count; i++)
        if (hall->hosted[i].service->metrics)
            hall->hosted[i].service->metrics(hall->hosted[i].state, out);
    if (hall->host.gateway)
        gateway_stats_write(hall->host.gateway, out);
    req->type = "text/plain; version=0.0.4";
    return FAIL_NONE;
}

/* --- the API's description ---------------------------------------------------------------------
 */

static void openapi_path(struct out *out, const char *path)
{
    jo_name(out, NULL);
    out_char(out, '"');
    for (const char *p = path; *p; p++) {
        if (*p != ':') {
            out_char(out, *p);
            continue;
        }
        size_t n = strcspn(p + 1, "/");
        out_fmt(out, "{%.*s}", (int)n, p + 1);
        p += n;
    }
    out_z(out, "\":");
}

static void openapi_body(struct out *out, const char *takes)
{
    struct member member;
    jo_open(out, "requestBody", '{');
    jo_bool(out, "required", true);
    out_z(out, ",\"content\":{\"application/json\":{\"schema\":{\"type\":\"object\","
               "\"additionalProperties\":false,\"properties\":{");
    for (str rest = str_z(takes); takes_next(&rest, &member);) {
        jo_name(out, NULL);
        out_json(out, member.name);
        if (member.optional)
            out_fmt(out, ":{\"type\":[\"%.*s\",\"null\"]}", STR_ARG(member.type));
        else
            out_fmt(out, ":{\"type\":\"%.*s\"}", STR_ARG(member.type));
    }
    jo_close(out, '}');
    jo_open(out, "required", '[');
    for (str rest = str_z(takes); takes_next(&rest, &member);)
        if (!member.optional)
            jo_str(out, NULL, member.name);
    out_z(out, "]}}}}");
}

static void openapi_parameters(struct out *out, const struct routed *row)
{
    jo_open(out, "parameters", '[');
    for (unsigned i = 0; i < row->segment_count; i++) {
        if (!row->segments[i].n || row->segments[i].p[0] != ':')
            continue;
        jo_open(out, NULL, '{');
        jo_str(out, "name", str_from(row->segments[i], 1));
        jo_z(out, "in", "path");
        jo_bool(out, "required", true);
        out_z(out, ",\"schema\":{\"type\":\"string\"}}");
    }
    jo_close(out, ']');
}

static void openapi_operation(struct out *out, const struct hall *hall, const struct routed *row)
{
    const struct route *route = row->route;
    char method[8] = { 0 };
    for (size_t i = 0; route->method[i] && i < 7; i++)
        method[i] = (char)(route->method[i] | 32);
    jo_open(out, method, '{');
    jo_z(out, "summary", route->summary);
    jo_open(out, "tags", '[');
    jo_z(out, NULL,
         row->service < hall->service_count ? hall->hosted[row->service].service->name : "hall");
    jo_close(out, ']');
    openapi_parameters(out, row);
    jo_open(out, "security", '[');
    if (!(route->who & WHO_ANYONE))
        out_fmt(out, "{\"%s\":[]}",
                route->who & (WHO_CANDIDATE | WHO_OFFICER) ? "session" : "admin_socket");
    jo_close(out, ']');
    if (route->takes)
        openapi_body(out, route->takes);
    out_z(out, ",\"responses\":{\"200\":{\"description\":\"Done\"},\"default\":{\"description\":"
               "\"Problem\","
               "\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/"
               "schemas/Problem\"}}}}}}");
}

static fail get_openapi(struct req *req)
{
    struct hall *hall = hall_of(req);
    struct out *out = req->out;
    out_z(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"examhall\",\"version\":\"1\","
               "\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}},\"paths\":{");
    for (unsigned i = 0; i < hall->routes.count; i++) {
        bool seen = false;
        for (unsigned k = 0; k < i; k++)
            seen |= strcmp(hall->routes.rows[k].route->path, hall->routes.rows[i].route->path) == 0;
        if (seen)
            continue;
        openapi_path(out, hall->routes.rows[i].route->path);
        out_char(out, '{');
        for (unsigned k = i; k < hall->routes.count; k++)
            if (strcmp(hall->routes.rows[k].route->path, hall->routes.rows[i].route->path) == 0)
                openapi_operation(out, hall, &hall->routes.rows[k]);
        out_char(out, '}');
    }
    out_z(out, "},\"components\":{\"securitySchemes\":{"
               "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-examhall\"},"
               "\"admin_socket\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"Host\","
               "\"description\":\"Only on the hall's admin socket; whoever may open it is the "
               "operator\"}},"
               "\"schemas\":{\"Problem\":{\"type\":\"object\",\"properties\":{\"type\":{\"type\":"
               "\"string\"},"
               "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
               "\"detail\":{\"type\":\"string\"}}}}}}");
    return FAIL_NONE;
}

static const struct route own_routes[] = {
    { "GET", "/-/ready", health, WHO_ANYONE, "Ready to take requests", NULL, 0 },
    { "GET", "/-/started", health, WHO_ANYONE, "The log is replayed", NULL, 0 },
    { "GET", "/-/live", health, WHO_ANYONE, "The loop turns", NULL, 0 },
    { "GET", "/v1/time", get_time, WHO_ANYONE, "Exam time", NULL, 0 },
    { "GET", "/openapi.json", get_openapi, WHO_ANYONE, "This description", NULL, 0 },
    { "GET", "/metrics", get_metrics, WHO_OPERATOR, "Prometheus metrics", NULL, 0 },
};

void own_routes_add(struct hall *hall)
{
    for (size_t i = 0; i < COUNT(own_routes); i++)
        routes_add(&hall->routes, &own_routes[i], SERVICES_MAX);
}
