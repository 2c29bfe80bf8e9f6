// SPDX-License-Identifier: GPL-2.0
/*
 * What a user of one line can do to another line, or to an exclusive user of the
 * same one: a test for each row of the tables in docs/line.md, "Who can do what".
 *
 * Line 0 is the other user's, line 1 is not. Both belong to a null modem, and the
 * test, as root, uses both.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(4)

#define USER	1000	/* may open lines 0 and 2 */

static struct pair set_up(void)
{
	CHECK_EQ(chown("/dev/vser", USER, USER), 0);
	CHECK_EQ(chown("/dev/vser2", USER, USER), 0);

	return open_pair(O_RDWR | O_NONBLOCK);
}

static pid_t fork_user(void)
{
	pid_t pid = fork_child();

	if (pid)
		return pid;
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(USER, USER, USER), 0);
	CHECK_EQ(setresuid(USER, USER, USER), 0);

	return 0;
}

/* As CHILD(), a process of the other user. */
#define AS_USER(pid)	for ((pid) = fork_user(); !(pid); exit_child())

static int try_wire(int fd, struct vser_wiring wiring)
{
	return ioctl(fd, VS_SET_WIRE, &wiring) ? errno : 0;
}

/* What line 1 is set to, what it has and what it has counted. */
static struct seen {
	char text[4096];
} look(unsigned int line)
{
	static const char *const names[] = {
		"baud", "format", "fault", "fifo", "exclusive", "generator",
		"latency_ns", "pacing", "period_ns", "seed", "stats/rx_queued",
		"stats/tx_queued", "stats/rx_flushed", "stats/tx_flushed",
		"stats/tx_sent", "stats/rx_delivered",
	};
	struct seen seen = { "" };
	size_t i, at = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		at += snprintf(seen.text + at, sizeof(seen.text) - at, "%s=%s ",
			       names[i], get_attr(line, names[i]));

	return seen;
}

static void check_same(unsigned int line, const struct seen *before)
{
	struct seen now = look(line);

	if (strcmp(now.text, before->text))
		printf("# before: %s\n# now: %s\n", before->text, now.text);
	CHECK(!strcmp(now.text, before->text));
}

/* Another line */

TEST(open, "a line that a user may not open is closed to each access mode")
{
	pid_t user;

	set_up();
	AS_USER(user) {
		CHECK_ERR(open("/dev/vser1", O_RDWR), EACCES);
		CHECK_ERR(open("/dev/vser1", O_RDONLY), EACCES);
		CHECK_ERR(open("/dev/vser1", CONTROL_ONLY), EACCES);
		CHECK_ERR(open(CLASS "/vser1/wire", O_WRONLY), EACCES);
		CHECK_ERR(open(CLASS "/vser/wire", O_WRONLY), EACCES);
	}
	check_child(user);
}

TEST(join, "a user cannot join a line to one that the user may not open")
{
	struct pair pair = set_up();
	struct seen before;
	pid_t user;

	/* Line 3 is free, and in use by somebody else. */
	open_nth(3, O_RDWR);
	before = look(3);
	AS_USER(user) {
		int fd = open_nth(2, O_RDWR);

		CHECK_EQ(try_wire(fd, (struct vser_wiring) {
			.type = VSER_WIRE_NULLMODEM, .peer = 3 }), EPERM);
		CHECK_EQ(try_wire(fd, (struct vser_wiring) {
			.type = VSER_WIRE_NULLMODEM, .peer = 0 }), EPERM);
	}
	check_child(user);
	check_attr(3, "wire", "generator");
	check_attr(1, "wire", "nullmodem:vser");
	check_same(3, &before);
	write_row(pair.a, 0, 10);
	read_row(pair.b, 0, 10);
}

TEST(join_own, "a user can join two lines that the user may open")
{
	pid_t user;

	set_up();
	wire_line(1, "open");
	AS_USER(user) {
		int fd = open_nth(2, CONTROL_ONLY);

		CHECK_EQ(try_wire(fd, (struct vser_wiring) {
			.type = VSER_WIRE_NULLMODEM,
			.flags = VSER_WIRING_PEER_FD,
			.fd = open_nth(0, CONTROL_ONLY) }), 0);
	}
	check_child(user);
	check_attr(0, "wire", "nullmodem:vser2");
	check_attr(2, "wire", "nullmodem:vser");
}

TEST(leave, "a user can leave a null modem: the other end is unplugged and loses nothing")
{
	static const struct vser_wiring wirings[] = {
		{ .type = VSER_WIRE_LOOPBACK }, { .type = VSER_WIRE_OPEN },
		{ .type = VSER_WIRE_GENERATOR }, { .type = VSER_WIRE_UNPLUGGED },
	};
	struct pair pair = set_up();
	struct seen before;
	size_t i;
	pid_t user;

	set_attr(0, "period_ns", "3600000000000");
	for (i = 0; i < ARRAY_SIZE(wirings); i++) {
		tap_row_number(i);
		wire_line(1, "nullmodem:vser");
		write_row(pair.a, 0, 5);
		set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
		write_row(pair.b, 0, 10);
		before = look(1);
		AS_USER(user) {
			int fd = open_line(CONTROL_ONLY);

			CHECK_EQ(try_wire(fd, wirings[i]), 0);
			/* Not without the other end's consent. */
			CHECK_EQ(try_wire(fd, (struct vser_wiring) {
				.type = VSER_WIRE_NULLMODEM, .peer = 1 }),
				 EPERM);
		}
		check_child(user);
		check_attr(1, "wire", "unplugged");
		check_same(1, &before);
		CHECK_EQ(modem(pair.b) & (TIOCM_CTS | TIOCM_CD | TIOCM_DSR), 0);
		read_row(pair.b, 0, 5);
		/* The user of line 1 wires it anew. */
		wire_line(1, "nullmodem:vser");
		set_modem(pair.a, TIOCMBIS, TIOCM_RTS);
		read_row(pair.a, 0, 10);
	}
	check_line_books(0);
	check_line_books(1);
}

TEST(stop, "a user can stop what the other end sends, and it waits")
{
	struct pair pair = set_up();
	pid_t user;

	AS_USER(user)
		set_modem(open_line(CONTROL_ONLY), TIOCMBIC, TIOCM_RTS);
	check_child(user);
	write_row(pair.b, 0, FIFO_SIZE);
	CHECK_ERR(write(pair.b, "x", 1), EAGAIN);
	CHECK_EQ(tx_queued(pair.b), FIFO_SIZE);
	/* The users of the line need not wait. */
	CHECK_EQ(ioctl(pair.b, TCFLSH, TCOFLUSH), 0);
	CHECK_EQ(tx_queued(pair.b), 0);
}

TEST(mismatch, "a user can make the other end receive errors, which it counts")
{
	struct pair pair = set_up();
	pid_t user;

	AS_USER(user) {
		__u32 baud = 19200;

		CHECK_EQ(ioctl(open_line(CONTROL_ONLY), VS_SET_BAUD, &baud), 0);
	}
	check_child(user);
	check_attr(1, "baud", "115200");
	write_row(pair.a, 0, 100);
	CHECK(stat_of(1, "rx_frame") || stat_of(1, "rx_split") ||
	      stat_of(1, "rx_merged"));
	read_away(pair.b);
	check_line_books(1);
}

TEST(modem, "a user can drive the other end's modem inputs and send a break, no more")
{
	struct pair pair = set_up();
	struct seen before = look(1);
	pid_t user;

	AS_USER(user) {
		int fd = open_line(CONTROL_ONLY);

		set_modem(fd, TIOCMSET, TIOCM_OUT1);
		CHECK_EQ(ioctl(fd, TIOCSBRK), 0);
		CHECK_EQ(ioctl(fd, TIOCCBRK), 0);
	}
	check_child(user);
	CHECK_EQ(modem(pair.b), TIOCM_RI | TIOCM_DTR | TIOCM_RTS);
	CHECK_EQ(stat_of(1, "rx_brk"), 1);
	check_same(1, &before);
}

/* An exclusive user of the same line */

TEST(data, "a process that controls a line of an exclusive user neither reads nor writes")
{
	struct pair pair = set_up();
	pid_t user;

	write_row(pair.b, 0, 10);
	AS_USER(user) {
		struct vser_ring ring = { .rx_size = 4096 };
		int fd = open_line(CONTROL_ONLY);
		char byte;

		CHECK_ERR(open(LINE, O_RDWR), EBUSY);
		CHECK_ERR(open(LINE, O_RDONLY), EBUSY);
		CHECK_ERR(read(fd, &byte, 1), EBADF);
		CHECK_ERR(write(fd, "x", 1), EBADF);
		CHECK_ERR(ioctl(fd, VS_SET_RING, &ring), EBADF);
	}
	check_child(user);
	read_row(pair.a, 0, 10);
}

TEST(events, "it takes no event from the exclusive user")
{
	struct pair pair = set_up();
	struct vser_event event;
	pid_t user;

	skip_events(pair.a);
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	AS_USER(user) {
		int fd = open_line(CONTROL_ONLY | O_NONBLOCK);

		CHECK_ERR(ioctl(fd, VS_READ_EVENT, &event), EAGAIN);
	}
	check_child(user);
	check_event(pair.a, VSER_EVENT_MODEM, 0,
		    TIOCM_CTS | TIOCM_DSR | TIOCM_CD | TIOCM_RI);
}

TEST(flush, "it can flush what is queued, which is counted")
{
	struct pair pair = set_up();
	pid_t user;

	write_row(pair.b, 0, 10);
	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	write_row(pair.a, 0, 20);
	AS_USER(user)
		CHECK_EQ(ioctl(open_line(CONTROL_ONLY), TCFLSH, TCIOFLUSH), 0);
	check_child(user);
	CHECK_EQ(rx_queued(pair.a), 0);
	CHECK_EQ(tx_queued(pair.a), 0);
	CHECK_EQ(stat_of(0, "rx_flushed"), 10);
	CHECK_EQ(stat_of(0, "tx_flushed"), 20);
	check_line_books(0);
}

TEST(configure, "it can set what VS_CONFIGURE sets, but not exclusive use, and join no other line")
{
	struct vser_config config;
	pid_t user;

	set_up();
	AS_USER(user) {
		int fd = open_line(CONTROL_ONLY);

		CHECK_EQ(ioctl(fd, VS_GET_CONFIG, &config), 0);
		config.fifo = 1024;
		config.latency_ns = 20000;
		config.wire.type = VSER_WIRE_NULLMODEM;
		config.wire.peer = 3;
		CHECK_ERR(ioctl(fd, VS_CONFIGURE, &config), EPERM);
		CHECK_EQ(config.refused, VSER_CONFIG_WIRE);
		config.wire.peer = 1;
		config.exclusive = 0;
		CHECK_ERR(ioctl(fd, VS_CONFIGURE, &config), EPERM);
		CHECK_EQ(config.refused, VSER_CONFIG_EXCLUSIVE);
		config.exclusive = 1;
		CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
	}
	check_child(user);
	check_attr(0, "exclusive", "1");
	check_attr(0, "fifo", "1024");
	check_attr(0, "latency_ns", "20000");
	check_attr(0, "wire", "nullmodem:vser1");
	check_attr(3, "wire", "generator");
}

TEST(settings, "it can set speed, format, faults, marks, modem lines and the wire")
{
	struct pair pair = set_up();
	pid_t user;

	AS_USER(user) {
		struct vser_fault fault = { .drop = 1, .burst = 1 };
		int fd = open_line(CONTROL_ONLY);
		__u32 one = 1;

		set_baud(fd, 9600);
		set_fmt(fd, FMT_8E2);
		CHECK_EQ(ioctl(fd, VS_SET_FAULT, &fault), 0);
		CHECK_EQ(ioctl(fd, VS_SET_MARK, &one), 0);
		set_modem(fd, TIOCMSET, 0);
		CHECK_EQ(try_wire(fd, (struct vser_wiring) {
			.type = VSER_WIRE_LOOPBACK }), 0);
	}
	check_child(user);
	check_setting(pair.a, 9600, FMT_8E2);
	check_attr(0, "wire", "loopback");
	CHECK_EQ(modem(pair.a), 0);
}

TEST(resources, "it reaches neither a laboratory nor the files of the line")
{
	pid_t user;

	set_up();
	AS_USER(user) {
		int fd = open_line(CONTROL_ONLY);

		CHECK(ioctl(fd, _IO(VS_MAGIC, 0x40)) == -1 &&
		      (errno == EPERM || errno == EOPNOTSUPP || errno == ENOTTY));
		CHECK_ERR(open(CLASS "/vser/fifo", O_WRONLY), EACCES);
		CHECK_ERR(open(CLASS "/vser/exclusive", O_WRONLY), EACCES);
		CHECK_ERR(open(CLASS "/vser/pacing", O_WRONLY), EACCES);
	}
	check_child(user);
}
