noinst_LIBRARIES += libcsdns_serve.a
libcsdns_serve_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(HTTP_CFLAGS) $(PQ_CFLAGS) $(JANSSON_CFLAGS) $(SYSTEMD_CFLAGS)
libcsdns_serve_a_SOURCES = \
	src/serve/server.c src/serve/server.h \
	src/serve/batch.c src/serve/batch.h \
	src/serve/conn.c src/serve/conn.h \
	src/serve/exchange.c src/serve/exchange.h \
	src/serve/listener.c src/serve/listener.h \
	src/serve/control.c src/serve/control.h \
	src/serve/purge.c src/serve/purge.h \
	src/serve/purge_repeat.c src/serve/purge_repeat.h \
	src/serve/purge_set.c src/serve/purge_set.h \
	src/serve/purge_target.c src/serve/purge_target.h \
	src/serve/zone_flush.c src/serve/zone_flush.h \
	src/serve/slow.c src/serve/slow.h \
	src/serve/web.c src/serve/web.h \
	src/serve/monitor.c src/serve/monitor.h \
	src/serve/health.c src/serve/health.h \
	src/serve/metrics_page.c src/serve/metrics_page.h \
	src/serve/records_api.c src/serve/records_api.h \
	src/serve/record_query.c src/serve/record_query.h \
	src/serve/status.c src/serve/status.h
