#define _GNU_SOURCE
#include "shim.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

int apus_name_this_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }

int apus_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int apus_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
