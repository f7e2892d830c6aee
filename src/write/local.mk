noinst_LIBRARIES += libcsdns_write.a
libcsdns_write_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_write_a_SOURCES =
