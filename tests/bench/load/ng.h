/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * rtpengine's NG protocol: a cookie and one bencoded dictionary in a datagram,
 * answered alike.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gateway/base/slice.h"

enum { NG_MESSAGE_CAP = 16384 };

struct ng_message {
	size_t n;
	char p[NG_MESSAGE_CAP];
};

void ng_begin(struct ng_message *message, unsigned long cookie,
	      const char *command);
void ng_text(struct ng_message *message, const char *key, const char *value);
/* A list of one word. */
void ng_word(struct ng_message *message, const char *key, const char *word);
void ng_end(struct ng_message *message);

/* The text of @key in an answer's dictionary; borrowed, empty: none. */
struct slice ng_find(const struct ng_message *message, const char *key);
unsigned long ng_cookie(const struct ng_message *message);
