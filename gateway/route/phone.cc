/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "gateway/route/phone.h"

#include <cstring>
#include <new>
#include <string>

#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>
#include <phonenumbers/shortnumberinfo.h>

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;
using i18n::phonenumbers::ShortNumberInfo;

namespace
{

/* No exception may leave this file. */
template <typename Work> int guarded(Work work) noexcept
{
	try {
		return work();
	} catch (...) {
		return -ENOMEM; /* the library throws nothing of its own */
	}
}

const PhoneNumberUtil &util()
{
	return *PhoneNumberUtil::GetInstance();
}

int give(char *out, size_t cap, const std::string &text)
{
	if (text.size() >= cap)
		return -EMSGSIZE;
	memcpy(out, text.c_str(), text.size() + 1);
	return 0;
}

/*
 * The library takes the first thing in any text that looks like a number, and a
 * number of a private context (RFC 3966, 5.1.5) for one of the region.
 */
bool is_number_alone(const std::string &text)
{
	static const char context[] = ";phone-context=";
	auto at = text.find(context);
	auto first = static_cast<unsigned char>(text[0]);

	if (at != std::string::npos && text[at + sizeof(context) - 1] != '+')
		return false;
	return first >= 0x80 || std::strchr("+(0123456789", first);
}

int outcome_of(PhoneNumberUtil::ErrorType error)
{
	switch (error) {
	case PhoneNumberUtil::NO_PARSING_ERROR:
		return 0;
	case PhoneNumberUtil::INVALID_COUNTRY_CODE_ERROR:
		return PHONE_E_COUNTRY;
	case PhoneNumberUtil::NOT_A_NUMBER:
		return PHONE_E_TEXT;
	case PhoneNumberUtil::TOO_SHORT_AFTER_IDD:
	case PhoneNumberUtil::TOO_SHORT_NSN:
	case PhoneNumberUtil::TOO_LONG_NSN:
		break;
	}
	return PHONE_E_LENGTH;
}

int parse(PhoneNumber *out, const std::string &text, const std::string &region)
{
	int r = outcome_of(util().Parse(text, region, out));

	if (r)
		return r;
	return util().IsPossibleNumberWithReason(*out) ==
			       PhoneNumberUtil::IS_POSSIBLE
		       ? 0
		       : PHONE_E_LENGTH;
}

/* "00" is what most of the world dials, travellers in other parts too. */
int parse_anywhere(PhoneNumber *out, const std::string &text,
		   const std::string &region)
{
	PhoneNumber abroad;
	int r = parse(out, text, region);

	if (!r || text.compare(0, 2, "00") != 0 ||
	    parse(&abroad, "+" + text.substr(2), region))
		return r;
	*out = abroad;
	return 0;
}

std::string without_scheme(const char *text)
{
	std::string blank_free(text + std::strspn(text, " \t"));
	bool tel = !strncasecmp(blank_free.c_str(), "tel:", 4);

	return tel ? blank_free.substr(4) : blank_free;
}

/* Of our own numbers, or of others that look like them. */
bool parse_ours(PhoneNumber *out, const char *number)
{
	return number[0] == '+' && std::strlen(number) <= PHONE_INPUT_MAX &&
	       util().Parse(number, "ZZ", out) ==
		       PhoneNumberUtil::NO_PARSING_ERROR;
}

} // namespace

void phone_warm(void)
{
	char number[PHONE_CAP], text[PHONE_TEXT_CAP];

	if (!phone_parse(number, "201-555-0123", "US") &&
	    !phone_format(text, sizeof(text), number))
		phone_kind("911", "US");
}

int phone_parse(char out[PHONE_CAP], const char *text, const char *region)
{
	out[0] = '\0';
	if (std::strlen(text) > PHONE_INPUT_MAX)
		return PHONE_E_TEXT;
	return guarded([&] {
		std::string written = without_scheme(text), e164;
		PhoneNumber number;

		if (!is_number_alone(written))
			return static_cast<int>(PHONE_E_TEXT);
		int r = parse_anywhere(&number, written, region ? region : "");
		if (r)
			return r;
		util().Format(number, PhoneNumberUtil::E164, &e164);
		return give(out, PHONE_CAP, e164) ? PHONE_E_LENGTH : 0;
	});
}

bool phone_is_region(const char *text)
{
	return guarded([&] {
		       return util().GetCountryCodeForRegion(text) != 0;
	       }) == 1;
}

bool phone_region(char out[PHONE_REGION_CAP], const char *number)
{
	out[0] = '\0';
	return guarded([&] {
		       PhoneNumber parsed;
		       std::string region;

		       if (!parse_ours(&parsed, number))
			       return 0;
		       util().GetRegionCodeForNumber(parsed, &region);
		       if (!phone_is_region(region.c_str()))
			       util().GetRegionCodeForCountryCode(
				       parsed.country_code(), &region);
		       /* "001": a code of no country, as +800 */
		       if (!phone_is_region(region.c_str()))
			       return 0;
		       return give(out, PHONE_REGION_CAP, region) ? 0 : 1;
	       }) == 1;
}

int phone_format(char *out, size_t cap, const char *number)
{
	return guarded([&] {
		PhoneNumber parsed;
		std::string text = number;

		if (parse_ours(&parsed, number))
			util().Format(parsed, PhoneNumberUtil::INTERNATIONAL,
				      &text);
		return give(out, cap, text);
	});
}

enum phone_kind phone_kind(const char *digits, const char *region)
{
	int kind = guarded([&] {
		static const ShortNumberInfo codes;
		PhoneNumber number;
		std::string text = digits, where = region ? region : "";

		if (text.size() > PHONE_INPUT_MAX)
			return static_cast<int>(PHONE_ORDINARY);
		if (codes.IsEmergencyNumber(text, where))
			return static_cast<int>(PHONE_EMERGENCY);
		if (util().Parse(text, where, &number) ==
			    PhoneNumberUtil::NO_PARSING_ERROR &&
		    codes.IsValidShortNumberForRegion(number, where))
			return static_cast<int>(PHONE_SHORT);
		return static_cast<int>(PHONE_ORDINARY);
	});

	return kind < 0 ? PHONE_ORDINARY : static_cast<enum phone_kind>(kind);
}
