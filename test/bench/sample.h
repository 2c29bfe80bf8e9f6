/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What repeated measurements come to: their median, and how far it is to be trusted.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <math.h>
#include <stdlib.h>

#define MAX_REPEAT	1000

/**
 * struct sample - what measurements of one thing come to
 * @median: of them
 * @off:    by how much the true median may be off to either side; 0 if there are
 *          too few to tell
 */
struct sample {
	double median;
	double off;
};

static inline int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * How many of @n sorted values lie on either side of a confidence interval of their
 * median: the true one is outside in no more than 5 % of cases, whatever the
 * distribution, if one value does not depend on another. -1: there are too few.
 */
static inline int outside(int n)
{
	double chance = pow(0.5, n), sum = 0;
	int k;

	for (k = 0; sum + chance <= 0.025; k++) {
		sum += chance;
		chance *= (double)(n - k) / (k + 1);
	}

	return k - 1;
}

/* Sorts the @n @values. */
static inline struct sample sample_of(double *values, int n)
{
	int out = outside(n);
	struct sample sample = {};

	qsort(values, n, sizeof(*values), compare_doubles);
	sample.median = (values[(n - 1) / 2] + values[n / 2]) / 2;
	if (out >= 0)
		sample.off = fmax(sample.median - values[out],
				  values[n - 1 - out] - sample.median);

	return sample;
}

/* Of the median. */
static inline double off_percent(struct sample sample)
{
	return 100 * sample.off / sample.median;
}

#endif /* SAMPLE_H */
