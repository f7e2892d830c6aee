/*
 * verify_none: csdns-sync without ldns verifies nothing.
 */
#include "sync/verify.h"

#include "base/log.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

struct verify *verify_new(struct event_base *base, const struct verify_settings *settings)
{
	log_warning("this csdns-sync was built without ldns: nothing is verified");
	return NULL;
}

void verify_free(struct verify *verify)
{
}

void verify_set_db(struct verify *verify, const char *db)
{
}

void verify_instance(struct verify *verify, const char *uuid)
{
}

void verify_get_status(const struct verify *verify, struct verify_status *status)
{
	*status = (struct verify_status){.servers = NULL};
}
