/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Every change by a command: who, when, by which face, what, from what to
 * what. In the database (db/audit_row.h) and in the log.
 */
#pragma once

struct actor;
struct gateway;

/* @node: of the command. Secrets are never said here. */
void audit_add(struct gateway *gateway, const struct actor *actor,
	       const char *node, const char *object, const char *before,
	       const char *after);
