/* cmd_init.c - `examhall init`: a folder that holds a hall, ready to serve.
 *
 * Made in a folder beside and renamed at the end, so a failed init leaves nothing behind. The
 * officer's password is made here, shown once, and only its hash is kept. */
#include "app/service.h"
#include "cli/cmd.h"
#include "cli/importing.h"
#include "cli/officer.h"
#include "crypto/cert.h"
#include "platform/sample.h"

#include <errno.h>
#include <ftw.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OFFICER "controller"

struct init {
    const char *dir; /* as given */
    char made[4096]; /* where it is being made */
    bool empty;
    struct chance chance;
    struct new_officer officer;
};

static const char sample_exams[] =
    "\nexams:\n"
    "  - name: sample\n"
    "    title: Sample examination\n"
    "    minutes: 60\n"
    "    marks: {right: 4, wrong: -1, partial: subset}\n"
    "    instructions:\n"
    "      - \"The paper has 50 questions in three sections. Each right answer gains 4 marks,\n"
    "        each wrong one loses 1; a question left blank costs nothing.\"\n"
    "      - \"Where several options are right, each right one chosen gains a mark, as long as\n"
    "        no wrong one is chosen; all of them gain 4.\"\n"
    "      - \"You may answer in any order, change an answer, and mark a question to come back\n"
    "        to it.\"\n"
    "      - \"Every choice is saved by itself. If the connection or the computer fails, sign in\n"
    "        again, here or on another computer. You come back to the same place with all your\n"
    "        answers and your time.\"\n"
    "      - \"At the end of the time the paper is handed in for you.\"\n"
    "    shifts:\n"
    "      - {name: day}\n";

static fail write_text(const char *dir, const char *name, mode_t mode, const char *text, size_t n,
                       struct why *why)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    mode_t old = umask(0777 & ~mode);
    FILE *file = fopen(path, "we");
    umask(old);
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot make %s", path);
    bool ok = fwrite(text, 1, n, file) == n;
    ok = fclose(file) == 0 && ok;
    return ok ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot write %s", path);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static fail write_spec(struct init *init, struct why *why)
{
    struct out out = out_make(64 * KIB);
    char name[41] = "hall";
    const char *base = base_name(init->dir);
    size_t n = 0;
    for (size_t i = 0; base[i] && n < 40; i++)
        if ((base[i] >= 'a' && base[i] <= 'z') || (base[i] >= '0' && base[i] <= '9') ||
            base[i] == '-')
            name[n++] = base[i];
    name[n ? n : 4] = 0;
    out_fmt(&out, sample_spec, name, init->empty ? "" : sample_exams);
    fail f = write_text(init->made, "hall.yaml", 0644, out.p, out.n, why);
    out_fini(&out);
    return f;
}

static fail add_sample(struct admin *admin, struct arena *arena, struct why *why)
{
    static const char define[] =
        "{\"title\":\"Sample examination\",\"minutes\":60,\"right\":\"4\",\"wrong\":\"-1\","
        "\"partial\":\"subset\",\"shifts\":[{\"name\":\"day\"}]}";
    struct posting_report items = { 0 }, candidates = { 0 };
    str reply;
    fail f = admin_call(admin, "PUT", "/v1/exams/sample", str_z(define), arena, &reply, why);
    if (!f)
        f = import_paper(admin, "sample", sample_exam(), IMPORT_JSONL, false, &items, why);
    must(f || items.refused_n == 0); /* we wrote it */
    if (!f)
        f = import_roster(admin, sample_roster(), &candidates, why);
    must(f || candidates.refused_n == 0);
    if (!f)
        f = admin_call(admin, "POST", "/v1/exams/sample/open", STR("{}"), arena, &reply, why);
    posting_report_fini(&items);
    posting_report_fini(&candidates);
    return f;
}

static fail write_codes(struct init *init, struct admin *admin, struct why *why)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/candidates.csv", init->made);
    mode_t old = umask(0077);
    FILE *file = fopen(path, "we");
    umask(old);
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot make %s", path);
    fail f = export_roster(admin, true, file, why);
    if (fclose(file) != 0 && !f)
        f = fail_errno(why, FAIL_WORLD, "cannot write %s", path);
    return f;
}

static fail fill(struct init *init, struct why *why)
{
    struct keys keys;
    struct admin *admin = NULL;
    struct arena arena = arena_make(64 * MIB);
    fail f = keys_create(&keys, init->made, &init->chance, why);
    keys_fini(&keys);
    if (!f)
        f = cert_create(init->made, "localhost", why);
    if (!f)
        f = write_spec(init, why);
    if (!f)
        f = admin_open(&admin, init->made, why);
    if (!f)
        f = officer_add(&init->officer, OFFICER, admin, &init->chance, why);
    if (!f && !init->empty)
        f = add_sample(admin, &arena, why);
    if (!f)
        f = write_codes(init, admin, why);
    admin_close(admin);
    arena_fini(&arena);
    return f;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static fail make(struct init *init, struct why *why)
{
    struct stat st;
    snprintf(init->made, sizeof(init->made), "%s.making", init->dir);
    if (stat(init->dir, &st) == 0 && rmdir(init->dir) < 0) /* an empty folder is fine */
        return fail_set(why, FAIL_CONFLICT,
                        "%s is there already and not empty; choose another folder, or "
                        "start this one with: examhall serve --data %s",
                        init->dir, init->dir);
    nftw(init->made, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* of an init that was cut off */
    if (mkdir(init->made, 0711) < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make the folder %s", init->made);
    fail f = fill(init, why);
    if (!f && rename(init->made, init->dir) < 0)
        f = fail_errno(why, FAIL_WORLD, "cannot rename %s to %s", init->made, init->dir);
    if (f)
        nftw(init->made, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return f;
}

static void print(const struct init *init)
{
    struct out out = out_make(16 * KIB);
    char codes[4200];
    snprintf(codes, sizeof(codes), "%s/candidates.csv", init->dir);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_z(&out, "url", "https://localhost:8443");
        jo_open(&out, "officer", '{');
        jo_z(&out, "name", OFFICER);
        jo_z(&out, "password", init->officer.password);
        jo_z(&out, "totp_secret", init->officer.totp_secret);
        jo_close(&out, '}');
        jo_z(&out, "candidates", codes);
        out_z(&out, "}\n");
    } else {
        out_fmt(&out,
                "The hall in %s is made.\n\n"
                "  Officer      name      " OFFICER "\n"
                "               password  %s\n"
                "               one-time code, for an authenticator app:\n"
                "               otpauth://totp/examhall:" OFFICER "?secret=%s&issuer=examhall\n"
                "               (shown only now; the hall keeps a hash)\n\n"
                "  Candidates   %s (roll number and code; keep it secret)\n\n"
                "Start it with: examhall serve --data %s\n",
                init->dir, init->officer.password, init->officer.totp_secret, codes, init->dir);
    }
    fwrite(out.p, 1, out.n, stdout);
    fflush(stdout);
    sodium_memzero(out.p, out.n);
    out_fini(&out);
}

int cmd_init(int argc, char **argv)
{
    struct init init = { 0 };
    const char *words[1];
    size_t n;
    bool stop;
    struct why why;
    const struct option options[] = { { "--empty", NULL, &init.empty } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 1, &n, &stop);
    if (status || stop)
        return status;
    if (n != 1)
        return help_for("init", stderr);
    init.dir = words[0];
    chance_real_init(&init.chance);
    fail f = make(&init, &why);
    if (f)
        return complain(f, &why);
    print(&init);
    sodium_memzero(&init, sizeof(init));
    return EXIT_DONE;
}
