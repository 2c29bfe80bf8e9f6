// SPDX-License-Identifier: GPL-2.0
/*
 * The line as a stream, used by all that Linux has for streams: splice and
 * sendfile, calls that must not wait, edge-triggered epoll, and asynchronous
 * calls of three kinds.
 */
#define _GNU_SOURCE

#include <aio.h>
#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

#define SIZE	300000

/* splice and sendfile */

static int file_with_row(size_t n)
{
	int fd = memfd_create("row", 0);

	CHECK(fd >= 0);
	write_row(fd, 0, n);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);

	return fd;
}

static void splice_all(int from, int to, size_t n)
{
	ssize_t done;

	for (; n; n -= done) {
		done = splice(from, NULL, to, NULL, n, 0);
		CHECK(done > 0);
	}
}

TEST(splice, "splice moves bytes from a pipe into a line, and out of one")
{
	struct pair pair = open_pair(O_RDWR);
	int in[2], out[2];
	pid_t feeder, sender, receiver;

	CHECK_EQ(pipe(in), 0);
	CHECK_EQ(pipe(out), 0);
	CHILD(feeder)
		write_row(in[1], 0, SIZE);
	CHILD(sender)
		splice_all(in[0], pair.a, SIZE);
	CHILD(receiver)
		splice_all(pair.b, out[1], SIZE);
	read_row(out[0], 0, SIZE);
	check_child(feeder);
	check_child(sender);
	check_child(receiver);
	check_line_books(0);
	check_line_books(1);
}

TEST(splice_nonblocking, "splice gives EAGAIN if it may not wait and must")
{
	int fd = open_loopback(O_RDWR | O_NONBLOCK);
	int pipes[2];

	CHECK_EQ(pipe(pipes), 0);
	CHECK_ERR(splice(fd, NULL, pipes[1], NULL, 10, SPLICE_F_NONBLOCK),
		  EAGAIN);
	write_row(fd, 0, 10);
	CHECK_EQ(splice(fd, NULL, pipes[1], NULL, 10, SPLICE_F_NONBLOCK), 10);
	read_row(pipes[0], 0, 10);
}

TEST(splice_offset, "splice with an offset in the line is EINVAL and moves nothing")
{
	int fd = open_loopback(O_RDWR);
	loff_t offset = 0;
	int pipes[2];

	CHECK_EQ(pipe(pipes), 0);
	write_row(fd, 0, 10);
	CHECK_ERR(splice(fd, &offset, pipes[1], NULL, 10, 0), EINVAL);
	CHECK_EQ(rx_queued(fd), 10);
}

TEST(sendfile, "sendfile sends a file into a line")
{
	struct pair pair = open_pair(O_RDWR);
	int file = file_with_row(SIZE);
	size_t left;
	ssize_t n;
	pid_t sender;

	CHILD(sender)
		for (left = SIZE; left; left -= n) {
			n = sendfile(pair.a, file, NULL, left);
			CHECK(n > 0);
		}
	read_row(pair.b, 0, SIZE);
	check_child(sender);
	CHECK_EQ(rx_queued(pair.b), 0);
}

TEST(sendfile_out, "sendfile takes nothing out of a line into a file: EINVAL")
{
	int fd = open_loopback(O_RDWR);
	int file = memfd_create("empty", 0);

	CHECK(file >= 0);
	write_row(fd, 0, 10);
	CHECK_ERR(sendfile(file, fd, NULL, 10), EINVAL);
	read_row(fd, 0, 10);
}

/* Calls that must not wait */

static ssize_t read_nowait(int fd, void *bytes, size_t n)
{
	struct iovec iov = { bytes, n };

	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
}

static ssize_t write_nowait(int fd, void *bytes, size_t n)
{
	struct iovec iov = { bytes, n };

	return pwritev2(fd, &iov, 1, -1, RWF_NOWAIT);
}

TEST(nowait, "RWF_NOWAIT moves what can be moved at once, and never waits")
{
	__u8 bytes[100] = { 0 };
	int fd;

	set_attr(0, "fifo", "16");
	fd = open_loopback(O_RDWR);
	CHECK_ERR(read_nowait(fd, bytes, 1), EAGAIN);
	CHECK_EQ(write_nowait(fd, bytes, 10), 10);
	CHECK_EQ(write_nowait(fd, bytes, 100), 22);
	CHECK_ERR(write_nowait(fd, bytes, 1), EAGAIN);
	CHECK_EQ(read_nowait(fd, bytes, 5), 5);
	CHECK_EQ(read_nowait(fd, bytes, 100), 11);
	CHECK_EQ(read_nowait(fd, bytes, 100), 16);
	CHECK_ERR(read_nowait(fd, bytes, 1), EAGAIN);
}

/* epoll, edge-triggered */

static int epoll_of(int fd, unsigned int events)
{
	struct epoll_event event = { .events = events | EPOLLET };
	int epoll = epoll_create1(0);

	CHECK(epoll >= 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);

	return epoll;
}

/* The edges since the last time. */
static unsigned int edges(int epoll)
{
	struct epoll_event event = { .events = 0 };

	CHECK(epoll_wait(epoll, &event, 1, 0) >= 0);

	return event.events;
}

TEST(epoll_in, "edge-triggered epoll reports each arrival once, read or not")
{
	struct pair pair = open_pair(O_RDWR);
	int epoll = epoll_of(pair.b, EPOLLIN);
	int i;

	CHECK_EQ(edges(epoll), 0);
	for (i = 0; i < 3; i++) {
		write_row(pair.a, i, 1);
		CHECK_EQ(edges(epoll), EPOLLIN);
		CHECK_EQ(edges(epoll), 0);
	}
	read_row(pair.b, 0, 3);
	CHECK_EQ(edges(epoll), 0);
	write_row(pair.a, 3, 1);
	CHECK_EQ(edges(epoll), EPOLLIN);
}

TEST(epoll_out, "edge-triggered epoll reports room once after there was none")
{
	struct pair pair;
	int epoll;

	set_attr(0, "fifo", "16");
	set_attr(1, "fifo", "16");
	pair = open_pair(O_RDWR | O_NONBLOCK);
	epoll = epoll_of(pair.a, EPOLLOUT);
	CHECK_EQ(edges(epoll), EPOLLOUT);
	write_row(pair.a, 0, 32);
	CHECK_ERR(write(pair.a, "x", 1), EAGAIN);
	edges(epoll);
	read_row(pair.b, 0, 7);
	CHECK_EQ(edges(epoll), 0);
	read_row(pair.b, 7, 1);
	CHECK_EQ(edges(epoll), EPOLLOUT);
	CHECK_EQ(edges(epoll), 0);
}

/* POSIX aio: threads of the C library */

static void finish_aio(struct aiocb *cb, ssize_t wanted)
{
	const struct aiocb *list[] = { cb };

	while (aio_error(cb) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	CHECK_EQ(aio_error(cb), 0);
	CHECK_EQ(aio_return(cb), wanted);
}

TEST(posix_aio, "aio_read waits for what aio_write writes")
{
	struct pair pair = open_pair(O_RDWR);
	__u8 in[1000] = { 0 }, out[1000];
	struct aiocb reader = {
		.aio_fildes = pair.b, .aio_buf = in, .aio_nbytes = sizeof(in),
	};
	struct aiocb writer = {
		.aio_fildes = pair.a, .aio_buf = out, .aio_nbytes = sizeof(out),
	};

	memset(out, 'x', sizeof(out));
	CHECK_EQ(aio_read(&reader), 0);
	sleep_ms(20);
	CHECK_EQ(aio_error(&reader), EINPROGRESS);
	CHECK_EQ(aio_write(&writer), 0);
	finish_aio(&writer, sizeof(out));
	finish_aio(&reader, sizeof(in));
	CHECK(!memcmp(in, out, sizeof(in)));
}

/* Linux's own aio */

TEST(kernel_aio, "io_submit writes and reads, and may be told not to wait")
{
	int fd = open_loopback(O_RDWR);
	__u8 in[10] = { 0 }, out[10] = "123456789";
	struct iocb cbs[] = {
		{ .aio_fildes = fd, .aio_lio_opcode = IOCB_CMD_PWRITE,
		  .aio_buf = (uintptr_t)out, .aio_nbytes = 10 },
		{ .aio_fildes = fd, .aio_lio_opcode = IOCB_CMD_PREAD,
		  .aio_buf = (uintptr_t)in, .aio_nbytes = 10 },
		{ .aio_fildes = fd, .aio_lio_opcode = IOCB_CMD_PREAD,
		  .aio_buf = (uintptr_t)in, .aio_nbytes = 10,
		  .aio_rw_flags = RWF_NOWAIT },
	};
	static const int wanted[] = { 10, 10, -EAGAIN };
	struct io_event event;
	aio_context_t context = 0;
	struct iocb *cb;
	size_t i;

	if (syscall(SYS_io_setup, 4, &context))
		SKIP("this kernel has no io_setup");
	for (i = 0; i < ARRAY_SIZE(cbs); i++) {
		cb = &cbs[i];
		CHECK_EQ(syscall(SYS_io_submit, context, 1, &cb), 1);
		CHECK_EQ(syscall(SYS_io_getevents, context, 1, 1, &event, NULL),
			 1);
		CHECK_EQ((int)event.res, wanted[i]);
	}
	CHECK(!memcmp(in, out, sizeof(in)));
}

/* io_uring, by hand */

static struct ring {
	int fd;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
} ring;

static void *map_ring(size_t size, off_t offset)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, ring.fd, offset);

	CHECK(at != MAP_FAILED);

	return at;
}

static void start_ring(void)
{
	struct io_uring_params p = { .flags = 0 };
	char *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, 8, &p);
	if (ring.fd < 0)
		SKIP("this kernel has no io_uring");
	sq = map_ring(p.sq_off.array + p.sq_entries * sizeof(int),
		      IORING_OFF_SQ_RING);
	cq = map_ring(p.cq_off.cqes + p.cq_entries * sizeof(*ring.cqes),
		      IORING_OFF_CQ_RING);
	ring.sqes = map_ring(p.sq_entries * sizeof(*ring.sqes),
			     IORING_OFF_SQES);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
}

/* Hands one call over; returns at once. */
static void submit(int opcode, int fd, void *bytes, unsigned int n)
{
	unsigned int i = *ring.sq_tail & *ring.sq_mask;

	memset(&ring.sqes[i], 0, sizeof(ring.sqes[i]));
	ring.sqes[i].opcode = opcode;
	ring.sqes[i].fd = fd;
	ring.sqes[i].addr = (uintptr_t)bytes;
	ring.sqes[i].len = n;
	/* The place in a file: here and now. */
	ring.sqes[i].off = opcode == IORING_OP_FSYNC ? 0 : -1;
	ring.sqes[i].user_data = opcode;
	ring.sq_array[i] = i;
	__atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0), 1);
}

static bool completed(void)
{
	return __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) != *ring.cq_head;
}

/* The next call that is complete is this one, with this result. */
static void check_completed(int opcode, int result)
{
	struct io_uring_cqe *cqe = &ring.cqes[*ring.cq_head & *ring.cq_mask];

	CHECK(completed());
	CHECK_EQ(cqe->user_data, opcode);
	CHECK_EQ(cqe->res, result);
	__atomic_store_n(ring.cq_head, *ring.cq_head + 1, __ATOMIC_RELEASE);
}

TEST(io_uring_at_once, "io_uring completes at once what does not have to wait")
{
	__u8 in[10] = { 0 }, out[10] = "123456789";
	int fd = open_loopback(O_RDWR);

	start_ring();
	submit(IORING_OP_WRITE, fd, out, sizeof(out));
	check_completed(IORING_OP_WRITE, sizeof(out));
	submit(IORING_OP_READ, fd, in, sizeof(in));
	check_completed(IORING_OP_READ, sizeof(in));
	CHECK(!memcmp(in, out, sizeof(in)));
}

TEST(io_uring_later, "io_uring completes a read when bytes have come")
{
	struct pair pair = open_pair(O_RDWR);
	__u8 in[10] = { 0 };
	int i;

	start_ring();
	for (i = 0; i < 10; i++) {
		submit(IORING_OP_READ, pair.b, in, sizeof(in));
		CHECK(!completed());
		write_row(pair.a, i, 5);
		CHECK_EQ(syscall(SYS_io_uring_enter, ring.fd, 0, 1,
				 IORING_ENTER_GETEVENTS, NULL, 0), 0);
		check_completed(IORING_OP_READ, 5);
		CHECK_EQ(in[0], row_byte(i));
	}
}

TEST(io_uring_fsync, "io_uring can wait until all is sent")
{
	int fd = open_loopback(O_RDWR);

	set_attr(0, "pacing", "1");
	start_ring();
	write_row(fd, 0, 100);
	submit(IORING_OP_FSYNC, fd, NULL, 0);
	CHECK_EQ(syscall(SYS_io_uring_enter, ring.fd, 0, 1,
			 IORING_ENTER_GETEVENTS, NULL, 0), 0);
	check_completed(IORING_OP_FSYNC, 0);
	CHECK_EQ(tx_queued(fd), 0);
}
