// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping memory into a program: both sides see the same bytes, the memory lives
 * as long as it is mapped, and what would show other people's memory is refused.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"

#define PAGE	4096UL	/* x86's */
#define PAGES	4UL
#define LENGTH	(PAGES * PAGE)

static const struct {
	const char *name;
	__u32 method;
} methods[] = {
	{ "remap_pfn_range", MEM_MAP_REMAP_PFN },
	{ "vm_insert_page", MEM_MAP_INSERT_PAGE },
	{ "fault", MEM_MAP_FAULT },
};

static const struct {
	const char *name;
	__u32 id;
	__u32 gfp;
} mappable[] = {
	{ "alloc_pages", MEM_ALLOC_PAGES, MEM_GFP_KERNEL },
	{ "compound pages", MEM_ALLOC_PAGES, MEM_GFP_KERNEL | MEM_GFP_COMP },
	{ "accounted pages", MEM_ALLOC_PAGES, MEM_GFP_KERNEL | MEM_GFP_ACCOUNT },
	{ "__get_free_pages", MEM_GET_FREE_PAGES, MEM_GFP_KERNEL },
	{ "kmap_local_page", MEM_KMAP_LOCAL, MEM_GFP_HIGHUSER },
	{ "vmalloc", MEM_VMALLOC, MEM_GFP_KERNEL },
};

static int map_fd(int fd, __u64 handle, __u32 method)
{
	struct mem_map map = { .handle = handle, .method = method };

	CHECK_EQ(ioctl(fd, MEM_MAP, &map), 0);
	CHECK(map.length >= PAGE);

	return map.fd;
}

static char *map(int mapfd, size_t length)
{
	char *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, mapfd, 0);

	CHECK(at != MAP_FAILED);

	return at;
}

static struct mem_mapping mapping(int mapfd)
{
	struct mem_mapping mapping;

	CHECK_EQ(ioctl(mapfd, MEM_GET_MAPPING, &mapping), 0);

	return mapping;
}

static void check_same(int fd, __u64 handle, char *at)
{
	char byte;
	size_t i;

	for (i = 0; i < LENGTH; i += PAGE / 2)
		CHECK_EQ(at[i], 0);
	for (i = 0; i < LENGTH; i += PAGE / 2) {
		at[i] = 'a' + i / PAGE;
		CHECK_EQ(mem_read(fd, handle, i, &byte, 1), 0);
		CHECK_EQ(byte, 'a' + i / PAGE);
		CHECK_EQ(mem_write(fd, handle, i + 1, "K", 1), 0);
		CHECK_EQ(at[i + 1], 'K');
	}
}

TEST(same_bytes, "program and kernel see the same bytes, however they are mapped")
{
	int fd = open_mem();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(mappable); i++) {
		for (j = 0; j < ARRAY_SIZE(methods); j++) {
			__u64 handle = mem_one(fd, mappable[i].id,
					       mappable[i].gfp | MEM_GFP_ZERO,
					       LENGTH);
			int mapfd = map_fd(fd, handle, methods[j].method);
			char *at = map(mapfd, LENGTH);

			tap_row(mappable[i].name);
			tap_row(methods[j].name);
			CHECK(mem_show(fd, handle).flags & MEM_SHOW_MAPPED);
			check_same(fd, handle, at);
			CHECK_EQ(munmap(at, LENGTH), 0);
			close(mapfd);
			mem_free_one(fd, handle);
			check_nothing_held(fd);
		}
	}
}

TEST(outlives, "memory that is mapped outlives free, close of both, and its program")
{
	int other = open_mem();
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(mappable); i++) {
		for (j = 0; j < ARRAY_SIZE(methods); j++) {
			int fd = open_path(LINE, CONTROL_ONLY), mapfd;
			__u64 handle = mem_one(fd, mappable[i].id,
					       mappable[i].gfp | MEM_GFP_ZERO,
					       LENGTH);
			char *at;

			tap_row(methods[j].name);
			mapfd = map_fd(fd, handle, methods[j].method);
			at = map(mapfd, LENGTH);
			strcpy(at + PAGE, "still here");
			mem_free_one(fd, handle);
			/* It is still in the books. */
			CHECK_EQ(mem_info(fd).objects_file, 1);
			close(fd);
			close(mapfd);
			CHECK_EQ(mem_info(other).objects_total, 1);
			CHECK(mem_info(other).held_total > LENGTH);
			CHECK(!strcmp(at + PAGE, "still here"));
			CHECK_EQ(try_unload_mem(), EWOULDBLOCK);
			CHECK_EQ(munmap(at, LENGTH), 0);
			check_nothing_held(other);
		}
	}
}

TEST(pinned, "a mapping keeps the module, also without any file of the line")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, LENGTH);
	int mapfd = map_fd(fd, handle, MEM_MAP_FAULT);
	char *at = map(mapfd, LENGTH);

	close(fd);
	close(mapfd);
	CHECK_EQ(try_unload_mem(), EWOULDBLOCK);
	at[0] = 1;
	CHECK_EQ(munmap(at, LENGTH), 0);
	CHECK_EQ(try_unload_mem(), 0);
}

TEST(counters, "areas are counted as they are made, split, copied by fork, and go")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, LENGTH);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		int mapfd = map_fd(fd, handle, methods[i].method);
		char *at = map(mapfd, LENGTH);
		pid_t pid;

		tap_row(methods[i].name);
		CHECK_EQ(mapping(mapfd).method, methods[i].method);
		CHECK_EQ(mapping(mapfd).length, LENGTH);
		CHECK_EQ(mapping(mapfd).areas, 1);
		CHECK_EQ(mapping(mapfd).opens, 1);
		CHILD(pid)
			CHECK_EQ(mapping(mapfd).areas, 2);
		check_child(pid);
		WAIT_UNTIL(mapping(mapfd).areas == 1);
		CHECK_EQ(mapping(mapfd).opens, 2);
		CHECK_EQ(mapping(mapfd).closes, 1);
		/* A hole in the middle makes two of one. */
		CHECK_EQ(munmap(at + PAGE, PAGE), 0);
		CHECK_EQ(mapping(mapfd).areas, 2);
		CHECK_EQ(munmap(at, LENGTH), 0);
		CHECK_EQ(mapping(mapfd).areas, 0);
		CHECK_EQ(mapping(mapfd).opens, mapping(mapfd).closes);
		CHECK_EQ(mapping(mapfd).faults, 0);
		close(mapfd);
	}
}

TEST(faults, "pages come one by one, when they are touched, with the fault handler")
{
	int fd = open_mem();
	int mapfd = map_fd(fd, mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, LENGTH),
			   MEM_MAP_FAULT);
	char *at = map(mapfd, LENGTH);
	size_t i;

	for (i = 0; i < PAGES; i++) {
		CHECK_EQ(mapping(mapfd).faults, i);
		at[i * PAGE] = 1;
		at[i * PAGE + 1] = 1;
	}
	CHECK_EQ(mapping(mapfd).faults, PAGES);
}

TEST(part, "a part can be mapped, from any page on")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, LENGTH);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		int mapfd = map_fd(fd, handle, methods[i].method);
		char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
				mapfd, 2 * PAGE);
		char byte = 0;

		tap_row(methods[i].name);
		CHECK(at != MAP_FAILED);
		at[3] = 'p' + i;
		CHECK_EQ(mem_read(fd, handle, 2 * PAGE + 3, &byte, 1), 0);
		CHECK_EQ(byte, 'p' + i);
	}
}

TEST(read_only, "a mapping for reading is for reading")
{
	int fd = open_mem();
	int mapfd = map_fd(fd, mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, PAGE),
			   MEM_MAP_INSERT_PAGE);
	char *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, mapfd, 0);
	pid_t pid;
	int status;

	CHECK(at != MAP_FAILED);
	CHECK_EQ(at[0], 0);
	pid = fork_child();
	if (!pid) {
		*(volatile char *)at = 1;
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

TEST(executed, "the memory is for data: no mapping of it is executable")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, PAGE);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		int mapfd = map_fd(fd, handle, methods[i].method);
		char *at = map(mapfd, PAGE);

		tap_row(methods[i].name);
		CHECK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, mapfd,
			   0) == MAP_FAILED);
		CHECK_EQ(errno, EPERM);
		CHECK_ERR(mprotect(at, PAGE, PROT_READ | PROT_EXEC), EACCES);
		CHECK_EQ(mprotect(at, PAGE, PROT_READ), 0);
	}
}

TEST(mmap_invalid, "only a shared mapping within the object is one")
{
	static const struct {
		const char *name;
		size_t length;
		int flags;
		off_t offset;
	} rows[] = {
		{ "private", PAGE, MAP_PRIVATE, 0 },
		{ "too long", LENGTH + PAGE, MAP_SHARED, 0 },
		{ "beyond the end", PAGE, MAP_SHARED, LENGTH },
		{ "over the end", 2 * PAGE, MAP_SHARED, LENGTH - PAGE },
		{ "far beyond", PAGE, MAP_SHARED, 0x7ffff000 },
	};
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, LENGTH);
	size_t i, j;

	for (j = 0; j < ARRAY_SIZE(methods); j++) {
		int mapfd = map_fd(fd, handle, methods[j].method);

		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			tap_row(rows[i].name);
			CHECK(mmap(NULL, rows[i].length, PROT_READ | PROT_WRITE,
				   rows[i].flags, mapfd,
				   rows[i].offset) == MAP_FAILED);
			CHECK_EQ(errno, EINVAL);
			CHECK_EQ(mapping(mapfd).opens, 0);
		}
	}
}

TEST(grow, "a mapping cannot be made to reach further than its object")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, LENGTH);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		char *at = map(map_fd(fd, handle, methods[i].method), LENGTH);

		tap_row(methods[i].name);
		CHECK(mremap(at, LENGTH, 2 * LENGTH, MREMAP_MAYMOVE) == MAP_FAILED);
		CHECK_EQ(errno, EFAULT);
	}
}

TEST(map_invalid, "what may show other people's memory is not mappable")
{
	int fd = open_mem();
	const struct {
		const char *name;
		__u32 id;
		__u32 gfp;
		__u64 size;
		__u32 method;
	} rows[] = {
		{ "a slab object", MEM_KZALLOC, MEM_GFP_KERNEL, 2048,
		  MEM_MAP_FAULT },
		{ "a slab object of a page", MEM_KZALLOC, MEM_GFP_KERNEL, PAGE,
		  MEM_MAP_FAULT },
		{ "a cache's object", MEM_CACHE, MEM_GFP_KERNEL | MEM_GFP_ZERO,
		  256, MEM_MAP_FAULT },
		{ "pages not asked for zeroed", MEM_ALLOC_PAGES, MEM_GFP_KERNEL,
		  PAGE, MEM_MAP_FAULT },
		{ "vmalloc not asked for zeroed", MEM_VMALLOC, MEM_GFP_KERNEL,
		  PAGE, MEM_MAP_FAULT },
		{ "per-CPU memory", MEM_ALLOC_PERCPU, MEM_GFP_KERNEL, PAGE,
		  MEM_MAP_FAULT },
		{ "no method", MEM_VZALLOC, MEM_GFP_KERNEL, PAGE, 0 },
		{ "unknown method", MEM_VZALLOC, MEM_GFP_KERNEL, PAGE, 4 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_map map = {
			.handle = mem_one(fd, rows[i].id, rows[i].gfp,
					  rows[i].size),
			.method = rows[i].method,
		};

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_MAP, &map), EINVAL);
		mem_free_one(fd, map.handle);
	}
	CHECK_ERR(ioctl(fd, MEM_MAP, &(struct mem_map) {
			.handle = 1000, .method = MEM_MAP_FAULT }), ENOENT);
}

TEST(no_descriptor, "who has no descriptor left gets no mapping")
{
	const struct rlimit none = { 0, 0 };
	int fd = open_mem();
	struct mem_map map = {
		.handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, 4096),
		.method = MEM_MAP_INSERT_PAGE,
	};

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_ERR(ioctl(fd, MEM_MAP, &map), EMFILE);
	/* The object can go: nothing is mapped. */
	mem_free_one(fd, map.handle);
}

TEST(not_a_line, "the descriptor is for mapping: no other call is one of its")
{
	int fd = open_mem();
	int mapfd = map_fd(fd, mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, PAGE),
			   MEM_MAP_FAULT);
	char byte;

	CHECK_ERR(ioctl(mapfd, MEM_GET_INFO, &byte), ENOTTY);
	CHECK_ERR(ioctl(mapfd, VS_GET_BAUD, &byte), ENOTTY);
	CHECK_ERR(ioctl(mapfd, MEM_GET_MAPPING, NULL), EFAULT);
	CHECK_EQ(read(mapfd, &byte, 1), -1);
	CHECK_EQ(write(mapfd, &byte, 1), -1);
	CHECK_EQ(fcntl(mapfd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(mapfd, F_GETFL) & O_ACCMODE, O_RDWR);
}
