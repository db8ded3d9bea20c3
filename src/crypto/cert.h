/* cert.h - a self-signed certificate for a hall's first day, until the authority brings its own. */
#pragma once

#include "base/fail.h"

/* Writes DIR/keys/tls.crt and tls.key (0600): P-256, a year, for `domain`, localhost and 127.0.0.1.
 */
fail cert_create(const char *dir, const char *domain, struct why *why) MUST_USE;
