// What Swift cannot import from C by itself: variadic calls and macros. Nothing else belongs here.
#pragma once

/// Names the calling thread (at most 15 bytes): `pthread_setname_np` is hidden without `_GNU_SOURCE`.
int apus_name_this_thread(const char *name);

/// A non-blocking, close-on-exec `eventfd`, or -1.
int apus_eventfd(void);
