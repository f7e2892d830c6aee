/*
 * verify_none: csdns-sync without ldns verifies nothing.
 */
#include "sync/verify.h"

#include "base/log.h"

struct verify *verify_new(struct event_base *base, const struct verify_settings *settings)
{
	(void)base;
	(void)settings;
	log_warning("this csdns-sync was built without ldns: nothing is verified");
	return NULL;
}

void verify_free(struct verify *verify)
{
	(void)verify;
}

void verify_set_db(struct verify *verify, const char *db)
{
	(void)verify;
	(void)db;
}

void verify_instance(struct verify *verify, const char *uuid)
{
	(void)verify;
	(void)uuid;
}
