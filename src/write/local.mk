noinst_LIBRARIES += libcsdns_write.a
libcsdns_write_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(PQ_CFLAGS)
libcsdns_write_a_SOURCES = \
	src/write/writer.c src/write/writer.h \
	src/write/statement.c src/write/statement.h \
	src/write/session.c src/write/session.h \
	src/write/transaction.c src/write/transaction.h
