// SPDX-License-Identifier: GPL-2.0
/*
 * Every call that waits: what ends it besides what it waits for, what becomes of
 * it after a signal handler and after a stop (^Z and fg), and that nothing else
 * wakes it. No call does a part of its work twice, or forgets what it waits for.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

/* The calls, each of line 1; they return 0 or an errno. */

static int call_read(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1 ? 0 : errno;
}

static int call_splice(int fd)
{
	int ends[2];

	CHECK_EQ(pipe(ends), 0);

	return splice(fd, NULL, ends[1], NULL, 1, 0) == 1 ? 0 : errno;
}

static int call_write(int fd)
{
	return write(fd, "x", 1) == 1 ? 0 : errno;
}

static int call_fsync(int fd)
{
	return fsync(fd) ? errno : 0;
}

static int call_drain(int fd)
{
	return ioctl(fd, TCSBRK, 1) ? errno : 0;
}

static int call_start_break(int fd)
{
	return ioctl(fd, TIOCSBRK, 0) ? errno : 0;
}

static int call_send_break(int fd)
{
	return ioctl(fd, TCSBRK, 0) ? errno : 0;
}

static int call_send_short_break(int fd)
{
	return ioctl(fd, TCSBRKP, 1) ? errno : 0;
}

static int call_send_long_break(int fd)
{
	return ioctl(fd, TCSBRKP, 36000) ? errno : 0;
}

static int call_read_event(int fd)
{
	struct vser_event event;

	return ioctl(fd, VS_READ_EVENT, &event) ? errno : 0;
}

static int call_wait_modem(int fd)
{
	struct vser_modem_wait wait = { .mask = TIOCM_RI };

	return ioctl(fd, VS_WAIT_MODEM, &wait) ? errno : 0;
}

/* What must be before, and what ends the wait. */

static void nothing(struct pair pair)
{
	(void)pair;
}

/* Line 1 cannot send, and its tx queue is full. */
static void fill_tx(struct pair pair)
{
	set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
	write_row(pair.b, 0, 16);
}

static void let_send(struct pair pair)
{
	set_modem(pair.a, TIOCMBIS, TIOCM_RTS);
}

static void send_byte(struct pair pair)
{
	write_row(pair.a, 0, 1);
}

static void ring_bell(struct pair pair)
{
	set_modem(pair.a, modem(pair.a) & TIOCM_OUT1 ? TIOCMBIC : TIOCMBIS,
		  TIOCM_OUT1);
}

static void send_back(struct pair pair)
{
	write_row(pair.b, 0, 1);
}

/* The other end has seen so many breaks, and no more bytes than were written. */
static void check_breaks(struct pair pair, unsigned int n)
{
	CHECK_EQ(vser_counters(pair.a).brk, n);
	CHECK(vser_counters(pair.a).rx <= 17);
}

#define BYTES	0x1
#define ROOM	0x2
#define EVENT	0x4

static const struct call {
	const char *name;
	int (*run)(int fd);
	long number;
	void (*prepare)(struct pair pair);
	void (*release)(struct pair pair);	/* NULL: it takes its time */
	bool restarts;		/* or else it is EINTR, SA_RESTART or not */
	unsigned int ignores;	/* what it is not woken for */
	unsigned int breaks;	/* that it sends, if it is not interrupted */
} calls[] = {
	{ "read", call_read, SYS_read, nothing, send_byte, true,
	  ROOM | EVENT, 0 },
	{ "splice", call_splice, SYS_splice, nothing, send_byte, true,
	  ROOM | EVENT, 0 },
	{ "write", call_write, SYS_write, fill_tx, let_send, true,
	  BYTES | EVENT, 0 },
	{ "fsync", call_fsync, SYS_fsync, fill_tx, let_send, true,
	  BYTES | EVENT, 0 },
	{ "TCSBRK(1)", call_drain, SYS_ioctl, fill_tx, let_send, true,
	  BYTES | EVENT, 0 },
	{ "TIOCSBRK", call_start_break, SYS_ioctl, fill_tx, let_send, true,
	  BYTES | EVENT, 1 },
	{ "TCSBRK(0)", call_send_break, SYS_ioctl, fill_tx, let_send, true,
	  BYTES | EVENT, 1 },
	{ "TCSBRKP", call_send_short_break, SYS_ioctl, fill_tx, let_send, true,
	  BYTES | EVENT, 1 },
	{ "TCSBRKP that has begun", call_send_long_break, SYS_ioctl, nothing,
	  NULL, false, BYTES | EVENT, 0 },
	{ "VS_READ_EVENT", call_read_event, SYS_ioctl, nothing, ring_bell, true,
	  BYTES | ROOM, 0 },
	{ "VS_WAIT_MODEM", call_wait_modem, SYS_ioctl, nothing, ring_bell, false,
	  BYTES | ROOM, 0 },
};

static const struct call *call;

/* Starts the call in a process, which expects this result. */
static pid_t start(struct pair pair, int flags, int result)
{
	pid_t pid;

	CHILD(pid) {
		catch_sigusr1(flags);
		CHECK_EQ(call->run(pair.b), result);
	}
	WAIT_UNTIL(blocked_in(pid, call->number));
	/* One that does not wait for anything sends its break at once. */
	if (!call->release)
		WAIT_UNTIL(vser_counters(pair.a).brk == 1);

	return pid;
}

static struct pair prepare(const struct call *next)
{
	struct vser_event event;
	struct pair pair;

	call = next;
	tap_row(call->name);
	with_lines(2);
	set_attr(1, "fifo", "16");
	pair = open_pair(O_RDWR);
	call->prepare(pair);
	/* A reader of events is to wait for the next one. */
	CHECK_EQ(fcntl(pair.b, F_SETFL, O_NONBLOCK), 0);
	while (!ioctl(pair.b, VS_READ_EVENT, &event))
		;
	CHECK_EQ(fcntl(pair.b, F_SETFL, 0), 0);

	return pair;
}

static void finish(struct pair pair)
{
	CHECK_EQ(ioctl(pair.b, TIOCCBRK), 0);
	CHECK_EQ(ioctl(pair.a, TCFLSH, TCIOFLUSH), 0);
	CHECK_EQ(ioctl(pair.b, TCFLSH, TCIOFLUSH), 0);
	close(pair.a);
	close(pair.b);
	check_line_books(0);
	check_line_books(1);
}

#define FOR_EACH_CALL(next)						\
	for (next = calls; next < calls + ARRAY_SIZE(calls); next++)

TEST_WITHIN(handler, 60, "a signal handler ends each call that waits with EINTR")
{
	const struct call *next;
	struct pair pair;
	pid_t pid;

	FOR_EACH_CALL(next) {
		pair = prepare(next);
		pid = start(pair, 0, EINTR);
		signal_child_in(pid, call->number);
		check_breaks(pair, call->release ? 0 : 1);
		finish(pair);
	}
}

TEST_WITHIN(restart, 60, "with SA_RESTART a call goes on, once, unless it is one that says EINTR")
{
	const struct call *next;
	struct pair pair;
	pid_t pid;

	FOR_EACH_CALL(next) {
		pair = prepare(next);
		pid = start(pair, SA_RESTART, call->restarts ? 0 : EINTR);
		if (call->restarts) {
			signal_once_in(pid, call->number);
			call->release(pair);
			check_child(pid);
			check_breaks(pair, call->breaks);
		} else {
			signal_child_in(pid, call->number);
		}
		finish(pair);
	}
}

static void stop(pid_t pid)
{
	int status;

	CHECK_EQ(kill(pid, SIGSTOP), 0);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
}

TEST_WITHIN(stopped, 60, "what a call waits for may happen while it is stopped; it returns")
{
	const struct call *next;
	struct pair pair;
	pid_t pid;

	FOR_EACH_CALL(next) {
		pair = prepare(next);
		pid = start(pair, 0, call->restarts ? 0 : EINTR);
		stop(pid);
		if (call->release)
			call->release(pair);
		CHECK_EQ(kill(pid, SIGCONT), 0);
		check_child(pid);
		check_breaks(pair, call->release ? call->breaks : 1);
		finish(pair);
	}
}

TEST_WITHIN(stopped_early, 60, "a call that was stopped for nothing waits on, or says EINTR")
{
	const struct call *next;
	struct pair pair;
	pid_t pid;

	FOR_EACH_CALL(next) {
		pair = prepare(next);
		pid = start(pair, 0, call->restarts ? 0 : EINTR);
		stop(pid);
		CHECK_EQ(kill(pid, SIGCONT), 0);
		if (call->restarts) {
			WAIT_UNTIL(blocked_in(pid, call->number));
			sleep_ms(20);
			CHECK(!has_ended(pid));
			call->release(pair);
		}
		check_child(pid);
		check_breaks(pair, call->release ? call->breaks : 1);
		finish(pair);
	}
}

TEST_WITHIN(killed, 60, "a call that waits can be killed, and leaves the line as it was")
{
	const struct call *next;
	struct pair pair;
	pid_t pid;

	FOR_EACH_CALL(next) {
		pair = prepare(next);
		pid = start(pair, 0, 0);
		kill_child(pid);
		check_breaks(pair, call->release ? 0 : 1);
		finish(pair);
	}
}

TEST_WITHIN(nonblocking, 60, "O_NONBLOCK is for read, write and VS_READ_EVENT; the others wait")
{
	const struct call *next;
	struct pair pair;
	bool fails;
	pid_t pid;

	FOR_EACH_CALL(next) {
		pair = prepare(next);
		CHECK_EQ(fcntl(pair.b, F_SETFL, O_NONBLOCK), 0);
		fails = call->run == call_read || call->run == call_splice ||
			call->run == call_write || call->run == call_read_event;
		if (fails) {
			CHECK_EQ(call->run(pair.b), EAGAIN);
		} else {
			pid = start(pair, 0, EINTR);
			signal_child_in(pid, call->number);
		}
		finish(pair);
	}
}

/* How often the process went to sleep: it does so once more if it is woken. */
static long sleeps(pid_t pid)
{
	char path[40], line[100];
	long n = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	CHECK(file);
	while (n < 0 && fgets(line, sizeof(line), file))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) != 1)
			n = -1;
	fclose(file);
	CHECK(n >= 0);

	return n;
}

TEST_WITHIN(not_woken, 60, "what a call does not wait for does not wake it")
{
	const struct call *next;
	struct pair pair;
	long before;
	pid_t pid;
	int i;

	FOR_EACH_CALL(next) {
		pair = prepare(next);
		pid = start(pair, 0, call->release ? 0 : EINTR);
		before = sleeps(pid);
		for (i = 0; i < 10; i++) {
			if (call->ignores & BYTES)
				send_byte(pair);
			if (call->ignores & ROOM)
				send_back(pair);
			if (call->ignores & EVENT)
				ring_bell(pair);
		}
		sleep_ms(20);
		CHECK_EQ(sleeps(pid), before);
		if (call->release) {
			call->release(pair);
			check_child(pid);
		} else {
			signal_child_in(pid, call->number);
		}
		finish(pair);
	}
}
