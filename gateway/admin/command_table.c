/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include <string.h>

#include "gateway/admin/commands.h"

static const struct commands *const groups[] = {
	&commands_user,         &commands_transfer,   &commands_status,
	&commands_calls,        &commands_watch,      &commands_trace,
	&commands_trace_follow, &commands_history,    &commands_export,
	&commands_trunks,       &commands_trunk_edit, &commands_trunk_call,
	&commands_routes,       &commands_numbers,    &commands_accounts,
	&commands_caller_id,    &commands_blocks,     &commands_audit,
	&commands_standard,     &commands_process,    &commands_stop,
	&commands_test_call,    &commands_move,
};
enum { NGROUPS = sizeof(groups) / sizeof(groups[0]) };

const struct command *command_at(size_t i)
{
	for (size_t g = 0; g < NGROUPS; g++) {
		if (i < groups[g]->n)
			return &groups[g]->v[i];
		i -= groups[g]->n;
	}
	return NULL;
}

const struct command *command_of_node(const char *node)
{
	const struct command *command;
	size_t i = 0;

	while ((command = command_at(i++)) && strcmp(command->node, node) != 0)
		;
	return command;
}

const struct command *command_find(const char *name)
{
	const struct command *command = command_of_node(name);
	size_t i = 0;

	if (command)
		return command;
	while ((command = command_at(i++)) &&
	       strcmp(command_word(command), name) != 0)
		;
	return command;
}

const char *command_word(const struct command *command)
{
	return command->word ? command->word : command->node;
}
