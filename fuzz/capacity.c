/* capacity.c - any bytes as a capacity file and as a price list. What is taken is written again and
 * read to the same; no price is below zero. The first byte chooses which. */
#include "platform/measured.h"
#include "platform/prices.h"

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

static void check_prices(str text, struct arena *arena)
{
    struct prices prices;
    struct why why;
    if (prices_parse(&prices, text, NOW, arena, &why) != FAIL_NONE)
        return;
    must(prices.cluster >= 0 && prices.spot_percent > 0 && prices.as_of.n == 10);
    for (int list = 0; list < PRICE_LISTS; list++)
        for (size_t i = 0; i < prices.counts[list]; i++) {
            const struct price_machine *machine = &prices.machines[list][i];
            must(machine->vcpu > 0 && machine->memory_gib > 0 && machine->micros_per_hour >= 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = arena_make(8 * MIB);
    if (size > 1 && size <= MEASURED_BYTES_MAX)
        (data[0] % 2 ? check_measured : check_prices)(str_of(data + 1, size - 1), &arena);
    arena_fini(&arena);
    return 0;
}
