// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - the books: what a file is charged, and how much there may be
 *
 * What is allocated for a caller is charged before it is allocated, by the most
 * that it can take, and what it did not take is given back afterwards.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/pgtable.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>

#include "lab.h"

unsigned long mem_demo_quota_file;
module_param_named(quota_file, mem_demo_quota_file, ulong, 0444);
MODULE_PARM_DESC(quota_file, "bytes that one open file may hold (default 1/16 of RAM, but no more than half of quota_total)");

unsigned long mem_demo_quota_total;
module_param_named(quota_total, mem_demo_quota_total, ulong, 0444);
MODULE_PARM_DESC(quota_total, "bytes that all open files may hold (default 1/8 of RAM)");

/*
 * Protects the books: of each file, of all files, and of each row. Process
 * context, innermost; held for arithmetic alone. One lock for all of them, since
 * a request is refused by any of them without a trace in the others.
 */
static DEFINE_SPINLOCK(mem_demo_books_lock);

static u64 mem_demo_held;

/* By allocator; only those with &mem_demo_row.most are counted. */
static unsigned int mem_demo_row_held[MEM_NR_ALLOCATORS + 1];

/* What is charged for an allocation */

/* Whom an object is charged to and who has allocated it: the kernel may keep both. */
#define MEM_DEMO_POINTERS	(2 * sizeof(void *))
/* The laboratory's own record. A slab leaves up to 1/16 of itself unused. */
#define MEM_DEMO_RECORD		(sizeof(struct mem_demo_object) * 17 / 16 + \
				 MEM_DEMO_POINTERS)
/* A vmalloc area's struct vm_struct and struct vmap_area. */
#define MEM_DEMO_AREA		256

static u64 mem_demo_vmalloc_pages(const struct mem_demo_want *want)
{
	return DIV_ROUND_UP_ULL(mem_demo_footprint(want), PAGE_SIZE);
}

/* An area has a guard page too. Neighbours share the last page table. */
static u64 mem_demo_vmalloc_books(const struct mem_demo_want *want)
{
	u64 pages = mem_demo_vmalloc_pages(want);

	return MEM_DEMO_AREA + roundup_pow_of_two(pages * sizeof(struct page *)) +
	       (pages + 1) * sizeof(pte_t);
}

/* Two tables of each level above the last may be new, and one more of that. */
static u64 mem_demo_vmalloc_tables(const struct mem_demo_want *want)
{
	u64 last = DIV_ROUND_UP_ULL(mem_demo_vmalloc_pages(want) + 1,
				    PTRS_PER_PTE) + 1;

	return (last + 2 * (CONFIG_PGTABLE_LEVELS - 2)) * PAGE_SIZE;
}

/* What the allocator keeps beside the memory. */
static u64 mem_demo_allocator_books(const struct mem_demo_want *want)
{
	size_t pages = PAGE_ALIGN(want->size) >> PAGE_SHIFT;

	switch (want->row->id) {
	case MEM_VMALLOC:
	case MEM_VZALLOC:
	case MEM_KVMALLOC:
		return mem_demo_vmalloc_books(want);
	case MEM_ALLOC_PERCPU:
		/*
		 * For each 4 bytes of a chunk two bits in maps, and a pointer to
		 * who is charged.
		 */
		return DIV_ROUND_UP(want->size, PCPU_MIN_ALLOC_SIZE) *
		       (sizeof(void *) + 1);
	case MEM_DMA_SG:
		return roundup_pow_of_two(sizeof(struct sg_table)) +
		       PAGE_ALIGN(pages * sizeof(struct scatterlist));
	default:
		return 0;
	}
}

/* The most that an object takes, with what its allocator keeps for it. */
u64 mem_demo_takes(const struct mem_demo_want *want)
{
	return mem_demo_footprint(want) + mem_demo_allocator_books(want) +
	       MEM_DEMO_POINTERS;
}

/* The most that one takes that is held. */
u64 mem_demo_keeps(const struct mem_demo_want *want)
{
	return mem_demo_takes(want) + MEM_DEMO_RECORD;
}

/*
 * The most that an allocation takes beyond that, as long as it is not known what
 * came: page tables of its own, of a per-CPU variable new pages for each CPU.
 */
u64 mem_demo_extra(const struct mem_demo_want *want)
{
	switch (want->row->id) {
	case MEM_VMALLOC:
	case MEM_VZALLOC:
	case MEM_KVMALLOC:
		return mem_demo_vmalloc_tables(want);
	case MEM_ALLOC_PERCPU:
		return 2 * PAGE_SIZE * mem_demo_copies(want->row);
	default:
		return 0;
	}
}

/* The most that kvmalloc() takes for so many bytes. */
u64 mem_demo_kvmalloc_needs(u64 bytes)
{
	const struct mem_demo_want want = {
		.row = &mem_demo_rows[MEM_KVMALLOC],
		.size = bytes,
	};
	u64 needs = mem_demo_footprint(&want);

	/* kmalloc() does that alone. */
	if (bytes <= PAGE_SIZE)
		return needs;

	return needs + mem_demo_vmalloc_books(&want) +
	       mem_demo_vmalloc_tables(&want);
}

/* What is charged for an object now that it is there. */
void mem_demo_settle(struct mem_demo_object *object)
{
	const struct mem_demo_want *want = &object->want;
	u64 most = mem_demo_footprint(want);

	object->footprint = most;
	object->charge = mem_demo_keeps(want);
	switch (want->row->id) {
	case MEM_KMALLOC:
	case MEM_KZALLOC:
	case MEM_KMALLOC_ARRAY:
	case MEM_KCALLOC:
	case MEM_KREALLOC:
	case MEM_KVMALLOC:
		if (is_vmalloc_addr(object->piece.ptr))
			break;
		object->footprint = min_t(u64, most, ksize(object->piece.ptr));
		object->charge = object->footprint + MEM_DEMO_POINTERS +
				 MEM_DEMO_RECORD;
		break;
	}
}

/* The books */

/* The defaults of the quotas that were not given: one file leaves half to others. */
void __init mem_demo_set_quotas(void)
{
	unsigned long quota = (totalram_pages() / 16) << PAGE_SHIFT;

	mem_demo_quota_total = mem_demo_quota_total ?: 2 * quota;
	mem_demo_quota_file = mem_demo_quota_file ?:
			      min(quota, mem_demo_quota_total / 2);
}

/* Does so much more fit? */
static bool mem_demo_fits(u64 held, u64 bytes, u64 quota)
{
	return held <= quota && bytes <= quota - held;
}

/* All of it or nothing. */
static bool mem_demo_try_charge(struct mem_demo_file *file, u64 bytes)
{
	bool fits;

	spin_lock(&mem_demo_books_lock);
	fits = mem_demo_fits(file->held, bytes, mem_demo_quota_file) &&
	       mem_demo_fits(mem_demo_held, bytes, mem_demo_quota_total);
	if (fits) {
		file->held += bytes;
		mem_demo_held += bytes;
	}
	spin_unlock(&mem_demo_books_lock);

	return fits;
}

/*
 * Process context. Return: 0; -EDQUOT: it is more than a quota, also without what
 * was lent and has come back; -EINTR: a fatal signal.
 */
int mem_demo_charge(struct mem_demo_file *file, u64 bytes)
{
	int ret;

	if (mem_demo_try_charge(file, bytes))
		return 0;
	ret = mem_demo_reclaim();
	if (ret)
		return ret;

	return mem_demo_try_charge(file, bytes) ? 0 : -EDQUOT;
}

void mem_demo_uncharge(struct mem_demo_file *file, u64 bytes)
{
	spin_lock(&mem_demo_books_lock);
	file->held -= bytes;
	mem_demo_held -= bytes;
	spin_unlock(&mem_demo_books_lock);
}

/* As of now; others may use it. */
static u64 mem_demo_quota_left(struct mem_demo_file *file)
{
	u64 left, total;

	spin_lock(&mem_demo_books_lock);
	left = mem_demo_quota_file - min_t(u64, file->held, mem_demo_quota_file);
	total = mem_demo_quota_total -
		min_t(u64, mem_demo_held, mem_demo_quota_total);
	spin_unlock(&mem_demo_books_lock);

	return min(left, total);
}

u64 mem_demo_available(void)
{
	return (u64)max(si_mem_available(), 0L) << PAGE_SHIFT;
}

/*
 * Half of what is available is left to others. Who does not say how much gets what
 * is left of the quotas.
 */
u64 mem_demo_budget(struct mem_demo_file *file, u64 asked)
{
	return min(asked ?: mem_demo_quota_left(file), mem_demo_available() / 2);
}

void mem_demo_read_books(struct mem_demo_file *file, u64 *held_file,
			 u64 *held_total)
{
	spin_lock(&mem_demo_books_lock);
	*held_file = file->held;
	*held_total = mem_demo_held;
	spin_unlock(&mem_demo_books_lock);
}

/* Of some allocators there may be only so many objects: all @n or none. */
int mem_demo_count(const struct mem_demo_row *row, unsigned int n)
{
	unsigned int *held = &mem_demo_row_held[row->id];
	int ret = 0;

	if (!row->most)
		return 0;

	spin_lock(&mem_demo_books_lock);
	if (mem_demo_fits(*held, n, row->most))
		*held += n;
	else
		ret = row->caps & MEM_CAP_SINGLE ? -EBUSY : -EDQUOT;
	spin_unlock(&mem_demo_books_lock);

	return ret;
}

void mem_demo_uncount(const struct mem_demo_row *row, unsigned int n)
{
	if (!row->most)
		return;

	spin_lock(&mem_demo_books_lock);
	mem_demo_row_held[row->id] -= n;
	spin_unlock(&mem_demo_books_lock);
}
