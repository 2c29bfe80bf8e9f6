/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vserctl - pictures, drawn by gnuplot
 *
 * The name of the file says what it becomes: .svg and .png are drawn here and
 * now; .gp is what gnuplot would have been told, with the data in it, so that a
 * machine without gnuplot can measure and another one draw.
 */
#ifndef PLOT_H
#define PLOT_H

#include <stdbool.h>

enum plot_scale {
	PLOT_LINEAR,
	PLOT_BYTES,	/* logarithmic: 64, 1Ki, 32Ki */
	PLOT_TIME,	/* logarithmic: 10, 1k, 100k */
	PLOT_PERCENT,	/* logarithmic: 0.01, 1, 100 */
};

/**
 * struct plot_axes - what the axes are
 * @title: of the whole
 * @x, @y: their names with units
 * @scale_x, @scale_y: how they are divided
 * @steps: after a point, what holds is the next one's y
 */
struct plot_axes {
	const char *title;
	const char *x;
	const char *y;
	enum plot_scale scale_x;
	enum plot_scale scale_y;
	bool steps;
};

struct plot;

/* Checks the name and starts; exits with a sentence if it cannot be done. */
struct plot *plot_new(const char *file, const struct plot_axes *axes);

/* Starts a curve. */
void plot_curve(struct plot *plot, const char *name);

/* A point of the last curve. */
void plot_point(struct plot *plot, double x, double y);

/* Draws it. */
void plot_finish(struct plot *plot);

#endif /* PLOT_H */
