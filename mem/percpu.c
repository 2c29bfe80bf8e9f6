// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - per-CPU counters that several CPUs hammer
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "lab.h"
#include "hist.h"

#define MEM_DEMO_MAX_LOOPS	100000000
#define MEM_DEMO_COUNT_BATCHES	64	/* of a loop, if it is that long */
#define MEM_DEMO_LEAST_COUNT	1024	/* steps in a batch: the clock is in it */
#define MEM_DEMO_MOST_COUNT	16384

static DEFINE_MUTEX(mem_demo_percpu_lock);

/* For MEM_PERCPU_STATIC; mem_demo_percpu_lock, and within it each CPU its own. */
static DEFINE_PER_CPU(u64, mem_demo_counter);

/**
 * struct mem_demo_tally - CPUs that count
 * @team:    one job for each
 * @arg:     how
 * @counter: what they count in
 * @atomic:  or this
 * @batch:   steps between two readings of the clock
 */
struct mem_demo_tally {
	struct mem_demo_team team;
	const struct mem_percpu *arg;
	u64 __percpu *counter;
	atomic64_t atomic;
	u32 batch;
};

/**
 * struct mem_demo_counting - what one CPU counts
 * @job:     on that CPU
 * @tally:   that it belongs to
 * @done:    steps
 * @batches: in which they were done
 * @sample:  ps for a step, of each batch
 */
struct mem_demo_counting {
	struct mem_demo_job job;
	struct mem_demo_tally *tally;
	u32 done;
	u32 batches;
	u64 *sample;
};

static void mem_demo_count_up(struct mem_demo_tally *tally, u32 n)
{
	u32 i;

	switch (tally->arg->method) {
	case MEM_PERCPU_THIS_CPU:
		for (i = 0; i < n; i++)
			this_cpu_inc(*tally->counter);
		break;
	case MEM_PERCPU_GET_PUT:
		/* get_cpu_var() is the same for a variable with a name. */
		for (i = 0; i < n; i++) {
			(*get_cpu_ptr(tally->counter))++;
			put_cpu_ptr(tally->counter);
		}
		break;
	case MEM_PERCPU_ATOMIC:
		for (i = 0; i < n; i++)
			atomic64_inc(&tally->atomic);
		break;
	}
}

static void mem_demo_counting_work(struct mem_demo_job *job)
{
	struct mem_demo_counting *counting =
		container_of(job, struct mem_demo_counting, job);
	struct mem_demo_tally *tally = counting->tally;
	u32 left, now;

	for (left = tally->arg->loops; left; left -= now) {
		u64 start = ktime_get_ns();

		now = min(left, tally->batch);
		mem_demo_count_up(tally, now);
		counting->sample[counting->batches++] =
			div64_u64((ktime_get_ns() - start) * 1000, now);
		counting->done += now;
		if (mem_demo_team_stopped(job->team))
			return;
		cond_resched();
	}
}

static void mem_demo_clear_counter(u64 __percpu *counter)
{
	unsigned int cpu;
	u64 *count;

	for_each_possible_cpu(cpu) {
		count = per_cpu_ptr(counter, cpu);
		*count = 0;
	}
}

/* What each possible CPU has counted, in their order, goes to the caller. */
static int mem_demo_copy_counts(const struct mem_percpu *arg,
				u64 __percpu *counter)
{
	u64 *counts;
	unsigned int cpu;
	u32 i = 0;
	int ret;

	if (!arg->counts || !arg->nr_counts)
		return 0;
	counts = kvcalloc(arg->nr_counts, sizeof(*counts), MEM_DEMO_GFP);
	if (!counts)
		return -ENOMEM;

	for_each_possible_cpu(cpu)
		if (counter && i < arg->nr_counts)
			counts[i++] = *per_cpu_ptr(counter, cpu);
	ret = copy_to_user(u64_to_user_ptr(arg->counts), counts,
			   arg->nr_counts * sizeof(*counts)) ? -EFAULT : 0;

	kvfree(counts);
	return ret;
}

/*
 * The median of the batches: what others do on the CPU is in a few of them. The
 * first one warms up, and is counted but not timed; the last may be shorter.
 */
static u64 mem_demo_step_ps(struct mem_demo_counting *counting)
{
	u32 first = counting->batches > 2, n = counting->batches - 2 * first;

	return mem_hist_median(counting->sample + first, n);
}

static void mem_demo_free_counting(struct mem_demo_counting *counting, u32 cpus)
{
	u32 i;

	for (i = 0; i < cpus; i++)
		kvfree(counting[i].sample);
	kvfree(counting);
}

static struct mem_demo_counting *
mem_demo_make_counting(struct mem_demo_tally *tally, const struct mem_percpu *arg)
{
	unsigned int cpu = cpumask_first(cpu_online_mask);
	struct mem_demo_counting *counting;
	u32 i;

	counting = kvcalloc(arg->cpus, sizeof(*counting), MEM_DEMO_GFP);
	if (!counting)
		return NULL;

	tally->batch = clamp_t(u32, arg->loops / MEM_DEMO_COUNT_BATCHES,
			       MEM_DEMO_LEAST_COUNT, MEM_DEMO_MOST_COUNT);
	mem_demo_team_init(&tally->team);
	for (i = 0; i < arg->cpus; i++) {
		counting[i].sample = kvcalloc(DIV_ROUND_UP(arg->loops, tally->batch),
					      sizeof(u64), MEM_DEMO_GFP);
		if (!counting[i].sample) {
			mem_demo_free_counting(counting, i);
			return NULL;
		}
		counting[i].tally = tally;
		mem_demo_team_add(&tally->team, &counting[i].job, cpu,
				  mem_demo_counting_work);
		cpu = mem_demo_next_cpu(cpu);
	}

	return counting;
}

static int mem_demo_tally_run(struct mem_demo_tally *tally,
			      struct mem_percpu *arg)
{
	struct mem_demo_counting *counting;
	u64 ps = 0;
	u32 i;
	int ret = 0;

	counting = mem_demo_make_counting(tally, arg);
	if (!counting)
		return -ENOMEM;
	mem_demo_team_run(&tally->team);

	for (i = 0; i < arg->cpus; i++) {
		if (counting[i].done != arg->loops)
			ret = -EINTR;
		else
			ps += mem_demo_step_ps(&counting[i]);
	}
	arg->expected = (u64)arg->cpus * arg->loops;
	arg->mean_ps = div64_u64(ps, arg->cpus);

	mem_demo_free_counting(counting, arg->cpus);
	return ret;
}

static int mem_demo_count_percpu(struct mem_percpu *arg, u64 __percpu *counter)
{
	struct mem_demo_tally tally = { .arg = arg, .counter = counter };
	unsigned int cpu;
	int ret;

	if (counter)
		mem_demo_clear_counter(counter);
	ret = mem_demo_tally_run(&tally, arg);
	if (ret)
		return ret;

	arg->sum = atomic64_read(&tally.atomic);
	if (counter)
		for_each_possible_cpu(cpu)
			arg->sum += *per_cpu_ptr(counter, cpu);

	return mem_demo_copy_counts(arg, counter);
}

static int mem_demo_count_static(struct mem_percpu *arg)
{
	int ret;

	if (!mutex_trylock(&mem_demo_percpu_lock))
		return -EBUSY;
	ret = mem_demo_count_percpu(arg, &mem_demo_counter);
	mutex_unlock(&mem_demo_percpu_lock);

	return ret;
}

static int mem_demo_count_dynamic(struct mem_percpu *arg)
{
	u64 __percpu *counter;
	int ret;

	counter = alloc_percpu_gfp(u64, MEM_DEMO_GFP);
	if (!counter)
		return -ENOMEM;
	ret = mem_demo_count_percpu(arg, counter);
	free_percpu(counter);

	return ret;
}

/* The counter, a job for each CPU, and what is copied to the caller. */
static u64 mem_demo_percpu_needs(const struct mem_percpu *arg)
{
	const struct mem_demo_want counter = {
		.row = &mem_demo_rows[MEM_ALLOC_PERCPU],
		.size = sizeof(u64),
	};

	return mem_demo_takes(&counter) + mem_demo_extra(&counter) +
	       mem_demo_kvmalloc_needs(arg->cpus *
				       sizeof(struct mem_demo_counting)) +
	       mem_demo_kvmalloc_needs(arg->nr_counts * sizeof(u64));
}

long mem_demo_percpu(struct mem_demo_file *file, struct mem_percpu *arg)
{
	bool atomic = arg->method == MEM_PERCPU_ATOMIC;
	u64 bytes;
	int ret;

	if (arg->method < MEM_PERCPU_THIS_CPU ||
	    arg->method > MEM_PERCPU_ATOMIC ||
	    (atomic ? arg->variable :
	     arg->variable != MEM_PERCPU_STATIC &&
	     arg->variable != MEM_PERCPU_DYNAMIC) ||
	    !arg->loops || arg->loops > MEM_DEMO_MAX_LOOPS ||
	    arg->cpus > num_online_cpus() ||
	    arg->nr_counts > num_possible_cpus() || arg->reserved0 ||
	    !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;
	if (!arg->cpus)
		arg->cpus = num_online_cpus();

	bytes = mem_demo_percpu_needs(arg);
	ret = mem_demo_charge(file, bytes);
	if (ret)
		return ret;
	if (atomic)
		ret = mem_demo_count_percpu(arg, NULL);
	else if (arg->variable == MEM_PERCPU_STATIC)
		ret = mem_demo_count_static(arg);
	else
		ret = mem_demo_count_dynamic(arg);
	mem_demo_uncharge(file, bytes);

	return ret;
}
