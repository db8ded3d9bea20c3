/* env_render.c - the files of an environment, as a table; see env_render.h. */
#include "platform/env_render.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *path; /* %s: the environment's name */
    void (*write)(const struct env *env, struct out *out);
    bool machine; /* also for one on a machine */
} files[] = {
    { "environments/%s/terraform.tfvars.json", env_tfvars, false },
    { "environments/%s/backend.hcl", env_backend, false },
    { "environments/%s/values.yaml", env_values, false },
    { "environments/%s/rules.yaml", env_rules, true },
    { ".github/workflows/build.yml", env_github_build, false },
    { ".github/workflows/deliver-%s.yml", env_github_deliver, false },
    { ".gitlab-ci.yml", env_gitlab_root, false },
    { ".gitlab/build.yml", env_gitlab_build, false },
    { ".gitlab/deliver-%s.yml", env_gitlab_deliver, false },
};

void env_render(const struct env *env, struct env_files *to)
{
    to->count = 0;
    for (size_t i = 0; i < COUNT(files); i++) {
        struct out out = out_make(4 * MIB);
        if (!env->cloud && !files[i].machine)
            continue;
        files[i].write(env, &out);
        must(!out.failed && to->count < ENV_FILES_MAX);
        struct env_file *file = &to->rows[to->count++];
        char path[200];
        snprintf(path, sizeof(path), files[i].path, env->name.p);
        file->path = arena_str(env->arena, str_z(path));
        file->text = arena_str(env->arena, out_view(&out));
        must(file->path.p && file->text.p);
        out_fini(&out);
    }
}

/* Makes the folders of a path, all but its last part. */
static fail make_folders(char *path, struct why *why)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        fail f = made ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot make the folder %s", path);
        *slash = '/';
        if (f)
            return f;
    }
    return FAIL_NONE;
}

fail env_file_write(const struct env_file *file, const char *dir, struct why *why)
{
    char path[4096], beside[4104];
    int n = snprintf(path, sizeof(path), "%s/%.*s", dir, STR_ARG(file->path));
    if (n < 0 || (size_t)n >= sizeof(path))
        return fail_set(why, FAIL_LIMIT, "the path of %s is too long", dir);
    fail f = make_folders(path, why);
    if (f)
        return f;
    snprintf(beside, sizeof(beside), "%s.new", path); /* a half-written file is never seen */
    FILE *to = fopen(beside, "we");
    bool ok = to && fwrite(file->text.p, 1, file->text.n, to) == file->text.n;
    ok = to && fclose(to) == 0 && ok && rename(beside, path) == 0;
    if (ok)
        return FAIL_NONE;
    f = fail_errno(why, FAIL_WORLD, "cannot write %s", path);
    unlink(beside);
    return f;
}
