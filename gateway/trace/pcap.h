/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * Entries of a trace as a capture file, for Wireshark: classic pcap with
 * microseconds, link type 252 (Wireshark's exported PDUs), where each packet
 * says which dissector reads it. TLS is there in the clear.
 *
 *     "sip", "xmpp"   messages, with addresses and ports where they are known
 *     "syslog"        how calls and their media fare
 */
#pragma once

#include <stdio.h>

struct entry;

enum { PCAP_LINKTYPE_EXPORTED_PDU = 252 };

/* Errors are @to's: ferror(). */
void pcap_put_head(FILE *to);
void pcap_put(FILE *to, const struct entry *entry);
