/* items.h - what must hold of every item that an importer gives, whatever the bytes were. */
#pragma once

#include "svc/itembank/import.h"
#include "svc/scoring/scoring_core.h"

static void check_key(const struct item *item)
{
    static char bytes[SCORE_KEY_BYTES_MAX];
    static const struct score_rule rule = { 4000, -1000, PARTIAL_SUBSET };
    struct arena arena = arena_make(MIB);
    struct wire_out out = wire_out_make(bytes, sizeof(bytes));
    struct score_key key;
    score_key_encode(&out, &item->key);
    must(!out.failed);
    struct wire_in in = wire_in_make(str_of(bytes, out.n));
    must(score_key_decode(&key, &in, &arena) && in.left == 0);
    score_item(&key, &rule, str_first(item->text, 200));
    arena_fini(&arena);
}

static bool check_item(void *ctx, const struct item *item, unsigned line)
{
    struct why why;
    struct json *json;
    struct item back;
    struct arena arena = arena_make(4 * MIB);
    struct out once = out_make(ITEM_JSON_BYTES_MAX), twice = out_make(ITEM_JSON_BYTES_MAX);
    (void)ctx;
    must(line > 0 && item_check(item, &why) == FAIL_NONE);
    item_write_public(&once, item, 1, 0);
    must(!once.failed && json_parse(&json, out_view(&once), &arena, &why) == FAIL_NONE);
    out_clear(&once);
    item_write_json(&once, item);
    must(!once.failed && json_parse(&json, out_view(&once), &arena, &why) == FAIL_NONE);
    must(item_from_json(&back, json, &arena, &why) == FAIL_NONE);
    must(item_check(&back, &why) == FAIL_NONE);
    item_write_json(&twice, &back);
    must(str_eq(out_view(&once), out_view(&twice)));
    check_key(item);
    out_fini(&once);
    out_fini(&twice);
    arena_fini(&arena);
    return true;
}

static void check_refusal(void *ctx, unsigned line, const char *reason)
{
    (void)ctx;
    must(line > 0 && reason[0]);
}

static inline void check_import(enum import_format format, str bytes)
{
    static const struct import_sink sink = { check_item, check_refusal, NULL };
    struct import_count count;
    struct why why;
    if (import_items(format, bytes, &sink, &count, &why) == FAIL_NONE)
        must(count.read == count.taken + count.refused);
}
