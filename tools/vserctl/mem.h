/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl mem - what the commands of the memory laboratory share
 *
 * A command opens the laboratory, asks for allocations as its options say, and
 * looks at them. What it holds goes with the descriptor, at the latest when the
 * process ends.
 */
#ifndef MEM_H
#define MEM_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "mem_demo.h"

/**
 * struct mem_request - what to allocate, as the options say
 * @names:    allocators named; all that suit if none is
 * @nr_names: how many
 * @size:     --size, 0: what shows the allocator well
 * @gfp:      --gfp, 0: the common one
 * @dma_bits: --dma-mask, 0: 64 for allocators that take one
 * @debug:    --debug-caches
 */
struct mem_request {
	char **names;
	size_t nr_names;
	unsigned long long size;
	__u32 gfp;
	__u32 dma_bits;
	bool debug;
};

/*
 * Its options and arguments, for the .children of a command's argp; the command
 * sets state->child_inputs[0] at ARGP_KEY_INIT.
 */
extern const struct argp mem_request_options;
#define MEM_REQUEST_OPTIONS	{ &mem_request_options, 0, "Allocation:", 5 }

/* Parses the command line of a command that has these and --json, --raw only. */
void mem_parse_request(int argc, char **argv, const char *doc,
		       struct mem_request *request);

/* Opens the laboratory; exits with a sentence if it is not there. */
int mem_open(void);
struct mem_info mem_get_info(int fd);
struct mem_allocator mem_get_allocator(int fd, __u32 id);

/**
 * struct mem_selection - allocators that the command is to work on
 * @named: did the user name them? Then what goes wrong ends the command; else it
 *         is a note in the table.
 */
struct mem_selection {
	struct mem_allocator allocators[MEM_NR_ALLOCATORS];
	size_t count;
	bool named;
};

/*
 * What MEM_LIMIT and MEM_FRAGMENT are to keep to; 0: what is left of the quota. Exits
 * if the user's @option has @asked for more than the quota without --unlimited.
 */
__u64 mem_budget(int fd, const char *option, __u64 asked, bool is_unlimited);

/* Those that @request names, or all that have @caps; exits if one has not. */
void mem_select(int fd, const struct mem_request *request, __u32 caps,
		struct mem_selection *selection);

/* What the request says of this allocator, with what it leaves open filled in. */
__u64 mem_size_for(const struct mem_request *request,
		   const struct mem_allocator *allocator);
__u32 mem_gfp_for(const struct mem_request *request,
		  const struct mem_allocator *allocator);
__u32 mem_dma_bits_for(const struct mem_request *request,
		       const struct mem_allocator *allocator);

/* Fills in what MEM_ALLOC takes. */
struct mem_alloc mem_alloc_for(const struct mem_request *request,
			       const struct mem_allocator *allocator);

/* Why the kernel answered @error to it, in a sentence. Until the next call. */
const char *mem_explain(int fd, const struct mem_alloc *alloc, int error);

/* When many sizes are tried: what is larger is many pages, whatever the allocator. */
#define MEM_SWEEP_MAX	(8 << 20)

/* Allocates or exits with a sentence; returns the first handle. */
__u64 mem_must_alloc(int fd, const struct mem_allocator *allocator,
		     struct mem_alloc *alloc);
void mem_must_free(int fd, __u64 handle, __u64 count);

/**
 * struct mem_distortion - what makes times mean little here
 * @known:    all of it could be looked at
 * @debug:    the kernel's debug options, slub_debug= of its command line included
 * @why:      in a sentence; "" if nothing does
 */
struct mem_distortion {
	bool known;
	char debug[512];
	char why[768];
};

void mem_find_distortion(const struct mem_info *info,
			 struct mem_distortion *distortion);

/* Names of values: NULL for one that is not known. */
const char *mem_region_name(__u32 region);
const char *mem_zone_name(__u32 zone);
const char *mem_context_name(__u32 context);
const char *mem_level_name(__u32 level);
const char *mem_gfp_flag_name(__u32 flag);
const char *mem_why_text(__u32 why);

/*
 * The names of all bits of a value, with commas; for a table, so to be copied
 * before the next call.
 */
const char *mem_gfp_names(__u32 gfp);
const char *mem_cap_names(__u32 caps);
const char *mem_context_names(__u32 contexts);
const char *mem_debug_names(__u32 debug);
const char *mem_entry_flag_names(__u32 flags);

/* An address, or what is told instead of it; likewise. */
const char *mem_address_text(__u64 address, bool raw);

/* A time in nanoseconds of one in picoseconds. */
#define PS_TO_NS(ps)	((ps) / 1000.0)

/* The commands. */
int mem_info_command(int argc, char **argv);
int mem_list_command(int argc, char **argv);
int mem_show_command(int argc, char **argv);
int mem_walk_command(int argc, char **argv);
int mem_hold_command(int argc, char **argv);
int mem_resize_command(int argc, char **argv);
int mem_buddy_command(int argc, char **argv);
int mem_fragment_command(int argc, char **argv);
int mem_limits_command(int argc, char **argv);
int mem_gfp_command(int argc, char **argv);
int mem_bench_command(int argc, char **argv);
int mem_mmap_command(int argc, char **argv);
int mem_percpu_command(int argc, char **argv);
int mem_mempool_command(int argc, char **argv);
int mem_devm_command(int argc, char **argv);
int mem_dma_command(int argc, char **argv);
int mem_user_command(int argc, char **argv);

#endif /* MEM_H */
