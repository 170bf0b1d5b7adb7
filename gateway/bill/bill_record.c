/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/bill/bill_record.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>

#include "db/cdr.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/rand.h"
#include "gateway/base/text.h"
#include "gateway/bill/bill_json.h"
#include "gateway/bill/wire.h"
#include "gateway/gateway.h"
#include "gateway/watch/watch.h"

enum record_state {
	RECORD_IDLE,    /* there is none */
	RECORD_LOOKING, /* the database is asked for the first */
	RECORD_PUSHING, /* it is on its way */
	RECORD_WAITING, /* it was not taken: later again */
};

struct bill_records {
	struct gateway *gateway;
	struct wire *wire;
	enum record_state state;
	bool more; /* one was written while another was on its way */
	struct exchange *exchange;
	struct event *timer;
	unsigned pause_ms; /* 0: the last was taken */
	char *id;          /* whose record is on its way */
};

static void look(struct bill_records *records);

static void wait(struct bill_records *records, const char *why)
{
	unsigned ms =
		records->pause_ms ? records->pause_ms * 2 : RECORD_RETRY_MIN_MS;

	if (ms > RECORD_RETRY_MAX_MS)
		ms = RECORD_RETRY_MAX_MS;
	if (!records->pause_ms)
		log_warn("billing=record-not-taken id=%s why=%s: kept and "
			 "tried again",
			 records->id ? records->id : "",
			 log_text(slice_of(why)).s);
	watch_billing_refused(records->gateway);
	records->pause_ms = ms;
	records->state = RECORD_WAITING;
	/* The upper half is random: gateways do not come all at once. */
	ms = ms / 2 + rand_u32() % (ms / 2 + 1);
	const struct timeval tv = clock_timeval(ms);
	evtimer_add(records->timer, &tv);
}

static void on_forgotten(int result, void *arg)
{
	struct bill_records *records = arg;

	/* It is pushed once more, when it can be written that it was taken. */
	if (result) {
		wait(records, "the database does not write");
		return;
	}
	records->state = RECORD_IDLE;
	look(records);
}

/* Over a socket without HTTP a reply alone says nothing. */
static bool is_taken(const struct bill_records *records, unsigned status,
		     struct slice body)
{
	enum { OK = 200, REDIRECT = 300 };
	json_t *json;
	bool taken;

	if (status < OK || status >= REDIRECT)
		return false;
	if (!wire_is_local(records->wire))
		return true;
	json = json_loadb(body.p, body.n, 0, NULL);
	taken = json_is_true(json_object_get(json, "taken"));
	json_decref(json);
	return taken;
}

static void on_reply(unsigned status, struct slice body, void *arg)
{
	enum { WHY_CAP = 64 };
	struct bill_records *records = arg;
	char why[WHY_CAP];
	int r = status ? text_format(why, sizeof(why), "status %u", status)
		       : text_copy(why, sizeof(why), body);
	bool taken = is_taken(records, status, body);

	if (r)
		why[0] = '\0';
	records->exchange = exchange_free(records->exchange);
	if (taken && !cdr_pushed(records->gateway->db, records->id,
				 on_forgotten, records)) {
		if (records->pause_ms)
			log_info("billing=record-taken id=%s", records->id);
		records->pause_ms = 0;
		return;
	}
	wait(records, taken ? "the database is full" : why);
}

static int push(struct bill_records *records, const struct cdr *cdr)
{
	char *json = bill_json_record(cdr);
	int r = json ? 0 : -ENOMEM;

	free(records->id);
	records->id = text_dup(slice_of(cdr->call));
	if (!records->id)
		r = -ENOMEM;
	if (!r)
		r = wire_send(&records->exchange, records->wire, "record",
			      slice_of(json), on_reply, records);
	free(json);
	return r;
}

static void on_found(int result, const struct cdr *rows, size_t n, void *arg)
{
	struct bill_records *records = arg;
	int r = result;

	if (!r && !n) {
		records->state = RECORD_IDLE;
		if (records->more)
			look(records);
		return;
	}
	records->state = RECORD_PUSHING;
	if (!r)
		r = push(records, &rows[0]);
	if (r)
		wait(records, strerror(-r));
}

static void look(struct bill_records *records)
{
	const struct cdr_filter filter = { .to_push = true, .limit = 1 };

	records->more = false;
	records->state = RECORD_LOOKING;
	if (cdr_find(records->gateway->db, &filter, on_found, records))
		wait(records, "the database is full");
}

void bill_records_look(struct bill_records *records)
{
	records->more = true;
	if (records->state == RECORD_IDLE)
		look(records);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look(arg);
}

int bill_records_new(struct bill_records **out, struct gateway *gateway,
		     struct wire *wire)
{
	struct bill_records *records = calloc(1, sizeof(*records));

	if (!records)
		return -ENOMEM;
	records->gateway = gateway;
	records->wire = wire;
	records->timer = evtimer_new(gateway->base, on_timer, records);
	if (!records->timer) {
		free(records);
		return -ENOMEM;
	}
	*out = records;
	look(records);
	return 0;
}

struct bill_records *bill_records_free(struct bill_records *records)
{
	if (!records)
		return NULL;
	db_forget(records->gateway->db, records);
	exchange_free(records->exchange);
	event_free(records->timer);
	free(records->id);
	free(records);
	return NULL;
}
