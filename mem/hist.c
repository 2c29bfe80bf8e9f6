// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - what histograms tell: percentiles, means, medians
 *
 * Pure functions on fixed-width numbers: no clock, no lock, no allocation. hist.h
 * has what measuring loops call.
 */
#ifdef __KERNEL__
#include <linux/math64.h>
#include <linux/sort.h>
#include <linux/string.h>
#else
#include <stdlib.h>
#include <string.h>
#endif

#include "hist.h"

#ifndef __KERNEL__
#define min_t(type, a, b)	min((type)(a), (type)(b))

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

void mem_hist_init(struct mem_hist *hist)
{
	memset(hist, 0, sizeof(*hist));
	hist->min = U64_MAX;
}

/* Adds what @from has counted to @to. */
void mem_hist_merge(struct mem_hist *to, const struct mem_hist *from)
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
u64 mem_hist_permille(const struct mem_hist *hist, unsigned int permille)
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

void mem_hist_summarize(const struct mem_hist *hist,
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

static int mem_hist_compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median of @n samples, of which there is at least one; sorts them. */
u64 mem_hist_median(u64 *sample, size_t n)
{
	sort(sample, n, sizeof(*sample), mem_hist_compare, NULL);

	/* Of an even number, the middle of the two in the middle. */
	return sample[(n - 1) / 2] + (sample[n / 2] - sample[(n - 1) / 2]) / 2;
}
