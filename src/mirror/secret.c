#include "mirror/secret.h"

#include "base/json_text.h"

#include <string.h>

void secrets_init(struct secrets *secrets)
{
	secrets->prev = secrets->next = secrets;
}

struct secret *secret_new(struct secrets *secrets, struct pool *pool, struct text text)
{
	size_t len = json_text_size(text.at, text.len);
	struct secret *secret = pool_alloc(pool, sizeof(*secret) + len);

	if (secret == NULL)
		return NULL;
	secret->len = (uint32_t)len;
	(void)json_text_escape(secret->text, text.at, text.len);
	secret->link.prev = secrets;
	secret->link.next = secrets->next;
	secrets->next->prev = &secret->link;
	secrets->next = &secret->link;
	return secret;
}

static void secret_wipe(struct secret *secret)
{
	secret->link.prev->next = secret->link.next;
	secret->link.next->prev = secret->link.prev;
	explicit_bzero(secret->text, secret->len);
}

void secret_free(struct secret *secret, struct pool *pool)
{
	if (secret == NULL)
		return;
	secret_wipe(secret);
	pool_release(pool, secret, sizeof(*secret) + secret->len);
}

bool secrets_wipe_step(struct secrets *secrets, size_t *budget)
{
	for (; secrets->next != secrets; --*budget) {
		if (*budget == 0)
			return false;
		secret_wipe((struct secret *)secrets->next);
	}
	return true;
}
