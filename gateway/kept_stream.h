/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The XMPP stream as it goes from process to process (gateway/kept.h): only to
 * one that has the same server and domain, and not for ever. What is not done
 * with is read again by who takes the stream up; when processes have died of
 * that, one after the other, the next one connects anew.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"

struct gateway;
struct xmpp_stream_config;

/* Finds what an earlier run has left; before others look there. 0 or
 * -errno. */
CHECKED int kept_stream_new(struct gateway *gateway);
/* Behind the stream's end. */
void kept_stream_free(struct gateway *gateway);

/* @config is told how to go on with it. */
void kept_stream_resume(const struct gateway *gateway,
			struct xmpp_stream_config *config);
/* The stream was made, and owns what it was told of. */
void kept_stream_resumed(struct gateway *gateway);

/* As the stream's handler of that name. */
void kept_stream_whole(const struct gateway *gateway, bool whole, int fd);
