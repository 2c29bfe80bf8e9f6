// SPDX-License-Identifier: GPL-2.0
/*
 * vser - how a line is set: speed, format, pacing, flow control, faults, generator,
 * size of the queues
 *
 * Touches the settings of a line, under config_lock.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "line.h"

int vser_config_lock(struct vser_line *line)
{
	return mutex_lock_killable(&line->config_lock) ? -EINTR : 0;
}

void vser_config_unlock(struct vser_line *line)
{
	mutex_unlock(&line->config_lock);
}

/* Speed or format has changed: of what the line sends and what it receives. */
static void vser_uart_changed(struct vser_line *line)
{
	lockdep_assert_held(&line->config_lock);

	vser_wire_retune(&line->out);
	vser_wire_retune(&line->in);
	if (line->lead != &line->in && line->lead != &line->out)
		vser_wire_retune(line->lead);
}

void vser_set_baud(struct vser_line *line, u32 baud)
{
	WRITE_ONCE(line->uart.baud, baud);
	vser_uart_changed(line);
}

void vser_set_format(struct vser_line *line, const struct vser_format *fmt)
{
	line->uart.fmt = *fmt;
	vser_uart_changed(line);
}

void vser_set_pacing(struct vser_line *line, bool pacing)
{
	lockdep_assert_held(&line->config_lock);

	WRITE_ONCE(line->pacing, pacing);
	vser_wire_retune(&line->out);
	vser_wire_retune(&line->in);
}

void vser_set_flow(struct vser_line *line, u32 flow)
{
	lockdep_assert_held(&line->config_lock);

	WRITE_ONCE(line->flow, flow);
	vser_modem_send(line);
}

int vser_set_fault(struct vser_line *line, const struct vser_fault *fault)
{
	struct vser_wire *wires[] = { &line->out, &line->in };
	struct vser_faults *faults[ARRAY_SIZE(wires)] = {};
	size_t i;

	lockdep_assert_held(&line->config_lock);

	for (i = 0; i < ARRAY_SIZE(wires) && vser_fault_any(fault); i++) {
		faults[i] = kmalloc(sizeof(*faults[i]), GFP_KERNEL_ACCOUNT);
		if (!faults[i])
			goto err_free;
		vser_faults_init(faults[i], fault);
	}

	line->fault = *fault;
	for (i = 0; i < ARRAY_SIZE(wires); i++) {
		vser_wire_lock_now(wires[i]);
		swap(wires[i]->link.faults, faults[i]);
		vser_wire_unlock(wires[i]);
		vser_wire_kick(wires[i]);
		kfree(faults[i]);
	}

	return 0;

err_free:
	while (i--)
		kfree(faults[i]);
	return -ENOMEM;
}

/*
 * Changes the generator: its kind, with @text that it takes over (NULL but for
 * VSER_GEN_TEXT), its seed and its period. It starts from the beginning.
 */
void vser_set_generator(struct vser_line *line, enum vser_generator_kind kind,
			u8 *text, u32 len, u64 seed, u64 period)
{
	struct vser_generator *generator = &line->generator;

	lockdep_assert_held(&line->config_lock);

	vser_wire_lock(&line->in);
	line->in.busy = false;
	line->generator.period = period;
	generator->kind = kind;
	generator->seed = seed;
	generator->len = len;
	swap(generator->text, text);
	vser_generator_restart(generator);
	vser_wire_tune(&line->in);
	vser_wire_unlock(&line->in);

	/* @text is the old one now. It may be the new one, too. */
	if (text != generator->text)
		kfree(text);
	vser_wire_kick(&line->in);
}

/*
 * Gives both queues another size, a power of two. What does not fit into a
 * smaller one is flushed. If there is no memory, nothing has changed.
 */
int vser_set_fifo(struct vser_line *line, u32 size)
{
	void *tx = NULL, *rx = NULL;
	struct vser_face *face = line->face;
	u32 tx_size = size, rx_size = size;
	int ret = 0;

	lockdep_assert_held(&line->config_lock);

	mutex_lock(&line->open_lock);
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
	mutex_unlock(&line->open_lock);

	return ret;
}
