/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "media/command.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/log.h"
#include "media/circuit.h"
#include "media/worker.h"

int command_new(struct command **out, enum command_verb verb,
		struct circuit *circuit, enum media_side side)
{
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->verb = verb;
	c->circuit = circuit;
	c->side = side;
	*out = c;
	return 0;
}

struct command *command_free(struct command *command)
{
	if (!command)
		return NULL;
	explicit_bzero(command, sizeof(*command));
	free(command);
	return NULL;
}

static int on_open_ice(struct flow *flow, const struct command *c)
{
	return flow_ice_open(flow, &c->local);
}

static int on_restart(struct flow *flow, const struct command *c)
{
	return flow_ice_restart(flow, &c->local);
}

static int on_peer_ice(struct flow *flow, const struct command *c)
{
	return flow_ice_peer(flow, &c->ice_peer);
}

static int on_candidate(struct flow *flow, const struct command *c)
{
	return flow_ice_candidate(flow, &c->cand);
}

static int on_own_port(struct flow *flow, const struct command *c)
{
	return flow_ice_own_port(flow, &c->own);
}

static int on_open_rtp(struct flow *flow, const struct command *c)
{
	return flow_rtp_open(flow, &c->rtp);
}

static int on_move_rtp(struct flow *flow, const struct command *c)
{
	return flow_rtp_move(flow, &c->rtp);
}

static int on_peer_rtp(struct flow *flow, const struct command *c)
{
	return flow_rtp_peer(flow, &c->rtp_peer);
}

static int on_resume(struct flow *flow, const struct command *c)
{
	return flow->kind == FLOW_ICE ? flow_ice_resume(flow, &c->resume)
				      : flow_rtp_resume_peer(flow, &c->resume);
}

/* The last map for packets of this side; the other's is its own. */
static int on_map(struct flow *flow, const struct command *c)
{
	circuit_map(flow->circuit, flow->side, &c->map);
	return 0;
}

static int on_direction(struct flow *flow, const struct command *c)
{
	bool received = flow->dir & MEDIA_RECVONLY;

	flow->dir = c->dir;
	if (!received && (c->dir & MEDIA_RECVONLY)) {
		flow->last_rx_ms = flow->circuit->worker->now_ms;
		flow_rtp_resume(flow);
	}
	circuit_gate(flow->circuit);
	circuit_touch(flow->circuit);
	return 0;
}

/* A full queue costs the digit, not the call. */
static int on_digit(struct flow *flow, const struct command *c)
{
	int r = circuit_digit(flow->circuit, c->side, c->digit.digit,
			      c->digit.duration_ms);
	if (r)
		log_warn("call=%s event=digit result=lost errno=%d",
			 flow->circuit->name, -r);
	return 0;
}

static int on_echo(struct flow *flow, const struct command *c)
{
	(void)c;
	flow->circuit->echo = true;
	circuit_gate(flow->circuit);
	return 0;
}

static int on_close(struct flow *flow, const struct command *c)
{
	circuit_reset(flow->circuit, c->side, c->epoch);
	return 0;
}

/* For a flow of any kind, or of that one alone: opening may have failed. */
enum { ANY = -1 };

static const struct verb {
	int (*run)(struct flow *, const struct command *);
	int kind;
} verbs[] = {
	[COMMAND_OPEN_ICE] = { on_open_ice, FLOW_CLOSED },
	[COMMAND_RESTART] = { on_restart, FLOW_ICE },
	[COMMAND_PEER_ICE] = { on_peer_ice, FLOW_ICE },
	[COMMAND_CANDIDATE] = { on_candidate, FLOW_ICE },
	[COMMAND_OWN_PORT] = { on_own_port, FLOW_ICE },
	[COMMAND_OPEN_RTP] = { on_open_rtp, FLOW_CLOSED },
	[COMMAND_MOVE_RTP] = { on_move_rtp, FLOW_RTP },
	[COMMAND_PEER_RTP] = { on_peer_rtp, FLOW_RTP },
	[COMMAND_RESUME] = { on_resume, ANY },
	[COMMAND_MAP] = { on_map, ANY },
	[COMMAND_DIRECTION] = { on_direction, ANY },
	[COMMAND_DIGIT] = { on_digit, ANY },
	[COMMAND_ECHO] = { on_echo, ANY },
	[COMMAND_CLOSE] = { on_close, ANY },
	[COMMAND_STUN] = { NULL, ANY }, /* the worker's own */
	[COMMAND_STOP] = { NULL, ANY },
};
static_assert(sizeof(verbs) / sizeof(verbs[0]) == COMMAND_NVERBS,
	      "a verb without its function");

void command_run(const struct command *command)
{
	struct flow *flow = &command->circuit->flows[command->side];
	const struct verb *verb = &verbs[command->verb];

	if (verb->kind != ANY && (int)flow->kind != verb->kind)
		return; /* said when it failed to open */
	int r = verb->run(flow, command);
	if (r) {
		log_warn("call=%s event=media-command verb=%d errno=%d",
			 flow->circuit->name, (int)command->verb, -r);
		flow_fail(flow, MEDIA_FAIL_WORKER);
	}
}
