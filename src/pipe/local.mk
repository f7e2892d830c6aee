noinst_LIBRARIES += libcsdns_pipe.a
libcsdns_pipe_a_SOURCES = \
	src/pipe/link.c src/pipe/link.h \
	src/pipe/pipe.c src/pipe/pipe.h \
	src/pipe/request.c src/pipe/request.h
