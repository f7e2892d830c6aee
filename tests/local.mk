# make check: C unit tests, the check of the floors, the fuzz targets' corpora.  Every test prints TAP.
#
# To add a unit test of src/FLOOR/X.c, write tests/unit/test_X.c and add to the list below
#     UNIT_TESTS += tests/unit/test_X
#     tests_unit_test_X_LDADD = $(UNIT_FLOOR)
# A test links its floor and those below, so that a call upward does not link.

AM_CPPFLAGS += $(CMOCKA_CFLAGS)
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	CC='$(CC)'; export CC; \
	TEST_CFLAGS='$(EVENT_CFLAGS) $(PQ_CFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)'; export TEST_CFLAGS;
TESTS = tests/check-includes $(UNIT_TESTS_HERE) $(FUZZ_TESTS)
EXTRA_DIST += $(UNIT_INPUTS) tests/double tests/lib tests/run tests/sql tests/system

dist_check_SCRIPTS += tests/check-includes

# tests/system is a folder of the build as well.
dist-hook:
	rm -rf "$(distdir)/tests/system/.deps"

UNIT_BASE = libcsdns_base.a $(CMOCKA_LIBS) $(SYSTEMD_LIBS)
UNIT_DNS = libcsdns_dns.a $(UNIT_BASE) $(CRYPTO_LIBS)
UNIT_MIRROR = libcsdns_mirror.a $(UNIT_DNS)
UNIT_PROTOCOL = libcsdns_protocol.a $(UNIT_MIRROR) $(JANSSON_LIBS)
UNIT_PG = libcsdns_pg.a $(UNIT_BASE) $(PQ_LIBS) $(EVENT_LIBS)
UNIT_FEED = libcsdns_feed.a libcsdns_pg.a $(UNIT_MIRROR) $(PQ_LIBS) $(EVENT_LIBS)
UNIT_SYNC = libcsdns_sync.a $(UNIT_PG) $(JANSSON_LIBS) $(CRYPTO_LIBS)
UNIT_TOOL = libcsdns_tool.a $(UNIT_PG) $(JANSSON_LIBS) $(TOOL_LIBS)
# Lets a test make the n-th allocation fail, see tests/unit/fail_alloc.h.
UNIT_FAIL_ALLOC = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
# The same for pool_alloc, see tests/unit/fail_pool.h.
UNIT_FAIL_POOL = -Wl,--wrap=pool_alloc

UNIT_TESTS =
UNIT_INPUTS = tests/unit/record-cases.tsv

UNIT_TESTS += tests/unit/test_buf
tests_unit_test_buf_SOURCES = tests/unit/test_buf.c tests/unit/fail_alloc.c
tests_unit_test_buf_LDFLAGS = $(UNIT_FAIL_ALLOC)
tests_unit_test_buf_LDADD = $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_utf8
tests_unit_test_utf8_LDADD = $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_metrics
tests_unit_test_metrics_LDADD = $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_log
tests_unit_test_log_LDADD = $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_options
tests_unit_test_options_SOURCES = tests/unit/test_options.c tests/unit/fail_alloc.c
tests_unit_test_options_LDFLAGS = $(UNIT_FAIL_ALLOC)
tests_unit_test_options_LDADD = $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_pipe_request
tests_unit_test_pipe_request_LDADD = libcsdns_pipe.a $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_name
tests_unit_test_name_LDADD = $(UNIT_DNS)

UNIT_TESTS += tests/unit/test_nsec3
tests_unit_test_nsec3_LDADD = $(UNIT_DNS)

UNIT_TESTS += tests/unit/test_rrtype
tests_unit_test_rrtype_LDADD = $(UNIT_DNS)

UNIT_TESTS += tests/unit/test_rdata
tests_unit_test_rdata_LDADD = $(UNIT_DNS)

UNIT_TESTS += tests/unit/test_sql_text
tests_unit_test_sql_text_LDADD = $(UNIT_TOOL)

UNIT_TESTS += tests/unit/test_near
tests_unit_test_near_LDADD = $(UNIT_TOOL)

UNIT_TESTS += tests/unit/test_cell
tests_unit_test_cell_LDADD = $(UNIT_TOOL)

UNIT_TESTS += tests/unit/test_text_table
tests_unit_test_text_table_LDADD = $(UNIT_TOOL)

UNIT_TESTS += tests/unit/test_verb_args
tests_unit_test_verb_args_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_verb_args_LDADD = $(UNIT_TOOL)

UNIT_TESTS += tests/unit/test_verb_answer
tests_unit_test_verb_answer_SOURCES = tests/unit/test_verb_answer.c tests/unit/fail_alloc.c
tests_unit_test_verb_answer_LDFLAGS = $(UNIT_FAIL_ALLOC)
tests_unit_test_verb_answer_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_verb_answer_LDADD = $(UNIT_TOOL)

UNIT_TESTS += tests/unit/test_pool
tests_unit_test_pool_LDFLAGS = -Wl,--wrap=malloc,--wrap=mmap
tests_unit_test_pool_LDADD = $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_json_text
tests_unit_test_json_text_SOURCES = tests/unit/test_json_text.c tests/unit/fail_alloc.c
tests_unit_test_json_text_LDFLAGS = $(UNIT_FAIL_ALLOC)
tests_unit_test_json_text_LDADD = $(UNIT_BASE)

UNIT_TESTS += tests/unit/test_table
tests_unit_test_table_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_order
tests_unit_test_order_SOURCES = tests/unit/test_order.c tests/unit/fail_pool.c
tests_unit_test_order_LDFLAGS = $(UNIT_FAIL_POOL)
tests_unit_test_order_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_rrs
tests_unit_test_rrs_SOURCES = tests/unit/test_rrs.c tests/unit/fail_pool.c
tests_unit_test_rrs_LDFLAGS = $(UNIT_FAIL_POOL)
tests_unit_test_rrs_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_record
tests_unit_test_record_SOURCES = tests/unit/test_record.c tests/unit/fail_alloc.c
tests_unit_test_record_LDFLAGS = $(UNIT_FAIL_ALLOC)
tests_unit_test_record_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_zone
tests_unit_test_zone_SOURCES = tests/unit/test_zone.c tests/unit/mirror_check.c tests/unit/fail_pool.c
tests_unit_test_zone_LDFLAGS = $(UNIT_FAIL_POOL)
tests_unit_test_zone_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_denial
tests_unit_test_denial_SOURCES = tests/unit/test_denial.c tests/unit/mirror_check.c
tests_unit_test_denial_LDADD = $(UNIT_MIRROR)

UNIT_CHANGE_RUN = tests/unit/change_run.c tests/unit/listing.c tests/unit/store_check.c tests/unit/store_model.c \
	tests/unit/mirror_check.c

UNIT_TESTS += tests/unit/test_change
tests_unit_test_change_SOURCES = tests/unit/test_change.c $(UNIT_CHANGE_RUN)
tests_unit_test_change_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_change_rows
tests_unit_test_change_rows_SOURCES = tests/unit/test_change_rows.c tests/unit/mirror_check.c
tests_unit_test_change_rows_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_change_memory
tests_unit_test_change_memory_SOURCES = tests/unit/test_change_memory.c $(UNIT_CHANGE_RUN) \
	tests/unit/fail_alloc.c tests/unit/fail_pool.c
tests_unit_test_change_memory_LDFLAGS = $(UNIT_FAIL_ALLOC) $(UNIT_FAIL_POOL)
tests_unit_test_change_memory_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_affected
tests_unit_test_affected_SOURCES = tests/unit/test_affected.c tests/unit/fail_alloc.c tests/unit/fail_pool.c
tests_unit_test_affected_LDFLAGS = $(UNIT_FAIL_ALLOC) $(UNIT_FAIL_POOL)
tests_unit_test_affected_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_effect
tests_unit_test_effect_SOURCES = tests/unit/test_effect.c tests/unit/answer.c tests/unit/mirror_check.c \
	tests/unit/fail_alloc.c tests/unit/fail_pool.c
tests_unit_test_effect_LDFLAGS = $(UNIT_FAIL_ALLOC) $(UNIT_FAIL_POOL)
tests_unit_test_effect_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_effect_rare
tests_unit_test_effect_rare_SOURCES = tests/unit/test_effect_rare.c tests/unit/mirror_check.c
tests_unit_test_effect_rare_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_pin
tests_unit_test_pin_SOURCES = tests/unit/test_pin.c tests/unit/mirror_check.c
tests_unit_test_pin_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_mirror
tests_unit_test_mirror_SOURCES = tests/unit/test_mirror.c tests/unit/mirror_check.c
tests_unit_test_mirror_LDADD = $(UNIT_MIRROR)

UNIT_TESTS += tests/unit/test_copy
tests_unit_test_copy_LDADD = $(UNIT_PG)

UNIT_TESTS += tests/unit/test_rows
tests_unit_test_rows_LDADD = $(UNIT_FEED)

UNIT_TESTS += tests/unit/test_scan
tests_unit_test_scan_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_scan_LDADD = $(UNIT_PROTOCOL)

UNIT_TESTS += tests/unit/test_protocol
tests_unit_test_protocol_SOURCES = tests/unit/test_protocol.c tests/unit/protocol_ask.c \
	tests/unit/fail_alloc.c tests/unit/fail_pool.c
tests_unit_test_protocol_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_protocol_LDFLAGS = $(UNIT_FAIL_ALLOC) $(UNIT_FAIL_POOL)
tests_unit_test_protocol_LDADD = $(UNIT_PROTOCOL)

UNIT_TESTS += tests/unit/test_protocol_list
tests_unit_test_protocol_list_SOURCES = tests/unit/test_protocol_list.c tests/unit/protocol_ask.c \
	tests/unit/mirror_check.c
tests_unit_test_protocol_list_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_protocol_list_LDADD = $(UNIT_PROTOCOL)

UNIT_TESTS += tests/unit/test_protocol_write
tests_unit_test_protocol_write_SOURCES = tests/unit/test_protocol_write.c tests/unit/fail_alloc.c
tests_unit_test_protocol_write_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_protocol_write_LDFLAGS = $(UNIT_FAIL_ALLOC)
tests_unit_test_protocol_write_LDADD = $(UNIT_PROTOCOL)

UNIT_TESTS += tests/unit/test_protocol_keys
tests_unit_test_protocol_keys_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_protocol_keys_LDADD = $(UNIT_PROTOCOL)

UNIT_TESTS += tests/unit/test_statement
tests_unit_test_statement_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(PQ_CFLAGS)
tests_unit_test_statement_LDADD = libcsdns_write.a libcsdns_pg.a $(UNIT_PROTOCOL) $(PQ_LIBS) $(EVENT_LIBS)

# Of src/serve what needs neither a database nor a request.
UNIT_SERVE = libcsdns_serve.a $(UNIT_MIRROR) $(EVENT_LIBS)

UNIT_TESTS += tests/unit/test_slow
tests_unit_test_slow_LDADD = $(UNIT_SERVE)

UNIT_TESTS += tests/unit/test_purge_set
tests_unit_test_purge_set_SOURCES = tests/unit/test_purge_set.c tests/unit/fail_alloc.c
tests_unit_test_purge_set_LDFLAGS = $(UNIT_FAIL_ALLOC)
tests_unit_test_purge_set_LDADD = $(UNIT_SERVE)

EXTRA_DIST += tests/unit/mirror_check.h tests/unit/answer.h tests/unit/protocol_ask.h
EXTRA_DIST += tests/unit/store_model.h tests/unit/store_check.h tests/unit/listing.h tests/unit/change_run.h
EXTRA_DIST += tests/unit/unit.h tests/unit/fail_alloc.h tests/unit/fail_pool.h tests/unit/fill.h
if HAVE_SYNC
UNIT_TESTS += tests/unit/test_sync_signature
UNIT_TESTS += tests/unit/test_sync_entity
UNIT_TESTS += tests/unit/test_sync_event
endif
tests_unit_test_sync_signature_LDADD = $(UNIT_SYNC)
tests_unit_test_sync_entity_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_sync_entity_LDADD = $(UNIT_SYNC)
tests_unit_test_sync_event_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_sync_event_LDADD = $(UNIT_SYNC)

EXTRA_PROGRAMS += $(UNIT_TESTS)
if HAVE_CMOCKA
UNIT_TESTS_HERE = $(UNIT_TESTS)
check_PROGRAMS += $(UNIT_TESTS)
endif

# Each target is tests/fuzz/fuzz_X.c with its corpus in tests/fuzz/corpus/X; here it is linked with a main that
# replays the corpus.  tests/fuzz/run X SECONDS looks for new inputs.
FUZZ_TESTS =
check_PROGRAMS += $(FUZZ_TESTS)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/entity.dict tests/fuzz/event.dict tests/fuzz/fuzz.h tests/fuzz/run

FUZZ_TESTS += tests/fuzz/fuzz_name
tests_fuzz_fuzz_name_SOURCES = tests/fuzz/fuzz_name.c tests/fuzz/replay.c
tests_fuzz_fuzz_name_LDADD = libcsdns_dns.a libcsdns_base.a

FUZZ_TESTS += tests/fuzz/fuzz_rdata
tests_fuzz_fuzz_rdata_SOURCES = tests/fuzz/fuzz_rdata.c tests/fuzz/replay.c
tests_fuzz_fuzz_rdata_LDADD = libcsdns_dns.a libcsdns_base.a

FUZZ_TESTS += tests/fuzz/fuzz_request
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/replay.c
tests_fuzz_fuzz_request_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_request_LDADD = libcsdns_protocol.a libcsdns_mirror.a libcsdns_dns.a libcsdns_base.a $(CRYPTO_LIBS) $(JANSSON_LIBS)

FUZZ_TESTS += tests/fuzz/fuzz_scan
tests_fuzz_fuzz_scan_SOURCES = tests/fuzz/fuzz_scan.c tests/fuzz/replay.c
tests_fuzz_fuzz_scan_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_scan_LDADD = libcsdns_protocol.a libcsdns_mirror.a libcsdns_dns.a libcsdns_base.a $(CRYPTO_LIBS) $(JANSSON_LIBS)

FUZZ_TESTS += tests/fuzz/fuzz_copy
tests_fuzz_fuzz_copy_SOURCES = tests/fuzz/fuzz_copy.c tests/fuzz/replay.c
tests_fuzz_fuzz_copy_LDADD = libcsdns_feed.a libcsdns_pg.a libcsdns_base.a $(PQ_LIBS) $(EVENT_LIBS)

FUZZ_TESTS += tests/fuzz/fuzz_record
tests_fuzz_fuzz_record_SOURCES = tests/fuzz/fuzz_record.c tests/fuzz/replay.c
tests_fuzz_fuzz_record_LDADD = libcsdns_mirror.a libcsdns_dns.a libcsdns_base.a $(CRYPTO_LIBS)

# For tests/system/http.t, which has it built.
EXTRA_PROGRAMS += tests/system/http_server
tests_system_http_server_SOURCES = tests/system/http_server.c
tests_system_http_server_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(HTTP_CFLAGS)
tests_system_http_server_LDADD = libcsdns_http.a libcsdns_base.a $(HTTP_LIBS) $(EVENT_LIBS) $(SYSTEMD_LIBS)
CLEANFILES += tests/system/http_server

# For tests/system/sync-kafka.t, likewise.
EXTRA_PROGRAMS += tests/system/kafka_mock
tests_system_kafka_mock_SOURCES = tests/system/kafka_mock.c
tests_system_kafka_mock_CPPFLAGS = $(AM_CPPFLAGS) $(KAFKA_CFLAGS)
tests_system_kafka_mock_LDADD = $(KAFKA_LIBS)
CLEANFILES += tests/system/kafka_mock

if HAVE_SYNC
FUZZ_TESTS += tests/fuzz/fuzz_event tests/fuzz/fuzz_entity
endif
tests_fuzz_fuzz_event_SOURCES = tests/fuzz/fuzz_event.c tests/fuzz/replay.c
tests_fuzz_fuzz_event_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_event_LDADD = libcsdns_sync.a libcsdns_base.a $(JANSSON_LIBS)
tests_fuzz_fuzz_entity_SOURCES = tests/fuzz/fuzz_entity.c tests/fuzz/replay.c
tests_fuzz_fuzz_entity_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_entity_LDADD = libcsdns_sync.a libcsdns_base.a $(JANSSON_LIBS)
