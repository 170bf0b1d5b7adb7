/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Clock and limits of the process. */
#include <sys/resource.h>
#include <sys/timex.h>

#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"

/* Call records and certificates want the true time; calls themselves do not
 * (gateway/base/clock.h). */
static void check_clock(struct doctor *doctor)
{
	struct timex clock = { .modes = 0 };
	int state = adjtimex(&clock);

	if (state == TIME_ERROR || (clock.status & STA_UNSYNC))
		finding_odd(doctor, "clock",
			    "`timedatectl set-ntp true`, or chrony; in a "
			    "container or virtual machine the host may do it",
			    "no time service keeps it: records and "
			    "certificates may be off");
	else
		finding_good(doctor, "clock",
			     "kept by a time service, to %ld us",
			     clock.esterror);
}

/* Two sockets a call at most on the trunk's side, and some for all else. */
static void check_descriptors(struct doctor *doctor)
{
	enum { EACH = 2, OTHERS = 200 };
	rlim_t needed = doctor->config->limits.calls * EACH + OTHERS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_max < needed)
		finding_odd(doctor, "descriptors",
			    "LimitNOFILE= of the unit, which has 65536; or "
			    "less in limits.calls",
			    "%ju here; limits.calls = %u may need %ju",
			    (uintmax_t)limit.rlim_max,
			    doctor->config->limits.calls, (uintmax_t)needed);
	else
		finding_good(doctor, "descriptors", "%ju, %ju needed at most",
			     (uintmax_t)limit.rlim_max, (uintmax_t)needed);
}

void check_machine(struct doctor *doctor)
{
	check_clock(doctor);
	check_descriptors(doctor);
}
