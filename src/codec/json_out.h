/* json_out.h - writes JSON members into an out; puts the commas by looking at the last byte.
 *
 *     jo_open(out, NULL, '{');  jo_i64(out, "now", now);  jo_open(out, "items", '[');
 *     jo_str(out, NULL, s);     jo_close(out, ']');       jo_close(out, '}');
 * A NULL name is an array's member (or the root). */
#pragma once

#include "base/out.h"

static inline void jo_name(struct out *out, const char *name)
{
    char last = out->n ? out->p[out->n - 1] : '{';
    if (last != '{' && last != '[' && last != ':' && last != '\n')
        out_char(out, ',');
    if (name) {
        out_char(out, '"');
        out_z(out, name);
        out_bytes(out, "\":", 2);
    }
}
static inline void jo_open(struct out *out, const char *name, char bracket)
{
    jo_name(out, name);
    out_char(out, bracket);
}
static inline void jo_close(struct out *out, char bracket)
{
    out_char(out, bracket);
}
static inline void jo_i64(struct out *out, const char *name, int64_t v)
{
    jo_name(out, name);
    out_i64(out, v);
}
static inline void jo_str(struct out *out, const char *name, str s)
{
    jo_name(out, name);
    if (s.p)
        out_json(out, s);
    else
        out_z(out, "null");
}
static inline void jo_z(struct out *out, const char *name, const char *z)
{
    jo_str(out, name, str_z(z));
}
static inline void jo_bool(struct out *out, const char *name, bool v)
{
    jo_name(out, name);
    out_z(out, v ? "true" : "false");
}
static inline void jo_at(struct out *out, const char *name, instant at) /* 0 is null */
{
    jo_name(out, name);
    if (at)
        out_i64(out, at);
    else
        out_z(out, "null");
}
static inline void jo_raw(struct out *out, const char *name, str json)
{
    jo_name(out, name);
    out_str(out, json);
}
