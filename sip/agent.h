/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * The SIP user agent (RFC 3261): sofia-sip's transports and transactions
 * inside our libevent loop. Everything stands on sofia's nta; NUA cannot
 * restore a dialog, answers methods by itself and parses peers' SDP.
 *
 * Requests outside dialogs come to the handlers; those inside go to their
 * dialog (sip/dialog.h). No peer's body reaches sofia's parsers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/addr.h"
#include "gateway/base/err.h"
#include "gateway/base/slice.h"

struct event_base;
struct media_desc;
struct sip_agent;
struct sip_dialog;
struct sip_identity;
struct sip_message;
struct sip_message_in;
struct sip_s;
struct sip_policy;
struct sip_waiting;

enum sip_transport { SIP_UDP, SIP_TCP, SIP_TLS, SIP_NTRANSPORTS };

struct sip_listen {
	enum sip_transport transport;
	struct addr addr;
};

/* PEM files for TLS. "": none. */
struct sip_tls_files {
	const char *certificate; /* ours, and the chain to the root */
	const char *private_key; /* "": in the same file */
	const char *trusted;     /* whom we believe; "": the system's store */
	bool ask_clients;        /* who connects must show a certificate, too */
};

struct sip_agent_config {
	const struct sip_listen *listens;
	size_t nlistens;
	/* What Via and Contact say when it is set; the IP alone. Not to peers
	 * of private networks, when it is none of those. */
	struct addr public_address;
	const struct sip_tls_files *tls; /* NULL: no TLS at all */
	/* Unanswered inbound INVITEs, and of one address; above: 503. */
	unsigned max_half_open, max_half_open_each;
	/* Requests a second outside dialogs, of one trunk's address. */
	unsigned max_requests_each;
	/* "192.0.2.53" or "192.0.2.53:5353,…"; NULL: /etc/resolv.conf */
	const char *nameservers;
};

/* Who sent a request, from the socket, not from what it says of itself. */
struct sip_source {
	struct addr addr;
	enum sip_transport transport;
};

/* An INVITE that opens a dialog. All borrowed until the handler returns. */
struct sip_invite {
	struct sip_source source;
	const char *request_user; /* Request-URI's user, unescaped; "" none */
	const char *called_user;  /* P-Called-Party-ID's; "" none */
	const char *to_user;
	const struct sip_identity *identity; /* who calls; sip/identity.h */
	const struct media_desc *offer;      /* NULL: offerless */
	const struct sip_s *message;         /* for sip_header_text() */
	/* What sip_dialog_accept() was given for the dialog that this one is to
	 * take the place of (RFC 3891); NULL: a call of its own. @picks_up:
	 * that one is ours and only rings, at somebody else. */
	void *replaces;
	bool picks_up;
};

enum sip_trust {
	SIP_STRANGER, /* silence, or one cheap stateless 403 */
	SIP_TRUSTED,
};

struct sip_agent_handlers {
	/* Before any state is kept for a request outside dialogs. */
	enum sip_trust (*source)(const struct sip_source *source, void *arg);
	/*
	 * A new call. The dialog is given to the handler, which sets its
	 * handlers with sip_dialog_accept() and answers with
	 * sip_dialog_ring(), _answer() or _hangup(), now or later.
	 */
	void (*invite)(struct sip_dialog *dialog,
		       const struct sip_invite *invite, void *arg);
	/* OPTIONS is answered with what an INVITE would get now (RFC 3261,
	 * 11.2): 200, 486, 503. Of @request source, request_user, to_user and
	 * message are filled in. */
	unsigned (*options)(const struct sip_invite *request, void *arg);
	/* How a trusted source's request is treated, of which source,
	 * request_user and message are filled in. NULL: the careful default. */
	void (*policy)(const struct sip_invite *request, struct sip_policy *out,
		       void *arg);
	/* A text came (RFC 3428): given to the handler, which answers it with
	 * sip_message_answer(), now or later. NULL: none are taken. */
	void (*message)(struct sip_message *message,
			const struct sip_message_in *what, void *arg);
	/* Messages wait (or none any more) in a mailbox; of @request source,
	 * request_user, to_user and message are filled in. NULL: nobody cares.
	 */
	void (*waiting)(const struct sip_invite *request,
			const struct sip_waiting *waiting, void *arg);
};

/*
 * Listen. @base and @handlers must outlive *@out: sip_agent_free(). Only one
 * agent may exist in a process (sofia's clock hooks are global).
 * 0 or -errno (port in use, no epoll descriptor found).
 */
CHECKED int sip_agent_new(struct sip_agent **out,
			  const struct sip_agent_config *config,
			  struct event_base *base,
			  const struct sip_agent_handlers *handlers, void *arg);
/* All dialogs and trunks must be freed before. */
struct sip_agent *sip_agent_free(struct sip_agent *agent);

/*
 * Run sofia's turn. To be called after every iteration of the event loop:
 * what nta was asked to do makes no descriptor readable.
 */
void sip_agent_pump(struct sip_agent *agent);

/* Whether a dialog lives, or waits for the answer to its BYE or CANCEL, or a
 * trunk for the one to its leave. */
bool sip_agent_is_busy(const struct sip_agent *agent);

/* Whether something is under way that no other process could go on with: a
 * request inside a dialog, or the end of one. */
bool sip_agent_is_asking(const struct sip_agent *agent);

/* The public address changed: in Via and Contact from now on. */
void sip_agent_set_public(struct sip_agent *agent, const struct addr *ip);

/*
 * The machine's own addresses changed: listen on those that are new, where
 * sip.listen says all, and leave alone those that are gone.
 */
void sip_agent_moved(struct sip_agent *agent);

/* Where the @i-th of the config's listens is bound, with the port that port 0
 * became. Unset past the last. */
struct addr sip_agent_bound(const struct sip_agent *agent, size_t i);
