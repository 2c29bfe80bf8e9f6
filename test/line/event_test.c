// SPDX-License-Identifier: GPL-2.0
/*
 * What is received and is no byte: events, each with its place among the bytes,
 * breaks, and errors that are marked in what is read.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "ring.h"
#include "wire.h"

FRESH_LINES(2)

#define READY	(TIOCM_CTS | TIOCM_DSR | TIOCM_CD)	/* the other is open */
#define EVENTS	64	/* remembered per line */

static void set_mark(int fd, __u32 on)
{
	__u32 is = 2;

	CHECK_EQ(ioctl(fd, VS_SET_MARK, &on), 0);
	CHECK_EQ(ioctl(fd, VS_GET_MARK, &is), 0);
	CHECK_EQ(is, on);
}

static void send_break(int fd)
{
	CHECK_EQ(ioctl(fd, TIOCSBRK), 0);
	CHECK_EQ(ioctl(fd, TIOCCBRK), 0);
}

/* Both ends open; line 1 has no events. */
static struct pair open_quiet_pair(void)
{
	struct pair pair = open_pair(O_RDWR);

	skip_events(pair.b);

	return pair;
}

/* Sends a byte, and waits until it is sent. */
static void send_byte(int fd, char byte)
{
	CHECK_EQ(write(fd, &byte, 1), 1);
	CHECK_EQ(ioctl(fd, TCSBRK, 1), 0);
}

/* Order */

static void check_order(struct pair pair)
{
	send_byte(pair.a, 'a');
	set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
	send_byte(pair.a, 'b');
	send_byte(pair.a, 'c');
	set_modem(pair.a, TIOCMBIS, TIOCM_RTS);
	send_break(pair.a);
	send_byte(pair.a, 'd');
	set_modem(pair.a, TIOCMBIS, TIOCM_OUT1);

	check_event(pair.b, VSER_EVENT_MODEM, 1, READY & ~TIOCM_CTS);
	check_event(pair.b, VSER_EVENT_MODEM, 3, READY);
	check_event(pair.b, VSER_EVENT_BREAK, 3, 0);
	check_event(pair.b, VSER_EVENT_MODEM, 4, READY | TIOCM_RI);
	check_no_event(pair.b);
	check_read(pair.b, "abcd", 4);
}

TEST(order, "byte, drain, RTS, byte are received in that order")
{
	check_order(open_quiet_pair());
}

TEST(order_paced, "events have their places on a paced line, too")
{
	struct pair pair = open_quiet_pair();

	set_attr(0, "pacing", "1");
	check_order(pair);
}

TEST(position_goes_on, "a position counts what was received since the module was loaded")
{
	struct pair pair = open_quiet_pair();

	write_row(pair.a, 0, 1000);
	read_row(pair.b, 0, 1000);
	close(pair.b);
	pair.b = open_nth(1, O_RDWR);
	skip_events(pair.b);
	write_row(pair.a, 0, 10);
	CHECK_EQ(ioctl(pair.b, TCFLSH, TCIFLUSH), 0);
	send_break(pair.a);
	check_event(pair.b, VSER_EVENT_BREAK, 1010, 0);
}

TEST(position_of_error, "the position of an error is that of its byte")
{
	struct pair pair = open_quiet_pair();
	char bytes[3];

	set_attr(0, "format", "8E1");
	set_attr(1, "format", "8E1");
	send_byte(pair.a, 'a');
	set_attr(0, "fault", "parity=1000000");
	send_byte(pair.a, 'b');
	set_attr(0, "fault", "parity=0 frame=1000000");
	send_byte(pair.a, 'c');
	check_event(pair.b, VSER_EVENT_PARITY, 1, 0);
	check_event(pair.b, VSER_EVENT_FRAME, 2, 0);
	check_no_event(pair.b);
	CHECK_EQ(read(pair.b, bytes, 3), 3);
	CHECK(!memcmp(bytes, "abc", 3));
}

/* Reading events */

static void make_events(int fd, int n)
{
	for (; n; n--)
		set_modem(fd, modem(fd) & TIOCM_OUT1 ? TIOCMBIC : TIOCMBIS,
			  TIOCM_OUT1);
}

static void read_events(int fd, int n)
{
	struct vser_event event;

	for (; n; n--) {
		CHECK_EQ(ioctl(fd, VS_READ_EVENT, &event), 0);
		CHECK_EQ(event.type, VSER_EVENT_MODEM);
	}
}

TEST(all_kept, "64 events wait for who did not read them")
{
	struct pair pair = open_quiet_pair();

	make_events(pair.a, EVENTS);
	read_events(pair.b, EVENTS);
	check_no_event(pair.b);
}

static void check_lost(struct pair pair, int lost)
{
	struct vser_event event;

	make_events(pair.a, EVENTS + lost);
	CHECK_EQ(ioctl(pair.b, VS_READ_EVENT, &event), 0);
	CHECK_EQ(event.type, VSER_EVENT_LOST);
	CHECK_EQ(event.value, lost);
	read_events(pair.b, EVENTS);
	check_no_event(pair.b);
}

TEST(lost, "who read too late learns first how many events were lost")
{
	struct pair pair = open_quiet_pair();

	check_lost(pair, 1);
	check_lost(pair, 6);
	check_lost(pair, 1000);
	make_events(pair.a, 1);
	read_events(pair.b, 1);
}

TEST(cursors, "each descriptor sees every event since its open")
{
	struct pair pair = open_quiet_pair();
	int first = open_nth(1, CONTROL_ONLY | O_NONBLOCK);
	int second = open_nth(1, CONTROL_ONLY | O_NONBLOCK);
	int third;

	make_events(pair.a, 3);
	third = open_nth(1, CONTROL_ONLY | O_NONBLOCK);
	check_no_event(third);
	read_events(first, 3);
	check_no_event(first);
	make_events(pair.a, 1);
	read_events(third, 1);
	check_no_event(third);
	read_events(second, 4);
	check_no_event(second);
	read_events(first, 1);
	read_events(pair.b, 4);
	check_no_event(pair.b);
}

TEST(duplicates, "duplicates of a descriptor, and a child's, read the same row of events")
{
	struct pair pair = open_quiet_pair();
	int copy = dup(pair.b);
	pid_t child;

	make_events(pair.a, 3);
	read_events(pair.b, 1);
	read_events(copy, 1);
	CHILD(child)
		read_events(pair.b, 1);
	check_child(child);
	check_no_event(pair.b);
	check_no_event(copy);
}

static void watch(int fd, __u32 on)
{
	CHECK_EQ(ioctl(fd, VS_WATCH_EVENTS, &on), 0);
}

static void check_unwatched(int fd)
{
	CHECK_EQ(poll_now(fd, POLLIN | POLLPRI), 0);
}

static void check_watched(int fd)
{
	CHECK_EQ(poll_now(fd, POLLIN | POLLPRI), POLLPRI);
}

TEST(not_asked_for, "a data descriptor that did not ask for events gets no POLLPRI")
{
	static const int modes[] = { O_RDONLY, O_RDWR, O_WRONLY };
	struct pair pair = open_pair(O_RDWR);
	size_t i;
	int fd;

	set_attr(1, "exclusive", "0");
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		tap_row_number(i);
		fd = open_nth(1, modes[i]);
		make_events(pair.a, 1);
		check_unwatched(fd);
		close(fd);
	}
}

TEST(asked_for, "VS_WATCH_EVENTS turns POLLPRI on, of what has happened too, and off")
{
	struct pair pair = open_pair(O_RDWR);

	make_events(pair.a, 1);
	watch(pair.b, 1);
	check_watched(pair.b);
	watch(pair.b, 0);
	check_unwatched(pair.b);
	watch(pair.b, 1);
	watch(pair.b, 1);
	check_watched(pair.b);
	skip_events(pair.b);
	check_unwatched(pair.b);
	make_events(pair.a, 1);
	check_watched(pair.b);
}

TEST(asked_by_read, "the first VS_READ_EVENT sees all since the open, and asks for POLLPRI")
{
	struct pair pair = open_pair(O_RDWR | O_NONBLOCK);
	struct vser_event event;

	make_events(pair.a, 3);
	check_unwatched(pair.b);
	read_events(pair.b, 1);
	check_watched(pair.b);
	read_events(pair.b, 2);
	check_no_event(pair.b);

	/* Also if there is none yet, but not if it cannot be stored. */
	close(pair.b);
	pair.b = open_nth(1, O_RDWR | O_NONBLOCK);
	make_events(pair.a, 1);
	CHECK_ERR(ioctl(pair.b, VS_READ_EVENT, NULL), EFAULT);
	check_unwatched(pair.b);
	close(pair.b);
	pair.b = open_nth(1, O_RDWR | O_NONBLOCK);
	CHECK_ERR(ioctl(pair.b, VS_READ_EVENT, &event), EAGAIN);
	make_events(pair.a, 1);
	check_watched(pair.b);
}

TEST(not_asked_by_read, "after VS_WATCH_EVENTS 0, events can be read and are not polled")
{
	struct pair pair = open_pair(O_RDWR);
	int control = open_nth(1, CONTROL_ONLY);

	watch(pair.b, 0);
	watch(control, 0);
	make_events(pair.a, 2);
	read_events(pair.b, 1);
	read_events(control, 1);
	check_unwatched(pair.b);
	check_unwatched(control);
	read_events(pair.b, 1);
	read_events(control, 1);
}

TEST(watch_values, "VS_WATCH_EVENTS takes 0 and 1, anything else is EINVAL")
{
	static const __u32 values[] = { 2, 3, 256, UINT32_MAX };
	struct pair pair = open_pair(O_RDWR);
	int control = open_nth(1, CONTROL_ONLY);
	size_t i;

	make_events(pair.a, 1);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		CHECK_ERR(ioctl(pair.b, VS_WATCH_EVENTS, &values[i]), EINVAL);
		CHECK_ERR(ioctl(control, VS_WATCH_EVENTS, &values[i]), EINVAL);
	}
	check_unwatched(pair.b);
	check_watched(control);
}

TEST(asked_while_polled, "a poller is woken when another thread asks for events")
{
	struct pair pair = open_pair(O_RDWR);
	struct vser_event event;
	pid_t poller;

	make_events(pair.a, 2);
	CHILD(poller)
		CHECK_EQ(poll_for(pair.b, POLLPRI, -1), POLLPRI);
	WAIT_UNTIL(blocked_in(poller, SYS_poll));
	watch(pair.b, 1);
	check_child(poller);

	watch(pair.b, 0);
	close(pair.b);
	pair.b = open_nth(1, O_RDWR);
	make_events(pair.a, 2);
	CHILD(poller)
		CHECK_EQ(poll_for(pair.b, POLLPRI, -1), POLLPRI);
	WAIT_UNTIL(blocked_in(poller, SYS_poll));
	CHECK_EQ(ioctl(pair.b, VS_READ_EVENT, &event), 0);
	check_child(poller);
}

TEST(blocking, "VS_READ_EVENT waits for an event")
{
	struct pair pair = open_quiet_pair();
	pid_t reader;

	CHECK_EQ(fcntl(pair.b, F_SETFL, 0), 0);
	CHILD(reader)
		read_events(pair.b, 1);
	WAIT_UNTIL(blocked_in(reader, SYS_ioctl));
	write_row(pair.a, 0, 10);
	sleep_ms(20);
	CHECK(!has_ended(reader));
	make_events(pair.a, 1);
	check_child(reader);
}

TEST(interrupted, "a signal handler ends VS_READ_EVENT with EINTR")
{
	struct pair pair = open_quiet_pair();
	struct vser_event event;
	pid_t reader;

	CHECK_EQ(fcntl(pair.b, F_SETFL, 0), 0);
	CHILD(reader) {
		catch_sigusr1(0);
		CHECK_ERR(ioctl(pair.b, VS_READ_EVENT, &event), EINTR);
	}
	signal_child_in(reader, SYS_ioctl);
	make_events(pair.a, 1);
	read_events(pair.b, 1);
}

TEST(fault, "an event that could not be stored is not lost")
{
	struct pair pair = open_quiet_pair();
	size_t i;

	send_break(pair.a);
	for (i = 0; i < NR_BAD_TARGETS; i++) {
		tap_row(bad_addresses[i].name);
		CHECK_ERR(ioctl(pair.b, VS_READ_EVENT, bad_addresses[i].get()),
			  EFAULT);
	}
	tap_row(NULL);
	check_event(pair.b, VSER_EVENT_BREAK, 0, 0);
	check_no_event(pair.b);
}

TEST(two_readers, "of two who wait for an event on one descriptor each gets its own")
{
	struct pair pair = open_quiet_pair();
	pid_t first, second;

	CHECK_EQ(fcntl(pair.b, F_SETFL, 0), 0);
	CHILD(first)
		read_events(pair.b, 1);
	CHILD(second)
		read_events(pair.b, 1);
	WAIT_UNTIL(blocked_in(first, SYS_ioctl));
	WAIT_UNTIL(blocked_in(second, SYS_ioctl));
	make_events(pair.a, 2);
	check_child(first);
	check_child(second);
}

/* Breaks */

TEST(break_once, "a break is received once, however long it lasts")
{
	struct pair pair = open_quiet_pair();

	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	check_event(pair.b, VSER_EVENT_BREAK, 0, 0);
	CHECK_EQ(ioctl(pair.a, TIOCCBRK), 0);
	CHECK_EQ(ioctl(pair.a, TIOCCBRK), 0);
	check_no_event(pair.b);
	CHECK_EQ(vser_counters(pair.b).brk, 1);
	CHECK_EQ(rx_queued(pair.b), 0);
	send_break(pair.a);
	CHECK_EQ(vser_counters(pair.b).brk, 2);
	check_line_books(1);
}

static void check_break_holds(const char *pacing)
{
	struct pair pair = open_pair(O_RDWR);

	tap_row(pacing);
	set_attr(0, "pacing", pacing);
	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	write_row(pair.a, 0, 100);
	sleep_ms(20);
	CHECK_EQ(rx_queued(pair.b), 0);
	CHECK_EQ(tx_queued(pair.a), 100);
	write_row(pair.b, 0, 100);
	read_row(pair.a, 0, 100);
	CHECK_EQ(ioctl(pair.a, TIOCCBRK), 0);
	read_row(pair.b, 0, 100);
	close(pair.a);
	close(pair.b);
}

TEST(break_holds, "what is written during a break is sent after it")
{
	check_break_holds("0");
	check_break_holds("1");
}

TEST(break_into_nothing, "a line that is wired to nothing sends nothing during a break")
{
	int fd;

	wire_line(0, "open");
	set_attr(0, "pacing", "0");
	fd = open_line(O_RDWR);
	CHECK_EQ(ioctl(fd, TIOCSBRK), 0);
	write_row(fd, 0, 100);
	CHECK_EQ(tx_queued(fd), 100);
	CHECK_EQ(ioctl(fd, TIOCCBRK), 0);
	CHECK_EQ(tx_queued(fd), 0);
}

TEST(break_in_loopback, "a loopback receives its own break")
{
	int fd = open_loopback(O_RDWR);

	skip_events(fd);
	send_break(fd);
	check_event(fd, VSER_EVENT_BREAK, 0, 0);
}

TEST(break_ends_with_close, "the last close ends a break")
{
	struct pair pair = open_quiet_pair();

	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	close(pair.a);
	pair.a = open_nth(0, O_RDWR);
	write_row(pair.a, 0, 10);
	CHECK_EQ(tx_queued(pair.a), 0);
	read_row(pair.b, 0, 10);
}

TEST(break_timed, "TCSBRK(0) sends what is queued, then a break of a quarter second")
{
	struct pair pair = open_quiet_pair();
	__u64 start = now_ns();

	set_attr(0, "pacing", "1");
	CHECK_EQ(write(pair.a, "x", 1), 1);
	CHECK_EQ(ioctl(pair.a, TCSBRK, 0), 0);
	CHECK(now_ns() - start >= 250 * NSEC_PER_MSEC);
	check_event(pair.b, VSER_EVENT_BREAK, 1, 0);
	check_no_event(pair.b);
	write_row(pair.a, 0, 10);
	CHECK_EQ(ioctl(pair.a, TCSBRK, 1), 0);
	CHECK_EQ(rx_queued(pair.b), 11);
}

/* Ways to send a break. */

static void break_on_and_off(int fd)
{
	CHECK_EQ(ioctl(fd, TIOCSBRK), 0);
	CHECK_EQ(ioctl(fd, TIOCCBRK), 0);
}

static void break_by_default(int fd)
{
	CHECK_EQ(ioctl(fd, TCSBRK, 0), 0);
}

static void break_in_tenths(int fd)
{
	CHECK_EQ(ioctl(fd, TCSBRKP, 1), 0);
}

static void break_by_another(int fd)
{
	int control = open_nth(0, CONTROL_ONLY);

	(void)fd;
	CHECK_EQ(ioctl(control, TIOCSBRK), 0);
	close(control);
}

static const struct {
	const char *name;
	void (*send)(int fd);
	unsigned int ms;	/* at least */
} breaks[] = {
	{ "TIOCSBRK, TIOCCBRK", break_on_and_off, 0 },
	{ "TCSBRK(0)", break_by_default, 250 },
	{ "TCSBRKP(1)", break_in_tenths, 100 },
	{ "TIOCSBRK of a control-only descriptor, and its close", break_by_another, 0 },
};

TEST(break_follows, "a break follows all that was written before, and goes before the rest")
{
	struct pair pair = open_quiet_pair();
	char wanted[] = "abcdefghijklmnopqrst\xff\0\0u", got[sizeof(wanted)];
	__u64 position = 0;
	size_t i;

	set_attr(0, "pacing", "1");
	set_attr(0, "baud", "1200");
	set_attr(1, "baud", "1200");
	set_mark(pair.b, 1);
	CHECK_EQ(fcntl(pair.b, F_SETFL, 0), 0);
	for (i = 0; i < ARRAY_SIZE(breaks); i++, position += 24) {
		tap_row(breaks[i].name);
		CHECK_EQ(write(pair.a, "abcdefghijklmnopqrst", 20), 20);
		breaks[i].send(pair.a);
		CHECK_EQ(write(pair.a, "u", 1), 1);
		read_full(pair.b, got, 24);
		CHECK(!memcmp(got, wanted, 24));
		check_event(pair.b, VSER_EVENT_BREAK, position + 20, 0);
	}
}

TEST(break_follows_ring, "a break follows what is in the ring, too")
{
	struct pair pair = open_quiet_pair();
	struct ring ring = { 0 };

	set_mark(pair.b, 1);
	CHECK_EQ(ring_open(&ring, pair.a, 4096, 4096), 0);
	CHECK_EQ(ring_put(&ring, "abc", 3), 3);
	send_break(pair.a);
	check_read(pair.b, "abc\xff\0\0", 6);
}

TEST(break_has_length, "where frames take time, a break is as long as one at least")
{
	struct pair pair = open_quiet_pair();
	__u64 start;
	size_t i;

	set_attr(0, "pacing", "1");
	set_attr(0, "baud", "50");
	set_attr(1, "baud", "50");
	CHECK_EQ(fcntl(pair.b, F_SETFL, 0), 0);
	for (i = 0; i < ARRAY_SIZE(breaks); i++) {
		tap_row(breaks[i].name);
		start = now_ns();
		breaks[i].send(pair.a);
		CHECK(now_ns() - start >= breaks[i].ms * NSEC_PER_MSEC);
		write_row(pair.a, 0, 1);
		read_row(pair.b, 0, 1);
		/* The break, and the byte. */
		CHECK(now_ns() - start >= 2 * 200 * NSEC_PER_MSEC);
		check_event(pair.b, VSER_EVENT_BREAK, i, 0);
	}
}

TEST(breaks_in_a_row, "a break follows the one before: each is received")
{
	struct pair pair = open_quiet_pair();
	__u64 start = now_ns();
	int i;

	set_attr(0, "pacing", "1");
	set_attr(0, "baud", "300");
	set_attr(1, "baud", "300");
	for (i = 0; i < 5; i++)
		send_break(pair.a);
	CHECK(now_ns() - start >= 4 * 33 * NSEC_PER_MSEC);
	CHECK_EQ(vser_counters(pair.b).brk, 5);
}

TEST(break_waits, "TIOCSBRK waits for what cannot be sent, O_NONBLOCK or not; TIOCCBRK never")
{
	struct pair pair = open_pair(O_RDWR | O_NONBLOCK);
	pid_t pid;

	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	write_row(pair.a, 0, 10);
	CHILD(pid)
		CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	WAIT_UNTIL(blocked_in(pid, SYS_ioctl));
	CHECK_EQ(ioctl(pair.a, TIOCCBRK), 0);
	sleep_ms(20);
	CHECK(!has_ended(pid));
	CHECK_EQ(vser_counters(pair.b).brk, 0);
	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	check_child(pid);
	CHECK_EQ(vser_counters(pair.b).brk, 1);
	CHECK_EQ(rx_queued(pair.b), 10);
	/* In a break, nothing is waited for: what is written now comes after. */
	write_row(pair.a, 10, 10);
	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	CHECK_EQ(rx_queued(pair.b), 10);
	CHECK_EQ(ioctl(pair.a, TIOCCBRK), 0);
	CHECK_EQ(rx_queued(pair.b), 20);
	CHECK_EQ(vser_counters(pair.b).brk, 1);
}

TEST(break_lengths, "TCSBRKP takes up to an hour, in tenths of a second")
{
	static const unsigned long tenths[] = { 36001, 1UL << 31, ~0UL };
	struct pair pair = open_quiet_pair();
	__u64 start = now_ns();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tenths); i++)
		CHECK_ERR(ioctl(pair.a, TCSBRKP, tenths[i]), EINVAL);
	check_no_event(pair.b);
	CHECK_EQ(ioctl(pair.a, TCSBRKP, 0), 0);
	CHECK(now_ns() - start >= 250 * NSEC_PER_MSEC);
	check_event(pair.b, VSER_EVENT_BREAK, 0, 0);
}

TEST(break_of_closed, "the close of the file that started a break ends it, and no other's")
{
	struct pair pair = open_quiet_pair();
	int first = open_nth(0, CONTROL_ONLY);
	int second = open_nth(0, CONTROL_ONLY);

	CHECK_EQ(ioctl(first, TIOCSBRK), 0);
	close(second);
	write_row(pair.a, 0, 10);
	CHECK_EQ(tx_queued(pair.a), 10);
	close(first);
	CHECK_EQ(tx_queued(pair.a), 0);

	/* It is that of the one that has last asked for it. */
	first = open_nth(0, CONTROL_ONLY);
	second = open_nth(0, CONTROL_ONLY);
	CHECK_EQ(ioctl(first, TIOCSBRK), 0);
	CHECK_EQ(ioctl(second, TIOCSBRK), 0);
	close(first);
	write_row(pair.a, 0, 10);
	CHECK_EQ(tx_queued(pair.a), 10);
	close(second);
	CHECK_EQ(tx_queued(pair.a), 0);
	CHECK_EQ(vser_counters(pair.b).brk, 2);

	/* The next user finds a line without a break. */
	first = open_nth(0, CONTROL_ONLY);
	CHECK_EQ(ioctl(first, TIOCSBRK), 0);
	close(pair.a);
	pair.a = open_nth(0, O_RDWR);
	write_row(pair.a, 0, 10);
	CHECK_EQ(tx_queued(pair.a), 0);
}

TEST(break_of_closed_line, "a closed line sends a break only when it is opened")
{
	struct pair pair = open_quiet_pair();
	int control = open_nth(0, CONTROL_ONLY);

	close(pair.a);
	skip_events(pair.b);
	CHECK_EQ(ioctl(control, TIOCSBRK), 0);
	CHECK_EQ(ioctl(control, TIOCCBRK), 0);
	check_no_event(pair.b);
	CHECK_EQ(ioctl(control, TIOCSBRK), 0);
	check_no_event(pair.b);
	CHECK_EQ(vser_counters(pair.b).brk, 0);
	pair.a = open_nth(0, O_RDWR);
	CHECK_EQ(vser_counters(pair.b).brk, 1);
	write_row(pair.a, 0, 10);
	CHECK_EQ(tx_queued(pair.a), 10);
	close(control);
	CHECK_EQ(tx_queued(pair.a), 0);
	CHECK_EQ(vser_counters(pair.b).brk, 1);
}

TEST(break_together, "of two timed breaks at once none cuts the other short")
{
	struct pair pair = open_quiet_pair();
	__u64 start = now_ns();
	pid_t pid;

	CHILD(pid)
		CHECK_EQ(ioctl(pair.a, TCSBRKP, 1), 0);
	WAIT_UNTIL(vser_counters(pair.b).brk || has_ended(pid));
	CHECK_EQ(ioctl(pair.a, TCSBRKP, 3), 0);
	CHECK(now_ns() - start >= 300 * NSEC_PER_MSEC);
	check_child(pid);

	/* Nor ends one of them a break that was started meanwhile. */
	CHILD(pid)
		CHECK_EQ(ioctl(pair.a, TCSBRKP, 1), 0);
	WAIT_UNTIL(blocked_in(pid, SYS_ioctl) || has_ended(pid));
	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	check_child(pid);
	write_row(pair.a, 0, 10);
	CHECK_EQ(tx_queued(pair.a), 10);
	CHECK_EQ(ioctl(pair.a, TIOCCBRK), 0);
	CHECK_EQ(tx_queued(pair.a), 0);
}

TEST(break_interrupted, "a break that a signal handler interrupts ends then")
{
	struct pair pair = open_quiet_pair();
	pid_t sender;

	CHILD(sender) {
		catch_sigusr1(0);
		CHECK_ERR(ioctl(pair.a, TCSBRK, 0), EINTR);
	}
	signal_child_in(sender, SYS_ioctl);
	write_row(pair.a, 0, 10);
	CHECK_EQ(tx_queued(pair.a), 0);
}

/* Marks */

TEST(mark_values, "marks can be on or off, anything else is EINVAL")
{
	static const __u32 values[] = { 2, 3, 256, UINT32_MAX };
	__u32 on = 2;
	size_t i;
	int fd = open_line(O_RDWR);

	CHECK_EQ(ioctl(fd, VS_GET_MARK, &on), 0);
	CHECK_EQ(on, 0);
	set_mark(fd, 1);
	for (i = 0; i < ARRAY_SIZE(values); i++)
		CHECK_ERR(ioctl(fd, VS_SET_MARK, &values[i]), EINVAL);
	CHECK_EQ(ioctl(fd, VS_GET_MARK, &on), 0);
	CHECK_EQ(on, 1);
	set_mark(fd, 0);
}

/* Receives with marks what line 0 sends with faults, in this format. */
static void check_marked(const char *format, const char *fault,
			 const char *sent, const void *wanted, size_t n)
{
	struct pair pair = open_pair(O_RDWR);

	tap_row(fault);
	set_attr(0, "format", format);
	set_attr(1, "format", format);
	set_mark(pair.b, 1);
	set_attr(0, "fault", FAULT_OFF);
	set_attr(0, "fault", fault);
	CHECK_EQ(write(pair.a, sent, strlen(sent)), strlen(sent));
	check_read(pair.b, wanted, n);
	close(pair.a);
	close(pair.b);
	check_line_books(0);
	check_line_books(1);
}

TEST(marks, "marks are as those of PARMRK: errors, breaks, and 0xff twice")
{
	check_marked("8E1", FAULT_OFF, "a\xff\x01\xfe", "a\xff\xff\x01\xfe", 5);
	check_marked("8E1", "parity=1000000", "a\xff",
		     "\xff\0a\xff\0\xff", 6);
	check_marked("8N1", "frame=1000000", "ab", "\xff\0a\xff\0b", 6);
	check_marked("8E1", "parity=1000000 frame=1000000", "a", "\xff\0a", 3);
	check_marked("8N1", "break=1000000", "ab", "\xff\0\0\xff\0\0", 6);
	check_marked("7N1", FAULT_OFF, "\xff\x80", "\x7f\0", 2);
}

TEST(no_marks, "without marks, errors leave bytes as they are and breaks none")
{
	struct pair pair = open_pair(O_RDWR);

	set_attr(0, "fault", "frame=1000000");
	CHECK_EQ(write(pair.a, "a\xff", 2), 2);
	send_break(pair.a);
	check_read(pair.b, "a\xff", 2);
}

TEST(marked_break, "a break that a program sends is marked, in its place")
{
	struct pair pair = open_quiet_pair();

	set_mark(pair.b, 1);
	send_byte(pair.a, 'a');
	send_break(pair.a);
	send_byte(pair.a, 'b');
	check_event(pair.b, VSER_EVENT_BREAK, 1, 0);
	check_read(pair.b, "a\xff\0\0b", 5);
	CHECK_EQ(stat_of(1, "rx_marks"), 3);
	check_line_books(1);
}

TEST(marks_whole, "a mark for which there is no room is lost as a whole")
{
	struct pair pair;

	set_attr(1, "fifo", "16");
	pair = open_pair(O_RDWR);
	set_attr(0, "flow", "none");
	set_attr(0, "fault", "frame=1000000");
	set_mark(pair.b, 1);
	CHECK_EQ(write(pair.a, "abcdef", 6), 6);
	check_read(pair.b, "\xff\0a\xff\0b\xff\0c\xff\0d\xff\0e", 15);
	CHECK_EQ(stat_of(1, "rx_overrun"), 1);
	check_line_books(1);
}

/*
 * Marked bytes of these kinds, in turn: 0 is a byte, 1 a byte 0xff, 2 an error. The
 * reader takes some before the queue becomes too small.
 */
static void check_cut(const char *kinds, unsigned int skipped)
{
	struct pair pair;
	__u8 got[16];
	size_t i, n;

	tap_row(kinds);
	set_attr(1, "fifo", "128");
	pair = open_pair(O_RDWR | O_NONBLOCK);
	set_mark(pair.b, 1);
	for (i = 0; i < 20 * strlen(kinds) && rx_queued(pair.b) <= 100; i++) {
		char kind = kinds[i % strlen(kinds)];

		set_attr(0, "fault", kind == '2' ? "frame=1000000" : FAULT_OFF);
		CHECK_EQ(write(pair.a, kind == '0' ? "a" : "\xff", 1), 1);
	}
	CHECK(rx_queued(pair.b) > 16);
	CHECK_EQ(read(pair.b, got, skipped), skipped);
	set_attr(1, "fifo", "16");
	n = read(pair.b, got, sizeof(got));
	CHECK(n >= 14);
	/* From the first that begins, all marks are whole. */
	for (i = skipped ? 3 - skipped : 0; i < n; i++)
		if (got[i] == 0xff && i + 1 < n)
			i += got[i + 1] ? 1 : 2;
		else
			CHECK(got[i] != 0xff);
	CHECK_EQ(i, n);
	close(pair.a);
	close(pair.b);
	check_line_books(1);
}

TEST(marks_not_cut, "a smaller queue cuts no mark in two")
{
	check_cut("1", 0);
	check_cut("01", 0);
	check_cut("2", 0);
	check_cut("02", 0);
	check_cut("0012", 0);
	check_cut("211", 0);
	/* Of the first mark, the reader has taken a part. */
	check_cut("2000", 1);
	check_cut("2000", 2);
	check_cut("2010", 1);
	check_cut("2010", 2);
}

TEST(marks_lose_nothing, "with flow control no mark and no byte is lost")
{
	struct pair pair;
	pid_t writer;
	__u8 got[3];
	int i;

	set_attr(1, "fifo", "64");
	pair = open_pair(O_RDWR);
	set_attr(0, "fault", "frame=1000000");
	set_mark(pair.b, 1);
	CHILD(writer)
		write_row(pair.a, 0, 5000);
	for (i = 0; i < 5000; i++) {
		WAIT_UNTIL(rx_queued(pair.b) >= 3);
		CHECK_EQ(read(pair.b, got, 3), 3);
		CHECK_EQ(got[0], 0xff);
		CHECK_EQ(got[1], 0x00);
		CHECK_EQ(got[2], row_byte(i));
	}
	check_child(writer);
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
}
