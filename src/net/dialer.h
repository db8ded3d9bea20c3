/* dialer.h - finds a host by its name and connects to it, on a thread of its own.
 *
 * Names are looked up again at each try: in a cluster the same name is another address after a pod
 * was replaced. Looking up may take seconds, which no loop has. */
#pragma once

#include "base/fail.h"

struct dialer;

/* `address` is HOST:PORT, kept. The thread lives as long as the process. */
fail dialer_new(struct dialer **dialer, const char *address, struct why *why) MUST_USE;
int dialer_fd(const struct dialer *dialer);   /* readable: a connection is there */
void dialer_ask(const struct dialer *dialer); /* for one connection: it tries until it has one */
int dialer_take(const struct dialer *dialer); /* a connected socket that does not block, or -1 */
