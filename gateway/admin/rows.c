/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/admin/rows.h"

void rows_start(struct rows *rows, struct request *request,
		const char *const *columns, size_t n)
{
	*rows = (struct rows){
		.request = request,
		.from = request_number(request, "from"),
		.count = request_number(request, "count"),
	};
	for (size_t i = 0; i < n; i++)
		answer_column(request->answer, columns[i]);
}

/* One behind the last that is shown. */
static size_t end_of(const struct rows *rows)
{
	return (size_t)rows->from + rows->count;
}

bool rows_take(struct rows *rows)
{
	rows->n++;
	return !rows->count ||
	       (rows->n >= rows->from && rows->n < end_of(rows));
}

void rows_end(struct rows *rows, const char *what)
{
	struct answer *answer = rows->request->answer;
	size_t end = end_of(rows);

	if (!rows->n)
		answer_info(answer, "There are no such %s.", what);
	else if (rows->from > rows->n)
		answer_info(answer,
			    "There are %zu such %s, and none from %u on.",
			    rows->n, what, rows->from);
	else if (rows->count && end <= rows->n)
		answer_info(answer,
			    "%u to %zu of %zu such %s; the next come with "
			    "from=%zu.",
			    rows->from, end - 1, rows->n, what, end);
}
