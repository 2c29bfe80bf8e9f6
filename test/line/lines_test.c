// SPDX-License-Identifier: GPL-2.0
/*
 * Many lines: as many as there can be, all of them in use at once, and the
 * limit on what their buffers take together.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

#define MOST	1024

static void connect_lines(unsigned int a, unsigned int b)
{
	char far[40];

	snprintf(far, sizeof(far), "nullmodem:%s", name_of(b));
	wire_line(a, far);
}

/* 1024 lines */

static void check_node(unsigned int i)
{
	struct vser_info info;
	int fd = open_nth(i, CONTROL_ONLY);

	CHECK_EQ(ioctl(fd, VS_GET_INFO, &info), 0);
	CHECK_EQ(info.line, i);
	CHECK_EQ(info.lines, MOST);
	CHECK_EQ(info.reserved, 0);
	close(fd);
}

static void check_own(unsigned int i)
{
	int fd = open_nth(i, CONTROL_ONLY);
	struct vser_wiring wiring;

	check_setting(fd, 1000 + i, FMT_8N1);
	CHECK_EQ(ioctl(fd, VS_GET_WIRE, &wiring), 0);
	CHECK_EQ(wiring.type, VSER_WIRE_NULLMODEM);
	CHECK_EQ(wiring.peer, i ^ 1);
	close(fd);
}

/* It is loaded once, as each time takes long. */
TEST_WITHIN(most, 120, "each of 1024 lines has its node, its settings, its wire and its bytes")
{
	struct rlimit limit = { MOST + 100, MOST + 100 };
	static int fds[MOST];
	unsigned int i;

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	with_lines(MOST);
	for (i = 0; i < MOST; i++) {
		tap_row(name_of(i));
		set_attr_number(i, "baud", 1000 + i);
		set_attr(i, "pacing", "0");
		set_attr(i, "fifo", "16");
		if (i & 1)
			connect_lines(i, i ^ 1);
	}
	for (i = 0; i < MOST; i++) {
		tap_row(name_of(i));
		check_node(i);
		check_own(i);
	}

	/* All are open at once; each pair carries its own bytes. */
	for (i = 0; i < MOST; i++) {
		tap_row(name_of(i));
		fds[i] = open_nth(i, O_RDWR | O_NONBLOCK);
	}
	for (i = 0; i < MOST; i++)
		write_row(fds[i], i, 10);
	for (i = 0; i < MOST; i++) {
		tap_row(name_of(i));
		read_row(fds[i], i ^ 1, 10);
		CHECK_EQ(rx_queued(fds[i]), 0);
	}
	CHECK_EQ(try_unload(), EWOULDBLOCK);
	for (i = 0; i < MOST; i++)
		close(fds[i]);
	unload();
	check_gone();
}

/* 64 pairs, all busy */

#define PAIRS	64
#define SIZE	4000

static struct end {
	int fd;
	size_t written;
	size_t read;
} ends[2 * PAIRS];

static void start_pairs(void)
{
	unsigned int i;

	with_lines(2 * PAIRS);
	for (i = 0; i < 2 * PAIRS; i += 2)
		connect_lines(i, i + 1);
	for (i = 0; i < 2 * PAIRS; i++) {
		set_attr(i, "fifo", "1024");
		ends[i].fd = open_nth(i, O_RDWR | O_NONBLOCK);
	}
}

/* Each end sends a row of its own, of which it is told by its number. */
static void write_some(struct end *end)
{
	size_t first = (end - ends) * SIZE;
	__u8 byte;

	while (end->written < SIZE) {
		byte = row_byte(first + end->written);
		if (write(end->fd, &byte, 1) != 1)
			break;
		end->written++;
	}
}

static void read_some(struct end *end)
{
	size_t first = ((end - ends) ^ 1) * SIZE;
	__u8 bytes[SIZE];
	ssize_t n, i;

	n = read(end->fd, bytes, sizeof(bytes));
	for (i = 0; i < n; i++)
		CHECK_EQ(bytes[i], row_byte(first + end->read++));
}

static bool all_done(void)
{
	unsigned int i;

	for (i = 0; i < 2 * PAIRS; i++)
		if (ends[i].read < SIZE)
			return false;

	return true;
}

TEST_WITHIN(pairs, 60, "64 null modems, all busy both ways, lose nothing and are not early")
{
	struct pollfd pollfds[2 * PAIRS];
	__u64 start;
	unsigned int i;

	start_pairs();
	start = now_ns();
	while (!all_done()) {
		for (i = 0; i < 2 * PAIRS; i++) {
			pollfds[i].fd = ends[i].fd;
			pollfds[i].events = POLLIN;
			if (ends[i].written < SIZE)
				pollfds[i].events |= POLLOUT;
		}
		CHECK(poll(pollfds, 2 * PAIRS, -1) > 0);
		for (i = 0; i < 2 * PAIRS; i++) {
			if (pollfds[i].revents & POLLOUT)
				write_some(&ends[i]);
			if (pollfds[i].revents & POLLIN)
				read_some(&ends[i]);
		}
	}
	CHECK(now_ns() - start >= SIZE * 10 * NSEC_PER_SEC / 115200);
	for (i = 0; i < 2 * PAIRS; i++) {
		CHECK_EQ(stat_of(i, "rx_overrun"), 0);
		check_line_books(i);
	}
}

/* What all buffers may take together */

TEST(quota, "an open beyond the limit of all buffers is EDQUOT, but for the privileged")
{
	pid_t child;
	int first;

	with_parameters("lines=2 max_buffers=131072 user_buffers=131072");
	first = open_nth(0, O_RDWR);
	CHILD(child) {
		drop_capability(CAP_SYS_RESOURCE);
		CHECK_ERR(open("/dev/vser1", O_RDWR), EDQUOT);
		CHECK_ERR(open("/dev/vser1", O_RDONLY), EDQUOT);
		close(open_nth(1, CONTROL_ONLY));
	}
	check_child(child);
	close(open_nth(1, O_RDWR));
	close(first);
	CHILD(child) {
		drop_capability(CAP_SYS_RESOURCE);
		close(open_nth(1, O_RDWR));
		close(open_nth(0, O_RDWR));
	}
	check_child(child);
}

TEST(quota_half, "an open that gets one of its buffers only keeps none")
{
	pid_t child;

	with_parameters("lines=2 max_buffers=65536 user_buffers=65536");
	CHILD(child) {
		drop_capability(CAP_SYS_RESOURCE);
		CHECK_ERR(open("/dev/vser", O_RDWR), EDQUOT);
		CHECK_ERR(open("/dev/vser1", O_RDWR), EDQUOT);
		set_attr(1, "fifo", "32768");
		close(open_nth(1, O_RDWR));
	}
	check_child(child);
}

TEST(quota_resize, "larger queues beyond the limit are EDQUOT and change nothing")
{
	pid_t child;
	int fd;

	with_parameters("lines=2 max_buffers=262144 user_buffers=262144");
	set_attr(0, "pacing", "0");
	wire_line(0, "loopback");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 2 * FIFO_SIZE);
	CHILD(child) {
		drop_capability(CAP_SYS_RESOURCE);
		CHECK_EQ(try_attr(0, "fifo", "131072"), EDQUOT);
		check_attr(0, "fifo", "65536");
		/* Of a line that has no buffers yet, it is no question. */
		set_attr(1, "fifo", "4194304");
	}
	check_child(child);
	CHECK_EQ(rx_queued(fd), FIFO_SIZE);
	CHECK_EQ(tx_queued(fd), FIFO_SIZE);
	read_row(fd, 0, 2 * FIFO_SIZE);
	set_attr(0, "fifo", "131072");
	check_attr(0, "fifo", "131072");
}

TEST(quota_returned, "buffers of lines that are closed and empty count no more")
{
	pid_t child;
	int fd, i;

	with_parameters("lines=2 max_buffers=131072 user_buffers=131072");
	CHILD(child) {
		drop_capability(CAP_SYS_RESOURCE);
		for (i = 0; i < 50; i++)
			close(open_nth(i % 2, O_RDWR));
		/* What is to be sent keeps its buffer until it is sent. */
		wire_line(0, "loopback");
		fd = open_nth(0, O_WRONLY);
		set_modem(fd, TIOCMBIC, TIOCM_RTS);
		write_row(fd, 0, 10);
		close(fd);
		CHECK_ERR(open("/dev/vser1", O_RDWR), EDQUOT);
		wire_line(0, "open");
		WAIT_UNTIL((fd = open("/dev/vser1", O_RDWR)) >= 0);
		CHECK_EQ(stat_of(0, "tx_queued"), 0);
	}
	check_child(child);
}

/* What one of several users may take */

#define USER_LINES	12
#define FIRST_USER	1000
#define SECOND_USER	1001

/* Of 16 queues, one user gets 8. */
#define OF_USERS	"lines=12 max_buffers=1048576"

static void set_up_users(void)
{
	unsigned int line;
	char path[40];

	with_parameters(OF_USERS);
	for (line = 0; line < USER_LINES; line++) {
		snprintf(path, sizeof(path), "/dev/%s", name_of(line));
		CHECK_EQ(chmod(path, 0666), 0);
		set_attr(line, "pacing", "0");
		wire_line(line, "loopback");
	}
}

static void become(uid_t uid)
{
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

/* Opens a line, leaves a byte in it that waits, and closes it. */
static int leave_byte(unsigned int line)
{
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name_of(line));
	fd = open(path, O_RDWR);
	if (fd < 0)
		return errno;
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(close(fd), 0);

	return 0;
}

/* Each closed line that is not empty has one buffer of 64 KiB. */
static void fill_share(void)
{
	unsigned int line;

	for (line = 0; line < 7; line++)
		CHECK_EQ(leave_byte(line), 0);
	CHECK_EQ(leave_byte(7), EDQUOT);
}

TEST(quota_user, "closed lines of one user leave room for another one")
{
	pid_t first, second;
	int fd;

	set_up_users();
	CHILD(first) {
		become(FIRST_USER);
		fill_share();
	}
	check_child(first);
	CHILD(second) {
		become(SECOND_USER);
		close(open_nth(8, O_RDWR));
		fd = open_nth(9, O_RDWR);
		open_nth(10, O_RDWR);
		open_nth(11, O_RDWR);
		open_nth(8, O_RDWR);
		CHECK_ERR(open("/dev/vser7", O_RDWR), EDQUOT);
		/* Nor one that holds what the first user has to pay for. */
		CHECK_ERR(open("/dev/vser6", O_RDWR), EDQUOT);
		close(fd);
		close(open_nth(7, O_RDWR));
	}
	check_child(second);
	/* Who has the privilege may take more. */
	CHECK_EQ(leave_byte(7), 0);
	CHECK_EQ(leave_byte(8), 0);
	CHECK_EQ(rx_queued(open_line(CONTROL_ONLY)), 1);
}

TEST(quota_taken_over, "a user who opens a line pays for what it holds")
{
	pid_t first, second;

	set_up_users();
	CHILD(first) {
		become(FIRST_USER);
		fill_share();
	}
	check_child(first);
	CHILD(second) {
		become(SECOND_USER);
		CHECK_EQ(leave_byte(0), 0);
		CHECK_EQ(rx_queued(open_line(CONTROL_ONLY)), 2);
	}
	check_child(second);
	CHILD(first) {
		become(FIRST_USER);
		CHECK_EQ(leave_byte(7), 0);
		CHECK_EQ(leave_byte(8), EDQUOT);
	}
	check_child(first);
}

TEST(quota_rings, "rings count among the buffers of the user that sets them up")
{
	struct vser_ring ring = { .tx_size = 131072 };
	pid_t child;

	set_up_users();
	CHILD(child) {
		become(FIRST_USER);
		CHECK_EQ(ioctl(open_nth(0, O_RDWR), VS_SET_RING, &ring), 0);
		CHECK_ERR(ioctl(open_nth(1, O_RDWR), VS_SET_RING, &ring), EDQUOT);
	}
	check_child(child);
	CHILD(child) {
		become(SECOND_USER);
		CHECK_EQ(ioctl(open_nth(1, O_RDWR), VS_SET_RING, &ring), 0);
	}
	check_child(child);
}
