# Built only for bench/: the load generator and the responder that it is compared with.
EXTRA_PROGRAMS += bench/client bench/constant
bench_client_SOURCES = bench/client.c
bench_constant_SOURCES = bench/constant.c
bench_constant_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
bench_constant_LDADD = $(EVENT_LIBS)
CLEANFILES += bench/client bench/constant
EXTRA_DIST += bench/lookup bench/load bench/order bench/visible bench/cloud bench/lib/Csdns/Bench.pm

.PHONY: bench-programs
bench-programs: bench/client bench/constant
