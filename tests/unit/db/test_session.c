/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "db/session.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db/cdr.h"
#include "tests/unit/db/fixture.h"

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_port(&a, slice_of(text)), 0);
	return a;
}

static struct db_secret secret(const char *text)
{
	struct db_secret s = { .n = strlen(text) };

	memcpy(s.octets, text, s.n);
	return s;
}

static struct session_row sip_row(void)
{
	return (struct session_row){
		.call = "c1",
		.side = SESSION_SIDE_B,
		.kind = SESSION_SIP,
		.state = SESSION_UP,
		.started_ms = 1700000000123,
		.answered_ms = 1700000005456,
		.account = "alice@example.org",
		.number = "+15557654321",
		.trunk = "carrier",
		.held = true,
		.sip = { .uac = true,
			 .call_id = "x@y",
			 .local_tag = "lt",
			 .remote_tag = "rt",
			 .local_uri = "\"A; '\" <sip:+1@h>",
			 .remote_uri = "<sip:+2@h>",
			 .remote_target = "sip:+2@192.0.2.1:5080",
			 .contact = "<sip:t@192.0.2.9>",
			 .route_set = "<sip:p1;lr>, <sip:p2;lr>",
			 .transport = "udp",
			 .local = addr("192.0.2.9:5060"),
			 .remote = addr("[2001:db8::1]:5080"),
			 .local_cseq = UINT32_MAX,
			 .remote_cseq = 7,
			 .timer_interval_s = 1800,
			 .timer_ours = true,
			 .timer_next_ms = 1700000900000,
			 .sdp_id = "123",
			 .sdp_version = UINT64_MAX,
			 .self = "5551" },
		.caller = "+1555",
		.callee = "a@b",
		.inbound = true,
		.ringing_ms = 1700000001000,
		.offerer = true,
		.local_sdp = "v=0\r\n",
		.remote_sdp = "v=0\r\ns=-\r\n",
		.media = { .local = addr("192.0.2.9:20000"),
			   .remote = addr("192.0.2.1:30000"),
			   .direction = 3,
			   .codec = "PCMU/8000",
			   .rtcp_mux = true,
			   .tx_ssrc = 0xfffffffe,
			   .tx_index = UINT64_C(0xffffffffffff),
			   .tx_rtcp_index = 0x7fffffff,
			   .seq_offset = 0xffff,
			   .ts_offset = 0xfffffffe },
	};
}

static struct session_row jingle_row(void)
{
	return (struct session_row){
		.call = "c1",
		.side = SESSION_SIDE_A,
		.kind = SESSION_JINGLE,
		.state = SESSION_SETUP,
		.jingle = { .sid = "sid",
			    .jmi_id = "jmi",
			    .local_jid = "+1@tel/sip",
			    .remote_jid = "a@b/c",
			    .initiator = true,
			    .content_name = "0",
			    .content_creator = "initiator" },
		.media = { .ice = true,
			   .worker = 1,
			   .controlling = true,
			   .tie_breaker = UINT64_C(0x8000000000000001),
			   .local_ufrag = "uf",
			   .remote_ufrag = "ru",
			   .local_pwd = secret("our-ice-password-of-22+"),
			   .remote_pwd = secret("their-password"),
			   .local_cands = "a\nb",
			   .setup = "active",
			   .local_fingerprint = "sha-256 AB",
			   .srtp_profile = "AES_CM_128_HMAC_SHA1_80",
			   .tx_key = secret("0123456789abcdef0123456789abcd"),
			   .rx_key = secret("the-other-key"),
			   .rx_rtcp_index = 5 },
	};
}

struct loaded {
	unsigned n;
	void (*check)(const struct session_row *row);
};

static void check_sip(const struct session_row *row)
{
	const struct session_row want = sip_row();

	assert_string_equal(row->call, want.call);
	assert_int_equal(row->kind, want.kind);
	assert_int_equal(row->state, want.state);
	assert_true(row->held);
	assert_true(row->started_ms == want.started_ms);
	assert_true(row->answered_ms == want.answered_ms);
	assert_true(row->sip.uac);
	assert_string_equal(row->sip.local_uri, want.sip.local_uri);
	assert_string_equal(row->sip.route_set, want.sip.route_set);
	assert_string_equal(row->sip.remote_target, want.sip.remote_target);
	assert_string_equal(row->sip.self, want.sip.self);
	assert_string_equal(row->remote_sdp, want.remote_sdp);
	assert_string_equal(row->caller, want.caller);
	assert_string_equal(row->callee, want.callee);
	assert_true(row->inbound && row->offerer);
	assert_true(row->ringing_ms == want.ringing_ms);
	assert_true(addr_equal(&row->sip.remote, &want.sip.remote));
	assert_true(row->sip.local_cseq == UINT32_MAX);
	assert_true(row->sip.timer_ours);
	assert_true(row->sip.sdp_version == UINT64_MAX);
	assert_true(row->media.tx_index == want.media.tx_index);
	assert_true(row->media.tx_ssrc == want.media.tx_ssrc);
	assert_true(row->media.tx_rtcp_index == want.media.tx_rtcp_index);
	assert_int_equal(row->media.seq_offset, 0xffff);
	assert_true(row->media.ts_offset == want.media.ts_offset);
	assert_int_equal(row->media.tx_key.n, 0);
	assert_false(row->media.ice);
	assert_string_equal(row->jingle.sid, "");
	assert_true(row->boot_id[0] && row->node_id[0]);
}

static void check_jingle(const struct session_row *row)
{
	const struct session_row want = jingle_row();

	assert_int_equal(row->side, SESSION_SIDE_A);
	assert_string_equal(row->jingle.remote_jid, "a@b/c");
	assert_true(row->jingle.initiator);
	assert_true(row->media.ice && row->media.controlling);
	assert_true(row->media.tie_breaker == want.media.tie_breaker);
	assert_memory_equal(&row->media.local_pwd, &want.media.local_pwd,
			    sizeof(want.media.local_pwd));
	assert_memory_equal(&row->media.tx_key, &want.media.tx_key,
			    sizeof(want.media.tx_key));
	assert_memory_equal(&row->media.rx_key, &want.media.rx_key,
			    sizeof(want.media.rx_key));
	assert_false(addr_is_set(&row->media.remote));
	assert_string_equal(row->media.remote_cands, "");
}

static void on_row(const void *data, void *arg)
{
	const struct session_row *row = data;
	struct loaded *loaded = arg;

	loaded->n++;
	if (row->side == SESSION_SIDE_B)
		check_sip(row);
	else
		check_jingle(row);
}

static unsigned count_rows(struct fixture *f)
{
	struct loaded loaded = { 0, NULL };

	assert_int_equal(session_load_all(f->db, on_row, &loaded), 0);
	return loaded.n;
}

static void both_legs_come_back_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct session_row sip = sip_row(), jingle = jingle_row();

	assert_int_equal(session_put(f->db, &sip, fixture_done, f), 0);
	assert_int_equal(session_put(f->db, &jingle, fixture_done, f), 0);
	fixture_wait(f, 2);
	assert_int_equal(f->last, 0);
	fixture_reopen(f);
}

static void closing_writes_what_is_queued(void **state)
{
	struct fixture *f = *state;
	struct session_row row = sip_row();

	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	fixture_reopen(f);
	assert_int_equal(f->heard, 0);
	assert_int_equal(count_rows(f), 1);
}

static void a_second_put_replaces_the_first(void **state)
{
	struct fixture *f = *state;
	struct session_row row = sip_row();

	row.sip.remote_target = "sip:elsewhere";
	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	row = sip_row();
	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	fixture_wait(f, 2);
	assert_int_equal(count_rows(f), 1);
}

static int count_sql(const struct fixture *f, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void the_record_of_a_call_takes_its_rows_along(void **state)
{
	struct fixture *f = *state;
	struct session_row sip = sip_row(), jingle = jingle_row();
	struct session_row other = sip_row();
	const struct cdr cdr = { .call = "c1", .direction = CDR_INBOUND };

	other.call = "c2";
	assert_int_equal(session_put(f->db, &sip, fixture_done, f), 0);
	assert_int_equal(session_put(f->db, &jingle, fixture_done, f), 0);
	assert_int_equal(session_put(f->db, &other, fixture_done, f), 0);
	assert_int_equal(cdr_put(f->db, &cdr, fixture_done, f), 0);
	fixture_wait(f, 4);
	assert_int_equal(f->last, 0);
	assert_int_equal(count_sql(f, "SELECT count(*) FROM session"), 1);
	assert_int_equal(
		count_sql(f, "SELECT count(*) FROM session WHERE call = 'c2'"),
		1);
}

/* One process after the other, each killed while calls begin and end in it. */
enum { KILLS = 25, CALLS_MAX = 4000, KILL_LATEST_MS = 60 };

static void begin_and_end_calls(const struct fixture *f, unsigned run, int fd)
{
	struct event_base *base = event_base_new();
	const struct db_config config = { .path = f->path };
	struct db *db;

	if (db_open(&db, &config, base) || write(fd, "o", 1) != 1)
		_exit(1);
	for (unsigned i = 0; i < CALLS_MAX; i++) {
		struct session_row row = sip_row();
		char name[32];

		snprintf(name, sizeof(name), "%u-%u", run, i);
		row.call = name;
		const struct cdr cdr = { .call = name,
					 .direction = CDR_INBOUND };
		if (session_put(db, &row, NULL, NULL))
			break;
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (cdr_put(db, &cdr, NULL, NULL))
			break;
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(20);
	}
	pause();
}

/* It writes: on a busy machine that takes as long as it takes. */
static pid_t start_to_begin_and_end(const struct fixture *f, unsigned run)
{
	int open_pipe[2];
	char c;

	assert_int_equal(pipe(open_pipe), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		begin_and_end_calls(f, run, open_pipe[1]);
	close(open_pipe[1]);
	assert_int_equal(read(open_pipe[0], &c, 1), 1);
	close(open_pipe[0]);
	return pid;
}

static void wait_for_records(const struct fixture *f)
{
	uint64_t until = clock_ms() + FIXTURE_WAIT_MS;

	while (!count_sql(f, "SELECT count(*) FROM cdr"))
		assert_true(clock_ms() < until);
}

static void a_kill_leaves_a_call_or_its_record(void **state)
{
	struct fixture *f = *state;
	int status;

	f->db = db_close(f->db);
	for (unsigned run = 0; run < KILLS; run++) {
		pid_t pid = start_to_begin_and_end(f, run);

		usleep(1000 * run * KILL_LATEST_MS / KILLS);
		if (run == KILLS - 1)
			wait_for_records(f);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(
			count_sql(f, "SELECT count(*) FROM session "
				     "JOIN cdr ON cdr.call = session.call"),
			0);
	}
	fixture_open(f);
}

static bool file_has(const char *path, const char *text)
{
	FILE *file = fopen(path, "rb");
	static char octets[4 << 20];
	size_t n = file ? fread(octets, 1, sizeof(octets), file) : 0;

	if (file)
		assert_int_equal(fclose(file), 0);
	return memmem(octets, n, text, strlen(text));
}

static void secrets_are_not_in_the_files(void **state)
{
	struct fixture *f = *state;
	struct session_row row = jingle_row();
	char wal[160], key[160];
	struct stat st;

	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	fixture_wait(f, 1);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	assert_true(file_has(wal, "a@b/c"));
	assert_false(file_has(wal, "our-ice-password"));
	assert_false(file_has(wal, "0123456789abcdef"));
	fixture_reopen(f);
	assert_true(file_has(f->path, "a@b/c"));
	assert_false(file_has(f->path, "our-ice-password"));
	assert_false(file_has(f->path, "0123456789abcdef"));
	snprintf(key, sizeof(key), "%s.key", f->path);
	const char *const files[] = { f->path, key };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(stat(files[i], &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void on_bare_row(const void *data, void *arg)
{
	const struct session_row *row = data;
	const struct session_row want = jingle_row();
	static const struct db_secret none;
	unsigned *n = arg;

	(*n)++;
	assert_string_equal(row->jingle.sid, want.jingle.sid);
	assert_string_equal(row->media.local_ufrag, want.media.local_ufrag);
	assert_memory_equal(&row->media.local_pwd, &none, sizeof(none));
	assert_memory_equal(&row->media.tx_key, &none, sizeof(none));
	assert_memory_equal(&row->media.rx_key, &none, sizeof(none));
}

static void rows_of_another_key_come_without_their_secrets(void **state)
{
	struct fixture *f = *state;
	struct session_row row = jingle_row();
	char key[160];

	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	fixture_wait(f, 1);
	f->db = db_close(f->db);
	snprintf(key, sizeof(key), "%s.key", f->path);
	assert_int_equal(unlink(key), 0);
	fixture_open(f);
	unsigned n = 0;
	assert_int_equal(session_load_all(f->db, on_bare_row, &n), 0);
	assert_int_equal(n, 1);
}

static void earlier_runs_are_dropped_and_this_one_is_not(void **state)
{
	struct fixture *f = *state;
	struct session_row row = jingle_row();
	char key[160];

	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	fixture_wait(f, 1);
	f->db = db_close(f->db);
	snprintf(key, sizeof(key), "%s.key", f->path);
	assert_int_equal(unlink(key), 0); /* nor can it be read */
	fixture_open(f);
	row.call = "c2";
	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	assert_int_equal(session_drop_earlier(f->db), 0);
	row.side = SESSION_SIDE_B;
	assert_int_equal(session_put(f->db, &row, fixture_done, f), 0);
	fixture_wait(f, 3);
	assert_int_equal(count_sql(f, "SELECT count(*) FROM session"), 2);
}

static struct session_digest digest_of(const struct session_row *row)
{
	struct session_digest digest;

	assert_int_equal(session_digest(&digest, row), 0);
	return digest;
}

static void rows_that_say_the_same_have_one_digest(void **state)
{
	char number[] = "+15557654321";
	struct session_row a = jingle_row(), b = jingle_row();

	(void)state;
	a.number = "+15557654321";
	b.number = number;                           /* another pointer */
	b.media.tx_key.octets[b.media.tx_key.n] = 1; /* no part of it */
	a.diversion = NULL;
	b.diversion = "";
	struct session_digest of_a = digest_of(&a), of_b = digest_of(&b);
	assert_true(session_digest_equal(&of_a, &of_b));
}

static void another_value_of_any_kind_is_another_digest(void **state)
{
	const struct session_row row = jingle_row();
	struct session_row others[] = { row, row, row, row, row, row, row };
	struct session_digest mine = digest_of(&row);

	(void)state;
	others[0].held = !row.held;
	others[1].answered_ms++;
	others[2].media.tx_key.octets[0] ^= 1;
	others[3].media.tx_key.n--;
	others[4].media.remote = addr("192.0.2.1:30001");
	others[5].media.mid = "audio";
	/* The same octets, cut elsewhere. */
	others[6].jingle.content_name = "0initiator";
	others[6].jingle.content_creator = "";
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct session_digest other = digest_of(&others[i]);

		assert_false(session_digest_equal(&mine, &other));
	}
}

int main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_legs_come_back_after_a_restart),
		TEST(closing_writes_what_is_queued),
		TEST(a_second_put_replaces_the_first),
		TEST(the_record_of_a_call_takes_its_rows_along),
		TEST(a_kill_leaves_a_call_or_its_record),
		TEST(secrets_are_not_in_the_files),
		TEST(rows_of_another_key_come_without_their_secrets),
		TEST(earlier_runs_are_dropped_and_this_one_is_not),
		cmocka_unit_test(rows_that_say_the_same_have_one_digest),
		cmocka_unit_test(another_value_of_any_kind_is_another_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
