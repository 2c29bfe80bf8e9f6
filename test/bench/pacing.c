// SPDX-License-Identifier: GPL-2.0
/*
 * How exact the pace of a wire is, and what it costs: sends for about two
 * seconds at each speed and compares with the time that the frames should take;
 * then looks at idle lines. Meant for virtual time ("make bench"), where the
 * figures are exact and repeat.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "vser.h"

#define TRACING		"/sys/kernel/tracing/"
#define CONTROL_ONLY	3

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		error(EXIT_FAILURE, errno, "%s", path);
	close(fd);
}

/* What the timers of all lines did, as the tracepoint vser_timer tells. */
struct timers {
	unsigned long expiries;
	unsigned long latest_ns;	/* how late the latest byte was */
};

static void trace_start(void)
{
	write_file(TRACING "trace", "");
	write_file(TRACING "events/vser/vser_timer/enable", "1");
}

static struct timers trace_stop(void)
{
	struct timers timers = { 0, 0 };
	unsigned long late;
	char line[256], *at;
	FILE *trace;

	write_file(TRACING "events/vser/vser_timer/enable", "0");
	trace = fopen(TRACING "trace", "r");
	if (!trace)
		error(EXIT_FAILURE, errno, TRACING "trace");
	while (fgets(line, sizeof(line), trace)) {
		at = strstr(line, "late_ns=");
		if (!at)
			continue;
		late = strtoul(at + strlen("late_ns="), NULL, 10);
		timers.expiries++;
		if (late > timers.latest_ns)
			timers.latest_ns = late;
	}
	fclose(trace);

	return timers;
}

static void set_line(int fd, __u32 baud, struct vser_format fmt)
{
	if (ioctl(fd, VS_SET_BAUD, &baud) || ioctl(fd, VS_SET_FMT, &fmt))
		error(EXIT_FAILURE, errno, "VS_SET_BAUD, VS_SET_FMT");
}

static void send_bytes(int fd, size_t n)
{
	static const char bytes[65536];
	ssize_t done;

	while (n) {
		done = write(fd, bytes, n < sizeof(bytes) ? n : sizeof(bytes));
		if (done < 0)
			error(EXIT_FAILURE, errno, "write");
		n -= done;
	}
	if (fsync(fd))
		error(EXIT_FAILURE, errno, "fsync");
}

static void bench_speed(__u32 baud, struct vser_format fmt)
{
	unsigned int bits = 1 + fmt.datab + !!fmt.parity + fmt.stopb;
	size_t bytes = 2 * baud / bits;
	double ideal = (double)bytes * bits / baud, took;
	struct timers timers;
	int fd;

	fd = open("/dev/vser", O_WRONLY);
	if (fd < 0)
		error(EXIT_FAILURE, errno, "/dev/vser");
	set_line(fd, baud, fmt);

	trace_start();
	took = now();
	send_bytes(fd, bytes);
	took = now() - took;
	timers = trace_stop();
	close(fd);

	printf("%8u  %u%c%u  %7zu  %10.6f  %10.6f  %9.6f  %8.0f  %10lu\n",
	       baud, fmt.datab, "NOEMS"[fmt.parity], fmt.stopb, bytes, ideal,
	       took, took / ideal, timers.expiries / took, timers.latest_ns);
}

/* All lines open for ten seconds, nothing moves, no generator. */
static void bench_idle(unsigned int lines)
{
	struct timers timers;
	char path[64];
	unsigned int i;
	int *fds = calloc(lines, sizeof(*fds));

	if (!fds)
		error(EXIT_FAILURE, errno, "calloc");
	for (i = 0; i < lines; i++) {
		snprintf(path, sizeof(path), i ? "/sys/class/vser/vser%u/wire" :
			 "/sys/class/vser/vser/wire", i);
		write_file(path, "loopback");
		snprintf(path, sizeof(path), i ? "/dev/vser%u" : "/dev/vser", i);
		fds[i] = open(path, O_RDWR);
		if (fds[i] < 0)
			error(EXIT_FAILURE, errno, "%s", path);
	}

	trace_start();
	sleep(10);
	timers = trace_stop();
	printf("%u lines open and idle for 10 s: %lu timer interrupts\n",
	       lines, timers.expiries);

	for (i = 0; i < lines; i++)
		close(fds[i]);
	free(fds);
}

int main(void)
{
	static const __u32 bauds[] = {
		50, 300, 9600, 115200, 921600, 4000000
	};
	static const struct vser_format n1 = { 8, VSER_PARITY_NONE, 1 };
	static const struct vser_format e2 = { 8, VSER_PARITY_EVEN, 2 };
	struct vser_info info;
	size_t i;
	int fd;

	fd = open("/dev/vser", CONTROL_ONLY);
	if (fd < 0 || ioctl(fd, VS_GET_INFO, &info))
		error(EXIT_FAILURE, errno, "/dev/vser");
	close(fd);

	write_file(TRACING "buffer_size_kb", "4096");
	printf("    baud  format  bytes     ideal s      took s     ratio  timers/s  latest ns\n");
	for (i = 0; i < sizeof(bauds) / sizeof(bauds[0]); i++)
		bench_speed(bauds[i], n1);
	bench_speed(115200, e2);
	bench_idle(info.lines);

	return EXIT_SUCCESS;
}
