/* xml_check.h - whether a text is well-formed: every tag ended in order, attributes quoted and not
 * repeated by accident of a stray quote, every & an entity. */
#pragma once

#include "base/str.h"

/* NULL when it is; else what is wrong, in words that hold until the next call. */
const char *xml_check(str text);
