/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/doctor/finding.h"

#include <stdarg.h>

static void PRINTF(5, 0)
	tell(struct doctor *doctor, const char *mark, const char *subject,
	     const char *mend, const char *fmt, va_list ap)
{
	fprintf(doctor->out, "  %-4s  %-16s  ", mark, subject);
	vfprintf(doctor->out, fmt, ap);
	fputc('\n', doctor->out);
	if (mend)
		fprintf(doctor->out, "        %-16s  -> %s\n", "", mend);
	fflush(doctor->out);
}

void finding_good(struct doctor *doctor, const char *subject, const char *fmt,
		  ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(doctor, "ok", subject, NULL, fmt, ap);
	va_end(ap);
}

void finding_odd(struct doctor *doctor, const char *subject, const char *mend,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(doctor, "?", subject, mend, fmt, ap);
	va_end(ap);
}

void finding_bad(struct doctor *doctor, const char *subject, const char *mend,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(doctor, "BAD", subject, mend, fmt, ap);
	va_end(ap);
	doctor->bad++;
}
