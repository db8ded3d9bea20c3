/* fault.c - a bad build: a program that is examhall, but for one thing that only shows when it
 * serves.
 *
 * Linked over the release's own objects with -Wl,--wrap (Makefile, `faulty`), so nothing of it is
 * in the program that is released. FAULT says which thing:
 *
 *   500s    the hall starts and answers every request with 500
 *   slow    the hall takes 5 ms more for each request
 *   dying   the hall serves a second, then aborts; so does the next one
 *   unborn  as the first process of a container it ends before main */
#include "app/hall.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void __wrap_exchange_write(const struct exchange *exchange, struct out *out);
void __real_exchange_write(const struct exchange *exchange, struct out *out);

__attribute__((constructor)) static void begin(void)
{
    if (strcmp(FAULT, "unborn") == 0 && getpid() == 1)
        _exit(1);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void __wrap_exchange_write(const struct exchange *exchange, struct out *out)
{
    static double began;
    began = began > 0 ? began : seconds();
    if (strcmp(FAULT, "500s") == 0) {
        out_z(out,
              "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/problem+json\r\n"
              "Content-Length: 2\r\n\r\n{}");
        return;
    }
    if (strcmp(FAULT, "slow") == 0)
        usleep(5000);
    if (strcmp(FAULT, "dying") == 0 && seconds() - began > 1)
        abort();
    __real_exchange_write(exchange, out);
}
