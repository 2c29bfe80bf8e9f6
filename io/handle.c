// SPDX-License-Identifier: GPL-2.0
/*
 * io_demo - an open file: its handles, and the objects behind them
 */
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "io/lab.h"
#include "io_demo.h"

void *io_demo_open(void)
{
	struct io_demo_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return ERR_PTR(-ENOMEM);
	mutex_init(&file->lock);
	xa_init_flags(&file->objects, XA_FLAGS_ALLOC1);

	return file;
}

void io_demo_close(void *state)
{
	struct io_demo_file *file = state;
	struct io_demo_object *object;
	unsigned long handle;

	xa_for_each(&file->objects, handle, object)
		object->destroy(object);
	xa_destroy(&file->objects);
	kfree(file);
}

/*
 * Makes the object known to the file, and its handle to the caller; @data, with
 * @handle in it, goes to @arg. If it fails, the caller still has the object.
 */
int io_demo_add(struct io_demo_file *file, struct io_demo_object *object,
		u32 *handle, void __user *arg, const void *data, size_t size)
{
	int ret;

	lockdep_assert_held(&file->lock);
	ret = xa_alloc(&file->objects, handle, object,
		       XA_LIMIT(1, IO_DEMO_MAX_HANDLES), GFP_KERNEL_ACCOUNT);
	if (ret)
		return ret == -EBUSY ? -EDQUOT : ret;

	ret = io_demo_leave(arg, data, size);
	if (ret)
		xa_erase(&file->objects, *handle);

	return ret;
}

struct io_demo_object *io_demo_find(struct io_demo_file *file, u32 handle,
				    enum io_demo_type type)
{
	struct io_demo_object *object;

	lockdep_assert_held(&file->lock);
	object = xa_load(&file->objects, handle);

	return object && object->type == type ? object : NULL;
}

long io_demo_release(void *state, void __user *arg)
{
	struct io_demo_file *file = state;
	struct io_demo_object *object;
	struct io_demo_release release;
	int ret;

	ret = io_demo_enter(&release, arg, sizeof(release));
	if (ret)
		return ret;
	if (release.reserved)
		return -EINVAL;

	ret = io_demo_lock(&file->lock);
	if (ret)
		return ret;
	object = xa_erase(&file->objects, release.handle);
	if (object)
		object->destroy(object);
	else
		ret = -ENOENT;
	mutex_unlock(&file->lock);

	return ret;
}
