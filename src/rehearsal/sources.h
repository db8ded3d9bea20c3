/* sources.h - from which addresses of this machine its virtual candidates connect.
 *
 * A connection is told apart by its two addresses and ports, so one source address has room for as
 * many as there are ephemeral ports; beyond half of them the kernel searches long for a free one
 * and connect() crawls. Who has more candidates than that needs more addresses. A loopback target
 * has a whole network of them (agent_io.c); elsewhere the machine must own each. */
#pragma once

#include "rehearsal/agent_io.h"

unsigned sources_ports(void); /* connections that one source address has room for */

/* Fills target->sources: with `given`, "10.0.0.5,10.0.0.6", each of which must be this machine's;
 * else with all addresses of the interface that leads to the target, when `candidates` need more
 * than one. FAIL_USAGE: one is none of ours. FAIL_LIMIT: the candidates do not fit. */
fail sources_choose(struct io_target *target, const char *given, uint32_t candidates,
                    struct why *why) MUST_USE;
