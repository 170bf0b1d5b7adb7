/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_reports.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#include "db/text_row.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/base/tree.h"
#include "gateway/gateway.h"
#include "gateway/rewriting.h"
#include "gateway/route/number.h"
#include "xmpp/jid.h"

struct awaited {
	RB_ENTRY(awaited) link;
	TAILQ_ENTRY(awaited) by_time;
	struct report_row row; /* its texts are owned */
};

RB_HEAD(awaited_tree, awaited);
struct text_reports {
	struct gateway *gateway;
	struct awaited_tree tree;
	TAILQ_HEAD(, awaited) by_time;
	size_t n;
	struct awaited *unput; /* text_reports_put_some(): the next */
};

static int compare(const struct awaited *a, const struct awaited *b)
{
	return strcmp(a->row.key, b->row.key);
}

TREE_GENERATE(awaited_tree, awaited, link, compare)

/* The texts of a row, wherever they stand in it. */
static const size_t texts[] = {
	offsetof(struct report_row, key),   offsetof(struct report_row, jid),
	offsetof(struct report_row, id),    offsetof(struct report_row, number),
	offsetof(struct report_row, party), offsetof(struct report_row, trunk),
	offsetof(struct report_row, date),
};
enum { NTEXTS = sizeof(texts) / sizeof(texts[0]) };

static const char **text_at(struct report_row *row, size_t i)
{
	return (const char **)((char *)row + texts[i]);
}

static void free_awaited(struct awaited *awaited)
{
	for (size_t i = 0; i < NTEXTS; i++)
		free((char *)*text_at(&awaited->row, i));
	free(awaited);
}

static void forget(struct text_reports *reports, struct awaited *awaited)
{
	if (reports->unput == awaited)
		reports->unput = TAILQ_NEXT(awaited, by_time);
	RB_REMOVE(awaited_tree, &reports->tree, awaited);
	TAILQ_REMOVE(&reports->by_time, awaited, by_time);
	reports->n--;
	free_awaited(awaited);
}

/* NULL without memory. */
static struct awaited *copy(const struct report_row *row)
{
	struct awaited *awaited = calloc(1, sizeof(*awaited));
	bool whole = awaited != NULL;

	if (!awaited)
		return NULL;
	awaited->row = *row;
	for (size_t i = 0; i < NTEXTS; i++) {
		const char **text = text_at(&awaited->row, i);

		*text = text_dup(slice_of(*text ? *text : ""));
		whole = whole && *text;
	}
	if (whole)
		return awaited;
	free_awaited(awaited);
	return NULL;
}

static struct awaited *find(const struct text_reports *reports, const char *key)
{
	struct awaited wanted = { .row.key = key };
	struct awaited_tree tree = reports->tree;

	return RB_FIND(awaited_tree, &tree, &wanted);
}

static void drop(struct text_reports *reports, struct awaited *awaited)
{
	if (report_row_drop(reports->gateway->db, awaited->row.key))
		log_warn("text=report not-dropped: it goes with its time");
	forget(reports, awaited);
}

static void drop_old(struct text_reports *reports, int64_t now_ms)
{
	struct awaited *first;

	while ((first = TAILQ_FIRST(&reports->by_time)) &&
	       (reports->n >= TEXT_REPORTS_MAX ||
		first->row.kept_ms < now_ms - TEXT_REPORTS_MS))
		drop(reports, first);
}

static void insert(struct text_reports *reports, struct awaited *awaited)
{
	RB_INSERT(awaited_tree, &reports->tree, awaited);
	TAILQ_INSERT_TAIL(&reports->by_time, awaited, by_time);
	reports->n++;
}

void text_reports_put(struct text_reports *reports,
		      const struct report_row *row)
{
	struct awaited *known = find(reports, row->key);
	struct report_row mine = *row;

	mine.kept_ms = clock_wall_ms();
	/* first, as @row may be the one that is known */
	if (report_row_put(reports->gateway->db, &mine))
		log_warn("text=report not-on-disk: not known after a restart");
	struct awaited *next = copy(&mine);
	if (known)
		forget(reports, known);
	drop_old(reports, mine.kept_ms);
	if (next)
		insert(reports, next);
	else
		log_warn("text=report not-awaited: no memory");
}

const struct report_row *text_reports_find(const struct text_reports *reports,
					   const char *key)
{
	const struct awaited *awaited = find(reports, key);

	return awaited ? &awaited->row : NULL;
}

void text_reports_drop(struct text_reports *reports, const char *key)
{
	struct awaited *awaited = find(reports, key);

	if (awaited)
		drop(reports, awaited);
}

bool text_reports_put_some(struct text_reports *reports, bool begin, int *r)
{
	if (begin)
		reports->unput = TAILQ_FIRST(&reports->by_time);
	for (unsigned i = 0; reports->unput && i < REWRITING_EACH; i++) {
		int bad = report_row_put(reports->gateway->db,
					 &reports->unput->row);

		*r = bad ? bad : *r;
		reports->unput = TAILQ_NEXT(reports->unput, by_time);
	}
	return reports->unput;
}

void text_reports_forget(struct text_reports *reports, const char *account)
{
	struct awaited *one, *next;
	char writer[JID_CAP];
	struct number number;

	TAILQ_FOREACH_SAFE(one, &reports->by_time, by_time, next) {
		jid_account(writer, one->row.jid);
		if (one->row.inbound ? !number_find(&number, reports->gateway,
						    one->row.number)
				     : !strcmp(writer, account))
			drop(reports, one);
	}
}

static void on_row(const void *data, void *arg)
{
	struct awaited *awaited = copy(data);

	if (awaited)
		insert(arg, awaited);
	else
		log_warn("text=report not-read: no memory");
}

int text_reports_new(struct text_reports **out, struct gateway *gateway)
{
	struct text_reports *reports = calloc(1, sizeof(*reports));

	if (!reports)
		return -ENOMEM;
	reports->gateway = gateway;
	RB_INIT(&reports->tree);
	TAILQ_INIT(&reports->by_time);
	*out = reports;
	if (report_row_expire(gateway->db, clock_wall_ms() - TEXT_REPORTS_MS))
		log_warn("text=reports not-expired");
	return report_row_load_all(gateway->db, on_row, reports);
}

struct text_reports *text_reports_free(struct text_reports *reports)
{
	struct awaited *first;

	if (!reports)
		return NULL;
	while ((first = TAILQ_FIRST(&reports->by_time)))
		forget(reports, first);
	free(reports);
	return NULL;
}
