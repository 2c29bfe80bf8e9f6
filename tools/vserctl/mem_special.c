// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem percpu, mempool, devm: allocators with a purpose of their own
 */
#include <argp.h>
#include <stdlib.h>

#include "args.h"
#include "device.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

/* mem percpu */

enum percpu_column {
	PERCPU_VARIABLE,
	PERCPU_METHOD,
	PERCPU_CPUS,
	PERCPU_LOOPS,
	PERCPU_SUM,
	PERCPU_EXPECTED,
	PERCPU_EXACT,
	PERCPU_NS,
};

static const struct column percpu_columns[] = {
	[PERCPU_VARIABLE] = { "variable", "VARIABLE", COLUMN_TEXT, false },
	[PERCPU_METHOD] = { "method", "METHOD", COLUMN_TEXT, false },
	[PERCPU_CPUS] = { "cpus", "CPUS", COLUMN_NUMBER, false },
	[PERCPU_LOOPS] = { "loops", "LOOPS", COLUMN_NUMBER, false },
	[PERCPU_SUM] = { "sum", "SUM", COLUMN_NUMBER, false },
	[PERCPU_EXPECTED] = { "expected", "EXPECTED", COLUMN_NUMBER, true },
	[PERCPU_EXACT] = { "exact", "EXACT", COLUMN_TRUTH, false },
	[PERCPU_NS] = { "step_ns", "STEP-NS", COLUMN_NUMBER, false },
};

static const struct {
	__u32 variable, method;
	const char *variable_name, *method_name;
} countings[] = {
	{ MEM_PERCPU_STATIC, MEM_PERCPU_THIS_CPU, "DEFINE_PER_CPU", "this_cpu_inc" },
	{ MEM_PERCPU_STATIC, MEM_PERCPU_GET_PUT, "DEFINE_PER_CPU", "get_cpu_var" },
	{ MEM_PERCPU_DYNAMIC, MEM_PERCPU_THIS_CPU, "alloc_percpu", "this_cpu_inc" },
	{ MEM_PERCPU_DYNAMIC, MEM_PERCPU_GET_PUT, "alloc_percpu", "get_cpu_ptr" },
	{ 0, MEM_PERCPU_ATOMIC, "one atomic", "atomic64_inc" },
};

struct percpu_options {
	__u32 loops;
	__u32 cpus;
};

static error_t parse_percpu(int key, char *arg, struct argp_state *state)
{
	struct percpu_options *options = state->input;

	switch (key) {
	case 'n':
		options->loops = parse_number(state, "--loops", arg, 1, 100000000);
		return 0;
	case 'c':
		options->cpus = parse_number(state, "--cpus", arg, 1, 65536);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_percpu_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "loops", 'n', "N", 0, "How far each CPU counts (default: 1000000)", 0 },
		{ "cpus", 'c', "N", 0, "How many CPUs count (default: all)", 0 },
		{ }
	};
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_percpu,
		.children = children,
		.doc = "Let all CPUs count at the same time, each in its own copy of a "
		       "per-CPU variable, and add the copies up; for comparison, all of them "
		       "in one atomic variable."
		       "\vSUM is of all possible CPUs' copies. EXACT: it is what it must be, "
		       "although there is no lock. STEP-NS is the time of one step, which "
		       "shows what CPUs that share a cache line cost each other.",
	};
	struct percpu_options options = { .loops = 1000000 };
	struct table *table;
	size_t i;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fd = mem_open();
	table = table_new("percpu", TABLE_ROWS, percpu_columns,
			  ARRAY_SIZE(percpu_columns));
	for (i = 0; i < ARRAY_SIZE(countings); i++) {
		struct mem_percpu count = {
			.variable = countings[i].variable,
			.method = countings[i].method,
			.loops = options.loops,
			.cpus = options.cpus,
		};

		device_ioctl(fd, MEM_PERCPU, &count, "MEM_PERCPU");
		table_add_row(table);
		table_set(table, PERCPU_VARIABLE, "%s", countings[i].variable_name);
		table_set(table, PERCPU_METHOD, "%s", countings[i].method_name);
		table_set_number(table, PERCPU_CPUS, count.cpus);
		table_set_number(table, PERCPU_LOOPS, count.loops);
		table_set_number(table, PERCPU_SUM, count.sum);
		table_set_number(table, PERCPU_EXPECTED, count.expected);
		table_set_truth(table, PERCPU_EXACT, count.sum == count.expected);
		table_set(table, PERCPU_NS, "%.3f", PS_TO_NS(count.mean_ps));
	}
	table_print(table);
	return EXIT_SUCCESS;
}

/* mem mempool */

enum mempool_column {
	MEMPOOL_ALLOCATOR,
	MEMPOOL_RESERVE,
	MEMPOOL_TAKE,
	MEMPOOL_BACKING,
	MEMPOOL_FROM_RESERVE,
	MEMPOOL_REFUSED,
	MEMPOOL_LEFT,
	MEMPOOL_REFILLED,
	MEMPOOL_RELEASED,
};

static const struct column mempool_columns[] = {
	[MEMPOOL_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[MEMPOOL_RESERVE] = { "reserve", "RESERVE", COLUMN_NUMBER, false },
	[MEMPOOL_TAKE] = { "take", "TAKE", COLUMN_NUMBER, false },
	[MEMPOOL_BACKING] = { "backing", "BACKING", COLUMN_NUMBER, false },
	[MEMPOOL_FROM_RESERVE] = { "from_reserve", "FROM-RESERVE", COLUMN_NUMBER,
				   false },
	[MEMPOOL_REFUSED] = { "refused", "REFUSED", COLUMN_NUMBER, false },
	[MEMPOOL_LEFT] = { "reserve_left", "LEFT", COLUMN_NUMBER, false },
	[MEMPOOL_REFILLED] = { "refilled", "REFILLED", COLUMN_NUMBER, false },
	[MEMPOOL_RELEASED] = { "released", "RELEASED", COLUMN_NUMBER, false },
};

static error_t parse_mempool(int key, char *arg, struct argp_state *state)
{
	struct mem_mempool *pool = state->input;

	switch (key) {
	case 'r':
		pool->reserve = parse_number(state, "--reserve", arg, 1, 1024);
		return 0;
	case 't':
		pool->take = parse_number(state, "--take", arg, 1, 4096);
		return 0;
	case 'f':
		pool->fail_after = parse_number(state, "--fail-after", arg, 0, 4096);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_mempool_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "reserve", 'r', "N", 0, "Elements that the pool keeps (default: 8)", 0 },
		{ "take", 't', "N", 0, "Elements to take (default: 16)", 0 },
		{ "fail-after", 'f', "N", 0,
		  "The allocator behind it grants so many of them, then fails "
		  "(default: 4)", 0 },
		{ }
	};
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_mempool,
		.children = children,
		.doc = "Take elements from a mempool whose allocator fails at some point, "
		       "and see its reserve step in."
		       "\vBACKING were granted by the allocator behind the pool, "
		       "FROM-RESERVE by the pool itself, REFUSED by neither, as the caller "
		       "may not sleep (one who may waits until an element is freed, and so "
		       "never fails). When all are freed, the reserve is REFILLED first, "
		       "and what is left is RELEASED.",
	};
	static const __u32 allocators[] = { MEM_MEMPOOL_SLAB, MEM_MEMPOOL_PAGE };
	const struct mem_mempool defaults = {
		.reserve = 8, .take = 16, .fail_after = 4,
	};
	struct mem_mempool asked = defaults;
	struct table *table;
	size_t i;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &asked);
	fd = mem_open();
	table = table_new("mempool", TABLE_ROWS, mempool_columns,
			  ARRAY_SIZE(mempool_columns));
	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		struct mem_mempool pool = asked;

		pool.allocator = allocators[i];
		device_ioctl(fd, MEM_MEMPOOL, &pool, "MEM_MEMPOOL");
		table_add_row(table);
		table_set(table, MEMPOOL_ALLOCATOR, "%s",
			  mem_get_allocator(fd, allocators[i]).name);
		table_set_number(table, MEMPOOL_RESERVE, pool.reserve);
		table_set_number(table, MEMPOOL_TAKE, pool.take);
		table_set_number(table, MEMPOOL_BACKING, pool.backing);
		table_set_number(table, MEMPOOL_FROM_RESERVE, pool.from_reserve);
		table_set_number(table, MEMPOOL_REFUSED, pool.refused);
		table_set_number(table, MEMPOOL_LEFT, pool.reserve_low);
		table_set_number(table, MEMPOOL_REFILLED, pool.refilled);
		table_set_number(table, MEMPOOL_RELEASED, pool.released);
	}
	table_print(table);
	return EXIT_SUCCESS;
}

/* mem devm */

enum devm_column {
	DEVM_ALLOCATOR,
	DEVM_SIZE,
	DEVM_COUNT,
	DEVM_BEFORE,
	DEVM_AFTER,
	DEVM_IN_ORDER,
};

static const struct column devm_columns[] = {
	[DEVM_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[DEVM_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[DEVM_COUNT] = { "count", "COUNT", COLUMN_NUMBER, false },
	[DEVM_BEFORE] = { "freed_before", "FREED-BEFORE", COLUMN_NUMBER, false },
	[DEVM_AFTER] = { "freed_after", "FREED-AFTER", COLUMN_NUMBER, false },
	[DEVM_IN_ORDER] = { "last_first", "LAST-FIRST", COLUMN_TRUTH, false },
};

static error_t parse_devm(int key, char *arg, struct argp_state *state)
{
	struct mem_devm *devm = state->input;

	switch (key) {
	case 'n':
		devm->count = parse_number(state, "--count", arg, 1, 1024);
		return 0;
	case 's':
		devm->size = parse_number(state, "--size", arg, 1, 1 << 22);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_devm_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "count", 'n', "N", 0, "How many objects (default: 8)", 0 },
		{ "size", 's', "BYTES", 0, "Bytes of each (default: 100)", 0 },
		{ }
	};
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_devm,
		.children = children,
		.doc = "Make a device, allocate for it with devm_kmalloc() and "
		       "devm_kzalloc(), remove it, and see the memory go with it."
		       "\vFREED-BEFORE counts what had been freed before the device went, "
		       "FREED-AFTER when it was gone; LAST-FIRST tells whether the last was "
		       "freed first, as an error path would do it by hand.",
	};
	static const __u32 allocators[] = { MEM_DEVM_KMALLOC, MEM_DEVM_KZALLOC };
	const struct mem_devm defaults = {
		.gfp = MEM_GFP_KERNEL, .size = 100, .count = 8,
	};
	struct mem_devm asked = defaults;
	struct table *table;
	size_t i;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &asked);
	fd = mem_open();
	table = table_new("devm", TABLE_ROWS, devm_columns,
			  ARRAY_SIZE(devm_columns));
	for (i = 0; i < ARRAY_SIZE(allocators); i++) {
		struct mem_devm devm = asked;

		devm.allocator = allocators[i];
		device_ioctl(fd, MEM_DEVM, &devm, "MEM_DEVM");
		table_add_row(table);
		table_set(table, DEVM_ALLOCATOR, "%s",
			  mem_get_allocator(fd, allocators[i]).name);
		table_set_number(table, DEVM_SIZE, devm.size);
		table_set_number(table, DEVM_COUNT, devm.count);
		table_set_number(table, DEVM_BEFORE, devm.before);
		table_set_number(table, DEVM_AFTER, devm.after);
		table_set_truth(table, DEVM_IN_ORDER, devm.in_order == MEM_YES);
	}
	table_print(table);
	return EXIT_SUCCESS;
}
