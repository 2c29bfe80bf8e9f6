// SPDX-License-Identifier: GPL-2.0
/*
 * Two ends that are not set alike: the receiver samples the sender's bits at
 * its own speed and in its own format, and gets what hardware would get. What
 * is expected was computed apart from the driver, from the waveform.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

static void set_end(unsigned int line, __u32 baud, const char *format)
{
	set_attr_number(line, "baud", baud);
	set_attr(line, "format", format);
}

static const __u8 message[] = {
	0x00, 0xff, 0x55, 0xaa, 0x41, 0x7e, 0x80, 0x01, 'v', 's', 'e', 'r'
};

/* What becomes of the message. */
static const struct mismatch {
	const char *name;
	struct {
		__u32 baud;
		const char *format;
	} sender, receiver;
	unsigned int n;
	__u8 bytes[16];
	unsigned int parity, frame, brk;
} mismatches[] = {
	{ "twice as fast", { 9600, "8N1" }, { 19200, "8N1" },
	  15, { 0xfe, 0x66, 0x66, 0x66, 0x06, 0x86, 0x06, 0x06,
		0x78, 0xe6, 0xf8, 0x66, 0x78, 0x18, 0xfe },
	  .frame = 10, .brk = 1 },
	{ "half as fast", { 19200, "8N1" }, { 9600, "8N1" },
	  6, { 0xf8, 0x98, 0x0f, 0xf4, 0x21, 0xfd }, .parity = 0 },
	{ "8N1 as 7E1", { 9600, "8N1" }, { 9600, "7E1" },
	  12, { 0x00, 0x7f, 0x55, 0x2a, 0x41, 0x7e,
		0x00, 0x01, 0x76, 0x73, 0x65, 0x72 }, .parity = 4 },
	{ "7E1 as 8N1", { 9600, "7E1" }, { 9600, "8N1" },
	  12, { 0x00, 0xff, 0x55, 0xaa, 0x41, 0x7e,
		0x00, 0x81, 0xf6, 0xf3, 0x65, 0x72 }, .parity = 0 },
	{ "8N1 as 8E1", { 9600, "8N1" }, { 9600, "8E1" },
	  9, { 0x00, 0x55, 0xb5, 0xf9, 0x80, 0x40, 0xd7, 0x95, 0x72 },
	  .parity = 7, .frame = 7 },
	{ "8N2 as 8N1", { 9600, "8N2" }, { 9600, "8N1" },
	  12, { 0x00, 0xff, 0x55, 0xaa, 0x41, 0x7e,
		0x80, 0x01, 0x76, 0x73, 0x65, 0x72 }, .parity = 0 },
	{ "8N1 as 8N2", { 9600, "8N1" }, { 9600, "8N2" },
	  12, { 0x00, 0xff, 0x55, 0xaa, 0x41, 0x7e,
		0x80, 0x01, 0x76, 0x73, 0x65, 0x72 }, .parity = 0 },
	{ "8N1 as 5N1", { 9600, "8N1" }, { 9600, "5N1" },
	  13, { 0x1f, 0x15, 0x09, 0x0d, 0x10, 0x1e, 0x01,
		0x01, 0x16, 0x0d, 0x15, 0x09, 0x1f },
	  .frame = 7, .brk = 1 },
	{ "far too slow", { 9600, "8N1" }, { 300, "8N1" },
	  1, { 0xff }, .parity = 0 },
	{ "far too fast", { 300, "8N1" }, { 9600, "8N1" },
	  0, { 0 }, .brk = 32 },
};

static void check_mismatch(struct pair pair, const struct mismatch *row)
{
	struct vser_counters before = vser_counters(pair.b), after;

	tap_row(row->name);
	set_end(0, row->sender.baud, row->sender.format);
	set_end(1, row->receiver.baud, row->receiver.format);
	CHECK_EQ(write(pair.a, message, sizeof(message)), sizeof(message));
	CHECK_EQ(fsync(pair.a), 0);
	/* A slower receiver is done somewhat later than the sender. */
	WAIT_UNTIL(rx_queued(pair.b) >= (int)row->n);
	check_read(pair.b, row->bytes, row->n);
	after = vser_counters(pair.b);
	CHECK_EQ(after.parity - before.parity, row->parity);
	CHECK_EQ(after.frame - before.frame, row->frame);
	CHECK_EQ(after.brk - before.brk, row->brk);
	check_line_books(0);
	check_line_books(1);
}

TEST(table, "ends that are not set alike garble bytes as hardware does")
{
	struct pair pair = open_pair(O_RDWR);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mismatches); i++)
		check_mismatch(pair, &mismatches[i]);
}

TEST(table_paced, "a paced line garbles bytes in the same way")
{
	struct pair pair = open_pair(O_RDWR);
	size_t i;

	set_attr(0, "pacing", "1");
	for (i = 0; i < ARRAY_SIZE(mismatches); i++)
		check_mismatch(pair, &mismatches[i]);
}

TEST(both_ways, "each direction is garbled by itself")
{
	struct pair pair = open_pair(O_RDWR);

	set_end(0, 9600, "8N1");
	set_end(1, 19200, "8N1");
	CHECK_EQ(write(pair.b, message, sizeof(message)), sizeof(message));
	check_read(pair.a, mismatches[1].bytes, mismatches[1].n);
	CHECK_EQ(write(pair.a, message, sizeof(message)), sizeof(message));
	check_read(pair.b, mismatches[0].bytes, mismatches[0].n);
}

TEST(events, "errors of a mismatch are events, each with the place of its byte")
{
	struct pair pair = open_pair(O_RDWR);

	skip_events(pair.b);
	set_end(1, 115200, "7E1");
	CHECK_EQ(write(pair.a, "a\200b\201", 4), 4);
	check_event(pair.b, VSER_EVENT_PARITY, 0, 0);
	check_event(pair.b, VSER_EVENT_PARITY, 1, 0);
	check_event(pair.b, VSER_EVENT_PARITY, 2, 0);
	check_no_event(pair.b);
}

/* Small differences */

static void send_all_bytes(int fd)
{
	__u8 bytes[256];
	int i;

	for (i = 0; i < 256; i++)
		bytes[i] = i;
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
}

static void check_perfect(struct pair pair)
{
	__u8 bytes[257];
	int i;

	send_all_bytes(pair.a);
	CHECK_EQ(rx_queued(pair.b), 256);
	CHECK_EQ(read(pair.b, bytes, sizeof(bytes)), 256);
	for (i = 0; i < 256; i++)
		CHECK_EQ(bytes[i], i);
	CHECK_EQ(vser_counters(pair.b).frame, 0);
	CHECK_EQ(vser_counters(pair.b).parity, 0);
	CHECK_EQ(vser_counters(pair.b).brk, 0);
}

TEST(near, "speeds that differ by 2 percent lose nothing")
{
	static const __u32 bauds[] = { 98000, 99999, 100001, 102000 };
	static const char *const formats[] = { "8N1", "8E1", "8O2", "8S2" };
	struct pair pair = open_pair(O_RDWR);
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		for (j = 0; j < ARRAY_SIZE(bauds); j++) {
			tap_row(formats[i]);
			set_end(0, 100000, formats[i]);
			set_end(1, bauds[j], formats[i]);
			check_perfect(pair);
		}
}

TEST(far, "speeds that differ by 7 percent do not get on")
{
	static const __u32 bauds[] = { 93000, 107000 };
	struct pair pair = open_pair(O_RDWR);
	size_t i;
	__u64 errors;

	set_end(0, 100000, "8N1");
	for (i = 0; i < ARRAY_SIZE(bauds); i++) {
		tap_row(i ? "a receiver that is too fast" :
			    "a receiver that is too slow");
		set_end(1, bauds[i], "8N1");
		errors = vser_counters(pair.b).frame;
		send_all_bytes(pair.a);
		read_away(pair.b);
		CHECK(vser_counters(pair.b).frame > errors + 10);
		check_line_books(1);
	}
}

TEST(set_right, "ends that were not set alike and now are lose nothing")
{
	struct pair pair = open_pair(O_RDWR);

	set_end(1, 9600, "7E1");
	send_all_bytes(pair.a);
	CHECK_EQ(ioctl(pair.b, TCFLSH, 0), 0);
	set_end(1, 115200, "8N1");
	write_row(pair.a, 0, 1000);
	read_row(pair.b, 0, 1000);
	check_line_books(1);
}

/* Formats that are the same at both ends */

TEST(short_formats, "bits that the format does not have are not sent")
{
	static const char *const formats[] = { "5N1", "6E2", "7O1", "8M2" };
	struct pair pair = open_pair(O_RDWR);
	__u8 bytes[257];
	size_t i;
	int j;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		tap_row(formats[i]);
		set_attr(0, "format", formats[i]);
		set_attr(1, "format", formats[i]);
		send_all_bytes(pair.a);
		CHECK_EQ(read(pair.b, bytes, sizeof(bytes)), 256);
		for (j = 0; j < 256; j++)
			CHECK_EQ(bytes[j], j & (0xff >> (3 - i)));
	}
	CHECK_EQ(vser_counters(pair.b).frame, 0);
	CHECK_EQ(vser_counters(pair.b).parity, 0);
	CHECK_EQ(stat_of(1, "rx_split") + stat_of(1, "rx_merged"), 0);
}

TEST(loopback_formats, "a loopback is set alike at both ends, whatever it is set to")
{
	int fd = open_loopback(O_RDWR);
	__u8 bytes[257];

	set_end(0, 9600, "7E1");
	send_all_bytes(fd);
	CHECK_EQ(read(fd, bytes, sizeof(bytes)), 256);
	CHECK_EQ(bytes[0x55], 0x55);
	CHECK_EQ(bytes[0xff], 0x7f);
	CHECK_EQ(vser_counters(fd).parity, 0);
}

TEST(frame_under_way, "the frame on the line ends in the format in which it began")
{
	struct vser_format seven = { 7, VSER_PARITY_NONE, 1 };
	int fd;

	wire_line(0, "loopback");
	set_attr(0, "baud", "50");
	fd = open_line(O_RDWR);
	CHECK_EQ(write(fd, "\xff\xff", 2), 2);
	set_fmt(fd, seven);
	/* If the first frame has ended by now, perhaps it had before. */
	while (rx_queued(fd)) {
		CHECK_EQ(fsync(fd), 0);
		read_away(fd);
		set_fmt(fd, FMT_8N1);
		CHECK_EQ(write(fd, "\xff\xff", 2), 2);
		set_fmt(fd, seven);
	}
	CHECK_EQ(fsync(fd), 0);
	check_read(fd, "\xff\x7f", 2);
}
