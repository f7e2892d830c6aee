noinst_LIBRARIES += libcsdns_serve.a
libcsdns_serve_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_serve_a_SOURCES =
