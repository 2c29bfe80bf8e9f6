// SPDX-License-Identifier: GPL-2.0
/* What the kernel itself tells of slab caches, against what the laboratory tells. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "mem.h"

/* A number that the kernel tells of a cache. */
static __u64 slab_number(const char *cache, const char *name)
{
	char path[120];
	__u64 number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/%s", cache, name);
	file = fopen(path, "r");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%llu", (unsigned long long *)&number), 1);
	fclose(file);

	return number;
}

/* kmalloc()'s cache of this size has it in its name. */
static const char *kmalloc_cache(__u64 size)
{
	static char name[40];

	if (size < 1024)
		snprintf(name, sizeof(name), "kmalloc-%llu",
			 (unsigned long long)size);
	else
		snprintf(name, sizeof(name), "kmalloc-%lluk",
			 (unsigned long long)size / 1024);

	return name;
}

static void check_object(const struct mem_show *show, const char *cache)
{
	__u64 stride = slab_number(cache, "slab_size");

	CHECK(show->flags & MEM_SHOW_SLAB);
	CHECK(show->flags & MEM_SHOW_USABLE);
	CHECK(show->usable >= slab_number(cache, "object_size"));
	CHECK(show->usable <= stride);
	/* Of objects whose guards are as long as they are, it may not be known. */
	if (show->flags & MEM_SHOW_FOOTPRINT)
		CHECK_EQ(show->footprint, stride);
	else
		CHECK(stride >= 2 * show->usable);
}

/* Objects of all caches of kmalloc() of this size, as /proc/slabinfo has them. */
static long kmalloc_objects(const char *name)
{
	char line[400], cache[80];
	unsigned long active, sum = 0;
	FILE *file = fopen("/proc/slabinfo", "r");

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%79s %lu", cache, &active) != 2 ||
		    strncmp(cache, "kmalloc-", 8) ||
		    strcmp(strrchr(cache, '-'), strrchr(name, '-')))
			continue;
		sum += active;
	}
	fclose(file);

	return sum;
}

#define NR_DEVM	1000

/* The cache that has grown is the one that it came from. */
static void check_devm(int fd, __u64 size)
{
	static const __u64 sizes[] = {
		32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192
	};
	struct mem_alloc request = mem_request(fd, MEM_DEVM_KMALLOC);
	long before[ARRAY_SIZE(sizes)];
	struct mem_show show;
	size_t i, grown = 0;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		before[i] = kmalloc_objects(kmalloc_cache(sizes[i]));
	request.size = size;
	request.count = NR_DEVM;
	show = mem_show(fd, mem_hold(fd, request));
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (kmalloc_objects(kmalloc_cache(sizes[i])) - before[i] >
		    NR_DEVM / 2)
			grown = i;

	CHECK(sizes[grown] >= size);
	CHECK(!(show.flags & MEM_SHOW_USABLE));
	if (show.flags & MEM_SHOW_FOOTPRINT)
		CHECK_EQ(show.footprint,
			 slab_number(kmalloc_cache(sizes[grown]), "slab_size"));
	else
		CHECK(slab_number(kmalloc_cache(sizes[grown]), "slab_size") >=
		      2 * (size + 24));
	CHECK_EQ(ioctl(fd, MEM_FREE, &(struct mem_free) {
			       .flags = MEM_FREE_ALL }), 0);
}

void check_slab_figures(int fd)
{
	static const struct {
		__u32 id;
		const char *cache;
	} rows[] = {
		{ MEM_CACHE, "mem_demo_plain" },
		{ MEM_CACHE_HWALIGN, "mem_demo_hwalign" },
		{ MEM_CACHE_CTOR, "mem_demo_ctor" },
		{ MEM_CACHE_POISON, "mem_demo_poison" },
		{ MEM_CACHE_RED_ZONE, "mem_demo_red_zone" },
		{ MEM_MEMPOOL_SLAB, "mem_demo_mempool" },
	};
	static const __u64 sizes[] = {
		8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192
	};
	struct mem_show show;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].cache);
		show = mem_show(fd, mem_hold(fd, mem_request(fd, rows[i].id)));
		check_object(&show, rows[i].cache);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		tap_row(kmalloc_cache(sizes[i]));
		show = mem_show(fd, mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL,
					    sizes[i]));
		check_object(&show, kmalloc_cache(sizes[i]));
	}
	CHECK_EQ(ioctl(fd, MEM_FREE, &(struct mem_free) {
			       .flags = MEM_FREE_ALL }), 0);

	tap_row("devm, 100 bytes");
	check_devm(fd, 100);
	tap_row("devm, 700 bytes");
	check_devm(fd, 700);
}
