/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/audit.h"

#include "db/audit_row.h"
#include "gateway/admin/admin.h"
#include "gateway/admin/role.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/gateway.h"

void audit_add(struct gateway *gateway, const struct actor *actor,
	       const char *node, const char *object, const char *before,
	       const char *after)
{
	const struct audit_row row = {
		.id = admin_stamp(gateway->admin),
		.at_ms = clock_wall_ms(),
		.who = actor->who,
		.face = actor->face,
		.node = node,
		.object = object,
		.before = before,
		.after = after,
	};
	int r = audit_row_put(gateway->db, &row, NULL, NULL);

	log_info("event=changed who=%s face=%s command=%s object=%s before=%s "
		 "after=%s",
		 log_text(slice_of(row.who)).s, row.face, node,
		 log_text(slice_of(object)).s, log_text(slice_of(before)).s,
		 log_text(slice_of(after)).s);
	if (r)
		log_error("audit=not-stored r=%d: the line above is all", r);
}
