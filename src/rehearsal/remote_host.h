/* remote_host.h - an agent host elsewhere as a host of the crew; see crew.h. */
#pragma once

#include "rehearsal/crew.h"
#include "rehearsal/link.h"

/* Both sides, right after the handshake: the peer must be of the other role and the same program,
 * byte for byte. */
fail link_greet(struct link *link, int role, const char *version, struct why *why) MUST_USE;
/* Takes the link on success: greets, compares clocks, joins the crew. */
fail remote_join(struct crew *crew, struct link *link, const char *version,
                 struct why *why) MUST_USE;
