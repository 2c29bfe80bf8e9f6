// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - devices of the laboratory's own, and streaming DMA on them
 *
 * A device has one DMA mask as long as it lives, as what was allocated for it must
 * stay under it: so there is a device for each mask.
 */
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>

#include "lab.h"

struct platform_device *mem_demo_device;

static struct mem_demo_dma mem_demo_dmas[] = {
	{ .bits = 24 }, { .bits = 32 }, { .bits = 64 },
};

const struct mem_demo_dma *mem_demo_dma(unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mem_demo_dmas); i++)
		if (mem_demo_dmas[i].bits == bits && mem_demo_dmas[i].pdev)
			return &mem_demo_dmas[i];

	return NULL;
}

/* One device for each mask that this machine can have. */
static int mem_demo_make_dma(struct mem_demo_dma *dma)
{
	struct platform_device_info info = {
		.parent = &mem_demo_device->dev,
		.name = MEM_DEMO_NAME,
		.id = dma->bits,
		.dma_mask = DMA_BIT_MASK(dma->bits),
	};
	struct platform_device *pdev;

	pdev = platform_device_register_full(&info);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	if (dma_set_mask_and_coherent(&pdev->dev, info.dma_mask)) {
		platform_device_unregister(pdev);
		return 0;
	}

	dma->pool = dma_pool_create(MEM_DEMO_NAME, &pdev->dev,
				    MEM_DEMO_OBJECT_SIZE, 0, 0);
	if (!dma->pool) {
		platform_device_unregister(pdev);
		return -ENOMEM;
	}
	dma->pdev = pdev;

	return 0;
}

void mem_demo_destroy_devices(void)
{
	struct mem_demo_dma *dma;

	for (dma = mem_demo_dmas;
	     dma < mem_demo_dmas + ARRAY_SIZE(mem_demo_dmas); dma++) {
		if (!dma->pdev)
			continue;
		dma_pool_destroy(dma->pool);
		platform_device_unregister(dma->pdev);
	}
	platform_device_unregister(mem_demo_device);
}

int mem_demo_make_devices(void)
{
	struct mem_demo_dma *dma;
	int ret;

	mem_demo_device = platform_device_register_simple(MEM_DEMO_NAME,
							  PLATFORM_DEVID_NONE,
							  NULL, 0);
	if (IS_ERR(mem_demo_device))
		return PTR_ERR(mem_demo_device);

	for (dma = mem_demo_dmas;
	     dma < mem_demo_dmas + ARRAY_SIZE(mem_demo_dmas); dma++) {
		ret = mem_demo_make_dma(dma);
		if (ret) {
			mem_demo_destroy_devices();
			return ret;
		}
	}

	return 0;
}

/* Streaming DMA: pages that the laboratory maps and passes to and fro */

/*
 * The kernel warns when a buffer lies above the device's mask and cannot be
 * bounced, so such a one is not mapped.
 */
static bool mem_demo_below_mask(const struct mem_demo_want *want,
				struct page *page, size_t length)
{
	return page_to_phys(page) + length - 1 <= DMA_BIT_MASK(want->dma->bits);
}

bool mem_demo_alloc_dma_single(const struct mem_demo_want *want,
			       struct mem_demo_piece *piece)
{
	struct device *dev = &want->dma->pdev->dev;
	size_t length = PAGE_SIZE << want->order;
	struct page *page;

	page = alloc_pages(want->gfp | __GFP_COMP, want->order);
	if (!page)
		return false;

	piece->ptr = page;
	piece->dma = DMA_MAPPING_ERROR;
	if (mem_demo_below_mask(want, page, length))
		piece->dma = dma_map_single(dev, page_address(page), length,
					    DMA_BIDIRECTIONAL);
	if (!dma_mapping_error(dev, piece->dma))
		return true;

	__free_pages(page, want->order);
	return false;
}

void mem_demo_free_dma_single(const struct mem_demo_want *want,
			      struct mem_demo_piece *piece)
{
	dma_unmap_single(&want->dma->pdev->dev, piece->dma,
			 PAGE_SIZE << want->order, DMA_BIDIRECTIONAL);
	__free_pages(piece->ptr, want->order);
}

static void mem_demo_free_sg_table(struct sg_table *table)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_sg(table, sg, i)
		if (sg_page(sg))
			__free_page(sg_page(sg));
	sg_free_table(table);
	kfree(table);
}

static struct sg_table *mem_demo_alloc_sg_table(const struct mem_demo_want *want)
{
	struct sg_table *table;
	struct scatterlist *sg;
	struct page *page;
	unsigned int i;

	table = kzalloc(sizeof(*table), want->gfp & ~GFP_ZONEMASK);
	if (!table)
		return NULL;
	if (sg_alloc_table(table, DIV_ROUND_UP(want->size, PAGE_SIZE),
			   want->gfp & ~GFP_ZONEMASK)) {
		kfree(table);
		return NULL;
	}

	for_each_sgtable_sg(table, sg, i) {
		page = alloc_page(want->gfp);
		if (!page)
			goto err_free;
		sg_set_page(sg, page, PAGE_SIZE, 0);
		if (!mem_demo_below_mask(want, page, PAGE_SIZE))
			goto err_free;
	}

	return table;

err_free:
	mem_demo_free_sg_table(table);
	return NULL;
}

bool mem_demo_alloc_dma_sg(const struct mem_demo_want *want,
			   struct mem_demo_piece *piece)
{
	struct sg_table *table = mem_demo_alloc_sg_table(want);

	if (!table)
		return false;
	if (dma_map_sgtable(&want->dma->pdev->dev, table, DMA_BIDIRECTIONAL, 0)) {
		mem_demo_free_sg_table(table);
		return false;
	}

	piece->ptr = table;
	piece->dma = sg_dma_address(table->sgl);
	return true;
}

void mem_demo_free_dma_sg(const struct mem_demo_want *want,
			  struct mem_demo_piece *piece)
{
	struct sg_table *table = piece->ptr;

	dma_unmap_sgtable(&want->dma->pdev->dev, table, DMA_BIDIRECTIONAL, 0);
	mem_demo_free_sg_table(table);
}
