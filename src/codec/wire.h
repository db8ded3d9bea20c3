/* wire.h - the binary form of event bodies: little-endian numbers and length-prefixed bytes.
 *
 * A writer fills a caller's buffer and remembers overflow; a reader remembers the first short read.
 * Both are asked once at the end, so encoders and decoders are a plain list of fields. Fields are
 * only ever added at the end: a reader at the end of an old body yields zeros (wire_more says). */
#pragma once

#include "base/str.h"

struct wire_out {
    char *p;
    size_t n, cap;
    bool failed;
};
struct wire_in {
    const char *p;
    size_t left;
    bool failed;
};

static inline struct wire_out wire_out_make(void *p, size_t cap)
{
    return (struct wire_out){ .p = p, .cap = cap };
}
static inline struct wire_in wire_in_make(str s)
{
    return (struct wire_in){ .p = s.p, .left = s.n };
}
static inline void wire_put(struct wire_out *out, const void *p, size_t n)
{
    if (n > out->cap - out->n) {
        out->failed = true;
        return;
    }
    if (n)
        memcpy(out->p + out->n, p, n);
    out->n += n;
}
static inline void wire_get(struct wire_in *in, void *p, size_t n)
{
    if (n > in->left) {
        in->failed = true;
        memset(p, 0, n);
        return;
    }
    memcpy(p, in->p, n);
    in->p += n;
    in->left -= n;
}
static inline bool wire_more(const struct wire_in *in)
{
    return in->left > 0;
}

#define WIRE_NUMBER(name, type)                                                                    \
    static inline void wire_put_##name(struct wire_out *out, type v)                               \
    {                                                                                              \
        wire_put(out, &v, sizeof(v));                                                              \
    }                                                                                              \
    static inline type wire_get_##name(struct wire_in *in)                                         \
    {                                                                                              \
        type v;                                                                                    \
        wire_get(in, &v, sizeof(v));                                                               \
        return v;                                                                                  \
    }
WIRE_NUMBER(u8, uint8_t)
WIRE_NUMBER(u16, uint16_t)
WIRE_NUMBER(u32, uint32_t)
WIRE_NUMBER(u64, uint64_t)
WIRE_NUMBER(i32, int32_t)
WIRE_NUMBER(i64, int64_t)
#undef WIRE_NUMBER
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "wire numbers are copied as they are");

static inline void wire_put_str(struct wire_out *out, str s)
{
    wire_put_u32(out, (uint32_t)s.n);
    wire_put(out, s.p, s.n);
}
static inline str wire_get_str(struct wire_in *in) /* borrows from the body */
{
    uint32_t n = wire_get_u32(in);
    if (in->failed || n > in->left) {
        in->failed = true;
        return STR_NONE;
    }
    str s = { in->p, n };
    in->p += n;
    in->left -= n;
    return s;
}
