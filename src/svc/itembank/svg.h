/* svg.h - may this SVG picture be shown to candidates?
 *
 * Pages show pictures as <img>, where scripts cannot run; this is the second wall. It takes a
 * well-formed drawing of known elements: no script, foreignObject, image or animation, no on...
 * attribute, no reference to anything outside the picture, no DOCTYPE, entity or stylesheet. */
#pragma once

#include "base/fail.h"

fail svg_check(str svg, struct why *why) MUST_USE;
