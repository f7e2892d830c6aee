noinst_LIBRARIES += libcsdns_dns.a
libcsdns_dns_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_dns_a_SOURCES =
