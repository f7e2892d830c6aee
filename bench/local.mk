# Built only for bench/: load generators, a prober, and the responder that csdnsd is compared with.
EXTRA_PROGRAMS += bench/client bench/constant bench/deliver bench/dnsload bench/prober
bench_client_SOURCES = bench/client.c
bench_constant_SOURCES = bench/constant.c
bench_constant_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
bench_constant_LDADD = $(EVENT_LIBS)
bench_deliver_SOURCES = bench/deliver.c bench/wire.c bench/wire.h
bench_deliver_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
bench_deliver_LDADD = $(EVENT_LIBS) $(CRYPTO_LIBS)
bench_dnsload_SOURCES = bench/dnsload.c bench/wire.c bench/wire.h
bench_dnsload_LDADD = -lm
bench_prober_SOURCES = bench/prober.c bench/wire.c bench/wire.h
bench_prober_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(PQ_CFLAGS)
bench_prober_LDADD = $(EVENT_LIBS) $(PQ_LIBS)
CLEANFILES += bench/client bench/constant bench/deliver bench/dnsload bench/prober
EXTRA_DIST += bench/run bench/lookup bench/load bench/order bench/visible bench/transfer bench/zone-constant bench/write bench/zones bench/cloud bench/sync bench/lib/Csdns/Bench.pm \
	bench/lib/Csdns/Bench/Axfr.pm bench/lib/Csdns/Bench/Miss.pm bench/lib/Csdns/Bench/Plot.pm bench/lib/Csdns/Bench/Servers.pm bench/lib/Csdns/Bench/Sizes.pm \
	bench/lib/Csdns/Bench/Steady.pm bench/lib/Csdns/Bench/Threads.pm bench/lib/Csdns/Bench/Visible.pm

.PHONY: bench-programs
bench-programs: bench/client bench/constant bench/deliver bench/dnsload bench/prober
