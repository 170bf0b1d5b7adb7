/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What the commands about traces share.
 */
#pragma once

#include "gateway/admin/commands.h"
#include "gateway/trace/trace.h"

#define COMMAND_TRACE_WHAT                                                   \
	{                                                                    \
		.var = "what", .label = "Of what", .type = FORM_TEXT_SINGLE, \
		.required = true,                                            \
		.desc = "A JID, a number, or a call by its name, Call-ID "   \
			"or sid"                                             \
	}
#define COMMAND_TRACE_MINUTES                                                \
	{                                                                    \
		.var = "minutes", .label = "For how many minutes",           \
		.type = FORM_TEXT_SINGLE, .required = true, .initial = "10", \
		.integer = true, .min = 1, .max = TRACE_MINUTES_MAX          \
	}
#define COMMAND_TRACE_WHOLE                                \
	{                                                  \
		.var = "whole", .label = "Whole messages", \
		.type = FORM_BOOLEAN, .initial = "false"   \
	}

/* Begin the one that the fields above ask for. Its number; 0: it was said why
 * not. */
unsigned commands_trace_start(struct request *request);
