if HAVE_SYNC
noinst_LIBRARIES += libcsdns_sync.a
sbin_PROGRAMS += csdns-sync
endif
libcsdns_sync_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(HTTP_CFLAGS) $(PQ_CFLAGS) $(JANSSON_CFLAGS) $(CURL_CFLAGS) \
	$(KAFKA_CFLAGS) $(RABBITMQ_CFLAGS) $(LDNS_CFLAGS)
libcsdns_sync_a_SOURCES = \
	src/sync/api.c src/sync/api.h \
	src/sync/catch_up.c src/sync/catch_up.h \
	src/sync/curl_loop.c src/sync/curl_loop.h \
	src/sync/entity.c src/sync/entity.h \
	src/sync/event.c src/sync/event.h \
	src/sync/intake.c src/sync/intake.h \
	src/sync/kafka.h src/sync/kafka_conf.h src/sync/kafka_partition.h \
	src/sync/lookup.c src/sync/lookup.h \
	src/sync/metrics_page.c src/sync/metrics_page.h \
	src/sync/monitor.c src/sync/monitor.h \
	src/sync/rabbitmq.h src/sync/rabbitmq_connect.h \
	src/sync/reconcile.c src/sync/reconcile.h \
	src/sync/relay.c src/sync/relay.h \
	src/sync/signature.c src/sync/signature.h \
	src/sync/store.c src/sync/store.h \
	src/sync/tally.c src/sync/tally.h \
	src/sync/task.c src/sync/task.h \
	src/sync/webhook.c src/sync/webhook.h \
	src/sync/worker.c src/sync/worker.h
if HAVE_LDNS
libcsdns_sync_a_SOURCES += src/sync/question.c src/sync/question.h \
	src/sync/repeat.c src/sync/repeat.h src/sync/verify.c src/sync/verify.h
else
libcsdns_sync_a_SOURCES += src/sync/verify_none.c src/sync/verify.h
endif
if HAVE_KAFKA
libcsdns_sync_a_SOURCES += src/sync/kafka.c src/sync/kafka_conf.c src/sync/kafka_partition.c
else
libcsdns_sync_a_SOURCES += src/sync/kafka_none.c
endif
if HAVE_RABBITMQ
libcsdns_sync_a_SOURCES += src/sync/rabbitmq.c src/sync/rabbitmq_connect.c
else
libcsdns_sync_a_SOURCES += src/sync/rabbitmq_none.c
endif

csdns_sync_SOURCES = src/csdns-sync.c src/csdns_sync_bus.c src/csdns_sync_bus.h \
	src/csdns_sync_options.c src/csdns_sync_options.h src/csdns_sync_secret.c src/csdns_sync_secret.h src/csdns_sync_settings.c src/csdns_sync_settings.h \
	src/daemon_stop.c src/daemon_stop.h
csdns_sync_CPPFLAGS = $(libcsdns_sync_a_CPPFLAGS)
csdns_sync_LDADD = libcsdns_sync.a libcsdns_http.a libcsdns_pg.a libcsdns_base.a \
	$(KAFKA_LIBS) $(RABBITMQ_LIBS) $(LDNS_LIBS) $(CURL_LIBS) $(HTTP_LIBS) $(EVENT_LIBS) $(PQ_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(SYSTEMD_LIBS)
