/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "sip/multipart.h"

#include <string.h>

#include "tests/test.h"

#define SDP "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"

static void check(const char *body, const char *boundary, const char *found)
{
	struct slice part = sip_multipart_find(
		slice_of(body), slice_of(boundary), "application/sdp");

	assert_int_equal(part.n, strlen(found));
	assert_memory_equal(part.p ? part.p : "", found, part.n);
}

static void the_part_is_found(void **state)
{
	(void)state;
	check("--x\r\nContent-Type: application/sdp\r\n\r\n" SDP
	      "\r\n--x--\r\n",
	      "x", SDP);
	check("preamble --x\r\n--x\r\nContent-Type: application/isup;v=1\r\n"
	      "Content-Disposition: signal\r\n\r\n\x01--x\r\n"
	      "--x \t\r\nContent-ID: <1>\r\nc:Application/SDP ; a=b\r\n\r\n" SDP
	      "\r\n--x--\r\nepilogue",
	      "x", SDP);
	/* parts of a part */
	check("--x\r\nContent-Type: multipart/alternative; boundary=\"y\"\r\n"
	      "\r\n--y\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
	      "--y\r\nContent-Type: application/sdp\r\n\r\n" SDP
	      "\r\n--y--\r\n\r\n--x--\r\n",
	      "x", SDP);
	/* line ends of one octet */
	check("--x\nContent-Type: application/sdp\n\nv=0\n\n--x--", "x",
	      "v=0\n");
}

static void what_is_damaged_has_none(void **state)
{
	(void)state;
	check("", "x", "");
	check("--", "x", "");
	check("--x", "x", "");
	check("--x\r\n", "x", "");
	check("--x\r\nContent-Type: application/sdp\r\n", "x", "");
	check("--x\r\nContent-Type: text/plain\r\n\r\nv=0\r\n--x--", "x", "");
	check("--x--\r\nContent-Type: application/sdp\r\n\r\n" SDP, "x", "");
	check("--xy\r\nContent-Type: application/sdp\r\n\r\n" SDP, "x", "");
	check("--x\r\nContent-Type: application/sdp\r\n\r\n" SDP, "", "");
	/* cut off in its last part: what is there */
	check("--x\r\nContent-Type: application/sdp\r\n\r\n" SDP, "x", SDP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_part_is_found),
		cmocka_unit_test(what_is_damaged_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
