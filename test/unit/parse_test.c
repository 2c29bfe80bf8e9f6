// SPDX-License-Identifier: GPL-2.0
/*
 * Unit test of line/frame.h and line/fault.h, on the build machine: how numbers, formats, faults
 * and the generator's text are read and written. What is accepted is compared
 * with a second opinion: 128-bit sums, regular expressions, all that there is.
 */
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "line/fault.h"

static u32 any(u32 below)
{
	static u64 state = 1;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;

	return (state >> 33) % below;
}

/* Numbers */

/* The number at the beginning of the text; false if there is none up to max. */
static bool number_of(const char *text, u64 max, u64 *number, size_t *len)
{
	__uint128_t n = 0;

	for (*len = 0; text[*len] >= '0' && text[*len] <= '9'; ++*len) {
		n = n * 10 + (text[*len] - '0');
		if (n > max)
			return false;
	}
	*number = n;

	return *len;
}

static void check_number(const char *text, u64 max)
{
	const char *end = text;
	u64 number = 4711, wanted;
	char row[100];
	size_t len;
	bool valid;

	snprintf(row, sizeof(row), "'%s' up to %llu", text,
		 max);
	tap_row(row);
	valid = number_of(text, max, &wanted, &len);
	CHECK_EQ(vser_parse_number(&end, max, &number), valid);
	CHECK_EQ(end - text, valid ? len : 0);
	CHECK(number == (valid ? wanted : 4711));
}

TEST(small_numbers, "a number is read if it is no greater than it may be")
{
	unsigned int max, n;
	char text[20];

	for (max = 0; max <= 120; max++)
		for (n = 0; n <= 1300; n++) {
			snprintf(text, sizeof(text), "%u", n);
			check_number(text, max);
		}
}

TEST(great_numbers, "the greatest numbers are read to the last one")
{
	static const char *const texts[] = {
		"18446744073709551614", "18446744073709551615",
		"18446744073709551616", "18446744073709551619",
		"18446744073709551620", "18446744073709551625",
		"28446744073709551615", "99999999999999999999",
		"100000000000000000000", "184467440737095516150",
		"340282366920938463463374607431768211455",
		"340282366920938463463374607431768211456",
		"4294967295", "4294967296", "4294967297",
		"000000000000000000000000000000000000000000000001",
	};
	static const u64 limits[] = {
		0, 1, 9, 10, UINT32_MAX, UINT32_MAX + 1ULL, INT64_MAX,
		UINT64_MAX - 10, UINT64_MAX - 5, UINT64_MAX - 1, UINT64_MAX
	};
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		for (j = 0; j < ARRAY_SIZE(limits); j++)
			check_number(texts[i], limits[j]);
}

TEST(random_numbers, "numbers of any length are read up to any limit")
{
	char text[26];
	unsigned int i, len, j;
	u64 max;

	for (i = 0; i < 1000000; i++) {
		len = any(25);
		for (j = 0; j < len; j++)
			text[j] = '0' + any(10);
		text[len] = '\0';
		max = (u64)any(UINT32_MAX) << 32 | any(UINT32_MAX);
		check_number(text, max >> any(64));
	}
}

TEST(no_number, "what does not begin with a digit is no number")
{
	static const char *const texts[] = {
		"", " ", " 1", "-1", "+1", "x", "x1", "/", ":", "\n1", ".5",
		"\xb2", "\xff",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		check_number(texts[i], UINT64_MAX);
}

TEST(number_ends, "a number ends where its digits end")
{
	static const char *const texts[] = {
		"1 ", "12x", "0x10", "1-2", "1.5", "7:", "7/", "5\n", "00 1",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		check_number(texts[i], UINT64_MAX);
}

/* Formats */

static bool is_format(const char *text)
{
	return text[0] >= '5' && text[0] <= '8' && text[1] &&
	       strchr("NOEMS", text[1]) && (text[2] == '1' || text[2] == '2');
}

static void check_format(const char *text)
{
	struct vser_format fmt = { 1, 2, 3 };

	if (!vser_format_parse(text, &fmt)) {
		CHECK(!is_format(text));
		CHECK_EQ(fmt.datab, 1);
		CHECK_EQ(fmt.parity, 2);
		CHECK_EQ(fmt.stopb, 3);
		return;
	}
	CHECK(is_format(text));
	CHECK_EQ(fmt.datab, text[0] - '0');
	CHECK_EQ("NOEMS"[fmt.parity], text[1]);
	CHECK_EQ(fmt.stopb, text[2] - '0');
}

TEST(all_formats, "of all texts of three characters, 40 are formats")
{
	char text[4] = "";
	struct vser_format fmt;
	unsigned int i, found = 0;

	for (i = 0; i < 1 << 24; i++) {
		text[0] = i >> 16;
		text[1] = i >> 8;
		text[2] = i;
		if (!text[0] || !text[1] || !text[2])
			continue;
		if (is_format(text) || vser_format_parse(text, &fmt)) {
			found++;
			check_format(text);
		}
	}
	CHECK_EQ(found, 40);
}

TEST(format_length, "a format has three characters")
{
	static const char *const texts[] = {
		"", "8", "8N", "8N11", "8N1 ", " 8N1", "8N1\n", "88N1", "8N1.5",
	};
	struct vser_format fmt = { 1, 2, 3 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		tap_row(texts[i]);
		CHECK(!vser_format_parse(texts[i], &fmt));
		CHECK_EQ(fmt.datab, 1);
	}
}

/* Faults */

#define KEY		"(bit|drop|dup|parity|frame|break|burst|seed)"
#define FAULTS		"^" KEY "=[0-9]+( " KEY "=[0-9]+)*$"

static u32 *field_of(struct vser_fault *fault, const char *name)
{
	return !strncmp(name, "bit=", 4) ? &fault->bit :
	       !strncmp(name, "drop=", 5) ? &fault->drop :
	       !strncmp(name, "dup=", 4) ? &fault->dup :
	       !strncmp(name, "parity=", 7) ? &fault->parity :
	       !strncmp(name, "frame=", 6) ? &fault->frame :
	       !strncmp(name, "break=", 6) ? &fault->brk : NULL;
}

/* The second opinion. The text has the shape of a list of faults. */
static bool values_of(const char *text, struct vser_fault *fault)
{
	const char *key, *value;
	bool fits, valid = true;
	u32 *field;
	size_t len;
	u64 n;

	for (key = text; key; key = strchr(key, ' ')) {
		key += *key == ' ';
		value = strchr(key, '=') + 1;
		fits = number_of(value, UINT64_MAX, &n, &len);
		field = field_of(fault, key);
		if (field) {
			/* A later one may yet put it right, if it is 32 bits. */
			valid &= fits && n <= UINT32_MAX;
			*field = n;
		} else if (*key == 'b') {
			valid &= fits && n <= UINT32_MAX;
			fault->burst = n;
		} else {
			valid &= fits;
			fault->seed = n;
		}
	}

	return valid && fault->bit <= 1000000 && fault->drop <= 1000000 &&
	       fault->dup <= 1000000 && fault->parity <= 1000000 &&
	       fault->frame <= 1000000 && fault->brk <= 1000000 &&
	       fault->burst >= 1 && fault->burst <= 1000000;
}

static const struct vser_fault some_fault = {
	.bit = 1, .drop = 2, .dup = 3, .parity = 4, .frame = 5, .brk = 6,
	.burst = 7, .seed = 8,
};

/* Returns whether the text is a list of faults. */
static bool check_faults(const regex_t *shape, const char *text)
{
	struct vser_fault fault = some_fault, wanted = some_fault;
	bool valid;

	tap_row(text);
	valid = !regexec(shape, text, 0, NULL, 0) && values_of(text, &wanted);
	CHECK_EQ(vser_fault_parse(text, &fault), valid);
	if (!valid)
		wanted = some_fault;
	CHECK(!memcmp(&fault, &wanted, sizeof(fault)));

	return valid;
}

TEST(fault_table, "lists of faults, good and bad")
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "bit=0 drop=0 dup=0 parity=0 frame=0 break=0 burst=1 seed=1",
		  true },
		{ "bit=1000000", true }, { "bit=1000001", false },
		{ "drop=1000000", true }, { "drop=1000001", false },
		{ "dup=1000000", true }, { "dup=1000001", false },
		{ "parity=1000000", true }, { "parity=1000001", false },
		{ "frame=1000000", true }, { "frame=1000001", false },
		{ "break=1000000", true }, { "break=1000001", false },
		{ "burst=1", true }, { "burst=0", false },
		{ "burst=1000000", true }, { "burst=1000001", false },
		{ "bit=4294967296", false }, { "burst=4294967297", false },
		{ "seed=18446744073709551615", true },
		{ "seed=18446744073709551616", false },
		{ "seed=0 bit=3", true }, { "", false }, { " ", false },
		{ "bit", false }, { "bit=", false }, { "bit=-1", false },
		{ "bit=1 ", false }, { " bit=1", false },
		{ "bit=1  drop=1", false }, { "bit=1\n", false },
		{ "bit=1\tdrop=1", false }, { "bit=1,drop=1", false },
		{ "brk=1", false }, { "BIT=1", false }, { "bits=1", false },
		{ "bit=1drop=1", false }, { "bit=0x1", false },
	};
	regex_t shape;
	size_t i;

	CHECK_EQ(regcomp(&shape, FAULTS, REG_EXTENDED | REG_NOSUB), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_EQ(check_faults(&shape, rows[i].text), rows[i].valid);
	regfree(&shape);
}

/* Puts together what may be in such a list, and what may not. */
static void any_text(char *text)
{
	static const char *const parts[] = {
		"bit=", "drop=", "dup=", "parity=", "frame=", "break=",
		"burst=", "seed=", "0", "1", "7", "1000000", "1000001",
		"4294967295", "4294967296", "18446744073709551615",
		"18446744073709551616",
	};
	static const char *const odd[] = {
		" ", "=", "-", "x", "\n", "bi", "brk=", "+", "\t", "",
	};
	unsigned int n = 1 + any(4);

	*text = '\0';
	while (n--) {
		strcat(text, any(20) ? parts[any(8)] : odd[any(10)]);
		strcat(text, any(20) ? parts[8 + any(9)] : odd[any(10)]);
		if (n || !any(20))
			strcat(text, any(20) ? " " : odd[any(10)]);
	}
}

TEST(fault_fuzz, "any text is a list of faults or not, as a second opinion has it")
{
	unsigned int i, valid = 0;
	char text[200];
	regex_t shape;

	CHECK_EQ(regcomp(&shape, FAULTS, REG_EXTENDED | REG_NOSUB), 0);
	for (i = 0; i < 300000; i++) {
		any_text(text);
		valid += check_faults(&shape, text);
	}
	regfree(&shape);
	printf("# %u of %u are valid\n", valid, i);
	CHECK(valid > i / 100 && valid < i / 2);
}

TEST(fault_limits, "a fault is valid with each field in its range, and no others")
{
	static const size_t fields[] = {
		offsetof(struct vser_fault, bit),
		offsetof(struct vser_fault, drop),
		offsetof(struct vser_fault, dup),
		offsetof(struct vser_fault, parity),
		offsetof(struct vser_fault, frame),
		offsetof(struct vser_fault, brk),
	};
	struct vser_fault fault;
	size_t i;
	u32 *field;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		fault = (struct vser_fault) { .burst = 1 };
		CHECK(vser_fault_valid(&fault));
		CHECK(!vser_fault_any(&fault));
		field = (u32 *)((char *)&fault + fields[i]);
		*field = 1;
		CHECK(vser_fault_valid(&fault));
		CHECK(vser_fault_any(&fault));
		*field = 1000000;
		CHECK(vser_fault_valid(&fault));
		*field = 1000001;
		CHECK(!vser_fault_valid(&fault));
		*field = UINT32_MAX;
		CHECK(!vser_fault_valid(&fault));
	}
	fault = (struct vser_fault) { .burst = 1, .reserved = 1 };
	CHECK(!vser_fault_valid(&fault));
}

/* Escapes */

TEST(escape, "every byte is written so that a C compiler would read it back")
{
	unsigned int byte, len;
	char text[5];

	for (byte = 0; byte < 256; byte++) {
		memset(text, 0, sizeof(text));
		len = vser_escape(byte, text);
		CHECK_EQ(len, strlen(text));
		CHECK(len == 1 || len == 4);
		if (len == 1) {
			CHECK_EQ(text[0], byte);
			CHECK(byte >= ' ' && byte < 127 && byte != '\\');
		} else {
			CHECK_EQ(text[0], '\\');
			CHECK_EQ(strtoul(text + 1, NULL, 8), byte);
		}
	}
}

/* Marked bytes */

/* Writes a byte, a byte 0xff or an error, as they are marked; returns the length. */
static size_t put_marked(u8 *to)
{
	switch (any(3)) {
	case 0:
		to[0] = any(255);
		return 1;
	case 1:
		to[0] = 0xff;
		to[1] = 0xff;
		return 2;
	default:
		to[0] = 0xff;
		to[1] = 0x00;
		to[2] = any(2) ? 0xff : any(256);
		return 3;
	}
}

TEST(mark_places, "of the places where marked bytes may be cut, the right one is always known")
{
	u8 bytes[100], place[sizeof(bytes) + 1];
	u32 i, round, sure = 0;
	size_t n, len;

	for (round = 0; round < 10000; round++) {
		u32 places = VSER_MARK_ANY;

		for (n = 0; n + 3 <= sizeof(bytes); n += len) {
			len = put_marked(bytes + n);
			place[n] = VSER_MARK_BETWEEN;
			place[n + 1] = VSER_MARK_BEGUN;
			place[n + 2] = VSER_MARK_ERROR;
		}
		place[n] = VSER_MARK_BETWEEN;
		for (i = any(n); i < n; i++) {
			CHECK(places & place[i]);
			places = vser_mark_next(places, bytes[i]);
		}
		CHECK(places & place[n]);
		sure += places == VSER_MARK_BETWEEN;
	}
	CHECK(sure > 5000);
}
