// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - what came from an allocator: its bytes and its pages
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>

#include "lab.h"

size_t mem_demo_copies(const struct mem_demo_row *row)
{
	return row->caps & MEM_CAP_PERCPU ? num_possible_cpus() : 1;
}

size_t mem_demo_footprint(const struct mem_demo_want *want)
{
	return want->row->round(want->row, want->row->head + want->size) *
	       mem_demo_copies(want->row);
}

/* Kernel address of a byte, or NULL where there is none that lasts. */
void *mem_demo_address(const struct mem_demo_want *want,
		       const struct mem_demo_piece *piece,
		       unsigned int cpu, size_t offset)
{
	void *start = NULL;

	switch (want->row->kind) {
	case MEM_DEMO_ADDRESS:
		start = piece->ptr;
		break;
	case MEM_DEMO_PERCPU:
		start = per_cpu_ptr(mem_demo_to_percpu(piece->ptr),
				    array_index_nospec(cpu, nr_cpu_ids));
		break;
	case MEM_DEMO_PAGES:
		if (want->row->caps & MEM_CAP_VIRTUAL)
			start = page_address(piece->ptr);
		break;
	case MEM_DEMO_SG:
	case MEM_DEMO_NOTHING:
		break;
	}

	return start ? start + offset : NULL;
}

/* The page that a kernel address is in, or NULL where nobody can tell. */
static struct page *mem_demo_address_page(const void *address)
{
	if (is_vmalloc_addr(address) || mem_demo_is_static(address))
		return vmalloc_to_page(address);

	return virt_addr_valid(address) ? virt_to_page(address) : NULL;
}

static struct page *mem_demo_sg_page(struct sg_table *table, size_t n)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(table, sg, i)
		if (i == n)
			return sg_page(sg);

	return NULL;
}

struct page *mem_demo_page(const struct mem_demo_want *want,
			   const struct mem_demo_piece *piece,
			   unsigned int cpu, size_t offset)
{
	switch (want->row->kind) {
	case MEM_DEMO_PAGES:
		return (struct page *)piece->ptr + (offset >> PAGE_SHIFT);
	case MEM_DEMO_SG:
		return mem_demo_sg_page(piece->ptr, offset >> PAGE_SHIFT);
	default:
		return mem_demo_address_page(mem_demo_address(want, piece, cpu,
							      offset));
	}
}

/* Where the byte is in its page. */
size_t mem_demo_in_page(const struct mem_demo_want *want,
			const struct mem_demo_piece *piece,
			unsigned int cpu, size_t offset)
{
	if (want->row->kind == MEM_DEMO_PAGES || want->row->kind == MEM_DEMO_SG)
		return offset_in_page(offset);

	return offset_in_page(mem_demo_address(want, piece, cpu, offset));
}

/*
 * Does something with bytes of the piece, a page at a time, as pages may have no
 * lasting address. @buffer is kernel memory. Process context. Return: for
 * MEM_DEMO_IS_ZERO, are they all? else true; false after a fatal signal, which
 * leaves nobody to be told.
 */
bool mem_demo_touch(const struct mem_demo_want *want,
		    const struct mem_demo_piece *piece, unsigned int cpu,
		    size_t offset, size_t length, u8 *buffer,
		    enum mem_demo_access access)
{
	bool paged = want->row->kind == MEM_DEMO_PAGES ||
		     want->row->kind == MEM_DEMO_SG;
	bool yes = true;

	while (length && yes) {
		size_t in_page = mem_demo_in_page(want, piece, cpu, offset);
		size_t n = min_t(size_t, length, PAGE_SIZE - in_page);
		u8 *bytes;

		if (paged)
			bytes = kmap_local_page(mem_demo_page(want, piece, cpu,
							      offset)) + in_page;
		else
			bytes = mem_demo_address(want, piece, cpu, offset);

		if (access == MEM_DEMO_IS_ZERO)
			yes = !memchr_inv(bytes, 0, n);
		else if (access == MEM_DEMO_GET)
			memcpy(buffer, bytes, n);
		else
			memcpy(bytes, buffer, n);

		if (paged)
			kunmap_local(bytes);
		if (buffer)
			buffer += n;
		offset += n;
		length -= n;
		if (fatal_signal_pending(current))
			return false;
		cond_resched();
	}

	return yes;
}

u32 mem_demo_zone(const struct page *page)
{
	switch (page_zonenum(page)) {
#ifdef CONFIG_ZONE_DMA
	case ZONE_DMA:
		return MEM_ZONE_DMA;
#endif
#ifdef CONFIG_ZONE_DMA32
	case ZONE_DMA32:
		return MEM_ZONE_DMA32;
#endif
	case ZONE_NORMAL:
		return MEM_ZONE_NORMAL;
#ifdef CONFIG_HIGHMEM
	case ZONE_HIGHMEM:
		return MEM_ZONE_HIGHMEM;
#endif
	case ZONE_MOVABLE:
		return MEM_ZONE_MOVABLE;
#ifdef CONFIG_ZONE_DEVICE
	case ZONE_DEVICE:
		return MEM_ZONE_DEVICE;
#endif
	default:
		return MEM_ZONE_NONE;
	}
}
