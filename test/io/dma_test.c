// SPDX-License-Identifier: GPL-2.0
/*
 * DMA: buffers of every kind through the edu device and back, addresses, what
 * the device does not reach, quotas, the cost of mappings.
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

#define MASK	((1ULL << 28) - 1)

static const struct kind {
	const char *name;
	__u32 kind;
	__u64 size;
} kinds[] = {
	{ "coherent, a byte", IO_DEMO_DMA_COHERENT, 1 },
	{ "coherent, a page", IO_DEMO_DMA_COHERENT, 4096 },
	{ "coherent, 1 MiB", IO_DEMO_DMA_COHERENT, 1 << 20 },
	{ "write-combining", IO_DEMO_DMA_WC, 4096 },
	{ "pool", IO_DEMO_DMA_POOL, IO_DEMO_POOL_SIZE },
	{ "pool, a part", IO_DEMO_DMA_POOL, 100 },
	{ "stream, a byte", IO_DEMO_DMA_STREAM, 1 },
	{ "stream, a page", IO_DEMO_DMA_STREAM, 4096 },
	{ "stream, 1 MiB", IO_DEMO_DMA_STREAM, 1 << 20 },
};

static __u32 at_most(__u64 size)
{
	return size < IO_DEMO_EDU_MEMORY ? size : IO_DEMO_EDU_MEMORY;
}

TEST_WITHIN(round_trip, 60, "what the device gets from a buffer, it gives back")
{
	int fd = lab("");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct io_demo_dma buffer;

		tap_row(kinds[i].name);
		buffer = dma(fd, kinds[i].kind, kinds[i].size);
		check_round_trip(fd, &buffer, at_most(buffer.size), i);
		release(fd, buffer.handle);
	}
}

TEST(zero, "a buffer is filled with zeroes, all of it can be used, and no more")
{
	static unsigned char got[1 << 20], byte = 9;
	int fd = lab("");
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct io_demo_dma buffer;
		__u64 size = kinds[i].size;

		tap_row(kinds[i].name);
		buffer = dma(fd, kinds[i].kind, size);
		memset(got, 1, size);
		CHECK_EQ(try_copy(fd, buffer.handle, IO_DEMO_READ, 0, got, size), 0);
		for (n = 0; n < size && !got[n]; n++)
			;
		CHECK_EQ(n, size);
		CHECK_EQ(try_copy(fd, buffer.handle, IO_DEMO_WRITE, size - 1,
				  &byte, 1), 0);
		CHECK_EQ(try_copy(fd, buffer.handle, IO_DEMO_READ, 0, got, size), 0);
		CHECK_EQ(got[size - 1], 9);
		CHECK_ERR(try_copy(fd, buffer.handle, IO_DEMO_WRITE, size,
				   &byte, 1), EINVAL);
		CHECK_ERR(try_copy(fd, buffer.handle, IO_DEMO_READ, 0, got,
				   size + 1), EINVAL);
		release(fd, buffer.handle);
	}
}

TEST(parts, "the engine copies parts, between any offsets")
{
	static unsigned char sent[IO_DEMO_EDU_MEMORY], got[IO_DEMO_EDU_MEMORY];
	struct io_demo_dma one, two;
	int fd = lab("");

	one = dma(fd, IO_DEMO_DMA_COHERENT, 8192);
	two = dma(fd, IO_DEMO_DMA_STREAM, 8192);
	fill_pattern(sent, sizeof(sent), 5);
	CHECK_EQ(try_copy(fd, one.handle, IO_DEMO_WRITE, 4000, sent, 4095), 0);
	CHECK_EQ(try_run(fd, one.handle, IO_DEMO_WRITE, 4000, 0, 4095), 0);
	CHECK_EQ(try_run(fd, two.handle, IO_DEMO_READ, 8191, 4094, 1), 0);
	CHECK_EQ(try_run(fd, two.handle, IO_DEMO_READ, 100, 7, 1000), 0);
	CHECK_EQ(try_copy(fd, two.handle, IO_DEMO_READ, 8191, got, 1), 0);
	CHECK_EQ(got[0], sent[4094]);
	CHECK_EQ(try_copy(fd, two.handle, IO_DEMO_READ, 99, got, 1002), 0);
	CHECK_EQ(memcmp(got + 1, sent + 7, 1000), 0);
	CHECK_EQ(got[0], 0);
	CHECK_EQ(got[1001], 0);
}

TEST(run_time, "a transfer takes an interrupt, and says how long it took")
{
	struct io_demo_dma_run run = { .op = IO_DEMO_WRITE, .size = 16 };
	int fd = lab("");
	__u64 before;

	run.handle = dma(fd, IO_DEMO_DMA_COHERENT, 16).handle;
	before = edu(fd, 0).interrupts;
	CHECK_EQ(ioctl(fd, VS_IO_DMA_RUN, &run), 0);
	/* QEMU's engine sleeps for 100 ms. */
	CHECK(run.ns >= 90 * NSEC_PER_MSEC);
	CHECK_EQ(edu(fd, 0).interrupts - before, 1);
}

TEST(below, "what a device is given lies below its mask")
{
	struct io_demo_dma buffer;
	int fd = lab("");
	size_t i;

	write_file(KPTR, "1");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		tap_row(kinds[i].name);
		buffer = dma(fd, kinds[i].kind, kinds[i].size);
		CHECK(buffer.state & IO_DEMO_DMA_RAW);
		CHECK(buffer.state & IO_DEMO_DMA_SAME);
		CHECK(!(buffer.state & (IO_DEMO_DMA_BOUNCED | IO_DEMO_DMA_IOMMU)));
		CHECK(buffer.bus && buffer.bus + buffer.size - 1 <= MASK);
		CHECK_EQ(buffer.phys, buffer.bus);
		CHECK(buffer.virt >> 63);
	}
	write_file(KPTR, "0");
}

TEST(addresses, "addresses are offsets in a page for whom the kernel hides them from")
{
	struct io_demo_dma buffer;
	int fd = lab("");

	write_file(KPTR, "1");
	drop_capability(CAP_SYSLOG);
	buffer = dma(fd, IO_DEMO_DMA_STREAM, 4096);
	CHECK(!(buffer.state & IO_DEMO_DMA_RAW));
	CHECK_EQ(buffer.virt, 0);
	CHECK_EQ(buffer.phys, 0);
	CHECK_EQ(buffer.bus, 0);
	CHECK(buffer.state & IO_DEMO_DMA_SAME);
	write_file(KPTR, "0");
}

TEST(above, "memory above the device's mask is EIO, and is not mapped")
{
	struct io_demo_dma_cost cost = {
		.flags = IO_DEMO_DMA_ABOVE, .size = 4096, .count = 1,
	};
	struct io_demo_dma buffer;
	int fd = lab("");
	__u64 size;

	for (size = 1; size <= 1 << 20; size *= 32)
		CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_STREAM, IO_DEMO_DMA_ABOVE,
				  size, &buffer), EIO);
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), EIO);
	close(fd);

	/* A device that reaches it is given it. */
	fd = lab("edu_mask_bits=32");
	CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_STREAM, IO_DEMO_DMA_ABOVE, 4096,
			  &buffer), ENOMEM);
}

TEST(none_above, "if no memory is above the mask, none is taken to find that out")
{
	struct io_demo_dma_cost cost = {
		.flags = IO_DEMO_DMA_ABOVE, .size = 4096, .count = 1,
	};
	/* The device does not use what the mask allows: nothing is transferred. */
	int fd = lab("edu_mask_bits=64");
	struct io_demo_dma buffer;
	__u64 before;

	before = pages_given();
	CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_STREAM, IO_DEMO_DMA_ABOVE, 4096,
			  &buffer), ENOMEM);
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), ENOMEM);
	/* It has more than ten times as many. */
	CHECK(pages_given() - before < 8192);
}

TEST(invalid, "a buffer with one field out of range is EINVAL")
{
	static const struct {
		const char *what;
		__u32 kind, flags;
		__u64 size;
	} rows[] = {
		{ "no kind",		0, 0, 16 },
		{ "kind 5",		5, 0, 16 },
		{ "flag 2",		4, 2, 16 },
		{ "coherent above",	1, IO_DEMO_DMA_ABOVE, 16 },
		{ "nothing",		1, 0, 0 },
		{ "too much",		1, 0, IO_DEMO_MAX_BUFFER + 1 },
		{ "huge",		4, 0, ULLONG_MAX },
		{ "too much for the pool", 3, 0, IO_DEMO_POOL_SIZE + 1 },
	};
	struct io_demo_dma buffer = {
		.kind = IO_DEMO_DMA_COHERENT, .size = 16, .reserved = 1,
	};
	int fd = lab("");
	size_t i;

	CHECK_ERR(ioctl(fd, VS_IO_DMA, &buffer), EINVAL);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].what);
		CHECK_ERR(try_dma(fd, 0, rows[i].kind, rows[i].flags,
				  rows[i].size, &buffer), EINVAL);
	}
	CHECK_ERR(try_dma(fd, 2, IO_DEMO_DMA_COHERENT, 0, 16, &buffer), ENODEV);
}

TEST(run_invalid, "a transfer that leaves the buffer or the device is EINVAL")
{
	static const struct {
		const char *what;
		__u32 op;
		__u64 offset;
		__u32 device, size;
	} rows[] = {
		{ "no direction",	0, 0, 0, 16 },
		{ "direction 3",	3, 0, 0, 16 },
		{ "nothing",		1, 0, 0, 0 },
		{ "buffer's end",	1, 4096 - 15, 0, 16 },
		{ "buffer, huge",	1, ULLONG_MAX, 0, 16 },
		{ "device's end",	1, 0, 4095 - 15, 16 },
		{ "device, behind",	1, 0, 4095, 1 },
		{ "device, huge",	1, 0, UINT_MAX, 16 },
		{ "too much",		1, 0, 0, 4096 },
		{ "far too much",	1, 0, 0, UINT_MAX },
	};
	struct io_demo_dma buffer;
	int fd = lab("");
	__u32 ports;
	char byte;
	size_t i;

	buffer = dma(fd, IO_DEMO_DMA_COHERENT, 4096);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].what);
		CHECK_ERR(try_run(fd, buffer.handle, rows[i].op, rows[i].offset,
				  rows[i].device, rows[i].size), EINVAL);
	}
	CHECK_EQ(edu(fd, 0).interrupts, 0);

	/* Handles of another sort, and of none. */
	ports = claim_ports(fd, TEST_PORTS, 4);
	CHECK_ERR(try_run(fd, ports, IO_DEMO_READ, 0, 0, 1), ENOENT);
	CHECK_ERR(try_copy(fd, ports, IO_DEMO_READ, 0, &byte, 1), ENOENT);
	CHECK_ERR(try_access(fd, buffer.handle, IO_DEMO_READ,
			     IO_DEMO_BY_DEFAULT, 1, 0, 0), ENOENT);
	CHECK_ERR(try_run(fd, 0, IO_DEMO_READ, 0, 0, 1), ENOENT);
	CHECK_ERR(try_copy(fd, buffer.handle, IO_DEMO_READ, 0, &byte, 0), EINVAL);
	CHECK_ERR(try_copy(fd, buffer.handle, 3, 0, &byte, 1), EINVAL);
	CHECK_ERR(try_copy(fd, buffer.handle, IO_DEMO_WRITE, 0, page_end() - 1, 2),
		  EFAULT);
}

TEST(quota, "the buffers of a file are 16 MiB at most")
{
	__u32 handles[IO_DEMO_MAX_DMA / IO_DEMO_MAX_BUFFER];
	struct io_demo_dma buffer;
	/* So much memory within 28 bits is not to be had on each machine. */
	int fd = lab("edu_mask_bits=32");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(handles); i++)
		handles[i] = dma(fd, IO_DEMO_DMA_STREAM, IO_DEMO_MAX_BUFFER).handle;
	CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_STREAM, 0, 1, &buffer), EDQUOT);
	release(fd, handles[1]);
	dma(fd, IO_DEMO_DMA_STREAM, IO_DEMO_MAX_BUFFER);
	dma(open_line(CONTROL_ONLY), IO_DEMO_DMA_COHERENT, IO_DEMO_MAX_BUFFER);
}

TEST(quota_all, "the buffers of all files are 32 MiB at most")
{
	struct io_demo_dma_cost cost = { .size = 1 << 20, .count = 1 };
	int fd = lab("edu_mask_bits=32"), other = open_line(CONTROL_ONLY);
	int third = open_line(CONTROL_ONLY);
	struct io_demo_dma buffer;
	__u64 i;

	for (i = 0; i < IO_DEMO_MAX_DMA; i += cost.size) {
		dma(fd, IO_DEMO_DMA_STREAM, cost.size);
		dma(other, IO_DEMO_DMA_COHERENT, cost.size);
	}
	CHECK_ERR(try_dma(third, 0, IO_DEMO_DMA_STREAM, 0, 1, &buffer), EDQUOT);
	CHECK_ERR(ioctl(third, VS_IO_DMA_COST, &cost), EDQUOT);
	close(other);
	CHECK_EQ(ioctl(third, VS_IO_DMA_COST, &cost), 0);
	dma(third, IO_DEMO_DMA_STREAM, cost.size);
}

TEST(rounded, "a buffer counts as what it takes, which is a power of two of pages")
{
	struct io_demo_dma buffer;
	int fd = lab("edu_mask_bits=32"), i;

	for (i = 0; i < IO_DEMO_MAX_DMA / (2 << 20); i++)
		dma(fd, IO_DEMO_DMA_STREAM, (1 << 20) + 1);
	CHECK_ERR(try_dma(fd, 0, IO_DEMO_DMA_STREAM, 0, 1, &buffer), EDQUOT);
}

TEST(cost, "the cost of mapping is measured, for small and large")
{
	struct io_demo_dma_cost cost = { .count = 50 };
	int fd = lab("");

	for (cost.size = 1; cost.size <= IO_DEMO_MAX_BUFFER; cost.size *= 8) {
		CHECK_EQ(ioctl(fd, VS_IO_DMA_COST, &cost), 0);
		CHECK_EQ(cost.done, 50);
		CHECK(cost.map_ns && cost.unmap_ns && cost.copy_ns);
		CHECK(cost.for_cpu_ns && cost.for_device_ns);
		CHECK(cost.state & IO_DEMO_DMA_SAME);
	}
	cost.size = 0;
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), EINVAL);
	cost.size = IO_DEMO_MAX_BUFFER + 1;
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), EINVAL);
	cost.size = 1;
	cost.count = 0;
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), EINVAL);
	cost.count = IO_DEMO_MAX_COUNT + 1;
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), EINVAL);
	cost.count = 1;
	cost.flags = 2;
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), EINVAL);
	cost.flags = 0;
	cost.reserved = 1;
	CHECK_ERR(ioctl(fd, VS_IO_DMA_COST, &cost), EINVAL);
}
