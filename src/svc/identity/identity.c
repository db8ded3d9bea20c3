/* identity.c - who people are: the roster, officers, signing in.
 *
 * A candidate signs in with the roll number and the admit card's code. The code is remade from the
 * key and compared, in constant time and with the same work for a roll number that does not exist.
 * Wrong codes are slowed for that roll number, but the right code is always let in at once: nobody
 * can lock a rival out. Each sign-in raises the epoch, which ends every older session of that
 * person. Officers sign in with a password (Argon2id, on the worker thread) and a one-time code. */
#include "svc/delivery/delivery_api.h"

#include "crypto/code.h"
#include "crypto/password.h"

#include <sodium.h>

static const struct setting identity_settings[] = {
    { "identity.session_s", 600, 172800, 43200, "seconds until a candidate must sign in again" },
    { "identity.staff_session_s", 600, 86400, 28800,
      "seconds until an officer must sign in again" },
    { "identity.wrong_codes", 1, 100, 10, "wrong codes for one roll number before it is slowed" },
};

#define EPOCH_MAX       65000 /* answers keep 16 bits of it */
#define ROSTER_ROWS_MAX 2000
#define SLOTS           65536 /* of wrong codes by roll number; collisions only slow a guess more */
#define STAFF_JOBS_MAX  4     /* password checks waiting or running */

struct slot {
    uint32_t wrong;
    instant last;
};

struct identity {
    struct host *host;
    struct slot *slots;
    unsigned staff_jobs;
    uint64_t wrong_codes;
};

static fail identity_open(void *state, struct host *host, struct why *why)
{
    struct identity *identity = state;
    (void)why;
    identity->host = host;
    identity->slots = host_table(SLOTS, sizeof(*identity->slots));
    return FAIL_NONE;
}

static void set_cookie(struct req *req, enum token_kind kind, uint8_t role, uint32_t subject,
                       uint32_t epoch, int64_t seconds)
{
    struct token token = { .kind = kind,
                           .role = role,
                           .subject = subject,
                           .epoch = epoch,
                           .expires = req->now + seconds * 1000 };
    char text[TOKEN_CHARS + 1];
    token_write(&token, req->host->keys->token, text);
    out_fmt(req->headers,
            "Set-Cookie: __Host-examhall=%s; Path=/; Secure; HttpOnly; SameSite=Strict; "
            "Max-Age=%lld\r\n",
            text, (long long)seconds);
}

/* --- candidates --------------------------------------------------------------------------------
 */

/* 0, or how many seconds this roll number must wait before the next wrong code: 1, 2, 4 ... 60. */
static uint32_t slowed_s(const struct req *req, const struct slot *slot)
{
    int64_t free_ones = setting(req->host, "identity.wrong_codes");
    if (slot->wrong < free_ones)
        return 0;
    int64_t over = slot->wrong - free_ones;
    int64_t wait_ms = over < 6 ? 1000ll << over : 60000;
    int64_t left_ms = slot->last + wait_ms - req->now;
    return left_ms > 0 ? (uint32_t)((left_ms + 999) / 1000) : 0;
}

static fail wrong_code(struct req *req, struct slot *slot)
{
    struct identity *identity = req->state;
    uint32_t wait_s = slowed_s(req, slot);
    identity->wrong_codes++;
    if (req->now - slot->last > 15 * 60 * 1000)
        slot->wrong = 0;
    if (!wait_s) {
        slot->wrong++;
        slot->last = req->now;
        wait_s = slowed_s(req, slot);
    } else {
        req->why->retry_after_s = wait_s;
        return fail_as(
            req->why, FAIL_RATE, "slow-down",
            "too many wrong codes for this roll number; wait %u s, then type the code with care",
            wait_s);
    }
    req->why->retry_after_s = wait_s;
    return fail_as(
        req->why, FAIL_UNSIGNED, "wrong-code",
        "the roll number and the code do not belong together; both are on the admit card");
}

static bool code_is_right(const struct req *req, str roll, str typed)
{
    char given[CODE_CHARS + 1] = { 0 }, right[CODE_CHARS + 1];
    bool whole = code_normalise(given, typed);
    code_make(right, req->host->keys->code, roll, 0);
    return code_equal(given, right) && whole;
}

static fail sign_in(struct req *req)
{
    struct identity *identity = req->state;
    str roll = str_trim(req_str(req, "roll")), typed = req_str(req, "code");
    if (roll.n < 1 || roll.n > 64 || typed.n > 64)
        return fail_set(req->why, FAIL_INPUT, "roll and code must have 1 to 64 characters");
    struct slot *slot = &identity->slots[str_hash(roll) % SLOTS];
    const struct candidate *candidate = directory_roll(req->host->directory, roll);
    bool right = code_is_right(req, roll, typed); /* the same work whether the roll exists or not */
    if (!candidate || !right)
        return wrong_code(req, slot);
    uint32_t index = (uint32_t)(candidate - req->host->directory->candidates);
    uint32_t epoch = candidate->epoch + 1;
    if (epoch > EPOCH_MAX)
        return fail_as(req->why, FAIL_RATE, "slow-down",
                       "this candidate has signed in %u times; call the invigilator", EPOCH_MAX);
    fail f = emit(req->host, TOPIC_SESSIONS, CANDIDATE_SIGNED_IN, index,
                  str_of(&epoch, sizeof(epoch)), req->why);
    if (f)
        return f;
    slot->wrong = 0;
    set_cookie(req, TOKEN_CANDIDATE, 0, index, epoch, setting(req->host, "identity.session_s"));
    attempt_write(req->out, req->host->directory, index, 0, req->now);
    return FAIL_NONE;
}

static fail sign_out(struct req *req)
{
    out_z(req->headers, "Set-Cookie: __Host-examhall=; Path=/; Secure; HttpOnly; SameSite=Strict; "
                        "Max-Age=0\r\n");
    req->status = 204;
    const struct directory *d = req->host->directory;
    bool officer = req->who == WHO_OFFICER;
    char body[12]; /* the epoch moves on, so a copy of the cookie is worth nothing either */
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_u32(&out, req->epoch + 1);
    if (officer)
        wire_put_u64(&out, d->officers[req->subject].totp_step);
    return emit(req->host, TOPIC_SESSIONS, officer ? OFFICER_SIGNED_IN : CANDIDATE_SIGNED_IN,
                req->subject, str_of(body, out.n), req->why);
}

/* --- officers ----------------------------------------------------------------------------------
 */

struct staff_job {
    struct job job;
    uint32_t officer;
    bool right;
    char hash[PASSWORD_HASH_CHARS];
    str password;
    uint64_t step;
};

static void staff_run(struct job *job)
{
    struct staff_job *staff = CONTAINER(job, struct staff_job, job);
    staff->right = password_check(staff->hash, staff->password);
    sodium_memzero((char *)(uintptr_t)staff->password.p, staff->password.n);
}

static fail staff_refused(struct req *req)
{
    return fail_as(
        req->why, FAIL_UNSIGNED, "wrong-code",
        "name, password and one-time code do not belong together; a one-time code works once");
}

static fail staff_done(struct req *req, struct job *job)
{
    struct staff_job *staff = CONTAINER(job, struct staff_job, job);
    struct identity *identity = req->state;
    const struct directory *d = req->host->directory;
    identity->staff_jobs--;
    const struct officer *officer = &d->officers[staff->officer];
    if (!staff->right || staff->step <= officer->totp_step) /* another may have used it meanwhile */
        return staff_refused(req);
    char body[12];
    struct wire_out out = wire_out_make(body, sizeof(body));
    uint32_t epoch = officer->epoch + 1;
    wire_put_u32(&out, epoch);
    wire_put_u64(&out, staff->step);
    fail f = emit(req->host, TOPIC_SESSIONS, OFFICER_SIGNED_IN, staff->officer, str_of(body, out.n),
                  req->why);
    if (f)
        return f;
    set_cookie(req, TOKEN_OFFICER, officer->role, staff->officer, epoch,
               setting(req->host, "identity.staff_session_s"));
    jo_open(req->out, NULL, '{');
    jo_str(req->out, "name", officer->name);
    jo_z(req->out, "role", "officer");
    jo_i64(req->out, "now", req->now);
    jo_close(req->out, '}');
    return FAIL_NONE;
}

static bool open_totp(const struct req *req, const struct officer *officer,
                      uint8_t secret[TOTP_SECRET_BYTES])
{
    const uint8_t *sealed = (const uint8_t *)officer->totp_sealed.p;
    size_t overhead = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    return officer->totp_sealed.n == overhead + TOTP_SECRET_BYTES &&
           crypto_secretbox_open_easy(secret, sealed + crypto_secretbox_NONCEBYTES,
                                      officer->totp_sealed.n - crypto_secretbox_NONCEBYTES, sealed,
                                      req->host->keys->staff) == 0;
}

static fail staff_sign_in(struct req *req)
{
    struct identity *identity = req->state;
    str name = req_str(req, "name"), password = req_str(req, "password");
    if (identity->staff_jobs >= STAFF_JOBS_MAX)
        return fail_as(req->why, FAIL_RATE, "slow-down", "too many sign-ins at once; try again");
    if (password.n > 256 || name.n > 64)
        return fail_set(req->why, FAIL_INPUT, "name or password is too long");
    /* The one-time code first: it costs a microsecond, the password a tenth of a second. So a flood
     * of guesses takes no time from officers, and none of them can be locked out. */
    const struct officer *officer = directory_officer(req->host->directory, name);
    uint8_t secret[TOTP_SECRET_BYTES];
    uint64_t step = 0;
    if (officer && open_totp(req, officer, secret))
        step =
            totp_check(secret, sizeof(secret), req_str(req, "totp"), req->now, officer->totp_step);
    sodium_memzero(secret, sizeof(secret));
    if (!step)
        return staff_refused(req);
    struct staff_job *staff = arena_new(req->arena, struct staff_job);
    must(staff);
    staff->job = (struct job){ staff_run, staff_done };
    staff->password = arena_str(req->arena, password);
    staff->officer = (uint32_t)(officer - req->host->directory->officers);
    staff->step = step;
    memcpy(staff->hash, officer->password_hash.p,
           MIN(officer->password_hash.n, sizeof(staff->hash) - 1));
    identity->staff_jobs++;
    return req_later(req, &staff->job);
}

#define SEALED_BYTES (crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + TOTP_SECRET_BYTES)

struct officer_job {
    struct job job;
    str name, password;
    uint8_t sealed[SEALED_BYTES];
    char hash[PASSWORD_HASH_CHARS];
    fail f;
    struct why why;
};

static void officer_run(struct job *job)
{
    struct officer_job *officer = CONTAINER(job, struct officer_job, job);
    officer->f = password_hash(officer->hash, officer->password, &officer->why);
    sodium_memzero((char *)(uintptr_t)officer->password.p, officer->password.n);
}

static fail may_add(const struct req *req, str name)
{
    if (req->host->directory->officer_count == OFFICERS_MAX)
        return fail_set(req->why, FAIL_LIMIT, "a hall has at most %d officers", OFFICERS_MAX);
    if (name.n < 1 || name.n > 64 || directory_officer(req->host->directory, name))
        return fail_set(req->why, FAIL_CONFLICT,
                        "an officer's name has 1 to 64 characters and is new");
    return FAIL_NONE;
}

static fail officer_done(struct req *req, struct job *job)
{
    const struct officer_job *officer = CONTAINER(job, struct officer_job, job);
    char body[1024];
    if (officer->f) {
        *req->why = officer->why;
        return officer->f;
    }
    fail f = may_add(req, officer->name); /* another may have been added meanwhile */
    if (f)
        return f;
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_str(&out, officer->name);
    wire_put_u8(&out, 1);
    wire_put_str(&out, str_z(officer->hash));
    wire_put_str(&out, str_of(officer->sealed, sizeof(officer->sealed)));
    must(!out.failed);
    f = emit(req->host, TOPIC_STAFF, OFFICER_ADDED, req->host->directory->officer_count,
             str_of(body, out.n), req->why);
    if (!f)
        out_z(req->out, "{}");
    return f;
}

/* Adds an officer; the operator gives the password, which is hashed here, and the TOTP secret. */
static fail officer_add(struct req *req)
{
    str name = str_trim(req_str(req, "name")), password = req_str(req, "password"),
        secret_hex = req_str(req, "totp_secret_hex");
    uint8_t secret[TOTP_SECRET_BYTES];
    size_t secret_n;
    fail f = may_add(req, name);
    if (f)
        return f;
    if (password.n < 12 || password.n > 256)
        return fail_set(req->why, FAIL_INPUT, "a password has 12 to 256 characters");
    if (sodium_hex2bin(secret, sizeof(secret), secret_hex.p, secret_hex.n, NULL, &secret_n, NULL) ||
        secret_n != sizeof(secret))
        return fail_set(req->why, FAIL_INPUT, "totp_secret_hex must be 20 bytes in hexadecimal");
    struct officer_job *officer = arena_new(req->arena, struct officer_job);
    must(officer);
    officer->job = (struct job){ officer_run, officer_done };
    officer->name = name;
    officer->password = arena_str(req->arena, password);
    chance_fill(req->host->chance, officer->sealed, crypto_secretbox_NONCEBYTES);
    must(crypto_secretbox_easy(officer->sealed + crypto_secretbox_NONCEBYTES, secret,
                               sizeof(secret), officer->sealed, req->host->keys->staff) == 0);
    sodium_memzero(secret, sizeof(secret));
    return req_later(req, &officer->job);
}

/* --- the roster --------------------------------------------------------------------------------
 */

struct row {
    str roll, name, birth, centre;
    uint16_t exam;
    uint8_t shift;
    int64_t extra;
};

/* "paper-1/morning", "morning" when only one exam has it, or nothing: the only exam there is. */
static fail row_place(const struct directory *d, str exam, str shift, struct row *row,
                      struct why *why)
{
    unsigned found = 0;
    for (unsigned i = 0; i < d->exam_count; i++) {
        const struct exam *e = &d->exams[i];
        if (exam.n && !str_eq(e->name, exam))
            continue;
        if (!shift.n || e->shift_count == 0) {
            row->exam = (uint16_t)i;
            row->shift = 0;
            found++;
            continue;
        }
        for (unsigned k = 0; k < e->shift_count; k++) {
            if (!str_eq(e->shifts[k].name, shift))
                continue;
            row->exam = (uint16_t)i;
            row->shift = (uint8_t)k;
            found++;
        }
    }
    if (found == 1)
        return FAIL_NONE;
    if (found == 0)
        return fail_set(why, FAIL_INPUT, "no exam has the shift \"%.*s\"%s%.*s",
                        STR_ARG(str_first(shift, 64)), exam.n ? " or is called " : "",
                        STR_ARG(str_first(exam, 64)));
    return fail_set(why, FAIL_INPUT, "\"%.*s\" is in several exams; write exam/shift",
                    STR_ARG(str_first(shift, 64)));
}

/* '|' separates the members of a receipt's signed line. */
static bool is_roll(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f || s.p[i] == '|')
            return false;
    return true;
}

static fail row_read(const struct directory *d, const struct json *json, struct row *row,
                     struct why *why)
{
    static const char *const names[] = { "roll", "name",  "birth",         "centre",
                                         "exam", "shift", "extra_minutes", NULL };
    str exam = STR_NONE, shift = STR_NONE;
    *row = (struct row){ 0 };
    fail f = json_only(json, names, why);
    if (!f)
        f = json_str(json, "roll", true, &row->roll, why);
    if (!f)
        f = json_str(json, "name", true, &row->name, why);
    if (!f)
        f = json_str(json, "birth", false, &row->birth, why);
    if (!f)
        f = json_str(json, "centre", false, &row->centre, why);
    if (!f)
        f = json_str(json, "exam", false, &exam, why);
    if (!f)
        f = json_str(json, "shift", false, &shift, why);
    if (!f)
        f = json_i64(json, "extra_minutes", false, 0, 600, &row->extra, why);
    if (f)
        return f;
    if (!is_roll(row->roll))
        return fail_set(why, FAIL_INPUT,
                        "a roll number has no blanks, no control characters and no '|'");
    if (row->roll.n < 1 || row->roll.n > 24 || row->name.n < 1 || row->name.n > 400)
        return fail_set(why, FAIL_INPUT, "a roll number has 1 to 24 characters, a name 1 to 100");
    if (row->birth.n > 10 || row->centre.n > 200)
        return fail_set(why, FAIL_INPUT, "the date of birth or the centre is too long");
    if (directory_roll(d, row->roll))
        return fail_set(why, FAIL_CONFLICT, "the roll number %.*s is on the roster already",
                        STR_ARG(row->roll));
    ptrdiff_t slash = str_find(shift, '/');
    if (!exam.n && slash > 0) {
        exam = str_first(shift, (size_t)slash);
        shift = str_from(shift, (size_t)slash + 1);
    }
    return row_place(d, exam, shift, row, why);
}

static fail row_emit(struct req *req, const struct row *row)
{
    char body[1024];
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_str(&out, row->roll);
    wire_put_str(&out, row->name);
    wire_put_str(&out, row->birth);
    wire_put_str(&out, row->centre);
    wire_put_u16(&out, row->exam);
    wire_put_u8(&out, row->shift);
    wire_put_u16(&out, (uint16_t)row->extra);
    must(!out.failed);
    if (req->host->directory->candidate_count >= CANDIDATES_MAX)
        return fail_set(req->why, FAIL_LIMIT, "a hall has at most %d candidates", CANDIDATES_MAX);
    return emit_bulk(req->host, TOPIC_ROSTER, CANDIDATE_ADDED,
                     req->host->directory->candidate_count, str_of(body, out.n), req->why);
}

static void write_refusal(struct out *out, size_t index, const struct why *why)
{
    jo_open(out, NULL, '{');
    jo_i64(out, "index", (int64_t)index);
    jo_z(out, "reason", why->text);
    jo_close(out, '}');
}

/* When the log takes no more, the rows left over are refused with its reason; when it took none, so
 * is the request, and can be sent again as it is. */
static fail roster_add(struct req *req)
{
    const struct json *rows = json_get(req->body, STR("rows"));
    struct out refused = out_make(16 * MIB);
    size_t index = 0, imported = 0;
    fail stuck = FAIL_NONE;
    if (rows->count > ROSTER_ROWS_MAX)
        return fail_set(req->why, FAIL_LIMIT, "at most %d rows at once", ROSTER_ROWS_MAX);
    for (const struct json *json = rows->first; json; json = json->next, index++) {
        struct row row;
        fail f = stuck ? stuck : row_read(req->host->directory, json, &row, req->why);
        if (!f)
            stuck = f = row_emit(req, &row);
        if (f)
            write_refusal(&refused, index, req->why);
        else
            imported++;
    }
    if (!stuck || imported) {
        jo_open(req->out, NULL, '{');
        jo_i64(req->out, "imported", (int64_t)imported);
        jo_name(req->out, "refused");
        out_char(req->out, '[');
        out_str(req->out, out_view(&refused));
        out_z(req->out, "]}");
        stuck = FAIL_NONE;
    }
    out_fini(&refused);
    return stuck;
}

static fail roster_list(struct req *req)
{
    const struct directory *d = req->host->directory;
    uint64_t after = 0, limit = 2000;
    str text = req_query(req, "after");
    if (text.n && !str_u64(text, &after))
        return fail_set(req->why, FAIL_INPUT, "after must be the `next` of an earlier reply");
    uint64_t end = MIN(after + limit, d->candidate_count);
    jo_open(req->out, NULL, '{');
    jo_open(req->out, "rows", '[');
    for (uint64_t i = after; i < end; i++) {
        const struct candidate *c = &d->candidates[i];
        const struct exam *exam = &d->exams[c->exam];
        char code[CODE_CHARS + 1];
        code_make(code, req->host->keys->code, c->roll, 0);
        jo_open(req->out, NULL, '{');
        jo_str(req->out, "roll", c->roll);
        jo_str(req->out, "name", c->name);
        jo_str(req->out, "birth", c->birth);
        jo_str(req->out, "centre", c->centre);
        jo_str(req->out, "exam", exam->name);
        jo_str(req->out, "shift",
               c->shift < exam->shift_count ? exam->shifts[c->shift].name : STR(""));
        jo_i64(req->out, "extra_minutes", c->extra_minutes);
        jo_z(req->out, "code", code);
        jo_close(req->out, '}');
    }
    jo_close(req->out, ']');
    jo_at(req->out, "next", end < d->candidate_count ? (instant)end : 0);
    jo_close(req->out, '}');
    return FAIL_NONE;
}

static void identity_metrics(void *state, struct out *out)
{
    const struct identity *identity = state;
    out_fmt(out,
            "# HELP examhall_identity_wrong_codes_total Sign-ins with a wrong code.\n"
            "# TYPE examhall_identity_wrong_codes_total "
            "counter\nexamhall_identity_wrong_codes_total %llu\n",
            (unsigned long long)identity->wrong_codes);
}

static const struct route identity_routes[] = {
    { "POST", "/v1/sessions", sign_in, WHO_ANYONE, "A candidate signs in",
      "roll:string code:string", 0 },
    { "DELETE", "/v1/sessions", sign_out, WHO_CANDIDATE | WHO_OFFICER, "Sign out", NULL, 0 },
    { "POST", "/v1/staff/sessions", staff_sign_in, WHO_ANYONE, "An officer signs in",
      "name:string password:string totp:string", 0 },
    { "POST", "/v1/officers", officer_add, WHO_OPERATOR, "Add an officer",
      "name:string password:string totp_secret_hex:string", 0 },
    { "POST", "/v1/roster", roster_add, WHO_OPERATOR, "Add candidates", "rows:array", 8 * MIB },
    { "GET", "/v1/roster", roster_list, WHO_OPERATOR, "Candidates with their codes; after", NULL,
      0 },
};

const struct service svc_identity = {
    .name = "identity",
    .purpose = "people, credentials, sessions, TOTP",
    .settings = TABLE(identity_settings),
    .routes = TABLE(identity_routes),
    .state_bytes = sizeof(struct identity),
    .open = identity_open,
    .metrics = identity_metrics,
};
