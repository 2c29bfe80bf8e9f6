// SPDX-License-Identifier: GPL-2.0
/*
 * Unit test of mem/hist.[ch], on the build machine: the buckets of a histogram, and
 * percentiles against the sorted samples themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "mem/hist.h"
#include "tap.h"

TEST(buckets, "each time is in the bucket whose ends are around it")
{
	unsigned int bit;
	u64 ns;

	for (ns = 0; ns < 100000; ns++) {
		unsigned int bucket = mem_hist_bucket(ns);

		CHECK(MEM_HIST_LOW(bucket) <= ns);
		CHECK(MEM_HIST_LOW(bucket + 1) > ns);
	}
	for (bit = 6; bit < 37; bit++) {
		CHECK_EQ(MEM_HIST_LOW(mem_hist_bucket(1ULL << bit)), 1ULL << bit);
		CHECK_EQ(mem_hist_bucket((1ULL << bit) - 1) + 1,
			 mem_hist_bucket(1ULL << bit));
	}
}

TEST(ends, "buckets follow each other without a gap, and the last takes the rest")
{
	unsigned int i;

	for (i = 0; i + 1 < MEM_HIST_BUCKETS; i++) {
		CHECK_EQ(mem_hist_bucket(MEM_HIST_LOW(i)), i);
		CHECK_EQ(mem_hist_bucket(MEM_HIST_LOW(i + 1) - 1), i);
	}
	CHECK_EQ(mem_hist_bucket(1ULL << 60), MEM_HIST_BUCKETS - 1);
	CHECK_EQ(mem_hist_bucket(U64_MAX), MEM_HIST_BUCKETS - 1);
}

static int compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

#define SAMPLES	10007

TEST(percentiles, "a percentile is the lower end of the right sample's bucket")
{
	static const unsigned int permilles[] = { 1, 500, 900, 990, 999, 1000 };
	static u64 samples[SAMPLES];
	static struct mem_hist hist;
	struct mem_latency latency;
	u64 sum = 0;
	size_t i;

	srand(1);
	mem_hist_init(&hist);
	for (i = 0; i < SAMPLES; i++) {
		samples[i] = 20 + (rand() % 1000) * (rand() % 1000);
		sum += samples[i];
		mem_hist_add(&hist, samples[i]);
	}
	qsort(samples, SAMPLES, sizeof(*samples), compare);

	for (i = 0; i < ARRAY_SIZE(permilles); i++) {
		u64 exact = samples[(SAMPLES * permilles[i] + 999) / 1000 - 1];
		u64 low = MEM_HIST_LOW(mem_hist_bucket(exact));

		CHECK_EQ(mem_hist_permille(&hist, permilles[i]),
			 low > samples[0] ? low : samples[0]);
	}

	mem_hist_summarize(&hist, &latency);
	CHECK_EQ(latency.min, samples[0]);
	CHECK_EQ(latency.max, samples[SAMPLES - 1]);
	CHECK_EQ(latency.samples, SAMPLES);
	CHECK_EQ(latency.mean_ps, sum * 1000 / SAMPLES);
}

TEST(median, "a median is the middle, whatever a few samples are")
{
	u64 odd[] = { 9, 1, 5 }, even[] = { 7, 1, 4, 1000 }, one[] = { 3 };
	u64 same[] = { 2, 2, 2, 2 }, large[] = { U64_MAX, U64_MAX - 2 };
	u64 disturbed[101];
	size_t i;

	CHECK_EQ(mem_hist_median(odd, 3), 5);
	CHECK_EQ(mem_hist_median(even, 4), 5);
	CHECK_EQ(mem_hist_median(one, 1), 3);
	CHECK_EQ(mem_hist_median(same, 4), 2);
	CHECK_EQ(mem_hist_median(large, 2), U64_MAX - 1);

	/* Fifty of a hundred and one batches that somebody else was in. */
	for (i = 0; i < ARRAY_SIZE(disturbed); i++)
		disturbed[i] = i % 2 ? 1000000 + i : 300;
	CHECK_EQ(mem_hist_median(disturbed, ARRAY_SIZE(disturbed)), 300);
}

TEST(empty, "nothing measured is nothing, not garbage")
{
	static struct mem_hist hist;
	struct mem_latency latency;

	mem_hist_init(&hist);
	mem_hist_summarize(&hist, &latency);
	CHECK_EQ(latency.min, 0);
	CHECK_EQ(latency.max, 0);
	CHECK_EQ(latency.p50, 0);
	CHECK_EQ(latency.samples, 0);
}

TEST(merge, "two histograms together are that of all samples")
{
	static struct mem_hist both, one, two;
	u64 ns;

	mem_hist_init(&both);
	mem_hist_init(&one);
	mem_hist_init(&two);
	for (ns = 1; ns < 1000000; ns += ns / 3 + 1) {
		mem_hist_add(&both, ns);
		mem_hist_add(ns % 2 ? &one : &two, ns);
	}
	mem_hist_merge(&one, &two);
	CHECK(!memcmp(&one, &both, sizeof(both)));
}

TEST(full, "a bucket that is full stays so")
{
	static struct mem_hist one, two;

	mem_hist_init(&one);
	mem_hist_init(&two);
	one.bucket[5] = U32_MAX - 1;
	mem_hist_add(&one, 5);
	mem_hist_add(&one, 5);
	CHECK_EQ(one.bucket[5], U32_MAX);
	mem_hist_add(&two, 5);
	mem_hist_merge(&one, &two);
	CHECK_EQ(one.bucket[5], U32_MAX);
}
