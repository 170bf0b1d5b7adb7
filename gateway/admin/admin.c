/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/admin.h"

#include <event2/event.h>
#include <stdlib.h>

#include "db/audit_row.h"
#include "gateway/admin/face_adhoc.h"
#include "gateway/admin/face_chat.h"
#include "gateway/admin/face_socket.h"
#include "gateway/admin/moves.h"
#include "gateway/admin/probe_call.h"
#include "gateway/base/clock.h"
#include "gateway/gateway.h"
#include "gateway/route/trunks.h"
#include "xmpp/adhoc.h"

enum { EXPIRE_S = 60, EXPIRE_AUDIT_MS = 3600 * 1000 };
static const uint64_t US_PER_DAY = UINT64_C(24) * 3600 * 1000 * 1000;

struct admin {
	struct adhoc_sessions *adhoc;
	struct chats *chats;
	struct control *control; /* NULL: none */
	struct probe_list probes;
	struct event *timer, *later;
	void (*later_fn)(struct gateway *gateway);
	uint64_t stamp;      /* the last */
	uint64_t expired_ms; /* when the audit was last; 0 never */
};

/* Once in an hour. */
static void expire_audit(struct gateway *gateway)
{
	struct admin *admin = gateway->admin;
	uint64_t now_ms = clock_ms();
	uint64_t kept_us =
		(uint64_t)gateway->config->db.audit_days * US_PER_DAY;
	uint64_t wall_us = (uint64_t)clock_wall_ms() * US_PER_MS;

	if (admin->expired_ms && now_ms - admin->expired_ms < EXPIRE_AUDIT_MS)
		return;
	if (!audit_row_expire(gateway->db,
			      wall_us > kept_us ? wall_us - kept_us : 0))
		admin->expired_ms = now_ms;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gateway *gateway = arg;
	struct admin *admin = gateway->admin;

	(void)fd;
	(void)what;
	trunks_sweep(gateway);
	expire_audit(gateway);
	adhoc_sessions_expire(admin->adhoc, clock_ms());
	chats_expire(admin->chats, clock_ms());
	face_chat_recheck(gateway);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct gateway *gateway = arg;

	(void)fd;
	(void)what;
	gateway->admin->later_fn(gateway);
}

int admin_later(struct gateway *gateway, unsigned delay_s,
		void (*fn)(struct gateway *gateway))
{
	const struct timeval delay = { delay_s, 0 };
	struct admin *admin = gateway->admin;

	admin->later_fn = fn;
	return event_add(admin->later, &delay) ? -ENOMEM : 0;
}

int admin_new(struct gateway *gateway)
{
	const struct timeval period = { EXPIRE_S, 0 };
	struct admin *admin = calloc(1, sizeof(*admin));

	if (!admin)
		return -ENOMEM;
	gateway->admin = admin;
	LIST_INIT(&admin->probes);
	int r = adhoc_sessions_new(&admin->adhoc, face_adhoc_ended);
	if (!r)
		r = chats_new(&admin->chats);
	if (!r)
		r = moves_new(&gateway->moves);
	if (!r)
		r = control_new(&admin->control, gateway);
	if (r)
		return r;
	admin->timer =
		event_new(gateway->base, -1, EV_PERSIST, on_timer, gateway);
	admin->later = evtimer_new(gateway->base, on_later, gateway);
	return admin->timer && admin->later && !event_add(admin->timer, &period)
		       ? 0
		       : -ENOMEM;
}

void admin_free(struct gateway *gateway)
{
	struct admin *admin = gateway->admin;

	gateway->admin = NULL;
	if (!admin)
		return;
	if (admin->timer)
		event_free(admin->timer);
	if (admin->later)
		event_free(admin->later);
	control_free(admin->control);
	gateway->moves = moves_free(gateway->moves);
	chats_free(admin->chats);
	adhoc_sessions_free(admin->adhoc);
	free(admin);
}

bool admin_is_idle(const struct gateway *gateway)
{
	return !gateway->admin || (control_is_idle(gateway->admin->control) &&
				   LIST_EMPTY(&gateway->admin->probes));
}

void admin_leave(struct gateway *gateway)
{
	probe_calls_give_up(gateway);
}

/* In the next turn: it may be such a command that has it configured. */
void admin_configured(struct gateway *gateway)
{
	event_active(gateway->admin->timer, EV_TIMEOUT, 0);
}

struct adhoc_sessions *admin_adhoc(struct admin *admin)
{
	return admin->adhoc;
}

struct chats *admin_chats(struct admin *admin)
{
	return admin->chats;
}

struct probe_list *admin_probes(struct admin *admin)
{
	return &admin->probes;
}

/* Ascends over restarts too, unless the clock is set back by more than they
 * take. */
uint64_t admin_stamp(struct admin *admin)
{
	uint64_t now = (uint64_t)clock_wall_ms() * US_PER_MS;

	admin->stamp = now > admin->stamp ? now : admin->stamp + 1;
	return admin->stamp;
}
