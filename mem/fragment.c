// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - fragment memory, until large blocks are gone and pages are not
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "lab.h"

/* Reclaim and compaction may be tried once, the OOM killer not. */
#define MEM_DEMO_BLOCK_GFP	(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)

static DEFINE_MUTEX(mem_demo_big_lock);

/* The file that has fragmented memory; written under mem_demo_big_lock. */
static struct mem_demo_file *mem_demo_fragmenter;

int mem_demo_big_trylock(struct mem_demo_file *file)
{
	if (!mutex_trylock(&mem_demo_big_lock))
		return -EBUSY;
	if (!mem_demo_fragmenter || mem_demo_fragmenter == file)
		return 0;

	mutex_unlock(&mem_demo_big_lock);
	return -EBUSY;
}

void mem_demo_big_unlock(void)
{
	mutex_unlock(&mem_demo_big_lock);
}

/* Pages that are kept, and what the fragmenter is charged for; mem_demo_big_lock. */
static LIST_HEAD(mem_demo_fragments);
static u64 mem_demo_fragments_charged;

/* Gives all back. */
static void mem_demo_defragment(void)
{
	struct page *page, *next;

	lockdep_assert_held(&mem_demo_big_lock);

	list_for_each_entry_safe(page, next, &mem_demo_fragments, lru) {
		list_del(&page->lru);
		__free_page(page);
		cond_resched();
	}
	if (mem_demo_fragments_charged)
		mem_demo_uncharge(mem_demo_fragmenter, mem_demo_fragments_charged);
	mem_demo_fragments_charged = 0;
	WRITE_ONCE(mem_demo_fragmenter, NULL);
}

/* Keeps the block's first page, and frees the others. */
static void mem_demo_break_block(struct page *page, unsigned int order)
{
	unsigned int i;

	split_page(page, order);
	for (i = 1; i < 1U << order; i++)
		__free_page(page + i);
	list_add(&page->lru, &mem_demo_fragments);
}

static int mem_demo_break_blocks(struct mem_demo_file *file,
				 struct mem_fragment *arg)
{
	/* That the whole block is there for a moment is charged already. */
	u64 charge = arg->budget ? 0 : PAGE_SIZE;
	struct page *page;
	int ret;

	while (arg->held + PAGE_SIZE <= arg->used_budget) {
		ret = mem_demo_charge(file, charge);
		if (ret)
			return ret == -EDQUOT ? 0 : ret;
		page = alloc_pages(MEM_DEMO_BLOCK_GFP, arg->order);
		if (!page) {
			mem_demo_uncharge(file, charge);
			break;
		}
		mem_demo_fragments_charged += charge;
		mem_demo_break_block(page, arg->order);
		arg->blocks++;
		arg->held += PAGE_SIZE;
		arg->freed += (PAGE_SIZE << arg->order) - PAGE_SIZE;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	return 0;
}

static int mem_demo_fragment_start(struct mem_demo_file *file,
				   struct mem_fragment *arg)
{
	struct page *page;
	void *ptr;
	int ret;

	lockdep_assert_held(&mem_demo_big_lock);

	arg->used_budget = mem_demo_budget(file, arg->budget);
	WRITE_ONCE(mem_demo_fragmenter, file);
	ret = mem_demo_break_blocks(file, arg);
	if (ret) {
		mem_demo_defragment();
		return ret;
	}

	page = alloc_pages(MEM_DEMO_BLOCK_GFP, arg->order);
	arg->high_order = page ? MEM_YES : MEM_NO;
	if (page)
		__free_pages(page, arg->order);
	ptr = __vmalloc(PAGE_SIZE << arg->order, MEM_DEMO_BLOCK_GFP);
	arg->vmalloc = ptr ? MEM_YES : MEM_NO;
	vfree(ptr);
	arg->available = (u64)global_zone_page_state(NR_FREE_PAGES) << PAGE_SHIFT;

	return 0;
}

/* What is allocated of this order one after the other, and freed at once. */
static u64 mem_demo_fragment_needs(const struct mem_fragment *arg)
{
	const struct mem_demo_want block = {
		.row = &mem_demo_rows[MEM_VMALLOC],
		.size = PAGE_SIZE << arg->order,
	};

	return arg->budget ? 0 : mem_demo_takes(&block) + mem_demo_extra(&block);
}

static int mem_demo_fragment_locked(struct mem_demo_file *file,
				    struct mem_fragment *arg)
{
	u64 needs;
	int ret;

	mem_demo_defragment();
	if (arg->op == MEM_FRAGMENT_STOP)
		return 0;

	needs = mem_demo_fragment_needs(arg);
	ret = mem_demo_charge(file, needs);
	if (ret)
		return ret;
	ret = mem_demo_fragment_start(file, arg);
	mem_demo_uncharge(file, needs);

	return ret;
}

long mem_demo_fragment(struct mem_demo_file *file,
		       struct mem_fragment *arg)
{
	struct mem_fragment answer = {
		.op = arg->op,
		.order = arg->order,
		.budget = arg->budget,
	};
	int ret;

	if ((arg->op != MEM_FRAGMENT_START && arg->op != MEM_FRAGMENT_STOP) ||
	    (arg->op == MEM_FRAGMENT_START &&
	     (!arg->order || arg->order > MAX_PAGE_ORDER)) ||
	    !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;

	ret = mem_demo_big_trylock(file);
	if (ret)
		return ret;
	ret = mem_demo_fragment_locked(file, &answer);
	mem_demo_big_unlock();
	if (!ret)
		*arg = answer;

	return ret;
}

/*
 * Gives back what the file has fragmented, if it has: only the file itself makes
 * itself the fragmenter, so that there is no need to wait for others to see it.
 */
void mem_demo_fragment_release(struct mem_demo_file *file)
{
	if (READ_ONCE(mem_demo_fragmenter) != file)
		return;

	mutex_lock(&mem_demo_big_lock);
	if (mem_demo_fragmenter == file)
		mem_demo_defragment();
	mutex_unlock(&mem_demo_big_lock);
}
