noinst_LIBRARIES += libcsdns_feed.a
libcsdns_feed_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_feed_a_SOURCES =
