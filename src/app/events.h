/* events.h - every event there is: its topic, its type, what `key` means, its body's fields in
 * order.
 *
 * This is the hall's history format: types and fields are only ever added. Bodies are codec/wire.h.
 * A fold that meets a type it does not know ignores it. */
#pragma once

#include "store/log.h"

/* Raised with each type or field that is added. A program with a lower one would ignore what it
 * does not know, so it never takes over from one with a higher one (cli/upgrade.c). */
#define EVENTS_FORM 1

enum event_type {
    /* TOPIC_EXAMS; key: exam */
    EXAM_DEFINED = 1, /* name, title, minutes u32, right i32, wrong i32 (milli marks), partial u8,
                         instructions (lines), shift count u8, {name, opens i64, starts i64} */
    EXAM_EMPTIED = 2, /* all items gone: u32 0 */
    ITEM_ADDED = 3,   /* item u16 (from 1), kind u8, options u8, blanks u8, flags u8, right i32,
                         wrong i32, section name, digest[32], public JSON */
    EXAM_OPENED = 4,  /* paper digest (hex), officer */
    EXAM_CLOSED = 5,  /* officer */
    /* TOPIC_KEYS; key: exam */
    KEY_SET = 1,      /* item u16, score_key_encode */
    KEYS_EMPTIED = 2, /* u32 0 */
    /* TOPIC_ROSTER; key: candidate */
    CANDIDATE_ADDED = 1, /* roll, name, birth, centre, exam u16, shift u8, extra_minutes u16 */
    /* TOPIC_STAFF; key: officer */
    OFFICER_ADDED = 1, /* name, role u8, password hash, sealed TOTP secret */
    /* TOPIC_SESSIONS; key: candidate or officer */
    CANDIDATE_SIGNED_IN = 1, /* epoch u32 */
    OFFICER_SIGNED_IN = 2,   /* epoch u32, TOTP step u64 */
    /* TOPIC_ATTEMPTS; key: candidate */
    ATTEMPT_STARTED = 1,   /* ends_at i64, epoch u32 */
    TIME_ADDED = 2,        /* seconds i32, reason, officer, idempotency key */
    ATTEMPT_SUBMITTED = 3, /* by u8 (enum submitted_by), answered u16, saves u32, digest[32] */
    /* TOPIC_ANSWERS; key: candidate */
    ANSWER_SAVED = 1, /* item u16, flags u8, epoch u32, seq u32, value (rest of the body) */
    /* TOPIC_RESULTS; key: exam */
    EXAM_SCORED = 1,       /* blob name, attempts u32 */
    RESULTS_PUBLISHED = 2, /* officer */
};

enum submitted_by { BY_NOBODY, BY_CANDIDATE, BY_TIME, BY_OFFICER };
