// SPDX-License-Identifier: GPL-2.0
/*
 * vser - how a laboratory joins
 *
 * A laboratory is a module of its own whose ioctls are reached through any
 * descriptor of /dev/vser: lab.h is the contract. This file keeps the table of the
 * laboratories that are loaded, and what an open file has of each.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/uaccess.h>

#include "line/cdev.h"

/* Protects vser_labs. Process context, outermost. */
static DEFINE_MUTEX(vser_labs_lock);
static const struct vser_lab *vser_labs[VSER_NR_LABS];

/* The ioctl numbers of each. */
static const struct {
	unsigned int first;
	unsigned int last;
} vser_lab_ranges[VSER_NR_LABS] = {
	[VSER_LAB_MEM] = { 0x40, 0x7f },
	[VSER_LAB_IO] = { 0x80, 0xbf },
};

int vser_lab_register(const struct vser_lab *lab)
{
	int ret = 0;

	mutex_lock(&vser_labs_lock);
	if (vser_labs[lab->id])
		ret = -EBUSY;
	else
		vser_labs[lab->id] = lab;
	mutex_unlock(&vser_labs_lock);

	return ret;
}
EXPORT_SYMBOL_GPL(vser_lab_register);

void vser_lab_unregister(const struct vser_lab *lab)
{
	mutex_lock(&vser_labs_lock);
	vser_labs[lab->id] = NULL;
	mutex_unlock(&vser_labs_lock);
}
EXPORT_SYMBOL_GPL(vser_lab_unregister);

/* The operation, or an error pointer if there is none for the caller. */
static const struct vser_lab_ioctl *vser_lab_find(const struct vser_lab *lab,
						  unsigned int cmd)
{
	size_t i;

	for (i = 0; i < lab->nr_ioctls; i++)
		if (lab->ioctls[i].cmd == cmd)
			break;
	if (i == lab->nr_ioctls)
		return ERR_PTR(-ENOTTY);

	return capable(lab->capability) ? &lab->ioctls[i] : ERR_PTR(-EPERM);
}

/*
 * Opens laboratory @id for the file, if it is loaded and has @cmd for the caller: a
 * program that only tries numbers pins no module. Returns 0 if it is open.
 */
static int vser_lab_open(struct vser_file *vfile, enum vser_lab_id id,
			 unsigned int cmd)
{
	struct vser_lab_file *file = &vfile->labs[id];
	const struct vser_lab_ioctl *ioctl;
	const struct vser_lab *lab;
	void *state;
	int ret = 0;

	mutex_lock(&vser_labs_lock);
	mutex_lock(&vfile->lab_lock);
	lab = vser_labs[id];
	if (file->lab)
		goto out_unlock;
	ioctl = lab ? vser_lab_find(lab, cmd) : ERR_PTR(-EOPNOTSUPP);
	if (IS_ERR(ioctl)) {
		ret = PTR_ERR(ioctl);
		goto out_unlock;
	}
	/* It is being unloaded. */
	if (!try_module_get(lab->owner)) {
		ret = -EOPNOTSUPP;
		goto out_unlock;
	}

	state = lab->open();
	if (IS_ERR(state)) {
		module_put(lab->owner);
		ret = PTR_ERR(state);
		goto out_unlock;
	}
	file->state = state;
	/* Pairs with vser_lab_ioctl(). */
	smp_store_release(&file->lab, lab);

out_unlock:
	mutex_unlock(&vfile->lab_lock);
	mutex_unlock(&vser_labs_lock);
	return ret;
}

static long vser_lab_ioctl(struct vser_file *vfile, enum vser_lab_id id,
			   unsigned int cmd, unsigned long arg)
{
	const struct vser_lab_ioctl *ioctl;
	const struct vser_lab *lab;
	int ret;

	/* Pairs with vser_lab_open(). */
	lab = smp_load_acquire(&vfile->labs[id].lab);
	if (!lab) {
		ret = vser_lab_open(vfile, id, cmd);
		if (ret)
			return ret;
		lab = vfile->labs[id].lab;
	}

	ioctl = vser_lab_find(lab, cmd);
	if (IS_ERR(ioctl))
		return PTR_ERR(ioctl);

	return ioctl->fn(vfile->labs[id].state, (void __user *)arg);
}

/* An ioctl that is none of the line's: does it belong to a laboratory? */
long vser_labs_ioctl(struct vser_file *vfile, unsigned int cmd,
		     unsigned long arg)
{
	size_t i;

	for (i = 0; i < VSER_NR_LABS; i++)
		if (_IOC_TYPE(cmd) == VS_MAGIC &&
		    _IOC_NR(cmd) >= vser_lab_ranges[i].first &&
		    _IOC_NR(cmd) <= vser_lab_ranges[i].last)
			return vser_lab_ioctl(vfile, i, cmd, arg);

	return -ENOTTY;
}

/* The file is being closed: nobody else can reach it. */
void vser_labs_close(struct vser_file *vfile)
{
	struct vser_lab_file *file;

	for (file = vfile->labs; file < vfile->labs + VSER_NR_LABS; file++) {
		if (!file->lab)
			continue;
		file->lab->release(file->state);
		module_put(file->lab->owner);
	}
}
