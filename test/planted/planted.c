// SPDX-License-Identifier: GPL-2.0
/*
 * planted - a module with bugs, one of which it commits when it is loaded
 *
 * It proves that test/vm/check notices each kind: see test/vm/check-harness.
 * What the compiler would see through is hidden from it.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#define NR_LEAKS	16	/* a stale pointer may hide one of them */

static char *planted_bug = "none";
module_param_named(bug, planted_bug, charp, 0444);
MODULE_PARM_DESC(bug, "name of the bug to commit");

static DEFINE_MUTEX(planted_first);
static DEFINE_MUTEX(planted_second);
static DEFINE_SPINLOCK(planted_spin);
static int planted_sink;
static int planted_shared;

static void planted_none(void)
{
}

static void planted_use_after_free(void)
{
	int *object = kzalloc(sizeof(*object), GFP_KERNEL);
	int *alias = object;

	OPTIMIZER_HIDE_VAR(alias);
	kfree(object);
	if (alias)
		planted_sink = READ_ONCE(*alias);
}

static void planted_out_of_bounds(void)
{
	size_t len = 100;
	u8 *bytes = kzalloc(len, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(len);
	if (bytes)
		planted_sink = READ_ONCE(bytes[len]);
	kfree(bytes);
}

static void planted_leak(void)
{
	unsigned int i;
	void *object;

	for (i = 0; i < NR_LEAKS; i++) {
		object = kmalloc(100, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(object);
	}
}

/* Nobody waits here, but two that did one half each might. */
static void planted_deadlock(void)
{
	mutex_lock(&planted_first);
	mutex_lock(&planted_second);
	mutex_unlock(&planted_second);
	mutex_unlock(&planted_first);

	mutex_lock(&planted_second);
	mutex_lock(&planted_first);
	mutex_unlock(&planted_first);
	mutex_unlock(&planted_second);
}

static void planted_sleep_in_atomic(void)
{
	spin_lock(&planted_spin);
	might_sleep();
	spin_unlock(&planted_spin);
}

static void planted_undefined_shift(void)
{
	unsigned int bits = 40;

	OPTIMIZER_HIDE_VAR(bits);
	planted_sink = 1 << bits;
}

static int planted_racer(void *unused)
{
	while (!kthread_should_stop()) {
		planted_shared++;
		cond_resched();
	}

	return 0;
}

static void planted_data_race(void)
{
	struct task_struct *racers[2];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(racers); i++)
		racers[i] = kthread_run(planted_racer, NULL, "planted");
	msleep(5000);
	for (i = 0; i < ARRAY_SIZE(racers); i++)
		if (!IS_ERR(racers[i]))
			kthread_stop(racers[i]);
}

static const struct {
	const char *name;
	void (*commit)(void);
} planted_bugs[] = {
	{ "none",		planted_none },
	{ "use-after-free",	planted_use_after_free },
	{ "out-of-bounds",	planted_out_of_bounds },
	{ "leak",		planted_leak },
	{ "deadlock",		planted_deadlock },
	{ "sleep-in-atomic",	planted_sleep_in_atomic },
	{ "undefined-shift",	planted_undefined_shift },
	{ "data-race",		planted_data_race },
};

static int __init planted_init(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(planted_bugs); i++) {
		if (!strcmp(planted_bugs[i].name, planted_bug)) {
			planted_bugs[i].commit();
			return 0;
		}
	}

	return -EINVAL;
}
module_init(planted_init);

static void __exit planted_exit(void)
{
}
module_exit(planted_exit);

MODULE_DESCRIPTION("bugs that a test harness has to notice");
MODULE_LICENSE("GPL");
