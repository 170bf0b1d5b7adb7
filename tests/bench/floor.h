/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * What both floors share: the least that a forwarder in userspace can do, as a
 * measure for the relay. No cryptography, no RTP, no checks.
 *
 * Each line on standard input is a call: address:port of its two ends. It is
 * answered on standard output by the two ports on 127.0.0.1 that they send to.
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

/* A bound socket in @epoll, with @arg; its port in *@port. */
static inline int floor_socket(int epoll, void *arg, unsigned *port, int rcvbuf)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
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

static inline struct sockaddr_in floor_addr(const char *ip, unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port) };

	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1)
		floor_die("address");
	return a;
}

/* The next line, octet by octet: none may be read ahead. Ends at its end. */
static inline void floor_read(struct sockaddr_in ends[2])
{
	char line[FLOOR_LINE_CAP], ips[2][INET_ADDRSTRLEN];
	unsigned ports[2];
	size_t n = 0;

	while (n + 1 < sizeof(line) && read(STDIN_FILENO, line + n, 1) == 1 &&
	       line[n] != '\n')
		n++;
	line[n] = '\0';
	if (sscanf(line, "%15[^:]:%u %15[^:]:%u", ips[0], &ports[0], ips[1],
		   &ports[1]) != 4)
		exit(0);
	for (int i = 0; i < 2; i++)
		ends[i] = floor_addr(ips[i], ports[i]);
}
