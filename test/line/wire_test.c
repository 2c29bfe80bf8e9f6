// SPDX-License-Identifier: GPL-2.0
/*
 * What a line is wired to: each far end, by sysfs and by ioctl, changed at any
 * time and with bytes under way; and what cannot be, which changes nothing.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wire.h"

#define LINES	4

FRESH_LINES(LINES)

#define MODEM_INPUTS	(TIOCM_CTS | TIOCM_DSR | TIOCM_CD | TIOCM_RI)

static int try_wiring(unsigned int line, struct vser_wiring wiring)
{
	int fd = open_nth(line, CONTROL_ONLY);
	int ret = ioctl(fd, VS_SET_WIRE, &wiring) ? errno : 0;

	close(fd);

	return ret;
}

static void check_wiring(unsigned int line, __u32 type, __u32 peer)
{
	int fd = open_nth(line, CONTROL_ONLY);
	struct vser_wiring wiring;

	memset(&wiring, 0xff, sizeof(wiring));
	CHECK_EQ(ioctl(fd, VS_GET_WIRE, &wiring), 0);
	close(fd);
	CHECK_EQ(wiring.type, type);
	CHECK_EQ(wiring.peer, peer);
	CHECK_EQ(wiring.flags, 0);
	CHECK_EQ(wiring.fd, 0);
}

/* Every far end that line 0 can have. */
static const struct far {
	const char *name;
	struct vser_wiring wiring;
	const char *flow;
	int inputs;		/* while nothing is open */
} fars[] = {
	{ "generator", { .type = VSER_WIRE_GENERATOR }, "none", TIOCM_CTS },
	{ "loopback", { .type = VSER_WIRE_LOOPBACK }, "rtscts", 0 },
	{ "open", { .type = VSER_WIRE_OPEN }, "none", TIOCM_CTS },
	{ "nullmodem:vser1", { .type = VSER_WIRE_NULLMODEM, .peer = 1 },
	  "rtscts", 0 },
	{ "nullmodem:vser3", { .type = VSER_WIRE_NULLMODEM, .peer = 3 },
	  "rtscts", 0 },
	{ "unplugged", { .type = VSER_WIRE_UNPLUGGED }, "rtscts", 0 },
};

/* Line 0 has this far end, by all that can be seen of it. */
static void check_far(const struct far *far)
{
	int fd = open_line(CONTROL_ONLY);

	check_attr(0, "wire", far->name);
	check_attr(0, "flow", far->flow);
	check_wiring(0, far->wiring.type, far->wiring.peer);
	CHECK_EQ(modem(fd) & MODEM_INPUTS, far->inputs);
	close(fd);
}

/* Wires line 0 from each far end to each other one. */
static void change_all(void (*change)(const struct far *far))
{
	char row[80];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(fars); i++)
		for (j = 0; j < ARRAY_SIZE(fars); j++) {
			snprintf(row, sizeof(row), "%s to %s", fars[i].name,
				 fars[j].name);
			tap_row(row);
			change(&fars[i]);
			check_far(&fars[i]);
			change(&fars[j]);
			check_far(&fars[j]);
		}
}

static void change_by_sysfs(const struct far *far)
{
	wire_line(0, far->name);
}

static void change_by_ioctl(const struct far *far)
{
	CHECK_EQ(try_wiring(0, far->wiring), 0);
}

TEST(after_load, "a line is wired to its generator when the module was loaded")
{
	int i;

	check_far(&fars[0]);
	for (i = 0; i < LINES; i++)
		check_wiring(i, VSER_WIRE_GENERATOR, 0);
}

TEST(by_sysfs, "every far end can be set by sysfs and is read back in both ways")
{
	change_all(change_by_sysfs);
}

TEST(by_ioctl, "every far end can be set by ioctl and is read back in both ways")
{
	change_all(change_by_ioctl);
}

TEST(symmetric, "of a null modem both ends tell, whichever was wired")
{
	wire_line(2, "nullmodem:vser");
	check_attr(2, "wire", "nullmodem:vser");
	check_attr(0, "wire", "nullmodem:vser2");
	check_wiring(2, VSER_WIRE_NULLMODEM, 0);
	check_wiring(0, VSER_WIRE_NULLMODEM, 2);
	check_attr(0, "flow", "rtscts");
	check_attr(2, "flow", "rtscts");
	wire_line(0, "nullmodem:vser2");
	check_attr(2, "wire", "nullmodem:vser");
}

TEST(other_end, "rewiring one end of a null modem leaves the other end unplugged")
{
	static const char *const others[] = {
		"generator", "loopback", "open", "nullmodem:vser2", "unplugged",
	};
	unsigned int end;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		for (end = 0; end < 2; end++) {
			tap_row(others[i]);
			wire_line(2, "open");
			wire_line(1, "nullmodem:vser");
			wire_line(end, others[i]);
			check_attr(end, "wire", others[i]);
			check_attr(!end, "wire", "unplugged");
			check_attr(!end, "flow", "rtscts");
			check_attr(3, "wire", "generator");
		}
}

/* What is not possible */

static void check_untouched(void)
{
	check_attr(0, "wire", "nullmodem:vser1");
	check_attr(1, "wire", "nullmodem:vser");
	check_attr(2, "wire", "loopback");
	check_attr(3, "wire", "generator");
}

/* The wiring that check_untouched() expects, in use. */
static struct pair set_up(void)
{
	struct pair pair = open_pair(O_RDWR);

	wire_line(2, "loopback");

	return pair;
}

TEST(malformed, "a far end that does not exist is EINVAL and changes nothing")
{
	static const char *const values[] = {
		"\n", "x", "tty", "loop", "loopbackx", "Loopback",
		" loopback", "loopback ", "\tloopback", "loopback\n\n",
		"\nloopback", "loopback\nx", "loopback\r\n", "loopback:",
		"loopback:vser", "loopback:vser1", "loopback open", "open:",
		"open:vser1", "generator:", "generator:letters", "nullmodem",
		"nullmodem:", "nullmodem\n", "nullmodem:\n", "nullmodem:2",
		"nullmodem:vse", "nullmodem:vser0", "nullmodem:vser03",
		"nullmodem:vser4", "nullmodem:vser-1", "nullmodem:vser3x",
		"nullmodem:vser3 ", "nullmodem: vser3", "nullmodem:vser3:",
		"nullmodem:vser3\n\n", "nullmodem\n:vser3", "nullmodem:ttyS0",
		"nullmodem:VSER3", "nullmodem:/dev/vser3", "nullmodem=vser3",
		"unplugged:", "unplugged:vser1", "Unplugged",
		"nullmodem:vser99999999999999999999999999999999999999999999",
	};
	size_t i;

	set_up();
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		tap_row(values[i]);
		CHECK_EQ(try_attr(0, "wire", values[i]), EINVAL);
		CHECK_EQ(try_attr(3, "wire", values[i]), EINVAL);
	}
	check_untouched();
}

TEST(embedded_nul, "a far end with a NUL in it is EINVAL")
{
	set_up();
	CHECK_EQ(try_attr_bytes(3, "wire", "loopback", 9), EINVAL);
	CHECK_EQ(try_attr_bytes(3, "wire", "open\0x", 6), EINVAL);
	check_untouched();
}

TEST(newline, "one newline after a far end is ignored")
{
	wire_line(0, "loopback\n");
	check_attr(0, "wire", "loopback");
	wire_line(0, "nullmodem:vser3\n");
	check_attr(0, "wire", "nullmodem:vser3");
}

TEST(itself, "a null modem from a line to itself is EINVAL and changes nothing")
{
	set_up();
	CHECK_EQ(try_attr(0, "wire", "nullmodem:vser"), EINVAL);
	CHECK_EQ(try_attr(3, "wire", "nullmodem:vser3"), EINVAL);
	check_untouched();
}

TEST(peer_taken, "a null modem to a line that has another one is EBUSY")
{
	set_up();
	CHECK_EQ(try_attr(2, "wire", "nullmodem:vser"), EBUSY);
	CHECK_EQ(try_attr(3, "wire", "nullmodem:vser1"), EBUSY);
	CHECK_EQ(try_wiring(2, fars[3].wiring), EBUSY);
	check_untouched();
	wire_line(2, "nullmodem:vser3");
	CHECK_EQ(try_attr(2, "wire", "nullmodem:vser"), EBUSY);
	check_attr(2, "wire", "nullmodem:vser3");
	check_attr(3, "wire", "nullmodem:vser2");
}

TEST(unprivileged, "VS_SET_WIRE to another line is EPERM without CAP_SYS_ADMIN")
{
	pid_t child;

	set_up();
	CHILD(child) {
		drop_capability(CAP_SYS_ADMIN);
		CHECK_EQ(try_wiring(2, fars[4].wiring), EPERM);
		check_untouched();
		CHECK_EQ(try_wiring(2, fars[1].wiring), 0);
	}
	check_child(child);
}

/* Joins @line to that of a descriptor, without CAP_SYS_ADMIN. */
static int try_join(unsigned int line, int fd)
{
	return try_wiring(line, (struct vser_wiring) {
		.type = VSER_WIRE_NULLMODEM,
		.flags = VSER_WIRING_PEER_FD,
		.fd = fd,
	});
}

TEST(join, "VS_SET_WIRE to the line of a descriptor needs no privilege")
{
	static const int flags[] = {
		O_RDONLY, O_WRONLY, O_RDWR, CONTROL_ONLY,
	};
	pid_t child;
	size_t i;
	int fd;

	CHILD(child) {
		drop_capability(CAP_SYS_ADMIN);
		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			tap_row_number(i);
			fd = open_nth(3, flags[i]);
			CHECK_EQ(try_join(0, fd), 0);
			check_wiring(0, VSER_WIRE_NULLMODEM, 3);
			check_wiring(3, VSER_WIRE_NULLMODEM, 0);
			CHECK_EQ(try_join(0, fd), 0);
			CHECK_EQ(try_join(1, fd), EBUSY);
			close(fd);
			CHECK_EQ(try_wiring(3, fars[1].wiring), 0);
			check_wiring(0, VSER_WIRE_UNPLUGGED, 0);
		}
	}
	check_child(child);
}

TEST(join_invalid, "a descriptor that is no other line's is refused and changes nothing")
{
	int pipes[2];

	set_up();
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(try_join(3, pipes[0]), EINVAL);
	CHECK_EQ(try_join(3, open_path("/dev/null", O_RDWR)), EINVAL);
	CHECK_EQ(try_join(3, open_path(CLASS "/vser/wire", O_RDONLY)), EINVAL);
	CHECK_EQ(try_join(3, open_nth(3, CONTROL_ONLY)), EINVAL);
	CHECK_EQ(try_join(3, open_path("/dev/vser2", O_PATH)), EBADF);
	CHECK_EQ(try_join(3, 1000), EBADF);
	CHECK_EQ(try_join(3, -1), EBADF);
	CHECK_EQ(try_join(3, INT32_MIN), EBADF);
	CHECK_EQ(try_join(3, open_nth(1, CONTROL_ONLY)), EBUSY);
	check_untouched();
}

TEST(ioctl_invalid, "VS_SET_WIRE with any field out of range is EINVAL")
{
	static const struct vser_wiring wirings[] = {
		{ 0, 0, 0, 0 },
		{ 6, 0, 0, 0 },
		{ UINT32_MAX, 0, 0, 0 },
		{ VSER_WIRE_GENERATOR, 1, 0, 0 },
		{ VSER_WIRE_LOOPBACK, 1, 0, 0 },
		{ VSER_WIRE_OPEN, UINT32_MAX, 0, 0 },
		{ VSER_WIRE_UNPLUGGED, 1, 0, 0 },
		{ VSER_WIRE_LOOPBACK, 0, VSER_WIRING_PEER_FD, 0 },
		{ VSER_WIRE_LOOPBACK, 0, 0, 1 },
		{ VSER_WIRE_UNPLUGGED, 0, VSER_WIRING_PEER_FD, 0 },
		{ VSER_WIRE_NULLMODEM, 2, 0, INT32_MIN },
		{ VSER_WIRE_NULLMODEM, 2, 0, 1 },
		{ VSER_WIRE_NULLMODEM, 2, 2, 0 },
		{ VSER_WIRE_NULLMODEM, 2, 0x80000000, 0 },
		{ VSER_WIRE_NULLMODEM, 2, VSER_WIRING_PEER_FD, 0 },
		{ VSER_WIRE_NULLMODEM, 3, 0, 0 },	/* itself */
		{ VSER_WIRE_NULLMODEM, LINES, 0, 0 },
		{ VSER_WIRE_NULLMODEM, UINT32_MAX, 0, 0 },
	};
	size_t i;

	set_up();
	for (i = 0; i < ARRAY_SIZE(wirings); i++) {
		tap_row_number(i);
		CHECK_EQ(try_wiring(3, wirings[i]), EINVAL);
	}
	check_untouched();
}

/* Bytes under way when the wire is changed */

TEST(to_new_end, "what was written and not sent goes to the new far end")
{
	struct pair pair;
	int c;

	pair = open_pair(O_RDWR);
	c = open_nth(2, O_RDWR);
	close(pair.b);
	write_row(pair.a, 0, 100);
	wire_line(0, "loopback");
	read_row(pair.a, 0, 100);

	wire_line(0, "nullmodem:vser1");
	write_row(pair.a, 100, 100);
	wire_line(0, "nullmodem:vser2");
	read_row(c, 100, 100);

	wire_line(0, "nullmodem:vser1");
	write_row(pair.a, 200, 100);
	CHECK_EQ(tx_queued(pair.a), 100);
	wire_line(0, "open");
	CHECK_EQ(tx_queued(pair.a), 0);
	CHECK_EQ(stat_of(0, "tx_sent"), 300);
	CHECK_EQ(stat_of(0, "tx_flushed"), 0);
	check_line_books(0);
	check_line_books(1);
	check_line_books(2);
}

TEST(frame_under_way, "a frame that has not ended yet goes to the new far end")
{
	int a, b;

	wire_line(0, "loopback");
	set_attr(0, "baud", "50");
	a = open_line(O_RDWR);
	b = open_nth(1, O_RDWR);
	/* Again if the first frame had ended before the wire was changed. */
	do {
		CHECK_EQ(fsync(a), 0);
		read_away(a);
		read_away(b);
		wire_line(0, "nullmodem:vser1");
		write_row(a, 0, 3);
		wire_line(0, "loopback");
	} while (rx_queued(b));
	read_row(a, 0, 3);
	check_line_books(0);
	check_line_books(1);
}

/* Line 0 is open; line 1 is closed and has something to send. */
static int open_with_peer_sending(void)
{
	int fd;

	set_attr(1, "pacing", "0");
	wire_line(1, "loopback");
	fd = open_nth(1, O_RDWR);
	set_modem(fd, TIOCMBIC, TIOCM_RTS);
	write_row(fd, 0, 100);
	close(fd);
	CHECK_EQ(stat_of(1, "tx_queued"), 100);

	return open_line(O_RDWR | O_NONBLOCK);
}

TEST(peer_sends, "what the peer had to send arrives, whichever end was wired")
{
	int fd = open_with_peer_sending();

	tap_row("the end that sends");
	wire_line(1, "nullmodem:vser");
	read_row(fd, 0, 100);
	close(fd);
	wire_line(1, "open");

	tap_row("the end that receives");
	fd = open_with_peer_sending();
	wire_line(0, "nullmodem:vser1");
	read_row(fd, 0, 100);
	check_line_books(0);
	check_line_books(1);
}

TEST(received_stays, "what was received can be read after the wire was changed")
{
	static const char *const others[] = {
		"loopback", "open", "generator", "nullmodem:vser2", "unplugged",
	};
	struct pair pair = open_pair(O_RDWR);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		tap_row(others[i]);
		wire_line(0, "nullmodem:vser1");
		write_row(pair.a, 0, 100);
		write_row(pair.b, 0, 50);
		wire_line(0, others[i]);
		read_row(pair.b, 0, 100);
		read_row(pair.a, 0, 50);
		check_line_books(0);
		check_line_books(1);
	}
}

TEST(same_again, "wiring a line as it is wired already changes nothing")
{
	struct vser_counters before;
	struct pair pair;
	int fd;

	pair = open_pair(O_RDWR);
	close(pair.b);
	write_row(pair.a, 0, 100);
	set_attr(0, "flow", "none");
	set_attr(0, "flow", "rtscts");
	wire_line(1, "nullmodem:vser");
	wire_line(0, "nullmodem:vser1");
	fd = open_nth(1, O_RDWR);
	CHECK_EQ(rx_queued(fd), 0);
	before = vser_counters(pair.a);
	wire_line(0, "nullmodem:vser1");
	CHECK_EQ(vser_counters(pair.a).cts, before.cts);
	CHECK_EQ(vser_counters(pair.a).dsr, before.dsr);
}

TEST(writer_goes_on, "a writer that waits goes on when the new far end takes bytes")
{
	pid_t writer;
	int fd;

	set_attr(0, "fifo", "16");
	wire_line(0, "nullmodem:vser1");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 16);
	CHILD(writer)
		write_row(fd, 16, 16);
	WAIT_UNTIL(blocked_in(writer, SYS_write));
	wire_line(0, "open");
	check_child(writer);
	WAIT_UNTIL(!tx_queued(fd));
	CHECK_EQ(stat_of(0, "tx_sent"), 32);
}

TEST(drainer_goes_on, "who waits until all is sent goes on when the new far end took it")
{
	pid_t drainer;
	int fd;

	wire_line(0, "nullmodem:vser1");
	fd = open_line(O_RDWR);
	write_row(fd, 0, 16);
	CHILD(drainer)
		CHECK_EQ(fsync(fd), 0);
	WAIT_UNTIL(blocked_in(drainer, SYS_fsync));
	wire_line(0, "generator");
	check_child(drainer);
}

/* Far ends by themselves */

TEST(echo, "echo hi into a loopback, and cat gives hi")
{
	char text[10];
	int fd;

	wire_line(0, "loopback");
	fd = open_line(O_WRONLY);
	CHECK_EQ(write(fd, "hi\n", 3), 3);
	close(fd);
	fd = open_line(O_RDONLY);
	CHECK_EQ(read(fd, text, 1), 1);
	CHECK_EQ(text[0], 'h');
	WAIT_UNTIL(rx_queued(fd) == 2);
	check_read(fd, "i\n", 2);
}

TEST(pulled, "what is sent by a line that is unplugged waits, and nothing is flushed")
{
	struct pair pair = open_pair(O_RDWR | O_NONBLOCK);
	pid_t drainer;

	/* Something is under way both ways, and stays there. */
	set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
	write_row(pair.a, 0, 100);
	write_row(pair.b, 1000, 200);
	wire_line(0, "unplugged");
	check_attr(1, "wire", "unplugged");
	write_row(pair.b, 1200, 100);
	write_row(pair.a, 100, 10);
	CHECK_EQ(rx_queued(pair.b), 100);
	CHECK_EQ(tx_queued(pair.b), 300);
	CHECK_EQ(modem(pair.b) & MODEM_INPUTS, 0);
	CHECK_EQ(rx_queued(pair.a), 0);
	CHECK_EQ(tx_queued(pair.a), 10);
	set_attr(1, "flow", "none");
	CHECK_EQ(tx_queued(pair.b), 300);
	CHILD(drainer)
		CHECK_EQ(fsync(pair.b), 0);
	WAIT_UNTIL(blocked_in(drainer, SYS_fsync));

	/* Its own user decides where they go. */
	wire_line(1, "loopback");
	check_child(drainer);
	read_row(pair.b, 0, 100);
	read_row(pair.b, 1000, 300);
	wire_line(0, "nullmodem:vser1");
	read_row(pair.b, 100, 10);
	CHECK_EQ(stat_of(0, "tx_flushed") + stat_of(1, "tx_flushed"), 0);
	CHECK_EQ(stat_of(0, "rx_flushed") + stat_of(1, "rx_flushed"), 0);
	check_line_books(0);
	check_line_books(1);
}

TEST(sinks, "a line wired to nothing or to its generator takes bytes, and that is all")
{
	static const char *const sinks[] = { "open", "generator" };
	size_t i;
	int fd;

	set_attr(0, "pacing", "0");
	for (i = 0; i < ARRAY_SIZE(sinks); i++) {
		tap_row(sinks[i]);
		wire_line(0, sinks[i]);
		fd = open_line(O_RDWR | O_NONBLOCK);
		write_row(fd, 0, 100000);
		CHECK_EQ(tx_queued(fd), 0);
		CHECK_EQ(stat_of(0, "tx_sent"), (i + 1) * 100000);
		CHECK_EQ(rx_queued(fd), 0);
		CHECK_EQ(modem(fd) & MODEM_INPUTS, TIOCM_CTS);
		close(fd);
	}
	CHECK_EQ(stat_of(0, "rx_arrived"), 0);
}

TEST(open_is_silent, "nothing comes from a line that is wired to nothing")
{
	int fd;

	set_attr(0, "period_ns", "1000");
	wire_line(0, "open");
	fd = open_line(O_RDWR | O_NONBLOCK);
	sleep_ms(50);
	CHECK_EQ(rx_queued(fd), 0);
	CHECK_EQ(stat_of(0, "rx_generated"), 0);
}

TEST(generator_stops, "the generator is silent while the line is wired to something else")
{
	__u64 generated;
	int fd;

	set_attr(0, "period_ns", "100000");
	fd = open_line(O_RDWR);
	WAIT_UNTIL(stat_of(0, "rx_generated") >= 2);
	wire_line(0, "loopback");
	generated = stat_of(0, "rx_generated");
	sleep_ms(20);
	CHECK_EQ(stat_of(0, "rx_generated"), generated);
	wire_line(0, "generator");
	WAIT_UNTIL(stat_of(0, "rx_generated") >= generated + 2);
	close(fd);
	check_line_books(0);
}

TEST(three_lines, "a null modem is between its two lines, and no third one hears it")
{
	struct pair pair = open_pair(O_RDWR);
	int c, d;

	set_attr(2, "pacing", "0");
	wire_line(2, "nullmodem:vser3");
	c = open_nth(2, O_RDWR);
	d = open_nth(3, O_RDWR);
	write_row(pair.a, 0, 100);
	write_row(c, 1000, 200);
	CHECK_EQ(rx_queued(pair.a), 0);
	CHECK_EQ(rx_queued(c), 0);
	read_row(pair.b, 0, 100);
	read_row(d, 1000, 200);
	CHECK_EQ(rx_queued(pair.b), 0);
	CHECK_EQ(rx_queued(d), 0);
}

TEST(modem_follows, "the modem lines are those of the new far end at once")
{
	struct pair pair = open_pair(O_RDWR);

	CHECK_EQ(modem(pair.a) & MODEM_INPUTS, TIOCM_CTS | TIOCM_DSR | TIOCM_CD);
	wire_line(0, "open");
	CHECK_EQ(modem(pair.a) & MODEM_INPUTS, TIOCM_CTS);
	CHECK_EQ(modem(pair.b) & MODEM_INPUTS, 0);
	wire_line(0, "loopback");
	set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
	CHECK_EQ(modem(pair.a) & MODEM_INPUTS, TIOCM_DSR | TIOCM_CD);
	wire_line(0, "nullmodem:vser1");
	CHECK_EQ(modem(pair.a) & MODEM_INPUTS, TIOCM_CTS | TIOCM_DSR | TIOCM_CD);
	CHECK_EQ(modem(pair.b) & MODEM_INPUTS, TIOCM_DSR | TIOCM_CD);
}

/*
 * Changes while much is written. Each number is written, and unpaced it is sent,
 * in one piece: so it arrives in one piece, too, at one end or the other.
 */
static void read_rising(int fd, size_t n)
{
	__u32 last = 0, next;
	__u8 bytes[4];
	size_t i;

	for (i = 0; i < n; i++) {
		CHECK_EQ(read(fd, bytes, 4), 4);
		memcpy(&next, bytes, 4);
		CHECK(next > last);
		last = next;
	}
}

static void write_rising(int fd, __u32 n)
{
	__u32 i;

	for (i = 1; i <= n; i++)
		CHECK_EQ(write(fd, &i, 4), 4);
}

TEST(changed_in_use, "changing between far ends that take bytes keeps their order")
{
	struct pair pair = open_pair(O_RDWR);
	pid_t writer;
	int i;

	CHILD(writer)
		write_rising(pair.a, 5000);
	for (i = 0; !has_ended(writer); i++)
		wire_line(0, i % 2 ? "nullmodem:vser1" : "loopback");
	check_child(writer);
	CHECK_EQ(tx_queued(pair.a), 0);
	CHECK_EQ(rx_queued(pair.a) + rx_queued(pair.b), 4 * 5000);
	check_line_books(0);
	check_line_books(1);
	read_rising(pair.a, rx_queued(pair.a) / 4);
	read_rising(pair.b, rx_queued(pair.b) / 4);
}
