/* delivery_core.c - the rules of an attempt's time, without I/O; see delivery_api.h. */
#include "svc/delivery/delivery_api.h"

const char *const attempt_state_names[] = { "waiting",   "ready",  "running",
                                            "submitted", "closed", "published" };

static const struct shift *shift_of(const struct exam *exam, const struct candidate *candidate)
{
    return candidate->shift < exam->shift_count ? &exam->shifts[candidate->shift] : NULL;
}

enum attempt_state attempt_state(const struct directory *directory, uint32_t index, instant now)
{
    const struct candidate *candidate = &directory->candidates[index];
    const struct exam *exam = &directory->exams[candidate->exam];
    const struct attempt *attempt = &candidate->attempt;
    const struct shift *shift = shift_of(exam, candidate);
    bool started = attempt->started_at != 0;
    if (exam->state == EXAM_PUBLISHED)
        return started ? ATTEMPT_RESULT : ATTEMPT_MISSED;
    if (started) /* out of time is not submitted: there is no receipt before answers has said so */
        return attempt->submitted_at ? ATTEMPT_OVER : ATTEMPT_RUNNING;
    if (exam->state > EXAM_OPEN)
        return ATTEMPT_MISSED;
    if (exam->state != EXAM_OPEN || (shift && shift->starts > now))
        return ATTEMPT_WAITING;
    return ATTEMPT_READY;
}

static void write_lines(struct out *out, const char *name, str lines)
{
    jo_open(out, name, '[');
    for (str rest = lines; rest.p && rest.n;)
        jo_str(out, NULL, str_cut(&rest, '\n'));
    jo_close(out, ']');
}

void attempt_open(struct out *out, const struct directory *directory, uint32_t index,
                  unsigned place, instant now)
{
    const struct candidate *candidate = &directory->candidates[index];
    const struct exam *exam = &directory->exams[candidate->exam];
    const struct attempt *attempt = &candidate->attempt;
    const struct shift *shift = shift_of(exam, candidate);
    jo_open(out, NULL, '{');
    jo_i64(out, "attempt", index + 1);
    jo_str(out, "roll", candidate->roll);
    jo_str(out, "name", candidate->name);
    jo_str(out, "exam", exam->name);
    jo_str(out, "title", exam->title);
    jo_z(out, "state", attempt_state_names[attempt_state(directory, index, now)]);
    jo_i64(out, "items", exam->item_count);
    jo_open(out, "sections", '[');
    for (unsigned i = 0; i < exam->section_count; i++)
        jo_str(out, NULL, exam->sections[i]);
    jo_close(out, ']');
    jo_i64(out, "minutes", exam->minutes);
    jo_i64(out, "extra_minutes", candidate->extra_minutes + attempt->extra_s / 60);
    jo_at(out, "opens_at", shift ? shift->opens : 0);
    jo_at(out, "starts_at", shift ? shift->starts : 0);
    jo_at(out, "started_at", attempt->started_at);
    jo_at(out, "ends_at", attempt->ends_at);
    jo_at(out, "submitted_at", attempt->submitted_at);
    write_lines(out, "instructions", exam->instructions);
    jo_at(out, "place", place);
    jo_i64(out, "now", now);
}

void attempt_write(struct out *out, const struct directory *directory, uint32_t index,
                   unsigned place, instant now)
{
    attempt_open(out, directory, index, place, now);
    jo_close(out, '}');
}
