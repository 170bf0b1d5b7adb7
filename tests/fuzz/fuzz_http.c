/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Whoever reaches the HTTP server of a gateway, which has a token or none, as
 * the first octet says: what he gets is one answer or none, and without the
 * token no page.
 */
#include <assert.h>

#include "gateway/watch/http.h"
#include "tests/unit/gateway/stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER_CAP = 256 * 1024, WAIT_MS = 60 * 1000 };

static struct http *servers[2];
static unsigned short ports[2];

static void close_servers(void)
{
	for (int i = 0; i < 2; i++)
		servers[i] = http_free(servers[i]);
	close_stage(NULL);
}

static void open_servers(void)
{
	static const char *const tokens[2] = { "", "only one knows it" };

	open_stage(NULL);
	assert(!log_open("/dev/null", LOG_LEVEL_ERROR));
	for (int i = 0; i < 2; i++) {
		struct http_config config = { .token = tokens[i] };

		ports[i] = free_port(SOCK_STREAM);
		assert(!addr_parse(&config.listen, slice_of("127.0.0.1"),
				   ports[i]));
		assert(!http_new(&servers[i], st.gateway, &config));
	}
	atexit(close_servers);
}

static int connect_to(unsigned short port)
{
	/* its port can be used again at once */
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert(fd >= 0);
	assert(!setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)));
	assert(!connect(fd, (struct sockaddr *)&sin, sizeof(sin)));
	return fd;
}

/* All that comes until the server closes. */
static size_t receive(int fd, char *answer)
{
	uint64_t until = clock_ms() + WAIT_MS;
	size_t n = 0;

	for (;;) {
		ssize_t got =
			recv(fd, answer + n, ANSWER_CAP - 1 - n, MSG_DONTWAIT);

		if (!got || (got < 0 && errno == ECONNRESET))
			break;
		assert(n + 1 < ANSWER_CAP && clock_ms() < until);
		if (got > 0)
			n += (size_t)got;
		else
			event_base_loop(st.base, EVLOOP_ONCE);
	}
	answer[n] = '\0';
	return n;
}

/* As it is, or in base64, wherever it begins there. */
static bool has_token(const uint8_t *data, size_t size)
{
	static const char *const middles[] = { "one", "vbmUg", "b25lI",
					       "9uZSB" };
	bool has = false;

	for (size_t i = 0; i < sizeof(middles) / sizeof(*middles); i++)
		has |= memmem(data, size, middles[i], strlen(middles[i])) !=
		       NULL;
	return has;
}

static void check(const char *answer, size_t n, bool guarded, bool may)
{
	unsigned status = 0;

	if (!n)
		return;
	/* HTTP/0.9 has no head */
	if (sscanf(answer, "HTTP/%*u.%*u %3u ", &status) != 1)
		status = 200;
	assert(status >= 200 && status < 600);
	assert(!guarded || may || status != 200);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char answer[ANSWER_CAP];

	if (!size)
		return 0;
	if (!servers[0])
		open_servers();
	int which = data[0] & 1;
	int fd = connect_to(ports[which]);

	assert(send(fd, data + 1, size - 1, MSG_NOSIGNAL) == (ssize_t)size - 1);
	shutdown(fd, SHUT_WR);
	size_t n = receive(fd, answer);
	close(fd);
	check(answer, n, which, has_token(data, size));
	return 0;
}
