noinst_LIBRARIES += libcsdns_feed.a
libcsdns_feed_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(PQ_CFLAGS)
libcsdns_feed_a_SOURCES = \
	src/feed/feed.c src/feed/feed.h src/feed/feed_internal.h \
	src/feed/connection.c src/feed/connection.h \
	src/feed/task.c src/feed/task.h \
	src/feed/publish.c src/feed/publish.h \
	src/feed/leftovers.c src/feed/leftovers.h \
	src/feed/load.c src/feed/load.h \
	src/feed/follow.c src/feed/follow.h \
	src/feed/version.c src/feed/version.h \
	src/feed/rows.c src/feed/rows.h \
	src/feed/left_out.c src/feed/left_out.h
