// SPDX-License-Identifier: GPL-2.0
/*
 * The node of the line, and who may open it when: the number it has, that it is
 * exclusive, and what a control-only descriptor can do.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "line.h"

static dev_t device_number(void)
{
	struct stat st;

	CHECK_EQ(stat(LINE, &st), 0);

	return st.st_rdev;
}

TEST(node, "the node is a character device that its owner and group may use")
{
	struct stat st;

	CHECK_EQ(stat(LINE, &st), 0);
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0660);
}

TEST(major, "/proc/devices has the line's major number")
{
	char wanted[80];

	snprintf(wanted, sizeof(wanted), "%d vser\n", major(device_number()));
	CHECK(file_has("/proc/devices", wanted));
}

TEST(sysfs, "sysfs has the line's number, node and mode")
{
	char wanted[80];

	snprintf(wanted, sizeof(wanted), "%u:%u\n", major(device_number()),
		 minor(device_number()));
	CHECK(file_has(CLASS "/vser/dev", wanted));
	CHECK(file_has(CLASS "/vser/uevent", "DEVNAME=vser\n"));
	CHECK(file_has(CLASS "/vser/uevent", "DEVMODE=0660\n"));
}

TEST(counters_read_only, "the line's counters can be read but not written")
{
	CHECK_EQ(counters().tx_queued, 0);
	CHECK_ERR(open(CLASS "/vser/stats/tx_sent", O_WRONLY), EACCES);
}

static const struct mode {
	const char *name;
	int flags;
} modes[] = {
	{ "O_RDONLY",			O_RDONLY },
	{ "O_WRONLY",			O_WRONLY },
	{ "O_RDWR",			O_RDWR },
	{ "O_RDWR | O_NONBLOCK",	O_RDWR | O_NONBLOCK },
};

static void check_exclusive(const struct mode *first, const struct mode *second)
{
	char row[80];
	int fd;

	snprintf(row, sizeof(row), "%s, then %s", first->name, second->name);
	tap_row(row);
	fd = open_line(first->flags);
	CHECK_ERR(open(LINE, second->flags), EBUSY);
	CHECK_ERR(open(LINE, second->flags), EBUSY);
	close(fd);
	close(open_line(second->flags));
}

TEST(exclusive, "who opens the line second gets EBUSY until the first closes it")
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		for (j = 0; j < ARRAY_SIZE(modes); j++)
			check_exclusive(&modes[i], &modes[j]);
}

TEST(refused_changes_nothing, "the line goes on working when an open is refused")
{
	int fd = open_line(O_RDWR | O_NONBLOCK);
	char letter;

	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	write_bytes(fd, 10);
	WAIT_UNTIL(!tx_queued(fd));
	wait_for_letters(fd, 1);
	CHECK_EQ(read(fd, &letter, 1), 1);
}

TEST(dup_keeps_busy, "the line is busy until the last duplicate is closed")
{
	int fd = open_line(O_RDWR);
	int copy = dup(fd);

	close(fd);
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	close(copy);
	close(open_line(O_RDWR));
}

TEST(fork_keeps_busy, "the line is busy until the last heir has closed it")
{
	int fd = open_line(O_RDWR);
	pid_t heir;

	CHILD(heir)
		pause();
	close(fd);
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	kill_child(heir);
	close(open_line(O_RDWR));
}

TEST(control_while_busy, "a control-only descriptor can be had of a busy line")
{
	int fd = open_line(O_RDWR);

	close(open_line(CONTROL_ONLY));
	close(open_line(CONTROL_ONLY | O_NONBLOCK));
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	close(fd);
}

TEST(control_keeps_free, "a control-only descriptor leaves the line free")
{
	int control = open_line(CONTROL_ONLY);
	int fd = open_line(O_RDWR);

	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	close(control);
	CHECK_ERR(open(LINE, O_RDWR), EBUSY);
	close(fd);
}

TEST(control_moves_no_bytes, "a control-only descriptor cannot read or write")
{
	int fd = open_line(CONTROL_ONLY);
	char byte = 'x';

	CHECK_ERR(read(fd, &byte, 1), EBADF);
	CHECK_ERR(write(fd, &byte, 1), EBADF);
	CHECK_EQ(counter("tx_queued"), 0);
}

TEST(control_ioctls, "every ioctl works on a control-only descriptor")
{
	int fd = open_line(CONTROL_ONLY);

	set_baud(fd, 9600);
	set_fmt(fd, FMT_8E2);
	check_setting(fd, 9600, FMT_8E2);
	CHECK_EQ(rx_queued(fd), 0);
	CHECK_EQ(tx_queued(fd), 0);
}

TEST(control_shares_line, "a control-only descriptor is about the same line")
{
	int control = open_line(CONTROL_ONLY);
	int fd = open_line(O_RDWR);

	set_baud(control, 50);
	check_setting(fd, 50, FMT_8N1);
	write_bytes(fd, 1000);
	CHECK(tx_queued(control) > 0);
	wait_for_letters(control, 1);
	CHECK_EQ(poll_now(control, POLLIN | POLLOUT | POLLPRI), 0);
	CHECK_EQ(poll_now(fd, POLLIN), POLLIN);
}

TEST(one_direction, "reading and writing need the access that was asked for")
{
	char byte = 'x';
	int fd;

	fd = open_line(O_RDONLY);
	CHECK_ERR(write(fd, &byte, 1), EBADF);
	close(fd);
	fd = open_line(O_WRONLY);
	CHECK_ERR(read(fd, &byte, 1), EBADF);
	close(fd);
}

TEST(settings_stay, "speed and format outlive a close")
{
	int fd = open_line(O_RDWR);

	set_baud(fd, 300);
	set_fmt(fd, FMT_8E2);
	close(fd);
	fd = open_line(O_RDWR);
	check_setting(fd, 300, FMT_8E2);
}

TEST(bytes_outlive_close, "what was written goes on being sent after a close")
{
	int control = open_line(CONTROL_ONLY);
	int fd = open_line(O_WRONLY);
	__u64 sent = counter("tx_sent");
	__u64 start;
	int queued;

	set_baud(fd, 300);
	start = now_ns();
	write_bytes(fd, 30);
	close(fd);
	queued = tx_queued(control);
	CHECK(queued >= 30 - (int)((now_ns() - start) * 30 / NSEC_PER_SEC));
	WAIT_UNTIL(!tx_queued(control));
	CHECK_EQ(counter("tx_sent"), sent + 30);
	CHECK(now_ns() - start >= NSEC_PER_SEC);
	check_books();
}

TEST(reopen_while_sending, "the line can be opened while it sends what is left")
{
	__u64 sent = counter("tx_sent");
	int fd = open_line(O_WRONLY);

	set_baud(fd, 300);
	write_bytes(fd, 10);
	close(fd);
	fd = open_line(O_WRONLY);
	write_bytes(fd, 10);
	drain(fd);
	CHECK_EQ(counter("tx_sent"), sent + 20);
	check_books();
}
