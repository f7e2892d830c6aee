noinst_LIBRARIES += libcsdns_tool.a
libcsdns_tool_a_CPPFLAGS = $(AM_CPPFLAGS)
libcsdns_tool_a_SOURCES =
