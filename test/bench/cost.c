// SPDX-License-Identifier: GPL-2.0
/*
 * How busy paced wires keep the CPUs of a machine that has nothing else to do, by
 * speed; how busy idle lines do; and beside it, two ports that look for work each
 * millisecond, by wake_up.ko. What the machine does by itself is measured, too, and
 * subtracted. Meant for virtual time ("make bench"), where the figures repeat;
 * elsewhere, let it repeat each measurement, and it prints the medians.
 *
 * Usage: cost [--json] MODULE [REPEAT]
 * MODULE is the path of wake_up.ko. Line 0 and line 1 have to be there; all that are
 * there will be open.
 */
#define _GNU_SOURCE

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "channel.h"
#include "figures.h"
#include "sample.h"
#include "vser.h"

#define SECONDS		2		/* of a measurement */
#define TIMES		4		/* that what is next to nothing is measured */
#define FIFO		"2097152"	/* enough for what is sent meanwhile */
#define CONTROL_ONLY	3
#define MAX_LINES	1024

static const char *module;

/*
 * Seconds that a CPU has been idle. A rest that lasts is counted when it ends, so
 * the process goes there and ends it. Returns false if there is no such CPU.
 */
static bool idle_of(int cpu, double *seconds)
{
	unsigned long long ns;
	char line[256];
	int at = -1;
	cpu_set_t there;
	FILE *file;

	CPU_ZERO(&there);
	CPU_SET(cpu, &there);
	if (sched_setaffinity(0, sizeof(there), &there))
		return false;
	file = fopen("/proc/timer_list", "re");
	if (!file)
		fail("/proc/timer_list");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "cpu: %d", &at) != 1 && at == cpu &&
		    sscanf(line, " .idle_sleeptime : %llu", &ns) == 1)
			break;
	if (feof(file))
		error(EXIT_FAILURE, 0, "/proc/timer_list: nothing of CPU %d", cpu);
	fclose(file);
	*seconds = ns / 1e9;

	return true;
}

/* What a CPU has rested, and when that was looked at, in seconds. */
struct look {
	double idle;
	double when;
};

static bool look_at(int cpu, struct look *look)
{
	if (!idle_of(cpu, &look->idle))
		return false;
	look->when = now();

	return true;
}

/*
 * How much of a CPU's time the machine needs: 1 is one that is always busy. To look
 * takes time, too, the same for all that is measured as long.
 */
static double busy(void)
{
	struct look before[CPU_SETSIZE] = {}, after;
	double share = 0;
	cpu_set_t all;
	int cpu;

	if (sched_getaffinity(0, sizeof(all), &all))
		fail("sched_getaffinity");
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && !look_at(cpu, &before[cpu]))
			CPU_CLR(cpu, &all);
	sleep(SECONDS);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && look_at(cpu, &after))
			share += 1 - (after.idle - before[cpu].idle) /
				     (after.when - before[cpu].when);
	if (sched_setaffinity(0, sizeof(all), &all))
		fail("sched_setaffinity");

	return share;
}

static double mean_busy(void)
{
	double sum = 0;
	int i;

	for (i = 0; i < TIMES; i++)
		sum += busy();

	return sum / TIMES;
}

/* Both lines, a null modem, with so many @ways that bytes pass at once. */
static double wire(__u32 baud, unsigned int ways)
{
	struct ends ends;
	double share;
	size_t size;
	int left;

	set_attr("vser", "fifo", FIFO);
	set_attr("vser1", "fifo", FIFO);
	ends = make_nullmodem();
	set_attr("vser", "pacing", "1");
	set_attr("vser1", "pacing", "1");
	if (ioctl(ends.writer, VS_SET_BAUD, &baud) ||
	    ioctl(ends.reader, VS_SET_BAUD, &baud))
		fail("VS_SET_BAUD");

	/* The queues hold all of it, so that nothing but the wire runs. */
	size = baud / 10 * (SECONDS + 1);
	write_all(ends.writer, size);
	if (ways > 1)
		write_all(ends.reader, size);
	share = busy();

	if (ioctl(ends.writer, TIOCOUTQ, &left))
		fail("TIOCOUTQ");
	if (!left)
		error(EXIT_FAILURE, 0, "the wire was done too early");
	if (ioctl(ends.writer, TCFLSH, 2) || ioctl(ends.reader, TCFLSH, 2))
		fail("TCFLSH");
	close_ends(ends);

	return share;
}

/* Two ports, as the ends of a null modem are. */
static double wake_up(__u32 baud, unsigned int ways)
{
	int fd = open(module, O_RDONLY);
	double share;

	(void)baud;
	(void)ways;
	if (fd < 0 || syscall(SYS_finit_module, fd, "ports=2", 0))
		fail(module);
	close(fd);
	share = busy();
	if (syscall(SYS_delete_module, "wake_up", O_NONBLOCK))
		fail("delete_module");

	return share;
}

static unsigned int count_lines(void)
{
	int fd = open("/dev/vser", CONTROL_ONLY);
	struct vser_info info;

	if (fd < 0 || ioctl(fd, VS_GET_INFO, &info))
		fail("VS_GET_INFO");
	close(fd);

	return info.lines;
}

/* All lines are open, could move bytes, and do not. */
static double idle_lines(__u32 baud, unsigned int ways)
{
	unsigned int lines = count_lines(), i;
	int fds[MAX_LINES];
	double share;
	char path[32];

	(void)baud;
	(void)ways;
	for (i = 0; i < lines; i++) {
		snprintf(path, sizeof(path), "/dev/vser%.0u", i);
		set_attr(path + strlen("/dev/"), "wire", "loopback");
		fds[i] = open(path, O_RDWR);
		if (fds[i] < 0)
			fail(path);
	}
	share = mean_busy();
	for (i = 0; i < lines; i++)
		close(fds[i]);

	return share;
}

static const struct row {
	const char *name;
	double (*busy_with)(__u32 baud, unsigned int ways);
	__u32 baud;
	unsigned int ways;
} rows[] = {
	{ "two wake-ups a millisecond", wake_up, 0, 0 },
	{ "an idle line", idle_lines, 0, 0 },
	{ "one way at 9600", wire, 9600, 1 },
	{ "one way at 115200", wire, 115200, 1 },
	{ "one way at 921600", wire, 921600, 1 },
	{ "one way at 4000000", wire, 4000000, 1 },
	{ "both ways at 115200", wire, 115200, 2 },
};

#define PEER	0

/* What each needs beside what the machine does; and that in terms of the peer's. */
static void measure_all(int repeat, struct sample of[], struct sample ratios[])
{
	static double each[ARRAY_SIZE(rows)][MAX_REPEAT];
	double values[MAX_REPEAT] = {}, alone, more;
	unsigned int lines = count_lines();
	size_t row;
	int i;

	for (i = 0; i < repeat; i++) {
		alone = mean_busy();
		for (row = 0; row < ARRAY_SIZE(rows); row++) {
			more = rows[row].busy_with(rows[row].baud, rows[row].ways) -
			       alone;
			if (rows[row].busy_with == idle_lines)
				more /= lines;
			each[row][i] = more;
		}
	}
	/* The peer comes last, as sample_of() changes the order. */
	for (row = ARRAY_SIZE(rows); row--;) {
		for (i = 0; i < repeat; i++)
			values[i] = each[row][i] / each[PEER][i];
		ratios[row] = sample_of(values, repeat);
		of[row] = sample_of(each[row], repeat);
	}
}

/* Next to nothing is 0, not -0. */
static double rounded(double value, double unit)
{
	return round(value / unit) * unit + 0.0;
}

static void tell(const struct row *row, struct sample share, struct sample ratio)
{
	double us = rounded(share.median * 1e6, 0.1);

	say("%-28s%12.1f", row->name, us);
	figure("cost", row->name, "us a second", us);
	if (row->ways)
		say("%12.1f", us * 1e4 / row->baud / row->ways);
	else
		say("%12s", "-");
	say("%12.3f", rounded(ratio.median, 0.001));
	if (ratio.off)
		say("  +- %.3f", ratio.off);
	say("\n");
}

int main(int argc, char **argv)
{
	struct sample of[ARRAY_SIZE(rows)], ratios[ARRAY_SIZE(rows)];
	int repeat = 1;
	size_t i;

	take_json(&argc, &argv);
	if (argc == 3)
		repeat = atoi(argv[2]);
	if (argc < 2 || argc > 3 || repeat < 1 || repeat > MAX_REPEAT)
		error(2, 0, "Usage: cost [--json] MODULE [REPEAT]");
	module = argv[1];

	measure_all(repeat, of, ratios);
	say("%-28s%12s%12s%12s\n", "CPU", "us a second", "ns a byte", "x wake-ups");
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		tell(&rows[i], of[i], ratios[i]);

	return 0;
}
