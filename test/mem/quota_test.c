// SPDX-License-Identifier: GPL-2.0
/*
 * The books of the memory laboratory: what is allocated for a caller is counted
 * before it is there, and as long as it is; a request that is refused takes nothing,
 * neither from the caller nor from others.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mem.h"

#define PAGE	4096UL	/* x86's */
#define MIB	(1UL << 20)

static void free_all(int fd)
{
	struct mem_free all = { .flags = MEM_FREE_ALL };

	CHECK_EQ(ioctl(fd, MEM_FREE, &all), 0);
}

/* Charges */

static struct {
	int fd;
	struct mem_alloc request;
	int error;
	atomic_uint refused;
	atomic_bool stop;
} greedy;

static void *ask_for_too_much(void *unused)
{
	while (!greedy.stop) {
		struct mem_alloc request = greedy.request;

		CHECK_ERR(ioctl(greedy.fd, MEM_ALLOC, &request), greedy.error);
		greedy.refused++;
	}

	return unused;
}

TEST_WITHIN(refused, 60, "a request that is refused makes no other one be refused")
{
	const struct {
		const char *name;
		bool same_file;
		struct mem_alloc greedy, modest;
	} rows[] = {
#define ALLOC(id, bytes, n)	{ .allocator = (id), .gfp = MEM_GFP_KERNEL, \
				  .size = (bytes), .count = (n) }
		{ "the file's quota", true, ALLOC(MEM_VMALLOC, MIB, 1),
		  ALLOC(MEM_KMALLOC, 64, 1) },
		{ "many objects", true, ALLOC(MEM_KMALLOC, 8192, 128),
		  ALLOC(MEM_KMALLOC, 64, 1) },
		{ "the quota of all files", false, ALLOC(MEM_VMALLOC, MIB, 1),
		  ALLOC(MEM_KMALLOC, 64, 1) },
		{ "the number of objects", true, ALLOC(MEM_DEVM_KMALLOC, 8, 4097),
		  ALLOC(MEM_DEVM_KMALLOC, 8, 1) },
	};
	pthread_t thread;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int n;

		tap_row(rows[i].name);
		reload_mem(rows[i].same_file ?
			   i == 3 ? "quota_file=16777216" : "quota_file=1048576" :
			   "quota_file=4194304 quota_total=1048576");
		fd = open_mem();
		greedy.fd = rows[i].same_file ? fd :
						open_path(LINE, CONTROL_ONLY);
		greedy.request = rows[i].greedy;
		greedy.error = EDQUOT;
		greedy.refused = 0;
		greedy.stop = false;
		CHECK_EQ(pthread_create(&thread, NULL, ask_for_too_much, NULL), 0);
		for (n = 0; n < 2000 || greedy.refused < 2000; n++)
			mem_free_one(fd, mem_hold(fd, rows[i].modest));
		greedy.stop = true;
		CHECK_EQ(pthread_join(thread, NULL), 0);
		check_nothing_held(fd);
		if (!rows[i].same_file)
			close(greedy.fd);
		close(fd);
	}
	reload_mem("");
}

TEST(default_quota, "one file cannot have all that there is for all files")
{
	struct mem_alloc request;
	struct mem_info info;
	int fd, other;

	reload_mem("");
	fd = open_mem();
	other = open_path(LINE, CONTROL_ONLY);
	info = mem_info(fd);
	CHECK(info.quota_file <= info.quota_total / 2);

	request = mem_request(fd, MEM_VMALLOC);
	request.size = MIB;
	request.count = 10000;
	request.flags = MEM_ALLOC_PARTIAL;
	mem_hold(fd, request);
	request.count = 1;
	request.flags = 0;
	CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
	mem_hold(other, request);

	/* Also where only the quota of all is given. */
	close(fd);
	close(other);
	reload_mem("quota_total=2097152");
	fd = open_mem();
	CHECK_EQ(mem_info(fd).quota_file, MIB);
	close(fd);
	reload_mem("");
}

static long mem_free_kib(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[256];
	long kib = -1;

	CHECK(file);
	while (kib < 0 && fgets(line, sizeof(line), file))
		sscanf(line, "MemFree: %ld", &kib);
	fclose(file);
	CHECK(kib > 0);

	return kib;
}

TEST_WITHIN(gone, 120, "what is gone is counted, whatever it is and however small")
{
	/* What the kernel keeps at hand for each CPU comes and goes as well. */
	const long slack_kib = 4096;
	static const struct {
		__u32 id;
		__u64 size;
	} rows[] = {
		{ MEM_KMALLOC, 8 }, { MEM_KMALLOC, 100 }, { MEM_KMALLOC, 1025 },
		{ MEM_KMALLOC, 4096 }, { MEM_KMALLOC, 8193 }, { MEM_CACHE, 256 },
		{ MEM_CACHE_HWALIGN, 200 }, { MEM_MEMPOOL_SLAB, 256 },
		{ MEM_MEMPOOL_PAGE, 4096 }, { MEM_ALLOC_PAGES, 4096 },
		{ MEM_ALLOC_PAGES, 12288 }, { MEM_VMALLOC, 4096 },
		{ MEM_VMALLOC, 69632 }, { MEM_KVMALLOC, 69632 },
		{ MEM_KVMALLOC, 5 << 20 }, { MEM_ALLOC_PERCPU, 8 },
		{ MEM_ALLOC_PERCPU, 1000 }, { MEM_DMA_COHERENT, 4096 },
		{ MEM_DMA_SG, 16384 },
	};
	size_t i;
	int fd;

	reload_mem("quota_file=33554432");
	fd = open_mem();
	if (mem_info(fd).debug & (MEM_DEBUG_KASAN | MEM_DEBUG_KMEMLEAK |
				  MEM_DEBUG_SLAB_ON | MEM_DEBUG_OBJECTS)) {
		close(fd);
		reload_mem("");
		SKIP("debugging uses memory; kmemleak looks for leaks here");
	}

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_alloc request = mem_request(fd, rows[i].id);
		long before, gone;
		__u64 held;

		tap_row(mem_allocator(fd, rows[i].id).name);
		tap_row_number(rows[i].size);
		request.size = rows[i].size;
		request.count = 10000000;
		request.flags = MEM_ALLOC_PARTIAL;
		before = mem_free_kib();
		mem_hold(fd, request);
		gone = before - mem_free_kib();
		held = mem_info(fd).held_file;
		printf("# %s, %llu: counted %llu KiB, gone %ld KiB\n",
		       mem_allocator(fd, rows[i].id).name, rows[i].size,
		       held >> 10, gone);
		CHECK(held <= 32 * MIB);
		CHECK(gone <= (long)(held >> 10) + slack_kib);
		free_all(fd);
		check_nothing_held(fd);
		/* Chunks of per-CPU memory are freed a little later. */
		WAIT_UNTIL(mem_free_kib() > before - slack_kib);
	}
	close(fd);
	reload_mem("");
}

TEST(all_or_nothing, "a request for too many takes neither memory nor handles")
{
	int fd = open_mem(), i;
	__u64 quota = mem_info(fd).quota_file;
	struct mem_alloc request = mem_request(fd, MEM_VMALLOC);

	for (i = 1; i <= 100; i++) {
		CHECK_EQ(mem_hold(fd, mem_request(fd, MEM_KMALLOC)), i);
		request.size = quota;
		request.count = 10000000;
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
		request.size = quota / 8;
		request.count = 16;
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
	}
	request.flags = MEM_ALLOC_PARTIAL;
	CHECK_EQ(ioctl(fd, MEM_ALLOC, &request), 0);
	CHECK_EQ(request.handle, i);
	CHECK_EQ(request.count, 7);
	CHECK_EQ(mem_info(fd).objects_file, 107);
}

TEST(mappings, "a descriptor for an object counts, too")
{
	struct mem_map request = { .method = MEM_MAP_INSERT_PAGE }, map;
	int maps[1000], fd, n, ret;

	reload_mem("quota_file=65536");
	fd = open_mem();
	request.handle = mem_one(fd, MEM_ALLOC_PAGES,
				 MEM_GFP_KERNEL | MEM_GFP_ZERO, PAGE);
	for (n = 0; n < (int)ARRAY_SIZE(maps); n++) {
		map = request;
		ret = ioctl(fd, MEM_MAP, &map);
		if (ret)
			break;
		maps[n] = map.fd;
	}
	CHECK_ERR(ret, EDQUOT);
	CHECK(n > 10);
	close(maps[--n]);
	map = request;
	CHECK_EQ(ioctl(fd, MEM_MAP, &map), 0);
	close(map.fd);
	while (n)
		close(maps[--n]);
	free_all(fd);
	check_nothing_held(fd);
	close(fd);
	reload_mem("");
}

/* Each of these needs more than the memory that it shows. */
union borrowing {
	struct mem_mempool mempool;
	struct mem_percpu percpu;
	struct mem_bench bench;
	struct mem_devm devm;
};

TEST(borrowed, "what a call allocates for itself is charged as well, while it runs")
{
	const struct {
		const char *name;
		unsigned long number;
		union borrowing argument;
		__u64 enough, too_little;
	} rows[] = {
		{ "mempool", MEM_MEMPOOL, { .mempool = {
			.allocator = MEM_MEMPOOL_SLAB, .reserve = 1, .take = 4096,
			.fail_after = 4096 } }, 2 * MIB, 4096 * 256 + 16384 },
		{ "percpu", MEM_PERCPU, { .percpu = {
			.variable = MEM_PERCPU_STATIC,
			.method = MEM_PERCPU_THIS_CPU, .loops = 1 } },
		  MIB, 4096 },
		{ "bench in random order", MEM_BENCH, { .bench = {
			.allocator = MEM_NONE, .gfp = MEM_GFP_KERNEL, .size = 1,
			.n = 1, .pattern = MEM_PATTERN_RANDOM, .depth = 65536 } },
		  4 * MIB, 65536 * 17 + 131072 },
		{ "devm", MEM_DEVM, { .devm = {
			.allocator = MEM_DEVM_KMALLOC, .gfp = MEM_GFP_KERNEL,
			.size = 8, .count = 1024 } }, 2 * MIB, 1024 * 256 },
	};
	char parameters[64];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		union borrowing argument = rows[i].argument;

		tap_row(rows[i].name);
		snprintf(parameters, sizeof(parameters), "quota_file=%llu",
			 rows[i].enough);
		reload_mem(parameters);
		fd = open_mem();
		CHECK_EQ(ioctl(fd, rows[i].number, &argument), 0);
		close(fd);
		snprintf(parameters, sizeof(parameters), "quota_file=%llu",
			 rows[i].too_little);
		reload_mem(parameters);
		fd = open_mem();
		argument = rows[i].argument;
		CHECK_ERR(ioctl(fd, rows[i].number, &argument), EDQUOT);
		check_nothing_held(fd);
		close(fd);
	}
	reload_mem("");
}

/* Handles */

static __u64 hold_many(int fd, __u32 count)
{
	struct mem_alloc request = mem_request(fd, MEM_KMALLOC);

	request.count = count;

	return mem_hold(fd, request);
}

static void free_some(int fd, __u64 handle, __u64 count, __u64 stride, __u64 freed)
{
	struct mem_free request = {
		.handle = handle, .count = count, .stride = stride,
	};

	CHECK_EQ(ioctl(fd, MEM_FREE, &request), 0);
	CHECK_EQ(request.count, freed);
}

TEST(lowest, "the lowest handles that are free and follow each other are given")
{
	int fd = open_mem();

	CHECK_EQ(hold_many(fd, 10), 1);
	CHECK_EQ(hold_many(fd, 1), 11);
	free_some(fd, 3, 1, 1, 1);
	free_some(fd, 5, 3, 1, 3);
	/* Free are 3, 5 to 7, and from 12 on. */
	CHECK_EQ(hold_many(fd, 4), 12);
	CHECK_EQ(hold_many(fd, 2), 5);
	CHECK_EQ(hold_many(fd, 1), 3);
	CHECK_EQ(hold_many(fd, 1), 7);
	CHECK_EQ(hold_many(fd, 1), 16);
	free_some(fd, 1, 1, 1, 1);
	free_some(fd, 16, 1, 1, 1);
	CHECK_EQ(hold_many(fd, 2), 16);
	CHECK_EQ(hold_many(fd, 1), 1);
	free_all(fd);
	CHECK_EQ(hold_many(fd, 1), 1);
}

TEST(strides, "a free goes through the handles that it names, and no others")
{
	int fd = open_mem();

	CHECK_EQ(hold_many(fd, 100), 1);
	free_some(fd, 0, 1000, 7, 14);		/* 7, 14 to 98 */
	free_some(fd, 2, 3, 5, 2);		/* 2 and 12, not 7 */
	free_some(fd, 100, -1, -1, 1);
	free_some(fd, 1, 2, 1ULL << 63, 1);
	free_some(fd, 95, 1ULL << 40, 1, 4);	/* 95, 96, 97, 99 */
	CHECK_ERR(ioctl(fd, MEM_FREE, (&(struct mem_free) {
			.handle = 101, .count = -1, .stride = 1 })), ENOENT);
	CHECK_EQ(mem_info(fd).objects_file, 100 - 14 - 2 - 1 - 1 - 4);
	free_some(fd, 1, -1, 1, 78);
	check_nothing_held(fd);
}

/* A tree of them, taken apart and filled again at random. */
TEST(random_handles, "handles stay dense however objects come and go")
{
	static bool is_held[4000];
	unsigned int seed = 1, i, n, held = 0, run, first;
	int fd = open_mem();

	for (i = 0; i < 4000; i++) {
		seed = seed * 1103515245 + 12345;
		n = 1 + (seed >> 16) % 8;
		if ((seed >> 24) % 4 == 0 && held + n <= 200) {
			for (first = 1, run = 0;
			     run < n && first < ARRAY_SIZE(is_held); first++)
				run = is_held[first] ? 0 : run + 1;
			CHECK_EQ(run, n);
			first -= n;
			CHECK_EQ(hold_many(fd, n), first);
			memset(is_held + first, true, n);
			held += n;
			continue;
		}
		first = 1 + (seed >> 8) % 400;
		if (is_held[first]) {
			mem_free_one(fd, first);
			is_held[first] = false;
			held--;
		}
		if (i % 100 == 0)
			CHECK_EQ(mem_info(fd).objects_file, held);
	}
}

/* Pages that others have after MEM_FREE */

#define PAGES	64UL
#define LENGTH	(PAGES * PAGE)

static const struct {
	const char *name;
	__u32 id;
	__u32 gfp;
} lendable[] = {
	{ "alloc_pages", MEM_ALLOC_PAGES, MEM_GFP_KERNEL },
	{ "compound pages", MEM_ALLOC_PAGES, MEM_GFP_KERNEL | MEM_GFP_COMP },
	{ "__get_free_pages", MEM_GET_FREE_PAGES, MEM_GFP_KERNEL },
	{ "vmalloc", MEM_VMALLOC, MEM_GFP_KERNEL },
};

/* Has a pipe hold the first pages of an object that is freed; each says which it is. */
static void lend(int fd, __u32 id, __u32 gfp, __u32 method, size_t length,
		 size_t spliced, int pipe_fds[2])
{
	struct mem_map map = {
		.handle = mem_one(fd, id, gfp | MEM_GFP_ZERO, length),
		.method = method,
	};
	struct iovec vector = { .iov_len = spliced };
	char *at;
	size_t i;

	CHECK_EQ(ioctl(fd, MEM_MAP, &map), 0);
	at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, map.fd, 0);
	CHECK(at != MAP_FAILED);
	for (i = 0; i < length; i += PAGE)
		at[i] = 'a' + i / PAGE % 26;

	CHECK_EQ(pipe(pipe_fds), 0);
	CHECK(fcntl(pipe_fds[1], F_SETPIPE_SZ, spliced) >= (int)spliced);
	vector.iov_base = at;
	CHECK_EQ(vmsplice(pipe_fds[1], &vector, 1, 0), spliced);

	CHECK_EQ(munmap(at, length), 0);
	CHECK_EQ(close(map.fd), 0);
	mem_free_one(fd, map.handle);
}

/* What was lent is as it was. */
static void read_lent(int pipe_read, size_t from, size_t to)
{
	char page[PAGE];
	size_t i;

	for (i = from; i < to; i += PAGE) {
		CHECK_EQ(read(pipe_read, page, PAGE), PAGE);
		CHECK_EQ(page[0], 'a' + i / PAGE % 26);
	}
}

static void close_both(int fds[2])
{
	CHECK_EQ(close(fds[0]), 0);
	CHECK_EQ(close(fds[1]), 0);
}

TEST(lent, "what others use after a free is held and counted until they are done")
{
	static const __u32 methods[] = { MEM_MAP_INSERT_PAGE, MEM_MAP_FAULT };
	int fd = open_mem(), pipe_fds[2];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(lendable); i++) {
		for (j = 0; j < ARRAY_SIZE(methods); j++) {
			tap_row(lendable[i].name);
			tap_row_number(methods[j]);
			lend(fd, lendable[i].id, lendable[i].gfp, methods[j],
			     LENGTH, LENGTH, pipe_fds);
			CHECK_EQ(mem_info(fd).objects_file, 1);
			CHECK(mem_info(fd).held_file >= LENGTH);
			read_lent(pipe_fds[0], 0, LENGTH - PAGE);
			CHECK(mem_info(fd).held_total >= LENGTH);
			read_lent(pipe_fds[0], LENGTH - PAGE, LENGTH);
			WAIT_UNTIL(!mem_info(fd).objects_total);
			check_nothing_held(fd);
			close_both(pipe_fds);
		}
	}
}

TEST(lent_quota, "what others still use counts in the quota, and not a moment longer")
{
	int fd, pipe_fds[2];
	struct mem_alloc request;

	reload_mem("quota_file=1048576");
	fd = open_mem();
	request = mem_request(fd, MEM_VMALLOC);
	request.size = MIB / 2;
	lend(fd, MEM_VZALLOC, MEM_GFP_KERNEL, MEM_MAP_FAULT, MIB / 2, PAGE,
	     pipe_fds);
	CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
	close_both(pipe_fds);
	/* Looked at before a request is refused. */
	mem_hold(fd, request);
	close(fd);
	reload_mem("");
}

TEST(lent_file, "it is counted when its file is closed too")
{
	int other = open_mem(), fd = open_path(LINE, CONTROL_ONLY), pipe_fds[2];

	lend(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL, MEM_MAP_INSERT_PAGE, LENGTH, PAGE,
	     pipe_fds);
	mem_info(other);
	close(fd);
	CHECK_EQ(mem_info(other).objects_total, 1);
	CHECK(mem_info(other).held_total >= LENGTH);
	close_both(pipe_fds);
	WAIT_UNTIL(!mem_info(other).objects_total);
	check_nothing_held(other);
}

TEST(lent_alone, "it is freed when it comes back, also if nobody asks")
{
	const unsigned long size = 16 * MIB;
	long low;
	int fd, pipe_fds[2];

	reload_mem("quota_file=33554432");
	fd = open_mem();
	lend(fd, MEM_VZALLOC, MEM_GFP_KERNEL, MEM_MAP_FAULT, size, PAGE, pipe_fds);
	low = mem_free_kib();
	close_both(pipe_fds);
	WAIT_UNTIL(mem_free_kib() > low + (long)(size >> 10) / 2);
	close(fd);
	reload_mem("");
}

TEST(lent_unload, "the module can go while others have pages that it has lent")
{
	int fd = open_mem(), pipe_fds[ARRAY_SIZE(lendable)][2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lendable); i++)
		lend(fd, lendable[i].id, lendable[i].gfp, MEM_MAP_INSERT_PAGE, LENGTH,
		     LENGTH, pipe_fds[i]);
	close(fd);
	CHECK_EQ(try_unload_mem(), 0);
	for (i = 0; i < ARRAY_SIZE(lendable); i++) {
		tap_row(lendable[i].name);
		read_lent(pipe_fds[i][0], 0, LENGTH);
		close_both(pipe_fds[i]);
	}
	fd = open_mem();
	check_nothing_held(fd);
}

/* What goes beyond the quota */

TEST(big, "limits and fragments keep to the quota, unless they are told a budget")
{
	struct mem_limit limit = { .allocator = MEM_VMALLOC, .gfp = MEM_GFP_KERNEL };
	struct mem_fragment fragment = { .op = MEM_FRAGMENT_START, .order = 1 };
	struct mem_fragment stop = { .op = MEM_FRAGMENT_STOP };
	int fd;

	reload_mem("quota_file=4194304");
	fd = open_mem();
	mem_one(fd, MEM_VMALLOC, MEM_GFP_KERNEL, MIB);

	CHECK_EQ(ioctl(fd, MEM_LIMIT, &limit), 0);
	CHECK_EQ(limit.stopped, MEM_STOPPED_BUDGET);
	CHECK(limit.granted > 2 * MIB && limit.granted < 3 * MIB);
	CHECK(limit.used_budget < 3 * MIB);
	limit.budget = 16 * MIB;
	CHECK_EQ(ioctl(fd, MEM_LIMIT, &limit), 0);
	CHECK_EQ(limit.granted, 16 * MIB);

	CHECK_EQ(ioctl(fd, MEM_FRAGMENT, &fragment), 0);
	CHECK(fragment.held > 2 * MIB && fragment.held < 3 * MIB);
	CHECK(fragment.held <= fragment.used_budget);
	CHECK(mem_info(fd).held_file > MIB + fragment.held);
	CHECK(mem_info(fd).held_file <= 4 * MIB);
	CHECK_ERR(ioctl(fd, MEM_ALLOC, (&(struct mem_alloc) {
			.allocator = MEM_VMALLOC, .gfp = MEM_GFP_KERNEL,
			.size = MIB, .count = 1 })), EDQUOT);
	fragment.budget = 8 * MIB;
	CHECK_EQ(ioctl(fd, MEM_FRAGMENT, &fragment), 0);
	CHECK_EQ(fragment.held, 8 * MIB);
	CHECK(mem_info(fd).held_file < 2 * MIB);
	CHECK_EQ(ioctl(fd, MEM_FRAGMENT, &stop), 0);
	free_all(fd);
	check_nothing_held(fd);

	/* What nobody stops is charged no longer than the file is open. */
	fragment.budget = 0;
	CHECK_EQ(ioctl(fd, MEM_FRAGMENT, &fragment), 0);
	close(fd);
	fd = open_mem();
	check_nothing_held(fd);
	close(fd);
	reload_mem("");
}
