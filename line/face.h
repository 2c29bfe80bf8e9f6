/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - what a face of a line is
 *
 * A face is a door by which programs reach a line: what the line receives, it gives
 * to its face, and of what has become true, it tells it. The engine knows a face by
 * this alone; it knows no files and no signals, and of those that wait, if there are
 * any. The first face is the character device (cdev.c).
 */
#ifndef VSER_FACE_H
#define VSER_FACE_H

#include <linux/types.h>
#include <linux/wait.h>

struct vser_char;
struct vser_event;
struct vser_face;
struct vser_queue;

/**
 * struct vser_face_ops - what the engine asks of a face
 * @push:     @n bytes have arrived just as they were sent. The line has looked that
 *            there is room for them: the face takes all
 * @push_chars: characters have arrived, VSER_CHARS_BATCH at most: bytes, with errors
 *            perhaps, and breaks. The face stores what it makes of each as far as
 *            vser_rx_space() allows, and says so by vser_rx_took() before a program can
 *            see it. Returns how many characters were stored in full: the next one
 *            finds no room
 * @exchange: takes all bytes of @tx by changing places with it: the line has looked
 *            that the face holds none, and as many as @tx at most. @tx's lock is held,
 *            too. NULL if the face has no queue of its own
 * @event:    something but a byte was received: to be recorded. A @tell follows, one
 *            for all events of a run
 * @tell:     VSER_KEY_RX and its like, of which @news have become true: the programs
 *            that wait for it are to know
 * @alloc:    the line is about to be opened: what is needed to receive. Returns 0 or
 *            -ENOMEM, or -EDQUOT as vser_line_buffer_alloc() does
 * @reap:     the line is closed: frees what @alloc got, if nothing is left in it
 * @has_buffer: there is a buffer of the line's size, which @resize will want anew
 * @resize:   what was received moves into @buffer of @size bytes, or NULL, as much as
 *            fits; @buffer and @size become those of the old one
 *
 * The first four are called under the lock of the wire that leads to the line, in
 * softirq or process context: nothing there may sleep, call back into the engine but
 * as said here, or cost more the more programs there are. @tell is called in either
 * context, too, with no wire's lock, and perhaps in two places at once. The last four
 * are called in process context, under line->open_lock; @resize under config_lock, too.
 */
struct vser_face_ops {
	void (*push)(struct vser_face *face, const u8 *bytes, u32 n);
	u32 (*push_chars)(struct vser_face *face, const struct vser_char *chars,
			  u32 n);
	void (*exchange)(struct vser_face *face, struct vser_queue *tx);
	void (*event)(struct vser_face *face, const struct vser_event *event);
	void (*tell)(struct vser_face *face, __poll_t news);
	int (*alloc)(struct vser_face *face);
	void (*reap)(struct vser_face *face);
	bool (*has_buffer)(struct vser_face *face);
	void (*resize)(struct vser_face *face, void **buffer, u32 *size);
};

/**
 * struct vser_face - the engine's part of a face; the rest is around it
 * @ops:  constant
 * @line: whose it is; constant
 * @wait: all that wait for something of the line, or are to be told of it; while it is
 *        empty, @tell is not called. A task enters it first, and then looks once more,
 *        after a full barrier, if it has to wait
 */
struct vser_face {
	const struct vser_face_ops *ops;
	struct vser_line *line;
	wait_queue_head_t wait;
};

#endif /* VSER_FACE_H */
