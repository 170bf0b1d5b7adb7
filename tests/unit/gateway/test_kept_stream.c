/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/kept_stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/config/config.h"
#include "gateway/gateway.h"
#include "gateway/kept.h"
#include "tests/test.h"
#include "xmpp/xmpp_stream.h"

/* One stored stream; where it came from nobody asks. */
static char stored[64];
static _Atomic uint32_t tries;
static bool has_page;

static int open_any(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd > 0);
	return fd;
}

int kept_take(const char *name)
{
	return *stored && !strcmp(stored, name) ? open_any() : 0;
}

void kept_put(const char *name, int fd)
{
	(void)fd;
	assert_null(strchr(name, ':'));
	snprintf(stored, sizeof(stored), "%s", name);
}

void kept_drop(const char *name)
{
	if (!strcmp(stored, name))
		*stored = '\0';
}

size_t kept_drop_others(const char *prefix, const char *name)
{
	if (strncmp(stored, prefix, strlen(prefix)) != 0 ||
	    !strcmp(stored, name))
		return 0;
	*stored = '\0';
	return 1;
}

void *kept_page(const char *name)
{
	(void)name;
	return has_page ? (void *)&tries : NULL;
}

void kept_page_free(void *page)
{
	(void)page;
}

static char host[] = "xmpp.example.org", other_host[] = "xmpp2.example.org";
static char domain[] = "tel.example.org", other_domain[] = "tel2.example.org";
static struct config config;
static struct gateway gateway;

/* Its process begins with what is stored; whether it goes on with a stream. */
static bool resumes(void)
{
	struct xmpp_stream_config stream = { .host = "" };

	gateway = (struct gateway){ .config = &config };
	assert_int_equal(kept_stream_new(&gateway), 0);
	kept_stream_resume(&gateway, &stream);
	assert_ptr_equal(stream.tries, has_page ? &tries : NULL);
	bool resumed = stream.resumed_fd > 0;
	kept_stream_free(&gateway);
	assert_null(gateway.kept);
	return resumed;
}

static void stream_is_stored(void)
{
	gateway = (struct gateway){ .config = &config };
	assert_int_equal(kept_stream_new(&gateway), 0);
	kept_stream_whole(&gateway, true, 1);
	kept_stream_free(&gateway);
	assert_true(*stored);
}

static int set_up(void **state)
{
	(void)state;
	config = (struct config){
		.xmpp = { .host = host, .port = 5347, .domain = domain }
	};
	*stored = '\0';
	tries = 0;
	has_page = true;
	return 0;
}

static void a_stream_goes_on_in_the_next_process(void **state)
{
	(void)state;
	assert_false(resumes());
	stream_is_stored();
	assert_true(resumes());
	has_page = false;
	assert_true(resumes());
	gateway = (struct gateway){ .config = &config };
	assert_int_equal(kept_stream_new(&gateway), 0);
	kept_stream_whole(&gateway, false, 1);
	kept_stream_free(&gateway);
	assert_false(resumes());
}

static void a_stream_to_another_server_is_dropped(void **state)
{
	const struct config here = config;
	struct config others[] = { here, here, here };

	(void)state;
	others[0].xmpp.host = other_host;
	others[1].xmpp.port = 5348;
	others[2].xmpp.domain = other_domain;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		config = here;
		stream_is_stored();
		config = others[i];
		assert_false(resumes());
		assert_string_equal(stored, "");
	}
	/* of a version that did not say which */
	snprintf(stored, sizeof(stored), "xmpp");
	assert_false(resumes());
	assert_string_equal(stored, "");
	/* the media's */
	snprintf(stored, sizeof(stored), "media");
	assert_false(resumes());
	assert_string_equal(stored, "media");
}

static void a_stream_that_processes_died_of_is_given_up(void **state)
{
	(void)state;
	stream_is_stored();
	tries = 3;
	assert_true(resumes());
	assert_int_equal(tries, 3);
	tries = 4;
	assert_false(resumes());
	assert_string_equal(stored, "");
	assert_int_equal(tries, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_stream_goes_on_in_the_next_process,
				       set_up),
		cmocka_unit_test_setup(a_stream_to_another_server_is_dropped,
				       set_up),
		cmocka_unit_test_setup(
			a_stream_that_processes_died_of_is_given_up, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
