#define _GNU_SOURCE
#include "shim.h"

#include <pthread.h>
#include <sys/eventfd.h>

int apus_name_this_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }

int apus_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
