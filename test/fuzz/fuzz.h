/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the fuzzer have in common.
 *
 * A program is a row of steps, a step one call and a few dice: 16-bit numbers out
 * of which everything is made that the call is given. What dice mean depends on
 * the field that they are for, and on what the steps before have opened, mapped
 * and been given: so the same program does the same again, and one die that
 * changes is one field that changes.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define FUZZ_LINES	4
#define MAX_DICE	20
#define MAX_STEPS	24
#define MAX_TEXT	4096	/* of a program, with its 0 */

/* What a call is about; most programs keep to one of these. */
#define ABOUT_LINE	1
#define ABOUT_MEM	2
#define ABOUT_IO	4
#define ABOUT_ALL	7

struct field;

/**
 * struct call - something that a step can do
 * @name:     in the text of a program
 * @about:    ABOUT_*
 * @weight:   how often, compared with others
 * @nr_dice:  dice that it needs
 * @run:      does it; returns what the system call does
 * @request:  of an ioctl: its number
 * @on:       of an ioctl: the kind of descriptor that it is for, enum kind
 * @fields:   of an ioctl: what its structure consists of; ends with size 0
 * @mend:     of an ioctl: makes fields that are in order each fit together
 * @made:     of an ioctl that has succeeded: keeps what it gave
 */
struct call {
	const char *name;
	unsigned int about;
	unsigned int weight;
	unsigned int nr_dice;
	long (*run)(const struct call *call, const __u16 *dice);
	unsigned long request;
	unsigned int on;
	const struct field *fields;
	void (*mend)(void *request);
	void (*made)(const void *answer, long result);
};

struct step {
	__u16 call;
	__u16 dice[MAX_DICE];
};

struct program {
	__u32 nr_steps;
	struct step steps[MAX_STEPS];
};

/* calls.c */

extern struct call calls[];
extern unsigned int nr_calls;

/* Puts the table together, before anything else. */
void calls_list(void);

/* Makes ready what all programs of this process use. */
void calls_init(void);

/*
 * Runs the program, and gives back all that it has opened and mapped. Counts its
 * calls in *done. Sets *slow, ahead, at a step that may take minutes, which only
 * SIGKILL ends. Returns 0, or an errno that no program must ever see.
 */
int run_program(const struct program *program, __u64 *done, volatile bool *slow);

/* program.c */

struct random {
	__u64 state;
};

__u64 mix(__u64 x);
unsigned int any(struct random *random, unsigned int below);

void new_program(struct random *random, struct program *program);

/* Changes it, perhaps by a part of the other one. */
void mutate_program(struct random *random, struct program *program,
		    const struct program *other);

void print_program(const struct program *program, char text[MAX_TEXT]);

/* Is the text a program? */
bool parse_program(const char *text, struct program *program);

/* coverage.c: it is shared with processes that are forked, one after the other. */

void coverage_init(void);

/* From now on, what this process runs in the modules is noted. */
void coverage_start(void);
bool coverage_is_on(void);

/* Forgets what was noted since the last call. */
void coverage_reset(void);

/* Has it been anywhere, since, where nobody has been before? */
bool coverage_is_new(void);

/* Places in the modules that were reached, and ways from one to the next. */
unsigned int coverage_places(void);
unsigned int coverage_edges(void);

#endif /* FUZZ_H */
