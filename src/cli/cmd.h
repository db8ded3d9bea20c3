/* cmd.h - the command line: a command is a row in main.c's table, a file, and a help text.
 *
 * To add one: `int cmd_<name>(int argc, char **argv)` in src/cli/cmd_<name>.c, a row in main.c.
 * argv[0] is the command's name. Exit statuses are a contract. Errors go to stderr as one line that
 * says what, where, why and what to do; with --json the result is one object on stdout. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "base/out.h"

#include <stdio.h>

enum exit_status {
    EXIT_DONE = 0,
    EXIT_NO = 1, /* the answer is no: a verdict failed, a receipt is not true, rows were refused */
    EXIT_USAGE = 2, /* the words are wrong */
    EXIT_WORLD = 3, /* the world failed */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: hidden, for examhall's own processes */
    const char *help;    /* usage, options, an example */
};

int cmd_init(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_exam(int argc, char **argv);
int cmd_roster(int argc, char **argv);
int cmd_rehearse(int argc, char **argv);
int cmd_officer(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_env(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_upgrade(int argc, char **argv);
int cmd_deploy(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_hall(int argc, char **argv);     /* hidden: the hall's process */
int cmd_gateway(int argc, char **argv);  /* hidden: the gateway's process */
int cmd_tunnel(int argc, char **argv);   /* hidden: between the two in a cluster */
int cmd_handover(int argc, char **argv); /* hidden: says how it takes over (upgrade_order.c) */

const char *version(void);
const char *revision(void);                  /* the commit's full name, or "unknown" */
int64_t commit_time_s(void);                 /* since 1970; 0 when the commit is unknown */
int help_for(const char *command, FILE *to); /* prints it; gives EXIT_DONE or EXIT_USAGE */

/* --- words of a command line -------------------------------------------------------------------
 */

struct option {
    const char *name;   /* "--data" */
    const char **value; /* takes one; or NULL */
    bool *flag;         /* takes none; or NULL */
};

/* Sorts argv[1..] into options and words (at most words_max; *words_n of them). --help prints the
 * command's help. Returns EXIT_DONE to go on, or the status to exit with, having said why; help is
 * EXIT_DONE with *stop set. */
int args_parse(int argc, char **argv, const struct option *options, size_t count,
               const char **words, size_t words_max, size_t *words_n, bool *stop);
bool arg_i64(const char *name, const char *text, int64_t min, int64_t max,
             int64_t *out); /* says why */

/* As a person would type it: quoted where a shell would not keep it whole. */
void out_word(struct out *out, const char *word);

int complain(fail f, const struct why *why); /* prints it, gives the exit status of f */
bool is_json_wanted(void);                   /* after args_parse: --json was there */
bool is_terminal(int fd);                    /* and NO_COLOR is not set */

/* --- a hall's operator -------------------------------------------------------------------------
 */

/* Talks to the running hall over DIR/run/admin.sock; without one, opens the hall in this process.
 */
struct admin;

fail admin_open(struct admin **admin, const char *dir, struct why *why) MUST_USE;
/* The same for who only asks: a hall that does not run is read and left as it is, without what the
 * spec has defined since. */
fail admin_look(struct admin **admin, const char *dir, struct why *why) MUST_USE;
/* Any status from 200 to 299 is FAIL_NONE; otherwise why carries the problem's detail. `body` is
 * JSON or empty. The reply lies in the arena. A 503 with Retry-After is tried again for a while. */
fail admin_call(struct admin *admin, const char *method, const char *target, str body,
                struct arena *arena, str *reply, struct why *why) MUST_USE;
bool admin_is_live(const struct admin *admin);
void admin_close(struct admin *admin);

/* The --data folder that is meant: given, or ./hall, or FAIL_USAGE with what to do. */
fail hall_dir(const char *given, const char **dir, struct why *why) MUST_USE;
fail file_read(const char *path, size_t bytes_max, struct arena *arena, str *bytes,
               struct why *why) MUST_USE;

/* --- progress ----------------------------------------------------------------------------------
 */

/* One line on a terminal, redrawn; a line every few seconds elsewhere; nothing with --json. */
struct progress {
    const char *what;
    uint64_t total;
    int64_t started_us, shown_us;
};
void progress_start(struct progress *progress, const char *what, uint64_t total);
void progress_show(struct progress *progress, uint64_t done);
void progress_end(struct progress *progress, uint64_t done);
