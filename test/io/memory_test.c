// SPDX-License-Identifier: GPL-2.0
/*
 * I/O memory: what can be claimed, the ways to map it, single values of all
 * widths, blocks and strings, on a device whose memory remembers.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "io.h"

#define LOCAL_APIC	0xfee00000u
#define PAGE	0x1000

/* The ways to map and to access that go together, and the widest access. */
static const struct way {
	const char *name;
	__u32 map;
	__u32 by;
	__u32 widest;
} ways[] = {
	{ "ioremap, readb to readq", IO_DEMO_MAP_UC, IO_DEMO_BY_DEFAULT, 8 },
	{ "ioremap, relaxed", IO_DEMO_MAP_UC, IO_DEMO_BY_RELAXED, 8 },
	{ "ioremap, ioread", IO_DEMO_MAP_UC, IO_DEMO_BY_IOREAD, 4 },
	{ "ioremap_wc, readb to readq", IO_DEMO_MAP_WC, IO_DEMO_BY_DEFAULT, 8 },
	{ "ioremap_wc, relaxed", IO_DEMO_MAP_WC, IO_DEMO_BY_RELAXED, 8 },
	{ "ioremap_wc, ioread", IO_DEMO_MAP_WC, IO_DEMO_BY_IOREAD, 4 },
	{ "memremap", IO_DEMO_MAP_CACHED, IO_DEMO_BY_DEFAULT, 8 },
};

static void check_values(int fd, __u32 handle, const struct way *way)
{
	static const __u64 value = 0xfedcba9876543210;
	__u64 offset = 0x40, part;
	__u32 width;

	/* The device remembers what earlier programs wrote. */
	for (part = 0; part < 0x80; part++)
		put(fd, handle, way->by, 1, part, 0);
	for (width = 1; width <= way->widest; width *= 2) {
		part = value >> (64 - 8 * width);
		put(fd, handle, way->by, width, offset, part);
		CHECK_EQ(get(fd, handle, way->by, width, offset), part);
		/* Little-endian, and nothing beside it. */
		CHECK_EQ(get(fd, handle, way->by, 1, offset), part & 0xff);
		CHECK_EQ(get(fd, handle, way->by, 1, offset + width), 0);
		put(fd, handle, way->by, width, offset, 0);
		offset += 16;
	}
}

TEST(owners, "no memory is claimed that anything but a bus has")
{
	check_owners(lab(""), "/proc/iomem", (struct io_demo_claim) {
			.space = IO_DEMO_MEMORY, .map = IO_DEMO_MAP_UC,
			.size = PAGE,
		     });
}

TEST(values, "memory gives back what was written, at every width, in every way")
{
	struct io_demo_claim claim = {
		.space = IO_DEMO_MEMORY, .start = TEST_MEMORY,
		.size = TEST_MEMORY_SIZE,
	};
	int fd = lab("");
	char row[80];
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(ways); i++) {
		claim.map = ways[i / 2].map;
		claim.flags = i % 2 ? IO_DEMO_MANAGED : 0;
		snprintf(row, sizeof(row), "%s%s", i % 2 ? "devm_" : "",
			 ways[i / 2].name);
		tap_row(row);
		CHECK_EQ(try_claim(fd, &claim), 0);
		CHECK(file_has("/proc/iomem", "ff000000-ff00ffff : io_demo\n"));
		check_values(fd, claim.handle, &ways[i / 2]);
		release(fd, claim.handle);
		CHECK(!file_has("/proc/iomem", "ff000000-ff00ffff : io_demo\n"));
	}
}

TEST(ways_invalid, "a way that does not go with the mapping is EINVAL")
{
	static const struct {
		__u32 map, by, width;
	} rows[] = {
		{ IO_DEMO_MAP_UC, IO_DEMO_BY_IOREAD, 8 },
		{ IO_DEMO_MAP_WC, IO_DEMO_BY_IOREAD, 8 },
		{ IO_DEMO_MAP_CACHED, IO_DEMO_BY_RELAXED, 4 },
		{ IO_DEMO_MAP_CACHED, IO_DEMO_BY_IOREAD, 4 },
		{ IO_DEMO_MAP_UC, IO_DEMO_BY_DEFAULT, 16 },
	};
	int fd = lab("");
	__u32 handle;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		handle = claim(fd, IO_DEMO_MEMORY, rows[i].map, TEST_MEMORY, PAGE);
		CHECK_ERR(try_access(fd, handle, IO_DEMO_READ, rows[i].by,
				     rows[i].width, 0, 0), EINVAL);
		release(fd, handle);
	}
}

TEST(block, "a block is copied to and from I/O memory")
{
	static unsigned char sent[10000], got[sizeof(sent)];
	__u32 handle, done;
	int fd = lab("");

	fill_pattern(sent, sizeof(sent), 1);
	handle = claim(fd, IO_DEMO_MEMORY, IO_DEMO_MAP_WC, TEST_MEMORY,
		       TEST_MEMORY_SIZE);
	CHECK_EQ(transfer(fd, handle, IO_DEMO_WRITE, IO_DEMO_BLOCK, 1, 1, sent,
			  sizeof(sent), &done), 0);
	CHECK_EQ(done, sizeof(sent));
	CHECK_EQ(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_BLOCK, 1, 1, got,
			  sizeof(got), &done), 0);
	CHECK_EQ(memcmp(sent, got, sizeof(sent)), 0);
	CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 1, 1 + 9999), sent[9999]);

	CHECK_ERR(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_BLOCK, 2, 0, got,
			   1, NULL), EINVAL);
	CHECK_ERR(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_BLOCK, 1,
			   TEST_MEMORY_SIZE - 1, got, 2, NULL), EINVAL);
}

TEST(string, "a string goes to one address")
{
	__u32 longs[] = { 1, 2, 0x01020304 }, got[2];
	__u32 handle;
	int fd = lab("");

	handle = claim(fd, IO_DEMO_MEMORY, IO_DEMO_MAP_UC, TEST_MEMORY, PAGE);
	put(fd, handle, IO_DEMO_BY_DEFAULT, 4, 4, 0x77);
	CHECK_EQ(transfer(fd, handle, IO_DEMO_WRITE, IO_DEMO_STRING, 4, 0,
			  longs, 3, NULL), 0);
	CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 4, 0), 0x01020304);
	CHECK_EQ(get(fd, handle, IO_DEMO_BY_DEFAULT, 4, 4), 0x77);
	CHECK_EQ(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_STRING, 4, 0, got,
			  2, NULL), 0);
	CHECK_EQ(got[0], 0x01020304);
	CHECK_EQ(got[1], 0x01020304);
	release(fd, handle);

	handle = claim(fd, IO_DEMO_MEMORY, IO_DEMO_MAP_CACHED, TEST_MEMORY, PAGE);
	CHECK_ERR(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_STRING, 4, 0, got,
			   2, NULL), EINVAL);
	CHECK_ERR(transfer(fd, handle, IO_DEMO_READ, IO_DEMO_BLOCK, 1, 0, got,
			   2, NULL), EINVAL);
}

TEST(refused, "what is not I/O memory, or another driver's, is not claimed")
{
	static const struct {
		const char *what;
		__u64 start, size;
		int error;
	} rows[] = {
		{ "RAM",		0x1000000, PAGE, EPERM },
		{ "first RAM",		0x1000, PAGE, EPERM },
		{ "RAM and beyond",	0x1ef00000, 0x200000, EPERM },
		{ "reserved at boot",	RESERVED_START, PAGE, EPERM },
		{ "the firmware's",	0xfffff000, PAGE, EPERM },
		{ "local APIC",		LOCAL_APIC, PAGE, EBUSY },
		{ "edu",		0xfea00000, PAGE, EBUSY },
		{ "part of a page",	TEST_MEMORY, 0x100, EINVAL },
		{ "not at a page",	TEST_MEMORY + 4, PAGE, EINVAL },
		{ "nothing",		TEST_MEMORY, 0, EINVAL },
		{ "too much",		TEST_MEMORY, IO_DEMO_MAX_CLAIM + PAGE, EINVAL },
		{ "wrapping",		-PAGE, 2 * PAGE, EINVAL },
		{ "no such address",	1ULL << 60, PAGE, EINVAL },
	};
	struct io_demo_claim claim = { .space = IO_DEMO_MEMORY };
	int fd = lab("");
	size_t i, map;

	CHECK(file_has("/proc/iomem", "    fea00000-feafffff : io_demo\n"));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].what);
		/* An x2APIC is not reached by memory, so that its is free. */
		if (rows[i].start == LOCAL_APIC &&
		    !file_has("/proc/iomem", " Local APIC\n"))
			continue;
		claim.start = rows[i].start;
		claim.size = rows[i].size;
		for (map = IO_DEMO_MAP_UC; map <= IO_DEMO_MAP_CACHED; map++) {
			claim.map = map;
			claim.flags = 0;
			CHECK_ERR(try_claim(fd, &claim), rows[i].error);
			claim.flags = IO_DEMO_MANAGED;
			CHECK_ERR(try_claim(fd, &claim), rows[i].error);
		}
	}
	claim.start = TEST_MEMORY;
	claim.size = PAGE;
	claim.map = IO_DEMO_MAP_NONE;
	CHECK_ERR(try_claim(fd, &claim), EINVAL);
}

TEST(latency, "the time of accesses is measured in every way")
{
	struct io_demo_latency latency = { .width = 4, .count = 300 };
	int fd = lab("");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		tap_row(ways[i].name);
		latency.handle = claim(fd, IO_DEMO_MEMORY, ways[i].map,
				       TEST_MEMORY, PAGE);
		latency.by = ways[i].by;
		for (latency.op = IO_DEMO_READ; latency.op <= IO_DEMO_WRITE;
		     latency.op++) {
			latency.region_ns = 0;
			latency.memory_ns = 0;
			CHECK_EQ(ioctl(fd, VS_IO_LATENCY, &latency), 0);
			CHECK(latency.region_ns > 0);
			CHECK(latency.memory_ns > 0);
		}
		release(fd, latency.handle);
	}
}
