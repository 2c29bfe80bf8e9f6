// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io - the hardware laboratory: its commands, and what they share
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

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

/* Commands */

static const struct command io_commands[] = {
	{ "ports", "who has which I/O ports", io_ports_command },
	{ "memory", "who has which I/O memory", io_memory_command },
	{ "read", "read a port or a word of I/O memory", io_read_command },
	{ "write", "write one", io_write_command },
	{ "send", "write a string to a port", io_send_command },
	{ "access", "every function for an access, tried and timed",
	  io_access_command },
	{ "edu", "the PCI devices of the laboratory's driver", io_edu_command },
	{ "factorial", "let a device compute, and wait for its interrupt",
	  io_factorial_command },
	{ "irq", "the time from an interrupt to who waits for it", io_irq_command },
	{ "dma", "buffers that a device reaches, through it and back",
	  io_dma_command },
	{ "cost", "what mapping memory for a device costs", io_cost_command },
	{ "reserved", "memory that was reserved at boot", io_reserved_command },
	{ "map", "the kernel's address spaces", io_map_command },
	{ }
};

static const struct command_group io_group = {
	.purpose = "Reach hardware by every function that the kernel has for it, on "
		   "devices that answer.",
	.details =
	"The laboratory is the kernel module io_demo; it is reached through /dev/vser "
	"and needs CAP_SYS_RAWIO. It touches nothing that another driver has.\n"
	"\n"
	"The devices are QEMU's: -device pc-testdev (ports and I/O memory that "
	"remember), -device isa-debugcon (a port whose bytes land in a file), -device "
	"edu (PCI: interrupts, DMA).\n"
	"\n"
	"Addresses are shown in full only to a caller with CAP_SYSLOG while the sysctl "
	"kernel.kptr_restrict is 1. Otherwise they stand as +OFFSET.\n"
	"\n"
	"Exit status: 0; 1 if something failed; 2 if the command line is wrong.\n"
	"\n"
	"docs/hardware.md is a guided tour.",
	.commands = io_commands,
};

int io_command(int argc, char **argv)
{
	return run_command(&io_group, argc, argv);
}
