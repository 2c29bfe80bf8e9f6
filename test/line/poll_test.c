// SPDX-License-Identifier: GPL-2.0
/*
 * poll, select and epoll: what they answer at once, what wakes them up, and
 * that edge-triggered epoll reports each change.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "line.h"

#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)
#define FOREVER	(-1)

TEST(timeout, "poll waits for a letter no longer than it was told to")
{
	int fd = open_line(O_RDONLY);
	__u64 start = now_ns();

	CHECK_EQ(poll_now(fd, IN), 0);
	CHECK_EQ(poll_for(fd, IN, 50), 0);
	CHECK(now_ns() - start >= 50 * NSEC_PER_MSEC);
}

TEST(in, "POLLIN comes with a letter and goes when it is read")
{
	int fd = open_line(O_RDONLY | O_NONBLOCK);
	char letters[100];

	CHECK_EQ(poll_for(fd, IN, FOREVER), IN);
	CHECK_EQ(poll_now(fd, IN), IN);
	CHECK(read(fd, letters, sizeof(letters)) > 0);
	CHECK_EQ(poll_now(fd, IN), 0);
}

TEST(out, "POLLOUT is there exactly while there is room")
{
	int fd = open_line(O_WRONLY);
	short revents;

	CHECK_EQ(poll_now(fd, OUT), OUT);
	do {
		fill(fd);
		revents = poll_now(fd, OUT);
	} while (tx_queued(fd) < FIFO_SIZE);
	CHECK_EQ(revents, 0);
	drain(fd);
	CHECK_EQ(poll_now(fd, OUT), OUT);
}

TEST(out_wakes, "room wakes up who polls for it")
{
	int control = open_line(CONTROL_ONLY);
	int fd = open_line(O_WRONLY);
	pid_t poller;

	fill(fd);
	CHILD(poller) {
		CHECK_EQ(poll_for(fd, OUT, FOREVER), OUT);
		CHECK(write(fd, "x", 1) == 1);
	}
	check_child(poller);
	drain(control);
}

TEST(access, "a descriptor polls for no more than it can do")
{
	int fd;

	fd = open_line(O_RDONLY);
	wait_for_letters(fd, 1);
	CHECK_EQ(poll_now(fd, IN | OUT | POLLPRI), IN);
	close(fd);
	fd = open_line(O_WRONLY);
	CHECK_EQ(poll_now(fd, IN | OUT | POLLPRI), OUT);
	close(fd);
	fd = open_line(CONTROL_ONLY);
	CHECK_EQ(poll_now(fd, IN | OUT | POLLPRI), 0);
	close(fd);
	fd = open_line(O_RDWR);
	CHECK_EQ(poll_now(fd, IN | OUT | POLLPRI), IN | OUT);
}

/* What select() says of one descriptor: IN, OUT, both or nothing. */
static int select_for(int fd, int ms)
{
	struct timeval timeout = { .tv_usec = ms * 1000 };
	fd_set in, out;
	int n;

	FD_ZERO(&in);
	FD_SET(fd, &in);
	out = in;
	n = select(fd + 1, &in, &out, NULL, ms < 0 ? NULL : &timeout);
	CHECK(n >= 0);
	if (!n)
		return 0;

	return (FD_ISSET(fd, &in) ? IN : 0) | (FD_ISSET(fd, &out) ? OUT : 0);
}

TEST(select, "select tells of letters and of room")
{
	int fd = open_line(O_RDWR);
	int events;

	CHECK_EQ(select_for(fd, 0), OUT);
	do {
		fill(fd);
		events = select_for(fd, 10);
	} while (tx_queued(fd) < FIFO_SIZE);
	CHECK_EQ(events & OUT, 0);
	CHECK(select_for(fd, FOREVER) != 0);
	drain(fd);
	wait_for_letters(fd, 1);
	CHECK_EQ(select_for(fd, 0), IN | OUT);
}

static int epoll_of(int fd, unsigned int events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(0);

	CHECK(epoll >= 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);

	return epoll;
}

static unsigned int epoll_for(int epoll, int ms)
{
	struct epoll_event event = { .events = 0 };

	CHECK(epoll_wait(epoll, &event, 1, ms) >= 0);

	return event.events;
}

TEST(epoll, "epoll reports a letter until it is read")
{
	int fd = open_line(O_RDONLY | O_NONBLOCK);
	int epoll = epoll_of(fd, EPOLLIN);
	char letters[100];

	CHECK_EQ(epoll_for(epoll, 0), 0);
	CHECK_EQ(epoll_for(epoll, FOREVER), EPOLLIN);
	CHECK_EQ(epoll_for(epoll, 0), EPOLLIN);
	CHECK(read(fd, letters, sizeof(letters)) > 0);
	CHECK_EQ(epoll_for(epoll, 0), 0);
}

TEST(epoll_in_edge, "edge-triggered epoll reports each letter once")
{
	__u64 start = now_ns();
	int fd = open_line(O_RDONLY);
	int epoll = epoll_of(fd, EPOLLIN | EPOLLET);
	int i;

	for (i = 1; i <= 2; i++) {
		CHECK_EQ(epoll_for(epoll, FOREVER), EPOLLIN);
		CHECK(now_ns() - start >= i * NSEC_PER_SEC);
	}
}

TEST(epoll_out_edge, "edge-triggered epoll reports room once, and again after full")
{
	int fd = open_line(O_WRONLY);
	int epoll = epoll_of(fd, EPOLLOUT | EPOLLET);

	CHECK_EQ(epoll_for(epoll, FOREVER), EPOLLOUT);
	CHECK_EQ(epoll_for(epoll, 20), 0);
	fill(fd);
	CHECK_EQ(epoll_for(epoll, FOREVER), EPOLLOUT);
	CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(epoll_oneshot, "one-shot epoll reports a letter once, and again when it is asked to")
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };
	int fd = open_line(O_RDONLY);
	int epoll = epoll_of(fd, EPOLLIN | EPOLLONESHOT);

	wait_for_letters(fd, 1);
	CHECK_EQ(epoll_for(epoll, FOREVER), EPOLLIN);
	wait_for_letters(fd, 2);
	CHECK_EQ(epoll_for(epoll, 20), 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event), 0);
	CHECK_EQ(epoll_for(epoll, FOREVER), EPOLLIN);
}
