// SPDX-License-Identifier: GPL-2.0
/*
 * Limits, fragmentation, per-CPU counters, mempools, devices that go, and
 * streaming DMA.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"

#define PAGE	4096ULL	/* x86's */

/* Limits */

TEST_WITHIN(limits, 60, "the largest allocation is found, for every allocator that has one")
{
	struct mem_allocator allocator;
	int fd = open_mem();

	FOR_EACH_ALLOCATOR(fd, allocator) {
		struct mem_limit limit = {
			.allocator = allocator.id,
			.gfp = mem_gfp(&allocator),
			.budget = 32 << 20,	/* more takes long */
			.dma_bits = mem_request(fd, allocator.id).dma_bits,
		};

		if (!(allocator.caps & MEM_CAP_LIMIT)) {
			CHECK_ERR(ioctl(fd, MEM_LIMIT, &limit), EINVAL);
			continue;
		}
		CHECK_EQ(ioctl(fd, MEM_LIMIT, &limit), 0);
		CHECK_EQ(limit.theoretical, allocator.max_size);
		CHECK(limit.tries >= 1);
		CHECK(limit.granted >= PAGE);
		if (limit.stopped == MEM_STOPPED_INTERFACE) {
			CHECK_EQ(limit.granted, limit.theoretical);
			CHECK_EQ(limit.refused, 0);
		} else {
			CHECK_EQ(limit.refused, limit.granted + 1);
		}
		check_nothing_held(fd);
	}
}

TEST(budget, "no more than the budget is asked for")
{
	int fd = open_mem();
	struct mem_limit limit = {
		.allocator = MEM_VMALLOC, .gfp = MEM_GFP_KERNEL,
		.budget = 10 * PAGE,
	};

	CHECK_EQ(ioctl(fd, MEM_LIMIT, &limit), 0);
	CHECK_EQ(limit.granted, 10 * PAGE);
	CHECK_EQ(limit.stopped, MEM_STOPPED_BUDGET);
	CHECK_EQ(limit.used_budget, 10 * PAGE);
	limit.budget = 1ULL << 60;
	CHECK_EQ(ioctl(fd, MEM_LIMIT, &limit), 0);
	CHECK(limit.used_budget < mem_info(fd).memory);
	limit.reserved[1] = 1;
	CHECK_ERR(ioctl(fd, MEM_LIMIT, &limit), EINVAL);
}

/* Fragments */

static int fragment(int fd, __u32 op, __u32 order, struct mem_fragment *answer)
{
	*answer = (struct mem_fragment) { .op = op, .order = order };

	return ioctl(fd, MEM_FRAGMENT, answer);
}

/*
 * kmalloc grants all that its interface allows. Pages that were freed may wait on a
 * list of some CPU for a while before they are a block again.
 */
static bool is_whole(int fd)
{
	struct mem_limit limit = {
		.allocator = MEM_KMALLOC, .gfp = MEM_GFP_KERNEL,
	};

	CHECK_EQ(ioctl(fd, MEM_LIMIT, &limit), 0);

	return limit.stopped == MEM_STOPPED_INTERFACE;
}

TEST_WITHIN(fragment, 60, "large blocks are gone while memory is plenty, and vmalloc still works")
{
	int fd = open_mem(), other = open_path(LINE, CONTROL_ONLY);
	struct mem_limit limit = {
		.allocator = MEM_KMALLOC, .gfp = MEM_GFP_KERNEL,
	};
	struct mem_fragment answer;

	/*
	 * What the kernel frees behind our back, or compaction moves, can become
	 * a block once more: then that is broken too.
	 */
	do {
		CHECK_EQ(fragment(fd, MEM_FRAGMENT_START, 9, &answer), 0);
		CHECK(answer.blocks > 0);
		CHECK_EQ(answer.held, answer.blocks * PAGE);
		CHECK_EQ(answer.freed, answer.blocks * 511 * PAGE);
		CHECK(answer.available > mem_info(fd).memory / 4);
		CHECK_EQ(answer.vmalloc, MEM_YES);
		/* That is what kmalloc sees too. */
		CHECK_EQ(ioctl(fd, MEM_LIMIT, &limit), 0);
	} while (answer.high_order == MEM_YES || limit.granted >= 1 << 21);
	CHECK_EQ(limit.stopped, MEM_STOPPED_MEMORY);
	CHECK_ERR(ioctl(other, MEM_LIMIT, &limit), EBUSY);
	CHECK_ERR(fragment(other, MEM_FRAGMENT_START, 9, &answer), EBUSY);

	CHECK_EQ(fragment(fd, MEM_FRAGMENT_STOP, 1U << 31, &answer), 0);
	CHECK_EQ(answer.held, 0);
	WAIT_UNTIL(is_whole(other));

	/* What is not stopped ends with the file. */
	CHECK_EQ(fragment(fd, MEM_FRAGMENT_START, 9, &answer), 0);
	close(fd);
	WAIT_UNTIL(is_whole(other));
}

TEST(fragment_invalid, "a fragmentation with one thing wrong is EINVAL")
{
	int fd = open_mem();
	struct mem_fragment answer;

	CHECK_ERR(fragment(fd, 0, 9, &answer), EINVAL);
	CHECK_ERR(fragment(fd, 3, 9, &answer), EINVAL);
	CHECK_ERR(fragment(fd, MEM_FRAGMENT_START, 0, &answer), EINVAL);
	CHECK_ERR(fragment(fd, MEM_FRAGMENT_START, 100, &answer), EINVAL);
	answer = (struct mem_fragment) { MEM_FRAGMENT_STOP, .reserved = { 1 } };
	CHECK_ERR(ioctl(fd, MEM_FRAGMENT, &answer), EINVAL);
}

/* Per-CPU counters */

TEST(percpu, "CPUs that count in their own copies lose nothing")
{
	static const struct {
		const char *name;
		__u32 variable;
		__u32 method;
	} rows[] = {
		{ "static this_cpu", MEM_PERCPU_STATIC, MEM_PERCPU_THIS_CPU },
		{ "static get/put", MEM_PERCPU_STATIC, MEM_PERCPU_GET_PUT },
		{ "dynamic this_cpu", MEM_PERCPU_DYNAMIC, MEM_PERCPU_THIS_CPU },
		{ "dynamic get/put", MEM_PERCPU_DYNAMIC, MEM_PERCPU_GET_PUT },
		{ "atomic", 0, MEM_PERCPU_ATOMIC },
	};
	int fd = open_mem();
	struct mem_info info = mem_info(fd);
	size_t i, cpu;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		__u64 counts[info.possible_cpus + 1], sum = 0;
		struct mem_percpu percpu = {
			.variable = rows[i].variable,
			.method = rows[i].method,
			.loops = 100000,
			.counts = (unsigned long)counts,
			.nr_counts = info.possible_cpus,
		};

		tap_row(rows[i].name);
		memset(counts, 0xff, sizeof(counts));
		CHECK_EQ(ioctl(fd, MEM_PERCPU, &percpu), 0);
		CHECK_EQ(percpu.cpus, info.online_cpus);
		CHECK_EQ(percpu.expected, 100000 * info.online_cpus);
		CHECK_EQ(percpu.sum, percpu.expected);
		CHECK(percpu.mean_ps > 0);
		for (cpu = 0; cpu < info.possible_cpus; cpu++)
			sum += counts[cpu];
		CHECK_EQ(counts[info.possible_cpus], -1ULL);
		if (rows[i].method == MEM_PERCPU_ATOMIC)
			CHECK_EQ(sum, 0);
		else
			CHECK_EQ(sum, percpu.sum);
	}
}

TEST(percpu_invalid, "a count with one thing wrong is EINVAL")
{
	static const struct {
		const char *name;
		struct mem_percpu percpu;
	} rows[] = {
		{ "method 0", { .variable = 1, .method = 0, .loops = 1 } },
		{ "method 4", { .variable = 1, .method = 4, .loops = 1 } },
		{ "variable 0", { .variable = 0, .method = 1, .loops = 1 } },
		{ "variable 3", { .variable = 3, .method = 1, .loops = 1 } },
		{ "atomic variable", { .variable = 1, .method = 3, .loops = 1 } },
		{ "no loops", { .variable = 1, .method = 1, .loops = 0 } },
		{ "too many loops", { .variable = 1, .method = 1,
				      .loops = 100000001 } },
		{ "too many CPUs", { .variable = 1, .method = 1, .loops = 1,
				     .cpus = 100000 } },
		{ "too many places", { .variable = 1, .method = 1, .loops = 1,
				       .nr_counts = 100000 } },
		{ "reserved0", { .variable = 1, .method = 1, .loops = 1,
				 .reserved0 = 1 } },
		{ "reserved", { .variable = 1, .method = 1, .loops = 1,
				.reserved = { 1 } } },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_percpu percpu = rows[i].percpu;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_PERCPU, &percpu), EINVAL);
	}
}

/* Mempools */

TEST(mempool, "when the backing allocator fails the reserve gives, then nobody")
{
	static const struct {
		struct mem_mempool pool;
		__u32 backing, from_reserve, refused, reserve_low, refilled;
	} rows[] = {
		{ { .reserve = 4, .take = 10, .fail_after = 3 }, 3, 4, 3, 0, 4 },
		{ { .reserve = 4, .take = 10, .fail_after = 0 }, 0, 4, 6, 0, 4 },
		{ { .reserve = 4, .take = 10, .fail_after = 10 }, 10, 0, 0, 4, 0 },
		{ { .reserve = 8, .take = 5, .fail_after = 2 }, 2, 3, 0, 5, 3 },
		{ { .reserve = 1, .take = 1, .fail_after = 0 }, 0, 1, 0, 0, 1 },
	};
	static const __u32 allocators[] = { MEM_MEMPOOL_SLAB, MEM_MEMPOOL_PAGE };
	int fd = open_mem();
	size_t i, j;

	for (j = 0; j < ARRAY_SIZE(allocators); j++) {
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			struct mem_mempool pool = rows[i].pool;

			tap_row_number(i);
			pool.allocator = allocators[j];
			CHECK_EQ(ioctl(fd, MEM_MEMPOOL, &pool), 0);
			CHECK_EQ(pool.backing, rows[i].backing);
			CHECK_EQ(pool.from_reserve, rows[i].from_reserve);
			CHECK_EQ(pool.refused, rows[i].refused);
			CHECK_EQ(pool.reserve_low, rows[i].reserve_low);
			CHECK_EQ(pool.refilled, rows[i].refilled);
			CHECK_EQ(pool.released, pool.backing + pool.from_reserve -
				 pool.refilled);
		}
	}
	check_nothing_held(fd);
}

/*
 * A process that is killed when it has been charged, but before the last element,
 * takes no more. Nobody can tell when that is, so it is tried until it was.
 */
TEST_WITHIN(mempool_killed, 60, "a mempool takes no more elements when its process is killed")
{
	struct mem_mempool pool = {
		.allocator = MEM_MEMPOOL_PAGE, .reserve = 1, .take = 4096,
		.fail_after = 4096,
	};
	int fd = open_mem(), status, tries;
	unsigned long long before, taken = pool.take;
	bool seen;
	pid_t pid;

	for (tries = 0; tries < 200 && taken >= pool.take; tries++) {
		before = pages_given();
		CHILD(pid) {
			struct mem_mempool copy = pool;

			CHECK_EQ(ioctl(fd, MEM_MEMPOOL, &copy), 0);
		}
		do {
			seen = mem_info(fd).held_file;
		} while (!seen && waitpid(pid, &status, WNOHANG) == 0);
		if (!seen)
			continue;
		kill(pid, SIGKILL);
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		taken = pages_given() - before;
	}
	CHECK(taken < pool.take);
	check_nothing_held(fd);
}

TEST(mempool_invalid, "a mempool with one thing wrong is EINVAL")
{
	static const struct {
		const char *name;
		struct mem_mempool pool;
	} rows[] = {
		{ "allocator", { MEM_KMALLOC, 1, 1, .reserved = { 0 } } },
		{ "no reserve", { MEM_MEMPOOL_SLAB, 0, 1, .reserved = { 0 } } },
		{ "reserve too large", { MEM_MEMPOOL_SLAB, 1025, 1,
					 .reserved = { 0 } } },
		{ "nothing to take", { MEM_MEMPOOL_SLAB, 1, 0,
				       .reserved = { 0 } } },
		{ "too much to take", { MEM_MEMPOOL_SLAB, 1, 4097,
					.reserved = { 0 } } },
		{ "reserved", { MEM_MEMPOOL_SLAB, 1, 1, .reserved = { 1 } } },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_mempool pool = rows[i].pool;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_MEMPOOL, &pool), EINVAL);
	}
}

/* Devices */

TEST(devm, "memory of a device goes when it goes, last one first")
{
	static const __u32 allocators[] = { MEM_DEVM_KMALLOC, MEM_DEVM_KZALLOC };
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		struct mem_devm devm = {
			.allocator = allocators[i], .gfp = MEM_GFP_KERNEL,
			.size = 1000, .count = 100,
		};

		CHECK_EQ(ioctl(fd, MEM_DEVM, &devm), 0);
		CHECK_EQ(devm.before, 0);
		CHECK_EQ(devm.after, 100);
		CHECK_EQ(devm.in_order, MEM_YES);
	}
	check_nothing_held(fd);
}

TEST(devm_invalid, "a device with one thing wrong is refused")
{
	static const struct {
		const char *name;
		struct mem_devm devm;
		int error;
	} rows[] = {
		{ "allocator", { .allocator = MEM_KMALLOC, .gfp = 1, .size = 1,
				 .count = 1 }, EINVAL },
		{ "no count", { .allocator = MEM_DEVM_KMALLOC, .gfp = 1,
				.size = 1 }, EINVAL },
		{ "count too large", { .allocator = MEM_DEVM_KMALLOC, .gfp = 1,
				       .size = 1, .count = 1025 }, EINVAL },
		{ "no flags", { .allocator = MEM_DEVM_KMALLOC, .size = 1,
				.count = 1 }, EINVAL },
		{ "size too large", { .allocator = MEM_DEVM_KMALLOC, .gfp = 1,
				      .size = 1 << 30, .count = 1 }, E2BIG },
		{ "quota", { .allocator = MEM_DEVM_KMALLOC, .gfp = 1,
			     .size = 1 << 20, .count = 1024 }, EDQUOT },
		{ "reserved", { .allocator = MEM_DEVM_KMALLOC, .gfp = 1,
				.size = 1, .count = 1, .reserved = { 1 } },
		  EINVAL },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_devm devm = rows[i].devm;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_DEVM, &devm), rows[i].error);
		check_nothing_held(fd);
	}
}

TEST(quota, "who holds all that he may is lent nothing for a moment, either")
{
	struct mem_devm devm = {
		.allocator = MEM_DEVM_KMALLOC, .gfp = MEM_GFP_KERNEL, .size = 1000,
		.count = 100,
	};
	struct mem_mempool mempool = {
		.allocator = MEM_MEMPOOL_PAGE, .reserve = 3, .take = 3,
	};
	struct mem_gfp_try try = {
		.allocator = MEM_ALLOC_PAGES, .gfp = MEM_GFP_KERNEL, .size = 1 << 16,
		.context = MEM_CONTEXT_PROCESS,
	};
	int fd;

	reload_mem("quota_file=524288");
	fd = open_mem();
	mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL, 1 << 18);
	while (mem_info(fd).held_file + 8192 < 1 << 19)
		mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL, 4096);
	CHECK_ERR(ioctl(fd, MEM_DEVM, &devm), EDQUOT);
	CHECK_ERR(ioctl(fd, MEM_MEMPOOL, &mempool), EDQUOT);
	CHECK_ERR(ioctl(fd, MEM_GFP_TRY, &try), EDQUOT);
	close(fd);
	fd = open_mem();
	check_nothing_held(fd);
	close(fd);
	reload_mem("");
}

/* DMA */

TEST(sync, "a streaming buffer belongs to the CPU or to the device, not to both")
{
	static const struct {
		const char *name;
		__u32 id;
		__u32 entries;
	} rows[] = {
		{ "single", MEM_DMA_SINGLE, 1 },
		{ "scatter list", MEM_DMA_SG, 4 },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_alloc request = mem_request(fd, rows[i].id);
		struct mem_dma_sync sync = { .op = MEM_SYNC_FOR_CPU };
		char text[] = "hello";

		tap_row(rows[i].name);
		request.size = 4 * PAGE;
		request.gfp |= MEM_GFP_ZERO;
		sync.handle = mem_hold(fd, request);
		CHECK_EQ(mem_show(fd, sync.handle).owner, MEM_OWNER_DEVICE);
		CHECK_ERR(mem_read(fd, sync.handle, 0, text, 5), EBUSY);
		CHECK_ERR(mem_write(fd, sync.handle, 0, text, 5), EBUSY);

		CHECK_EQ(ioctl(fd, MEM_DMA_SYNC, &sync), 0);
		CHECK(sync.entries >= 1 && sync.entries <= rows[i].entries);
		CHECK_EQ(sync.dma_bits, 64);
		CHECK(sync.coherent == MEM_YES || sync.coherent == MEM_NO);
		CHECK(sync.required_mask >= mem_info(fd).memory - 1);
		CHECK_EQ(mem_show(fd, sync.handle).owner, MEM_OWNER_CPU);
		CHECK_EQ(mem_write(fd, sync.handle, 2 * PAGE, "world", 5), 0);
		CHECK_EQ(mem_read(fd, sync.handle, 2 * PAGE, text, 5), 0);
		CHECK(!strcmp(text, "world"));

		sync.op = MEM_SYNC_FOR_DEVICE;
		CHECK_EQ(ioctl(fd, MEM_DMA_SYNC, &sync), 0);
		CHECK_ERR(mem_read(fd, sync.handle, 0, text, 5), EBUSY);
	}
}

TEST(sync_invalid, "a sync with one thing wrong is refused")
{
	int fd = open_mem();
	__u64 buffer = mem_hold(fd, mem_request(fd, MEM_DMA_SINGLE));
	__u64 coherent = mem_hold(fd, mem_request(fd, MEM_DMA_COHERENT));
	const struct {
		const char *name;
		struct mem_dma_sync sync;
		int error;
	} rows[] = {
		{ "handle", { .handle = 0, .op = 1 }, ENOENT },
		{ "not streaming", { .handle = coherent, .op = 1 }, EINVAL },
		{ "no op", { .handle = buffer, .op = 0 }, EINVAL },
		{ "op", { .handle = buffer, .op = 3 }, EINVAL },
		{ "reserved", { .handle = buffer, .op = 1, .reserved = 1 }, EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_dma_sync sync = rows[i].sync;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_DMA_SYNC, &sync), rows[i].error);
	}
}

TEST(masks, "DMA memory lies under the device's mask")
{
	static const __u32 allocators[] = {
		MEM_DMA_COHERENT, MEM_DMA_WC, MEM_DMA_POOL, MEM_DMA_SINGLE,
		MEM_DMA_SG,
	};
	static const __u32 bits[] = { 24, 32, 64 };
	int fd = open_mem();
	/* Without that zone, no device can have so small a mask. */
	size_t i, j, first = mem_info(fd).features & MEM_FEATURE_ZONE_DMA ? 0 : 1;

	show_addresses(true);
	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		for (j = first; j < ARRAY_SIZE(bits); j++) {
			struct mem_alloc request = mem_request(fd, allocators[i]);
			struct mem_show show;

			if (mem_allocator(fd, allocators[i]).caps & MEM_CAP_SYNC)
				request.gfp |= bits[j] == 24 ? MEM_GFP_DMA :
					       bits[j] == 32 ? MEM_GFP_DMA32 : 0;
			request.dma_bits = bits[j];
			show = mem_show(fd, mem_hold(fd, request));
			CHECK(show.flags & MEM_SHOW_DMA);
			CHECK(bits[j] == 64 ||
			      show.dma + show.usable <= 1ULL << bits[j]);
			/* Without an IOMMU, bus and physical address are one. */
			CHECK_EQ(show.dma, show.physical);
		}
	}
	show_addresses(false);
}
