EXTRA_DIST += systemd/csdns-sync.service.in systemd/csdnsd.service.in systemd/csdnsd.socket systemd/sysusers.conf systemd/tmpfiles.conf
CLEANFILES += systemd/csdnsd.service systemd/csdns-sync.service

systemd/csdnsd.service: systemd/csdnsd.service.in Makefile
systemd/csdns-sync.service: systemd/csdns-sync.service.in Makefile
systemd/csdnsd.service systemd/csdns-sync.service:
	$(AM_V_GEN)$(MKDIR_P) systemd && $(SET_PATHS) "$(srcdir)/$@.in" >$@.tmp && mv $@.tmp $@

if HAVE_SYSTEMD
systemunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_systemunit_DATA = systemd/csdnsd.service
systemunit_DATA = systemd/csdnsd.socket
if HAVE_SYNC
nodist_systemunit_DATA += systemd/csdns-sync.service
endif

# Under their own names there.
install-data-hook:
	$(MKDIR_P) "$(DESTDIR)$(sysusersdir)" "$(DESTDIR)$(tmpfilesdir)"
	$(INSTALL_DATA) "$(srcdir)/systemd/sysusers.conf" "$(DESTDIR)$(sysusersdir)/csdns.conf"
	$(INSTALL_DATA) "$(srcdir)/systemd/tmpfiles.conf" "$(DESTDIR)$(tmpfilesdir)/csdns.conf"

uninstall-hook:
	rm -f "$(DESTDIR)$(sysusersdir)/csdns.conf" "$(DESTDIR)$(tmpfilesdir)/csdns.conf"
endif
