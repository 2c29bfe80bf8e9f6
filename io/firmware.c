// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - the firmware's map of physical memory
 *
 * At boot the firmware tells the kernel what is RAM, and what it keeps for itself.
 * The command line (memmap=, mem=) changes the kernel's own map, /proc/iomem, but not
 * this one: it alone tells what a user has reserved from what the firmware has. The
 * kernel shows it as files, /sys/firmware/memmap. It had a function for modules too,
 * e820__mapped_raw_any(), but newer kernels keep that for KVM. So the files are read,
 * once, at module init.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "io/lab.h"

#define IO_DEMO_FIRMWARE	"/sys/firmware/memmap"
#define IO_DEMO_MAX_ENTRIES	4096	/* more than any kernel has room for */

/**
 * struct io_demo_firmware_range - an entry of the map
 * @start: its first address
 * @last:  its last address
 * @ram:   the firmware has given it away; what it calls anything else is its own
 */
struct io_demo_firmware_range {
	u64 start;
	u64 last;
	bool ram;
};

/* Set once, at module init. The ranges do not overlap. */
static struct io_demo_firmware_range *io_demo_firmware;
static unsigned int io_demo_firmware_count;

static int __init io_demo_firmware_read(unsigned int entry, const char *name,
					char *text, size_t size)
{
	struct file *file;
	ssize_t length;
	char path[48];
	loff_t pos = 0;

	snprintf(path, sizeof(path), IO_DEMO_FIRMWARE "/%u/%s", entry, name);
	file = filp_open(path, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	length = kernel_read(file, text, size - 1, &pos);
	filp_close(file, NULL);
	if (length < 0)
		return length;
	text[length] = '\0';

	return 0;
}

static int __init io_demo_firmware_number(unsigned int entry, const char *name,
					  u64 *number)
{
	char text[32];

	return io_demo_firmware_read(entry, name, text, sizeof(text)) ?:
	       kstrtou64(text, 0, number);
}

static int __init io_demo_firmware_entry(unsigned int entry,
					 struct io_demo_firmware_range *range)
{
	char type[32];
	int ret;

	ret = io_demo_firmware_read(entry, "type", type, sizeof(type)) ?:
	      io_demo_firmware_number(entry, "start", &range->start) ?:
	      io_demo_firmware_number(entry, "end", &range->last);
	range->ram = !ret && sysfs_streq(type, "System RAM");

	return ret;
}

/*
 * Reads the map. Where it cannot be seen, all works but for what needs it: only what
 * would be missing by chance, for lack of memory, is an error.
 */
int __init io_demo_firmware_init(void)
{
	struct io_demo_firmware_range range, *ranges = NULL, *more;
	unsigned int count;
	int ret = 0;

	if (!IS_ENABLED(CONFIG_FIRMWARE_MEMMAP))
		return 0;
	for (count = 0; count < IO_DEMO_MAX_ENTRIES; count++) {
		ret = io_demo_firmware_entry(count, &range);
		if (ret)
			break;
		more = krealloc(ranges, array_size(count + 1, sizeof(*ranges)),
				GFP_KERNEL);
		if (!more) {
			ret = -ENOMEM;
			break;
		}
		ranges = more;
		ranges[count] = range;
	}
	/* The last one has no successor; any other end is none. */
	if (ret != -ENOENT) {
		kfree(ranges);
		return ret == -ENOMEM ? ret : 0;
	}
	io_demo_firmware = ranges;
	io_demo_firmware_count = count;

	return 0;
}

void io_demo_firmware_exit(void)
{
	kfree(io_demo_firmware);
}

/* How many bytes of the range are what the firmware calls RAM, or else. */
static u64 io_demo_firmware_bytes(u64 start, u64 size, bool ram)
{
	u64 last = start + size - 1, bytes = 0, from, to;
	unsigned int i;

	for (i = 0; i < io_demo_firmware_count; i++) {
		from = max(start, io_demo_firmware[i].start);
		to = min(last, io_demo_firmware[i].last);
		if (io_demo_firmware[i].ram == ram && from <= to)
			bytes += to - from + 1;
	}

	return bytes;
}

/* Does the firmware keep a part of this range? */
bool io_demo_is_of_firmware(u64 start, u64 size)
{
	return io_demo_firmware_bytes(start, size, false) ||
	       io_demo_touches(start, size, IORESOURCE_MEM,
			       IORES_DESC_ACPI_TABLES) ||
	       io_demo_touches(start, size, IORESOURCE_MEM,
			       IORES_DESC_ACPI_NV_STORAGE);
}

/*
 * Is all of this range RAM that the firmware has given away? What is in no map may be
 * a device that nobody drives, or nothing. Without this map, the kernel's own must do:
 * what is "Reserved" there may be the firmware's.
 */
bool io_demo_is_given_away(u64 start, u64 size)
{
	if (!IS_ENABLED(CONFIG_FIRMWARE_MEMMAP))
		return !io_demo_touches(start, size, IORESOURCE_MEM,
					IORES_DESC_RESERVED);

	return io_demo_firmware_bytes(start, size, true) == size;
}
