// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer: makes calls on the lines, the laboratories and their files in sysfs, at
 * random, but such as are mostly nearly right, until TEST_FUZZ of them are made.
 *
 * A worker runs programs, see fuzz.h, one after the other. A timer's signal ends
 * what waits. Where the kernel tells what it runs through (KCOV), a program that
 * gets somewhere new joins the corpus, and most programs are made out of those in
 * there. The others depend on TEST_FUZZ_SEED and their number alone. So on a kernel
 * without KCOV, the same seed gives the same programs.
 *
 * After each round the worker ends; then the books must balance and nothing may be
 * held. A program that takes too long fails the test, unless it is one of the rare
 * ones that ask for a lot: these are killed, which has to work at once.
 *
 * Each program goes into the kernel's log, as a message that the console does not
 * show until the kernel panics, when it shows all that it has. TEST_FUZZ_REPLAY is
 * a file of programs, as they are in this log, to be run in the place of others,
 * one by one; then the console shows each before it is run.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "io.h"
#include "mem.h"
#include "wire.h"

#define CALLS		1000000
#define ROUND		50000		/* calls */
#define MAX_CORPUS	4096
#define NR_LAST		8		/* programs that are shown if one fails */
#define TICK_USEC	4000		/* from one signal to the next */
#define HANG_SECONDS	20		/* this one and the last for tap_slow() */
#define SLOW_SECONDS	1
#define DYING_SECONDS	10

/* In the kernel's log; "<7>" is the level of a message, that of debugging. */
#define MARK		"fuzz: "
#define DEBUG_LEVEL	7
#define MAX_RECORD	900

FRESH_LINES(FUZZ_LINES)

/* What supervisor and workers have in common; only the worker writes, if there is one. */
static struct {
	__u64 calls;
	__u64 programs;
	__u64 started;		/* the one that runs, in ns; 0: none does */
	volatile bool slow;	/* it may take minutes */
	struct program last[NR_LAST];	/* program n is at n % NR_LAST */
	struct program corpus[MAX_CORPUS];
	unsigned int nr_corpus;
} *shared;

static __u64 seed;
static int log_fd;

static __u64 setting(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* The worker */

static void log_program(const struct program *program)
{
	static char text[MAX_TEXT], record[MAX_RECORD + 80];
	size_t at, length;
	int n;

	if (log_fd < 0)
		return;
	print_program(program, text);
	length = strlen(text);
	for (at = 0; at < length; at += MAX_RECORD) {
		n = snprintf(record, sizeof(record), "<%d>" MARK "%s%.*s", DEBUG_LEVEL,
			     at ? "+" : "", MAX_RECORD, text + at);
		/* It may be lost if memory is short. */
		if (write(log_fd, record, n) < 0)
			return;
	}
}

static void run_and_note(struct program *program)
{
	int error;

	log_program(program);
	shared->last[shared->programs % NR_LAST] = *program;
	__atomic_store_n(&shared->started, now_ns(), __ATOMIC_RELEASE);
	coverage_reset();
	error = run_program(program, &shared->calls, &shared->slow);
	shared->programs++;
	__atomic_store_n(&shared->started, 0, __ATOMIC_RELEASE);
	/* What a program gets to see is never one of the kernel's own errnos. */
	CHECK_EQ(error, 0);
}

static void make_program(struct random *random, struct program *program)
{
	unsigned int n = shared->nr_corpus;

	if (!n || !any(random, 4)) {
		new_program(random, program);
		return;
	}
	*program = shared->corpus[any(random, n)];
	mutate_program(random, program, &shared->corpus[any(random, n)]);
}

static void join_corpus(struct random *random, const struct program *program)
{
	unsigned int at = shared->nr_corpus;

	if (at == MAX_CORPUS)
		at = any(random, MAX_CORPUS);
	else
		shared->nr_corpus++;
	shared->corpus[at] = *program;
}

static void ignore(int sig)
{
	(void)sig;
}

static void start_worker(void)
{
	struct sigaction action = { .sa_handler = ignore };
	struct itimerval timer = {
		.it_interval.tv_usec = TICK_USEC, .it_value.tv_usec = TICK_USEC,
	};

	log_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	coverage_start();
	calls_init();
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void work(__u64 until)
{
	struct program program;

	start_worker();
	while (shared->calls < until) {
		struct random random = { mix(seed) ^ mix(shared->programs) };

		memset(&program, 0, sizeof(program));
		make_program(&random, &program);
		run_and_note(&program);
		if (coverage_is_new())
			join_corpus(&random, &program);
	}
}

/* The supervisor */

static void show_last(void)
{
	__u64 end = shared->programs + !!shared->started, i;
	static char text[MAX_TEXT];

	printf("# seed %llu, program %llu; the last ones, the newest at the end:\n",
	       seed, shared->programs);
	for (i = end > NR_LAST ? end - NR_LAST : 0; i < end; i++) {
		print_program(&shared->last[i % NR_LAST], text);
		printf("# %s\n", text);
	}
}

static void show_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[200];

	while (file && fgets(line, sizeof(line), file))
		printf("#   %s", line);
	if (file)
		fclose(file);
}

/* The kernel's side of a process that does not go on. */
static void show_stuck(pid_t pid)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	show_file(path);
	snprintf(path, sizeof(path), "/proc/%d/wchan", pid);
	show_file(path);
	printf("\n");
}

static void kill_worker(pid_t pid)
{
	__u64 start = now_ns();
	int status;

	CHECK_EQ(kill(pid, SIGKILL), 0);
	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ns() - start > tap_slow(DYING_SECONDS) * NSEC_PER_SEC) {
			printf("# the worker cannot be killed\n");
			show_stuck(pid);
			show_last();
			CHECK(!"it can be killed");
		}
		tap_nap();
	}
	/* That program is over. */
	shared->programs++;
	shared->started = 0;
}

/* Runs a worker until it has ended. Was one killed that was slow, not stuck? */
static bool watch(pid_t pid)
{
	__u64 started, seconds;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		started = __atomic_load_n(&shared->started, __ATOMIC_ACQUIRE);
		seconds = started ? (now_ns() - started) / NSEC_PER_SEC : 0;
		if (shared->slow && seconds > SLOW_SECONDS && seconds < 1 << 20) {
			kill_worker(pid);
			return true;
		}
		if (seconds > tap_slow(HANG_SECONDS) && seconds < 1 << 20) {
			printf("# a program hangs\n");
			show_stuck(pid);
			show_last();
			kill_worker(pid);
			CHECK(!"no program hangs");
		}
		sleep_ms(20);
	}
	if (status) {
		printf("# the worker has ended with status %#x\n", status);
		show_last();
		CHECK_EQ(status, 0);
	}

	return false;
}

/* Nothing is queued or held any more, and every byte is accounted for. */
static void check_all(void)
{
	unsigned int line;
	int fd;

	for (line = 0; line < FUZZ_LINES; line++) {
		set_attr(line, "pacing", "0");
		wire_line(line, "open");
	}
	for (line = 0; line < FUZZ_LINES; line++) {
		tap_row(name_of(line));
		CHECK_EQ(stat_of(line, "tx_queued"), 0);
		check_line_books(line);
	}
	tap_row(NULL);
	fd = open_mem();
	check_nothing_held(fd);
	close(fd);
}

/* Says what the last programs were if something is not as it should be. */
static void check_round(void)
{
	pid_t pid;
	int status;

	CHILD(pid)
		check_all();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (status)
		show_last();
	CHECK_EQ(status, 0);
}

/* Lets the console show what is only for debugging, or keeps it for a panic. */
static void set_up_log(bool show)
{
	static const char *const all[] = {
		"/sys/module/kernel/parameters/panic_print", "0x20",
		"/proc/sys/kernel/printk_devkmsg", "on\n",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i += 2)
		if (exists(all[i]))
			write_file(all[i], all[i + 1]);
	/* SYSLOG_ACTION_CONSOLE_LEVEL: what is below this level is shown. */
	CHECK_EQ(klogctl(8, NULL, DEBUG_LEVEL + show), 0);
}

/* Large buffers take long to come and go. They are asked for later, now and then. */
static void shrink_fifos(void)
{
	unsigned int line;

	for (line = 0; line < FUZZ_LINES; line++)
		set_attr(line, "fifo", "4096");
}

static void set_up(bool replay)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	seed = setting("TEST_FUZZ_SEED", 1);
	calls_list();
	coverage_init();
	set_up_log(replay);
	reload_mem("quota_file=8388608 quota_total=16777216");
	shrink_fifos();
	close(lab("reserved=" RESERVED));
}

static void take_down(void)
{
	WAIT_UNTIL(!try_unload_mem());
	unload_lab();
}

/* Of a line of the kernel's log, what comes after the mark; else all of it. */
static const char *text_of(const char *line)
{
	const char *mark = strstr(line, MARK);

	return mark ? mark + strlen(MARK) : line;
}

/* Reads a program; one that is long is on several lines. */
static bool read_program(FILE *file, char text[MAX_TEXT])
{
	static char line[MAX_TEXT];
	static bool ahead;

	if (!ahead && !fgets(line, sizeof(line), file))
		return false;
	snprintf(text, MAX_TEXT, "%s", text_of(line));
	for (ahead = false; fgets(line, sizeof(line), file);) {
		const char *more = text_of(line);

		if (*more != '+') {
			ahead = true;
			break;
		}
		text[strcspn(text, "\n")] = '\0';
		strncat(text, more + 1, MAX_TEXT - strlen(text) - 1);
	}

	return true;
}

static void replay(const char *path)
{
	static char text[MAX_TEXT];
	FILE *file = fopen(path, "re");
	struct program program;

	CHECK(file);
	start_worker();
	while (read_program(file, text)) {
		tap_row(text);
		CHECK(parse_program(text, &program));
		run_and_note(&program);
	}
}

static void report(__u64 begin, unsigned int killed)
{
	__u64 ms = (now_ns() - begin) / 1000000;

	printf("# %llu calls in %llu programs, %llu a second; ", shared->calls,
	       shared->programs, shared->calls * 1000 / (ms + 1));
	printf("corpus %u, places %u, edges %u, slow ones killed %u\n",
	       shared->nr_corpus, coverage_places(), coverage_edges(), killed);
}

static void fuzz(__u64 wanted)
{
	unsigned int killed = 0;
	__u64 begin = now_ns();
	__u64 until = 0;
	pid_t pid;

	while (shared->calls < wanted) {
		until = shared->calls + ROUND < wanted ? shared->calls + ROUND : wanted;
		while (shared->calls < until) {
			CHILD(pid)
				work(until);
			killed += watch(pid);
		}
		check_round();
		report(begin, killed);
	}
}

TEST_WITHIN(fuzz, 24 * 3600, "no call breaks the kernel, hangs, leaks or loses a byte")
{
	const char *programs = getenv("TEST_FUZZ_REPLAY");
	pid_t pid;

	set_up(programs);
	if (programs && *programs) {
		CHILD(pid)
			replay(programs);
		watch(pid);
		check_round();
	} else {
		printf("# seed %llu\n", seed);
		fuzz(setting("TEST_FUZZ", CALLS));
	}
	take_down();
}
