/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vser - the character device: what it keeps of a line, and what its open files are made of
 *
 * For ../vser.c, cdev.c, events.c, poll.c, ioctl.c, ring.c and ../lab.c. The line's engine
 * knows nothing of this but &struct vser_face.
 */
#ifndef VSER_CDEV_H
#define VSER_CDEV_H

#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "lab.h"
#include "line.h"

/**
 * struct vser_cdev - the character device of a line: one of its faces
 * @face:   the engine's part of it; face.wait has a &struct vser_waiter for each task
 *          that sleeps, and a &struct vser_file for each file that is polled or wants
 *          SIGIO. Wake-ups there are keyed by VSER_KEY_RX and its like
 * @rx:     bytes received; producer: the wire that leads to the line, consumer: readers
 * What follows is protected by the lock of the wire that leads to the line:
 * @events: the last VSER_EVENTS events, or NULL while nobody ever opened
 * @event_seq: events since then; written with WRITE_ONCE, and read without the lock by
 *          those that wait
 */
struct vser_cdev {
	struct vser_face face;
	struct vser_queue rx;
	struct vser_event *events;
	u64 event_seq;
};

/* Bits of vfile->flags, which are atomic. */
enum {
	/* The program was told that tx is full, and not yet that there is room. */
	VSER_TX_STARVED,
	/* The tx ring holds bytes for which tx had no room. */
	VSER_RING_STARVED,
};

/**
 * struct vser_waiter - a task that waits for something of a line
 * @entry: in face.wait
 * @what:  what it waits for, VSER_KEY_RX and its like
 */
struct vser_waiter {
	wait_queue_entry_t entry;
	__poll_t what;
};

/**
 * struct vser_lab_file - what an open file has to do with one laboratory
 * @lab:   the laboratory, whose module it pins, or NULL as long as no operation
 *         was asked for; set once, after @state, by a release
 * @state: the laboratory's own
 */
struct vser_lab_file {
	const struct vser_lab *lab;
	void *state;
};

/**
 * struct vser_rings - what an open file shares with the process
 * @page:    the start of the mapping, which the process may write at any time;
 *           the indices in there that are ours are only ever stored to
 * @account: of the user that pays for them; constant, as the next five
 * @length:  of the mapping, in bytes
 * @rx:      bytes received; we are the producer, the process is the consumer
 * @tx:      bytes to be sent; the other way round
 * @rx_size: bytes in @rx, a power of two, or 0
 * @tx_size: bytes in @tx, a power of two, or 0
 * @rx_in:   bytes put into @rx; protected by cdev->rx.lock
 * @tx_out:  bytes taken from @tx; protected by line->tx.lock
 * @vfile:   the open file; constant
 */
struct vser_rings {
	struct vser_file *vfile;
	struct vser_ring_page *page;
	struct vser_account *account;
	size_t length;
	u8 *rx;
	u8 *tx;
	u32 rx_size;
	u32 tx_size;
	u32 rx_in;
	u32 tx_out;
};

/* What is set about the events of an open file. */
enum vser_watch {
	/* A data descriptor that has not asked for them. */
	VSER_WATCH_UNSET,
	VSER_WATCH_ON,
	VSER_WATCH_OFF,
};

/**
 * struct vser_file - an open file
 * @line:       of what
 * @cdev:       its character device
 * @file:       as the kernel knows it
 * @flags:      VSER_TX_STARVED, VSER_RING_STARVED
 * @watch:      enum vser_watch: do POLLPRI and SIGIO tell of events? Changed by
 *              xchg() and cmpxchg(), as two threads may do so at once
 * @wait:       those that poll the file, and nothing else
 * @entry:      in face.wait from the first poll, or the first F_SETFL with
 *              O_ASYNC, to the close: passes on what concerns this file
 * @follows:    @entry is in there; written under the lock of face.wait
 * @fasync:     the file wants SIGIO; has its own lock, of the core
 * @next_event: number of the first event that it has not read; protected as the
 *              line's events are, written with WRITE_ONCE, read without by poll
 * @lab_lock:   protects what @labs become
 * @labs:       by enum vser_lab_id
 * @rings:      or NULL as long as none were asked for; set once, by a release
 */
struct vser_file {
	struct vser_line *line;
	struct vser_cdev *cdev;
	struct file *file;
	unsigned long flags;
	u32 watch;
	wait_queue_head_t wait;
	wait_queue_entry_t entry;
	bool follows;
	struct fasync_struct *fasync;
	u64 next_event;
	/* Process context; inside vser_labs_lock, outside the laboratory's. */
	struct mutex lab_lock;
	struct vser_lab_file labs[VSER_NR_LABS];
	struct vser_rings *rings;
};

/* ../vser.c */

extern const struct file_operations vser_fops;

bool vser_file_nonblocking(struct file *file);
int vser_file_drain(struct vser_file *vfile);

/* cdev.c */

int vser_cdev_flush(struct vser_cdev *cdev, bool tx);
void vser_cdevs_destroy(unsigned int n);
int vser_cdevs_create(unsigned int n);

/* events.c */

int vser_cdev_alloc_events(struct vser_cdev *cdev);
void vser_cdev_event(struct vser_face *face, const struct vser_event *event);
u64 vser_event_peek(struct vser_cdev *cdev, const u64 *next,
		    struct vser_event *event, u64 *at);

/* poll.c */

void vser_cdev_tell(struct vser_face *face, __poll_t news);

int vser_waiter_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		     void *key);
bool vser_tx_starve(struct vser_file *vfile);
bool vser_file_has_event(struct vser_file *vfile);
void vser_file_watch(struct vser_file *vfile);
int vser_file_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
		   void *key);
void vser_file_unfollow(struct vser_file *vfile);
__poll_t vser_poll(struct file *file, poll_table *wait);
int vser_fasync(int fd, struct file *file, int on);

/* ioctl.c */

long vser_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* ring.c */

bool vser_ring_size_valid(u32 size);
struct vser_rings *vser_rings_alloc(struct vser_file *vfile, u32 rx_size,
				    u32 tx_size);
void vser_rings_free(struct vser_rings *rings);
bool vser_file_set_rings(struct vser_file *vfile, struct vser_rings *rings);
int vser_rings_map(struct vser_rings *rings, struct vm_area_struct *vma);
int vser_ring_sync_tx(struct vser_line *line, struct vser_rings *rings);
int vser_rings_sync(struct vser_rings *rings);
__poll_t vser_rings_poll(struct vser_rings *rings);
void vser_rings_close(struct vser_line *line, struct vser_rings *rings);

/* ../lab.c */

long vser_labs_ioctl(struct vser_file *vfile, unsigned int cmd,
		     unsigned long arg);
void vser_labs_close(struct vser_file *vfile);

/* Small ones that many use */

/*
 * Like wait_event_interruptible(), but wake-ups for other things do not wake the
 * task, and the condition is checked again before the task queues again: a woken
 * task usually finds it true.
 */
#define vser_wait(cdev, events, condition)				\
({									\
	wait_queue_head_t *__wait = &(cdev)->face.wait;			\
	struct vser_waiter __waiter = { .what = (events) };		\
	int __ret = 0;							\
									\
	init_wait(&__waiter.entry);					\
	__waiter.entry.func = vser_waiter_wake;				\
	might_sleep();							\
	while (!__ret && !(condition)) {				\
		__ret = prepare_to_wait_event(__wait, &__waiter.entry,	\
					      TASK_INTERRUPTIBLE);	\
		if (condition)						\
			__ret = 0;					\
		else if (!__ret)					\
			schedule();					\
	}								\
	finish_wait(__wait, &__waiter.entry);				\
	__ret;								\
})

static inline struct vser_cdev *vser_cdev_of(struct vser_face *face)
{
	return container_of(face, struct vser_cdev, face);
}

static inline struct vser_line *vser_file_line(struct file *file)
{
	struct vser_file *vfile = file->private_data;

	return vfile->line;
}

/* The rings of the file, or NULL. */
static inline struct vser_rings *vser_file_rings(struct vser_file *vfile)
{
	/* Pairs with vser_file_set_rings(). */
	return smp_load_acquire(&vfile->rings);
}

#endif /* VSER_CDEV_H */
