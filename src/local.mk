sbin_PROGRAMS += csdnsd
csdnsd_SOURCES = src/csdnsd.c src/csdnsd_settings.c src/csdnsd_settings.h src/daemon_stop.c src/daemon_stop.h
csdnsd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(PQ_CFLAGS) $(JANSSON_CFLAGS)
csdnsd_LDADD = libcsdns_serve.a libcsdns_write.a libcsdns_feed.a libcsdns_pg.a \
	libcsdns_protocol.a libcsdns_mirror.a libcsdns_dns.a libcsdns_http.a libcsdns_base.a \
	$(EVENT_LIBS) $(HTTP_LIBS) $(PQ_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(SYSTEMD_LIBS)

bin_PROGRAMS += csdns-pipe
csdns_pipe_SOURCES = src/csdns-pipe.c
csdns_pipe_LDADD = libcsdns_pipe.a libcsdns_base.a $(SYSTEMD_LIBS)
