/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An ICE agent under any sequence of packets, candidates, credentials, restarts
 * and time. The input is a script: an octet names a step, those behind it are
 * its arguments. The peer knows the passwords, as the worst one does.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/cursor.h"
#include "media/cand.h"
#include "media/ice.h"
#include "media/ice_agent.h"
#include "tests/fuzz/same_random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ASKED = 8,       /* requests of the agent's that are remembered */
	MAX_STEPS = 400, /* of a script */
	MAX_TICKS = 400, /* without the time moving on */
	PLACES = 8,      /* addresses there are */
};

static const char remote_pwd[] = "a password of the peer's";

struct asked {
	uint8_t tid[STUN_TID_LEN];
	struct addr local, remote;
};

struct run {
	struct ice *ice;
	struct cursor in;
	uint64_t now_ms;
	struct asked asked[ASKED];
	size_t nasked;
	uint64_t sent;
	bool busy; /* handlers must not come from other calls */
};

/* Hosts of both families, and places that must not be sent to. */
static struct addr place(uint8_t i, uint16_t port)
{
	static const char *const texts[PLACES] = {
		"192.0.2.1", "192.0.2.2", "2001:db8::1", "10.0.0.1",
		"192.0.2.9", "127.0.0.1", "fe80::1",     "224.0.0.1",
	};
	struct addr a;
	int r = addr_parse(&a, slice_of(texts[i % PLACES]), port);

	assert(!r);
	return a;
}

static void on_send(const struct addr *local, const struct addr *remote,
		    const uint8_t *p, size_t n, void *arg)
{
	struct run *run = arg;
	struct stun_head head;

	assert(run->busy);
	assert(cand_addr_is_usable(remote, false));
	assert(!stun_head(&head, p, n));
	run->sent++;
	if (head.kind != STUN_REQUEST)
		return;
	struct asked *asked = &run->asked[run->nasked++ % ASKED];
	memcpy(asked->tid, head.tid, STUN_TID_LEN);
	asked->local = *local;
	asked->remote = *remote;
}

static void on_pair(const struct addr *local, const struct addr *remote,
		    void *arg)
{
	const struct run *run = arg;

	(void)local;
	assert(run->busy);
	assert(cand_addr_is_usable(remote, false));
}

static void on_failed(enum ice_failure why, void *arg)
{
	const struct run *run = arg;

	(void)why;
	assert(run->busy);
}

static const struct ice_handlers handlers = { on_send, on_pair, on_pair,
					      on_failed, NULL };

static void recv_from(struct run *run, const struct addr *local,
		      const struct addr *remote, const uint8_t *p, size_t n)
{
	run->busy = true;
	ice_recv(run->ice, local, remote, p, n, run->now_ms);
	run->busy = false;
}

static void deliver(struct run *run, const struct stun_packet *packet,
		    const char *pwd, const struct addr *local,
		    const struct addr *remote)
{
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	if (!stun_encode(packet, slice_of(pwd), p, sizeof(p), &n))
		recv_from(run, local, remote, p, n);
}

/* A check of the peer's, under the credentials of now or before. */
static void step_request(struct run *run)
{
	uint8_t flags = cursor_u8(&run->in), where = cursor_u8(&run->in);
	const char *old = ice_old_ufrag(run->ice);
	bool use_old = (flags & 1) && old;
	char username[STUN_USERNAME_MAX + 1];
	struct stun_packet packet = {
		.kind = STUN_REQUEST,
		.has_priority = !(flags & 2),
		.use_candidate = flags & 4,
		.role = (enum stun_role)((flags >> 3 & 3) % 3),
		.tie_breaker = flags & 32 ? UINT64_MAX : 0,
		.nunknown = 0,
	};
	struct addr local = place(where & 3, 1000);
	struct addr remote = place(where >> 2, 2000u + (where >> 5));

	packet.priority = cursor_u32(&run->in);
	snprintf(username, sizeof(username), "%s:peer%u",
		 use_old ? old : ice_ufrag(run->ice), flags >> 6);
	packet.username = slice_of(username);
	deliver(run, &packet,
		use_old ? run->ice->old.local.pwd : ice_pwd(run->ice), &local,
		&remote);
}

/* An answer to one of the last requests of the agent's. */
static void step_response(struct run *run)
{
	uint8_t flags = cursor_u8(&run->in), which = cursor_u8(&run->in);
	static const uint16_t errors[] = { 487, 400, 401, 403 };
	const struct asked *asked = &run->asked[which % ASKED];
	struct stun_packet packet = { .kind = STUN_SUCCESS };
	struct addr remote = asked->remote;

	if (which % ASKED >= run->nasked)
		return;
	memcpy(packet.tid, asked->tid, STUN_TID_LEN);
	packet.mapped = flags & 1 ? place(flags >> 4, 1000) : asked->local;
	if (flags & 2) {
		packet.kind = STUN_ERROR;
		packet.error = errors[flags >> 4 & 3];
	}
	if (flags & 4)
		remote = place(flags >> 5, 2000);
	deliver(run, &packet, flags & 8 ? "wrong" : remote_pwd, &asked->local,
		&remote);
}

static void step_raw(struct run *run)
{
	size_t n = cursor_u8(&run->in);
	struct addr local = place(0, 1000), remote = place(1, 2000);
	const uint8_t *p;

	if (n > cursor_left(&run->in))
		n = cursor_left(&run->in);
	p = cursor_take(&run->in, n);
	if (p)
		recv_from(run, &local, &remote, p, n);
}

static struct media_cand candidate(struct run *run, uint16_t port)
{
	uint8_t what = cursor_u8(&run->in), where = cursor_u8(&run->in);

	return (struct media_cand){
		.type = (enum media_cand_type)(what & 3),
		.component = what & 4 ? 2 : 1,
		.priority = cursor_u32(&run->in),
		.addr = place(where, (uint16_t)(port + (where >> 3))),
	};
}

static void step_local(struct run *run)
{
	struct media_cand cand = candidate(run, 1000);
	struct addr base = place(cursor_u8(&run->in) & 3, 1000);
	int r = ice_add_local(run->ice, &cand, &base);

	assert(!r || r == -E2BIG);
}

static void step_remote(struct run *run)
{
	struct media_cand cand = candidate(run, 2000);
	int r = ice_add_remote(run->ice, &cand);

	assert(!r || r == -E2BIG);
}

static void step_credentials(struct run *run)
{
	uint8_t what = cursor_u8(&run->in);
	char ufrag[8];

	snprintf(ufrag, sizeof(ufrag), "peer%u", what & 3);
	int r = ice_set_remote(run->ice, ufrag, remote_pwd, what == 0xff);
	assert(!r);
}

static void step_restart(struct run *run)
{
	int r = ice_restart(run->ice, run->now_ms);

	assert(!r);
}

static void step_resume(struct run *run)
{
	struct addr local = place(0, 1000), remote = place(1, 2000);
	int r = ice_resume(run->ice, &local, &remote);

	(void)r; /* no room among a hundred valid pairs */
}

static uint64_t tick(struct run *run)
{
	run->busy = true;
	uint64_t due_ms = ice_tick(run->ice, run->now_ms);
	run->busy = false;
	assert(run->ice->pairs.n <= ICE_MAX_PAIRS);
	return due_ms;
}

/* Up to the deadline, or a while past it. */
static void step_time(struct run *run)
{
	uint8_t late = cursor_u8(&run->in);
	uint64_t due_ms = tick(run);

	if (due_ms != UINT64_MAX && due_ms > run->now_ms)
		run->now_ms = due_ms;
	run->now_ms += (uint64_t)late * late;
	for (int i = 0; tick(run) <= run->now_ms; i++)
		assert(i < MAX_TICKS);
}

static void (*const steps[])(struct run *run) = {
	step_time,    step_request,     step_response, step_local,
	step_remote,  step_credentials, step_time,     step_raw,
	step_restart, step_resume,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { .in = cursor_reading(data, size), .now_ms = 1000 };
	struct ice_config config = { .controlling = cursor_u8(&run.in) & 1,
				     .now_ms = run.now_ms };
	int r;

	same_random_begin();
	r = ice_new(&run.ice, &config, &handlers, &run);
	assert(!r);
	for (int i = 0; i < MAX_STEPS && cursor_left(&run.in); i++) {
		size_t n = sizeof(steps) / sizeof(steps[0]);

		steps[cursor_u8(&run.in) % n](&run);
		tick(&run);
	}
	ice_free(run.ice);
	return 0;
}
