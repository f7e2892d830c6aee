noinst_LIBRARIES += libcsdns_base.a
libcsdns_base_a_CPPFLAGS = $(AM_CPPFLAGS) $(SYSTEMD_CFLAGS)
libcsdns_base_a_SOURCES = \
	src/base/buf.c src/base/buf.h \
	src/base/clock.h \
	src/base/histogram.h \
	src/base/json_text.c src/base/json_text.h \
	src/base/pool.c src/base/pool.h \
	src/base/process_metrics.c src/base/process_metrics.h \
	src/base/metrics.c src/base/metrics.h \
	src/base/log.c src/base/log.h \
	src/base/notify.c src/base/notify.h \
	src/base/option_entries.c src/base/option_entries.h \
	src/base/option_value.c src/base/option_value.h \
	src/base/options.c src/base/options.h \
	src/base/thread.c src/base/thread.h \
	src/base/utf8.c src/base/utf8.h
