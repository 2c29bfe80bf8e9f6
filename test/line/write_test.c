// SPDX-License-Identifier: GPL-2.0
/*
 * Writing: what is written waits in a queue and goes out frame by frame, at the
 * pace of the line and never before it; a full queue; signals; buffers that
 * cannot be read.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "line.h"

static char bytes[4 * FIFO_SIZE];

/* As pwritev2() with RWF_NOWAIT: what write() does if it may not wait. */
static ssize_t write_nowait(int fd, size_t n)
{
	struct iovec iov = { bytes, n };

	return pwritev2(fd, &iov, 1, -1, RWF_NOWAIT);
}

TEST(sent, "what is written is sent, and each byte is counted once")
{
	struct counters before = counters();
	struct counters after;
	int fd = open_line(O_WRONLY);

	write_bytes(fd, 100);
	write_bytes(fd, 1);
	WAIT_UNTIL(!tx_queued(fd));
	after = counters();
	CHECK_EQ(after.tx_written, before.tx_written + 101);
	CHECK_EQ(after.tx_sent, before.tx_sent + 101);
	CHECK_EQ(after.rx_generated, before.rx_generated);
}

TEST(no_bytes, "a write of no bytes writes none")
{
	__u64 written = counter("tx_written");
	int fd = open_line(O_WRONLY);
	struct iovec iov = { NULL, 0 };

	CHECK_EQ(write(fd, bytes, 0), 0);
	CHECK_EQ(write(fd, NULL, 0), 0);
	CHECK_EQ(writev(fd, &iov, 1), 0);
	CHECK_EQ(counter("tx_written"), written);
}

TEST(gather, "writev takes its buffers one after the other")
{
	__u64 written = counter("tx_written");
	int fd = open_line(O_WRONLY);
	struct iovec iov[] = { { bytes, 3 }, { NULL, 0 }, { bytes, 70 } };

	CHECK_EQ(writev(fd, iov, 3), 73);
	CHECK_EQ(counter("tx_written"), written + 73);
	drain(fd);
	check_books();
}

TEST(long_write, "a write that is larger than the queue waits until all is in")
{
	__u64 written = counter("tx_written");
	int fd = open_line(O_WRONLY);

	set_baud(fd, VSER_BAUD_MAX);
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(counter("tx_written"), written + sizeof(bytes));
	CHECK(tx_queued(fd) <= FIFO_SIZE);
	drain(fd);
	check_books();
}

TEST(partial, "a write that may not wait takes what finds room, then EAGAIN")
{
	__u64 written = counter("tx_written");
	int fd = open_line(O_WRONLY | O_NONBLOCK);
	ssize_t n;

	set_baud(fd, VSER_BAUD_MIN);
	n = write(fd, bytes, 1000);
	CHECK_EQ(n, 1000);
	n = write(fd, bytes, sizeof(bytes));
	CHECK(n >= FIFO_SIZE - 1000 && n < (ssize_t)sizeof(bytes));
	fill(fd);
	CHECK(tx_queued(fd) <= FIFO_SIZE);
	CHECK(counter("tx_written") >= written + FIFO_SIZE);
	drain(fd);
	check_books();
}

TEST(nowait, "RWF_NOWAIT takes what finds room, then gives EAGAIN")
{
	int fd = open_line(O_WRONLY);
	ssize_t n;

	set_baud(fd, VSER_BAUD_MIN);
	CHECK_EQ(write_nowait(fd, 1000), 1000);
	n = write_nowait(fd, sizeof(bytes));
	CHECK(n >= FIFO_SIZE - 1000 && n < (ssize_t)sizeof(bytes));
	while (n > 0)
		n = write_nowait(fd, sizeof(bytes));
	CHECK_ERR(n, EAGAIN);
}

/* Fills the line, then makes its descriptor one whose writes wait. */
static int open_full(int flags)
{
	int fd = open_line(flags);

	fill(fd);
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);

	return fd;
}

TEST(wakes_up, "a writer that waits goes on when there is room")
{
	int fd = open_full(O_WRONLY);
	pid_t writer;

	CHILD(writer)
		write_bytes(fd, FIFO_SIZE);
	WAIT_UNTIL(blocked_in(writer, SYS_write));
	set_baud(fd, VSER_BAUD_MAX);
	check_child(writer);
	drain(fd);
	check_books();
}

TEST(interrupted, "a signal handler ends a write that waits: EINTR or a part")
{
	int fd = open_full(O_WRONLY);
	__u64 written = counter("tx_written");
	ssize_t n, total = 0;
	pid_t writer;

	/* Until one is interrupted that has found no room at all. */
	CHILD(writer) {
		catch_sigusr1(0);
		while ((n = write(fd, bytes, sizeof(bytes))) > 0) {
			CHECK(n < (ssize_t)sizeof(bytes));
			total += n;
		}
		CHECK_ERR(n, EINTR);
		CHECK_EQ(counter("tx_written"), written + total);
	}
	signal_child_in(writer, SYS_write);
}

TEST(interrupted_part, "a write that is interrupted says how much it took")
{
	__u64 written = counter("tx_written");
	int fd = open_line(O_WRONLY);
	pid_t writer;
	ssize_t n;

	set_baud(fd, VSER_BAUD_MIN);
	CHILD(writer) {
		catch_sigusr1(SA_RESTART);
		n = write(fd, bytes, sizeof(bytes));
		CHECK(n >= FIFO_SIZE && n < (ssize_t)sizeof(bytes));
		CHECK_EQ(counter("tx_written"), written + n);
	}
	signal_child_in(writer, SYS_write);
}

TEST(restarted, "a write that waits goes on after a handler with SA_RESTART")
{
	int fd = open_full(O_WRONLY);
	pid_t writer;

	CHILD(writer) {
		catch_sigusr1(SA_RESTART);
		do
			write_bytes(fd, 1);
		while (!signals_caught());
	}
	signal_child_in(writer, SYS_write);
}

/*
 * Does all that a writer who waits must not hold up. Returns true if nothing
 * was written meanwhile: so that none of it can have waited for that.
 */
static bool others_get_by(int fd)
{
	__u64 written = counter("tx_written");
	ssize_t nowait, nonblocking;

	tx_queued(fd);
	poll_now(fd, POLLIN | POLLOUT);
	check_setting(fd, VSER_BAUD_MIN, FMT_8N1);
	nowait = write_nowait(fd, 1);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	nonblocking = write(fd, "x", 1);
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
	if (counter("tx_written") != written)
		return false;
	CHECK_EQ(nowait, -1);
	CHECK_EQ(nonblocking, -1);

	return true;
}

TEST(blocked_write, "a write that waits holds up no other call on its descriptor")
{
	int fd = open_full(O_RDWR);
	bool by = false;
	char letter;
	pid_t writer;
	int tries;

	for (tries = 0; !by && tries < 5; tries++) {
		/* EAGAIN: if there is room at the moment of O_NONBLOCK. */
		CHILD(writer)
			while (write(fd, "x", 1) == 1 || errno == EAGAIN)
				;
		WAIT_UNTIL(blocked_in(writer, SYS_write));
		by = others_get_by(fd);
		kill_child(writer);
	}
	CHECK(by);
	CHECK_EQ(read(fd, &letter, 1), 1);
}

TEST(fault, "a buffer that ends too early is written up to its end")
{
	int fd = open_line(O_WRONLY);
	__u64 written = counter("tx_written");
	char *end = page_end();
	struct iovec iov[] = { { end - 2, 2 }, { end, 1 } };
	int i;

	set_baud(fd, VSER_BAUD_MIN);
	for (i = 0; i < NR_BAD_SOURCES; i++) {
		tap_row(bad_addresses[i].name);
		CHECK_ERR(write(fd, bad_addresses[i].get(), 10), EFAULT);
		CHECK_EQ(tx_queued(fd), 0);
		CHECK_EQ(counter("tx_written"), written);
	}
	tap_row(NULL);
	CHECK_EQ(write(fd, end - 3, 10), 3);
	CHECK_EQ(counter("tx_written"), written + 3);
	CHECK_EQ(writev(fd, iov, 2), 2);
	CHECK_EQ(counter("tx_written"), written + 5);
	drain(fd);
	check_books();
}

/*
 * Writes n bytes to a line that is idle, and sees that no frame is sent before
 * its last bit can have passed.
 */
static void check_pace(int fd, __u32 baud, unsigned int bits, unsigned int n)
{
	__u64 before = counter("tx_sent");
	__u64 start = now_ns();
	__u64 sent, possible;

	write_bytes(fd, n);
	do {
		tap_nap();
		sent = counter("tx_sent") - before;
		possible = (now_ns() - start) * baud / (bits * NSEC_PER_SEC);
		CHECK(sent <= possible);
	} while (sent < n);
}

TEST(pace, "no frame is sent early, whatever the speed and the format")
{
	static const struct {
		const char *name;
		__u32 baud;
		struct vser_format fmt;
		unsigned int bits;
		unsigned int bytes;
	} rows[] = {
		{ "50 8N1",	50,	{ 8, 0, 1 }, 10,	1 },
		{ "9600 8N1",	9600,	{ 8, 0, 1 }, 10,	96 },
		{ "9600 8E2",	9600,	{ 8, 2, 2 }, 12,	80 },
		{ "9600 8N2",	9600,	{ 8, 0, 2 }, 11,	80 },
		{ "9600 7M1",	9600,	{ 7, 3, 1 }, 10,	80 },
		{ "9600 5N1",	9600,	{ 5, 0, 1 }, 7,		100 },
		{ "115200 8N1", 115200,	{ 8, 0, 1 }, 10,	1152 },
		{ "4000000 8O1", 4000000, { 8, 1, 1 }, 11,	40000 },
	};
	int fd = open_line(O_WRONLY);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row(rows[i].name);
		set_baud(fd, rows[i].baud);
		set_fmt(fd, rows[i].fmt);
		check_pace(fd, rows[i].baud, rows[i].bits, rows[i].bytes);
	}
}

TEST(idle_time, "time in which the line was idle is not made up for")
{
	int fd = open_line(O_WRONLY);
	int i;

	set_baud(fd, 9600);
	for (i = 0; i < 3; i++) {
		check_pace(fd, 9600, 10, 20);
		sleep_ms(50);
	}
}

TEST(old_pace, "the frame on the line ends at its old speed, in its old format")
{
	int fd = open_line(O_WRONLY);
	__u64 start = now_ns();

	set_baud(fd, 50);
	write_bytes(fd, 2);
	set_baud(fd, 4000000);
	set_fmt(fd, (struct vser_format) { 5, VSER_PARITY_NONE, 1 });
	WAIT_UNTIL(tx_queued(fd) < 2);
	CHECK(now_ns() - start >= 200 * NSEC_PER_MSEC);
}
