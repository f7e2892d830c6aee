noinst_LIBRARIES += libcsdns_protocol.a
libcsdns_protocol_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
libcsdns_protocol_a_SOURCES = \
	src/protocol/protocol.c src/protocol/protocol.h \
	src/protocol/call.c src/protocol/call.h \
	src/protocol/write.c src/protocol/write.h \
	src/protocol/record_text.c src/protocol/record_text.h \
	src/protocol/scan.c src/protocol/scan.h \
	src/protocol/lookup.c \
	src/protocol/listing.c src/protocol/listing.h \
	src/protocol/list.c \
	src/protocol/domains.c \
	src/protocol/search.c \
	src/protocol/keys.c \
	src/protocol/neighbours.c \
	src/protocol/metadata.c \
	src/protocol/command.c \
	src/protocol/single.c \
	src/protocol/transaction.c \
	src/protocol/inside.c
