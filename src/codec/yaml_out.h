/* yaml_out.h - writes YAML in blocks, two blanks a level, always the same bytes for the same calls.
 *
 *     struct yaml_out y = { .out = out };
 *     yo_open(&y, "services");  yo_i64(&y, "replicas", 4);  yo_close(&y);
 *     yo_open(&y, "exams");     yo_item(&y);  yo_str(&y, "name", s);  yo_item_end(&y);
 * yo_close(&y); Text that another reader could take for a number, a date or a truth value is
 * quoted. */
#pragma once

#include "base/out.h"
#include "codec/yaml.h"

struct yaml_out {
    struct out *out;
    int depth;
    bool dash; /* the next line begins a list's member */
};

void yo_open(struct yaml_out *y, const char *key); /* a mapping or a list */
void yo_close(struct yaml_out *y);
void yo_item(struct yaml_out *y); /* a mapping as a list's member */
void yo_item_end(struct yaml_out *y);

void yo_str(struct yaml_out *y, const char *key, str text);
void yo_z(struct yaml_out *y, const char *key, const char *text);
void yo_i64(struct yaml_out *y, const char *key, int64_t v);
void yo_bool(struct yaml_out *y, const char *key, bool v);
void yo_empty(struct yaml_out *y, const char *key, const char *brackets); /* "{}" or "[]" */
/* A tree as it was read, without comments. */
void yo_tree(struct yaml_out *y, const char *key, const struct yaml *node);
/* A blank line and a comment before what comes. */
void yo_comment(struct yaml_out *y, const char *text);

/* One scalar, quoted when it must be. */
void yaml_scalar(struct out *out, str text);
