/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the domain says in a conversation about commands: one text each, as a
 * message to one device.
 */
#pragma once

#include "gateway/base/slice.h"

struct actor;
struct answer;
struct command;
struct form_field;
struct gateway;

void chat_say(struct gateway *gateway, const char *to, const char *text);
/* What is of this moment alone: no server keeps it for later, nor for other
 * devices (XEP-0334). */
void chat_say_passing(struct gateway *gateway, const char *to,
		      struct slice text);
void chat_say_answer(struct gateway *gateway, const char *to,
		     const struct answer *answer);
/* All that @actor may. */
void chat_say_commands(struct gateway *gateway, const char *to,
		       const struct actor *actor);
/* What @command wants to be told; and why @odd, unless NULL, is none of it. */
void chat_say_fields(struct gateway *gateway, const char *to,
		     const struct command *command, const char *odd);
void chat_say_question(struct gateway *gateway, const char *to,
		       const struct form_field *field);
