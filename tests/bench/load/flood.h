/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Strangers who send to one port, as many packets as they can be asked for,
 * from 65,536 addresses (127.66.0.0 to 127.66.255.255): in turns RTP, a DTLS
 * ClientHello, a well-formed connectivity check for nobody, and octets of no
 * meaning. A thread of its own, which gives way to the generator.
 */
#pragma once

#include <stdint.h>

#include "gateway/base/addr.h"

struct flood;

/* @rate packets a second towards @to, until it is stopped. */
struct flood *flood_start(const struct addr *to, unsigned rate);
/* Frees it. Returns how many were sent. */
uint64_t flood_stop(struct flood *flood);
