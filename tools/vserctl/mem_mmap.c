// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem mmap: kernel memory in a process, mapped in three ways
 */
#include <argp.h>
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

enum mmap_column {
	MMAP_ALLOCATOR,
	MMAP_METHOD,
	MMAP_LENGTH,
	MMAP_USER_SEES,
	MMAP_KERNEL_SEES,
	MMAP_TOUCH_FAULTS,
	MMAP_FAULTS,
	MMAP_OPENS,
	MMAP_CLOSES,
	MMAP_OUTLIVES,
};

static const struct column mmap_columns[] = {
	[MMAP_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[MMAP_METHOD] = { "method", "METHOD", COLUMN_TEXT, false },
	[MMAP_LENGTH] = { "length", "LENGTH", COLUMN_NUMBER, false },
	[MMAP_USER_SEES] = { "user_sees", "USER-SEES", COLUMN_TRUTH, false },
	[MMAP_KERNEL_SEES] = { "kernel_sees", "KERNEL-SEES", COLUMN_TRUTH, false },
	[MMAP_TOUCH_FAULTS] = { "page_faults", "PAGE-FAULTS", COLUMN_NUMBER, false },
	[MMAP_FAULTS] = { "handler_faults", "HANDLER", COLUMN_NUMBER, false },
	[MMAP_OPENS] = { "opens", "OPENS", COLUMN_NUMBER, false },
	[MMAP_CLOSES] = { "closes", "CLOSES", COLUMN_NUMBER, false },
	[MMAP_OUTLIVES] = { "outlives_free", "OUTLIVES-FREE", COLUMN_TRUTH, false },
};

static const struct {
	__u32 method;
	const char *name;
} methods[] = {
	{ MEM_MAP_REMAP_PFN, "remap_pfn_range" },
	{ MEM_MAP_INSERT_PAGE, "vm_insert_page" },
	{ MEM_MAP_FAULT, "fault" },
};

static long count_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Words that differ from page to page, so that no page can stand for another. */
static uint32_t word_at(size_t offset, uint32_t salt)
{
	return (uint32_t)offset * 2654435761U + salt;
}

static void write_words(volatile uint32_t *words, size_t length, uint32_t salt)
{
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++)
		words[i] = word_at(i, salt);
}

static bool has_words(const volatile uint32_t *words, size_t length, uint32_t salt)
{
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++) {
		if (words[i] != word_at(i, salt))
			return false;
	}
	return true;
}

/* Moves the object's bytes through the kernel's own mapping. */
static void kernel_io(int fd, unsigned long request, __u64 handle, void *buffer,
		      size_t length)
{
	struct mem_io io = {
		.handle = handle,
		.buffer = (uintptr_t)buffer,
		.length = length,
	};

	device_ioctl(fd, request, &io, request == MEM_READ ? "MEM_READ" : "MEM_WRITE");
}

/* A child that inherits the mapping opens the area once more, and closes it. */
static void fork_once(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (pid == 0)
		_exit(0);
	if (waitpid(pid, NULL, 0) < 0)
		err(EXIT_FAILURE, "waitpid");
}

static void map_object(int fd, struct table *table,
		       const struct mem_allocator *allocator,
		       struct mem_alloc alloc, size_t method)
{
	struct mem_map map = { .method = methods[method].method };
	struct mem_mapping mapping;
	size_t length = alloc.size;
	uint32_t *copy = malloc(length);
	uint32_t *shared;
	long faults;

	if (!copy)
		err(EXIT_FAILURE, "malloc");
	map.handle = mem_must_alloc(fd, allocator, &alloc);
	device_ioctl(fd, MEM_MAP, &map, "MEM_MAP");
	shared = mmap(NULL, map.length, PROT_READ | PROT_WRITE, MAP_SHARED, map.fd, 0);
	if (shared == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");

	table_add_row(table);
	table_set(table, MMAP_ALLOCATOR, "%s", allocator->name);
	table_set(table, MMAP_METHOD, "%s", methods[method].name);
	table_set_number(table, MMAP_LENGTH, map.length);

	write_words(copy, length, 1);
	kernel_io(fd, MEM_WRITE, alloc.handle, copy, length);
	faults = count_faults();
	table_set_truth(table, MMAP_USER_SEES, has_words(shared, length, 1));
	table_set_number(table, MMAP_TOUCH_FAULTS, count_faults() - faults);
	write_words(shared, length, 2);
	kernel_io(fd, MEM_READ, alloc.handle, copy, length);
	table_set_truth(table, MMAP_KERNEL_SEES, has_words(copy, length, 2));

	fork_once();
	mem_must_free(fd, alloc.handle, 1);
	table_set_truth(table, MMAP_OUTLIVES, has_words(shared, length, 2));
	munmap(shared, map.length);
	device_ioctl(map.fd, MEM_GET_MAPPING, &mapping, "MEM_GET_MAPPING");
	table_set_number(table, MMAP_FAULTS, mapping.faults);
	table_set_number(table, MMAP_OPENS, mapping.opens);
	table_set_number(table, MMAP_CLOSES, mapping.closes);
	close(map.fd);
	free(copy);
}

int mem_mmap_command(int argc, char **argv)
{
	static const char doc[] =
		"Map kernel memory into this process in three ways: by "
		"remap_pfn_range() and vm_insert_page() when mmap() is called, and by a "
		"fault handler when a page is touched. The same bytes are written and "
		"read on both sides; then a child inherits the mapping, and the kernel's "
		"side frees the object while it is mapped."
		"\vPAGE-FAULTS are those of this process when it touched the pages for "
		"the first time, HANDLER is how often the laboratory's fault handler was "
		"asked. OPENS and CLOSES count areas: mmap(), the child's, and their "
		"ends. OUTLIVES-FREE: the bytes were still there after the free.\n\n"
		"Only whole pages that were zeroed can be mapped, MAP_SHARED: a slab "
		"object shares its page with objects of others.";
	const __u64 four_pages = 4 * sysconf(_SC_PAGESIZE);
	struct mem_request request = { 0 };
	struct mem_selection selection;
	struct table *table;
	size_t i, method;
	int fd;

	mem_parse_request(argc, argv, doc, &request);
	fd = mem_open();
	mem_select(fd, &request, MEM_CAP_MAP, &selection);
	table = table_new("mmap", TABLE_ROWS, mmap_columns,
			  ARRAY_SIZE(mmap_columns));
	for (i = 0; i < selection.count; i++) {
		const struct mem_allocator *allocator = &selection.allocators[i];
		struct mem_alloc alloc = mem_alloc_for(&request, allocator);

		if (!request.size && four_pages <= allocator->max_size)
			alloc.size = four_pages;
		alloc.gfp |= allocator->gfp & MEM_GFP_ZERO;
		for (method = 0; method < ARRAY_SIZE(methods); method++)
			map_object(fd, table, allocator, alloc, method);
	}
	table_print(table);
	return EXIT_SUCCESS;
}
