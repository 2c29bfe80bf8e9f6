// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection: whatever the kernel asks for on behalf of a call, memory or
 * a piece of the caller's memory, is refused once. The call must say so, leave
 * nothing behind, and do no harm to the next one.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "line.h"

/* Calls that the line may refuse; 0 or an errno. */

static char letter;

static int open_close(int fd)
{
	(void)fd;
	fd = open(LINE, O_RDWR | O_CLOEXEC);

	return fd < 0 || close(fd) ? errno : 0;
}

static int set(int fd)
{
	struct vser_format fmt = FMT_8E2;

	return ioctl(fd, VS_SET_FMT, &fmt) ? errno : 0;
}

static int get(int fd)
{
	struct vser_format fmt;

	return ioctl(fd, VS_GET_FMT, &fmt) ? errno : 0;
}

static int async(int fd)
{
	return fcntl(fd, F_SETFL, O_ASYNC) || fcntl(fd, F_SETFL, 0) ? errno : 0;
}

static int poll_both(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&pollfd, 1, 0) < 0 ? errno : 0;
}

/* How often they have succeeded. */
static unsigned int written, read_back;

static int write_one(int fd)
{
	if (write(fd, &letter, 1) != 1)
		return errno;
	written++;

	return 0;
}

static int read_one(int fd)
{
	if (read(fd, &letter, 1) != 1)
		return errno;
	read_back++;

	return 0;
}

TEST(open, "an open that is refused memory leaves the line free")
{
	prepare_faults();
	sweep(open_close, -1);
	close(open_line(O_RDWR));
}

/*
 * One refusal is not enough for the line's queues: where the kernel finds no
 * large piece of memory, it takes many small ones. So here is no memory at all,
 * which the kernel warns of.
 */
static void open_starved(int flags)
{
	int switch_fd = open_path("/proc/self/make-it-fail", O_WRONLY);
	int fd, error;

	CHECK_EQ(pwrite(switch_fd, "1", 1, 0), 1);
	fd = open(LINE, flags);
	error = errno;
	CHECK_EQ(pwrite(switch_fd, "0", 1, 0), 1);
	close(switch_fd);
	CHECK_EQ(fd, -1);
	CHECK_EQ(error, ENOMEM);
}

static void open_all_starved(void)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	__u64 sent = counter("tx_sent");
	size_t i;
	int fd;

	/* The program itself must not need memory then. */
	CHECK_EQ(mlockall(MCL_CURRENT), 0);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		open_starved(flags[i]);
		close(open_line(flags[i]));
	}

	/* One of the queues is still there. */
	fd = open_line(O_WRONLY);
	set_baud(fd, 300);
	write_bytes(fd, 10);
	close(fd);
	open_starved(O_RDWR);
	close(open_line(O_RDWR));
	drain(open_line(CONTROL_ONLY));
	CHECK_EQ(counter("tx_sent"), sent + 10);
	check_books();
}

TEST(starved, "an open that finds no memory for its queues leaves the line free")
{
	int status;
	pid_t pid;

	prepare_faults();
	set_fault("fail_page_alloc", "task-filter", "Y");
	set_fault("fail_page_alloc", "times", "-1");
	set_fault("fail_page_alloc", "probability", "100");
	write_file("/proc/sys/kernel/printk", "4");
	CHILD(pid)
		open_all_starved();
	waitpid(pid, &status, 0);
	write_file("/proc/sys/kernel/printk", "8");
	set_fault("fail_page_alloc", "probability", "0");
	set_fault("fail_page_alloc", "task-filter", "N");
	CHECK_EQ(status, 0);
}

TEST(calls, "a call that is refused something does nothing else")
{
	__u64 tx_written = counter("tx_written");
	__u64 rx_delivered = counter("rx_delivered");
	int fd;

	prepare_faults();
	fd = open_line(O_RDWR);
	sweep(set, fd);
	sweep(get, fd);
	sweep(async, fd);
	sweep(poll_both, fd);
	sweep(write_one, fd);
	wait_for_letters(fd, 1);
	sweep(read_one, fd);
	close(fd);
	check_setting(open_line(CONTROL_ONLY), 115200, FMT_8E2);
	CHECK_EQ(counter("tx_written"), tx_written + written);
	CHECK_EQ(counter("rx_delivered"), rx_delivered + read_back);
	drain(open_line(CONTROL_ONLY));
	check_books();
}

/*
 * A process that uses whatever node and attribute it finds, again and again, while
 * the module is loaded, or is not: a line that it has open must be whole.
 */

#define OWN_NODE	"/dev/vser-test"

static void use_node(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK);
	char bytes[10] = "";

	if (fd < 0) {
		CHECK(errno == ENOENT || errno == ENXIO);
		return;
	}
	CHECK(write(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	poll_for(fd, POLLPRI, 20);
	/* To undo a load takes longer than that, and the file must be whole after it. */
	wait_for_refused();
	CHECK(read(fd, bytes, sizeof(bytes)) > 0 || errno == EAGAIN);
	CHECK_EQ(close(fd), 0);
}

static void use_attribute(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	/* It goes with its line, in between too. */
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		CHECK(errno == ENOENT || errno == ENODEV);
	if (fd >= 0)
		close(fd);
}

static void use_all(void)
{
	for (;;) {
		use_node(LINE);
		use_attribute(CLASS "/vser/wire", "nullmodem:vser2");
		use_node("/dev/vser2");
		use_attribute(CLASS "/vser1/fifo", "1024");
		use_node(OWN_NODE);
		use_attribute(CLASS "/vser2/wire", "loopback");
	}
}

static void make_own_node(void)
{
	struct stat st;

	CHECK_EQ(stat(LINE, &st), 0);
	unlink(OWN_NODE);
	CHECK_EQ(mknod(OWN_NODE, S_IFCHR | 0600, st.st_rdev), 0);
}

TEST_WITHIN(load, 120, "a load that is refused memory fails under a user, and leaves nothing")
{
	pid_t user;

	prepare_faults();
	make_own_node();
	unload();
	CHILD(user)
		use_all();
	sweep_load("vser", "lines=x", "lines=3", ENOMEM, check_gone);
	kill_child(user);
	unlink(OWN_NODE);
	load("");
	check_setting(open_line(CONTROL_ONLY), 115200, FMT_8N1);
}
