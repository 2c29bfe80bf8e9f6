// SPDX-License-Identifier: GPL-2.0
/*
 * vser - how a line is set: speed, format, pacing, flow control, faults, generator,
 * size of the queues, wiring
 *
 * Touches the settings of a line, under config_lock.
 *
 * There is one way to set them, all that change in one step: vser_line_configure().
 * It goes in this order, and if it fails, nothing has changed:
 *
 *  - All values are looked at, without a lock.
 *  - The configuration locks are taken, and the wiring is looked at.
 *  - What the wires need is allocated.
 *  - The queues get their size, which is the last that may fail: vser_set_fifo().
 *  - If the wiring changes, the plug is taken out.
 *  - Each wire is caught up with, and gets all that is new under one lock. If it is
 *    out of its plug, it moves nothing meanwhile.
 *  - The plug is put in where it belongs.
 */
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "line.h"

int vser_config_lock(struct vser_line *line)
{
	return mutex_lock_killable(&line->config_lock) ? -EINTR : 0;
}

void vser_config_unlock(struct vser_line *line)
{
	mutex_unlock(&line->config_lock);
}

#define VSER_CONFIG_UART	(VSER_CONFIG_BAUD | VSER_CONFIG_FORMAT)
/* What is set about the generator, which starts anew. */
#define VSER_CONFIG_SOURCE	(VSER_CONFIG_GENERATOR | VSER_CONFIG_SEED |	\
				 VSER_CONFIG_PERIOD)
/* What changes how a line's two wires send. */
#define VSER_CONFIG_PACE	(VSER_CONFIG_UART | VSER_CONFIG_PACING)
#define VSER_CONFIG_BOTH	(VSER_CONFIG_PACE | VSER_CONFIG_LATENCY |	\
				 VSER_CONFIG_FAULT)
#define VSER_CONFIG_OUT		(VSER_CONFIG_BOTH | VSER_CONFIG_FLOW)
#define VSER_CONFIG_IN		(VSER_CONFIG_BOTH | VSER_CONFIG_SOURCE)

static bool vser_generator_valid(const struct vser_config *config)
{
	if (config->generator == VSER_GEN_TEXT)
		return config->text_len >= 1 &&
		       config->text_len <= VSER_TEXT_MAX;

	return config->generator >= VSER_GEN_LETTERS &&
	       config->generator < VSER_GEN_TEXT && !config->text_len;
}

/* The first field of those to be set that is out of its range, or 0. */
static u32 vser_config_invalid(const struct vser_config *config)
{
	const struct {
		u32 bit;
		bool valid;
	} fields[] = {
		{ VSER_CONFIG_BAUD, vser_baud_valid(config->baud) },
		{ VSER_CONFIG_FORMAT, vser_format_valid(&config->format) },
		{ VSER_CONFIG_PACING, config->pacing <= 1 },
		{ VSER_CONFIG_EXCLUSIVE, config->exclusive <= 1 },
		{ VSER_CONFIG_FLOW, config->flow == VSER_FLOW_NONE ||
				    config->flow == VSER_FLOW_RTSCTS },
		{ VSER_CONFIG_FIFO, config->fifo >= VSER_MIN_FIFO &&
				    config->fifo <= VSER_MAX_FIFO },
		{ VSER_CONFIG_LATENCY, config->latency_ns >= VSER_MIN_LATENCY &&
				       config->latency_ns <= VSER_MAX_LATENCY },
		{ VSER_CONFIG_GENERATOR, vser_generator_valid(config) },
		{ VSER_CONFIG_PERIOD, !config->period_ns ||
				      (config->period_ns >= VSER_MIN_PERIOD &&
				       config->period_ns <= VSER_MAX_PERIOD) },
		{ VSER_CONFIG_FAULT, vser_fault_valid(&config->fault) },
	};
	u32 unknown = config->mask & ~VSER_CONFIG_ALL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (config->mask & fields[i].bit && !fields[i].valid)
			return fields[i].bit;

	return unknown & -unknown;
}

/**
 * struct vser_change - what new settings take, allocated before anything has changed;
 * and then what the old ones leave
 * @out:  faults of line->out, or NULL
 * @in:   faults of line->in, or NULL
 * @text: of the generator, or NULL
 */
struct vser_change {
	struct vser_faults *out;
	struct vser_faults *in;
	u8 *text;
};

static void vser_change_free(struct vser_change *change)
{
	kfree(change->out);
	kfree(change->in);
	kfree(change->text);
}

static struct vser_faults *vser_faults_alloc(const struct vser_fault *fault)
{
	struct vser_faults *faults = kmalloc(sizeof(*faults),
					     GFP_KERNEL_ACCOUNT);

	if (faults)
		vser_faults_init(faults, fault);

	return faults;
}

/* Returns the field for which there is no memory, or 0. */
static u32 vser_change_alloc(struct vser_change *change,
			     const struct vser_config *config)
{
	if (config->mask & VSER_CONFIG_FAULT && vser_fault_any(&config->fault)) {
		change->out = vser_faults_alloc(&config->fault);
		change->in = vser_faults_alloc(&config->fault);
		if (!change->out || !change->in)
			return VSER_CONFIG_FAULT;
	}
	if (config->mask & VSER_CONFIG_GENERATOR &&
	    config->generator == VSER_GEN_TEXT) {
		change->text = kmemdup(config->text, config->text_len,
				       GFP_KERNEL_ACCOUNT);
		if (!change->text)
			return VSER_CONFIG_GENERATOR;
	}

	return 0;
}

/*
 * Gives both queues another size, a power of two. What does not fit into a
 * smaller one is flushed. If there is no memory, nothing has changed.
 */
static int vser_set_fifo(struct vser_line *line, u32 size)
{
	void *tx = NULL, *rx = NULL;
	struct vser_face *face = line->face;
	u32 tx_size = size, rx_size = size;
	int ret = 0;

	lockdep_assert_held(&line->config_lock);
	lockdep_assert_held(&line->open_lock);

	if (line->rx_size == size)
		return 0;
	if (line->tx.fifo.kfifo.data)
		tx = vser_line_buffer_alloc(line, size);
	if (face->ops->has_buffer(face))
		rx = vser_line_buffer_alloc(line, size);
	if (IS_ERR(tx) || IS_ERR(rx)) {
		ret = PTR_ERR(IS_ERR(tx) ? tx : rx);
		goto out_free;
	}

	/* Before anything has changed. A writer may have much to send. */
	if (mutex_lock_killable(&line->tx.lock)) {
		ret = -EINTR;
		goto out_free;
	}
	vser_wire_lock_now(&line->out);
	vser_count(&line->tx_flushed,
		   vser_queue_swap(&line->tx, &tx, &tx_size, size));
	vser_tx_admit(&line->out);
	vser_tx_made_room(line);
	vser_wire_unlock(&line->out);
	mutex_unlock(&line->tx.lock);

	face->ops->resize(face, &rx, &rx_size);
	/* What has ended by now has moved, and the far end's RTS may have changed. */
	vser_wire_kick(&line->out);

out_free:
	if (!IS_ERR(tx))
		vser_line_buffer_free(line, tx, tx_size);
	if (!IS_ERR(rx))
		vser_line_buffer_free(line, rx, rx_size);

	return ret;
}

/* What opening looks at: the size of the queues, and if others may open the line. */
static int vser_set_opened(struct vser_line *line, struct vser_config *config)
{
	int ret = 0;

	if (mutex_lock_killable(&line->open_lock))
		return -EINTR;
	if (config->mask & VSER_CONFIG_FIFO)
		ret = vser_set_fifo(line, roundup_pow_of_two(config->fifo));
	if (!ret && config->mask & VSER_CONFIG_EXCLUSIVE)
		WRITE_ONCE(line->exclusive, config->exclusive);
	mutex_unlock(&line->open_lock);
	if (ret && ret != -EINTR)
		config->refused = VSER_CONFIG_FIFO;

	return ret;
}

/* What the line sends is sent so from now on. */
static void vser_set_out(struct vser_line *line,
			 const struct vser_config *config,
			 struct vser_change *change)
{
	u32 mask = config->mask;
	u64 now = vser_wire_lock_now(&line->out);

	if (mask & VSER_CONFIG_BAUD)
		WRITE_ONCE(line->uart.baud, config->baud);
	if (mask & VSER_CONFIG_FORMAT)
		line->uart.fmt = config->format;
	if (mask & VSER_CONFIG_PACING)
		WRITE_ONCE(line->pacing, config->pacing);
	/* First: it hands on what has ended by now. */
	if (mask & VSER_CONFIG_PACE)
		vser_wire_tune(&line->out);
	if (mask & VSER_CONFIG_FLOW)
		WRITE_ONCE(line->flow, config->flow);
	if (mask & VSER_CONFIG_FAULT) {
		line->fault = config->fault;
		change->out = vser_wire_set_faults(&line->out, change->out);
	}
	if (mask & VSER_CONFIG_LATENCY) {
		WRITE_ONCE(line->latency, config->latency_ns);
		vser_wire_look_again(&line->out, now);
	}
	vser_wire_unlock(&line->out);

	vser_wire_kick(&line->out);
}

/* The generator starts from the beginning. */
static void vser_set_generator(struct vser_generator *generator,
			       const struct vser_config *config,
			       struct vser_change *change)
{
	if (config->mask & VSER_CONFIG_GENERATOR) {
		generator->kind = config->generator;
		generator->len = config->text_len;
		swap(generator->text, change->text);
	}
	if (config->mask & VSER_CONFIG_SEED)
		WRITE_ONCE(generator->seed, config->seed);
	if (config->mask & VSER_CONFIG_PERIOD)
		WRITE_ONCE(generator->period, config->period_ns);
	vser_generator_restart(generator);
}

/* Likewise what its generator sends. */
static void vser_set_in(struct vser_line *line, const struct vser_config *config,
			struct vser_change *change)
{
	u32 mask = config->mask;
	u64 now = vser_wire_lock_now(&line->in);

	if (mask & VSER_CONFIG_SOURCE) {
		line->in.busy = false;
		vser_set_generator(&line->generator, config, change);
	}
	if (mask & (VSER_CONFIG_PACE | VSER_CONFIG_SOURCE))
		vser_wire_tune(&line->in);
	if (mask & VSER_CONFIG_FAULT)
		change->in = vser_wire_set_faults(&line->in, change->in);
	if (mask & VSER_CONFIG_LATENCY)
		vser_wire_look_again(&line->in, now);
	vser_wire_unlock(&line->in);

	vser_wire_kick(&line->in);
}

static void vser_set_wires(struct vser_line *line,
			   const struct vser_config *config,
			   struct vser_change *change)
{
	u32 mask = config->mask;

	/* What has arrived by now is not affected. */
	if (mask & VSER_CONFIG_FLOW)
		vser_wire_kick(READ_ONCE(line->lead));
	if (mask & VSER_CONFIG_OUT)
		vser_set_out(line, config, change);
	if (mask & VSER_CONFIG_IN)
		vser_set_in(line, config, change);
	/* The peer sends to a line that receives in another way. */
	if (mask & VSER_CONFIG_UART && line->lead != &line->in &&
	    line->lead != &line->out)
		vser_wire_retune(line->lead);
	if (mask & VSER_CONFIG_FLOW)
		vser_modem_send(line);
}

/* As vser_line_configure(). All values are valid; all lines of @rewired are locked. */
static int vser_configure(struct vser_line *line, struct vser_config *config,
			  struct vser_rewired *rewired)
{
	struct vser_change change = {};
	int ret = 0;

	lockdep_assert_held(&line->config_lock);

	config->refused = vser_change_alloc(&change, config);
	if (config->refused)
		ret = -ENOMEM;
	if (!ret && config->mask & (VSER_CONFIG_FIFO | VSER_CONFIG_EXCLUSIVE))
		ret = vser_set_opened(line, config);
	if (ret)
		goto out_free;

	if (rewired->plug.far)
		vser_rewire_unplug(rewired);
	vser_set_wires(line, config, &change);
	if (rewired->plug.far)
		vser_rewire_plug(rewired, config->mask & VSER_CONFIG_FLOW ?
					  config->flow : rewired->plug.far->flow);

out_free:
	vser_change_free(&change);

	return ret;
}

/* As vser_line_configure(), but for the wiring. Caller: config_lock of the line. */
int vser_line_configure_locked(struct vser_line *line,
			       struct vser_config *config)
{
	struct vser_rewired rewired = {};

	config->refused = vser_config_invalid(config);
	if (config->refused)
		return -EINVAL;

	return vser_configure(line, config, &rewired);
}

/**
 * vser_line_configure() - set a line
 * @line:   the line
 * @config: the settings, of which @config->mask says which are to change; if one is
 *          refused, @config->refused names it. @config->wire is not looked at
 * @plug:   with VSER_CONFIG_WIRE, what the line is to be wired to
 *
 * Process context, no lock held.
 *
 * Return: 0, or an error if nothing has changed: -EINVAL, -EPERM, -EBUSY, -EDQUOT or
 * -ENOMEM if a setting was refused, -EINTR if the process is being killed.
 */
int vser_line_configure(struct vser_line *line, struct vser_config *config,
			const struct vser_plug *plug)
{
	struct vser_rewired rewired;
	int ret;

	config->refused = vser_config_invalid(config);
	if (config->refused)
		return -EINVAL;

	ret = vser_rewire_lock(&rewired, line,
			       config->mask & VSER_CONFIG_WIRE ? plug : NULL);
	if (ret)
		return ret;
	ret = vser_rewire_check(&rewired);
	if (ret)
		config->refused = VSER_CONFIG_WIRE;
	else
		ret = vser_configure(line, config, &rewired);
	vser_rewire_unlock(&rewired);

	return ret;
}

/* Stores all settings in *@config, which is all zeros. */
int vser_line_get_config(struct vser_line *line, struct vser_config *config)
{
	const struct vser_generator *generator = &line->generator;
	int ret;

	ret = vser_config_lock(line);
	if (ret)
		return ret;
	config->mask = VSER_CONFIG_ALL;
	config->baud = line->uart.baud;
	config->format = line->uart.fmt;
	config->pacing = line->pacing;
	config->exclusive = line->exclusive;
	config->flow = line->flow;
	config->fifo = line->rx_size;
	config->latency_ns = line->latency;
	config->generator = generator->kind;
	config->text_len = generator->len;
	if (generator->len)
		memcpy(config->text, generator->text, generator->len);
	config->seed = generator->seed;
	config->period_ns = generator->period;
	config->fault = line->fault;
	config->wire.type = line->far->type;
	if (line->far == &vser_far_nullmodem)
		config->wire.peer = line->out.to->index;
	vser_config_unlock(line);

	return 0;
}
