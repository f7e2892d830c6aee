#include "feed/version.h"

#include "feed/rows.h"

bool version_parse(const PGresult *result, struct store_version *version)
{
	int64_t number;

	if (PQntuples(result) != 1 || PQnfields(result) < 2)
		return false;
	struct text text = {PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0)};
	struct text at = {PQgetvalue(result, 0, 1), (size_t)PQgetlength(result, 0, 1)};
	if (!text_parse_i64(text, &number) || number < 0 || !text_parse_i64(at, &version->at_us))
		return false;
	version->number = (uint64_t)number;
	return true;
}
