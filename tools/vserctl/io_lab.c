// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io - the way into the laboratory: options, errors, reserved memory
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "args.h"
#include "device.h"
#include "io.h"
#include "table.h"
#include "vserctl.h"

int io_open(void)
{
	return device_open(LAB_NODE);
}

const char *io_error(unsigned long request, int error)
{
	switch (error) {
	case ENODEV:
		if (request == VS_IO_RESERVED)
			return "no memory is reserved; \"vserctl io reserved --help\" says how";
		return "there is no such device; QEMU has one with -device edu";
	case EPERM:
		if (request == VS_IO_CLAIM)
			return "not without CAP_SYS_RAWIO, not on a kernel that is locked "
			       "down, and not what is RAM or the firmware's";
		return "not without CAP_SYS_RAWIO, and not on a kernel that is locked down";
	case EIO:
		if (request != VS_IO_DMA && request != VS_IO_DMA_COST)
			return "a transfer that timed out is still running; try again";
		return "the device does not reach that memory";
	case EBUSY:
		return "another driver has it, or the device is busy";
	default:
		return device_error(request, error);
	}
}

int io_ioctl(int fd, unsigned long request, void *argument, const char *doing)
{
	int result = ioctl(fd, request, argument);

	if (result < 0)
		errx(EXIT_FAILURE, "%s: %s", doing, io_error(request, errno));
	return result;
}

const char *io_address(__u64 address, bool raw)
{
	static char texts[4][24];
	static unsigned int next;
	char *text = texts[next++ % ARRAY_SIZE(texts)];

	snprintf(text, sizeof(texts[0]), raw ? "0x%llx" : "+0x%llx", address);
	return text;
}

/* Writes, reads and maps what the module has. */
bool io_try_memory(int memory, __u64 size)
{
	__u64 value = 0x5a5aa5a500c0ffeeULL, old, got;
	volatile __u64 *mapped;
	bool same;

	mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (mapped == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	if (pread(memory, &old, sizeof(old), 0) != sizeof(old) ||
	    pwrite(memory, &value, sizeof(value), 0) != sizeof(value))
		err(EXIT_FAILURE, "reserved memory");
	same = mapped[0] == value;
	mapped[0] = ~value;
	if (pread(memory, &got, sizeof(got), 0) != sizeof(got))
		err(EXIT_FAILURE, "reserved memory");
	same &= got == ~value;
	mapped[0] = old;
	munmap((void *)mapped, size);
	return same;
}

/* Options */

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct io_options *options = state->input;

	switch (key) {
	case 'd':
		options->device = parse_number(state, "--device", arg, 0,
					       IO_DEMO_MAX_EDUS - 1);
		return 0;
	case 'n':
		options->count = parse_number(state, "--count", arg, 1,
					      IO_DEMO_MAX_COUNT);
		options->counted = true;
		return 0;
	case 'p':
		options->plot = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option option_list[] = {
	{ "device", 'd', "N", 0, "Which edu device (default: 0)", 0 },
	{ "count", 'n', "N", 0, "How often, to 100000 (default: 1000)", 0 },
	{ "plot", 'p', "FILE", 0, "Plot to FILE, a .svg, .png or .gp", 0 },
	{ }
};

const struct argp io_options = {
	.options = option_list,
	.parser = parse_option,
};

struct parsed {
	struct io_options *options;
	const struct argp_option *more;
	bool *given;
};

static error_t parse_more(int key, char *arg, struct argp_state *state)
{
	struct parsed *parsed = state->input;

	(void)arg;
	if (key == ARGP_KEY_INIT)
		state->child_inputs[0] = parsed->options;
	else if (parsed->more && key == parsed->more->key)
		*parsed->given = true;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

void io_parse(int argc, char **argv, const char *doc, struct io_options *options)
{
	io_parse_with(argc, argv, doc, options, NULL, NULL);
}

void io_parse_with(int argc, char **argv, const char *doc,
		   struct io_options *options, const struct argp_option *more,
		   bool *given)
{
	static const struct argp_child children[] = {
		IO_OPTIONS, TABLE_OPTIONS, { }
	};
	struct argp argp = {
		.options = more, .parser = parse_more, .children = children,
		.doc = doc,
	};
	struct parsed parsed = { options, more, given };

	options->count = 1000;
	argp_parse(&argp, argc, argv, 0, NULL, &parsed);
}
