/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a program uses the rings of vser.h: the example program, the tests and the
 * benchmark have this in common, and other programs are welcome to it.
 *
 * A ring has one user in the program. Who puts bytes into the tx ring, or has
 * taken some from a full rx ring, has to call poll() on the line, for whatever
 * events, or VS_SYNC_RING, at the latest before he waits for anything.
 */
#ifndef RING_H
#define RING_H

#include <linux/types.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vser.h"

/* Our own two indices are kept here, too: nobody else changes them. */
struct ring {
	struct vser_ring_page *page;
	size_t length;
	char *rx;
	char *tx;
	__u32 rx_size;
	__u32 tx_size;
	__u32 rx_out;
	__u32 tx_in;
};

/*
 * Gives an open file rings of these sizes, and maps them. The file must not have
 * been mapped before. Returns 0, or -1 and an errno.
 */
static inline int ring_open(struct ring *ring, int fd, __u32 rx_size,
			    __u32 tx_size)
{
	struct vser_ring set = { .rx_size = rx_size, .tx_size = tx_size };
	char *memory;

	if (ioctl(fd, VS_SET_RING, &set))
		return -1;
	memory = mmap(NULL, set.length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -1;

	*ring = (struct ring) {
		.page = (void *)memory,
		.length = set.length,
		.rx = memory + set.rx_offset,
		.tx = memory + set.tx_offset,
		.rx_size = rx_size,
		.tx_size = tx_size,
		.rx_out = VSER_RING_START,
		.tx_in = VSER_RING_START,
	};

	return 0;
}

static inline __u32 ring_load(__u32 *index)
{
	return atomic_load_explicit((atomic_uint *)index, memory_order_acquire);
}

static inline void ring_store(__u32 *index, __u32 value)
{
	atomic_store_explicit((atomic_uint *)index, value, memory_order_release);
}

/* How many bytes the rx ring holds. */
static inline __u32 ring_used(struct ring *ring)
{
	/* The kernel has stored the bytes before the index. */
	return ring_load(&ring->page->rx_in) - ring->rx_out;
}

/* How many bytes the tx ring has room for. */
static inline __u32 ring_room(struct ring *ring)
{
	/* The kernel has read the bytes before it stored the index. */
	return ring->tx_size - (ring->tx_in - ring_load(&ring->page->tx_out));
}

static inline __u32 ring_min(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* Takes up to @n bytes from the rx ring; returns how many. */
static inline __u32 ring_get(struct ring *ring, void *to, __u32 n)
{
	__u32 at = ring->rx_out & (ring->rx_size - 1), first;

	n = ring_min(n, ring_used(ring));
	first = ring_min(n, ring->rx_size - at);
	memcpy(to, ring->rx + at, first);
	if (first < n)
		memcpy((char *)to + first, ring->rx, n - first);
	/* Now the kernel may overwrite them. */
	ring->rx_out += n;
	ring_store(&ring->page->rx_out, ring->rx_out);

	return n;
}

/* Puts up to @n bytes into the tx ring; returns how many. */
static inline __u32 ring_put(struct ring *ring, const void *from, __u32 n)
{
	__u32 at = ring->tx_in & (ring->tx_size - 1), first;

	n = ring_min(n, ring_room(ring));
	first = ring_min(n, ring->tx_size - at);
	memcpy(ring->tx + at, from, first);
	if (first < n)
		memcpy(ring->tx, (const char *)from + first, n - first);
	/* Now the kernel may take them. */
	ring->tx_in += n;
	ring_store(&ring->page->tx_in, ring->tx_in);

	return n;
}

#endif /* RING_H */
