/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/text/text_report.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

#define DATE "2008-04-04T12:16:49-05:00"

static void check(const char *xml, enum text_outcome expected)
{
	enum text_outcome outcome;
	char *id = NULL;

	assert_int_equal(text_report_parse(&outcome, &id, slice_of(xml)), 0);
	assert_string_equal(id, "34jk324j");
	assert_int_equal(outcome, expected);
	free(id);
}

#define IMDN(rest)                                                \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"          \
	"<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">\r\n"        \
	"  <message-id>34jk324j</message-id>\r\n"                 \
	"  <datetime>" DATE "</datetime>\r\n"                     \
	"  <recipient-uri>im:bob@example.com</recipient-uri>\r\n" \
	"  <original-recipient-uri>im:bob@example.com"            \
	"</original-recipient-uri>\r\n" rest "</imdn>\r\n"

/* RFC 5438, 7.2.1. */
static void what_rfc_5438_shows_is_read(void **state)
{
	(void)state;
	check(IMDN("<delivery-notification><status><delivered/></status>"
		   "</delivery-notification>"),
	      TEXT_DELIVERED);
	check(IMDN("<delivery-notification><status><failed/></status>"
		   "</delivery-notification>"),
	      TEXT_FAILED);
	check(IMDN("<delivery-notification><status><forbidden/></status>"
		   "</delivery-notification>"),
	      TEXT_OTHER);
	check(IMDN("<display-notification>\n<status>\n<displayed/>\n"
		   "</status></display-notification>"),
	      TEXT_DISPLAYED);
	/* No report of display is no failure. */
	check(IMDN("<display-notification><status><failed/></status>"
		   "</display-notification>"),
	      TEXT_OTHER);
	check(IMDN("<processing-notification><status><stored/></status>"
		   "</processing-notification>"),
	      TEXT_OTHER);
	check(IMDN(""), TEXT_OTHER);
}

static void what_is_no_report_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"delivered",
		"<imdn/>",
		"<imdn xmlns='urn:ietf:params:xml:ns:imdn'/>",
		"<imdn "
		"xmlns='urn:ietf:params:xml:ns:imdn'><message-id/></imdn>",
		"<imdn xmlns='urn:x'><message-id>1</message-id></imdn>",
		"<!DOCTYPE imdn [<!ENTITY a 'b'>]><imdn "
		"xmlns='urn:ietf:params:xml:ns:imdn'><message-id>&a;"
		"</message-id></imdn>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		enum text_outcome outcome;
		char *id = NULL;

		assert_int_equal(
			text_report_parse(&outcome, &id, slice_of(texts[i])),
			-EINVAL);
		assert_null(id);
	}
}

static void what_is_written_is_read(void **state)
{
	static const enum text_outcome outcomes[] = {
		TEXT_OTHER, TEXT_DELIVERED, TEXT_DISPLAYED, TEXT_FAILED
	};
	static const char id[] = "<a&b> \"'\xc3\xbc";

	(void)state;
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		char *xml = NULL, *read_id = NULL;
		enum text_outcome outcome;

		assert_int_equal(
			text_report_format(&xml, outcomes[i], id, DATE), 0);
		assert_non_null(strstr(xml, DATE));
		assert_int_equal(
			text_report_parse(&outcome, &read_id, slice_of(xml)),
			0);
		assert_int_equal(outcome, outcomes[i]);
		assert_string_equal(read_id, id);
		free(read_id);
		free(xml);
	}
}

static void what_no_xml_holds_is_not_written(void **state)
{
	char *xml = NULL;

	(void)state;
	assert_int_equal(
		text_report_format(&xml, TEXT_DELIVERED, "a\x01", DATE),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_rfc_5438_shows_is_read),
		cmocka_unit_test(what_is_no_report_is_refused),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_no_xml_holds_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
