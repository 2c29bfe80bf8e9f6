// SPDX-License-Identifier: GPL-2.0
/*
 * Does the memory laboratory measure honestly? Its mean for an object of a cache
 * and for a page must be that of a plain loop in another module, plain_loop.ko, and
 * measuring nothing must take no longer than the overhead that it states. Meant
 * for virtual time ("make bench"), where the figures are exact and repeat.
 *
 * Prints what it finds; exit status 1 if something is not as it must be.
 */
#define _GNU_SOURCE

#include <error.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "mem_demo.h"

#define CONTROL_ONLY	3
#define ROUNDS		100000
#define TOLERANCE	0.05
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static int line;

static struct mem_bench measure(__u32 allocator)
{
	struct mem_allocator row = { .id = allocator };
	struct mem_bench bench = {
		.allocator = allocator,
		.n = ROUNDS,
		.warmup = 1000,
		.pattern = MEM_PATTERN_LIFO,
		.depth = 100,
	};

	if (ioctl(line, MEM_GET_ALLOCATOR, &row))
		error(2, errno, "MEM_GET_ALLOCATOR");
	bench.size = allocator == MEM_ALLOC_PAGES ? 1 : row.default_size;
	bench.gfp = row.gfp & MEM_GFP_KERNEL ? MEM_GFP_KERNEL : MEM_GFP_NOWAIT;
	bench.dma_bits = row.caps & MEM_CAP_DMA ? 64 : 0;
	if (ioctl(line, MEM_BENCH, &bench))
		error(2, errno, "MEM_BENCH %s", row.name);

	printf("%-20s %8llu %6llu %6llu %6llu %6llu %9.1f\n", row.name,
	       (unsigned long long)bench.size,
	       (unsigned long long)bench.alloc.p50,
	       (unsigned long long)bench.alloc.p99,
	       (unsigned long long)bench.free.p50,
	       (unsigned long long)bench.free.p99, bench.mean_ps / 1000.0);

	return bench;
}

static double plain_loop(const char *name)
{
	unsigned long ps;
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/plain_loop/parameters/%s", name);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lu", &ps) != 1)
		error(2, errno, "%s", path);
	fclose(file);

	return ps / 1000.0;
}

static bool agrees(const char *what, double mean, double plain)
{
	double off = mean / plain - 1;
	bool ok = off > -TOLERANCE && off < TOLERANCE;

	printf("%s: laboratory %.1f ns, plain loop %.1f ns, %+.1f %%%s\n", what,
	       mean, plain, off * 100, ok ? "" : ": NOT within 5 %");

	return ok;
}

int main(void)
{
	static const __u32 others[] = {
		MEM_KMALLOC, MEM_KZALLOC, MEM_MEMPOOL_SLAB, MEM_GET_ZEROED_PAGE,
		MEM_VMALLOC, MEM_KVMALLOC, MEM_ALLOC_PERCPU, MEM_DEVM_KMALLOC,
		MEM_DMA_COHERENT, MEM_DMA_POOL,
	};
	struct mem_bench none, cache, page;
	bool ok = true;
	size_t i;

	line = open("/dev/vser", CONTROL_ONLY);
	if (line < 0)
		error(2, errno, "/dev/vser");

	printf("%-20s %8s %13s %13s %9s\n", "ns", "", "alloc", "free", "both");
	printf("%-20s %8s %6s %6s %6s %6s %9s\n", "allocator", "size", "p50",
	       "p99", "p50", "p99", "mean");
	none = measure(MEM_NONE);
	cache = measure(MEM_CACHE);
	page = measure(MEM_ALLOC_PAGES);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		measure(others[i]);
	putchar('\n');

	ok &= agrees("256 bytes of a cache", cache.mean_ps / 1000.0,
		     plain_loop("cache_ps"));
	ok &= agrees("a page", page.mean_ps / 1000.0, plain_loop("page_ps"));
	printf("measuring nothing: p50 %llu and %llu ns, stated overhead %llu ns\n",
	       (unsigned long long)none.alloc.p50,
	       (unsigned long long)none.free.p50,
	       (unsigned long long)none.overhead);
	ok &= none.alloc.p50 <= none.overhead && none.free.p50 <= none.overhead;

	return ok ? 0 : 1;
}
