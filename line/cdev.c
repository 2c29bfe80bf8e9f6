// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the character device as a face of its line: what the line gives it
 *
 * Touches the rx queue, as its producer, under the lock of the wire that leads to the
 * line; and its buffer, under line->open_lock.
 */
#include <linux/mutex.h>
#include <linux/slab.h>

#include "cdev.h"

static void vser_cdev_push(struct vser_face *face, const u8 *bytes, u32 n)
{
	vser_queue_in(&vser_cdev_of(face)->rx, bytes, n);
}

/*
 * What a program reads of a character, in @bytes: with marks, three bytes for one in
 * error and for a break, and two for 0xff, as with PARMRK. Returns how many bytes.
 */
static u32 vser_cdev_mark(const struct vser_char *c, bool mark, u8 *bytes)
{
	bool error = c->parity || c->frame || c->brk;

	if (mark && (error || c->byte == 0xff)) {
		bytes[0] = 0xff;
		bytes[1] = error ? 0x00 : 0xff;
		bytes[2] = c->byte;
		return error ? 3 : 2;
	}
	bytes[0] = c->byte;

	return !c->brk;
}

static u32 vser_cdev_push_chars(struct vser_face *face,
				const struct vser_char *chars, u32 n)
{
	struct vser_line *line = face->line;
	u32 space = vser_rx_space(line), held = vser_rx_len(line);
	u8 bytes[3 * VSER_CHARS_BATCH];
	u32 done, len = 0, more;

	for (done = 0; done < n; done++) {
		more = vser_cdev_mark(&chars[done], line->mark, bytes + len);
		/* All of it or nothing, lest the reader take one for the other. */
		if (len + more > space)
			break;
		if (more)
			vser_count(&line->rx_marks, more - !chars[done].brk);
		len += more;
	}
	if (len) {
		vser_rx_took(line, len, held + len);
		vser_queue_in(&vser_cdev_of(face)->rx, bytes, len);
	}

	return done;
}

static void vser_cdev_exchange(struct vser_face *face, struct vser_queue *tx)
{
	vser_queue_exchange(tx, &vser_cdev_of(face)->rx);
}

static int vser_cdev_alloc(struct vser_face *face)
{
	return vser_queue_alloc(&vser_cdev_of(face)->rx, face->line);
}

static void vser_cdev_reap(struct vser_face *face)
{
	struct vser_queue *rx = &vser_cdev_of(face)->rx;
	struct vser_wire *lead;
	void *buffer = NULL;

	lockdep_assert_held(&face->line->open_lock);

	/* Under the lock: the wire may be at its last touch of the queue. */
	lead = vser_lead_lock(face->line);
	if (vser_queue_empty(rx))
		buffer = vser_queue_take_buffer(rx);
	vser_lead_unlock(lead);

	vser_line_buffer_free(face->line, buffer, vser_queue_size(rx));
}

static bool vser_cdev_has_buffer(struct vser_face *face)
{
	return vser_cdev_of(face)->rx.fifo.kfifo.data;
}

/*
 * The last place in rx from @at to @end that is in no mark, or 0. Before @at, a reader
 * may be in one of @places.
 */
static u32 vser_cdev_mark_end(struct vser_queue *rx, u32 at, u32 end, u32 places)
{
	u32 last = 0;

	for (; at < end; at++) {
		places = vser_mark_next(places, vser_queue_at(rx, at));
		if (places == VSER_MARK_BETWEEN)
			last = at + 1;
	}

	return last;
}

/*
 * How many of the oldest bytes of rx fit into @size, with no mark cut in two. Marks are
 * found from some bytes before that. If these are such that it could be this way or
 * that, as are nothing but 0xff, the reader is taken to be between two marks.
 */
static u32 vser_cdev_fit(struct vser_cdev *cdev, u32 size)
{
	u32 at = size > VSER_MARK_WINDOW ? size - VSER_MARK_WINDOW : 0, fit;

	lockdep_assert_held(&cdev->rx.lock);
	vser_assert_lead(cdev->face.line);

	if (!cdev->face.line->mark || vser_queue_len(&cdev->rx) <= size)
		return size;

	fit = vser_cdev_mark_end(&cdev->rx, at, size, VSER_MARK_ANY);

	return fit ?: vser_cdev_mark_end(&cdev->rx, 0, size, VSER_MARK_BETWEEN);
}

static void vser_cdev_resize(struct vser_face *face, void **buffer, u32 *size)
{
	struct vser_cdev *cdev = vser_cdev_of(face);
	struct vser_line *line = face->line;
	struct vser_wire *lead;
	u32 new_size = *size;

	mutex_lock(&cdev->rx.lock);
	lead = vser_lead_lock(line);
	vser_rx_flushed(line, vser_queue_swap(&cdev->rx, buffer, size,
					      vser_cdev_fit(cdev, new_size)));
	vser_rx_resized(line, new_size);
	vser_lead_unlock(lead);
	mutex_unlock(&cdev->rx.lock);

	vser_rx_made_room(line);
}

static const struct vser_face_ops vser_cdev_face_ops = {
	.push = vser_cdev_push,
	.push_chars = vser_cdev_push_chars,
	.exchange = vser_cdev_exchange,
	.event = vser_cdev_event,
	.tell = vser_cdev_tell,
	.alloc = vser_cdev_alloc,
	.reap = vser_cdev_reap,
	.has_buffer = vser_cdev_has_buffer,
	.resize = vser_cdev_resize,
};

/*
 * Drops what has been received, with what has arrived and is not yet in rx; and if
 * @tx, what is to be sent. If the call is interrupted, nothing has been flushed.
 */
int vser_cdev_flush(struct vser_cdev *cdev, bool tx)
{
	struct vser_line *line = cdev->face.line;

	vser_wire_kick(READ_ONCE(line->lead));
	if (mutex_lock_interruptible(&cdev->rx.lock))
		return -ERESTARTSYS;
	if (tx)
		vser_tx_flush(line);
	vser_rx_flushed(line, vser_queue_flush(&cdev->rx, false));
	mutex_unlock(&cdev->rx.lock);

	vser_line_check_reap(line);
	vser_rx_made_room(line);

	return 0;
}

static void vser_cdev_init(struct vser_cdev *cdev, struct vser_line *line)
{
	cdev->face.ops = &vser_cdev_face_ops;
	cdev->face.line = line;
	init_waitqueue_head(&cdev->face.wait);
	vser_queue_init(&cdev->rx, VSER_DEFAULT_FIFO);
	line->face = &cdev->face;
}

/* Nothing of the lines moves any more. Some may have no face yet. */
void vser_cdevs_destroy(unsigned int n)
{
	struct vser_cdev *cdev;

	while (n--) {
		if (!vser_lines[n]->face)
			continue;
		cdev = vser_cdev_of(vser_lines[n]->face);
		vser_line_buffer_free(cdev->face.line, cdev->rx.fifo.kfifo.data,
				      vser_queue_size(&cdev->rx));
		kfree(cdev->events);
		kfree(cdev);
	}
}

/* If it fails, the caller destroys those that were made. */
int __init vser_cdevs_create(unsigned int n)
{
	struct vser_cdev *cdev;
	unsigned int i;

	for (i = 0; i < n; i++) {
		cdev = kzalloc(sizeof(*cdev), GFP_KERNEL);
		if (!cdev)
			return -ENOMEM;
		vser_cdev_init(cdev, vser_lines[i]);
	}

	return 0;
}
