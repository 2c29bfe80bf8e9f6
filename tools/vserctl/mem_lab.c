// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem - the way into the laboratory: options, allocators, allocations
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "args.h"
#include "device.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

enum {
	OPTION_GFP = 'g',
	OPTION_SIZE = 's',
	OPTION_DMA_MASK = 'm',
	OPTION_DEBUG_CACHES = 256,
};

/* "GFP_KERNEL|__GFP_ZERO", "kernel,zero" and what is between them. */
static __u32 parse_gfp(const struct argp_state *state, const char *text)
{
	static const char separators[] = "|,+ ";
	char *copy = strdup(text), *word, *rest;
	__u32 gfp = 0, bit;

	if (!copy)
		err(EXIT_FAILURE, "--gfp");
	for (word = strtok_r(copy, separators, &rest); word;
	     word = strtok_r(NULL, separators, &rest)) {
		word += strspn(word, "_");
		if (strncasecmp(word, "GFP_", 4) == 0)
			word += 4;
		for (bit = 1; bit & ~0x80000000; bit <<= 1) {
			const char *name = mem_gfp_flag_name(bit);

			if (name && strcasecmp(name, word) == 0)
				break;
		}
		if (bit == 0x80000000)
			argp_error(state, "--gfp: there is no flag \"%s\"; "
				   "\"vserctl mem gfp --help\" lists them", word);
		gfp |= bit;
	}
	free(copy);
	return gfp;
}

static error_t parse_request(int key, char *arg, struct argp_state *state)
{
	struct mem_request *request = state->input;

	switch (key) {
	case OPTION_SIZE:
		request->size = parse_number(state, "--size", arg, 1, 1ULL << 62);
		return 0;
	case OPTION_GFP:
		request->gfp = parse_gfp(state, arg);
		return 0;
	case OPTION_DMA_MASK:
		request->dma_bits = parse_number(state, "--dma-mask", arg, 24, 64);
		return 0;
	case OPTION_DEBUG_CACHES:
		request->debug = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!request->names)
			request->names = calloc(state->argc, sizeof(*request->names));
		if (!request->names)
			err(EXIT_FAILURE, "arguments");
		request->names[request->nr_names++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp mem_request_options = {
	.options = (const struct argp_option[]) {
		{ "size", OPTION_SIZE, "BYTES", 0,
		  "Bytes of each allocation; K, M, G after it are powers of 1024 "
		  "(default: what shows the allocator well)", 0 },
		{ "gfp", OPTION_GFP, "FLAG[,FLAG...]", 0,
		  "GFP flags, as kernel,zero or GFP_KERNEL|__GFP_ZERO "
		  "(default: kernel)", 0 },
		{ "dma-mask", OPTION_DMA_MASK, "BITS", 0,
		  "The device's DMA mask, 24, 32 or 64 bits (default: 64)", 0 },
		{ "debug-caches", OPTION_DEBUG_CACHES, NULL, 0,
		  "Also the slab caches with SLAB_POISON and SLAB_RED_ZONE: having "
		  "them slows the slab allocator down until the next boot", 0 },
		{ }
	},
	.parser = parse_request,
};

static error_t pass_request_on(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

void mem_parse_request(int argc, char **argv, const char *doc,
		       struct mem_request *request)
{
	static const struct argp_child children[] = {
		MEM_REQUEST_OPTIONS, TABLE_OPTIONS, { }
	};
	const struct argp argp = {
		.parser = pass_request_on,
		.args_doc = "[ALLOCATOR...]",
		.doc = doc,
		.children = children,
	};

	argp_parse(&argp, argc, argv, 0, NULL, request);
}

int mem_open(void)
{
	return device_open(LAB_NODE);
}

struct mem_info mem_get_info(int fd)
{
	struct mem_info info = { 0 };

	device_ioctl(fd, MEM_GET_INFO, &info, "MEM_GET_INFO");
	return info;
}

__u64 mem_budget(int fd, const char *option, __u64 asked, bool is_unlimited)
{
	__u64 quota = mem_get_info(fd).quota_file;

	if (!is_unlimited && asked > quota)
		errx(EXIT_USAGE, "%s: %llu bytes are more than the quota of a file, "
		     "%llu; --unlimited goes beyond", option, asked, quota);
	return is_unlimited && !asked ? ~0ULL : asked;
}

struct mem_allocator mem_get_allocator(int fd, __u32 id)
{
	struct mem_allocator allocator = { .id = id };

	device_ioctl(fd, MEM_GET_ALLOCATOR, &allocator, "MEM_GET_ALLOCATOR");
	return allocator;
}

static struct mem_allocator find_allocator(int fd, const char *name)
{
	__u32 id;

	for (id = 1; id <= MEM_NR_ALLOCATORS; id++) {
		struct mem_allocator allocator = mem_get_allocator(fd, id);

		if (strcmp(allocator.name, name) == 0)
			return allocator;
	}
	errx(EXIT_USAGE, "%s: there is no such allocator; see \"vserctl mem list\"",
	     name);
}

void mem_select(int fd, const struct mem_request *request, __u32 caps,
		struct mem_selection *selection)
{
	size_t i;
	__u32 id;

	selection->count = 0;
	selection->named = request->nr_names;
	if (request->nr_names > MEM_NR_ALLOCATORS)
		errx(EXIT_USAGE, "there are only %d allocators", MEM_NR_ALLOCATORS);
	for (i = 0; i < request->nr_names; i++) {
		struct mem_allocator allocator =
			find_allocator(fd, request->names[i]);

		if ((allocator.caps & caps) != caps)
			errx(EXIT_USAGE, "%s: not with this allocator; "
			     "\"vserctl mem list\" tells what it can",
			     request->names[i]);
		selection->allocators[selection->count++] = allocator;
	}
	for (id = 1; id <= MEM_NR_ALLOCATORS && !selection->named; id++) {
		struct mem_allocator allocator = mem_get_allocator(fd, id);

		if ((allocator.caps & caps) == caps &&
		    (request->debug || !(allocator.caps & MEM_CAP_DEBUG)))
			selection->allocators[selection->count++] = allocator;
	}
}

__u64 mem_size_for(const struct mem_request *request,
		   const struct mem_allocator *allocator)
{
	return request->size ? request->size : allocator->default_size;
}

__u32 mem_gfp_for(const struct mem_request *request,
		  const struct mem_allocator *allocator)
{
	__u32 bases = allocator->gfp & MEM_GFP_BASES;

	if (request->gfp & MEM_GFP_BASES)
		return request->gfp;
	if (bases & MEM_GFP_KERNEL)
		return request->gfp | MEM_GFP_KERNEL;
	/* The lowest bit: any base that it takes. */
	return request->gfp | (bases & -bases);
}

__u32 mem_dma_bits_for(const struct mem_request *request,
		       const struct mem_allocator *allocator)
{
	if (request->dma_bits)
		return request->dma_bits;
	return allocator->caps & MEM_CAP_DMA ? 64 : 0;
}

struct mem_alloc mem_alloc_for(const struct mem_request *request,
			       const struct mem_allocator *allocator)
{
	return (struct mem_alloc) {
		.allocator = allocator->id,
		.gfp = mem_gfp_for(request, allocator),
		.size = mem_size_for(request, allocator),
		.count = 1,
		.flags = request->debug && (allocator->caps & MEM_CAP_DEBUG) ?
			 MEM_ALLOC_DEBUG : 0,
		.dma_bits = mem_dma_bits_for(request, allocator),
	};
}

/* Asks the laboratory itself, which gives reasons. */
static const char *explain_refusal(int fd, const struct mem_alloc *alloc)
{
	static char text[256];
	struct mem_gfp_try attempt = {
		.allocator = alloc->allocator,
		.gfp = alloc->gfp,
		.size = alloc->size,
		.context = MEM_CONTEXT_PROCESS,
		.dma_bits = alloc->dma_bits,
	};
	const char *why;

	if (ioctl(fd, MEM_GFP_TRY, &attempt))
		return NULL;
	why = mem_why_text(attempt.why);
	if (!why)
		return NULL;
	if (!attempt.culprit)
		return why;
	snprintf(text, sizeof(text), "%s: %s", mem_gfp_names(attempt.culprit), why);
	return text;
}

const char *mem_explain(int fd, const struct mem_alloc *alloc, int error)
{
	static char text[160];
	const char *why = NULL;

	switch (error) {
	case EINVAL:
	case EOPNOTSUPP:
	case ERANGE:
		why = explain_refusal(fd, alloc);
		break;
	case E2BIG:
		snprintf(text, sizeof(text), "%llu bytes are more than it can ever grant, %llu",
			 alloc->size, mem_get_allocator(fd, alloc->allocator).max_size);
		return text;
	case EDQUOT:
		snprintf(text, sizeof(text), "more than mem_demo's quota, %llu bytes for a file",
			 mem_get_info(fd).quota_file);
		return text;
	case ENOMEM:
		return "the kernel had none";
	case ENODEV:
		return "this cache is made with --debug-caches, and slows the "
		       "slab allocator down until the next boot";
	}
	return why ? why : device_error(MEM_ALLOC, error);
}

__u64 mem_must_alloc(int fd, const struct mem_allocator *allocator,
		     struct mem_alloc *alloc)
{
	if (ioctl(fd, MEM_ALLOC, alloc))
		errx(EXIT_FAILURE, "%s: %s", allocator->name,
		     mem_explain(fd, alloc, errno));
	return alloc->handle;
}

void mem_must_free(int fd, __u64 handle, __u64 count)
{
	struct mem_free free = { .handle = handle, .count = count, .stride = 1 };

	device_ioctl(fd, MEM_FREE, &free, "MEM_FREE");
}
