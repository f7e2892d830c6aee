noinst_LIBRARIES += libcsdns_mirror.a
libcsdns_mirror_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_mirror_a_SOURCES =
