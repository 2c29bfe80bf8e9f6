// SPDX-License-Identifier: GPL-2.0
/*
 * How exact the pace of a wire is, and what it costs: sends for about two
 * seconds at each speed, then on all lines at once, as pairs, and compares with
 * the time that the frames should take; then looks at idle lines. Meant for
 * virtual time ("make bench"), where the figures are exact and repeat. Fails if
 * a wire is off by more than 0.1 %, or if a timer runs while nothing moves.
 *
 * Usage: pacing [--json]
 */
#define _GNU_SOURCE

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "figures.h"
#include "vser.h"

#define TRACING		"/sys/kernel/tracing/"
#define CONTROL_ONLY	3
#define MAX_LINES	1024
#define WORST		0.001	/* of the time that the frames should take */

static bool failed;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* How long the CPUs have been idle since the machine was started. */
static double idle(void)
{
	FILE *file = fopen("/proc/uptime", "r");
	double seconds;

	if (!file || fscanf(file, "%*f %lf", &seconds) != 1)
		error(EXIT_FAILURE, errno, "/proc/uptime");
	fclose(file);

	return seconds;
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
		if (strstr(line, " EVENTS]"))
			error(EXIT_FAILURE, 0, "the trace is not complete");
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

/* Lines, by their number */

struct name {
	char text[16];
};

static struct name name_of(unsigned int line)
{
	struct name name = { "vser" };

	if (line)
		snprintf(name.text, sizeof(name.text), "vser%u", line);

	return name;
}

static void wire_line(unsigned int line, const char *far)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/vser/%s/wire",
		 name_of(line).text);
	write_file(path, far);
}

static int open_line(unsigned int line, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name_of(line).text);
	fd = open(path, flags);
	if (fd < 0)
		error(EXIT_FAILURE, errno, "%s", path);

	return fd;
}

static void set_line(int fd, __u32 baud, struct vser_format fmt)
{
	if (ioctl(fd, VS_SET_BAUD, &baud) || ioctl(fd, VS_SET_FMT, &fmt))
		error(EXIT_FAILURE, errno, "VS_SET_BAUD, VS_SET_FMT");
}

/* Sending */

struct sender {
	pthread_t thread;
	int fd;
	size_t bytes;
	double start;	/* of the first byte */
	double end;	/* of the last byte */
};

static void *send_bytes(void *argument)
{
	static const char bytes[65536];
	struct sender *sender = argument;
	size_t left = sender->bytes;
	ssize_t done;

	sender->start = now();
	for (; left; left -= done) {
		done = write(sender->fd, bytes,
			     left < sizeof(bytes) ? left : sizeof(bytes));
		if (done < 0)
			error(EXIT_FAILURE, errno, "write");
	}
	if (fsync(sender->fd))
		error(EXIT_FAILURE, errno, "fsync");
	sender->end = now();

	return NULL;
}

static void check_time(double took, double ideal)
{
	if (fabs(took / ideal - 1) > WORST)
		failed = true;
}

static void bench_speed(__u32 baud, struct vser_format fmt)
{
	unsigned int bits = 1 + fmt.datab + !!fmt.parity + fmt.stopb;
	struct sender sender = {
		.fd = open_line(0, O_WRONLY),
		.bytes = 2 * baud / 10,
	};
	double ideal = (double)sender.bytes * bits / baud, took;
	struct timers timers;
	char row[24];

	set_line(sender.fd, baud, fmt);
	trace_start();
	send_bytes(&sender);
	timers = trace_stop();
	close(sender.fd);

	took = sender.end - sender.start;
	check_time(took, ideal);
	say("%8u  %u%c%u  %7zu  %10.6f  %10.6f  %9.6f  %8.0f  %10lu\n",
	    baud, fmt.datab, "NOEMS"[fmt.parity], fmt.stopb, sender.bytes,
	    ideal, took, took / ideal, timers.expiries / took, timers.latest_ns);
	snprintf(row, sizeof(row), "%u %u%c%u", baud, fmt.datab,
		 "NOEMS"[fmt.parity], fmt.stopb);
	figure("pacing", row, "ratio", took / ideal);
	figure("pacing", row, "timers/s", timers.expiries / took);
}

/* Wires the lines as pairs and opens them. */
static void open_pairs(struct sender *senders, unsigned int lines, __u32 baud,
		       struct vser_format fmt)
{
	unsigned int i;
	char far[32];

	for (i = 0; i < lines; i++) {
		if (i % 2) {
			snprintf(far, sizeof(far), "nullmodem:%s",
				 name_of(i - 1).text);
			wire_line(i, far);
		}
		senders[i].fd = open_line(i, O_RDWR);
		set_line(senders[i].fd, baud, fmt);
	}
}

/* All lines send to each other at once, for two seconds. */
static void bench_pairs(unsigned int lines, __u32 baud, struct vser_format fmt)
{
	double shortest = INFINITY, longest = 0, ideal = 2, took;
	double last_start = 0, first_end = INFINITY, start, rest;
	static struct sender senders[MAX_LINES];
	struct timers timers;
	unsigned int i;

	open_pairs(senders, lines, baud, fmt);
	trace_start();
	start = now();
	rest = idle();
	for (i = 0; i < lines; i++) {
		senders[i].bytes = ideal * baud / 10;
		errno = pthread_create(&senders[i].thread, NULL, send_bytes,
				       &senders[i]);
		if (errno)
			error(EXIT_FAILURE, errno, "pthread_create");
		/* Lest all want the one CPU at the same time when they end. */
		usleep(1000);
	}
	for (i = 0; i < lines; i++)
		pthread_join(senders[i].thread, NULL);
	rest = (idle() - rest) / (now() - start);
	timers = trace_stop();

	for (i = 0; i < lines; i++) {
		close(senders[i].fd);
		took = senders[i].end - senders[i].start;
		check_time(took, ideal);
		shortest = fmin(shortest, took);
		longest = fmax(longest, took);
		last_start = fmax(last_start, senders[i].start);
		first_end = fmin(first_end, senders[i].end);
	}
	if (last_start > first_end)
		error(EXIT_FAILURE, 0, "the lines did not send all at once");
	say("%u pairs at %u, both ends sending: ratio %.6f to %.6f, ", lines / 2,
	    baud, shortest / ideal, longest / ideal);
	say("%.0f timers/s per wire, latest %lu ns, CPU %.0f %% busy\n",
	    timers.expiries / longest / lines, timers.latest_ns, 100 * (1 - rest));
	figure("pacing", "pairs", "CPU %", 100 * (1 - rest));
}

/* All lines open for ten seconds, nothing moves, no generator. */
static void bench_idle(unsigned int lines)
{
	struct timers timers;
	int fds[MAX_LINES];
	unsigned int i;

	for (i = 0; i < lines; i++) {
		wire_line(i, "loopback");
		fds[i] = open_line(i, O_RDWR);
	}

	trace_start();
	sleep(10);
	timers = trace_stop();
	if (timers.expiries)
		failed = true;
	say("%u lines open and idle for 10 s: %lu timer interrupts\n", lines,
	    timers.expiries);

	for (i = 0; i < lines; i++)
		close(fds[i]);
}

int main(int argc, char **argv)
{
	static const __u32 bauds[] = {
		50, 300, 9600, 115200, 921600, 4000000
	};
	static const struct vser_format n1 = { 8, VSER_PARITY_NONE, 1 };
	static const struct vser_format e2 = { 8, VSER_PARITY_EVEN, 2 };
	struct vser_info info;
	size_t i;
	int fd;

	take_json(&argc, &argv);
	if (argc > 1)
		error(2, 0, "Usage: pacing [--json]");
	fd = open_line(0, CONTROL_ONLY);
	if (ioctl(fd, VS_GET_INFO, &info))
		error(EXIT_FAILURE, errno, "VS_GET_INFO");
	close(fd);

	write_file(TRACING "buffer_size_kb", "32768");
	say("    baud  format  bytes     ideal s      took s     ratio  timers/s  latest ns\n");
	for (i = 0; i < sizeof(bauds) / sizeof(bauds[0]); i++)
		bench_speed(bauds[i], n1);
	bench_speed(115200, e2);
	bench_pairs(info.lines, 115200, n1);
	bench_idle(info.lines);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
