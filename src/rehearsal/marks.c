/* marks.c - see marks.h. */
#include "rehearsal/marks.h"

#include "codec/json.h"

uint32_t marks_bits(str letters)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < letters.n; i++) {
        if (letters.p[i] < 'A' || letters.p[i] > 'Z')
            return 0;
        bits |= 1u << (letters.p[i] - 'A');
    }
    return bits;
}

int marks_worth(uint32_t key, uint32_t chosen)
{
    if (!chosen)
        return 0;
    if (chosen == key)
        return 4;
    return chosen & ~key ? -1 : __builtin_popcount(chosen);
}

void marks_keys_read(uint32_t *keys, unsigned items_max, str jsonl)
{
    struct arena arena = arena_make(MIB);
    for (unsigned i = 1; i <= items_max && jsonl.p && jsonl.n; i++) {
        struct json *root;
        struct why why;
        str key = STR_NONE;
        str line = str_cut(&jsonl, '\n');
        const struct json *options = NULL;
        keys[i] = 0;
        if (!json_parse(&root, line, &arena, &why) && (options = json_get(root, STR("options"))) &&
            !json_str(root, "key", true, &key, &why))
            keys[i] = marks_bits(key);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}
