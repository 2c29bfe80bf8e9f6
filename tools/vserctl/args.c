// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - arguments of options; see args.h
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"

unsigned long long parse_number(const struct argp_state *state,
				const char *what, const char *text,
				unsigned long long min, unsigned long long max)
{
	static const char suffixes[] = "KMG";
	unsigned long long number, unit = 1;
	const char *suffix;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (suffix) {
			unit = 1ULL << (10 * (suffix - suffixes + 1));
			end++;
		}
	}
	if (!isdigit((unsigned char)text[0]) || *end || errno ||
	    number > max / unit || number * unit < min)
		argp_error(state, "%s: %s is no number from %llu to %llu",
			   what, text, min, max);
	return number * unit;
}
