/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * An agent and a peer that is scripted, one message at a time. It knows the
 * passwords and keeps to no rule. Include it in one test program.
 */
#pragma once

#include <stdio.h>

#include "media/stun.h"
#include "tests/mock/ice_peer.h"

struct robot {
	struct net net;
	struct peer agent;
	struct host host;
	char ufrag[16], pwd[32];
	bool answers;    /* our checks */
	uint16_t refuse; /* answer them with this error instead */
	enum stun_role role;
	uint64_t tie_breaker;
	/* what came */
	unsigned requests, nominations, successes, errors;
	uint16_t last_error;
	size_t asked_len, answer_len; /* octets of the last ones */
	struct stun_packet last_request;
	struct addr answer_from; /* set: not from where it was asked */
	struct addr mapped;      /* set: what the first address is seen as */
	size_t to;               /* which of the agent's addresses it asks */
};

enum { ROBOT_TID = 0x52 };

static inline void robot_answer(struct robot *r, const struct addr *local,
				const struct addr *remote,
				const struct stun_packet *request)
{
	struct stun_packet answer = { .kind = STUN_SUCCESS, .mapped = *remote };
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	if (addr_is_set(&r->mapped) &&
	    addr_equal(remote, &r->agent.host.addrs[0]))
		answer.mapped = r->mapped;
	if (r->refuse)
		answer = (struct stun_packet){ .kind = STUN_ERROR,
					       .error = r->refuse };
	memcpy(answer.tid, request->tid, STUN_TID_LEN);
	assert_int_equal(
		stun_encode(&answer, slice_of(r->pwd), p, sizeof(p), &n), 0);
	host_send(&r->host,
		  addr_is_set(&r->answer_from) ? &r->answer_from : local,
		  remote, p, n);
}

static inline void robot_recv(struct host *host, const struct addr *local,
			      const struct addr *remote, const uint8_t *p,
			      size_t n)
{
	struct robot *r =
		(struct robot *)((char *)host - offsetof(struct robot, host));
	struct stun_packet packet;
	struct stun_head head;

	assert_int_equal(stun_head(&head, p, n), 0);
	bool request = head.kind == STUN_REQUEST;
	assert_int_equal(
		stun_decode(&packet, p, n,
			    slice_of(request ? r->pwd : ice_pwd(r->agent.ice))),
		0);
	packet.username = SLICE_NONE;
	if (packet.kind == STUN_SUCCESS)
		r->successes++;
	if (packet.kind == STUN_ERROR) {
		r->errors++;
		r->last_error = packet.error;
	}
	if (!request) {
		r->answer_len = n;
		return;
	}
	r->requests++;
	r->nominations += packet.use_candidate;
	r->last_request = packet;
	if (r->answers)
		robot_answer(r, local, remote, &packet);
}

static inline void robot_init(struct robot *r, bool agent_controls)
{
	*r = (struct robot){ .host = { .recv = robot_recv },
			     .ufrag = "robot",
			     .pwd = "the-robot's-password-22",
			     .answers = true,
			     .role = agent_controls ? STUN_CONTROLLED
						    : STUN_CONTROLLING };
	net_init(&r->net);
	peer_init(&r->agent, &r->net, agent_controls);
	net_join(&r->net, &r->host);
	peer_add(&r->agent, "192.0.2.1:1000");
	host_add(&r->host, "192.0.2.2:2000");
	host_add(&r->host, "192.0.2.3:3000");
}

static inline void robot_known(struct robot *r)
{
	assert_int_equal(ice_set_remote(r->agent.ice, r->ufrag, r->pwd, false),
			 0);
}

static inline void robot_fini(struct robot *r)
{
	ice_free(r->agent.ice);
	net_fini(&r->net);
}

/* The request that a well-behaved peer would send. */
static inline struct stun_packet robot_request(const struct robot *r)
{
	struct stun_packet request = {
		.kind = STUN_REQUEST,
		.has_priority = true,
		.priority = cand_priority(MEDIA_CAND_PRFLX, 1, 1),
		.role = r->role,
		.tie_breaker = r->tie_breaker,
	};

	memset(request.tid, ROBOT_TID, sizeof(request.tid));
	return request;
}

static inline void robot_send_as(struct robot *r, size_t from,
				 struct stun_packet *request,
				 const char *username, const char *pwd)
{
	uint8_t p[STUN_PACKET_MAX];
	size_t n;

	request->username = slice_of(username);
	assert_int_equal(stun_encode(request, slice_of(pwd), p, sizeof(p), &n),
			 0);
	r->asked_len = n;
	host_send(&r->host, &r->host.addrs[from], &r->agent.host.addrs[r->to],
		  p, n);
}

static inline void robot_send(struct robot *r, size_t from,
			      struct stun_packet *request)
{
	char username[64];

	snprintf(username, sizeof(username), "%s:%s", ice_ufrag(r->agent.ice),
		 r->ufrag);
	robot_send_as(r, from, request, username, ice_pwd(r->agent.ice));
}

static inline void robot_check(struct robot *r, size_t from, bool use_candidate)
{
	struct stun_packet request = robot_request(r);

	request.use_candidate = use_candidate;
	robot_send(r, from, &request);
}
