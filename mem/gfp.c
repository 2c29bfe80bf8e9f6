// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - which flags an allocator takes in which context
 */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "lab.h"

/**
 * struct mem_demo_shot - one allocation in a context
 * @timer: brings it into softirq or hardirq context
 * @done:  it has been there
 * @want:  what to allocate
 * @piece: what came
 * @node:  whose zones were asked first, or NUMA_NO_NODE: the CPU changed meanwhile
 * @ok:    it did
 */
struct mem_demo_shot {
	struct hrtimer timer;
	struct completion done;
	const struct mem_demo_want *want;
	struct mem_demo_piece piece;
	int node;
	bool ok;
};

static void mem_demo_shoot(struct mem_demo_shot *shot)
{
	int node = numa_mem_id();

	shot->ok = shot->want->row->alloc(shot->want, &shot->piece);
	shot->node = node == numa_mem_id() ? node : NUMA_NO_NODE;
}

/* Softirq or hardirq context, as the timer's mode says. */
static enum hrtimer_restart mem_demo_shot_timer(struct hrtimer *timer)
{
	struct mem_demo_shot *shot =
		container_of(timer, struct mem_demo_shot, timer);

	mem_demo_shoot(shot);
	complete(&shot->done);

	return HRTIMER_NORESTART;
}

static void mem_demo_shoot_in_irq(struct mem_demo_shot *shot,
				  enum hrtimer_mode mode)
{
	init_completion(&shot->done);
	hrtimer_setup(&shot->timer, mem_demo_shot_timer, CLOCK_MONOTONIC, mode);
	hrtimer_start(&shot->timer, 0, mode);
	wait_for_completion(&shot->done);
	hrtimer_cancel(&shot->timer);
}

static void mem_demo_shoot_in(struct mem_demo_shot *shot, u32 context)
{
	static DEFINE_SPINLOCK(lock);

	switch (context) {
	case MEM_CONTEXT_PROCESS:
		mem_demo_shoot(shot);
		break;
	case MEM_CONTEXT_SPINLOCK:
		spin_lock(&lock);
		mem_demo_shoot(shot);
		spin_unlock(&lock);
		break;
	case MEM_CONTEXT_SOFTIRQ:
		mem_demo_shoot_in_irq(shot, HRTIMER_MODE_REL_SOFT);
		break;
	case MEM_CONTEXT_HARDIRQ:
		mem_demo_shoot_in_irq(shot, HRTIMER_MODE_REL_HARD);
		break;
	}
}

/*
 * Where the page allocator looks first, with these flags, on a node: the first
 * zone of the node's list, in which are only zones with memory, its own first,
 * the highest before the lower ones; of other nodes only if the flags allow it.
 */
static u32 mem_demo_first_zone(int node, gfp_t gfp)
{
	struct zoneref *ref = node_zonelist(node, gfp)->_zonerefs;

	while (ref->zone && zonelist_zone_idx(ref) > gfp_zone(gfp))
		ref++;

	return ref->zone ? mem_demo_zone(pfn_to_page(ref->zone->zone_start_pfn)) :
			   MEM_ZONE_NONE;
}

/*
 * From a lower zone than the first that was asked? Not of what has its zone from
 * a DMA mask, or from a chunk or an image that was there before.
 */
static bool mem_demo_fell_back(const struct mem_demo_shot *shot, u32 zone)
{
	const struct mem_demo_want *want = shot->want;

	return !(want->row->caps & (MEM_CAP_DMA | MEM_CAP_SINGLE |
				    MEM_CAP_PERCPU)) &&
	       shot->node != NUMA_NO_NODE &&
	       zone < mem_demo_first_zone(shot->node, want->gfp);
}

static void mem_demo_judge_shot(const struct mem_demo_shot *shot,
				struct mem_gfp_try *arg)
{
	const struct mem_demo_want *want = shot->want;
	struct page *page;

	arg->outcome = MEM_OUTCOME_FAILED;
	arg->error = ENOMEM;
	if (!shot->ok)
		return;

	arg->outcome = MEM_OUTCOME_ALLOWED;
	arg->error = 0;
	page = mem_demo_page(want, &shot->piece,
			     cpumask_first(cpu_possible_mask), 0);
	if (!page)
		return;

	arg->zone = mem_demo_zone(page);
	if (want->row == &mem_demo_rows[MEM_KVMALLOC] &&
	    is_vmalloc_addr(shot->piece.ptr))
		arg->why = MEM_WHY_VMALLOC;
	else if (mem_demo_fell_back(shot, arg->zone))
		arg->why = MEM_WHY_ZONE;
	if (arg->why != MEM_WHY_NONE)
		arg->outcome = MEM_OUTCOME_FELL_BACK;
}

static int mem_demo_fire(struct mem_demo_file *file,
			 const struct mem_demo_want *want,
			 struct mem_gfp_try *arg)
{
	size_t footprint = mem_demo_footprint(want);
	struct mem_demo_shot *shot;
	int ret;

	ret = mem_demo_count(want->row, 1);
	if (ret)
		return ret;
	ret = mem_demo_charge(file, footprint);
	if (ret)
		goto err_uncount;
	ret = -ENOMEM;
	shot = kzalloc(sizeof(*shot), MEM_DEMO_GFP);
	if (!shot)
		goto err_uncharge;

	shot->want = want;
	mem_demo_shoot_in(shot, arg->context);
	mem_demo_judge_shot(shot, arg);
	if (shot->ok)
		want->row->free(want, &shot->piece);
	kfree(shot);
	ret = 0;

err_uncharge:
	mem_demo_uncharge(file, footprint);
err_uncount:
	mem_demo_uncount(want->row, 1);
	return ret;
}

long mem_demo_gfp_try(struct mem_demo_file *file, struct mem_gfp_try *arg)
{
	const struct mem_demo_row *row = mem_demo_row(arg->allocator,
						      MEM_CAP_ALLOC);
	struct mem_demo_want want;
	u64 size;

	if (!row || (arg->gfp & ~MEM_GFP_ALL) ||
	    arg->context < MEM_CONTEXT_PROCESS ||
	    arg->context > MEM_CONTEXT_HARDIRQ ||
	    !mem_demo_dma_bits_valid(row, arg->dma_bits) ||
	    arg->reserved0 || !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;

	size = arg->size ?: row->show;
	arg->zone = MEM_ZONE_NONE;
	arg->culprit = 0;
	arg->error = 0;
	arg->why = mem_demo_prepare(&want, row, arg->gfp, size, arg->dma_bits,
				    arg->context, &arg->culprit);
	if (arg->why == MEM_WHY_NONE)
		return mem_demo_fire(file, &want, arg);

	arg->outcome = MEM_OUTCOME_REFUSED;
	arg->error = -mem_demo_why_error(arg->why, row, size);

	return 0;
}
