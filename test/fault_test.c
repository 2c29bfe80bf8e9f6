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
#include <sys/wait.h>
#include <unistd.h>

#include "line.h"

static int fail_nth;	/* /proc/self/fail-nth */

static void set_knob(const char *fault, const char *knob, const char *value)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", fault, knob);
	if (exists(path))
		write_file(path, value);
}

/* Makes all faults possible that we want, without a word in the log. */
static void prepare(void)
{
	fail_nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0 || !exists("/sys/kernel/debug/failslab"))
		SKIP("this kernel cannot inject faults");
	set_knob("failslab", "verbose", "0");
	set_knob("failslab", "ignore-gfp-wait", "N");
	set_knob("fail_page_alloc", "verbose", "0");
	set_knob("fail_page_alloc", "ignore-gfp-wait", "N");
	set_knob("fail_page_alloc", "ignore-gfp-highmem", "N");
	set_knob("fail_page_alloc", "min-order", "0");
	set_knob("fail_usercopy", "verbose", "0");
}

/* The n-th request that the kernel makes for this process will be refused. */
static void refuse(unsigned int n)
{
	char text[20];
	int len = snprintf(text, sizeof(text), "%u", n);

	/* What is to be refused may be this. */
	while (pwrite(fail_nth, text, len, 0) != len)
		CHECK_EQ(errno, EFAULT);
}

/* How many requests are still to come until one is refused. */
static unsigned int left(void)
{
	char text[20] = "";

	/* What is refused may be this: then nothing was before. */
	if (pread(fail_nth, text, sizeof(text) - 1, 0) < 0) {
		CHECK_EQ(errno, EFAULT);
		return 1;
	}

	return atoi(text);
}

/* Ends what refuse() began. Returns false if nothing was refused. */
static bool was_refused(void)
{
	bool refused = !left();

	refuse(0);

	return refused;
}

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

static int write_one(int fd)
{
	return write(fd, &letter, 1) == 1 ? 0 : errno;
}

static int read_one(int fd)
{
	return read(fd, &letter, 1) == 1 ? 0 : errno;
}

/* Refuses the first thing that the call asks for, then the second, and so on. */
static void sweep(int (*call)(int fd), int fd)
{
	unsigned int n;
	int error;

	for (n = 1;; n++) {
		refuse(n);
		error = call(fd);
		if (!was_refused())
			break;
		CHECK(!error || error == ENOMEM || error == EFAULT);
	}
	CHECK_EQ(error, 0);
	CHECK(n > 1);
}

TEST(open, "an open that is refused memory leaves the line free")
{
	prepare();
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

	prepare();
	set_knob("fail_page_alloc", "task-filter", "Y");
	set_knob("fail_page_alloc", "times", "-1");
	set_knob("fail_page_alloc", "probability", "100");
	write_file("/proc/sys/kernel/printk", "4");
	CHILD(pid)
		open_all_starved();
	waitpid(pid, &status, 0);
	write_file("/proc/sys/kernel/printk", "8");
	set_knob("fail_page_alloc", "probability", "0");
	set_knob("fail_page_alloc", "task-filter", "N");
	CHECK_EQ(status, 0);
}

TEST(calls, "a call that is refused something does nothing else")
{
	__u64 written = counter("tx_written");
	__u64 delivered = counter("rx_delivered");
	int fd;

	prepare();
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
	CHECK_EQ(counter("tx_written"), written + 1);
	CHECK_EQ(counter("rx_delivered"), delivered + 1);
	drain(open_line(CONTROL_ONLY));
	check_books();
}

/* Counts the requests that are made for a load with these parameters. */
static unsigned int requests_of_load(const char *parameters, int wanted)
{
	const unsigned int many = 1000000;
	unsigned int n;

	refuse(many);
	CHECK_EQ(try_load(parameters), wanted);
	n = many - left();
	refuse(0);

	return n;
}

/*
 * Some kernels take seconds to unload a module. There not every request is
 * refused but each n-th, so that all of it takes no longer than this, or so.
 */
static unsigned int stride(unsigned int requests)
{
	const unsigned int seconds = 60;
	__u64 start = now_ns();
	unsigned int n;

	load("");
	unload();
	n = 1 + requests * (now_ns() - start) / (seconds * NSEC_PER_SEC);
	if (n > 1)
		printf("# unloading is slow here: one of %u is refused\n", n);

	return n;
}

TEST_WITHIN(load, 120, "a load that is refused memory fails and leaves nothing")
{
	unsigned int first, all, step, n;
	int error;

	prepare();
	unload();
	/* Before its parameters are read, the module has no say. */
	first = requests_of_load("lines=x", EINVAL);
	all = requests_of_load("lines=2", 0);
	unload();
	step = stride(all - first);
	for (n = first; n <= all; n += step) {
		refuse(n);
		error = try_load("lines=2");
		was_refused();
		if (error) {
			CHECK(error == ENOMEM || error == EFAULT);
			check_gone();
		} else {
			unload();
		}
	}
	load("");
	check_setting(open_line(CONTROL_ONLY), 115200, FMT_8N1);
}
