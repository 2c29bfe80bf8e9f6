/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl - tables, from one definition of their columns, printed by libsmartcols
 * as a table, as JSON (--json) or as words (--raw).
 */
#ifndef TABLE_H
#define TABLE_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

enum column_type {
	COLUMN_TEXT,
	COLUMN_NUMBER,
	COLUMN_TRUTH,	/* true and false in JSON, else yes and no */
	COLUMN_NOTE,	/* text that the printed table has below it */
};

/**
 * struct column - a column of a table
 * @name:    the key in JSON, and the heading with --raw
 * @heading: the heading of the printed table
 * @type:    what its cells hold
 * @detail:  the printed table has it only as TABLE_CARDS
 */
struct column {
	const char *name;
	const char *heading;
	enum column_type type;
	bool detail;
};

/* How a table is printed for people. JSON and --raw are the same for both. */
enum table_style {
	TABLE_ROWS,	/* a row is a line */
	TABLE_CARDS,	/* a row is a list of names and values: few, but long ones */
};

struct table;

/**
 * table_new - start a table
 * @name:    the key in JSON of the array of rows
 * @columns: must outlive the table
 * @count:   how many
 */
struct table *table_new(const char *name, enum table_style style,
			const struct column *columns, size_t count);

/* Adds a row, in which nothing is known yet: "null" in JSON, else "-". */
void table_add_row(struct table *table);

/* These fill a cell of the last row; @column is its index. */
void table_set(struct table *table, size_t column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void table_set_number(struct table *table, size_t column, long long number);
void table_set_truth(struct table *table, size_t column, bool truth);

/* Prints the table to stdout and frees it. */
void table_print(struct table *table);

/* Is the output for people, so that a sentence may stand beside a table? */
bool table_for_people(void);

/* --json and --raw, for the .children of a command's argp. */
extern const struct argp table_options;
#define TABLE_OPTIONS	{ &table_options, 0, "Output:", 10 }

#endif /* TABLE_H */
