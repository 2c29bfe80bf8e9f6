// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - the largest allocation that is granted
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "lab.h"

/* Is so much granted? Freed at once. Return: MEM_STOPPED_*, 0: it is; or -EINTR. */
static int mem_demo_try(struct mem_demo_file *file, struct mem_demo_want *want,
			struct mem_limit *limit)
{
	u64 needs = mem_demo_takes(want) + mem_demo_extra(want);
	struct mem_demo_piece piece;
	int ret = 0;

	if (mem_demo_footprint(want) > limit->used_budget)
		return MEM_STOPPED_BUDGET;
	if (!limit->budget)
		ret = mem_demo_charge(file, needs);
	if (ret)
		return ret == -EDQUOT ? MEM_STOPPED_BUDGET : ret;

	limit->tries++;
	if (want->row->alloc(want, &piece))
		want->row->free(want, &piece);
	else
		ret = MEM_STOPPED_MEMORY;
	if (!limit->budget)
		mem_demo_uncharge(file, needs);

	return ret;
}

/* Between the largest that is granted and the smallest that is not. */
static int mem_demo_bisect(struct mem_demo_file *file, struct mem_demo_want *want,
			   struct mem_limit *limit)
{
	u64 max = limit->theoretical, size = max;
	int ret;

	limit->stopped = MEM_STOPPED_INTERFACE;
	limit->refused = max + 1;
	while (limit->refused > limit->granted + 1) {
		want->size = size;
		want->order = get_order(size);
		ret = mem_demo_try(file, want, limit);
		if (ret < 0)
			return ret;
		if (ret) {
			limit->stopped = ret;
			limit->refused = size;
		} else {
			limit->granted = size;
		}

		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		size = limit->granted + (limit->refused - limit->granted) / 2;
	}
	if (limit->refused > max)
		limit->refused = 0;

	return 0;
}

long mem_demo_limit(struct mem_demo_file *file, struct mem_limit *arg)
{
	const struct mem_demo_row *row = mem_demo_row(arg->allocator,
						      MEM_CAP_LIMIT);
	struct mem_limit limit = {
		.allocator = arg->allocator,
		.gfp = arg->gfp,
		.budget = arg->budget,
		.dma_bits = arg->dma_bits,
	};
	struct mem_demo_want want;
	int ret;

	if (!row || arg->reserved0 || !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;
	ret = mem_demo_ask(&want, row, arg->gfp, row->min, arg->dma_bits);
	if (!ret)
		ret = mem_demo_big_trylock(file);
	if (ret)
		return ret;

	ret = mem_demo_count(row, 1);
	if (!ret) {
		limit.theoretical = mem_demo_max(row);
		if (row->caps & MEM_CAP_SYNC)
			limit.theoretical =
				min_t(u64, limit.theoretical,
				      dma_max_mapping_size(&want.dma->pdev->dev));
		limit.used_budget = mem_demo_budget(file, arg->budget);
		ret = mem_demo_bisect(file, &want, &limit);
		mem_demo_uncount(row, 1);
	}
	mem_demo_big_unlock();
	if (!ret)
		*arg = limit;

	return ret;
}
