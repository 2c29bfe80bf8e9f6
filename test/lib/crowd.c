// SPDX-License-Identifier: GPL-2.0
/* A crowd of processes on lines that change under them. See crowd.h. */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "crowd.h"

/* What the processes have in common. */
static struct {
	__u64 end;		/* in ns */
	__u64 written[CROWD_LINES];	/* bytes, by all processes */
	__u64 read[CROWD_LINES];
} *shared;

static unsigned int nr_lines;
static pid_t pids[CROWD_LINES * CROWD_USERS + 2];
static unsigned int nr_pids;

/* Until the time is over, and something has been read, be the machine ever so slow. */
static bool go_on(void)
{
	__u64 read = 0;
	unsigned int i;

	for (i = 0; i < CROWD_LINES; i++)
		read += __atomic_load_n(&shared->read[i], __ATOMIC_RELAXED);

	return now_ns() < shared->end || !read;
}

static unsigned int any(unsigned int below)
{
	return (unsigned int)rand() % below;
}

static void add(__u64 *sum, ssize_t n)
{
	CHECK(n >= 0 || errno == EAGAIN || errno == EINTR);
	if (n > 0)
		__atomic_add_fetch(sum, n, __ATOMIC_RELAXED);
}

/* Users */

static void do_write(unsigned int line, int fd)
{
	static char bytes[20000];

	add(&shared->written[line], write(fd, bytes, 1 + any(sizeof(bytes))));
}

static void do_read(unsigned int line, int fd)
{
	static char bytes[20000];

	add(&shared->read[line], read(fd, bytes, 1 + any(sizeof(bytes))));
}

/* Signals come all the time: a call may have to be made again. */
static void make_call(int fd, unsigned long request, unsigned long arg)
{
	while (ioctl(fd, request, arg))
		CHECK_EQ(errno, EINTR);
}

static void do_flush(unsigned int line, int fd)
{
	static const int queues[] = { TCIFLUSH, TCOFLUSH, TCIOFLUSH };

	(void)line;
	make_call(fd, TCFLSH, queues[any(3)]);
}

static void do_drain(unsigned int line, int fd)
{
	(void)line;
	CHECK(!fsync(fd) || errno == EINTR);
}

static void do_break(unsigned int line, int fd)
{
	(void)line;
	/* What is to be sent before may have to wait for ever. */
	CHECK(!ioctl(fd, TIOCSBRK, 0) || errno == EINTR);
	CHECK_EQ(ioctl(fd, TIOCCBRK, 0), 0);
}

static void do_modem(unsigned int line, int fd)
{
	int rts = TIOCM_RTS, ring = TIOCM_OUT1;

	(void)line;
	make_call(fd, TIOCMBIC, (uintptr_t)&rts);
	make_call(fd, TIOCMBIS, (uintptr_t)&ring);
	make_call(fd, TIOCMBIS, (uintptr_t)&rts);
	make_call(fd, TIOCMBIC, (uintptr_t)&ring);
}

static void do_event(unsigned int line, int fd)
{
	struct vser_event event;

	(void)line;
	CHECK(!ioctl(fd, VS_READ_EVENT, &event) || errno == EAGAIN ||
	      errno == EINTR);
}

static void do_mark(unsigned int line, int fd)
{
	__u32 on = any(2);

	(void)line;
	make_call(fd, VS_SET_MARK, (uintptr_t)&on);
}

/* Opens the line, uses it for a while, with calls that wait or do not. */
static void use(unsigned int line)
{
	static void (*const jobs[])(unsigned int line, int fd) = {
		do_write, do_write, do_write, do_write, do_read, do_read,
		do_read, do_read, do_flush, do_drain, do_break, do_modem,
		do_event, do_mark,
	};
	unsigned int n = any(100);
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name_of(line));
	do
		fd = open(path, O_RDWR | (any(2) ? O_NONBLOCK : 0));
	while (fd < 0 && errno == EINTR);
	CHECK(fd >= 0);
	while (n-- && go_on())
		jobs[any(ARRAY_SIZE(jobs))](line, fd);
	close(fd);
}

/*
 * After 5 ms, 10 and so on to 160 ms, and again: on a slow machine, signals that came
 * every 5 ms could keep a call that is made again from ever getting anywhere.
 */
static void send_signal_later(int sig)
{
	static unsigned int n;
	struct itimerval timer = { .it_value.tv_usec = 5000 << n++ % 6 };

	(void)sig;
	setitimer(ITIMER_REAL, &timer, NULL);
}

/* From now on signals end whatever waits. */
static void ask_for_signals(void)
{
	struct sigaction action = { .sa_handler = send_signal_later };

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	send_signal_later(SIGALRM);
}

/* What happens to the lines meanwhile */

static const struct change {
	const char *name;
	const char *values[6];
} changes[] = {
	{ "wire", { "loopback", "generator", "open", "unplugged" } },
	{ "fault", { FAULT_OFF, "bit=50000 drop=50000 dup=50000",
		     "parity=10000 frame=10000 break=10000",
		     "drop=100000 burst=5" } },
	{ "fifo", { "16", "64", "4096", "65536", "262144" } },
	{ "pacing", { "0", "1" } },
	{ "flow", { "none", "rtscts" } },
	{ "baud", { "4000000", "2000000", "1999999", "1000000" } },
	{ "format", { "8N1", "7E1", "8O2", "5N1" } },
	{ "period_ns", { "0", "10000", "1000000" } },
	{ "generator", { "letters", "counter", "prbs15", "text:abc" } },
	{ "latency_ns", { "10000", "1000000", "20000000" } },
};

static void change_something(void)
{
	const struct change *change = &changes[any(ARRAY_SIZE(changes))];
	size_t n = 0;

	while (n < ARRAY_SIZE(change->values) && change->values[n])
		n++;
	set_attr(any(nr_lines), change->name, change->values[any(n)]);
}

static void plug_something(void)
{
	char wire[30];
	int ret;

	snprintf(wire, sizeof(wire), "nullmodem:%s", name_of(any(nr_lines)));
	ret = try_attr(any(nr_lines), "wire", wire);
	/* To itself, or to a line that has another one. */
	CHECK(!ret || ret == EINVAL || ret == EBUSY);
}

static void change(void)
{
	if (any(4))
		change_something();
	else
		plug_something();
}

/* Looks at everything while it changes. */
static void look(void)
{
	unsigned int line = any(nr_lines);
	int fd = open_nth(line, CONTROL_ONLY);
	struct vser_wiring wiring;

	CHECK_EQ(ioctl(fd, VS_GET_WIRE, &wiring), 0);
	CHECK(wiring.type >= VSER_WIRE_GENERATOR &&
	      wiring.type <= VSER_WIRE_UNPLUGGED);
	CHECK(wiring.type != VSER_WIRE_NULLMODEM || wiring.peer != line);
	vser_counters(fd);
	modem(fd);
	get_attr(line, "wire");
	get_attr(line, "fault");
	get_attr(line, "generator");
	CHECK(stat_of(line, "rx_queued") <= 262144);
	CHECK(stat_of(line, "tx_queued") <= 262144);
	close(fd);
}

static void start_user(unsigned int line, unsigned int seed)
{
	CHILD(pids[nr_pids]) {
		srand(seed);
		ask_for_signals();
		while (go_on())
			use(line);
	}
	nr_pids++;
}

static void start_job(void (*job)(void), unsigned int seed)
{
	CHILD(pids[nr_pids]) {
		srand(seed);
		while (go_on()) {
			job();
			tap_nap();
		}
	}
	nr_pids++;
}

void crowd_start(unsigned int lines, unsigned int seconds, unsigned int seed)
{
	unsigned int line, i;
	char wire[30];

	CHECK(lines <= CROWD_LINES);
	nr_lines = lines;
	nr_pids = 0;
	if (!shared)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	shared->end = now_ns() + seconds * NSEC_PER_SEC;
	for (line = 0; line < lines; line++) {
		set_attr(line, "exclusive", "0");
		set_attr(line, "pacing", "0");
	}
	for (line = 0; line + 1 < lines; line += 2) {
		snprintf(wire, sizeof(wire), "nullmodem:%s", name_of(line + 1));
		wire_line(line, wire);
	}
	for (line = 0; line < lines; line++)
		for (i = 0; i < CROWD_USERS; i++)
			start_user(line, seed++);
	start_job(change, seed++);
	start_job(look, seed);
}

/* Lets all that is queued go, into nothing. */
static void come_to_rest(void)
{
	unsigned int line;

	for (line = 0; line < nr_lines; line++) {
		set_attr(line, "pacing", "0");
		wire_line(line, "open");
	}
	for (line = 0; line < nr_lines; line++)
		CHECK_EQ(stat_of(line, "tx_queued"), 0);
}

void crowd_wait(void)
{
	unsigned int i;

	for (i = 0; i < nr_pids; i++)
		check_child(pids[i]);
	come_to_rest();
}

void crowd_check_books(void)
{
	__u64 sent = 0, arrived = 0, delivered = 0;
	unsigned int line;

	for (line = 0; line < nr_lines; line++) {
		tap_row(name_of(line));
		check_line_books(line);
		CHECK_EQ(stat_of(line, "tx_written"), shared->written[line]);
		CHECK_EQ(stat_of(line, "rx_delivered"), shared->read[line]);
		sent += stat_of(line, "tx_sent");
		arrived += stat_of(line, "rx_arrived");
		delivered += stat_of(line, "rx_delivered");
	}
	printf("# %llu bytes sent, %llu to a line, %llu delivered\n",
	       sent, arrived, delivered);
	CHECK(arrived <= sent);
	CHECK(arrived > 0 && delivered > 0);
}
