noinst_LIBRARIES += libcsdns_pg.a
libcsdns_pg_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(PQ_CFLAGS)
libcsdns_pg_a_SOURCES = src/pg/pg.c src/pg/pg.h \
	src/pg/events.h \
	src/pg/connect.c src/pg/connect.h \
	src/pg/copy.c src/pg/copy.h
