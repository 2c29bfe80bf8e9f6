// SPDX-License-Identifier: GPL-2.0
/*
 * The main program of every test program: runs the tests one by one, each in a
 * process of its own, and reports in TAP. See tap.h.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/*
 * How long a test may take.
 *
 * Each test says how many seconds it needs at most on a machine that has nothing else
 * to do. On a busy host a virtual machine is slow, each CPU of it differently and now
 * more, now less, and cannot tell: its clock goes on, and what it sees as running may
 * be waiting outside. So while a test runs, each second a burst of work is done, on one
 * CPU after the other, and compared with what it takes on a CPU that works all the
 * time. The mean of that is how slow the machine is, and the limit grows with it.
 *
 * CPU time would be no better measure, as it too goes on while the host does something
 * else, and a test that hangs may use none, or all. A burst comes out too fast where
 * the CPU was idle before, as the host lets those go first: but then the test was not
 * short of CPU either, and PATIENCE is for the rest. It comes out too slow where the
 * test itself keeps all CPUs busy: a hang is found later then, hence SLOWEST.
 *
 * Time in which we do not run ourselves counts only in part: a machine that stood still
 * has given nobody the time to do anything.
 */
#define PATIENCE	3	/* times what a test says it needs */
#define SLOWEST		30	/* times as slow as a machine at rest */
#define LONGEST_SECONDS	1	/* that count of the time between two looks */
#define DYING_SECONDS	5	/* until a process that was killed is gone */
#define BURST_ROUNDS	2000000
#define WORD_SECONDS	30	/* see say_a_word() */

enum result { PASSED, FAILED, SKIPPED };	/* exit status of a test */

/* Where the test that runs is; shared, so that it outlives a crash. */
static struct {
	const char *file;
	int line;
	const char *text;
	char row[128];
	unsigned int percent;	/* how slow the machine is: 100, or more */
} *at;

static struct tap_test *tests;
static struct tap_test **last = &tests;
static const char *running;
static unsigned int number;

void (*tap_before_each)(void);
/* What a burst takes a CPU of 2 to 3 GHz, also one that is emulated. */
unsigned int tap_burst_ns = 4000000;

void tap_register(struct tap_test *test)
{
	*last = test;
	last = &test->next;
}

void tap_at(const char *file, int line, const char *text)
{
	at->file = file;
	at->line = line;
	at->text = text;
}

void tap_row(const char *row)
{
	snprintf(at->row, sizeof(at->row), "%s", row ? row : "");
}

void tap_row_number(size_t number)
{
	snprintf(at->row, sizeof(at->row), "row %zu", number);
}

void tap_nap(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = 2000000 }, NULL);
}

static void explain(const char *why)
{
	if (at->file)
		printf("# %s:%d: %s\n", at->file, at->line, at->text);
	if (*at->row)
		printf("#   with %s\n", at->row);
	printf("#   %s\n", why);
}

static noreturn void fail(const char *why)
{
	const char *error = strerrorname_np(errno);

	explain(why);
	if (errno)
		printf("#   the last error was %s\n", error ? error : "unknown");
	_exit(FAILED);
}

void tap_check(bool is, bool wanted)
{
	if (is != wanted)
		fail("it is not so");
}

void tap_check_eq(long long is, long long wanted)
{
	char why[80];

	if (is == wanted)
		return;
	if (is != -1)
		errno = 0;
	snprintf(why, sizeof(why), "it is %lld, not %lld", is, wanted);
	fail(why);
}

void tap_check_err(long long is, int error)
{
	char why[80];

	if (is == -1 && errno == error)
		return;
	if (is != -1)
		errno = 0;
	snprintf(why, sizeof(why), "it is %lld, not -1 with %s", is,
		 strerrorname_np(error));
	fail(why);
}

void tap_skip(const char *reason)
{
	printf("ok %u - %s # SKIP %s\n", number, running, reason);
	_exit(SKIPPED);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);

	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* The bursts since the test began. */
static struct {
	unsigned int count;
	double spent;		/* seconds */
	double next;
} bursts;

static void start_bursts(void)
{
	memset(&bursts, 0, sizeof(bursts));
	bursts.next = now() + 1;
	at->percent = 100;
}

static void work(void)
{
	unsigned int x = 1, i;

	for (i = 0; i < BURST_ROUNDS; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
	}
	/* It must not be left out. */
	__asm__ volatile("" : : "r" (x));
}

static void burst(void)
{
	double start = now(), percent;
	cpu_set_t all, one;
	int cpus;

	if (start < bursts.next)
		return;
	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	cpus = CPU_COUNT(&all);
	CPU_ZERO(&one);
	CPU_SET(bursts.count % cpus, &one);
	/* A CPU that is not there leaves us where we are. */
	sched_setaffinity(0, sizeof(one), &one);
	start = now();
	work();
	bursts.spent += now() - start;
	bursts.count++;
	sched_setaffinity(0, sizeof(all), &all);
	bursts.next = now() + 1;
	percent = bursts.spent / bursts.count * 100 * 1e9 / tap_burst_ns;
	at->percent = percent < 100 ? 100 :
		      percent > SLOWEST * 100 ? SLOWEST * 100 : percent;
}

unsigned int tap_slow(unsigned int limit)
{
	return (unsigned long long)limit * PATIENCE * at->percent / 100;
}

/*
 * A machine from which nothing comes for a long time is given up by test/vm/check: so
 * while a test takes long, say something. test/vm/follow drops it.
 */
static void say_a_word(void)
{
	static double last;

	if (!getenv("TEST_WORDS") || now() - last < WORD_SECONDS)
		return;
	if (last)
		puts("@alive");
	last = now();
}

/*
 * Waits for a process, or any (-1); returns false if none ended in time. The limit is
 * in seconds of a machine that has nothing else to do.
 */
static bool wait_for(pid_t pid, unsigned int limit, int *status)
{
	struct timespec ts = { .tv_nsec = 100000000 };
	double looked = now(), waited = 0, passed;
	sigset_t child;
	pid_t got;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (!(got = waitpid(pid, status, WNOHANG)) && waited < tap_slow(limit)) {
		sigtimedwait(&child, NULL, &ts);
		burst();
		say_a_word();
		passed = now() - looked;
		looked += passed;
		waited += passed < LONGEST_SECONDS ? passed : LONGEST_SECONDS;
	}

	return got > 0;
}

/* Ends all processes of the test; their descriptors are closed after this. */
static void kill_all(pid_t pid)
{
	int status;

	kill(-pid, SIGKILL);
	while (wait_for(-1, DYING_SECONDS, &status))
		;
	if (waitpid(-1, &status, WNOHANG) == 0)
		printf("#   a process of this test cannot be killed\n");
}

static pid_t start(struct tap_test *test, const sigset_t *mask)
{
	pid_t pid;

	pid = fork();
	if (pid < 0) {
		perror("# fork");
		exit(FAILED);
	}
	setpgid(pid, pid);
	if (pid)
		return pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	errno = 0;
	if (tap_before_each)
		tap_before_each();
	test->run();
	_exit(PASSED);
}

static enum result run(struct tap_test *test, unsigned int scale,
		       const sigset_t *mask)
{
	enum result result = FAILED;
	char why[120] = "";
	double begun;
	bool ended;
	int status;
	pid_t pid;

	memset(at, 0, sizeof(*at));
	start_bursts();
	begun = now();
	running = test->behaviour;
	number++;
	pid = start(test, mask);
	ended = wait_for(pid, test->seconds * scale, &status);
	if (!ended)
		snprintf(why, sizeof(why),
			 "it was not done in %.0f seconds, on a machine that was %u.%u times slower than one at rest",
			 now() - begun, at->percent / 100, at->percent % 100 / 10);
	else if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "it was killed by SIG%s",
			 sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) <= SKIPPED)
		result = WEXITSTATUS(status);

	if (*why)
		explain(why);
	kill_all(pid);
	if (result != SKIPPED)
		printf("%s %u - %s\n", result ? "not ok" : "ok", number,
		       test->behaviour);

	return result;
}

static bool chosen(struct tap_test *test, char **names)
{
	if (!*names)
		return true;
	while (*names)
		if (!strcmp(test->name, *names++))
			return true;

	return false;
}

static int usage(const char *program)
{
	struct tap_test *test;

	printf("Usage: %s [TEST]...\nRuns all tests or these:\n", program);
	for (test = tests; test; test = test->next)
		printf("  %-24s %s\n", test->name, test->behaviour);

	return 2;
}

int main(int argc, char **argv)
{
	const char *scale = getenv("TEST_TIMEOUT_SCALE");
	enum result result = PASSED;
	struct tap_test *test;
	sigset_t child, mask;
	int planned = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (test = tests; test; test = test->next)
		planned += chosen(test, argv + 1);
	if (planned < argc - 1)
		return usage(argv[0]);
	printf("1..%d\n", planned);

	at = mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return FAILED;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &mask);

	for (test = tests; test; test = test->next)
		if (chosen(test, argv + 1) &&
		    run(test, scale ? atoi(scale) : 1, &mask) == FAILED)
			result = FAILED;

	return result;
}
