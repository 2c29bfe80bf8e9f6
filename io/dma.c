// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - buffers that a device reaches
 *
 * Coherent buffers, buffers from a pool, streaming mappings of ordinary pages.
 */
#include <linux/atomic.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "io/lab.h"
#include "io_demo.h"

/**
 * struct io_demo_buffer - memory that a card reaches
 * @object: what it is to its file
 * @file:   whose quota it counts in
 * @card:   which reaches it; a reference
 * @node:   in card->buffers, while there is memory
 * @kind:   one of IO_DEMO_DMA_COHERENT to STREAM
 * @size:   bytes
 * @cpu:    the kernel's address, or NULL when the card has gone; under
 *          card->memory_lock
 * @bus:    the card's address
 */
struct io_demo_buffer {
	struct io_demo_object object;
	struct io_demo_file *file;
	struct io_demo_card *card;
	struct list_head node;
	u32 kind;
	size_t size;
	void *cpu;
	dma_addr_t bus;
};

/*
 * What all buffers take, and measurements while they run. A bounce buffer, and the
 * low memory that some devices need, is the whole machine's, and small.
 */
static atomic_long_t io_demo_dma_all;

/* The bytes that so many take: pages are given by powers of two. */
static size_t io_demo_takes(size_t size)
{
	return PAGE_SIZE << get_order(size);
}

static int io_demo_charge(size_t bytes)
{
	if (atomic_long_add_return(bytes, &io_demo_dma_all) <= IO_DEMO_MAX_DMA_ALL)
		return 0;
	atomic_long_sub(bytes, &io_demo_dma_all);

	return -EDQUOT;
}

static void io_demo_uncharge(size_t bytes)
{
	atomic_long_sub(bytes, &io_demo_dma_all);
}

static int io_demo_charge_file(struct io_demo_file *file, size_t bytes)
{
	int ret;

	lockdep_assert_held(&file->lock);
	if (bytes > IO_DEMO_MAX_DMA - file->dma)
		return -EDQUOT;
	ret = io_demo_charge(bytes);
	if (!ret)
		file->dma += bytes;

	return ret;
}

/* file->lock is held, unless the file is being closed. */
static void io_demo_uncharge_file(struct io_demo_file *file, size_t bytes)
{
	file->dma -= bytes;
	io_demo_uncharge(bytes);
}

static struct io_demo_buffer *io_demo_find_buffer(struct io_demo_file *file,
						  u32 handle)
{
	struct io_demo_object *object =
		io_demo_find(file, handle, IO_DEMO_BUFFER);

	return object ? container_of(object, struct io_demo_buffer, object) : NULL;
}

/* DMA: buffers */

static int io_demo_buffer_map(struct io_demo_buffer *buffer, struct page *page)
{
	struct device *dev = &buffer->card->pdev->dev;

	if (!io_demo_mappable(dev, page, buffer->size))
		return -EIO;
	/* A bounce buffer that is full is an errno to us, no news for the log. */
	buffer->bus = dma_map_page_attrs(dev, page, 0, buffer->size,
					 DMA_BIDIRECTIONAL, DMA_ATTR_NO_WARN);
	if (dma_mapping_error(dev, buffer->bus))
		return -EIO;
	buffer->cpu = page_address(page);

	return 0;
}

/* Gives the buffer memory; @page is what a streaming one consists of. */
static int io_demo_buffer_fill(struct io_demo_buffer *buffer, struct page *page)
{
	struct device *dev = &buffer->card->pdev->dev;
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY;

	lockdep_assert_held(&buffer->card->memory_lock);
	switch (buffer->kind) {
	case IO_DEMO_DMA_COHERENT:
		buffer->cpu = dma_alloc_coherent(dev, buffer->size,
						 &buffer->bus, gfp);
		break;
	case IO_DEMO_DMA_WC:
		buffer->cpu = dma_alloc_wc(dev, buffer->size, &buffer->bus, gfp);
		break;
	case IO_DEMO_DMA_POOL:
		buffer->cpu = dma_pool_zalloc(buffer->card->pool, gfp,
					      &buffer->bus);
		break;
	case IO_DEMO_DMA_STREAM:
		return io_demo_buffer_map(buffer, page);
	}

	return buffer->cpu ? 0 : -ENOMEM;
}

/* Takes the memory away; the device does not use it. */
static void io_demo_buffer_strip(struct io_demo_buffer *buffer)
{
	struct device *dev = &buffer->card->pdev->dev;

	lockdep_assert_held(&buffer->card->memory_lock);
	if (!buffer->cpu)
		return;

	switch (buffer->kind) {
	case IO_DEMO_DMA_COHERENT:
		dma_free_coherent(dev, buffer->size, buffer->cpu, buffer->bus);
		break;
	case IO_DEMO_DMA_WC:
		dma_free_wc(dev, buffer->size, buffer->cpu, buffer->bus);
		break;
	case IO_DEMO_DMA_POOL:
		dma_pool_free(buffer->card->pool, buffer->cpu, buffer->bus);
		break;
	case IO_DEMO_DMA_STREAM:
		dma_unmap_page(dev, buffer->bus, buffer->size,
			       DMA_BIDIRECTIONAL);
		free_pages((unsigned long)buffer->cpu, get_order(buffer->size));
		break;
	}
	buffer->cpu = NULL;
	list_del(&buffer->node);
}

/* The card goes: its buffers lose their memory. */
void io_demo_buffers_strip(struct io_demo_card *card)
{
	struct io_demo_buffer *buffer, *next;

	mutex_lock(&card->memory_lock);
	list_for_each_entry_safe(buffer, next, &card->buffers, node)
		io_demo_buffer_strip(buffer);
	mutex_unlock(&card->memory_lock);
}

static void io_demo_buffer_destroy(struct io_demo_object *object)
{
	struct io_demo_buffer *buffer =
		container_of(object, struct io_demo_buffer, object);
	struct io_demo_card *card = buffer->card;

	mutex_lock(&card->memory_lock);
	io_demo_buffer_strip(buffer);
	mutex_unlock(&card->memory_lock);
	io_demo_uncharge_file(buffer->file, io_demo_takes(buffer->size));
	io_demo_card_put(card);
	kfree(buffer);
}

static phys_addr_t io_demo_phys(const void *address)
{
	if (is_vmalloc_addr(address))
		return page_to_phys(vmalloc_to_page(address)) +
		       offset_in_page(address);

	return virt_to_phys((void *)address);
}

static u32 io_demo_mapping_state(struct device *dev, phys_addr_t phys,
				 dma_addr_t bus)
{
	if (io_demo_translated(dev))
		return IO_DEMO_DMA_IOMMU | (phys == bus ? IO_DEMO_DMA_SAME : 0);

	return phys == bus ? IO_DEMO_DMA_SAME : IO_DEMO_DMA_BOUNCED;
}

/* The three addresses that one byte has. */
static void io_demo_buffer_describe(const struct io_demo_buffer *buffer,
				    struct io_demo_dma *dma)
{
	phys_addr_t phys = io_demo_phys(buffer->cpu);
	u64 mask = ~PAGE_MASK;

	dma->state = io_demo_mapping_state(&buffer->card->pdev->dev, phys,
					   buffer->bus);
	if (is_vmalloc_addr(buffer->cpu))
		dma->state |= IO_DEMO_DMA_VMALLOC;
	if (io_demo_sees_addresses()) {
		dma->state |= IO_DEMO_DMA_RAW;
		mask = U64_MAX;
	}
	dma->virt = (unsigned long)buffer->cpu & mask;
	dma->phys = phys & mask;
	dma->bus = buffer->bus & mask;
}

/* Gives the buffer memory, and its card the buffer. */
static int io_demo_buffer_attach(struct io_demo_buffer *buffer,
				 struct page *page, struct io_demo_dma *dma)
{
	struct io_demo_card *card = buffer->card;
	int ret = -ENODEV;

	mutex_lock(&card->memory_lock);
	if (!io_demo_card_gone(card))
		ret = io_demo_buffer_fill(buffer, page);
	if (!ret) {
		list_add(&buffer->node, &card->buffers);
		io_demo_buffer_describe(buffer, dma);
	}
	mutex_unlock(&card->memory_lock);

	return ret;
}

/* Makes a buffer, which takes over the caller's charge and reference of the card. */
static struct io_demo_buffer *io_demo_buffer_create(struct io_demo_file *file,
						    struct io_demo_card *card,
						    struct io_demo_dma *dma)
{
	struct io_demo_buffer *buffer;
	struct page *page = NULL;
	int ret = -ENOMEM;

	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL_ACCOUNT);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	buffer->object.type = IO_DEMO_BUFFER;
	buffer->object.destroy = io_demo_buffer_destroy;
	buffer->file = file;
	buffer->card = card;
	buffer->kind = dma->kind;
	buffer->size = dma->size;

	if (dma->kind == IO_DEMO_DMA_STREAM) {
		page = io_demo_pages(&card->pdev->dev, dma->size, dma->flags);
		if (!page)
			goto err_free;
	}
	ret = io_demo_buffer_attach(buffer, page, dma);
	if (ret)
		goto err_free_page;

	return buffer;

err_free_page:
	if (page)
		__free_pages(page, get_order(dma->size));
err_free:
	kfree(buffer);
	return ERR_PTR(ret);
}

static bool io_demo_is_buffer_size(u64 size)
{
	return size && size <= IO_DEMO_MAX_BUFFER;
}

static int io_demo_check_dma(const struct io_demo_dma *dma)
{
	if (dma->kind < IO_DEMO_DMA_COHERENT || dma->kind > IO_DEMO_DMA_STREAM ||
	    dma->reserved || !io_demo_is_buffer_size(dma->size))
		return -EINVAL;
	if (dma->flags & ~IO_DEMO_DMA_ABOVE ||
	    (dma->flags && dma->kind != IO_DEMO_DMA_STREAM))
		return -EINVAL;
	if (dma->kind == IO_DEMO_DMA_POOL && dma->size > IO_DEMO_POOL_SIZE)
		return -EINVAL;

	return 0;
}

long io_demo_dma(void *state, void __user *arg)
{
	struct io_demo_file *file = state;
	struct io_demo_buffer *buffer;
	struct io_demo_card *card;
	struct io_demo_dma dma;
	int ret;

	ret = io_demo_enter(&dma, arg, sizeof(dma));
	if (!ret)
		ret = io_demo_check_dma(&dma);
	if (!ret)
		ret = io_demo_lock(&file->lock);
	if (ret)
		return ret;
	ret = io_demo_charge_file(file, io_demo_takes(dma.size));
	if (ret)
		goto out_unlock;

	card = io_demo_card_get(dma.index);
	if (!card) {
		ret = -ENODEV;
		goto err_uncharge;
	}
	buffer = io_demo_buffer_create(file, card, &dma);
	if (IS_ERR(buffer)) {
		ret = PTR_ERR(buffer);
		goto err_put_card;
	}

	ret = io_demo_add(file, &buffer->object, &dma.handle, arg, &dma,
			  sizeof(dma));
	if (ret)
		io_demo_buffer_destroy(&buffer->object);
	goto out_unlock;

err_put_card:
	io_demo_card_put(card);
err_uncharge:
	io_demo_uncharge_file(file, io_demo_takes(dma.size));
out_unlock:
	mutex_unlock(&file->lock);
	return ret;
}

/* DMA: who has the buffer */

static bool io_demo_in_buffer(const struct io_demo_buffer *buffer, u64 offset,
			      u64 size)
{
	return size <= buffer->size && offset <= buffer->size - size;
}

/*
 * Copies a part of the buffer to or from @data by the CPU. Coherent memory is
 * simply there. A streaming mapping belongs to the device, except between the
 * two calls: the first brings what the device has written (out of a bounce
 * buffer, or past stale cache lines), the second takes there what the CPU has.
 */
static int io_demo_buffer_touch(struct io_demo_buffer *buffer, u32 op,
				size_t offset, void *data, size_t size)
{
	struct device *dev = &buffer->card->pdev->dev;
	bool stream = buffer->kind == IO_DEMO_DMA_STREAM;
	int ret = -ENODEV;

	mutex_lock(&buffer->card->memory_lock);
	if (io_demo_card_gone(buffer->card))
		goto out_unlock;
	if (stream)
		dma_sync_single_range_for_cpu(dev, buffer->bus, offset, size,
					      DMA_BIDIRECTIONAL);
	if (op == IO_DEMO_READ)
		memcpy(data, buffer->cpu + offset, size);
	else
		memcpy(buffer->cpu + offset, data, size);
	if (stream)
		dma_sync_single_range_for_device(dev, buffer->bus, offset, size,
						 DMA_BIDIRECTIONAL);
	ret = 0;

out_unlock:
	mutex_unlock(&buffer->card->memory_lock);
	return ret;
}

/* Goes through a page of our own, so that nothing is locked over a fault. */
static int io_demo_buffer_copy(struct io_demo_buffer *buffer,
			       const struct io_demo_dma_copy *copy, void *page)
{
	void __user *user = u64_to_user_ptr(copy->buffer);
	u64 done;
	size_t n;
	int ret;

	for (done = 0; done < copy->size; done += n) {
		n = min_t(u64, copy->size - done, PAGE_SIZE);
		if (copy->op == IO_DEMO_WRITE &&
		    copy_from_user(page, user + done, n))
			return -EFAULT;
		ret = io_demo_buffer_touch(buffer, copy->op, copy->offset + done,
					   page, n);
		if (ret)
			return ret;
		if (copy->op == IO_DEMO_READ &&
		    copy_to_user(user + done, page, n))
			return -EFAULT;
		cond_resched();
	}

	return 0;
}

long io_demo_dma_copy(void *state, void __user *arg)
{
	struct io_demo_file *file = state;
	struct io_demo_buffer *buffer;
	struct io_demo_dma_copy copy;
	void *page;
	int ret;

	ret = io_demo_enter(&copy, arg, sizeof(copy));
	if (ret)
		return ret;
	if (!io_demo_is_op(copy.op) || !copy.size)
		return -EINVAL;

	page = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	ret = io_demo_lock(&file->lock);
	if (ret)
		goto out_free;
	buffer = io_demo_find_buffer(file, copy.handle);
	if (!buffer)
		ret = -ENOENT;
	else if (!io_demo_in_buffer(buffer, copy.offset, copy.size))
		ret = -EINVAL;
	else
		ret = io_demo_buffer_copy(buffer, &copy, page);
	mutex_unlock(&file->lock);

out_free:
	kfree(page);
	return ret;
}

long io_demo_dma_run(void *state, void __user *arg)
{
	struct io_demo_file *file = state;
	struct io_demo_buffer *buffer;
	struct io_demo_dma_run run;
	u64 start;
	int ret;

	ret = io_demo_enter(&run, arg, sizeof(run));
	if (ret)
		return ret;
	if (!io_demo_is_op(run.op) || !run.size ||
	    run.size > IO_DEMO_EDU_MEMORY ||
	    run.device > IO_DEMO_EDU_MEMORY - run.size)
		return -EINVAL;

	ret = io_demo_lock(&file->lock);
	if (ret)
		return ret;
	buffer = io_demo_find_buffer(file, run.handle);
	if (!buffer) {
		ret = -ENOENT;
		goto out_unlock;
	}
	if (!io_demo_in_buffer(buffer, run.offset, run.size)) {
		ret = -EINVAL;
		goto out_unlock;
	}

	ret = io_demo_card_lock(buffer->card);
	if (ret)
		goto out_unlock;
	start = ktime_get_ns();
	ret = io_demo_card_run(buffer->card, run.op, buffer->bus + run.offset,
			       run.device, run.size);
	run.ns = ktime_get_ns() - start;
	mutex_unlock(&buffer->card->lock);

out_unlock:
	mutex_unlock(&file->lock);
	return ret ?: io_demo_leave(arg, &run, sizeof(run));
}

/* DMA: what a mapping costs */

static void io_demo_lap(u64 *sum, u64 *last)
{
	u64 now = ktime_get_ns();

	*sum += now - *last;
	*last = now;
}

static int io_demo_cost_once(struct device *dev, void *memory, void *copy,
			     struct io_demo_dma_cost *cost)
{
	size_t size = cost->size;
	dma_addr_t bus;
	u64 last;

	last = ktime_get_ns();
	bus = dma_map_single_attrs(dev, memory, size, DMA_BIDIRECTIONAL,
				   DMA_ATTR_NO_WARN);
	io_demo_lap(&cost->map_ns, &last);
	if (dma_mapping_error(dev, bus))
		return -EIO;
	cost->state = io_demo_mapping_state(dev, virt_to_phys(memory), bus);

	last = ktime_get_ns();
	dma_sync_single_for_cpu(dev, bus, size, DMA_BIDIRECTIONAL);
	io_demo_lap(&cost->for_cpu_ns, &last);
	dma_sync_single_for_device(dev, bus, size, DMA_BIDIRECTIONAL);
	io_demo_lap(&cost->for_device_ns, &last);
	dma_unmap_single(dev, bus, size, DMA_BIDIRECTIONAL);
	io_demo_lap(&cost->unmap_ns, &last);
	memcpy(copy, memory, size);
	io_demo_lap(&cost->copy_ns, &last);

	return 0;
}

/* The lock is for one mapping: the device may go, and others may use it. */
static int io_demo_cost(struct io_demo_card *card, struct page *page,
			struct page *copy, struct io_demo_dma_cost *cost)
{
	struct device *dev = &card->pdev->dev;
	int ret;

	while (cost->done < cost->count) {
		mutex_lock(&card->memory_lock);
		if (io_demo_card_gone(card))
			ret = -ENODEV;
		else if (!io_demo_mappable(dev, page, cost->size))
			ret = -EIO;
		else
			ret = io_demo_cost_once(dev, page_address(page),
						page_address(copy), cost);
		mutex_unlock(&card->memory_lock);
		if (ret)
			return ret;
		cost->done++;
		if (signal_pending(current))
			break;
		cond_resched();
	}

	return 0;
}

long io_demo_dma_cost(void *state, void __user *arg)
{
	struct io_demo_dma_cost cost;
	struct page *page, *copy;
	struct io_demo_card *card;
	int ret;

	ret = io_demo_enter(&cost, arg, sizeof(cost));
	if (ret)
		return ret;
	if (cost.flags & ~IO_DEMO_DMA_ABOVE || cost.reserved ||
	    !io_demo_is_buffer_size(cost.size) ||
	    !cost.count || cost.count > IO_DEMO_MAX_COUNT)
		return -EINVAL;
	cost = (struct io_demo_dma_cost) {
		.index = cost.index, .flags = cost.flags,
		.size = cost.size, .count = cost.count,
	};

	card = io_demo_card_get(cost.index);
	if (!card)
		return -ENODEV;
	ret = io_demo_charge(2 * io_demo_takes(cost.size));
	if (ret)
		goto out_put;
	page = io_demo_pages(&card->pdev->dev, cost.size, cost.flags);
	copy = io_demo_pages(&card->pdev->dev, cost.size, 0);
	ret = page && copy ? io_demo_cost(card, page, copy, &cost) : -ENOMEM;
	if (copy)
		__free_pages(copy, get_order(cost.size));
	if (page)
		__free_pages(page, get_order(cost.size));
	io_demo_uncharge(2 * io_demo_takes(cost.size));

out_put:
	io_demo_card_put(card);

	return ret ?: io_demo_leave(arg, &cost, sizeof(cost));
}
