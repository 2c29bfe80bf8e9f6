/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small test harness that speaks TAP, the Test Anything Protocol.
 *
 *	TEST(zero_bytes, "a read of no bytes gives none")
 *	{
 *		CHECK_EQ(read(open_line(O_RDONLY), NULL, 0), 0);
 *	}
 *
 * A test program is a number of TEST()s, linked with tap.c, which has main().
 * Each test runs in a process of its own and for a limited time, which grows
 * with how slow the machine is (see tap.c), so that one that crashes or hangs
 * is one "not ok", and the others go on. A check that fails ends the process
 * that made it. What a test leaves running is killed.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>

/* For a test, on a machine that has nothing else to do; times TEST_TIMEOUT_SCALE. */
#define TAP_SECONDS	20

struct tap_test {
	const char *name;
	const char *behaviour;
	unsigned int seconds;
	void (*run)(void);
	struct tap_test *next;
};

#define TEST(name, behaviour)	TEST_WITHIN(name, TAP_SECONDS, behaviour)

#define TEST_WITHIN(name, seconds, behaviour)				\
static void test_##name(void);						\
static void __attribute__((constructor)) register_##name(void)		\
{									\
	static struct tap_test test = {					\
		#name, behaviour, seconds, test_##name, 0		\
	};								\
									\
	tap_register(&test);						\
}									\
static void test_##name(void)

/* Ends the test as one that cannot be made here. Only in its first process. */
#define SKIP(reason)	tap_skip(reason)

#define CHECK(truth)							\
	TAP_CHECK(#truth, tap_check, !!(truth), true)

#define CHECK_EQ(is, wanted)						\
	TAP_CHECK(#is " == " #wanted, tap_check_eq, is, wanted)

/* The call answers -1 and this errno. */
#define CHECK_ERR(call, error)						\
	TAP_CHECK(#call ": " #error, tap_check_err, call, error)

/* Looks again and again until it is so, or the test's time is over. */
#define WAIT_UNTIL(truth)						\
	do {								\
		TAP_AT("waiting for " #truth);				\
		while (!(truth))					\
			tap_nap();					\
	} while (0)

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/*
 * For loops over a table: the row that is being looked at is reported together
 * with what fails. NULL: no row any more.
 */
void tap_row(const char *row);

/* The same for rows that have no name. */
void tap_row_number(size_t number);

/*
 * How long to wait, in seconds or what you like, for what is done within this time on
 * a machine that has nothing else to do: several times as long, more if this one is
 * slow. It may grow while the test runs.
 */
unsigned int tap_slow(unsigned int limit);

/* If set, runs at the start of each test, as part of it. */
extern void (*tap_before_each)(void);

/* How long a machine at rest takes for what is done to see how slow this one is. */
extern unsigned int tap_burst_ns;

/* The rest is for the macros. */

#define TAP_AT(text)	tap_at(__FILE__, __LINE__, text)

/* Says where we are twice: what is checked may call what makes checks too. */
#define TAP_CHECK(text, check, is, wanted)				\
	do {								\
		long long tap_is, tap_wanted;				\
									\
		TAP_AT(text);						\
		tap_is = (is);						\
		tap_wanted = (wanted);					\
		TAP_AT(text);						\
		check(tap_is, tap_wanted);				\
	} while (0)

void tap_register(struct tap_test *test);
void tap_at(const char *file, int line, const char *text);
void tap_nap(void);
void tap_check(bool is, bool wanted);
void tap_check_eq(long long is, long long wanted);
void tap_check_err(long long is, int error);
noreturn void tap_skip(const char *reason);

#endif /* TAP_H */
