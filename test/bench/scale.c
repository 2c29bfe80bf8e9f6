// SPDX-License-Identifier: GPL-2.0
/*
 * Do pairs of processes get in each other's way, who use lines (or pipes) of their
 * own? One pair, two, four and so on write and read for a while, each through its
 * own null modem, without pacing; what all move together would double with the
 * number of pairs, as long as there are CPUs. Meant for real hardware ("make bench
 * NATIVE=1"): in virtual time there is one CPU.
 *
 * Usage: scale
 * Two lines have to be there for each two CPUs.
 */
#define _GNU_SOURCE

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "channel.h"

#define BLOCK		4096
#define SECONDS		2
#define MAX_PAIRS	64

/* What each reader has read; a cache line each, so as not to be what is measured. */
static struct {
	uint64_t bytes;
	char pad[120];
} *moved;

static struct ends make_own_pipe(unsigned int pair)
{
	(void)pair;

	return make_pipe();
}

/* Of lines 2n and 2n + 1. */
static struct ends make_own_nullmodem(unsigned int pair)
{
	char here[20], there[20], path[40], wire[40];
	struct ends ends;

	snprintf(here, sizeof(here), "vser%.0u", 2 * pair);
	snprintf(there, sizeof(there), "vser%u", 2 * pair + 1);
	snprintf(wire, sizeof(wire), "nullmodem:%s", there);
	set_attr(here, "wire", wire);
	set_attr(here, "pacing", "0");
	set_attr(there, "pacing", "0");
	snprintf(path, sizeof(path), "/dev/%s", here);
	ends.writer = open(path, O_RDWR);
	snprintf(path, sizeof(path), "/dev/%s", there);
	ends.reader = open(path, O_RDWR);
	if (ends.writer < 0 || ends.reader < 0)
		fail(path);

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

/* Bytes per second, of all pairs together. */
static double throughput(struct ends (*make)(unsigned int pair), unsigned int pairs)
{
	pid_t children[2 * MAX_PAIRS];
	struct ends ends[MAX_PAIRS];
	uint64_t before;
	double start, rate;
	unsigned int i;
	int status;

	for (i = 0; i < 2 * pairs; i++) {
		if (i % 2 == 0)
			ends[i / 2] = make(i / 2);
		children[i] = fork();
		if (children[i] < 0)
			fail("fork");
		if (children[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (i % 2)
			write_on(ends[i / 2].writer);
		else
			read_on(ends[i / 2].reader, i / 2);
	}

	sleep(1);
	before = sum(pairs);
	start = now();
	sleep(SECONDS);
	rate = (sum(pairs) - before) / (now() - start);

	for (i = 0; i < 2 * pairs; i++)
		kill(children[i], SIGKILL);
	for (i = 0; i < 2 * pairs; i++)
		if (waitpid(children[i], &status, 0) != children[i] ||
		    !WIFSIGNALED(status))
			error(EXIT_FAILURE, 0, "another process failed");
	for (i = 0; i < pairs; i++)
		close_ends(ends[i]);

	return rate;
}

int main(void)
{
	double pipes, lines, one_pipe = 0, one_line = 0;
	unsigned int pairs, most = 1;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		fail("sched_getaffinity");
	if (CPU_COUNT(&cpus) / 2 > 1)
		most = CPU_COUNT(&cpus) / 2;
	if (most > MAX_PAIRS)
		most = MAX_PAIRS;
	moved = mmap(NULL, MAX_PAIRS * sizeof(*moved), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (moved == MAP_FAILED)
		fail("mmap");

	printf("%-12s%24s%24s\n", "", "pipe", "nullmodem");
	printf("%-12s%12s%12s%12s%12s\n", "pairs", "MB/s", "times", "MB/s", "times");
	for (pairs = 1; pairs <= most; pairs *= 2) {
		pipes = throughput(make_own_pipe, pairs);
		lines = throughput(make_own_nullmodem, pairs);
		if (pairs == 1) {
			one_pipe = pipes;
			one_line = lines;
		}
		printf("%-12u%12.0f%12.2f%12.0f%12.2f\n", pairs, pipes / 1e6,
		       pipes / one_pipe, lines / 1e6, lines / one_line);
	}

	return 0;
}
