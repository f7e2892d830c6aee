-- What tenants see and may change: row-level security on PowerDNS' tables and on facts and policy.  The rules as data, and what switches
-- them on and off (190-tenant.sql).  Off, csdns_tenant has no right on any table.
--
-- Everybody else's rights stay as they are: a policy that is always true costs nothing, those for tenants are restrictive and apply to
-- members of csdns_tenant alone.  PowerDNS' tables know no policy before the first tenant comes: row-level security refuses COPY FROM
-- and pg_dump to roles that do not own the table.

CREATE OR REPLACE FUNCTION csdns.my_scopes() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    accounts uuid[] := my_accounts();
    domains uuid[] := my_domains();
    lineage uuid[] := my_lineage();
    networks uuid[] := my_networks();
BEGIN
    RETURN CASE WHEN lineage = '{}' THEN '{}'
                ELSE accounts || networks || lineage || domains || '{00000000-0000-0000-0000-000000000000}'::uuid[] END;
END
$$;
COMMENT ON FUNCTION csdns.my_scopes() IS 'Scopes of policy that concern the calling tenant: its accounts, networks and domains, the domains above, everything.';

CREATE OR REPLACE FUNCTION csdns.my_nic_networks() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    accounts uuid[] := my_accounts();
BEGIN
    RETURN QUERY
        SELECT DISTINCT n.network FROM instance i JOIN nic n ON n.instance = i.uuid WHERE i.account = ANY (accounts);
END
$$;
COMMENT ON FUNCTION csdns.my_nic_networks() IS 'Networks that instances of the calling tenant are in, whoever owns them.';

CREATE OR REPLACE FUNCTION csdns.my_sources() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    accounts uuid[] := my_accounts();
    domains uuid[] := my_domains();
BEGIN
    RETURN QUERY
        SELECT i.uuid FROM instance i WHERE i.account = ANY (accounts)
    UNION SELECT i.group_source FROM instance i WHERE i.account = ANY (accounts) AND i.group_source IS NOT NULL
    UNION SELECT p.uuid FROM public_address p WHERE p.account = ANY (accounts) OR p.account IS NULL AND p.domain = ANY (domains)
    UNION SELECT f.uuid FROM floating_address f WHERE f.account = ANY (accounts);
END
$$;
COMMENT ON FUNCTION csdns.my_sources() IS 'Sources of records that are the calling tenant''s: instances, groups, public and floating addresses.';

CREATE OR REPLACE FUNCTION csdns.my_zone_times() RETURNS TABLE (name text, since timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    own int[] := my_own_zones();
BEGIN
    RETURN QUERY
        SELECT d.name::text, z.created FROM dns_zone z JOIN pdns_domain d ON d.id = z.domain_id WHERE z.domain_id = ANY (own);
END
$$;
COMMENT ON FUNCTION csdns.my_zone_times() IS 'Names of the zones that the calling tenant owns, and since when they are there: what was before under that name was another''s.';

-- SOA is the server's; LUA is code that PowerDNS runs; TYPEn is another name for any of them.
CREATE OR REPLACE FUNCTION csdns.is_tenant_type(type text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT coalesce(type ~ '^[A-Z0-9-]+$' AND type !~ '^(SOA|LUA|TYPE[0-9]+)$', false)
$$;
COMMENT ON FUNCTION csdns.is_tenant_type(text) IS 'Whether tenants may have records of that type: any but SOA, LUA and numbers.';

CREATE OR REPLACE FUNCTION csdns.is_mine(source uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    accounts uuid[] := my_accounts();
    domains uuid[] := my_domains();
BEGIN
    RETURN EXISTS (SELECT FROM instance i WHERE i.uuid = source AND i.account = ANY (accounts))
        OR EXISTS (SELECT FROM instance i WHERE i.group_source = source AND i.account = ANY (accounts))
        OR EXISTS (SELECT FROM public_address p WHERE p.uuid = source AND (p.account = ANY (accounts) OR p.account IS NULL AND p.domain = ANY (domains)))
        OR EXISTS (SELECT FROM floating_address f WHERE f.uuid = source AND f.account = ANY (accounts));
END
$$;

-- In a zone that is only delegated: not the zone's own NS, and not what rules made for others.
CREATE OR REPLACE FUNCTION csdns.may_edit(record_id bigint, zone_id int, name text, type text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    zones int[] := my_record_zones();
BEGIN
    RETURN zone_id = ANY (zones)
       AND NOT (type = 'NS' AND EXISTS (SELECT FROM pdns_domain d WHERE d.id = zone_id AND d.name = may_edit.name))
       AND NOT EXISTS (SELECT FROM rule_record m WHERE m.record_id = may_edit.record_id AND NOT is_mine(m.source));
END
$$;
COMMENT ON FUNCTION csdns.may_edit(bigint, int, text, text) IS 'Whether the calling tenant may change this record in a zone that is delegated to it.';

-- Nor may a new record take a name from them: people's win.  NS and DNAME hide all below.
CREATE OR REPLACE FUNCTION csdns.may_put(zone_id int, name text, type text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    zones int[] := my_record_zones();
BEGIN
    RETURN zone_id = ANY (zones)
       AND NOT (type = 'NS' AND EXISTS (SELECT FROM pdns_domain d WHERE d.id = zone_id AND d.name = may_put.name))
       AND NOT EXISTS (SELECT FROM pdns_record r JOIN rule_record m ON m.record_id = r.id
                        WHERE r.name = may_put.name AND r.domain_id + 0 = zone_id
                          AND (r.type = may_put.type OR may_put.type IN ('A', 'AAAA', 'PTR', 'CNAME', 'NS', 'DNAME', 'ALIAS')) AND NOT is_mine(m.source))
       AND NOT (type IN ('NS', 'DNAME')
                AND EXISTS (SELECT FROM pdns_record r JOIN rule_record m ON m.record_id = r.id
                             WHERE r.domain_id = zone_id AND is_inside(r.name, may_put.name) AND NOT is_mine(m.source)));
END
$$;
COMMENT ON FUNCTION csdns.may_put(int, text, text) IS 'Whether the calling tenant may put such a record into a zone that is delegated to it.';

CREATE OR REPLACE FUNCTION csdns.pdns_table(view regclass) RETURNS regclass
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT d.refobjid::regclass
      FROM pg_rewrite w
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
     WHERE w.ev_class = view AND d.refobjid <> w.ev_class
     LIMIT 1
$$;

-- PowerDNS' tables, all of them beside the one that holds records.
CREATE OR REPLACE FUNCTION csdns.pdns_tables() RETURNS oid[]
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT ARRAY(SELECT c.oid FROM pg_class c
                  WHERE c.relkind IN ('r', 'p')
                    AND c.relnamespace = (SELECT r.relnamespace FROM pg_class r WHERE r.oid = pdns_table('pdns_record'))
                    AND c.relname IN ('domains', 'records', 'domainmetadata', 'cryptokeys', 'tsigkeys', 'supermasters', 'comments'))
$$;

-- {f} stands for (SELECT csdns.f())::..., which is asked once a statement.
CREATE OR REPLACE FUNCTION csdns.tenant_policies() RETURNS TABLE (tab regclass, cmd text, rule text)
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT p.tab, p.cmd, regexp_replace(regexp_replace(p.rule, '\{(my_\w*zones)\}', '((SELECT csdns.\1())::int[])', 'g'), '\{(\w+)\}', '((SELECT csdns.\1())::uuid[])', 'g')
      FROM (VALUES
        (pdns_table('pdns_domain'), 'SELECT', 'id = ANY {my_zones}'),
        (pdns_table('pdns_record'), 'SELECT', 'domain_id = ANY {my_zones}'),
        (pdns_table('pdns_record'), 'INSERT',
         'domain_id = ANY {my_record_zones} AND csdns.is_tenant_type(type) AND (domain_id = ANY {my_own_zones} OR csdns.may_put(domain_id, name, type))'),
        (pdns_table('pdns_record'), 'UPDATE',
         'domain_id = ANY {my_record_zones} AND csdns.is_tenant_type(type) AND (domain_id = ANY {my_own_zones} OR csdns.may_edit(id, domain_id, name, type))'),
        (pdns_table('pdns_record'), 'DELETE',
         'domain_id = ANY {my_record_zones} AND csdns.is_tenant_type(type) AND (domain_id = ANY {my_own_zones} OR csdns.may_edit(id, domain_id, name, type))'),
        ('domain', 'SELECT', 'uuid = ANY {my_lineage} OR uuid = ANY {my_domains}'),
        ('account', 'SELECT', 'uuid = ANY {my_accounts}'),
        ('network', 'SELECT', 'uuid = ANY {my_networks} OR uuid IN (SELECT csdns.my_nic_networks())'),
        ('instance', 'SELECT', 'account = ANY {my_accounts}'),
        ('nic', 'SELECT', 'EXISTS (SELECT FROM csdns.instance i WHERE i.uuid = instance)'),
        ('public_address', 'SELECT', 'account = ANY {my_accounts} OR account IS NULL AND domain = ANY {my_domains}'),
        ('floating_address', 'SELECT', 'account = ANY {my_accounts}'),
        ('floating_member', 'SELECT', 'EXISTS (SELECT FROM csdns.floating_address f WHERE f.uuid = floating)'),
        ('dns_server', 'SELECT', $p$account = ANY {my_accounts} OR account IS NULL AND domain = ANY {my_domains}
            OR is_public AND state = 'Enabled' AND {my_lineage} <> '{}' AND (domain = ANY {my_lineage} OR num_nonnulls(account, domain) = 0)$p$),
        ('dns_zone', 'SELECT', 'domain_id = ANY {my_zones}'),
        ('zone_delegation', 'SELECT', 'domain_id = ANY {my_own_zones} OR account = ANY {my_accounts} OR domain = ANY {my_lineage}
            OR domain = ANY {my_domains} OR network = ANY {my_networks}'),
        ('network_zone', 'SELECT', 'domain_id = ANY {my_own_zones} OR EXISTS (SELECT FROM csdns.network w WHERE w.uuid = network)'),
        ('instance_name', 'SELECT', 'domain_id = ANY {my_own_zones} OR EXISTS (SELECT FROM csdns.instance i WHERE i.uuid = instance)'),
        ('policy', 'SELECT', 'scope = ANY {my_scopes}'),
        ('event', 'SELECT', 'source IN (SELECT csdns.my_sources()) OR EXISTS (SELECT FROM csdns.my_zone_times() AS z WHERE z.name = zone AND at >= z.since)'),
        ('collision', 'SELECT', 'domain_id = ANY {my_own_zones} OR source IN (SELECT csdns.my_sources())'),
        ('hold', 'SELECT', 'domain_id = ANY {my_own_zones} OR source IN (SELECT csdns.my_sources())'),
        ('audit', 'SELECT', $p$zone_id = ANY {my_own_zones} AND what IN ('records', 'domains', 'dns_zone', 'zone_delegation', 'network_zone', 'instance_name')$p$)
      ) AS p (tab, cmd, rule)
$$;

-- Rights beside the policies.  Who the other party of a collision is, is not told; numbers of rows are the store's.
CREATE OR REPLACE FUNCTION csdns.tenant_grants() RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT format('GRANT USAGE ON SCHEMA %s TO csdns_tenant', c.relnamespace::regnamespace) FROM pg_class c WHERE c.oid = pdns_table('pdns_record')
    UNION ALL
    SELECT format('GRANT USAGE ON SEQUENCE %s TO csdns_tenant', s) FROM pg_get_serial_sequence(pdns_table('pdns_record')::text, 'id') AS s WHERE s IS NOT NULL
    UNION ALL
    SELECT format('GRANT INSERT (domain_id, name, type, content, ttl, prio, disabled), UPDATE (domain_id, name, type, content, ttl, prio, disabled), DELETE ON %s TO csdns_tenant',
                  pdns_table('pdns_record'))
    UNION ALL
    SELECT format('GRANT SELECT %s ON %s TO csdns_tenant',
                  CASE p.tab WHEN 'event'::regclass THEN '(id, at, type, zone, name, source)'
                             WHEN 'collision'::regclass THEN '(domain_id, name, source, rule, since)'
                             WHEN 'hold'::regclass THEN '(domain_id, name, type, source, how, at)' ELSE '' END, p.tab)
      FROM tenant_policies() AS p WHERE p.cmd = 'SELECT'
$$;

-- All tables or none, never one while waiting for another: nobody becomes the victim of a deadlock.
CREATE OR REPLACE FUNCTION csdns.lock_tenant_tables() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    patience text := current_setting('lock_timeout');
    tabs text := (SELECT string_agg(DISTINCT p.tab::text, ', ') FROM tenant_policies() AS p);
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR try IN 1..300 LOOP
        BEGIN
            EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', tabs);
            EXIT;
        EXCEPTION
            WHEN lock_not_available THEN
                IF try = 300 THEN
                    RAISE EXCEPTION 'could not lock the tables for row-level security: other transactions keep them'
                          USING ERRCODE = 'lock_not_available', HINT = 'End long transactions on them, then try again.';
                END IF;
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', patience, true);
END
$$;

-- Policies as they should be, each with its rule as its description, by which it is compared.
CREATE OR REPLACE FUNCTION csdns.wanted_policies() RETURNS TABLE (tab regclass, name name, sql text, rule text)
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT DISTINCT p.tab, 'csdns_all'::name, format('CREATE POLICY csdns_all ON %s TO PUBLIC USING (true) WITH CHECK (true)', p.tab), 'true'
      FROM tenant_policies() AS p
    UNION ALL
    SELECT p.tab, ('csdns_tenant_' || lower(p.cmd))::name,
           format('CREATE POLICY csdns_tenant_%s ON %s AS RESTRICTIVE FOR %s TO csdns_tenant %s', lower(p.cmd), p.tab, p.cmd,
                  CASE p.cmd WHEN 'INSERT' THEN format('WITH CHECK (%s)', p.rule)
                             WHEN 'UPDATE' THEN format('USING (%s) WITH CHECK (%s)', p.rule, n.rule) ELSE format('USING (%s)', p.rule) END), p.rule
      FROM tenant_policies() AS p
      LEFT JOIN tenant_policies() AS n ON n.tab = p.tab AND n.cmd = 'INSERT'      -- what a row may become
$$;

CREATE OR REPLACE FUNCTION csdns.present_policies() RETURNS TABLE (tab regclass, name name, rule text, is_ours boolean)
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT l.polrelid::regclass, l.polname, obj_description(l.oid, 'pg_policy'), l.polname = 'csdns_all' OR l.polname LIKE 'csdns\_tenant\_%'
      FROM pg_policy l
     WHERE l.polrelid = ANY (ARRAY(SELECT p.tab FROM tenant_policies() AS p))
$$;

-- Nothing that is right already is touched or locked.
CREATE OR REPLACE FUNCTION csdns.switch_policies_on() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    it record;
BEGIN
    FOR it IN SELECT p.tab, p.name FROM present_policies() AS p WHERE NOT p.is_ours LOOP
        RAISE EXCEPTION 'table % has the policy "%" already: tenants need row-level security of their own', it.tab, it.name
              USING ERRCODE = 'object_not_in_prerequisite_state';
    END LOOP;
    IF EXISTS (SELECT w.tab, w.name, w.rule FROM wanted_policies() AS w EXCEPT SELECT p.tab, p.name, p.rule FROM present_policies() AS p)
       OR EXISTS (SELECT FROM wanted_policies() AS w JOIN pg_class c ON c.oid = w.tab WHERE NOT c.relrowsecurity) THEN
        PERFORM lock_tenant_tables();
        FOR it IN SELECT p.tab, p.name FROM present_policies() AS p LOOP
            EXECUTE format('DROP POLICY %I ON %s', it.name, it.tab);
        END LOOP;
        FOR it IN SELECT * FROM wanted_policies() LOOP
            EXECUTE it.sql;
            EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', it.name, it.tab, it.rule);
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', it.tab);
        END LOOP;
    END IF;
    PERFORM guard_records(pdns_table('pdns_record'));
    FOR it IN SELECT s FROM tenant_grants() AS s LOOP
        EXECUTE it.s;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION csdns.switch_policies_off() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    it record;
BEGIN
    IF NOT EXISTS (SELECT FROM present_policies() AS p WHERE p.is_ours) THEN
        RETURN;
    END IF;
    PERFORM lock_tenant_tables();
    FOR it IN SELECT DISTINCT p.tab FROM tenant_policies() AS p LOOP
        EXECUTE format('REVOKE ALL ON %s FROM csdns_tenant', it.tab);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', it.tab);
    END LOOP;
    FOR it IN SELECT p.tab, p.name FROM present_policies() AS p WHERE p.is_ours LOOP
        EXECUTE format('DROP POLICY %I ON %s', it.name, it.tab);
    END LOOP;
    FOR it IN SELECT replace(replace(s, 'GRANT', 'REVOKE'), ' TO ', ' FROM ') AS sql FROM tenant_grants() AS s WHERE s LIKE 'GRANT USAGE%' LOOP
        EXECUTE it.sql;
    END LOOP;
    EXECUTE format('DROP TRIGGER IF EXISTS csdns_tenant_insert ON %1$s', pdns_table('pdns_record'));
    EXECUTE format('DROP TRIGGER IF EXISTS csdns_tenant_update ON %1$s', pdns_table('pdns_record'));
END
$$;

GRANT USAGE ON SCHEMA csdns TO csdns_tenant;
GRANT EXECUTE ON FUNCTION csdns.caller(), csdns.my_domains(), csdns.my_accounts(), csdns.my_lineage(), csdns.my_networks(), csdns.my_own_zones(),
    csdns.my_record_zones(), csdns.my_zones(), csdns.my_scopes(), csdns.my_nic_networks(), csdns.my_sources(), csdns.my_zone_times(),
    csdns.is_tenant_type(text), csdns.may_edit(bigint, int, text, text), csdns.may_put(int, text, text) TO csdns_tenant;
