/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Texts to several numbers: the localpart "+15551230001,+15551230002" that
 * people know, and the addresses (XEP-0033) that a component does.
 */
#pragma once

#include "gateway/base/err.h"
#include "gateway/base/slice.h"
#include "gateway/config/config.h"
#include "gateway/text/text_component.h"

#define NS_ADDRESS "http://jabber.org/protocol/address"

enum {
	TEXT_GROUP_NUMBER_CAP = CONFIG_NUMBER_DIGITS + 2,
	TEXT_GROUP_CAP = TEXT_GROUP_MAX * TEXT_GROUP_NUMBER_CAP,
};

struct text_group { /* in their order, each once */
	size_t n;
	char numbers[TEXT_GROUP_MAX][TEXT_GROUP_NUMBER_CAP];
};

/* 0: two numbers at least; -EINVAL. */
CHECKED int text_group_parse(struct text_group *out, const char *local);
/* 0 or -EMSGSIZE. */
CHECKED int text_group_format(char out[static TEXT_GROUP_CAP],
			      const struct text_group *group);

/* An <addresses/> of all of @group, to @message. */
void text_group_add(struct stanza *message, const struct text_group *group);
/* Whom a message is between, @sender among them and without @own: of one where
 * it has no addresses. What is no number is left out. */
void text_group_read(struct text_group *out, const struct stanza *message,
		     struct slice sender, const char *own);
