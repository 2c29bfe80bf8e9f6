// SPDX-License-Identifier: GPL-2.0
/*
 * SIGIO: a file with O_ASYNC is told of letters, of room after the line was full,
 * and of events, as far as they concern it; no other file is told anything.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "line.h"

/* Opens the line and asks for signals, which are blocked to be waited for. */
static int open_async(int flags, int sig)
{
	int fd = open_line(flags);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, sig);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQ(fcntl(fd, F_SETOWN, getpid()), 0);
	/* From SIGIO alone nobody learns which descriptor it is about. */
	if (sig != SIGIO)
		CHECK_EQ(fcntl(fd, F_SETSIG, sig), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, flags | O_ASYNC), 0);

	return fd;
}

/* Waits for the signal. Returns false if there was none in this time. */
static bool signal_comes(int sig, int ms, siginfo_t *info)
{
	struct timespec timeout = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * NSEC_PER_MSEC,
	};
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, sig);
	got = sigtimedwait(&set, info, &timeout);
	CHECK(got == sig || errno == EAGAIN);

	return got == sig;
}

#define HANG	3600000	/* ms: the test's own limit comes first */

TEST(letter, "SIGIO comes with a letter")
{
	int fd = open_async(O_RDONLY, SIGIO);
	siginfo_t info;

	CHECK(!signal_comes(SIGIO, 0, &info));
	CHECK(signal_comes(SIGIO, HANG, &info));
	CHECK(rx_queued(fd) >= 1);
}

TEST(letter_info, "with F_SETSIG the signal says POLL_IN and which descriptor")
{
	int fd = open_async(O_RDONLY | O_NONBLOCK, SIGRTMIN + 3);
	siginfo_t info;
	int i;

	for (i = 0; i < 2; i++) {
		CHECK(signal_comes(SIGRTMIN + 3, HANG, &info));
		CHECK_EQ(info.si_code, POLL_IN);
		CHECK_EQ(info.si_band, POLLIN | POLLRDNORM);
		CHECK_EQ(info.si_fd, fd);
	}
}

TEST(room_info, "who was told that the line is full gets POLL_OUT when it is not")
{
	int fd = open_async(O_WRONLY, SIGRTMIN);
	siginfo_t info;

	fill(fd);
	CHECK(signal_comes(SIGRTMIN, HANG, &info));
	CHECK_EQ(info.si_code, POLL_OUT);
	CHECK_EQ(info.si_band, POLLOUT | POLLWRNORM | POLLWRBAND);
	CHECK_EQ(info.si_fd, fd);
	CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(room_after_poll, "who learned from poll that the line is full gets POLL_OUT")
{
	int fd = open_async(O_WRONLY, SIGRTMIN);
	siginfo_t info;

	do {
		drain(fd);
		set_baud(fd, VSER_BAUD_MIN);
		write_bytes(fd, FIFO_SIZE);
	} while (poll_now(fd, POLLOUT));
	CHECK(signal_comes(SIGRTMIN, HANG, &info));
	CHECK_EQ(info.si_code, POLL_OUT);
}

TEST(no_need, "who always found room is not told of it")
{
	int fd = open_async(O_WRONLY, SIGRTMIN);
	siginfo_t info;

	write_bytes(fd, 1000);
	drain(fd);
	CHECK(!signal_comes(SIGRTMIN, 10, &info));
}

TEST(owner, "the signal goes to the process that F_SETOWN names")
{
	int fd = open_async(O_RDONLY, SIGIO);
	siginfo_t info;
	pid_t owner;

	CHILD(owner)
		CHECK(signal_comes(SIGIO, HANG, &info));
	CHECK_EQ(fcntl(fd, F_SETOWN, owner), 0);
	check_child(owner);
	CHECK(!signal_comes(SIGIO, 0, &info));
}

TEST(cleared, "no signal comes when O_ASYNC was cleared")
{
	int fd = open_async(O_RDONLY, SIGIO);
	siginfo_t info;
	int off = 0;

	CHECK_EQ(ioctl(fd, FIOASYNC, &off), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ASYNC, 0);
	wait_for_letters(fd, 1);
	CHECK(!signal_comes(SIGIO, 10, &info));
}

TEST(closed, "no signal comes when the descriptor was closed and is used again")
{
	int fd = open_async(O_RDWR, SIGIO);
	siginfo_t info;
	int other;

	close(fd);
	other = open_line(O_RDWR);
	CHECK_EQ(other, fd);
	wait_for_letters(other, 1);
	fill(other);
	drain(other);
	CHECK(!signal_comes(SIGIO, 10, &info));
}

/* The line receives an event: its own output is its input. */
static void ring_bell(void)
{
	int fd = open_path(LINE, CONTROL_ONLY);
	int bits, bell = 0x2000;	/* TIOCM_OUT1, which the C library lacks */

	CHECK_EQ(ioctl(fd, TIOCMGET, &bits), 0);
	CHECK_EQ(ioctl(fd, bits & bell ? TIOCMBIC : TIOCMBIS, &bell), 0);
	close(fd);
}

static void check_event_signal(int fd, int sig)
{
	siginfo_t info;

	ring_bell();
	CHECK(signal_comes(sig, HANG, &info));
	CHECK_EQ(info.si_code, POLL_PRI);
	CHECK_EQ(info.si_band, POLLPRI | POLLRDBAND);
	CHECK_EQ(info.si_fd, fd);
	CHECK(!signal_comes(sig, 10, &info));
}

TEST(events, "an event sends POLL_PRI to a file that asked for events, and to no other")
{
	struct vser_wiring loopback = { .type = VSER_WIRE_LOOPBACK };
	struct vser_wiring generator = { .type = VSER_WIRE_GENERATOR };
	struct vser_event event;
	siginfo_t info;
	__u32 on = 1, off = 0;
	int control, fd;

	control = open_async(CONTROL_ONLY | O_NONBLOCK, SIGRTMIN);
	CHECK_EQ(ioctl(control, VS_SET_WIRE, &loopback), 0);
	fd = open_async(O_RDWR | O_NONBLOCK, SIGRTMIN + 1);
	while (signal_comes(SIGRTMIN, 10, &info))
		CHECK_EQ(info.si_code, POLL_PRI);
	CHECK(!signal_comes(SIGRTMIN + 1, 10, &info));

	check_event_signal(control, SIGRTMIN);
	CHECK(!signal_comes(SIGRTMIN + 1, 10, &info));
	CHECK_EQ(ioctl(control, VS_WATCH_EVENTS, &off), 0);
	ring_bell();
	CHECK(!signal_comes(SIGRTMIN, 10, &info));

	/* Those that are there already make one signal, */
	CHECK_EQ(ioctl(fd, VS_WATCH_EVENTS, &on), 0);
	CHECK(signal_comes(SIGRTMIN + 1, HANG, &info));
	CHECK_EQ(info.si_code, POLL_PRI);
	/* and then each one, read or not. */
	check_event_signal(fd, SIGRTMIN + 1);
	while (!ioctl(fd, VS_READ_EVENT, &event))
		;
	check_event_signal(fd, SIGRTMIN + 1);
	CHECK_EQ(ioctl(control, VS_SET_WIRE, &generator), 0);
}

TEST(control_only, "a control-only descriptor gets no signal for bytes and room")
{
	int fd = open_async(CONTROL_ONLY, SIGRTMIN);
	int user = open_line(O_RDWR);
	siginfo_t info;

	wait_for_letters(user, 1);
	fill(user);
	drain(user);
	while (signal_comes(SIGRTMIN, 10, &info))
		CHECK_EQ(info.si_code, POLL_PRI);
	close(fd);
}
