/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * `tandem doctor`: what a Tandem of this configuration needs of its machine,
 * its XMPP server and its trunks, tried one after the other before anybody
 * calls. Each finding is a line; what is not well is followed by how to mend
 * it.
 */
#pragma once

#include <stdio.h>

#include "gateway/base/err.h"

/*
 * All checks of the configuration in the file @path, told to @out as they go;
 * takes up to half a minute. A Tandem that runs with that configuration is not
 * disturbed: what it holds is then not tried. Uses the process's only SIP
 * agent; root becomes the service's user for good, to find files as it will.
 * Returns how many findings must be mended.
 */
unsigned doctor_run(const char *path, FILE *out);
