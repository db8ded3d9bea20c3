/* reply.h - the one table that turns a failure into an HTTP status and a problem document. */
#pragma once

#include "app/hall.h"

unsigned reply_status(fail f);
/* Makes the exchange's reply an RFC 9457 problem: status, type, title, detail, Retry-After. */
void reply_problem(struct exchange *exchange, fail f);
