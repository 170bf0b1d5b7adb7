/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Unguessable octets and names, from the kernel's generator.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RAND_UUID_CAP = 37 };

/* Fill @dst. Cannot fail on a running Linux: ends the process if it does. */
void rand_bytes(void *dst, size_t n);

uint32_t rand_u32(void);
uint64_t rand_u64(void);

/* A UUID version 4 (RFC 4122, 4.4) as text. */
void rand_uuid(char out[static RAND_UUID_CAP]);

/*
 * @n characters of [A-Za-z0-9] and a NUL: ICE ufrag and pwd, SIP tags,
 * resources. 5.95 bits a character. @out has n + 1 octets.
 */
void rand_token(char *out, size_t n);
