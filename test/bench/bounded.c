// SPDX-License-Identifier: GPL-2.0
/*
 * What many busy lines leave of a CPU: how long nothing else runs on it at a stretch,
 * and how much of it a program gets that would use all of it. Each sender has a full
 * queue and a null modem to a line whose program does not read, and looks at its wire
 * only each 10 ms, at 4000000 8N1, so that there is much to do each time: clean; with
 * marks for errors; with faults; and mismatched, where the receiver samples the bits at
 * another rate. All begin at once: a break holds them until then.
 *
 * For the stretch the program has a real-time priority, so that only interrupts and
 * what these bring are before it: it looks at the clock again and again, and the
 * longest time between two looks counts. Meant for virtual time ("make bench"). Fails
 * if that is more than 500 µs, or if less than half of the CPU is left.
 *
 * Usage: bounded [--json] SENDERS...
 * Two lines for each sender have to be there.
 */
#define _GNU_SOURCE

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>

#include "channel.h"
#include "figures.h"
#include "vser.h"

#define MAX_SENDERS	512
#define QUEUE		262144		/* bytes, 0.65 s of sending */
#define MOST_STRETCH	500		/* µs that nothing else may run, and */
#define LEAST_LEFT	50		/* % of the CPU that must be left */
#define SECONDS		0.2		/* of a measurement; there are two */

enum { CLEAN, MARKED, FAULTY, MISMATCHED, NR_KINDS };

static const char * const kinds[] = { "clean", "marked", "faulty", "mismatched" };

static int fds[2 * MAX_SENDERS];

static void name_of(unsigned int line, char *name, size_t size)
{
	if (line)
		snprintf(name, size, "vser%u", line);
	else
		snprintf(name, size, "vser");
}

static void set(unsigned int line, const char *attr, const char *value)
{
	char path[80], name[16];
	FILE *file;

	name_of(line, name, sizeof(name));
	snprintf(path, sizeof(path), "/sys/class/vser/%s/%s", name, attr);
	file = fopen(path, "we");
	if (!file || fputs(value, file) < 0 || fclose(file))
		fail(path);
}

static int open_line(unsigned int line)
{
	char path[24], name[16];
	int fd;

	name_of(line, name, sizeof(name));
	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail(path);

	return fd;
}

static void start(unsigned int sender, int kind)
{
	static const char bytes[QUEUE];
	unsigned int from = 2 * sender, to = from + 1;
	const __u32 yes = 1;
	char far[32] = "nullmodem:", name[16];

	name_of(to, name, sizeof(name));
	strcat(far, name);
	set(from, "wire", far);
	set(from, "flow", "none");
	set(from, "latency_ns", "10000000");
	set(from, "fifo", "262144");
	set(from, "baud", "4000000");
	set(to, "baud", kind == MISMATCHED ? "2000000" : "4000000");
	set(from, "fault", kind == FAULTY ? "bit=100000 drop=10000 seed=1" :
					    "bit=0 drop=0");
	fds[to] = open_line(to);
	fds[from] = open_line(from);
	if (kind == MARKED && ioctl(fds[to], VS_SET_MARK, &yes))
		fail("VS_SET_MARK");
	if (ioctl(fds[from], TIOCSBRK))
		fail("TIOCSBRK");
	if (write(fds[from], bytes, QUEUE) != QUEUE)
		fail("write");
}

static void stop(unsigned int sender)
{
	unsigned int from = 2 * sender, to = from + 1;
	const __u32 no = 0;

	ioctl(fds[from], TCFLSH, TCIOFLUSH);
	ioctl(fds[to], TCFLSH, TCIOFLUSH);
	ioctl(fds[to], VS_SET_MARK, &no);
	close(fds[from]);
	close(fds[to]);
	set(from, "wire", "open");
}

/* The longest time between two looks at the clock, in seconds. */
static double longest_stretch(void)
{
	const struct sched_param real_time = { .sched_priority = 1 }, none = {};
	double begin = now(), last = begin, longest = 0, at;

	if (sched_setscheduler(0, SCHED_FIFO, &real_time))
		fail("SCHED_FIFO");
	do {
		at = now();
		if (at - last > longest)
			longest = at - last;
		last = at;
	} while (at - begin < SECONDS);
	if (sched_setscheduler(0, SCHED_OTHER, &none))
		fail("SCHED_OTHER");

	return longest;
}

/* How much the program gets done in a second. */
static double work(void)
{
	double begin = now(), at;
	unsigned long n = 0;

	do {
		at = now();
		n++;
	} while (at - begin < SECONDS);

	return n / (at - begin);
}

static void measure(int kind, unsigned int senders, double alone)
{
	char column[40];
	double stretch, left;
	unsigned int i;

	for (i = 0; i < senders; i++)
		start(i, kind);
	for (i = 0; i < senders; i++)
		ioctl(fds[2 * i], TIOCCBRK);
	stretch = longest_stretch() * 1e6;
	left = work() / alone * 100;
	for (i = 0; i < senders; i++)
		stop(i);

	say("  %8.0f µs, %3.0f %%", stretch, left);
	snprintf(column, sizeof(column), "%u senders, stretch", senders);
	figure("bounded", kinds[kind], column, stretch);
	snprintf(column, sizeof(column), "%u senders, left", senders);
	figure("bounded", kinds[kind], column, left);
	if (stretch > MOST_STRETCH || left < LEAST_LEFT)
		error(EXIT_FAILURE, 0, "%u %s senders: %.0f us at a stretch, %.0f %% left",
		      senders, kinds[kind], stretch, left);
}

int main(int argc, char **argv)
{
	struct rlimit files = { 2 * MAX_SENDERS + 100, 2 * MAX_SENDERS + 100 };
	double alone;
	int kind, i;

	take_json(&argc, &argv);
	if (argc < 2)
		error(EXIT_FAILURE, 0, "usage: bounded [--json] SENDERS...");
	if (setrlimit(RLIMIT_NOFILE, &files))
		fail("RLIMIT_NOFILE");

	alone = work();
	say("the longest stretch in which a program does not run, and what it gets of the CPU\n");
	say("%-12s", "senders");
	for (i = 1; i < argc; i++)
		say("  %16s", argv[i]);
	say("\n");
	for (kind = 0; kind < NR_KINDS; kind++) {
		say("%-12s", kinds[kind]);
		for (i = 1; i < argc; i++) {
			unsigned int senders = strtoul(argv[i], NULL, 10);

			if (!senders || senders > MAX_SENDERS)
				error(EXIT_FAILURE, 0, "%s: not 1 to %u senders",
				      argv[i], MAX_SENDERS);
			measure(kind, senders, alone);
		}
		say("\n");
	}

	return 0;
}
