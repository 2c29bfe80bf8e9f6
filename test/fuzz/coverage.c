// SPDX-License-Identifier: GPL-2.0
/*
 * Which parts of the modules a process runs through, as KCOV tells: for each basic
 * block the address where it calls the kernel to say so. Only the modules are built
 * to do this. See Documentation/dev-tools/kcov.rst of the kernel.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "fuzz.h"
#include "tap.h"

#define KCOV_INIT_TRACE	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_TRACE_PC	0

#define NR_NOTES	(1 << 16)	/* words; what comes then is lost */
#define NR_PLACES	(1 << 16)	/* many more than there are */
#define NR_EDGES	(1 << 20)

/* A table of addresses, with open addressing, and one bit for each edge. */
static struct {
	__u64 place[NR_PLACES];
	__u8 edge[NR_EDGES / 8];
	unsigned int nr_places;
	unsigned int nr_edges;
} *seen;

/* The first word is how many there are. */
static __u64 *notes;

void coverage_init(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(seen != MAP_FAILED);
}

void coverage_start(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	CHECK_EQ(ioctl(fd, KCOV_INIT_TRACE, NR_NOTES), 0);
	notes = mmap(NULL, NR_NOTES * sizeof(*notes), PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	CHECK(notes != MAP_FAILED);
	CHECK_EQ(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC), 0);
}

bool coverage_is_on(void)
{
	return notes;
}

void coverage_reset(void)
{
	if (notes)
		__atomic_store_n(&notes[0], 0, __ATOMIC_RELAXED);
}

static void note_place(__u64 place)
{
	unsigned int i = mix(place) % NR_PLACES;

	while (seen->place[i] && seen->place[i] != place)
		i = (i + 1) % NR_PLACES;
	if (seen->place[i])
		return;
	seen->place[i] = place;
	seen->nr_places++;
}

bool coverage_is_new(void)
{
	__u64 count = notes ? __atomic_load_n(&notes[0], __ATOMIC_RELAXED) : 0;
	__u64 before = 0, i;
	bool new = false;

	for (i = 1; i <= count; i++) {
		__u64 edge = mix(notes[i] ^ before << 1) % NR_EDGES;
		__u8 bit = 1 << edge % 8;

		before = notes[i];
		if (seen->edge[edge / 8] & bit)
			continue;
		seen->edge[edge / 8] |= bit;
		seen->nr_edges++;
		note_place(notes[i]);
		new = true;
	}

	return new;
}

unsigned int coverage_places(void)
{
	return seen->nr_places;
}

unsigned int coverage_edges(void)
{
	return seen->nr_edges;
}
