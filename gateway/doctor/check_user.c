/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Root can read and write all that the service cannot: so root becomes it. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "gateway/doctor/finding.h"

static const char service[] = "tandem";

static int become(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) ||
	    setuid(user->pw_uid))
		return -errno;
	return 0;
}

void check_user(struct doctor *doctor)
{
	if (geteuid())
		return;
	const struct passwd *user = getpwnam(service);
	int r = user ? become(user) : 0;

	if (!user)
		finding_odd(doctor, "user",
			    "`systemd-sysusers` makes the user tandem; or run "
			    "the doctor as who is to serve",
			    "root, who may read and write everything: no file "
			    "is tried as the service will find it");
	else if (r)
		finding_odd(doctor, "user",
			    "run the doctor as that user: sudo -u tandem "
			    "tandem doctor",
			    "root cannot become %s here: %s", service,
			    strerror(-r));
	else
		finding_good(doctor, "user", "%s, as the service", service);
}
