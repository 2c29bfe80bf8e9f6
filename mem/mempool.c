// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - a mempool whose backing allocator can be told to fail
 */
#include <linux/gfp.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "lab.h"

#define MEM_DEMO_MAX_TAKE	4096
#define MEM_DEMO_MAX_RESERVE	1024

/**
 * struct mem_demo_backing - an allocator that can be told to fail
 * @pages:    gives pages, else objects of a cache
 * @limited:  gives no more than @left
 * @left:     how many more
 * @granted:  how many it gave
 * @released: how many came back
 */
struct mem_demo_backing {
	bool pages;
	bool limited;
	u32 left;
	u32 granted;
	u32 released;
};

/* Gives way to others now and then. Return: false after a fatal signal. */
static bool mem_demo_may_go_on(u32 i)
{
	if (i % MEM_DEMO_BATCH == MEM_DEMO_BATCH - 1)
		cond_resched();

	return !fatal_signal_pending(current);
}

static void *mem_demo_backing_alloc(gfp_t gfp, void *data)
{
	struct mem_demo_backing *backing = data;
	void *element;

	if (backing->limited && !backing->left)
		return NULL;
	/* The pool is being made: process context, no lock is held. */
	if (!backing->limited && !mem_demo_may_go_on(backing->granted))
		return NULL;
	if (backing->pages)
		element = alloc_page(gfp);
	else
		element = kmem_cache_alloc(mem_demo_cache(MEM_DEMO_CACHE_MEMPOOL),
					   gfp);
	if (!element)
		return NULL;

	backing->granted++;
	backing->left -= backing->limited;

	return element;
}

static void mem_demo_backing_free(void *element, void *data)
{
	struct mem_demo_backing *backing = data;

	backing->released++;
	if (backing->pages)
		__free_page(element);
	else
		kmem_cache_free(mem_demo_cache(MEM_DEMO_CACHE_MEMPOOL), element);
}

/* Takes them, and gives them back. Return: 0, or -EINTR: a fatal signal. */
static int mem_demo_take_elements(mempool_t *pool,
				  struct mem_demo_backing *backing,
				  void **elements, struct mem_mempool *arg)
{
	u32 i, granted;

	for (i = 0; i < arg->take && mem_demo_may_go_on(i); i++) {
		granted = backing->granted;
		elements[i] = mempool_alloc(pool, GFP_NOWAIT | __GFP_NOWARN);
		if (!elements[i])
			arg->refused++;
		else if (backing->granted > granted)
			arg->backing++;
		else
			arg->from_reserve++;
	}
	arg->reserve_low = pool->curr_nr;

	for (i = 0; i < arg->take; i++) {
		if (elements[i])
			mempool_free(elements[i], pool);
		mem_demo_may_go_on(i);
	}
	arg->refilled = pool->curr_nr - arg->reserve_low;

	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* The elements, and pointers to those of the reserve and to those that are taken. */
static u64 mem_demo_mempool_needs(const struct mem_mempool *arg)
{
	u64 elements = (u64)arg->reserve + arg->take;

	return elements * (arg->allocator == MEM_MEMPOOL_PAGE ?
			   PAGE_SIZE : MEM_DEMO_OBJECT_SIZE) +
	       mem_demo_kvmalloc_needs(sizeof(mempool_t)) +
	       mem_demo_kvmalloc_needs(arg->reserve * sizeof(void *)) +
	       mem_demo_kvmalloc_needs(arg->take * sizeof(void *));
}

long mem_demo_mempool(struct mem_demo_file *file, struct mem_mempool *arg)
{
	struct mem_demo_backing backing = {
		.pages = arg->allocator == MEM_MEMPOOL_PAGE,
	};
	u64 bytes;
	void **elements;
	mempool_t *pool;
	int ret;

	if ((arg->allocator != MEM_MEMPOOL_SLAB &&
	     arg->allocator != MEM_MEMPOOL_PAGE) ||
	    !arg->reserve || arg->reserve > MEM_DEMO_MAX_RESERVE ||
	    !arg->take || arg->take > MEM_DEMO_MAX_TAKE ||
	    !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;

	bytes = mem_demo_mempool_needs(arg);
	ret = mem_demo_charge(file, bytes);
	if (ret)
		return ret;
	ret = -ENOMEM;
	elements = kvcalloc(arg->take, sizeof(*elements), MEM_DEMO_GFP);
	if (!elements)
		goto err_uncharge;
	pool = mempool_create_node(arg->reserve, mem_demo_backing_alloc,
				   mem_demo_backing_free, &backing,
				   MEM_DEMO_GFP, NUMA_NO_NODE);
	if (!pool) {
		if (fatal_signal_pending(current))
			ret = -EINTR;
		goto err_free_elements;
	}

	arg->backing = 0;
	arg->from_reserve = 0;
	arg->refused = 0;
	backing.limited = true;
	backing.left = arg->fail_after;
	ret = mem_demo_take_elements(pool, &backing, elements, arg);
	arg->released = backing.released;
	mempool_destroy(pool);

err_free_elements:
	kvfree(elements);
err_uncharge:
	mem_demo_uncharge(file, bytes);
	return ret;
}
