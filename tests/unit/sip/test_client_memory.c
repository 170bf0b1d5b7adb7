/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * A registration, OPTIONS and a call over TLS, each time with another
 * allocation of ours failing: nothing breaks, and all memory comes back.
 */
#include <unistd.h>

#include "tests/fail_ours.h"
#include "tests/unit/sip/fixture.h"

enum {
	PLAY_MS = 150, /* nothing more comes of a run in which one failed */
	GOOD_MS = 3000,
	RUNS_MAX = 1000,
};

static char pem[64];
static struct sip_tls_files files;

static int make_certificate(void **state)
{
	char command[512];

	(void)state;
	snprintf(pem, sizeof(pem), "/tmp/test_client_memory.%d.pem",
		 (int)getpid());
	snprintf(command, sizeof(command),
		 "openssl req -x509 -newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x -addext "
		 "subjectAltName=IP:127.0.0.1 -keyout %s -out %s.crt "
		 "2>/dev/null && cat %s.crt >>%s && rm %s.crt",
		 pem, pem, pem, pem, pem);
	return system(command);
}

static int remove_certificate(void **state)
{
	(void)state;
	return unlink(pem);
}

static void open_tls(struct sip_peer *peer)
{
	sip_peer_open_tls(peer, pem);
}

static int start_trunk(struct fixture *f)
{
	char proxy[128];
	struct sip_trunk_config config = { .name = "carrier",
					   .proxy = proxy,
					   .username = "alice",
					   .password = "secret",
					   .realm = "",
					   .from_domain = "",
					   .do_register = true };

	snprintf(proxy, sizeof(proxy), "sip:%s;transport=tls",
		 addr_text(&f->peer.at).s);
	return sip_trunk_new(&f->trunk, f->agent, &config, NULL, NULL);
}

static void start_call(struct fixture *f)
{
	struct sip_dialog_start start = { .trunk = f->trunk,
					  .parties.to = "+15551234567",
					  .parties.from = "+15557654321" };

	/* Offerless: what fails in descriptions is tested with them. */
	if (!f->dialog && sip_dialog_start(&f->dialog, f->agent, &start,
					   &dialog_handlers, NULL))
		f->dialog = NULL;
}

/* The peer's part; whether the call came to its good end. */
static bool answer_one(struct fixture *f)
{
	static const char challenge[] =
		"WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", "
		"qop=\"auth\"\r\n";
	const char *text = f->peer.last;

	if (!strncmp(text, "REGISTER ", 9) &&
	    !sip_peer_header(&f->peer, "Authorization", 0).n) {
		sip_peer_respond(&f->peer, "401 Unauthorized", challenge, NULL);
	} else if (!strncmp(text, "INVITE ", 7)) {
		sip_peer_respond(&f->peer, "486 Busy Here", "", NULL);
	} else if (!strncmp(text, "REGISTER ", 9)) {
		sip_peer_respond(&f->peer, "200 OK", "Expires: 120\r\n", NULL);
		start_call(f);
	} else if (!strncmp(text, "OPTIONS ", 8)) {
		sip_peer_respond(&f->peer, "200 OK", "", NULL);
	}
	return !strncmp(text, "ACK ", 4);
}

static bool play(struct fixture *f)
{
	uint64_t until = clock_ms() + GOOD_MS;
	bool failed = false, good = false;

	if (start_trunk(f))
		return false;
	while (!good && clock_ms() < until) {
		if (sip_peer_next(&f->peer, 5))
			good = answer_one(f);
		if (!failed && fail_ours_has_failed()) {
			failed = true;
			until = clock_ms() + PLAY_MS;
		}
	}
	return good;
}

static void any_allocation_may_fail(void **state)
{
	bool failed = true;
	long run;

	files = (struct sip_tls_files){ .certificate = pem,
					.private_key = "",
					.trusted = pem };
	fixture_tls = &files;
	for (run = 0; failed; run++) {
		long live = fail_ours_count();

		assert_true(run < RUNS_MAX);
		set_up_with(state, open_tls);
		fail_ours_arm(run);
		bool good = play(*state);

		failed = fail_ours_has_failed();
		fail_ours_arm(-1);
		tear_down(state);
		assert_true(good || failed);
		assert_int_equal(fail_ours_count(), live);
	}
	print_message("%ld allocations\n", run - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_allocation_may_fail),
	};

	fail_ours_on();
	return cmocka_run_group_tests(tests, make_certificate,
				      remove_certificate);
}
