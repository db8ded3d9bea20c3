/* importer.h - what the three readers of import.h share. Only for them. */
#pragma once

#include "svc/itembank/import.h"

#define IMPORT_ITEM_MEMORY_BYTES_MAX (4 * MIB)

struct importer {
    const struct import_sink *sink;
    struct import_count *count;
    struct arena arena; /* of the item at hand; empty again after each */
    struct arena seen_arena;
    struct seen *seen; /* digests of the items given, by open addressing */
    size_t seen_count, seen_cap;
    bool stopped;
};

/* Checks the item, looks whether it is new, and gives or refuses it. */
void importer_offer(struct importer *importer, struct item *item, unsigned line);
void importer_refuse(struct importer *importer, unsigned line, const char *reason);

/* Fills kind and key from a key's text where the author did not say a kind: see import.h. */
fail importer_key_text(struct importer *importer, struct item *item, bool kind_known, str text,
                       str tolerance, struct why *why) MUST_USE;

void import_jsonl(struct importer *importer, str bytes);
fail import_csv(struct importer *importer, str bytes, struct why *why) MUST_USE;
void import_gift(struct importer *importer, str bytes);
