noinst_LIBRARIES += libcsdns_write.a
libcsdns_write_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(PQ_CFLAGS)
libcsdns_write_a_SOURCES = src/write/writer.c src/write/writer.h
