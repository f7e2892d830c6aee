noinst_LIBRARIES += libcsdns_http.a
libcsdns_http_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(HTTP_CFLAGS)
libcsdns_http_a_SOURCES = \
	src/http/http.c src/http/http.h \
	src/http/address.c src/http/address.h \
	src/http/tls.c src/http/tls.h \
	src/http/reply.c src/http/reply.h \
	src/http/watch.c src/http/watch.h
