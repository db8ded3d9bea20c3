/* spec_check.h - what the parts of the check share; see spec.h for the whole. */
#pragma once

#include "platform/spec.h"
#include "platform/spec_schema.h"

void spec_mistake(struct spec_mistakes *mistakes, int line, const char *format, ...) PRINTF(3, 4);

/* Holds a tree against the schema: keys, types, ranges. */
void spec_check_tree(const struct yaml *root, struct spec_mistakes *mistakes);
/* What rows cannot say of services, and of environments. The tree may be wrong elsewhere. */
void spec_check_services(const struct yaml *root, struct spec_mistakes *mistakes);
void spec_check_environments(const struct spec *spec, struct spec_mistakes *mistakes);

/* Whether a service of that name exists, or is the gateway. */
bool spec_is_service(str name);
