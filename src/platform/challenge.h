/* challenge.h - reads WWW-Authenticate: how a server wants to be convinced of who asks.
 *
 * The text is a stranger's. RFC 9110, 11.3 to 11.6; Bearer with realm, service and scope as
 * registries write it (distribution specification, "token authentication"). */
#pragma once

#include "base/str.h"

struct challenge {
    bool basic, bearer;
    str realm, service, scope; /* of Bearer; empty when absent */
};

/* One challenge, or several after each other, by commas or by lines. Slices point into text.
 * false: it is not well-formed, or names neither Basic nor Bearer. */
bool challenge_read(struct challenge *challenge, str text);
