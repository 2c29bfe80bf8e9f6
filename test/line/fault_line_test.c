// SPDX-License-Identifier: GPL-2.0
/*
 * Fault injection into everything that can be set and asked of a line: what was
 * refused something has changed nothing, and the books balance.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "fault.h"
#include "ring.h"
#include "wire.h"

FRESH_LINES(2)

/* Nothing is under way then, so the books balance at any time. */
void check_after_refusal(void)
{
	check_line_books(0);
	check_line_books(1);
}

/* Attributes */

static const struct {
	const char *name;
	const char *old;
	const char *new;
} attrs[] = {
	{ "baud", "300", "9600" },
	{ "exclusive", "0", "1" },
	{ "fault", FAULT_OFF,
	  "bit=1 drop=2 dup=3 parity=4 frame=5 break=6 burst=7 seed=8" },
	{ "fifo", "64", "4194304" },
	{ "flow", "none", "rtscts" },
	{ "format", "8N1", "7E2" },
	{ "generator", "counter", "text:a\\012\\377" },
	{ "latency_ns", "10000", "1000000000" },
	{ "pacing", "0", "1" },
	{ "period_ns", "1000", "0" },
	{ "seed", "1", "18446744073709551615" },
	{ "wire", "open", "nullmodem:vser1" },
};

static unsigned int sweep_attr(const char *name, const char *old, const char *new)
{
	bool refused, written;
	char path[80];
	unsigned int n;
	int error, fd;

	snprintf(path, sizeof(path), CLASS "/%s/%s", name_of(0), name);
	for (n = 1;; n++) {
		set_attr(0, name, old);
		fd = open_path(path, O_WRONLY);
		refuse(n);
		written = write(fd, new, strlen(new)) == (ssize_t)strlen(new);
		error = written ? 0 : errno;
		refused = was_refused();
		close(fd);
		check_attr(0, name, error ? old : new);
		if (!refused)
			break;
		CHECK(!error || error == ENOMEM || error == EFAULT);
	}
	CHECK_EQ(error, 0);

	return n - 1;
}

TEST_WITHIN(attrs, 120, "an attribute that is refused something is unchanged")
{
	unsigned int refusals = 0;
	size_t i;
	int fd;

	prepare_faults();
	/* Its queues are there, and have to be replaced. */
	fd = open_line(O_RDWR);
	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		tap_row(attrs[i].name);
		refusals += sweep_attr(attrs[i].name, attrs[i].old,
				       attrs[i].new);
	}
	printf("# %u refusals\n", refusals);
	CHECK(refusals > ARRAY_SIZE(attrs));
	close(fd);
	check_line_books(0);
	check_line_books(1);
}

/* ioctls */

static union {
	__u32 number;
	struct vser_format fmt;
	struct vser_info info;
	struct vser_wiring wiring;
	struct vser_fault fault;
	struct vser_event event;
	struct vser_counters counters;
	struct vser_config config;
} arg;

static unsigned int number;

static int call(int fd)
{
	return ioctl(fd, number, &arg) < 0 ? errno : 0;
}

static unsigned int sweep_ioctl(int fd, unsigned int request)
{
	number = request;

	return sweep(call, fd);
}

TEST(setters, "an ioctl that is refused its argument has set nothing")
{
	static const struct vser_fault fault = { .drop = 7, .burst = 1, .seed = 2 };
	unsigned int refusals = 0;
	int fd;

	prepare_faults();
	fd = open_line(O_RDWR);

	arg.number = 9600;
	refusals += sweep_ioctl(fd, VS_SET_BAUD);
	check_attr(0, "baud", "9600");
	arg.fmt = FMT_8E2;
	refusals += sweep_ioctl(fd, VS_SET_FMT);
	check_attr(0, "format", "8E2");
	arg.wiring = (struct vser_wiring) { VSER_WIRE_NULLMODEM, 1, 0, 0 };
	refusals += sweep_ioctl(fd, VS_SET_WIRE);
	check_attr(1, "wire", "nullmodem:vser");
	arg.fault = fault;
	refusals += sweep_ioctl(fd, VS_SET_FAULT);
	check_attr(0, "fault", "bit=0 drop=7 dup=0 parity=0 frame=0 break=0 burst=1 seed=2");
	arg.number = 1;
	refusals += sweep_ioctl(fd, VS_SET_MARK);
	arg.number = TIOCM_DTR;
	refusals += sweep_ioctl(fd, TIOCMSET);
	CHECK(modem(fd) & TIOCM_DTR);
	refusals += sweep_ioctl(fd, TIOCMBIC);
	CHECK(!(modem(fd) & TIOCM_DTR));
	refusals += sweep_ioctl(fd, TIOCMBIS);
	CHECK(modem(fd) & TIOCM_DTR);
	printf("# %u refusals\n", refusals);
	CHECK(refusals >= 8);
}

static struct vser_config config_of(int fd)
{
	struct vser_config config;

	CHECK_EQ(ioctl(fd, VS_GET_CONFIG, &config), 0);

	return config;
}

/* Sets all there is from old to new, refuses one thing more each time. */
TEST(configure, "what is set in one step is set, or nothing of it is")
{
	static const struct vser_config new = {
		.mask = VSER_CONFIG_ALL,
		.baud = 9600,
		.format = { 7, VSER_PARITY_EVEN, 2 },
		.flow = VSER_FLOW_NONE,
		.fifo = 1024,
		.latency_ns = 20000,
		.generator = VSER_GEN_TEXT,
		.text_len = 5,
		.seed = 1,
		.period_ns = 2000000,
		.fault = { .drop = 7, .burst = 1, .seed = 2 },
		.wire = { .type = VSER_WIRE_NULLMODEM, .peer = 1 },
		.text = "hello",
	};
	static const __u32 may_be[] = {
		0, VSER_CONFIG_FAULT, VSER_CONFIG_GENERATOR, VSER_CONFIG_FIFO,
	};
	struct vser_config old, now;
	unsigned int n, seen = 0;
	size_t i;
	int error, fd;

	prepare_faults();
	fd = open_line(O_RDWR);
	set_attr(0, "wire", "open");
	old = config_of(fd);
	number = VS_CONFIGURE;
	for (n = 1;; n++) {
		arg.config = new;
		refuse(n);
		error = call(fd);
		if (!was_refused())
			break;
		now = config_of(fd);
		if (error) {
			CHECK(error == ENOMEM || error == EFAULT);
			CHECK(!memcmp(&now, &old, sizeof(now)));
			for (i = 0; arg.config.refused != may_be[i]; i++)
				CHECK(i + 1 < ARRAY_SIZE(may_be));
			CHECK(error == EFAULT || arg.config.refused);
			seen |= arg.config.refused;
		} else {
			/* It could do without. */
			CHECK(!memcmp(&now, &new, sizeof(now)));
			arg.config = old;
			CHECK_EQ(call(fd), 0);
		}
		check_after_refusal();
	}
	CHECK_EQ(error, 0);
	now = config_of(fd);
	CHECK(!memcmp(&now, &new, sizeof(now)));
	CHECK_EQ(seen, VSER_CONFIG_FAULT | VSER_CONFIG_GENERATOR |
		       VSER_CONFIG_FIFO);
	printf("# %u refusals\n", n - 1);
}

TEST(getters, "an ioctl that cannot store its answer can be made again")
{
	static const unsigned int getters[] = {
		VS_GET_BAUD, VS_GET_FMT, VS_GET_INFO, VS_GET_WIRE, VS_GET_FAULT,
		VS_GET_MARK, VS_GET_COUNTERS, VS_GET_CONFIG, FIONREAD, TIOCOUTQ,
		TIOCMGET,
	};
	int fd, i;

	prepare_faults();
	fd = open_line(CONTROL_ONLY);
	for (i = 0; i < (int)ARRAY_SIZE(getters); i++)
		sweep_ioctl(fd, getters[i]);
}

TEST(event, "an event that could not be stored is not lost")
{
	unsigned int n = 0;
	struct pair pair;
	int fd, error;

	prepare_faults();
	pair = open_pair(O_RDWR);
	fd = open_nth(1, CONTROL_ONLY | O_NONBLOCK);
	CHECK_EQ(ioctl(pair.a, TIOCSBRK), 0);
	number = VS_READ_EVENT;
	do {
		refuse(++n);
		error = call(fd);
		was_refused();
		CHECK(!error || error == EFAULT);
	} while (error);
	CHECK(n > 1);
	CHECK_EQ(arg.event.type, VSER_EVENT_BREAK);
	check_no_event(fd);
}

/* Rings */

#define RING_SIZE	16384
#define RING_LENGTH	(4096 + 2 * RING_SIZE)

/* For sweep(): rings, of a file that is then closed again. */
static int set_ring(int fd)
{
	struct vser_ring set = { .rx_size = RING_SIZE, .tx_size = RING_SIZE };
	int ret, none;

	fd = open(LINE, O_RDWR);
	if (fd < 0)
		return errno;
	ret = ioctl(fd, VS_SET_RING, &set) ? errno : 0;
	none = ioctl(fd, VS_SYNC_RING) ? errno : 0;
	CHECK_EQ(none, ret ? ENODEV : 0);
	CHECK_EQ(set.length, ret ? 0 : RING_LENGTH);
	close(fd);

	return ret;
}

/* For sweep(): a mapping that is not kept. */
static int map_ring(int fd)
{
	void *memory = mmap(FAR_AWAY, RING_LENGTH, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return errno;
	munmap(memory, RING_LENGTH);

	return 0;
}

TEST(rings, "rings that are refused memory are not there, and none is lost")
{
	struct vser_ring set = { .rx_size = RING_SIZE, .tx_size = RING_SIZE };
	int fd;

	prepare_faults();
	/* Nothing is to be received meanwhile. */
	set_attr(0, "wire", "open");
	printf("# %u refusals\n", sweep(set_ring, -1));
	fd = open_line(O_RDWR);
	CHECK_EQ(ioctl(fd, VS_SET_RING, &set), 0);
	printf("# %u refusals\n", sweep(map_ring, fd));
	CHECK_EQ(ioctl(fd, VS_SYNC_RING), 0);
}

TEST(nothing, "a call that takes and gives no memory of the program asks for nothing")
{
	static const struct {
		unsigned int number;
		unsigned long argument;
	} rows[] = {
		{ VS_SYNC_RING, 0 },
		{ TIOCSBRK, 0 },
		{ TIOCCBRK, 0 },
		{ TCSBRK, 1 },
		{ TCSBRKP, 1 },
		{ TCFLSH, TCIOFLUSH },
	};
	struct ring ring = { 0 };
	size_t i;
	int fd;

	prepare_faults();
	fd = open_loopback(O_RDWR);
	CHECK_EQ(ring_open(&ring, fd, RING_SIZE, RING_SIZE), 0);
	CHECK_EQ(ring_put(&ring, "abc", 3), 3);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		refuse(1);
		CHECK_EQ(ioctl(fd, rows[i].number, rows[i].argument), 0);
		CHECK(!was_refused());
	}
	CHECK_EQ(ring_used(&ring), 3);
	check_line_books(0);
}

/* Waiting */

static int wait_modem(int fd)
{
	struct vser_modem_wait wait = { .mask = TIOCM_CTS };

	return ioctl(fd, VS_WAIT_MODEM, &wait) ? errno : 0;
}

TEST(wait, "who cannot be told what has changed can wait again")
{
	struct pair pair;
	int rts = TIOCM_RTS;
	pid_t pid;

	prepare_faults();
	pair = open_pair(O_RDWR);
	/* There is always another change to come. */
	CHILD(pid) {
		for (;;) {
			CHECK_EQ(ioctl(pair.b, TIOCMBIC, &rts), 0);
			CHECK_EQ(ioctl(pair.b, TIOCMBIS, &rts), 0);
			usleep(1000);
		}
	}
	sweep(wait_modem, pair.a);
	kill_child(pid);
}

/* Bytes */

/* Bytes that calls say they took: a call may do without what it was refused. */
static size_t taken;

static int write_100(int fd)
{
	static char bytes[100];
	ssize_t n = write(fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno;
	taken += n;

	return 0;
}

static int full_pipe[2];

static int splice_to(int fd)
{
	return splice(full_pipe[0], NULL, fd, NULL, 100, 0) > 0 ? 0 : errno;
}

static int empty_pipe[2];

static int splice_from(int fd)
{
	return splice(fd, NULL, empty_pipe[1], NULL, 50, 0) > 0 ? 0 : errno;
}

TEST(bytes, "every byte that a call says it took arrives, whatever was refused")
{
	static const char filling[4096];
	int fd, spliced;
	__u64 delivered;

	prepare_faults();
	fd = open_loopback(O_RDWR | O_NONBLOCK);
	sweep(write_100, fd);
	CHECK_EQ(rx_queued(fd), taken);
	CHECK_EQ(read_away(fd), taken);
	CHECK_EQ(pipe(full_pipe), 0);
	CHECK_EQ(write(full_pipe[1], filling, sizeof(filling)), sizeof(filling));
	sweep(splice_to, fd);
	/* A call that was refused something may have moved less, and still some. */
	CHECK_EQ(write(fd, filling, sizeof(filling)), sizeof(filling));
	CHECK_EQ(pipe(empty_pipe), 0);
	CHECK(fcntl(empty_pipe[1], F_SETPIPE_SZ, 1 << 20) > 0);
	delivered = stat_of(0, "rx_delivered");
	/* EAGAIN is what splice() makes of EFAULT. */
	sweep_for(splice_from, fd, EAGAIN);
	CHECK_EQ(ioctl(empty_pipe[0], FIONREAD, &spliced), 0);
	CHECK_EQ(stat_of(0, "rx_delivered"), delivered + spliced);
	CHECK_EQ(stat_of(0, "tx_written"),
		 stat_of(0, "rx_delivered") + stat_of(0, "rx_queued"));
	check_line_books(0);
}
