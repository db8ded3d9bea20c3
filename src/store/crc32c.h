/* crc32c.h - the checksum of stored bytes (Castagnoli, RFC 3720): finds every change of up to three
 * bits, and any other with all but one chance in four thousand million. */
#pragma once

#include "base/base.h"

/* `before` chains calls: crc32c(crc32c(0, a), b) is the sum of a followed by b. */
uint32_t crc32c(uint32_t before, const void *bytes, size_t n);
uint32_t crc32c_table(uint32_t before, const void *bytes, size_t n); /* without the CPU's help */
