// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl io edu, factorial, irq: the PCI device and its interrupts
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
#include "plot.h"
#include "table.h"
#include "vserctl.h"

/* What devices there are */

enum {
	EDU_DEVICE,
	EDU_NAME,
	EDU_ID,
	EDU_ALIVE,
	EDU_REGISTERS,
	EDU_IRQ,
	EDU_KIND,
	EDU_MASK,
	EDU_DMA,
	EDU_INTERRUPTS,
	EDU_OTHERS,
};

static const struct column edu_columns[] = {
	[EDU_DEVICE] = { "device", "DEVICE", COLUMN_NUMBER, false },
	[EDU_NAME] = { "pci", "PCI", COLUMN_TEXT, false },
	[EDU_ID] = { "id", "ID", COLUMN_TEXT, false },
	[EDU_ALIVE] = { "alive", "ALIVE", COLUMN_TRUTH, false },
	[EDU_REGISTERS] = { "registers", "REGISTERS", COLUMN_TEXT, false },
	[EDU_IRQ] = { "irq", "IRQ", COLUMN_NUMBER, false },
	[EDU_KIND] = { "interrupt", "KIND", COLUMN_TEXT, false },
	[EDU_MASK] = { "mask_bits", "MASK", COLUMN_NUMBER, false },
	[EDU_DMA] = { "dma", "DMA", COLUMN_TEXT, false },
	[EDU_INTERRUPTS] = { "interrupts", "INTERRUPTS", COLUMN_NUMBER, false },
	[EDU_OTHERS] = { "others", "OTHERS", COLUMN_NUMBER, false },
};

static const char *dma_text(__u32 state)
{
	if (state & IO_DEMO_EDU_IOMMU)
		return "IOMMU";
	if (state & IO_DEMO_EDU_FORCED)
		return "always bounced";
	return state & IO_DEMO_EDU_BOUNCE ? "bounced above the mask" : "direct";
}

static void show_device(int fd, struct table *table, __u32 index)
{
	struct io_demo_edu edu = { .index = index };
	struct io_demo_live live = { .index = index, .value = 0x12345678 };

	io_ioctl(fd, VS_IO_EDU, &edu, "edu");
	io_ioctl(fd, VS_IO_LIVE, &live, "edu");
	table_add_row(table);
	table_set_number(table, EDU_DEVICE, index);
	table_set(table, EDU_NAME, "%s", edu.name);
	table_set(table, EDU_ID, "%#x", edu.id);
	table_set_truth(table, EDU_ALIVE, live.answer == ~live.value);
	if (edu.state & IO_DEMO_EDU_RAW)
		table_set(table, EDU_REGISTERS, "%#llx", edu.bar);
	table_set_number(table, EDU_IRQ, edu.irq);
	table_set(table, EDU_KIND, "%s",
		  edu.state & IO_DEMO_EDU_MSI ? "message" : "shared line");
	table_set_number(table, EDU_MASK, edu.mask_bits);
	table_set(table, EDU_DMA, "%s", dma_text(edu.state));
	table_set_number(table, EDU_INTERRUPTS, edu.interrupts);
	table_set_number(table, EDU_OTHERS, edu.others);
}

int io_edu_command(int argc, char **argv)
{
	static const char doc[] =
		"Show the edu devices that the laboratory drives, and ask each whether it "
		"is alive."
		"\vALIVE: it inverted a number. KIND: an interrupt is a message (MSI, "
		"unshared), or a line that devices share; OTHERS counts the calls of the "
		"handler for another device. With the module parameter edu_msi=0 they use "
		"lines.\n\n"
		"  vserctl io edu\n"
		"  grep io_demo /proc/interrupts";
	struct io_demo_edu edu = { 0 };
	struct io_options options = { 0 };
	struct table *table;
	__u32 index;
	int fd;

	io_parse(argc, argv, doc, &options);
	fd = io_open();
	if (ioctl(fd, VS_IO_EDU, &edu) && (errno != ENODEV || !edu.present))
		errx(EXIT_FAILURE, "edu: %s", io_error(VS_IO_EDU, errno));
	table = table_new("edu", TABLE_ROWS, edu_columns, ARRAY_SIZE(edu_columns));
	for (index = 0; index < IO_DEMO_MAX_EDUS; index++)
		if (edu.present & 1u << index)
			show_device(fd, table, index);
	table_print(table);
	return EXIT_SUCCESS;
}

/* Factorials */

struct computation {
	struct io_demo_factorial factorial;
	bool given;
};

static error_t parse_factorial(int key, char *arg, struct argp_state *state)
{
	struct computation *computation = state->input;
	struct io_demo_factorial *factorial = &computation->factorial;

	switch (key) {
	case 'd':
		factorial->index = parse_number(state, "--device", arg, 0,
						IO_DEMO_MAX_EDUS - 1);
		return 0;
	case 'P':
		factorial->flags = IO_DEMO_POLL;
		return 0;
	case 't':
		factorial->timeout_ms = parse_number(state, "--timeout", arg, 1,
						     IO_DEMO_MAX_TIMEOUT);
		return 0;
	case ARGP_KEY_ARG:
		if (computation->given)
			argp_usage(state);
		factorial->n = parse_number(state, "N", arg, 0, 0xffffffff);
		computation->given = true;
		return 0;
	case ARGP_KEY_END:
		if (!computation->given)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int io_factorial_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "device", 'd', "N", 0, "Which edu device (default: 0)", 0 },
		{ "poll", 'P', NULL, 0, "Look at the status, want no interrupt", 0 },
		{ "timeout", 't', "MS", 0, "Milliseconds to wait (default: 10000)", 0 },
		{ }
	};
	static const struct argp argp = {
		.options = options, .parser = parse_factorial, .args_doc = "N",
		.doc = "Let an edu device compute the factorial of N, modulo 2^32."
		       "\vThe driver writes N to a register, sleeps in "
		       "wait_event_interruptible_timeout(), and is woken by the interrupt "
		       "handler.\n\n"
		       "  vserctl io factorial 10\n"
		       "  vserctl io factorial 4294967295 --timeout 100",
	};
	struct computation computation = { .factorial.timeout_ms = 10000 };

	argp_parse(&argp, argc, argv, 0, NULL, &computation);
	io_ioctl(io_open(), VS_IO_FACTORIAL, &computation.factorial, "factorial");
	printf("%u (after %.1f us)\n", computation.factorial.result,
	       computation.factorial.ns / 1e3);
	return EXIT_SUCCESS;
}

/* The time of interrupts */

enum {
	IRQ_HALF,
	IRQ_STAGE,
	IRQ_COUNT,
	IRQ_MIN,
	IRQ_MEDIAN,
	IRQ_P99,
	IRQ_MAX,
	IRQ_MEAN,
};

static const struct column irq_columns[] = {
	[IRQ_HALF] = { "half", "WOKEN-BY", COLUMN_TEXT, false },
	[IRQ_STAGE] = { "until", "UNTIL", COLUMN_TEXT, false },
	[IRQ_COUNT] = { "count", "COUNT", COLUMN_NUMBER, false },
	[IRQ_MIN] = { "min_ns", "MIN", COLUMN_NUMBER, false },
	[IRQ_MEDIAN] = { "p50_below_ns", "P50<", COLUMN_NUMBER, false },
	[IRQ_P99] = { "p99_below_ns", "P99<", COLUMN_NUMBER, false },
	[IRQ_MAX] = { "max_ns", "MAX", COLUMN_NUMBER, false },
	[IRQ_MEAN] = { "mean_ns", "MEAN", COLUMN_NUMBER, false },
};

/* A bound below which so many of a hundred were. */
static __u64 percentile(const struct io_demo_times *times, __u32 count,
			unsigned int hundredths)
{
	__u64 wanted = ((__u64)count * hundredths + 99) / 100, seen = 0;
	unsigned int i;

	for (i = 0; i < IO_DEMO_BUCKETS - 1; i++) {
		seen += times->bucket[i];
		if (seen >= wanted)
			break;
	}
	return 2ULL << i;
}

static void show_times(struct table *table, const char *half, const char *stage,
		       const struct io_demo_times *times, __u32 count)
{
	table_add_row(table);
	table_set(table, IRQ_HALF, "%s", half);
	table_set(table, IRQ_STAGE, "%s", stage);
	table_set_number(table, IRQ_COUNT, count);
	table_set_number(table, IRQ_MIN, times->min);
	table_set_number(table, IRQ_MEDIAN, percentile(times, count, 50));
	table_set_number(table, IRQ_P99, percentile(times, count, 99));
	table_set_number(table, IRQ_MAX, times->max);
	table_set_number(table, IRQ_MEAN, times->sum / count);
}

static void plot_times(struct plot *plot, const char *half, const char *stage,
		       const struct io_demo_times *times)
{
	char name[40];
	unsigned int i;

	snprintf(name, sizeof(name), "%s: %s", half, stage);
	plot_curve(plot, name);
	for (i = 0; i < IO_DEMO_BUCKETS; i++)
		if (times->bucket[i])
			plot_point(plot, 1ULL << i, times->bucket[i]);
}

int io_irq_command(int argc, char **argv)
{
	static const char doc[] =
		"Raise interrupts one by one, and measure the time until the handler runs, "
		"until its lower half runs, and until the program that waits does."
		"\vWOKEN-BY: the handler itself, in hard interrupt context; the thread "
		"of request_threaded_irq(); a work item on a high-priority queue. Times "
		"are nanoseconds from the write to the device's register; P50< and P99< "
		"are bounds, powers of two, below which so many of a hundred were.\n\n"
		"  vserctl io irq --count 10000 --plot irq.svg";
	static const char *const halves[] = {
		[IO_DEMO_HALF_HARD] = "handler", [IO_DEMO_HALF_THREAD] = "thread",
		[IO_DEMO_HALF_WORK] = "workqueue",
	};
	static const struct plot_axes axes = {
		.title = "From raising an interrupt to who is woken", .x = "ns",
		.y = "how often", .scale_x = PLOT_TIME, .scale_y = PLOT_TIME,
	};
	struct io_options options = { 0 };
	struct plot *plot = NULL;
	struct table *table;
	__u32 half;
	int fd;

	io_parse(argc, argv, doc, &options);
	if (options.plot)
		plot = plot_new(options.plot, &axes);
	fd = io_open();
	table = table_new("irq", TABLE_ROWS, irq_columns, ARRAY_SIZE(irq_columns));
	for (half = IO_DEMO_HALF_HARD; half <= IO_DEMO_HALF_WORK; half++) {
		struct io_demo_irq irq = {
			.index = options.device, .half = half,
			.count = options.count,
		};

		io_ioctl(fd, VS_IO_IRQ, &irq, "irq");
		show_times(table, halves[half], "handler", &irq.handler, irq.done);
		if (half != IO_DEMO_HALF_HARD)
			show_times(table, halves[half], halves[half], &irq.lower,
				   irq.done);
		show_times(table, halves[half], "program", &irq.task, irq.done);
		if (plot)
			plot_times(plot, halves[half], "program", &irq.task);
	}
	table_print(table);
	if (plot)
		plot_finish(plot);
	return EXIT_SUCCESS;
}
