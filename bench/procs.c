/* procs.c - see procs.h. */
#include "bench/procs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double number_in(const char *path, const char *after)
{
    char text[8192];
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = 0;
    const char *at = strstr(text, after);
    return at ? strtod(at + strlen(after), NULL) : 0;
}

typedef double (*thread_fn)(unsigned pid, unsigned thread);

static double each_thread(unsigned pid, thread_fn fn)
{
    char path[64];
    double sum = 0;
    snprintf(path, sizeof(path), "/proc/%u/task", pid);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            sum += fn(pid, (unsigned)strtoul(entry->d_name, NULL, 10));
    if (dir)
        closedir(dir);
    return sum;
}

static double thread_us(unsigned pid, unsigned thread)
{
    char path[96];
    snprintf(path, sizeof(path), "/proc/%u/task/%u/schedstat", pid, thread);
    return number_in(path, "") / 1e3;
}

static double children_us(unsigned pid, unsigned thread)
{
    char path[96];
    unsigned child;
    double sum = 0;
    snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid, thread);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%u", &child) == 1)
        sum += procs_tree_us(child);
    if (file)
        fclose(file);
    return sum;
}

double procs_own_us(unsigned pid)
{
    return each_thread(pid, thread_us);
}

double procs_tree_us(unsigned pid)
{
    return each_thread(pid, thread_us) + each_thread(pid, children_us);
}

/* Is its second argument `command`? */
static bool is_called(unsigned pid, const char *command)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    const char *second = n ? memchr(text, 0, n - 1) : NULL;
    return second && strcmp(second + 1, command) == 0;
}

unsigned procs_child(unsigned supervisor, const char *command)
{
    char path[96];
    unsigned child, found = 0;
    snprintf(path, sizeof(path), "/proc/%u/task/%u/children", supervisor, supervisor);
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%u", &child) == 1)
        if (is_called(child, command))
            found = child;
    if (file)
        fclose(file);
    return found;
}

double procs_private_bytes(unsigned pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", pid);
    return (number_in(path, "Private_Clean:") + number_in(path, "Private_Dirty:")) * 1024;
}

struct procs_kernel procs_kernel(void)
{
    return (struct procs_kernel){
        .slab_bytes = number_in("/proc/meminfo", "Slab:") * 1024,
        .tcp_bytes = number_in("/proc/net/sockstat", " mem ") * (double)sysconf(_SC_PAGESIZE),
    };
}
