// SPDX-License-Identifier: GPL-2.0
/*
 * I/O ports: who has them, single values and strings of all widths, with and
 * without a mapping, on two devices that answer.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io.h"

/* The two ways to reach ports. */
static const struct way {
	const char *name;
	__u32 map;
	__u32 by;
} ways[] = {
	{ "in and out", IO_DEMO_MAP_NONE, IO_DEMO_BY_DEFAULT },
	{ "ioport_map", IO_DEMO_MAP_PORTS, IO_DEMO_BY_IOREAD },
};

TEST(values, "a port gives back what was written, at every width")
{
	static const __u32 values[] = { 0, 1, 0x80, 0xa5, 0xffffffff, 0x12345678 };
	static const __u32 widths[] = { 1, 2, 4 };
	size_t i, w, v;
	char row[80];
	__u32 handle, value;
	int fd = lab("");

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		handle = claim(fd, IO_DEMO_PORTS, ways[i].map, TEST_PORTS, 4);
		for (w = 0; w < ARRAY_SIZE(widths); w++)
			for (v = 0; v < ARRAY_SIZE(values); v++) {
				value = values[v] & (0xffffffff >> (32 - 8 * widths[w]));
				snprintf(row, sizeof(row), "%s, width %u, %#x",
					 ways[i].name, widths[w], value);
				tap_row(row);
				put(fd, handle, ways[i].by, widths[w], 0, value);
				CHECK_EQ(get(fd, handle, ways[i].by, widths[w], 0),
					 value);
			}
		release(fd, handle);
	}
}

TEST(widths, "a wide access is made of the narrow ones, lowest port first")
{
	__u32 handle, i;
	int fd = lab("");

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		tap_row(ways[i].name);
		handle = claim(fd, IO_DEMO_PORTS, ways[i].map, TEST_PORTS, 4);
		put(fd, handle, ways[i].by, 4, 0, 0x44332211);
		CHECK_EQ(get(fd, handle, ways[i].by, 1, 0), 0x11);
		CHECK_EQ(get(fd, handle, ways[i].by, 1, 3), 0x44);
		CHECK_EQ(get(fd, handle, ways[i].by, 2, 0), 0x2211);
		CHECK_EQ(get(fd, handle, ways[i].by, 2, 2), 0x4433);
		put(fd, handle, ways[i].by, 1, 1, 0xee);
		put(fd, handle, ways[i].by, 2, 2, 0xbeef);
		CHECK_EQ(get(fd, handle, ways[i].by, 4, 0), 0xbeefee11);
		release(fd, handle);
	}
}

/*
 * What is written to this port is a file on the host; test/vm/check compares it
 * with the lines of this form that we print.
 */
static void write_host_file(int fd, __u32 handle, const char *how, int len)
{
	char text[6000];
	__u32 done;

	len = snprintf(text, sizeof(text), "%s, %zu-bit program %0*d\n", how,
		       8 * sizeof(long), len, 0);
	printf("# port 0xe9: %s", text);
	CHECK_EQ(transfer(fd, handle, IO_DEMO_WRITE, IO_DEMO_STRING, 1, 0, text,
			  len, &done), 0);
	CHECK_EQ(done, len);
}

TEST(host_file, "a string written to a port arrives on the host")
{
	int fd = lab("");
	__u32 handle;

	handle = claim_ports(fd, CONSOLE_PORT, 1);
	write_host_file(fd, handle, "outsb", 1);
	write_host_file(fd, handle, "outsb, longer than a page", 5000);
	CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 1, 0), 0xe9);
	release(fd, handle);

	handle = claim(fd, IO_DEMO_PORTS, IO_DEMO_MAP_PORTS, CONSOLE_PORT, 1);
	write_host_file(fd, handle, "iowrite8_rep", 1);
	printf("# port 0xe9: !\n");
	put(fd, handle, IO_DEMO_BY_IOREAD, 1, 0, '!');
	put(fd, handle, IO_DEMO_BY_IOREAD, 1, 0, '\n');
}

TEST(strings, "a string goes through one port, value by value, at every width")
{
	__u8 bytes[] = { 1, 2, 3 }, got[3];
	__u16 words[] = { 0x0101, 0x0202, 0x1234 }, gotw[3];
	__u32 longs[] = { 0x01010101, 0x12345678 }, gotl[2];
	__u32 handle, done;
	size_t i, n;
	int fd = lab("");

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		tap_row(ways[i].name);
		handle = claim(fd, IO_DEMO_PORTS, ways[i].map, TEST_PORTS, 4);
		CHECK_EQ(transfer(fd, handle, IO_DEMO_WRITE, IO_DEMO_STRING, 1,
				  1, bytes, 3, &done), 0);
		CHECK_EQ(done, 3);
		CHECK_EQ(get(fd, handle, ways[i].by, 1, 1), 3);
		CHECK_EQ(transfer(fd, handle, IO_DEMO_WRITE, IO_DEMO_STRING, 2,
				  2, words, 3, &done), 0);
		CHECK_EQ(get(fd, handle, ways[i].by, 2, 2), 0x1234);
		CHECK_EQ(transfer(fd, handle, IO_DEMO_WRITE, IO_DEMO_STRING, 4,
				  0, longs, 2, &done), 0);
		CHECK_EQ(get(fd, handle, ways[i].by, 4, 0), 0x12345678);

		memset(gotw, 0, sizeof(gotw));
		CHECK_EQ(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_STRING, 2,
				  0, gotw, 2, &done), 0);
		CHECK_EQ(gotw[0], 0x5678);
		CHECK_EQ(gotw[1], 0x5678);
		CHECK_EQ(gotw[2], 0);
		CHECK_EQ(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_STRING, 4,
				  0, gotl, 2, &done), 0);
		for (n = 0; n < ARRAY_SIZE(gotl); n++)
			CHECK_EQ(gotl[n], 0x12345678);
		CHECK_EQ(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_STRING, 1,
				  3, got, 3, &done), 0);
		for (n = 0; n < ARRAY_SIZE(got); n++)
			CHECK_EQ(got[n], 0x12);
		release(fd, handle);
	}
}

TEST(taken, "a range that another driver has, in part or whole, is EBUSY")
{
	static const struct {
		const char *what;
		__u64 start;
		__u64 size;
	} ranges[] = {
		{ "all of it",		SERIAL_PORTS, 8 },
		{ "one port",		SERIAL_PORTS + 3, 1 },
		{ "its beginning",	SERIAL_PORTS - 4, 5 },
		{ "its end",		SERIAL_PORTS + 7, 5 },
		{ "more than it",	SERIAL_PORTS - 8, 24 },
		{ "all ports",		0, 0x10000 },
	};
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE,
	};
	int fd = lab("");
	size_t i;

	CHECK(file_has("/proc/ioports", "  02f8-02ff : serial\n"));
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		tap_row(ranges[i].what);
		claim.start = ranges[i].start;
		claim.size = ranges[i].size;
		claim.flags = 0;
		CHECK_ERR(try_claim(fd, &claim), EBUSY);
		claim.flags = IO_DEMO_MANAGED;
		CHECK_ERR(try_claim(fd, &claim), EBUSY);
		CHECK_EQ(claim.handle, 0);
	}
}

static bool is_ours(void)
{
	return file_has("/proc/ioports", "  00e0-00e3 : io_demo\n");
}

TEST(exclusive, "a range is ours, and seen to be, until it is released")
{
	struct io_demo_claim again = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE,
		.start = TEST_PORTS, .size = 4,
	};
	int fd = lab(""), other = open_line(CONTROL_ONLY);
	__u32 handle, flags;

	CHECK(!is_ours());
	for (flags = 0; flags <= IO_DEMO_MANAGED; flags++) {
		again.flags = flags;
		CHECK_EQ(try_claim(fd, &again), 0);
		handle = again.handle;
		CHECK(is_ours());
		CHECK_ERR(try_claim(fd, &again), EBUSY);
		CHECK_ERR(try_claim(other, &again), EBUSY);
		release(fd, handle);
		CHECK(!is_ours());
		CHECK_ERR(try_access(fd, handle, IO_DEMO_READ, IO_DEMO_BY_DEFAULT,
				     1, 0, 0), ENOENT);

		CHECK_EQ(try_claim(other, &again), 0);
		CHECK_ERR(try_access(fd, again.handle, IO_DEMO_READ,
				     IO_DEMO_BY_DEFAULT, 1, 0, 0), ENOENT);
		close(other);
		CHECK(!is_ours());
		other = open_line(CONTROL_ONLY);
	}
}

TEST(managed, "what belongs to a device of its own works the same, and goes with it")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .flags = IO_DEMO_MANAGED,
		.start = TEST_PORTS, .size = 4,
	};
	int fd = lab("");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		tap_row(ways[i].name);
		claim.map = ways[i].map;
		CHECK_EQ(try_claim(fd, &claim), 0);
		CHECK(exists(i ? "/sys/devices/io_demo.1" :
				 "/sys/devices/io_demo.0"));
		put(fd, claim.handle, ways[i].by, 4, 0, 0xcafe);
		CHECK_EQ(get(fd, claim.handle, ways[i].by, 4, 0), 0xcafe);
		release(fd, claim.handle);
		CHECK(!is_ours());
		CHECK(!exists(i ? "/sys/devices/io_demo.1" :
				  "/sys/devices/io_demo.0"));
	}
}

TEST(claim_invalid, "a claim with one field out of range is EINVAL")
{
	static const struct {
		const char *what;
		struct io_demo_claim claim;
	} rows[] = {
		{ "no space",		{ 0, 1, 0, 0, 0xe0, 4, 0 } },
		{ "space 3",		{ 3, 1, 0, 0, 0xe0, 4, 0 } },
		{ "no map",		{ 1, 0, 0, 0, 0xe0, 4, 0 } },
		{ "map of memory",	{ 1, 3, 0, 0, 0xe0, 4, 0 } },
		{ "map 6",		{ 1, 6, 0, 0, 0xe0, 4, 0 } },
		{ "flag 2",		{ 1, 1, 2, 0, 0xe0, 4, 0 } },
		{ "no ports",		{ 1, 1, 0, 0, 0xe0, 0, 0 } },
		{ "beyond the last",	{ 1, 1, 0, 0, 0x10000, 1, 0 } },
		{ "over the end",	{ 1, 1, 0, 0, 0xffff, 2, 0 } },
		{ "wrapping",		{ 1, 1, 0, 0, 0xe0, ULLONG_MAX, 0 } },
		{ "huge start",		{ 1, 1, 0, 0, ULLONG_MAX, 1, 0 } },
		{ "reserved",		{ 1, 1, 0, 0, 0xe0, 4, 1 } },
	};
	struct io_demo_claim claim;
	int fd = lab("");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].what);
		claim = rows[i].claim;
		CHECK_ERR(try_claim(fd, &claim), EINVAL);
		CHECK(!is_ours());
	}
}

TEST(access_invalid, "an access that does not fit is EINVAL, and is not made")
{
	static const struct {
		const char *what;
		__u32 op, by, width;
		__u64 offset, value;
	} rows[] = {
		{ "no direction",	0, 1, 1, 0, 0 },
		{ "direction 3",	3, 1, 1, 0, 0 },
		{ "by nothing",		2, 0, 1, 0, 0 },
		{ "relaxed ports",	2, 2, 1, 0, 0 },
		{ "ioread unmapped",	2, 3, 1, 0, 0 },
		{ "by 4",		2, 4, 1, 0, 0 },
		{ "width 0",		2, 1, 0, 0, 0 },
		{ "width 3",		2, 1, 3, 0, 0 },
		{ "width 8",		2, 1, 8, 0, 0 },
		{ "unaligned word",	2, 1, 2, 1, 0 },
		{ "unaligned long",	2, 1, 4, 2, 0 },
		{ "behind the end",	2, 1, 1, 4, 0 },
		{ "huge offset",	2, 1, 1, ULLONG_MAX, 0 },
		{ "wide byte",		2, 1, 1, 0, 0x100 },
		{ "wide word",		2, 1, 2, 0, 0x10000 },
		{ "wide long",		2, 1, 4, 0, 0x100000000 },
	};
	int fd = lab("");
	__u32 handle;
	size_t i;

	handle = claim_ports(fd, TEST_PORTS, 4);
	put(fd, handle, IO_DEMO_BY_DEFAULT, 4, 0, 0x5a5a5a5a);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].what);
		CHECK_ERR(try_access(fd, handle, rows[i].op, rows[i].by,
				     rows[i].width, rows[i].offset,
				     rows[i].value), EINVAL);
		CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 4, 0), 0x5a5a5a5a);
	}
	CHECK_ERR(try_access(fd, handle + 1, IO_DEMO_READ, IO_DEMO_BY_DEFAULT,
			     1, 0, 0), ENOENT);
	CHECK_ERR(try_access(fd, 0, IO_DEMO_READ, IO_DEMO_BY_DEFAULT, 1, 0, 0),
		  ENOENT);
}

TEST(transfer_invalid, "a transfer that does not fit is EINVAL")
{
	static const struct {
		const char *what;
		__u32 op, form, width;
		__u64 offset;
		__u32 count;
	} rows[] = {
		{ "no direction",	0, 1, 1, 0, 1 },
		{ "no form",		2, 0, 1, 0, 1 },
		{ "form 3",		2, 3, 1, 0, 1 },
		{ "block of ports",	2, 2, 1, 0, 1 },
		{ "width 0",		2, 1, 0, 0, 1 },
		{ "width 8",		2, 1, 8, 0, 1 },
		{ "nothing",		2, 1, 1, 0, 0 },
		{ "too much",		2, 1, 1, 0, IO_DEMO_MAX_TRANSFER + 1 },
		{ "too much wide",	2, 1, 4, 0, IO_DEMO_MAX_TRANSFER / 4 + 1 },
		{ "overflow",		2, 1, 4, 0, 0x40000001 },
		{ "unaligned",		2, 1, 2, 1, 1 },
		{ "behind the end",	2, 1, 1, 4, 1 },
	};
	char byte = 0x77;
	int fd = lab("");
	__u32 handle;
	size_t i;

	handle = claim_ports(fd, TEST_PORTS, 4);
	put(fd, handle, IO_DEMO_BY_DEFAULT, 1, 0, 0x11);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].what);
		CHECK_ERR(transfer(fd, handle, rows[i].op, rows[i].form,
				   rows[i].width, rows[i].offset, &byte,
				   rows[i].count, NULL), EINVAL);
		CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 1, 0), 0x11);
	}
}

TEST(transfer_fault, "a string that leaves the caller's memory is EFAULT, and says how far it got")
{
	int fd = lab("");
	__u32 handle, done;

	handle = claim_ports(fd, TEST_PORTS, 4);
	CHECK_ERR(transfer(fd, handle, IO_DEMO_WRITE, IO_DEMO_STRING, 1, 0,
			   page_end() - 1, 2, &done), EFAULT);
	CHECK_EQ(done, 0);
	/* The kernel takes a page at a time. */
	CHECK_ERR(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_STRING, 1, 0,
			   page_end() - 4096, 4097, &done), EFAULT);
	CHECK_EQ(done, 4096);
}

TEST(fault, "an argument that is not there is EFAULT, and claims nothing")
{
	static const unsigned int requests[] = {
		VS_IO_CLAIM, VS_IO_RELEASE, VS_IO_ACCESS, VS_IO_TRANSFER,
		VS_IO_LATENCY, VS_IO_EDU, VS_IO_LIVE, VS_IO_FACTORIAL,
		VS_IO_RAISE, VS_IO_WAIT, VS_IO_IRQ, VS_IO_DMA, VS_IO_DMA_COPY,
		VS_IO_DMA_RUN, VS_IO_DMA_COST, VS_IO_RESERVED, VS_IO_LAYOUT,
	};
	static const struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE,
		.start = TEST_PORTS, .size = 4,
	};
	int fd = lab("");
	size_t i, a;

	for (i = 0; i < ARRAY_SIZE(requests); i++)
		for (a = 0; a < NR_BAD_SOURCES; a++) {
			tap_row(bad_addresses[a].name);
			CHECK_ERR(ioctl(fd, requests[i], bad_addresses[a].get()),
				  EFAULT);
		}
	/* Readable, but not writable: the handle cannot be told. */
	CHECK_ERR(ioctl(fd, VS_IO_CLAIM, &claim), EFAULT);
	CHECK(!is_ours());
}

TEST(owners, "no port is claimed that anything but a bus has, be it a device without a driver")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE, .size = 1,
	};
	int fd = lab("");

	check_owners(fd, "/proc/ioports", claim);
	claim.flags = IO_DEMO_MANAGED;
	check_owners(fd, "/proc/ioports", claim);
}

TEST(quota, "a file has 64 handles, and gets them all back")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE, .size = 1,
	};
	int fd = lab(""), other = open_line(CONTROL_ONLY);
	__u32 i;

	for (i = 0; i < IO_DEMO_MAX_HANDLES; i++) {
		claim.start = 0x4000 + i;
		CHECK_EQ(try_claim(fd, &claim), 0);
	}
	claim.start++;
	CHECK_ERR(try_claim(fd, &claim), EDQUOT);
	CHECK_EQ(try_claim(other, &claim), 0);
	release(fd, IO_DEMO_MAX_HANDLES);
	claim.start = 0x4000 + IO_DEMO_MAX_HANDLES - 1;
	CHECK_EQ(try_claim(fd, &claim), 0);
	CHECK_EQ(claim.handle, IO_DEMO_MAX_HANDLES);
}

TEST(latency, "the time of accesses is measured, against memory's")
{
	struct io_demo_latency latency = {
		.op = IO_DEMO_READ, .by = IO_DEMO_BY_DEFAULT, .width = 4,
		.count = 1000,
	};
	int fd = lab("");

	latency.handle = claim_ports(fd, TEST_PORTS, 4);
	put(fd, latency.handle, IO_DEMO_BY_DEFAULT, 4, 0, 7);
	CHECK_EQ(ioctl(fd, VS_IO_LATENCY, &latency), 0);
	CHECK(latency.region_ns > 0);
	CHECK(latency.memory_ns > 0);
	CHECK_EQ(get(fd, latency.handle, IO_DEMO_BY_DEFAULT, 4, 0), 7);
	latency.op = IO_DEMO_WRITE;
	latency.value = 0x1234;
	CHECK_EQ(ioctl(fd, VS_IO_LATENCY, &latency), 0);
	CHECK_EQ(get(fd, latency.handle, IO_DEMO_BY_DEFAULT, 4, 0), 0x1234);

	latency.count = 0;
	CHECK_ERR(ioctl(fd, VS_IO_LATENCY, &latency), EINVAL);
	latency.count = IO_DEMO_MAX_COUNT + 1;
	CHECK_ERR(ioctl(fd, VS_IO_LATENCY, &latency), EINVAL);
	latency.count = 1;
	latency.reserved = 1;
	CHECK_ERR(ioctl(fd, VS_IO_LATENCY, &latency), EINVAL);
	latency.reserved = 0;
	latency.width = 8;
	CHECK_ERR(ioctl(fd, VS_IO_LATENCY, &latency), EINVAL);
}

TEST(capability, "who may not touch hardware gets EPERM, at every call")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE,
		.start = TEST_PORTS + 1, .size = 1,
	};
	int fd = lab("");
	__u32 handle = claim_ports(fd, TEST_PORTS, 1);

	drop_capability(CAP_SYS_RAWIO);
	CHECK_ERR(try_access(fd, handle, IO_DEMO_READ, IO_DEMO_BY_DEFAULT, 1, 0,
			     0), EPERM);
	CHECK_ERR(try_claim(fd, &claim), EPERM);
	CHECK_ERR(try_claim(open_line(CONTROL_ONLY), &claim), EPERM);
}

TEST(not_loaded, "without the laboratory its calls are EOPNOTSUPP, and the line works")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE,
		.start = TEST_PORTS, .size = 4,
	};
	int fd = lab("");

	close(fd);
	unload_lab();
	fd = open_line(CONTROL_ONLY);
	CHECK_ERR(try_claim(fd, &claim), EOPNOTSUPP);
	set_baud(fd, 9600);
	CHECK_EQ(try_load_lab(""), 0);
	CHECK_EQ(try_claim(fd, &claim), 0);
	CHECK_ERR(ioctl(fd, _IO(VS_MAGIC, 0xbf)), ENOTTY);
}
