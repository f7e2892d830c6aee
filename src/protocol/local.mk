noinst_LIBRARIES += libcsdns_protocol.a
libcsdns_protocol_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_protocol_a_SOURCES =
