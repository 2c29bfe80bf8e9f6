// SPDX-License-Identifier: GPL-2.0
/*
 * Do pairs of processes get in each other's way, who use lines (or pipes) of their
 * own? One pair, two, four and so on write and read for a while, each through its
 * own null modem, without pacing; what all move together would double with the
 * number of pairs, as long as there are CPUs. Meant for real hardware ("make bench
 * NATIVE=1"): in virtual time there is one CPU.
 *
 * Usage: scale [REPEAT]
 * REPEAT is how often what they move is measured, by default 20 times. As many lines
 * as CPUs have to be there, 128 at most.
 */
#define _GNU_SOURCE

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "channel.h"
#include "sample.h"

#define BLOCK		4096
#define WINDOW_MS	200
#define MAX_PAIRS	64

/* What each reader has read; a cache line each, so as not to be what is measured. */
static struct {
	uint64_t bytes;
	char pad[120];
} *moved;

static unsigned int repeat;

static int open_line(const char *name)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDWR);
	if (fd < 0)
		fail(path);

	return fd;
}

static struct ends make_own_pipe(unsigned int pair)
{
	(void)pair;

	return make_pipe();
}

/* Of lines 2 * @pair and 2 * @pair + 1, as a null modem. */
static struct ends make_own_nullmodem(unsigned int pair)
{
	char writer[20], reader[20], far_end[40];
	struct ends ends;

	snprintf(writer, sizeof(writer), "vser%.0u", 2 * pair);
	snprintf(reader, sizeof(reader), "vser%u", 2 * pair + 1);
	snprintf(far_end, sizeof(far_end), "nullmodem:%s", reader);
	set_attr(writer, "wire", far_end);
	set_attr(writer, "pacing", "0");
	set_attr(reader, "pacing", "0");
	ends.writer = open_line(writer);
	ends.reader = open_line(reader);

	return ends;
}

static void write_on(int fd)
{
	for (;;)
		write_all(fd, BLOCK);
}

static void read_on(int fd, unsigned int pair)
{
	ssize_t n;

	for (;;) {
		n = read(fd, block, BLOCK);
		if (n <= 0)
			fail("read");
		__atomic_store_n(&moved[pair].bytes, moved[pair].bytes + n,
				 __ATOMIC_RELAXED);
	}
}

static uint64_t sum(unsigned int pairs)
{
	uint64_t all = 0;

	while (pairs--)
		all += __atomic_load_n(&moved[pairs].bytes, __ATOMIC_RELAXED);

	return all;
}

/* MB per second, of all @pairs together, while they go on. */
static double watch(unsigned int pairs)
{
	struct timespec window = { .tv_nsec = WINDOW_MS * 1000000 };
	uint64_t before = sum(pairs);
	double start = now();

	nanosleep(&window, NULL);

	return (sum(pairs) - before) / (now() - start) / 1e6;
}

static struct sample throughput(struct ends (*make)(unsigned int pair),
				unsigned int pairs)
{
	pid_t children[2 * MAX_PAIRS];
	struct ends ends[MAX_PAIRS];
	double values[MAX_REPEAT] = {};
	unsigned int i;

	for (i = 0; i < 2 * pairs; i++) {
		if (i % 2 == 0)
			ends[i / 2] = make(i / 2);
		children[i] = fork_other();
		if (children[i])
			continue;
		if (i % 2)
			write_on(ends[i / 2].writer);
		else
			read_on(ends[i / 2].reader, i / 2);
	}

	sleep(1);
	for (i = 0; i < repeat; i++)
		values[i] = watch(pairs);

	/* From now on, that they end is no fault. */
	signal(SIGCHLD, SIG_DFL);
	for (i = 0; i < 2 * pairs; i++)
		kill(children[i], SIGKILL);
	for (i = 0; i < 2 * pairs; i++)
		if (waitpid(children[i], NULL, 0) != children[i])
			fail("waitpid");
	for (i = 0; i < pairs; i++)
		close_ends(ends[i]);

	return sample_of(values, repeat);
}

static void print(struct sample sample, double one)
{
	printf("%12.0f%12.2f%12.2f", sample.median, off_percent(sample),
	       sample.median / one);
}

int main(int argc, char **argv)
{
	double one_pipe = 0, one_line = 0;
	struct sample pipes, lines;
	unsigned int pairs, most;
	cpu_set_t cpus;

	repeat = argc == 2 ? atoi(argv[1]) : 20;
	if (argc > 2 || repeat < 1 || repeat > MAX_REPEAT)
		error(2, 0, "Usage: scale [REPEAT]");
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		fail("sched_getaffinity");
	most = CPU_COUNT(&cpus) / 2;
	if (most < 1)
		most = 1;
	if (most > MAX_PAIRS)
		most = MAX_PAIRS;
	moved = mmap(NULL, MAX_PAIRS * sizeof(*moved), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (moved == MAP_FAILED)
		fail("mmap");

	printf("%-8s%36s%36s\n", "", "pipe", "nullmodem");
	printf("%-8s%12s%12s%12s%12s%12s%12s\n", "pairs", "MB/s", "+- %",
	       "times", "MB/s", "+- %", "times");
	for (pairs = 1;; pairs = 2 * pairs < most ? 2 * pairs : most) {
		pipes = throughput(make_own_pipe, pairs);
		lines = throughput(make_own_nullmodem, pairs);
		if (pairs == 1) {
			one_pipe = pipes.median;
			one_line = lines.median;
		}
		printf("%-8u", pairs);
		print(pipes, one_pipe);
		print(lines, one_line);
		printf("\n");
		if (pairs == most)
			break;
	}

	return 0;
}
