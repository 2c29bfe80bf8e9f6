// SPDX-License-Identifier: GPL-2.0
/*
 * Rings that an open file shares with its process: how they are set up and
 * mapped, that every byte gets through them, what poll() says of them and whom
 * it wakes up. ring_hostile_test.c has processes that do not keep to the rules.
 */
#define _GNU_SOURCE

#include <asm/termbits.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring.h"
#include "wire.h"

FRESH_LINES(2)

#define PAGE		4096
#define FOREVER		(-1)
#define IN		(POLLIN | POLLRDNORM)
#define OUT		(POLLOUT | POLLWRNORM)
#define RW		(PROT_READ | PROT_WRITE)

static struct ring open_ring(int fd, __u32 rx_size, __u32 tx_size)
{
	struct ring ring;

	CHECK_EQ(ring_open(&ring, fd, rx_size, tx_size), 0);

	return ring;
}

static void sync_ring(int fd)
{
	CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
}

/* Puts that part of the row into the tx ring, which has room for it. */
static void put_row(struct ring *ring, __u64 at, size_t n)
{
	static __u8 bytes[VSER_RING_MAX];

	fill_row(bytes, at, n);
	CHECK_EQ(ring_put(ring, bytes, n), n);
}

/* Takes that part of the row from the rx ring. */
static void get_row(struct ring *ring, __u64 at, size_t n)
{
	static __u8 bytes[VSER_RING_MAX], wanted[VSER_RING_MAX];

	CHECK_EQ(ring_get(ring, bytes, n), n);
	fill_row(wanted, at, n);
	CHECK(!memcmp(bytes, wanted, n));
}

/* Setting up */

TEST(abi, "the revision of the interface tells that there are rings")
{
	struct vser_info info;

	CHECK_EQ(ioctl(open_line(CONTROL_ONLY), VS_GET_INFO, &info), 0);
	CHECK_EQ(info.abi, VSER_ABI);
	CHECK(VSER_ABI >= 2);
}

TEST(layout, "the layout is the same for every program")
{
	CHECK_EQ(sizeof(struct vser_ring), 32);
	CHECK_EQ(offsetof(struct vser_ring, length), 16);
	CHECK_EQ(sizeof(struct vser_ring_page), 256);
	CHECK_EQ(offsetof(struct vser_ring_page, rx_out), 64);
	CHECK_EQ(offsetof(struct vser_ring_page, tx_in), 128);
	CHECK_EQ(offsetof(struct vser_ring_page, tx_out), 192);
	CHECK_EQ(VS_SET_RING, 0xc020730e);
	CHECK_EQ(VS_SYNC_RING, 0x730f);
}

static const struct {
	const char *name;
	__u32 rx;
	__u32 tx;
} valid_sizes[] = {
	{ "the least", PAGE, PAGE },
	{ "rx alone", PAGE, 0 },
	{ "tx alone", 0, PAGE },
	{ "rx is smaller", PAGE, 65536 },
	{ "tx is smaller", 65536, 2 * PAGE },
	{ "the most", VSER_RING_MAX, VSER_RING_MAX },
};

TEST(sizes, "rings are where and as long as VS_SET_RING says, and empty")
{
	static const __u8 zeros[VSER_RING_MAX];
	struct vser_ring set;
	struct ring ring;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(valid_sizes); i++) {
		tap_row(valid_sizes[i].name);
		fd = open_line(O_RDWR);
		memset(&set, 0xff, sizeof(set));
		set.rx_size = valid_sizes[i].rx;
		set.tx_size = valid_sizes[i].tx;
		set.reserved = 0;
		CHECK_EQ(ioctl(fd, VS_SET_RING, &set), 0);
		CHECK_EQ(set.rx_size, valid_sizes[i].rx);
		CHECK_EQ(set.tx_size, valid_sizes[i].tx);
		CHECK_EQ(set.rx_offset, set.rx_size ? PAGE : 0);
		CHECK_EQ(set.tx_offset, set.tx_size ? PAGE + set.rx_size : 0);
		CHECK_EQ(set.length, PAGE + set.rx_size + set.tx_size);
		close(fd);

		fd = open_line(O_RDWR);
		ring = open_ring(fd, set.rx_size, set.tx_size);
		CHECK_EQ(ring.page->rx_in, VSER_RING_START);
		CHECK_EQ(ring.page->rx_out, VSER_RING_START);
		CHECK_EQ(ring.page->tx_in, VSER_RING_START);
		CHECK_EQ(ring.page->tx_out, VSER_RING_START);
		CHECK(!memcmp(ring.page + 1, zeros, PAGE - sizeof(*ring.page)));
		CHECK(!memcmp((char *)ring.page + PAGE, zeros, set.rx_size));
		CHECK(!memcmp((char *)ring.page + PAGE + set.rx_size, zeros,
			      set.tx_size));
		CHECK_EQ(munmap(ring.page, ring.length), 0);
		close(fd);
	}
}

static const struct vser_ring invalid_sizes[] = {
	{ 0, 0, 0, 0, 0, 0 },
	{ .rx_size = 1 }, { .tx_size = 1 },
	{ .rx_size = PAGE / 2 }, { .tx_size = PAGE / 2 },
	{ .rx_size = PAGE - 1 }, { .tx_size = PAGE + 1 },
	{ .rx_size = 3 * PAGE }, { .tx_size = 3 * PAGE },
	{ .rx_size = 2 * VSER_RING_MAX }, { .tx_size = 2 * VSER_RING_MAX },
	{ .rx_size = 0x80000000 }, { .tx_size = 0x80000000 },
	{ .rx_size = 0xfffff000 }, { .tx_size = 0xffffffff },
	{ .rx_size = PAGE, .tx_size = PAGE, .reserved = 1 },
	{ .rx_size = PAGE, .tx_size = PAGE, .reserved = 1ULL << 63 },
};

TEST(sizes_invalid, "any other size is EINVAL, and then there are no rings")
{
	int fd = open_line(O_RDWR);
	struct vser_ring set;
	char row[80];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(invalid_sizes); i++) {
		set = invalid_sizes[i];
		snprintf(row, sizeof(row), "%#x, %#x, %#llx", set.rx_size,
			 set.tx_size, set.reserved);
		tap_row(row);
		CHECK_ERR(ioctl(fd, VS_SET_RING, &set), EINVAL);
		CHECK(!memcmp(&set, &invalid_sizes[i], sizeof(set)));
		CHECK_ERR(ioctl(fd, VS_SYNC_RING), ENODEV);
	}
	open_ring(fd, PAGE, PAGE);
}

TEST(access, "rings need a descriptor that can be read and written")
{
	static const int flags[] = { O_RDONLY, O_WRONLY, CONTROL_ONLY };
	struct vser_ring set = { .rx_size = PAGE, .tx_size = PAGE };
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = open_line(flags[i]);
		CHECK_ERR(ioctl(fd, VS_SET_RING, &set), EBADF);
		CHECK_ERR(ioctl(fd, VS_SYNC_RING), ENODEV);
		close(fd);
	}
}

TEST(once, "a file gets rings once, and keeps those")
{
	struct vser_ring set = { .rx_size = 2 * PAGE, .tx_size = 2 * PAGE };
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);

	CHECK_ERR(ioctl(fd, VS_SET_RING, &set), EBUSY);
	CHECK_EQ(set.length, 0);
	put_row(&ring, 0, PAGE);
	sync_ring(fd);
	get_row(&ring, 0, PAGE);
}

TEST(once_of_two, "of two that set up rings at once, one succeeds")
{
	struct vser_ring set = { .rx_size = PAGE };
	int fd, i, j, status, succeeded;

	for (i = 0; i < 200; i++) {
		fd = open_line(O_RDWR);
		for (j = 0; j < 2; j++)
			if (!fork_child())
				_exit(!ioctl(fd, VS_SET_RING, &set));
		for (succeeded = 0; wait(&status) > 0;)
			succeeded += WEXITSTATUS(status);
		CHECK_EQ(succeeded, 1);
		close(fd);
	}
}

TEST(bad_pointers, "a pointer to nowhere is EFAULT, and then there are no rings")
{
	struct vser_ring set = { .rx_size = PAGE, .tx_size = PAGE };
	int fd = open_line(O_RDWR);
	char *page;
	size_t i;

	for (i = 0; i < NR_BAD_SOURCES; i++) {
		tap_row(bad_addresses[i].name);
		CHECK_ERR(ioctl(fd, VS_SET_RING, bad_addresses[i].get()), EFAULT);
		CHECK_ERR(ioctl(fd, VS_SYNC_RING), ENODEV);
	}
	tap_row("read-only memory");
	page = page_end() - PAGE;
	memcpy(page, &set, sizeof(set));
	CHECK_EQ(mprotect(page, PAGE, PROT_READ), 0);
	CHECK_ERR(ioctl(fd, VS_SET_RING, page), EFAULT);
	CHECK_ERR(ioctl(fd, VS_SYNC_RING), ENODEV);
	open_ring(fd, PAGE, PAGE);
}

TEST(quota, "rings count among the buffers, until the file is closed")
{
	struct vser_ring most = { .tx_size = VSER_RING_MAX };
	struct vser_ring some = { .tx_size = 65536 };
	struct vser_ring rest = { .rx_size = PAGE };
	int control, fd, i;

	/* Both queues of 64 KiB, and as much again. */
	with_parameters("lines=2 max_buffers=262144 user_buffers=262144");
	set_attr(0, "exclusive", "0");
	control = open_line(O_RDWR);
	drop_capability(CAP_SYS_RESOURCE);
	for (i = 0; i < 20; i++) {
		fd = open_line(O_RDWR);
		CHECK_ERR(ioctl(fd, VS_SET_RING, &most), EDQUOT);
		CHECK_ERR(ioctl(fd, VS_SYNC_RING), ENODEV);
		CHECK_EQ(ioctl(fd, VS_SET_RING, &some), 0);
		CHECK_ERR(ioctl(control, VS_SET_RING, &some), EDQUOT);
		CHECK_ERR(open("/dev/vser1", O_RDWR), EDQUOT);
		close(fd);
	}
	CHECK_EQ(ioctl(control, VS_SET_RING, &rest), 0);
}

/* Mapping */

static void check_no_map(int fd, size_t length, int prot, int flags, off_t offset,
			 int error)
{
	CHECK(mmap(NULL, length, prot, flags, fd, offset) == MAP_FAILED);
	CHECK_EQ(errno, error);
}

TEST(map_none, "without rings there is nothing to be mapped")
{
	check_no_map(open_line(O_RDWR), PAGE, RW, MAP_SHARED, 0, ENODEV);
}

TEST(map_refused, "rings are mapped as they are, shared, and not to be executed")
{
	struct vser_ring set = { .rx_size = PAGE, .tx_size = PAGE };
	int fd = open_line(O_RDWR);
	void *memory;

	CHECK_EQ(ioctl(fd, VS_SET_RING, &set), 0);
	tap_row("shorter");
	check_no_map(fd, 2 * PAGE, RW, MAP_SHARED, 0, EINVAL);
	tap_row("longer");
	check_no_map(fd, 4 * PAGE, RW, MAP_SHARED, 0, EINVAL);
	tap_row("a part");
	check_no_map(fd, 2 * PAGE, RW, MAP_SHARED, PAGE, EINVAL);
	tap_row("farther on");
	check_no_map(fd, 3 * PAGE, RW, MAP_SHARED, PAGE, EINVAL);
	tap_row("private");
	check_no_map(fd, 3 * PAGE, RW, MAP_PRIVATE, 0, EINVAL);
	tap_row("private, to be read");
	check_no_map(fd, 3 * PAGE, PROT_READ, MAP_PRIVATE, 0, EINVAL);
	tap_row("to be executed");
	check_no_map(fd, 3 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, 0, EACCES);

	tap_row("as it is");
	memory = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_ERR(mprotect(memory, 3 * PAGE, PROT_READ | PROT_EXEC), EACCES);
}

TEST(map_twice, "what is mapped twice is the same")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);
	struct ring again = ring;
	char *memory;

	memory = mmap(NULL, ring.length, RW, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	again.page = (void *)memory;
	again.rx = memory + PAGE;
	put_row(&ring, 0, PAGE);
	CHECK_EQ(munmap(ring.tx, PAGE), 0);
	CHECK_EQ(munmap(ring.page, PAGE), 0);
	sync_ring(fd);
	get_row(&again, 0, PAGE);
}

TEST(remap, "a mapping can be moved, and not made longer or doubled")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);
	char *memory;

	put_row(&ring, 0, PAGE);
	CHECK(mremap(ring.page, ring.length, ring.length + PAGE,
		     MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(mremap(ring.page, 0, ring.length, MREMAP_MAYMOVE) == MAP_FAILED);
	memory = mmap(NULL, ring.length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	CHECK(mremap(ring.page, ring.length, ring.length,
		     MREMAP_MAYMOVE | MREMAP_FIXED, memory) == memory);
	ring.page = (void *)memory;
	ring.rx = memory + PAGE;
	sync_ring(fd);
	get_row(&ring, 0, PAGE);
}

TEST(outlives, "a mapping keeps the line open, and the module loaded")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);

	close(fd);
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	CHECK_EQ(try_unload(), EWOULDBLOCK);
	put_row(&ring, 0, 100);
	CHECK_EQ(stat_of(0, "tx_written"), 0);
	CHECK_EQ(munmap(ring.page, ring.length), 0);
	/* It was closed by that, and closing sends. */
	CHECK_EQ(stat_of(0, "tx_written"), 100);
	fd = open_line(O_RDWR);
	read_row(fd, 0, 100);
	close(fd);
	unload();
	check_gone();
}

TEST(forked, "a child has the rings of its parent")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);
	pid_t child;

	CHILD(child)
		put_row(&ring, 0, 1000);
	check_child(child);
	sync_ring(fd);
	get_row(&ring, 0, 1000);
	CHILD(child)
		sync_ring(fd);
	check_child(child);
	CHECK_EQ(stat_of(0, "rx_delivered"), 1000);
}

/* Bytes */

/* Moves a row of bytes through a loopback, in pieces of many lengths. */
static void check_row(__u32 rx_size, __u32 tx_size, const char *fifo, size_t n)
{
	int fd = open_loopback(O_RDWR);
	size_t put = 0, got = 0, piece = 1, now;
	struct ring ring;

	set_attr(0, "fifo", fifo);
	ring = open_ring(fd, rx_size, tx_size);
	while (got < n) {
		piece = piece * 7 % 8191;
		now = ring_min(ring_min(piece, n - put), ring_room(&ring));
		put_row(&ring, put, now);
		put += now;
		CHECK(poll_now(fd, IN | OUT) & (IN | OUT));
		piece = piece * 7 % 8191;
		now = ring_min(piece, ring_used(&ring));
		get_row(&ring, got, now);
		got += now;
	}
	sync_ring(fd);
	CHECK_EQ(ring_used(&ring), 0);
	CHECK_EQ(stat_of(0, "rx_delivered"), n);
	check_line_books(0);
	close(fd);
	munmap(ring.page, ring.length);
	with_lines(2);
}

TEST(row, "every byte gets through, in its order, whatever the sizes are")
{
	static const struct {
		const char *name;
		const char *fifo;
		__u32 rx;
		__u32 tx;
	} rows[] = {
		{ "rings and queues of one size", "65536", 65536, 65536 },
		{ "rings are smaller", "65536", PAGE, PAGE },
		{ "queues are smaller", "4096", 65536, 65536 },
		{ "the least queues", "16", PAGE, PAGE },
		{ "rx is smaller", "4096", PAGE, 4 * PAGE },
		{ "tx is smaller", "4096", 4 * PAGE, PAGE },
		{ "the most", "4194304", VSER_RING_MAX, VSER_RING_MAX },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		check_row(rows[i].rx, rows[i].tx, rows[i].fifo, 300000);
	}
}

/* Sends a row of @n bytes, or receives one, and sleeps when it cannot. */
static void send_row(int fd, struct ring *ring, size_t n)
{
	size_t done, now, piece = 1;

	for (done = 0; done < n; done += now) {
		piece = piece * 7 % 8191;
		now = ring_min(ring_min(piece, n - done), ring_room(ring));
		put_row(ring, done, now);
		if (!now)
			CHECK_EQ(poll_for(fd, OUT, FOREVER), OUT);
	}
	CHECK_EQ(fsync(fd), 0);
}

static void receive_row(int fd, struct ring *ring, size_t n)
{
	size_t done, now, piece = 3;

	for (done = 0; done < n; done += now) {
		piece = piece * 7 % 8191;
		now = ring_min(ring_min(piece, n - done), ring_used(ring));
		get_row(ring, done, now);
		if (!now)
			CHECK_EQ(poll_for(fd, IN, FOREVER), IN);
	}
}

/* Both ends send to each other, each by two processes, and both by their rings. */
static void check_both_ways(struct pair pair, __u32 size, size_t n)
{
	int fds[] = { pair.a, pair.b };
	struct ring rings[2];
	pid_t pids[4];
	int i;

	for (i = 0; i < 2; i++) {
		rings[i] = open_ring(fds[i], size, size);
		CHILD(pids[i])
			send_row(fds[i], &rings[i], n);
		CHILD(pids[2 + i])
			receive_row(fds[i], &rings[i], n);
	}
	for (i = 0; i < 4; i++)
		check_child(pids[i]);
	for (i = 0; i < 2; i++) {
		CHECK_EQ(stat_of(i, "tx_sent"), n);
		CHECK_EQ(stat_of(i, "rx_delivered"), n);
		check_line_books(i);
	}
}

TEST_WITHIN(both_ways, 60, "two programs talk to each other, by rings alone")
{
	check_both_ways(open_pair(O_RDWR), 65536, 2000000);
}

TEST_WITHIN(both_ways_small, 60, "they do so with small rings")
{
	check_both_ways(open_pair(O_RDWR), PAGE, 500000);
}

TEST_WITHIN(both_ways_paced, 60, "they do so at a pace")
{
	struct pair pair = open_pair(O_RDWR);

	set_attr(0, "pacing", "1");
	set_attr(1, "pacing", "1");
	set_attr(0, "baud", "4000000");
	set_attr(1, "baud", "4000000");
	check_both_ways(pair, PAGE, 200000);
}

TEST(mixed, "one end uses rings, the other one reads and writes")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, PAGE, PAGE);
	pid_t child;

	CHILD(child) {
		read_row(pair.b, 0, 300000);
		write_row(pair.b, 0, 300000);
	}
	send_row(pair.a, &ring, 300000);
	receive_row(pair.a, &ring, 300000);
	check_child(child);
	check_line_books(0);
	check_line_books(1);
}

TEST(order, "read and write go past what is in the rings")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);

	/* In the tx ring, it has not been sent. */
	put_row(&ring, 10, 10);
	write_row(fd, 0, 10);
	CHECK_EQ(rx_queued(fd), 10);
	CHECK_EQ(stat_of(0, "tx_written"), 10);
	sync_ring(fd);
	/* In the rx ring, it has been read. */
	CHECK_EQ(stat_of(0, "rx_delivered"), 20);
	CHECK_EQ(rx_queued(fd), 0);
	write_row(fd, 20, 10);
	read_row(fd, 20, 10);
	get_row(&ring, 0, 20);
}

TEST(alone, "a file with one ring reads or writes in the other direction")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, 0);

	CHECK_EQ(poll_now(fd, IN | OUT), OUT);
	write_row(fd, 0, 100);
	CHECK_EQ(poll_now(fd, IN | OUT), IN | OUT);
	get_row(&ring, 0, 100);
	/* This one is not there, and nothing that is written there matters. */
	ring.page->tx_in = 12345;
	sync_ring(fd);
	CHECK_EQ(poll_now(fd, IN | OUT), OUT);
	close(fd);
	munmap(ring.page, ring.length);

	fd = open_line(O_RDWR);
	ring = open_ring(fd, 0, PAGE);
	put_row(&ring, 0, 100);
	ring.page->rx_out = 12345;
	CHECK_EQ(poll_now(fd, IN | OUT), IN | OUT);
	read_row(fd, 0, 100);
	CHECK_EQ(poll_now(fd, IN | OUT), OUT);
}

TEST(generator, "an unpaced generator fills the rx ring, and waits")
{
	int fd = start_generator("counter", FAULT_OFF), i, j;
	struct ring ring;

	close(fd);
	CHECK_EQ(ioctl(open_line(CONTROL_ONLY), TCFLSH, TCIOFLUSH), 0);
	fd = open_line(O_RDWR);
	ring = open_ring(fd, 4 * PAGE, 0);
	for (j = 0; j < 3; j++) {
		sync_ring(fd);
		CHECK_EQ(ring_used(&ring), 4 * PAGE);
		for (i = 1; i < 4 * PAGE; i++)
			CHECK_EQ((__u8)(ring.rx[i] - ring.rx[i - 1]), 1);
		ring.rx_out += 4 * PAGE;
		ring_store(&ring.page->rx_out, ring.rx_out);
	}
	check_line_books(0);
}

TEST(full, "a full ring leaves bytes in the queue, and a full queue stops the sender")
{
	struct pair pair = open_pair(O_RDWR | O_NONBLOCK);
	struct ring ring = open_ring(pair.b, PAGE, 0);
	size_t total = 0;
	ssize_t n;
	__u8 bytes[3000];

	do {
		sync_ring(pair.b);
		fill_row(bytes, total, sizeof(bytes));
		n = write(pair.a, bytes, sizeof(bytes));
		total += n > 0 ? n : 0;
	} while (n > 0);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(total, PAGE + 2 * FIFO_SIZE);
	CHECK(!(modem(pair.a) & TIOCM_CTS));
	CHECK_EQ(ring_used(&ring), PAGE);

	receive_row(pair.b, &ring, total);
	CHECK(modem(pair.a) & TIOCM_CTS);
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
	check_line_books(0);
	check_line_books(1);
}

TEST(nonblocking, "VS_SYNC_RING waits for nobody, and moves what finds room")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, 0, 4 * FIFO_SIZE);

	put_row(&ring, 0, 4 * FIFO_SIZE);
	sync_ring(pair.a);
	CHECK_EQ(ring_room(&ring), 2 * FIFO_SIZE);
	sync_ring(pair.a);
	CHECK_EQ(ring_room(&ring), 2 * FIFO_SIZE);
	read_row(pair.b, 0, 2 * FIFO_SIZE);
	sync_ring(pair.a);
	CHECK_EQ(ring_room(&ring), 4 * FIFO_SIZE);
	read_row(pair.b, 2 * FIFO_SIZE, 2 * FIFO_SIZE);
}

TEST(two_files, "two files have their own rings, and share the line")
{
	struct ring rings[2];
	int fds[2], i;

	set_attr(0, "exclusive", "0");
	for (i = 0; i < 2; i++) {
		fds[i] = open_loopback(O_RDWR);
		rings[i] = open_ring(fds[i], PAGE, PAGE);
		put_row(&rings[i], i * 1000, 1000);
	}
	CHECK_EQ(ioctl(fds[0], VS_SYNC_RING), 0);
	get_row(&rings[0], 0, 1000);
	CHECK_EQ(ring_used(&rings[1]), 0);
	CHECK_EQ(ioctl(fds[1], VS_SYNC_RING), 0);
	get_row(&rings[1], 1000, 1000);
	CHECK_EQ(ring_used(&rings[0]), 0);
}

/* Waiting */

TEST(poll, "POLLIN is there while the rx ring holds bytes, POLLOUT while there is room")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, PAGE, PAGE);
	size_t at;

	CHECK_EQ(poll_now(pair.a, IN | OUT), OUT);
	write_row(pair.b, 0, 1);
	CHECK_EQ(poll_now(pair.a, IN | OUT), IN | OUT);
	CHECK_EQ(rx_queued(pair.a), 0);
	CHECK_EQ(poll_now(pair.a, IN | OUT), IN | OUT);
	get_row(&ring, 0, 1);
	CHECK_EQ(poll_now(pair.a, IN | OUT), OUT);

	for (at = 0; at < 2 * FIFO_SIZE + PAGE; at += PAGE) {
		CHECK_EQ(poll_now(pair.a, IN | OUT), OUT);
		put_row(&ring, at, PAGE);
	}
	CHECK_EQ(poll_now(pair.a, IN | OUT), 0);
	read_row(pair.b, 0, at - PAGE);
	CHECK_EQ(poll_now(pair.a, IN | OUT), OUT);
	read_row(pair.b, at - PAGE, PAGE);
}

TEST(poll_in_wakes, "bytes that arrive wake up who polls for them")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, PAGE, PAGE);
	pid_t child;

	CHILD(child) {
		CHECK_EQ(poll_for(pair.a, IN, FOREVER), IN);
		get_row(&ring, 0, 100);
	}
	WAIT_UNTIL(blocked_in(child, SYS_poll));
	write_row(pair.b, 0, 100);
	check_child(child);
}

TEST(poll_out_wakes, "room wakes up who polls for it")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, 0, PAGE);
	pid_t child;

	CHILD(child)
		send_row(pair.a, &ring, 3 * FIFO_SIZE);
	WAIT_UNTIL(blocked_in(child, SYS_poll));
	read_row(pair.b, 0, 3 * FIFO_SIZE);
	check_child(child);
}

/* A file of which the tx ring holds more than finds room. */
static struct ring open_overfull(struct pair pair, size_t size)
{
	struct ring ring = open_ring(pair.a, PAGE, size);

	put_row(&ring, 0, size);

	return ring;
}

TEST(poll_in_sends, "who polls for bytes alone goes on sending meanwhile")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_overfull(pair, 16 * FIFO_SIZE);
	pid_t child;

	CHILD(child) {
		CHECK_EQ(poll_for(pair.a, IN, FOREVER), IN);
		CHECK_EQ(ring_room(&ring), 16 * FIFO_SIZE);
		get_row(&ring, 0, 1);
	}
	WAIT_UNTIL(blocked_in(child, SYS_poll));
	read_row(pair.b, 0, 16 * FIFO_SIZE);
	write_row(pair.b, 0, 1);
	check_child(child);
}

TEST(epoll_in_sends, "who waits with epoll for bytes alone does so, too")
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_overfull(pair, 16 * FIFO_SIZE);
	int epoll = epoll_create1(0);
	pid_t child;

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.a, &event), 0);
	CHILD(child) {
		CHECK_EQ(epoll_wait(epoll, &event, 1, FOREVER), 1);
		CHECK_EQ(event.events, EPOLLIN);
		CHECK_EQ(ring_room(&ring), 16 * FIFO_SIZE);
		get_row(&ring, 0, 1);
	}
	WAIT_UNTIL(blocked_in(child, SYS_epoll_wait));
	read_row(pair.b, 0, 16 * FIFO_SIZE);
	write_row(pair.b, 0, 1);
	check_child(child);
}

TEST(epoll, "edge-triggered epoll reports each change")
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, PAGE, PAGE);
	int epoll = epoll_create1(0), i;

	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.a, &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, FOREVER), 1);
	CHECK_EQ(event.events, EPOLLOUT);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
		write_row(pair.b, i, 1);
		CHECK_EQ(epoll_wait(epoll, &event, 1, FOREVER), 1);
		CHECK_EQ(event.events, EPOLLIN | EPOLLOUT);
		get_row(&ring, i, 1);
	}
}

TEST(select, "select() moves bytes as poll() does")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);
	fd_set readable;

	FD_ZERO(&readable);
	FD_SET(fd, &readable);
	put_row(&ring, 0, 100);
	CHECK_EQ(select(fd + 1, &readable, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(fd, &readable));
	get_row(&ring, 0, 100);
}

TEST(paced, "who polls at a slow line sleeps until the wire has brought bytes")
{
	int fd = open_loopback(O_RDWR);
	struct ring ring = open_ring(fd, PAGE, PAGE);
	__u64 start;

	set_attr(0, "pacing", "1");
	set_attr(0, "baud", "1200");
	start = now_ns();
	put_row(&ring, 0, 12);
	receive_row(fd, &ring, 12);
	/* 10 bits each. */
	CHECK(now_ns() - start >= 100 * NSEC_PER_MSEC);
}

TEST(signal, "a signal ends poll() with EINTR")
{
	struct pair pair = open_pair(O_RDWR);
	struct pollfd pollfd = { .fd = pair.a, .events = POLLIN };
	pid_t child;

	open_overfull(pair, 4 * FIFO_SIZE);
	CHILD(child) {
		catch_sigusr1(SA_RESTART);
		CHECK_ERR(poll(&pollfd, 1, FOREVER), EINTR);
	}
	signal_child_in(child, SYS_poll);
}

TEST(sigio, "who is told by SIGIO hears of bytes and of room")
{
	struct pair pair = open_pair(O_RDWR);
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(fcntl(pair.a, F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(pair.a, F_SETSIG, SIGRTMIN), 0);
	CHECK_EQ(fcntl(pair.a, F_SETFL, O_RDWR | O_ASYNC), 0);

	open_overfull(pair, 4 * FIFO_SIZE);
	sync_ring(pair.a);
	read_row(pair.b, 0, 2 * FIFO_SIZE);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK_EQ(info.si_code, POLL_OUT);
	write_row(pair.b, 0, 1);
	do {
		CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	} while (info.si_code != POLL_IN);
}

/* Draining, flushing, closing */

static int drain_by_ioctl(int fd)
{
	return ioctl(fd, TCSBRK, 1);
}

TEST(drain, "fsync and TCSBRK send what is in the ring, and wait for that")
{
	static int (*const drains[])(int fd) = { fsync, drain_by_ioctl };
	struct ring ring;
	size_t i;
	int fd;

	set_attr(0, "wire", "open");
	set_attr(0, "baud", "4000000");
	set_attr(0, "fifo", "4096");
	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		fd = open_line(O_RDWR);
		ring = open_ring(fd, 0, 65536);
		put_row(&ring, 0, 65536);
		CHECK_EQ(drains[i](fd), 0);
		CHECK_EQ(ring_room(&ring), 65536);
		CHECK_EQ(stat_of(0, "tx_sent"), (i + 1) * 65536);
		close(fd);
		munmap(ring.page, ring.length);
	}
	check_line_books(0);
}

TEST(drain_signal, "a signal ends a drain, and then it can be made again")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_overfull(pair, 4 * FIFO_SIZE);
	pid_t child;

	CHILD(child) {
		catch_sigusr1(0);
		CHECK_ERR(fsync(pair.a), EINTR);
	}
	signal_child_in(child, SYS_fsync);
	CHILD(child)
		CHECK_EQ(fsync(pair.a), 0);
	read_row(pair.b, 0, 4 * FIFO_SIZE);
	check_child(child);
	CHECK_EQ(ring_room(&ring), 4 * FIFO_SIZE);
}

TEST(flush, "TCFLSH leaves the rings alone")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, PAGE, 4 * FIFO_SIZE);

	put_row(&ring, 0, 4 * FIFO_SIZE);
	write_row(pair.b, 0, PAGE + 10);
	sync_ring(pair.a);
	CHECK_EQ(ioctl(pair.a, TCFLSH, TCIOFLUSH), 0);
	CHECK_EQ(stat_of(0, "tx_flushed"), FIFO_SIZE);
	CHECK_EQ(stat_of(0, "rx_flushed"), 10);
	get_row(&ring, 0, PAGE);
	/* The first part arrived before, the second was flushed. */
	read_row(pair.b, 0, FIFO_SIZE);
	sync_ring(pair.a);
	read_row(pair.b, 2 * FIFO_SIZE, 2 * FIFO_SIZE);
	check_line_books(0);
	check_line_books(1);
}

TEST(closing, "closing sends what is in the ring and finds room")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring = open_ring(pair.a, 0, 4 * FIFO_SIZE);

	put_row(&ring, 0, 4 * FIFO_SIZE);
	munmap(ring.page, ring.length);
	close(pair.a);
	read_row(pair.b, 0, 2 * FIFO_SIZE);
	CHECK_EQ(rx_queued(pair.b), 0);
	check_line_books(0);
	check_line_books(1);
}

TEST(killed, "who is killed sends it, too")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring ring;
	pid_t child;

	close(pair.a);
	CHILD(child) {
		pair.a = open_nth(0, O_RDWR);
		ring = open_ring(pair.a, 0, PAGE);
		put_row(&ring, 0, 1000);
		raise(SIGKILL);
	}
	waitpid(child, NULL, 0);
	read_row(pair.b, 0, 1000);
}

/* Changes */

TEST(resize, "queues may grow under rings that are in use")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring a = open_ring(pair.a, 0, PAGE);
	struct ring b = open_ring(pair.b, PAGE, 0);
	pid_t sender, receiver;
	__u32 size;

	set_attr(0, "fifo", "16");
	set_attr(1, "fifo", "16");
	CHILD(sender)
		send_row(pair.a, &a, 1000000);
	CHILD(receiver)
		receive_row(pair.b, &b, 1000000);
	for (size = 32; size <= 4 << 20; size *= 2) {
		set_attr_number(0, "fifo", size);
		set_attr_number(1, "fifo", size);
	}
	check_child(sender);
	check_child(receiver);
	CHECK_EQ(stat_of(1, "rx_delivered"), 1000000);
	check_line_books(0);
	check_line_books(1);
}

TEST(rewire, "what is in the ring goes where the line is wired to by then")
{
	struct pair pair = open_pair(O_RDWR);
	struct ring a = open_ring(pair.a, PAGE, PAGE);

	put_row(&a, 0, 100);
	wire_line(0, "loopback");
	sync_ring(pair.a);
	get_row(&a, 0, 100);
	CHECK_EQ(stat_of(1, "rx_arrived"), 0);
	put_row(&a, 100, 100);
	wire_line(0, "nullmodem:vser1");
	CHECK_EQ(poll_now(pair.a, IN | OUT), OUT);
	read_row(pair.b, 100, 100);
}
