// SPDX-License-Identifier: GPL-2.0
/*
 * vserctl - pictures, drawn by gnuplot; see plot.h
 */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "plot.h"

/*
 * The data of each curve are a block of their own, as gnuplot has them, and the
 * command that draws them all comes last: so its parts are collected apart.
 */
struct plot {
	const char *file;
	const char *style;
	bool by_gnuplot;
	FILE *script;
	FILE *curves;
	char *curves_text;
	size_t curves_size;
	int nr_curves;
};

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length > strlen(end) &&
	       strcmp(name + length - strlen(end), end) == 0;
}

static const char *terminal_for(const char *file)
{
	if (ends_with(file, ".svg") || ends_with(file, ".gp"))
		return "svg size 800,500 dynamic background rgb \"white\"";
	if (ends_with(file, ".png"))
		return "pngcairo size 800,500";
	errx(EXIT_FAILURE, "%s: a plot is a .svg, a .png or a .gp", file);
}

static FILE *open_script(const char *file, bool by_gnuplot)
{
	FILE *script;

	if (by_gnuplot && system("command -v gnuplot >/dev/null") != 0)
		errx(EXIT_FAILURE, "%s: there is no gnuplot here (Debian: gnuplot-nox); "
		     "name a .gp to draw it elsewhere", file);
	script = by_gnuplot ? popen("gnuplot", "we") : fopen(file, "we");
	if (!script)
		err(EXIT_FAILURE, "%s", file);
	return script;
}

/* In gnuplot, a quote within single quotes is two. */
static void put_quoted(FILE *out, const char *text)
{
	putc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', out);
		putc(*text, out);
	}
	putc('\'', out);
}

static void put_setting(FILE *out, const char *name, const char *text)
{
	fprintf(out, "set %s ", name);
	put_quoted(out, text);
	putc('\n', out);
}

static void put_scale(FILE *out, char axis, enum plot_scale scale)
{
	static const struct {
		int base;
		const char *format;
	} scales[] = {
		[PLOT_BYTES] = { 2, "%.0b%B" },
		[PLOT_TIME] = { 10, "%.0s%c" },
		[PLOT_PERCENT] = { 10, "%.4g" },
	};

	if (scale != PLOT_LINEAR)
		fprintf(out, "set logscale %c %d\nset format %c '%s'\n",
			axis, scales[scale].base, axis, scales[scale].format);
}

struct plot *plot_new(const char *file, const struct plot_axes *axes)
{
	const char *terminal = terminal_for(file);
	struct plot *plot = calloc(1, sizeof(*plot));
	FILE *script;

	if (!plot)
		err(EXIT_FAILURE, "plot");
	plot->file = file;
	plot->style = axes->steps ? "fsteps" : "lines";
	plot->by_gnuplot = !ends_with(file, ".gp");
	script = open_script(file, plot->by_gnuplot);
	plot->script = script;
	plot->curves = open_memstream(&plot->curves_text, &plot->curves_size);
	if (!plot->curves)
		err(EXIT_FAILURE, "plot");

	if (plot->by_gnuplot)
		put_setting(script, "output", file);
	else
		fputs("# Draw it with: gnuplot THIS-FILE > FILE.svg\n", script);
	fprintf(script, "set terminal %s\n", terminal);
	put_setting(script, "title", axes->title);
	put_setting(script, "xlabel", axes->x);
	put_setting(script, "ylabel", axes->y);
	fputs("set key outside right noenhanced\nset grid\n", script);
	put_scale(script, 'x', axes->scale_x);
	put_scale(script, 'y', axes->scale_y);
	return plot;
}

static void end_curve(struct plot *plot)
{
	if (plot->nr_curves)
		fputs("END\n", plot->script);
}

void plot_curve(struct plot *plot, const char *name)
{
	end_curve(plot);
	fprintf(plot->curves, "%s$curve%d with %s linewidth 1.5 title ",
		plot->nr_curves ? ", " : "plot ", plot->nr_curves, plot->style);
	put_quoted(plot->curves, name);
	fprintf(plot->script, "$curve%d << END\n", plot->nr_curves++);
}

void plot_point(struct plot *plot, double x, double y)
{
	fprintf(plot->script, "%.10g %.10g\n", x, y);
}

void plot_finish(struct plot *plot)
{
	int status;

	if (!plot->nr_curves)
		errx(EXIT_FAILURE, "%s: there is nothing to plot", plot->file);
	end_curve(plot);
	if (fclose(plot->curves))
		err(EXIT_FAILURE, "plot");
	fprintf(plot->script, "%s\n", plot->curves_text);
	status = plot->by_gnuplot ? pclose(plot->script) : fclose(plot->script);
	if (status < 0)
		err(EXIT_FAILURE, "%s", plot->file);
	if (status > 0)
		errx(EXIT_FAILURE, "%s: gnuplot could not draw it", plot->file);
	free(plot->curves_text);
	free(plot);
}
