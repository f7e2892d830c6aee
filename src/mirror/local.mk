noinst_LIBRARIES += libcsdns_mirror.a
libcsdns_mirror_a_SOURCES = \
	src/mirror/table.c src/mirror/table.h \
	src/mirror/order.c src/mirror/order.h \
	src/mirror/rrs.c src/mirror/rrs.h \
	src/mirror/rows.h \
	src/mirror/secret.c src/mirror/secret.h \
	src/mirror/tsig.c src/mirror/tsig.h \
	src/mirror/reference.c src/mirror/reference.h \
	src/mirror/zone.c src/mirror/zone.h \
	src/mirror/denial.c src/mirror/denial.h \
	src/mirror/pin.c \
	src/mirror/record.c \
	src/mirror/mirror.c src/mirror/mirror.h \
	src/mirror/affected.c src/mirror/affected.h src/mirror/affected_set.h \
	src/mirror/effect.c src/mirror/effect.h src/mirror/hooks.h \
	src/mirror/change.c src/mirror/change.h
