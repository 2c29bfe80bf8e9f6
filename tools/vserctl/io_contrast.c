// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io reserved --contrast: large memory in one piece, from whom it is to be
 * had when memory is fragmented
 *
 * The memory laboratory does the fragmenting.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "io.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

enum {
	CONTRAST_MEMORY,
	CONTRAST_SIZE,
	CONTRAST_PIECES,
	CONTRAST_BEFORE,
	CONTRAST_FRAGMENTED,
};

static const struct column columns[] = {
	[CONTRAST_MEMORY] = { "memory", "MEMORY", COLUMN_TEXT, false },
	[CONTRAST_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[CONTRAST_PIECES] = { "contiguous", "IN-ONE-PIECE", COLUMN_TRUTH, false },
	[CONTRAST_BEFORE] = { "before", "BEFORE", COLUMN_TRUTH, false },
	[CONTRAST_FRAGMENTED] = { "fragmented", "FRAGMENTED", COLUMN_TRUTH, false },
};

/* Where memory may come from. */
struct source {
	const char *name;
	__u64 size;
	bool contiguous;
	bool (*is_there)(const struct source *source);
	int fd;
	bool before;
};

static bool is_allocated(int fd, __u32 allocator, __u64 size)
{
	struct mem_alloc alloc = {
		.allocator = allocator, .gfp = MEM_GFP_KERNEL, .size = size,
		.count = 1,
	};

	if (ioctl(fd, MEM_ALLOC, &alloc) == 0) {
		mem_must_free(fd, alloc.handle, 1);
		return true;
	}
	if (errno != ENOMEM)
		errx(EXIT_FAILURE, "%llu bytes: %s", size,
		     mem_explain(fd, &alloc, errno));
	return false;
}

static bool is_block(const struct source *source)
{
	return is_allocated(source->fd, MEM_ALLOC_PAGES, source->size);
}

static bool is_vmalloc(const struct source *source)
{
	return is_allocated(source->fd, MEM_VMALLOC, source->size);
}

/* As a driver would ask for it. */
static bool is_coherent(const struct source *source)
{
	struct io_demo_dma dma = {
		.kind = IO_DEMO_DMA_COHERENT, .size = source->size,
	};
	struct io_demo_release release = { 0 };

	if (ioctl(source->fd, VS_IO_DMA, &dma))
		return false;
	release.handle = dma.handle;
	io_ioctl(source->fd, VS_IO_RELEASE, &release, "release");
	return true;
}

static bool is_reserved(const struct source *source)
{
	return io_try_memory(source->fd, source->size);
}

static bool has_device(int fd)
{
	struct io_demo_edu edu = { 0 };

	return ioctl(fd, VS_IO_EDU, &edu) == 0;
}

void io_contrast(int memory, __u64 size)
{
	int fd = mem_open();
	unsigned int order = mem_get_info(fd).max_order;
	__u64 block = (__u64)sysconf(_SC_PAGESIZE) << order;
	struct mem_fragment fragment = {
		.op = MEM_FRAGMENT_START, .order = order,
	};
	struct source sources[] = {
		{ "alloc_pages(), its largest block", block, true, is_block, fd, false },
		{ "vmalloc()", size, false, is_vmalloc, fd, false },
		{ "reserved at boot", size, true, is_reserved, memory, false },
		{ "dma_alloc_coherent(), for a device",
		  block < IO_DEMO_MAX_BUFFER ? block : IO_DEMO_MAX_BUFFER, true,
		  is_coherent, fd, false },
	};
	size_t count = ARRAY_SIZE(sources) - !has_device(fd), i;
	struct table *table;

	for (i = 0; i < count; i++)
		sources[i].before = sources[i].is_there(&sources[i]);
	device_ioctl(fd, MEM_FRAGMENT, &fragment, "MEM_FRAGMENT");
	table = table_new("contrast", TABLE_ROWS, columns, ARRAY_SIZE(columns));
	for (i = 0; i < count; i++) {
		table_add_row(table);
		table_set(table, CONTRAST_MEMORY, "%s", sources[i].name);
		table_set_number(table, CONTRAST_SIZE, sources[i].size);
		table_set_truth(table, CONTRAST_PIECES, sources[i].contiguous);
		table_set_truth(table, CONTRAST_BEFORE, sources[i].before);
		table_set_truth(table, CONTRAST_FRAGMENTED,
				sources[i].is_there(&sources[i]));
	}
	fragment.op = MEM_FRAGMENT_STOP;
	device_ioctl(fd, MEM_FRAGMENT, &fragment, "MEM_FRAGMENT");
	table_print(table);
}
