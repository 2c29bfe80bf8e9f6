// SPDX-License-Identifier: GPL-2.0
/*
 * Modem lines: what one end drives and the other sees, how they follow open,
 * close and the fullness of the receiver, and who is told of a change.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

#define INPUTS	(TIOCM_CTS | TIOCM_DSR | TIOCM_CD | TIOCM_RI)
#define OUTPUTS	(TIOCM_DTR | TIOCM_RTS | TIOCM_OUT1)
#define READY	(TIOCM_CTS | TIOCM_DSR | TIOCM_CD)	/* the other is open */

static int inputs(int fd)
{
	return modem(fd) & INPUTS;
}

/* What the one end drives is what the other sees. */
static int crossed(int outputs)
{
	return (outputs & TIOCM_RTS ? TIOCM_CTS : 0) |
	       (outputs & TIOCM_DTR ? TIOCM_DSR | TIOCM_CD : 0) |
	       (outputs & TIOCM_OUT1 ? TIOCM_RI : 0);
}

static const int combinations[] = {
	0, TIOCM_RTS, TIOCM_DTR, TIOCM_OUT1, TIOCM_RTS | TIOCM_DTR,
	TIOCM_RTS | TIOCM_OUT1, TIOCM_DTR | TIOCM_OUT1, OUTPUTS,
};

/* Each combination is set after each other one. */
static void check_crossing(int from, int to)
{
	char row[40];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(combinations); i++)
		for (j = 0; j < ARRAY_SIZE(combinations); j++) {
			snprintf(row, sizeof(row), "%#x, then %#x",
				 combinations[i], combinations[j]);
			tap_row(row);
			set_modem(from, TIOCMSET, combinations[i]);
			CHECK_EQ(inputs(to), crossed(combinations[i]));
			set_modem(from, TIOCMSET, combinations[j]);
			CHECK_EQ(inputs(to), crossed(combinations[j]));
			CHECK_EQ(modem(from) & OUTPUTS, combinations[j]);
		}
	tap_row(NULL);
}

TEST(null_modem, "RTS is the other end's CTS, DTR its DSR and DCD, OUT1 its RI")
{
	struct pair pair = open_pair(O_RDWR);

	check_crossing(pair.a, pair.b);
	CHECK_EQ(inputs(pair.a), READY);
	check_crossing(pair.b, pair.a);
	CHECK_EQ(inputs(pair.b), INPUTS);
}

TEST(loopback, "in a loopback a line drives its own inputs")
{
	int fd = open_loopback(O_RDWR);

	check_crossing(fd, fd);
}

TEST(set_and_clear, "TIOCMBIS raises the lines named, TIOCMBIC drops them")
{
	int fd = open_loopback(O_RDWR);

	set_modem(fd, TIOCMSET, 0);
	set_modem(fd, TIOCMBIS, TIOCM_RTS);
	CHECK_EQ(modem(fd), TIOCM_RTS | TIOCM_CTS);
	set_modem(fd, TIOCMBIS, TIOCM_DTR | TIOCM_OUT1);
	CHECK_EQ(modem(fd), OUTPUTS | INPUTS);
	set_modem(fd, TIOCMBIS, 0);
	set_modem(fd, TIOCMBIC, 0);
	CHECK_EQ(modem(fd), OUTPUTS | INPUTS);
	set_modem(fd, TIOCMBIC, TIOCM_RTS | TIOCM_OUT1);
	CHECK_EQ(modem(fd), TIOCM_DTR | TIOCM_DSR | TIOCM_CD);
}

TEST(other_bits, "bits that are no outputs are not set")
{
	struct pair pair = open_pair(O_RDWR);

	set_modem(pair.a, TIOCMSET, ~OUTPUTS);
	CHECK_EQ(modem(pair.a), READY);
	set_modem(pair.a, TIOCMBIS, ~OUTPUTS);
	CHECK_EQ(modem(pair.a), READY);
	set_modem(pair.a, TIOCMBIC, INPUTS);
	CHECK_EQ(modem(pair.a), READY);
	CHECK_EQ(inputs(pair.b), 0);
}

TEST(open_raises, "the first open raises DTR and RTS, the last close drops both")
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR };
	int a, b, second;
	size_t i;

	wire_line(0, "nullmodem:vser1");
	set_attr(1, "exclusive", "0");
	a = open_nth(0, O_RDWR);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		CHECK_EQ(inputs(a), 0);
		b = open_nth(1, flags[i]);
		CHECK_EQ(inputs(a), READY);
		second = open_nth(1, flags[i]);
		close(b);
		CHECK_EQ(inputs(a), READY);
		close(second);
	}
	CHECK_EQ(inputs(a), 0);
	close(open_nth(1, CONTROL_ONLY));
	CHECK_EQ(inputs(a), 0);
}

/*
 * A descriptor that only controls raises the lines of a closed line in each way:
 * the other end sees nothing, and its bytes wait for the next open.
 */
TEST(closed, "a closed line drives nothing, whatever a control-only descriptor asks for")
{
	static const struct {
		unsigned long request;
		int bits;
	} rows[] = {
		{ TIOCMBIS, TIOCM_RTS | TIOCM_DTR }, { TIOCMBIS, OUTPUTS },
		{ TIOCMSET, TIOCM_RTS | TIOCM_DTR }, { TIOCMSET, OUTPUTS },
		{ TIOCMSET, TIOCM_RTS },
	};
	struct pair pair = open_pair(O_RDWR);
	struct vser_counters before;
	int control = open_nth(1, CONTROL_ONLY);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		tap_row_number(i);
		close(pair.b);
		before = vser_counters(pair.a);
		set_modem(control, rows[i].request, rows[i].bits);
		CHECK_EQ(modem(control) & OUTPUTS, 0);
		CHECK_EQ(inputs(pair.a), 0);
		CHECK_EQ(vser_counters(pair.a).cts, before.cts);
		set_attr(1, "flow", "none");
		set_attr(1, "flow", "rtscts");
		wire_line(1, "open");
		wire_line(1, "nullmodem:vser");
		CHECK_EQ(inputs(pair.a), 0);
		write_row(pair.a, 10 * i, 10);
		CHECK_EQ(tx_queued(pair.a), 10);
		pair.b = open_nth(1, O_RDWR);
		read_row(pair.b, 10 * i, 10);
		/* What was asked for takes effect now. */
		CHECK_EQ(inputs(pair.a),
			 READY | crossed(rows[i].bits & TIOCM_OUT1));
	}
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
	check_line_books(0);
	check_line_books(1);
}

TEST(closed_loopback, "nor does it drive its own inputs in a loopback")
{
	int control = open_line(CONTROL_ONLY);

	wire_line(0, "loopback");
	set_modem(control, TIOCMSET, OUTPUTS);
	CHECK_EQ(modem(control), 0);
	close(open_line(O_RDWR));
	CHECK_EQ(modem(control), 0);
	/* The close has ended it. */
	close(open_line(O_RDWR));
	set_modem(control, TIOCMBIS, TIOCM_OUT1);
	set_modem(control, TIOCMBIC, TIOCM_OUT1);
	CHECK_EQ(modem(open_line(O_RDWR)),
		 TIOCM_RTS | TIOCM_DTR | READY);
}

TEST(open_does_not_change, "a second open leaves the modem lines alone")
{
	int a, b;

	wire_line(0, "nullmodem:vser1");
	set_attr(1, "exclusive", "0");
	a = open_nth(0, O_RDWR);
	b = open_nth(1, O_RDWR);
	set_modem(b, TIOCMSET, TIOCM_OUT1);
	close(open_nth(1, O_RDWR));
	CHECK_EQ(inputs(a), TIOCM_RI);
	close(b);
	CHECK_EQ(inputs(a), 0);
}

TEST(no_rts, "a sender waits while the receiver's program keeps RTS down")
{
	struct pair pair = open_pair(O_RDWR);

	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	write_row(pair.a, 0, 100);
	CHECK_EQ(tx_queued(pair.a), 100);
	CHECK_EQ(rx_queued(pair.b), 0);
	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	CHECK_EQ(tx_queued(pair.a), 0);
	read_row(pair.b, 0, 100);
}

/* The frame that is on the wire is finished. */
TEST(no_rts_paced, "a paced sender stops when the receiver drops RTS, and loses nothing")
{
	struct pair pair = open_pair(O_RDWR);
	int n;

	set_attr(0, "pacing", "1");
	/* It takes 18 minutes, longer than this test. */
	set_attr(0, "baud", "300");
	set_attr(1, "baud", "300");
	write_row(pair.a, 0, FIFO_SIZE / 2);
	WAIT_UNTIL(rx_queued(pair.b) > 0);
	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	n = rx_queued(pair.b);
	CHECK(n < FIFO_SIZE / 2);
	sleep_ms(100);
	CHECK(rx_queued(pair.b) <= n + 1);
	set_attr(0, "pacing", "0");
	CHECK(rx_queued(pair.b) <= n + 1);
	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	read_row(pair.b, 0, FIFO_SIZE / 2);
}

/* Line 1 has received as much as it can, and line 0 wants to send more. */
static struct pair open_full(void)
{
	struct pair pair;

	set_attr(1, "fifo", "16");
	pair = open_pair(O_RDWR);
	write_row(pair.a, 0, 20);
	CHECK_EQ(rx_queued(pair.b), 16);

	return pair;
}

TEST(rts_follows, "RTS is down while the receiver is full, up when half is read")
{
	struct pair pair = open_full();

	CHECK_EQ(inputs(pair.a), TIOCM_DSR | TIOCM_CD);
	read_row(pair.b, 0, 7);
	CHECK_EQ(inputs(pair.a), TIOCM_DSR | TIOCM_CD);
	read_row(pair.b, 7, 1);
	CHECK_EQ(inputs(pair.a), READY);
	read_row(pair.b, 8, 12);
	CHECK_EQ(inputs(pair.a), READY);
}

/*
 * RTS as the far end sees it, for every kind of sender: it goes off when seven eighths
 * of 64 bytes are there, and comes back when half is read.
 */
#define HIGH	56
#define LOW	32

static void check_level(int fd, int wanted)
{
	WAIT_UNTIL(inputs(fd) == wanted);
}

/* Sends as long as there is CTS, as a program does that looks at it. */
static void send_by_hand(int fd)
{
	int i;

	for (i = 0; inputs(fd) & TIOCM_CTS; i++) {
		CHECK(i < HIGH);
		write_row(fd, i, 1);
		/* What has arrived is told before the next look. */
		CHECK_EQ(fsync(fd), 0);
		if (i == HIGH - 1)
			check_level(fd, TIOCM_DSR | TIOCM_CD);
	}
	CHECK_EQ(i, HIGH);
}

static void check_levels(const char *flow, const char *pacing)
{
	struct pair pair;

	tap_row(pacing);
	set_attr(1, "fifo", "64");
	pair = open_pair(O_RDWR);
	set_attr(0, "flow", flow);
	set_attr(0, "pacing", pacing);
	send_by_hand(pair.a);
	CHECK_EQ(rx_queued(pair.b), HIGH);
	read_row(pair.b, 0, HIGH - LOW - 1);
	CHECK_EQ(inputs(pair.a), TIOCM_DSR | TIOCM_CD);
	read_row(pair.b, HIGH - LOW - 1, 1);
	CHECK_EQ(inputs(pair.a), READY);
	read_row(pair.b, HIGH - LOW, LOW);
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
	close(pair.a);
	close(pair.b);
}

TEST(rts_level, "RTS goes off at seven eighths and comes back at half, for every sender")
{
	check_levels("none", "0");
	check_levels("none", "1");
	check_levels("rtscts", "0");
	check_levels("rtscts", "1");
}

/* The whole queue at once, and nothing after it. */
static void check_full(const char *fifo, size_t size)
{
	struct pair pair;

	tap_row(fifo);
	set_attr(0, "fifo", fifo);
	set_attr(1, "fifo", fifo);
	pair = open_pair(O_RDWR);
	write_row(pair.a, 0, size);
	CHECK_EQ(rx_queued(pair.b), size);
	CHECK_EQ(inputs(pair.a), TIOCM_DSR | TIOCM_CD);
	read_row(pair.b, 0, size);
	CHECK_EQ(inputs(pair.a), READY);
	close(pair.a);
	close(pair.b);
}

TEST(rts_at_rest, "RTS is down while the receiver is full, also if nothing more is sent")
{
	check_full("16", 16);
	check_full("65536", 65536);
}

TEST(rts_new_size, "RTS follows the fullness also when the size of the queue changes")
{
	struct pair pair;

	set_attr(1, "fifo", "64");
	pair = open_pair(O_RDWR);
	write_row(pair.a, 0, 30);
	CHECK_EQ(inputs(pair.a), READY);
	set_attr(1, "fifo", "32");
	CHECK_EQ(inputs(pair.a), TIOCM_DSR | TIOCM_CD);
	set_attr(1, "fifo", "64");
	CHECK_EQ(inputs(pair.a), READY);
	read_row(pair.b, 0, 30);
}

TEST(frame_ends, "the frame that is on the wire is finished when CTS goes off")
{
	struct pair pair = open_pair(O_RDWR);

	/* 200 ms for a frame. */
	set_attr(0, "baud", "50");
	set_attr(1, "baud", "50");
	set_attr(0, "pacing", "1");
	write_row(pair.a, 0, 10);
	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	WAIT_UNTIL(rx_queued(pair.b) >= 1);
	CHECK_EQ(stat_of(0, "tx_sent"), rx_queued(pair.b));
	check_line_books(0);

	/* The same if there is no pace any more: then it ends at once. */
	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	set_attr(0, "pacing", "0");
	CHECK(rx_queued(pair.b) >= 2);
	CHECK(tx_queued(pair.a) > 0);
	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	read_row(pair.b, 0, 10);
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
}

TEST(frame_waits, "a frame on the wire is sent again if the other end has closed before it arrived")
{
	struct pair pair = open_pair(O_RDWR);

	set_attr(0, "baud", "50");
	set_attr(1, "baud", "50");
	set_attr(0, "pacing", "1");
	write_row(pair.a, 0, 3);
	close(pair.b);
	sleep_ms(300);
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
	set_attr(0, "pacing", "0");
	pair.b = open_nth(1, O_RDWR);
	read_row(pair.b, 0, 3);
	CHECK_EQ(stat_of(1, "rx_overrun"), 0);
}

TEST(rts_by_both, "RTS needs both: that the program wants it, and room")
{
	struct pair pair = open_full();

	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	CHECK_EQ(inputs(pair.a), TIOCM_DSR | TIOCM_CD);
	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	read_row(pair.b, 0, 16);
	CHECK_EQ(inputs(pair.a), TIOCM_DSR | TIOCM_CD);
	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	CHECK_EQ(inputs(pair.a), READY);
	read_row(pair.b, 16, 4);
}

TEST(rts_without_flow, "RTS stays up without flow control, full or not")
{
	struct pair pair = open_full();

	set_attr(1, "flow", "none");
	CHECK_EQ(inputs(pair.a), READY);
	write_row(pair.a, 0, 100);
	CHECK_EQ(inputs(pair.a), READY);
}

TEST(counted, "each change of each input is counted")
{
	struct vser_counters before, after;
	struct pair pair = open_pair(O_RDWR);
	int i;

	before = vser_counters(pair.a);
	for (i = 0; i < 5; i++)
		set_modem(pair.b, i % 2 ? TIOCMBIS : TIOCMBIC, TIOCM_RTS);
	set_modem(pair.b, TIOCMBIC, TIOCM_DTR);
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	set_modem(pair.b, TIOCMBIC, TIOCM_OUT1);
	after = vser_counters(pair.a);
	CHECK_EQ(after.cts - before.cts, 5);
	CHECK_EQ(after.dsr - before.dsr, 1);
	CHECK_EQ(after.dcd - before.dcd, 1);
	CHECK_EQ(after.ri - before.ri, 2);
}

TEST(counters, "VS_GET_COUNTERS counts bytes and errors, as sysfs does")
{
	struct pair pair = open_pair(O_RDWR);
	struct vser_counters a, b;

	write_row(pair.a, 0, 1000);
	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	CHECK_EQ(ioctl(pair.a, TIOCCBRK), 0);
	a = vser_counters(pair.a);
	b = vser_counters(pair.b);
	CHECK_EQ(a.tx, 1000);
	CHECK_EQ(a.rx, 0);
	CHECK_EQ(b.tx, 0);
	CHECK_EQ(b.rx, 1000);
	CHECK_EQ(b.brk, 1);
	CHECK_EQ(b.frame, stat_of(1, "rx_frame"));
	CHECK_EQ(b.parity, stat_of(1, "rx_parity"));
	CHECK_EQ(b.overrun, stat_of(1, "rx_overrun"));
	CHECK_EQ(b.brk, stat_of(1, "rx_brk"));
}

/* Waiting for a change */

/* Starts a process that waits for these, and is to be told of @changed. */
static pid_t start_waiter(int fd, __u32 mask, __u32 changed)
{
	struct vser_modem_wait wait = { .mask = mask };
	pid_t pid;

	CHILD(pid) {
		CHECK_EQ(ioctl(fd, VS_WAIT_MODEM, &wait), 0);
		CHECK_EQ(wait.changed, changed);
		CHECK_EQ(wait.mask, mask);
	}
	WAIT_UNTIL(blocked_in(pid, SYS_ioctl));

	return pid;
}

TEST(wait, "VS_WAIT_MODEM waits for a line of its mask, and for no other")
{
	static const struct {
		int output;
		__u32 input;
	} rows[] = {
		{ TIOCM_RTS, TIOCM_CTS }, { TIOCM_DTR, TIOCM_DSR },
		{ TIOCM_DTR, TIOCM_CD }, { TIOCM_OUT1, TIOCM_RI },
	};
	struct pair pair = open_pair(O_RDWR);
	pid_t waiter;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		waiter = start_waiter(pair.a, rows[i].input, rows[i].input);
		set_modem(pair.b, TIOCMBIS, OUTPUTS & ~rows[i].output);
		set_modem(pair.b, TIOCMBIC, OUTPUTS & ~rows[i].output);
		sleep_ms(20);
		CHECK(!has_ended(waiter));
		WAIT_UNTIL(blocked_in(waiter, SYS_ioctl));
		set_modem(pair.b, TIOCMBIC, rows[i].output);
		set_modem(pair.b, TIOCMBIS, rows[i].output);
		check_child(waiter);
		set_modem(pair.b, TIOCMSET, TIOCM_RTS | TIOCM_DTR);
	}
}

TEST(wait_many, "VS_WAIT_MODEM tells which of several lines have changed")
{
	struct pair pair = open_pair(O_RDWR);
	pid_t waiter;

	waiter = start_waiter(pair.a, TIOCM_DSR | TIOCM_CD | TIOCM_RI,
			      TIOCM_DSR | TIOCM_CD);
	set_modem(pair.b, TIOCMBIC, TIOCM_DTR | TIOCM_RTS);
	check_child(waiter);
	waiter = start_waiter(pair.a, INPUTS, TIOCM_RI);
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	check_child(waiter);
}

TEST(wait_pulse, "VS_WAIT_MODEM does not miss a line that has changed twice")
{
	struct pair pair = open_pair(O_RDWR);
	pid_t waiter;
	int i;

	for (i = 0; i < 10; i++) {
		waiter = start_waiter(pair.a, TIOCM_RI, TIOCM_RI);
		set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
		set_modem(pair.b, TIOCMBIC, TIOCM_OUT1);
		check_child(waiter);
	}
}

TEST(wait_close, "who waits for DCD is told when the other end is closed")
{
	struct vser_modem_wait wait = { .mask = TIOCM_CD };
	struct pair pair = open_pair(O_RDWR);
	pid_t waiter;

	CHILD(waiter) {
		close(pair.b);
		CHECK_EQ(ioctl(pair.a, VS_WAIT_MODEM, &wait), 0);
		CHECK_EQ(wait.changed, TIOCM_CD);
	}
	WAIT_UNTIL(blocked_in(waiter, SYS_ioctl));
	close(pair.b);
	check_child(waiter);
}

TEST(wait_interrupted, "a signal handler ends VS_WAIT_MODEM with EINTR")
{
	struct vser_modem_wait wait = { .mask = TIOCM_RI };
	int fd = open_line(O_RDWR);
	pid_t waiter;

	CHILD(waiter) {
		catch_sigusr1(0);
		CHECK_ERR(ioctl(fd, VS_WAIT_MODEM, &wait), EINTR);
	}
	signal_child_in(waiter, SYS_ioctl);
}

TEST(wait_invalid, "VS_WAIT_MODEM for nothing, or for what is no input, is EINVAL")
{
	static const __u32 masks[] = {
		0, TIOCM_DTR, TIOCM_RTS, TIOCM_OUT1, TIOCM_OUT2, TIOCM_LE,
		TIOCM_CTS | TIOCM_RTS, INPUTS | 0x80000000, UINT32_MAX,
	};
	struct vser_modem_wait wait;
	int fd = open_line(O_RDWR);
	char row[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		snprintf(row, sizeof(row), "%#x", masks[i]);
		tap_row(row);
		wait.mask = masks[i];
		CHECK_ERR(ioctl(fd, VS_WAIT_MODEM, &wait), EINVAL);
	}
}

/* POLLPRI */

TEST(poll, "POLLPRI tells of a change until its event is read")
{
	struct vser_event event;
	struct pair pair = open_pair(O_RDWR);
	int control = open_nth(0, CONTROL_ONLY);

	skip_events(pair.a);
	CHECK_EQ(poll_now(pair.a, POLLPRI), 0);
	CHECK_EQ(poll_now(control, POLLPRI), 0);
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	CHECK_EQ(poll_now(pair.a, POLLPRI), POLLPRI);
	CHECK_EQ(poll_now(pair.a, POLLIN | POLLPRI), POLLPRI);
	CHECK_EQ(poll_now(control, POLLIN | POLLOUT | POLLPRI), POLLPRI);
	CHECK_EQ(ioctl(pair.a, VS_READ_EVENT, &event), 0);
	CHECK_EQ(poll_now(pair.a, POLLPRI), 0);
	CHECK_EQ(poll_now(control, POLLPRI), POLLPRI);
}

TEST(poll_wakes, "a change wakes up who polls for it")
{
	struct pair pair = open_pair(O_RDWR);
	pid_t poller;

	skip_events(pair.a);
	CHILD(poller)
		CHECK_EQ(poll_for(pair.a, POLLPRI, -1), POLLPRI);
	WAIT_UNTIL(blocked_in(poller, SYS_poll));
	write_row(pair.a, 0, 10);
	write_row(pair.b, 0, 10);
	sleep_ms(20);
	CHECK(!has_ended(poller));
	set_modem(pair.b, TIOCMBIS, TIOCM_OUT1);
	check_child(poller);
}

TEST(epoll_edge, "edge-triggered epoll reports each change, read or not")
{
	struct epoll_event event = { .events = EPOLLPRI | EPOLLET };
	struct pair pair = open_pair(O_RDWR);
	int epoll = epoll_create1(0);
	int i;

	skip_events(pair.a);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.a, &event), 0);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	for (i = 0; i < 3; i++) {
		set_modem(pair.b, i % 2 ? TIOCMBIC : TIOCMBIS, TIOCM_OUT1);
		CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
		CHECK_EQ(event.events, EPOLLPRI);
		CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	}
}
