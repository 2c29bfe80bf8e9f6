// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - what an object takes
 *
 * A figure comes from the allocator or from the object itself. A formula for a
 * size class, a guard or a header would only be a guess, as these differ between
 * kernels and with what was on the kernel's command line. What neither of the two
 * tells is not told.
 */
#include <linux/gcd.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/vmalloc.h>

#include "lab.h"

#if IS_ENABLED(CONFIG_KFENCE)
#include <linux/kfence.h>
#else
#define is_kfence_address(address)	false
#endif

#define MEM_DEMO_MOST_SIBLINGS	64

/* The least that devres puts before what it gives: a list node and a function. */
#define MEM_DEMO_LEAST_HEAD	(3 * sizeof(void *))

static void mem_demo_set_usable(struct mem_demo_figures *figures, size_t bytes)
{
	figures->usable = bytes;
	figures->knows_usable = true;
}

static void mem_demo_set_takes(struct mem_demo_figures *figures, size_t bytes)
{
	figures->takes = bytes;
	figures->knows_takes = true;
}

static void mem_demo_set_both(struct mem_demo_figures *figures, size_t bytes)
{
	mem_demo_set_usable(figures, bytes);
	mem_demo_set_takes(figures, bytes);
}

static void mem_demo_figure_max(const struct mem_demo_object *object,
				struct mem_demo_figures *figures)
{
	mem_demo_set_both(figures, object->want.row->max);
}

static void mem_demo_figure_block(const struct mem_demo_object *object,
				  struct mem_demo_figures *figures)
{
	mem_demo_set_both(figures, PAGE_SIZE << object->want.order);
}

static void mem_demo_figure_pages(const struct mem_demo_object *object,
				  struct mem_demo_figures *figures)
{
	mem_demo_set_both(figures, PAGE_ALIGN(object->want.size));
}

/* The unit in which a per-CPU chunk is handed out. */
static void mem_demo_figure_percpu(const struct mem_demo_object *object,
				   struct mem_demo_figures *figures)
{
	mem_demo_set_both(figures, ALIGN(object->want.size,
					 PCPU_MIN_ALLOC_SIZE));
}

/*
 * The DMA functions give whole pages: from CMA or through an IOMMU just these, from
 * the buddy system a block, of which the rest is lost. They do not say which.
 */
static void mem_demo_figure_dma(const struct mem_demo_object *object,
				struct mem_demo_figures *figures)
{
	size_t bytes = PAGE_ALIGN(object->want.size);

	mem_demo_set_usable(figures, bytes);
	if (is_power_of_2(bytes))
		mem_demo_set_takes(figures, bytes);
}

/*
 * What is mapped from @ptr on, up to the guard page that every area of vmalloc()
 * ends with: a kernel that maps large pages may have rounded the size up.
 */
static size_t mem_demo_mapped(const void *ptr, size_t size)
{
	size_t bytes = PAGE_ALIGN(size);

	while (!IS_ALIGNED(bytes, PMD_SIZE) && vmalloc_to_page(ptr + bytes))
		bytes += PAGE_SIZE;

	return bytes;
}

static void mem_demo_figure_vmalloc(const struct mem_demo_object *object,
				    struct mem_demo_figures *figures)
{
	mem_demo_set_both(figures, mem_demo_mapped(object->piece.ptr,
						   object->want.size));
}

/* The common divisor of @stride and the distance, if they are in the same slab. */
static size_t mem_demo_narrow_by(size_t stride, const void *a, const void *b)
{
	if (compound_head(virt_to_page(a)) != compound_head(virt_to_page(b)))
		return stride;

	return gcd(stride, a > b ? a - b : b - a);
}

/* The common divisor of @stride and all distances from the last of @n siblings. */
static size_t mem_demo_narrow(size_t stride, const void *object,
			      const struct mem_demo_piece *sibling, u32 n)
{
	const void *last = sibling[n - 1].ptr;
	u32 i;

	stride = mem_demo_narrow_by(stride, object, last);
	for (i = 0; i < n - 1; i++)
		stride = mem_demo_narrow_by(stride, sibling[i].ptr, last);

	return stride;
}

/*
 * How far the objects of the slab are apart, or 0 if they do not tell. What lies
 * between them, be it a free pointer, a guard, or who allocated it, only the slab
 * allocator knows; but every object is a multiple of the stride away from the
 * others in its slab. So the common divisor of some distances is a multiple of
 * the stride, and, once it is below twice the least that the stride can be,
 * the stride itself. @want gives objects of the same cache.
 */
static size_t mem_demo_stride(const void *object, const struct mem_demo_want *want,
			      size_t least)
{
	struct mem_demo_piece *sibling;
	size_t stride = 0;
	u32 n = 0;

	sibling = kvcalloc(MEM_DEMO_MOST_SIBLINGS, sizeof(*sibling),
			   MEM_DEMO_GFP);
	if (!sibling)
		return 0;

	while (n < MEM_DEMO_MOST_SIBLINGS && (!stride || stride >= 2 * least)) {
		if (!want->row->alloc(want, &sibling[n]))
			break;
		stride = mem_demo_narrow(stride, object, sibling, ++n);
		cond_resched();
	}
	while (n)
		want->row->free(want, &sibling[--n]);
	kvfree(sibling);

	return stride < 2 * least ? stride : 0;
}

/* That within the file's quota. */
static void mem_demo_set_stride(const struct mem_demo_object *object,
				struct mem_demo_figures *figures, size_t size,
				size_t least)
{
	struct mem_demo_want want = object->want;
	size_t bytes;

	want.size = size;
	if (mem_demo_count(want.row, MEM_DEMO_MOST_SIBLINGS))
		return;
	bytes = MEM_DEMO_MOST_SIBLINGS * mem_demo_footprint(&want);
	if (!mem_demo_charge(object->file, bytes)) {
		size_t stride = mem_demo_stride(object->piece.ptr, &want, least);

		if (stride)
			mem_demo_set_takes(figures, stride);
		mem_demo_uncharge(object->file, bytes);
	}
	mem_demo_uncount(want.row, MEM_DEMO_MOST_SIBLINGS);
}

/* Of a slab cache, or of kmalloc(), which above some size gives pages. */
static void mem_demo_figure_slab(const struct mem_demo_object *object,
				 struct mem_demo_figures *figures)
{
	const void *ptr = object->piece.ptr;
	size_t bytes = ksize(ptr);

	mem_demo_set_usable(figures, bytes);
	if (!PageSlab(compound_head(virt_to_page(ptr))))
		mem_demo_set_takes(figures, bytes);
	else if (!is_kfence_address(ptr))
		mem_demo_set_stride(object, figures, bytes, bytes);
}

static void mem_demo_figure_kvmalloc(const struct mem_demo_object *object,
				     struct mem_demo_figures *figures)
{
	if (is_vmalloc_addr(object->piece.ptr))
		mem_demo_figure_vmalloc(object, figures);
	else
		mem_demo_figure_slab(object, figures);
}

/*
 * kmalloc() gave it, with a header. How long that is, and so how much is behind
 * it, nobody tells.
 */
static void mem_demo_figure_devm(const struct mem_demo_object *object,
				 struct mem_demo_figures *figures)
{
	const void *ptr = object->piece.ptr;
	struct page *head = compound_head(virt_to_page(ptr));

	if (!PageSlab(head))
		mem_demo_set_takes(figures, page_size(head));
	else if (!is_kfence_address(ptr))
		mem_demo_set_stride(object, figures, object->want.size,
				    object->want.size + MEM_DEMO_LEAST_HEAD);
}

void mem_demo_figure(const struct mem_demo_object *object,
		     struct mem_demo_figures *figures)
{
	static void (*const ask[])(const struct mem_demo_object *object,
				   struct mem_demo_figures *figures) = {
		[MEM_DEMO_FIGURE_MAX] = mem_demo_figure_max,
		[MEM_DEMO_FIGURE_BLOCK] = mem_demo_figure_block,
		[MEM_DEMO_FIGURE_PAGES] = mem_demo_figure_pages,
		[MEM_DEMO_FIGURE_PERCPU] = mem_demo_figure_percpu,
		[MEM_DEMO_FIGURE_DMA] = mem_demo_figure_dma,
		[MEM_DEMO_FIGURE_VMALLOC] = mem_demo_figure_vmalloc,
		[MEM_DEMO_FIGURE_SLAB] = mem_demo_figure_slab,
		[MEM_DEMO_FIGURE_KVMALLOC] = mem_demo_figure_kvmalloc,
		[MEM_DEMO_FIGURE_DEVM] = mem_demo_figure_devm,
	};

	ask[object->want.row->figure](object, figures);
}
