/* steps.c - see steps.h. */
#include "cli/steps.h"

#include "cli/cmd.h"
#include "codec/json_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static str typed(const char *const argv[], struct arena *arena)
{
    struct out out = out_make(64 * KIB);
    for (; *argv; argv++) {
        out_word(&out, *argv);
        out_z(&out, argv[1] ? " " : "");
    }
    str text = arena_str(arena, out_view(&out));
    out_fini(&out);
    must(text.p);
    return text;
}

/* to: where its stdout goes. */
static pid_t start(const char *const argv[], int to)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char **words = (char **)(uintptr_t)argv;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (dup2(null, 0) < 0 || dup2(to, 1) < 0)
        _exit(EXIT_WORLD);
    if (strcmp(argv[0], "examhall") == 0)
        execv("/proc/self/exe", words);
    else
        execvp(argv[0], words);
    fprintf(stderr, "examhall: %s does not start: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int end_of(pid_t pid)
{
    int status;
    if (pid < 0)
        return 127;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Its stdout goes to `out`, or without one to where ours goes. */
static int run(const char *const argv[], struct out *out)
{
    int fds[2];
    char part[4096];
    ssize_t n = 0;
    if (!out)
        return end_of(start(argv, is_json_wanted() ? 2 : 1));
    if (pipe2(fds, O_CLOEXEC))
        return 127;
    pid_t pid = start(argv, fds[1]);
    close(fds[1]);
    while (pid > 0 && ((n = read(fds[0], part, sizeof(part))) > 0 || (n < 0 && errno == EINTR)))
        out_bytes(out, part, n > 0 ? (size_t)n : 0);
    close(fds[0]);
    return end_of(pid);
}

int steps_read(struct steps *steps, const char *name, const char *const argv[], struct out *out)
{
    must(steps->count < STEPS_MAX);
    struct step *step = &steps->rows[steps->count++];
    FILE *to = is_json_wanted() ? stderr : stdout;
    *step = (struct step){ .name = name, .command = typed(argv, steps->arena), .status = -1 };
    fprintf(to, "%-14s $ %.*s\n", name, STR_ARG(step->command));
    fflush(to);
    if (steps->dry)
        return 0;
    double began = now_s();
    step->status = run(argv, out);
    step->seconds = now_s() - began;
    if (out)
        fprintf(to, "%.*s\n", (int)out->n, out->p);
    fprintf(to, "%-14s %s, %.1f s\n", name, step->status ? "FAILED" : "ok", step->seconds);
    fflush(to);
    return step->status;
}

int steps_run(struct steps *steps, const char *name, const char *const argv[])
{
    return steps_read(steps, name, argv, NULL);
}

int steps_look(const char *const argv[], struct out *out)
{
    return run(argv, out);
}

fail steps_find(const char *program, const char *install, struct why *why)
{
    const char *path = getenv("PATH");
    str rest = str_z(path ? path : "/usr/local/bin:/usr/bin:/bin");
    while (rest.p) {
        char file[4200];
        str folder = str_cut(&rest, ':');
        snprintf(file, sizeof(file), "%.*s/%s", (int)MIN(folder.n, 4000), folder.p, program);
        if (folder.n && access(file, X_OK) == 0)
            return FAIL_NONE;
    }
    return fail_set(why, FAIL_MISSING, "%s is not on PATH; install it: %s", program, install);
}

void steps_json(struct out *out, const char *name, const struct steps *steps)
{
    jo_open(out, name, '[');
    for (size_t i = 0; i < steps->count; i++) {
        const struct step *step = &steps->rows[i];
        jo_open(out, NULL, '{');
        jo_z(out, "step", step->name);
        jo_str(out, "command", step->command);
        jo_name(out, "status");
        if (step->status < 0)
            out_z(out, "null");
        else
            out_i64(out, step->status);
        jo_name(out, "seconds");
        out_fmt(out, "%.1f", step->seconds);
        jo_close(out, '}');
    }
    jo_close(out, ']');
}
