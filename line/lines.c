// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the lines: how they are made and destroyed
 *
 * Touches all of a line before its node exists and after it is gone, and the table
 * of lines.
 */
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/termios.h>
#include <linux/workqueue.h>

#include "line.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int vser_nr_lines = 1;
module_param_named(lines, vser_nr_lines, uint, 0444);
MODULE_PARM_DESC(lines, "number of lines, 1 to " __stringify(VSER_MAX_LINES) " (default 1)");

struct vser_line **vser_lines;

/*
 * Lifetime. A line is plain memory, freed when nothing can reach it any more. Its
 * device in class vser and the cdev of all nodes are objects of the kernel, whose
 * release functions are the kernel's: they may run after this module is gone.
 *
 * The cdev is added when nothing can fail any more, so an open line never sees a
 * load that fails. Devices come before it: their attributes are usable at once, and
 * the removal of a device waits until no attribute is in use. Until the cdev is
 * added, an open of a node is ENXIO.
 */

static void vser_wire_free_faults(struct vser_wire *wire)
{
	if (wire->link.faults != wire->next.faults)
		kfree(wire->link.faults);
	kfree(wire->next.faults);
}

static void vser_line_free(struct vser_line *line)
{
	vser_line_buffer_free(line, line->tx.fifo.kfifo.data,
			      vser_queue_size(&line->tx));
	vser_account_put(line->account);
	vser_wire_free_faults(&line->out);
	vser_wire_free_faults(&line->in);
	kfree(line->generator.text);
	kfree(line);
}

/* Sets a new line to the defaults. */
static void vser_line_init(struct vser_line *line, unsigned int index)
{
	line->index = index;
	if (index)
		snprintf(line->name, sizeof(line->name), VSER_NAME "%u", index);
	else
		strscpy(line->name, VSER_NAME, sizeof(line->name));

	mutex_init(&line->config_lock);
	mutex_init(&line->open_lock);
	INIT_WORK(&line->reap, vser_reap_work);
	vser_queue_init(&line->tx, VSER_DEFAULT_FIFO);
	line->rx_size = VSER_DEFAULT_FIFO;

	line->uart = (struct vser_uart) {
		.baud = VSER_DEFAULT_BAUD,
		.fmt = { .datab = 8, .stopb = 1 },
	};
	line->fault = (struct vser_fault) { .burst = 1, .seed = 1 };
	line->latency = VSER_DEFAULT_LATENCY;
	line->pacing = true;
	line->exclusive = true;

	line->far = &vser_far_generator;
	line->flow = line->far->flow;
	vser_wire_init(&line->out, line, &vser_tx_source);
	vser_wire_init(&line->in, line, &vser_generator_source);
	line->in.to = line;
	line->generator.period = VSER_DEFAULT_PERIOD;
	line->in.pace = vser_pace_of_period(VSER_DEFAULT_PERIOD);
	line->lead = &line->in;
	line->inputs = TIOCM_CTS;

	line->generator.kind = VSER_GEN_LETTERS;
	line->generator.seed = get_random_u64();
	vser_generator_restart(&line->generator);
}

static void vser_timers_cancel(unsigned int n)
{
	while (n--) {
		hrtimer_cancel(&vser_lines[n]->out.timer);
		hrtimer_cancel(&vser_lines[n]->in.timer);
	}
}

/*
 * Stops the first @n lines, which have no node and no device. Nobody has one open, as
 * that would pin the module; but what was written earlier may still be on its way from
 * one to another. So all are unplugged before the first one goes.
 */
void vser_lines_stop(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		mutex_lock(&vser_lines[i]->config_lock);
		vser_unplug(vser_lines[i]);
		mutex_unlock(&vser_lines[i]->config_lock);
	}
	/* One that runs may still be about to report to another line. */
	vser_timers_cancel(n);
	vser_wires_stop();
	vser_timers_cancel(n);
	vser_wires_exit();
	for (i = 0; i < n; i++)
		cancel_work_sync(&vser_lines[i]->reap);
}

/* Destroys the first @n lines, which were stopped, and have no face any more. */
void vser_lines_destroy(unsigned int n)
{
	while (n--)
		vser_line_free(vser_lines[n]);
}

int __init vser_lines_create(unsigned int n)
{
	struct vser_line *line;
	unsigned int i;
	int ret;

	ret = vser_wires_init();
	if (ret)
		return ret;

	for (i = 0; i < n; i++) {
		line = kzalloc(sizeof(*line), GFP_KERNEL);
		if (!line) {
			vser_lines_stop(i);
			vser_lines_destroy(i);
			return -ENOMEM;
		}
		vser_line_init(line, i);
		vser_lines[i] = line;
	}

	return 0;
}
