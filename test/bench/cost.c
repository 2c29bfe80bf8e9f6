// SPDX-License-Identifier: GPL-2.0
/*
 * What a paced wire takes of the CPU, by speed; what idle lines take; and beside it
 * what is the least that ports take which look each millisecond, by wake_up.ko. A
 * process that runs when nobody else does counts what is left. Meant for virtual
 * time ("make bench"): on one CPU, and there to the nanosecond.
 *
 * Usage: cost MODULE
 * MODULE is the path of wake_up.ko. Line 0 and line 1 have to be there.
 */
#define _GNU_SOURCE

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "channel.h"
#include "vser.h"

#define MS	500	/* of each measurement */
#define FIFO	"1048576"

static volatile uint64_t *left;
static double all;	/* of it, a second, if nothing else runs */

/* The process that counts what is left. */
static pid_t count(void)
{
	struct sched_param none = { .sched_priority = 0 };
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child)
		return child;

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		fail("SCHED_IDLE");
	for (;;)
		++*left;
}

/* What is left of a second of the CPU, in counts. */
static double rest(void)
{
	struct timespec time = { .tv_nsec = MS * 1000000 };
	double start = now();
	uint64_t before = *left;

	nanosleep(&time, NULL);

	return (*left - before) / (now() - start);
}

/* Seconds that the CPU is busy in a second. */
static double busy(void)
{
	return 1 - rest() / all;
}

/* While bytes pass from line 0 to line 1. */
static double wire(__u32 baud)
{
	struct ends ends;
	double share;
	size_t size;

	set_attr("vser", "fifo", FIFO);
	set_attr("vser1", "fifo", FIFO);
	ends = make_nullmodem();
	set_attr("vser", "pacing", "1");
	if (ioctl(ends.writer, VS_SET_BAUD, &baud) ||
	    ioctl(ends.reader, VS_SET_BAUD, &baud))
		fail("VS_SET_BAUD");

	/* Nothing but the wire runs: both queues hold all of it. */
	size = baud / 10 * (MS + 100) / 1000;
	write_all(ends.writer, size);
	share = busy();
	if (ioctl(ends.writer, TCFLSH, 2))
		fail("TCFLSH");
	close_ends(ends);

	return share;
}

/* While both lines are open, and nothing passes. */
static double idle_lines(void)
{
	struct ends ends = make_nullmodem();
	double share;

	set_attr("vser", "pacing", "1");
	set_attr("vser1", "pacing", "1");
	share = busy();
	close_ends(ends);

	return share;
}

/* While two ports look each millisecond, as each end of a pair would. */
static double wake_up(const char *module)
{
	int fd = open(module, O_RDONLY);
	double share;

	if (fd < 0 || syscall(SYS_finit_module, fd, "ports=2", 0))
		fail(module);
	close(fd);
	share = busy();
	if (syscall(SYS_delete_module, "wake_up", O_NONBLOCK))
		fail("delete_module");

	return share;
}

int main(int argc, char **argv)
{
	static const __u32 bauds[] = { 9600, 115200, 921600, 4000000 };
	double shares[ARRAY_SIZE(bauds)], idle, peer;
	pid_t counter;
	size_t i;

	if (argc != 2)
		error(2, 0, "Usage: cost MODULE");
	left = mmap(NULL, sizeof(*left), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (left == MAP_FAILED)
		fail("mmap");
	counter = count();
	rest();		/* until what came before has come to rest, too */
	all = rest();

	for (i = 0; i < ARRAY_SIZE(bauds); i++)
		shares[i] = wire(bauds[i]);
	idle = idle_lines();
	peer = wake_up(argv[1]);

	printf("%-32s%12s%12s%12s\n", "CPU", "us a second", "ns a byte",
	       "x wake-ups");
	for (i = 0; i < ARRAY_SIZE(bauds); i++)
		printf("a wire at %-22u%12.0f%12.0f%12.2f\n", bauds[i],
		       shares[i] * 1e6, shares[i] * 1e10 / bauds[i],
		       shares[i] / peer);
	printf("%-32s%12.0f%12s%12.2f\n", "two lines, open and idle",
	       idle * 1e6, "-", idle / peer);
	printf("%-32s%12.0f%12s%12.2f\n", "two threads, a wake-up each ms",
	       peer * 1e6, "-", 1.0);

	kill(counter, SIGKILL);

	return 0;
}
