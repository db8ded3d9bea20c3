/* assembly_api.h - in which order a candidate sees items and options.
 *
 * A keyed function of hall, exam, roll number and paper: nothing is stored, every process computes
 * the same, a restart changes nothing, and nobody without the hall's form key can foretell it.
 * Neighbours see different orders; a photo of a screen names its candidate (assembly_trace).
 *
 * Sections stay in their order, items move within their section, options within their item; a last
 * option such as "None of these" stays last. Changing a byte of how this is computed reorders
 * running exams: tests/unit/assembly_test.c has a known answer. */
#pragma once

#include "app/service.h"

#define ASSEMBLY_OPTIONS_MAX 8

struct assembly_order {
    unsigned count;
    uint16_t items[ITEMS_MAX]; /* by place from 0: the item's index in the paper, from 0 */
    uint8_t options[ITEMS_MAX][ASSEMBLY_OPTIONS_MAX]; /* by item index: paper's options as shown */
};

/* Which form of which paper. */
struct assembly_form {
    const uint8_t *key; /* 32 bytes: keys->form */
    str exam, paper;    /* the exam's name, the digest of its paper */
    const struct item_shape *items;
    unsigned count;
};

void assembly_order(const struct assembly_form *form, str roll, struct assembly_order *order);

/* Opens the form object of ARCHITECTURE.md in the reply (as member `name`, or alone with NULL), for
 * the caller to close. Only of who has started. */
void assembly_form_open(struct req *req, const char *name, uint32_t candidate);

/* What a photo shows of one item. */
struct assembly_sight {
    uint16_t item;                         /* index in the paper, from 0 */
    uint16_t place;                        /* where it stood, from 1; 0: not to be seen */
    uint8_t option_count;                  /* 0: the options are not to be seen */
    uint8_t options[ASSEMBLY_OPTIONS_MAX]; /* the paper's indices, as shown from above */
};

/* Calls found() for every roll number of next() that sees exactly this; returns how many. */
unsigned assembly_trace(const struct assembly_form *form, const struct assembly_sight *sights,
                        unsigned sight_count, bool (*next)(void *ctx, str *roll),
                        void (*found)(void *ctx, str roll), void *ctx);
