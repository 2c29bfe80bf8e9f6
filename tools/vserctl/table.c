// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - tables; see table.h
 */
#include <err.h>
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static enum { FOR_PEOPLE, AS_JSON, AS_RAW } form;

static error_t parse_table_option(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	(void)state;

	switch (key) {
	case 'J':
		form = AS_JSON;
		return 0;
	case 'r':
		form = AS_RAW;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp table_options = {
	.options = (const struct argp_option[]) {
		{ "json", 'J', NULL, 0, "Print JSON", 0 },
		{ "raw", 'r', NULL, 0,
		  "Print words, a row a line, blanks in words as \\x20", 0 },
		{ }
	},
	.parser = parse_table_option,
};

struct table {
	const char *name;
	enum table_style style;
	const struct column *columns;
	size_t nr_columns;
	size_t nr_rows;
	char **cells;		/* row by row; NULL: unknown */
};

bool table_for_people(void)
{
	return form == FOR_PEOPLE;
}

struct table *table_new(const char *name, enum table_style style,
			const struct column *columns, size_t count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		err(EXIT_FAILURE, "table");
	table->name = name;
	table->style = style;
	table->columns = columns;
	table->nr_columns = count;
	return table;
}

static char **cell_at(const struct table *table, size_t row, size_t column)
{
	return &table->cells[row * table->nr_columns + column];
}

void table_add_row(struct table *table)
{
	size_t column;

	table->cells = reallocarray(table->cells, table->nr_rows + 1,
				    table->nr_columns * sizeof(*table->cells));
	if (!table->cells)
		err(EXIT_FAILURE, "table");
	for (column = 0; column < table->nr_columns; column++)
		*cell_at(table, table->nr_rows, column) = NULL;
	table->nr_rows++;
}

void table_set(struct table *table, size_t column, const char *format, ...)
{
	char **cell = cell_at(table, table->nr_rows - 1, column);
	va_list arguments;

	free(*cell);
	va_start(arguments, format);
	if (vasprintf(cell, format, arguments) < 0)
		err(EXIT_FAILURE, "table");
	va_end(arguments);
}

void table_set_number(struct table *table, size_t column, long long number)
{
	table_set(table, column, "%lld", number);
}

void table_set_truth(struct table *table, size_t column, bool truth)
{
	table_set(table, column, "%s", truth ? "yes" : "no");
}

/* From here on: printing. */

static struct libscols_table *new_output(const struct table *table)
{
	struct libscols_table *output;

	scols_init_debug(0);
	output = scols_new_table();
	if (!output || scols_table_set_name(output, table->name) ||
	    scols_table_enable_json(output, form == AS_JSON) ||
	    scols_table_enable_raw(output, form == AS_RAW))
		err(EXIT_FAILURE, "table");
	return output;
}

static void add_output_column(struct libscols_table *output, const char *heading,
			      enum column_type type)
{
	struct libscols_column *column;
	int json = SCOLS_JSON_STRING;

	if (type == COLUMN_NUMBER)
		json = SCOLS_JSON_NUMBER;
	else if (type == COLUMN_TRUTH)
		json = SCOLS_JSON_BOOLEAN_OPTIONAL;
	column = scols_table_new_column(output, heading, 0,
					type == COLUMN_NUMBER ? SCOLS_FL_RIGHT : 0);
	if (!column || scols_column_set_json_type(column, json))
		err(EXIT_FAILURE, "table");
}

static struct libscols_line *add_output_line(struct libscols_table *output)
{
	struct libscols_line *line = scols_table_new_line(output, NULL);

	if (!line)
		err(EXIT_FAILURE, "table");
	return line;
}

static void set_output(struct libscols_line *line, size_t column,
		       const char *text)
{
	if (!text && form != AS_JSON)
		text = "-";
	if (scols_line_set_data(line, column, text))
		err(EXIT_FAILURE, "table");
}

static void print_output(struct libscols_table *output)
{
	if (scols_print_table(output))
		err(EXIT_FAILURE, "standard output");
	scols_unref_table(output);
}

static bool is_printed(const struct table *table, const struct column *column)
{
	if (form != FOR_PEOPLE)
		return true;
	if (column->type == COLUMN_NOTE)
		return false;
	return table->style == TABLE_CARDS || !column->detail;
}

static void print_rows(const struct table *table)
{
	struct libscols_table *output = new_output(table);
	size_t row, column, place;

	for (column = 0; column < table->nr_columns; column++) {
		const struct column *c = &table->columns[column];

		if (is_printed(table, c))
			add_output_column(output, form == FOR_PEOPLE ?
					  c->heading : c->name, c->type);
	}
	for (row = 0; row < table->nr_rows; row++) {
		struct libscols_line *line = add_output_line(output);

		for (column = 0, place = 0; column < table->nr_columns; column++) {
			if (is_printed(table, &table->columns[column]))
				set_output(line, place++,
					   *cell_at(table, row, column));
		}
	}
	print_output(output);
}

static void print_cards(const struct table *table)
{
	size_t row, column;

	for (row = 0; row < table->nr_rows; row++) {
		struct libscols_table *output = new_output(table);

		if (row)
			putchar('\n');
		if (scols_table_enable_noheadings(output, 1))
			err(EXIT_FAILURE, "table");
		add_output_column(output, "NAME", COLUMN_TEXT);
		add_output_column(output, "VALUE", COLUMN_TEXT);
		for (column = 0; column < table->nr_columns; column++) {
			const struct column *c = &table->columns[column];
			struct libscols_line *line;

			if (!is_printed(table, c))
				continue;
			line = add_output_line(output);
			set_output(line, 0, c->heading);
			set_output(line, 1, *cell_at(table, row, column));
		}
		print_output(output);
	}
}

static bool has_note(const struct table *table, size_t row, size_t column,
		     const char *note)
{
	const char *own = *cell_at(table, row, column);

	return own && strcmp(own, note) == 0;
}

/* The names of the rows that have this note, of which @row is the first. */
static void print_note(const struct table *table, size_t row, size_t column)
{
	const char *note = *cell_at(table, row, column);
	const char *name = *cell_at(table, row, 0);

	fputs(name, stdout);
	for (row++; row < table->nr_rows; row++) {
		if (!has_note(table, row, column, note))
			continue;
		if (strcmp(*cell_at(table, row, 0), name) != 0)
			printf(", %s", *cell_at(table, row, 0));
		name = *cell_at(table, row, 0);
	}
	printf(": %s\n", note);
}

/*
 * Below the table, once for all rows whose note is the same:
 *	vmalloc, vzalloc: not one block of the buddy system, so it has no order
 */
static void print_notes(const struct table *table, size_t column)
{
	size_t row, earlier;

	for (row = 0; row < table->nr_rows; row++) {
		const char *note = *cell_at(table, row, column);

		if (!note)
			continue;
		for (earlier = 0; earlier < row; earlier++) {
			if (has_note(table, earlier, column, note))
				break;
		}
		if (earlier == row)
			print_note(table, row, column);
	}
}

void table_print(struct table *table)
{
	size_t cell, column;

	if (form == FOR_PEOPLE && table->style == TABLE_CARDS)
		print_cards(table);
	else
		print_rows(table);
	for (column = 0; column < table->nr_columns && form == FOR_PEOPLE; column++) {
		if (table->columns[column].type == COLUMN_NOTE)
			print_notes(table, column);
	}

	for (cell = 0; cell < table->nr_rows * table->nr_columns; cell++)
		free(table->cells[cell]);
	free(table->cells);
	free(table);
}
