// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to receive in other ways than by read(), and what the things cost
 * that a line can do besides: blocks from one process to another, through a pipe
 * and through a null modem. Then, for more and more lines, what it costs to make
 * them and how much memory they take. Meant for virtual time ("make bench"), where
 * one instruction is one nanosecond and the figures repeat; elsewhere, let it repeat
 * each measurement, and it prints the medians.
 *
 * Usage: ways [--json] MODULE [REPEAT]
 * MODULE is the path of vser.ko, which must not be loaded.
 */
#define _GNU_SOURCE

#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "channel.h"
#include "figures.h"
#include "sample.h"

#define BLOCK	4096
#define BLOCKS	4096
#define TRACING	"/sys/kernel/tracing/events/vser/enable"

static const char *module;
static int repeat = 1;

/* Ways to receive @size bytes, by blocks */

static void by_read(int fd, size_t size)
{
	read_blocks(fd, size, BLOCK, false);
}

static void by_poll(int fd, size_t size)
{
	read_blocks(fd, size, BLOCK, true);
}

/* Into a pipe, and from there into nothing; what is a pipe needs no other. */
static void by_splice(int fd, size_t size)
{
	struct ends through = make_pipe();
	bool direct = lseek(fd, 0, SEEK_CUR) < 0 && fcntl(fd, F_GETPIPE_SZ) > 0;
	int null = open("/dev/null", O_WRONLY);
	ssize_t n;

	for (; size; size -= n) {
		if (direct) {
			n = splice(fd, NULL, null, NULL, BLOCK, 0);
		} else {
			n = splice(fd, NULL, through.writer, NULL, BLOCK, 0);
			if (n > 0)
				n = splice(through.reader, NULL, null, NULL, n, 0);
		}
		if (n <= 0)
			fail("splice");
	}
}

/* One call that hands over a read and waits for it. */
static void by_io_uring(int fd, size_t size)
{
	struct io_uring_params p = { .flags = 0 };
	int ring = syscall(SYS_io_uring_setup, 1, &p);
	unsigned int *sq_tail, *cq_head;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqes;
	char *sq, *cq;

	if (ring < 0)
		fail("io_uring_setup");
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(int),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqes),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		fail("io_uring");
	sq_tail = (void *)(sq + p.sq_off.tail);
	cq_head = (void *)(cq + p.cq_off.head);
	cqes = (void *)(cq + p.cq_off.cqes);

	/* There is one entry, and its place in the array is 0 as it is. */
	*sqe = (struct io_uring_sqe) {
		.opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)block,
		.len = BLOCK, .off = -1,
	};
	while (size) {
		__atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
		if (syscall(SYS_io_uring_enter, ring, 1, 1,
			    IORING_ENTER_GETEVENTS, NULL, 0) != 1 ||
		    cqes[*cq_head & (p.cq_entries - 1)].res <= 0)
			fail("io_uring_enter");
		size -= cqes[*cq_head & (p.cq_entries - 1)].res;
		__atomic_store_n(cq_head, *cq_head + 1, __ATOMIC_RELEASE);
	}
	close(ring);
}

static void by_sigio(int fd, size_t size)
{
	sigset_t sigio;
	ssize_t n;

	sigemptyset(&sigio);
	sigaddset(&sigio, SIGIO);
	sigprocmask(SIG_BLOCK, &sigio, NULL);
	if (fcntl(fd, F_SETOWN, getpid()) ||
	    fcntl(fd, F_SETFL, O_RDWR | O_ASYNC | O_NONBLOCK))
		fail("fcntl");
	while (size) {
		n = read(fd, block, BLOCK);
		if (n > 0)
			size -= n;
		else if (n < 0 && errno == EAGAIN)
			sigwaitinfo(&sigio, NULL);
		else
			fail("read");
	}
}

/* What a line can do besides */

static void nothing(bool on)
{
	(void)on;
}

static void inject_faults(bool on)
{
	set_attr("vser", "fault", on ? "bit=1" : "bit=0");
}

static void trace(bool on)
{
	int fd = open(TRACING, O_WRONLY);

	if (fd < 0 || write(fd, on ? "1" : "0", 1) != 1)
		fail(TRACING);
	close(fd);
}

struct way {
	struct ends (*make)(void);
	void (*receive)(int fd, size_t size);
	void (*turn)(bool on);
};

/* Seconds for a block. */
static double cost(struct way way)
{
	struct ends ends = way.make(), done = make_pipe();
	double start, took;
	pid_t child;
	int i;

	way.turn(true);
	child = fork_other();
	if (!child) {
		way.receive(ends.reader, BLOCKS * BLOCK);
		write_all(done.writer, 1);
		_exit(0);
	}
	start = now();
	for (i = 0; i < BLOCKS; i++)
		write_all(ends.writer, BLOCK);
	if (read(done.reader, block, 1) != 1)
		fail("read");
	took = now() - start;
	check_child(child);
	way.turn(false);
	close_ends(ends);
	close_ends(done);

	return took / BLOCKS;
}

/* Measures both by turns. */
static void compare(struct way a, struct way b, struct sample *of_a,
		    struct sample *of_b, struct sample *ratio)
{
	double each_a[MAX_REPEAT] = {}, each_b[MAX_REPEAT] = {};
	double ratios[MAX_REPEAT] = {};
	int i;

	for (i = 0; i < repeat; i++) {
		each_a[i] = cost(a);
		each_b[i] = cost(b);
		ratios[i] = each_a[i] / each_b[i];
	}
	*of_a = sample_of(each_a, repeat);
	*of_b = sample_of(each_b, repeat);
	*ratio = sample_of(ratios, repeat);
}

static void print_ratio(struct sample ratio, const char *unit)
{
	say("%12.2f%s", ratio.median, unit);
	if (ratio.off)
		say("  +- %.2f %%", off_percent(ratio));
	say("\n");
}

static void compare_ways(void)
{
	static const struct {
		const char *name;
		void (*receive)(int fd, size_t size);
	} ways[] = {
		{ "read", by_read },
		{ "poll, read", by_poll },
		{ "splice", by_splice },
		{ "io_uring", by_io_uring },
		{ "SIGIO, read", by_sigio },
	};
	struct sample pipe, line, ratio;
	size_t i;

	say("us a block of 4 KiB, received by\n");
	say("%-16s%12s%12s%12s\n", "", "pipe", "nullmodem", "pipe / it");
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		compare((struct way) { make_pipe, ways[i].receive, nothing },
			(struct way) { make_nullmodem, ways[i].receive, nothing },
			&pipe, &line, &ratio);
		say("%-16s%12.2f%12.2f", ways[i].name, pipe.median * 1e6,
		    line.median * 1e6);
		print_ratio(ratio, "");
		figure("ways", ways[i].name, "pipe", pipe.median * 1e6);
		figure("ways", ways[i].name, "nullmodem", line.median * 1e6);
	}
}

static void compare_extras(void)
{
	static const struct {
		const char *name;
		void (*turn)(bool on);
	} extras[] = {
		{ "nothing", nothing },
		{ "tracepoints", trace },
		{ "faults", inject_faults },
	};
	struct sample with, without, ratio;
	size_t i;

	say("\nus a block of 4 KiB through a null modem, with\n");
	for (i = 0; i < ARRAY_SIZE(extras); i++) {
		compare((struct way) { make_nullmodem, by_read, extras[i].turn },
			(struct way) { make_nullmodem, by_read, nothing },
			&with, &without, &ratio);
		say("%-16s%12.2f", extras[i].name, with.median * 1e6);
		print_ratio(ratio, " times");
		figure("extras", extras[i].name, "nullmodem", with.median * 1e6);
	}
}

/* Lines */

static void load(unsigned int lines)
{
	int fd = open(module, O_RDONLY);
	char parameters[20];

	snprintf(parameters, sizeof(parameters), "lines=%u", lines);
	if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0))
		fail(module);
	close(fd);
}

static void unload(void)
{
	if (syscall(SYS_delete_module, "vser", O_NONBLOCK))
		fail("delete_module");
}

/* KiB that the kernel uses for itself. */
static long used(void)
{
	static const char *const kinds[] = { "Slab:", "VmallocUsed:", "Percpu:" };
	FILE *file = fopen("/proc/meminfo", "re");
	char kind[40];
	long kib, sum = 0;
	size_t i;

	if (!file)
		fail("/proc/meminfo");
	while (fscanf(file, "%39s %ld%*[^\n]", kind, &kib) == 2)
		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			if (!strcmp(kind, kinds[i]))
				sum += kib;
	fclose(file);

	return sum;
}

/* What is measured of a number of lines, and the columns of the table. */
enum { LOAD, UNLOAD, MEMORY, OPEN, MOVE, COLUMNS };
static const char *const columns[COLUMNS] = {
	"load ms", "unload ms", "KiB a line", "open us", "4 KiB us"
};

static void measure_lines(unsigned int lines, double of[COLUMNS])
{
	const struct way plain = { make_nullmodem, by_read, nothing };
	char path[40];
	double start;
	long before;
	int fd;

	before = used();
	start = now();
	load(lines);
	of[LOAD] = (now() - start) * 1e3;
	of[MEMORY] = (double)(used() - before) / lines;

	snprintf(path, sizeof(path), "/dev/vser%.0u", lines - 1);
	start = now();
	fd = open(path, O_RDWR);
	of[OPEN] = (now() - start) * 1e6;
	if (fd < 0)
		fail(path);
	close(fd);
	of[MOVE] = lines > 1 ? cost(plain) * 1e6 : NAN;

	start = now();
	unload();
	of[UNLOAD] = (now() - start) * 1e3;
}

static void compare_numbers(void)
{
	static const unsigned int numbers[] = { 1, 16, 128, 1024 };
	static double each[MAX_REPEAT][COLUMNS];
	double values[MAX_REPEAT] = {};
	size_t i, column;
	char name[12];
	int j;

	say("\n%-16s", "lines");
	for (column = 0; column < COLUMNS; column++)
		say("%12s", columns[column]);
	say("\n");
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		for (j = 0; j < repeat; j++)
			measure_lines(numbers[i], each[j]);
		snprintf(name, sizeof(name), "%u", numbers[i]);
		say("%-16s", name);
		for (column = 0; column < COLUMNS; column++) {
			for (j = 0; j < repeat; j++)
				values[j] = each[j][column];
			if (isnan(values[0])) {
				say("%12s", "-");
				continue;
			}
			values[0] = sample_of(values, repeat).median;
			say("%12.2f", values[0]);
			figure("lines", name, columns[column], values[0]);
		}
		say("\n");
	}
}

int main(int argc, char **argv)
{
	take_json(&argc, &argv);
	if (argc == 3)
		repeat = atoi(argv[2]);
	if (argc < 2 || argc > 3 || repeat < 1 || repeat > MAX_REPEAT)
		error(2, 0, "Usage: ways [--json] MODULE [REPEAT]");
	module = argv[1];

	load(2);
	compare_ways();
	compare_extras();
	unload();
	compare_numbers();

	return 0;
}
