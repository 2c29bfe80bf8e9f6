// SPDX-License-Identifier: GPL-2.0
/*
 * All settings of a line in one step: VS_CONFIGURE sets what its mask names, as
 * sysfs does one by one, or nothing at all, and names what was refused.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire.h"

#define LINES	4

FRESH_LINES(LINES)

static struct vser_config get(int fd)
{
	struct vser_config config;

	memset(&config, 0xff, sizeof(config));
	CHECK_EQ(ioctl(fd, VS_GET_CONFIG, &config), 0);

	return config;
}

static bool same(const struct vser_config *a, const struct vser_config *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Every field has another value than when the module was loaded. */
static struct vser_config other(void)
{
	return (struct vser_config) {
		.mask = VSER_CONFIG_ALL,
		.baud = 9600,
		.format = { 7, VSER_PARITY_EVEN, 2 },
		.pacing = 0,
		.exclusive = 0,
		.flow = VSER_FLOW_RTSCTS,
		.fifo = 1000,
		.latency_ns = 20000,
		.generator = VSER_GEN_TEXT,
		.text_len = 3,
		.seed = 0x1234567890abcdef,
		.period_ns = 2000000,
		.fault = { .bit = 1, .burst = 2, .seed = 3 },
		.wire = { .type = VSER_WIRE_OPEN },
		.text = "a\n\\",
	};
}

static const struct field {
	const char *attr;
	__u32 bit;
	const char *first;	/* NULL: random */
	const char *other;
} fields[] = {
	{ "baud", VSER_CONFIG_BAUD, "115200", "9600" },
	{ "format", VSER_CONFIG_FORMAT, "8N1", "7E2" },
	{ "pacing", VSER_CONFIG_PACING, "1", "0" },
	{ "exclusive", VSER_CONFIG_EXCLUSIVE, "1", "0" },
	{ "flow", VSER_CONFIG_FLOW, "none", "rtscts" },
	{ "fifo", VSER_CONFIG_FIFO, "65536", "1024" },
	{ "latency_ns", VSER_CONFIG_LATENCY, "1000000", "20000" },
	{ "generator", VSER_CONFIG_GENERATOR, "letters", "text:a\\012\\134" },
	{ "seed", VSER_CONFIG_SEED, NULL, "1311768467294899695" },
	{ "period_ns", VSER_CONFIG_PERIOD, "1000000000", "2000000" },
	{ "fault", VSER_CONFIG_FAULT, FAULT_OFF,
	  "bit=1 drop=0 dup=0 parity=0 frame=0 break=0 burst=2 seed=3" },
	{ "wire", VSER_CONFIG_WIRE, "generator", "open" },
};

/* Those in the mask are set, all others are as they were. */
static void check_fields(__u32 mask)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (mask & fields[i].bit)
			check_attr(0, fields[i].attr, fields[i].other);
		else if (fields[i].first)
			check_attr(0, fields[i].attr, fields[i].first);
	}
}

/* By the same way back. */
static void set_back(int fd, const struct vser_config *first)
{
	struct vser_config config = *first;

	CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
	config = get(fd);
	CHECK(same(&config, first));
	check_fields(0);
}

TEST(each, "each setting alone is what sysfs has, and no other one changes")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_config first = get(fd), config;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		tap_row(fields[i].attr);
		config = other();
		config.mask = fields[i].bit;
		CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
		CHECK_EQ(config.refused, 0);
		check_fields(fields[i].bit);
		set_back(fd, &first);
	}
}

TEST(all, "all settings are set in one step, and read back as they were set")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_config first = get(fd), config = other(), now;

	CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
	check_fields(VSER_CONFIG_ALL);
	config.fifo = 1024;
	now = get(fd);
	CHECK(same(&now, &config));
	set_back(fd, &first);
}

TEST(none, "a mask of nothing sets nothing, whatever the fields are")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_config first = get(fd), config, now;

	memset(&config, 0xff, sizeof(config));
	config.mask = 0;
	config.reserved = 0;
	memset(config.reserved2, 0, sizeof(config.reserved2));
	CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
	CHECK_EQ(config.refused, 0);
	now = get(fd);
	CHECK(same(&now, &first));
}

TEST(sysfs, "what is set by sysfs is read by VS_GET_CONFIG")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_config config = other(), now;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		set_attr(0, fields[i].attr, fields[i].other);
	/* Wiring has set it. */
	set_attr(0, "flow", "rtscts");
	config.fifo = 1024;
	now = get(fd);
	CHECK(same(&now, &config));
}

/* What is refused */

#define AT(member, value, bit)						\
	{ #member " = " #value, offsetof(struct vser_config, member),	\
	  sizeof(((struct vser_config *)0)->member), value, bit }

static const struct bad {
	const char *name;
	size_t offset;
	size_t size;
	__u64 value;
	__u32 refused;
} bad[] = {
	AT(baud, 0, VSER_CONFIG_BAUD),
	AT(baud, VSER_BAUD_MIN - 1, VSER_CONFIG_BAUD),
	AT(baud, VSER_BAUD_MAX + 1, VSER_CONFIG_BAUD),
	AT(format.datab, 4, VSER_CONFIG_FORMAT),
	AT(format.datab, 9, VSER_CONFIG_FORMAT),
	AT(format.parity, 5, VSER_CONFIG_FORMAT),
	AT(format.stopb, 0, VSER_CONFIG_FORMAT),
	AT(format.stopb, 3, VSER_CONFIG_FORMAT),
	AT(pacing, 2, VSER_CONFIG_PACING),
	AT(exclusive, 2, VSER_CONFIG_EXCLUSIVE),
	AT(flow, 0, VSER_CONFIG_FLOW),
	AT(flow, 3, VSER_CONFIG_FLOW),
	AT(fifo, 15, VSER_CONFIG_FIFO),
	AT(fifo, 4194305, VSER_CONFIG_FIFO),
	AT(fifo, UINT32_MAX, VSER_CONFIG_FIFO),
	AT(latency_ns, 9999, VSER_CONFIG_LATENCY),
	AT(latency_ns, 1000000001, VSER_CONFIG_LATENCY),
	AT(generator, 0, VSER_CONFIG_GENERATOR),
	AT(generator, 5, VSER_CONFIG_GENERATOR),
	AT(generator, VSER_GEN_COUNTER, VSER_CONFIG_GENERATOR),	/* a text */
	AT(text_len, 0, VSER_CONFIG_GENERATOR),
	AT(text_len, VSER_TEXT_MAX + 1, VSER_CONFIG_GENERATOR),
	AT(text_len, UINT32_MAX, VSER_CONFIG_GENERATOR),
	AT(period_ns, 999, VSER_CONFIG_PERIOD),
	AT(period_ns, 3600000000001, VSER_CONFIG_PERIOD),
	AT(fault.bit, VSER_FAULT_MAX + 1, VSER_CONFIG_FAULT),
	AT(fault.drop, VSER_FAULT_MAX + 1, VSER_CONFIG_FAULT),
	AT(fault.dup, VSER_FAULT_MAX + 1, VSER_CONFIG_FAULT),
	AT(fault.parity, VSER_FAULT_MAX + 1, VSER_CONFIG_FAULT),
	AT(fault.frame, VSER_FAULT_MAX + 1, VSER_CONFIG_FAULT),
	AT(fault.brk, VSER_FAULT_MAX + 1, VSER_CONFIG_FAULT),
	AT(fault.burst, 0, VSER_CONFIG_FAULT),
	AT(fault.burst, VSER_BURST_MAX + 1, VSER_CONFIG_FAULT),
	AT(fault.reserved, 1, VSER_CONFIG_FAULT),
	AT(wire.type, 0, VSER_CONFIG_WIRE),
	AT(wire.type, 6, VSER_CONFIG_WIRE),
	AT(wire.type, VSER_WIRE_NULLMODEM, VSER_CONFIG_WIRE),	/* itself */
	AT(wire.peer, 1, VSER_CONFIG_WIRE),
	AT(wire.flags, 1, VSER_CONFIG_WIRE),
	AT(wire.flags, 2, VSER_CONFIG_WIRE),
	AT(wire.fd, 1, VSER_CONFIG_WIRE),
	AT(mask, VSER_CONFIG_ALL | 0x1000, 0x1000),
	AT(mask, UINT32_MAX, 0x1000),
	AT(mask, 0x80000000, 0x80000000),
	AT(reserved, 1, 0),
	AT(reserved2[0], 1, 0),
	AT(reserved2[3], 1ULL << 63, 0),
};

/* It fails like this, and nothing has changed. */
static void check_refused(int fd, struct vser_config config, int error,
			  __u32 refused)
{
	struct vser_config before = get(fd), after, in = config;

	config.refused = ~refused;
	CHECK_ERR(ioctl(fd, VS_CONFIGURE, &config), error);
	CHECK_EQ(config.refused, refused);
	in.refused = refused;
	CHECK(same(&config, &in));
	after = get(fd);
	CHECK(same(&after, &before));
}

static void put_bad(struct vser_config *config, const struct bad *bad)
{
	__u32 half = bad->value;

	if (bad->size == sizeof(half))
		memcpy((char *)config + bad->offset, &half, sizeof(half));
	else
		memcpy((char *)config + bad->offset, &bad->value, bad->size);
}

TEST(refused, "one field that is out of range is named, and nothing is set")
{
	int fd = open_line(O_RDWR);
	struct vser_config config;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		tap_row(bad[i].name);
		config = other();
		put_bad(&config, &bad[i]);
		check_refused(fd, config, EINVAL, bad[i].refused);
		check_fields(0);
	}
}

TEST(not_named, "a field that the mask does not name is not looked at")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_config first = get(fd), config;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		/* A number that is refused without the mask, or is it. */
		if (!(bad[i].refused & VSER_CONFIG_ALL))
			continue;
		tap_row(bad[i].name);
		config = other();
		config.mask &= ~bad[i].refused;
		put_bad(&config, &bad[i]);
		CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
		check_fields(VSER_CONFIG_ALL & ~bad[i].refused);
		set_back(fd, &first);
	}
}

TEST(bad_pointers, "a pointer to nowhere is EFAULT and changes nothing")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_config first = get(fd), config = other(), now;
	size_t size = sysconf(_SC_PAGESIZE), i;
	void *page;

	for (i = 0; i < NR_BAD_TARGETS; i++) {
		tap_row(bad_addresses[i].name);
		CHECK_ERR(ioctl(fd, VS_GET_CONFIG, bad_addresses[i].get()),
			  EFAULT);
		CHECK_ERR(ioctl(fd, VS_CONFIGURE, bad_addresses[i].get()),
			  EFAULT);
	}
	tap_row("half of it is there");
	memcpy(page_end() - sizeof(config) / 2, &config, sizeof(config) / 2);
	CHECK_ERR(ioctl(fd, VS_CONFIGURE, page_end() - sizeof(config) / 2),
		  EFAULT);
	tap_row("the answer cannot be stored");
	page = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	memcpy(page, &config, sizeof(config));
	CHECK_EQ(mprotect(page, size, PROT_READ), 0);
	CHECK_ERR(ioctl(fd, VS_CONFIGURE, page), EFAULT);
	now = get(fd);
	CHECK(same(&now, &first));
}

/* Queues for which there is no room, and another line that is not to be had */

TEST(quota, "queues that are too large are EDQUOT, and nothing is set")
{
	struct vser_config config = other(), small = other();
	int fd;

	with_parameters("lines=4 max_buffers=131072");
	fd = open_line(O_RDWR);
	drop_capability(CAP_SYS_RESOURCE);
	config.fifo = 131072;
	check_refused(fd, config, EDQUOT, VSER_CONFIG_FIFO);
	/* There is no room for twice the half either, before it is freed. */
	check_refused(fd, small, EDQUOT, VSER_CONFIG_FIFO);
	small.mask &= ~VSER_CONFIG_FIFO;
	CHECK_EQ(ioctl(fd, VS_CONFIGURE, &small), 0);
	check_fields(VSER_CONFIG_ALL & ~VSER_CONFIG_FIFO);
}

static struct vser_config with_peer(__u32 peer)
{
	struct vser_config config = other();

	config.wire.type = VSER_WIRE_NULLMODEM;
	config.wire.peer = peer;

	return config;
}

TEST(peer, "a wiring that VS_SET_WIRE refuses is refused, and nothing is set")
{
	int fd = open_line(O_RDWR);
	struct vser_config config = with_peer(0);
	int peer;

	wire_line(1, "nullmodem:vser2");
	tap_row("the line itself");
	check_refused(fd, with_peer(0), EINVAL, VSER_CONFIG_WIRE);
	tap_row("no such line");
	check_refused(fd, with_peer(LINES), EINVAL, VSER_CONFIG_WIRE);
	tap_row("one that is in a null modem");
	check_refused(fd, with_peer(1), EBUSY, VSER_CONFIG_WIRE);
	tap_row("no such descriptor");
	config.wire.flags = VSER_WIRING_PEER_FD;
	config.wire.fd = 1000;
	check_refused(fd, config, EBADF, VSER_CONFIG_WIRE);
	tap_row("a descriptor of something else");
	config.wire.fd = STDOUT_FILENO;
	check_refused(fd, config, EINVAL, VSER_CONFIG_WIRE);

	/* As the configuration has it, which it takes a right to change. */
	set_attr(0, "exclusive", "0");
	drop_capability(CAP_SYS_ADMIN);
	tap_row("no right to it");
	check_refused(fd, with_peer(3), EPERM, VSER_CONFIG_WIRE);
	check_refused(fd, with_peer(1), EPERM, VSER_CONFIG_WIRE);
	check_attr(3, "wire", "generator");
	tap_row("a descriptor of it");
	peer = open_nth(3, CONTROL_ONLY);
	config.wire.fd = peer;
	CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
	check_attr(0, "wire", "nullmodem:vser3");
	check_attr(0, "baud", "9600");
}

/* What is there already */

TEST(round_trip, "what was got can be set: no byte is lost, and none moves")
{
	static const char *const stats[] = {
		"rx_queued", "tx_queued", "rx_flushed", "tx_flushed", "tx_sent",
		"rx_arrived", "rx_overrun", "rx_delivered",
	};
	struct pair pair = open_pair(O_RDWR | O_NONBLOCK);
	struct vser_config config, now;
	__u64 before[ARRAY_SIZE(stats)];
	size_t i;

	/* As much as both queues take, and something that waits behind. */
	write_row(pair.a, 0, 2 * FIFO_SIZE);
	write_row(pair.b, 0, FIFO_SIZE / 2);
	set_attr(0, "generator", "text:xy");
	/* It is in the null modem: no right is needed to leave it there. */
	drop_capability(CAP_SYS_ADMIN);
	for (i = 0; i < ARRAY_SIZE(stats); i++)
		before[i] = stat_of(0, stats[i]);

	skip_events(pair.a);
	config = get(pair.a);
	CHECK_EQ(config.wire.type, VSER_WIRE_NULLMODEM);
	CHECK_EQ(config.wire.peer, 1);
	now = config;
	CHECK_EQ(ioctl(pair.a, VS_CONFIGURE, &now), 0);
	CHECK(same(&now, &config));
	now = get(pair.a);
	CHECK(same(&now, &config));
	check_no_event(pair.a);
	for (i = 0; i < ARRAY_SIZE(stats); i++) {
		tap_row(stats[i]);
		CHECK_EQ(stat_of(0, stats[i]), before[i]);
	}
	tap_row(NULL);
	read_row(pair.b, 0, 2 * FIFO_SIZE);
	read_row(pair.a, 0, FIFO_SIZE / 2);
	check_line_books(0);
	check_line_books(1);
}

/* Wiring and flow control */

TEST(flow, "wiring sets flow control to its default, unless it is set as well")
{
	int fd = open_line(CONTROL_ONLY);
	struct vser_config config = with_peer(1);

	config.mask = VSER_CONFIG_WIRE;
	CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
	check_attr(0, "flow", "rtscts");
	check_attr(1, "flow", "rtscts");

	config.mask = VSER_CONFIG_WIRE | VSER_CONFIG_FLOW;
	config.wire.peer = 2;
	config.flow = VSER_FLOW_NONE;
	CHECK_EQ(ioctl(fd, VS_CONFIGURE, &config), 0);
	check_attr(0, "wire", "nullmodem:vser2");
	check_attr(0, "flow", "none");
	check_attr(1, "flow", "rtscts");
	check_attr(2, "flow", "rtscts");
}

TEST(smaller, "smaller queues flush what does not fit, and count it")
{
	struct pair pair = open_pair(O_RDWR | O_NONBLOCK);
	struct vser_config config = {
		.mask = VSER_CONFIG_FIFO | VSER_CONFIG_BAUD,
		.fifo = 50,
		.baud = 9600,
	};

	write_row(pair.b, 0, 100);
	CHECK_EQ(ioctl(pair.a, VS_CONFIGURE, &config), 0);
	CHECK_EQ(rx_queued(pair.a), 64);
	CHECK_EQ(stat_of(0, "rx_flushed"), 36);
	check_attr(0, "baud", "9600");
	read_row(pair.a, 0, 64);
	check_line_books(0);
}

/* In one step */

TEST(plugged_in, "what waits for a plug is sent under all of the new settings")
{
	struct vser_config config = {
		.mask = VSER_CONFIG_WIRE | VSER_CONFIG_BAUD |
			VSER_CONFIG_FORMAT | VSER_CONFIG_PACING,
		.baud = 300,
		.format = { 7, VSER_PARITY_ODD, 1 },
		.wire = { .type = VSER_WIRE_NULLMODEM, .peer = 1 },
	};
	int a, b;

	wire_line(0, "unplugged");
	wire_line(1, "open");
	set_attr(1, "baud", "300");
	set_attr(1, "format", "7O1");
	b = open_nth(1, O_RDWR | O_NONBLOCK);
	a = open_line(O_RDWR);
	CHECK_EQ(write(a, "\xff\x55\x80", 3), 3);
	CHECK_EQ(ioctl(a, VS_CONFIGURE, &config), 0);
	WAIT_UNTIL(rx_queued(b) >= 3);
	check_read(b, "\x7f\x55\x00", 3);
	CHECK_EQ(vser_counters(b).parity, 0);
	CHECK_EQ(vser_counters(b).frame, 0);
	CHECK_EQ(stat_of(1, "rx_arrived"), 3);
}

TEST(under_way, "both ends set anew during one frame: it ends as it began")
{
	static const struct vser_config slow = {
		.mask = VSER_CONFIG_BAUD | VSER_CONFIG_FORMAT,
		.baud = VSER_BAUD_MIN,
		.format = { 8, VSER_PARITY_NONE, 1 },
	}, fast = {
		.mask = VSER_CONFIG_BAUD | VSER_CONFIG_FORMAT |
			VSER_CONFIG_LATENCY | VSER_CONFIG_FLOW,
		.baud = 9600,
		.format = { 7, VSER_PARITY_EVEN, 2 },
		.latency_ns = 20000,
		.flow = VSER_FLOW_RTSCTS,
	};
	struct pair pair = open_pair(O_RDWR);
	struct vser_config config;
	bool within = false;

	set_attr(0, "pacing", "1");
	/* If the first frame has ended by now, perhaps it had before. */
	while (!within) {
		config = slow;
		CHECK_EQ(ioctl(pair.a, VS_CONFIGURE, &config), 0);
		CHECK_EQ(ioctl(pair.b, VS_CONFIGURE, &config), 0);
		CHECK_EQ(ioctl(pair.b, TCFLSH, 0), 0);
		CHECK_EQ(write(pair.a, "\xff\xff\x55\xaa", 4), 4);
		config = fast;
		CHECK_EQ(ioctl(pair.a, VS_CONFIGURE, &config), 0);
		CHECK_EQ(ioctl(pair.b, VS_CONFIGURE, &config), 0);
		within = tx_queued(pair.a) == 4;
		CHECK_EQ(fsync(pair.a), 0);
		WAIT_UNTIL(!within || rx_queued(pair.b) >= 4);
	}
	check_read(pair.b, "\xff\x7f\x55\x2a", 4);
	CHECK_EQ(vser_counters(pair.b).parity, 0);
	CHECK_EQ(vser_counters(pair.b).frame, 0);
}

/*
 * Two ways to send that are the same to a receiver at 8N1: without parity; and with a
 * parity bit that is 0, and inverted by a fault, so that it looks like a stop bit. With
 * the parity bit, but without the fault, each byte has a framing error.
 */
static const struct vser_config ways[] = {
	{
		.mask = VSER_CONFIG_BAUD | VSER_CONFIG_FORMAT | VSER_CONFIG_FAULT,
		.baud = 100000,
		.format = { 8, VSER_PARITY_NONE, 1 },
		.fault = { .burst = 1, .seed = 1 },
	}, {
		.mask = VSER_CONFIG_BAUD | VSER_CONFIG_FORMAT | VSER_CONFIG_FAULT,
		.baud = 99000,
		.format = { 8, VSER_PARITY_SPACE, 1 },
		.fault = { .parity = VSER_FAULT_MAX, .burst = 1, .seed = 1 },
	},
};

TEST(halves, "no frame is sent under some of the new settings and some old ones")
{
	struct pair pair = open_pair(O_RDWR);
	struct vser_config config = ways[1];
	unsigned int changes = 0;
	const size_t n = 20000;

	set_attr(0, "pacing", "1");
	set_attr(1, "baud", "100000");

	/* It would be seen. */
	config.mask &= ~VSER_CONFIG_FAULT;
	CHECK_EQ(ioctl(pair.a, VS_CONFIGURE, &config), 0);
	CHECK_EQ(write(pair.a, "\x55\x55\x55", 3), 3);
	CHECK_EQ(fsync(pair.a), 0);
	WAIT_UNTIL(vser_counters(pair.b).frame == 3);
	CHECK_EQ(ioctl(pair.b, TCFLSH, 0), 0);
	config = ways[0];
	CHECK_EQ(ioctl(pair.a, VS_CONFIGURE, &config), 0);

	write_row(pair.a, 0, n);
	while (tx_queued(pair.a)) {
		config = ways[++changes % 2];
		CHECK_EQ(ioctl(pair.a, VS_CONFIGURE, &config), 0);
		/* Some follow at once, some after a frame or two. */
		if (changes % 3)
			usleep(200);
	}
	printf("# %u changes\n", changes);
	CHECK(changes > 10);
	CHECK_EQ(vser_counters(pair.b).frame, 3);
	CHECK_EQ(vser_counters(pair.b).parity, 0);
	CHECK_EQ(vser_counters(pair.b).brk, 0);
	CHECK_EQ(rx_queued(pair.b), n);
	read_row(pair.b, 0, n);
	check_line_books(0);
	check_line_books(1);
}
