/* sample.c - see sample.h. The files are taken in as they are; the Makefile knows the dependency.
 */
#include "platform/sample.h"

#define EMBED(name, path)                                                                          \
    __asm__(".pushsection .rodata\n" #name "_begin:\n.incbin \"" path "\"\n" #name                 \
            "_end:\n.byte 0\n"                                                                     \
            ".popsection\n");                                                                      \
    extern const char name##_begin[], name##_end[]

EMBED(sample_exam, "data/sample/exam.jsonl");
EMBED(sample_roster, "data/sample/roster.csv");

str sample_exam(void)
{
    return str_of(sample_exam_begin, (size_t)(sample_exam_end - sample_exam_begin));
}

str sample_roster(void)
{
    return str_of(sample_roster_begin, (size_t)(sample_roster_end - sample_roster_begin));
}

const char sample_spec[] =
    "# The spec of this hall: everything about it that people decide. examhall serve reads it.\n"
    "hall: %s\n"
    "title: Sample hall\n"
    "domain: localhost\n"
    "time_zone: UTC\n"
    "%s"
    "\n"
    "objectives: # what a rehearsal and a rollout are judged by\n"
    "  save:    {p99: 250ms, lost: 0}\n"
    "  sign_in: {p99: 2s}\n"
    "  failed:  0\n"
    "\n"
    "# Where the hall stands. `examhall env check --explain` says every setting of each, and where "
    "it\n"
    "# comes from; `examhall env add` adds one. Of the two on AWS only prod's own keys differ.\n"
    "environments:\n"
    "  local:   {on: machine}\n"
    "  # nonprod: {on: aws, account: \"111122223333\", region: ap-south-1, size: small}\n"
    "  # prod:    {like: nonprod, account: \"444455556666\", size: exam}\n";
