/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * `tandem --setup`: from nothing to a configuration that passes its checks.
 * Asks on the terminal what was not given, writes tandem.conf(5) and the files
 * of its secrets, and says what the XMPP server and the firewall need.
 */
#pragma once

#include "gateway/base/err.h"

/*
 * Write the configuration file @path, which must not exist yet; its secrets
 * beside it. @answers, ended by NULL, are "key=value" of questions that need
 * not be asked (gateway/setup/question.c has them). Without a terminal nothing
 * is asked: what is missing gets its default. 0, or -1 after it was told why
 * not.
 */
CHECKED int setup_run(const char *path, char *const *answers);
