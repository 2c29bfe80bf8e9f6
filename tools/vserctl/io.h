/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl io - what its parts share
 */
#ifndef IO_H
#define IO_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "io_demo.h"

/* Where the device for trying ports and I/O memory is: QEMU's pc-testdev. */
#define TEST_PORTS	0xe0
#define TEST_MEMORY	0xff000000ULL

/* io_lab.c: the way in. These exit with a sentence if something fails. */

int io_open(void);

/* As device_ioctl(); says which QEMU option provides what is absent. */
int io_ioctl(int fd, unsigned long request, void *argument, const char *doing);

/* The sentence for an errno. */
const char *io_error(unsigned long request, int error);

/* An address, complete or as an offset; valid until the fourth call after. */
const char *io_address(__u64 address, bool raw);

/* Does the reserved memory behind this descriptor behave as memory? */
bool io_try_memory(int memory, __u64 size);

/* Options that several commands have. */
struct io_options {
	__u32 device;		/* --device */
	__u32 count;		/* --count */
	bool counted;		/* --count is given */
	const char *plot;	/* --plot */
};

extern const struct argp io_options;
#define IO_OPTIONS	{ &io_options, 0, NULL, 0 }

/*
 * Parses a command line that has no arguments, only the options above and those
 * for tables.
 */
void io_parse(int argc, char **argv, const char *doc, struct io_options *options);

/* The same, with one option more, which sets *given; it is a list's only one. */
void io_parse_with(int argc, char **argv, const char *doc,
		   struct io_options *options, const struct argp_option *more,
		   bool *given);

/* io_resource.c: /proc/ioports and /proc/iomem */

struct resource {
	__u64 start;
	__u64 end;
	int depth;
	char name[80];
};

/* Reads the file; *count tells how many. Exits if it cannot be read. */
struct resource *resources_read(const char *path, size_t *count);

/* Who has a part of this range, or NULL: the innermost that overlaps. */
const char *resource_holder(const char *path, __u64 start, __u64 size);

int io_ports_command(int argc, char **argv);
int io_memory_command(int argc, char **argv);

/* io_region.c */

int io_read_command(int argc, char **argv);
int io_write_command(int argc, char **argv);
int io_send_command(int argc, char **argv);
int io_access_command(int argc, char **argv);

/* io_edu.c */

int io_edu_command(int argc, char **argv);
int io_factorial_command(int argc, char **argv);
int io_irq_command(int argc, char **argv);

/* io_dma.c */

int io_dma_command(int argc, char **argv);
int io_cost_command(int argc, char **argv);

/* io_map.c */

int io_map_command(int argc, char **argv);
int io_reserved_command(int argc, char **argv);

/* io_picture.c */

/* A size in the largest unit of which there is one; until the fourth call after. */
const char *io_size_text(__u64 size);

/* Draws areas, which are sorted by address if those are known (@raw). */
void io_picture(const struct io_demo_area *areas, size_t count, bool raw);

/* io_contrast.c */

/* Shows what else is to be had of such a size when memory is fragmented. */
void io_contrast(int memory, __u64 size);

#endif /* IO_H */
