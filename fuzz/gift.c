/* gift.c - any bytes as a paper in GIFT: every item that comes out is whole. */
#include "fuzz/items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_import(IMPORT_GIFT, str_of(data, size));
    return 0;
}
