-- Verbs for records: list, create, update, delete, a name and type in a zone (an rrset) at a time.

DO $$
BEGIN
    IF to_regtype('csdns.dns_record') IS NULL THEN
        CREATE TYPE csdns.dns_record AS (name text, type text, contents text[], ttl int, disabled boolean, origin text, source text, dnszoneid text, dnszonename text);
    END IF;
END
$$;
COMMENT ON TYPE csdns.dns_record IS 'The records of a name and type, as verbs return them. origin: hand, the rule that made them, or taken over; source: in words, what for.';

-- Who a record is for is told to those who see everything, to the owner of the zone and to the owner of the thing.
CREATE OR REPLACE FUNCTION csdns.shown_source(source uuid, all_of_zone boolean, mine uuid[]) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN source IS NULL THEN NULL WHEN all_of_zone OR source = ANY (mine) THEN source_name(source) ELSE 'another owner''s' END
$$;

CREATE OR REPLACE FUNCTION csdns.my_source_array() RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN CASE WHEN sees_all() THEN '{}' ELSE ARRAY(SELECT * FROM my_sources()) END;
END
$$;

-- Rrsets that these records are part of, whole if they are; disabled records only where there are no others.
CREATE OR REPLACE FUNCTION csdns.rrsets_of(ids bigint[], keyword text DEFAULT NULL) RETURNS SETOF csdns.dns_record
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
DECLARE
    everything boolean := sees_all();
    own int[] := my_own_zones();
    mine uuid[] := my_source_array();
    word text := lower(rrsets_of.keyword);
BEGIN
    RETURN QUERY
        SELECT s.name, s.type, s.contents, s.ttl, s.disabled,
               CASE WHEN s.rule IS NOT NULL THEN s.rule WHEN h.source IS NOT NULL THEN 'taken over' ELSE 'hand' END,
               shown_source(coalesce(s.source, h.source), everything OR s.domain_id = ANY (own), mine),
               z.uuid::text, d.name::text
          FROM (SELECT r.domain_id, r.name::text AS name, r.type::text AS type,
                       coalesce(array_agg(served_content(r.type, r.content, r.prio) ORDER BY r.content COLLATE "C", r.prio, r.id) FILTER (WHERE NOT r.disabled),
                                array_agg(served_content(r.type, r.content, r.prio) ORDER BY r.content COLLATE "C", r.prio, r.id)) AS contents,
                       coalesce(min(r.ttl) FILTER (WHERE NOT r.disabled), min(r.ttl)) AS ttl, bool_and(r.disabled) AS disabled,
                       min(m.rule) AS rule, min(m.source::text)::uuid AS source
                  FROM unnest(ids) AS i (id)
                  JOIN pdns_record r ON r.id = i.id
                  LEFT JOIN rule_record m ON m.record_id = r.id
                 WHERE r.type <> ''
                 GROUP BY r.domain_id, r.name, r.type
                HAVING word IS NULL OR strpos(r.name, word) > 0 OR bool_or(strpos(lower(r.content), word) > 0)) AS s
          JOIN pdns_domain d ON d.id = s.domain_id
          LEFT JOIN dns_zone z ON z.domain_id = s.domain_id
          LEFT JOIN hold h ON h.domain_id = s.domain_id AND h.name = s.name AND h.type = s.type
         ORDER BY d.name COLLATE "C", s.name <> d.name, s.name COLLATE "C", s.type COLLATE "C";
END
$$;

CREATE OR REPLACE FUNCTION csdns.list_dns_records(dnszoneid text DEFAULT NULL, name text DEFAULT NULL, type text DEFAULT NULL, keyword text DEFAULT NULL)
RETURNS SETOF csdns.dns_record
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    zones int[];
    full_name text := lower(btrim(list_dns_records.name));
    ids bigint[];
BEGIN
    IF dnszoneid IS NOT NULL THEN
        zones := ARRAY[find_zone(dnszoneid)];
        full_name := absolute_name(list_dns_records.name, (SELECT d.name FROM pdns_domain d WHERE d.id = zones[1]));
    ELSIF NOT is_admin() THEN
        zones := my_zones();
    END IF;
    IF full_name IS NOT NULL THEN
        full_name := CASE WHEN full_name <> '.' AND is_absolute(full_name) THEN left(full_name, -1) ELSE full_name END;
        ids := ARRAY(SELECT r.id FROM pdns_record r WHERE r.name = full_name AND (zones IS NULL OR r.domain_id + 0 = ANY (zones))
                                                      AND (list_dns_records.type IS NULL OR r.type = upper(list_dns_records.type)));
    ELSE
        ids := ARRAY(SELECT r.id FROM pdns_record r WHERE (zones IS NULL OR r.domain_id = ANY (zones))
                                                      AND (list_dns_records.type IS NULL OR r.type = upper(list_dns_records.type)));
    END IF;
    RETURN QUERY SELECT * FROM rrsets_of(ids, list_dns_records.keyword);
END
$$;
COMMENT ON FUNCTION csdns.list_dns_records(text, text, text, text) IS
    'Records by name and type, with who made them. dnszoneid: uuid or name of a zone, NULL for all that the caller sees; name: as in create_dns_record; keyword: part of the name or of a content.';

CREATE OR REPLACE FUNCTION csdns.written_rrset(action text, dnszoneid text, name text, type text, contents text[], ttl int) RETURNS SETOF csdns.dns_record
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM write_rrsets(action, ARRAY[ROW (1, dnszoneid, name, type, contents, ttl, NULL)::rrset_wish], true);
    RETURN QUERY SELECT * FROM list_dns_records(dnszoneid, name, type);
END
$$;

CREATE OR REPLACE FUNCTION csdns.create_dns_record(dnszoneid text, name text, type text, contents text[], ttl int DEFAULT NULL) RETURNS SETOF csdns.dns_record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'createDnsRecord' AS $$
BEGIN
    RETURN QUERY SELECT * FROM written_rrset('create', dnszoneid, name, type, contents, ttl);
END
$$;
COMMENT ON FUNCTION csdns.create_dns_record(text, text, text, text[], int) IS
    'Creates the records of a name and type. dnszoneid: uuid or name; name: in the zone, @ for the zone itself, with a final dot or the zone''s name at its end full; ttl: default by policy. Errors: 23505 there already, 22023 name, type, content or ttl, 23514 beside a CNAME, 53400 quota, 42501 not the caller''s to change, P0002 no such zone.';

CREATE OR REPLACE FUNCTION csdns.update_dns_record(dnszoneid text, name text, type text, contents text[] DEFAULT NULL, ttl int DEFAULT NULL)
RETURNS SETOF csdns.dns_record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'updateDnsRecord' AS $$
BEGIN
    RETURN QUERY SELECT * FROM written_rrset('update', dnszoneid, name, type, contents, ttl);
END
$$;
COMMENT ON FUNCTION csdns.update_dns_record(text, text, text, text[], int) IS
    'Replaces the records of a name and type, or without contents only their TTL; without ttl that stays. A rule''s records become the caller''s. The same again writes nothing. Errors: as create_dns_record; P0002 not there.';

CREATE OR REPLACE FUNCTION csdns.delete_dns_record(dnszoneid text, name text, type text, contents text[] DEFAULT NULL)
RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'deleteDnsRecord' AS $$
BEGIN
    RETURN QUERY SELECT true, format('record "%s" %s: deleted', p.name, p.type)
                   FROM unnest(write_rrsets('delete', ARRAY[ROW (1, dnszoneid, name, type, contents, NULL, NULL)::rrset_wish], true)) AS p;
END
$$;
COMMENT ON FUNCTION csdns.delete_dns_record(text, text, text, text[]) IS
    'Deletes the records of a name and type, or only those with these contents. Errors: P0002 not there, 42501 not the caller''s to change, 22023 SOA or the zone''s name servers.';

GRANT EXECUTE ON FUNCTION csdns.list_dns_records(text, text, text, text), csdns.create_dns_record(text, text, text, text[], int),
    csdns.update_dns_record(text, text, text, text[], int), csdns.delete_dns_record(text, text, text, text[]) TO csdns_admin, csdns_tenant;
