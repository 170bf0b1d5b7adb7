/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Secrets, and what people write and dial, are taken out of messages before
 * they are kept: each octet becomes an x, so that lengths, and what else reads
 * the message, stay right.
 *
 *   SIP   answers to challenges (Authorization, Proxy-Authorization,
 *         Authentication-Info; RFC 3261, 22), signatures (Identity, RFC 8224),
 *         the headers by which trunks and we prove who we are, passwords in
 *         URIs; keys of media (a=crypto, RFC 4568; k=, a=key-mgmt), passwords
 *         of ICE; Subject, User-to-User, bodies of MESSAGE and INFO, and those
 *         that neither describe media nor tell of calls and mailboxes
 *   XMPP  the same in Jingle (key-params, pwd), all text but what programs say
 *         of themselves and of what went wrong (so passwords, values of forms,
 *         registrations, names, what people write), links and files (XEP-0066,
 *         0372, 0385, 0447), digits (XEP-0181)
 */
#pragma once

#include <stddef.h>

/* A whole message, in place. */
void mask_sip(char *p, size_t n);
/* The values of its fields that are called as @header, which is such a field
 * ("X-Token: abc"), or "": those that a configuration has as proof. */
void mask_sip_header(char *p, size_t n, const char *header);
/* A stanza as our serializer writes it, in place. */
void mask_xml(char *p, size_t n);
