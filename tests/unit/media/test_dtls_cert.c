/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The certificate on disk. */
#include "tests/mock/dtls_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/test.h"

static void in_directory(char path[static 64], const char *name)
{
	static char dir[32];

	if (!*dir) {
		snprintf(dir, sizeof(dir), "/tmp/test_dtls.XXXXXX");
		assert_non_null(mkdtemp(dir));
	}
	snprintf(path, 64, "%s/%s", dir, name);
}

static void the_certificate_is_kept_and_secret(void **state)
{
	(void)state;
	struct dtls_cert *first = NULL, *second = NULL;
	struct media_fingerprint f, g;
	struct stat st;
	char path[64], other[64];

	in_directory(path, "cert.pem");
	assert_int_equal(dtls_cert_open(&first, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1); /* nothing left aside */
	assert_int_equal(dtls_cert_open(&second, path), 0);
	dtls_cert_fingerprint(first, &f);
	dtls_cert_fingerprint(second, &g);
	assert_string_equal(f.hash, "sha-256");
	assert_int_equal(f.len, 32);
	assert_memory_equal(f.octets, g.octets, 32);
	dtls_cert_free(first);
	dtls_cert_free(second);
	unlink(path);
	in_directory(other, "");
	assert_int_equal(rmdir(other), 0); /* the directory is empty */
	assert_int_equal(mkdir(other, 0700), 0);
}

static void a_spoilt_certificate_is_refused_and_left_alone(void **state)
{
	(void)state;
	struct dtls_cert *cert = NULL;
	char path[64];
	char text[16] = "";

	in_directory(path, "bad.pem");
	FILE *f = fopen(path, "w");
	fputs("no PEM", f);
	fclose(f);
	chmod(path, 0600);
	assert_int_equal(dtls_cert_open(&cert, path), -EINVAL);
	assert_null(cert);
	f = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "no PEM");
	unlink(path);
	in_directory(path, "");
	rmdir(path);
	in_directory(path, "x.pem");
	assert_int_equal(dtls_cert_open(&cert, path), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_certificate_is_kept_and_secret),
		cmocka_unit_test(
			a_spoilt_certificate_is_refused_and_left_alone),
	};

	return cmocka_run_group_tests(tests, pair_open_certs, pair_close_certs);
}
