// SPDX-License-Identifier: GPL-2.0
/*
 * wake_up - a thread for each port that wakes up each millisecond
 *
 * As a simulated serial port may do, to see if there is something to move. Here there
 * never is: what moving costs, comes on top of it. The yardstick for paced wires, with
 * which it shares nothing.
 */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>

#define MAX_PORTS	64

static unsigned int ports = 1;
module_param(ports, uint, 0444);
MODULE_PARM_DESC(ports, "threads, 1 to 64");

static struct task_struct *threads[MAX_PORTS];

static int wake_up_thread(void *unused)
{
	ktime_t next = ktime_get();

	for (;;) {
		next = ktime_add_ms(next, 1);
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule_hrtimeout(&next, HRTIMER_MODE_ABS);
	}
	__set_current_state(TASK_RUNNING);

	return 0;
}

static void stop(unsigned int n)
{
	while (n--)
		kthread_stop(threads[n]);
}

static int __init wake_up_init(void)
{
	unsigned int i;

	if (!ports || ports > MAX_PORTS)
		return -EINVAL;

	for (i = 0; i < ports; i++) {
		threads[i] = kthread_run(wake_up_thread, NULL, "wake_up/%u", i);
		if (IS_ERR(threads[i])) {
			stop(i);
			return PTR_ERR(threads[i]);
		}
	}

	return 0;
}

static void __exit wake_up_exit(void)
{
	stop(ports);
}

module_init(wake_up_init);
module_exit(wake_up_exit);

MODULE_AUTHOR("The vser maintainers");
MODULE_DESCRIPTION("A yardstick for paced wires");
MODULE_LICENSE("GPL");
