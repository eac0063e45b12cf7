// What Swift cannot import from C by itself: variadic calls and macros. Nothing else belongs here.
#pragma once

// Not in Swift's Glibc module.
#include <spawn.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

/// Names the calling thread (at most 15 bytes): `pthread_setname_np` is hidden without `_GNU_SOURCE`.
int apus_name_this_thread(const char *name);

/// A non-blocking, close-on-exec `eventfd`, or -1.
int apus_eventfd(void);

/// The next connection of a listening socket, non-blocking and close-on-exec, or -1: `accept4` is hidden without `_GNU_SOURCE`.
int apus_accept(int listener);

/// Has a spawned child close every descriptor from `first` on: `posix_spawn_file_actions_addclosefrom_np` is hidden without
/// `_GNU_SOURCE`.
int apus_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

/// How long the calling thread may stay on a processor while others want it, in nanoseconds; 0 where the kernel does not tell.
/// `sched_getattr` has no wrapper in the C library.
uint64_t apus_turn(void);

/// Asks for turns of so many nanoseconds, for the calling thread and those that it starts from then on; 0, or -1 and `errno`. Changes nothing
/// else about how it is scheduled. `sched_setattr` has no wrapper in the C library.
int apus_set_turn(uint64_t nanoseconds);
