/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*
 * RTCP compound packets (RFC 3550, 6; RFC 5506 for reduced size): a bounded
 * walk from packet to packet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/err.h"

enum rtcp_type {
	RTCP_SR = 200,
	RTCP_RR = 201,
	RTCP_SDES = 202,
	RTCP_BYE = 203,
	RTCP_APP = 204,
	RTCP_RTPFB = 205,
	RTCP_PSFB = 206,
	RTCP_XR = 207,
};

enum {
	RTCP_HDR_LEN = 4,
	RTCP_SENDER_LEN = 20, /* sender info of an SR */
	RTCP_BLOCK_LEN = 24,  /* report block */
	RTCP_MAX_BLOCKS = 31,
	RTCP_SDES_CNAME = 1,
};

enum rtcp_outcome {
	RTCP_E_SYNTAX = 1,
	RTCP_E_END = 2, /* no further packet */
};

/* One packet of a compound; borrows the octets. */
struct rtcp_packet {
	uint8_t type;
	uint8_t count;       /* RC, SC, FMT: the five bits of the first octet */
	const uint8_t *body; /* behind the header of 4 octets */
	size_t len;          /* of the body, without padding */
};

struct rtcp_walk {
	const uint8_t *p;
	size_t left;
};

struct rtcp_walk rtcp_walk_over(const uint8_t *p, size_t n);
/* 0, RTCP_E_END, or RTCP_E_SYNTAX. */
CHECKED int rtcp_walk_next(struct rtcp_walk *walk, struct rtcp_packet *out);

/* RFC 3550, 6.4.1. */
struct rtcp_block {
	uint32_t ssrc;
	uint32_t loss;    /* fraction and cumulative number lost */
	uint32_t highest; /* extended sequence number */
	uint32_t jitter;
	uint32_t lsr, dlsr; /* dlsr in 1/65536 s */
};

/* An SR or an RR. */
struct rtcp_report {
	bool sender; /* SR: the next four are there */
	uint32_t ssrc;
	uint64_t ntp;
	uint32_t ts;
	uint32_t packets, octets;
	struct rtcp_block blocks[RTCP_MAX_BLOCKS];
	size_t nblocks;
};

/* @packet is of type SR or RR. 0 or RTCP_E_SYNTAX. */
CHECKED int rtcp_report_decode(struct rtcp_report *out,
			       const struct rtcp_packet *packet);
/* *@n: octets written. 0 or -EMSGSIZE. */
CHECKED int rtcp_report_encode(const struct rtcp_report *report, uint8_t *p,
			       size_t cap, size_t *n);
/* An SDES packet of one chunk with a CNAME. 0 or -EMSGSIZE. */
CHECKED int rtcp_cname_encode(uint32_t ssrc, const char *cname, uint8_t *p,
			      size_t cap, size_t *n);
