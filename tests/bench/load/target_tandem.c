/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Tandem: telephones call an XMPP account. INVITE, propose, proceed,
 * session-initiate, session-accept, ICE and DTLS, 200.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/clock.h"
#include "tests/bench/load/accounts.h"
#include "tests/bench/load/die.h"
#include "tests/bench/load/jingle.h"
#include "tests/bench/load/load.h"
#include "tests/bench/load/sip.h"

/* What calls go on from belongs into memory, as /run is (tandem.conf(5)). */
#define KEEP "/dev/shm/tandem-bench-%d"

enum { ICE_PORT = 10000, PATH_CAP = 512, START_MS = 30000, SETTLE_MS = 200 };

struct tandem {
	struct sip *sip;
	struct jingle *jingle;
};

static void write_configuration(const struct load *load, const char *path,
				unsigned short port)
{
	const char *dir = load->options.dir;
	FILE *f = fopen(path, "we");

	if (!f)
		DIE("load: cannot write %s", path);
	fchmod(fileno(f), 0600);
	fprintf(f,
		"xmpp { port = %u domain = \"" JINGLE_DOMAIN
		"\" secret = \"" JINGLE_SECRET "\" }\n"
		"sip { listen = { \"udp:127.0.0.1:%d\",\n"
		"  \"tcp:127.0.0.1:%d\" } }\n"
		"media { address = \"127.0.0.1\" ice_port = %d\n"
		"  port_min = 12000 port_max = 31999 workers = 1\n"
		"  allow_loopback = true certificate = \"%s/tandem.pem\"\n"
		"  keep = \"" KEEP "\" }\n"
		"db { path = \"%s/tandem.db\" }\n"
		"limits { calls = 100000 calls_per_account = 100000\n"
		"  calls_per_minute = 0 ring_timeout_s = 180 }\n"
		"log { level = \"%s\" }\n"
		"trunk \"bench\" { proxy = \"sip:127.0.0.1:%d\"\n"
		"  allow = { \"127.0.0.0/8\" } }\n"
		"number \"" SIP_NUMBER "\" { owner = \"" JINGLE_ACCOUNT
		"\" trunk = \"bench\" }\n",
		port, SIP_TARGET_PORT, SIP_TARGET_PORT, ICE_PORT, dir,
		(int)getpid(), dir, load->options.verbose ? "info" : "warn",
		SIP_PORT);
	if (fclose(f))
		DIE("load: cannot write %s", path);
}

/* Returns once the component's stream is up. */
static void run(struct load *load)
{
	const struct tandem *tandem = load->target;
	unsigned before = jingle_handshakes(tandem->jingle);
	char conf[PATH_CAP], log[PATH_CAP];
	const char *const argv[] = { load->options.binary ? load->options.binary
							  : "build/tandem",
				     "-c", conf, NULL };
	uint64_t end_us = clock_us() + START_MS * 1000;

	snprintf(conf, sizeof(conf), "%s/tandem.conf", load->options.dir);
	snprintf(log, sizeof(log), "%s/tandem.log", load->options.dir);
	write_configuration(load, conf, jingle_port(tandem->jingle));
	load->started_us = clock_us();
	process_start(&load->process, argv, load->options.core, log, false);
	while (jingle_handshakes(tandem->jingle) == before) {
		if (clock_us() > end_us)
			DIE("load: tandem does not come; see %s", log);
		loop_turn(&load->loop, clock_us() + 1000);
	}
	load->ready_us = clock_us();
}

static void start(struct load *load)
{
	struct tandem *tandem = calloc(1, sizeof(*tandem));
	char path[PATH_CAP];

	if (!tandem)
		DIE("load: no memory");
	load->target = tandem;
	tandem->sip = sip_open(load);
	tandem->jingle = jingle_open(load);
	snprintf(path, sizeof(path), "%s/tandem.db", load->options.dir);
	if (load->options.accounts)
		accounts_write(path, load->options.accounts);
	run(load);
	/* Until OPTIONS are answered and the trunk is up. */
	load_run(load, clock_us() + SETTLE_MS * 1000);
}

static void restart(struct load *load)
{
	process_kill(&load->process);
	run(load);
}

static void stop(struct load *load)
{
	struct tandem *tandem = load->target;
	char keep[PATH_CAP];

	process_stop(&load->process);
	snprintf(keep, sizeof(keep), KEEP, (int)getpid());
	unlink(keep);
	sip_close(tandem->sip);
	jingle_close(tandem->jingle);
	free(tandem);
}

static void call_in(struct call *call)
{
	const struct tandem *tandem = call->load->target;

	sip_invite(tandem->sip, call);
}

static void hang_up(struct call *call)
{
	const struct tandem *tandem = call->load->target;

	sip_end(tandem->sip, call);
}

static void tick(struct load *load)
{
	const struct tandem *tandem = load->target;

	sip_tick(tandem->sip);
}

static const struct addr *shared_port(const struct load *load)
{
	static struct addr to;

	(void)load;
	return addr_parse(&to, slice_of("127.0.0.1"), ICE_PORT) ? NULL : &to;
}

const struct target_ops target_tandem = {
	.name = "tandem",
	.web = true,
	.start = start,
	.stop = stop,
	.restart = restart,
	.call = call_in,
	.hang_up = hang_up,
	.shared_port = shared_port,
	.tick = tick,
};
