/* args.c - words of a command line, complaints, progress; see cmd.h. */
#include "cli/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool json_wanted;

bool is_json_wanted(void)
{
    return json_wanted;
}

bool is_terminal(int fd)
{
    return isatty(fd) && !getenv("NO_COLOR");
}

/* Is `word` this option, alone ("--data DIR") or with its value behind ("--data=DIR")? */
static bool is_option(const char *word, const struct option *option)
{
    size_t n = strlen(option->name);
    return strncmp(word, option->name, n) == 0 && (!word[n] || (word[n] == '=' && option->value));
}

static int unknown_option(const char *command, const char *word, const struct option *options,
                          size_t count)
{
    const char *names[32] = { "--json", "--help" };
    for (size_t i = 0; i < count && i < 28; i++)
        names[i + 2] = options[i].name;
    const char *near = str_nearest(str_z(word), names);
    fprintf(stderr, "examhall %s: there is no option %s%s%s; see examhall %s --help\n", command,
            word, near ? "; did you mean " : "", near ? near : "", command);
    return EXIT_USAGE;
}

int args_parse(int argc, char **argv, const struct option *options, size_t count,
               const char **words, size_t words_max, size_t *words_n, bool *stop)
{
    *words_n = 0;
    *stop = false;
    json_wanted = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        size_t k = 0;
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            *stop = true;
            return help_for(argv[0], stdout);
        }
        if (strcmp(word, "--json") == 0) {
            json_wanted = true;
            continue;
        }
        if (strncmp(word, "--", 2) != 0) {
            if (*words_n == words_max) {
                fprintf(stderr, "examhall %s: one word too many: %s; see examhall %s --help\n",
                        argv[0], word, argv[0]);
                return EXIT_USAGE;
            }
            words[(*words_n)++] = word;
            continue;
        }
        while (k < count && !is_option(word, &options[k]))
            k++;
        if (k == count)
            return unknown_option(argv[0], word, options, count);
        if (options[k].flag) {
            *options[k].flag = true;
        } else if (strchr(word, '=')) {
            *options[k].value = strchr(word, '=') + 1;
        } else if (i + 1 < argc) {
            *options[k].value = argv[++i];
        } else {
            fprintf(stderr, "examhall %s: %s needs a value; see examhall %s --help\n", argv[0],
                    word, argv[0]);
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

bool arg_i64(const char *name, const char *text, int64_t min, int64_t max, int64_t *out)
{
    if (str_i64(str_z(text), out) && *out >= min && *out <= max)
        return true;
    fprintf(stderr, "examhall: %s is \"%s\", but must be a whole number from %lld to %lld\n", name,
            text, (long long)min, (long long)max);
    return false;
}

void out_word(struct out *out, const char *word)
{
    bool quote = !*word || strpbrk(word, " \t\n'\"\\$&|;<>()*?[]{}~#!`");
    out_z(out, quote ? "'" : "");
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            out_z(out, "'\\''");
        else
            out_char(out, *c);
    out_z(out, quote ? "'" : "");
}

int complain(fail f, const struct why *why)
{
    fprintf(stderr, "examhall: %s\n", why->text);
    if (json_wanted) {
        struct out out = out_make(8 * KIB);
        out_z(&out, "{\"error\":");
        out_json(&out, str_z(why->text));
        out_z(&out, "}\n");
        fwrite(out.p, 1, out.n, stdout);
        out_fini(&out);
    }
    switch (f) {
    case FAIL_USAGE:
    case FAIL_INPUT:
        return EXIT_USAGE;
    case FAIL_CONFLICT:
    case FAIL_FORBIDDEN:
        return EXIT_NO;
    default:
        return EXIT_WORLD;
    }
}

fail hall_dir(const char *given, const char **dir, struct why *why)
{
    struct stat st;
    char path[4096];
    *dir = given ? given : "hall";
    snprintf(path, sizeof(path), "%s/keys/master", *dir);
    if (stat(path, &st) == 0)
        return FAIL_NONE;
    if (errno == EACCES)
        return fail_errno(why, FAIL_WORLD, "the hall in %s belongs to somebody else", *dir);
    return fail_set(why, FAIL_MISSING, "there is no hall in %s; make one with: examhall init %s",
                    *dir, *dir);
}

/* A pipe does not say how much will come: roster import /dev/stdin. */
static fail pipe_read(int fd, const char *path, size_t bytes_max, struct arena *arena, str *bytes,
                      struct why *why)
{
    struct out all = out_make(bytes_max + 64 * KIB);
    ssize_t got = 1;
    while (got > 0 && all.n <= bytes_max && out_reserve(&all, 64 * KIB)) {
        got = read(fd, all.p + all.n, 64 * KIB);
        all.n += (size_t)MAX(got, 0);
    }
    char *p = all.n <= bytes_max && !got ? arena_bytes(arena, all.n + 1) : NULL;
    if (p)
        *bytes = str_of(memcpy(p, all.p ? all.p : "", all.n), all.n);
    out_fini(&all);
    if (got < 0)
        return fail_errno(why, FAIL_WORLD, "%s cannot be read", path);
    return p ? FAIL_NONE : fail_set(why, FAIL_LIMIT, "%s has more than %zu bytes", path, bytes_max);
}

fail file_read(const char *path, size_t bytes_max, struct arena *arena, str *bytes, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        if (fd >= 0)
            close(fd);
        return fail_errno(why, FAIL_WORLD, "%s cannot be read", path);
    }
    if (!S_ISREG(st.st_mode)) {
        fail f = pipe_read(fd, path, bytes_max, arena, bytes, why);
        close(fd);
        return f;
    }
    char *p = (uint64_t)st.st_size <= bytes_max ? arena_bytes(arena, (size_t)st.st_size + 1) : NULL;
    if (!p) {
        close(fd);
        return fail_set(why, FAIL_LIMIT, "%s has %lld bytes; at most %zu are read", path,
                        (long long)st.st_size, bytes_max);
    }
    size_t n = 0;
    ssize_t got;
    while (n < (size_t)st.st_size && (got = read(fd, p + n, (size_t)st.st_size - n)) > 0)
        n += (size_t)got;
    close(fd);
    p[n] = 0;
    *bytes = str_of(p, n);
    return n == (size_t)st.st_size ? FAIL_NONE
                                   : fail_errno(why, FAIL_WORLD, "%s cannot be read", path);
}

/* --- progress ----------------------------------------------------------------------------------
 */

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000ll + now.tv_nsec / 1000;
}

void progress_start(struct progress *progress, const char *what, uint64_t total)
{
    *progress = (struct progress){ what, total, now_us(), now_us() };
}

static void show(const struct progress *progress, uint64_t done, const char *end)
{
    double s = (double)(now_us() - progress->started_us) / 1e6;
    double rate = s > 0.001 ? (double)done / s : 0;
    fprintf(stderr, "%s%s %llu of %llu, %.0f/s", is_terminal(2) ? "\r\033[K" : "", progress->what,
            (unsigned long long)done, (unsigned long long)progress->total, rate);
    if (rate > 0 && done < progress->total)
        fprintf(stderr, ", %.0f s left", (double)(progress->total - done) / rate);
    fputs(end, stderr);
}

void progress_show(struct progress *progress, uint64_t done)
{
    int64_t every_us = is_terminal(2) ? 100000 : 3000000;
    if (json_wanted || now_us() - progress->shown_us < every_us)
        return;
    progress->shown_us = now_us();
    show(progress, done, is_terminal(2) ? "" : "\n");
}

void progress_end(struct progress *progress, uint64_t done)
{
    bool shown = progress->shown_us != progress->started_us;
    if (!json_wanted && (shown || is_terminal(2)))
        show(progress, done, "\n");
}
