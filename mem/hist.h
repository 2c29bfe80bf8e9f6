/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mem_demo - distributions of times: log-linear histograms, percentiles, medians
 *
 * Pure functions on fixed-width numbers: no clock, no lock, no allocation. The
 * kernel module and the host's unit tests (test/unit/) compile the same text.
 * The layout of the buckets is told in mem_demo.h.
 */
#ifndef MEM_HIST_H
#define MEM_HIST_H

#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <limits.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

typedef __u32 u32;
typedef __u64 u64;

#define U32_MAX		UINT_MAX
#define U64_MAX		(~0ULL)
#define min(a, b)	((a) < (b) ? (a) : (b))
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max(a, b)	((a) > (b) ? (a) : (b))

static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

/* @swap is for the kernel's, which has one of its own if it is NULL. */
static inline void sort(void *base, size_t n, size_t size,
			int (*compare)(const void *a, const void *b), void *swap)
{
	(void)swap;
	qsort(base, n, size, compare);
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

static inline void mem_hist_init(struct mem_hist *hist)
{
	memset(hist, 0, sizeof(*hist));
	hist->min = U64_MAX;
}

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

/* Adds what @from has counted to @to. */
static inline void mem_hist_merge(struct mem_hist *to,
				  const struct mem_hist *from)
{
	unsigned int i;

	to->min = min(to->min, from->min);
	to->max = max(to->max, from->max);
	to->sum += from->sum;
	to->samples += from->samples;
	for (i = 0; i < MEM_HIST_BUCKETS; i++) {
		u64 both = (u64)to->bucket[i] + from->bucket[i];

		to->bucket[i] = min_t(u64, both, U32_MAX);
	}
}

/* The time that so many of a thousand samples do not exceed. */
static inline u64 mem_hist_permille(const struct mem_hist *hist,
				    unsigned int permille)
{
	u64 rank = div64_u64(hist->samples * permille + 999, 1000);
	u64 seen = 0;
	unsigned int i;

	if (!hist->samples)
		return 0;
	for (i = 0; i < MEM_HIST_BUCKETS - 1; i++) {
		seen += hist->bucket[i];
		if (seen >= rank)
			break;
	}

	return max(MEM_HIST_LOW(i), hist->min);
}

static inline void mem_hist_summarize(const struct mem_hist *hist,
				      struct mem_latency *latency)
{
	memset(latency, 0, sizeof(*latency));
	if (!hist->samples)
		return;

	latency->min = hist->min;
	latency->p50 = mem_hist_permille(hist, 500);
	latency->p90 = mem_hist_permille(hist, 900);
	latency->p99 = mem_hist_permille(hist, 990);
	latency->p999 = mem_hist_permille(hist, 999);
	latency->max = hist->max;
	latency->samples = hist->samples;
	latency->mean_ps = div64_u64(hist->sum * 1000, hist->samples);
}

static inline int mem_hist_compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median of @n samples, of which there is at least one; sorts them. */
static inline u64 mem_hist_median(u64 *sample, size_t n)
{
	sort(sample, n, sizeof(*sample), mem_hist_compare, NULL);

	/* Of an even number, the middle of the two in the middle. */
	return sample[(n - 1) / 2] + (sample[n / 2] - sample[(n - 1) / 2]) / 2;
}

#endif /* MEM_HIST_H */
