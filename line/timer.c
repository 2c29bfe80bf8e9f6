// SPDX-License-Identifier: GPL-2.0
/*
 * vser - the timers of wires, and the worker that goes on where they may not
 *
 * Touches when a wire is looked at next, and what timers take of each CPU.
 */
#include <linux/bottom_half.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "line.h"
#include "trace.h"

/*
 * Wires that are late. Timers run one after the other, and nothing else runs on their
 * CPU meanwhile. So in each period they may take some of it, and no more: what is left
 * is done by a worker, a process as any other.
 *
 * What the worker goes on with, it times on its own CPU: wires that are late gather
 * there, and share what timers may take of that one, until each starts anew.
 */

/**
 * struct vser_load - what timers of wires have taken of a CPU
 * @since: when the period began, in ns
 * @spent: how much since then, in ns
 */
struct vser_load {
	u64 since;
	u64 spent;
};

/* Softirq context alone. */
static DEFINE_PER_CPU(struct vser_load, vser_load);

/* May the timers of this CPU go on? */
static bool vser_load_allows(struct vser_load *load)
{
	u64 now;

	/* Mostly there is little to do, and the time need not be known. */
	if (load->spent < VSER_LOAD_MOST)
		return true;

	now = ktime_get_ns();
	if (now - load->since < VSER_LOAD_PERIOD)
		return false;
	*load = (struct vser_load) { .since = now };

	return true;
}

/* A turn has ended that began at @began. */
static void vser_load_add(struct vser_load *load, u64 began)
{
	if (began - load->since >= VSER_LOAD_PERIOD)
		*load = (struct vser_load) { .since = began };
	load->spent += ktime_get_ns() - began;
}

static LLIST_HEAD(vser_late);
static struct kthread_worker *vser_late_worker;
static void vser_late_run(struct kthread_work *work);
static DEFINE_KTHREAD_WORK(vser_late_work, vser_late_run);

/* There is more to do on the wire at once. No wire's lock held. */
static void vser_wire_be_late(struct vser_wire *wire)
{
	/* The worker may have to wait long, for a program with a real-time priority. */
	vser_wire_lock(wire);
	vser_wire_look_within(wire, VSER_LATE_LOOK);
	vser_wire_unlock(wire);

	if (test_and_set_bit(0, &wire->late))
		return;

	llist_add(&wire->late_entry, &vser_late);
	kthread_queue_work(vser_late_worker, &vser_late_work);
}

/*
 * Does what there is to do on a wire now, as much as may be under one lock. Returns
 * true if there is more; else the timer is armed, if there will be more. The timer
 * may have been armed anew since this was called for: then it is not yet time.
 *
 * What it takes is added to @load, if that is not NULL. A clock is dear: a turn that
 * copies little and has nobody to tell takes VSER_TURN_NS at most, and is not timed.
 * Caller: bottom halves off.
 */
static __always_inline bool vser_wire_turn(struct vser_wire *wire,
					   struct vser_load *load)
{
	bool more = false, timed;
	u64 now, late = 0;

	spin_lock(&wire->lock);
	now = ktime_get_ns();
	if (!wire->busy) {
		/* Of what never ends, the timer brings some more later. */
		more = vser_wire_resume(wire, now) && !wire->source->endless;
	} else if (now >= wire->look) {
		if (now > wire->end.ns)
			late = now - wire->end.ns;
		more = vser_wire_run(wire, now);
		if (wire->busy && !more)
			vser_wire_arm(wire, now);
		/* A writer may have left without admitting what he wrote. */
		if (!wire->busy)
			vser_wire_resume(wire, now);
	} else {
		hrtimer_start(&wire->timer, ns_to_ktime(wire->look),
			      HRTIMER_MODE_ABS_SOFT);
	}
	trace_vser_timer(wire->line->index, wire == &wire->line->in, late,
			 wire->busy);
	timed = more || !wire->paced || wire->slow;
	timed |= vser_wire_unlock_softirq(wire);

	if (load && timed)
		vser_load_add(load, now);
	else if (load)
		load->spent += VSER_TURN_NS;

	return more;
}

/*
 * The timer is always armed by hrtimer_start() under the wire's lock, and never
 * by returning HRTIMER_RESTART: a process may have armed it anew while this
 * function waited for the lock. The timer of a busy wire is armed, for wire->look or
 * earlier, whenever the lock is free, or this function or the worker is about to go
 * on with it, and sees to that, too, however early it runs.
 */
enum hrtimer_restart vser_wire_timer(struct hrtimer *timer)
{
	struct vser_wire *wire = container_of(timer, struct vser_wire, timer);
	struct vser_load *load = this_cpu_ptr(&vser_load);
	bool more = true;

	while (more && vser_load_allows(load))
		more = vser_wire_turn(wire, load);
	if (more)
		vser_wire_be_late(wire);

	return HRTIMER_NORESTART;
}

/* Each late wire in turn. */
static void vser_late_run(struct kthread_work *work)
{
	struct llist_node *late = llist_reverse_order(llist_del_all(&vser_late));
	struct vser_wire *wire, *next;
	unsigned int turn;
	bool more;

	llist_for_each_entry_safe(wire, next, late, late_entry) {
		/* Who finds more to do from here on, says so anew. */
		clear_bit(0, &wire->late);
		/* Pairs with vser_wire_be_late(): it adds it, or is seen here. */
		smp_mb__after_atomic();
		for (turn = 0, more = true; more && turn < VSER_LATE_TURNS; turn++) {
			local_bh_disable();
			more = vser_wire_turn(wire, NULL);
			local_bh_enable();
			cond_resched();
		}
		if (more)
			vser_wire_be_late(wire);
	}
}

int __init vser_wires_init(void)
{
	vser_late_worker = kthread_run_worker(0, KBUILD_MODNAME);
	if (IS_ERR(vser_late_worker))
		return PTR_ERR(vser_late_worker);
	set_user_nice(vser_late_worker->task, VSER_LATE_NICE);

	return 0;
}

/*
 * No wire has anything to do any more, and the caller cancels their timers before and
 * after this: a turn that was under way may arm one.
 */
void vser_wires_stop(void)
{
	kthread_cancel_work_sync(&vser_late_work);
}

/* After that. A timer that ran in between may have found the CPU busy. */
void vser_wires_exit(void)
{
	kthread_destroy_worker(vser_late_worker);
}
