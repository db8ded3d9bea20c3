/* json.c - any bytes as JSON, and as a paper in JSON lines. What parses is written and parses to
 * the same again; what is cut short does not parse. */
#include "fuzz/items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_tree(struct out *out, const struct json *json)
{
    static const char *const words[] = { "null", "false", "true" };
    if (json->name.p) {
        out_json(out, json->name);
        out_char(out, ':');
    }
    if (json->type <= JSON_TRUE)
        out_z(out, words[json->type]);
    else if (json->type == JSON_NUMBER)
        out_str(out, json->text);
    else if (json->type == JSON_STRING)
        out_json(out, json->text);
    if (json->type < JSON_ARRAY)
        return;
    out_char(out, json->type == JSON_ARRAY ? '[' : '{');
    for (const struct json *member = json->first; member; member = member->next) {
        write_tree(out, member);
        out_z(out, member->next ? "," : "");
    }
    out_char(out, json->type == JSON_ARRAY ? ']' : '}');
}

static void check_tree(str bytes)
{
    struct arena arena = arena_make(16 * MIB);
    struct out once = out_make(16 * MIB), twice = out_make(16 * MIB);
    struct json *root;
    struct why why;
    if (json_parse(&root, bytes, &arena, &why) == FAIL_NONE) {
        bool open = root->type >= JSON_STRING;
        write_tree(&once, root);
        must(json_parse(&root, out_view(&once), &arena, &why) == FAIL_NONE);
        write_tree(&twice, root);
        must(str_eq(out_view(&once), out_view(&twice)));
        must(!open || json_parse(&root, str_first(out_view(&once), once.n - 1), &arena, &why));
    }
    out_fini(&once);
    out_fini(&twice);
    arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_tree(str_of(data, size));
    check_import(IMPORT_JSONL, str_of(data, size));
    return 0;
}
