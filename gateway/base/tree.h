/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Red-black trees: lookup by a key that a peer chooses, which nobody can flood.
 */
#pragma once

#include <bsd/sys/tree.h>

/*
 * The functions of a tree that one file uses. libbsd's own RB_GENERATE_STATIC
 * does not compile on Linux, where it leaves __unused undefined (0.11.7).
 */
#define TREE_GENERATE(name, type, field, cmp)        \
	RB_GENERATE_INTERNAL(name, type, field, cmp, \
			     __attribute__((__unused__)) static)
