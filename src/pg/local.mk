noinst_LIBRARIES += libcsdns_pg.a
libcsdns_pg_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_pg_a_SOURCES =
