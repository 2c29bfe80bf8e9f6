// SPDX-License-Identifier: GPL-2.0
/* What the tests of the memory laboratory share. See mem.h. */
#define _GNU_SOURCE

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mem.h"

int try_load_mem(const char *parameters)
{
	return try_load_module("mem_demo", parameters);
}

int try_unload_mem(void)
{
	return try_unload_module("mem_demo");
}

void reload_mem(const char *parameters)
{
	if (exists("/sys/module/mem_demo"))
		CHECK_EQ(try_unload_mem(), 0);
	CHECK_EQ(try_load_mem(parameters), 0);
}

int open_mem(void)
{
	if (!exists("/sys/module/mem_demo"))
		CHECK_EQ(try_load_mem(""), 0);

	return open_line(CONTROL_ONLY);
}

struct mem_info mem_info(int fd)
{
	struct mem_info info = { .abi = 0 };

	CHECK_EQ(ioctl(fd, MEM_GET_INFO, &info), 0);

	return info;
}

struct mem_allocator mem_allocator(int fd, __u32 id)
{
	struct mem_allocator allocator = { .id = id };

	CHECK_EQ(ioctl(fd, MEM_GET_ALLOCATOR, &allocator), 0);
	tap_row(strdup(allocator.name));

	return allocator;
}

struct mem_allocator mem_next_allocator(int fd, __u32 id)
{
	if (id < MEM_NR_ALLOCATORS)
		return mem_allocator(fd, id + 1);

	tap_row(NULL);
	return (struct mem_allocator) { .id = 0 };
}

void show_addresses(bool yes)
{
	write_file("/proc/sys/kernel/kptr_restrict", yes ? "1" : "0");
}

__u32 mem_gfp(const struct mem_allocator *allocator)
{
	return allocator->gfp & MEM_GFP_KERNEL ? MEM_GFP_KERNEL : MEM_GFP_NOWAIT;
}

struct mem_alloc mem_request(int fd, __u32 id)
{
	struct mem_allocator allocator = { .id = id };

	CHECK_EQ(ioctl(fd, MEM_GET_ALLOCATOR, &allocator), 0);

	return (struct mem_alloc) {
		.allocator = id,
		.gfp = mem_gfp(&allocator),
		.size = allocator.default_size,
		.count = 1,
		.flags = allocator.caps & MEM_CAP_DEBUG ? MEM_ALLOC_DEBUG : 0,
		.dma_bits = allocator.caps & MEM_CAP_DMA ? 64 : 0,
	};
}

struct mem_bench mem_bench_request(int fd, __u32 id)
{
	struct mem_alloc request = mem_request(fd, id);

	return (struct mem_bench) {
		.allocator = id,
		.gfp = request.gfp,
		.size = request.size,
		.dma_bits = request.dma_bits,
		.n = 100,
		.pattern = MEM_PATTERN_LIFO,
		.depth = 10,
	};
}

__u64 mem_hold(int fd, struct mem_alloc request)
{
	CHECK_EQ(ioctl(fd, MEM_ALLOC, &request), 0);
	CHECK(request.handle);

	return request.handle;
}

__u64 mem_one(int fd, __u32 id, __u32 gfp, __u64 size)
{
	struct mem_alloc request = mem_request(fd, id);

	request.gfp = gfp;
	request.size = size;

	return mem_hold(fd, request);
}

void mem_free_one(int fd, __u64 handle)
{
	struct mem_free request = { .handle = handle, .count = 1, .stride = 1 };

	CHECK_EQ(ioctl(fd, MEM_FREE, &request), 0);
	CHECK_EQ(request.count, 1);
}

struct mem_show mem_show(int fd, __u64 handle)
{
	struct mem_show show = { .handle = handle };

	CHECK_EQ(ioctl(fd, MEM_SHOW, &show), 0);

	return show;
}

static int mem_io(int fd, unsigned long request, __u64 handle, __u64 offset,
		  const void *buffer, __u32 length)
{
	struct mem_io io = {
		.handle = handle,
		.offset = offset,
		.buffer = (unsigned long)buffer,
		.length = length,
	};

	return ioctl(fd, request, &io);
}

int mem_read(int fd, __u64 handle, __u64 offset, void *buffer, __u32 length)
{
	return mem_io(fd, MEM_READ, handle, offset, buffer, length);
}

int mem_write(int fd, __u64 handle, __u64 offset, const void *buffer,
	      __u32 length)
{
	return mem_io(fd, MEM_WRITE, handle, offset, buffer, length);
}

void check_nothing_held(int fd)
{
	struct mem_info info = mem_info(fd);

	CHECK_EQ(info.objects_file, 0);
	CHECK_EQ(info.held_file, 0);
	CHECK_EQ(info.objects_total, 0);
	CHECK_EQ(info.held_total, 0);
}

#define CALL(name, type)	{ #name, name, sizeof(struct type) }

const struct mem_call mem_calls[NR_MEM_CALLS] = {
	CALL(MEM_GET_INFO, mem_info),
	CALL(MEM_GET_ALLOCATOR, mem_allocator),
	CALL(MEM_ALLOC, mem_alloc),
	CALL(MEM_FREE, mem_free),
	CALL(MEM_RESIZE, mem_resize),
	CALL(MEM_SHOW, mem_show),
	CALL(MEM_WALK, mem_walk),
	CALL(MEM_READ, mem_io),
	CALL(MEM_WRITE, mem_io),
	CALL(MEM_MAP, mem_map),
	CALL(MEM_BENCH, mem_bench),
	CALL(MEM_GET_PROGRESS, mem_progress),
	CALL(MEM_LIMIT, mem_limit),
	CALL(MEM_GFP_TRY, mem_gfp_try),
	CALL(MEM_FRAGMENT, mem_fragment),
	CALL(MEM_PERCPU, mem_percpu),
	CALL(MEM_MEMPOOL, mem_mempool),
	CALL(MEM_DEVM, mem_devm),
	CALL(MEM_DMA_SYNC, mem_dma_sync),
};
