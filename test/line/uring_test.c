// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring, aio and exclusive epoll: a line can be polled by all of them, as a pipe
 * can, and what waits for it needs no thread. They take what a wake-up says for the
 * answer: so this shows as well that each file is woken for what concerns it, and
 * nothing else.
 */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "wire.h"

FRESH_LINES(2)

#define ENTRIES	128
#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)

/* io_uring, by its system calls */

struct uring {
	int fd;
	struct io_uring_params params;
	char *sq;
	char *cq;
	struct io_uring_sqe *sqes;
};

static __u32 *sq_field(struct uring *uring, __u32 offset)
{
	return (__u32 *)(uring->sq + offset);
}

static __u32 *cq_field(struct uring *uring, __u32 offset)
{
	return (__u32 *)(uring->cq + offset);
}

static void *map_uring(struct uring *uring, size_t length, __u64 offset)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_POPULATE, uring->fd, offset);

	CHECK(memory != MAP_FAILED);

	return memory;
}

static struct uring open_uring(void)
{
	struct uring uring = { .fd = -1 };
	struct io_uring_params *params = &uring.params;

	uring.fd = syscall(SYS_io_uring_setup, ENTRIES, params);
	if (uring.fd < 0)
		SKIP("this kernel has no io_uring");
	uring.sq = map_uring(&uring, params->sq_off.array +
			     params->sq_entries * sizeof(__u32),
			     IORING_OFF_SQ_RING);
	uring.cq = map_uring(&uring, params->cq_off.cqes +
			     params->cq_entries * sizeof(struct io_uring_cqe),
			     IORING_OFF_CQ_RING);
	uring.sqes = map_uring(&uring, params->sq_entries *
			       sizeof(struct io_uring_sqe), IORING_OFF_SQES);

	return uring;
}

/* Its requests are cancelled, some a moment later. */
static void close_uring(struct uring *uring)
{
	struct io_uring_params *params = &uring->params;

	munmap(uring->sq, params->sq_off.array +
	       params->sq_entries * sizeof(__u32));
	munmap(uring->cq, params->cq_off.cqes +
	       params->cq_entries * sizeof(struct io_uring_cqe));
	munmap(uring->sqes, params->sq_entries * sizeof(struct io_uring_sqe));
	close(uring->fd);
}

static void submit(struct uring *uring, struct io_uring_sqe sqe)
{
	__u32 *tail = sq_field(uring, uring->params.sq_off.tail);
	__u32 at = *tail & (uring->params.sq_entries - 1);

	uring->sqes[at] = sqe;
	sq_field(uring, uring->params.sq_off.array)[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ(syscall(SYS_io_uring_enter, uring->fd, 1, 0, 0, NULL, 0), 1);
}

/* What became of a request. */
struct outcome {
	int res;
	__u32 flags;
};

/* The next completion, if there is one. */
static bool completed(struct uring *uring, struct outcome *outcome)
{
	__u32 *head = cq_field(uring, uring->params.cq_off.head);
	__u32 *tail = cq_field(uring, uring->params.cq_off.tail);
	struct io_uring_cqe *cqe = (void *)(uring->cq +
					    uring->params.cq_off.cqes);

	/* What a wake-up has left for this task to do is done in a call. */
	syscall(SYS_io_uring_enter, uring->fd, 0, 0, IORING_ENTER_GETEVENTS,
		NULL, 0);
	if (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		return false;
	cqe += *head & (uring->params.cq_entries - 1);
	*outcome = (struct outcome) { cqe->res, cqe->flags };
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);

	return true;
}

static struct outcome wait_completed(struct uring *uring)
{
	struct outcome outcome;

	WAIT_UNTIL(completed(uring, &outcome));

	return outcome;
}

static void check_not_completed(struct uring *uring)
{
	struct outcome outcome;

	sleep_ms(20);
	CHECK(!completed(uring, &outcome));
}

static void submit_poll(struct uring *uring, int fd, short events, __u32 flags)
{
	submit(uring, (struct io_uring_sqe) {
		.opcode = IORING_OP_POLL_ADD, .fd = fd, .len = flags,
		.poll32_events = events,
	});
}

static void submit_read(struct uring *uring, int fd, void *to)
{
	submit(uring, (struct io_uring_sqe) {
		.opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)to,
		.len = 1, .off = -1,
	});
}

static void submit_write(struct uring *uring, int fd, const void *from)
{
	submit(uring, (struct io_uring_sqe) {
		.opcode = IORING_OP_WRITE, .fd = fd, .addr = (uintptr_t)from,
		.len = 1, .off = -1,
	});
}

/* aio */

static aio_context_t open_aio(void)
{
	aio_context_t context = 0;

	CHECK_EQ(syscall(SYS_io_setup, 8, &context), 0);

	return context;
}

static void submit_aio_poll(aio_context_t context, int fd, short events)
{
	static struct iocb iocb;
	struct iocb *iocbs[] = { &iocb };

	iocb = (struct iocb) {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = fd,
		.aio_buf = events,
	};
	CHECK_EQ(syscall(SYS_io_submit, context, 1, iocbs), 1);
}

static bool aio_completed(aio_context_t context, short *events)
{
	struct timespec now = { .tv_sec = 0 };
	struct io_event event;
	int n;

	/* The time is what the kernel's 32-bit interface has, 0 in any case. */
	n = syscall(SYS_io_getevents, context, 0, 1, &event, &now);
	CHECK(n >= 0);
	if (n)
		*events = event.res;

	return n;
}

/* What is polled for, and what makes it come true */

static void send_byte(struct pair pair)
{
	write_row(pair.a, 0, 1);
}

static void ring_bell(struct pair pair)
{
	set_modem(pair.a, modem(pair.a) & TIOCM_OUT1 ? TIOCMBIC : TIOCMBIS,
		  TIOCM_OUT1);
}

static void make_room(struct pair pair)
{
	CHECK_EQ(ioctl(pair.b, TCFLSH, TCOFLUSH), 0);
}

static int watching(int fd)
{
	__u32 on = 1;

	CHECK_EQ(ioctl(fd, VS_WATCH_EVENTS, &on), 0);

	return fd;
}

/* Line 1 cannot send, and its tx queue is full. */
static int full(struct pair pair)
{
	set_modem(pair.a, TIOCMBIC, TIOCM_RTS);
	CHECK_EQ(fcntl(pair.b, F_SETFL, O_NONBLOCK), 0);
	while (write(pair.b, "x", 1) == 1)
		;
	CHECK_EQ(errno, EAGAIN);

	return pair.b;
}

static int as_it_is(struct pair pair)
{
	return pair.b;
}

static int watched(struct pair pair)
{
	return watching(pair.b);
}

static int control_of(struct pair pair)
{
	(void)pair;

	return open_nth(1, CONTROL_ONLY);
}

static int write_only(struct pair pair)
{
	close(pair.b);

	return open_nth(1, O_WRONLY);
}

static const struct poll_row {
	const char *name;
	int (*open)(struct pair pair);
	short events;
	void (*happen)(struct pair pair);
	short wanted;		/* 0: nothing comes */
} poll_rows[] = {
	{ "bytes", as_it_is, IN, send_byte, IN },
	{ "room", full, OUT, make_room, OUT },
	{ "an event", watched, POLLPRI, ring_bell, POLLPRI },
	{ "an event, control-only", control_of, POLLPRI, ring_bell, POLLPRI },
	{ "bytes or an event: an event", watched, IN | POLLPRI, ring_bell, POLLPRI },
	{ "bytes or an event: bytes", watched, IN | POLLPRI, send_byte, IN },
	{ "bytes, but an event comes", watched, IN, ring_bell, 0 },
	{ "an event that was not asked for", as_it_is, IN | POLLPRI, ring_bell, 0 },
	{ "bytes of a write-only file", write_only, IN | POLLPRI, send_byte, 0 },
	{ "bytes of a control-only file", control_of, IN | OUT, send_byte, 0 },
};

static void load_again(void)
{
	WAIT_UNTIL(!try_unload());
	load("lines=2");
}

static struct pair open_row(const struct poll_row *row, int *fd)
{
	struct pair pair;

	tap_row(row->name);
	pair = open_pair(O_RDWR);
	set_attr(1, "exclusive", "0");
	set_attr(1, "fifo", "16");
	*fd = row->open(pair);

	return pair;
}

TEST(poll, "POLL_ADD waits until what it asks for is true, and says what")
{
	const struct poll_row *row;
	struct outcome outcome;
	struct uring uring;
	struct pair pair;
	int fd;

	for (row = poll_rows; row < poll_rows + ARRAY_SIZE(poll_rows); row++) {
		pair = open_row(row, &fd);
		uring = open_uring();
		submit_poll(&uring, fd, row->events, 0);
		check_not_completed(&uring);
		row->happen(pair);
		if (row->wanted) {
			outcome = wait_completed(&uring);
			CHECK(outcome.res > 0);
			CHECK_EQ(outcome.res & ~row->wanted, 0);
		}
		check_not_completed(&uring);
		close_uring(&uring);
		close(pair.a);
		close(pair.b);
		close(fd);
		load_again();
	}
}

TEST(aio_poll, "so does IOCB_CMD_POLL")
{
	const struct poll_row *row;
	aio_context_t context;
	struct pair pair;
	short events;
	int fd;

	for (row = poll_rows; row < poll_rows + ARRAY_SIZE(poll_rows); row++) {
		pair = open_row(row, &fd);
		context = open_aio();
		submit_aio_poll(context, fd, row->events);
		sleep_ms(20);
		CHECK(!aio_completed(context, &events));
		row->happen(pair);
		if (row->wanted) {
			WAIT_UNTIL(aio_completed(context, &events));
			CHECK(events);
			CHECK_EQ(events & ~row->wanted, 0);
		}
		sleep_ms(20);
		CHECK(!aio_completed(context, &events));
		CHECK_EQ(syscall(SYS_io_destroy, context), 0);
		close(pair.a);
		close(pair.b);
		close(fd);
		load_again();
	}
}

TEST(aio_poll_ready, "IOCB_CMD_POLL of what is true already is done at once, as on a pipe")
{
	struct pair pair = open_pair(O_RDWR);
	aio_context_t context = open_aio();
	short events;

	write_row(pair.a, 0, 1);
	submit_aio_poll(context, pair.b, IN);
	CHECK(aio_completed(context, &events));
	CHECK_EQ(events & IN, IN);
}

TEST(multishot, "a multishot POLL_ADD tells of each byte and each event")
{
	struct pair pair = open_pair(O_RDWR);
	struct uring uring = open_uring();
	struct outcome outcome;
	bool bytes;
	char byte;
	int i;

	submit_poll(&uring, watching(pair.b), IN | POLLPRI,
		    IORING_POLL_ADD_MULTI);
	if (completed(&uring, &outcome) && outcome.res == -EINVAL)
		SKIP("io_uring of this kernel has no multishot poll");
	for (i = 0; i < 20; i++) {
		bytes = i % 3;
		if (bytes)
			send_byte(pair);
		else
			ring_bell(pair);
		outcome = wait_completed(&uring);
		CHECK(outcome.flags & IORING_CQE_F_MORE);
		CHECK_EQ(outcome.res & (IN | POLLPRI) & ~(bytes ? IN : POLLPRI), 0);
		check_not_completed(&uring);
		if (bytes)
			CHECK_EQ(read(pair.b, &byte, 1), 1);
		else
			skip_events(pair.b);
	}
}

/* Threads that io_uring has made for this process. */
static int count_workers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int n = 0;

	CHECK(tasks);
	while ((entry = readdir(tasks)))
		n += entry->d_name[0] != '.';
	closedir(tasks);

	return n - 1;
}

#define WAITING	64
#define EVENTS	300	/* more than io_uring tries one request again */

/* How many of WAITING reads fail at once, and how many threads the others need. */
struct waiting {
	int failed;
	int workers;
};

static struct waiting start_reads(struct uring *uring, int fd, char *bytes)
{
	struct waiting waiting = { .failed = 0 };
	struct outcome outcome;
	int i;

	for (i = 0; i < WAITING; i++)
		submit_read(uring, fd, bytes + i);
	sleep_ms(20);
	while (completed(uring, &outcome)) {
		CHECK_EQ(outcome.res, -EAGAIN);
		waiting.failed++;
	}
	waiting.workers = count_workers();

	return waiting;
}

/* The same reads of a pipe, on this kernel. */
static struct waiting start_pipe_reads(int flags)
{
	struct uring uring = open_uring();
	struct waiting waiting;
	char bytes[WAITING];
	int ends[2];

	CHECK_EQ(pipe2(ends, flags), 0);
	waiting = start_reads(&uring, ends[0], bytes);
	close_uring(&uring);

	return waiting;
}

static void check_reads(int flags)
{
	struct waiting pipe = start_pipe_reads(flags), line;
	struct pair pair = open_pair(O_RDWR | flags);
	struct uring uring = open_uring();
	char bytes[WAITING] = { 0 };
	struct outcome outcome;
	int i;

	tap_row(flags ? "O_NONBLOCK" : "blocking");
	/* Nobody reads them: they must not keep the reads from waiting. */
	for (i = 0; i < EVENTS; i++)
		ring_bell(pair);
	line = start_reads(&uring, pair.b, bytes);
	CHECK_EQ(line.failed, pipe.failed);
	CHECK_EQ(line.workers, 0);
	for (i = 0; i < EVENTS; i++)
		ring_bell(pair);
	CHECK_EQ(count_workers(), 0);
	for (i = 0; i < WAITING - line.failed; i++)
		write(pair.a, "x", 1);
	for (i = 0; i < WAITING - line.failed; i++) {
		outcome = wait_completed(&uring);
		CHECK_EQ(outcome.res, 1);
	}
	CHECK_EQ(rx_queued(pair.b), 0);
	for (i = 0; i < WAITING && !line.failed; i++)
		CHECK_EQ(bytes[i], 'x');
	close_uring(&uring);
	close(pair.a);
	close(pair.b);
}

TEST(reads, "64 reads wait without a thread, with events that nobody reads")
{
	check_reads(0);
	check_reads(O_NONBLOCK);
}

TEST(writes, "64 writes wait for room without a thread")
{
	struct uring uring = open_uring();
	struct outcome outcome;
	struct pair pair;
	int i;

	set_attr(0, "fifo", "16");
	pair = open_pair(O_RDWR);
	set_modem(pair.b, TIOCMBIC, TIOCM_RTS);
	write_row(pair.a, 0, 16);
	for (i = 0; i < WAITING; i++)
		submit_write(&uring, pair.a, "x");
	check_not_completed(&uring);
	CHECK_EQ(count_workers(), 0);
	set_modem(pair.b, TIOCMBIS, TIOCM_RTS);
	for (i = 0; i < WAITING; i++) {
		outcome = wait_completed(&uring);
		CHECK_EQ(outcome.res, 1);
	}
	CHECK_EQ(rx_queued(pair.b), 16 + WAITING);
	CHECK_EQ(count_workers(), 0);
}

/* Starts a process that waits in exclusive epoll for these, once. */
static pid_t start_exclusive(int fd, unsigned int events)
{
	struct epoll_event event = { .events = events | EPOLLEXCLUSIVE };
	int epoll = epoll_create1(0);
	pid_t pid;

	CHECK(epoll >= 0);
	CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHILD(pid) {
		CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
		CHECK_EQ(event.events, events);
	}
	close(epoll);
	WAIT_UNTIL(blocked_in(pid, SYS_epoll_wait));

	return pid;
}

TEST(exclusive, "of those in exclusive epoll one is woken, for what it waits for")
{
	struct pair pair;
	pid_t room, bytes[2];

	set_attr(1, "fifo", "16");
	pair = open_pair(O_RDWR);
	room = start_exclusive(full(pair), EPOLLOUT);
	bytes[0] = start_exclusive(pair.b, EPOLLIN);
	bytes[1] = start_exclusive(pair.b, EPOLLIN);
	send_byte(pair);
	WAIT_UNTIL(has_ended(bytes[0]) || has_ended(bytes[1]));
	sleep_ms(20);
	CHECK(!has_ended(bytes[0]) || !has_ended(bytes[1]));
	CHECK(!has_ended(room));
	send_byte(pair);
	check_child(bytes[0]);
	check_child(bytes[1]);
	CHECK(!has_ended(room));
	make_room(pair);
	check_child(room);
}

TEST(killed, "a process that is killed while requests wait leaves nothing behind")
{
	struct pair pair;
	char byte;
	pid_t pid;
	int i;

	wire_line(0, "nullmodem:vser1");
	CHILD(pid) {
		struct uring uring = open_uring();

		pair.b = open_nth(1, O_RDWR);
		for (i = 0; i < WAITING; i++)
			submit_read(&uring, pair.b, &byte);
		submit_poll(&uring, pair.b, IN | POLLPRI, 0);
		submit_aio_poll(open_aio(), pair.b, IN);
		syscall(SYS_pause);
	}
	WAIT_UNTIL(blocked_in(pid, SYS_pause));
	kill_child(pid);
	/* io_uring lets go of the file a moment later. */
	WAIT_UNTIL((pair.b = open("/dev/vser1", O_RDWR)) >= 0);
	close(pair.b);
	load_again();
}
