// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls: the range of every value, pointers that lead nowhere, numbers
 * that the line does not know; what is refused changes nothing.
 */
#define _GNU_SOURCE

#include <asm/termbits.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "line.h"

/* A line that is set to what is neither the default nor anything below. */
#define BAUD	19200
#define FMT	((struct vser_format) { 7, VSER_PARITY_ODD, 2 })

static int set_line(void)
{
	int fd = open_line(CONTROL_ONLY);

	set_baud(fd, BAUD);
	set_fmt(fd, FMT);

	return fd;
}

static void check_unchanged(int fd)
{
	check_setting(fd, BAUD, FMT);
}

TEST(defaults, "a line starts at 115200 baud, 8N1")
{
	unload();
	load("");
	check_setting(open_line(CONTROL_ONLY), 115200, FMT_8N1);
}

TEST(baud_valid, "every speed from 50 to 4000000 baud can be set")
{
	static const __u32 bauds[] = {
		50, 51, 110, 9600, 115200, 230400, 921600, 3999999, 4000000
	};
	int fd = set_line();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bauds); i++) {
		set_baud(fd, bauds[i]);
		check_setting(fd, bauds[i], FMT);
	}
}

TEST(baud_invalid, "any other speed is EINVAL")
{
	static const __u32 bauds[] = {
		0, 1, 49, 4000001, INT_MAX, (__u32)INT_MAX + 1, UINT_MAX
	};
	int fd = set_line();
	char row[40];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bauds); i++) {
		snprintf(row, sizeof(row), "%u baud", bauds[i]);
		tap_row(row);
		CHECK_ERR(ioctl(fd, VS_SET_BAUD, &bauds[i]), EINVAL);
		check_unchanged(fd);
	}
}

TEST(format_valid, "every format can be set")
{
	int fd = set_line();
	struct vser_format fmt;

	for (fmt.datab = 5; fmt.datab <= 8; fmt.datab++)
		for (fmt.parity = 0; fmt.parity <= 4; fmt.parity++)
			for (fmt.stopb = 1; fmt.stopb <= 2; fmt.stopb++) {
				set_fmt(fd, fmt);
				check_setting(fd, BAUD, fmt);
			}
}

TEST(format_invalid, "a format with one field out of range is EINVAL")
{
	static const struct vser_format formats[] = {
		{ 4, 0, 1 }, { 9, 0, 1 }, { 0, 0, 1 }, { UINT_MAX, 0, 1 },
		{ 8, 5, 1 }, { 8, 'E', 1 }, { 8, UINT_MAX, 1 },
		{ 8, 0, 0 }, { 8, 0, 3 }, { 8, 0, UINT_MAX },
		{ 0x108, 0, 1 }, { 8, 0x100, 1 }, { 8, 0, 0x101 },
	};
	int fd = set_line();
	char row[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(row, sizeof(row), "{ %u, %u, %u }", formats[i].datab,
			 formats[i].parity, formats[i].stopb);
		tap_row(row);
		CHECK_ERR(ioctl(fd, VS_SET_FMT, &formats[i]), EINVAL);
		check_unchanged(fd);
	}
}

static const unsigned int setters[] = { VS_SET_BAUD, VS_SET_FMT };
static const unsigned int getters[] = {
	VS_GET_BAUD, VS_GET_FMT, FIONREAD, TIOCOUTQ
};

static void check_fault(int fd, unsigned int request,
			const struct bad_address *address)
{
	char row[80];

	snprintf(row, sizeof(row), "ioctl %#x and %s", request, address->name);
	tap_row(row);
	CHECK_ERR(ioctl(fd, request, address->get()), EFAULT);
	check_unchanged(fd);
}

TEST(fault_in, "an argument that cannot be read is EFAULT")
{
	int fd = set_line();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(setters); i++)
		for (j = 0; j < NR_BAD_SOURCES; j++)
			check_fault(fd, setters[i], &bad_addresses[j]);
}

TEST(fault_out, "a result that cannot be stored is EFAULT")
{
	int fd = set_line();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(getters); i++)
		for (j = 0; j < NR_BAD_TARGETS; j++)
			check_fault(fd, getters[i], &bad_addresses[j]);
}

TEST(fault_within, "an argument that begins in memory and ends outside is EFAULT")
{
	static const __u32 baud = 300;
	static const struct vser_format fmt = { 5, VSER_PARITY_MARK, 1 };
	int fd = set_line();
	char *end = page_end();
	size_t n;

	for (n = 1; n < sizeof(baud); n++) {
		memcpy(end - n, &baud, n);
		CHECK_ERR(ioctl(fd, VS_SET_BAUD, end - n), EFAULT);
		CHECK_ERR(ioctl(fd, VS_GET_BAUD, end - n), EFAULT);
		check_unchanged(fd);
	}
	for (n = 1; n < sizeof(fmt); n++) {
		memcpy(end - n, &fmt, n);
		CHECK_ERR(ioctl(fd, VS_SET_FMT, end - n), EFAULT);
		CHECK_ERR(ioctl(fd, VS_GET_FMT, end - n), EFAULT);
		check_unchanged(fd);
	}
}

TEST(exact_size, "an argument may end where memory ends; no more is touched")
{
	struct vser_format fmt = FMT_8E2;
	__u32 baud = 300;
	int fd = set_line();
	char *end = page_end();

	memcpy(end - sizeof(baud), &baud, sizeof(baud));
	CHECK_EQ(ioctl(fd, VS_SET_BAUD, end - sizeof(baud)), 0);
	CHECK_EQ(ioctl(fd, VS_GET_BAUD, end - sizeof(baud)), 0);
	CHECK_EQ(end[-sizeof(baud) - 1], 'x');
	memcpy(end - sizeof(fmt), &fmt, sizeof(fmt));
	CHECK_EQ(ioctl(fd, VS_SET_FMT, end - sizeof(fmt)), 0);
	CHECK_EQ(ioctl(fd, VS_GET_FMT, end - sizeof(fmt)), 0);
	CHECK_EQ(end[-sizeof(fmt) - 1], 'x');
	CHECK_EQ(ioctl(fd, FIONREAD, end - sizeof(int)), 0);
	CHECK_EQ(ioctl(fd, TIOCOUTQ, end - sizeof(int)), 0);
	check_setting(fd, 300, FMT_8E2);
}

TEST(misaligned, "an argument may lie at an odd address")
{
	char bytes[1 + sizeof(struct vser_format)];
	struct vser_format fmt = FMT_8E2;
	__u32 baud = 300;
	int fd = set_line();

	memcpy(bytes + 1, &baud, sizeof(baud));
	CHECK_EQ(ioctl(fd, VS_SET_BAUD, bytes + 1), 0);
	memcpy(bytes + 1, &fmt, sizeof(fmt));
	CHECK_EQ(ioctl(fd, VS_SET_FMT, bytes + 1), 0);
	check_setting(fd, 300, FMT_8E2);
}

TEST(laboratories, "a number of a laboratory that is not loaded is EOPNOTSUPP")
{
	static const unsigned int numbers[] = { 0x40, 0x7f, 0x80, 0xbf };
	int fd = set_line();
	char row[40];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		snprintf(row, sizeof(row), "%#x", numbers[i]);
		tap_row(row);
		CHECK_ERR(ioctl(fd, _IO(VS_MAGIC, numbers[i])), EOPNOTSUPP);
	}
	CHECK_ERR(ioctl(fd, _IO(VS_MAGIC, 0x3f)), ENOTTY);
	CHECK_ERR(ioctl(fd, _IO(VS_MAGIC, 0xc0)), ENOTTY);
	CHECK_ERR(ioctl(fd, _IO(VS_MAGIC + 1, 0x40)), ENOTTY);
	check_unchanged(fd);
}

TEST(unknown, "a number that the line does not know is ENOTTY")
{
	static const struct {
		const char *what;
		unsigned int request;
	} unknown[] = {
		{ "next number",	_IOW(VS_MAGIC, 0x3f, __u32) },
		{ "last number",	_IOR(VS_MAGIC, 0xff, __u32) },
		{ "no direction",	_IO(VS_MAGIC, 0) },
		{ "wrong direction",	_IOR(VS_MAGIC, 0, __u32) },
		{ "both directions",	_IOWR(VS_MAGIC, 1, __u32) },
		{ "size 1",		_IOW(VS_MAGIC, 0, __u8) },
		{ "size 8",		_IOW(VS_MAGIC, 0, __u64) },
		{ "size of a format",	_IOW(VS_MAGIC, 0, struct vser_format) },
		{ "size of a number",	_IOW(VS_MAGIC, 2, __u32) },
		{ "other type",		_IOW('t', 0, __u32) },
		{ "old-style number",	0x7300 },
		{ "nothing",		0 },
		{ "all bits",		UINT_MAX },
		{ "TCGETS",		TCGETS },
		{ "TIOCGWINSZ",		TIOCGWINSZ },
	};
	union {
		__u32 baud;
		struct termios termios;
	} argument = { .baud = 300 };
	int fd = set_line();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		tap_row(unknown[i].what);
		CHECK_ERR(ioctl(fd, unknown[i].request, &argument), ENOTTY);
		check_unchanged(fd);
	}
}

TEST(not_a_terminal, "the line does not pretend to be a terminal")
{
	CHECK(!isatty(open_line(O_RDWR)));
}

TEST(counts, "FIONREAD and TIOCOUTQ count the bytes that are under way")
{
	int control = open_line(CONTROL_ONLY);
	int fd = open_line(O_RDWR);

	CHECK_EQ(rx_queued(fd), 0);
	CHECK_EQ(tx_queued(fd), 0);
	set_baud(fd, 50);
	write_bytes(fd, 1000);
	CHECK(tx_queued(fd) > 0 && tx_queued(fd) <= 1000);
	wait_for_letters(fd, 1);
	drain(fd);
	close(fd);
	CHECK_EQ(tx_queued(control), counter("tx_queued"));
	CHECK_EQ(rx_queued(control), counter("rx_queued"));
}
