/* base.h - the words every other file is written in: sizes, tables, assertions.
 *
 * `must` states what we promise ourselves; it stays on in release builds. When it is false the
 * process prints where and why and dies: the supervisor starts a new one, the log is the truth.
 * It is never reachable from bytes a stranger sends; for those return a `fail` (fail.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define COUNT(array) (sizeof(array) / sizeof(0 [array]))
#define TABLE(array)                                                                               \
    {                                                                                              \
        (array), COUNT(array)                                                                      \
    } /* fills a { rows, count } pair */
#define MIN(a, b)                   ((a) < (b) ? (a) : (b))
#define MAX(a, b)                   ((a) > (b) ? (a) : (b))
#define MUST_USE                    __attribute__((warn_unused_result))
#define PRINTF(f, a)                __attribute__((format(printf, f, a)))
#define NORETURN                    __attribute__((noreturn))
#define LIKELY(x)                   __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                 __builtin_expect(!!(x), 0)
#define CONTAINER(ptr, type, field) ((type *)((char *)(ptr)-offsetof(type, field)))

/* Instants are milliseconds since 1970 UTC; 0 means "not set". Durations carry their unit. */
typedef int64_t instant;

#define must(x)         (LIKELY(x) ? (void)0 : crash("must", #x, __FILE__, __LINE__))
#define never(what)     crash("never", what, __FILE__, __LINE__)
#define unhandled(what) crash("unhandled", what, __FILE__, __LINE__)

NORETURN void crash(const char *kind, const char *what, const char *file, int line);

/* Asks the memory for the line at p, which need not be readable. gcc takes a function that does
 * nothing but prefetch for one without effect and leaves its calls out; the asm is an effect. */
static inline void line_expect(const void *p)
{
    __builtin_prefetch(p);
    __asm__ volatile("" : : "r"(p));
}
