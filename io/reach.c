// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - what memory a device reaches, and pages that it does or does not reach
 *
 * What is between the two: an IOMMU, a bounce buffer, or only the device's mask.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

#include "io/lab.h"
#include "io_demo.h"
#include "compat.h"

/* Does an IOMMU translate the device's addresses? */
bool io_demo_translated(struct device *dev)
{
#ifdef CONFIG_IOMMU_API
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && domain->type != IOMMU_DOMAIN_IDENTITY;
#else
	return false;
#endif
}

/*
 * Is there a bounce buffer that the device reaches? The kernel's is somewhere
 * below 4 GiB. It would warn about a device that reaches less than that.
 */
bool io_demo_bounces(struct device *dev)
{
	return dma_max_mapping_size(dev) != SIZE_MAX &&
	       dma_get_mask(dev) >= DMA_BIT_MASK(32);
}

/* Is this memory below the device's mask? */
static bool io_demo_below_mask(struct device *dev, struct page *page, size_t size)
{
	return page_to_phys(page) + size - 1 <= dma_get_mask(dev);
}

/*
 * Would the kernel map this memory for the device without a warning? It warns of
 * what it can neither translate nor bounce.
 */
bool io_demo_mappable(struct device *dev, struct page *page, size_t size)
{
	if (io_demo_translated(dev))
		return true;
	if (is_swiotlb_force_bounce(dev) ||
	    !io_demo_below_mask(dev, page, size))
		return io_demo_bounces(dev) && size <= dma_max_mapping_size(dev);

	return true;
}

/* Pages as a driver would ask for them: any, then from ever lower zones. */
static struct page *io_demo_pages_below(struct device *dev, size_t size)
{
	static const gfp_t zones[] = { 0, GFP_DMA32, GFP_DMA };
	struct page *page;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO |
				   __GFP_NOWARN | __GFP_NORETRY | zones[i],
				   get_order(size));
		if (!page || io_demo_below_mask(dev, page, size))
			return page;
		/* The last resort: an IOMMU or a bounce buffer. */
		if (i + 1 == ARRAY_SIZE(zones))
			return page;
		__free_pages(page, get_order(size));
	}

	return NULL;
}

/* Is there memory above the device's mask, of the zones that pages come from? */
static bool io_demo_is_memory_above(struct device *dev)
{
	struct zone *zone;
	int nid, i;

	for_each_online_node(nid) {
		for (i = 0; i <= gfp_zone(GFP_KERNEL); i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (populated_zone(zone) &&
			    PFN_PHYS(zone_end_pfn(zone)) - 1 > dma_get_mask(dev))
				return true;
		}
	}

	return false;
}

/*
 * Pages that the device does not reach, if there are any free ones. The search ends
 * when it holds as much as the mask covers, as no more can lie below the mask, or half
 * of the available memory. It takes free memory only: no other user loses a page, not
 * even a cached one, and the reserves are not touched.
 */
static struct page *io_demo_search_above(struct device *dev, size_t size)
{
	u64 most = min_t(u64, dma_get_mask(dev),
			 (u64)si_mem_available() / 2 << PAGE_SHIFT);
	gfp_t gfp = (GFP_KERNEL_ACCOUNT & ~__GFP_RECLAIM) | __GFP_NOWARN;
	unsigned int order = get_order(size);
	struct page *page = NULL, *next, *found = NULL;
	LIST_HEAD(low);
	u64 seen;

	for (seen = 0; seen <= most && !found; seen += PAGE_SIZE << order) {
		page = alloc_pages(gfp, order);
		if (!page || fatal_signal_pending(current))
			break;
		if (io_demo_below_mask(dev, page, size))
			list_add(&page->lru, &low);
		else
			found = page;
		page = NULL;
		cond_resched();
	}
	if (page)
		__free_pages(page, order);
	list_for_each_entry_safe(page, next, &low, lru) {
		__free_pages(page, order);
		cond_resched();
	}
	if (found)
		memset(page_address(found), 0, PAGE_SIZE << order);

	return found;
}

/* One at a time, or together they would take half of the rest, and so on. */
static struct page *io_demo_pages_above(struct device *dev, size_t size)
{
	/* Process context; inside file->lock, nothing is inside of it. */
	static DEFINE_MUTEX(search_lock);
	struct page *page;

	if (!io_demo_is_memory_above(dev))
		return NULL;
	if (mutex_lock_killable(&search_lock))
		return NULL;
	page = io_demo_search_above(dev, size);
	mutex_unlock(&search_lock);

	return page;
}

/* @flags are IO_DEMO_DMA_*, of which ABOVE counts. */
struct page *io_demo_pages(struct device *dev, size_t size, u32 flags)
{
	return flags & IO_DEMO_DMA_ABOVE ? io_demo_pages_above(dev, size) :
					   io_demo_pages_below(dev, size);
}
