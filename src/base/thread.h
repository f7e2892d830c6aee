/*
 * thread: a thread for one call that blocks and cannot be made otherwise, such as connecting with
 * a library. It shares nothing with the loop but what it is given.
 */
#ifndef CSDNS_BASE_THREAD_H
#define CSDNS_BASE_THREAD_H

/* Runs it detached, with all signals blocked: these are the loop's. 0, or an errno. */
int thread_start(void *(*run)(void *arg), void *arg) __attribute__((warn_unused_result));

#endif
