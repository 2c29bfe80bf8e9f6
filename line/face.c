// SPDX-License-Identifier: GPL-2.0
/*
 * vser - opening and closing a line
 *
 * Touches how many have the line open, the lifetime of its buffers, and the modem
 * lines that its program drives.
 */
#include <linux/mutex.h>
#include <linux/termios.h>
#include <linux/workqueue.h>

#include "line.h"
#include "trace.h"

/* Frees the buffers of a closed line that have nothing left in them. */
static void vser_line_reap(struct vser_line *line)
{
	void *tx = NULL;

	lockdep_assert_held(&line->open_lock);

	if (line->openers)
		return;

	/* Under the lock: the wire may be at its last touch of the queue. */
	vser_wire_lock(&line->out);
	if (!line->out.busy && vser_queue_empty(&line->tx))
		tx = vser_queue_take_buffer(&line->tx);
	vser_wire_unlock(&line->out);
	vser_line_buffer_free(line, tx, vser_queue_size(&line->tx));

	line->face->ops->reap(line->face);
	if (!line->charged) {
		vser_account_put(line->account);
		line->account = NULL;
	}
}

/*
 * The first opener pays for the buffers, also for what an earlier one has left.
 * Returns 0 if all are there.
 */
static int vser_line_alloc(struct vser_line *line)
{
	struct vser_account *account = vser_account_get();
	int ret;

	lockdep_assert_held(&line->open_lock);

	if (!account)
		return -ENOMEM;
	if (line->charged && account != line->account) {
		ret = vser_account_move(line->account, account, line->charged);
		if (ret) {
			vser_account_put(account);
			return ret;
		}
	}
	vser_account_put(line->account);
	line->account = account;

	ret = vser_queue_alloc(&line->tx, line);
	if (!ret)
		ret = line->face->ops->alloc(line->face);
	if (ret)
		vser_line_reap(line);

	return ret;
}

void vser_reap_work(struct work_struct *work)
{
	struct vser_line *line = container_of(work, struct vser_line, reap);

	mutex_lock(&line->open_lock);
	vser_line_reap(line);
	mutex_unlock(&line->open_lock);
}

static void vser_set_outputs(struct vser_line *line, u32 outputs)
{
	lockdep_assert_held(&line->open_lock);

	/* What has been sent here by now is not affected. */
	vser_wire_kick(READ_ONCE(line->lead));
	WRITE_ONCE(line->outputs, outputs);
	vser_modem_send(line);
}

/*
 * Under the lock of the lead: a frame for which there was room is not lost because
 * the line is closed before it is in rx.
 */
static void vser_set_openers(struct vser_line *line, unsigned int openers)
{
	struct vser_wire *lead = vser_lead_lock(line);

	/* Pairs with vser_rx_open(): there is a buffer before there are openers. */
	smp_store_release(&line->openers, openers);
	vser_lead_unlock(lead);
}

int vser_line_open(struct vser_line *line, fmode_t mode)
{
	int ret;

	lockdep_assert_held(&line->open_lock);

	if (line->openers && line->exclusive)
		return -EBUSY;

	ret = line->openers ? 0 : vser_line_alloc(line);
	if (ret)
		return ret;

	vser_set_openers(line, line->openers + 1);
	/* With what was asked for while the line was closed. */
	if (line->openers == 1) {
		vser_set_outputs(line, line->outputs | TIOCM_DTR | TIOCM_RTS);
		vser_tx_resume_break(line);
	}
	if ((mode & FMODE_READ) && !line->readers++)
		line->far->listen(line, true);
	trace_vser_open(line->index, line->openers, line->readers);

	return 0;
}

void vser_line_close(struct vser_line *line, fmode_t mode)
{
	lockdep_assert_held(&line->open_lock);

	if ((mode & FMODE_READ) && !--line->readers)
		line->far->listen(line, false);
	/* RTS first: the far end must not send into a closed line. */
	if (line->openers == 1)
		vser_set_outputs(line, 0);
	vser_set_openers(line, line->openers - 1);
	/* Now that no new one can begin. */
	if (!line->openers)
		vser_tx_end_break(line, NULL, 0);
	trace_vser_close(line->index, line->openers, line->readers);
	vser_line_reap(line);
}

/*
 * Of the modem outputs, changes those in @mask to @bits. A closed line drives none
 * of them: there it takes effect at the next open.
 */
int vser_change_modem(struct vser_line *line, u32 mask, u32 bits)
{
	u32 outputs;

	mask &= VSER_MODEM_OUTPUTS;
	if (mutex_lock_killable(&line->open_lock))
		return -EINTR;
	outputs = (line->outputs & ~mask) | (bits & mask);
	if (line->openers)
		vser_set_outputs(line, outputs);
	else
		WRITE_ONCE(line->outputs, outputs);
	mutex_unlock(&line->open_lock);

	return 0;
}
