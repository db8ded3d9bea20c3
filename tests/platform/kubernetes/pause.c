/* pause.c - what holds a pod's namespaces while its containers come and go: the pause image's one
 * program. */
#include <signal.h>
#include <unistd.h>

static void end(int signal)
{
    (void)signal;
    _exit(0);
}

int main(void)
{
    signal(SIGTERM, end); /* as process 1 it would not end by default */
    signal(SIGINT, end);
    for (;;)
        pause();
}
