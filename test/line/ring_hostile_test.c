// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that do not keep to the rules of the rings that they share with the
 * kernel: indices that cannot be, memory that others write to or that goes away
 * while bytes are moved. Nothing breaks but their own data.
 */
#define _GNU_SOURCE

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"
#include "wire.h"

FRESH_LINES(2)

#define PAGE		4096
#define SIZE		(4 * PAGE)	/* of each ring */
#define SECONDS		3		/* that they go on */
#define IN		(POLLIN | POLLRDNORM)
#define OUT		(POLLOUT | POLLWRNORM)

static struct ring open_ring(int fd)
{
	struct ring ring;

	CHECK_EQ(ring_open(&ring, fd, SIZE, SIZE), 0);

	return ring;
}

/* How far an index is off that says that the ring holds more than its size. */
static const __u32 impossible[] = {
	SIZE + 1, SIZE + 2, 2 * SIZE, 0x10000, 0x7fffffff, 0x80000000,
	0x80000001, 0xfffff000, 0xfffffffe, 0xffffffff,
};

/* An index starts somewhere near the end, or, with this, after it. */
static const __u32 moved_on[] = { 0, 1, PAGE, PAGE + 1, SIZE };

/* So many bytes go round the loopback. */
static void move_on(int fd, struct ring *ring, __u32 n)
{
	char bytes[SIZE];

	CHECK_EQ(ring_put(ring, bytes, n), n);
	CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
	CHECK_EQ(ring_get(ring, bytes, SIZE), n);
}

TEST(tx_in, "an impossible index of the tx ring is EPROTO, and nothing is sent")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd);
	__u64 written = 0;
	char bytes[SIZE];
	char row[80];
	size_t i, j;
	__u32 was;

	for (i = 0; i < ARRAY_SIZE(moved_on); i++) {
		move_on(fd, &ring, moved_on[i]);
		written += moved_on[i];
		was = ring.page->tx_out;
		CHECK_EQ(was, ring.tx_in);
		for (j = 0; j < ARRAY_SIZE(impossible); j++) {
			snprintf(row, sizeof(row), "%#x and %#x", was,
				 impossible[j]);
			tap_row(row);
			ring.page->tx_in = was + impossible[j];
			CHECK_ERR(ioctl(fd, VS_SYNC_RING), EPROTO);
			CHECK_EQ(poll_now(fd, IN | OUT), POLLERR);
			CHECK_ERR(fsync(fd), EPROTO);
			CHECK_EQ(ring.page->tx_out, was);
			CHECK_EQ(stat_of(0, "tx_written"), written);
			/* The other direction is not affected. */
			CHECK_EQ(write(fd, "x", 1), 1);
			written++;
			CHECK_ERR(ioctl(fd, VS_SYNC_RING), EPROTO);
			CHECK_EQ(ring_get(&ring, bytes, 2), 1);
		}
		ring.page->tx_in = ring.tx_in;
	}
	/* Mended, it goes on. */
	CHECK_EQ(ring_put(&ring, "y", 1), 1);
	CHECK_EQ(poll_now(fd, IN | OUT), IN | OUT);
	CHECK_EQ(ring_get(&ring, bytes, SIZE), 1);
	CHECK_EQ(bytes[0], 'y');
	check_line_books(0);
}

TEST(rx_out, "an impossible index of the rx ring is EPROTO, and nothing is received")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd);
	__u64 delivered = 0;
	char bytes[SIZE];
	char row[80];
	size_t i, j;
	__u32 was;

	for (i = 0; i < ARRAY_SIZE(moved_on); i++) {
		move_on(fd, &ring, moved_on[i]);
		delivered += moved_on[i];
		was = ring.page->rx_in;
		CHECK_EQ(was, ring.rx_out);
		for (j = 0; j < ARRAY_SIZE(impossible); j++) {
			snprintf(row, sizeof(row), "%#x and %#x", was,
				 impossible[j]);
			tap_row(row);
			ring.page->rx_out = was - impossible[j];
			/* It is sent, and waits. */
			CHECK_EQ(ring_put(&ring, "x", 1), 1);
			CHECK_ERR(ioctl(fd, VS_SYNC_RING), EPROTO);
			CHECK_EQ(poll_now(fd, IN | OUT), POLLERR | OUT);
			CHECK_EQ(ring.page->rx_in, was);
			CHECK_EQ(rx_queued(fd), j + 1);
			CHECK_EQ(stat_of(0, "rx_delivered"), delivered);
		}
		ring.page->rx_out = ring.rx_out;
		/* Mended, it goes on. */
		CHECK_EQ(poll_now(fd, IN | OUT), IN | OUT);
		CHECK_EQ(ring_get(&ring, bytes, SIZE), j);
		delivered += j;
		CHECK_EQ(bytes[0], 'x');
	}
	check_line_books(0);
}

TEST(possible, "an index that says too little or too much costs bytes of the process")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd);
	char bytes[SIZE];

	/* Bytes that it has not put there. */
	ring.page->tx_in += SIZE;
	ring.tx_in += SIZE;
	CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
	CHECK_EQ(ring_used(&ring), SIZE);
	/* Those that it has taken are there again: rx is full. */
	CHECK_EQ(ring_get(&ring, bytes, 100), 100);
	ring.page->rx_out -= 100;
	CHECK_EQ(write(fd, bytes, 100), 100);
	CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
	CHECK_EQ(rx_queued(fd), 100);
	check_line_books(0);
}

TEST(indices_of_the_kernel, "what is written over the kernel's indices does not matter")
{
	static const __u32 values[] = {
		0, 1, PAGE, SIZE, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff
	};
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd);
	__u8 bytes[100], got[100];
	__u32 at = VSER_RING_START;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		for (j = 0; j < ARRAY_SIZE(values); j++) {
			ring.page->rx_in = values[i];
			ring.page->tx_out = values[j];
			fill_row(bytes, at, sizeof(bytes));
			memcpy(ring.tx + at % SIZE, bytes,
			       ring_min(sizeof(bytes), SIZE - at % SIZE));
			if (SIZE - at % SIZE < sizeof(bytes))
				memcpy(ring.tx, bytes + (SIZE - at % SIZE),
				       sizeof(bytes) - (SIZE - at % SIZE));
			at += sizeof(bytes);
			ring_store(&ring.page->tx_in, at);
			CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
			CHECK_EQ(ring.page->rx_in, at);
			CHECK_EQ(ring.page->tx_out, at);
			CHECK_EQ(ring_get(&ring, got, SIZE), sizeof(got));
			CHECK(!memcmp(bytes, got, sizeof(got)));
		}
	check_line_books(0);
}

/* Processes that go on for some seconds */

static __u64 end;

static void begin(void)
{
	end = now_ns() + SECONDS * NSEC_PER_SEC;
}

static bool go_on(void)
{
	return now_ns() < end;
}

/* An index: sometimes anything, mostly one that may just be possible. */
static __u32 nasty(__u32 near)
{
	if (random() % 4)
		return near + random() % (2 * SIZE) - SIZE / 2;

	return random() % 2 ? (__u32)random() * 2 : impossible[random() % 10];
}

/*
 * Writes all over the indices, and now and then over the rest. What the kernel
 * had written there is put back: an index that is far off moves nothing.
 */
static void scribble(struct ring *ring)
{
	volatile struct vser_ring_page *page = ring->page;
	__u32 rx_in, tx_out;
	int i;

	srandom(getpid());
	for (i = 0; go_on(); i++) {
		rx_in = page->rx_in;
		tx_out = page->tx_out;
		if (i % 1000 == 0) {
			memset(ring->page, random(), ring->length);
		} else if (i % 8 == 0) {
			page->tx_out = nasty(tx_out);
			page->rx_in = nasty(rx_in);
		}
		page->tx_in = nasty(tx_out);
		page->rx_out = nasty(rx_in - SIZE / 2);
		if (i % 8 == 0) {
			page->tx_out = tx_out;
			page->rx_in = rx_in;
		}
	}
}

/* Has the kernel move bytes between rings that are not to be trusted. */
static void sync_and_poll(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = IN | OUT };

	while (go_on()) {
		CHECK(!ioctl(fd, VS_SYNC_RING) || errno == EPROTO);
		CHECK(poll(&pollfd, 1, 0) >= 0);
		CHECK(!(pollfd.revents & ~(IN | OUT | POLLERR)));
	}
}

static pid_t start_scribbler(struct ring *ring)
{
	pid_t pid;

	CHILD(pid)
		scribble(ring);

	return pid;
}

static pid_t start(void (*run)(int fd), int fd)
{
	pid_t pid;

	CHILD(pid)
		run(fd);

	return pid;
}

/*
 * The other end of a line whose program is hostile: what it writes gets there,
 * and what comes from there is read, whatever it is.
 */
static void use_other_end(int fd)
{
	char bytes[5000] = "";

	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while (go_on()) {
		CHECK(write(fd, bytes, random() % sizeof(bytes)) >= 0 ||
		      errno == EAGAIN);
		CHECK(read(fd, bytes, sizeof(bytes)) > 0 || errno == EAGAIN);
	}
}

static void check_hostile(int fd, int other, bool both)
{
	struct ring ring = open_ring(fd), ring_of_other;
	pid_t pids[6];
	size_t n = 0;

	begin();
	pids[n++] = start_scribbler(&ring);
	pids[n++] = start(sync_and_poll, fd);
	pids[n++] = start(sync_and_poll, fd);
	if (both) {
		ring_of_other = open_ring(other);
		pids[n++] = start_scribbler(&ring_of_other);
		pids[n++] = start(sync_and_poll, other);
	} else {
		pids[n++] = start(use_other_end, other);
	}
	while (n--)
		check_child(pids[n]);
	printf("# %llu bytes sent, %llu received\n", stat_of(0, "tx_sent"),
	       stat_of(0, "rx_delivered"));
	CHECK(stat_of(0, "tx_sent"));
	CHECK(stat_of(0, "rx_delivered"));

	/* So that nothing moves any more. */
	CHECK_EQ(ioctl(fd, TCFLSH, TCIOFLUSH), 0);
	CHECK_EQ(ioctl(other, TCFLSH, TCIOFLUSH), 0);
	check_line_books(0);
	check_line_books(1);
}

TEST_WITHIN(scribbler, 60, "who scribbles over his indices harms nobody at the other end")
{
	struct pair pair = open_pair(O_RDWR);

	check_hostile(pair.a, pair.b, false);
}

TEST_WITHIN(scribblers, 60, "nor do two who do so at both ends")
{
	struct pair pair = open_pair(O_RDWR);

	check_hostile(pair.a, pair.b, true);
}

TEST_WITHIN(scribbler_paced, 60, "nor does he on a line that is paced and has faults")
{
	struct pair pair = open_pair(O_RDWR);

	set_attr(0, "pacing", "1");
	set_attr(1, "pacing", "1");
	set_attr(0, "baud", "4000000");
	set_attr(1, "baud", "4000000");
	set_attr(0, "fault", "drop=1000 dup=1000 bit=1000 break=100");
	check_hostile(pair.a, pair.b, false);
}

TEST_WITHIN(innocent, 60, "nor does he harm who has the same line open, and his own rings")
{
	struct ring hostile, ring;
	__u8 bytes[1000], got[1000];
	int fds[2], i = 0;
	pid_t pids[2];

	set_attr(0, "exclusive", "0");
	wire_line(0, "open");
	set_attr(0, "pacing", "0");
	fds[0] = open_line(O_RDWR);
	fds[1] = open_line(O_RDWR);
	hostile = open_ring(fds[0]);
	ring = open_ring(fds[1]);
	begin();
	pids[0] = start_scribbler(&hostile);
	pids[1] = start(sync_and_poll, fds[0]);
	for (; go_on(); i++) {
		fill_row(bytes, i, sizeof(bytes));
		CHECK_EQ(ring_put(&ring, bytes, sizeof(bytes)), sizeof(bytes));
		/* It leaves these alone until it is told to move them. */
		CHECK_EQ(ring_room(&ring), SIZE - sizeof(bytes));
		CHECK_EQ(ioctl(fds[1], VS_SYNC_RING), 0);
		CHECK_EQ(ring_room(&ring), SIZE);
		CHECK_EQ(ring_get(&ring, got, sizeof(got)), 0);
	}
	check_child(pids[0]);
	check_child(pids[1]);
	check_line_books(0);
}

/* Memory that comes and goes */

TEST_WITHIN(unmapping, 60, "rings may be mapped and unmapped while bytes are moved")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd);
	pid_t pids[2];
	char *memory;

	begin();
	pids[0] = start(sync_and_poll, fd);
	CHILD(pids[1])
		while (go_on()) {
			memory = mmap(NULL, ring.length, PROT_READ | PROT_WRITE,
				      MAP_SHARED, fd, 0);
			CHECK(memory != MAP_FAILED);
			memory[PAGE + 1] = 1;
			CHECK_EQ(munmap(memory + PAGE, PAGE), 0);
			CHECK_EQ(munmap(memory, ring.length), 0);
		}
	while (go_on()) {
		ring.page->tx_in = ring_load(&ring.page->tx_out) + 1000;
		ring.page->rx_out = ring_load(&ring.page->rx_in);
	}
	check_child(pids[0]);
	check_child(pids[1]);
	CHECK(stat_of(0, "rx_delivered"));
	check_line_books(0);
}

TEST(thrown_away, "who throws his pages away gets SIGBUS, and the line goes on")
{
	int fd = open_loopback(O_RDWR), status;
	struct ring ring = open_ring(fd);
	char got[100];
	pid_t child;

	CHILD(child) {
		if (!madvise(ring.page, ring.length, MADV_DONTNEED))
			*(volatile __u32 *)&ring.page->tx_in += 1;
		/* Some kernels keep them. */
		raise(SIGBUS);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	CHECK_EQ(ring_put(&ring, "abc", 3), 3);
	CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
	CHECK_EQ(ring_get(&ring, got, sizeof(got)), 3);
}

TEST(other_ways, "other ways to the memory reach what is in it, and no more")
{
	int fd = open_loopback(O_RDWR), mem;
	struct ring ring = open_ring(fd);
	char *first = ring.tx + VSER_RING_START % SIZE;
	__u32 index = VSER_RING_START + 3;
	char bytes[PAGE] = "";

	/* As a debugger does it. */
	mem = open_path("/proc/self/mem", O_RDWR);
	CHECK_EQ(pwrite(mem, "abc", 3, (size_t)first), 3);
	CHECK_EQ(pwrite(mem, &index, sizeof(index), (size_t)&ring.page->tx_in),
		 sizeof(index));
	/* Out of the ring, into the same ring. */
	CHECK_EQ(write(fd, first, 3), 3);
	CHECK_EQ(read(fd, first + 3, 3), 3);
	CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
	CHECK_EQ(pread(mem, bytes, 6, (size_t)first), 6);
	CHECK(!memcmp(bytes, "abcabc", 6));
	CHECK_EQ(ring_get(&ring, bytes, sizeof(bytes)), 3);
	CHECK(!memcmp(bytes, "abc", 3));
}

TEST(lent, "pages that a pipe still holds outlive the rings")
{
	int fd = open_loopback(O_RDWR), fds[2], i;
	struct ring ring = open_ring(fd);
	struct iovec pages = { ring.tx, SIZE };
	char bytes[SIZE];

	memset(ring.tx, 'x', SIZE);
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(vmsplice(fds[1], &pages, 1, 0), SIZE);
	CHECK_EQ(munmap(ring.page, ring.length), 0);
	close(fd);
	/* Others get new memory meanwhile. */
	for (i = 0; i < 10; i++) {
		fd = open_line(O_RDWR);
		ring = open_ring(fd);
		memset(ring.page, 'y', ring.length);
		munmap(ring.page, ring.length);
		close(fd);
	}
	CHECK_EQ(read(fds[0], bytes, SIZE), SIZE);
	for (i = 0; i < SIZE; i++)
		CHECK_EQ(bytes[i], 'x');
}
