noinst_LIBRARIES += libcsdns_dns.a
libcsdns_dns_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
libcsdns_dns_a_SOURCES = \
	src/dns/name.c src/dns/name.h \
	src/dns/nsec3.c src/dns/nsec3.h \
	src/dns/rdata.c src/dns/rdata.h \
	src/dns/rrtype.c src/dns/rrtype.h
