/*
 * curl_loop: libcurl's transfers on the event loop.
 */
#ifndef CSDNS_SYNC_CURL_LOOP_H
#define CSDNS_SYNC_CURL_LOOP_H

#include <curl/curl.h>
#include <event2/event.h>
#include <stdbool.h>

struct curl_loop;

/* A transfer has ended; it is to be removed here, and is its owner's again. */
typedef void (*curl_loop_fn)(void *arg, CURL *curl, CURLcode code);

/* NULL when memory is out. */
struct curl_loop *curl_loop_new(struct event_base *base, curl_loop_fn fn, void *arg);
/* Without transfers. May be NULL. */
void curl_loop_free(struct curl_loop *loop);

/* Starts a transfer, which ends later, never from inside; false: it is not started. */
bool curl_loop_add(struct curl_loop *loop, CURL *curl) __attribute__((warn_unused_result));
/* Whether it has ended or not. */
void curl_loop_remove(struct curl_loop *loop, CURL *curl);

#endif
