/* base.c - the last words of a process that broke a promise to itself. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

NORETURN void crash(const char *kind, const char *what, const char *file, int line)
{
    fprintf(stderr,
            "{\"level\":\"fatal\",\"event\":\"crash\",\"kind\":\"%s\",\"what\":\"%s\","
            "\"at\":\"%s:%d\",\"pid\":%d}\n",
            kind, what, file, line, (int)getpid());
    abort();
}
