// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem bench: what an allocation and its free cost, and how that varies
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "device.h"
#include "mem.h"
#include "plot.h"
#include "progress.h"
#include "table.h"
#include "vserctl.h"

#define MAX_OBJECTS	10000000
#define MAX_DEPTH	65536	/* the laboratory takes fewer for bulk */

/* Unless the user says otherwise. */
#define DEFAULT_OBJECTS	10000
#define DEFAULT_DEPTH	64
#define DEFAULT_BYTES	(256 << 20)	/* together, of large objects */

enum bench_column {
	BENCH_ALLOCATOR,
	BENCH_SIZE,
	BENCH_PATTERN,
	BENCH_DEPTH,
	BENCH_CPUS,
	BENCH_GFP,
	BENCH_ALLOC,
	BENCH_FREE = BENCH_ALLOC + 7,
	BENCH_BOTH = BENCH_FREE + 7,
	BENCH_MEAN,
	BENCH_OVERHEAD,
	BENCH_LOOP,
	BENCH_SAMPLES,
	BENCH_ELAPSED,
	BENCH_KERNEL,
	BENCH_CPU,
	BENCH_CLOCKSOURCE,
	BENCH_DEBUG,
	BENCH_NOTE,
};

static const struct column bench_columns[] = {
	[BENCH_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[BENCH_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[BENCH_PATTERN] = { "pattern", "PATTERN", COLUMN_TEXT, true },
	[BENCH_DEPTH] = { "depth", "DEPTH", COLUMN_NUMBER, true },
	[BENCH_CPUS] = { "cpus", "CPUS", COLUMN_NUMBER, true },
	[BENCH_GFP] = { "gfp", "GFP", COLUMN_TEXT, true },
	[BENCH_ALLOC] = { "alloc_min_ns", "ALLOC-MIN", COLUMN_NUMBER, true },
	{ "alloc_p50_ns", "ALLOC-P50", COLUMN_NUMBER, false },
	{ "alloc_p90_ns", "ALLOC-P90", COLUMN_NUMBER, true },
	{ "alloc_p99_ns", "ALLOC-P99", COLUMN_NUMBER, false },
	{ "alloc_p999_ns", "ALLOC-P99.9", COLUMN_NUMBER, true },
	{ "alloc_max_ns", "ALLOC-MAX", COLUMN_NUMBER, false },
	{ "alloc_mean_ns", "ALLOC-MEAN", COLUMN_NUMBER, true },
	[BENCH_FREE] = { "free_min_ns", "FREE-MIN", COLUMN_NUMBER, true },
	{ "free_p50_ns", "FREE-P50", COLUMN_NUMBER, false },
	{ "free_p90_ns", "FREE-P90", COLUMN_NUMBER, true },
	{ "free_p99_ns", "FREE-P99", COLUMN_NUMBER, false },
	{ "free_p999_ns", "FREE-P99.9", COLUMN_NUMBER, true },
	{ "free_max_ns", "FREE-MAX", COLUMN_NUMBER, false },
	{ "free_mean_ns", "FREE-MEAN", COLUMN_NUMBER, true },
	[BENCH_BOTH] = { "both_p50_ns", "BOTH-P50", COLUMN_NUMBER, false },
	[BENCH_MEAN] = { "mean_ns", "BOTH-MEAN", COLUMN_NUMBER, true },
	[BENCH_OVERHEAD] = { "overhead_ns", "CLOCK", COLUMN_NUMBER, false },
	[BENCH_LOOP] = { "loop_ns", "LOOP", COLUMN_NUMBER, true },
	[BENCH_SAMPLES] = { "samples", "SAMPLES", COLUMN_NUMBER, false },
	[BENCH_ELAPSED] = { "elapsed_ns", "ELAPSED", COLUMN_NUMBER, true },
	[BENCH_KERNEL] = { "kernel", "KERNEL", COLUMN_TEXT, true },
	[BENCH_CPU] = { "cpu", "CPU", COLUMN_TEXT, true },
	[BENCH_CLOCKSOURCE] = { "clocksource", "CLOCKSOURCE", COLUMN_TEXT, true },
	[BENCH_DEBUG] = { "debug", "DEBUG", COLUMN_TEXT, true },
	[BENCH_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

enum histogram_column {
	HISTOGRAM_ALLOCATOR,
	HISTOGRAM_SIZE,
	HISTOGRAM_OPERATION,
	HISTOGRAM_FROM,
	HISTOGRAM_TO,
	HISTOGRAM_COUNT,
	HISTOGRAM_PERCENT,
};

static const struct column histogram_columns[] = {
	[HISTOGRAM_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[HISTOGRAM_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[HISTOGRAM_OPERATION] = { "operation", "OPERATION", COLUMN_TEXT, false },
	[HISTOGRAM_FROM] = { "from_ns", "FROM-NS", COLUMN_NUMBER, false },
	[HISTOGRAM_TO] = { "to_ns", "TO-NS", COLUMN_NUMBER, false },
	[HISTOGRAM_COUNT] = { "count", "COUNT", COLUMN_NUMBER, false },
	[HISTOGRAM_PERCENT] = { "percent_up_to", "PERCENT-UP-TO", COLUMN_NUMBER,
				false },
};

static const struct {
	const char *name;
	__u32 pattern;
} patterns[] = {
	{ "lifo", MEM_PATTERN_LIFO },
	{ "fifo", MEM_PATTERN_FIFO },
	{ "random", MEM_PATTERN_RANDOM },
	{ "hold", MEM_PATTERN_HOLD },
	{ "remote-free", MEM_PATTERN_REMOTE },
	{ "bulk", MEM_PATTERN_BULK },
};

struct bench_options {
	struct mem_request request;
	size_t pattern;		/* index of patterns */
	__u32 count;		/* 0: as fits the size */
	__u32 warmup;
	__u32 depth;		/* 0: as fits the size */
	__u32 cpus;
	__u32 first_cpu;
	__u64 seed;
	bool sweep;
	bool histogram;
	const char *plot_file;
};

/* Where the figures were taken: without that they mean nothing. */
struct place {
	struct utsname kernel;
	char cpu[128];
	char clocksource[64];
	struct mem_info info;
	struct mem_distortion distortion;
};

struct histograms {
	__u32 alloc[MEM_HIST_BUCKETS];
	__u32 free[MEM_HIST_BUCKETS];
};

struct run {
	int fd;
	const struct bench_options *options;
	struct place place;
	struct table *table;
	struct plot *plot;
};

/* The first line of a file that starts with @key, without it; "" if none does. */
static void read_value(const char *path, const char *key, char *value, int size)
{
	FILE *file = fopen(path, "re");
	char line[512];

	value[0] = '\0';
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, size, "%s", line + strlen(key) +
			 strspn(line + strlen(key), "\t :"));
		break;
	}
	if (file)
		fclose(file);
}

static void find_place(int fd, struct place *place)
{
	uname(&place->kernel);
	read_value("/proc/cpuinfo", "model name", place->cpu, sizeof(place->cpu));
	read_value("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		   "", place->clocksource, sizeof(place->clocksource));
	place->info = mem_get_info(fd);
	mem_find_distortion(&place->info, &place->distortion);
}

static __u64 smaller(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static __u64 larger(__u64 a, __u64 b)
{
	return a > b ? a : b;
}

/* How many objects, and how many at once, so that large ones take no hours. */
static void choose_counts(const struct run *run, struct mem_bench *bench)
{
	const struct bench_options *options = run->options;
	__u64 size = larger(bench->size, 1);
	__u64 at_once = larger(run->place.info.quota_file / 4 / size, 1);

	bench->n = options->count;
	if (!bench->n)
		bench->n = smaller(DEFAULT_OBJECTS,
				   larger(DEFAULT_BYTES / size, 100));
	bench->warmup = smaller(options->warmup, bench->n);
	if (bench->pattern == MEM_PATTERN_HOLD)
		return;
	bench->depth = options->depth ? options->depth :
		       smaller(smaller(DEFAULT_DEPTH, at_once), bench->n);
}

/* Tells how far the bench is, from a thread beside the one that is in it. */
struct watch {
	pthread_t thread;
	sem_t over;
	int fd;
	const char *what;
};

static void *watch_bench(void *argument)
{
	struct watch *watch = argument;
	struct mem_progress now;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	do {
		if (ioctl(watch->fd, MEM_GET_PROGRESS, &now) == 0 && now.total)
			progress(now.done, now.total, watch->what);
		next.tv_sec++;
	} while (sem_clockwait(&watch->over, CLOCK_MONOTONIC, &next));
	return NULL;
}

static int watched_ioctl(int fd, struct mem_bench *bench, const char *what)
{
	struct watch watch = { .fd = fd, .what = what };
	int result, error;

	if (!isatty(STDERR_FILENO))
		return ioctl(fd, MEM_BENCH, bench);
	sem_init(&watch.over, 0, 0);
	error = pthread_create(&watch.thread, NULL, watch_bench, &watch);
	result = ioctl(fd, MEM_BENCH, bench);
	if (error)
		return result;
	error = errno;
	sem_post(&watch.over);
	pthread_join(watch.thread, NULL);
	progress_end();
	errno = error;
	return result;
}

static void set_latency(struct table *table, size_t first,
			const struct mem_latency *latency)
{
	const __u64 values[] = {
		latency->min, latency->p50, latency->p90, latency->p99,
		latency->p999, latency->max
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		table_set_number(table, first + i, values[i]);
	table_set(table, first + i, "%.3f", PS_TO_NS(latency->mean_ps));
}

static void set_place(struct table *table, const struct place *place)
{
	const struct mem_distortion *distortion = &place->distortion;

	table_set(table, BENCH_KERNEL, "%s", place->kernel.release);
	if (place->cpu[0])
		table_set(table, BENCH_CPU, "%s", place->cpu);
	if (place->clocksource[0])
		table_set(table, BENCH_CLOCKSOURCE, "%s", place->clocksource);
	table_set(table, BENCH_DEBUG, "%s", distortion->debug);
	if (distortion->why[0])
		table_set(table, BENCH_NOTE, "the times mean little: %s",
			  distortion->why);
	else if (!distortion->known)
		table_set(table, BENCH_NOTE, "whether slub_debug is on cannot be seen");
}

/* For people, below the table. */
static void print_place(const struct place *place)
{
	printf("Linux %s; %s; clock source %s; debug options %s\n",
	       place->kernel.release,
	       place->cpu[0] ? place->cpu : place->kernel.machine,
	       place->clocksource[0] ? place->clocksource : "unknown",
	       place->distortion.debug);
}

static void set_result(struct table *table, const struct mem_bench *bench)
{
	set_latency(table, BENCH_ALLOC, &bench->alloc);
	set_latency(table, BENCH_FREE, &bench->free);
	table_set(table, BENCH_BOTH, "%.3f", PS_TO_NS(bench->both_ps));
	table_set(table, BENCH_MEAN, "%.3f", PS_TO_NS(bench->mean_ps));
	table_set_number(table, BENCH_OVERHEAD, bench->overhead);
	table_set(table, BENCH_LOOP, "%.3f", PS_TO_NS(bench->loop_ps));
	table_set_number(table, BENCH_SAMPLES, bench->alloc.samples);
	table_set_number(table, BENCH_ELAPSED, bench->elapsed);
}

static void add_row(const struct run *run, const struct mem_allocator *allocator,
		    const struct mem_bench *bench)
{
	table_add_row(run->table);
	table_set(run->table, BENCH_ALLOCATOR, "%s", allocator->name);
	table_set_number(run->table, BENCH_SIZE, bench->size);
	table_set(run->table, BENCH_PATTERN, "%s",
		  patterns[run->options->pattern].name);
	if (bench->depth)
		table_set_number(run->table, BENCH_DEPTH, bench->depth);
	table_set_number(run->table, BENCH_CPUS, bench->cpus);
	table_set(run->table, BENCH_GFP, "%s", mem_gfp_names(bench->gfp));
	set_place(run->table, &run->place);
}

static void add_histogram(struct table *table, const char *allocator, __u64 size,
			  const char *operation, const __u32 *histogram)
{
	__u64 total = 0, sum = 0;
	int b;

	for (b = 0; b < MEM_HIST_BUCKETS; b++)
		total += histogram[b];
	for (b = 0; b < MEM_HIST_BUCKETS; b++) {
		if (!histogram[b])
			continue;
		sum += histogram[b];
		table_add_row(table);
		table_set(table, HISTOGRAM_ALLOCATOR, "%s", allocator);
		table_set_number(table, HISTOGRAM_SIZE, size);
		table_set(table, HISTOGRAM_OPERATION, "%s", operation);
		table_set_number(table, HISTOGRAM_FROM, MEM_HIST_LOW(b));
		if (b + 1 < MEM_HIST_BUCKETS)
			table_set_number(table, HISTOGRAM_TO, MEM_HIST_LOW(b + 1));
		table_set_number(table, HISTOGRAM_COUNT, histogram[b]);
		table_set(table, HISTOGRAM_PERCENT, "%.4f", 100.0 * sum / total);
	}
}

/* How many percent took at least so long: that is where the rare ones show. */
static void plot_distribution(struct plot *plot, const char *allocator,
			      const char *operation, const __u32 *histogram)
{
	__u64 total = 0, left;
	char name[64];
	int b;

	snprintf(name, sizeof(name), "%s, %s", allocator, operation);
	plot_curve(plot, name);
	for (b = 0; b < MEM_HIST_BUCKETS; b++)
		total += histogram[b];
	for (b = 0, left = total; b < MEM_HIST_BUCKETS; b++) {
		if (histogram[b])
			plot_point(plot, MEM_HIST_LOW(b), 100.0 * left / total);
		left -= histogram[b];
	}
}

static void report(const struct run *run, const struct mem_allocator *allocator,
		   const struct mem_bench *bench, const struct histograms *histograms)
{
	if (run->options->histogram) {
		add_histogram(run->table, allocator->name, bench->size, "alloc",
			      histograms->alloc);
		add_histogram(run->table, allocator->name, bench->size, "free",
			      histograms->free);
	} else {
		add_row(run, allocator, bench);
		set_result(run->table, bench);
	}
	if (!run->plot)
		return;
	if (run->options->sweep) {
		plot_point(run->plot, bench->size, PS_TO_NS(bench->both_ps));
	} else {
		plot_distribution(run->plot, allocator->name, "alloc",
				  histograms->alloc);
		plot_distribution(run->plot, allocator->name, "free",
				  histograms->free);
	}
}

static void measure(const struct run *run, const struct mem_allocator *allocator,
		    __u64 size, bool must)
{
	const struct bench_options *options = run->options;
	struct mem_alloc alloc = mem_alloc_for(&options->request, allocator);
	struct histograms histograms = { 0 };
	struct mem_bench bench = {
		.allocator = allocator->id,
		.gfp = alloc.gfp,
		.size = size,
		.pattern = patterns[options->pattern].pattern,
		.cpus = options->cpus,
		.first_cpu = options->first_cpu,
		.seed = options->seed,
		.dma_bits = alloc.dma_bits,
		.alloc_histogram = (uintptr_t)histograms.alloc,
		.free_histogram = (uintptr_t)histograms.free,
	};
	char what[96];
	const char *why;

	alloc.size = size;
	choose_counts(run, &bench);
	snprintf(what, sizeof(what), "%s, %llu bytes", allocator->name, size);
	if (watched_ioctl(run->fd, &bench, what) == 0) {
		report(run, allocator, &bench, &histograms);
		return;
	}
	why = errno == EINVAL && bench.pattern == MEM_PATTERN_REMOTE &&
	      run->place.info.online_cpus < 2 ?
	      "remote-free wants a second CPU" :
	      mem_explain(run->fd, &alloc, errno);
	if (must)
		errx(EXIT_FAILURE, "%s: %s", what, why);
	if (options->histogram)
		return;
	add_row(run, allocator, &bench);
	table_set(run->table, BENCH_NOTE, "%s", why);
}

static void measure_sizes(const struct run *run,
			  const struct mem_allocator *allocator)
{
	__u64 max = smaller(allocator->max_size, MEM_SWEEP_MAX);
	__u64 size;

	if (run->plot)
		plot_curve(run->plot, allocator->name);
	for (size = 8; size <= max; size *= 2) {
		if (size >= allocator->min_size)
			measure(run, allocator, size, false);
	}
}

static size_t parse_pattern(const struct argp_state *state, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		if (strcmp(patterns[i].name, name) == 0)
			return i;
	}
	argp_error(state, "--pattern: there is no pattern \"%s\"", name);
	return 0;
}

enum {
	OPTION_CPU = 256,
	OPTION_SEED,
	OPTION_WARMUP,
};

static error_t parse_bench(int key, char *arg, struct argp_state *state)
{
	struct bench_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->request;
		return 0;
	case 'n':
		options->count = parse_number(state, "--count", arg, 1, MAX_OBJECTS);
		return 0;
	case OPTION_WARMUP:
		options->warmup = parse_number(state, "--warmup", arg, 0, MAX_OBJECTS);
		return 0;
	case 'P':
		options->pattern = parse_pattern(state, arg);
		return 0;
	case 'd':
		options->depth = parse_number(state, "--depth", arg, 1, MAX_DEPTH);
		return 0;
	case 'c':
		options->cpus = parse_number(state, "--cpus", arg, 1, 65536);
		return 0;
	case OPTION_CPU:
		options->first_cpu = parse_number(state, "--cpu", arg, 0, 65535);
		return 0;
	case OPTION_SEED:
		options->seed = parse_number(state, "--seed", arg, 0, ~0ULL);
		return 0;
	case 'a':
		options->sweep = true;
		return 0;
	case 'H':
		options->histogram = true;
		return 0;
	case 'p':
		options->plot_file = arg;
		return 0;
	case ARGP_KEY_END:
		if (options->sweep && (options->request.size || options->histogram))
			argp_error(state, "--all-sizes goes with neither --size nor --histogram");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct plot *start_plot(const struct bench_options *options)
{
	static const struct plot_axes over_size = {
		.title = "What an allocation and its free cost",
		.x = "size, bytes",
		.y = "median of both, ns",
		.scale_x = PLOT_BYTES,
		.scale_y = PLOT_TIME,
	}, distribution = {
		.title = "How long it takes",
		.x = "at least so long, ns",
		.y = "percent",
		.scale_x = PLOT_TIME,
		.scale_y = PLOT_PERCENT,
		.steps = true,
	};

	if (!options->plot_file)
		return NULL;
	return plot_new(options->plot_file,
			options->sweep ? &over_size : &distribution);
}

int mem_bench_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "count", 'n', "N", 0,
		  "Objects on each CPU, to 10000000 (default: 10000, fewer large ones)",
		  0 },
		{ "warmup", OPTION_WARMUP, "N", 0,
		  "So many before, not measured (default: 1000)", 0 },
		{ "pattern", 'P', "PATTERN", 0,
		  "In which order they are freed: lifo, fifo, random, hold (all are "
		  "held first), remote-free (on another CPU), bulk (default: lifo)", 0 },
		{ "depth", 'd', "N", 0,
		  "Objects alive at once (default: 64, fewer large ones)", 0 },
		{ "cpus", 'c', "N", 0, "CPUs that measure at the same time (default: 1)",
		  0 },
		{ "cpu", OPTION_CPU, "CPU", 0, "The first of them (default: 0)", 0 },
		{ "seed", OPTION_SEED, "N", 0, "For --pattern random (default: 1)", 0 },
		{ "all-sizes", 'a', NULL, 0, "Each power of two, from 8 bytes to 8 MiB",
		  0 },
		{ "histogram", 'H', NULL, 0, "Print how often each time was seen", 0 },
		{ "plot", 'p', "FILE", 0,
		  "Plot to FILE, a .svg, .png or .gp: the distribution of times, with "
		  "--all-sizes the cost over the size", 0 },
		{ }
	};
	static const struct argp_child children[] = {
		MEM_REQUEST_OPTIONS, TABLE_OPTIONS, { }
	};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_bench,
		.children = children,
		.args_doc = "[ALLOCATOR...]",
		.doc = "Measure what an allocation and its free cost, each by itself, on a "
		       "CPU of its own."
		       "\vAll times are in nanoseconds. ALLOC-P50 is the median: half of the "
		       "allocations took no longer; P99 holds for 99 of 100. CLOCK is the "
		       "median of measuring nothing (the allocator none shows its "
		       "distribution) and is contained in each of them. BOTH-P50 is free of "
		       "it: a plain loop of an allocation and its free, one at a time, that "
		       "reads the clock only before and after each batch, less the same loop "
		       "with nothing in it; the median of the batches. --json has more "
		       "percentiles, means, and where the figures were taken. In a mean is "
		       "whatever else happened on the CPU: compare medians.\n\n"
		       "Debug options of the kernel can make times meaningless; a note says "
		       "so. So does a virtual machine under emulation, which nobody can "
		       "see from inside.\n\n"
		       "  vserctl mem bench\n"
		       "  vserctl mem bench kmalloc kmem_cache --size 256 --count 1000000\n"
		       "  vserctl mem bench kmalloc --pattern remote-free\n"
		       "  vserctl mem bench kmalloc vmalloc --all-sizes --plot cost.svg",
	};
	struct bench_options options = { .warmup = 1000, .cpus = 1, .seed = 1 };
	struct mem_selection selection;
	struct run run = { .options = &options };
	__u32 caps = MEM_CAP_BENCH;
	size_t i;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	run.fd = mem_open();
	if (patterns[options.pattern].pattern == MEM_PATTERN_BULK)
		caps |= MEM_CAP_BULK;
	mem_select(run.fd, &options.request, caps, &selection);
	find_place(run.fd, &run.place);
	run.plot = start_plot(&options);
	if (options.histogram)
		run.table = table_new("histogram", TABLE_ROWS, histogram_columns,
				      ARRAY_SIZE(histogram_columns));
	else
		run.table = table_new("bench", TABLE_ROWS, bench_columns,
				      ARRAY_SIZE(bench_columns));
	for (i = 0; i < selection.count; i++) {
		const struct mem_allocator *allocator = &selection.allocators[i];

		if (options.sweep)
			measure_sizes(&run, allocator);
		else
			measure(&run, allocator,
				mem_size_for(&options.request, allocator),
				selection.named);
	}
	if (run.plot)
		plot_finish(run.plot);
	table_print(run.table);
	if (table_for_people())
		print_place(&run.place);
	return EXIT_SUCCESS;
}
