/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mem_demo - distributions of times: log-linear histograms, percentiles, medians
 *
 * The kernel module and the host's unit tests (test/unit/) compile the same text.
 * The layout of the buckets is told in mem_demo.h.
 *
 * mem_hist_add() is inline because measuring loops call it between two samples: a
 * call there would add to the time that such a loop takes. Everything else runs
 * before or after a measurement, and is in hist.c.
 */
#ifndef MEM_HIST_H
#define MEM_HIST_H

#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>
#else
#include <limits.h>
#include <linux/types.h>
#include <stddef.h>

typedef __u32 u32;
typedef __u64 u64;

#define U32_MAX		UINT_MAX
#define U64_MAX		(~0ULL)
#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}
#endif

#include "mem_demo.h"

#define MEM_HIST_SUB_BITS	5	/* MEM_HIST_SUB is 2 to this power */

/**
 * struct mem_hist - times that were measured; starts with mem_hist_init()
 * @min:     the shortest
 * @max:     the longest
 * @sum:     all together
 * @samples: how many
 * @bucket:  how many in each bucket; stops counting at U32_MAX
 */
struct mem_hist {
	u64 min;
	u64 max;
	u64 sum;
	u64 samples;
	u32 bucket[MEM_HIST_BUCKETS];
};

/* Which bucket counts a time. */
static inline unsigned int mem_hist_bucket(u64 ns)
{
	unsigned int doubling, bucket;

	if (ns < MEM_HIST_SUB)
		return ns;

	/* Above, ns >> doubling is MEM_HIST_SUB to 2 * MEM_HIST_SUB - 1. */
	doubling = fls64(ns) - 1 - MEM_HIST_SUB_BITS;
	bucket = doubling * MEM_HIST_SUB + (unsigned int)(ns >> doubling);

	return min(bucket, (unsigned int)MEM_HIST_BUCKETS - 1);
}

static inline void mem_hist_add(struct mem_hist *hist, u64 ns)
{
	u32 *bucket = &hist->bucket[mem_hist_bucket(ns)];

	hist->min = min(hist->min, ns);
	hist->max = max(hist->max, ns);
	hist->sum += ns;
	hist->samples++;
	if (*bucket != U32_MAX)
		(*bucket)++;
}

void mem_hist_init(struct mem_hist *hist);
void mem_hist_merge(struct mem_hist *to, const struct mem_hist *from);
u64 mem_hist_permille(const struct mem_hist *hist, unsigned int permille);
void mem_hist_summarize(const struct mem_hist *hist,
			struct mem_latency *latency);
u64 mem_hist_median(u64 *sample, size_t n);

#endif /* MEM_HIST_H */
