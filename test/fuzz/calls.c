// SPDX-License-Identifier: GPL-2.0
/* What a step can do, but for the ioctls that have a structure: see ioctls.c. */
#define _GNU_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include "io_demo.h"
#include "state.h"
#include "wire.h"

#define BUFFER		(16 * PAGE)	/* most that is read or written at once */
#define FIRST_ERROR	512		/* errnos from here on are the kernel's own */

/* Opening and closing */

static long run_open(const struct call *call, const __u16 *dice)
{
	static const int modes[] = {
		O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_WRONLY, CONTROL_ONLY,
	};
	int flags = modes[below(dice[1], ARRAY_SIZE(modes))];
	char path[40];
	int fd;

	(void)call;
	/* Most do not wait; some do, until the next signal. */
	if (more(dice[1]) % 4)
		flags |= O_NONBLOCK;
	if (!below(dice[2], 16))
		flags |= more(dice[2]) & (O_ASYNC | O_APPEND | O_TRUNC |
					  O_CREAT | O_SYNC | O_DIRECT);
	snprintf(path, sizeof(path), "/dev/%s",
		 name_of(below(dice[0], FUZZ_LINES)));
	fd = open(path, flags, 0600);
	keep_fd(fd, OF_LINE);

	return fd;
}

static long run_close(const struct call *call, const __u16 *dice)
{
	(void)call;

	return close(pick_fd(dice[0], OF_LINE));
}

static long run_dup(const struct call *call, const __u16 *dice)
{
	int fd = dup(pick_fd(dice[0], OF_LINE));

	(void)call;
	keep_fd(fd, OF_LINE);

	return fd;
}

static long run_fcntl(const struct call *call, const __u16 *dice)
{
	int fd = pick_fd(dice[0], OF_LINE);

	(void)call;
	switch (below(dice[1], 4)) {
	case 0:
		return fcntl(fd, F_SETOWN, getpid());
	case 1:
		return fcntl(fd, F_SETSIG, below(dice[2], 2) ? SIGIO : 0);
	default:
		return fcntl(fd, F_SETFL,
			     more(dice[2]) & (O_ASYNC | O_NONBLOCK | O_APPEND));
	}
}

/* Bytes */

static size_t pick_size(__u16 die)
{
	switch (below(die, 64)) {
	case 0:
		return any_number(die);
	case 1:
		return any_number(die) % (BUFFER + 1);
	default:
		return small_number(die, 11);
	}
}

static long run_read(const struct call *call, const __u16 *dice)
{
	size_t size = pick_size(dice[2]);
	void *content;

	(void)call;

	return read(pick_fd(dice[0], OF_LINE),
		    pick_pointer(dice[1], size % BUFFER, &content), size);
}

static long run_write(const struct call *call, const __u16 *dice)
{
	size_t size = pick_size(dice[2]);
	void *content, *pointer = pick_pointer(dice[1], size % BUFFER, &content);

	(void)call;
	memset(content, below(dice[3], 2) ? 0xff : dice[3], size % 64);

	return write(pick_fd(dice[0], OF_LINE), pointer, size);
}

/* A pipe, into which or out of which the line is spliced. */
static int pipe_ends[2];

static long run_splice(const struct call *call, const __u16 *dice)
{
	int fd = pick_fd(dice[0], OF_LINE);
	size_t size = pick_size(dice[2]);
	unsigned int flags = more(dice[1]) & 3;
	char byte = 0;

	(void)call;
	if (below(dice[1], 2))
		return splice(fd, NULL, pipe_ends[1], NULL, size, flags);
	if (write(pipe_ends[1], &byte, 1) < 0 && errno != EAGAIN)
		return -1;

	return splice(pipe_ends[0], NULL, fd, NULL, size, flags);
}

static void fill_parts(struct iovec *parts, unsigned int n, const __u16 *dice)
{
	void *content;
	unsigned int i;

	for (i = 0; i < n; i++) {
		parts[i].iov_len = small_number(dice[i], 10);
		parts[i].iov_base = pick_pointer(dice[i], parts[i].iov_len,
						 &content);
	}
}

/* Of several parts, with flags, from a place: all that preadv2() can ask for. */
static long run_parts(const struct call *call, const __u16 *dice)
{
	static const int flags[] = {
		0, RWF_NOWAIT, RWF_HIPRI, RWF_SYNC, RWF_APPEND, -1,
	};
	int flag = flags[below(dice[2], ARRAY_SIZE(flags))];
	off_t offset = below(dice[3], 4) ? -1 : (off_t)any_number(dice[3]);
	int fd = pick_fd(dice[0], OF_LINE);
	unsigned int n = below(dice[1], 4);
	struct iovec parts[3];

	(void)call;
	fill_parts(parts, n, dice + 4);
	if (more(dice[1]) % 2)
		return preadv2(fd, parts, n, offset, flag);

	return pwritev2(fd, parts, n, offset, flag);
}

/* The memory that was reserved is a descriptor, too, and has places. */
static long run_reserved(const struct call *call, const __u16 *dice)
{
	int fd = pick_fd(dice[0], OF_RESERVED);
	size_t size = pick_size(dice[2]);
	off_t offset = any_number(dice[3]);
	void *content, *pointer;

	(void)call;
	pointer = pick_pointer(dice[1], size % BUFFER, &content);
	if (below(dice[3], 2))
		offset %= 8 << 20;
	if (more(dice[2]) % 2)
		return pread(fd, pointer, size, offset);

	return pwrite(fd, pointer, size, offset);
}

static long run_seek(const struct call *call, const __u16 *dice)
{
	(void)call;

	return lseek(pick_fd(dice[0], below(dice[2], NR_KINDS)),
		     any_number(dice[1]), below(dice[2], 5));
}

static long run_sync(const struct call *call, const __u16 *dice)
{
	(void)call;

	return fsync(pick_fd(dice[0], OF_LINE));
}

static long run_poll(const struct call *call, const __u16 *dice)
{
	struct pollfd fds[2] = {
		{ .fd = pick_fd(dice[0], OF_LINE), .events = more(dice[2]) },
		{ .fd = pick_fd(dice[1], OF_LINE), .events = POLLPRI },
	};

	(void)call;

	return poll(fds, 1 + below(dice[1], 2), below(dice[2], 4) ? 0 : 1000);
}

/* Mappings */

static long run_mmap(const struct call *call, const __u16 *dice)
{
	static const int protections[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE, PROT_NONE,
		PROT_READ | PROT_EXEC,
	};
	static const enum kind kinds[] = {
		OF_LINE, OF_OBJECT, OF_OBJECT, OF_RESERVED,
	};
	int fd = pick_fd(dice[0], kinds[below(dice[1], ARRAY_SIZE(kinds))]);
	size_t length = mappable;
	off_t offset = 0;
	void *start;

	(void)call;
	if (!length || !below(dice[2], 8))
		length = PAGE * (1 + more(dice[2]) % 64);
	if (!below(dice[3], 8))
		offset = any_number(dice[3]) & -PAGE;
	start = mmap(NULL, length,
		     protections[below(dice[4], ARRAY_SIZE(protections))],
		     more(dice[3]) % 8 ? MAP_SHARED : MAP_PRIVATE, fd, offset);
	if (start == MAP_FAILED)
		return -1;
	keep_mapping(start, length);

	return 0;
}

/* All of it or some pages, which splits it. */
static long run_munmap(const struct call *call, const __u16 *dice)
{
	struct mapping *mapping = pick_mapping(dice[0]);
	size_t at, pages;

	(void)call;
	if (!mapping)
		return 0;
	pages = (mapping->length + PAGE - 1) / PAGE;
	at = below(dice[1], 2) ? 0 : more(dice[1]) % pages;

	return munmap(mapping->start + at * PAGE,
		      PAGE * (1 + more(dice[2]) % (pages - at)));
}

static sigjmp_buf beyond;
static volatile sig_atomic_t touching;

static void on_fault(int sig)
{
	if (!touching) {
		/* It comes again, and ends us. */
		signal(sig, SIG_DFL);
		return;
	}
	touching = 0;
	siglongjmp(beyond, sig);
}

/*
 * Reads or writes a word of a mapping. In the first page of a ring, it is mostly
 * one of the indices, which begin anywhere a cache line does.
 */
static long run_touch(const struct call *call, const __u16 *dice)
{
	struct mapping *mapping = pick_mapping(dice[0]);
	__u32 value = any_number(dice[2]);
	size_t at;

	(void)call;
	if (!mapping)
		return 0;
	at = below(dice[1], 4) ? 64 * (more(dice[1]) % 4) :
				 more(dice[1]) % mapping->length & -4;
	if (sigsetjmp(beyond, 1))
		return 0;
	touching = 1;
	if (below(dice[3], 3)) {
		volatile __u32 *word = (__u32 *)(mapping->start + at);

		*word = more(dice[3]) % 4 ? *word + value % 0x2000 : value;
	} else {
		(void)*(volatile __u32 *)(mapping->start + at);
	}
	touching = 0;

	return 0;
}

/* ioctls of a terminal, and such as do not exist */

static long run_terminal(const struct call *call, const __u16 *dice)
{
	static const unsigned long requests[] = {
		FIONREAD, TIOCOUTQ, TIOCMGET, TIOCMSET, TIOCMBIS, TIOCMBIC,
		TIOCSBRK, TIOCCBRK, TCSBRK, TCSBRKP, TCFLSH, TIOCMIWAIT,
		TIOCGICOUNT, TCGETS, FIOASYNC, FIONBIO, FIOCLEX,
	};
	unsigned long request = requests[below(dice[1], ARRAY_SIZE(requests))];
	int fd = pick_fd(dice[0], OF_LINE);
	int *content;
	void *pointer;

	(void)call;
	if (request == TCFLSH || request == TCSBRK || request == TCSBRKP)
		return ioctl(fd, request, (long)below(dice[3], 4));
	pointer = pick_pointer(dice[2], sizeof(int), (void **)&content);
	*content = below(dice[3], 8) ? more(dice[3]) & 0x61e6 : any_number(dice[3]);

	return ioctl(fd, request, pointer);
}

/* One of ours, of which the number, the size or the direction is another one. */
static long run_no_ioctl(const struct call *call, const __u16 *dice)
{
	unsigned long request = _IOC(more(dice[1]) % 4, VS_MAGIC,
				     below(dice[1], 256), below(dice[2], 300));
	void *content, *pointer = pick_pointer(dice[3], 300, &content);

	(void)call;
	memset(content, 0, 300);

	return ioctl(pick_fd(dice[0], below(dice[3], NR_KINDS)), request, pointer);
}

/* Attributes: each is opened once, and stays so. */

#define MAX_ATTRS	200

static const struct known {
	const char *name;
	const char *values[12];
} knowns[] = {
	{ "wire", { "loopback", "loopback", "nullmodem:vser", "nullmodem:vser1",
		    "nullmodem:vser2", "nullmodem:vser3", "generator", "open",
		    "unplugged", "nullmodem:vser4", "nullmodem:" } },
	/* With faults, such a kernel is hardly faster than the fastest line. */
	{ "baud", { "115200", "115200", "9600", "50", "4000000", "49", "4000001" } },
	{ "format", { "8N1", "7E1", "8O2", "5N1", "6M1", "7S2", "9N1", "8N3" } },
	{ "pacing", { "0", "1", "0", "2" } },
	{ "flow", { "none", "rtscts" } },
	{ "fifo", { "16", "64", "4096", "1024", "4097", "65536", "15",
		    "99999999" } },
	{ "exclusive", { "0", "0", "0", "1", "2" } },
	{ "generator", { "letters", "counter", "prbs15", "text:abc",
			 "text:\\x00\\n\\377", "text:", "text:\\", "text:\\x" } },
	{ "period_ns", { "0", "10000", "100000", "1000000", "1000000000",
			 "18446744073709551615" } },
	{ "latency_ns", { "10000", "1000000", "20000000", "1000000000", "9999" } },
	{ "fault", { FAULT_OFF, "bit=50000 drop=50000 dup=50000", "burst=5",
		     "parity=10000 frame=10000 break=10000", "drop=1000001",
		     "drop=1000000", "seed=18446744073709551615", "burst=0" } },
};

static struct attr {
	int fd;
	const struct known *known;
} attrs[MAX_ATTRS], readable[MAX_ATTRS];

static unsigned int nr_attrs, nr_readable;

static const struct known *find_known(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knowns); i++)
		if (!strcmp(knowns[i].name, name))
			return &knowns[i];

	return NULL;
}

static void add_attr(const char *path, const char *name)
{
	struct stat status;
	int fd;

	CHECK_EQ(lstat(path, &status), 0);
	/* The kernel itself has uevent, and talks about each bad value. */
	if (!S_ISREG(status.st_mode) || !strcmp(name, "uevent"))
		return;
	if (status.st_mode & 0222 && nr_attrs < MAX_ATTRS) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		CHECK(fd >= 0);
		attrs[nr_attrs++] = (struct attr) { fd, find_known(name) };
	}
	if (status.st_mode & 0444 && nr_readable < MAX_ATTRS) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		CHECK(fd >= 0);
		readable[nr_readable++].fd = fd;
	}
}

/* All files in this folder, in the order of their names. */
static void add_attrs(const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort), i;
	char path[512];

	CHECK(n >= 0);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		add_attr(path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static size_t pick_text(const struct known *known, const __u16 *dice, char *text,
			size_t room)
{
	static const char *const keys[] = {
		"bit", "drop", "dup", "parity", "frame", "break", "burst", "seed",
	};
	size_t n = 0, i;
	__u64 number;

	while (known && n < ARRAY_SIZE(known->values) && known->values[n])
		n++;
	switch (n ? below(dice[0], 8) : 7) {
	case 0:
		number = any_number(dice[1]);
		/* Large buffers make each open slow from then on. */
		if (!strcmp(known->name, "fifo"))
			number %= 10000;
		return snprintf(text, room, "%llu", number);
	case 1:
		return snprintf(text, room, "%s=%llu",
				keys[below(dice[1], ARRAY_SIZE(keys))],
				any_number(dice[2]));
	case 2:		/* one of its bytes is another one */
		n = snprintf(text, room, "%s", known->values[below(dice[1], n)]);
		text[below(dice[2], n)] = more(dice[2]);
		return n;
	case 7:
		n = any_number(dice[1]) % room;
		for (i = 0; i < n; i++)
			text[i] = more(dice[2] + i);
		return n;
	default:
		return snprintf(text, room, "%s%s",
				known->values[below(dice[1], n)],
				below(dice[2], 2) ? "\n" : "");
	}
}

static long run_store(const struct call *call, const __u16 *dice)
{
	static char text[2 * PAGE];
	const struct attr *attr;
	size_t size;

	(void)call;
	if (!nr_attrs)
		return 0;
	attr = &attrs[below(dice[0], nr_attrs)];
	size = pick_text(attr->known, dice + 1, text, sizeof(text));

	return pwrite(attr->fd, text, size, 0);
}

static long run_show(const struct call *call, const __u16 *dice)
{
	static char text[PAGE];

	(void)call;
	if (!nr_readable)
		return 0;

	return pread(readable[below(dice[0], nr_readable)].fd, text,
		     1 + more(dice[1]) % sizeof(text), below(dice[1], 8) ? 0 : 3);
}

/* The whole */

static const struct call plain_calls[] = {
	{ .name = "open", .about = ABOUT_ALL, .weight = 8, .nr_dice = 3,
	  .run = run_open },
	{ .name = "close", .about = ABOUT_ALL, .weight = 3, .nr_dice = 1,
	  .run = run_close },
	{ .name = "dup", .about = ABOUT_LINE, .weight = 2, .nr_dice = 1,
	  .run = run_dup },
	{ .name = "fcntl", .about = ABOUT_LINE, .weight = 4, .nr_dice = 3,
	  .run = run_fcntl },
	{ .name = "read", .about = ABOUT_LINE, .weight = 16, .nr_dice = 3,
	  .run = run_read },
	{ .name = "write", .about = ABOUT_LINE, .weight = 16, .nr_dice = 4,
	  .run = run_write },
	{ .name = "splice", .about = ABOUT_LINE, .weight = 4, .nr_dice = 3,
	  .run = run_splice },
	{ .name = "parts", .about = ABOUT_LINE, .weight = 8, .nr_dice = 7,
	  .run = run_parts },
	{ .name = "reserved", .about = ABOUT_IO, .weight = 5, .nr_dice = 4,
	  .run = run_reserved },
	{ .name = "seek", .about = ABOUT_LINE | ABOUT_IO, .weight = 1,
	  .nr_dice = 3, .run = run_seek },
	{ .name = "sync", .about = ABOUT_LINE, .weight = 3, .nr_dice = 1,
	  .run = run_sync },
	{ .name = "poll", .about = ABOUT_LINE, .weight = 6, .nr_dice = 3,
	  .run = run_poll },
	{ .name = "mmap", .about = ABOUT_ALL, .weight = 7, .nr_dice = 5,
	  .run = run_mmap },
	{ .name = "munmap", .about = ABOUT_ALL, .weight = 2, .nr_dice = 3,
	  .run = run_munmap },
	{ .name = "touch", .about = ABOUT_ALL, .weight = 7, .nr_dice = 4,
	  .run = run_touch },
	{ .name = "terminal", .about = ABOUT_LINE, .weight = 14, .nr_dice = 4,
	  .run = run_terminal },
	{ .name = "no_ioctl", .about = ABOUT_ALL, .weight = 3, .nr_dice = 4,
	  .run = run_no_ioctl },
	{ .name = "store", .about = ABOUT_LINE, .weight = 20, .nr_dice = 4,
	  .run = run_store },
	{ .name = "show", .about = ABOUT_LINE, .weight = 4, .nr_dice = 2,
	  .run = run_show },
};

struct call calls[128];
unsigned int nr_calls;

static void add_call(const struct call *call)
{
	CHECK(nr_calls < ARRAY_SIZE(calls) && call->nr_dice <= MAX_DICE);
	calls[nr_calls++] = *call;
}

void calls_list(void)
{
	const struct call *call;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(plain_calls); i++)
		add_call(&plain_calls[i]);
	for (call = ioctl_calls; call->name; call++)
		add_call(call);
}

void calls_init(void)
{
	static const char *const modules[] = { "vser", "mem_demo", "io_demo" };
	struct sigaction on_bad_touch = { .sa_handler = on_fault };
	unsigned int i;
	char path[80];

	for (i = 0; i < FUZZ_LINES; i++) {
		snprintf(path, sizeof(path), CLASS "/%s", name_of(i));
		add_attrs(path);
		snprintf(path, sizeof(path), CLASS "/%s/stats", name_of(i));
		add_attrs(path);
	}
	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
		add_attrs(path);
		snprintf(path, sizeof(path), "/sys/module/%s/parameters", modules[i]);
		add_attrs(path);
	}
	CHECK_EQ(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
	CHECK_EQ(sigaction(SIGSEGV, &on_bad_touch, NULL), 0);
	CHECK_EQ(sigaction(SIGBUS, &on_bad_touch, NULL), 0);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	state_init();
}

int run_program(const struct program *program, __u64 *done, volatile bool *slow)
{
	unsigned int i;
	int ret = 0;

	slow_step = slow;
	for (i = 0; i < program->nr_steps; i++) {
		const struct step *step = &program->steps[i];
		const struct call *call = &calls[step->call];

		*slow = false;
		errno = 0;
		if (call->run(call, step->dice) < 0 && errno >= FIRST_ERROR)
			ret = errno;
		__atomic_add_fetch(done, 1, __ATOMIC_RELAXED);
	}
	*slow = false;
	state_clear();

	return ret;
}
