/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What a row of the session table says of the descriptions and the media of one
 * side of a call, that another process has left.
 */
#pragma once

#include <stdbool.h>

#include "gateway/base/err.h"
#include "media/desc.h"
#include "media/resume.h"

struct session_row;

/* Holds secrets: past_fini(). */
struct past_side {
	const struct session_row *row;     /* borrowed */
	struct media_desc *local, *remote; /* owned; NULL: lost, or handed on */
	struct bridge_saved saved;
	int lost; /* why its media cannot go on, -errno: its peer has to come
		   * anew; 0: it can */
	bool elsewhere; /* it goes on by another port and, where it had keys,
			 * with others, of which its peer is told */
};

/*
 * Where the media of a client cannot be read (a key that is not ours any more,
 * SDP that is none) it is lost, and all is well. *@out is to be ended in any
 * case. 0, -EINVAL, -ENOENT (nothing was kept of it), -ENOMEM.
 */
CHECKED int past_read(struct past_side *out, const struct session_row *row);
void past_fini(struct past_side *past);

/* A client can be called anew, a telephone cannot. */
bool past_may_lose(const struct past_side *past);
/* It can be told another port and other keys within its dialog (RFC 3264, 8;
 * RFC 4568). */
bool past_may_move(const struct past_side *past);
