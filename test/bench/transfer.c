// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to move bytes from one process to another through vser, beside
 * a pipe, a socket pair, a pseudo terminal and a driver that is nothing but a queue
 * each way (peers/plain_fifo.c): throughput by block size, and the round trip of one
 * byte. "ring" is a null modem of which both ends use rings: each block is copied into
 * a ring and out of one, and poll() is called only when there is no room or nothing
 * left. "eventfd" is the round trip of a number: little more than waiting for one
 * another. "bare calls" are two system calls that move nothing through the kernel: a
 * read of /dev/zero and a write to /dev/null.
 *
 * Each figure is the median of several measurements. In virtual time ("make bench")
 * one instruction is one nanosecond, the figures repeat, and one is enough; on
 * real hardware ("make bench NATIVE=1") take more, and see how far to trust them.
 *
 * Usage: transfer [--json] [--repeat N] [--cpus WRITER,READER]
 * Line 0 and line 1 have to be there, and /dev/plain_fifo0 and 1.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "channel.h"
#include "figures.h"
#include "sample.h"
#include "test/lib/ring.h"

/*
 * Of one measurement. Who was asleep is let go first, but after some ms of that not
 * any more: so the figures of short measurements are others than those of long ones.
 */
#define MAX_CALLS	65536		/* of write */
#define MAX_BYTES	(128 << 20)	/* moved */
#define FEW_TRIPS	2000
#define MANY_TRIPS	20000
#define RING_SIZE	65536		/* as the queues are */

/* The CPUs of the processes; -1: where the scheduler puts them. */
static int writer_cpu = -1, reader_cpu = -1;

static void stay_on(int cpu)
{
	cpu_set_t cpus;

	if (cpu < 0)
		return;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		error(EXIT_FAILURE, errno, "CPU %d", cpu);
}

/* As fork_other(): the other process, on its CPU. */
static pid_t fork_reader(void)
{
	pid_t child = fork_other();

	if (!child)
		stay_on(reader_cpu);

	return child;
}

static struct ends make_socketpair(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		fail("socketpair");

	return (struct ends) { fds[1], fds[0] };
}

static struct ends make_pty(void)
{
	struct termios raw;
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) ||
	    tcgetattr(slave, &raw))
		fail("openpty");
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw))
		fail("tcsetattr");

	return (struct ends) { master, slave };
}

/* What can be compared; the first is the measure of the others. */
static const struct channel {
	const char *name;
	struct ends (*make)(void);
	bool both_ways;		/* each end can be read and written */
} channels[] = {
	{ "pipe", make_pipe, false },
	{ "socketpair", make_socketpair, true },
	{ "pty", make_pty, true },
	{ "plain fifo", make_plain_fifo, true },
	{ "loopback", make_loopback, false },
	{ "nullmodem", make_nullmodem, true },
};

/* Bytes per second, of @size bytes at a time from one process to another. */
static double throughput(const struct channel *channel, size_t size, bool polled)
{
	struct ends ends = channel->make(), done = make_pipe();
	size_t calls = MAX_BYTES / size < MAX_CALLS ? MAX_BYTES / size : MAX_CALLS;
	double start, took;
	pid_t child;
	size_t i;

	child = fork_reader();
	if (!child) {
		read_blocks(ends.reader, size, size, polled);
		write_all(done.writer, 1);
		read_blocks(ends.reader, calls * size, size, polled);
		write_all(done.writer, 1);
		_exit(0);
	}

	/* Once, so that all of it is in its place. */
	write_all(ends.writer, size);
	read_all(done.reader, 1);
	start = now();
	for (i = 0; i < calls; i++)
		write_all(ends.writer, size);
	read_all(done.reader, 1);
	took = now() - start;

	check_child(child);
	close_ends(ends);
	close_ends(done);

	return calls * size / took;
}

/* Seconds for @size bytes to the other process and as many back, on average. */
static double round_trip_by(struct ends there, struct ends back, size_t size,
			    int trips)
{
	double start = 0, took;
	pid_t child;
	int i;

	child = fork_reader();
	if (!child) {
		for (i = 0; i <= trips; i++) {
			read_all(there.reader, size);
			write_all(back.writer, size);
		}
		_exit(0);
	}

	for (i = 0; i <= trips; i++) {
		if (i == 1)
			start = now();
		write_all(there.writer, size);
		read_all(back.reader, size);
	}
	took = now() - start;
	check_child(child);

	return took / trips;
}

static double round_trip(const struct channel *channel, int trips)
{
	struct ends there = channel->make(), back;
	double took;

	if (channel->both_ways)
		back = (struct ends) { there.reader, there.writer };
	else
		back = channel->make();
	took = round_trip_by(there, back, 1, trips);
	close_ends(there);
	if (!channel->both_ways)
		close_ends(back);

	return took;
}

/* Of a number, which is all that it carries. */
static double eventfd_round_trip(int trips)
{
	int there = eventfd(0, 0), back = eventfd(0, 0);
	double took;

	if (there < 0 || back < 0)
		fail("eventfd");
	block[0] = 1;
	took = round_trip_by((struct ends) { there, there },
			     (struct ends) { back, back }, sizeof(uint64_t), trips);
	close(there);
	close(back);

	return took;
}

/* Bytes per second, if a read and a write were all. */
static double bare_calls(size_t size)
{
	struct ends ends = {
		open("/dev/null", O_WRONLY), open("/dev/zero", O_RDONLY)
	};
	double start;
	int i;

	if (ends.writer < 0 || ends.reader < 0)
		fail("/dev/null, /dev/zero");
	start = now();
	for (i = 0; i < MAX_CALLS; i++) {
		write_all(ends.writer, size);
		read_all(ends.reader, size);
	}
	close_ends(ends);

	return MAX_CALLS * size / (now() - start);
}

/* An end of a line that is used by its rings. */
struct ring_end {
	int fd;
	struct ring ring;
};

static struct ring_end make_ring_end(int fd)
{
	struct ring_end end = { .fd = fd };

	if (ring_open(&end.ring, fd, RING_SIZE, RING_SIZE))
		fail("rings");

	return end;
}

static void close_ring_end(struct ring_end *end)
{
	munmap(end->ring.page, end->ring.length);
	close(end->fd);
}

static void poll_ring(struct ring_end *end, short events)
{
	struct pollfd look = { .fd = end->fd, .events = events };

	if (poll(&look, 1, -1) != 1 || look.revents != events)
		fail("poll");
}

/* As write_all(): sleeps when there is no room. */
static void put_all(struct ring_end *end, size_t size)
{
	size_t done = 0;

	for (;;) {
		done += ring_put(&end->ring, block + done, size - done);
		if (done == size)
			return;
		poll_ring(end, POLLOUT);
	}
}

/* As read_all(): sleeps when there is nothing. */
static void get_all(struct ring_end *end, size_t size)
{
	size_t done = 0;

	for (;;) {
		done += ring_get(&end->ring, block + done, size - done);
		if (done == size)
			return;
		poll_ring(end, POLLIN);
	}
}

/* Sends all that is in the ring, however long that takes. */
static void drain_ring(struct ring_end *end)
{
	if (fsync(end->fd))
		fail("fsync");
}

/* As throughput(). */
static double ring_throughput(size_t size)
{
	size_t calls = MAX_BYTES / size < MAX_CALLS ? MAX_BYTES / size : MAX_CALLS;
	struct ends ends = make_nullmodem(), done = make_pipe();
	struct ring_end writer = make_ring_end(ends.writer);
	struct ring_end reader = make_ring_end(ends.reader);
	double start, took;
	pid_t child;
	size_t i;

	child = fork_reader();
	if (!child) {
		get_all(&reader, size);
		write_all(done.writer, 1);
		for (i = 0; i < calls; i++)
			get_all(&reader, size);
		write_all(done.writer, 1);
		_exit(0);
	}

	put_all(&writer, size);
	drain_ring(&writer);
	read_all(done.reader, 1);
	start = now();
	for (i = 0; i < calls; i++)
		put_all(&writer, size);
	drain_ring(&writer);
	read_all(done.reader, 1);
	took = now() - start;

	check_child(child);
	close_ring_end(&writer);
	close_ring_end(&reader);
	close_ends(done);

	return calls * size / took;
}

/* As round_trip(): who waits for the answer sends by that. */
static double ring_round_trip(int trips)
{
	struct ends ends = make_nullmodem();
	struct ring_end here = make_ring_end(ends.writer);
	struct ring_end there = make_ring_end(ends.reader);
	double start = 0, took;
	pid_t child;
	int i;

	child = fork_reader();
	if (!child) {
		for (i = 0; i <= trips; i++) {
			get_all(&there, 1);
			put_all(&there, 1);
		}
		drain_ring(&there);
		_exit(0);
	}

	for (i = 0; i <= trips; i++) {
		if (i == 1)
			start = now();
		put_all(&here, 1);
		get_all(&here, 1);
	}
	took = now() - start;

	check_child(child);
	close_ring_end(&here);
	close_ring_end(&there);

	return took / trips;
}

static const size_t sizes[] = { 1, 64, 1024, 4096, 65536, 1 << 20 };

/* MB/s, or µs for the round trip: each channel, and the others. */
#define RING_ROW	ARRAY_SIZE(channels)
#define EVENTFD_ROW	(RING_ROW + 1)
#define BARE_ROW	(EVENTFD_ROW + 1)
#define ROWS		(BARE_ROW + 1)
#define COLUMNS		(ARRAY_SIZE(sizes) + 3)
static struct sample results[ROWS][COLUMNS];
static struct sample ratios[ROWS][COLUMNS];	/* to the pipe's of the same round */

static const char *name_of(size_t row)
{
	static const char *const others[] = { "ring", "eventfd", "bare calls" };

	return row < RING_ROW ? channels[row].name : others[row - RING_ROW];
}

/* One measurement of each. */
static void measure(double of[ROWS][COLUMNS])
{
	double *row;
	size_t c, s;

	for (c = 0; c < ARRAY_SIZE(channels); c++) {
		row = of[c];
		for (s = 0; s < ARRAY_SIZE(sizes); s++)
			row[s] = throughput(&channels[c], sizes[s], false) / 1e6;
		/* A plain fifo knows no poll(). */
		if (channels[c].make != make_plain_fifo)
			row[s] = throughput(&channels[c], 64, true) / 1e6;
		/* A loopback hears itself: it has no other end to answer. */
		if (channels[c].make != make_loopback) {
			row[s + 1] = round_trip(&channels[c], FEW_TRIPS) * 1e6;
			row[s + 2] = round_trip(&channels[c], MANY_TRIPS) * 1e6;
		}
	}
	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		of[RING_ROW][s] = ring_throughput(sizes[s]) / 1e6;
		of[BARE_ROW][s] = bare_calls(sizes[s]) / 1e6;
	}
	of[RING_ROW][s + 1] = ring_round_trip(FEW_TRIPS) * 1e6;
	of[RING_ROW][s + 2] = ring_round_trip(MANY_TRIPS) * 1e6;
	of[EVENTFD_ROW][s + 1] = eventfd_round_trip(FEW_TRIPS) * 1e6;
	of[EVENTFD_ROW][s + 2] = eventfd_round_trip(MANY_TRIPS) * 1e6;
}

static void measure_all(int repeat)
{
	double (*each)[ROWS][COLUMNS] = calloc(repeat, sizeof(*each));
	double *values = calloc(repeat, sizeof(*values));
	size_t row, column;
	int i;

	if (!each || !values)
		fail("calloc");
	for (i = 0; i < repeat; i++)
		measure(each[i]);
	for (row = 0; row < ROWS; row++) {
		for (column = 0; column < COLUMNS; column++) {
			if (!each[0][row][column])
				continue;
			for (i = 0; i < repeat; i++)
				values[i] = each[i][row][column];
			results[row][column] = sample_of(values, repeat);
			for (i = 0; i < repeat; i++)
				values[i] = each[i][row][column] / each[i][0][column];
			ratios[row][column] = sample_of(values, repeat);
		}
	}
	free(values);
	free(each);
}

static const char *const columns[COLUMNS] = {
	"1 B", "64 B", "1 KiB", "4 KiB", "64 KiB", "1 MiB", "64 B polled",
	"round trip", "many trips",
};

/* What a table can show of a sample. */
static double median(struct sample sample)
{
	return sample.median;
}

static void print_table(const char *title, struct sample of[ROWS][COLUMNS],
			double (*shown)(struct sample sample))
{
	size_t c, s;

	say("%-12s", title);
	for (s = 0; s < COLUMNS; s++)
		say("%12s", columns[s]);
	say("\n");
	for (c = 0; c < ROWS; c++) {
		say("%-12s", name_of(c));
		for (s = 0; s < COLUMNS; s++) {
			if (results[c][s].median)
				say("%12.2f", shown(of[c][s]));
			else
				say("%12s", "-");
		}
		say("\n");
	}
}

static void tell_figures(void)
{
	size_t row, column;

	for (row = 0; row < ROWS; row++)
		for (column = 0; column < COLUMNS; column++)
			if (results[row][column].median)
				figure("transfer", name_of(row), columns[column],
				       results[row][column].median);
}

static int number(const char *text, int least, int most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (end == text || *end || value < least || value > most)
		error(2, 0, "%s: not a number from %d to %d", text, least, most);

	return value;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "repeat", required_argument, NULL, 'r' },
		{ "cpus", required_argument, NULL, 'c' },
		{}
	};
	int option, repeat = 1;
	char *comma;

	take_json(&argc, &argv);
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			repeat = number(optarg, 1, MAX_REPEAT);
			break;
		case 'c':
			comma = strchr(optarg, ',');
			if (!comma)
				error(2, 0, "--cpus %s: not WRITER,READER", optarg);
			*comma = '\0';
			writer_cpu = number(optarg, 0, CPU_SETSIZE - 1);
			reader_cpu = number(comma + 1, 0, CPU_SETSIZE - 1);
			break;
		default:
			return 2;
		}
	}

	if (optind < argc)
		error(2, 0, "%s: nothing more is known", argv[optind]);

	stay_on(reader_cpu);	/* if there is such a CPU */
	stay_on(writer_cpu);
	measure_all(repeat);
	tell_figures();
	print_table("x pipe", ratios, median);
	if (outside(repeat) >= 0)
		print_table("+- %", ratios, off_percent);
	print_table("MB/s, us", results, median);
	if (outside(repeat) >= 0)
		print_table("+- %", results, off_percent);

	return 0;
}
