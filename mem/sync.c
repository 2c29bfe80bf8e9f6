// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - a buffer of streaming DMA changes hands: the CPU's, the device's
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>

#include "lab.h"

static void mem_demo_sync(const struct mem_demo_object *object, u32 op)
{
	struct device *dev = &object->want.dma->pdev->dev;
	size_t length = PAGE_SIZE << object->want.order;
	bool to_cpu = op == MEM_SYNC_FOR_CPU;

	if (object->want.row->kind == MEM_DEMO_SG && to_cpu)
		dma_sync_sgtable_for_cpu(dev, object->piece.ptr,
					 DMA_BIDIRECTIONAL);
	else if (object->want.row->kind == MEM_DEMO_SG)
		dma_sync_sgtable_for_device(dev, object->piece.ptr,
					    DMA_BIDIRECTIONAL);
	else if (to_cpu)
		dma_sync_single_for_cpu(dev, object->piece.dma, length,
					DMA_BIDIRECTIONAL);
	else
		dma_sync_single_for_device(dev, object->piece.dma, length,
					   DMA_BIDIRECTIONAL);
}

static int mem_demo_sync_object(struct mem_demo_file *file,
				struct mem_demo_object *object,
				struct mem_dma_sync *arg)
{
	const struct mem_demo_want *want = &object->want;
	struct device *dev;
	int ret;

	if (!(want->row->caps & MEM_CAP_SYNC))
		return -EINVAL;
	ret = mutex_lock_killable(&file->lock);
	if (ret)
		return ret;
	mem_demo_sync(object, arg->op);
	object->owner = arg->op == MEM_SYNC_FOR_CPU ? MEM_OWNER_CPU :
						      MEM_OWNER_DEVICE;
	mutex_unlock(&file->lock);

	dev = &want->dma->pdev->dev;
	arg->entries = want->row->kind == MEM_DEMO_SG ?
		       ((struct sg_table *)object->piece.ptr)->nents : 1;
	arg->dma_bits = want->dma->bits;
	arg->coherent = dma_need_sync(dev, object->piece.dma) ? MEM_NO : MEM_YES;
	arg->required_mask = dma_get_required_mask(dev);

	return 0;
}

long mem_demo_dma_sync(struct mem_demo_file *file,
		       struct mem_dma_sync *arg)
{
	struct mem_demo_object *object;
	int ret;

	if ((arg->op != MEM_SYNC_FOR_CPU && arg->op != MEM_SYNC_FOR_DEVICE) ||
	    arg->reserved)
		return -EINVAL;
	object = mem_demo_get(file, arg->handle);
	if (IS_ERR(object))
		return PTR_ERR(object);
	ret = mem_demo_sync_object(file, object, arg);
	mem_demo_put(object);

	return ret;
}
