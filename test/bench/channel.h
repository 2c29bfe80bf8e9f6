/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the benchmarks share that move bytes from one process to another: the other
 * process, a pipe, a line, and the time. Whatever fails in here ends the program.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MAX_BLOCK	(1 << 20)

static char block[MAX_BLOCK];

static inline __attribute__((noreturn)) void fail(const char *what)
{
	error(0, errno, "%s", what);
	exit(EXIT_FAILURE);
}

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static inline void child_ended(int signal, siginfo_t *info, void *context)
{
	static const char text[] = "the other process failed\n";

	(void)signal;
	(void)context;
	if (info->si_code == CLD_EXITED && !info->si_status)
		return;
	_exit(write(STDERR_FILENO, text, sizeof(text) - 1) < 0 ? 2 : EXIT_FAILURE);
}

/* As fork(); if one of the two fails, the other one does not wait for it. */
static inline pid_t fork_other(void)
{
	struct sigaction action = {
		.sa_sigaction = child_ended,
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP,
	};
	pid_t child;

	if (sigaction(SIGCHLD, &action, NULL))
		fail("sigaction");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child)
		prctl(PR_SET_PDEATHSIG, SIGKILL);

	return child;
}

/* Two ends of a channel: what is written to one of them is read from the other. */
struct ends {
	int writer;
	int reader;
};

static inline struct ends make_pipe(void)
{
	int fds[2];

	if (pipe(fds))
		fail("pipe");

	return (struct ends) { fds[1], fds[0] };
}

static inline void set_attr(const char *line, const char *name, const char *value)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/vser/%s/%s", line, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail(path);
	close(fd);
}

static inline struct ends make_line(const char *wire, const char *reader)
{
	struct ends ends;

	set_attr("vser", "exclusive", "0");
	set_attr("vser", "wire", wire);
	set_attr("vser", "pacing", "0");
	set_attr("vser1", "pacing", "0");
	ends.writer = open("/dev/vser", O_RDWR);
	ends.reader = open(reader, O_RDWR);
	if (ends.writer < 0 || ends.reader < 0)
		fail("/dev/vser");

	return ends;
}

static inline struct ends make_nullmodem(void)
{
	return make_line("nullmodem:vser1", "/dev/vser1");
}

static inline struct ends make_loopback(void)
{
	return make_line("loopback", "/dev/vser");
}

/* The two queues of peers/plain_fifo.c. */
static inline struct ends make_plain_fifo(void)
{
	struct ends ends = {
		open("/dev/plain_fifo0", O_RDWR), open("/dev/plain_fifo1", O_RDWR)
	};

	if (ends.writer < 0 || ends.reader < 0)
		fail("/dev/plain_fifo");

	return ends;
}

static inline void close_ends(struct ends ends)
{
	close(ends.writer);
	close(ends.reader);
}

static inline void write_all(int fd, size_t size)
{
	ssize_t n;

	while (size) {
		n = write(fd, block, size < MAX_BLOCK ? size : MAX_BLOCK);
		if (n < 0)
			fail("write");
		size -= n;
	}
}

/* Reads @size bytes, by blocks; if @polled, after poll() has said that there are some. */
static inline void read_blocks(int fd, size_t size, size_t block_size, bool polled)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (size) {
		if (polled && poll(&look, 1, -1) != 1)
			fail("poll");
		n = read(fd, block, block_size);
		if (n <= 0)
			fail("read");
		size -= n;
	}
}

static inline void read_all(int fd, size_t size)
{
	read_blocks(fd, size, size, false);
}

static inline void check_child(pid_t child)
{
	/* If it failed, child_ended() knows. */
	if (waitpid(child, NULL, 0) != child)
		fail("waitpid");
}

#endif /* CHANNEL_H */
