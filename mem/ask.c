// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - may this be asked of that allocator?
 *
 * Whatever the kernel would warn of is found out here, before it is called.
 */
#include <linux/bitops.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/nospec.h>

#include "lab.h"

#define MEM_DEMO_MAX_ATOMIC	(16 * PAGE_SIZE)	/* where nobody may sleep */

static const struct {
	u32 flag;
	gfp_t gfp;
} mem_demo_gfps[] = {
	{ MEM_GFP_KERNEL,	 GFP_KERNEL },
	{ MEM_GFP_ATOMIC,	 GFP_ATOMIC },
	{ MEM_GFP_NOWAIT,	 GFP_NOWAIT },
	{ MEM_GFP_USER,		 GFP_USER },
	{ MEM_GFP_HIGHUSER,	 GFP_HIGHUSER },
	{ MEM_GFP_NOIO,		 GFP_NOIO },
	{ MEM_GFP_NOFS,		 GFP_NOFS },
	{ MEM_GFP_DMA,		 GFP_DMA },
	{ MEM_GFP_DMA32,	 GFP_DMA32 },
	{ MEM_GFP_ZERO,		 __GFP_ZERO },
	{ MEM_GFP_NOWARN,	 __GFP_NOWARN },
	{ MEM_GFP_NORETRY,	 __GFP_NORETRY },
	{ MEM_GFP_RETRY_MAYFAIL, __GFP_RETRY_MAYFAIL },
	{ MEM_GFP_HIGH,		 __GFP_HIGH },
	{ MEM_GFP_COMP,		 __GFP_COMP },
	{ MEM_GFP_ACCOUNT,	 __GFP_ACCOUNT },
	{ MEM_GFP_THISNODE,	 __GFP_THISNODE },
};

/* Neither a complaint in the log, nor the OOM killer. */
static gfp_t mem_demo_gfp(u32 flags)
{
	gfp_t gfp = __GFP_NOWARN;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mem_demo_gfps); i++)
		if (flags & mem_demo_gfps[i].flag)
			gfp |= mem_demo_gfps[i].gfp;
	if (!(flags & (MEM_GFP_RETRY_MAYFAIL | MEM_DEMO_ATOMIC_BASES)))
		gfp |= __GFP_NORETRY;

	return gfp;
}

/* NULL: there is none of this number that can do this. */
const struct mem_demo_row *mem_demo_row(u32 id, u32 cap)
{
	const struct mem_demo_row *row;

	if (!id || id > MEM_NR_ALLOCATORS)
		return NULL;
	row = &mem_demo_rows[array_index_nospec(id, MEM_NR_ALLOCATORS + 1)];

	return (row->caps & cap) == cap ? row : NULL;
}

u32 mem_demo_contexts(const struct mem_demo_row *row)
{
	u32 contexts = BIT(MEM_CONTEXT_PROCESS);

	if (row->process)
		return contexts;

	contexts |= BIT(MEM_CONTEXT_SPINLOCK);
	if (row->no_irq)
		return contexts;

	contexts |= BIT(MEM_CONTEXT_SOFTIRQ);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		contexts |= BIT(MEM_CONTEXT_HARDIRQ);

	return contexts;
}

/* Do the flags alone make sense? Else MEM_WHY_*. */
static u32 mem_demo_check_flags(const struct mem_demo_row *row, u32 gfp,
				u32 *culprit)
{
	u32 bases = gfp & MEM_GFP_BASES;
	u32 zones = gfp & MEM_GFP_ZONES;

	*culprit = gfp & MEM_GFP_NOFAIL;
	if (*culprit)
		return MEM_WHY_NOFAIL;

	if (hweight32(bases) != 1 || hweight32(zones) > 1 ||
	    (zones && (gfp & MEM_GFP_HIGHUSER)))
		return MEM_WHY_COMBINATION;

	*culprit = bases & ~MEM_DEMO_ATOMIC_BASES;
	if (*culprit && row->pool)
		return MEM_WHY_FOREVER;

	*culprit = gfp & ~row->gfp;
	*culprit &= -*culprit;
	if (*culprit)
		return MEM_WHY_FLAG;

	*culprit = (IS_ENABLED(CONFIG_ZONE_DMA) ? 0 : gfp & MEM_GFP_DMA) |
		   (IS_ENABLED(CONFIG_ZONE_DMA32) ? 0 : gfp & MEM_GFP_DMA32);
	if (*culprit)
		return MEM_WHY_NO_ZONE;

	return MEM_WHY_NONE;
}

/*
 * May it be called with these flags and so much in this context? Else MEM_WHY_*.
 */
static u32 mem_demo_check_context(const struct mem_demo_row *row, u32 gfp,
				  u64 size, u32 context, u32 *culprit)
{
	if (context == MEM_CONTEXT_PROCESS)
		return MEM_WHY_NONE;
	if (row->process)
		return MEM_WHY_CONTEXT;
	if (row->no_irq && context != MEM_CONTEXT_SPINLOCK)
		return MEM_WHY_INTERRUPT;
	if (!(mem_demo_contexts(row) & BIT(context)))
		return MEM_WHY_RT;

	*culprit = gfp & MEM_GFP_BASES & ~MEM_DEMO_ATOMIC_BASES;
	if (*culprit)
		return MEM_WHY_SLEEPS;

	/* All copies are zeroed. The size is at most the allocator's: no overflow. */
	return size * mem_demo_copies(row) > MEM_DEMO_MAX_ATOMIC ?
	       MEM_WHY_LONG : MEM_WHY_NONE;
}

/* Will what comes lie under the mask? The kernel warns if it does not. */
static bool mem_demo_mask_fits(const struct mem_demo_dma *dma, u32 gfp)
{
	if (gfp & MEM_GFP_DMA)
		return true;
	if (dma->bits >= 32 && (gfp & MEM_GFP_DMA32))
		return true;

	return dma_get_required_mask(&dma->pdev->dev) <= DMA_BIT_MASK(dma->bits);
}

static u32 mem_demo_find_dma(struct mem_demo_want *want, u32 gfp, u32 bits)
{
	const struct mem_demo_dma *dma = mem_demo_dma(bits);

	if (!dma)
		return MEM_WHY_NO_MASK;
	want->dma = dma;
	if (!(want->row->caps & MEM_CAP_SYNC))
		return MEM_WHY_NONE;
	if (!mem_demo_mask_fits(dma, gfp))
		return MEM_WHY_MASK;
	if (want->size > dma_max_mapping_size(&dma->pdev->dev))
		return MEM_WHY_SIZE;

	return MEM_WHY_NONE;
}

bool mem_demo_dma_bits_valid(const struct mem_demo_row *row, u32 bits)
{
	if (!(row->caps & MEM_CAP_DMA))
		return !bits;

	return bits == 24 || bits == 32 || bits == 64;
}

/*
 * Makes @want of a request, or tells what is in its way: MEM_WHY_*, and in
 * *@culprit the flag. The caller has looked at flags that there are not and at
 * dma_bits.
 */
u32 mem_demo_prepare(struct mem_demo_want *want,
		     const struct mem_demo_row *row, u32 gfp, u64 size,
		     u32 dma_bits, u32 context, u32 *culprit)
{
	u32 why;

	why = mem_demo_check_flags(row, gfp, culprit);
	if (why != MEM_WHY_NONE)
		return why;
	if (size < row->min || size > mem_demo_max(row))
		return MEM_WHY_SIZE;
	why = mem_demo_check_context(row, gfp, size, context, culprit);
	if (why != MEM_WHY_NONE)
		return why;

	want->row = row;
	want->size = size;
	want->gfp = mem_demo_gfp(gfp);
	want->order = get_order(size);
	want->cache = NULL;
	if (row->caps & MEM_CAP_DMA)
		return mem_demo_find_dma(want, gfp, dma_bits);
	if (row->pool)
		want->pool = *row->pool;
	if (row->cache) {
		want->cache = mem_demo_cache(row->cache);
		if (!want->cache)
			return MEM_WHY_NO_CACHE;
	}

	return MEM_WHY_NONE;
}

int mem_demo_why_error(u32 why, const struct mem_demo_row *row, u64 size)
{
	switch (why) {
	case MEM_WHY_NONE:
		return 0;
	case MEM_WHY_SIZE:
		return size < row->min ? -EINVAL : -E2BIG;
	case MEM_WHY_NO_CACHE:
		return -ENODEV;
	case MEM_WHY_MASK:
		return -ERANGE;
	case MEM_WHY_NO_MASK:
	case MEM_WHY_NO_ZONE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* For a call from process context. Return: 0 or what the ioctl answers. */
int mem_demo_ask(struct mem_demo_want *want,
		 const struct mem_demo_row *row, u32 gfp, u64 size,
		 u32 dma_bits)
{
	u32 culprit, why;

	if ((gfp & ~MEM_GFP_ALL) || !mem_demo_dma_bits_valid(row, dma_bits))
		return -EINVAL;
	why = mem_demo_prepare(want, row, gfp, size, dma_bits,
			       MEM_CONTEXT_PROCESS, &culprit);

	return mem_demo_why_error(why, row, size);
}
