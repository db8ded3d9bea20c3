/* fail.c - see fail.h. */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static fail set(struct why *why, fail code, const char *slug, const char *format, va_list args)
{
    if (why) {
        vsnprintf(why->text, sizeof(why->text), format, args);
        why->slug = slug;
    }
    return code;
}

fail fail_set(struct why *why, fail code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(why, code, NULL, format, args);
    va_end(args);
    return code;
}

fail fail_as(struct why *why, fail code, const char *slug, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(why, code, slug, format, args);
    va_end(args);
    return code;
}

fail fail_errno(struct why *why, fail code, const char *format, ...)
{
    int saved = errno;
    if (why) {
        va_list args;
        va_start(args, format);
        set(why, code, NULL, format, args);
        va_end(args);
        size_t n = strlen(why->text);
        snprintf(why->text + n, sizeof(why->text) - n, ": %s", strerror(saved));
    }
    errno = saved;
    return code;
}

fail why_add(struct why *why, fail f, const char *format, ...)
{
    if (!f || !why)
        return f;
    char context[200];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof(context) - 2, format, args);
    va_end(args);
    size_t n = strlen(context);
    memcpy(context + n, ": ", 2);
    n += 2;
    size_t room = sizeof(why->text) - n - 1;
    memmove(why->text + n, why->text, room); /* what does not fit is cut off at the end */
    memcpy(why->text, context, n);
    why->text[n + room] = 0;
    return f;
}

void fail_ignore(fail f, const char *reason)
{
    (void)f;
    (void)reason;
}
