// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - the allocators: functions, and a row of the table for each
 *
 * mem_demo_prepare() has seen to it that a row's functions are only called with
 * what its allocator takes. They do nothing but allocate and free, as benches
 * measure them.
 */
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "lab.h"

/* What MEM_DEFINE_PERCPU and MEM_STATIC show. */
static DEFINE_PER_CPU(u8 [MEM_DEMO_OBJECT_SIZE], mem_demo_percpu_variable);
static u8 mem_demo_static_variable[MEM_DEMO_OBJECT_SIZE];

static size_t mem_demo_round_same(const struct mem_demo_row *row, size_t size)
{
	return size;
}

static size_t mem_demo_round_max(const struct mem_demo_row *row, size_t size)
{
	return row->max;
}

/* An estimate: the size classes are the kernel's own affair, see ksize(). */
static size_t mem_demo_round_kmalloc(const struct mem_demo_row *row, size_t size)
{
	return size > KMALLOC_MAX_CACHE_SIZE ? PAGE_SIZE << get_order(size) :
	       roundup_pow_of_two(max_t(size_t, size, KMALLOC_MIN_SIZE));
}

static size_t mem_demo_round_block(const struct mem_demo_row *row, size_t size)
{
	return PAGE_SIZE << get_order(size);
}

static size_t mem_demo_round_pages(const struct mem_demo_row *row, size_t size)
{
	return PAGE_ALIGN(size);
}

/* What kmalloc() does not give is mapped by huge pages, where there are some. */
static size_t mem_demo_round_kvmalloc(const struct mem_demo_row *row,
				      size_t size)
{
	if (size <= KMALLOC_MAX_SIZE)
		return mem_demo_round_kmalloc(row, size);

	return ALIGN(size, IS_ENABLED(CONFIG_HAVE_ARCH_HUGE_VMALLOC) ?
			   PMD_SIZE : PAGE_SIZE);
}

static size_t mem_demo_round_percpu(const struct mem_demo_row *row, size_t size)
{
	return ALIGN(size, PCPU_MIN_ALLOC_SIZE);
}

static bool mem_demo_alloc_none(const struct mem_demo_want *want,
				struct mem_demo_piece *piece)
{
	return true;
}

static void mem_demo_free_none(const struct mem_demo_want *want,
			       struct mem_demo_piece *piece)
{
}

static bool mem_demo_alloc_kmalloc(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	piece->ptr = kmalloc(want->size, want->gfp);
	return piece->ptr;
}

static bool mem_demo_alloc_kzalloc(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	piece->ptr = kzalloc(want->size, want->gfp);
	return piece->ptr;
}

static bool mem_demo_alloc_kmalloc_array(const struct mem_demo_want *want,
					 struct mem_demo_piece *piece)
{
	piece->ptr = kmalloc_array(DIV_ROUND_UP(want->size, sizeof(u64)),
				   sizeof(u64), want->gfp);
	return piece->ptr;
}

static bool mem_demo_alloc_kcalloc(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	piece->ptr = kcalloc(DIV_ROUND_UP(want->size, sizeof(u64)),
			     sizeof(u64), want->gfp);
	return piece->ptr;
}

static bool mem_demo_alloc_krealloc(const struct mem_demo_want *want,
				    struct mem_demo_piece *piece)
{
	piece->ptr = krealloc(NULL, want->size, want->gfp);
	return piece->ptr;
}

static void mem_demo_free_kmalloc(const struct mem_demo_want *want,
				  struct mem_demo_piece *piece)
{
	kfree(piece->ptr);
}

static bool mem_demo_alloc_cache(const struct mem_demo_want *want,
				 struct mem_demo_piece *piece)
{
	piece->ptr = kmem_cache_alloc(want->cache, want->gfp);
	return piece->ptr;
}

static void mem_demo_free_cache(const struct mem_demo_want *want,
				struct mem_demo_piece *piece)
{
	kmem_cache_free(want->cache, piece->ptr);
}

static bool mem_demo_alloc_mempool(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	piece->ptr = mempool_alloc(want->pool, want->gfp);
	return piece->ptr;
}

static void mem_demo_free_mempool(const struct mem_demo_want *want,
				  struct mem_demo_piece *piece)
{
	mempool_free(piece->ptr, want->pool);
}

static bool mem_demo_alloc_block(const struct mem_demo_want *want,
				 struct mem_demo_piece *piece)
{
	piece->ptr = alloc_pages(want->gfp, want->order);
	return piece->ptr;
}

static void mem_demo_free_block(const struct mem_demo_want *want,
				struct mem_demo_piece *piece)
{
	__free_pages(piece->ptr, want->order);
}

static bool mem_demo_alloc_free_pages(const struct mem_demo_want *want,
				      struct mem_demo_piece *piece)
{
	piece->ptr = (void *)__get_free_pages(want->gfp, want->order);
	return piece->ptr;
}

static bool mem_demo_alloc_zeroed_page(const struct mem_demo_want *want,
				       struct mem_demo_piece *piece)
{
	piece->ptr = (void *)get_zeroed_page(want->gfp);
	return piece->ptr;
}

static void mem_demo_free_free_pages(const struct mem_demo_want *want,
				     struct mem_demo_piece *piece)
{
	free_pages((unsigned long)piece->ptr, want->order);
}

/* Where memory is beyond the direct map, this is the way to get at a page. */
static bool mem_demo_alloc_kmap(const struct mem_demo_want *want,
				struct mem_demo_piece *piece)
{
	void *address;

	piece->ptr = alloc_pages(want->gfp, want->order);
	if (!piece->ptr)
		return false;
	address = kmap_local_page(piece->ptr);
	(void)READ_ONCE(*(u8 *)address);
	kunmap_local(address);

	return true;
}

/* vmalloc() and vzalloc() themselves take no flags. */
static bool mem_demo_alloc_vmalloc(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	piece->ptr = __vmalloc(want->size, want->gfp);
	return piece->ptr;
}

static bool mem_demo_alloc_vzalloc(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	piece->ptr = __vmalloc(want->size, want->gfp | __GFP_ZERO);
	return piece->ptr;
}

static void mem_demo_free_vmalloc(const struct mem_demo_want *want,
				  struct mem_demo_piece *piece)
{
	vfree(piece->ptr);
}

static bool mem_demo_alloc_kvmalloc(const struct mem_demo_want *want,
				    struct mem_demo_piece *piece)
{
	piece->ptr = kvmalloc(want->size, want->gfp);
	return piece->ptr;
}

static void mem_demo_free_kvmalloc(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	kvfree(piece->ptr);
}

static bool mem_demo_alloc_percpu(const struct mem_demo_want *want,
				  struct mem_demo_piece *piece)
{
	void __percpu *ptr = __alloc_percpu_gfp(want->size, __alignof__(u64),
						want->gfp);

	piece->ptr = mem_demo_from_percpu(ptr);
	return piece->ptr;
}

static void mem_demo_free_percpu(const struct mem_demo_want *want,
				 struct mem_demo_piece *piece)
{
	free_percpu(mem_demo_to_percpu(piece->ptr));
}

static bool mem_demo_take_percpu(const struct mem_demo_want *want,
				 struct mem_demo_piece *piece)
{
	piece->ptr = mem_demo_from_percpu(&mem_demo_percpu_variable);
	return true;
}

static bool mem_demo_take_static(const struct mem_demo_want *want,
				 struct mem_demo_piece *piece)
{
	piece->ptr = mem_demo_static_variable;
	return true;
}

static bool mem_demo_alloc_devm_kmalloc(const struct mem_demo_want *want,
					struct mem_demo_piece *piece)
{
	piece->ptr = devm_kmalloc(&mem_demo_device->dev, want->size, want->gfp);
	return piece->ptr;
}

static bool mem_demo_alloc_devm_kzalloc(const struct mem_demo_want *want,
					struct mem_demo_piece *piece)
{
	piece->ptr = devm_kzalloc(&mem_demo_device->dev, want->size, want->gfp);
	return piece->ptr;
}

static void mem_demo_free_devm(const struct mem_demo_want *want,
			       struct mem_demo_piece *piece)
{
	devm_kfree(&mem_demo_device->dev, piece->ptr);
}

static bool mem_demo_alloc_coherent(const struct mem_demo_want *want,
				    struct mem_demo_piece *piece)
{
	piece->ptr = dma_alloc_coherent(&want->dma->pdev->dev, want->size,
					&piece->dma, want->gfp);
	return piece->ptr;
}

static void mem_demo_free_coherent(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	dma_free_coherent(&want->dma->pdev->dev, want->size, piece->ptr,
			  piece->dma);
}

static bool mem_demo_alloc_wc(const struct mem_demo_want *want,
			      struct mem_demo_piece *piece)
{
	piece->ptr = dma_alloc_wc(&want->dma->pdev->dev, want->size,
				  &piece->dma, want->gfp);
	return piece->ptr;
}

static void mem_demo_free_wc(const struct mem_demo_want *want,
			     struct mem_demo_piece *piece)
{
	dma_free_wc(&want->dma->pdev->dev, want->size, piece->ptr, piece->dma);
}

static bool mem_demo_alloc_dma_pool(const struct mem_demo_want *want,
				    struct mem_demo_piece *piece)
{
	piece->ptr = dma_pool_alloc(want->dma->pool, want->gfp, &piece->dma);
	return piece->ptr;
}

static void mem_demo_free_dma_pool(const struct mem_demo_want *want,
				   struct mem_demo_piece *piece)
{
	dma_pool_free(want->dma->pool, piece->ptr, piece->dma);
}

/* The table */

#define MEM_DEMO_TAKES_ANY	(MEM_DEMO_ATOMIC_BASES | MEM_GFP_KERNEL |	\
				 MEM_GFP_NOIO | MEM_GFP_NOFS |			\
				 MEM_GFP_NOWARN | MEM_GFP_NORETRY |		\
				 MEM_GFP_RETRY_MAYFAIL | MEM_GFP_HIGH)
/* A cache has its zone from when it was made, and would overlook DMA. */
#define MEM_DEMO_TAKES_CTOR	(MEM_DEMO_TAKES_ANY | MEM_GFP_USER |		\
				 MEM_GFP_ACCOUNT | MEM_GFP_THISNODE)
#define MEM_DEMO_TAKES_CACHE	(MEM_DEMO_TAKES_CTOR | MEM_GFP_ZERO)
#define MEM_DEMO_TAKES_KMALLOC	(MEM_DEMO_TAKES_CACHE | MEM_GFP_DMA)
#define MEM_DEMO_TAKES_PAGES	(MEM_DEMO_TAKES_KMALLOC | MEM_GFP_DMA32 |	\
				 MEM_GFP_COMP)
#define MEM_DEMO_TAKES_HIGHMEM	(MEM_DEMO_TAKES_PAGES | MEM_GFP_HIGHUSER)
/* Whether its element is zeroed, a reserve cannot know. */
#define MEM_DEMO_TAKES_MEMPOOL	(MEM_DEMO_ATOMIC_BASES | MEM_GFP_NOWARN |	\
				 MEM_GFP_NORETRY | MEM_GFP_HIGH |		\
				 MEM_GFP_ACCOUNT)
#define MEM_DEMO_TAKES_KVMALLOC	(MEM_GFP_KERNEL | MEM_GFP_ZERO |		\
				 MEM_GFP_NOWARN | MEM_GFP_NORETRY |		\
				 MEM_GFP_ACCOUNT |				\
				 (VSER_VMALLOC_TAKES_ATOMIC ?			\
				  MEM_DEMO_ATOMIC_BASES : 0) |			\
				 (VSER_VMALLOC_TAKES_NOIO ?			\
				  MEM_GFP_NOIO | MEM_GFP_NOFS |			\
				  MEM_GFP_RETRY_MAYFAIL : 0))
#define MEM_DEMO_TAKES_VMALLOC	(MEM_DEMO_TAKES_KVMALLOC &			\
				 ~(VSER_VMALLOC_TAKES_RETRY ?			\
				   0 : MEM_GFP_RETRY_MAYFAIL))
#define MEM_DEMO_TAKES_PERCPU	(MEM_DEMO_ATOMIC_BASES | MEM_GFP_KERNEL |	\
				 MEM_GFP_NOIO | MEM_GFP_NOFS | MEM_GFP_ZERO |	\
				 MEM_GFP_NOWARN | MEM_GFP_NORETRY |		\
				 MEM_GFP_ACCOUNT)
/* The device's mask chooses the zone. */
#define MEM_DEMO_TAKES_DMA	(MEM_DEMO_TAKES_ANY | MEM_GFP_ZERO)
#define MEM_DEMO_TAKES_STREAM	(MEM_DEMO_TAKES_DMA | MEM_GFP_USER |		\
				 MEM_GFP_ZONES)

#define MEM_DEMO_CAPS_HOLD	(MEM_CAP_ALLOC | MEM_CAP_VIRTUAL)
#define MEM_DEMO_CAPS_CACHE	(MEM_DEMO_CAPS_HOLD | MEM_CAP_BENCH |		\
				 MEM_CAP_BULK)
#define MEM_DEMO_CAPS_ANY_SIZE	(MEM_DEMO_CAPS_HOLD | MEM_CAP_BENCH |		\
				 MEM_CAP_LIMIT)
#define MEM_DEMO_CAPS_PAGES	(MEM_DEMO_CAPS_ANY_SIZE | MEM_CAP_PAGES |	\
				 MEM_CAP_MAP)
#define MEM_DEMO_CAPS_DMA	(MEM_DEMO_CAPS_ANY_SIZE | MEM_CAP_PAGES |	\
				 MEM_CAP_DMA)

#define MEM_DEMO_BLOCK_MAX	(PAGE_SIZE << MAX_PAGE_ORDER)
/* A few words, but what follows them may be aligned for DMA. */
#define MEM_DEMO_DEVM_HEAD	128
#define MEM_DEMO_DEVM_MAX	(KMALLOC_MAX_SIZE - 2 * MEM_DEMO_DEVM_HEAD)
/* Its pages are found by going through the list. */
#define MEM_DEMO_SG_MAX		SZ_4M
/* devm_kfree() looks through all that the device has. */
#define MEM_DEMO_DEVM_MOST	4096
/* A DMA pool keeps its pages until it is destroyed. */
#define MEM_DEMO_DMA_POOL_MOST	4096

const struct mem_demo_row mem_demo_rows[MEM_NR_ALLOCATORS + 1] = {
	[MEM_NONE] = {
		.id = MEM_NONE, .name = "none", .kind = MEM_DEMO_NOTHING,
		.caps = MEM_CAP_BENCH, .gfp = MEM_DEMO_TAKES_ANY,
		.min = 1, .max = PAGE_SIZE, .show = 1,
		.round = mem_demo_round_same,
		.alloc = mem_demo_alloc_none, .free = mem_demo_free_none,
	},
	[MEM_KMALLOC] = {
		.id = MEM_KMALLOC, .name = "kmalloc", .kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE, .gfp = MEM_DEMO_TAKES_KMALLOC,
		.min = 1, .max = KMALLOC_MAX_SIZE, .show = 100,
		.round = mem_demo_round_kmalloc,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_kmalloc, .free = mem_demo_free_kmalloc,
	},
	[MEM_KZALLOC] = {
		.id = MEM_KZALLOC, .name = "kzalloc", .kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_KMALLOC,
		.min = 1, .max = KMALLOC_MAX_SIZE, .show = 100,
		.round = mem_demo_round_kmalloc,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_kzalloc, .free = mem_demo_free_kmalloc,
	},
	[MEM_KMALLOC_ARRAY] = {
		.id = MEM_KMALLOC_ARRAY, .name = "kmalloc_array",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE, .gfp = MEM_DEMO_TAKES_KMALLOC,
		.min = 1, .max = KMALLOC_MAX_SIZE, .show = 800,
		.round = mem_demo_round_kmalloc,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_kmalloc_array,
		.free = mem_demo_free_kmalloc,
	},
	[MEM_KCALLOC] = {
		.id = MEM_KCALLOC, .name = "kcalloc", .kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_KMALLOC,
		.min = 1, .max = KMALLOC_MAX_SIZE, .show = 800,
		.round = mem_demo_round_kmalloc,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_kcalloc, .free = mem_demo_free_kmalloc,
	},
	[MEM_KREALLOC] = {
		.id = MEM_KREALLOC, .name = "krealloc",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE | MEM_CAP_RESIZE,
		.gfp = MEM_DEMO_TAKES_KMALLOC,
		.min = 1, .max = KMALLOC_MAX_SIZE, .show = 100,
		.round = mem_demo_round_kmalloc,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_krealloc, .free = mem_demo_free_kmalloc,
	},
	[MEM_CACHE] = {
		.id = MEM_CACHE, .name = "kmem_cache", .kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_CACHE, .gfp = MEM_DEMO_TAKES_CACHE,
		.cache = MEM_DEMO_CACHE_PLAIN,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_cache, .free = mem_demo_free_cache,
	},
	[MEM_CACHE_HWALIGN] = {
		.id = MEM_CACHE_HWALIGN, .name = "kmem_cache_hwalign",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_CACHE, .gfp = MEM_DEMO_TAKES_CACHE,
		.cache = MEM_DEMO_CACHE_HWALIGN,
		.min = 1, .max = MEM_DEMO_ALIGN_SIZE,
		.show = MEM_DEMO_ALIGN_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_cache, .free = mem_demo_free_cache,
	},
	[MEM_CACHE_CTOR] = {
		.id = MEM_CACHE_CTOR, .name = "kmem_cache_ctor",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_CACHE, .gfp = MEM_DEMO_TAKES_CTOR,
		.cache = MEM_DEMO_CACHE_CTOR,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_cache, .free = mem_demo_free_cache,
	},
	[MEM_CACHE_POISON] = {
		.id = MEM_CACHE_POISON, .name = "kmem_cache_poison",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_CACHE | MEM_CAP_DEBUG,
		.gfp = MEM_DEMO_TAKES_CACHE, .cache = MEM_DEMO_CACHE_POISON,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_cache, .free = mem_demo_free_cache,
	},
	[MEM_CACHE_RED_ZONE] = {
		.id = MEM_CACHE_RED_ZONE, .name = "kmem_cache_red_zone",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_CACHE | MEM_CAP_DEBUG,
		.gfp = MEM_DEMO_TAKES_CACHE, .cache = MEM_DEMO_CACHE_RED_ZONE,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_cache, .free = mem_demo_free_cache,
	},
	[MEM_MEMPOOL_SLAB] = {
		.id = MEM_MEMPOOL_SLAB, .name = "mempool_slab",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_HOLD | MEM_CAP_BENCH,
		.gfp = MEM_DEMO_TAKES_MEMPOOL, .pool = &mem_demo_slab_pool,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_SLAB,
		.alloc = mem_demo_alloc_mempool, .free = mem_demo_free_mempool,
	},
	[MEM_MEMPOOL_PAGE] = {
		.id = MEM_MEMPOOL_PAGE, .name = "mempool_page",
		.kind = MEM_DEMO_PAGES,
		.caps = MEM_DEMO_CAPS_HOLD | MEM_CAP_BENCH | MEM_CAP_PAGES,
		.gfp = MEM_DEMO_TAKES_MEMPOOL, .pool = &mem_demo_page_pool,
		.min = 1, .max = PAGE_SIZE, .show = PAGE_SIZE,
		.block = true,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_BLOCK,
		.alloc = mem_demo_alloc_mempool, .free = mem_demo_free_mempool,
	},
	[MEM_ALLOC_PAGES] = {
		.id = MEM_ALLOC_PAGES, .name = "alloc_pages",
		.kind = MEM_DEMO_PAGES,
		.caps = MEM_DEMO_CAPS_PAGES, .gfp = MEM_DEMO_TAKES_HIGHMEM,
		.min = 1, .max = MEM_DEMO_BLOCK_MAX, .show = 3 * PAGE_SIZE,
		.block = true,
		.round = mem_demo_round_block,
		.figure = MEM_DEMO_FIGURE_BLOCK,
		.alloc = mem_demo_alloc_block, .free = mem_demo_free_block,
	},
	[MEM_GET_FREE_PAGES] = {
		.id = MEM_GET_FREE_PAGES, .name = "__get_free_pages",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_PAGES, .gfp = MEM_DEMO_TAKES_PAGES,
		.min = 1, .max = MEM_DEMO_BLOCK_MAX, .show = 3 * PAGE_SIZE,
		.block = true,
		.round = mem_demo_round_block,
		.figure = MEM_DEMO_FIGURE_BLOCK,
		.alloc = mem_demo_alloc_free_pages,
		.free = mem_demo_free_free_pages,
	},
	[MEM_GET_ZEROED_PAGE] = {
		.id = MEM_GET_ZEROED_PAGE, .name = "get_zeroed_page",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_PAGES | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_PAGES,
		.min = 1, .max = PAGE_SIZE, .show = PAGE_SIZE,
		.block = true,
		.round = mem_demo_round_block,
		.figure = MEM_DEMO_FIGURE_BLOCK,
		.alloc = mem_demo_alloc_zeroed_page,
		.free = mem_demo_free_free_pages,
	},
	[MEM_KMAP_LOCAL] = {
		.id = MEM_KMAP_LOCAL, .name = "kmap_local_page",
		.kind = MEM_DEMO_PAGES,
		.caps = MEM_DEMO_CAPS_PAGES & ~MEM_CAP_VIRTUAL,
		.gfp = MEM_DEMO_TAKES_HIGHMEM,
		.min = 1, .max = MEM_DEMO_BLOCK_MAX, .show = PAGE_SIZE,
		.block = true,
		.round = mem_demo_round_block,
		.figure = MEM_DEMO_FIGURE_BLOCK,
		.alloc = mem_demo_alloc_kmap, .free = mem_demo_free_block,
	},
	[MEM_VMALLOC] = {
		.id = MEM_VMALLOC, .name = "vmalloc", .kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_PAGES, .gfp = MEM_DEMO_TAKES_VMALLOC,
		.process = !VSER_VMALLOC_TAKES_ATOMIC, .no_irq = true,
		.min = 1, .max = SIZE_MAX, .show = 16 * PAGE_SIZE,
		.round = mem_demo_round_pages,
		.figure = MEM_DEMO_FIGURE_VMALLOC,
		.alloc = mem_demo_alloc_vmalloc, .free = mem_demo_free_vmalloc,
	},
	[MEM_VZALLOC] = {
		.id = MEM_VZALLOC, .name = "vzalloc", .kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_PAGES | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_VMALLOC,
		.process = !VSER_VMALLOC_TAKES_ATOMIC, .no_irq = true,
		.min = 1, .max = SIZE_MAX, .show = 16 * PAGE_SIZE,
		.round = mem_demo_round_pages,
		.figure = MEM_DEMO_FIGURE_VMALLOC,
		.alloc = mem_demo_alloc_vzalloc, .free = mem_demo_free_vmalloc,
	},
	[MEM_KVMALLOC] = {
		.id = MEM_KVMALLOC, .name = "kvmalloc",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE, .gfp = MEM_DEMO_TAKES_KVMALLOC,
		.process = !VSER_VMALLOC_TAKES_ATOMIC, .no_irq = true,
		.min = 1, .max = INT_MAX, .show = 16 * PAGE_SIZE,
		.round = mem_demo_round_kvmalloc,
		.figure = MEM_DEMO_FIGURE_KVMALLOC,
		.alloc = mem_demo_alloc_kvmalloc, .free = mem_demo_free_kvmalloc,
	},
	[MEM_ALLOC_PERCPU] = {
		.id = MEM_ALLOC_PERCPU, .name = "alloc_percpu",
		.kind = MEM_DEMO_PERCPU,
		.caps = MEM_DEMO_CAPS_ANY_SIZE | MEM_CAP_PERCPU | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_PERCPU,
		.min = 1, .max = PCPU_MIN_UNIT_SIZE, .show = 64,
		.round = mem_demo_round_percpu,
		.figure = MEM_DEMO_FIGURE_PERCPU,
		.alloc = mem_demo_alloc_percpu, .free = mem_demo_free_percpu,
	},
	[MEM_DEFINE_PERCPU] = {
		.id = MEM_DEFINE_PERCPU, .name = "DEFINE_PER_CPU",
		.kind = MEM_DEMO_PERCPU,
		.caps = MEM_DEMO_CAPS_HOLD | MEM_CAP_PERCPU | MEM_CAP_SINGLE,
		.gfp = MEM_DEMO_TAKES_ANY, .most = 1,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_MAX,
		.alloc = mem_demo_take_percpu, .free = mem_demo_free_none,
	},
	[MEM_STATIC] = {
		.id = MEM_STATIC, .name = "static", .kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_HOLD | MEM_CAP_SINGLE,
		.gfp = MEM_DEMO_TAKES_ANY, .most = 1,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_MAX,
		.alloc = mem_demo_take_static, .free = mem_demo_free_none,
	},
	[MEM_DEVM_KMALLOC] = {
		.id = MEM_DEVM_KMALLOC, .name = "devm_kmalloc",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE, .gfp = MEM_DEMO_TAKES_KMALLOC,
		.most = MEM_DEMO_DEVM_MOST,
		.min = 1, .max = MEM_DEMO_DEVM_MAX, .show = 100,
		.head = MEM_DEMO_DEVM_HEAD, .round = mem_demo_round_kmalloc,
		.figure = MEM_DEMO_FIGURE_DEVM,
		.alloc = mem_demo_alloc_devm_kmalloc, .free = mem_demo_free_devm,
	},
	[MEM_DEVM_KZALLOC] = {
		.id = MEM_DEVM_KZALLOC, .name = "devm_kzalloc",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_ANY_SIZE | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_KMALLOC, .most = MEM_DEMO_DEVM_MOST,
		.min = 1, .max = MEM_DEMO_DEVM_MAX, .show = 100,
		.head = MEM_DEMO_DEVM_HEAD, .round = mem_demo_round_kmalloc,
		.figure = MEM_DEMO_FIGURE_DEVM,
		.alloc = mem_demo_alloc_devm_kzalloc, .free = mem_demo_free_devm,
	},
	[MEM_DMA_COHERENT] = {
		.id = MEM_DMA_COHERENT, .name = "dma_alloc_coherent",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_DMA | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_DMA,
		.min = 1, .max = SIZE_MAX, .show = PAGE_SIZE,
		.round = mem_demo_round_block,
		.figure = MEM_DEMO_FIGURE_DMA,
		.alloc = mem_demo_alloc_coherent, .free = mem_demo_free_coherent,
	},
	[MEM_DMA_WC] = {
		.id = MEM_DMA_WC, .name = "dma_alloc_wc",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_DMA | MEM_CAP_ZEROED,
		.gfp = MEM_DEMO_TAKES_DMA,
		.min = 1, .max = SIZE_MAX, .show = PAGE_SIZE,
		.round = mem_demo_round_block,
		.figure = MEM_DEMO_FIGURE_DMA,
		.alloc = mem_demo_alloc_wc, .free = mem_demo_free_wc,
	},
	[MEM_DMA_POOL] = {
		.id = MEM_DMA_POOL, .name = "dma_pool",
		.kind = MEM_DEMO_ADDRESS,
		.caps = MEM_DEMO_CAPS_HOLD | MEM_CAP_BENCH | MEM_CAP_DMA,
		.gfp = MEM_DEMO_TAKES_DMA, .most = MEM_DEMO_DMA_POOL_MOST,
		.min = 1, .max = MEM_DEMO_OBJECT_SIZE,
		.show = MEM_DEMO_OBJECT_SIZE,
		.round = mem_demo_round_max,
		.figure = MEM_DEMO_FIGURE_MAX,
		.alloc = mem_demo_alloc_dma_pool, .free = mem_demo_free_dma_pool,
	},
	[MEM_DMA_SINGLE] = {
		.id = MEM_DMA_SINGLE, .name = "dma_map_single",
		.kind = MEM_DEMO_PAGES,
		.caps = MEM_DEMO_CAPS_DMA | MEM_CAP_SYNC,
		.gfp = MEM_DEMO_TAKES_STREAM,
		.min = 1, .max = MEM_DEMO_BLOCK_MAX, .show = PAGE_SIZE,
		.block = true,
		.round = mem_demo_round_block,
		.figure = MEM_DEMO_FIGURE_BLOCK,
		.alloc = mem_demo_alloc_dma_single,
		.free = mem_demo_free_dma_single,
	},
	[MEM_DMA_SG] = {
		.id = MEM_DMA_SG, .name = "dma_map_sg", .kind = MEM_DEMO_SG,
		.caps = (MEM_DEMO_CAPS_DMA | MEM_CAP_SYNC) & ~MEM_CAP_VIRTUAL,
		.gfp = MEM_DEMO_TAKES_STREAM,
		.min = 1, .max = MEM_DEMO_SG_MAX, .show = 4 * PAGE_SIZE,
		.round = mem_demo_round_pages,
		.figure = MEM_DEMO_FIGURE_PAGES,
		.alloc = mem_demo_alloc_dma_sg, .free = mem_demo_free_dma_sg,
	},
};

/*
 * vmalloc() warns when it is asked for more pages than there are. The DMA functions
 * have CMA, or an IOMMU, for what is more than a block.
 */
size_t mem_demo_max(const struct mem_demo_row *row)
{
	return min_t(u64, row->max, (u64)totalram_pages() << PAGE_SHIFT);
}

bool mem_demo_is_static(const void *address)
{
	return address >= (void *)mem_demo_static_variable &&
	       address < (void *)mem_demo_static_variable +
			 sizeof(mem_demo_static_variable);
}
