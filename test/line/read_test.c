// SPDX-License-Identifier: GPL-2.0
/*
 * Reading: what the generator sends and when, calls that wait and calls that do
 * not, signals, and buffers that cannot take a byte.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "line.h"

static bool is_letter(char byte)
{
	return byte >= 'A' && byte <= 'Z';
}

/* As preadv2() with RWF_NOWAIT: what read() does if it may not wait. */
static ssize_t read_nowait(int fd, void *buf, size_t n)
{
	struct iovec iov = { buf, n };

	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT);
}

TEST(letters, "letters from A to Z come, none before its second is over")
{
	__u64 generated = counter("rx_generated");
	__u64 start = now_ns();
	int fd = open_line(O_RDONLY);
	char letters[4];
	int n, i;

	do {
		n = rx_queued(fd);
		CHECK(n <= (int)((now_ns() - start) / NSEC_PER_SEC));
		tap_nap();
	} while (n < 3);
	n = read(fd, letters, sizeof(letters));
	CHECK(n >= 3);
	for (i = 0; i < n; i++)
		CHECK(is_letter(letters[i]));
	close(fd);
	CHECK(counter("rx_generated") >= generated + 3);
	check_books();
}

TEST(nobody_listens, "no letters are made while nobody can read them")
{
	__u64 generated;
	int writer;

	close(open_line(O_RDONLY));
	generated = counter("rx_generated");
	writer = open_line(O_WRONLY);
	open_line(CONTROL_ONLY);
	sleep_ms(1200);
	close(writer);
	sleep_ms(1200);
	CHECK_EQ(counter("rx_generated"), generated);
}

TEST(letters_wait, "a letter that nobody read waits for the next reader")
{
	char letter;
	int fd;

	fd = open_line(O_RDONLY);
	wait_for_letters(fd, 1);
	close(fd);
	check_books();
	fd = open_line(O_RDONLY | O_NONBLOCK);
	CHECK_EQ(read(fd, &letter, 1), 1);
	CHECK(is_letter(letter));
	close(fd);
	check_books();
}

TEST(blocking, "a read waits for a letter")
{
	__u64 start = now_ns();
	int fd = open_line(O_RDONLY);
	char letters[100];

	CHECK(read(fd, letters, sizeof(letters)) >= 1);
	CHECK(is_letter(letters[0]));
	CHECK(now_ns() - start >= NSEC_PER_SEC);
}

TEST(nonblocking, "O_NONBLOCK and RWF_NOWAIT give EAGAIN only without a letter")
{
	int fd = open_line(O_RDONLY | O_NONBLOCK);
	char letter;

	CHECK_ERR(read(fd, &letter, 1), EAGAIN);
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
	CHECK_ERR(read_nowait(fd, &letter, 1), EAGAIN);
	wait_for_letters(fd, 2);
	CHECK_EQ(read_nowait(fd, &letter, 1), 1);
	CHECK(is_letter(letter));
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(read(fd, &letter, 1), 1);
	CHECK(is_letter(letter));
}

TEST(nonblocking_later, "O_NONBLOCK can be set and cleared at any time")
{
	int fd = open_line(O_RDONLY);
	char letter;
	int on = 1;

	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERR(read(fd, &letter, 1), EAGAIN);
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
	CHECK_EQ(read(fd, &letter, 1), 1);
	CHECK_EQ(ioctl(fd, FIONBIO, &on), 0);
	CHECK_ERR(read(fd, &letter, 1), EAGAIN);
}

TEST(no_bytes, "a read of no bytes gives none, at once")
{
	int fd = open_line(O_RDONLY);
	struct iovec iov = { NULL, 0 };
	char letter;

	CHECK_EQ(read(fd, &letter, 0), 0);
	CHECK_EQ(read(fd, NULL, 0), 0);
	CHECK_EQ(readv(fd, &iov, 1), 0);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(read(fd, &letter, 0), 0);
}

TEST(scatter, "readv fills its buffers one after the other")
{
	char first, second[100] = "";
	struct iovec iov[] = {
		{ &first,	1 },
		{ NULL,		0 },
		{ second,	sizeof(second) },
	};
	int fd = open_line(O_RDONLY);

	wait_for_letters(fd, 2);
	CHECK(readv(fd, iov, 3) >= 2);
	CHECK(is_letter(first));
	CHECK(is_letter(second[0]));
}

TEST(fault, "a byte that could not be stored is not lost")
{
	int fd = open_line(O_RDONLY);
	__u64 delivered = counter("rx_delivered");
	char *end = page_end();
	struct iovec iov[] = {
		{ end - 1,	1 },
		{ end,		1 },
	};
	int i;

	wait_for_letters(fd, 3);
	for (i = 0; i < NR_BAD_TARGETS; i++) {
		tap_row(bad_addresses[i].name);
		CHECK_ERR(read(fd, bad_addresses[i].get(), 1), EFAULT);
		CHECK(rx_queued(fd) >= 3);
	}
	tap_row(NULL);
	CHECK_EQ(counter("rx_delivered"), delivered);

	CHECK_EQ(read(fd, end - 1, 2), 1);
	CHECK(is_letter(end[-1]));
	end[-1] = 'x';
	CHECK_EQ(readv(fd, iov, 2), 1);
	CHECK(is_letter(end[-1]));
	CHECK_EQ(counter("rx_delivered"), delivered + 2);
	end[-1] = 'x';
	CHECK_EQ(read(fd, end - 1, 1), 1);
	CHECK(is_letter(end[-1]));
	close(fd);
	check_books();
}

TEST(interrupted, "a signal handler ends a read that waits with EINTR")
{
	int fd = open_line(O_RDONLY);
	char letter;
	pid_t reader;
	ssize_t n;

	CHILD(reader) {
		catch_sigusr1(0);
		while ((n = read(fd, &letter, 1)) == 1)
			;
		CHECK_ERR(n, EINTR);
	}
	signal_child_in(reader, SYS_read);
	close(fd);
	check_books();
}

TEST(restarted, "a read that waits goes on after a handler with SA_RESTART")
{
	int fd = open_line(O_RDONLY);
	char letter;
	pid_t reader;

	CHILD(reader) {
		catch_sigusr1(SA_RESTART);
		do
			CHECK_EQ(read(fd, &letter, 1), 1);
		while (!signals_caught());
	}
	signal_child_in(reader, SYS_read);
}

TEST(killed, "a reader that waits can be killed, and the line is free then")
{
	char letter;
	pid_t reader;

	CHILD(reader) {
		int fd = open_line(O_RDONLY);

		while (read(fd, &letter, 1) == 1)
			;
	}
	WAIT_UNTIL(blocked_in(reader, SYS_read));
	kill_child(reader);
	close(open_line(O_RDONLY));
}

TEST(two_readers, "of two readers of one descriptor each gets its own letter")
{
	__u64 delivered = counter("rx_delivered");
	int fd = open_line(O_RDONLY);
	pid_t first, second;
	char letter;

	CHILD(first)
		CHECK_EQ(read(fd, &letter, 1), 1);
	CHILD(second)
		CHECK_EQ(read(fd, &letter, 1), 1);
	check_child(first);
	check_child(second);
	CHECK_EQ(counter("rx_delivered"), delivered + 2);
}

/*
 * Does all that a reader who waits must not hold up. Returns true if no read
 * ended meanwhile: so that none of it can have waited for that.
 */
static bool others_get_by(int fd)
{
	__u64 delivered = counter("rx_delivered");
	ssize_t nowait, nonblocking;
	char letter;

	write_bytes(fd, 10);
	CHECK_EQ(poll_now(fd, POLLOUT), POLLOUT);
	set_baud(fd, 9600);
	check_setting(fd, 9600, FMT_8N1);
	rx_queued(fd);
	nowait = read_nowait(fd, &letter, 1);
	CHECK_EQ(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	nonblocking = read(fd, &letter, 1);
	CHECK_EQ(fcntl(fd, F_SETFL, 0), 0);
	if (counter("rx_delivered") != delivered)
		return false;
	CHECK_EQ(nowait, -1);
	CHECK_EQ(nonblocking, -1);

	return true;
}

TEST(blocked_read, "a read that waits holds up no other call on its descriptor")
{
	int fd = open_line(O_RDWR);
	bool by = false;
	char letter;
	pid_t reader;
	int tries;

	for (tries = 0; !by && tries < 3; tries++) {
		/* EAGAIN: if a letter comes at the moment of O_NONBLOCK. */
		CHILD(reader)
			while (read(fd, &letter, 1) == 1 || errno == EAGAIN)
				;
		WAIT_UNTIL(blocked_in(reader, SYS_read));
		by = others_get_by(fd);
		kill_child(reader);
	}
	CHECK(by);
}
