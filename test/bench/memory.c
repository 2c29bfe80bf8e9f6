// SPDX-License-Identifier: GPL-2.0
/*
 * What each allocator costs, by the memory laboratory: a million operations of each,
 * half of them in its plain loop, which together may take a minute. And does it
 * measure honestly? What it tells of an object of a cache and of a page must be what a
 * plain loop in another module, plain_loop.ko, takes; it must stay so beside a process
 * that keeps the CPU busy; the clock must not be in the figures that are free of it;
 * and measuring nothing must take no longer than the overhead that it states. Meant
 * for virtual time ("make bench"), where the figures are exact and repeat.
 *
 * Usage: memory [--json]
 * Prints what it finds; exit status 1 if something is not as it must be.
 */
#define _GNU_SOURCE

#include <error.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "figures.h"
#include "mem_demo.h"

#define CONTROL_ONLY	3
#define ROUNDS		250000	/* allocations and frees, one by one and in the loop */
#define MINUTE		60.0
#define TOLERANCE	0.05

static int line;

static struct mem_allocator get_allocator(__u32 id)
{
	struct mem_allocator allocator = { .id = id };

	if (ioctl(line, MEM_GET_ALLOCATOR, &allocator))
		error(2, errno, "MEM_GET_ALLOCATOR");

	return allocator;
}

static struct mem_bench request(const struct mem_allocator *allocator)
{
	struct mem_bench bench = {
		.allocator = allocator->id,
		.size = allocator->default_size,
		.gfp = allocator->gfp & MEM_GFP_KERNEL ? MEM_GFP_KERNEL :
							 MEM_GFP_NOWAIT,
		.dma_bits = allocator->caps & MEM_CAP_DMA ? 64 : 0,
		.n = ROUNDS,
		.warmup = 1000,
		.pattern = MEM_PATTERN_LIFO,
		.depth = 100,
	};

	/* A page, as the plain loop has. */
	if (allocator->id == MEM_ALLOC_PAGES)
		bench.size = 1;

	return bench;
}

static struct mem_bench run(struct mem_bench bench)
{
	if (ioctl(line, MEM_BENCH, &bench))
		error(2, errno, "MEM_BENCH of allocator %u", bench.allocator);

	return bench;
}

static struct mem_bench measure(const struct mem_allocator *allocator)
{
	struct mem_bench bench = run(request(allocator));

	say("%-20s %8llu %6llu %6llu %6llu %6llu %9.1f\n", allocator->name,
	    (unsigned long long)bench.size, (unsigned long long)bench.alloc.p50,
	    (unsigned long long)bench.alloc.p99, (unsigned long long)bench.free.p50,
	    (unsigned long long)bench.free.p99, bench.both_ps / 1000.0);
	figure("memory", allocator->name, "ns", bench.both_ps / 1000.0);

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

static bool agrees(const char *what, double ns, const char *other, double plain)
{
	double off = ns / plain - 1;
	bool ok = off > -TOLERANCE && off < TOLERANCE;

	say("%s: laboratory %.1f ns, %s %.1f ns, %+.1f %%%s\n", what, ns, other,
	    plain, off * 100, ok ? "" : ": NOT within 5 %");

	return ok;
}

/* On the one CPU, half of the time is the neighbour's. */
static bool holds_beside_a_neighbour(double alone)
{
	struct mem_allocator allocator = get_allocator(MEM_KMALLOC);
	struct mem_bench bench;
	pid_t pid = fork();

	if (pid < 0)
		error(2, errno, "fork");
	while (!pid)
		;
	bench = run(request(&allocator));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);

	return agrees("100 bytes beside a busy process", bench.both_ps / 1000.0,
		      "alone", alone);
}

/*
 * A bulk call for one object is the clock's worst case: a reading for each. Of the
 * two readings that are in the times of an allocation and of a free, none may be left;
 * half of one is for the buckets of a histogram.
 */
static bool has_no_clock(void)
{
	struct mem_allocator allocator = get_allocator(MEM_CACHE);
	struct mem_bench bench = request(&allocator);
	double both, most;

	bench.pattern = MEM_PATTERN_BULK;
	bench.depth = 1;
	bench = run(bench);
	both = bench.both_ps / 1000.0;
	most = bench.alloc.p50 + bench.free.p50 - 1.5 * bench.overhead;
	say("256 bytes of a cache, in bulks of one: %.1f ns, at most %.1f%s\n", both,
	    most, both <= most ? "" : ": the clock is in it");

	return both <= most;
}

int main(int argc, char **argv)
{
	struct mem_bench of[MEM_NR_ALLOCATORS + 1], *none = &of[MEM_NONE];
	struct mem_allocator allocator;
	unsigned int measured = 0;
	double took = 0;
	bool ok;
	__u32 id;

	take_json(&argc, &argv);
	if (argc > 1)
		error(2, 0, "Usage: memory [--json]");
	line = open("/dev/vser", CONTROL_ONLY);
	if (line < 0)
		error(2, errno, "/dev/vser");

	say("%-20s %8s %13s %13s %9s\n", "ns", "", "alloc", "free", "both");
	say("%-20s %8s %6s %6s %6s %6s %9s\n", "allocator", "size", "p50", "p99",
	    "p50", "p99", "p50");
	for (id = 1; id <= MEM_NR_ALLOCATORS; id++) {
		allocator = get_allocator(id);
		if (!(allocator.caps & MEM_CAP_BENCH) ||
		    allocator.caps & MEM_CAP_DEBUG)
			continue;
		of[id] = measure(&allocator);
		if (id == MEM_NONE)
			continue;
		took += of[id].elapsed / 1e9;
		measured++;
	}

	ok = took < MINUTE;
	say("\na million operations of each of %u allocators: %.1f s%s\n", measured,
	    took, ok ? "" : ": MORE than a minute");
	ok &= agrees("256 bytes of a cache", of[MEM_CACHE].both_ps / 1000.0,
		     "plain loop", plain_loop("cache_ps"));
	ok &= agrees("a page", of[MEM_ALLOC_PAGES].both_ps / 1000.0, "plain loop",
		     plain_loop("page_ps"));
	ok &= holds_beside_a_neighbour(of[MEM_KMALLOC].both_ps / 1000.0);
	ok &= has_no_clock();
	say("measuring nothing: p50 %llu and %llu ns, stated overhead %llu ns\n",
	    (unsigned long long)none->alloc.p50, (unsigned long long)none->free.p50,
	    (unsigned long long)none->overhead);
	ok &= none->alloc.p50 <= none->overhead && none->free.p50 <= none->overhead;

	return ok ? 0 : 1;
}
