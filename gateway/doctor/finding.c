/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/doctor/finding.h"

#include <stdarg.h>

void finding_tell(struct doctor *doctor, enum finding finding,
		  const char *subject, const char *mend, const char *fmt, ...)
{
	static const char *const marks[] = {
		[FINDING_GOOD] = "ok",
		[FINDING_ODD] = "?",
		[FINDING_BAD] = "BAD",
	};
	va_list ap;

	fprintf(doctor->out, "  %-4s  %-16s  ", marks[finding], subject);
	va_start(ap, fmt);
	vfprintf(doctor->out, fmt, ap);
	va_end(ap);
	fputc('\n', doctor->out);
	if (mend)
		fprintf(doctor->out, "        %-16s  -> %s\n", "", mend);
	fflush(doctor->out);
	doctor->bad += finding == FINDING_BAD;
}
