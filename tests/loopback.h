/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Sockets of tests on the machine's own addresses. */
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/addr.h"
#include "tests/test.h"

/* At a port that is free; *@at has it. It never blocks. */
static inline int loopback_open(int type, bool v6, struct addr *at)
{
	struct slice ip = slice_of(v6 ? "::1" : "127.0.0.1");

	assert_int_equal(addr_parse(at, ip, 0), 0);

	int fd = socket(at->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);
	socklen_t n = addr_len(at);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &at->sa, n), 0);
	assert_int_equal(getsockname(fd, &at->sa, &n), 0);
	return fd;
}
