/* table.h - tables that are made at their limit and never move: addresses are reserved, memory is
 * used as entries are touched.
 *
 * A table of millions of rows that are looked up in no order asks for huge pages: else each look-up
 * also misses the table of pages (docs/performance.md), and a child that is forked to write a
 * checkpoint must copy a page table of a page for each 4 KiB. */
#pragma once

#include "base/base.h"

/* Zeroed, costs nothing until touched. Aborts when the kernel refuses the addresses. */
void *table_new(size_t entries, size_t entry_bytes);
void *table_new_huge(size_t entries,
                     size_t entry_bytes); /* in pages of 2 MiB where there are any */
void table_free(void *table, size_t entries, size_t entry_bytes); /* NULL is fine */
