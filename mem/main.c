// SPDX-License-Identifier: GPL-2.0
/* kbuild cannot link mem_demo.ko from a mem_demo.o and others: so it is main.o. */
#include "../mem_demo.c"
