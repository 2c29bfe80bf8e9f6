// SPDX-License-Identifier: GPL-2.0
/*
 * Many processes on one line at once, each as fast as it can: no deadlock, not
 * with the line's timers either, no byte counted twice or not at all, and never
 * two who have the line to themselves.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "line.h"

#define SECONDS	4

/* What the processes have in common. */
static struct {
	__u64 end;		/* of the test, in ns */
	__u64 written;	/* bytes, by all processes */
	__u64 read;
	int owners;		/* processes that have the line open */
	int opened;		/* how often it was opened */
} *shared;

static void set_up(unsigned int seconds)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	shared->end = now_ns() + seconds * NSEC_PER_SEC;
}

static bool go_on(void)
{
	return now_ns() < shared->end;
}

static void add(__u64 *sum, ssize_t n)
{
	CHECK(n > 0 || (n == -1 && errno == EAGAIN));
	if (n > 0)
		__atomic_add_fetch(sum, n, __ATOMIC_RELAXED);
}

static void read_all(int fd)
{
	char letters[100];

	add(&shared->read, read(fd, letters, sizeof(letters)));
}

static void write_some(int fd)
{
	static char bytes[5000];

	add(&shared->written, write(fd, bytes, 1 + rand() % sizeof(bytes)));
}

static void set_and_get(int fd)
{
	__u32 baud = 1000000 + rand() % 3000001;
	struct vser_format fmt = {
		.datab = 5 + rand() % 4,
		.parity = rand() % 5,
		.stopb = 1 + rand() % 2,
	};

	set_baud(fd, baud);
	set_fmt(fd, fmt);
	CHECK_EQ(ioctl(fd, VS_GET_BAUD, &baud), 0);
	CHECK(baud >= 1000000 && baud <= 4000000);
	CHECK_EQ(ioctl(fd, VS_GET_FMT, &fmt), 0);
	CHECK(fmt.datab >= 5 && fmt.datab <= 8);
	CHECK(tx_queued(fd) <= FIFO_SIZE);
	CHECK(rx_queued(fd) <= FIFO_SIZE);
}

/* One call that looks at the line a thousand times. */
static void poll_much(int fd)
{
	static struct pollfd pollfds[1000];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pollfds); i++) {
		pollfds[i].fd = fd;
		pollfds[i].events = POLLIN | POLLOUT;
	}
	CHECK(poll(pollfds, ARRAY_SIZE(pollfds), 0) >= 0);
}

static void control(int fd)
{
	int control = open_line(CONTROL_ONLY);

	(void)fd;
	set_and_get(control);
	close(control);
}

static void ask_for_signals(int fd)
{
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

TEST_WITHIN(all_at_once, 60, "everything at once: no deadlock, no byte lost")
{
	static void (*const jobs[])(int fd) = {
		read_all, write_some, write_some, set_and_get, poll_much,
		control, ask_for_signals,
	};
	pid_t workers[ARRAY_SIZE(jobs)];
	struct counters before, after;
	size_t i;
	int fd;

	set_up(SECONDS);
	before = counters();
	fd = open_line(O_RDWR | O_NONBLOCK);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		CHILD(workers[i])
			while (go_on())
				jobs[i](fd);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		check_child(workers[i]);
	drain(fd);
	close(fd);
	after = counters();
	CHECK_EQ(after.tx_written - before.tx_written, shared->written);
	CHECK_EQ(after.tx_sent - before.tx_sent, shared->written);
	CHECK_EQ(after.rx_delivered - before.rx_delivered, shared->read);
	check_books();
}

/* Calls that take what the line's timers take too. */

static void get_baud(int fd)
{
	__u32 baud;

	CHECK_EQ(ioctl(fd, VS_GET_BAUD, &baud), 0);
}

static void get_fmt(int fd)
{
	struct vser_format fmt;

	CHECK_EQ(ioctl(fd, VS_GET_FMT, &fmt), 0);
}

static void set_fast(int fd)
{
	set_baud(fd, VSER_BAUD_MAX);
}

static void set_8n1(int fd)
{
	set_fmt(fd, FMT_8N1);
}

static void count(int fd)
{
	tx_queued(fd);
	rx_queued(fd);
}

static void write_one(int fd)
{
	add(&shared->written, write(fd, "x", 1));
}

/* Two processes do nothing else than this, while the line is sending. */
static void hammer(void (*job)(int fd), int fd)
{
	pid_t workers[2];
	size_t i;

	shared->end = now_ns() + SECONDS * NSEC_PER_SEC / 10;
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		CHILD(workers[i])
			while (go_on())
				job(fd);
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		check_child(workers[i]);
}

TEST_WITHIN(timers, 60, "no call waits for a timer that waits for the call")
{
	static void (*const jobs[])(int fd) = {
		get_baud, get_fmt, set_fast, set_8n1, count, write_one,
		read_all, poll_much,
	};
	int fd = open_line(O_RDWR | O_NONBLOCK);
	pid_t writer;
	size_t i;

	set_up(SECONDS);
	set_fast(fd);
	CHILD(writer)
		for (;;) {
			write_some(fd);
			tap_nap();
		}
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		hammer(jobs[i], fd);
	kill_child(writer);
	drain(fd);
	close(fd);
	check_books();
}

/* Opens, uses and closes the line, unless somebody else has it. */
static void open_and_close(void)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int mode = flags[rand() % ARRAY_SIZE(flags)];
	int fd = open(LINE, mode | O_NONBLOCK);

	if (fd < 0) {
		CHECK_EQ(errno, EBUSY);
		return;
	}
	CHECK_EQ(__atomic_add_fetch(&shared->owners, 1, __ATOMIC_SEQ_CST), 1);
	shared->opened++;
	if (mode != O_RDONLY)
		write_some(fd);
	if (mode != O_WRONLY)
		read_all(fd);
	__atomic_sub_fetch(&shared->owners, 1, __ATOMIC_SEQ_CST);
	close(fd);
}

TEST_WITHIN(open_storm, 60, "of many who open the line only one has it at a time")
{
	pid_t workers[4];
	__u64 sent;
	size_t i;

	set_up(SECONDS / 2);
	sent = counter("tx_sent");
	set_baud(open_line(CONTROL_ONLY), VSER_BAUD_MAX);
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		CHILD(workers[i]) {
			srand(i);
			while (go_on() || !shared->opened)
				open_and_close();
		}
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		check_child(workers[i]);
	drain(open_line(CONTROL_ONLY));
	CHECK_EQ(counter("tx_sent"), sent + shared->written);
	check_books();
}

TEST_WITHIN(many_writers, 60, "writers that wait for each other all get by")
{
	__u64 sent = counter("tx_sent");
	int fd = open_line(O_WRONLY);
	pid_t workers[4];
	size_t i;

	set_up(SECONDS / 4);
	set_baud(fd, VSER_BAUD_MAX);
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		CHILD(workers[i])
			while (go_on())
				write_some(fd);
	for (i = 0; i < ARRAY_SIZE(workers); i++)
		check_child(workers[i]);
	drain(fd);
	CHECK_EQ(counter("tx_sent"), sent + shared->written);
	check_books();
}
