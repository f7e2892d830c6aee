noinst_LIBRARIES += libcsdns_base.a
libcsdns_base_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_base_a_SOURCES =
