#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int apus_name_this_thread(const char *name) { return pthread_setname_np(pthread_self(), name); }

int apus_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int apus_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int apus_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
  return posix_spawn_file_actions_addclosefrom_np(actions, first);
}

// The kernel's `struct sched_attr` as of its first version.
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

static int get_scheduling(struct scheduling *scheduling) { return (int)syscall(SYS_sched_getattr, 0, scheduling, sizeof *scheduling, 0); }

uint64_t apus_turn(void) {
  struct scheduling now = {0};
  return get_scheduling(&now) == 0 && now.policy == SCHED_OTHER ? now.runtime : 0;
}

int apus_set_turn(uint64_t nanoseconds) {
  struct scheduling wanted = {0};
  if (get_scheduling(&wanted) != 0) return -1;
  // Somebody has chosen otherwise: real time, say, which has no turns.
  if (wanted.policy != SCHED_OTHER) {
    errno = EINVAL;
    return -1;
  }
  wanted.runtime = nanoseconds;
  return (int)syscall(SYS_sched_setattr, 0, &wanted, 0);
}
