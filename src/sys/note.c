/* note.c - see note.h. One write a line, so that lines of several processes do not mix. */
#include "base/out.h"
#include "sys/note.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void say(const char *level, const char *event, const char *fields)
{
    struct timespec now;
    struct out out = out_make(4 * KIB);
    clock_gettime(CLOCK_REALTIME, &now);
    out_z(&out, "{\"at\":\"");
    out_time(&out, now.tv_sec * 1000 + now.tv_nsec / 1000000);
    out_fmt(&out, "\",\"level\":\"%s\",\"event\":\"%s\",\"pid\":%d", level, event, (int)getpid());
    if (*fields)
        out_fmt(&out, ",%s", fields);
    out_z(&out, "}\n");
    if (!out.failed)
        fail_ignore(write(STDERR_FILENO, out.p, out.n) < 0, "nowhere else to say it");
    out_fini(&out);
}

void note(const char *level, const char *event, const char *format, ...)
{
    char fields[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(fields, sizeof(fields), format, args);
    va_end(args);
    say(level, event, fields);
}

void note_fail(const char *event, const struct why *why)
{
    struct out out = out_make(2 * KIB);
    out_z(&out, "\"why\":");
    out_json(&out, str_z(why->text));
    out_char(&out, 0);
    say("error", event, out.failed ? "" : out.p);
    out_fini(&out);
}
