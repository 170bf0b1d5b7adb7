/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/base/tree.h"
#include "gateway/gateway.h"
#include "gateway/route/number.h"
#include "xmpp/jid.h"

struct block {
	RB_ENTRY(block) link;
	struct block_row row; /* points into what follows */
	char text[];
};

RB_HEAD(block_tree, block);
struct blocks {
	struct block_tree tree; /* by account, then party */
};

static int compare(const struct block *a, const struct block *b)
{
	int order = strcmp(a->row.account, b->row.account);

	return order ? order : strcmp(a->row.party, b->row.party);
}

TREE_GENERATE(block_tree, block, link, compare)

static struct block *find(const struct blocks *blocks, const char *account,
			  const char *party)
{
	struct block key = { .row = { .account = account, .party = party } };
	struct block_tree tree = blocks->tree;

	return RB_FIND(block_tree, &tree, &key);
}

/* The first of @account. */
static struct block *first_of(const struct blocks *blocks, const char *account)
{
	struct block key = { .row = { .account = account, .party = "" } };
	struct block_tree tree = blocks->tree;

	return RB_NFIND(block_tree, &tree, &key);
}

static struct block *next_of(struct block *block)
{
	struct block *next = RB_NEXT(block_tree, NULL, block);

	return next && !strcmp(next->row.account, block->row.account) ? next
								      : NULL;
}

static bool is_blocked(const struct blocks *blocks, const char *account,
		       const char *party)
{
	char prefix[JID_PART_MAX + 2];

	if (find(blocks, account, party))
		return true;
	/* "+1555*", "+155*", … "*": each could be there */
	if (text_format(prefix, sizeof(prefix), "%s*", party))
		return false;
	for (size_t n = strlen(party) + 1; n--;) {
		prefix[n] = '*';
		prefix[n + 1] = '\0';
		if (find(blocks, account, prefix))
			return true;
	}
	return false;
}

bool blocks_has(const struct gateway *gateway, const char *account,
		const char *party)
{
	char bare[JID_CAP];

	return is_blocked(gateway->blocks, "", party) ||
	       (!jid_bare(bare, sizeof(bare), account) &&
		is_blocked(gateway->blocks, bare, party));
}

void blocks_leave_out(const struct gateway *gateway, struct number *number,
		      const char *party)
{
	size_t n = 0;

	for (size_t i = 0; i < number->nowners; i++) {
		if (!blocks_has(gateway, number->owners[i], party))
			number->owners[n++] = number->owners[i];
	}
	number->nowners = n;
}

/* NULL without memory. */
static struct block *block_new(const struct block_row *row)
{
	size_t account = strlen(row->account) + 1;
	size_t party = strlen(row->party) + 1;
	struct block *block = calloc(1, sizeof(*block) + account + party);

	if (!block)
		return NULL;
	memcpy(block->text, row->account, account);
	memcpy(block->text + account, row->party, party);
	block->row = (struct block_row){ .account = block->text,
					 .party = block->text + account,
					 .since_ms = row->since_ms };
	return block;
}

static int count(const struct blocks *blocks, const char *account)
{
	struct block *block = first_of(blocks, account);
	int n = 0;

	if (block && strcmp(block->row.account, account) != 0)
		return 0;
	for (; block; block = next_of(block))
		n++;
	return n;
}

/* As accounts are kept: "" stays, a JID becomes bare and lower. */
static int read_account(char out[static JID_CAP], const char *account)
{
	return *account ? jid_bare(out, JID_CAP, account)
			: text_set(out, JID_CAP, "");
}

static bool is_party(const char *party)
{
	size_t n = strlen(party);
	const char *star = strchr(party, '*');

	return n && n <= JID_PART_MAX && (!star || star == party + n - 1);
}

int blocks_add(struct gateway *gateway, const char *account, const char *party)
{
	struct blocks *blocks = gateway->blocks;
	char bare[JID_CAP];

	if (!is_party(party) || read_account(bare, account))
		return -EINVAL;
	if (find(blocks, bare, party))
		return 0;
	if (count(blocks, bare) >= BLOCKS_MAX)
		return -E2BIG;
	struct block *block = block_new(&(struct block_row){
		.account = bare, .party = party, .since_ms = clock_wall_ms() });
	if (!block)
		return -ENOMEM;
	int r = block_row_put(gateway->db, &block->row, NULL, NULL);
	if (r) {
		free(block);
		return r;
	}
	RB_INSERT(block_tree, &blocks->tree, block);
	return 0;
}

int blocks_put_all(struct gateway *gateway)
{
	struct block *block;
	int r = 0;

	RB_FOREACH(block, block_tree, &gateway->blocks->tree) {
		int one = block_row_put(gateway->db, &block->row, NULL, NULL);
		r = one ? one : r;
	}
	return r;
}

static void forget(struct blocks *blocks, struct block *block)
{
	RB_REMOVE(block_tree, &blocks->tree, block);
	free(block);
}

int blocks_drop(struct gateway *gateway, const char *account, const char *party)
{
	struct block *block;
	char bare[JID_CAP];

	if (!is_party(party) || read_account(bare, account))
		return -EINVAL;
	block = find(gateway->blocks, bare, party);
	if (!block)
		return 0;
	int r = block_row_drop(gateway->db, bare, party, NULL, NULL);
	if (!r)
		forget(gateway->blocks, block);
	return r;
}

void blocks_forget(struct gateway *gateway, const char *account)
{
	struct block *block;

	while ((block = first_of(gateway->blocks, account)) &&
	       !strcmp(block->row.account, account))
		forget(gateway->blocks, block);
}

int blocks_copy(struct gateway *gateway, const char *from, const char *to)
{
	struct block *block = first_of(gateway->blocks, from);

	if (block && strcmp(block->row.account, from) != 0)
		return 0;
	for (; block; block = next_of(block)) {
		struct block_row row = block->row;
		struct block *added;

		if (find(gateway->blocks, to, row.party))
			continue;
		row.account = to;
		added = block_new(&row);
		if (!added)
			return -ENOMEM;
		RB_INSERT(block_tree, &gateway->blocks->tree, added);
	}
	return 0;
}

void blocks_each(const struct gateway *gateway, const char *account,
		 db_row_fn fn, void *arg)
{
	char bare[JID_CAP];

	if (read_account(bare, account))
		return;
	struct block *block = first_of(gateway->blocks, bare);
	if (block && strcmp(block->row.account, bare) != 0)
		return;
	for (; block; block = next_of(block))
		fn(&block->row, arg);
}

static void on_row(const void *data, void *arg)
{
	struct blocks *blocks = arg;
	struct block *block = block_new(data);

	if (!block)
		log_error("blocks=not-read: no memory for one of them");
	else if (RB_INSERT(block_tree, &blocks->tree, block))
		free(block);
}

int blocks_new(struct gateway *gateway)
{
	struct blocks *blocks = calloc(1, sizeof(*blocks));

	gateway->blocks = blocks;
	if (!blocks)
		return -ENOMEM;
	RB_INIT(&blocks->tree);
	return block_row_load_all(gateway->db, on_row, blocks);
}

void blocks_free(struct gateway *gateway)
{
	struct blocks *blocks = gateway->blocks;
	struct block *block;

	if (!blocks)
		return;
	while ((block = RB_MIN(block_tree, &blocks->tree)))
		forget(blocks, block);
	free(blocks);
	gateway->blocks = NULL;
}
