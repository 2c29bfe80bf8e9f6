// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - how long an allocation takes, and its free
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>

#include "lab.h"
#include "hist.h"

#define MEM_DEMO_MAX_DEPTH	65536
#define MEM_DEMO_MAX_BULK	1024	/* objects in one bulk call */
#define MEM_DEMO_CALIBRATION	1000	/* empty measurements */
#define MEM_DEMO_CLOCK_STEPS	16	/* of the clock, of which the least counts */
#define MEM_DEMO_MIN_BATCHES	64	/* of a plain loop, if it is that long */

/**
 * struct mem_demo_bench - a bench that runs
 * @team:   its workers
 * @file:   where progress goes
 * @arg:    what it is to do
 * @want:   what it allocates
 * @depth:  objects alive at once
 * @nr_workers: CPUs
 * @worker: one for each CPU
 */
struct mem_demo_bench {
	struct mem_demo_team team;
	struct mem_demo_file *file;
	const struct mem_bench *arg;
	const struct mem_demo_want *want;
	u32 depth;
	u32 nr_workers;
	struct mem_demo_worker **worker;
};

/**
 * struct mem_demo_loop - what a loop has taken, in ps for each object
 * @median: of its batches: what others do on the CPU meanwhile is in a few of
 *          them, and does not show
 * @mean:   of all its objects: everything shows
 */
struct mem_demo_loop {
	u64 median;
	u64 mean;
};

/**
 * struct mem_demo_worker - what one CPU measures
 * @job:      on that CPU
 * @remote:   frees on another one, while @job waits
 * @bench:    that it belongs to
 * @pieces:   the objects that are alive; with MEM_PATTERN_BULK, void * instead
 * @order:    MEM_PATTERN_RANDOM: in which they are freed
 * @held:     how many @pieces there are
 * @record:   this is not the warm-up
 * @random:   state of a xorshift generator
 * @alloc:    times
 * @free:     times
 * @overhead: ns, of measuring nothing
 * @batch:    objects in a batch of the plain loop
 * @sample:   ps for an object, of each batch
 * @plain:    the plain loop
 * @empty:    the same with nothing in it
 * @error:    that ended it
 */
struct mem_demo_worker {
	struct mem_demo_job job;
	struct work_struct remote;
	struct mem_demo_bench *bench;
	struct mem_demo_piece *pieces;
	u32 *order;
	u32 held;
	bool record;
	u64 random;
	struct mem_hist alloc;
	struct mem_hist free;
	u64 overhead;
	u32 batch;
	u64 *sample;
	struct mem_demo_loop plain;
	struct mem_demo_loop empty;
	int error;
};

static const struct mem_demo_want mem_demo_nothing = {
	.row = &mem_demo_rows[MEM_NONE],
};

static noinline u64 mem_demo_time_alloc(const struct mem_demo_want *want,
					struct mem_demo_piece *piece, bool *ok)
{
	u64 start = ktime_get_ns();

	*ok = want->row->alloc(want, piece);

	return ktime_get_ns() - start;
}

static noinline u64 mem_demo_time_free(const struct mem_demo_want *want,
				       struct mem_demo_piece *piece)
{
	u64 start = ktime_get_ns();

	want->row->free(want, piece);

	return ktime_get_ns() - start;
}

/* All or none: kmem_cache_alloc_bulk() says how many, or in newer kernels whether. */
static noinline u64 mem_demo_time_alloc_bulk(const struct mem_demo_want *want,
					     void **pieces, u32 n, bool *ok)
{
	u64 start = ktime_get_ns();

	*ok = kmem_cache_alloc_bulk(want->cache, want->gfp, n, pieces);

	return ktime_get_ns() - start;
}

static noinline u64 mem_demo_time_free_bulk(const struct mem_demo_want *want,
					    void **pieces, u32 n)
{
	u64 start = ktime_get_ns();

	kmem_cache_free_bulk(want->cache, n, pieces);

	return ktime_get_ns() - start;
}

/* The larger of the two medians of measuring nothing. */
int mem_demo_overhead(u64 *ns)
{
	struct mem_demo_piece piece;
	struct mem_hist *hist;
	unsigned int i;
	bool ok;

	hist = kmalloc(sizeof(*hist), MEM_DEMO_GFP);
	if (!hist)
		return -ENOMEM;

	mem_hist_init(hist);
	for (i = 0; i < MEM_DEMO_CALIBRATION; i++)
		mem_hist_add(hist, mem_demo_time_alloc(&mem_demo_nothing,
						       &piece, &ok));
	*ns = mem_hist_permille(hist, 500);

	mem_hist_init(hist);
	for (i = 0; i < MEM_DEMO_CALIBRATION; i++)
		mem_hist_add(hist, mem_demo_time_free(&mem_demo_nothing, &piece));
	*ns = max(*ns, mem_hist_permille(hist, 500));

	kfree(hist);
	return 0;
}

/*
 * The least that two readings of the clock differ by: it counts in larger steps, or
 * takes as long to be read. A clock that counts jiffies is waited for, but not for
 * ever.
 */
u64 mem_demo_clock_step(void)
{
	unsigned int i, patience = 1000000;
	u64 step = U64_MAX, start, now;

	for (i = 0; i < MEM_DEMO_CLOCK_STEPS && patience; i++) {
		start = ktime_get_ns();
		do {
			now = ktime_get_ns();
		} while (now == start && --patience);
		if (now != start)
			step = min(step, now - start);
		cond_resched();
	}

	return step;
}

static u32 mem_demo_random(struct mem_demo_worker *worker, u32 below)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;

	return (worker->random >> 32) % below;
}

static void mem_demo_shuffle(struct mem_demo_worker *worker)
{
	u32 i, j;

	for (i = 0; i < worker->held; i++) {
		j = mem_demo_random(worker, i + 1);
		worker->order[i] = worker->order[j];
		worker->order[j] = i;
	}
}

/* So many allocations or frees more are done. */
static void mem_demo_progress(struct mem_demo_bench *bench, u32 calls)
{
	atomic64_add(calls, &bench->file->bench_done);
}

/* Which of the pieces is the @n-th to be freed? */
static u32 mem_demo_nth_free(const struct mem_demo_worker *worker, u32 n)
{
	switch (worker->bench->arg->pattern) {
	case MEM_PATTERN_LIFO:
		return worker->held - 1 - n;
	case MEM_PATTERN_RANDOM:
		return worker->order[n];
	default:
		return n;
	}
}

static void mem_demo_free_round(struct mem_demo_worker *worker)
{
	const struct mem_demo_want *want = worker->bench->want;
	u64 ns;
	u32 i;

	if (worker->order)
		mem_demo_shuffle(worker);
	for (i = 0; i < worker->held; i++) {
		ns = mem_demo_time_free(want, &worker->pieces
					[mem_demo_nth_free(worker, i)]);
		if (worker->record)
			mem_hist_add(&worker->free, ns);
		if (i % MEM_DEMO_BATCH != MEM_DEMO_BATCH - 1)
			continue;
		mem_demo_progress(worker->bench, MEM_DEMO_BATCH);
		cond_resched();
	}
	mem_demo_progress(worker->bench, worker->held % MEM_DEMO_BATCH);
	worker->held = 0;
}

static void mem_demo_remote_work(struct work_struct *work)
{
	mem_demo_free_round(container_of(work, struct mem_demo_worker, remote));
}

/* @job waits while this runs, so that they never touch the worker together. */
static void mem_demo_free_remote(struct mem_demo_worker *worker)
{
	cpus_read_lock();
	queue_work_on(mem_demo_next_cpu(worker->job.cpu),
		      mem_demo_remote_workqueue, &worker->remote);
	cpus_read_unlock();
	flush_work(&worker->remote);
}

/* Allocates @n, then frees them. */
static int mem_demo_round(struct mem_demo_worker *worker, u32 n)
{
	struct mem_demo_bench *bench = worker->bench;
	int ret = 0;
	bool ok;
	u64 ns;

	while (worker->held < n && !ret) {
		ns = mem_demo_time_alloc(bench->want,
					 &worker->pieces[worker->held], &ok);
		if (!ok) {
			ret = -ENOMEM;
			break;
		}
		worker->held++;
		if (worker->record)
			mem_hist_add(&worker->alloc, ns);
		if (worker->held % MEM_DEMO_BATCH)
			continue;
		mem_demo_progress(bench, MEM_DEMO_BATCH);
		cond_resched();
		if (mem_demo_team_stopped(&bench->team))
			ret = -EINTR;
	}

	mem_demo_progress(bench, worker->held % MEM_DEMO_BATCH);

	if (bench->arg->pattern == MEM_PATTERN_REMOTE)
		mem_demo_free_remote(worker);
	else
		mem_demo_free_round(worker);

	return ret;
}

static int mem_demo_bulk_round(struct mem_demo_worker *worker, u32 n)
{
	const struct mem_demo_want *want = worker->bench->want;
	void **pieces = (void **)worker->pieces;
	u64 alloc_ns, free_ns;
	bool ok;

	alloc_ns = mem_demo_time_alloc_bulk(want, pieces, n, &ok);
	if (!ok)
		return -ENOMEM;
	free_ns = mem_demo_time_free_bulk(want, pieces, n);
	if (worker->record) {
		mem_hist_add(&worker->alloc, alloc_ns);
		mem_hist_add(&worker->free, free_ns);
	}
	mem_demo_progress(worker->bench, 2 * n);

	return 0;
}

/* @n objects, in rounds. */
static int mem_demo_rounds(struct mem_demo_worker *worker, u32 n, bool record)
{
	struct mem_demo_bench *bench = worker->bench;
	int ret;
	u32 now;

	worker->record = record;
	for (; n; n -= now) {
		now = min(n, bench->depth);
		if (bench->arg->pattern == MEM_PATTERN_BULK)
			ret = mem_demo_bulk_round(worker, now);
		else
			ret = mem_demo_round(worker, now);
		if (!ret && mem_demo_team_stopped(&bench->team))
			ret = -EINTR;
		if (ret)
			return ret;
		cond_resched();
	}

	return 0;
}

/*
 * The plain loop: allocations, each freed at once. A batch of it reads the clock
 * twice and does nothing else; its empty twin differs in the allocator alone, so
 * that the difference is what the allocator takes.
 */
static noinline int mem_demo_time_batch(const struct mem_demo_want *want, u32 n,
					u64 *ns)
{
	struct mem_demo_piece piece;
	u64 start = ktime_get_ns();
	u32 i;

	for (i = 0; i < n; i++) {
		if (!want->row->alloc(want, &piece))
			return -ENOMEM;
		want->row->free(want, &piece);
	}
	*ns = ktime_get_ns() - start;

	return 0;
}

static int mem_demo_plain_batch(struct mem_demo_worker *worker, u32 n, u64 *ns)
{
	return mem_demo_time_batch(worker->bench->want, n, ns);
}

static int mem_demo_empty_batch(struct mem_demo_worker *worker, u32 n, u64 *ns)
{
	return mem_demo_time_batch(&mem_demo_nothing, n, ns);
}

/* The same with bulk calls, of which a batch has one, and its free. */
static noinline int mem_demo_bulk_batch(struct mem_demo_worker *worker, u32 n,
					u64 *ns)
{
	const struct mem_demo_want *want = worker->bench->want;
	void **pieces = (void **)worker->pieces;
	u64 start = ktime_get_ns();

	if (!kmem_cache_alloc_bulk(want->cache, want->gfp, n, pieces))
		return -ENOMEM;
	kmem_cache_free_bulk(want->cache, n, pieces);
	*ns = ktime_get_ns() - start;

	return 0;
}

static noinline int mem_demo_empty_bulk_batch(struct mem_demo_worker *worker,
					      u32 n, u64 *ns)
{
	u64 start = ktime_get_ns();

	barrier();
	*ns = ktime_get_ns() - start;

	return 0;
}

static u32 mem_demo_batch_size(const struct mem_demo_bench *bench)
{
	if (bench->arg->pattern == MEM_PATTERN_BULK)
		return bench->depth;

	return clamp_t(u32, bench->arg->n / MEM_DEMO_MIN_BATCHES, 1,
		       MEM_DEMO_BATCH);
}

static u32 mem_demo_nr_batches(const struct mem_demo_bench *bench)
{
	return DIV_ROUND_UP(bench->arg->n, mem_demo_batch_size(bench));
}

/* As many objects as the bench has, in batches. */
static int mem_demo_run_loop(struct mem_demo_worker *worker,
			     int (*batch)(struct mem_demo_worker *worker, u32 n,
					  u64 *ns),
			     struct mem_demo_loop *loop)
{
	struct mem_demo_bench *bench = worker->bench;
	u32 left, now, batches = 0;
	u64 ns, sum = 0;
	int ret;

	for (left = bench->arg->n; left; left -= now) {
		now = min(left, worker->batch);
		ret = batch(worker, now, &ns);
		if (!ret && mem_demo_team_stopped(&bench->team))
			ret = -EINTR;
		if (ret)
			return ret;
		worker->sample[batches++] = div64_u64(ns * 1000, now);
		sum += ns;
		mem_demo_progress(bench, 2 * now);
		cond_resched();
	}

	/* A last one that is shorter has another share of the clock in it. */
	if (batches > 1 && now < worker->batch)
		batches--;
	loop->median = mem_hist_median(worker->sample, batches);
	loop->mean = div64_u64(sum * 1000, bench->arg->n);

	return 0;
}

static int mem_demo_loops(struct mem_demo_worker *worker)
{
	bool bulk = worker->bench->arg->pattern == MEM_PATTERN_BULK;
	u64 empty;
	int ret;

	ret = mem_demo_run_loop(worker, bulk ? mem_demo_empty_bulk_batch :
					       mem_demo_empty_batch,
				&worker->empty);
	if (!ret)
		ret = mem_demo_run_loop(worker, bulk ? mem_demo_bulk_batch :
						       mem_demo_plain_batch,
					&worker->plain);
	if (ret)
		return ret;

	empty = worker->empty.median;
	worker->plain.median -= min(worker->plain.median, empty);
	worker->plain.mean -= min(worker->plain.mean, empty);

	return 0;
}

static void mem_demo_measure(struct mem_demo_job *job)
{
	struct mem_demo_worker *worker =
		container_of(job, struct mem_demo_worker, job);
	struct mem_demo_bench *bench = worker->bench;
	int ret;

	ret = mem_demo_overhead(&worker->overhead);
	if (!ret)
		ret = mem_demo_rounds(worker, bench->arg->warmup, false);
	if (!ret)
		ret = mem_demo_rounds(worker, bench->arg->n, true);
	if (!ret)
		ret = mem_demo_loops(worker);
	worker->error = ret;
}

static void mem_demo_free_worker(struct mem_demo_worker *worker)
{
	if (!worker)
		return;

	kvfree(worker->sample);
	kvfree(worker->order);
	kvfree(worker->pieces);
	kvfree(worker);
}

static struct mem_demo_worker *mem_demo_make_worker(struct mem_demo_bench *bench,
						    unsigned int cpu)
{
	struct mem_demo_worker *worker = kvzalloc(sizeof(*worker), MEM_DEMO_GFP);

	if (!worker)
		return NULL;

	worker->bench = bench;
	/* A generator of this kind stays at 0 if it is there. */
	worker->random = bench->arg->seed + cpu + 1 ?: 1;
	mem_hist_init(&worker->alloc);
	mem_hist_init(&worker->free);
	INIT_WORK(&worker->remote, mem_demo_remote_work);
	worker->pieces = kvcalloc(bench->depth, sizeof(*worker->pieces),
				  MEM_DEMO_GFP);
	if (bench->arg->pattern == MEM_PATTERN_RANDOM)
		worker->order = kvcalloc(bench->depth, sizeof(*worker->order),
					 MEM_DEMO_GFP);
	worker->batch = mem_demo_batch_size(bench);
	worker->sample = kvcalloc(mem_demo_nr_batches(bench),
				  sizeof(*worker->sample), MEM_DEMO_GFP);
	if (!worker->pieces || !worker->sample ||
	    (bench->arg->pattern == MEM_PATTERN_RANDOM && !worker->order)) {
		mem_demo_free_worker(worker);
		return NULL;
	}

	return worker;
}

static void mem_demo_free_workers(struct mem_demo_bench *bench)
{
	u32 i;

	for (i = 0; i < bench->nr_workers; i++)
		mem_demo_free_worker(bench->worker[i]);
	kvfree(bench->worker);
}

static int mem_demo_make_workers(struct mem_demo_bench *bench)
{
	unsigned int cpu = bench->arg->first_cpu;
	u32 i;

	bench->nr_workers = max(bench->arg->cpus, 1U);
	bench->worker = kvcalloc(bench->nr_workers, sizeof(*bench->worker),
				 MEM_DEMO_GFP);
	if (!bench->worker)
		return -ENOMEM;

	for (i = 0; i < bench->nr_workers; i++) {
		bench->worker[i] = mem_demo_make_worker(bench, cpu);
		if (!bench->worker[i]) {
			mem_demo_free_workers(bench);
			return -ENOMEM;
		}
		mem_demo_team_add(&bench->team, &bench->worker[i]->job, cpu,
				  mem_demo_measure);
		cpu = mem_demo_next_cpu(cpu);
	}

	return 0;
}

/* Brings the workers' results together. Return: 0, or what went wrong. */
static int mem_demo_bench_results(struct mem_demo_bench *bench,
				  struct mem_bench *arg)
{
	struct mem_demo_worker *first = bench->worker[0];
	u64 both = 0, mean = 0, loop = 0;
	u32 i;

	for (i = 0; i < bench->nr_workers; i++) {
		struct mem_demo_worker *worker = bench->worker[i];

		if (worker->error)
			return worker->error;
		both += worker->plain.median;
		mean += worker->plain.mean;
		loop += worker->empty.median;
		if (!i)
			continue;
		first->overhead = max(first->overhead, worker->overhead);
		mem_hist_merge(&first->alloc, &worker->alloc);
		mem_hist_merge(&first->free, &worker->free);
	}

	mem_hist_summarize(&first->alloc, &arg->alloc);
	mem_hist_summarize(&first->free, &arg->free);
	arg->overhead = first->overhead;
	arg->both_ps = div64_u64(both, bench->nr_workers);
	arg->mean_ps = div64_u64(mean, bench->nr_workers);
	arg->loop_ps = div64_u64(loop, bench->nr_workers);

	return 0;
}

static int mem_demo_copy_histogram(u64 to, const struct mem_hist *hist)
{
	if (to && copy_to_user(u64_to_user_ptr(to), hist->bucket,
			       sizeof(hist->bucket)))
		return -EFAULT;

	return 0;
}

static int mem_demo_bench_run(struct mem_demo_bench *bench, struct mem_bench *arg)
{
	u64 start = ktime_get_ns();
	int ret;

	mem_demo_team_init(&bench->team);
	ret = mem_demo_make_workers(bench);
	if (ret)
		return ret;

	if (arg->cpus)
		mem_demo_team_run(&bench->team);
	else
		mem_demo_measure(&bench->worker[0]->job);

	ret = mem_demo_bench_results(bench, arg);
	if (!ret)
		ret = mem_demo_copy_histogram(arg->alloc_histogram,
					      &bench->worker[0]->alloc);
	if (!ret)
		ret = mem_demo_copy_histogram(arg->free_histogram,
					      &bench->worker[0]->free);
	arg->elapsed = ktime_get_ns() - start;

	mem_demo_free_workers(bench);
	return ret;
}

static int mem_demo_bench_check(const struct mem_demo_row *row,
				const struct mem_bench *arg)
{
	bool bulk = arg->pattern == MEM_PATTERN_BULK;
	bool hold = arg->pattern == MEM_PATTERN_HOLD;

	if (!row || !arg->n || arg->n > MEM_DEMO_MAX_COUNT ||
	    arg->warmup > MEM_DEMO_MAX_COUNT ||
	    arg->pattern < MEM_PATTERN_LIFO || arg->pattern > MEM_PATTERN_BULK ||
	    (bulk && !(row->caps & MEM_CAP_BULK)) ||
	    (hold ? arg->depth : !arg->depth) ||
	    arg->depth > (bulk ? MEM_DEMO_MAX_BULK : MEM_DEMO_MAX_DEPTH) ||
	    arg->flags || !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;

	if (!arg->cpus)
		return arg->first_cpu || arg->pattern == MEM_PATTERN_REMOTE ?
		       -EINVAL : 0;
	/* A kworker's memory would be charged to nobody. */
	if ((arg->gfp & MEM_GFP_ACCOUNT) ||
	    arg->cpus > num_online_cpus() || arg->first_cpu >= nr_cpu_ids ||
	    !cpu_online(arg->first_cpu) ||
	    (arg->pattern == MEM_PATTERN_REMOTE && num_online_cpus() < 2))
		return -EINVAL;

	return 0;
}

/*
 * The workers, with the tables of what they hold, and the page tables of one object
 * for each.
 */
static u64 mem_demo_bench_books(const struct mem_demo_bench *bench)
{
	u64 workers = max(bench->arg->cpus, 1U);
	u64 each = mem_demo_kvmalloc_needs(sizeof(struct mem_demo_worker)) +
		   mem_demo_kvmalloc_needs((u64)bench->depth *
					   sizeof(struct mem_demo_piece)) +
		   mem_demo_kvmalloc_needs((u64)mem_demo_nr_batches(bench) *
					   sizeof(u64)) +
		   mem_demo_extra(bench->want);

	if (bench->arg->pattern == MEM_PATTERN_RANDOM)
		each += mem_demo_kvmalloc_needs((u64)bench->depth * sizeof(u32));

	return workers * each +
	       mem_demo_kvmalloc_needs(workers * sizeof(*bench->worker));
}

/* Runs it within the file's quota. */
static int mem_demo_bench_charged(struct mem_demo_bench *bench,
				  struct mem_bench *arg)
{
	const struct mem_demo_want *want = bench->want;
	u64 objects = (u64)bench->depth * max(arg->cpus, 1U);
	u64 bytes;
	int ret;

	if (objects > INT_MAX ||
	    check_mul_overflow(mem_demo_takes(want), objects, &bytes) ||
	    check_add_overflow(bytes, mem_demo_bench_books(bench), &bytes))
		return -EDQUOT;
	ret = mem_demo_count(want->row, objects);
	if (ret)
		return ret;
	ret = mem_demo_charge(bench->file, bytes);
	if (!ret) {
		ret = mem_demo_bench_run(bench, arg);
		mem_demo_uncharge(bench->file, bytes);
	}
	mem_demo_uncount(want->row, objects);

	return ret;
}

long mem_demo_bench(struct mem_demo_file *file, struct mem_bench *arg)
{
	const struct mem_demo_row *row = mem_demo_row(arg->allocator,
						      MEM_CAP_BENCH);
	struct mem_demo_want want;
	struct mem_demo_bench bench = {
		.file = file,
		.arg = arg,
		.want = &want,
		.depth = arg->pattern == MEM_PATTERN_HOLD ? arg->n : arg->depth,
	};
	/* Rounds, the plain loop, and the empty one; allocations and frees. */
	u64 each = 2 * ((u64)arg->warmup + 3ULL * arg->n);
	int ret;

	ret = mem_demo_bench_check(row, arg);
	if (!ret)
		ret = mem_demo_ask(&want, row, arg->gfp, arg->size,
				   arg->dma_bits);
	if (ret)
		return ret;
	if (!mutex_trylock(&file->bench_lock))
		return -EBUSY;

	atomic64_set(&file->bench_done, 0);
	atomic64_set(&file->bench_total, each * max(arg->cpus, 1U));
	ret = mem_demo_bench_charged(&bench, arg);
	atomic64_set(&file->bench_total, 0);
	atomic64_set(&file->bench_done, 0);
	mutex_unlock(&file->bench_lock);

	return ret;
}

long mem_demo_get_progress(struct mem_demo_file *file,
			   struct mem_progress *progress)
{
	progress->done = atomic64_read(&file->bench_done);
	progress->total = atomic64_read(&file->bench_total);

	return 0;
}
