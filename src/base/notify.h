/*
 * notify: tells systemd how the service is (sd_notify). Nothing where there is no systemd.
 */
#ifndef CSDNS_BASE_NOTIFY_H
#define CSDNS_BASE_NOTIFY_H

void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);

#endif
