// SPDX-License-Identifier: GPL-2.0
/* kbuild cannot link io_demo.ko from an io_demo.o and others: so it is main.o. */
#include "../io_demo.c"
