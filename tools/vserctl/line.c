// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl info, vserctl line: what vser has, and what its lines are doing
 *
 * Settings and counters are files in sysfs, which everybody may read. Only the
 * modem lines are asked of the device.
 */
#include <argp.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "device.h"
#include "table.h"
#include "vser.h"
#include "vserctl.h"

#define CLASS	"/sys/class/vser"

enum info_column {
	INFO_KERNEL,
	INFO_ABI,
	INFO_LINES,
	INFO_MEM_DEMO,
	INFO_IO_DEMO,
};

static const struct column info_columns[] = {
	[INFO_KERNEL] = { "kernel", "Kernel", COLUMN_TEXT, false },
	[INFO_ABI] = { "abi", "Revision of the interface", COLUMN_NUMBER, false },
	[INFO_LINES] = { "lines", "Lines", COLUMN_NUMBER, false },
	[INFO_MEM_DEMO] = { "mem_demo", "Memory laboratory", COLUMN_TRUTH, false },
	[INFO_IO_DEMO] = { "io_demo", "Hardware laboratory", COLUMN_TRUTH, false },
};

static const struct argp_child output_options[] = { TABLE_OPTIONS, { } };

int info_command(int argc, char **argv)
{
	const struct argp argp = {
		.doc = "Tell which kernel runs, which revision of vser's interface it "
		       "has, how many lines, and which laboratories are loaded.",
		.children = output_options,
	};
	struct vser_info info = { 0 };
	struct utsname kernel;
	struct table *table;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	device_ioctl(device_open(LAB_NODE), VS_GET_INFO, &info, "VS_GET_INFO");
	uname(&kernel);

	table = table_new("info", TABLE_CARDS, info_columns,
			  ARRAY_SIZE(info_columns));
	table_add_row(table);
	table_set(table, INFO_KERNEL, "%s", kernel.release);
	table_set_number(table, INFO_ABI, info.abi);
	table_set_number(table, INFO_LINES, info.lines);
	table_set_truth(table, INFO_MEM_DEMO,
			access("/sys/module/mem_demo", F_OK) == 0);
	table_set_truth(table, INFO_IO_DEMO,
			access("/sys/module/io_demo", F_OK) == 0);
	table_print(table);
	return EXIT_SUCCESS;
}

/* All but these two are files of that name, in the line's folder or its stats. */
enum line_column {
	LINE_NAME,
	LINE_MODEM,
	LINE_FILES,
};

static const struct column line_columns[] = {
	[LINE_NAME] = { "line", "LINE", COLUMN_TEXT, false },
	[LINE_MODEM] = { "modem", "MODEM", COLUMN_TEXT, false },
	[LINE_FILES] = { "wire", "WIRE", COLUMN_TEXT, false },
	{ "baud", "BAUD", COLUMN_NUMBER, false },
	{ "format", "FORMAT", COLUMN_TEXT, false },
	{ "flow", "FLOW", COLUMN_TEXT, false },
	{ "pacing", "PACING", COLUMN_NUMBER, true },
	{ "fifo", "FIFO", COLUMN_NUMBER, true },
	{ "exclusive", "EXCLUSIVE", COLUMN_NUMBER, true },
	{ "generator", "GENERATOR", COLUMN_TEXT, true },
	{ "seed", "SEED", COLUMN_NUMBER, true },
	{ "period_ns", "PERIOD-NS", COLUMN_NUMBER, true },
	{ "latency_ns", "LATENCY-NS", COLUMN_NUMBER, true },
	{ "fault", "FAULT", COLUMN_TEXT, true },
	{ "tx_written", "TX-WRITTEN", COLUMN_NUMBER, true },
	{ "tx_sent", "TX-SENT", COLUMN_NUMBER, true },
	{ "tx_queued", "TX-QUEUED", COLUMN_NUMBER, false },
	{ "tx_flushed", "TX-FLUSHED", COLUMN_NUMBER, true },
	{ "rx_arrived", "RX-ARRIVED", COLUMN_NUMBER, true },
	{ "rx_generated", "RX-GENERATED", COLUMN_NUMBER, true },
	{ "rx_dup", "RX-DUP", COLUMN_NUMBER, true },
	{ "rx_split", "RX-SPLIT", COLUMN_NUMBER, true },
	{ "rx_marks", "RX-MARKS", COLUMN_NUMBER, true },
	{ "rx_delivered", "RX-DELIVERED", COLUMN_NUMBER, true },
	{ "rx_queued", "RX-QUEUED", COLUMN_NUMBER, false },
	{ "rx_flushed", "RX-FLUSHED", COLUMN_NUMBER, true },
	{ "rx_overrun", "RX-OVERRUN", COLUMN_NUMBER, true },
	{ "rx_faults", "RX-FAULTS", COLUMN_NUMBER, true },
	{ "rx_merged", "RX-MERGED", COLUMN_NUMBER, true },
	{ "rx_parity", "RX-PARITY", COLUMN_NUMBER, true },
	{ "rx_frame", "RX-FRAME", COLUMN_NUMBER, true },
	{ "rx_brk", "RX-BRK", COLUMN_NUMBER, true },
};

/* Reads a file of one line. */
static bool read_attribute(const char *line, const char *folder,
			   const char *name, char *value, int size)
{
	char path[PATH_MAX];
	FILE *file;
	bool is_read;

	snprintf(path, sizeof(path), CLASS "/%s/%s%s", line, folder, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	is_read = fgets(value, size, file);
	fclose(file);
	if (is_read)
		value[strcspn(value, "\n")] = '\0';
	return is_read;
}

/* The modem lines that are on, in the order of their pins. */
static void show_modem(struct table *table, const char *line)
{
	static const struct {
		int bit;
		const char *name;
	} pins[] = {
		{ TIOCM_CD, "DCD" }, { TIOCM_DTR, "DTR" }, { TIOCM_DSR, "DSR" },
		{ TIOCM_RTS, "RTS" }, { TIOCM_CTS, "CTS" }, { TIOCM_RI, "RI" },
	};
	char node[PATH_MAX], text[64] = "";
	size_t i, length = 0;
	int fd, on;

	/* Whoever may not open the line sees the rest. */
	snprintf(node, sizeof(node), "/dev/%s", line);
	fd = open(node, O_WRONLY | O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	if (ioctl(fd, TIOCMGET, &on) == 0) {
		for (i = 0; i < ARRAY_SIZE(pins); i++) {
			if (on & pins[i].bit)
				length += sprintf(text + length, "%s%s",
						  length ? " " : "", pins[i].name);
		}
		table_set(table, LINE_MODEM, "%s", length ? text : "none");
	}
	close(fd);
}

static void show_line(struct table *table, const char *line)
{
	/* The text of a generator is up to 256 bytes, each escaped by up to 3. */
	char value[2048];
	size_t column;

	if (!read_attribute(line, "", "wire", value, sizeof(value)))
		errx(EXIT_FAILURE, "%s: no such line", line);
	table_add_row(table);
	table_set(table, LINE_NAME, "%s", line);
	show_modem(table, line);
	for (column = LINE_FILES; column < ARRAY_SIZE(line_columns); column++) {
		const char *name = line_columns[column].name;

		if (read_attribute(line, "", name, value, sizeof(value)) ||
		    read_attribute(line, "stats/", name, value, sizeof(value)))
			table_set(table, column, "%s", value);
	}
}

static int is_line(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void show_all_lines(struct table *table)
{
	struct dirent **entries;
	int count, i;

	/* vser2 comes before vser10. */
	count = scandir(CLASS, &entries, is_line, versionsort);
	if (count < 0)
		errx(EXIT_FAILURE, "there are no lines; is vser loaded (modprobe vser)?");
	for (i = 0; i < count; i++) {
		show_line(table, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static error_t parse_line(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_ARGS)
		return ARGP_ERR_UNKNOWN;
	(void)arg;
	*(int *)state->input = state->next;
	return 0;
}

int line_command(int argc, char **argv)
{
	const struct argp argp = {
		.parser = parse_line,
		.args_doc = "[LINE...]",
		.doc = "Show lines: all of them in a table, or those that are named "
		       "(vser, vser1, ...) with all that there is to know."
		       "\vThe modem column names the lines that are on: DTR and RTS are "
		       "this end's, the others come from the far end. Settings are made "
		       "by writing to the files of the same name in "
		       "/sys/class/vser/LINE/:\n\n"
		       "  echo nullmodem:vser1 > /sys/class/vser/vser/wire\n\n"
		       "The counters are explained in docs/line.md.",
		.children = output_options,
	};
	int first = argc;
	struct table *table;

	argp_parse(&argp, argc, argv, 0, NULL, &first);
	table = table_new("line", first < argc ? TABLE_CARDS : TABLE_ROWS,
			  line_columns, ARRAY_SIZE(line_columns));
	if (first == argc)
		show_all_lines(table);
	for (; first < argc; first++)
		show_line(table, argv[first]);
	table_print(table);
	return EXIT_SUCCESS;
}
