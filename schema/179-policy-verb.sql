-- Verbs for what rules do: settings, what people took over, differences, collisions, events.

DO $$
BEGIN
    IF to_regtype('csdns.dns_policy') IS NULL THEN
        CREATE TYPE csdns.dns_policy AS (scope text, networkid uuid, network text, account text, domainid uuid, domain text,
            ttl int, minimum_ttl int, on_stop text, ptr boolean, common boolean, common_zone text, groups boolean, secondary_addresses boolean,
            public_names boolean, static_nat text, floating text, host_template text, public_template text,
            max_zones int, max_records int, allowed_types text[]);
        CREATE TYPE csdns.dns_audit AS (id bigint, at timestamptz, role text, clouduser text, path text, what text, action text, zone text, name text, before json, after json);
        CREATE TYPE csdns.dns_event AS (id bigint, at timestamptz, type text, zone text, name text, source text, description text);
    END IF;
END
$$;
COMMENT ON TYPE csdns.dns_audit IS 'A row of csdns.audit, as verbs return it.';
COMMENT ON TYPE csdns.dns_event IS 'An event, as verbs return it.';
COMMENT ON TYPE csdns.dns_policy IS 'Settings of a scope, as verbs return them. scope: everything, domain, account or network; NULL: left to the next scope.';

-- Settings.

-- One of: a network; an account in a domain; a domain; everything.
CREATE OR REPLACE FUNCTION csdns.policy_scope(networkid text, account text, domainid text) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF networkid IS NOT NULL AND num_nonnulls(account, domainid) > 0 THEN
        RAISE EXCEPTION 'networkid and account or domainid: settings are for one of them' USING ERRCODE = 'invalid_parameter_value';
    ELSIF networkid IS NOT NULL THEN
        RETURN find_network(networkid);
    ELSIF account IS NOT NULL THEN
        RETURN find_account(account, CASE WHEN domainid IS NULL THEN my_domain() ELSE find_domain(domainid) END);
    ELSIF domainid IS NOT NULL THEN
        RETURN find_domain(domainid);
    END IF;
    RETURN '00000000-0000-0000-0000-000000000000';
END
$$;

CREATE OR REPLACE FUNCTION csdns.policies_of(scopes uuid[]) RETURNS SETOF csdns.dns_policy
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN w.uuid IS NOT NULL THEN 'network' WHEN a.uuid IS NOT NULL THEN 'account' WHEN d.uuid IS NOT NULL THEN 'domain'
                WHEN p.scope = '00000000-0000-0000-0000-000000000000' THEN 'everything' ELSE p.scope::text END,
           w.uuid, w.name, a.name, d.uuid, d.name,
           p.ttl, p.minimum_ttl, p.on_stop, p.ptr, p.common, p.common_zone, p.groups, p.secondary_addresses, p.public_names, p.static_nat, p.floating,
           p.host_template, p.public_template, p.max_zones, p.max_records, p.allowed_types
      FROM policy p
      LEFT JOIN network w ON w.uuid = p.scope
      LEFT JOIN account a ON a.uuid = p.scope
      LEFT JOIN domain d ON d.uuid = coalesce(a.domain, p.scope)
     WHERE scopes IS NULL OR p.scope = ANY (scopes)
     ORDER BY p.scope <> '00000000-0000-0000-0000-000000000000', d.uuid IS NULL, d.path, d.name, a.name NULLS FIRST, w.name, p.scope
$$;

CREATE OR REPLACE FUNCTION csdns.list_dns_policies(networkid text DEFAULT NULL, account text DEFAULT NULL, domainid text DEFAULT NULL) RETURNS SETOF csdns.dns_policy
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsPolicies' AS $$
DECLARE
    scopes uuid[] := CASE WHEN NOT is_admin() THEN my_scopes() END;
    wanted uuid;
BEGIN
    IF num_nonnulls(networkid, account, domainid) > 0 THEN
        wanted := policy_scope(networkid, account, domainid);
        scopes := CASE WHEN scopes IS NULL OR wanted = ANY (scopes) THEN ARRAY[wanted] ELSE '{}' END;
    END IF;
    RETURN QUERY SELECT * FROM policies_of(scopes);
END
$$;
COMMENT ON FUNCTION csdns.list_dns_policies(text, text, text) IS
    'Settings by scope: of a network, an account (in domainid), a domain, or all that the caller sees. NULL in a column: left to the next scope.';

-- What is in braces and would be taken as it is, as letters of the name.
CREATE OR REPLACE FUNCTION csdns.stray_placeholder(template text, VARIADIC known text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT format('%s is not known; there is {%s}', m[1], array_to_string(known, '}, {'))
      FROM regexp_matches(template, '(\{[^{}]*\}?|\})', 'g') AS m
     WHERE m[1] <> ALL (SELECT '{' || k || '}' FROM unnest(known) AS k) LIMIT 1
$$;

CREATE OR REPLACE FUNCTION csdns.setting_fault(scope uuid, s csdns.policy) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT CASE
        WHEN s.ttl < 0 THEN format('ttl %s is not from 0 to 2147483647', s.ttl)
        WHEN s.minimum_ttl < 0 THEN format('minimum_ttl %s is not from 0 to 2147483647', s.minimum_ttl)
        WHEN s.on_stop NOT IN ('keep', 'remove') THEN format('on_stop "%s" is not keep or remove', left(s.on_stop, 80))
        WHEN s.static_nat NOT IN ('also', 'instead', 'off') THEN format('static_nat "%s" is not also, instead or off', left(s.static_nat, 80))
        WHEN s.floating NOT IN ('address', 'members') THEN format('floating "%s" is not address or members', left(s.floating, 80))
        WHEN NOT is_host(s.common_zone) THEN format('common_zone "%s" is not a domain name in lower case without final dot', left(s.common_zone, 255))
        WHEN length(s.host_template) > 255 OR length(s.public_template) > 255 THEN 'a template is longer than 255 characters'
        WHEN s.host_template NOT LIKE '%{name}%' AND s.host_template NOT LIKE '%{uuid8}%' THEN format('host_template "%s" has neither {name} nor {uuid8}', s.host_template)
        WHEN s.public_template NOT LIKE '%{ip}%' AND s.public_template NOT LIKE '%{uuid8}%' THEN format('public_template "%s" has neither {ip} nor {uuid8}', s.public_template)
        WHEN stray_placeholder(s.host_template, 'name', 'account', 'network', 'uuid8') IS NOT NULL
            THEN format('host_template "%s": %s', s.host_template, stray_placeholder(s.host_template, 'name', 'account', 'network', 'uuid8'))
        WHEN stray_placeholder(s.public_template, 'ip', 'account', 'network', 'uuid8') IS NOT NULL
            THEN format('public_template "%s": %s', s.public_template, stray_placeholder(s.public_template, 'ip', 'account', 'network', 'uuid8'))
        WHEN s.max_zones < 0 THEN format('max_zones %s is below 0', s.max_zones)
        WHEN s.max_records < 0 THEN format('max_records %s is below 0', s.max_records)
        WHEN num_nonnulls(s.max_zones, s.max_records, s.allowed_types) > 0 AND EXISTS (SELECT FROM network w WHERE w.uuid = scope)
            THEN 'max_zones, max_records and allowed_types are for accounts and domains, not for networks'
        ELSE (SELECT format('allowed_types has "%s": %s', left(t, 80), coalesce(type_fault(upper(t)), 'is missing')) FROM unnest(s.allowed_types) AS t
               WHERE t IS NULL OR type_fault(upper(t)) IS NOT NULL LIMIT 1) END
$$;

CREATE OR REPLACE FUNCTION csdns.setting_names() RETURNS text[]
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
     WHERE a.attrelid = 'policy'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'scope'
$$;

-- From everything only those can be taken back that mean something when they are absent.
CREATE OR REPLACE FUNCTION csdns.unset_fault(scope uuid, given jsonb, unset text[]) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT min(CASE WHEN u IS NULL OR u <> ALL (setting_names())
                        THEN format('unset has "%s"; settings are %s', left(u, 80), array_to_string(setting_names(), ', '))
                    WHEN given ? u THEN u || ' is given and unset'
                    WHEN scope = '00000000-0000-0000-0000-000000000000' AND u NOT IN ('common_zone', 'max_zones', 'max_records', 'allowed_types')
                        THEN u || ' cannot be unset for everything: nothing is left to take it from' END)
      FROM unnest(unset) AS u
$$;

CREATE OR REPLACE FUNCTION csdns.update_dns_policy(networkid text DEFAULT NULL, account text DEFAULT NULL, domainid text DEFAULT NULL,
    ttl int DEFAULT NULL, minimum_ttl int DEFAULT NULL, on_stop text DEFAULT NULL, ptr boolean DEFAULT NULL, common boolean DEFAULT NULL,
    common_zone text DEFAULT NULL, groups boolean DEFAULT NULL, secondary_addresses boolean DEFAULT NULL, public_names boolean DEFAULT NULL,
    static_nat text DEFAULT NULL, floating text DEFAULT NULL, host_template text DEFAULT NULL, public_template text DEFAULT NULL,
    max_zones int DEFAULT NULL, max_records int DEFAULT NULL, allowed_types text[] DEFAULT NULL, unset text[] DEFAULT NULL)
RETURNS SETOF csdns.dns_policy
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'updateDnsPolicy' AS $$
DECLARE
    wanted uuid;
    given jsonb := jsonb_strip_nulls(jsonb_build_object('ttl', ttl, 'minimum_ttl', minimum_ttl, 'on_stop', on_stop, 'ptr', ptr, 'common', common,
        'common_zone', plain_name(common_zone), 'groups', groups, 'secondary_addresses', secondary_addresses, 'public_names', public_names,
        'static_nat', static_nat, 'floating', floating, 'host_template', host_template, 'public_template', public_template,
        'max_zones', max_zones, 'max_records', max_records, 'allowed_types', CASE WHEN allowed_types IS NOT NULL THEN ARRAY(SELECT upper(btrim(t)) FROM unnest(allowed_types) AS t) END));
    was policy;
    new policy;
    fault text;
BEGIN
    PERFORM require_admin('updateDnsPolicy');
    wanted := policy_scope(networkid, account, domainid);
    IF given = '{}' AND coalesce(cardinality(unset), 0) = 0 THEN
        RAISE EXCEPTION 'policy: no setting is given' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    LOCK TABLE policy IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO was FROM policy p WHERE p.scope = wanted;
    new := jsonb_populate_record(was, jsonb_build_object('scope', wanted) || given
                                      || coalesce((SELECT jsonb_object_agg(u, NULL) FROM unnest(unset) AS u WHERE u = ANY (setting_names())), '{}'));
    fault := coalesce(unset_fault(wanted, given, unset), setting_fault(wanted, new));
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'policy: %', fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF was.scope IS NULL THEN
        INSERT INTO policy SELECT new.*;
    ELSIF was IS DISTINCT FROM new THEN
        UPDATE policy p SET (ttl, minimum_ttl, on_stop, ptr, common, common_zone, groups, secondary_addresses, public_names, static_nat, floating,
                             host_template, public_template, max_zones, max_records, allowed_types)
            = (new.ttl, new.minimum_ttl, new.on_stop, new.ptr, new.common, new.common_zone, new.groups, new.secondary_addresses, new.public_names,
               new.static_nat, new.floating, new.host_template, new.public_template, new.max_zones, new.max_records, new.allowed_types)
         WHERE p.scope = wanted;
    END IF;
    RETURN QUERY SELECT * FROM policies_of(ARRAY[wanted]);
END
$$;
COMMENT ON FUNCTION csdns.update_dns_policy(text, text, text, int, int, text, boolean, boolean, text, boolean, boolean, boolean, text, text, text, text, int, int, text[], text[]) IS
    'Changes settings (columns of csdns.policy) of a network, an account (in domainid), a domain, or everything; unset takes settings back, so that the next scope''s count. Records follow at once. For administrators.';

-- What people took over.

CREATE OR REPLACE FUNCTION csdns.release_dns_record(dnszoneid text, name text, type text DEFAULT NULL) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'releaseDnsRecord' AS $$
DECLARE
    zone_id int := find_zone(dnszoneid, 'record');
    full_name text := absolute_name(name, (SELECT d.name FROM pdns_domain d WHERE d.id = zone_id));
    what text := format('record "%s"%s', left(full_name, 255), coalesce(' ' || left(upper(btrim(type)), 20), ''));
    mine uuid[] := my_source_array();
    free int;
BEGIN
    IF full_name IS NULL THEN
        RAISE EXCEPTION 'name is missing' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT is_admin() AND zone_id <> ALL (my_own_zones())
          AND EXISTS (SELECT FROM hold h WHERE h.domain_id = zone_id AND h.name = full_name AND h.source <> ALL (mine)
                                           AND (release_dns_record.type IS NULL OR h.type = upper(btrim(release_dns_record.type)))) THEN
        RAISE EXCEPTION '%: belongs to another owner''s instance or address', what USING ERRCODE = 'insufficient_privilege';
    END IF;
    free := release_holds(zone_id, full_name, upper(btrim(type)));
    IF free = 0 THEN
        RAISE EXCEPTION '%: nobody took it over from rules', what USING ERRCODE = 'no_data_found';
    END IF;
    RETURN QUERY SELECT true, format('%s: given back to the rules', what);
END
$$;
COMMENT ON FUNCTION csdns.release_dns_record(text, text, text) IS
    'Gives records that a person took over from rules back to them: deletes what the person put under that name (and type, or NULL for all), then the rules go on. P0002: nobody took it over.';

-- What rules want and what is there.

CREATE OR REPLACE FUNCTION csdns.reconcile_dns() RETURNS TABLE (zone text, rule text, added bigint, deleted bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'reconcileDns' AS $$
BEGIN
    PERFORM require_admin('reconcileDns');
    RETURN QUERY
        SELECT r.zone, r.rule, count(*) FILTER (WHERE r.change = 'added'), count(*) FILTER (WHERE r.change = 'deleted')
          FROM reconcile() AS r GROUP BY r.zone, r.rule ORDER BY r.zone, r.rule;
END
$$;
COMMENT ON FUNCTION csdns.reconcile_dns() IS 'Brings all records in line with the rules and returns how many it added and deleted, by zone and rule. csdns.reconcile() returns them one by one. For administrators.';

CREATE OR REPLACE FUNCTION csdns.list_dns_drift() RETURNS TABLE (difference text, zone text, name text, type text, content text, ttl int, rule text, source text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsDrift' AS $$
#variable_conflict use_column
DECLARE
    everything boolean := sees_all();
    own text[] := CASE WHEN NOT everything THEN ARRAY(SELECT d.name::text FROM pdns_domain d WHERE d.id = ANY (my_own_zones())) END;
    mine uuid[] := my_source_array();
BEGIN
    RETURN QUERY
        SELECT d.difference, d.zone, d.name, d.type, d.content, d.ttl, d.rule, shown_source(d.source, everything OR d.zone = ANY (own), mine)
          FROM drift d
         WHERE everything OR d.zone = ANY (own) OR d.source = ANY (mine)
         ORDER BY d.zone, d.name, d.type, d.content;
END
$$;
COMMENT ON FUNCTION csdns.list_dns_drift() IS 'Differences between what rules want and what is there, as csdns.drift: of all, or in a tenant''s own zones and for its own instances and addresses.';

CREATE OR REPLACE FUNCTION csdns.list_dns_collisions() RETURNS TABLE (zone text, name text, rule text, source text, holder text, since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsCollisions' AS $$
#variable_conflict use_column
DECLARE
    everything boolean := sees_all();
    own int[] := my_own_zones();
    mine uuid[] := my_source_array();
BEGIN
    RETURN QUERY
        SELECT d.name::text, c.name, c.rule, shown_source(c.source, everything OR c.domain_id = ANY (own), mine),
               CASE WHEN c.holder IS NULL THEN 'a person''s record' ELSE shown_source(c.holder, everything OR c.domain_id = ANY (own), mine) END, c.since
          FROM collision c
          JOIN pdns_domain d ON d.id = c.domain_id
         WHERE everything OR c.domain_id = ANY (own) OR c.source = ANY (mine)
         ORDER BY d.name, c.name, c.since, c.source;
END
$$;
COMMENT ON FUNCTION csdns.list_dns_collisions() IS 'Names that somebody wants (source) and somebody else has (holder).';

-- A tenant's: what happened to its instances and addresses, and in its own zones since they are its own.  What an event says of others
-- stays with the administrator.
CREATE OR REPLACE FUNCTION csdns.shown_event(type text, description text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE type WHEN 'DNS.NAME.COLLISION' THEN 'the name is taken' WHEN 'DNS.RECORD.TAKEN' THEN 'a person edited or deleted the record, and owns it now'
                     WHEN 'DNS.RECORD.RELEASED' THEN 'given back to the rules' ELSE description END
$$;

CREATE OR REPLACE FUNCTION csdns.list_dns_events(since bigint DEFAULT NULL, type text DEFAULT NULL, keyword text DEFAULT NULL) RETURNS SETOF csdns.dns_event
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsEvents' AS $$
DECLARE
    everything boolean := sees_all();
    mine uuid[] := my_source_array();
    word text := lower(keyword);
BEGIN
    RETURN QUERY
        SELECT e.id, e.at, e.type, e.zone, e.name, shown_source(e.source, everything, mine), s.description
          FROM event e
         CROSS JOIN LATERAL (SELECT CASE WHEN everything THEN e.description ELSE shown_event(e.type, e.description) END AS description) AS s
         WHERE e.id > coalesce(list_dns_events.since, 0)
           AND (list_dns_events.type IS NULL OR e.type = upper(list_dns_events.type))
           AND (everything OR e.source = ANY (mine) OR EXISTS (SELECT FROM my_zone_times() AS z WHERE z.name = e.zone AND e.at >= z.since))
           AND (word IS NULL OR strpos(lower(concat_ws(' ', e.zone, e.name, s.description)), word) > 0)
         ORDER BY e.id;
END
$$;
COMMENT ON FUNCTION csdns.list_dns_events(bigint, text, text) IS
    'Events after the one with the id since, in order; of a type; with a keyword in zone, name or description. To poll: since = the highest id so far.';

-- Who changed what.

-- Records are in an array of [name, type, content, ttl].
CREATE OR REPLACE FUNCTION csdns.is_about(what text, name text, before json, after json, wanted text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN what <> 'records' THEN name = wanted
                ELSE EXISTS (SELECT FROM json_array_elements(before) AS r WHERE r ->> 0 = wanted)
                  OR EXISTS (SELECT FROM json_array_elements(after) AS r WHERE r ->> 0 = wanted) END
$$;

-- The administrator also asks for zones that are gone, by name.
CREATE OR REPLACE FUNCTION csdns.list_dns_audit(dnszoneid text DEFAULT NULL, name text DEFAULT NULL, who text DEFAULT NULL, since timestamptz DEFAULT NULL,
    keyword text DEFAULT NULL, "limit" int DEFAULT NULL)
RETURNS SETOF csdns.dns_audit
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    everything boolean := sees_all();
    own int[] := my_own_zones();
    zone_name text := CASE WHEN everything AND NOT is_uuid(dnszoneid) THEN plain_name(dnszoneid)
                           WHEN dnszoneid IS NOT NULL THEN (SELECT d.name FROM pdns_domain d WHERE d.id = find_zone(dnszoneid, 'own')) END;
    wanted text := CASE WHEN zone_name IS NULL THEN plain_name(name) ELSE absolute_name(name, zone_name) END;
    word text := lower(keyword);
BEGIN
    IF "limit" < 0 THEN
        RAISE EXCEPTION 'limit %: is below 0', "limit" USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
        SELECT a.id, a.at, a.role::text, a.cloud_user, a.path, a.what, a.action, a.zone, a.name, a.before, a.after
          FROM audit a
         WHERE (everything OR a.zone_id = ANY (own) AND a.what IN ('records', 'domains', 'dns_zone', 'zone_delegation', 'network_zone', 'instance_name'))
           AND (zone_name IS NULL OR a.zone = zone_name)
           AND (list_dns_audit.since IS NULL OR a.at > list_dns_audit.since)
           AND (who IS NULL OR who IN (a.role, a.login, a.cloud_user))
           AND (wanted IS NULL OR is_about(a.what, a.name, a.before, a.after, wanted))
           AND (word IS NULL OR strpos(lower(concat_ws(' ', a.path, a.what, a.zone, a.name, a.before, a.after)), word) > 0)
         ORDER BY a.id DESC LIMIT "limit";
END
$$;
COMMENT ON FUNCTION csdns.list_dns_audit(text, text, text, timestamptz, text, int) IS
    'Who changed what, newest first. dnszoneid: zone; name: of a record in it, or what csdns.audit calls the object; who: role or user of the cloud; since: a time. A tenant''s: what belongs to its own zones.';

GRANT EXECUTE ON FUNCTION csdns.list_dns_policies(text, text, text), csdns.release_dns_record(text, text, text), csdns.reconcile_dns(), csdns.list_dns_drift(),
    csdns.list_dns_collisions(), csdns.list_dns_events(bigint, text, text), csdns.list_dns_audit(text, text, text, timestamptz, text, int),
    csdns.update_dns_policy(text, text, text, int, int, text, boolean, boolean, text, boolean, boolean, boolean, text, text, text, text, int, int, text[], text[])
    TO csdns_admin, csdns_tenant;
