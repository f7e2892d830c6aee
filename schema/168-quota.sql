-- Quotas: how many zones an owner may have, how many records made by hand a zone may hold, and of which types.  In force is the policy of
-- the zone's owner; a zone of the administrator has none.  Asked after the writing, in the same transaction.
--
-- Two transactions at once do not get past a quota together: where one is set, who counts waits until the one that counted before is
-- over, and counts again what that one wrote.

-- In force for an owner: an account, or without one a domain of the cloud.
CREATE OR REPLACE FUNCTION csdns.quota_of(account uuid, domain uuid, OUT max_zones int, OUT max_records int, OUT allowed_types text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT coalesce(p.max_zones, d.max_zones), coalesce(p.max_records, d.max_records), coalesce(p.allowed_types, d.allowed_types)
      FROM (VALUES (quota_of.account, coalesce((SELECT a.domain FROM account a WHERE a.uuid = quota_of.account), quota_of.domain))) AS o (account, domain)
      LEFT JOIN policy p ON p.scope = o.account
      LEFT JOIN domain_policy d ON d.domain = o.domain
     WHERE num_nonnulls(o.account, o.domain) > 0
$$;

CREATE OR REPLACE FUNCTION csdns.check_zone_quota(account uuid, domain uuid, added int DEFAULT 1) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
DECLARE
    most int := (SELECT q.max_zones FROM quota_of(check_zone_quota.account, check_zone_quota.domain) AS q);
    has int;
BEGIN
    IF most IS NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(99102, hashtext(coalesce(check_zone_quota.account, check_zone_quota.domain)::text));
    IF check_zone_quota.account IS NOT NULL THEN
        SELECT count(*) INTO has FROM dns_zone z WHERE z.account = check_zone_quota.account;
    ELSE
        SELECT count(*) INTO has FROM dns_zone z WHERE z.account IS NULL AND z.domain = check_zone_quota.domain;
    END IF;
    IF has > most THEN
        RAISE EXCEPTION '% may own % and has %',
                        coalesce((SELECT 'account ' || coalesce(a.name, a.uuid::text) FROM account a WHERE a.uuid = check_zone_quota.account),
                                 (SELECT 'domain ' || coalesce(d.name, d.uuid::text) FROM domain d WHERE d.uuid = check_zone_quota.domain)),
                        counted(most, 'zone'), has - added
              USING ERRCODE = 'configuration_limit_exceeded', SCHEMA = 'csdns', CONSTRAINT = 'max_zones';
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.check_zone_quota(uuid, uuid, int) IS
    'Refuses (53400) when the owner, an account, or without one a domain, has more zones than its policy allows. To be called after the insertion; added: how many were.';

-- Records that count: all but SOA and those that rules made, but names that people gave to instances count.  Stops at one more than
-- allowed, so a full zone costs no more than its quota and what rules have in it.
CREATE OR REPLACE FUNCTION csdns.count_records_by_hand(zone_id int, up_to bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = csdns, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
    SELECT count(*)
      FROM (SELECT FROM pdns_record r
             WHERE r.domain_id = zone_id AND r.type IS DISTINCT FROM 'SOA' AND NOT EXISTS (SELECT FROM rule_record m WHERE m.record_id = r.id)
            UNION ALL
            SELECT FROM instance_name n WHERE n.domain_id = zone_id
             LIMIT up_to) AS r
$$;

-- Types at names that this transaction wrote: what a caller that says no types must have meant.
CREATE OR REPLACE FUNCTION csdns.types_written(zone_id int) RETURNS text[]
LANGUAGE sql STABLE SET search_path = csdns, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
    SELECT array_agg(DISTINCT r.type::text)
      FROM (SELECT DISTINCT j.name FROM journal j
             WHERE j.txid = pg_current_xact_id() AND j.what = 'n' AND j.added AND j.domain_id = zone_id) AS j
      JOIN pdns_domain d ON d.id = zone_id
     CROSS JOIN LATERAL (SELECT r.id, r.type FROM pdns_record r WHERE r.name = j.name AND r.domain_id + 0 = zone_id OFFSET 0) AS r
     WHERE r.type <> 'SOA' AND NOT (r.type = 'NS' AND j.name = d.name)
       AND NOT EXISTS (SELECT FROM rule_record m WHERE m.record_id = r.id)
$$;

CREATE OR REPLACE FUNCTION csdns.check_record_types(zone_id int, zone_name text, types text[], allowed text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    stray text;
BEGIN
    SELECT coalesce(t, '') INTO stray FROM unnest(types) AS t
     WHERE upper(coalesce(t, '')) <> ALL (SELECT upper(a) FROM unnest(allowed) AS a) ORDER BY t LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'type % is not allowed in zone "%"; allowed: %', coalesce(nullif(stray, ''), 'none'), zone_name,
                        coalesce(nullif(array_to_string(allowed, ', '), ''), 'none')
              USING ERRCODE = 'invalid_parameter_value', SCHEMA = 'csdns', CONSTRAINT = 'allowed_types';
    END IF;
END
$$;

-- Zones in the order of their numbers: two that write the same ones do not wait for each other in a circle.
CREATE OR REPLACE FUNCTION csdns.check_record_quota(domain_ids int[], types text[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    z record;
    has bigint;
BEGIN
    FOR z IN SELECT d.id, d.name, q.max_records, q.allowed_types
               FROM dns_zone o
               JOIN pdns_domain d ON d.id = o.domain_id
              CROSS JOIN LATERAL quota_of(o.account, o.domain) AS q
              WHERE o.domain_id = ANY (domain_ids) AND num_nonnulls(q.max_records, q.allowed_types) > 0
              ORDER BY d.id
    LOOP
        IF z.allowed_types IS NOT NULL THEN
            PERFORM check_record_types(z.id, z.name, coalesce(types, types_written(z.id)), z.allowed_types);
        END IF;
        IF z.max_records IS NOT NULL THEN
            PERFORM pg_advisory_xact_lock(99103, z.id);
            has := count_records_by_hand(z.id, z.max_records::bigint + 1);
            IF has > z.max_records THEN
                RAISE EXCEPTION 'zone "%" may hold % and would have more', z.name, counted(z.max_records, 'record')
                      USING ERRCODE = 'configuration_limit_exceeded', SCHEMA = 'csdns', CONSTRAINT = 'max_records';
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION csdns.check_record_quota(int[], text[]) IS
    'Refuses when one of these zones (domains.id) holds more records made by hand than its owner''s policy allows (53400), or a type that it does not allow (22023): one of types, or NULL for what this transaction wrote. To be called after the writing.';
