// SPDX-License-Identifier: GPL-2.0
/*
 * Flags and contexts: the whole table of allocators, flags and contexts is tried.
 * What is allowed must be what the allocator's row says, and nothing of it may
 * make the kernel complain, which would end the test's machine.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include "mem.h"

static struct mem_gfp_try try(int fd, __u32 id, __u32 gfp, __u32 context)
{
	struct mem_gfp_try attempt = {
		.allocator = id,
		.gfp = gfp,
		.context = context,
		.dma_bits = mem_request(fd, id).dma_bits,
	};

	CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);

	return attempt;
}

static __u32 features;	/* of this kernel */

static int refusal_error(__u32 why)
{
	switch (why) {
	case MEM_WHY_NO_CACHE:
		return ENODEV;
	case MEM_WHY_NO_ZONE:
		return EOPNOTSUPP;
	default:
		return EINVAL;
	}
}

/* What the allocator's row says of it: MEM_WHY_NONE if it is to be called. */
static __u32 expected(const struct mem_allocator *allocator, __u32 gfp,
		      __u32 context)
{
	__u32 base = gfp & MEM_GFP_BASES;
	bool sleeps = !(base & (MEM_GFP_ATOMIC | MEM_GFP_NOWAIT));

	if (gfp & MEM_GFP_NOFAIL)
		return MEM_WHY_NOFAIL;
	if (!base || (gfp & MEM_GFP_HIGHUSER && gfp & MEM_GFP_ZONES))
		return MEM_WHY_COMBINATION;
	if (sleeps && (allocator->id == MEM_MEMPOOL_SLAB ||
		       allocator->id == MEM_MEMPOOL_PAGE))
		return MEM_WHY_FOREVER;
	if (gfp & ~allocator->gfp)
		return MEM_WHY_FLAG;
	if (((gfp & MEM_GFP_DMA) && !(features & MEM_FEATURE_ZONE_DMA)) ||
	    ((gfp & MEM_GFP_DMA32) && !(features & MEM_FEATURE_ZONE_DMA32)))
		return MEM_WHY_NO_ZONE;
	if (!(allocator->contexts & 1 << context))
		return allocator->contexts & 1 << MEM_CONTEXT_SPINLOCK ?
		       MEM_WHY_INTERRUPT : MEM_WHY_CONTEXT;
	if (sleeps && context != MEM_CONTEXT_PROCESS)
		return MEM_WHY_SLEEPS;
	if (allocator->caps & MEM_CAP_DEBUG)
		return MEM_WHY_NO_CACHE;

	return MEM_WHY_NONE;
}

static void check_try(int fd, const struct mem_allocator *allocator, __u32 gfp,
		      __u32 context)
{
	struct mem_gfp_try attempt = try(fd, allocator->id, gfp, context);
	__u32 why = expected(allocator, gfp, context);

	if (why != MEM_WHY_NONE) {
		CHECK_EQ(attempt.outcome, MEM_OUTCOME_REFUSED);
		CHECK_EQ(attempt.why, why);
		CHECK_EQ(attempt.error, refusal_error(why));
		CHECK_EQ(attempt.culprit & ~gfp, 0);
		CHECK(!(attempt.culprit & allocator->gfp) ||
		      why == MEM_WHY_SLEEPS || why == MEM_WHY_NO_ZONE);
		CHECK(attempt.culprit || why == MEM_WHY_COMBINATION ||
		      why == MEM_WHY_CONTEXT || why == MEM_WHY_INTERRUPT ||
		      why == MEM_WHY_NO_CACHE);
		return;
	}

	/* One that may not wait can find nothing. */
	if (attempt.outcome == MEM_OUTCOME_FAILED) {
		CHECK_EQ(attempt.error, ENOMEM);
		CHECK(gfp & (MEM_GFP_ATOMIC | MEM_GFP_NOWAIT));
		return;
	}
	CHECK(attempt.outcome == MEM_OUTCOME_ALLOWED ||
	      attempt.outcome == MEM_OUTCOME_FELL_BACK);
	CHECK_EQ(attempt.error, 0);
	CHECK(attempt.zone >= MEM_ZONE_DMA && attempt.zone <= MEM_ZONE_MIXED);
	if (gfp & MEM_GFP_DMA)
		CHECK_EQ(attempt.zone, MEM_ZONE_DMA);
	if (gfp & MEM_GFP_DMA32)
		CHECK(attempt.zone <= MEM_ZONE_DMA32);
}

TEST_WITHIN(truth, 60, "each base with each other flag, in each context, does what it should")
{
	struct mem_allocator allocator;
	int fd = open_mem();
	__u32 base, other, context;

	features = mem_info(fd).features;
	FOR_EACH_ALLOCATOR(fd, allocator) {
		if (!(allocator.caps & MEM_CAP_ALLOC))
			continue;
		for (base = 1; base & MEM_GFP_BASES; base <<= 1)
			for (other = MEM_GFP_DMA; other <= MEM_GFP_NOFAIL;
			     other <<= 1)
				for (context = MEM_CONTEXT_PROCESS;
				     context <= MEM_NR_CONTEXTS; context++)
					check_try(fd, &allocator, base |
						  (other & MEM_GFP_ALL), context);
		check_nothing_held(fd);
	}
}

TEST(reasons, "what is refused is refused for its reason")
{
	static const struct {
		const char *name;
		__u32 id;
		__u32 gfp;
		__u32 context;
		__u32 why;
		__u32 culprit;
	} rows[] = {
		{ "kmalloc DMA32", MEM_KMALLOC, MEM_GFP_KERNEL | MEM_GFP_DMA32,
		  MEM_CONTEXT_PROCESS, MEM_WHY_FLAG, MEM_GFP_DMA32 },
		{ "kmalloc HIGHUSER", MEM_KMALLOC, MEM_GFP_HIGHUSER,
		  MEM_CONTEXT_PROCESS, MEM_WHY_FLAG, MEM_GFP_HIGHUSER },
		{ "kmalloc COMP", MEM_KMALLOC, MEM_GFP_KERNEL | MEM_GFP_COMP,
		  MEM_CONTEXT_PROCESS, MEM_WHY_FLAG, MEM_GFP_COMP },
		{ "kmalloc NOFAIL", MEM_KMALLOC, MEM_GFP_KERNEL | MEM_GFP_NOFAIL,
		  MEM_CONTEXT_PROCESS, MEM_WHY_NOFAIL, MEM_GFP_NOFAIL },
		{ "kmalloc KERNEL under a lock", MEM_KMALLOC, MEM_GFP_KERNEL,
		  MEM_CONTEXT_SPINLOCK, MEM_WHY_SLEEPS, MEM_GFP_KERNEL },
		{ "kmalloc NOIO in softirq", MEM_KMALLOC, MEM_GFP_NOIO,
		  MEM_CONTEXT_SOFTIRQ, MEM_WHY_SLEEPS, MEM_GFP_NOIO },
		{ "two bases", MEM_KMALLOC, MEM_GFP_KERNEL | MEM_GFP_NOIO,
		  MEM_CONTEXT_PROCESS, MEM_WHY_COMBINATION, 0 },
		{ "mempool that sleeps", MEM_MEMPOOL_PAGE, MEM_GFP_KERNEL,
		  MEM_CONTEXT_PROCESS, MEM_WHY_FOREVER, MEM_GFP_KERNEL },
		{ "get_free_pages HIGHUSER", MEM_GET_FREE_PAGES, MEM_GFP_HIGHUSER,
		  MEM_CONTEXT_PROCESS, MEM_WHY_FLAG, MEM_GFP_HIGHUSER },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_gfp_try attempt;

		tap_row(rows[i].name);
		attempt = try(fd, rows[i].id, rows[i].gfp, rows[i].context);
		CHECK_EQ(attempt.outcome, MEM_OUTCOME_REFUSED);
		CHECK_EQ(attempt.why, rows[i].why);
		CHECK_EQ(attempt.culprit, rows[i].culprit);
	}
}

/* Since 6.19, vmalloc() does not sleep for its page tables if it must not. */
static bool is_new(void)
{
	struct utsname name;
	long version, patchlevel;
	char *end;

	CHECK_EQ(uname(&name), 0);
	version = strtol(name.release, &end, 10);
	CHECK_EQ(*end, '.');
	patchlevel = strtol(end + 1, NULL, 10);

	return version > 6 || (version == 6 && patchlevel >= 19);
}

TEST(vmalloc, "vmalloc is called where one may not sleep if this kernel's can")
{
	static const __u32 ids[] = { MEM_VMALLOC, MEM_VZALLOC, MEM_KVMALLOC };
	static const __u32 flags[] = { MEM_GFP_ATOMIC, MEM_GFP_NOWAIT };
	int fd = open_mem();
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		for (k = 0; k < ARRAY_SIZE(flags); k++) {
			struct mem_allocator allocator = mem_allocator(fd, ids[i]);
			struct mem_gfp_try attempt =
				try(fd, ids[i], flags[k], MEM_CONTEXT_SPINLOCK);

			CHECK_EQ(!!(allocator.gfp & flags[k]), is_new());
			if (is_new())
				CHECK_EQ(attempt.why, MEM_WHY_NONE);
			else
				CHECK_EQ(attempt.why, MEM_WHY_FLAG);
			attempt = try(fd, ids[i], flags[k], MEM_CONTEXT_HARDIRQ);
			CHECK_EQ(attempt.outcome, MEM_OUTCOME_REFUSED);
			CHECK_EQ(attempt.why, is_new() ? MEM_WHY_INTERRUPT :
							 MEM_WHY_FLAG);
			attempt = try(fd, ids[i], MEM_GFP_KERNEL,
				      MEM_CONTEXT_SPINLOCK);
			CHECK_EQ(attempt.why, is_new() ? MEM_WHY_SLEEPS :
							 MEM_WHY_CONTEXT);
		}
	}
}

TEST(sizes, "a size that cannot be is told as that")
{
	int fd = open_mem();
	struct mem_gfp_try attempt = {
		.allocator = MEM_KMALLOC, .gfp = MEM_GFP_KERNEL,
		.context = MEM_CONTEXT_PROCESS, .size = 1ULL << 40,
	};

	CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
	CHECK_EQ(attempt.outcome, MEM_OUTCOME_REFUSED);
	CHECK_EQ(attempt.why, MEM_WHY_SIZE);
	CHECK_EQ(attempt.error, E2BIG);
}

TEST(long_ones, "where nobody may sleep, no more than 16 pages are asked for")
{
	int fd = open_mem();
	__u64 most = 16 * mem_info(fd).page_size;
	struct mem_allocator allocator;
	__u32 context;

	FOR_EACH_ALLOCATOR(fd, allocator) {
		struct mem_gfp_try attempt = {
			.allocator = allocator.id, .gfp = MEM_GFP_ATOMIC,
			.dma_bits = mem_request(fd, allocator.id).dma_bits,
		};

		if (!(allocator.caps & MEM_CAP_ALLOC) ||
		    !(allocator.gfp & MEM_GFP_ATOMIC) ||
		    allocator.max_size <= most)
			continue;
		for (context = MEM_CONTEXT_SPINLOCK; context <= MEM_NR_CONTEXTS;
		     context++) {
			if (!(allocator.contexts & 1 << context))
				continue;
			attempt.context = context;
			attempt.size = most + 1;
			CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
			CHECK_EQ(attempt.outcome, MEM_OUTCOME_REFUSED);
			CHECK_EQ(attempt.why, MEM_WHY_LONG);
			CHECK_EQ(attempt.error, EINVAL);
			attempt.size = most;
			CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
			CHECK(attempt.outcome != MEM_OUTCOME_REFUSED);
		}
		attempt.context = MEM_CONTEXT_PROCESS;
		attempt.size = most + 1;
		CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
		CHECK(attempt.outcome != MEM_OUTCOME_REFUSED);
	}
}

/* The machine of this test has more possible CPUs than the others. */
TEST(long_percpu, "of a per-CPU allocation, that is all copies together")
{
	int fd = open_mem();
	struct mem_info info = mem_info(fd);
	__u64 most = 16ULL * info.page_size / info.possible_cpus;
	struct mem_gfp_try attempt = {
		.allocator = MEM_ALLOC_PERCPU, .gfp = MEM_GFP_ATOMIC,
	};

	CHECK(most < mem_allocator(fd, MEM_ALLOC_PERCPU).max_size);
	for (attempt.context = MEM_CONTEXT_SPINLOCK;
	     attempt.context <= MEM_NR_CONTEXTS; attempt.context++) {
		if (!(mem_allocator(fd, MEM_ALLOC_PERCPU).contexts &
		      1 << attempt.context))
			continue;
		tap_row_number(attempt.context);
		attempt.size = most + 1;
		CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
		CHECK_EQ(attempt.outcome, MEM_OUTCOME_REFUSED);
		CHECK_EQ(attempt.why, MEM_WHY_LONG);
		attempt.size = most;
		CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
		CHECK(attempt.outcome != MEM_OUTCOME_REFUSED);
	}
	attempt.context = MEM_CONTEXT_PROCESS;
	attempt.size = most + 1;
	CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
	CHECK(attempt.outcome != MEM_OUTCOME_REFUSED);
}

TEST(kvmalloc, "kvmalloc falls back to vmalloc above what kmalloc can give")
{
	int fd = open_mem();
	struct mem_gfp_try attempt = {
		.allocator = MEM_KVMALLOC, .gfp = MEM_GFP_KERNEL,
		.context = MEM_CONTEXT_PROCESS, .size = 8 << 20,
	};

	CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
	CHECK_EQ(attempt.outcome, MEM_OUTCOME_FELL_BACK);
	CHECK_EQ(attempt.why, MEM_WHY_VMALLOC);
}

TEST(masks, "streaming DMA is refused where its memory might lie above the mask")
{
	int fd = open_mem();
	struct mem_gfp_try attempt = {
		.allocator = MEM_DMA_SINGLE, .gfp = MEM_GFP_KERNEL,
		.context = MEM_CONTEXT_PROCESS, .dma_bits = 24,
	};
	struct mem_alloc alloc = mem_request(fd, MEM_DMA_SINGLE);

	CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
	CHECK_EQ(attempt.outcome, MEM_OUTCOME_REFUSED);
	alloc.dma_bits = 24;
	if (!(mem_info(fd).features & MEM_FEATURE_ZONE_DMA)) {
		CHECK_EQ(attempt.why, MEM_WHY_NO_MASK);
		CHECK_EQ(attempt.error, EOPNOTSUPP);
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &alloc), EOPNOTSUPP);
		return;
	}
	CHECK_EQ(attempt.why, MEM_WHY_MASK);
	CHECK_EQ(attempt.error, ERANGE);
	CHECK_ERR(ioctl(fd, MEM_ALLOC, &alloc), ERANGE);
	attempt.gfp |= MEM_GFP_DMA;
	CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);
	CHECK_EQ(attempt.outcome, MEM_OUTCOME_ALLOWED);
	CHECK_EQ(attempt.zone, MEM_ZONE_DMA);
}

TEST(invalid, "a try with one thing wrong is EINVAL")
{
	static const struct {
		const char *name;
		struct mem_gfp_try attempt;
	} rows[] = {
		{ "allocator 0", { .allocator = 0, .gfp = 1, .context = 1 } },
		{ "none", { .allocator = MEM_NONE, .gfp = 1, .context = 1 } },
		{ "unknown flag", { .allocator = 2, .gfp = 0x81, .context = 1 } },
		{ "context 0", { .allocator = 2, .gfp = 1, .context = 0 } },
		{ "context 5", { .allocator = 2, .gfp = 1, .context = 5 } },
		{ "mask", { .allocator = 2, .gfp = 1, .context = 1,
			    .dma_bits = 64 } },
		{ "no mask", { .allocator = MEM_DMA_SG, .gfp = 1, .context = 1 } },
		{ "reserved0", { .allocator = 2, .gfp = 1, .context = 1,
				 .reserved0 = 1 } },
		{ "reserved", { .allocator = 2, .gfp = 1, .context = 1,
				.reserved = { 0, 1 } } },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_gfp_try attempt = rows[i].attempt;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_GFP_TRY, &attempt), EINVAL);
	}
}
