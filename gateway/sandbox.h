/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the process may still ask of the kernel once it serves: seccomp(2), by a
 * list of system calls. It is the second wall behind the unit's sandbox
 * (deploy/tandem.service), and the first where there is no systemd.
 */
#pragma once

#include "gateway/base/err.h"

/*
 * For all threads there are and will be; never taken back. What is not on the
 * list answers ENOSYS, which libraries know from older kernels; what only
 * somebody else's code would ask for (a program started, another process
 * traced, a file system mounted) ends the process.
 *
 * Called when all is loaded: the C library's locale and names, OpenSSL's
 * providers. 0, -ENOTSUP where the kernel or a sanitizer does not have it,
 * -errno.
 */
CHECKED int sandbox_enter(void);
