/* capacity.c - any bytes as a capacity file and as a price list. What is taken is written again and
 * read to the same; no price is below zero. The first byte chooses which. */
#include "platform/measured.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1795000000000LL

static void check_measured(str text, struct arena *arena)
{
    struct measured first = { 0 }, second = { 0 };
    struct out once = out_make(2 * MEASURED_BYTES_MAX), twice = out_make(2 * MEASURED_BYTES_MAX);
    struct why why;
    if (measured_parse(&first, text, NOW, arena, &why) == FAIL_NONE) {
        measured_write(&once, &first);
        must(measured_parse(&second, out_view(&once), NOW, arena, &why) == FAIL_NONE);
        measured_write(&twice, &second);
        must(str_eq(out_view(&once), out_view(&twice)));
    }
    out_fini(&once);
    out_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(8 * MIB);
    if (size && size <= MEASURED_BYTES_MAX)
        check_measured(str_of(data, size), &arena);
    arena_fini(&arena);
    return 0;
}
