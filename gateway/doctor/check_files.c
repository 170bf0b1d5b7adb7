/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where the database lives, and certificates. */
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "gateway/base/text.h"
#include "gateway/config/config.h"
#include "gateway/doctor/finding.h"

enum { PATH_CAP = 4096, ROOM_MIN_MIB = 100, EXPIRES_DAYS = 14 };

DEFINE_AUTO(X509 *, X509_free)
DEFINE_AUTO(EVP_PKEY *, EVP_PKEY_free)

static int directory_of(char out[static PATH_CAP], const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? text_copy(out, PATH_CAP,
				 (struct slice){
					 path, slash == path ? 1
							     : (size_t)(slash -
									path) })
		     : text_set(out, PATH_CAP, ".");
}

static void check_room(struct doctor *doctor, const char *dir)
{
	struct statvfs room;

	if (statvfs(dir, &room))
		return;
	unsigned long mib = room.f_bavail * (room.f_frsize / 1024) / 1024;
	if (mib < ROOM_MIN_MIB)
		finding_odd(doctor, "disk",
			    "make room: on a full disk calls go on, but no "
			    "text is taken and no record kept",
			    "%s has %lu MiB left", dir, mib);
	else
		finding_good(doctor, "disk", "%s has %lu MiB left", dir, mib);
}

static void check_directory(struct doctor *doctor)
{
	const char *path = doctor->config->db.path;
	char dir[PATH_CAP];

	if (directory_of(dir, path))
		return;
	if (access(dir, F_OK))
		finding_bad(doctor, "database",
			    "`systemd-tmpfiles --create`, or mkdir it for the "
			    "user tandem with mode 0700",
			    "%s: %s", dir, strerror(errno));
	else if (access(dir, W_OK | X_OK) ||
		 (!access(path, F_OK) && access(path, R_OK | W_OK)))
		finding_bad(doctor, "database",
			    "it must belong to the service's user, who then is "
			    "who to run the doctor as: sudo -u tandem tandem "
			    "doctor",
			    "%s cannot be written: %s", path, strerror(errno));
	else {
		finding_good(doctor, "database", "%s can be written", path);
		check_room(doctor, dir);
	}
}

static void judge_certificate(struct doctor *doctor, const char *path,
			      const X509 *certificate)
{
	int days, seconds;

	if (!ASN1_TIME_diff(&days, &seconds, NULL,
			    X509_get0_notAfter(certificate)))
		return;
	if (days < 0 || seconds < 0)
		finding_bad(doctor, "certificate",
			    "renew it; what is new is read by itself",
			    "%s has expired", path);
	else if (days < EXPIRES_DAYS)
		finding_odd(doctor, "certificate",
			    "does its renewal run? (certbot renew)",
			    "%s expires in %d days", path, days);
	else
		finding_good(doctor, "certificate", "%s, for %d days more",
			     path, days);
}

static FILE *open_file(struct doctor *doctor, const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		finding_bad(doctor, "certificate",
			    "the user tandem must be able to read it", "%s: %s",
			    path, strerror(errno));
	return file;
}

static void check_key(struct doctor *doctor, const X509 *certificate)
{
	const struct config_sip *sip = &doctor->config->sip;
	const char *path =
		*sip->private_key ? sip->private_key : sip->certificate;
	FILE *file = open_file(doctor, path);

	if (!file)
		return;
	/* Not of a terminal: nobody types a passphrase at each start. */
	AUTO(EVP_PKEY_freep)
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, (void *)"");
	fclose(file);
	if (!key)
		finding_bad(doctor, "private key",
			    "sip.private_key is a PEM file with the key, not "
			    "encrypted",
			    "%s has no key that can be read", path);
	else if (!X509_check_private_key(certificate, key))
		finding_bad(doctor, "private key",
			    "sip.certificate and sip.private_key must be of "
			    "one pair: was only one of them renewed?",
			    "%s is not the certificate's", path);
}

/* The one for TLS of sip.listen; that of DTLS we make ourselves. */
static void check_certificate(struct doctor *doctor)
{
	const char *path = doctor->config->sip.certificate;
	FILE *file = *path ? open_file(doctor, path) : NULL;

	if (!file)
		return;
	AUTO(X509_freep)
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	if (!certificate) {
		finding_bad(doctor, "certificate",
			    "sip.certificate is a PEM file with the "
			    "certificate first, then its chain",
			    "%s has no certificate in it", path);
		return;
	}
	judge_certificate(doctor, path, certificate);
	check_key(doctor, certificate);
}

void check_files(struct doctor *doctor)
{
	check_directory(doctor);
	check_certificate(doctor);
}
