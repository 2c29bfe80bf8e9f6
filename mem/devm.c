// SPDX-License-Identifier: GPL-2.0
/*
 * mem_demo - memory that goes with its device
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/platform_device.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "lab.h"

#define MEM_DEMO_MAX_DEVM	1024	/* allocations of one device */
#define MEM_DEMO_DEVM_DEVICE	SZ_8K	/* the device, with its place in sysfs */

/**
 * struct mem_demo_devm - what a device's probe is to allocate
 * @want:  each of them
 * @count: how many
 * @freed: how many actions have run
 * @next:  number of the one that runs next, if they run last one first
 * @ok:    they did
 * @error: of the probe
 * @mark:  what each action is given
 */
struct mem_demo_devm {
	const struct mem_demo_want *want;
	u32 count;
	u32 freed;
	u32 next;
	bool ok;
	int error;
	struct mem_demo_devm_mark {
		struct mem_demo_devm *devm;
		u32 number;
	} mark[];
};

static void mem_demo_devm_action(void *data)
{
	struct mem_demo_devm_mark *mark = data;
	struct mem_demo_devm *devm = mark->devm;

	devm->freed++;
	if (mark->number != devm->next--)
		devm->ok = false;
}

/* The memory is the driver's as long as it has the device. */
static int mem_demo_devm_fill(struct device *dev, struct mem_demo_devm *devm)
{
	bool zeroed = devm->want->row->caps & MEM_CAP_ZEROED;
	u32 i;
	int ret;

	for (i = 0; i < devm->count; i++) {
		gfp_t gfp = devm->want->gfp;

		if (!(zeroed ? devm_kzalloc(dev, devm->want->size, gfp) :
			       devm_kmalloc(dev, devm->want->size, gfp)))
			return -ENOMEM;
		devm->mark[i].devm = devm;
		devm->mark[i].number = i;
		ret = devm_add_action(dev, mem_demo_devm_action, &devm->mark[i]);
		if (ret)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}

	return 0;
}

/* A failure is left in the argument: the driver core would complain of one. */
static int mem_demo_devm_probe(struct platform_device *pdev)
{
	struct mem_demo_devm **devm = dev_get_platdata(&pdev->dev);

	/* By driver_override, it can be tried on any device. */
	if (strcmp(pdev->name, MEM_DEMO_NAME "_devm"))
		return -ENODEV;
	(*devm)->error = mem_demo_devm_fill(&pdev->dev, *devm);

	return 0;
}

struct platform_driver mem_demo_devm_driver = {
	.driver = {
		.name = MEM_DEMO_NAME "_devm",
		.probe_type = PROBE_FORCE_SYNCHRONOUS,
		.suppress_bind_attrs = true,
	},
	.probe = mem_demo_devm_probe,
};

static int mem_demo_devm_run(struct mem_demo_devm *devm, struct mem_devm *arg)
{
	struct platform_device *pdev;

	devm->error = -ENOMEM;	/* should it not be probed */
	pdev = platform_device_register_data(NULL, MEM_DEMO_NAME "_devm",
					     PLATFORM_DEVID_AUTO, &devm,
					     sizeof(devm));
	/* It can only be memory, also where the driver core says EINVAL. */
	if (IS_ERR(pdev))
		return -ENOMEM;

	arg->before = devm->freed;
	devm->next = devm->count - 1;
	devm->ok = true;
	platform_device_unregister(pdev);
	arg->after = devm->freed;
	arg->in_order = devm->ok ? MEM_YES : MEM_NO;

	return devm->error;
}

/*
 * Each allocation has an action, which is one of the device's resources too. At
 * most 1024 of them, of at most the machine's memory: that does not overflow.
 */
static u64 mem_demo_devm_needs(const struct mem_demo_want *want, u32 count)
{
	struct mem_demo_want action = {
		.row = want->row,
		.size = sizeof(struct mem_demo_devm_mark *) + sizeof(void *),
	};

	return count * (u64)(mem_demo_footprint(want) + mem_demo_footprint(&action)) +
	       mem_demo_kvmalloc_needs(struct_size((struct mem_demo_devm *)NULL,
						   mark, count)) +
	       MEM_DEMO_DEVM_DEVICE;
}

long mem_demo_devm(struct mem_demo_file *file, struct mem_devm *arg)
{
	const struct mem_demo_row *row = mem_demo_row(arg->allocator,
						      MEM_CAP_ALLOC);
	struct mem_demo_devm *devm;
	struct mem_demo_want want;
	u64 bytes;
	int ret;

	if ((arg->allocator != MEM_DEVM_KMALLOC &&
	     arg->allocator != MEM_DEVM_KZALLOC) ||
	    !arg->count || arg->count > MEM_DEMO_MAX_DEVM ||
	    !MEM_DEMO_RESERVED_OK(arg))
		return -EINVAL;
	ret = mem_demo_ask(&want, row, arg->gfp, arg->size, 0);
	if (ret)
		return ret;

	bytes = mem_demo_devm_needs(&want, arg->count);
	ret = mem_demo_charge(file, bytes);
	if (ret)
		return ret;

	devm = kvzalloc(struct_size(devm, mark, arg->count), MEM_DEMO_GFP);
	ret = -ENOMEM;
	if (devm) {
		devm->want = &want;
		devm->count = arg->count;
		ret = mem_demo_devm_run(devm, arg);
		kvfree(devm);
	}
	mem_demo_uncharge(file, bytes);

	return ret;
}
