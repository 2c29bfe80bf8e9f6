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
 * @ok:    it did
 */
struct mem_demo_shot {
	struct hrtimer timer;
	struct completion done;
	const struct mem_demo_want *want;
	struct mem_demo_piece piece;
	bool ok;
};

static void mem_demo_shoot(struct mem_demo_shot *shot)
{
	shot->ok = shot->want->row->alloc(shot->want, &shot->piece);
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

/* The highest zone with memory, of those that @gfp may be served from. */
static u32 mem_demo_best_zone(gfp_t gfp)
{
	enum zone_type best = 0, i;
	struct zone *zone = NULL;
	int nid;

	for_each_online_node(nid) {
		for (i = 0; i <= gfp_zone(gfp); i++) {
			if (!populated_zone(&NODE_DATA(nid)->node_zones[i]) ||
			    (zone && i <= best))
				continue;
			best = i;
			zone = &NODE_DATA(nid)->node_zones[i];
		}
	}

	return zone ? mem_demo_zone(pfn_to_page(zone->zone_start_pfn)) :
		      MEM_ZONE_NONE;
}

static void mem_demo_judge_shot(const struct mem_demo_shot *shot,
				struct mem_gfp_try *arg)
{
	const struct mem_demo_want *want = shot->want;
	struct page *page;
	u32 best;

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
	best = mem_demo_best_zone(want->gfp);
	if (want->row == &mem_demo_rows[MEM_KVMALLOC] &&
	    is_vmalloc_addr(shot->piece.ptr))
		arg->why = MEM_WHY_VMALLOC;
	else if (!(want->row->caps & (MEM_CAP_DMA | MEM_CAP_SINGLE)) &&
		 arg->zone < best)
		arg->why = MEM_WHY_ZONE;
	if (arg->why != MEM_WHY_NONE)
		arg->outcome = MEM_OUTCOME_FELL_BACK;
}

static int mem_demo_fire(struct mem_demo_file *file,
			 const struct mem_demo_want *want,
			 struct mem_gfp_try *arg)
{
	struct mem_demo_shot *shot;
	u64 needs = mem_demo_takes(want) + mem_demo_extra(want) +
		    mem_demo_kvmalloc_needs(sizeof(*shot));
	int ret;

	ret = mem_demo_count(want->row, 1);
	if (ret)
		return ret;
	ret = mem_demo_charge(file, needs);
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
	mem_demo_uncharge(file, needs);
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
