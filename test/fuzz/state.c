// SPDX-License-Identifier: GPL-2.0
/* What the calls of a program share. See state.h. */
#define _GNU_SOURCE

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state.h"
#include "tap.h"

#define MAX_FDS		24
#define MAX_MAPPINGS	8
#define MAX_HANDLES	8

static struct {
	int fd;
	enum kind kind;
} fds[MAX_FDS];

static unsigned int nr_fds;
static int first_fd;	/* those below it are not of the program */

static struct mapping mappings[MAX_MAPPINGS];
static unsigned int nr_mappings;

static struct {
	__u64 first;
	__u64 count;
} handles[NR_LABS][MAX_HANDLES];

static unsigned int nr_handles[NR_LABS];

size_t mappable;
volatile bool *slow_step;

/*
 * The arena twice, to be written and only to be read; after each of the two, a page
 * that is not there. All below 4 GiB, for calls that are made as by a 32-bit program.
 */
static char *arena, *read_only;

unsigned int below(__u16 die, unsigned int limit)
{
	return (mix(die) >> 40) % limit;
}

__u64 more(__u16 die)
{
	return mix(die + 0x10000ULL);
}

__u64 any_number(__u16 die)
{
	return mix(die + 0x20000ULL) >> more(die) % 64;
}

__u64 small_number(__u16 die, unsigned int bits)
{
	return (mix(die + 0x20000ULL) & ((1ULL << bits) - 1)) >> more(die) % bits;
}

void state_init(void)
{
	size_t whole = 2 * (ARENA_SIZE + PAGE);
	int fd = memfd_create("arena", MFD_CLOEXEC);
	char *start;

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, ARENA_SIZE), 0);
	start = mmap(NULL, whole, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	CHECK(start != MAP_FAILED);
	arena = mmap(start, ARENA_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, fd, 0);
	CHECK(arena == start);
	read_only = mmap(start + ARENA_SIZE + PAGE, ARENA_SIZE, PROT_READ,
			 MAP_SHARED | MAP_FIXED, fd, 0);
	CHECK(read_only == start + ARENA_SIZE + PAGE);
	/* What is opened from now on has higher numbers: no lower one is free. */
	do
		first_fd = dup(fd);
	while (first_fd < fd);
}

void state_clear(void)
{
	unsigned int i;

	for (i = 0; i < nr_mappings; i++)
		munmap(mappings[i].start, mappings[i].length);
	close_range(first_fd, ~0U, 0);
	nr_fds = 0;
	nr_mappings = 0;
	memset(nr_handles, 0, sizeof(nr_handles));
	mappable = 0;
}

void keep_fd(int fd, enum kind kind)
{
	if (fd < first_fd)
		return;
	if (nr_fds == MAX_FDS) {
		close(fd);
		return;
	}
	fds[nr_fds].fd = fd;
	fds[nr_fds++].kind = kind;
}

int pick_fd(__u16 die, enum kind kind)
{
	unsigned int of_kind[MAX_FDS], n = 0, how = below(die, 32), i;

	for (i = 0; i < nr_fds; i++)
		if (fds[i].kind == kind)
			of_kind[n++] = i;
	if (!how || !nr_fds)
		return -1;
	if (how == 1 || !n)
		return fds[more(die) % nr_fds].fd;
	if (how < 12)
		return fds[of_kind[more(die) % n]].fd;

	return fds[of_kind[n - 1]].fd;
}

void keep_mapping(void *start, size_t length)
{
	if (nr_mappings == MAX_MAPPINGS) {
		munmap(start, length);
		return;
	}
	mappings[nr_mappings++] = (struct mapping) { start, length };
}

struct mapping *pick_mapping(__u16 die)
{
	return nr_mappings ? &mappings[below(die, nr_mappings)] : NULL;
}

void keep_handles(enum lab lab, __u64 first, __u64 count)
{
	unsigned int i = nr_handles[lab]++ % MAX_HANDLES;

	handles[lab][i].first = first;
	handles[lab][i].count = count;
}

__u64 pick_handle(enum lab lab, __u16 die)
{
	unsigned int n = nr_handles[lab], how = below(die, 32), i;

	if (n > MAX_HANDLES)
		n = MAX_HANDLES;
	if (!how)
		return any_number(die);
	if (how == 1 || !n)
		return more(die) % 3;
	/* One that was given, or the one after the last of a row. */
	i = how < 12 ? more(die) % n : (nr_handles[lab] - 1) % MAX_HANDLES;

	return handles[lab][i].first +
	       (more(die) >> 32) % (handles[lab][i].count + (how == 2));
}

void *good_pointer(void)
{
	return arena;
}

void *bad_pointer(void)
{
	return arena + ARENA_SIZE;
}

void *pick_pointer(__u16 die, size_t n, void **content)
{
	char *end = arena + ARENA_SIZE;
	size_t offset = 0;

	/* Where the kernel is not to find it, it is put all the same. */
	*content = arena;
	switch (below(die, 64)) {
	case 0:
		return NULL;
	case 1:
		return end;
	case 2:
		return read_only;
	case 3:		/* half of it is there */
		*content = end - n;
		return end - n / 2;
	case 4:		/* the kernel's */
		return (void *)0xffff888000000000;
	case 5:
		return (void *)(UINTPTR_MAX - n / 2);
	case 6:
		offset = 1 + more(die) % 7;
		break;
	case 7:		/* all of it, up to the end */
		*content = end - n;
		return end - n;
	default:
		break;
	}
	*content = arena + offset;

	return *content;
}

__u64 pick_count(__u16 die, __u64 least, __u64 bound, __u64 most)
{
	__u64 number = any_number(die);

	if (die < 6 && most > bound) {
		*slow_step = true;
		return bound + 1 + more(die) % (most - bound);
	}
	switch (below(die, 40)) {
	case 0:
		return 0;
	case 1:
		return most + 1;
	case 2:
		return number <= bound || number > most ? number : most + number;
	case 3:
		return bound;
	case 4:
		return least;
	default:
		return least + number % (bound - least + 1);
	}
}
