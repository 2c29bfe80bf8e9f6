// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection in the memory laboratory: whatever a call asks for is refused
 * once, first the first request, then the second, and so on. The call must say so,
 * and nothing may be held that was not held before.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"
#include "mem.h"

union argument {
	struct mem_info info;
	struct mem_allocator allocator;
	struct mem_alloc alloc;
	struct mem_resize resize;
	struct mem_show show;
	struct mem_walk walk;
	struct mem_io io;
	struct mem_map map;
	struct mem_bench bench;
	struct mem_limit limit;
	struct mem_gfp_try gfp_try;
	struct mem_fragment fragment;
	struct mem_percpu percpu;
	struct mem_mempool mempool;
	struct mem_devm devm;
	struct mem_dma_sync sync;
};

/* Takes back what the call did if it was not refused anything that matters. */
static void undo(int fd, unsigned long number, const union argument *argument)
{
	struct mem_free free = { .stride = 1 };
	struct mem_fragment stop = { .op = MEM_FRAGMENT_STOP };

	switch (number) {
	case MEM_ALLOC:
		free.handle = argument->alloc.handle;
		free.count = argument->alloc.count;
		CHECK_EQ(ioctl(fd, MEM_FREE, &free), 0);
		break;
	case MEM_MAP:
		CHECK_EQ(close(argument->map.fd), 0);
		break;
	case MEM_FRAGMENT:
		CHECK_EQ(ioctl(fd, MEM_FRAGMENT, &stop), 0);
		break;
	}
}

static void sweep_call(int fd, unsigned long number, const union argument *argument)
{
	struct mem_info before = mem_info(fd);
	unsigned int n;
	bool refused;
	int error;

	for (n = 1, refused = true; refused; n++) {
		union argument copy = *argument;

		refuse(n);
		error = ioctl(fd, number, &copy) ? errno : 0;
		refused = was_refused();
		CHECK(!error || error == ENOMEM || error == EFAULT);
		if (!error)
			undo(fd, number, &copy);
		CHECK_EQ(mem_info(fd).objects_total, before.objects_total);
		CHECK_EQ(mem_info(fd).held_total, before.held_total);
	}
	CHECK_EQ(error, 0);
	CHECK(n > 1);
}

/* The calls that every allocator has. */
static void sweep_allocator(int fd, const struct mem_allocator *allocator)
{
	struct mem_alloc request = mem_request(fd, allocator->id);
	union argument alloc = { .alloc = request };
	union argument bench = { .bench = mem_bench_request(fd, allocator->id) };
	union argument limit = {
		.limit = { .allocator = allocator->id, .gfp = request.gfp,
			   .dma_bits = request.dma_bits, .budget = 16384 },
	};
	union argument try = {
		.gfp_try = { .allocator = allocator->id, .gfp = request.gfp,
			     .dma_bits = request.dma_bits,
			     .context = MEM_CONTEXT_PROCESS },
	};

	alloc.alloc.count = allocator->caps & MEM_CAP_SINGLE ? 1 : 3;
	bench.bench.n = 5;
	bench.bench.depth = 2;
	if (allocator->caps & MEM_CAP_ALLOC) {
		sweep_call(fd, MEM_ALLOC, &alloc);
		sweep_call(fd, MEM_GFP_TRY, &try);
	}
	if (allocator->caps & MEM_CAP_BENCH)
		sweep_call(fd, MEM_BENCH, &bench);
	if (allocator->caps & MEM_CAP_BULK) {
		bench.bench.pattern = MEM_PATTERN_BULK;
		sweep_call(fd, MEM_BENCH, &bench);
	}
	if (allocator->caps & MEM_CAP_LIMIT)
		sweep_call(fd, MEM_LIMIT, &limit);
}

TEST_WITHIN(allocators, 180, "an allocation that is refused is ENOMEM, whoever made it")
{
	struct mem_allocator allocator;
	int fd = open_mem();

	prepare_faults();
	FOR_EACH_ALLOCATOR(fd, allocator)
		if (!(allocator.caps & MEM_CAP_DEBUG))
			sweep_allocator(fd, &allocator);
	check_nothing_held(fd);
}

TEST(calls, "a call that is refused something holds nothing")
{
	int fd = open_mem();
	__u64 pages = mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL | MEM_GFP_ZERO,
			      16384);
	__u64 buffer = mem_hold(fd, mem_request(fd, MEM_DMA_SINGLE));
	static char bytes[8192], counts[8];
	static __u32 histograms[2][MEM_HIST_BUCKETS];
	const struct {
		unsigned long number;
		union argument argument;
	} rows[] = {
		{ MEM_GET_INFO, { .info = { .abi = 0 } } },
		{ MEM_GET_ALLOCATOR, { .allocator = { .id = 1 } } },
		{ MEM_SHOW, { .show = { .handle = pages } } },
		{ MEM_WALK, { .walk = { .handle = pages } } },
		{ MEM_WALK, { .walk = { .address = (unsigned long)bytes } } },
		{ MEM_READ, { .io = { pages, 0, (unsigned long)bytes, 8192, 0 } } },
		{ MEM_WRITE, { .io = { pages, 0, (unsigned long)bytes, 8192, 0 } } },
		{ MEM_MAP, { .map = { .handle = pages,
				      .method = MEM_MAP_INSERT_PAGE } } },
		{ MEM_BENCH, { .bench = { .allocator = MEM_KMALLOC,
					  .gfp = MEM_GFP_KERNEL, .size = 100,
					  .pattern = MEM_PATTERN_RANDOM,
					  .n = 10, .depth = 4, .cpus = 1,
					  .alloc_histogram =
						(unsigned long)histograms[0],
					  .free_histogram =
						(unsigned long)histograms[1] } } },
		{ MEM_FRAGMENT, { .fragment = { .op = MEM_FRAGMENT_START,
						.order = 5, .budget = 8192 } } },
		{ MEM_PERCPU, { .percpu = { .variable = MEM_PERCPU_DYNAMIC,
					    .method = MEM_PERCPU_GET_PUT,
					    .loops = 10, .nr_counts = 1,
					    .counts = (unsigned long)counts } } },
		{ MEM_MEMPOOL, { .mempool = { .allocator = MEM_MEMPOOL_SLAB,
					      .reserve = 3, .take = 3,
					      .fail_after = 1 } } },
		{ MEM_MEMPOOL, { .mempool = { .allocator = MEM_MEMPOOL_PAGE,
					      .reserve = 3, .take = 3,
					      .fail_after = 1 } } },
		{ MEM_DEVM, { .devm = { .allocator = MEM_DEVM_KZALLOC,
					.gfp = MEM_GFP_KERNEL, .size = 100,
					.count = 3 } } },
		{ MEM_DMA_SYNC, { .sync = { .handle = buffer,
					    .op = MEM_SYNC_FOR_CPU } } },
	};
	size_t i;

	prepare_faults();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row_number(i);
		sweep_call(fd, rows[i].number, &rows[i].argument);
	}
}

/* An object that was resized does not become what it was, hence each time anew. */
TEST(resize, "a resize that is refused leaves the object as it was")
{
	int fd = open_mem(), error;
	bool refused = true, resized;
	unsigned int n;

	prepare_faults();
	for (n = 1; refused; n++) {
		struct mem_resize resize = {
			.handle = mem_one(fd, MEM_KREALLOC, MEM_GFP_KERNEL, 10),
			.gfp = MEM_GFP_KERNEL,
			.size = 5000,
		};
		__u64 held = mem_info(fd).held_total;

		refuse(n);
		error = ioctl(fd, MEM_RESIZE, &resize) ? errno : 0;
		refused = was_refused();
		CHECK(!error || error == ENOMEM || error == EFAULT);
		resized = mem_show(fd, resize.handle).requested == 5000;
		/* EFAULT may be about the answer alone. */
		CHECK(resized ? error != ENOMEM : error);
		CHECK_EQ(mem_info(fd).held_total > held, resized);
		mem_free_one(fd, resize.handle);
		check_nothing_held(fd);
	}
	CHECK_EQ(error, 0);
	CHECK(n > 2);
}

/* A free that has done its work may be refused to tell so: EFAULT. */
TEST(frees, "a free that is refused something has freed all or nothing")
{
	int fd = open_mem(), error;
	bool refused = true;
	unsigned int n;

	prepare_faults();
	for (n = 1; refused; n++) {
		struct mem_free free = {
			.handle = mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 100),
			.stride = 1,
			.count = 1,
		};
		__u64 handle = free.handle;

		refuse(n);
		error = ioctl(fd, MEM_FREE, &free) ? errno : 0;
		refused = was_refused();
		CHECK(!error || error == EFAULT);
		if (mem_info(fd).objects_total) {
			CHECK(error);
			mem_free_one(fd, handle);
		}
		check_nothing_held(fd);
	}
	CHECK_EQ(error, 0);
	CHECK(n > 2);
}

static int get_mapping(int mapfd)
{
	struct mem_mapping mapping;

	return ioctl(mapfd, MEM_GET_MAPPING, &mapping) ? errno : 0;
}

static int map_pages(int mapfd)
{
	void *at = mmap(FAR_AWAY, 16384, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, mapfd, 0);
	int error = 0;

	if (at == MAP_FAILED)
		return errno;
	/* That can be refused something too, once. */
	while (munmap(at, 16384))
		error = errno;

	return error;
}

TEST(maps, "an mmap that is refused something maps nothing")
{
	int fd = open_mem();
	struct mem_map map = {
		.handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, 16384),
	};
	struct mem_mapping mapping;

	prepare_faults();
	for (map.method = MEM_MAP_REMAP_PFN; map.method <= MEM_MAP_FAULT;
	     map.method++) {
		CHECK_EQ(ioctl(fd, MEM_MAP, &map), 0);
		sweep(map_pages, map.fd);
		sweep(get_mapping, map.fd);
		CHECK_EQ(ioctl(map.fd, MEM_GET_MAPPING, &mapping), 0);
		CHECK_EQ(mapping.areas, 0);
		CHECK_EQ(mapping.opens, mapping.closes);
		CHECK_EQ(close(map.fd), 0);
	}
}

static int first_use(int unused)
{
	struct mem_progress progress;
	int fd = open(LINE, CONTROL_ONLY | O_CLOEXEC), error;

	(void)unused;
	if (fd < 0)
		return errno;
	error = ioctl(fd, MEM_GET_PROGRESS, &progress) ? errno : 0;
	close(fd);

	return error;
}

TEST(first, "a first call that is refused something leaves the module free")
{
	close(open_mem());
	prepare_faults();
	sweep(first_use, -1);
	CHECK_EQ(try_unload_mem(), 0);
}

static void check_mem_gone(void)
{
	CHECK(!exists("/sys/module/mem_demo"));
	CHECK(!exists("/sys/devices/platform/mem_demo"));
	CHECK(!file_has("/proc/slabinfo", "mem_demo"));
}

/* Calls the laboratory again and again while it is loaded, or is not. */
static void call_all(void)
{
	int fd;

	for (;;) {
		struct mem_info info = { 0 };

		fd = open(LINE, CONTROL_ONLY);
		CHECK(fd >= 0);
		if (ioctl(fd, MEM_GET_INFO, &info))
			CHECK_EQ(errno, EOPNOTSUPP);
		else
			mem_one(fd, MEM_CACHE, MEM_GFP_KERNEL, 256);
		sleep_ms(5);
		/* The load may fail meanwhile, and takes its time to undo all. */
		wait_for_refused();
		CHECK_EQ(close(fd), 0);
	}
}

TEST_WITHIN(load, 120, "a load that is refused memory fails under a user, and leaves nothing")
{
	pid_t user;

	prepare_faults();
	CHILD(user)
		call_all();
	/* The kernel warns of a cache that it cannot make, and shows who wants it. */
	write_file("/proc/sys/kernel/printk", "4");
	/* EINVAL: platform_device_add() has found no memory for a name. */
	sweep_load("mem_demo", "quota_file=x", "", EINVAL, check_mem_gone);
	kill_child(user);
	write_file("/proc/sys/kernel/printk", "8");
	check_nothing_held(open_mem());
}
