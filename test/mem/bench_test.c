// SPDX-License-Identifier: GPL-2.0
/*
 * Benches: every allocator in every pattern counts what it should. What times
 * come out is for "make bench", in virtual time.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mem.h"

static __u32 histogram[2][MEM_HIST_BUCKETS];

static struct mem_bench run(int fd, struct mem_bench bench)
{
	memset(histogram, 0xff, sizeof(histogram));
	bench.alloc_histogram = (unsigned long)histogram[0];
	bench.free_histogram = (unsigned long)histogram[1];
	CHECK_EQ(ioctl(fd, MEM_BENCH, &bench), 0);

	return bench;
}

/* Is this the summary of that histogram? */
static void check_latency(const struct mem_latency *latency, __u32 *buckets,
			  __u64 samples)
{
	__u64 sum = 0, first = MEM_HIST_BUCKETS, last = 0;
	size_t i;

	for (i = 0; i < MEM_HIST_BUCKETS; i++) {
		sum += buckets[i];
		if (buckets[i] && first == MEM_HIST_BUCKETS)
			first = i;
		if (buckets[i])
			last = i;
	}
	CHECK_EQ(latency->samples, samples);
	CHECK_EQ(sum, samples);
	CHECK(latency->min >= MEM_HIST_LOW(first));
	CHECK(latency->min < MEM_HIST_LOW(first + 1));
	CHECK(latency->max >= MEM_HIST_LOW(last));
	CHECK(latency->min <= latency->p50);
	CHECK(latency->p50 <= latency->p90);
	CHECK(latency->p90 <= latency->p99);
	CHECK(latency->p99 <= latency->p999);
	CHECK(latency->p999 <= latency->max);
	CHECK(latency->mean_ps / 1000 >= latency->min);
	CHECK(latency->mean_ps / 1000 <= latency->max);
}

TEST_WITHIN(every_allocator, 60, "every allocator can be measured, in every pattern")
{
	struct mem_allocator allocator;
	int fd = open_mem();
	__u32 pattern;

	FOR_EACH_ALLOCATOR(fd, allocator) {
		for (pattern = MEM_PATTERN_LIFO; pattern <= MEM_PATTERN_BULK;
		     pattern++) {
			struct mem_bench bench = mem_bench_request(fd, allocator.id);

			if (!(allocator.caps & MEM_CAP_BENCH) ||
			    (allocator.caps & MEM_CAP_DEBUG))
				continue;
			bench.pattern = pattern;
			if (pattern == MEM_PATTERN_HOLD)
				bench.depth = 0;
			if (pattern == MEM_PATTERN_REMOTE)
				bench.cpus = 1;
			if (pattern == MEM_PATTERN_REMOTE &&
			    mem_info(fd).online_cpus < 2)
				continue;
			if (pattern == MEM_PATTERN_BULK &&
			    !(allocator.caps & MEM_CAP_BULK)) {
				CHECK_ERR(ioctl(fd, MEM_BENCH, &bench), EINVAL);
				continue;
			}
			bench.n = 95;
			bench.warmup = 7;
			bench = run(fd, bench);
			/* The last round of ten is one of five. */
			check_latency(&bench.alloc, histogram[0],
				      pattern == MEM_PATTERN_BULK ? 10 : 95);
			check_latency(&bench.free, histogram[1],
				      pattern == MEM_PATTERN_BULK ? 10 : 95);
			CHECK(bench.elapsed > 0);
			check_nothing_held(fd);
		}
	}
}

TEST(cpus, "several CPUs measure at once, and their times come together")
{
	int fd = open_mem();
	__u32 cpus = mem_info(fd).online_cpus;
	struct mem_bench bench = mem_bench_request(fd, MEM_KMALLOC);

	bench.n = 1000;
	bench.cpus = cpus;
	bench.first_cpu = cpus - 1;
	bench = run(fd, bench);
	check_latency(&bench.alloc, histogram[0], 1000 * cpus);
	check_latency(&bench.free, histogram[1], 1000 * cpus);
	check_nothing_held(fd);
}

TEST(no_histogram, "nobody needs to take a histogram")
{
	int fd = open_mem();
	struct mem_bench bench = mem_bench_request(fd, MEM_KMALLOC);

	CHECK_EQ(ioctl(fd, MEM_BENCH, &bench), 0);
	CHECK_EQ(bench.alloc.samples, bench.n);
	bench.free_histogram = 8;
	CHECK_ERR(ioctl(fd, MEM_BENCH, &bench), EFAULT);
	check_nothing_held(fd);
}

TEST(invalid, "a bench with one thing wrong is refused")
{
	int fd = open_mem();
	__u32 cpus = mem_info(fd).online_cpus;
	struct {
		const char *name;
		struct mem_bench bench;
		int error;
	} rows[] = {
#define ROW(what)	{ what, mem_bench_request(fd, MEM_CACHE), EINVAL }
		ROW("allocator 0"), ROW("static memory"), ROW("no n"),
		ROW("n too large"), ROW("warm-up too large"), ROW("pattern 0"),
		ROW("pattern above all"), ROW("no depth"), ROW("depth too large"),
		ROW("bulk too large"), ROW("hold with a depth"),
		ROW("first CPU without CPUs"), ROW("remote without CPUs"),
		ROW("ACCOUNT with CPUs"),
		ROW("more CPUs than online"), ROW("CPU that there is not"),
		ROW("flags"), ROW("reserved"), ROW("no base flag"),
		ROW("size 0"), ROW("mask without DMA"), ROW("size too large"),
		ROW("debug cache that nobody made"), ROW("more than the quota"),
	};
	size_t i = 0;

	rows[i++].bench.allocator = 0;
	rows[i++].bench.allocator = MEM_STATIC;
	rows[i++].bench.n = 0;
	rows[i++].bench.n = 10000001;
	rows[i++].bench.warmup = 10000001;
	rows[i++].bench.pattern = 0;
	rows[i++].bench.pattern = MEM_PATTERN_BULK + 1;
	rows[i++].bench.depth = 0;
	rows[i++].bench.depth = 65537;
	rows[i].bench.depth = 1025;
	rows[i++].bench.pattern = MEM_PATTERN_BULK;
	rows[i++].bench.pattern = MEM_PATTERN_HOLD;
	rows[i++].bench.first_cpu = 1;
	rows[i++].bench.pattern = MEM_PATTERN_REMOTE;
	rows[i].bench.cpus = 1;
	rows[i++].bench.gfp |= MEM_GFP_ACCOUNT;
	rows[i++].bench.cpus = cpus + 1;
	rows[i].bench.cpus = 1;
	rows[i++].bench.first_cpu = 1 << 30;
	rows[i++].bench.flags = 1;
	rows[i++].bench.reserved[2] = 1;
	rows[i++].bench.gfp = 0;
	rows[i++].bench.size = 0;
	rows[i++].bench.dma_bits = 32;
	rows[i].error = E2BIG;
	rows[i++].bench.size = 257;
	rows[i].error = ENODEV;
	rows[i++].bench.allocator = MEM_CACHE_POISON;
	rows[i].error = EDQUOT;
	rows[i].bench.pattern = MEM_PATTERN_HOLD;
	rows[i].bench.depth = 0;
	rows[i++].bench.n = 10000000;
	CHECK_EQ(i, ARRAY_SIZE(rows));

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_BENCH, &rows[i].bench), rows[i].error);
		check_nothing_held(fd);
	}
}

/* More than a workqueue runs at a time, which is 256 of its works on each CPU. */
#define NR_BENCHES	300

static void *remote_bench(void *unused)
{
	int fd = open_path(LINE, CONTROL_ONLY);
	struct mem_bench bench = mem_bench_request(fd, MEM_KMALLOC);

	(void)unused;
	bench.pattern = MEM_PATTERN_REMOTE;
	bench.cpus = mem_info(fd).online_cpus;
	CHECK_EQ(ioctl(fd, MEM_BENCH, &bench), 0);
	close(fd);

	return NULL;
}

TEST_WITHIN(remote, 120, "as many remote benches as there are do not wait for each other")
{
	static pthread_t threads[NR_BENCHES];
	int fd = open_mem();
	size_t i;

	if (mem_info(fd).online_cpus < 2)
		SKIP("there is one CPU");
	for (i = 0; i < NR_BENCHES; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, remote_bench, NULL), 0);
	for (i = 0; i < NR_BENCHES; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	check_nothing_held(fd);
}

static int shared_fd;

static void *long_bench(void *unused)
{
	struct mem_bench bench = mem_bench_request(shared_fd, MEM_CACHE);

	(void)unused;
	bench.n = 10000000;
	bench.cpus = 1;
	ioctl(shared_fd, MEM_BENCH, &bench);

	return NULL;
}

TEST(progress, "progress is told, one bench runs at a time, and a kill ends it")
{
	struct mem_progress before = { 0, 0 }, after = { 0, 0 };
	struct mem_bench second;
	pthread_t thread;
	pid_t pid;

	shared_fd = open_mem();
	CHECK_EQ(ioctl(shared_fd, MEM_GET_PROGRESS, &before), 0);
	CHECK_EQ(before.total, 0);
	second = mem_bench_request(shared_fd, MEM_KMALLOC);

	CHILD(pid) {
		CHECK_EQ(pthread_create(&thread, NULL, long_bench, NULL), 0);
		pthread_join(thread, NULL);
	}
	WAIT_UNTIL(!ioctl(shared_fd, MEM_GET_PROGRESS, &before) && before.done);
	CHECK_EQ(before.total, 60000000);
	CHECK_ERR(ioctl(shared_fd, MEM_BENCH, &second), EBUSY);
	WAIT_UNTIL(!ioctl(shared_fd, MEM_GET_PROGRESS, &after) &&
		   after.done > before.done);
	kill_child(pid);
	WAIT_UNTIL(!ioctl(shared_fd, MEM_GET_PROGRESS, &after) && !after.total);
	check_nothing_held(shared_fd);
	CHECK_EQ(ioctl(shared_fd, MEM_BENCH, &second), 0);
}

static struct mem_bench staged;

static void *staged_bench(void *unused)
{
	(void)unused;
	CHECK_EQ(ioctl(shared_fd, MEM_BENCH, &staged), 0);

	return NULL;
}

/* Runs a bench: was its progress ever seen between these percents? */
static bool seen_between(__u64 from, __u64 to)
{
	struct mem_progress now = { 0, 0 };
	pthread_t thread;
	bool seen = false;

	CHECK_EQ(pthread_create(&thread, NULL, staged_bench, NULL), 0);
	WAIT_UNTIL(!ioctl(shared_fd, MEM_GET_PROGRESS, &now) && now.total);
	while (now.total && !seen && now.done * 100 < now.total * to) {
		seen = now.done * 100 > now.total * from;
		CHECK_EQ(ioctl(shared_fd, MEM_GET_PROGRESS, &now), 0);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);

	return seen;
}

TEST_WITHIN(moves, 300, "progress moves in every part of a bench")
{
	static const struct {
		const char *name;
		__u32 pattern;
		__u64 from, to;		/* percent */
	} rows[] = {
		{ "rounds", MEM_PATTERN_LIFO, 1, 32 },
		{ "the empty loop", MEM_PATTERN_LIFO, 34, 65 },
		{ "the plain loop", MEM_PATTERN_LIFO, 68, 99 },
		{ "allocations that are held", MEM_PATTERN_HOLD, 1, 16 },
		{ "frees of what was held", MEM_PATTERN_HOLD, 18, 32 },
		{ "bulk rounds", MEM_PATTERN_BULK, 1, 32 },
		{ "the bulk loop", MEM_PATTERN_BULK, 68, 99 },
	};
	size_t i;

	shared_fd = open_mem();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		staged = mem_bench_request(shared_fd, MEM_CACHE);
		staged.pattern = rows[i].pattern;
		staged.n = 50000;
		staged.depth = rows[i].pattern == MEM_PATTERN_HOLD ? 0 : 100;
		staged.cpus = 1;
		/* A busy machine may not let us look in time. */
		while (!seen_between(rows[i].from, rows[i].to))
			;
	}
	check_nothing_held(shared_fd);
}
