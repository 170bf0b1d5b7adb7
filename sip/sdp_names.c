/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/sdp_names.h"

#include <string.h>

static const char *const profiles[] = {
	[MEDIA_RTP_AVP] = "RTP/AVP",
	[MEDIA_RTP_AVPF] = "RTP/AVPF",
	[MEDIA_RTP_SAVP] = "RTP/SAVP",
	[MEDIA_RTP_SAVPF] = "RTP/SAVPF",
	[MEDIA_DTLS_SAVP] = "UDP/TLS/RTP/SAVP",
	[MEDIA_DTLS_SAVPF] = "UDP/TLS/RTP/SAVPF",
	[MEDIA_PROFILE_OTHER] = NULL,
};

const char *sdp_profile_name(enum media_profile profile)
{
	return profiles[profile];
}

enum media_profile sdp_profile_find(struct slice name)
{
	for (int i = 0; i < MEDIA_PROFILE_OTHER; i++)
		if (slice_is_nocase(name, profiles[i]))
			return (enum media_profile)i;
	return MEDIA_PROFILE_OTHER;
}

static const char *const dirs[] = {
	[MEDIA_INACTIVE] = "inactive",
	[MEDIA_SENDONLY] = "sendonly",
	[MEDIA_RECVONLY] = "recvonly",
	[MEDIA_SENDRECV] = "sendrecv",
};

const char *sdp_dir_name(enum media_dir dir)
{
	return dirs[dir];
}

int sdp_dir_find(enum media_dir *out, struct slice name)
{
	for (int i = MEDIA_INACTIVE; i <= MEDIA_SENDRECV; i++) {
		if (slice_is(name, dirs[i])) {
			*out = (enum media_dir)i;
			return 0;
		}
	}
	return -EINVAL;
}

static bool all_within(struct slice s, char first, char last, const char *but)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < first || s.p[i] > last || strchr(but, s.p[i]))
			return false;
	return true;
}

bool sdp_is_token(struct slice s)
{
	return s.n && all_within(s, '!', '~', "\"(),/:;<=>?@[\\]");
}

bool sdp_is_word(struct slice s)
{
	return s.n && all_within(s, '!', '~', "");
}

bool sdp_is_printable(struct slice s)
{
	return all_within(s, ' ', '~', "");
}

struct slice sdp_field(struct slice *s)
{
	*s = slice_trim(*s);
	return slice_cut(s, ' ');
}
