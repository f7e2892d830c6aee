man_pages = man/csdns.1 man/csdns-pipe.8 man/csdnsd.8 man/csdnsd.conf.5
if HAVE_SYNC
man_pages += man/csdns-sync.8 man/csdns-sync.conf.5
endif
nodist_man_MANS = $(man_pages)
EXTRA_DIST += man/csdns.1.in man/csdns-pipe.8.in man/csdns-sync.8.in man/csdns-sync.conf.5.in \
	man/csdnsd.8.in man/csdnsd.conf.5.in
CLEANFILES += $(man_pages)

# Paths as configure was told them.
SET_PATHS = $(SED) -e 's|@sysconfdir[@]|$(sysconfdir)|g' -e 's|@pkgdatadir[@]|$(pkgdatadir)|g' \
	-e 's|@bindir[@]|$(bindir)|g' -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@datadir[@]|$(datadir)|g'

man/csdns.1: man/csdns.1.in Makefile
man/csdns-pipe.8: man/csdns-pipe.8.in Makefile
man/csdns-sync.8: man/csdns-sync.8.in Makefile
man/csdns-sync.conf.5: man/csdns-sync.conf.5.in Makefile
man/csdnsd.8: man/csdnsd.8.in Makefile
man/csdnsd.conf.5: man/csdnsd.conf.5.in Makefile
$(man_pages):
	$(AM_V_GEN)$(MKDIR_P) man && $(SET_PATHS) "$(srcdir)/$@.in" >$@.tmp && mv $@.tmp $@
