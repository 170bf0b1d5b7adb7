/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A benchmark that cannot go on says why and ends: what it started ends with
 * it (process.h).
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define DIE(...)                              \
	do {                                  \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr);          \
		exit(1);                      \
	} while (0)
