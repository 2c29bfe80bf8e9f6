// SPDX-License-Identifier: GPL-2.0
/*
 * Figures of what an object takes come from the kernel: they are what its own files
 * tell, and not told where it does not tell them.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "mem.h"

#define PAGE	4096ULL

TEST_WITHIN(slab, 60, "of slab objects, what the slab allocator tells of its caches")
{
	check_slab_figures(open_mem());
}

/*
 * The pages of the laboratory's largest area, as the kernel lists them; vmalloc()
 * may have another one, for the list of the pages.
 */
static __u64 vmalloc_pages(void)
{
	unsigned long pages, most = 0;
	FILE *file = fopen("/proc/vmallocinfo", "r");
	char line[400], *at;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		at = strstr(line, "[mem_demo] pages=");
		if (at && sscanf(at, "[mem_demo] pages=%lu", &pages) == 1 &&
		    pages > most)
			most = pages;
	}
	fclose(file);

	return most;
}

TEST(vmalloc, "of vmalloc and kvmalloc, as many pages as the kernel lists")
{
	static const __u64 sizes[] = {
		1, PAGE, PAGE + 1, 1 << 20, (2 << 20) + 1, (6 << 20) + PAGE, 8 << 20,
	};
	static const __u32 ids[] = { MEM_VMALLOC, MEM_KVMALLOC };
	int fd = open_mem();
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(ids); k++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			__u64 handle = mem_one(fd, ids[k], MEM_GFP_KERNEL, sizes[i]);
			struct mem_show show = mem_show(fd, handle);

			if (show.region == MEM_REGION_VMALLOC) {
				CHECK(show.flags & MEM_SHOW_FOOTPRINT);
				CHECK_EQ(show.footprint, vmalloc_pages() * PAGE);
				CHECK_EQ(show.usable, show.footprint);
			} else {
				CHECK_EQ(ids[k], MEM_KVMALLOC);
			}
			CHECK(show.usable >= sizes[i]);
			mem_free_one(fd, handle);
		}
	}
}

TEST(pages, "of pages, the block")
{
	int fd = open_mem();
	struct mem_show show;

	show = mem_show(fd, mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL, 5 * PAGE));
	CHECK(show.flags & MEM_SHOW_FOOTPRINT);
	CHECK_EQ(show.footprint, 8 * PAGE);
	CHECK_EQ(show.usable, 8 * PAGE);
	CHECK_EQ(show.order, 3);
	show = mem_show(fd, mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 5 * PAGE));
	CHECK_EQ(show.footprint, 8 * PAGE);
}

TEST(devm_pages, "of a device's memory that is too large for a slab, the block")
{
	int fd = open_mem();
	struct mem_show show;

	show = mem_show(fd, mem_one(fd, MEM_DEVM_KMALLOC, MEM_GFP_KERNEL, 65536));
	CHECK(show.flags & MEM_SHOW_FOOTPRINT);
	/* It comes with a header. */
	CHECK_EQ(show.footprint, 131072);
}

TEST(dma, "of DMA memory, its pages; how large a block they cost only if that is clear")
{
	int fd = open_mem();
	struct mem_alloc request = mem_request(fd, MEM_DMA_COHERENT);
	struct mem_show show;

	request.size = 5 * PAGE;
	show = mem_show(fd, mem_hold(fd, request));
	CHECK(show.flags & MEM_SHOW_USABLE);
	CHECK_EQ(show.usable, 5 * PAGE);
	CHECK(!(show.flags & MEM_SHOW_FOOTPRINT));
	CHECK_EQ(show.order, -1);
	request.size = 4 * PAGE;
	show = mem_show(fd, mem_hold(fd, request));
	CHECK(show.flags & MEM_SHOW_FOOTPRINT);
	CHECK_EQ(show.footprint, 4 * PAGE);
}

TEST(copies, "of per-CPU memory, all copies")
{
	int fd = open_mem();
	__u64 cpus = mem_info(fd).possible_cpus;
	struct mem_show show;

	show = mem_show(fd, mem_one(fd, MEM_ALLOC_PERCPU, MEM_GFP_KERNEL, 61));
	CHECK(show.flags & MEM_SHOW_FOOTPRINT);
	CHECK_EQ(show.usable, 64);
	CHECK_EQ(show.footprint, 64 * cpus);
}

TEST(quota, "what is allocated to find out is charged, and given back")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 100);
	__u64 held = mem_info(fd).held_file;
	__u32 known = mem_show(fd, handle).flags & MEM_SHOW_FOOTPRINT;
	unsigned int i;

	/* What guards make of an object may be too long to be known: it is tried. */
	for (i = 0; i < 100; i++)
		CHECK_EQ(mem_show(fd, handle).flags & MEM_SHOW_FOOTPRINT, known);
	CHECK_EQ(mem_info(fd).held_file, held);
	mem_free_one(fd, handle);
	check_nothing_held(fd);
}
