/* env_files.c - reads what was rendered into a folder; see env_render.h. */
#include "platform/env_render.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define DEPTH_MAX 6

struct walk {
    struct env_files *to;
    const char *dir;
    struct arena *arena;
    struct why *why;
};

static fail add_file(struct walk *walk, const char *path)
{
    char whole[4096];
    str text;
    if (walk->to->count == ENV_FILES_MAX)
        return fail_set(walk->why, FAIL_LIMIT, "%s has more than %d files of environments",
                        walk->dir, ENV_FILES_MAX);
    snprintf(whole, sizeof(whole), "%s/%s", walk->dir, path);
    fail f = spec_file(whole, walk->arena, &text, walk->why);
    if (f)
        return f;
    struct env_file *file = &walk->to->rows[walk->to->count++];
    *file = (struct env_file){ arena_str(walk->arena, str_z(path)), text };
    must(file->path.p);
    return FAIL_NONE;
}

static fail walk_path(struct walk *walk, const char *path, int depth)
{
    char whole[4096], below[1024];
    struct stat st;
    struct dirent **entries = NULL;
    fail f = FAIL_NONE;
    snprintf(whole, sizeof(whole), "%s/%s", walk->dir, path);
    if (stat(whole, &st) < 0)
        return errno == ENOENT ? FAIL_NONE
                               : fail_errno(walk->why, FAIL_WORLD, "%s cannot be read", whole);
    if (S_ISREG(st.st_mode))
        return add_file(walk, path);
    int n = depth < DEPTH_MAX ? scandir(whole, &entries, NULL, alphasort) : 0;
    for (int i = 0; i < n; i++) {
        int room = snprintf(below, sizeof(below), "%s/%s", path, entries[i]->d_name);
        bool own = strcmp(entries[i]->d_name, ".") == 0 || strcmp(entries[i]->d_name, "..") == 0;
        if (!own && !f && room > 0 && (size_t)room < sizeof(below))
            f = walk_path(walk, below, depth + 1);
        free(entries[i]);
    }
    free(entries);
    return f;
}

fail env_files_read(struct env_files *to, const char *dir, struct arena *arena, struct why *why)
{
    static const char *const roots[] = { "environments", ".github/workflows", ".gitlab-ci.yml",
                                         ".gitlab" };
    struct walk walk = { to, dir, arena, why };
    fail f = FAIL_NONE;
    to->count = 0;
    for (size_t i = 0; i < COUNT(roots) && !f; i++)
        f = walk_path(&walk, roots[i], 0);
    return f;
}
