// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl mem hold, resize: objects that are kept for a while
 */
#include <argp.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "device.h"
#include "mem.h"
#include "table.h"
#include "vserctl.h"

/* mem hold */

struct hold_options {
	struct mem_request request;
	unsigned int count;
	unsigned int free_every;
	bool compare;
	char **command;		/* NULL: wait for Enter */
};

/* Ends vserctl, too, if the command cannot be run or fails. */
static void run_program(char **command)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (pid == 0) {
		execvp(command[0], command);
		warn("%s", command[0]);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			err(EXIT_FAILURE, "waitpid");
	}
	if (WIFSIGNALED(status))
		errx(EXIT_FAILURE, "%s was ended by signal %d", command[0],
		     WTERMSIG(status));
	if (WEXITSTATUS(status))
		exit(WEXITSTATUS(status));
}

static void look(const struct hold_options *options, const char *when, bool holds)
{
	if (!holds && !options->compare)
		return;
	if (options->compare)
		printf("%s:\n", when);
	if (options->command) {
		run_program(options->command);
	} else {
		fprintf(stderr, "Enter frees them. ");
		while (getchar() != '\n' && !feof(stdin))
			;
	}
}

static void hold_and_look(int fd, const struct mem_allocator *allocator,
			  const struct hold_options *options)
{
	struct mem_alloc alloc = mem_alloc_for(&options->request, allocator);
	struct mem_free free = { .stride = 1 };

	alloc.count = options->count;
	look(options, "before", false);
	mem_must_alloc(fd, allocator, &alloc);
	fprintf(stderr, "%s: %u of %llu bytes are held\n", allocator->name,
		alloc.count, alloc.size);
	look(options, "held", true);
	free.handle = alloc.handle;
	if (options->free_every) {
		free.stride = options->free_every;
		free.count = (options->count + free.stride - 1) / free.stride;
		device_ioctl(fd, MEM_FREE, &free, "MEM_FREE");
		fprintf(stderr, "%s: %llu of them are freed\n", allocator->name,
			free.count);
		look(options, "partly freed", true);
	}
	free = (struct mem_free) { .flags = MEM_FREE_ALL };
	device_ioctl(fd, MEM_FREE, &free, "MEM_FREE");
	look(options, "freed", false);
}

static error_t parse_hold(int key, char *arg, struct argp_state *state)
{
	struct hold_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->request;
		return 0;
	case 'n':
		options->count = parse_number(state, "--count", arg, 1, 10000000);
		return 0;
	case 'e':
		options->free_every = parse_number(state, "--free-every", arg, 1,
						   10000000);
		return 0;
	case 'c':
		options->compare = true;
		return 0;
	case ARGP_KEY_ARG:
		/* After "--" comes the command, with arguments of its own. */
		if (!state->quoted || state->next <= state->quoted)
			return ARGP_ERR_UNKNOWN;
		options->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END:
		if (options->request.nr_names != 1)
			argp_error(state, "name one allocator");
		if (options->compare && !options->command)
			argp_error(state, "--compare wants a command");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int mem_hold_command(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{ "count", 'n', "N", 0, "How many (default: 1)", 0 },
		{ "compare", 'c', NULL, 0,
		  "Run COMMAND before, while they are held, and afterwards", 0 },
		{ "free-every", 'e', "N", 0,
		  "Then free the first of each N and run COMMAND again", 0 },
		{ }
	};
	static const struct argp_child children[] = { MEM_REQUEST_OPTIONS, { } };
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_hold,
		.children = children,
		.args_doc = "ALLOCATOR [-- COMMAND [ARGUMENT...]]",
		.doc = "Allocate objects, hold them while COMMAND runs, or until Enter, "
		       "and free them."
		       "\vThe kernel's own books can be watched so: /proc/slabinfo, "
		       "/proc/buddyinfo, /proc/vmallocinfo, /proc/meminfo.\n\n"
		       "  vserctl mem hold mempool_slab --count 1000 --compare -- \\\n"
		       "          grep mem_demo /proc/slabinfo\n"
		       "  vserctl mem hold vmalloc --size 1M --count 4 -- \\\n"
		       "          grep mem_demo /proc/vmallocinfo\n"
		       "  vserctl mem hold alloc_pages --count 4000\n",
	};
	struct hold_options options = { .count = 1 };
	struct mem_selection selection;
	int fd;

	/* In order: argp would take the allocator for a word of the command. */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	fd = mem_open();
	mem_select(fd, &options.request, MEM_CAP_ALLOC, &selection);
	hold_and_look(fd, &selection.allocators[0], &options);
	return EXIT_SUCCESS;
}

/* mem resize */

enum resize_column {
	RESIZE_SIZE,
	RESIZE_USABLE,
	RESIZE_MOVED,
	RESIZE_KEPT,
};

static const struct column resize_columns[] = {
	[RESIZE_SIZE] = { "size", "SIZE", COLUMN_NUMBER, false },
	[RESIZE_USABLE] = { "usable", "USABLE", COLUMN_NUMBER, false },
	[RESIZE_MOVED] = { "moved", "MOVED", COLUMN_TRUTH, false },
	[RESIZE_KEPT] = { "contents_kept", "CONTENTS-KEPT", COLUMN_TRUTH, false },
};

/* The first bytes, as far as both sizes go, must be what was written to them. */
static bool contents_kept(int fd, __u64 handle, __u64 size)
{
	unsigned char bytes[8] = { 0 };
	struct mem_io io = {
		.handle = handle,
		.buffer = (uintptr_t)bytes,
		.length = size < sizeof(bytes) ? size : sizeof(bytes),
	};
	__u32 i;

	device_ioctl(fd, MEM_READ, &io, "MEM_READ");
	for (i = 0; i < io.length; i++) {
		if (bytes[i] != i + 1)
			return false;
	}
	return true;
}

static void write_contents(int fd, __u64 handle)
{
	unsigned char bytes[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct mem_io io = {
		.handle = handle,
		.buffer = (uintptr_t)bytes,
		.length = sizeof(bytes),
	};

	device_ioctl(fd, MEM_WRITE, &io, "MEM_WRITE");
}

static void add_resize_row(int fd, struct table *table, __u64 handle)
{
	struct mem_show show = { .handle = handle };

	device_ioctl(fd, MEM_SHOW, &show, "MEM_SHOW");
	table_add_row(table);
	table_set_number(table, RESIZE_SIZE, show.requested);
	if (show.flags & MEM_SHOW_USABLE)
		table_set_number(table, RESIZE_USABLE, show.usable);
}

int mem_resize_command(int argc, char **argv)
{
	static const __u64 sizes[] = {
		12, 16, 17, 100, 96, 128, 129, 4096, 4000, 16384, 65536, 8
	};
	static const struct argp_child children[] = { TABLE_OPTIONS, { } };
	static const struct argp argp = {
		.children = children,
		.doc = "Let krealloc() change the size of an object again and again, and "
		       "see when it moves."
		       "\vIt stays in place as long as the new size fits in what is there "
		       "(USABLE), also when it gets smaller.",
	};
	struct mem_allocator allocator;
	/* What was not zeroed is not for reading. */
	struct mem_alloc alloc = { .size = 8, .count = 1,
				   .gfp = MEM_GFP_KERNEL | MEM_GFP_ZERO };
	struct table *table;
	size_t i;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	fd = mem_open();
	allocator = mem_get_allocator(fd, MEM_KREALLOC);
	alloc.allocator = allocator.id;
	mem_must_alloc(fd, &allocator, &alloc);
	write_contents(fd, alloc.handle);
	table = table_new("resize", TABLE_ROWS, resize_columns,
			  ARRAY_SIZE(resize_columns));
	add_resize_row(fd, table, alloc.handle);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct mem_resize resize = {
			.handle = alloc.handle,
			.size = sizes[i],
			.gfp = alloc.gfp,
		};

		device_ioctl(fd, MEM_RESIZE, &resize, "MEM_RESIZE");
		add_resize_row(fd, table, alloc.handle);
		table_set_truth(table, RESIZE_MOVED, resize.moved);
		table_set_truth(table, RESIZE_KEPT,
				contents_kept(fd, alloc.handle, sizes[i]));
	}
	table_print(table);
	return EXIT_SUCCESS;
}
