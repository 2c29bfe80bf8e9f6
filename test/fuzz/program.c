// SPDX-License-Identifier: GPL-2.0
/* Programs: made at random, changed, and as text. See fuzz.h. */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Spreads a number over all 64 bits (the finalizer of splitmix64). */
__u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;

	return x ^ x >> 31;
}

unsigned int any(struct random *random, unsigned int below)
{
	random->state = mix(random->state);

	return (random->state >> 32) % below;
}

static void roll(struct random *random, struct step *step)
{
	unsigned int i;

	for (i = 0; i < MAX_DICE; i++)
		step->dice[i] = any(random, 1 << 16);
}

static void new_step(struct random *random, struct step *step, unsigned int about)
{
	unsigned int sum = 0, at, i;

	for (i = 0; i < nr_calls; i++)
		if (calls[i].about & about)
			sum += calls[i].weight;
	at = any(random, sum);
	for (i = 0; i < nr_calls; i++) {
		if (!(calls[i].about & about))
			continue;
		if (at < calls[i].weight)
			break;
		at -= calls[i].weight;
	}
	step->call = i;
	roll(random, step);
}

static unsigned int any_subject(struct random *random)
{
	static const unsigned int subjects[] = {
		ABOUT_LINE, ABOUT_LINE, ABOUT_MEM, ABOUT_MEM, ABOUT_IO, ABOUT_IO,
		ABOUT_ALL,
	};

	return subjects[any(random, sizeof(subjects) / sizeof(*subjects))];
}

/* A call that gives something that others need. */
static void new_source(struct random *random, struct step *step, unsigned int about)
{
	do
		new_step(random, step, about);
	while (!calls[step->call].made);
}

/* Most begin with open, the first call in the table. */
void new_program(struct random *random, struct program *program)
{
	unsigned int about = any_subject(random), i;

	program->nr_steps = 2 + any(random, MAX_STEPS - 4);
	for (i = 0; i < program->nr_steps; i++)
		if (about == ABOUT_LINE || any(random, 4))
			new_step(random, &program->steps[i], about);
		else
			new_source(random, &program->steps[i], about);
	if (any(random, 16))
		program->steps[0].call = 0;
}

static void insert_steps(struct program *program, unsigned int at,
			 const struct step *steps, unsigned int n)
{
	if (n > MAX_STEPS - program->nr_steps)
		n = MAX_STEPS - program->nr_steps;
	memmove(&program->steps[at + n], &program->steps[at],
		(program->nr_steps - at) * sizeof(*steps));
	memcpy(&program->steps[at], steps, n * sizeof(*steps));
	program->nr_steps += n;
}

static void remove_step(struct program *program, unsigned int at)
{
	program->nr_steps--;
	memmove(&program->steps[at], &program->steps[at + 1],
		(program->nr_steps - at) * sizeof(program->steps[0]));
}

static void mutate_once(struct random *random, struct program *program,
			const struct program *other)
{
	unsigned int at = any(random, program->nr_steps), from;
	struct step *step = &program->steps[at];
	unsigned int die = any(random, calls[step->call].nr_dice);
	struct step copy;

	switch (any(random, 10)) {
	case 0 ... 3:
		step->dice[die] = any(random, 1 << 16);
		break;
	case 4:
		roll(random, step);
		break;
	case 5:
		new_step(random, &copy, any_subject(random));
		insert_steps(program, at + any(random, 2), &copy, 1);
		break;
	case 6:
		copy = *step;
		insert_steps(program, at, &copy, 1);
		break;
	case 7:
		if (program->nr_steps > 2)
			remove_step(program, at);
		break;
	default:
		from = any(random, other->nr_steps);
		insert_steps(program, at + any(random, 2), &other->steps[from],
			     1 + any(random, other->nr_steps - from));
		break;
	}
}

void mutate_program(struct random *random, struct program *program,
		    const struct program *other)
{
	unsigned int n = 1 + any(random, 4);

	while (n--)
		mutate_once(random, program, other);
}

/* As in "open=0a3f0001 read=12340000ffff". */
void print_program(const struct program *program, char text[MAX_TEXT])
{
	const struct step *step = program->steps;
	unsigned int i, j;
	size_t n = 0;

	for (i = 0; i < program->nr_steps; i++, step++) {
		const struct call *call = &calls[step->call];

		n += snprintf(text + n, MAX_TEXT - n, "%s%s=", i ? " " : "",
			      call->name);
		for (j = 0; j < call->nr_dice; j++)
			n += snprintf(text + n, MAX_TEXT - n, "%04x",
				      step->dice[j]);
	}
}

static bool parse_step(const char *word, struct step *step)
{
	const char *dice = strchr(word, '=');
	char digits[5] = "";
	unsigned int i;

	if (!dice)
		return false;
	for (i = 0; i < nr_calls; i++)
		if (strlen(calls[i].name) == (size_t)(dice - word) &&
		    !strncmp(calls[i].name, word, dice - word))
			break;
	dice++;
	if (i == nr_calls || strlen(dice) != 4 * calls[i].nr_dice)
		return false;
	step->call = i;
	for (i = 0; *dice; i++, dice += 4) {
		memcpy(digits, dice, 4);
		step->dice[i] = strtoul(digits, NULL, 16);
	}

	return true;
}

bool parse_program(const char *text, struct program *program)
{
	char copy[MAX_TEXT], *rest, *word;

	if (strlen(text) >= sizeof(copy))
		return false;
	memset(program, 0, sizeof(*program));
	strcpy(copy, text);
	for (word = strtok_r(copy, " \n", &rest); word;
	     word = strtok_r(NULL, " \n", &rest)) {
		if (program->nr_steps == MAX_STEPS ||
		    !parse_step(word, &program->steps[program->nr_steps]))
			return false;
		program->nr_steps++;
	}

	return program->nr_steps;
}
