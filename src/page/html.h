/* html.h - text from outside into a page: nothing in it can become a tag or end an attribute. */
#pragma once

#include "base/out.h"

/* For text and for attributes in double quotes. What is no UTF-8 or no printable character becomes
 * U+FFFD, so the page also stays well-formed XML. */
void html_text(struct out *out, str text);
