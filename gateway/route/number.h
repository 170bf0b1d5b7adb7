/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Telephone numbers and who owns them: those of tandem.conf(5) first, then
 * those an administrator added at run time (db/account.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "db/account.h"
#include "gateway/route/phone.h"

struct config_number;
struct gateway;

/* All borrowed until the next change of the configuration or the accounts. */
struct number {
	const char *number; /* "+15557654321" */
	const char *trunk;  /* by name */
	const char *texts;  /* the component that carries its texts, or "" */
	const char *owners[ACCOUNT_MAX_OWNERS]; /* bare JIDs */
	size_t nowners;
	enum account_ring ring; /* 0: all at once */
	unsigned ring_s;        /* each, one after the other; 0: not set */
	const char *display;    /* to go with it in calls out; "" none */
	bool withhold;          /* calls out do not show it */
};

/* Who owns @text, written exactly as we write numbers. */
bool number_find(struct number *out, const struct gateway *gateway,
		 const char *text);

/* Whether @account (bare or full JID) is an owner of @number. */
bool number_has_owner(const struct number *number, const char *account);

/* The number of @account (bare JID) that it shows, else its first; on @trunk
 * unless that is NULL. */
bool number_of(struct number *out, const struct gateway *gateway,
	       const char *account, const char *trunk);

/* All numbers of @account (bare JID); nothing may change meanwhile. */
typedef void (*number_fn)(const struct number *number, void *arg);
void number_each(const struct gateway *gateway, const char *account,
		 number_fn fn, void *arg);

/* The first number of @account (bare JID) whose texts the component carries. */
bool number_of_texts(struct number *out, const struct gateway *gateway,
		     const char *account, const char *component);
/* Whether it carries those of any number. */
bool number_is_carried(const struct gateway *gateway, const char *component);

/* How many numbers @account (bare JID) owns. */
size_t number_count(const struct gateway *gateway, const char *account);

/* Where @account (bare JID) dials as at home: the configured region, or else
 * that of its first number. False: neither is there, and @out empty. */
bool number_region(char out[PHONE_REGION_CAP], const struct gateway *gateway,
		   const char *account);

/* What @account means by @text, as phone_parse(). */
CHECKED int number_parse(char out[PHONE_CAP], const struct gateway *gateway,
			 const char *account, const char *text);
/* The same of a localpart, which has been escaped (XEP-0106). */
CHECKED int number_parse_local(char out[PHONE_CAP],
			       const struct gateway *gateway,
			       const char *account, const char *local);
