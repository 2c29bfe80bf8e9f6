// SPDX-License-Identifier: GPL-2.0
/*
 * Looking at memory: where an object lies, what it takes, how the page tables map
 * it, and who may see addresses.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"

#define PAGE	4096ULL	/* x86's */

static struct mem_walk mem_walk(int fd, __u64 handle, __u64 offset)
{
	struct mem_walk walk = { .handle = handle, .offset = offset };

	CHECK_EQ(ioctl(fd, MEM_WALK, &walk), 0);

	return walk;
}

static struct mem_walk user_walk(int fd, const void *address)
{
	struct mem_walk walk = { .address = (unsigned long)address };

	CHECK_EQ(ioctl(fd, MEM_WALK, &walk), 0);

	return walk;
}

TEST(regions, "each allocator's memory is where it should be")
{
	static const struct {
		__u32 id;
		__u32 region;
		__u32 virt_to_phys;
		__s32 order;
	} rows[] = {
		{ MEM_KMALLOC, MEM_REGION_DIRECT, MEM_YES, 0 },
		{ MEM_CACHE, MEM_REGION_DIRECT, MEM_YES, 0 },
		{ MEM_MEMPOOL_PAGE, MEM_REGION_DIRECT, MEM_YES, 0 },
		{ MEM_ALLOC_PAGES, MEM_REGION_DIRECT, MEM_YES, 2 },
		{ MEM_GET_FREE_PAGES, MEM_REGION_DIRECT, MEM_YES, 2 },
		{ MEM_GET_ZEROED_PAGE, MEM_REGION_DIRECT, MEM_YES, 0 },
		{ MEM_KMAP_LOCAL, MEM_REGION_NONE, MEM_NO, 0 },
		{ MEM_VMALLOC, MEM_REGION_VMALLOC, MEM_NO, -1 },
		{ MEM_VZALLOC, MEM_REGION_VMALLOC, MEM_NO, -1 },
		{ MEM_STATIC, MEM_REGION_MODULE, MEM_NO, -1 },
		{ MEM_DMA_COHERENT, MEM_REGION_DIRECT, MEM_YES, -1 },
		{ MEM_DMA_POOL, MEM_REGION_DIRECT, MEM_YES, -1 },
		{ MEM_DMA_SINGLE, MEM_REGION_DIRECT, MEM_YES, 0 },
		{ MEM_DMA_SG, MEM_REGION_NONE, MEM_NO, -1 },
	};
	int fd = open_mem();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_allocator allocator = mem_allocator(fd, rows[i].id);
		struct mem_show show =
			mem_show(fd, mem_hold(fd, mem_request(fd, rows[i].id)));

		CHECK_EQ(show.allocator, rows[i].id);
		CHECK_EQ(show.requested, allocator.default_size);
		CHECK_EQ(show.region, rows[i].region);
		CHECK_EQ(show.virt_to_phys, rows[i].virt_to_phys);
		/* A slab's order is its cache's affair. */
		if (!(show.flags & MEM_SHOW_SLAB))
			CHECK_EQ(show.order, rows[i].order);
	}
}

TEST(sane, "what is told of an object agrees with itself, for every allocator")
{
	struct mem_allocator allocator;
	int fd = open_mem();

	FOR_EACH_ALLOCATOR(fd, allocator) {
		struct mem_show show;
		__u64 bytes;

		if (!(allocator.caps & MEM_CAP_ALLOC) ||
		    (allocator.caps & MEM_CAP_DEBUG))
			continue;
		show = mem_show(fd, mem_hold(fd, mem_request(fd, allocator.id)));
		bytes = show.flags & MEM_SHOW_USABLE ? show.usable :
						       show.requested;
		CHECK(bytes >= show.requested);
		if (show.flags & MEM_SHOW_FOOTPRINT)
			CHECK(show.footprint >= show.copies * bytes);
		CHECK(show.flags & MEM_SHOW_EXTENTS);
		CHECK(show.extents >= 1);
		CHECK(show.largest_extent * show.extents >= bytes);
		CHECK(show.largest_extent <= bytes);
		CHECK(show.extents == 1 || show.largest_extent < bytes);
		CHECK(show.zone >= MEM_ZONE_DMA && show.zone <= MEM_ZONE_MIXED);
		CHECK(show.node >= 0);
		CHECK(show.walk_agrees == (allocator.caps & MEM_CAP_VIRTUAL ?
					   MEM_YES : MEM_UNKNOWN));
		CHECK(!(show.alignment & (show.alignment - 1)));
		CHECK_EQ(show.copies, allocator.caps & MEM_CAP_PERCPU ?
			 mem_info(fd).possible_cpus : 1);
		CHECK_EQ(!!(show.flags & MEM_SHOW_DMA),
			 !!(allocator.caps & MEM_CAP_DMA));
		CHECK_EQ(show.owner, allocator.caps & MEM_CAP_SYNC ?
			 MEM_OWNER_DEVICE : MEM_OWNER_NONE);
		if (allocator.caps & MEM_CAP_PAGES)
			CHECK_EQ(show.usable % PAGE, 0);
	}
}

TEST(usable, "what comes is more than was asked for where the allocator rounds")
{
	int fd = open_mem();

	CHECK_EQ(mem_show(fd, mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 100)).usable,
		 128);
	CHECK_EQ(mem_show(fd, mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL,
				      5 * PAGE)).usable, 8 * PAGE);
	CHECK_EQ(mem_show(fd, mem_one(fd, MEM_VMALLOC, MEM_GFP_KERNEL,
				      4 * PAGE + 1)).usable, 5 * PAGE);
	CHECK_EQ(mem_show(fd, mem_hold(fd, mem_request(fd, MEM_CACHE_HWALIGN)))
		 .alignment % 64, 0);
}

TEST(vmalloc_space, "the region of vmalloc is told to the last byte")
{
	int fd = open_mem();
	struct mem_info info = mem_info(fd);

	CHECK_EQ(info.vmalloc_space,
		 (info.paging_levels == 5 ? 12800ULL : 32ULL) << 40);
}

TEST(zeroed, "whether memory comes zeroed, and why")
{
	static const __u32 defined[] = { MEM_STATIC, MEM_DEFINE_PERCPU };
	int fd = open_mem();
	bool init = mem_info(fd).features & MEM_FEATURE_INIT_ON_ALLOC;
	struct mem_show show;
	unsigned int i;

	/* What C has promised is no chance. Another test may have written there. */
	for (i = 0; i < ARRAY_SIZE(defined); i++) {
		show = mem_show(fd, mem_hold(fd, mem_request(fd, defined[i])));
		CHECK_EQ(show.zeroed_why, show.zeroed == MEM_YES ?
			 MEM_ZEROED_STATIC : MEM_ZEROED_LEFTOVER);
	}

	show = mem_show(fd, mem_one(fd, MEM_KZALLOC, MEM_GFP_KERNEL, 100));
	CHECK_EQ(show.zeroed, MEM_YES);
	CHECK_EQ(show.zeroed_why, MEM_ZEROED_ASKED);

	show = mem_show(fd, mem_one(fd, MEM_KMALLOC,
				    MEM_GFP_KERNEL | MEM_GFP_ZERO, 100));
	CHECK_EQ(show.zeroed, MEM_YES);
	CHECK_EQ(show.zeroed_why, MEM_ZEROED_ASKED);

	show = mem_show(fd, mem_hold(fd, mem_request(fd, MEM_CACHE_CTOR)));
	CHECK_EQ(show.zeroed, MEM_NO);
	CHECK_EQ(show.zeroed_why, MEM_ZEROED_CTOR);

	/* What one has written, the next finds, unless the kernel clears it. */
	for (i = 0; i < 100; i++) {
		__u64 handle = mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 4096);
		static char bytes[4096] = { 1, 2, 3 };

		show = mem_show(fd, handle);
		CHECK(show.zeroed != MEM_UNKNOWN);
		if (init) {
			CHECK_EQ(show.zeroed, MEM_YES);
			CHECK_EQ(show.zeroed_why, MEM_ZEROED_INIT);
		} else if (show.zeroed == MEM_NO) {
			CHECK_EQ(show.zeroed_why, MEM_ZEROED_LEFTOVER);
			return;
		}
		CHECK_EQ(mem_write(fd, handle, 0, bytes, sizeof(bytes)), 0);
		mem_free_one(fd, handle);
	}
	CHECK(init);
}

TEST(hidden, "without %pK's leave, no address is told")
{
	int fd = open_mem();
	__u64 page = mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL, PAGE);
	__u64 area = mem_one(fd, MEM_VMALLOC, MEM_GFP_KERNEL, PAGE);
	__u64 variable = mem_hold(fd, mem_request(fd, MEM_STATIC));
	struct mem_walk walk;
	struct mem_show show;
	unsigned int i;

	show_addresses(false);
	CHECK(!(mem_info(fd).features & MEM_FEATURE_RAW_ADDRESSES));
	show = mem_show(fd, page);
	CHECK(!(show.flags & MEM_SHOW_RAW));
	CHECK_EQ(show.address, 0);
	CHECK_EQ(show.physical, 0);
	CHECK_EQ(mem_show(fd, area).address, 0);
	CHECK(mem_show(fd, variable).address < PAGE);

	walk = mem_walk(fd, page, 123);
	CHECK(!(walk.flags & MEM_WALK_RAW));
	CHECK_EQ(walk.address, 123);
	CHECK_EQ(walk.physical, 123);
	for (i = 0; i < MEM_NR_LEVELS; i++) {
		CHECK_EQ(walk.level[i].value, 0);
		/* Together they would be the address. */
		CHECK_EQ(walk.level[i].index, 0);
	}

	/* The caller knows an address of its own. */
	walk = user_walk(fd, &walk);
	CHECK(!(walk.flags & MEM_WALK_RAW));
	CHECK_EQ(walk.level[walk.levels - 1].value, 0);
	CHECK_EQ(walk.level[MEM_LEVEL_PTE - 1].index,
		 (unsigned long)&walk / PAGE % 512);
}

TEST(raw, "with CAP_SYSLOG and kptr_restrict 1 addresses are told, else not")
{
	int fd = open_mem();
	__u64 page = mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL, PAGE);
	struct mem_walk walk;
	struct mem_show show;

	show_addresses(true);
	show = mem_show(fd, page);
	CHECK(show.flags & MEM_SHOW_RAW);
	CHECK(show.address >> 63);
	CHECK(show.physical && show.physical < mem_info(fd).memory * 4);
	CHECK_EQ(show.physical % PAGE, 0);

	walk = mem_walk(fd, page, 8);
	CHECK(walk.flags & MEM_WALK_RAW);
	CHECK_EQ(walk.address, show.address + 8);
	CHECK_EQ(walk.physical, show.physical + 8);
	CHECK(walk.level[0].value);
	CHECK_EQ(walk.level[MEM_LEVEL_PMD - 1].index, show.address >> 21 & 511);

	drop_capability(CAP_SYSLOG);
	CHECK(!(mem_show(fd, page).flags & MEM_SHOW_RAW));
	CHECK(!(mem_walk(fd, page, 8).flags & MEM_WALK_RAW));
	CHECK_EQ(mem_show(fd, page).physical, 0);
	show_addresses(false);
}

TEST(static_memory, "the module's own memory is shown as it is, address or not")
{
	int fd = open_mem();
	__u64 handle = mem_hold(fd, mem_request(fd, MEM_STATIC));

	show_addresses(true);
	CHECK(mem_show(fd, handle).address >= 0xffffffff80000000ULL);
	show_addresses(false);
	CHECK(mem_show(fd, handle).address < PAGE);
}

TEST(zone_dma, "GFP_DMA memory lies below 16 MiB")
{
	int fd = open_mem();
	__u64 handle;

	if (!(mem_info(fd).features & MEM_FEATURE_ZONE_DMA))
		SKIP("this kernel has no ZONE_DMA");
	handle = mem_one(fd, MEM_ALLOC_PAGES, MEM_GFP_KERNEL | MEM_GFP_DMA, PAGE);
	show_addresses(true);
	CHECK_EQ(mem_show(fd, handle).zone, MEM_ZONE_DMA);
	CHECK(mem_show(fd, handle).physical < 16 << 20);
	show_addresses(false);
}

TEST(extents, "vmalloc memory has as many extents as a walk finds")
{
	__u64 handle, offset, extents = 0, next = 0;
	int fd = open_mem();
	struct mem_show show;

	show_addresses(true);
	handle = mem_one(fd, MEM_VMALLOC, MEM_GFP_KERNEL, 64 * PAGE);
	show = mem_show(fd, handle);
	CHECK_EQ(show.usable, 64 * PAGE);
	for (offset = 0; offset < show.usable; offset += PAGE) {
		struct mem_walk walk = mem_walk(fd, handle, offset);

		CHECK_EQ(walk.agrees, MEM_YES);
		extents += !offset || walk.physical != next;
		next = walk.physical + PAGE;
	}
	show_addresses(false);
	CHECK_EQ(show.extents, extents);
}

TEST(walk, "a walk goes down the levels to the page, for every allocator")
{
	struct mem_allocator allocator;
	int fd = open_mem();
	__u32 paging = mem_info(fd).paging_levels;

	FOR_EACH_ALLOCATOR(fd, allocator) {
		struct mem_walk walk = { .handle = 0 };
		__u32 i;

		if (!(allocator.caps & MEM_CAP_ALLOC) ||
		    (allocator.caps & MEM_CAP_DEBUG))
			continue;
		walk.handle = mem_hold(fd, mem_request(fd, allocator.id));
		if (!(allocator.caps & MEM_CAP_VIRTUAL)) {
			CHECK_ERR(ioctl(fd, MEM_WALK, &walk), EINVAL);
			continue;
		}
		CHECK_EQ(ioctl(fd, MEM_WALK, &walk), 0);
		CHECK(walk.flags & MEM_WALK_PRESENT);
		CHECK_EQ(walk.agrees, MEM_YES);
		CHECK(walk.levels >= 3 && walk.levels <= 5);
		for (i = 0; i < walk.levels; i++) {
			CHECK_EQ(walk.level[i].level, i + 1);
			CHECK(walk.level[i].flags & MEM_ENTRY_PRESENT);
			CHECK_EQ(!!(walk.level[i].flags & MEM_ENTRY_LEAF),
				 i + 1 == walk.levels);
			CHECK(walk.level[i].index < 512);
		}
		CHECK_EQ(!!(walk.level[1].flags & MEM_ENTRY_FOLDED), paging < 5);
		/* The kernel's memory is its own, and data is not for running. */
		CHECK(!(walk.level[walk.levels - 1].flags & MEM_ENTRY_USER));
		CHECK(walk.level[walk.levels - 1].flags & MEM_ENTRY_NOEXEC);
		CHECK_EQ(walk.page_size, walk.levels == 5 ? PAGE :
			 walk.levels == 4 ? PAGE << 9 : PAGE << 18);
	}
}

TEST(walk_percpu, "each CPU's copy of a per-CPU object is another")
{
	int fd = open_mem();
	struct mem_walk one = { .handle = mem_one(fd, MEM_ALLOC_PERCPU,
						  MEM_GFP_KERNEL, 64) };
	struct mem_walk two = one;

	if (mem_info(fd).possible_cpus < 2)
		SKIP("there is one CPU");
	show_addresses(true);
	two.cpu = 1;
	CHECK_EQ(ioctl(fd, MEM_WALK, &one), 0);
	CHECK_EQ(ioctl(fd, MEM_WALK, &two), 0);
	show_addresses(false);
	CHECK(one.address != two.address);
	CHECK(one.physical != two.physical);
	two.cpu = 100000;
	CHECK_ERR(ioctl(fd, MEM_WALK, &two), EINVAL);
}

TEST(walk_invalid, "a walk with one thing wrong is refused")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 100);
	const struct {
		const char *name;
		struct mem_walk walk;
		int error;
	} rows[] = {
		{ "no such handle", { .handle = 1000 }, ENOENT },
		{ "behind the object", { .handle = handle, .offset = 100 }, EINVAL },
		{ "far behind", { .handle = handle, .offset = -1 }, EINVAL },
		{ "a CPU's copy", { .handle = handle, .cpu = 1 }, EINVAL },
		{ "reserved", { .handle = handle, .reserved = { 1 } }, EINVAL },
		{ "address 0", { .handle = 0 }, EINVAL },
		{ "kernel address", { .address = 0xffff888000000000 }, EINVAL },
		{ "last address", { .address = -1 }, EINVAL },
		{ "user address and offset", { .address = 4096, .offset = 1 },
		  EINVAL },
		{ "user address and CPU", { .address = 4096, .cpu = 1 }, EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mem_walk walk = rows[i].walk;

		tap_row(rows[i].name);
		CHECK_ERR(ioctl(fd, MEM_WALK, &walk), rows[i].error);
	}
}

TEST(demand, "the caller's page is there when it was touched, not before")
{
	int fd = open_mem();
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct mem_walk walk;
	__u32 flags;

	CHECK(page != MAP_FAILED);
	walk = user_walk(fd, page);
	CHECK(!(walk.flags & MEM_WALK_PRESENT));
	CHECK_EQ(walk.page_size, 0);
	CHECK_EQ(walk.agrees, MEM_UNKNOWN);

	*page = 1;
	walk = user_walk(fd, page + 5);
	flags = walk.level[walk.levels - 1].flags;
	CHECK(walk.flags & MEM_WALK_PRESENT);
	CHECK_EQ(walk.agrees, MEM_YES);
	CHECK_EQ(walk.page_size, PAGE);
	CHECK_EQ(walk.address, (unsigned long)page + 5);
	CHECK(flags & MEM_ENTRY_USER);
	CHECK(flags & MEM_ENTRY_WRITE);
	CHECK(flags & MEM_ENTRY_DIRTY);

	CHECK_EQ(mprotect(page, PAGE, PROT_READ), 0);
	walk = user_walk(fd, page);
	CHECK(!(walk.level[walk.levels - 1].flags & MEM_ENTRY_WRITE));

	CHECK_EQ(munmap(page, PAGE), 0);
	CHECK(!(user_walk(fd, page).flags & MEM_WALK_PRESENT));
}

TEST(pagemap, "a walk of the caller's page finds what /proc/self/pagemap says")
{
	int fd = open_mem(), pagemap;
	static char page[PAGE] __attribute__((aligned(PAGE)));
	struct mem_walk walk;
	__u64 entry;

	if (!exists("/proc/self/pagemap"))
		SKIP("this kernel has no pagemap");
	pagemap = open_path("/proc/self/pagemap", O_RDONLY);
	page[0] = 1;
	show_addresses(true);
	walk = user_walk(fd, page);
	show_addresses(false);
	CHECK_EQ(pread(pagemap, &entry, sizeof(entry),
		       (unsigned long)page / PAGE * sizeof(entry)), sizeof(entry));
	CHECK_EQ(walk.physical / PAGE, entry & ((1ULL << 55) - 1));
}

TEST(io, "what is written to an object is read from it, and nothing beyond")
{
	int fd = open_mem();
	__u64 handle = mem_one(fd, MEM_VZALLOC, MEM_GFP_KERNEL, 10000);
	static char wrote[10000], read[10001];
	size_t i;

	for (i = 0; i < sizeof(wrote); i++)
		wrote[i] = i * 7;
	CHECK_EQ(mem_write(fd, handle, 0, wrote, sizeof(wrote)), 0);
	CHECK_EQ(mem_read(fd, handle, 0, read, 10000), 0);
	CHECK(!memcmp(wrote, read, 10000));
	CHECK_EQ(mem_read(fd, handle, 4090, read, 100), 0);
	CHECK(!memcmp(wrote + 4090, read, 100));
	CHECK_ERR(mem_read(fd, handle, 0, read, 10001), EINVAL);
	CHECK_ERR(mem_read(fd, handle, 10000, read, 1), EINVAL);
	CHECK_ERR(mem_read(fd, handle, -1, read, 2), EINVAL);
	CHECK_ERR(mem_read(fd, handle, 0, read, 0), EINVAL);
	CHECK_ERR(mem_write(fd, handle + 1, 0, read, 1), ENOENT);
	for (i = 0; i < NR_BAD_SOURCES; i++)
		CHECK_ERR(mem_write(fd, handle, 0, bad_addresses[i].get(), 8),
			  EFAULT);
	for (i = 0; i < NR_BAD_TARGETS; i++)
		CHECK_ERR(mem_read(fd, handle, 0, bad_addresses[i].get(), 8),
			  EFAULT);
}

TEST(leftovers, "what others have left in memory is read only by who may see addresses")
{
	int fd = open_mem();
	bool init = mem_info(fd).features & MEM_FEATURE_INIT_ON_ALLOC;
	struct mem_allocator allocator;
	char byte;

	FOR_EACH_ALLOCATOR(fd, allocator) {
		struct mem_alloc request = mem_request(fd, allocator.id);
		bool zeroed = allocator.caps & MEM_CAP_ZEROED;
		__u64 handle;

		if (!(allocator.caps & MEM_CAP_ALLOC) ||
		    (allocator.caps & (MEM_CAP_DEBUG | MEM_CAP_SYNC)))
			continue;
		/* Of these, what is in them is from the last who had it. */
		if (!(allocator.caps & MEM_CAP_SINGLE) &&
		    allocator.id != MEM_CACHE_CTOR &&
		    allocator.id != MEM_MEMPOOL_SLAB &&
		    allocator.id != MEM_MEMPOOL_PAGE)
			zeroed |= init;
		handle = mem_hold(fd, request);
		if (zeroed)
			CHECK_EQ(mem_read(fd, handle, 0, &byte, 1), 0);
		else
			CHECK_ERR(mem_read(fd, handle, 0, &byte, 1), EPERM);
		show_addresses(true);
		CHECK_EQ(mem_read(fd, handle, 0, &byte, 1), 0);
		show_addresses(false);
		if (!(allocator.gfp & MEM_GFP_ZERO))
			continue;
		request.gfp |= MEM_GFP_ZERO;
		mem_free_one(fd, handle);
		CHECK_EQ(mem_read(fd, mem_hold(fd, request), 0, &byte, 1), 0);
	}
}

TEST(grown, "what krealloc adds can be read if it was asked for zeroed")
{
	int fd = open_mem();
	bool init = mem_info(fd).features & MEM_FEATURE_INIT_ON_ALLOC;
	__u64 handle = mem_one(fd, MEM_KREALLOC, MEM_GFP_KERNEL | MEM_GFP_ZERO, 100);
	struct mem_resize resize = {
		.handle = handle, .size = 200, .gfp = MEM_GFP_KERNEL | MEM_GFP_ZERO,
	};
	char byte;

	CHECK_EQ(ioctl(fd, MEM_RESIZE, &resize), 0);
	CHECK_EQ(mem_read(fd, handle, 0, &byte, 1), 0);
	resize.gfp = MEM_GFP_KERNEL;
	resize.size = 100;
	CHECK_EQ(ioctl(fd, MEM_RESIZE, &resize), 0);
	CHECK_EQ(mem_read(fd, handle, 0, &byte, 1), 0);
	resize.size = 1000;
	CHECK_EQ(ioctl(fd, MEM_RESIZE, &resize), 0);
	if (init)
		CHECK_EQ(mem_read(fd, handle, 0, &byte, 1), 0);
	else
		CHECK_ERR(mem_read(fd, handle, 0, &byte, 1), EPERM);
}

TEST(show_invalid, "a show with one thing wrong is refused")
{
	int fd = open_mem();
	struct mem_show show = {
		.handle = mem_one(fd, MEM_KMALLOC, MEM_GFP_KERNEL, 1),
		.reserved = { 0, 0, 0, 1 },
	};

	CHECK_ERR(ioctl(fd, MEM_SHOW, &show), EINVAL);
	show.reserved[3] = 0;
	show.reserved0 = 1;
	CHECK_ERR(ioctl(fd, MEM_SHOW, &show), EINVAL);
	show.reserved0 = 0;
	show.handle = 0;
	CHECK_ERR(ioctl(fd, MEM_SHOW, &show), ENOENT);
	show.handle = -1;
	CHECK_ERR(ioctl(fd, MEM_SHOW, &show), ENOENT);
}
