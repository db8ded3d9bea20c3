/* digest.h - SHA-256 as OCI names things: "sha256:" and 64 hexadecimal digits. */
#pragma once

#include "crypto/digest.h"

#define DIGEST_CHARS 64

struct digest {
    char hex[SHA256_HEX];
};

struct digest digest_of(str bytes);
bool digest_is(str hex); /* 64 lower-case hexadecimal digits, and nothing else */
/* "sha256:..." as a registry or a layout writes it; false for any other algorithm too. */
bool digest_read(struct digest *digest, str text);
