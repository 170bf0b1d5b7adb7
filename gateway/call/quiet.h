/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * When an account wants not to be rung: always, or at times of the week, as
 * tandem.conf(5) writes those of routes. As text: "", "on", or "mon-fri
 * 22:00-07:00".
 */
#pragma once

#include <stdbool.h>
#include <time.h>

/* Whether @text is one of these. */
bool quiet_is_valid(const char *text);
/* @now is local time. */
bool quiet_is(const char *text, const struct tm *now);
bool quiet_is_always(const char *text);
bool quiet_is_now(const char *text);
