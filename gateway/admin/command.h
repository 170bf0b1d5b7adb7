/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The commands of the gateway: one table for all faces (ad-hoc commands, a
 * conversation, tandemctl). A new one is an entry of the table, in
 * command_table.c, and its function.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/admin/answer.h"
#include "gateway/admin/role.h"
#include "xmpp/form.h"

struct gateway;
struct request;

enum { COMMAND_MAX_STEPS = 3 };

/* One form. */
struct command_step {
	const char *instructions; /* NULL: none */
	const struct form_spec *fields;
	size_t n;
	/* Before it is asked; NULL: always. False, and why is said: the command
	 * is done. */
	bool (*may)(struct request *request);
	/* What is there now: values and options; NULL: as specified. */
	void (*fill)(const struct request *request, struct form *form);
};

enum command_result {
	COMMAND_DONE,  /* request->answer is complete */
	COMMAND_LATER, /* request_done() follows */
};

struct command {
	const char *node;
	const char *word; /* where it is typed; NULL: the node */
	const char *title;
	enum role_need need;
	bool changes; /* something: each success is in the audit */
	/* It goes on for a while and tells meanwhile, by request_tell(): as
	 * messages in a conversation, as it comes by tandemctl. Of an ad-hoc
	 * command only the forms are one: the rest is a conversation. */
	bool live;
	struct command_step steps[COMMAND_MAX_STEPS]; /* n 0 ends */
	enum command_result (*run)(struct request *request);
};

/* NULL behind the last. */
const struct command *command_at(size_t i);
/* By node or by word, whoever may; NULL: none. */
const struct command *command_find(const char *name);
/* By node alone, as XEP-0050 names it. */
const struct command *command_of_node(const char *node);
const char *command_word(const struct command *command);

/* A command that runs; the face that runs it owns it (gateway/admin/run.h). */
struct request {
	struct gateway *gateway;
	const struct command *command;
	struct actor actor;
	struct form_values *values; /* checked, of all steps so far */
	struct answer *answer;
	/* Of a run that takes long: its own; and how to stop it, after which
	 * request_done() is not called. */
	void *work;
	void (*abandon)(struct request *request);
};

/* The value of a field; "" none. */
const char *request_text(const struct request *request, const char *var);
/* All its values, in lines; owned by the caller, NULL without memory. */
char *request_lines(const struct request *request, const char *var);
/* 0 none. */
unsigned request_number(const struct request *request, const char *var);
bool request_flag(const struct request *request, const char *var);
/* A JID field, bare and in lower case, in @out of JID_CAP; "" none. */
void request_jid(char *out, const struct request *request, const char *var);

/* @fn with each of the field "accountjids", bare and in lower case, if the
 * database has room for all that it changes. */
enum command_result request_each_account(struct request *request,
					 void (*fn)(struct request *request,
						    const char *jid));

/* @object was changed: kept for good, and in the log. "" is nothing. */
void request_changed(const struct request *request, const char *object,
		     const char *before, const char *after);
/* Between COMMAND_LATER and request_done(), from the loop: @text, of @n octets,
 * is seen at once. */
void request_tell(struct request *request, const char *text, size_t n);
/* After COMMAND_LATER, once, from the loop. */
void request_done(struct request *request);

/* Whether the database takes @writes now, beside those that every command may
 * have; else that is said, and nothing may be changed. */
bool request_room(struct request *request, size_t writes);

/*
 * Say what became of a change: @r 0, or -errno with what the gateway has to
 * say about it. Whether it went well.
 */
bool request_well(struct request *request, int r);
/* Say that @name is of tandem.conf(5), and changed there alone. */
void request_refuse_files(struct request *request, const char *name);
