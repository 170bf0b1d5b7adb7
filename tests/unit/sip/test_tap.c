/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Messages of streams and datagrams, as who follows them is told. */
#include "sip/tap.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sip/agent_int.h"
#include "tests/test.h"

#define MESSAGE(n) "OPTIONS sip:" #n " SIP/2.0\r\nl: 3\r\n\r\nabc"

static struct sip_agent agent;
static int here, there; /* of a TCP connection over loopback */
static char told[4096];
static struct sip_tapped last;

static void on_message(const struct sip_tapped *message, void *arg)
{
	size_t n = strlen(told);

	assert_ptr_equal(arg, &agent);
	last = *message;
	snprintf(told + n, sizeof(told) - n, "%c %.*s|",
		 message->rx ? '<' : '>', SLICE_ARG(message->text));
}

static void connect_both(int type)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int listener = socket(AF_INET, type, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(listener, 1), 0);
	here = socket(AF_INET, type, 0);
	assert_int_equal(connect(here, (struct sockaddr *)&at, n), 0);
	there = type == SOCK_STREAM ? accept(listener, NULL, NULL) : listener;
	if (type == SOCK_STREAM)
		close(listener);
}

static int begin(void **state)
{
	(void)state;
	connect_both(SOCK_STREAM);
	told[0] = '\0';
	sip_tap_set(&agent, on_message, &agent);
	return 0;
}

static int end(void **state)
{
	(void)state;
	sip_tap_set(&agent, NULL, NULL);
	close(here);
	close(there);
	return 0;
}

static void octets(bool rx, const char *a, const char *b)
{
	const struct iovec iov[] = { { (void *)a, strlen(a) },
				     { (void *)b, strlen(b) } };

	sip_tap_octets(here, rx, iov, 2, strlen(a) + strlen(b), NULL);
}

static void nobody_is_told_of_what_nobody_wants(void **state)
{
	(void)state;
	assert_true(sip_tap_is_set);
	sip_tap_set(&agent, NULL, NULL);
	assert_false(sip_tap_is_set);
}

static void messages_of_a_stream_are_told_when_they_are_whole(void **state)
{
	(void)state;
	octets(true, "\r\n\r\nOPTIONS sip:1", " SIP/2.0\r\nl: ");
	assert_string_equal(told, "");
	octets(false, MESSAGE(2), ""); /* the other way */
	assert_string_equal(told, "> " MESSAGE(2) "|");
	assert_int_equal(last.transport, SIP_TCP);
	assert_true(addr_port(&last.remote) != addr_port(&last.local));
	octets(true, "3\r\n\r\na", "");
	octets(true, "bc" MESSAGE(3), "\r\nOPT");
	assert_string_equal(
		told, "> " MESSAGE(2) "|< " MESSAGE(1) "|< " MESSAGE(3) "|");
}

static void what_is_no_sip_is_dropped_and_the_next_is_told(void **state)
{
	(void)state;
	octets(true, "OPTIONS sip:1 SIP/2.0\r\nl: x\r\n\r\n", "");
	octets(true, MESSAGE(4), "");
	assert_string_equal(told, "< " MESSAGE(4) "|");
}

static void a_message_that_never_ends_is_bounded(void **state)
{
	size_t n = SIP_MESSAGE_MAX;
	char *text = malloc(n + 1);

	(void)state;
	memset(text, 'a', n);
	text[n] = '\0';
	for (int i = 0; i < 5; i++)
		octets(true, text, "");
	assert_string_equal(told, "");
	free(text);
}

static void a_datagram_is_a_message(void **state)
{
	struct sockaddr_in peer = { .sin_family = AF_INET,
				    .sin_port = htons(5060) };

	(void)state;
	close(here);
	close(there);
	connect_both(SOCK_DGRAM);
	inet_pton(AF_INET, "192.0.2.7", &peer.sin_addr);
	sip_tap_octets(here, true, &(struct iovec){ (char[]){ "OPTIONS" }, 7 },
		       1, 7, (struct sockaddr *)&peer);
	assert_string_equal(told, "< OPTIONS|");
	assert_int_equal(last.transport, SIP_UDP);
	assert_string_equal(addr_text(&last.remote).s, "192.0.2.7:5060");
}

static void tls_is_told_with_its_peer(void **state)
{
	struct addr peer;

	(void)state;
	assert_int_equal(addr_parse(&peer, slice_of("192.0.2.9"), 5061), 0);
	sip_tap_tls(false, &peer, "ACK", 3);
	assert_string_equal(told, "> ACK|");
	assert_int_equal(last.transport, SIP_TLS);
	assert_true(addr_equal(&last.remote, &peer));
	assert_false(addr_is_set(&last.local));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(nobody_is_told_of_what_nobody_wants),
		TEST(messages_of_a_stream_are_told_when_they_are_whole),
		TEST(what_is_no_sip_is_dropped_and_the_next_is_told),
		TEST(a_message_that_never_ends_is_bounded),
		TEST(a_datagram_is_a_message),
		TEST(tls_is_told_with_its_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
