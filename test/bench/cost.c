// SPDX-License-Identifier: GPL-2.0
/*
 * How busy paced wires keep a CPU that has nothing else to do, by speed; how busy
 * idle lines do; and beside it, two ports that look for work each millisecond, by
 * wake_up.ko. Meant for virtual time ("make bench"), where the figures repeat.
 *
 * Usage: cost MODULE
 * MODULE is the path of wake_up.ko. Line 0 and line 1 have to be there.
 */
#define _GNU_SOURCE

#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "channel.h"
#include "vser.h"

#define SECONDS	2		/* of each measurement */
#define FIFO	"1048576"	/* enough for what is sent meanwhile */

/* Seconds that the CPUs have been idle. */
static double idle(void)
{
	FILE *file = fopen("/proc/timer_list", "re");
	unsigned long long ns, sum = 0;
	char line[256];

	if (!file)
		fail("/proc/timer_list");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " .idle_sleeptime : %llu", &ns) == 1)
			sum += ns;
	fclose(file);

	return sum / 1e9;
}

/* The share of the time that a CPU is busy, from 0 to 1. */
static double busy(void)
{
	double before = idle(), start = now(), took;

	sleep(SECONDS);
	took = now() - start;

	return 1 - (idle() - before) / took;
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
	if (ways > 0)
		write_all(ends.writer, size);
	if (ways > 1)
		write_all(ends.reader, size);
	share = busy();

	if (ioctl(ends.writer, TIOCOUTQ, &left))
		fail("TIOCOUTQ");
	if (ways && !left)
		error(EXIT_FAILURE, 0, "the wire was done too early");
	if (ioctl(ends.writer, TCFLSH, 2) || ioctl(ends.reader, TCFLSH, 2))
		fail("TCFLSH");
	close_ends(ends);

	return share;
}

/* Two ports, as the ends of a null modem are. */
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
	static const struct {
		const char *name;
		__u32 baud;
		unsigned int ways;
	} wires[] = {
		{ "two lines, open and idle", 9600, 0 },
		{ "one way at 9600", 9600, 1 },
		{ "one way at 115200", 115200, 1 },
		{ "one way at 921600", 921600, 1 },
		{ "one way at 4000000", 4000000, 1 },
		{ "both ways at 115200", 115200, 2 },
	};
	double share, peer;
	size_t i;

	if (argc != 2)
		error(2, 0, "Usage: cost MODULE");

	peer = wake_up(argv[1]);
	printf("%-28s%12s%12s%12s\n", "CPU", "us a second", "ns a byte",
	       "x wake-ups");
	for (i = 0; i < ARRAY_SIZE(wires); i++) {
		share = wire(wires[i].baud, wires[i].ways);
		printf("%-28s%12.0f", wires[i].name, share * 1e6);
		if (wires[i].ways)
			printf("%12.0f", share * 1e10 / wires[i].baud / wires[i].ways);
		else
			printf("%12s", "-");
		printf("%12.2f\n", share / peer);
	}
	printf("%-28s%12.0f%12s%12.2f\n", "two wake-ups a millisecond",
	       peer * 1e6, "-", 1.0);

	return 0;
}
