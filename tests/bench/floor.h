/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What both floors share: the least that a forwarder in userspace can do, as a
 * measure for the relay. No cryptography, no RTP, no checks.
 *
 * Each line on standard input is a call: the two ports on 127.0.0.1 of its
 * ends. It is answered on standard output by the two ports that they send to.
 */
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLOOR_EVENTS = 64, FLOOR_PACKET_MAX = 1600, FLOOR_LINE_CAP = 64 };

static inline void floor_die(const char *what)
{
	perror(what);
	exit(1);
}

static inline struct sockaddr_in floor_addr(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return a;
}

/* A bound socket in @epoll, with @arg; its port in *@port. */
static inline int floor_socket(int epoll, void *arg, unsigned *port, int rcvbuf)
{
	struct sockaddr_in a = floor_addr(0);
	socklen_t n = sizeof(a);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = arg };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) ||
	    getsockname(fd, (struct sockaddr *)&a, &n) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		floor_die("socket");
	if (rcvbuf &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	*port = ntohs(a.sin_port);
	return fd;
}

/* Standard input, with NULL. */
static inline int floor_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0);

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event))
		floor_die("epoll");
	return epoll;
}

/* The next line, octet by octet: none may be read ahead. Ends at its end. */
static inline void floor_read(unsigned *a, unsigned *b)
{
	char line[FLOOR_LINE_CAP];
	size_t n = 0;

	while (n + 1 < sizeof(line) && read(STDIN_FILENO, line + n, 1) == 1 &&
	       line[n] != '\n')
		n++;
	line[n] = '\0';
	if (sscanf(line, "%u %u", a, b) != 2)
		exit(0);
}
