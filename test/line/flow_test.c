// SPDX-License-Identifier: GPL-2.0
/*
 * Full queues: with flow control nothing is ever lost, however slow the reader;
 * without, the newest bytes are, and are counted. Who waits for room, for bytes
 * or for the end of sending goes on exactly when there is what was waited for.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

/* The smallest queues: 16 bytes each. Unpaced, both are full after 32. */
#define SMALL	16

static void use_small_queues(void)
{
	set_attr(0, "fifo", "16");
	set_attr(1, "fifo", "16");
}

/* Not a byte was lost on its way to the line. */
static void check_no_loss(unsigned int line)
{
	CHECK_EQ(stat_of(line, "rx_overrun"), 0);
	CHECK_EQ(stat_of(line, "rx_flushed"), 0);
	CHECK_EQ(stat_of(line, "tx_flushed"), 0);
	check_line_books(line);
}

/* Much data, both ways at once */

struct transfer {
	const char *name;
	const char *pacing;
	const char *fifo;
	size_t size;
	void (*read)(int fd, size_t n);
};

/* Takes little at a time, and rests now and then. */
static void read_slowly(int fd, size_t n)
{
	size_t at, len;

	for (at = 0; at < n; at += len) {
		len = n - at < n / 8 ? n - at : n / 8;
		read_row_by(fd, at, len, 1 + at % 1500);
		sleep_ms(5);
	}
}

/* Begins when the sender can go on no more, and stops once more halfway. */
static void read_late(int fd, size_t n)
{
	sleep_ms(50);
	read_row(fd, 0, n / 2);
	sleep_ms(50);
	read_row(fd, n / 2, n - n / 2);
}

static const struct transfer transfers[] = {
	{ "16 bytes, slow",		"0", "16",	4000,	read_slowly },
	{ "16 bytes, stops",		"0", "16",	4000,	read_late },
	{ "16 bytes, paced",		"1", "16",	1000,	read_slowly },
	{ "4096 bytes, slow",		"0", "4096",	1 << 20, read_slowly },
	{ "65536 bytes, stops",		"0", "65536",	2 << 20, read_late },
	{ "65536 bytes, paced",		"1", "65536",	1 << 20, read_slowly },
	{ "4 MiB, stops",		"0", "4194304",	9 << 20, read_late },
};

static void set_up(unsigned int line, const struct transfer *transfer)
{
	set_attr(line, "baud", "4000000");
	set_attr(line, "fifo", transfer->fifo);
	set_attr(line, "pacing", transfer->pacing);
	check_attr(line, "flow", "rtscts");
}

/* Starts who writes to the descriptor and who reads from it. */
static void start(int fd, const struct transfer *transfer, pid_t pids[2])
{
	CHILD(pids[0])
		write_row(fd, 0, transfer->size);
	CHILD(pids[1])
		transfer->read(fd, transfer->size);
}

static void loop(const struct transfer *transfer)
{
	pid_t pids[2];
	int fd;

	tap_row(transfer->name);
	set_up(0, transfer);
	fd = open_line(O_RDWR);
	start(fd, transfer, pids);
	check_child(pids[0]);
	check_child(pids[1]);
	close(fd);
	check_no_loss(0);
}

static void exchange(const struct transfer *transfer)
{
	unsigned int line;
	int fds[2], i;
	pid_t pids[4];

	tap_row(transfer->name);
	for (line = 0; line < 2; line++) {
		set_up(line, transfer);
		fds[line] = open_nth(line, O_RDWR);
	}
	start(fds[0], transfer, pids);
	start(fds[1], transfer, pids + 2);
	for (i = 0; i < 4; i++)
		check_child(pids[i]);
	for (line = 0; line < 2; line++) {
		close(fds[line]);
		check_no_loss(line);
	}
}

TEST_WITHIN(loopback_loses_nothing, 40, "a loopback loses no byte, however slow the reader")
{
	size_t i;

	wire_line(0, "loopback");
	for (i = 0; i < ARRAY_SIZE(transfers); i++)
		loop(&transfers[i]);
}

TEST_WITHIN(null_modem_loses_nothing, 60, "a null modem loses no byte, both ways at once")
{
	size_t i;

	wire_line(0, "nullmodem:vser1");
	for (i = 0; i < ARRAY_SIZE(transfers); i++)
		exchange(&transfers[i]);
}

TEST(one_by_one, "bytes written one by one arrive, paced and unpaced")
{
	int fd = open_loopback(O_RDWR);
	int i;

	for (i = 0; i < 200; i++) {
		write_row(fd, i, 1);
		if (i == 100) {
			set_attr(0, "baud", "4000000");
			set_attr(0, "pacing", "1");
		}
	}
	read_row(fd, 0, 200);
	close(fd);
	check_no_loss(0);
}

/* What is lost without flow control */

/* Sends 100 bytes into 16, of which the first 16 are to arrive. */
static void overrun(const char *sender, const char *receiver)
{
	struct pair pair;

	use_small_queues();
	pair = open_pair(O_RDWR | O_NONBLOCK);
	set_attr(0, "flow", sender);
	set_attr(1, "flow", receiver);
	skip_events(pair.b);
	write_row(pair.a, 0, 100);
	WAIT_UNTIL(!tx_queued(pair.a));
	CHECK_EQ(stat_of(1, "rx_overrun"), 100 - SMALL);
	CHECK_EQ(vser_counters(pair.b).overrun, 100 - SMALL);
	CHECK_EQ(vser_counters(pair.b).rx, SMALL);
	CHECK_EQ(rx_queued(pair.b), SMALL);
	read_row(pair.b, 0, SMALL);

	write_row(pair.a, 100, SMALL);
	read_row(pair.b, 100, SMALL);
	CHECK_EQ(stat_of(1, "rx_overrun"), 100 - SMALL);
	close(pair.a);
	close(pair.b);
	check_line_books(0);
	check_line_books(1);
}

TEST(no_flow, "without flow control the newest bytes are lost, and are counted")
{
	overrun("none", "none");
}

TEST(sender_ignores, "a sender without flow control overruns a receiver that has it")
{
	overrun("none", "rtscts");
}

TEST(receiver_silent, "a receiver without flow control is overrun by a sender that has it")
{
	overrun("rtscts", "none");
}

TEST(overrun_event, "an overrun is an event, with its place and how much was lost")
{
	struct vser_event event;
	struct pair pair;
	__u64 lost = 0;

	use_small_queues();
	pair = open_pair(O_RDWR | O_NONBLOCK);
	set_attr(0, "flow", "none");
	set_attr(1, "flow", "none");
	skip_events(pair.b);
	write_row(pair.a, 0, 100);
	while (!ioctl(pair.b, VS_READ_EVENT, &event)) {
		CHECK_EQ(event.type, VSER_EVENT_OVERRUN);
		CHECK_EQ(event.position, SMALL);
		lost += event.value;
	}
	CHECK_EQ(lost, 100 - SMALL);
}

TEST(overrun_events_merge, "bytes lost in a row between other errors are one event")
{
	struct vser_event event;
	struct pair pair;

	use_small_queues();
	pair = open_pair(O_RDWR | O_NONBLOCK);
	set_attr(0, "flow", "none");
	set_attr(1, "flow", "none");
	set_attr(0, "pacing", "0");
	/* So the frames pass one by one. */
	set_attr(0, "fault", "dup=1000000");
	skip_events(pair.b);
	write_row(pair.a, 0, SMALL);
	CHECK_EQ(ioctl(pair.b, VS_READ_EVENT, &event), 0);
	CHECK_EQ(event.type, VSER_EVENT_OVERRUN);
	CHECK_EQ(event.position, SMALL);
	CHECK_EQ(event.value, SMALL);
	CHECK_ERR(ioctl(pair.b, VS_READ_EVENT, &event), EAGAIN);
}

TEST(closed_receives_nothing, "what is sent to a closed line without flow control is lost")
{
	int fd;

	wire_line(0, "nullmodem:vser1");
	set_attr(0, "pacing", "0");
	set_attr(0, "flow", "none");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 100);
	CHECK_EQ(tx_queued(fd), 0);
	CHECK_EQ(stat_of(1, "rx_overrun"), 100);
	CHECK_EQ(stat_of(1, "rx_queued"), 0);
	check_line_books(1);
}

TEST(ready_after_loss, "a line that lost bytes while it was closed is ready once it is open")
{
	struct pair pair;

	wire_line(0, "nullmodem:vser1");
	set_attr(0, "pacing", "0");
	set_attr(0, "flow", "none");
	pair.a = open_nth(0, O_RDWR);
	write_row(pair.a, 0, 100);
	CHECK_EQ(stat_of(1, "rx_overrun"), 100);
	set_attr(0, "flow", "rtscts");
	pair.b = open_nth(1, O_RDWR);
	CHECK_EQ(modem(pair.a) & TIOCM_CTS, TIOCM_CTS);
	write_row(pair.a, 0, 100);
	read_row(pair.b, 0, 100);
}

TEST(flow_off_lets_go, "a sender that waits for the receiver goes on without flow control")
{
	int fd;

	wire_line(0, "nullmodem:vser1");
	set_attr(0, "pacing", "0");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 100);
	CHECK_EQ(tx_queued(fd), 100);
	set_attr(0, "flow", "none");
	CHECK_EQ(tx_queued(fd), 0);
	CHECK_EQ(stat_of(1, "rx_overrun"), 100);
}

/* Who waits for room */

/* Opens a loopback, and fills both of its small queues. */
static int open_full(int flags)
{
	int fd;

	use_small_queues();
	fd = open_loopback(flags);
	write_row(fd, 0, 2 * SMALL);
	CHECK_EQ(rx_queued(fd), SMALL);
	CHECK_EQ(tx_queued(fd), SMALL);
	CHECK_EQ(poll_now(fd, POLLOUT), 0);

	return fd;
}

TEST(writer_waits, "a writer waits until there is room, and not longer")
{
	int fd = open_full(O_RDWR);
	pid_t writer;

	CHILD(writer)
		write_row(fd, 2 * SMALL, 1);
	WAIT_UNTIL(blocked_in(writer, SYS_write));
	read_row(fd, 0, SMALL / 2 - 1);
	sleep_ms(50);
	CHECK_EQ(tx_queued(fd), SMALL);
	CHECK(!has_ended(writer));
	CHECK_EQ(poll_now(fd, POLLOUT), 0);

	read_row(fd, SMALL / 2 - 1, 1);
	check_child(writer);
	CHECK_EQ(tx_queued(fd), SMALL / 2 + 1);
	CHECK_EQ(poll_now(fd, POLLOUT), POLLOUT);
	read_row(fd, SMALL / 2, 2 * SMALL + 1 - SMALL / 2);
	close(fd);
	check_no_loss(0);
}

/* Both queues are full, of which RX is emptied and gets what is in TX. */

static void write_one(int fd)
{
	write_row(fd, 2 * SMALL, 1);
}

static void drain_tx(int fd)
{
	CHECK_EQ(fsync(fd), 0);
}

static void wait_for_room(int fd)
{
	struct epoll_event event = { .events = EPOLLOUT };
	int set = epoll_create1(0);

	CHECK_EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQ(epoll_wait(set, &event, 1, -1), 1);
}

static void read_all(int fd)
{
	read_row(fd, 0, SMALL);
}

static void flush(int fd)
{
	CHECK_EQ(ioctl(fd, TCFLSH, TCIFLUSH), 0);
}

static const struct waiter {
	const char *name;
	void (*wait)(int fd);
	long call;
	void (*let_go)(int fd);
} waiters[] = {
	{ "a writer", write_one, SYS_write, read_all },
	{ "a writer, and RX is flushed", write_one, SYS_write, flush },
	{ "for the end of sending", drain_tx, SYS_fsync, read_all },
	{ "by epoll", wait_for_room, SYS_epoll_wait, read_all },
};

TEST(waiters, "who waits for room, or for the end of sending, goes on without a timer")
{
	size_t i;
	pid_t pid;
	int fd;

	for (i = 0; i < ARRAY_SIZE(waiters); i++) {
		tap_row(waiters[i].name);
		fd = open_full(O_RDWR);
		CHILD(pid)
			waiters[i].wait(fd);
		WAIT_UNTIL(blocked_in(pid, waiters[i].call));
		waiters[i].let_go(fd);
		check_child(pid);
		CHECK_EQ(ioctl(fd, TCFLSH, TCIOFLUSH), 0);
		close(fd);
		check_line_books(0);
	}
}

/*
 * A reader takes most of RX and stops: what is in TX, and more than the rest, is left
 * there for him to take at once, but not for longer than the latency.
 */
#define MOST	40000

/* Returns how long the writer goes on waiting, in ns. */
static __u64 time_until_moved(const char *latency)
{
	int fd = open_loopback(O_RDWR);
	__u64 start;
	pid_t writer;

	set_attr(0, "latency_ns", latency);
	write_row(fd, 0, 2 * FIFO_SIZE);
	CHILD(writer)
		write_row(fd, 2 * FIFO_SIZE, 1);
	WAIT_UNTIL(blocked_in(writer, SYS_write));
	read_row(fd, 0, MOST);
	start = now_ns();
	check_child(writer);
	start = now_ns() - start;
	read_row(fd, MOST, 2 * FIFO_SIZE + 1 - MOST);
	close(fd);
	check_no_loss(0);

	return start;
}

TEST(reader_stops, "bytes do not wait for a reader who has stopped")
{
	time_until_moved("1000000");
	time_until_moved("1000000000");
}

TEST_WITHIN(stale_timer, 60, "a new latency holds, whatever the timer was set to")
{
	bool at_once = false;
	int fd, i;

	/* A busy machine may be late, but not each time. */
	for (i = 0; i < 20 && !at_once; i++) {
		/* The timer stays set to a second from now. */
		wire_line(0, "loopback");
		set_attr(0, "latency_ns", "1000000000");
		set_attr(0, "pacing", "1");
		set_attr(0, "baud", "50");
		fd = open_line(O_RDWR);
		write_row(fd, 0, SMALL);
		set_attr(0, "pacing", "0");
		read_row(fd, 0, SMALL);
		close(fd);
		at_once = time_until_moved("10000") < NSEC_PER_SEC / 2;
	}
	CHECK(at_once);
}

static unsigned long all_switches(pid_t writer, const pid_t readers[2])
{
	return switches_of(writer) + switches_of(readers[0]) +
	       switches_of(readers[1]);
}

/*
 * Sleep all of them, and is there something that they could do? They are looked at
 * one after the other, 20 times in 100 ms. If none of them has run from the first
 * time to the last, all have slept at once.
 */
static bool stalled(int fd, pid_t writer, const pid_t readers[2])
{
	unsigned long before = all_switches(writer, readers);
	int i;

	for (i = 0; i < 20; i++) {
		if (!blocked_in(writer, SYS_write) ||
		    !blocked_in(readers[0], SYS_read) ||
		    !blocked_in(readers[1], SYS_read) ||
		    rx_queued(fd) + tx_queued(fd) == 2 * FIFO_SIZE)
			return false;
		sleep_ms(5);
	}

	return all_switches(writer, readers) == before;
}

static __u8 block[FIFO_SIZE];

static void read_for_ever(int fd, size_t n)
{
	while (read(fd, block, n) > 0)
		;
}

static void write_blocks(int fd, int n)
{
	while (n--)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
}

/* Much data to two readers who take @most at a time. */
static void check_two_readers(const char *row, size_t most)
{
	int fd = open_loopback(O_RDWR);
	pid_t writer, readers[2];

	tap_row(row);
	set_attr(0, "latency_ns", "1000000000");
	CHILD(readers[0])
		read_for_ever(fd, most);
	CHILD(readers[1])
		read_for_ever(fd, most);
	CHILD(writer)
		write_blocks(fd, 20000);
	while (!has_ended(writer)) {
		sleep_ms(20);
		CHECK(!stalled(fd, writer, readers));
	}
	check_child(writer);
	kill_child(readers[0]);
	kill_child(readers[1]);
	close(fd);
}

TEST_WITHIN(two_readers, 120, "of two readers none leaves the writer asleep, nor does the other")
{
	check_two_readers("all at once", FIFO_SIZE);
	check_two_readers("a part", 40000);
}

TEST(writer_interrupted, "a writer that was interrupted says how much it wrote")
{
	__u8 bytes[4 * SMALL] = { 0 };
	pid_t writer;
	int fd;

	use_small_queues();
	fd = open_loopback(O_RDWR);
	CHILD(writer) {
		catch_sigusr1(0);
		CHECK_EQ(write(fd, bytes, sizeof(bytes)), 2 * SMALL);
		CHECK_ERR(write(fd, bytes, 1), EINTR);
	}
	signal_child_in(writer, SYS_write);
	CHECK_EQ(stat_of(0, "tx_written"), 2 * SMALL);
	check_line_books(0);
}

TEST(nonblocking_room, "O_NONBLOCK writes what there is room for, then gives EAGAIN")
{
	__u8 bytes[4 * SMALL] = { 0 };
	int fd;

	use_small_queues();
	fd = open_loopback(O_RDWR | O_NONBLOCK);
	CHECK_EQ(write(fd, bytes, sizeof(bytes)), 2 * SMALL);
	CHECK_ERR(write(fd, bytes, 1), EAGAIN);
	CHECK_EQ(read(fd, bytes, sizeof(bytes)), SMALL);
	CHECK_EQ(read(fd, bytes, sizeof(bytes)), SMALL);
	CHECK_ERR(read(fd, bytes, 1), EAGAIN);
	CHECK_EQ(poll_now(fd, POLLIN | POLLOUT), POLLOUT);
}

TEST(reader_waits, "a reader waits until a byte arrives")
{
	struct pair pair = open_pair(O_RDWR);
	pid_t reader;

	CHILD(reader)
		read_row(pair.b, 0, 1);
	WAIT_UNTIL(blocked_in(reader, SYS_read));
	CHECK_EQ(poll_now(pair.b, POLLIN), 0);
	write_row(pair.a, 0, 1);
	check_child(reader);
}

/* The other end is closed */

/* The peer is closed: what is written to the descriptor returned waits. */
static int open_unheard(const char *pacing)
{
	wire_line(0, "nullmodem:vser1");
	set_attr(0, "pacing", pacing);

	return open_line(O_RDWR);
}

static void check_held(const char *pacing)
{
	int a, b, round;

	tap_row(pacing);
	a = open_unheard(pacing);
	for (round = 0; round < 2; round++) {
		write_row(a, 0, 10);
		sleep_ms(20);
		CHECK_EQ(tx_queued(a), 10);
		b = open_nth(1, O_RDONLY);
		read_row(b, 0, 10);
		WAIT_UNTIL(!tx_queued(a));
		close(b);
	}
	close(a);
	check_no_loss(0);
	check_no_loss(1);
}

TEST(closed_peer, "a sender waits while its peer is closed, and goes on when it opens")
{
	check_held("0");
	check_held("1");
}

TEST(closed_sender, "what was written before a close arrives when the peer opens")
{
	int fd = open_unheard("0");

	write_row(fd, 0, 1000);
	close(fd);
	CHECK_EQ(stat_of(0, "tx_queued"), 1000);
	fd = open_nth(1, O_RDWR);
	read_row(fd, 0, 1000);
	CHECK_EQ(stat_of(0, "tx_queued"), 0);
	check_no_loss(0);
	check_no_loss(1);
}

TEST(closed_receiver, "what was received before a close is there after the next open")
{
	struct pair pair = open_pair(O_RDWR);

	write_row(pair.a, 0, 1000);
	read_row(pair.b, 0, 10);
	close(pair.b);
	write_row(pair.a, 1000, 10);
	pair.b = open_nth(1, O_RDWR);
	read_row(pair.b, 10, 1000);
	CHECK_EQ(rx_queued(pair.b), 0);
	check_no_loss(1);
}

/* Draining */

static int drain_by_fsync(int fd)
{
	return fsync(fd);
}

static int drain_by_fdatasync(int fd)
{
	return fdatasync(fd);
}

static int drain_by_ioctl(int fd)
{
	return ioctl(fd, TCSBRK, 1);
}

static const struct {
	const char *name;
	int (*drain)(int fd);
	long call;
} drains[] = {
	{ "fsync",	drain_by_fsync,		SYS_fsync },
	{ "fdatasync",	drain_by_fdatasync,	SYS_fdatasync },
	{ "TCSBRK",	drain_by_ioctl,		SYS_ioctl },
};

TEST(drain, "draining waits until the last bit was sent")
{
	__u64 start;
	size_t i;
	int fd;

	wire_line(0, "loopback");
	set_attr(0, "baud", "1000");
	fd = open_line(O_RDWR);
	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		tap_row(drains[i].name);
		start = now_ns();
		write_row(fd, 0, 20);
		CHECK_EQ(drains[i].drain(fd), 0);
		CHECK(now_ns() - start >= 20 * 10 * NSEC_PER_MSEC);
		CHECK_EQ(tx_queued(fd), 0);
		CHECK_EQ(rx_queued(fd), 20);
		read_row(fd, 0, 20);
		CHECK_EQ(drains[i].drain(fd), 0);
	}
}

TEST(drain_interrupted, "a signal handler ends draining with EINTR")
{
	int fd = open_unheard("0");
	pid_t drainer;
	size_t i;

	write_row(fd, 0, 10);
	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		tap_row(drains[i].name);
		CHILD(drainer) {
			catch_sigusr1(0);
			CHECK_ERR(drains[i].drain(fd), EINTR);
		}
		signal_child_in(drainer, drains[i].call);
	}
	CHECK_EQ(tx_queued(fd), 10);
}

TEST(drain_restarted, "draining goes on after a handler with SA_RESTART")
{
	int fd = open_unheard("0");
	pid_t drainer;
	size_t i;
	int b;

	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		tap_row(drains[i].name);
		write_row(fd, 0, 10);
		CHILD(drainer) {
			catch_sigusr1(SA_RESTART);
			CHECK_EQ(drains[i].drain(fd), 0);
			CHECK_EQ(signals_caught(), 1);
		}
		signal_once_in(drainer, drains[i].call);
		b = open_nth(1, O_RDWR);
		check_child(drainer);
		close(b);
	}
}

/* Flushing */

/* Line 0 has received 5 bytes and holds 7 that it cannot send. */
static int open_both_ways(int flags)
{
	struct pair pair = open_pair(flags);

	write_row(pair.b, 0, 5);
	close(pair.b);
	write_row(pair.a, 0, 7);
	CHECK_EQ(rx_queued(pair.a), 5);
	CHECK_EQ(tx_queued(pair.a), 7);

	return pair.a;
}

static void check_flushed(int fd, unsigned int rx, unsigned int tx)
{
	CHECK_EQ(rx_queued(fd), 5 - rx);
	CHECK_EQ(tx_queued(fd), 7 - tx);
	CHECK_EQ(stat_of(0, "rx_flushed"), rx);
	CHECK_EQ(stat_of(0, "tx_flushed"), tx);
	check_line_books(0);
}

TEST(flush_in, "TCIFLUSH throws away what was received, and nothing else")
{
	int fd = open_both_ways(O_RDWR);

	CHECK_EQ(ioctl(fd, TCFLSH, TCIFLUSH), 0);
	check_flushed(fd, 5, 0);
	CHECK_EQ(poll_now(fd, POLLIN), 0);
}

TEST(flush_out, "TCOFLUSH throws away what is to be sent, and nothing else")
{
	int fd = open_both_ways(O_RDWR);
	int b;

	CHECK_EQ(ioctl(fd, TCFLSH, TCOFLUSH), 0);
	check_flushed(fd, 0, 7);
	read_row(fd, 0, 5);

	b = open_nth(1, O_RDWR);
	write_row(fd, 100, 10);
	read_row(b, 100, 10);
	CHECK_EQ(rx_queued(b), 0);
}

TEST(flush_both, "TCIOFLUSH throws away both")
{
	int fd = open_both_ways(O_RDWR);

	CHECK_EQ(ioctl(fd, TCFLSH, TCIOFLUSH), 0);
	check_flushed(fd, 5, 7);
}

TEST(flush_out_on_wire, "TCOFLUSH leaves the frame that is on the wire, which arrives")
{
	int fd;

	wire_line(0, "loopback");
	set_attr(0, "baud", "50");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 10);
	CHECK_EQ(ioctl(fd, TCFLSH, TCOFLUSH), 0);
	/* On a busy machine there may have been more before. */
	CHECK_EQ(stat_of(0, "tx_flushed") + stat_of(0, "tx_sent") + 1, 10);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(stat_of(0, "tx_flushed") + stat_of(0, "tx_sent"), 10);
	read_row(fd, 0, stat_of(0, "tx_sent"));
	CHECK_EQ(rx_queued(fd), 0);
	check_line_books(0);

	/* What is written after it follows it. */
	write_row(fd, 0, 10);
	CHECK_EQ(ioctl(fd, TCFLSH, TCOFLUSH), 0);
	set_attr(0, "pacing", "0");
	read_away(fd);
	write_row(fd, 20, 100);
	read_row(fd, 20, 100);
	check_line_books(0);
}

TEST(flush_out_refused, "but throws it away if the other end takes nothing any more")
{
	int a, b;

	set_attr(0, "baud", "50");
	wire_line(0, "nullmodem:vser1");
	a = open_line(O_RDWR);
	b = open_nth(1, O_RDWR);
	write_row(a, 0, 10);
	close(b);
	CHECK_EQ(ioctl(a, TCFLSH, TCOFLUSH), 0);
	CHECK_EQ(tx_queued(a), 0);
	/* On a busy machine there may have been more before. */
	CHECK_EQ(stat_of(0, "tx_flushed") + stat_of(0, "tx_sent"), 10);
	check_line_books(0);
}

TEST(flush_in_arrived, "TCIFLUSH throws away what has arrived, also if the timer has yet to look")
{
	int fd;

	wire_line(0, "loopback");
	set_attr(0, "latency_ns", "1000000000");
	fd = open_line(O_RDWR);
	/* At 11520 frames a second, the timer looks after 4096 of them. */
	write_row(fd, 0, 20000);
	sleep_ms(50);
	CHECK_EQ(ioctl(fd, TCFLSH, TCIFLUSH), 0);
	CHECK(stat_of(0, "rx_flushed") >= 575);
	check_line_books(0);
}

TEST(flush_invalid, "TCFLSH of anything else is EINVAL and throws nothing away")
{
	static const unsigned long queues[] = { 3, 4, 100, ~0UL };
	int fd = open_both_ways(O_RDWR);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		CHECK_ERR(ioctl(fd, TCFLSH, queues[i]), EINVAL);
	check_flushed(fd, 0, 0);
}

TEST(flush_frees_writer, "flushing lets a writer go on that waits for room")
{
	pid_t writer;
	int fd;

	use_small_queues();
	fd = open_unheard("0");
	write_row(fd, 0, SMALL);
	CHILD(writer)
		write_row(fd, 0, 1);
	WAIT_UNTIL(blocked_in(writer, SYS_write));
	CHECK_EQ(ioctl(fd, TCFLSH, TCOFLUSH), 0);
	check_child(writer);
	CHECK_EQ(tx_queued(fd), 1);
}

TEST(flush_frees_drainer, "flushing lets go who waits until all is sent")
{
	int fd = open_unheard("0");
	pid_t drainer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(drains); i++) {
		tap_row(drains[i].name);
		write_row(fd, 0, 10);
		CHILD(drainer)
			CHECK_EQ(drains[i].drain(fd), 0);
		WAIT_UNTIL(blocked_in(drainer, drains[i].call));
		CHECK_EQ(ioctl(fd, TCFLSH, TCOFLUSH), 0);
		check_child(drainer);
	}
}

TEST(flush_frees_sender, "flushing what was received lets the sender go on")
{
	struct pair pair;

	use_small_queues();
	pair = open_pair(O_RDWR);
	write_row(pair.a, 0, 2 * SMALL);
	CHECK_EQ(tx_queued(pair.a), SMALL);
	CHECK_EQ(ioctl(pair.b, TCFLSH, TCIFLUSH), 0);
	CHECK_EQ(tx_queued(pair.a), 0);
	read_row(pair.b, SMALL, SMALL);
	CHECK_EQ(stat_of(1, "rx_flushed"), SMALL);
	check_line_books(1);
}

/* Pacing and speed while bytes wait */

TEST(unpaced_later, "bytes that wait for a slow line go at once when it is not paced")
{
	int fd;

	wire_line(0, "loopback");
	set_attr(0, "baud", "50");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 5000);
	set_attr(0, "pacing", "0");
	CHECK_EQ(tx_queued(fd), 0);
	read_row(fd, 0, 5000);
	check_no_loss(0);
}

TEST(faster_later, "bytes that wait for a slow line arrive at the new speed")
{
	__u64 start = now_ns();
	int fd;

	wire_line(0, "loopback");
	set_attr(0, "baud", "50");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 5000);
	set_baud(fd, 1000000);
	read_row(fd, 0, 5000);
	/* The byte on the line ends at 50 baud. */
	CHECK(now_ns() - start >= 200 * NSEC_PER_MSEC + 50 * NSEC_PER_MSEC);
	check_no_loss(0);
}

/*
 * A frame takes 33 ms, and the latency is a thousandth of that: whatever else makes
 * the timer look early, it must look again when the frame has ended. The reader
 * changes RTS by what it reads, and a program may do so all the time.
 */
static void check_slow_wire(bool toggle)
{
	struct pair pair;
	pid_t toggler, reader;

	use_small_queues();
	pair = open_pair(O_RDWR);
	write_row(pair.a, 0, 2 * SMALL);
	set_attr(0, "latency_ns", "10000");
	set_attr(0, "baud", "300");
	set_attr(1, "baud", "300");
	set_attr(0, "pacing", "1");
	CHILD(toggler)
		while (toggle) {
			set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
			set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
		}
	CHILD(reader)
		read_row_by(pair.b, 0, 2 * SMALL + 40, 3);
	write_row(pair.a, 2 * SMALL, 40);
	check_child(reader);
	if (toggle)
		kill_child(toggler);
	else
		check_child(toggler);
	close(pair.a);
	close(pair.b);
	check_no_loss(1);
}

TEST_WITHIN(slow_wire, 60, "a slow wire goes on, whatever RTS does meanwhile")
{
	check_slow_wire(false);
	check_slow_wire(true);
}

/* Room for as many frames as fit is too little if each becomes several bytes. */
TEST(speed_under_way, "with flow control a receiver whose speed changes under way loses nothing")
{
	struct pair pair;
	int i;

	wire_line(0, "nullmodem:vser1");
	set_attr(0, "latency_ns", "100000000");
	set_attr(1, "fifo", "1024");
	for (i = 0; i < 5; i++) {
		set_attr(0, "baud", "1000000");
		set_attr(1, "baud", "1000000");
		pair.a = open_nth(0, O_RDWR);
		pair.b = open_nth(1, O_RDWR);
		write_row(pair.a, 0, 20000);
		set_attr(1, "baud", "4000000");
		sleep_ms(100);
		CHECK_EQ(stat_of(1, "rx_overrun"), 0);
		CHECK_EQ(ioctl(pair.a, TCFLSH, TCOFLUSH), 0);
		CHECK_EQ(ioctl(pair.b, TCFLSH, TCIFLUSH), 0);
		close(pair.a);
		close(pair.b);
	}
}

/*
 * With marks and faults, a frame may need more room than the smallest queue
 * has. That must not keep it waiting for ever.
 */
static void check_no_stall(const char *fifo, const char *pacing)
{
	pid_t writer;
	int fd;

	tap_row(fifo);
	set_attr(0, "fifo", fifo);
	set_attr(0, "pacing", pacing);
	fd = open_line(O_RDWR);
	CHILD(writer) {
		write_row(fd, 0, 1000);
		CHECK_EQ(fsync(fd), 0);
	}
	while (!has_ended(writer)) {
		read_away(fd);
		tap_nap();
	}
	check_child(writer);
	close(fd);
	check_line_books(0);
}

TEST(no_stall, "the smallest queues do not stop the line, faults and marks or not")
{
	__u32 on = 1;

	wire_line(0, "loopback");
	set_attr(0, "baud", "4000000");
	set_attr(0, "fault", "drop=500000 dup=100000 seed=3");
	CHECK_EQ(ioctl(open_line(CONTROL_ONLY), VS_SET_MARK, &on), 0);
	check_no_stall("16", "0");
	check_no_stall("64", "1");
	check_no_stall("32", "1");
	check_no_stall("16", "1");
}
