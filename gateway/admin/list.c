/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/list.h"

#include <stdio.h>
#include <string.h>

#define MORE ", …"

struct list_text list_join(const char *const *names, size_t n)
{
	struct list_text out = { "" };
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		size_t room = sizeof(out.s) - at - sizeof(MORE);
		int used = snprintf(out.s + at, room, "%s%s", i ? ", " : "",
				    names[i]);

		if (used < 0 || (size_t)used >= room) {
			memcpy(out.s + at, MORE, sizeof(MORE));
			break;
		}
		at += (size_t)used;
	}
	return out;
}
