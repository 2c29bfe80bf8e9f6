// SPDX-License-Identifier: GPL-2.0
/*
 * On a machine of two nodes, one below and one above 4 GiB, and with memory set aside
 * for contiguous allocations, if the kernel knows of these.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "mem.h"

static void run_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	CHECK_EQ(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

static struct mem_gfp_try try(int fd, __u32 id, __u32 gfp)
{
	struct mem_gfp_try attempt = {
		.allocator = id, .gfp = gfp, .context = MEM_CONTEXT_PROCESS,
	};

	CHECK_EQ(ioctl(fd, MEM_GFP_TRY, &attempt), 0);

	return attempt;
}

TEST(zones, "what a node has no zone for is no fallback")
{
	static const __u32 ids[] = {
		MEM_ALLOC_PAGES, MEM_GET_FREE_PAGES, MEM_VMALLOC, MEM_KMAP_LOCAL,
	};
	static const __u32 flags[] = {
		MEM_GFP_KERNEL, MEM_GFP_KERNEL | MEM_GFP_THISNODE,
	};
	int fd = open_mem();
	size_t i, k;
	int cpu;

	if (!exists("/sys/devices/system/node/node1"))
		SKIP("this kernel knows no nodes");
	CHECK_EQ(mem_info(fd).nodes, 2);
	for (cpu = 0; cpu < 2; cpu++) {
		run_on(cpu);
		for (i = 0; i < ARRAY_SIZE(ids); i++) {
			for (k = 0; k < ARRAY_SIZE(flags); k++) {
				struct mem_gfp_try attempt;

				if (flags[k] & ~mem_allocator(fd, ids[i]).gfp)
					continue;
				attempt = try(fd, ids[i], flags[k]);
				CHECK_EQ(attempt.outcome, MEM_OUTCOME_ALLOWED);
				CHECK_EQ(attempt.zone, cpu ? MEM_ZONE_NORMAL :
							     MEM_ZONE_DMA32);
			}
		}
	}
}

/* Set aside for contiguous allocations, in KiB; 0 if the kernel has none. */
static unsigned long cma(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long kib = 0;
	char line[120];

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "CmaTotal: %lu", &kib);
	fclose(file);

	return kib;
}

TEST_WITHIN(large, 60, "DMA memory larger than a block is granted if it can be")
{
	int fd = open_mem();
	struct mem_alloc request = mem_request(fd, MEM_DMA_COHERENT);
	__u64 block = mem_info(fd).page_size << mem_info(fd).max_order;
	struct mem_show show;

	request.size = 2 * block;
	if (!cma()) {
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), ENOMEM);
		return;
	}
	show = mem_show(fd, mem_hold(fd, request));
	CHECK_EQ(show.usable, 2 * block);
	CHECK_EQ(show.extents, 1);
}
