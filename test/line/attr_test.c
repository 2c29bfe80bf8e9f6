// SPDX-License-Identifier: GPL-2.0
/*
 * The line's attributes in sysfs: each reads back what it accepts, and what it
 * does not accept changes nothing. And queues of another size.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

/* Values, up to the first that is NULL */
#define VALUES	16

/* "wire" and "fault" have tests of their own. */
static const struct attr {
	const char *name;
	const char *first;		/* when the module was loaded */
	const char *good[VALUES];	/* read back as they are */
	const char *bad[VALUES];
} attrs[] = {
	{ "baud", "115200",
	  { "50", "51", "300", "9600", "3999999", "4000000" },
	  { "0", "49", "4000001", "4294967346", "18446744073709551615",
	    "18446744073709551666", "-50", "9600 ", " 9600", "0x50", "9600x",
	    "9600 8N1" } },
	{ "exclusive", "1", { "0", "1" },
	  { "2", "3", "9", "10", "11", "-1", "on", "y", "1x" } },
	{ "fifo", "65536",
	  { "16", "32", "4096", "1048576", "4194304" },
	  { "0", "1", "15", "4194305", "8388608", "4294967312",
	    "18446744073709551615", "-16", "4k", "x" } },
	{ "flow", "none", { "rtscts", "none" },
	  { "xonxoff", "rts", "rtsctsx", "RTSCTS", "1", "none rtscts" } },
	{ "format", "8N1",
	  { "5N1", "6O2", "7E1", "8M2", "8S1" },
	  { "4N1", "9N1", "8X1", "8n1", "8N0", "8N3", "8N", "8N11", "8", "N",
	    "8N1.5", "8 N1", "88N1", "/N1" } },
	{ "generator", "letters",
	  { "counter", "prbs15", "text:x", "text:hello world", "text:'\"~`$",
	    "letters" },
	  { "text", "text:", "letter", "Letters", "counter ", "prbs", "prbs7",
	    "Text:x", "text :x", "letters:x" } },
	{ "latency_ns", "1000000",
	  { "10000", "10001", "1000000000" },
	  { "0", "1", "9999", "1000000001", "4294977296", "-1", "1ms" } },
	{ "pacing", "1", { "0", "1" },
	  { "2", "3", "4", "5", "6", "7", "8", "9", "10", "-1", "off",
	    "0x" } },
	{ "period_ns", "1000000000",
	  { "0", "1000", "1001", "3600000000000" },
	  { "1", "999", "3600000000001", "18446744073709551615",
	    "18446744073709552616", "-1", "1s" } },
	{ "seed", NULL,
	  { "0", "1", "4294967296", "18446744073709551615" },
	  { "18446744073709551616", "18446744073709551620",
	    "28446744073709551615", "99999999999999999999",
	    "100000000000000000000", "-1", "x", "1 2", "0x1" } },
};

/* What no attribute accepts. */
static const char *const never[] = {
	"\n", " ", "\t", "?", "0\n\n", "-", "+", ",", "1,2", "1 ", " 1", "1e3",
};

static void check_bad(const struct attr *attr, const char *value)
{
	char before[1200];

	snprintf(before, sizeof(before), "%s", get_attr(0, attr->name));
	CHECK_EQ(try_attr(0, attr->name, value), EINVAL);
	check_attr(0, attr->name, before);
}

static void check_good(const struct attr *attr, const char *value)
{
	char line[80];

	set_attr(0, attr->name, value);
	check_attr(0, attr->name, value);

	snprintf(line, sizeof(line), "%s\n", value);
	set_attr(0, attr->name, line);
	check_attr(0, attr->name, value);

	snprintf(line, sizeof(line), "%s\n\n", value);
	if (strncmp(line, "text:", 5))
		check_bad(attr, line);
	CHECK_EQ(try_attr_bytes(0, attr->name, line, strlen(value) + 3), EINVAL);
}

typedef void check_value(const struct attr *attr, const char *value);

static void check_values(const struct attr *attr, const char *const *values,
			 size_t n, check_value *check)
{
	char row[200];
	size_t i;

	for (i = 0; i < n && values[i]; i++) {
		snprintf(row, sizeof(row), "%s: '%s'", attr->name, values[i]);
		tap_row(row);
		check(attr, values[i]);
	}
}

TEST(first, "the attributes are what is documented when the module was loaded")
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		tap_row(attrs[i].name);
		if (attrs[i].first)
			check_attr(0, attrs[i].name, attrs[i].first);
	}
}

TEST(good, "every attribute reads back what it accepts, but for one newline")
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++)
		check_values(&attrs[i], attrs[i].good, VALUES, check_good);
}

TEST(bad, "what an attribute does not accept is EINVAL and changes nothing")
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		check_values(&attrs[i], attrs[i].bad, VALUES, check_bad);
		check_values(&attrs[i], never, ARRAY_SIZE(never), check_bad);
	}
}

TEST(too_long, "a value that is far too long is EINVAL and changes nothing")
{
	char before[80], text[4000];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		tap_row(attrs[i].name);
		snprintf(before, sizeof(before), "%s",
			 get_attr(0, attrs[i].name));
		memset(text, '0', sizeof(text));
		CHECK_EQ(try_attr_bytes(0, attrs[i].name, text, sizeof(text)),
			 EINVAL);
		memcpy(text, "text:", 5);
		CHECK_EQ(try_attr_bytes(0, attrs[i].name, text, sizeof(text)),
			 EINVAL);
		check_attr(0, attrs[i].name, before);
	}
}

TEST(other_line, "setting one line leaves the other alone")
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		tap_row(attrs[i].name);
		set_attr(1, attrs[i].name, attrs[i].good[0]);
		if (attrs[i].first)
			check_attr(0, attrs[i].name, attrs[i].first);
	}
}

TEST(modes, "attributes can be written by root alone, counters by nobody")
{
	static const struct {
		const char *name;
		mode_t mode;
	} rows[] = {
		{ "baud", 0644 }, { "exclusive", 0644 }, { "fault", 0644 },
		{ "fifo", 0644 }, { "flow", 0644 }, { "format", 0644 },
		{ "generator", 0644 }, { "latency_ns", 0644 },
		{ "pacing", 0644 }, { "period_ns", 0644 }, { "seed", 0644 },
		{ "wire", 0644 }, { "stats/tx_written", 0444 },
		{ "stats/rx_queued", 0444 }, { "stats/rx_overrun", 0444 },
	};
	char path[80];
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		snprintf(path, sizeof(path), CLASS "/vser/%s", rows[i].name);
		CHECK_EQ(stat(path, &st), 0);
		CHECK_EQ(st.st_mode & 0777, rows[i].mode);
	}
}

/* The same by ioctl */

TEST(baud_by_ioctl, "the speed is the same by ioctl and by sysfs")
{
	int fd = open_line(CONTROL_ONLY);

	set_attr(0, "baud", "4321");
	check_setting(fd, 4321, FMT_8N1);
	set_baud(fd, 50);
	check_attr(0, "baud", "50");
}

TEST(format_by_ioctl, "all formats are the same by ioctl and by sysfs")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_format fmt;
	char text[4] = "";

	for (fmt.datab = 5; fmt.datab <= 8; fmt.datab++)
		for (fmt.parity = 0; fmt.parity <= 4; fmt.parity++)
			for (fmt.stopb = 1; fmt.stopb <= 2; fmt.stopb++) {
				text[0] = '0' + fmt.datab;
				text[1] = "NOEMS"[fmt.parity];
				text[2] = '0' + fmt.stopb;
				tap_row(text);
				set_attr(0, "format", "8N1");
				set_attr(0, "format", text);
				check_setting(fd, 115200, fmt);
				set_attr(0, "format", "8N1");
				set_fmt(fd, fmt);
				check_attr(0, "format", text);
			}
}

/* ioctls that copy a struct, in either direction */

TEST(bad_pointers, "a pointer to nowhere is EFAULT and changes nothing")
{
	static const struct {
		const char *name;
		unsigned long request;
	} rows[] = {
		{ "VS_SET_WIRE", VS_SET_WIRE },
		{ "VS_SET_FAULT", VS_SET_FAULT },
		{ "VS_CONFIGURE", VS_CONFIGURE },
		{ "VS_SET_MARK", VS_SET_MARK },
		{ "VS_WATCH_EVENTS", VS_WATCH_EVENTS },
		{ "VS_WAIT_MODEM", VS_WAIT_MODEM },
		{ "VS_SET_RING", VS_SET_RING },
		{ "TIOCMSET", TIOCMSET },
		{ "TIOCMBIS", TIOCMBIS },
		{ "TIOCMBIC", TIOCMBIC },
		{ "VS_GET_WIRE", VS_GET_WIRE },
		{ "VS_GET_FAULT", VS_GET_FAULT },
		{ "VS_GET_MARK", VS_GET_MARK },
		{ "VS_GET_COUNTERS", VS_GET_COUNTERS },
		{ "VS_GET_CONFIG", VS_GET_CONFIG },
		{ "TIOCMGET", TIOCMGET },
	};
	int fd = open_line(O_RDWR);
	size_t i, j;
	int before = modem(fd);

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		for (j = 0; j < NR_BAD_SOURCES; j++)
			CHECK_ERR(ioctl(fd, rows[i].request,
					bad_addresses[j].get()), EFAULT);
	}
	CHECK_EQ(modem(fd), before);
	check_attr(0, "wire", "generator");
	check_attr(0, "fault", FAULT_OFF);
}

/* One user at a time, or many */

TEST(shared, "a line that is not exclusive can be opened many times")
{
	int first, second;

	wire_line(0, "loopback");
	set_attr(0, "pacing", "0");
	first = open_line(O_RDWR);
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	set_attr(0, "exclusive", "0");
	second = open_line(O_RDWR);
	write_row(first, 0, 10);
	read_row(second, 0, 10);
	write_row(second, 10, 10);
	read_row(first, 10, 10);
	set_attr(0, "exclusive", "1");
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	close(first);
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	close(second);
	close(open_line(O_RDWR));
}

/* Queues of another size */

TEST(rounded, "the size of the queues is rounded up to a power of two")
{
	static const struct {
		const char *value;
		const char *is;
	} rows[] = {
		{ "17", "32" }, { "31", "32" }, { "33", "64" },
		{ "1000", "1024" }, { "65535", "65536" },
		{ "65537", "131072" }, { "2097153", "4194304" },
		{ "4194303", "4194304" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		set_attr(0, "fifo", rows[i].value);
		check_attr(0, "fifo", rows[i].is);
	}
}

TEST(sizes, "each queue takes as many bytes as it was told to")
{
	static const size_t sizes[] = { 16, 32, 128, 65536, 1 << 20, 4 << 20 };
	size_t i;
	int fd;

	wire_line(0, "loopback");
	set_attr(0, "pacing", "0");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		set_attr_number(0, "fifo", sizes[i]);
		fd = open_line(O_RDWR | O_NONBLOCK);
		write_row(fd, 0, 2 * sizes[i]);
		CHECK_ERR(write(fd, "x", 1), EAGAIN);
		CHECK_EQ(rx_queued(fd), sizes[i]);
		CHECK_EQ(tx_queued(fd), sizes[i]);
		read_row(fd, 0, 2 * sizes[i]);
		close(fd);
	}
}

/*
 * Line 0 has so many bytes in both of its queues: those that it received, from
 * number 0 on, and those that it cannot send, from number 1000 on. The queues
 * begin somewhere in their buffers.
 */
static int open_with_bytes(unsigned int somewhere, size_t n)
{
	struct pair pair = open_pair(O_RDWR | O_NONBLOCK);

	write_row(pair.a, 0, somewhere);
	write_row(pair.b, 0, somewhere);
	if (somewhere) {
		read_row(pair.a, 0, somewhere);
		read_row(pair.b, 0, somewhere);
	}
	write_row(pair.b, 0, n);
	close(pair.b);
	write_row(pair.a, 1000, n);
	CHECK_EQ(rx_queued(pair.a), n);
	CHECK_EQ(tx_queued(pair.a), n);

	return pair.a;
}

/* The first n are there still. */
static void check_kept(int fd, size_t n)
{
	int b;

	CHECK_EQ(rx_queued(fd), n);
	CHECK_EQ(tx_queued(fd), n);
	b = open_nth(1, O_RDWR);
	read_row(fd, 0, n);
	read_row(b, 1000, n);
	CHECK_EQ(rx_queued(b), 0);
	close(b);
	close(fd);
	check_line_books(0);
	check_line_books(1);
}

TEST(resize, "what fits into queues of another size stays, wherever it is")
{
	static const unsigned int places[] = { 0, 1, 40, 63, 100 };
	static const char *const sizes[] = { "64", "32", "128", "65536" };
	size_t i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			tap_row(sizes[j]);
			set_attr(0, "fifo", "128");
			fd = open_with_bytes(places[i], 32);
			set_attr(0, "fifo", sizes[j]);
			check_kept(fd, 32);
			CHECK_EQ(stat_of(0, "rx_flushed"), 0);
			CHECK_EQ(stat_of(0, "tx_flushed"), 0);
		}
}

TEST(resize_too_small, "of what does not fit the newest is flushed, and counted")
{
	static const unsigned int places[] = { 0, 1, 10, 15, 100 };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		set_attr(0, "fifo", "128");
		fd = open_with_bytes(places[i], 50);
		set_attr(0, "fifo", "16");
		check_kept(fd, 16);
		CHECK_EQ(stat_of(0, "rx_flushed"), (i + 1) * 34);
		CHECK_EQ(stat_of(0, "tx_flushed"), (i + 1) * 34);
	}
}

TEST(resize_closed, "bytes that wait in a closed line stay, too")
{
	int fd = open_with_bytes(5, 20);

	close(fd);
	set_attr(0, "fifo", "32");
	check_attr(0, "fifo", "32");
	check_kept(open_line(O_RDWR | O_NONBLOCK), 20);
}

TEST(resize_frees_writer, "larger queues let a writer go on that waits for room")
{
	pid_t writer;
	int fd;

	set_attr(0, "fifo", "16");
	wire_line(0, "nullmodem:vser1");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 16);
	CHILD(writer)
		write_row(fd, 16, 16);
	WAIT_UNTIL(blocked_in(writer, SYS_write));
	set_attr(0, "fifo", "32");
	check_child(writer);
	CHECK_EQ(tx_queued(fd), 32);
}

TEST(resize_frees_sender, "larger queues let a sender go on that found no room")
{
	struct pair pair;

	set_attr(1, "fifo", "16");
	pair = open_pair(O_RDWR);
	write_row(pair.a, 0, 64);
	CHECK_EQ(tx_queued(pair.a), 48);
	set_attr(1, "fifo", "64");
	CHECK_EQ(tx_queued(pair.a), 0);
	read_row(pair.b, 0, 64);
}

TEST(resize_in_use, "a line whose queues change while it is used loses nothing")
{
	struct pair pair = open_pair(O_RDWR);
	unsigned int i;
	pid_t changer;

	CHILD(changer)
		for (i = 0; i < 200; i++)
			set_attr_number(i % 2, "fifo", 4096 << i % 5);
	for (i = 0; !has_ended(changer); i++) {
		write_row(pair.a, i * 4000, 4000);
		read_row(pair.b, i * 4000, 4000);
	}
	check_child(changer);
	CHECK_EQ(stat_of(0, "tx_flushed"), 0);
	CHECK_EQ(stat_of(1, "rx_flushed"), 0);
	check_line_books(0);
	check_line_books(1);
}
