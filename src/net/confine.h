/* confine.h - gives up every right a network-facing process does not need.
 *
 * First the whole process, once all keys are read (confine_process), then each thread for itself
 * when its descriptors are made (confine_thread). After both, code that a stranger took over can
 * move bytes on the connections it has, and nothing else: no files, no programs, no new addresses.
 */
#pragma once

#include "base/fail.h"

/* Root becomes `nobody`, in no group; nothing can be gained back; no core dumps, no debugger. */
fail confine_process(struct why *why) MUST_USE;

/* From here only the system calls in confine.c's table; any other ends the process. `rings`: it has
 * some (net_ring.h), and goes on using them. */
fail confine_thread(bool rings, struct why *why) MUST_USE;

/* False in builds with ASan, whose run time needs the whole kernel at a thread's end: there
 * confine_thread does nothing. */
bool confine_is_built(void);
