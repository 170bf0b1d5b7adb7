/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A media worker: a thread with its own epoll loop and one shared UDP port,
 * which moves the packets of many circuits. The main thread talks to it by
 * commands alone; it answers by notices. No lock, allocation or log line
 * is on the path of a packet, and with nothing to do it sleeps.
 *
 * The struct is for media/ alone. What stands under "thread" is its thread's.
 */
#pragma once

#include "gateway/base/tree.h"
#include <bsd/sys/queue.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "media/batch.h"
#include "media/circuit.h"
#include "media/command.h"
#include "media/defence.h"
#include "media/flow.h"
#include "media/notice.h"
#include "media/pace.h"
#include "media/tuple.h"

struct worker_config {
	unsigned index;
	struct batch_socket sockets[BATCH_NSOCKETS]; /* owned by the caller */
	const struct dtls_cert *cert;
	struct notices *notices;
	bool allow_loopback;
	bool held;         /* until worker_release() */
	unsigned priority; /* of the thread, SCHED_RR; 0: that of all others */
};

RB_HEAD(worker_timers, circuit);
RB_HEAD(worker_names, flow_name);
RB_HEAD(worker_tags, flow);
STAILQ_HEAD(command_queue, command);
STAILQ_HEAD(circuit_queue, circuit);

struct worker {
	struct worker_config config;
	pthread_t thread;
	int epoll, wake;
	pthread_mutex_t lock;
	struct command_queue commands; /* under the lock */
	struct circuit_queue leaving;  /* as well: after the commands */
	bool held;                     /* as well: they wait */
	/* written by the thread alone, read by anybody */
	_Atomic uint64_t packets;      /* received */
	_Atomic uint64_t lost;         /* not taken by the kernel */
	_Atomic uint64_t late_packets; /* let go */
	/* questions of the main thread, and how many were answered */
	_Atomic uint32_t asked, answered;

	/* thread */
	bool stopping;
	bool listening;                 /* the shared sockets are watched */
	struct circuit_queue farewells; /* of this turn */
	uint64_t now_us, now_ms;        /* of this turn */
	uint32_t turn;                  /* its number */
	size_t received, foreign;       /* packets; and of no call, */
	size_t strangers;               /* at the shared sockets */
	bool behind;                    /* this turn leaves some unread */
	uint64_t catch_up_ms; /* until then it reads; 0: it does not */
	struct pace pace;
	bool late;  /* media is let go until nothing is left unread */
	bool paced; /* turns wait, shared sockets are not watched */
	struct source wake_source;
	struct source shared[BATCH_NSOCKETS];
	struct batch *batch;
	struct tuple_table tuples;
	struct defence defence;
	struct worker_names names;
	struct worker_tags tags;
	struct worker_timers timers;
	struct circuit_queue touched;
	struct addr stun;
	uint32_t next_tag;
};

/* Starts the thread. *@out is owned by the caller. 0 or -errno. */
CHECKED int worker_new(struct worker **out, const struct worker_config *config);
/* Waits until the thread has done every command it was sent. */
struct worker *worker_free(struct worker *worker);

/*
 * Main thread: nothing was received yet nor any command done; now they are, all
 * at once, before the first packet.
 */
void worker_release(struct worker *worker);
/* Main thread: give @command away. */
void worker_send(struct worker *worker, struct command *command);
/*
 * Main thread: take leave of @circuit, once it has done what it was sent. Needs
 * no memory.
 */
void worker_leave(struct worker *worker, struct circuit *circuit);

/* From any thread, without stopping it: processor time, packets received, and
 * packets that the kernel did not take. */
uint64_t worker_cpu_us(const struct worker *worker);
uint64_t worker_packets(const struct worker *worker);
uint64_t worker_lost(const struct worker *worker);
/* Media that was let go, as the thread did not keep up. */
uint64_t worker_late(const struct worker *worker);

/* Main thread: ask whether the thread still turns, and see what it said. */
void worker_ask(struct worker *worker);
bool worker_has_answered(const struct worker *worker);

/* The rest is for the worker's own thread. */

/* worker_turn.c */
void worker_turn(struct worker *worker);
CHECKED int worker_watch(struct worker *worker, struct source *source);
void worker_unwatch(struct worker *worker, struct source *source);
void worker_arm(struct worker *worker, struct circuit *circuit,
		uint64_t due_ms);
void worker_disarm(struct worker *worker, struct circuit *circuit);

/* worker_index.c */
void worker_name(struct worker *worker, struct flow_name *name,
		 struct flow *flow, const char *ufrag);
void worker_unname(struct worker *worker, struct flow_name *name);
struct flow *worker_find_name(struct worker *worker, struct slice ufrag);
/* No two flows of a worker have the same. */
uint32_t worker_new_tag(struct worker *worker);
void worker_tag(struct worker *worker, struct flow *flow);
void worker_untag(struct worker *worker, struct flow *flow);
struct flow *worker_find_tag(struct worker *worker, uint32_t tag);

/* demux.c: what was received goes to its flows. Returns how many packets were
 * of none; those of a shared socket are added to the worker's strangers. */
size_t demux_packets(struct worker *worker, struct packet *packets, size_t n);
