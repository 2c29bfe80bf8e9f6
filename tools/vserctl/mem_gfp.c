// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem limits, gfp: what an allocator grants, and what it is not asked
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "device.h"
#include "mem.h"
#include "progress.h"
#include "table.h"
#include "vserctl.h"

/* mem limits */

enum limit_column {
	LIMIT_ALLOCATOR,
	LIMIT_GRANTED,
	LIMIT_REFUSED,
	LIMIT_THEORETICAL,
	LIMIT_STOPPED,
	LIMIT_BUDGET,
	LIMIT_TRIES,
	LIMIT_NOTE,
};

static const struct column limit_columns[] = {
	[LIMIT_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[LIMIT_GRANTED] = { "granted", "GRANTED", COLUMN_NUMBER, false },
	[LIMIT_REFUSED] = { "refused", "REFUSED", COLUMN_NUMBER, false },
	[LIMIT_THEORETICAL] = { "theoretical", "THEORETICAL", COLUMN_NUMBER, false },
	[LIMIT_STOPPED] = { "stopped_by", "STOPPED BY", COLUMN_TEXT, false },
	[LIMIT_BUDGET] = { "budget", "BUDGET", COLUMN_NUMBER, true },
	[LIMIT_TRIES] = { "tries", "TRIES", COLUMN_NUMBER, true },
	[LIMIT_NOTE] = { "note", "NOTE", COLUMN_NOTE, false },
};

static const char *stopper(__u32 stopped)
{
	switch (stopped) {
	case MEM_STOPPED_INTERFACE:
		return "its interface";
	case MEM_STOPPED_MEMORY:
		return "no such piece of memory";
	case MEM_STOPPED_BUDGET:
		return "the budget";
	default:
		return "unknown";
	}
}

static void set_limit(struct table *table, const struct mem_limit *limit)
{
	table_set_number(table, LIMIT_GRANTED, limit->granted);
	if (limit->refused)
		table_set_number(table, LIMIT_REFUSED, limit->refused);
	table_set_number(table, LIMIT_THEORETICAL, limit->theoretical);
	table_set(table, LIMIT_STOPPED, "%s", stopper(limit->stopped));
	table_set_number(table, LIMIT_BUDGET, limit->used_budget);
	table_set_number(table, LIMIT_TRIES, limit->tries);
}

struct limit_options {
	struct mem_request request;
	bool is_unlimited;
};

/* --size is taken as the budget: no more than this. */
static void find_limit(int fd, struct table *table,
		       const struct mem_allocator *allocator,
		       const struct mem_request *request, __u64 budget, bool named)
{
	struct mem_limit limit = {
		.allocator = allocator->id,
		.gfp = mem_gfp_for(request, allocator),
		.budget = budget,
		.dma_bits = mem_dma_bits_for(request, allocator),
	};
	const struct mem_alloc alloc = mem_alloc_for(request, allocator);
	const char *why;

	table_add_row(table);
	table_set(table, LIMIT_ALLOCATOR, "%s", allocator->name);
	if (ioctl(fd, MEM_LIMIT, &limit) == 0) {
		set_limit(table, &limit);
		return;
	}
	why = errno == EBUSY ? "somebody else is finding limits, or fragments memory" :
			       mem_explain(fd, &alloc, errno);
	if (named)
		errx(EXIT_FAILURE, "%s: %s", allocator->name, why);
	table_set(table, LIMIT_NOTE, "%s", why);
}

static error_t parse_limits(int key, char *arg, struct argp_state *state)
{
	struct limit_options *options = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->request;
		return 0;
	case 'u':
		options->is_unlimited = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_limits_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "unlimited", 'u', NULL, 0,
		  "Ask for up to half of what is available, beyond the quota", 0 },
		{ }
	};
	static const struct argp_child children[] = {
		MEM_REQUEST_OPTIONS, TABLE_OPTIONS, { }
	};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_limits,
		.children = children,
		.args_doc = "[ALLOCATOR...]",
		.doc = "Find the largest single allocation that each allocator grants here "
		       "and now, by bisection, and what stopped it there. Each is freed at "
		       "once. No more than --size is asked for; by default what is left of "
		       "the file's quota (vserctl mem info)."
		       "\vTHEORETICAL is what the interface allows on this kernel. Memory "
		       "that is in pieces stops an allocator that needs it in one: compare "
		       "alloc_pages, vmalloc and kvmalloc. With --unlimited, other programs "
		       "may find no memory while the largest allocations are tried.",
	};
	struct limit_options options = { .is_unlimited = false };
	struct mem_selection selection;
	struct table *table;
	__u64 budget;
	size_t i;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fd = mem_open();
	mem_select(fd, &options.request, MEM_CAP_LIMIT, &selection);
	budget = mem_budget(fd, "--size", options.request.size, options.is_unlimited);
	table = table_new("limits", TABLE_ROWS, limit_columns,
			  ARRAY_SIZE(limit_columns));
	for (i = 0; i < selection.count; i++) {
		progress(i, selection.count, selection.allocators[i].name);
		find_limit(fd, table, &selection.allocators[i], &options.request,
			   budget, selection.named);
	}
	progress_end();
	table_print(table);
	return EXIT_SUCCESS;
}

/* mem gfp */

/* For programs: a row for each attempt. */
enum gfp_column {
	GFP_ALLOCATOR,
	GFP_GFP,
	GFP_CONTEXT,
	GFP_OUTCOME,
	GFP_ZONE,
	GFP_CULPRIT,
	GFP_ERRNO,
	GFP_NOTE,
};

static const struct column gfp_columns[] = {
	[GFP_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[GFP_GFP] = { "gfp", "GFP", COLUMN_TEXT, false },
	[GFP_CONTEXT] = { "context", "CONTEXT", COLUMN_TEXT, false },
	[GFP_OUTCOME] = { "outcome", "OUTCOME", COLUMN_TEXT, false },
	[GFP_ZONE] = { "zone", "ZONE", COLUMN_TEXT, false },
	[GFP_CULPRIT] = { "culprit", "CULPRIT", COLUMN_TEXT, false },
	[GFP_ERRNO] = { "errno", "ERRNO", COLUMN_NUMBER, false },
	[GFP_NOTE] = { "note", "NOTE", COLUMN_TEXT, false },
};

/* For people: a row for each flag, a column for each context. */
enum truth_column {
	TRUTH_ALLOCATOR,
	TRUTH_GFP,
	TRUTH_PROCESS,
	TRUTH_HARDIRQ = TRUTH_PROCESS + MEM_NR_CONTEXTS - 1,
};

static const struct column truth_columns[] = {
	[TRUTH_ALLOCATOR] = { "allocator", "ALLOCATOR", COLUMN_TEXT, false },
	[TRUTH_GFP] = { "gfp", "GFP", COLUMN_TEXT, false },
	[TRUTH_PROCESS] = { "process", "PROCESS", COLUMN_TEXT, false },
	{ "spinlock", "SPINLOCK", COLUMN_TEXT, false },
	{ "softirq", "SOFTIRQ", COLUMN_TEXT, false },
	[TRUTH_HARDIRQ] = { "hardirq", "HARDIRQ", COLUMN_TEXT, false },
};

static const char *outcome_name(__u32 outcome)
{
	switch (outcome) {
	case MEM_OUTCOME_ALLOWED:
		return "allowed";
	case MEM_OUTCOME_FELL_BACK:
		return "fell back";
	case MEM_OUTCOME_FAILED:
		return "failed";
	case MEM_OUTCOME_REFUSED:
		return "refused";
	default:
		return "unknown";
	}
}

/* A word for a cell; mem_why_text() is the sentence. */
static const char *why_word(__u32 why)
{
	switch (why) {
	case MEM_WHY_FLAG:
		return "flag";
	case MEM_WHY_CONTEXT:
	case MEM_WHY_SLEEPS:
		return "sleeps";
	case MEM_WHY_NOFAIL:
	case MEM_WHY_FOREVER:
		return "for ever";
	case MEM_WHY_RT:
		return "RT";
	case MEM_WHY_INTERRUPT:
		return "interrupt";
	case MEM_WHY_COMBINATION:
		return "combination";
	case MEM_WHY_SIZE:
	case MEM_WHY_LONG:
		return "size";
	case MEM_WHY_NO_CACHE:
		return "no cache";
	case MEM_WHY_MASK:
	case MEM_WHY_NO_MASK:
		return "mask";
	case MEM_WHY_NO_ZONE:
		return "no zone";
	case MEM_WHY_VMALLOC:
		return "vmalloc";
	case MEM_WHY_ZONE:
		return "zone";
	default:
		return NULL;
	}
}

static void add_gfp_row(struct table *table, const char *allocator,
			const struct mem_gfp_try *attempt)
{
	const char *zone = mem_zone_name(attempt->zone);
	const char *why = mem_why_text(attempt->why);

	table_add_row(table);
	table_set(table, GFP_ALLOCATOR, "%s", allocator);
	table_set(table, GFP_GFP, "%s", mem_gfp_names(attempt->gfp));
	table_set(table, GFP_CONTEXT, "%s", mem_context_name(attempt->context));
	table_set(table, GFP_OUTCOME, "%s", outcome_name(attempt->outcome));
	if (zone)
		table_set(table, GFP_ZONE, "%s", zone);
	if (attempt->culprit)
		table_set(table, GFP_CULPRIT, "%s", mem_gfp_names(attempt->culprit));
	table_set_number(table, GFP_ERRNO, attempt->error);
	if (why)
		table_set(table, GFP_NOTE, "%s", why);
}

static void set_truth_cell(struct table *table, const struct mem_gfp_try *attempt)
{
	size_t column = TRUTH_PROCESS + attempt->context - MEM_CONTEXT_PROCESS;
	const char *zone = mem_zone_name(attempt->zone);
	const char *why = why_word(attempt->why);

	if (why)
		table_set(table, column, "%s: %s", outcome_name(attempt->outcome), why);
	else if (zone)
		table_set(table, column, "%s: %s", outcome_name(attempt->outcome), zone);
	else
		table_set(table, column, "%s", outcome_name(attempt->outcome));
}

/*
 * The flag that is looked at, with what makes it an allocation: a base that may
 * be used in this context, unless the flag is a base itself.
 */
static __u32 with_base(__u32 flag, __u32 context)
{
	if (flag & MEM_GFP_BASES)
		return flag;
	return flag | (context == MEM_CONTEXT_PROCESS ? MEM_GFP_KERNEL :
						       MEM_GFP_ATOMIC);
}

static void try_in_contexts(int fd, struct table *table,
			    const struct mem_allocator *allocator,
			    const struct mem_request *request, __u32 flag)
{
	__u32 context;

	if (table_for_people()) {
		table_add_row(table);
		table_set(table, TRUTH_ALLOCATOR, "%s", allocator->name);
		table_set(table, TRUTH_GFP, "%s", mem_gfp_names(flag));
	}
	for (context = 1; context <= MEM_NR_CONTEXTS; context++) {
		struct mem_gfp_try attempt = {
			.allocator = allocator->id,
			.gfp = with_base(flag, context),
			.size = request->size,
			.context = context,
			.dma_bits = mem_dma_bits_for(request, allocator),
		};

		device_ioctl(fd, MEM_GFP_TRY, &attempt, allocator->name);
		if (table_for_people())
			set_truth_cell(table, &attempt);
		else
			add_gfp_row(table, allocator->name, &attempt);
	}
}

static void try_flags(int fd, struct table *table,
		      const struct mem_allocator *allocator,
		      const struct mem_request *request)
{
	__u32 flag;

	if (request->gfp) {
		try_in_contexts(fd, table, allocator, request, request->gfp);
		return;
	}
	for (flag = 1; flag & ~0x80000000; flag <<= 1) {
		if (flag & MEM_GFP_ALL)
			try_in_contexts(fd, table, allocator, request, flag);
	}
}

int mem_gfp_command(int argc, char **argv)
{
	static const char doc[] =
		"Try each GFP flag with each allocator, in process context, with a "
		"spinlock held, in a soft interrupt and in a hard one: was it allowed, "
		"and from which zone did it come, or why is it refused? What the kernel "
		"would complain of is not tried, but refused with the reason."
		"\vBase flags: KERNEL, ATOMIC, NOWAIT, USER, HIGHUSER, NOIO, NOFS. Zones: "
		"DMA, DMA32. Modifiers: ZERO, NOWARN, NORETRY, RETRY_MAYFAIL, HIGH, COMP, "
		"ACCOUNT, THISNODE, NOFAIL. What is not a base is tried with KERNEL in "
		"process context, and with ATOMIC in the others. Every allocation is made "
		"with NOWARN, and with NORETRY unless RETRY_MAYFAIL is given.\n\n"
		"The word after \"refused\" says why: flag: the allocator does not take "
		"it; sleeps: here nobody may; interrupt: the allocator is not for one; for ever: there would be no end to it. "
		"\"fell back\" is granted, but in another way than asked for. --json has "
		"the reasons as sentences.\n\n"
		"  vserctl mem gfp kmalloc\n"
		"  vserctl mem gfp --gfp atomic,dma";
	struct mem_request request = { 0 };
	struct mem_selection selection;
	struct table *table;
	size_t i;
	int fd;

	mem_parse_request(argc, argv, doc, &request);
	fd = mem_open();
	mem_select(fd, &request, MEM_CAP_ALLOC, &selection);
	if (table_for_people())
		table = table_new("gfp", TABLE_ROWS, truth_columns,
				  ARRAY_SIZE(truth_columns));
	else
		table = table_new("gfp", TABLE_ROWS, gfp_columns,
				  ARRAY_SIZE(gfp_columns));
	for (i = 0; i < selection.count; i++) {
		progress(i, selection.count, selection.allocators[i].name);
		try_flags(fd, table, &selection.allocators[i], &request);
	}
	progress_end();
	table_print(table);
	return EXIT_SUCCESS;
}
