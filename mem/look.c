// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - where an object lies, how it is mapped, what is in it
 */
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "lab.h"

/* Addresses */

/*
 * What a caller may see of addresses: what %pK would print for it, which asks
 * the sysctl kptr_restrict and CAP_SYSLOG. Neither is there for modules to ask.
 */
bool mem_demo_shows_addresses(void)
{
	const void *address = mem_demo_rows;
	char shown[2 * sizeof(address) + 1];
	char raw[2 * sizeof(address) + 1];

	snprintf(shown, sizeof(shown), "%pK", address);
	snprintf(raw, sizeof(raw), "%0*lx", (int)(2 * sizeof(address)),
		 (unsigned long)address);

	return !strcmp(shown, raw);
}

/* A physical or DMA address. */
static u64 mem_demo_tell_physical(u64 address, bool raw)
{
	return raw ? address : offset_in_page(address);
}

/*
 * Where the regions begin is random in some kernels and a constant in others, so
 * that what lies between there and the address is told of none.
 */
static u64 mem_demo_tell_address(const void *address, bool raw)
{
	return raw ? (unsigned long)address : offset_in_page(address);
}

/* Show */

static u32 mem_demo_region(const struct mem_demo_want *want,
			   const void *address)
{
	if (!address)
		return MEM_REGION_NONE;
	if (want->row->kind == MEM_DEMO_PERCPU)
		return MEM_REGION_PERCPU;
	if (mem_demo_is_static(address))
		return MEM_REGION_MODULE;
	if (is_vmalloc_addr(address))
		return MEM_REGION_VMALLOC;

	return virt_addr_valid(address) ? MEM_REGION_DIRECT : MEM_REGION_OTHER;
}

/*
 * Goes through the pages of @length bytes: extents and zone. If one is not known,
 * or a fatal signal ends it, nor are the extents.
 */
static void mem_demo_survey(const struct mem_demo_object *object,
			    struct mem_show *show, size_t length,
			    unsigned int cpu)
{
	const struct mem_demo_want *want = &object->want;
	u64 extent = 0, extents = 0, largest = 0, next_pfn = 0;
	size_t offset, n;

	show->zone = MEM_ZONE_NONE;
	for (offset = 0; offset < length; offset += n) {
		struct page *page = mem_demo_page(want, &object->piece, cpu,
						  offset);
		u32 zone;

		n = min_t(size_t, length - offset, PAGE_SIZE -
			  mem_demo_in_page(want, &object->piece, cpu, offset));
		if (!page)
			return;

		zone = mem_demo_zone(page);
		if (!offset)
			show->zone = zone;
		else if (zone != show->zone)
			show->zone = MEM_ZONE_MIXED;

		if (!offset || page_to_pfn(page) != next_pfn) {
			extents++;
			extent = 0;
		}
		extent += n;
		largest = max(largest, extent);
		next_pfn = page_to_pfn(page) + 1;
		if (fatal_signal_pending(current))
			return;
		cond_resched();
	}

	show->extents = extents;
	show->largest_extent = largest;
	show->flags |= MEM_SHOW_EXTENTS;
}

static s32 mem_demo_order(const struct mem_demo_object *object,
			  struct page *page, u32 region)
{
	const struct mem_demo_want *want = &object->want;
	struct page *head = compound_head(page);

	/* Of these, only the caller knows how large the block was. */
	if (want->row->block)
		return object->split ? 0 : want->order;
	if (region != MEM_REGION_DIRECT)
		return -1;
	/* A slab of one page is not compound; what else is not, does not tell. */
	if (PageCompound(page) || PageSlab(head))
		return compound_order(head);

	return -1;
}

/* What a walk of the page tables to @address makes of it. */
static u32 mem_demo_walk_agrees(const void *address, u64 physical)
{
	struct mem_walk walk = { .flags = 0 };

	if (!MEM_WALK_SUPPORTED || !address || !physical)
		return MEM_UNKNOWN;
	mem_walk_tables(current->mm, (unsigned long)address, &walk);
	if (walk.flags & MEM_WALK_STOPPED)
		return MEM_UNKNOWN;

	return walk.physical == physical ? MEM_YES : MEM_NO;
}

/* What it takes, as far as that can be asked; else, for its pages, what it must. */
static size_t mem_demo_show_figures(const struct mem_demo_object *object,
				    struct mem_show *show)
{
	struct mem_demo_figures figures = { .knows_usable = false };

	mem_demo_figure(object, &figures);
	if (figures.knows_usable) {
		show->usable = figures.usable;
		show->flags |= MEM_SHOW_USABLE;
	}
	if (figures.knows_takes) {
		show->footprint = figures.takes * show->copies;
		show->flags |= MEM_SHOW_FOOTPRINT;
	}

	return figures.knows_usable ? figures.usable : object->want.size;
}

static void mem_demo_show_object(struct mem_demo_object *object,
				 struct mem_show *show)
{
	const struct mem_demo_want *want = &object->want;
	const struct mem_demo_piece *piece = &object->piece;
	unsigned int cpu = cpumask_first(cpu_possible_mask);
	void *address = mem_demo_address(want, piece, cpu, 0);
	struct page *page = mem_demo_page(want, piece, cpu, 0);
	bool raw = mem_demo_shows_addresses();
	u64 physical = 0;

	*show = (struct mem_show) {
		.handle = show->handle,
		.allocator = want->row->id,
		.gfp = object->gfp,
		.requested = want->size,
		.address = mem_demo_tell_address(address, raw),
		.alignment = address ? 1ULL << min_t(int, 21,
					__ffs((unsigned long)address)) : PAGE_SIZE,
		.copies = mem_demo_copies(want->row),
		.region = mem_demo_region(want, address),
		.node = -1,
		.order = -1,
		.zeroed = object->zeroed,
		.zeroed_why = object->why,
		.virt_to_phys = MEM_NO,
		.walk_agrees = MEM_UNKNOWN,
		.flags = raw ? MEM_SHOW_RAW : 0,
		.owner = object->owner,
	};

	if (want->row->caps & MEM_CAP_DMA) {
		show->dma = mem_demo_tell_physical(piece->dma, raw);
		show->flags |= MEM_SHOW_DMA;
	}
	if (atomic_read(&object->maps))
		show->flags |= MEM_SHOW_MAPPED;
	if (address && virt_addr_valid(address))
		show->virt_to_phys = MEM_YES;
	mem_demo_survey(object, show, mem_demo_show_figures(object, show), cpu);
	if (!page)
		return;

	physical = page_to_phys(page) + mem_demo_in_page(want, piece, cpu, 0);
	show->physical = mem_demo_tell_physical(physical, raw);
	show->flags |= MEM_SHOW_PHYSICAL;
	show->node = page_to_nid(page);
	show->order = mem_demo_order(object, page, show->region);
	show->walk_agrees = mem_demo_walk_agrees(address, physical);
	if (PageCompound(page))
		show->flags |= MEM_SHOW_COMPOUND;
	if (PageSlab(compound_head(page)))
		show->flags |= MEM_SHOW_SLAB;
}

long mem_demo_show(struct mem_demo_file *file, struct mem_show *show)
{
	struct mem_demo_object *object;
	int ret;

	if (show->reserved0 || !MEM_DEMO_RESERVED_OK(show))
		return -EINVAL;
	object = mem_demo_get(file, show->handle);
	if (IS_ERR(object))
		return PTR_ERR(object);

	ret = mutex_lock_killable(&file->lock);
	if (!ret) {
		mem_demo_show_object(object, show);
		mutex_unlock(&file->lock);
	}

	mem_demo_put(object);
	return ret;
}

/* Walk */

/* An address of the caller's; as get_user_pages_fast() does it. */
static int mem_demo_walk_user(struct mem_walk *walk)
{
	unsigned long addr = walk->address;
	struct mm_struct *mm = current->mm;
	struct page *page;
	int ret;

	if (walk->offset || walk->cpu || !addr || walk->address >= TASK_SIZE)
		return -EINVAL;

	ret = mmap_read_lock_killable(mm);
	if (ret)
		return ret;
	mem_walk_tables(mm, addr, walk);
	mmap_read_unlock(mm);

	/* This brings no page in, so that walking changes nothing. */
	if (!(walk->flags & MEM_WALK_PRESENT) ||
	    get_user_pages_fast_only(addr, 1, 0, &page) != 1)
		return 0;
	walk->agrees = page_to_pfn(page) == walk->physical >> PAGE_SHIFT ?
		       MEM_YES : MEM_NO;
	put_page(page);

	return 0;
}

static int mem_demo_walk_object(struct mem_demo_object *object,
				struct mem_walk *walk)
{
	const struct mem_demo_want *want = &object->want;
	struct page *page;
	void *address;

	if (walk->offset >= want->size ||
	    (want->row->kind == MEM_DEMO_PERCPU ?
	     walk->cpu >= nr_cpu_ids || !cpu_possible(walk->cpu) : walk->cpu))
		return -EINVAL;

	address = mem_demo_address(want, &object->piece, walk->cpu, walk->offset);
	/* A page that is mapped while it is touched has no address to walk to. */
	if (!address)
		return -EINVAL;

	walk->address = (unsigned long)address;
	mem_walk_tables(current->mm, walk->address, walk);
	page = mem_demo_page(want, &object->piece, walk->cpu, walk->offset);
	if (page)
		walk->agrees = mem_demo_walk_agrees(address, page_to_phys(page) +
						    offset_in_page(address));

	return 0;
}

/* Leaves of a walk what is told without leave: of an entry, its flags. */
static void mem_demo_hide_walk(struct mem_walk *walk)
{
	unsigned int i;

	for (i = 0; i < MEM_NR_LEVELS; i++)
		walk->level[i].value = 0;
	walk->physical = mem_demo_tell_physical(walk->physical, false);
	if (!walk->handle)
		return;

	/* The indices are the address, nine bits each. */
	for (i = 0; i < MEM_NR_LEVELS; i++)
		walk->level[i].index = 0;
	walk->address = offset_in_page(walk->address);
}

long mem_demo_walk(struct mem_demo_file *file, struct mem_walk *arg)
{
	struct mem_walk walk = {
		.handle = arg->handle,
		.offset = arg->offset,
		.cpu = arg->cpu,
		.address = arg->handle ? 0 : arg->address,
		.agrees = MEM_UNKNOWN,
	};
	struct mem_demo_object *object;
	int ret;

	if (!MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;
	if (!MEM_WALK_SUPPORTED)
		return -EOPNOTSUPP;

	if (walk.handle) {
		object = mem_demo_get(file, walk.handle);
		if (IS_ERR(object))
			return PTR_ERR(object);
		ret = mutex_lock_killable(&file->lock);
		if (!ret) {
			ret = mem_demo_walk_object(object, &walk);
			mutex_unlock(&file->lock);
		}
		mem_demo_put(object);
	} else {
		ret = mem_demo_walk_user(&walk);
	}
	if (ret)
		return ret;

	if (mem_demo_shows_addresses())
		walk.flags |= MEM_WALK_RAW;
	else
		mem_demo_hide_walk(&walk);
	*arg = walk;

	return 0;
}

/* Read and write */

/*
 * One chunk between the object and @buffer. The bytes go by way of a page of our
 * own: user memory must not be touched under a lock, and a slab object is not
 * for copying to user space.
 */
static int mem_demo_io_chunk(struct mem_demo_file *file,
			     struct mem_demo_object *object,
			     const struct mem_io *io, size_t done, size_t n,
			     u8 *buffer, enum mem_demo_access access)
{
	const struct mem_demo_want *want = &object->want;
	u64 end;
	int ret;

	ret = mutex_lock_killable(&file->lock);
	if (ret)
		return ret;

	if (check_add_overflow(io->offset, (u64)io->length, &end) ||
	    end > want->size)
		ret = -EINVAL;
	else if (object->owner == MEM_OWNER_DEVICE)
		ret = -EBUSY;
	else if (access == MEM_DEMO_GET && !object->clean &&
		 !mem_demo_shows_addresses())
		ret = -EPERM;
	else
		mem_demo_touch(want, &object->piece, io->cpu, io->offset + done,
			       n, buffer, access);
	mutex_unlock(&file->lock);

	return ret;
}

static int mem_demo_io_object(struct mem_demo_file *file,
			      struct mem_demo_object *object,
			      const struct mem_io *io, enum mem_demo_access access)
{
	u8 __user *user = u64_to_user_ptr(io->buffer);
	size_t done, n;
	u8 *buffer;
	int ret = 0;

	if (!io->length ||
	    (object->want.row->kind == MEM_DEMO_PERCPU ?
	     io->cpu >= nr_cpu_ids || !cpu_possible(io->cpu) : io->cpu))
		return -EINVAL;
	buffer = (u8 *)__get_free_page(MEM_DEMO_GFP);
	if (!buffer)
		return -ENOMEM;

	for (done = 0; done < io->length && !ret; done += n) {
		n = min_t(size_t, io->length - done, PAGE_SIZE);
		if (access == MEM_DEMO_PUT && copy_from_user(buffer, user + done, n))
			ret = -EFAULT;
		if (!ret)
			ret = mem_demo_io_chunk(file, object, io, done, n,
						buffer, access);
		if (!ret && access == MEM_DEMO_GET &&
		    copy_to_user(user + done, buffer, n))
			ret = -EFAULT;
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}

	free_page((unsigned long)buffer);
	return ret;
}

static long mem_demo_io(struct mem_demo_file *file, struct mem_io *io,
			enum mem_demo_access access)
{
	struct mem_demo_object *object = mem_demo_get(file, io->handle);
	int ret;

	if (IS_ERR(object))
		return PTR_ERR(object);
	ret = mem_demo_io_object(file, object, io, access);
	mem_demo_put(object);

	return ret;
}

long mem_demo_read(struct mem_demo_file *file, struct mem_io *io)
{
	return mem_demo_io(file, io, MEM_DEMO_GET);
}

long mem_demo_write(struct mem_demo_file *file, struct mem_io *io)
{
	return mem_demo_io(file, io, MEM_DEMO_PUT);
}
