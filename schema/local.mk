# The whole folder goes to $(pkgdatadir)/schema: "csdns schema" and psql run the files from there.
EXTRA_DIST += schema
schemadir = $(pkgdatadir)/schema

install-data-local:
	$(MKDIR_P) "$(DESTDIR)$(schemadir)/upgrade"
	for file in "$(srcdir)"/schema/*.sql "$(srcdir)"/schema/*.md; do \
	  test ! -f "$$file" || $(INSTALL_DATA) "$$file" "$(DESTDIR)$(schemadir)/" || exit 1; \
	done
	for file in "$(srcdir)"/schema/upgrade/*.sql; do \
	  test ! -f "$$file" || $(INSTALL_DATA) "$$file" "$(DESTDIR)$(schemadir)/upgrade/" || exit 1; \
	done

uninstall-local:
	rm -rf "$(DESTDIR)$(schemadir)"
	rmdir "$(DESTDIR)$(pkgdatadir)" 2>/dev/null || :
