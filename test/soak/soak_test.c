// SPDX-License-Identifier: GPL-2.0
/*
 * A soak: for TEST_SOAK seconds, in rounds, a crowd uses 16 lines with faults,
 * and hoarders every allocator, while a program takes most of the memory. After
 * each round the books balance and nothing is held; at the end, the kernel uses
 * no more memory than it did.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "crowd.h"
#include "mem.h"

#define HOARDERS	3
#define ROUND		15	/* seconds */
#define MAX_ROUNDS	1000

FRESH_LINES(CROWD_LINES)

static unsigned int any(unsigned int below)
{
	return (unsigned int)rand() % below;
}

static unsigned int seconds(void)
{
	const char *text = getenv("TEST_SOAK");

	return text ? atoi(text) : 3 * ROUND;
}

/* Allocates some objects of any kind, and frees every other one, or all there are. */
static void hoard(int fd)
{
	struct mem_alloc request = mem_request(fd, 1 + any(MEM_NR_ALLOCATORS));
	struct mem_free half = { .stride = 2 };
	struct mem_free all = { .flags = MEM_FREE_ALL };
	int error;

	request.flags = MEM_ALLOC_PARTIAL;
	request.count = 1 + any(200);
	error = ioctl(fd, MEM_ALLOC, &request) ? errno : 0;
	/* The last two: a debug cache, and what can only be measured. */
	CHECK(!error || error == ENOMEM || error == EDQUOT || error == EBUSY ||
	      error == ENODEV || error == EINVAL);
	if (error == ENOMEM || error == EDQUOT) {
		CHECK(!ioctl(fd, MEM_FREE, &all) || errno == ENOENT);
	} else if (!error) {
		half.handle = request.handle;
		half.count = request.count;
		CHECK_EQ(ioctl(fd, MEM_FREE, &half), 0);
	}
}

/* Touches most of what is free, so that the kernel has to look for memory. */
static void press(void)
{
	struct sysinfo info;
	size_t size;
	void *at;

	CHECK_EQ(sysinfo(&info), 0);
	size = (size_t)info.freeram * info.mem_unit / 4 * 3;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return;
	memset(at, 1, size);
	usleep(200000);
	CHECK_EQ(munmap(at, size), 0);
	usleep(200000);
}

static void run_round(unsigned int seed)
{
	__u64 end = now_ns() + ROUND * NSEC_PER_SEC;
	pid_t pids[HOARDERS + 1];
	unsigned int i;
	int fd;

	crowd_start(CROWD_LINES, ROUND, seed);
	for (i = 0; i < HOARDERS; i++)
		CHILD(pids[i]) {
			srand(seed + i);
			fd = open_line(CONTROL_ONLY);
			while (now_ns() < end)
				hoard(fd);
		}
	CHILD(pids[HOARDERS])
		while (now_ns() < end)
			press();
	for (i = 0; i <= HOARDERS; i++)
		check_child(pids[i]);
	crowd_wait();
	crowd_check_books();
	fd = open_mem();
	check_nothing_held(fd);
	close(fd);
}

TEST_WITHIN(soak, 24 * 3600, "books balance and memory stays as it is, all the time")
{
	static struct usage after[MAX_ROUNDS];
	unsigned int rounds = 1 + seconds() / ROUND, i;

	CHECK(rounds <= MAX_ROUNDS);
	close(open_mem());
	for (i = 0; i < rounds; i++) {
		run_round(1000 * i);
		after[i] = kernel_usage();
		printf("# round %u of %u: slab %ld KiB, vmalloc %ld KiB, per-CPU %ld KiB\n",
		       i + 1, rounds, after[i].slab, after[i].vmalloc,
		       after[i].percpu);
	}
	/* The first one fills the caches. */
	if (rounds >= 3 && !exists("/sys/kernel/debug/kmemleak"))
		check_no_growth(&after[0], &after[rounds / 2],
				&after[rounds - 1], 512);
	CHECK_EQ(try_unload_mem(), 0);
}
