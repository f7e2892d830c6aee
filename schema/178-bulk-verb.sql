-- Verbs for many at once: a JSON array of objects with the parameters of the verb for one.  All or nothing: every fault is told, with
-- the number of its entry, and nothing is stored.

-- The array, and that it is one of objects.
CREATE OR REPLACE FUNCTION csdns.bulk_entries(what text, entries jsonb) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    faults text[];
BEGIN
    IF entries IS NULL THEN
        RAISE EXCEPTION '%: is missing', what USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_typeof(entries) <> 'array' THEN
        RAISE EXCEPTION '%: not an array of objects but %', what, jsonb_typeof(entries) USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_array_length(entries) > 10000 THEN
        RAISE EXCEPTION '%: % entries, more than 10000', what, jsonb_array_length(entries) USING ERRCODE = 'invalid_parameter_value';
    ELSIF pg_column_size(entries) > 33554432 THEN
        RAISE EXCEPTION '%: larger than 32 MB', what USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT array_agg(format('number %s: not an object but %s', e.at, jsonb_typeof(e.value)) ORDER BY e.at) INTO faults
      FROM jsonb_array_elements(entries) WITH ORDINALITY AS e (value, at) WHERE jsonb_typeof(e.value) <> 'object';
    PERFORM refuse_entities(what || ':', faults);
END
$$;

-- What is wrong with the value of a key, by its JSON type; null is as good as absent.
CREATE OR REPLACE FUNCTION csdns.value_fault(key text, value jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    kind text := jsonb_typeof(value);
    word text := value #>> '{}';
BEGIN
    IF kind = 'null' THEN
        RETURN NULL;
    ELSIF key = 'ttl' THEN
        RETURN CASE WHEN kind NOT IN ('number', 'string') OR length(word) > 12 OR word !~ '^[0-9]+$' OR word::bigint > 2147483647
                    THEN 'ttl is not a number from 0 to 2147483647' END;
    ELSIF key <> 'contents' THEN
        RETURN CASE WHEN kind <> 'string' THEN format('%s is not a string but %s', key, kind) END;
    ELSIF kind = 'string' THEN
        RETURN CASE WHEN split_list(word) IS NULL THEN 'contents has a double quote that is not closed' END;
    ELSIF kind <> 'array' THEN
        RETURN format('contents is not a list of strings but %s', kind);
    END IF;
    RETURN (SELECT min(format('contents has %s in place of a string', jsonb_typeof(c))) FROM jsonb_array_elements(value) AS c WHERE jsonb_typeof(c) <> 'string');
END
$$;

CREATE OR REPLACE FUNCTION csdns.entry_fault(entry jsonb, known text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT coalesce((SELECT min(CASE WHEN k.key = ANY (known) THEN value_fault(k.key, k.value)
                                     ELSE format('key "%s" is not known; known: %s', left(k.key, 80), array_to_string(known, ', ')) END)
                       FROM jsonb_each(entry) AS k),
                    (SELECT format('%s is missing', n) FROM unnest(known[:3]) AS n WHERE entry ->> n IS NULL LIMIT 1))
$$;

-- "number 3 www A"
CREATE OR REPLACE FUNCTION csdns.entry_title(at bigint, VARIADIC words text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT 'number ' || at || coalesce((SELECT string_agg(' ' || left(w, 255), '') FROM unnest(words) AS w), '')
$$;

-- What is wrong with the shape of an entry is told together with what is wrong with the content of others.
CREATE OR REPLACE FUNCTION csdns.bulk_wishes(action text, records jsonb) RETURNS csdns.rrset_wish[]
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    known text[] := CASE action WHEN 'delete' THEN '{dnszoneid,name,type,contents}' ELSE '{dnszoneid,name,type,contents,ttl}' END;
BEGIN
    PERFORM bulk_entries('records', records);
    RETURN ARRAY(
        SELECT CASE WHEN f.fault IS NOT NULL THEN ROW (e.at, NULL, e.value ->> 'name', e.value ->> 'type', NULL, NULL, f.fault)::rrset_wish
                    ELSE ROW (e.at, e.value ->> 'dnszoneid', e.value ->> 'name', e.value ->> 'type',
                              CASE jsonb_typeof(e.value -> 'contents')
                                  WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(e.value -> 'contents'))
                                  WHEN 'string' THEN split_list(e.value ->> 'contents') END,
                              (e.value ->> 'ttl')::int, NULL)::rrset_wish END
          FROM jsonb_array_elements(records) WITH ORDINALITY AS e (value, at)
         CROSS JOIN LATERAL entry_fault(e.value, known) AS f (fault)
         ORDER BY e.at);
END
$$;

CREATE OR REPLACE FUNCTION csdns.written_rrsets(action text, done text, records jsonb) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    wishes rrset_wish[] := bulk_wishes(action, records);
BEGIN
    RETURN QUERY SELECT true, format('%s of %s names and types %s', cardinality(write_rrsets(action, wishes, false)), cardinality(wishes), done);
END
$$;

CREATE OR REPLACE FUNCTION csdns.create_dns_records(records jsonb) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'createDnsRecords' AS $$
BEGIN
    RETURN QUERY SELECT * FROM written_rrsets('create', 'created', create_dns_records.records);
END
$$;
COMMENT ON FUNCTION csdns.create_dns_records(jsonb) IS
    'create_dns_record for up to 10000 names and types: [{"dnszoneid", "name", "type", "contents": [...], "ttl"}, ...]. All or nothing; the error names the first bad entry, its DETAIL each.';

CREATE OR REPLACE FUNCTION csdns.update_dns_records(records jsonb) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'updateDnsRecords' AS $$
BEGIN
    RETURN QUERY SELECT * FROM written_rrsets('update', 'changed', update_dns_records.records);
END
$$;
COMMENT ON FUNCTION csdns.update_dns_records(jsonb) IS
    'update_dns_record for up to 10000 names and types, as create_dns_records; without "contents" only the TTL changes. What is as it should be is not written.';

CREATE OR REPLACE FUNCTION csdns.delete_dns_records(records jsonb) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'deleteDnsRecords' AS $$
BEGIN
    RETURN QUERY SELECT * FROM written_rrsets('delete', 'deleted', delete_dns_records.records);
END
$$;
COMMENT ON FUNCTION csdns.delete_dns_records(jsonb) IS
    'delete_dns_record for up to 10000 names and types, as create_dns_records: [{"dnszoneid", "name", "type"}, ...], with "contents" only these.';

-- Zones, one by one through the verb for one: each in a subtransaction, so that all faults are found.
CREATE OR REPLACE FUNCTION csdns.each_zone(command text, zones jsonb) RETURNS SETOF json
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    entry record;
    faults text[] := '{}';
    first_code text;
BEGIN
    PERFORM bulk_entries('zones', zones);
    FOR entry IN SELECT e.value, e.at FROM jsonb_array_elements(zones) WITH ORDINALITY AS e (value, at) LOOP
        BEGIN
            RETURN NEXT run_command(command, entry.value);
        EXCEPTION WHEN OTHERS THEN
            IF is_passed_on(SQLSTATE) THEN
                RAISE;
            END IF;
            first_code := coalesce(first_code, SQLSTATE);
            faults := faults || (entry_title(entry.at, coalesce(entry.value ->> 'name', entry.value ->> 'id')) || ': ' || SQLERRM);
        END;
    END LOOP;
    PERFORM refuse_entities('zones:', faults, first_code);
END
$$;

CREATE OR REPLACE FUNCTION csdns.create_dns_zones(zones jsonb) RETURNS SETOF csdns.zone_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'createDnsZones' AS $$
BEGIN
    RETURN QUERY SELECT z.* FROM each_zone('createDnsZone', create_dns_zones.zones) AS j CROSS JOIN LATERAL json_populate_record(NULL::zone_answer, j -> 'dnszone') AS z;
END
$$;
COMMENT ON FUNCTION csdns.create_dns_zones(jsonb) IS
    'create_dns_zone for up to 10000 zones: [{"name", "dnsserverid", ...}, ...]. All or nothing; the error names the first bad entry, its DETAIL each.';

CREATE OR REPLACE FUNCTION csdns.delete_dns_zones(zones jsonb) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'deleteDnsZones' AS $$
BEGIN
    RETURN QUERY SELECT true, counted(count(*), 'zone') || ' deleted' FROM each_zone('deleteDnsZone', delete_dns_zones.zones) AS j;
END
$$;
COMMENT ON FUNCTION csdns.delete_dns_zones(jsonb) IS 'delete_dns_zone for up to 10000 zones, as create_dns_zones: [{"id", "unmanage"}, ...].';

GRANT EXECUTE ON FUNCTION csdns.create_dns_records(jsonb), csdns.update_dns_records(jsonb), csdns.delete_dns_records(jsonb),
    csdns.create_dns_zones(jsonb), csdns.delete_dns_zones(jsonb) TO csdns_admin, csdns_tenant;
