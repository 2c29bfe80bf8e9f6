// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io read, write, send, access: ports and I/O memory
 */
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "args.h"
#include "device.h"
#include "io.h"
#include "table.h"
#include "vserctl.h"

#define PAGE	4096

/* Claims a range; if another driver has it, says which. */
static void claim(int fd, struct io_demo_claim *claim)
{
	const char *path = claim->space == IO_DEMO_PORTS ? "/proc/ioports" :
							   "/proc/iomem";
	const char *holder;

	if (ioctl(fd, VS_IO_CLAIM, claim) == 0)
		return;
	if (errno == EBUSY) {
		holder = resource_holder(path, claim->start, claim->size);
		errx(EXIT_FAILURE, "%#llx: \"%s\" has it, see %s", claim->start,
		     holder ? holder : "another driver", path);
	}
	errx(EXIT_FAILURE, "%#llx: %s", claim->start,
	     io_error(VS_IO_CLAIM, errno));
}

static void release(int fd, __u32 handle)
{
	struct io_demo_release release = { .handle = handle };

	io_ioctl(fd, VS_IO_RELEASE, &release, "release");
}

/* One access */

struct place {
	__u32 space;
	__u32 width;
	__u64 address;
	__u64 value;
	const char *text;
	int wanted;	/* arguments */
};

static error_t parse_place(int key, char *arg, struct argp_state *state)
{
	struct place *place = state->input;

	switch (key) {
	case 'w':
		place->width = parse_number(state, "--width", arg, 1, 8);
		return 0;
	case ARGP_KEY_ARG:
		if ((int)state->arg_num >= place->wanted)
			argp_usage(state);
		if (state->arg_num == 0 && strcmp(arg, "port") == 0)
			place->space = IO_DEMO_PORTS;
		else if (state->arg_num == 0 && strcmp(arg, "memory") == 0)
			place->space = IO_DEMO_MEMORY;
		else if (state->arg_num == 0)
			argp_error(state, "%s: \"port\" or \"memory\"?", arg);
		else if (state->arg_num == 1)
			place->address = parse_number(state, "ADDRESS", arg, 0, ~0ULL);
		else
			place->value = parse_number(state, "VALUE", arg, 0, ~0ULL);
		return 0;
	case ARGP_KEY_END:
		if ((int)state->arg_num < place->wanted)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option place_options[] = {
	{ "width", 'w', "BYTES", 0, "1, 2, 4, or for memory 8 (default: 1)", 0 },
	{ }
};

/* Claims what an access needs, and makes it. */
static void access_place(const struct place *place, __u32 op, __u64 *value)
{
	__u64 page = place->address & -(__u64)PAGE;
	struct io_demo_claim region = {
		.space = place->space, .map = IO_DEMO_MAP_NONE,
		.start = place->address, .size = place->width,
	};
	struct io_demo_access access = {
		.op = op, .by = IO_DEMO_BY_DEFAULT, .width = place->width,
		.value = *value,
	};
	int fd = io_open();

	if (place->space == IO_DEMO_MEMORY) {
		region.map = IO_DEMO_MAP_UC;
		region.start = page;
		region.size = PAGE;
		access.offset = place->address - page;
	}
	claim(fd, &region);
	access.handle = region.handle;
	io_ioctl(fd, VS_IO_ACCESS, &access, "access");
	*value = access.value;
}

int io_read_command(int argc, char **argv)
{
	static const struct argp argp = {
		.options = place_options, .parser = parse_place,
		.args_doc = "port|memory ADDRESS",
		.doc = "Claim a port or a page of I/O memory, read a value, release it."
		       "\vThat is inb(), inw(), inl() for ports, readb() to readq() for "
		       "memory. Reading some devices changes them.\n\n"
		       "  vserctl io read port 0xe0 --width 4\n"
		       "  vserctl io read memory 0xff000000",
	};
	struct place place = { .width = 1, .wanted = 2 };
	__u64 value = 0;

	argp_parse(&argp, argc, argv, 0, NULL, &place);
	access_place(&place, IO_DEMO_READ, &value);
	printf("%#llx\n", value);
	return EXIT_SUCCESS;
}

int io_write_command(int argc, char **argv)
{
	static const struct argp argp = {
		.options = place_options, .parser = parse_place,
		.args_doc = "port|memory ADDRESS VALUE",
		.doc = "Claim a port or a page of I/O memory, write a value, release it."
		       "\vThat is outb(), outw(), outl() for ports, writeb() to writeq() "
		       "for memory.\n\n"
		       "  vserctl io write port 0xe0 0x12345678 --width 4",
	};
	struct place place = { .width = 1, .wanted = 3 };

	argp_parse(&argp, argc, argv, 0, NULL, &place);
	access_place(&place, IO_DEMO_WRITE, &place.value);
	return EXIT_SUCCESS;
}

static error_t parse_send(int key, char *arg, struct argp_state *state)
{
	struct place *place = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			place->address = parse_number(state, "PORT", arg, 0, 0xffff);
		else if (state->arg_num == 1)
			place->text = arg;
		else
			argp_usage(state);
		return 0;
	case ARGP_KEY_END:
		if (!place->text)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int io_send_command(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_send,
		.args_doc = "PORT TEXT",
		.doc = "Write the bytes of TEXT and a newline to a port, by outsb()."
		       "\vOne instruction (rep outsb) moves all of them. With QEMU's "
		       "  -chardev file,id=out,path=FILE \\\n"
		       "  -device isa-debugcon,iobase=0xe9,chardev=out\n"
		       "they land in a file on the host.\n\n"
		       "  vserctl io send 0xe9 hello",
	};
	struct place place = { 0 };
	struct io_demo_claim region = {
		.space = IO_DEMO_PORTS, .map = IO_DEMO_MAP_NONE, .size = 1,
	};
	struct io_demo_transfer transfer = {
		.op = IO_DEMO_WRITE, .form = IO_DEMO_STRING, .width = 1,
	};
	char *line;
	int fd, len;

	argp_parse(&argp, argc, argv, 0, NULL, &place);
	len = asprintf(&line, "%s\n", place.text);
	if (len < 0)
		err(EXIT_FAILURE, "send");
	fd = io_open();
	region.start = place.address;
	claim(fd, &region);
	transfer.handle = region.handle;
	transfer.buffer = (uintptr_t)line;
	transfer.count = len;
	io_ioctl(fd, VS_IO_TRANSFER, &transfer, "outsb");
	free(line);
	return EXIT_SUCCESS;
}

/* Every access */

struct way {
	const char *functions;
	__u32 space;
	__u32 map;
	__u32 by;
	__u32 widest;
	const char *names[4];	/* for 1, 2, 4 and 8 bytes */
};

static const struct way ways[] = {
	{ "port", IO_DEMO_PORTS, IO_DEMO_MAP_NONE, IO_DEMO_BY_DEFAULT, 4,
	  { "inb, outb", "inw, outw", "inl, outl" } },
	{ "ioport_map", IO_DEMO_PORTS, IO_DEMO_MAP_PORTS, IO_DEMO_BY_IOREAD, 4,
	  { "ioread8, iowrite8", "ioread16, iowrite16", "ioread32, iowrite32" } },
	{ "ioremap", IO_DEMO_MEMORY, IO_DEMO_MAP_UC, IO_DEMO_BY_DEFAULT, 8,
	  { "readb, writeb", "readw, writew", "readl, writel", "readq, writeq" } },
	{ "ioremap", IO_DEMO_MEMORY, IO_DEMO_MAP_UC, IO_DEMO_BY_RELAXED, 8,
	  { "readb_relaxed, writeb_relaxed", "readw_relaxed, writew_relaxed",
	    "readl_relaxed, writel_relaxed", "readq_relaxed, writeq_relaxed" } },
	{ "ioremap", IO_DEMO_MEMORY, IO_DEMO_MAP_UC, IO_DEMO_BY_IOREAD, 4,
	  { "ioread8, iowrite8", "ioread16, iowrite16", "ioread32, iowrite32" } },
	{ "ioremap_wc", IO_DEMO_MEMORY, IO_DEMO_MAP_WC, IO_DEMO_BY_DEFAULT, 8,
	  { "readb, writeb", "readw, writew", "readl, writel", "readq, writeq" } },
	{ "memremap", IO_DEMO_MEMORY, IO_DEMO_MAP_CACHED, IO_DEMO_BY_DEFAULT, 8,
	  { "READ_ONCE, WRITE_ONCE", "READ_ONCE, WRITE_ONCE",
	    "READ_ONCE, WRITE_ONCE", "READ_ONCE, WRITE_ONCE" } },
};

enum {
	ACCESS_MAP,
	ACCESS_FUNCTIONS,
	ACCESS_WIDTH,
	ACCESS_WROTE,
	ACCESS_READ,
	ACCESS_SAME,
	ACCESS_READ_NS,
	ACCESS_WRITE_NS,
	ACCESS_MEMORY_NS,
};

static const struct column access_columns[] = {
	[ACCESS_MAP] = { "map", "MAP", COLUMN_TEXT, false },
	[ACCESS_FUNCTIONS] = { "functions", "FUNCTIONS", COLUMN_TEXT, false },
	[ACCESS_WIDTH] = { "width", "WIDTH", COLUMN_NUMBER, false },
	[ACCESS_WROTE] = { "wrote", "WROTE", COLUMN_TEXT, false },
	[ACCESS_READ] = { "read", "READ", COLUMN_TEXT, false },
	[ACCESS_SAME] = { "same", "SAME", COLUMN_TRUTH, false },
	[ACCESS_READ_NS] = { "read_ns", "READ-NS", COLUMN_TEXT, false },
	[ACCESS_WRITE_NS] = { "write_ns", "WRITE-NS", COLUMN_TEXT, false },
	[ACCESS_MEMORY_NS] = { "memory_ns", "MEMORY-NS", COLUMN_TEXT, false },
};

/* Nanoseconds for one access. */
static double time_one(int fd, struct io_demo_latency *latency, __u32 op,
		       double *memory)
{
	latency->op = op;
	io_ioctl(fd, VS_IO_LATENCY, latency, "latency");
	*memory = (double)latency->memory_ns / latency->count;
	return (double)latency->region_ns / latency->count;
}

static bool try_width(int fd, struct table *table, const struct way *way,
		      __u32 handle, unsigned int log, __u32 count)
{
	__u64 value = 0x8899aabbccddeeffULL;
	struct io_demo_access access = {
		.handle = handle, .op = IO_DEMO_WRITE, .by = way->by,
		.width = 1u << log,
	};
	struct io_demo_latency latency = {
		.handle = handle, .by = way->by, .width = 1u << log,
		.count = count,
	};
	double memory;

	access.value = log == 3 ? value : value & ((1ULL << (8 << log)) - 1);
	value = access.value;
	io_ioctl(fd, VS_IO_ACCESS, &access, way->names[log]);
	access.op = IO_DEMO_READ;
	io_ioctl(fd, VS_IO_ACCESS, &access, way->names[log]);

	table_add_row(table);
	table_set(table, ACCESS_MAP, "%s", way->functions);
	table_set(table, ACCESS_FUNCTIONS, "%s", way->names[log]);
	table_set_number(table, ACCESS_WIDTH, access.width);
	table_set(table, ACCESS_WROTE, "%#llx", value);
	table_set(table, ACCESS_READ, "%#llx", access.value);
	table_set_truth(table, ACCESS_SAME, access.value == value);
	table_set(table, ACCESS_READ_NS, "%.1f",
		  time_one(fd, &latency, IO_DEMO_READ, &memory));
	table_set(table, ACCESS_MEMORY_NS, "%.1f", memory);
	table_set(table, ACCESS_WRITE_NS, "%.1f",
		  time_one(fd, &latency, IO_DEMO_WRITE, &memory));

	return access.value == value;
}

int io_access_command(int argc, char **argv)
{
	static const char doc[] =
		"Claim the test device's ports and I/O memory, write and read a value by "
		"every function that the kernel has, and time it."
		"\vREAD-NS and WRITE-NS are nanoseconds for one access, MEMORY-NS for "
		"a read of ordinary memory in the same loop. Every access to a device "
		"leaves the processor; under an emulator each is a call of the emulator. "
		"Not the same: no device answered; QEMU has one with -device pc-testdev.";
	struct io_options options = { 0 };
	struct table *table;
	bool same = true;
	unsigned int log;
	size_t i;
	int fd;

	io_parse(argc, argv, doc, &options);
	fd = io_open();
	table = table_new("access", TABLE_ROWS, access_columns,
			  ARRAY_SIZE(access_columns));
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct way *way = &ways[i];
		bool ports = way->space == IO_DEMO_PORTS;
		struct io_demo_claim region = {
			.space = way->space, .map = way->map,
			.start = ports ? TEST_PORTS : TEST_MEMORY,
			.size = ports ? 4 : PAGE,
		};

		claim(fd, &region);
		for (log = 0; 1u << log <= way->widest; log++)
			same &= try_width(fd, table, way, region.handle, log,
					  options.count);
		release(fd, region.handle);
	}
	table_print(table);
	if (!same)
		errx(EXIT_FAILURE, "no device answered; QEMU has one with -device pc-testdev");
	return EXIT_SUCCESS;
}
