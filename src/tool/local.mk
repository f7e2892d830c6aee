noinst_LIBRARIES += libcsdns_tool.a
libcsdns_tool_a_CPPFLAGS = $(AM_CPPFLAGS) $(PQ_CFLAGS) $(JANSSON_CFLAGS) $(LDNS_CFLAGS) $(CURL_CFLAGS) $(CRYPTO_CFLAGS)
libcsdns_tool_a_SOURCES = \
	src/tool/cell.c src/tool/cell.h \
	src/tool/db.c src/tool/db.h \
	src/tool/events.c \
	src/tool/export.c \
	src/tool/near.c src/tool/near.h \
	src/tool/progress.c src/tool/progress.h \
	src/tool/rows.c src/tool/rows.h \
	src/tool/schema.c src/tool/schema.h \
	src/tool/schema_status.c \
	src/tool/script.c src/tool/script.h \
	src/tool/sql_text.c src/tool/sql_text.h \
	src/tool/sync.c \
	src/tool/table.c src/tool/table.h \
	src/tool/tool.c src/tool/tool.h \
	src/tool/verb.c src/tool/verb.h \
	src/tool/verb_answer.c \
	src/tool/verb_args.c \
	src/tool/verb_call.c \
	src/tool/verb_help.c \
	src/tool/verb_table.c \
	src/tool/zone_text.c src/tool/zone_text.h

TOOL_LIBS =
if HAVE_LDNS
TOOL_LIBS += $(LDNS_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)
libcsdns_tool_a_SOURCES += \
	src/tool/import.c src/tool/import.h \
	src/tool/import_api.c \
	src/tool/import_axfr.c \
	src/tool/import_file.c \
	src/tool/import_plan.c \
	src/tool/import_store.c \
	src/tool/rr.c src/tool/rr.h \
	src/tool/server.c src/tool/server.h \
	src/tool/tsig_check.c src/tool/tsig_check.h \
	src/tool/verify.c src/tool/verify.h \
	src/tool/verify_ask.c
else
libcsdns_tool_a_SOURCES += src/tool/without_ldns.c
endif

bin_PROGRAMS += csdns
csdns_SOURCES = src/csdns.c
csdns_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
csdns_LDADD = libcsdns_tool.a libcsdns_base.a $(TOOL_LIBS) $(PQ_LIBS) $(JANSSON_LIBS) $(SYSTEMD_LIBS)

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = contrib/bash-completion/csdns
