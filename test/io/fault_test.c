// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection in the hardware laboratory: whatever a call asks for is refused
 * once. It must say so, keep nothing, and do no harm to the next one.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "io.h"

void check_after_refusal(void)
{
	struct io_demo_layout layout = { 0 };
	int fd = open_line(CONTROL_ONLY);

	CHECK_EQ(ioctl(fd, VS_IO_LAYOUT, &layout), 0);
	close(fd);
}

static struct io_demo_claim wanted;
static struct io_demo_dma buffer;

/* Calls that may be refused; 0 or an errno. What they get, they give back. */

/* A release may be refused its argument, but not twice. */
static int give_back(int fd, __u32 handle)
{
	struct io_demo_release release = { .handle = handle };
	int error = 0;

	while (ioctl(fd, VS_IO_RELEASE, &release))
		error = errno;

	return error;
}

static int claim_and_release(int fd)
{
	struct io_demo_claim claim = wanted;

	return try_claim(fd, &claim) ? errno : give_back(fd, claim.handle);
}

static int make_buffer(int fd)
{
	struct io_demo_dma dma = buffer;

	return ioctl(fd, VS_IO_DMA, &dma) ? errno : give_back(fd, dma.handle);
}

static int open_first(int fd)
{
	struct io_demo_layout layout = { 0 };
	int ret;

	(void)fd;
	fd = open(LINE, CONTROL_ONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	ret = ioctl(fd, VS_IO_LAYOUT, &layout) ? errno : 0;
	close(fd);

	return ret;
}

static int get_memory(int fd)
{
	struct io_demo_reserved reserved = { 0 };
	int memory = ioctl(fd, VS_IO_RESERVED, &reserved);

	return memory < 0 || close(memory) ? errno : 0;
}

static int factorial(int fd)
{
	return try_factorial(fd, 0, 5, 10000) ? errno : 0;
}

/* Any call that keeps nothing; it is made with a copy of the argument. */
static unsigned long number;
static union argument {
	struct io_demo_access access;
	struct io_demo_transfer transfer;
	struct io_demo_latency latency;
	struct io_demo_edu edu;
	struct io_demo_live live;
	struct io_demo_raise raise;
	struct io_demo_wait wait;
	struct io_demo_irq irq;
	struct io_demo_dma_copy copy;
	struct io_demo_dma_run run;
	struct io_demo_layout layout;
} argument;

static int call(int fd)
{
	union argument copy = argument;

	return ioctl(fd, number, &copy) ? errno : 0;
}

static char bytes[100];

static int read_memory(int memory)
{
	return pread(memory, bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : errno;
}

static int write_memory(int memory)
{
	return pwrite(memory, bytes, sizeof(bytes), 0) == sizeof(bytes) ? 0 : errno;
}

static int map_memory(int memory)
{
	void *at = mmap(FAR_AWAY, RESERVED_SIZE, PROT_READ, MAP_SHARED, memory, 0);
	int error = 0;

	if (at == MAP_FAILED)
		return errno;
	/* Has the kernel touch it, which may be refused page tables. */
	if (pwrite(memory, at, 1, 0) != 1)
		error = errno;
	/* That can be refused something too, once. */
	while (munmap(at, RESERVED_SIZE))
		error = errno;

	return error;
}

static int cost(int fd)
{
	struct io_demo_dma_cost cost = { .size = 4096, .count = 1 };

	return ioctl(fd, VS_IO_DMA_COST, &cost) ? errno : 0;
}

/*
 * request_region() says no more than no, be it for want of memory or because
 * somebody else has it: EBUSY.
 */
TEST_WITHIN(claims, 60, "a claim that is refused something claims nothing")
{
	static const struct {
		__u32 space, map;
		__u64 start, size;
	} rows[] = {
		{ IO_DEMO_PORTS, IO_DEMO_MAP_NONE, TEST_PORTS, 4 },
		{ IO_DEMO_PORTS, IO_DEMO_MAP_PORTS, TEST_PORTS, 4 },
		{ IO_DEMO_MEMORY, IO_DEMO_MAP_UC, TEST_MEMORY, 4096 },
		{ IO_DEMO_MEMORY, IO_DEMO_MAP_WC, TEST_MEMORY, 4096 },
		{ IO_DEMO_MEMORY, IO_DEMO_MAP_CACHED, TEST_MEMORY, 4096 },
	};
	char row[40];
	size_t i;
	int fd;

	prepare_faults();
	for (i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		wanted = (struct io_demo_claim) {
			.space = rows[i / 2].space, .map = rows[i / 2].map,
			.start = rows[i / 2].start, .size = rows[i / 2].size,
			.flags = i % 2 ? IO_DEMO_MANAGED : 0,
		};
		snprintf(row, sizeof(row), "space %u, map %u, flags %u",
			 wanted.space, wanted.map, wanted.flags);
		tap_row(row);
		fd = lab("");
		sweep_for(claim_and_release, fd, EBUSY);
		close(fd);
	}
}

TEST_WITHIN(buffers, 60, "a DMA buffer that is refused memory is none")
{
	static const __u32 kinds[] = {
		IO_DEMO_DMA_COHERENT, IO_DEMO_DMA_WC, IO_DEMO_DMA_POOL,
		IO_DEMO_DMA_STREAM,
	};
	int fd = lab("");
	size_t i;

	prepare_faults();
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		buffer = (struct io_demo_dma) { .kind = kinds[i], .size = 200 };
		sweep(make_buffer, fd);
	}
	check_round_trip(fd, &(struct io_demo_dma) {
				.handle = dma(fd, IO_DEMO_DMA_COHERENT, 200).handle,
				.size = 200,
			 }, 200, 1);
}

TEST_WITHIN(uses, 60, "a use of a region, a buffer or a device that is refused can be made again")
{
	int fd = lab("");
	__u32 ports = claim_ports(fd, TEST_PORTS, 4);
	__u32 memory = claim(fd, IO_DEMO_MEMORY, IO_DEMO_MAP_UC, TEST_MEMORY, 4096);
	__u32 made = dma(fd, IO_DEMO_DMA_COHERENT, sizeof(bytes)).handle;
	static struct io_demo_area areas[30];
	const struct {
		unsigned long number;
		union argument argument;
	} rows[] = {
		{ VS_IO_ACCESS, { .access = { ports, IO_DEMO_READ,
					      IO_DEMO_BY_DEFAULT, 1, 0, 0, 0 } } },
		{ VS_IO_TRANSFER, { .transfer = { memory, IO_DEMO_READ,
						  IO_DEMO_BLOCK, 1, 0,
						  address(bytes), 100, 0 } } },
		{ VS_IO_TRANSFER, { .transfer = { memory, IO_DEMO_WRITE,
						  IO_DEMO_BLOCK, 1, 0,
						  address(bytes), 100, 0 } } },
		{ VS_IO_TRANSFER, { .transfer = { ports, IO_DEMO_WRITE,
						  IO_DEMO_STRING, 1, 0,
						  address(bytes), 100, 0 } } },
		{ VS_IO_LATENCY, { .latency = { .handle = memory, .op = IO_DEMO_READ,
						.by = IO_DEMO_BY_DEFAULT, .width = 1,
						.count = 1 } } },
		{ VS_IO_EDU, { .edu = { .index = 0 } } },
		{ VS_IO_LIVE, { .live = { .index = 0, .value = 1 } } },
		{ VS_IO_RAISE, { .raise = { 0, 0x200 } } },
		/* It has been raised by now. */
		{ VS_IO_WAIT, { .wait = { .timeout_ms = 10000 } } },
		{ VS_IO_IRQ, { .irq = { 0, IO_DEMO_HALF_HARD, 1, 0 } } },
		{ VS_IO_IRQ, { .irq = { 0, IO_DEMO_HALF_WORK, 1, 0 } } },
		{ VS_IO_DMA_COPY, { .copy = { made, IO_DEMO_READ, 0,
					      address(bytes), 100 } } },
		{ VS_IO_DMA_COPY, { .copy = { made, IO_DEMO_WRITE, 0,
					      address(bytes), 100 } } },
		{ VS_IO_DMA_RUN, { .run = { made, IO_DEMO_WRITE, 0, 0, 100, 0 } } },
		{ VS_IO_LAYOUT, { .layout = { .areas = address(areas),
					      .room = ARRAY_SIZE(areas) } } },
	};
	size_t i;

	prepare_faults();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row_number(i);
		number = rows[i].number;
		argument = rows[i].argument;
		sweep(call, fd);
	}
}

TEST(memory, "reserved memory whose reader, writer or mapper is refused is there")
{
	struct io_demo_reserved reserved = { 0 };
	int memory;

	memory = ioctl(lab("reserved=" RESERVED), VS_IO_RESERVED, &reserved);
	CHECK(memory >= 0);
	prepare_faults();
	sweep(read_memory, memory);
	sweep(write_memory, memory);
	sweep(map_memory, memory);
}

TEST(calls, "any other call that is refused something leaves no trace")
{
	int fd = lab("reserved=" RESERVED);

	prepare_faults();
	sweep(open_first, -1);
	/* Without memory there is no file for the descriptor. */
	sweep_for(get_memory, fd, ENFILE);
	sweep(factorial, fd);
	sweep(cost, fd);
	close(fd);
	unload_lab();
}

/*
 * Without messages as interrupts: where those cannot be had for want of memory,
 * the kernel itself (6.1) follows a null pointer in irq_domain_alloc_irqs_locked().
 */
#define LOADED	"edu_msi=0 reserved=" RESERVED

/*
 * Where the kernel (6.1) has no memory for a module's folder of drivers, it puts the
 * link to the driver into the root of sysfs. There it stays, and the next time the
 * kernel complains of it. A folder asks for fewer things than these.
 */
#define STRAY_LINK	"/sys/pci:io_demo"
#define FOLDER_REQUESTS	20

static bool has_stray_link(void)
{
	struct stat st;

	return !lstat(STRAY_LINK, &st);
}

/* Calls the laboratory again and again while it is loaded, or is not. */
static void call_all(void)
{
	struct io_demo_edu edu;
	int fd;

	for (;;) {
		fd = open_line(CONTROL_ONLY);
		memset(&edu, 0, sizeof(edu));
		if (ioctl(fd, VS_IO_EDU, &edu))
			CHECK(errno == EOPNOTSUPP || errno == ENODEV);
		sleep_ms(5);
		/* The load may fail meanwhile, and takes its time to undo all. */
		wait_for_refused();
		CHECK_EQ(close(fd), 0);
	}
}

TEST_WITHIN(load, 120, "a load that is refused memory leaves nothing, or devices without a driver")
{
	struct load_requests requests;
	bool stray = has_stray_link();
	unsigned int n;
	pid_t user;
	int error;

	if (stray)
		SKIP("an earlier load left " STRAY_LINK);

	prepare_faults();
	unload_lab();
	CHILD(user)
		call_all();
	requests = requests_of_load("io_demo", "edu_msi=x", LOADED);
	for (n = requests.first; n <= requests.last; n += requests.step) {
		unload_lab();
		refuse(n);
		error = try_load_lab(LOADED);
		was_refused();
		CHECK(!error || !exists("/sys/module/io_demo"));
		if (!stray && has_stray_link()) {
			stray = true;
			n += FOLDER_REQUESTS;
		}
	}
	kill_child(user);
	CHECK_EQ(edu(lab(LOADED), 0).present, 3);
}
