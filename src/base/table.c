/* table.c - see table.h. */
#include "base/table.h"

#include <sys/mman.h>

#define HUGE_BYTES (2 * MIB)

/* Whole huge pages: only a mapping that holds one gets one, and the kernel aligns those. */
static size_t table_bytes(size_t entries, size_t entry_bytes)
{
    return (entries * entry_bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
}

void *table_new(size_t entries, size_t entry_bytes)
{
    void *p = mmap(NULL, table_bytes(entries, entry_bytes), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(p != MAP_FAILED);
    return p;
}

void *table_new_huge(size_t entries, size_t entry_bytes)
{
    void *p = table_new(entries, entry_bytes);
    madvise(p, table_bytes(entries, entry_bytes), MADV_HUGEPAGE); /* refused: it is only slower */
    return p;
}

void table_free(void *table, size_t entries, size_t entry_bytes)
{
    if (table)
        must(munmap(table, table_bytes(entries, entry_bytes)) == 0);
}
