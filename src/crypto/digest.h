/* digest.h - SHA-256 as people compare it: 64 hexadecimal digits, as sha256sum prints them. */
#pragma once

#include "base/fail.h"

#define SHA256_HEX 65 /* with its NUL */

void sha256_hex(char hex[SHA256_HEX], str bytes);
/* Of a file, however large; FAIL_WORLD when it cannot be read. */
fail sha256_file(char hex[SHA256_HEX], const char *path, struct why *why) MUST_USE;
