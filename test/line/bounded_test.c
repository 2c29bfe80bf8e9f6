// SPDX-License-Identifier: GPL-2.0
/*
 * However many look at a line, and however many lines are busy, the machine goes on:
 * what a wire has done is told once for a run and not for each byte, with no lock held.
 * How long it takes is measured by "make bench"; here the kernel's log is searched for
 * complaints about it.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

#define LISTENERS	1000
#define BYTES		4096

/* Each byte is looked at, as its upper bits get lost. */
static void wire_narrow_loopback(const char *fault)
{
	wire_line(0, "loopback");
	set_attr(0, "pacing", "0");
	set_attr(0, "format", "5N1");
	set_attr(0, "fault", fault);
}

static void block(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

/* Takes those that are queued for the process. */
static unsigned int count_signals(int signal)
{
	const struct timespec at_once = {};
	unsigned int n = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	while (sigtimedwait(&set, NULL, &at_once) == signal)
		n++;

	return n;
}

static void want_signal(int fd, int signal)
{
	CHECK_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	CHECK_EQ(fcntl(fd, F_SETSIG, signal), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC), 0);
}

TEST(told_once, "what many bytes in a row have done is told together")
{
	static const char *const faults[] = { "frame=0", "frame=1000000" };
	struct rlimit many = { 100000, 100000 };
	size_t i;
	int fd;

	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &many), 0);
	block(SIGRTMIN);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		tap_row(faults[i]);
		wire_narrow_loopback(faults[i]);
		fd = open_line(O_RDWR);
		CHECK_EQ(ioctl(fd, VS_WATCH_EVENTS, &(__u32) { 1 }), 0);
		want_signal(fd, SIGRTMIN);
		write_row(fd, 0, BYTES);
		/* One for room, one for bytes, one for events, in each of 16 runs. */
		CHECK(count_signals(SIGRTMIN) <= 3 * 16 + 16);
		close(fd);
	}
}

TEST_WITHIN(listeners, 120, "a thousand descriptors with signals and epoll do not stop the machine")
{
	struct rlimit files = { LISTENERS + 100, LISTENERS + 100 };
	struct epoll_event event = { .events = EPOLLPRI };
	int epfd, fd, i;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
	block(SIGIO);
	wire_narrow_loopback("frame=1000000");
	epfd = epoll_create1(0);
	for (i = 0; i < LISTENERS; i++) {
		fd = open_line(CONTROL_ONLY);
		CHECK_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
		CHECK_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC), 0);
		CHECK_EQ(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), 0);
	}
	fd = open_line(O_RDWR);
	write_row(fd, 0, BYTES);
	CHECK_EQ(count_signals(SIGIO), 1);
	CHECK_EQ(epoll_wait(epfd, &event, 1, 0), 1);

	/* The same from the timer. */
	read_away(fd);
	set_attr(0, "baud", "921600");
	set_attr(0, "pacing", "1");
	write_row(fd, 0, BYTES);
	CHECK_EQ(fsync(fd), 0);
	/* More, if others are still being told. */
	CHECK(count_signals(SIGIO) >= 1);
	check_line_books(0);
}

#define PAIRS	64

TEST_WITHIN(late, 120, "what timers have no time for is done, and nothing is lost")
{
	char far[40];
	unsigned int i;
	int from[PAIRS], to[PAIRS];

	with_lines(2 * PAIRS);
	for (i = 0; i < PAIRS; i++) {
		tap_row_number(i);
		snprintf(far, sizeof(far), "nullmodem:%s", name_of(2 * i + 1));
		wire_line(2 * i, far);
		set_attr(2 * i, "baud", "4000000");
		set_attr(2 * i + 1, "baud", "4000000");
		set_attr(2 * i, "format", "8E1");
		set_attr(2 * i + 1, "format", "8E1");
		set_attr(2 * i, "fault", "parity=1000000");
		set_attr(2 * i, "latency_ns", "10000000");
		to[i] = open_nth(2 * i + 1, O_RDWR);
		from[i] = open_nth(2 * i, O_RDWR);
	}
	for (i = 0; i < PAIRS; i++)
		write_row(from[i], i, 10000);
	for (i = 0; i < PAIRS; i++) {
		tap_row_number(i);
		CHECK_EQ(fsync(from[i]), 0);
		read_row(to[i], i, 10000);
		CHECK_EQ(rx_queued(to[i]), 0);
		CHECK_EQ(stat_of(2 * i + 1, "rx_parity"), 10000);
	}
}
