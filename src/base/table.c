/* table.c - see table.h. */
#include "base/table.h"

#include <sys/mman.h>

void *table_new(size_t entries, size_t entry_bytes)
{
    void *p = mmap(NULL, entries * entry_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(p != MAP_FAILED);
    return p;
}

void *table_new_huge(size_t entries, size_t entry_bytes)
{
    void *p = table_new(entries, entry_bytes);
    madvise(p, entries * entry_bytes, MADV_HUGEPAGE); /* refused: it is only slower */
    return p;
}

void table_free(void *table, size_t entries, size_t entry_bytes)
{
    if (table)
        must(munmap(table, entries * entry_bytes) == 0);
}
