// SPDX-License-Identifier: GPL-2.0
/*
 * Holding memory: every allocator gives and takes back, what cannot be is refused,
 * quotas hold, and nothing is left of what a file, a thread or a process that is
 * gone has held.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"

TEST(every_allocator, "what every allocator gives can be written, read and freed")
{
	struct mem_allocator allocator;
	char wrote[64], read[64];
	int fd = open_mem();

	memset(wrote, 0xa5, sizeof(wrote));
	show_addresses(true);	/* not all of them come zeroed */
	FOR_EACH_ALLOCATOR(fd, allocator) {
		__u32 size = allocator.default_size < sizeof(wrote) ?
			     allocator.default_size : sizeof(wrote);
		__u64 handle, last = allocator.default_size - size;

		if (!(allocator.caps & MEM_CAP_ALLOC) ||
		    (allocator.caps & MEM_CAP_DEBUG))
			continue;
		handle = mem_hold(fd, mem_request(fd, allocator.id));
		if (allocator.caps & MEM_CAP_SYNC) {
			struct mem_dma_sync sync = {
				.handle = handle, .op = MEM_SYNC_FOR_CPU,
			};

			CHECK_EQ(ioctl(fd, MEM_DMA_SYNC, &sync), 0);
		}
		CHECK_EQ(mem_write(fd, handle, last, wrote, size), 0);
		memset(read, 0, sizeof(read));
		CHECK_EQ(mem_read(fd, handle, last, read, size), 0);
		CHECK(!memcmp(wrote, read, size));
		CHECK_EQ(mem_info(fd).objects_file, 1);
		mem_free_one(fd, handle);
		check_nothing_held(fd);
	}
	show_addresses(false);
}

TEST(sizes, "every size from the smallest to the largest is granted, no other")
{
	struct mem_allocator allocator;
	int fd = open_mem();

	FOR_EACH_ALLOCATOR(fd, allocator) {
		struct mem_alloc request = mem_request(fd, allocator.id);

		if (!(allocator.caps & MEM_CAP_ALLOC) ||
		    (allocator.caps & MEM_CAP_DEBUG))
			continue;
		request.size = allocator.min_size;
		mem_free_one(fd, mem_hold(fd, request));
		request.size = allocator.max_size;
		if (request.size <= 1 << 20)
			mem_free_one(fd, mem_hold(fd, request));
		request.size = allocator.min_size - 1;
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EINVAL);
		request.size = allocator.max_size + 1;
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), E2BIG);
		request.size = -1;
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), E2BIG);
	}
	check_nothing_held(fd);
}

TEST(orders, "alloc_pages gives every order up to the largest")
{
	int fd = open_mem();
	struct mem_info info = mem_info(fd);
	unsigned int order;

	for (order = 0; order <= info.max_order; order++) {
		__u64 handle = mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL,
				       (__u64)info.page_size << order);
		struct mem_show show = mem_show(fd, handle);

		CHECK_EQ(show.order, order);
		CHECK_EQ(show.usable, (__u64)info.page_size << order);
		CHECK_EQ(show.extents, 1);
		mem_free_one(fd, handle);
	}
}

/* Each row is a good request in which something is set again. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"

TEST(invalid, "a request with one thing wrong is refused, and holds nothing")
{
	static const struct {
		const char *name;
		struct mem_alloc request;
		int error;
	} rows[] = {
#define GOOD	.allocator = MEM_KMALLOC, .gfp = MEM_GFP_KERNEL, .size = 100, .count = 1
#define ROW(what, error, ...)	{ what, { GOOD, __VA_ARGS__ }, error }
		ROW("allocator 0", EINVAL, .allocator = 0),
		ROW("allocator above all", EINVAL,
		    .allocator = MEM_NR_ALLOCATORS + 1),
		ROW("allocator -1", EINVAL, .allocator = -1),
		ROW("allocator that gives nothing", EINVAL,
		    .allocator = MEM_NONE),
		ROW("no base flag", EINVAL, .gfp = 0),
		ROW("only a modifier", EINVAL, .gfp = MEM_GFP_ZERO),
		ROW("two base flags", EINVAL,
		    .gfp = MEM_GFP_KERNEL | MEM_GFP_ATOMIC),
		ROW("unknown flag", EINVAL, .gfp = MEM_GFP_KERNEL | 0x80),
		ROW("unknown high flag", EINVAL,
		    .gfp = MEM_GFP_KERNEL | 0x80000000),
		ROW("NOFAIL", EINVAL, .gfp = MEM_GFP_KERNEL | MEM_GFP_NOFAIL),
		ROW("two zones", EINVAL, .allocator = MEM_ALLOC_PAGES,
		    .gfp = MEM_GFP_KERNEL | MEM_GFP_DMA | MEM_GFP_DMA32),
		ROW("HIGHUSER and a zone", EINVAL, .allocator = MEM_ALLOC_PAGES,
		    .gfp = MEM_GFP_HIGHUSER | MEM_GFP_DMA),
		ROW("kmalloc with DMA32", EINVAL,
		    .gfp = MEM_GFP_KERNEL | MEM_GFP_DMA32),
		ROW("kmalloc with HIGHUSER", EINVAL, .gfp = MEM_GFP_HIGHUSER),
		ROW("vmalloc with DMA", EINVAL, .allocator = MEM_VMALLOC,
		    .gfp = MEM_GFP_KERNEL | MEM_GFP_DMA),
		ROW("mempool that may sleep", EINVAL,
		    .allocator = MEM_MEMPOOL_SLAB, .gfp = MEM_GFP_NOIO),
		ROW("constructor and ZERO", EINVAL, .allocator = MEM_CACHE_CTOR,
		    .gfp = MEM_GFP_KERNEL | MEM_GFP_ZERO),
		ROW("coherent with COMP", EINVAL, .allocator = MEM_DMA_COHERENT,
		    .gfp = MEM_GFP_KERNEL | MEM_GFP_COMP, .dma_bits = 64),
		ROW("size 0", EINVAL, .size = 0),
		ROW("count 0", EINVAL, .count = 0),
		ROW("count too large", EINVAL, .count = 10000001),
		ROW("unknown option", EINVAL, .flags = 0x4),
		ROW("DEBUG without need", EINVAL, .flags = MEM_ALLOC_DEBUG),
		ROW("mask without DMA", EINVAL, .dma_bits = 64),
		ROW("DMA without mask", EINVAL, .allocator = MEM_DMA_POOL),
		ROW("DMA with 16 bits", EINVAL, .allocator = MEM_DMA_POOL,
		    .dma_bits = 16),
		ROW("reserved0", EINVAL, .reserved0 = 1),
		ROW("reserved", EINVAL, .reserved = { 0, 1 }),
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_alloc request = rows[i].request;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), rows[i].error);
		CHECK(!memcmp(&request, &rows[i].request, sizeof(request)));
	}
	check_nothing_held(fd);
}

#pragma GCC diagnostic pop

TEST(unknown, "there is no allocator of another number")
{
	static const struct mem_allocator rows[] = {
		{ .id = 0 }, { .id = MEM_NR_ALLOCATORS + 1 }, { .id = ~0u },
		{ .id = 1, .reserved = { 1 } },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_allocator allocator = rows[i];

		CHECK_ERR(ioctl(fd, MEM_GET_ALLOCATOR, &allocator), EINVAL);
	}
}

TEST(numbers, "a number that there is not is ENOTTY, also of another size")
{
	int fd = open_mem();
	char arg[64] = "";

	CHECK_ERR(ioctl(fd, _IOWR(VS_MAGIC, 0x7f, char[8]), arg), ENOTTY);
	CHECK_ERR(ioctl(fd, _IOWR(VS_MAGIC, 0x42, char[64]), arg), ENOTTY);
	CHECK_ERR(ioctl(fd, _IOR(VS_MAGIC, 0x42, struct mem_alloc), arg), ENOTTY);
	CHECK_ERR(ioctl(fd, MEM_GET_MAPPING, arg), ENOTTY);
}

TEST(capability, "each call wants CAP_SYS_ADMIN, whoever opened the line")
{
	int fd = open_mem();
	size_t i;

	mem_info(fd);
	drop_capability(CAP_SYS_ADMIN);
	for (i = 0; i < NR_MEM_CALLS; i++) {
		tap_row(mem_calls[i].name);
		CHECK_ERR(ioctl(fd, mem_calls[i].number, NULL), EPERM);
	}
}

TEST(bad_addresses, "an argument that is not there is EFAULT, and holds nothing")
{
	int fd = open_mem();
	size_t i, j;

	for (i = 0; i < NR_MEM_CALLS; i++) {
		tap_row(mem_calls[i].name);
		for (j = 0; j < NR_BAD_SOURCES; j++)
			CHECK_ERR(ioctl(fd, mem_calls[i].number,
					bad_addresses[j].get()), EFAULT);
	}
	check_nothing_held(fd);
}

/* Puts an argument where the kernel can read it and cannot write it. */
static void *read_only_copy(const void *arg, size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *copy = mmap(NULL, page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(copy != MAP_FAILED);
	memcpy(copy, arg, size);
	CHECK_EQ(mprotect(copy, page, PROT_READ), 0);

	return copy;
}

TEST(no_way_back, "what cannot be told to the caller is not held either")
{
	int fd = open_mem(), other = open_path(LINE, CONTROL_ONLY), next;
	struct mem_alloc request = mem_request(fd, MEM_VZALLOC);
	struct mem_map map = { .method = MEM_MAP_FAULT };
	struct mem_fragment fragment = {
		.op = MEM_FRAGMENT_START, .order = 9, .budget = 1 << 20,
	};
	struct mem_limit limit = {
		.allocator = MEM_KMALLOC, .gfp = MEM_GFP_KERNEL, .budget = 4096,
	};
	struct mem_io io = { .buffer = (unsigned long)"hello", .length = 6 };
	char text[6] = "";

	CHECK_ERR(ioctl(fd, MEM_FRAGMENT,
			read_only_copy(&fragment, sizeof(fragment))), EFAULT);
	CHECK_EQ(ioctl(other, MEM_LIMIT, &limit), 0);

	/* Where there is nothing to tell, nobody needs to be able to write. */
	io.handle = mem_one(fd, MEM_KZALLOC, MEM_GFP_KERNEL, 64);
	CHECK_EQ(ioctl(fd, MEM_WRITE, read_only_copy(&io, sizeof(io))), 0);
	io.buffer = (unsigned long)text;
	CHECK_EQ(ioctl(fd, MEM_READ, read_only_copy(&io, sizeof(io))), 0);
	CHECK(!strcmp(text, "hello"));
	mem_free_one(fd, io.handle);

	request.count = 10;
	CHECK_ERR(ioctl(fd, MEM_ALLOC, read_only_copy(&request, sizeof(request))),
		  EFAULT);
	check_nothing_held(fd);

	map.handle = mem_hold(fd, request);
	next = dup(fd);
	close(next);
	CHECK_ERR(ioctl(fd, MEM_MAP, read_only_copy(&map, sizeof(map))), EFAULT);
	CHECK_EQ(dup(fd), next);
	CHECK(!(mem_show(fd, map.handle).flags & MEM_SHOW_MAPPED));
}

TEST(handles, "handles follow each other, and are freed one by one or by stride")
{
	int fd = open_mem(), other = open_path(LINE, CONTROL_ONLY);
	struct mem_alloc request = mem_request(fd, MEM_KMALLOC);
	struct mem_free odd = { .count = 50, .stride = 2 };
	struct mem_free rest = { .count = 1000, .stride = 1 };
	struct mem_show show = { .handle = 0 };
	__u64 first;

	request.count = 100;
	first = mem_hold(fd, request);
	CHECK_EQ(mem_info(fd).objects_file, 100);
	CHECK_EQ(mem_hold(fd, mem_request(fd, MEM_KMALLOC)), first + 100);

	odd.handle = first + 1;
	CHECK_EQ(ioctl(fd, MEM_FREE, &odd), 0);
	CHECK_EQ(odd.count, 50);
	mem_show(fd, first);
	mem_show(fd, first + 98);
	show.handle = first + 1;
	CHECK_ERR(ioctl(fd, MEM_SHOW, &show), ENOENT);
	show.handle = first;
	CHECK_ERR(ioctl(other, MEM_SHOW, &show), ENOENT);
	odd.count = 50;
	CHECK_ERR(ioctl(fd, MEM_FREE, &odd), ENOENT);

	rest.handle = first;
	CHECK_EQ(ioctl(fd, MEM_FREE, &rest), 0);
	CHECK_EQ(rest.count, 51);
	check_nothing_held(fd);
}

TEST(free_invalid, "a free with one thing wrong is refused, and frees nothing")
{
	static const struct {
		const char *name;
		struct mem_free request;
		int error;
	} rows[] = {
		{ "handle 0", { 0, 1, 1, 0, 0 }, ENOENT },
		{ "a handle to come", { 1000, 1, 1, 0, 0 }, ENOENT },
		{ "the largest handle", { -1, -1, -1, 0, 0 }, ENOENT },
		{ "no count", { 1, 0, 1, 0, 0 }, EINVAL },
		{ "no stride", { 1, 1, 0, 0, 0 }, EINVAL },
		{ "unknown flag", { 1, 1, 1, 2, 0 }, EINVAL },
		{ "reserved", { 1, 1, 1, 0, 1 }, EINVAL },
		{ "all, and one", { 1, 0, 0, MEM_FREE_ALL, 0 }, EINVAL },
	};
	int fd = open_mem();
	size_t i;

	mem_hold(fd, mem_request(fd, MEM_KMALLOC));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_free request = rows[i].request;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_FREE, &request), rows[i].error);
	}
	CHECK_EQ(mem_info(fd).objects_file, 1);
}

TEST(free_all, "MEM_FREE_ALL frees all that this file holds, and nobody else's")
{
	struct mem_free all = { .flags = MEM_FREE_ALL };
	int fd = open_mem(), other = open_path(LINE, CONTROL_ONLY);
	struct mem_alloc request = mem_request(fd, MEM_CACHE);

	request.count = 1000;
	mem_hold(fd, request);
	mem_hold(other, mem_request(other, MEM_VMALLOC));
	CHECK_EQ(ioctl(fd, MEM_FREE, &all), 0);
	CHECK_EQ(all.count, 1000);
	CHECK_EQ(mem_info(fd).objects_file, 0);
	CHECK_EQ(mem_info(fd).objects_total, 1);
	CHECK_EQ(ioctl(fd, MEM_FREE, &(struct mem_free) { .flags = MEM_FREE_ALL }),
		 0);
}

TEST(quota, "a file holds no more than its quota, and all no more than theirs")
{
	struct mem_alloc request;
	int fd, other;

	reload_mem("quota_file=1048576 quota_total=1572864");
	fd = open_mem();
	other = open_path(LINE, CONTROL_ONLY);
	CHECK_EQ(mem_info(fd).quota_file, 1 << 20);

	request = mem_request(fd, MEM_ALLOC_PAGES);
	request.size = 1 << 20;
	CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
	check_nothing_held(fd);

	request.size = 100 << 10;
	request.count = 100;
	CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
	check_nothing_held(fd);
	request.flags = MEM_ALLOC_PARTIAL;
	CHECK_EQ(ioctl(fd, MEM_ALLOC, &request), 0);
	CHECK_EQ(request.count, 7);	/* a block of 128 KiB for each, and books */
	CHECK_EQ(mem_info(fd).objects_file, 7);

	request.count = 100;
	CHECK_EQ(ioctl(other, MEM_ALLOC, &request), 0);
	CHECK_EQ(request.count, 4);
	request.count = 1;
	CHECK_ERR(ioctl(other, MEM_ALLOC, &request), EDQUOT);
	close(fd);
	mem_hold(other, request);
	close(other);
	reload_mem("");
}

TEST(most, "of some allocators there is one, or a number that is still quick")
{
	int fd = open_mem();
	struct mem_alloc request = mem_request(fd, MEM_DEVM_KMALLOC);

	mem_hold(fd, mem_request(fd, MEM_STATIC));
	mem_hold(fd, mem_request(fd, MEM_DEFINE_PERCPU));
	CHECK_ERR(ioctl(fd, MEM_ALLOC, (struct mem_alloc[]) {
			mem_request(fd, MEM_STATIC) }), EBUSY);
	CHECK_ERR(ioctl(fd, MEM_ALLOC, (struct mem_alloc[]) {
			mem_request(fd, MEM_DEFINE_PERCPU) }), EBUSY);

	request.count = 4097;
	CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
	request.count = 4096;
	mem_hold(fd, request);
	request.count = 1;
	CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), EDQUOT);
}

TEST(resize, "krealloc keeps what is in the object, as far as it fits")
{
	int fd = open_mem();
	__u32 gfp = MEM_GFP_KERNEL | MEM_GFP_ZERO;
	__u64 handle = mem_one(fd, MEM_KREALLOC, gfp, 100);
	struct mem_resize grow = { handle, 100000, 0, gfp };
	struct mem_resize shrink = { handle, 10, 0, gfp };
	__u64 held = mem_info(fd).held_file;
	char text[10];

	CHECK_EQ(mem_write(fd, handle, 0, "0123456789", 10), 0);
	CHECK_EQ(ioctl(fd, MEM_RESIZE, &grow), 0);
	CHECK_EQ(grow.moved, 1);
	CHECK_EQ(mem_show(fd, handle).requested, 100000);
	CHECK(mem_info(fd).held_file > held + 99000);
	CHECK_EQ(mem_read(fd, handle, 0, text, 10), 0);
	CHECK(!memcmp(text, "0123456789", 10));
	CHECK_EQ(mem_write(fd, handle, 99999, "x", 1), 0);

	CHECK_EQ(ioctl(fd, MEM_RESIZE, &shrink), 0);
	/* krealloc() gives nothing back. */
	CHECK_EQ(mem_show(fd, handle).usable, 131072);
	CHECK(mem_show(fd, handle).footprint >= 131072);
	CHECK(mem_info(fd).held_file > held + 99000);
	CHECK_EQ(mem_read(fd, handle, 0, text, 10), 0);
	CHECK(!memcmp(text, "0123456789", 10));
	CHECK_ERR(mem_read(fd, handle, 1, text, 10), EINVAL);
	mem_free_one(fd, handle);
	check_nothing_held(fd);
}

TEST(resize_invalid, "a resize with one thing wrong is refused")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_KREALLOC, MEM_GFP_KERNEL, 100);
	__u64 other = mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 100);
	const struct {
		const char *name;
		struct mem_resize request;
		int error;
	} rows[] = {
		{ "no handle", { 0, 10, 0, MEM_GFP_KERNEL }, ENOENT },
		{ "not by krealloc", { other, 10, 0, MEM_GFP_KERNEL }, EINVAL },
		{ "size 0", { handle, 0, 0, MEM_GFP_KERNEL }, EINVAL },
		{ "no base flag", { handle, 10, 0, 0 }, EINVAL },
		{ "too large", { handle, 1ULL << 40, 0, MEM_GFP_KERNEL }, E2BIG },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_resize request = rows[i].request;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_RESIZE, &request), rows[i].error);
		CHECK_EQ(mem_show(fd, handle).requested, 100);
	}
}

TEST(debug_caches, "debug caches are made on request, and are seen")
{
	static const __u32 caches[] = { MEM_CACHE_POISON, MEM_CACHE_RED_ZONE };
	struct mem_alloc request;
	int fd;
	size_t i;

	reload_mem("");
	fd = open_mem();
	CHECK(!(mem_info(fd).debug & MEM_DEBUG_SLAB_CACHES));
	for (i = 0; i < ARRAY_SIZE(caches); i++) {
		request = mem_request(fd, caches[i]);
		request.flags = 0;
		CHECK_ERR(ioctl(fd, MEM_ALLOC, &request), ENODEV);
		request.flags = MEM_ALLOC_DEBUG;
		mem_hold(fd, request);
	}
	CHECK(mem_info(fd).debug & MEM_DEBUG_SLAB_CACHES);
	CHECK(file_has("/proc/slabinfo", "mem_demo_poison "));
	CHECK(file_has("/proc/slabinfo", "mem_demo_red_zone "));
	request = mem_request(fd, MEM_CACHE_POISON);
	request.flags = 0;
	/* Until 5.13, such a flag meant nothing without slub_debug at boot. */
	CHECK_EQ(mem_show(fd, mem_hold(fd, request)).zeroed_why,
		 kernel_before(5, 13) ? MEM_ZEROED_CHANCE : MEM_ZEROED_POISON);
	close(fd);
	reload_mem("");
}

TEST(slabinfo, "each cache of the laboratory is seen under its own name")
{
	int fd = open_mem();

	mem_hold(fd, mem_request(fd, MEM_CACHE));
	CHECK(file_has("/proc/slabinfo", "mem_demo_plain "));
	CHECK(file_has("/proc/slabinfo", "mem_demo_hwalign "));
	CHECK(file_has("/proc/slabinfo", "mem_demo_ctor "));
	CHECK(file_has("/proc/slabinfo", "mem_demo_mempool "));
}

TEST(pinned, "the module stays as long as a file has used it")
{
	int fd = open_mem(), other = open_path(LINE, CONTROL_ONLY);

	mem_info(fd);
	CHECK_EQ(try_unload_mem(), EWOULDBLOCK);
	close(fd);
	CHECK_EQ(try_unload_mem(), 0);
	CHECK_ERR(ioctl(other, MEM_GET_INFO, NULL), EOPNOTSUPP);
	CHECK_EQ(try_load_mem(""), 0);
	mem_info(other);
}

TEST(closed, "close frees everything, of every allocator")
{
	struct mem_allocator allocator;
	int fd = open_mem(), other = open_path(LINE, CONTROL_ONLY);

	FOR_EACH_ALLOCATOR(fd, allocator) {
		struct mem_alloc request = mem_request(fd, allocator.id);

		if (!(allocator.caps & MEM_CAP_ALLOC) ||
		    (allocator.caps & MEM_CAP_DEBUG))
			continue;
		request.count = allocator.caps & MEM_CAP_SINGLE ? 1 : 10;
		mem_hold(fd, request);
	}
	close(fd);
	check_nothing_held(other);
}

/* Once is enough: this is about the module, not about its callers. */
#define NR_HELD		(sizeof(long) == 8 ? 100000 : 10000)

TEST_WITHIN(killed, 60, "a process that is killed in the middle of a bench leaves nothing")
{
	struct mem_bench bench;
	struct mem_progress progress;
	int fd, other;
	pid_t pid;

	reload_mem("quota_file=67108864 quota_total=67108864");
	fd = open_mem();
	other = open_path(LINE, CONTROL_ONLY);
	CHILD(pid) {
		struct mem_alloc request = mem_request(fd, MEM_CACHE);

		request.count = NR_HELD;
		mem_hold(fd, request);
		bench = mem_bench_request(fd, MEM_KMALLOC);
		bench.n = 10000000;
		bench.depth = 10000;
		ioctl(fd, MEM_BENCH, &bench);
	}
	do {
		CHECK_EQ(ioctl(fd, MEM_GET_PROGRESS, &progress), 0);
		tap_nap();
	} while (!progress.done);
	CHECK(mem_info(fd).objects_file == NR_HELD);
	kill_child(pid);
	CHECK_EQ(mem_info(fd).objects_file, NR_HELD);
	close(fd);
	check_nothing_held(other);
	close(other);
	/* That complains, and ends the machine, if a cache is not empty. */
	reload_mem("");
}

/* Threads */

static int shared_fd;

static void *make_trouble(void *number)
{
	unsigned int seed = (unsigned long)number, i;

	for (i = 0; i < 1000; i++) {
		struct mem_alloc alloc = {
			.allocator = MEM_KREALLOC, .gfp = MEM_GFP_KERNEL,
			.size = 1 + rand_r(&seed) % 5000, .count = 1,
		};
		struct mem_free free = {
			.handle = rand_r(&seed) % 1000, .count = 20, .stride = 1,
		};
		struct mem_resize resize = {
			.handle = rand_r(&seed) % 1000, .gfp = MEM_GFP_KERNEL,
			.size = 1 + rand_r(&seed) % 5000,
		};
		struct mem_show show = { .handle = rand_r(&seed) % 1000 };
		struct mem_walk walk = { .handle = rand_r(&seed) % 1000 };
		char byte = 'x';

		ioctl(shared_fd, MEM_ALLOC, &alloc);
		ioctl(shared_fd, MEM_SHOW, &show);
		ioctl(shared_fd, MEM_RESIZE, &resize);
		ioctl(shared_fd, MEM_WALK, &walk);
		mem_write(shared_fd, show.handle, rand_r(&seed) % 100, &byte, 1);
		if (i % 8 == 0)
			ioctl(shared_fd, MEM_FREE, &free);
	}

	return NULL;
}

TEST_WITHIN(threads, 60, "threads that use the same file do not get in each other's way")
{
	pthread_t threads[4];
	size_t i;

	shared_fd = open_mem();
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, make_trouble,
					(void *)(i + 1)), 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK(mem_info(shared_fd).objects_file > 0);
	CHECK_EQ(ioctl(shared_fd, MEM_FREE,
		       &(struct mem_free) { .flags = MEM_FREE_ALL }), 0);
	check_nothing_held(shared_fd);
}
