/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The proof that a dialog outlives its process: a child makes a call with the
 * peer (this process), hands its saved state over and is killed with SIGKILL;
 * another child, which knows nothing but that state, takes the dialog up. The
 * peer's BYE, or its re-INVITE, is answered 200, in both roles, with a route
 * set, and requests of the new process carry tags and CSeq on.
 */
#include "tests/unit/sip/fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const text_fields[] = {
	"call_id", "local_tag", "remote_tag", "local", "remote",
	"target",  "route",     "contact",    "trunk",
};
enum { NTEXTS = sizeof(text_fields) / sizeof(*text_fields) };

static char **text_field(struct sip_dialog_state *s, size_t i)
{
	char **fields[NTEXTS] = { &s->call_id, &s->local_tag, &s->remote_tag,
				  &s->local,   &s->remote,    &s->remote_target,
				  &s->route,   &s->contact,   &s->trunk };

	return fields[i];
}

/* One line a field, as a database row would be. */
static void write_state(int fd, struct sip_dialog_state *s)
{
	FILE *out = fdopen(fd, "w");

	for (size_t i = 0; i < NTEXTS; i++)
		fprintf(out, "%s\n", *text_field(s, i));
	fprintf(out, "%d %s %u %u %llu %llu\n", s->uac, addr_text(&s->peer).s,
		s->local_cseq, s->remote_cseq, (unsigned long long)s->sdp_id,
		(unsigned long long)s->sdp_version);
	fflush(out);
}

static void read_state(FILE *in, struct sip_dialog_state *s)
{
	char line[2048], peer[80];
	int uac;
	unsigned long long id, version;

	*s = (struct sip_dialog_state){ .transport = SIP_UDP };
	for (size_t i = 0; i < NTEXTS; i++) {
		assert_non_null(fgets(line, sizeof(line), in));
		line[strcspn(line, "\n")] = '\0';
		*text_field(s, i) = strdup(line);
	}
	assert_non_null(fgets(line, sizeof(line), in));
	assert_int_equal(sscanf(line, "%d %79s %u %u %llu %llu", &uac, peer,
				&s->local_cseq, &s->remote_cseq, &id, &version),
			 6);
	s->uac = uac;
	s->sdp_id = id;
	s->sdp_version = version;
	assert_int_equal(addr_parse_port(&s->peer, slice_of(peer)), 0);
}

/* ---- the children ---- */

static uint16_t free_port(void)
{
	struct sip_peer probe;
	uint16_t port;

	sip_peer_open(&probe);
	port = addr_port(&probe.at);
	sip_peer_close(&probe);
	return port;
}

static void open_child(struct fixture *f, uint16_t port)
{
	struct timeval often = { 0, 5000 };

	/* Not to stay when the test fails. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fx = f;
	f->base = event_base_new();
	f->trust = SIP_TRUSTED;
	f->tick = event_new(f->base, -1, EV_PERSIST, on_tick, NULL);
	event_add(f->tick, &often);
	open_agent(f, port);
}

static void save_and_wait(struct fixture *f, int fd)
{
	struct sip_dialog_state state;

	if (sip_dialog_save(f->dialog, &state))
		_exit(3);
	write_state(fd, &state);
	for (;;)
		turn(f);
}

/* Answers what comes in, saves, lives until it is killed. */
static void be_called(uint16_t port, int fd)
{
	static struct fixture f;
	struct media_desc *answer;

	open_child(&f, port);
	while (!f.dialog)
		turn(&f);
	answer = make_desc(4000, MEDIA_SENDRECV);
	if (sip_dialog_answer(f.dialog, answer))
		_exit(2);
	run_ms(&f, 200);
	save_and_wait(&f, fd);
}

static void call_peer(uint16_t port, const struct addr *peer, int fd)
{
	static struct fixture f;
	char proxy[128];
	struct sip_trunk_config config = { .name = "carrier",
					   .proxy = proxy,
					   .username = "",
					   .password = "",
					   .realm = "",
					   .from_domain = "" };
	struct sip_dialog_start start = { .parties.to = "+15551234567",
					  .parties.from = "+15557654321" };
	struct media_desc *offer = make_desc(4000, MEDIA_SENDRECV);

	open_child(&f, port);
	snprintf(proxy, sizeof(proxy), "sip:%s", addr_text(peer).s);
	if (sip_trunk_new(&f.trunk, f.agent, &config, NULL, NULL))
		_exit(2);
	start.trunk = f.trunk;
	start.offer = offer;
	if (sip_dialog_start(&f.dialog, f.agent, &start, &dialog_handlers,
			     NULL))
		_exit(2);
	while (!strstr(f.log, "answer "))
		turn(&f);
	save_and_wait(&f, fd);
}

/* The fresh process: answers offers, sends INFO when told by a digit. */
static void take_up(uint16_t port, int state_fd, int ready_fd)
{
	static struct fixture f;
	struct sip_dialog_state state;
	struct media_desc *answer = make_desc(4000, MEDIA_RECVONLY);

	read_state(fdopen(state_fd, "r"), &state);
	open_child(&f, port);
	if (sip_dialog_restore(&f.dialog, f.agent, &state, NULL,
			       &dialog_handlers, NULL))
		_exit(4);
	if (write(ready_fd, "r", 1) != 1)
		_exit(5);
	for (;;) {
		turn(&f);
		if (strstr(f.log, "offer ")) {
			f.log[0] = '\0';
			if (sip_dialog_answer(f.dialog, answer))
				_exit(6);
		}
		if (strstr(f.log, "digit:")) {
			f.log[0] = '\0';
			if (sip_dialog_digit(f.dialog, '7', 100))
				_exit(7);
		}
		if (strstr(f.log, "ended:"))
			_exit(0);
	}
}

/* ---- the test ---- */

struct restore {
	struct sip_peer peer;
	uint16_t port;
	int state[2], ready[2];
	pid_t child;
	unsigned first_cseq; /* of the child's INVITE */
};

static void start_child(struct restore *r, bool uac)
{
	assert_int_equal(pipe(r->state), 0);
	assert_int_equal(pipe(r->ready), 0);
	r->child = fork();
	assert_true(r->child >= 0);
	if (r->child)
		return;
	if (uac)
		call_peer(r->port, &r->peer.at, r->state[1]);
	else
		be_called(r->port, r->state[1]);
	_exit(1);
}

static void kill_child(struct restore *r)
{
	int status;

	assert_int_equal(kill(r->child, SIGKILL), 0);
	assert_int_equal(waitpid(r->child, &status, 0), r->child);
	assert_true(WIFSIGNALED(status));
}

static void start_fresh(struct restore *r)
{
	char c;

	r->child = fork();
	assert_true(r->child >= 0);
	if (!r->child) {
		take_up(r->port, r->state[0], r->ready[1]);
		_exit(1);
	}
	assert_int_equal(read(r->ready[0], &c, 1), 1);
}

#define ROUTE "Record-Route: <sip:%s;lr;hop=1>, <sip:%s;lr;hop=2>\r\n"

/* Both hops are the peer itself. */
static void route_header(const struct restore *r, char out[256])
{
	struct addr_text at = addr_text(&r->peer.at);

	snprintf(out, 256, ROUTE, at.s, at.s);
}

static void make_call(struct restore *r, bool uac)
{
	char header[256], uri[128];

	route_header(r, header);
	if (uac) {
		sip_peer_expect(&r->peer, "INVITE ");
		r->first_cseq = (unsigned)strtoul(
			sip_peer_header(&r->peer, "CSeq", 0).p, NULL, 10);
		sip_peer_respond(&r->peer, "200 OK", header,
				 sip_peer_sdp(5000, "sendrecv"));
		sip_peer_expect(&r->peer, "ACK ");
		return;
	}
	snprintf(uri, sizeof(uri), "sip:+15557654321@127.0.0.1:%u", r->port);
	sip_peer_dialog(&r->peer, uri);
	/* The child may not be listening yet: as a UAC would, again. */
	do {
		r->peer.cseq = 100;
		sip_peer_request(&r->peer, "INVITE", header,
				 sip_peer_sdp(5000, "sendrecv"));
	} while (!sip_peer_wait(&r->peer, "SIP/2.0 ", 300));
	if (strncmp(r->peer.last, "SIP/2.0 200", 11))
		sip_peer_expect(&r->peer, "SIP/2.0 200");
	sip_peer_request(&r->peer, "ACK", "", NULL);
}

/* Until the state is there, then SIGKILL, then a fresh process. */
static void replace_process(struct restore *r)
{
	fd_set set;
	struct timeval tv = { 5, 0 };

	FD_ZERO(&set);
	FD_SET(r->state[0], &set);
	assert_int_equal(select(r->state[0] + 1, &set, NULL, NULL, &tv), 1);
	kill_child(r);
	start_fresh(r);
}

static void begin(struct restore *r, bool uac)
{
	sip_peer_open(&r->peer);
	r->port = free_port();
	assert_int_equal(
		addr_parse(&r->peer.target, slice_of("127.0.0.1"), r->port), 0);
	start_child(r, uac);
	make_call(r, uac);
	replace_process(r);
}

static void end(struct restore *r)
{
	int status;

	assert_int_equal(waitpid(r->child, &status, 0), r->child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	sip_peer_close(&r->peer);
	for (int i = 0; i < 2; i++) {
		close(r->state[i]);
		close(r->ready[i]);
	}
}

/* Requests in the dialog that the peer makes: From and To as in the call. */
static void peer_byes(struct restore *r)
{
	sip_peer_request(&r->peer, "BYE", "", NULL);
	sip_peer_expect(&r->peer, "SIP/2.0 200");
	end(r);
}

static void peer_holds(struct restore *r)
{
	sip_peer_request(&r->peer, "INVITE", "",
			 sip_peer_sdp(5000, "sendonly"));
	sip_peer_expect(&r->peer, "SIP/2.0 200");
	assert_non_null(strstr(r->peer.last, "a=recvonly"));
	sip_peer_request(&r->peer, "ACK", "", NULL);
}

static void after_a_call_out_the_peers_bye_gets_200(void **state)
{
	struct restore r = { 0 };

	(void)state;
	begin(&r, true);
	peer_byes(&r);
}

static void after_a_call_in_the_peers_bye_gets_200(void **state)
{
	struct restore r = { 0 };

	(void)state;
	begin(&r, false);
	peer_byes(&r);
}

static void after_a_call_out_the_peers_reinvite_gets_200(void **state)
{
	struct restore r = { 0 };

	(void)state;
	begin(&r, true);
	peer_holds(&r);
	peer_byes(&r);
}

static void after_a_call_in_the_peers_reinvite_gets_200(void **state)
{
	struct restore r = { 0 };

	(void)state;
	begin(&r, false);
	peer_holds(&r);
	peer_byes(&r);
}

/* Our own request: tags, route order and CSeq go on as they were. */
static void check_own_request(struct restore *r, bool uac)
{
	struct slice first, second;

	begin(r, uac);
	sip_peer_request(&r->peer, "INFO", "Content-Type: application/dtmf\r\n",
			 "1");
	sip_peer_expect(&r->peer, "INFO ");
	assert_true(sip_peer_header_has(&r->peer, "To", r->peer.local_tag));
	assert_true(sip_peer_header_has(&r->peer, "Call-ID", r->peer.call_id));
	first = sip_peer_header(&r->peer, "Route", 0);
	second = sip_peer_header(&r->peer, "Route", 1);
	/* RFC 3261, 12.1: reversed as client, in order as server. */
	assert_non_null(memmem(first.p, first.n, uac ? "hop=2" : "hop=1", 5));
	if (second.n)
		assert_non_null(
			memmem(second.p, second.n, uac ? "hop=1" : "hop=2", 5));
	if (uac)
		assert_int_equal(strtoul(sip_peer_header(&r->peer, "CSeq", 0).p,
					 NULL, 10),
				 r->first_cseq + 1);
	sip_peer_respond(&r->peer, "200 OK", "", NULL);
	peer_byes(r);
}

static void after_a_call_out_our_requests_go_on(void **state)
{
	struct restore r = { 0 };

	(void)state;
	check_own_request(&r, true);
}

static void after_a_call_in_our_requests_go_on(void **state)
{
	struct restore r = { 0 };

	(void)state;
	check_own_request(&r, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_a_call_out_the_peers_bye_gets_200),
		cmocka_unit_test(after_a_call_in_the_peers_bye_gets_200),
		cmocka_unit_test(after_a_call_out_the_peers_reinvite_gets_200),
		cmocka_unit_test(after_a_call_in_the_peers_reinvite_gets_200),
		cmocka_unit_test(after_a_call_out_our_requests_go_on),
		cmocka_unit_test(after_a_call_in_our_requests_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
