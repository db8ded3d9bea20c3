/* image_purl.h - a Debian package's name as the world writes it (package-url specification). */
#pragma once

#include "base/out.h"
#include "platform/packages.h"

/* pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12&upstream=glibc */
void purl_debian(struct out *out, const struct package *package, str distribution);
