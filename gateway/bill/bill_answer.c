/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/bill/bill_answer.h"

#include <errno.h>
#include <jansson.h>

#include "gateway/base/text.h"

static void free_json(json_t **json)
{
	json_decref(*json);
}

int bill_answer_parse(struct bill_answer *out,
		      char reason[static BILL_REASON_CAP], struct slice text)
{
	AUTO(free_json)
	json_t *json = json_loadb(text.p ? text.p : "", text.n,
				  JSON_REJECT_DUPLICATES, NULL);
	const json_t *allow = json_object_get(json, "allow");
	const json_t *seconds = json_object_get(json, "seconds");
	const json_t *words = json_object_get(json, "reason");
	json_int_t most = seconds ? json_integer_value(seconds) : 0;

	if (!json_is_boolean(allow) ||
	    (seconds && !json_is_null(seconds) &&
	     (!json_is_integer(seconds) || most < 0)) ||
	    (words && !json_is_null(words) && !json_is_string(words)))
		return -EINVAL;
	text_clean(reason, BILL_REASON_CAP, slice_of(json_string_value(words)));
	*out = (struct bill_answer){
		/* None at all is no call. */
		.allowed = json_is_true(allow) &&
			   (!json_is_integer(seconds) || most > 0),
		.seconds = most > BILL_SECONDS_MAX ? BILL_SECONDS_MAX
						   : (uint32_t)most,
		.reason = reason,
	};
	return 0;
}
