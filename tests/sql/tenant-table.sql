-- What tenants see and may write in tables, and all that they must not.  What is another's is called secret here: no error may say it.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE TABLE public.said (who text, what text, text text);
CREATE FUNCTION public.z(zone text) RETURNS int STABLE SECURITY DEFINER SET search_path = public LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
CREATE FUNCTION public.r(host text) RETURNS bigint STABLE SECURITY DEFINER SET search_path = public LANGUAGE sql AS $$ SELECT min(id) FROM records WHERE name = host $$;
-- rows of the statement or SQLSTATE; whatever it did, up to the checks of a commit, is taken back
CREATE FUNCTION public.try(who text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    rows bigint; word text; more text; tip text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE what;
    GET DIAGNOSTICS rows = ROW_COUNT;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'T0000', MESSAGE = rows::text;
EXCEPTION
    WHEN SQLSTATE 'T0000' THEN RETURN SQLERRM;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS word = MESSAGE_TEXT, more = PG_EXCEPTION_DETAIL, tip = PG_EXCEPTION_HINT;
        INSERT INTO public.said VALUES (who, what, concat_ws(' ', word, more, tip));
        RETURN SQLSTATE;
END
$$;
CREATE ROLE tt_acme LOGIN; CREATE ROLE tt_globex LOGIN; CREATE ROLE tt_dom LOGIN; CREATE ROLE tt_other LOGIN; CREATE ROLE tt_gone LOGIN;
CREATE ROLE tt_norow LOGIN IN ROLE csdns_tenant; CREATE ROLE tt_write LOGIN IN ROLE csdns_write; CREATE ROLE tt_admin LOGIN IN ROLE csdns_admin;
CREATE ROLE tt_cloud LOGIN IN ROLE csdns_cloud; CREATE ROLE tt_pdns LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON domains, records TO tt_pdns;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tt_pdns;

-- ROOT: cust (acme, globex, gone), below it deep (deep); elsewhere (other)
INSERT INTO csdns.domain (uuid, parent, name, path) VALUES (u('d', 1), NULL, 'ROOT', 'ROOT'), (u('d', 2), u('d', 1), 'cust', 'ROOT/cust'),
    (u('d', 3), u('d', 2), 'deep', 'ROOT/cust/deep'), (u('d', 4), u('d', 1), 'secret-domain', 'ROOT/secret');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 2), 'acme'), (u('a', 2), u('d', 2), 'secret-globex'), (u('a', 3), u('d', 3), 'deep'),
    (u('a', 4), u('d', 4), 'secret-other'), (u('a', 5), u('d', 2), 'gone');
INSERT INTO domains (name, type) SELECT n, 'NATIVE' FROM unnest(ARRAY['acme.test', 'secret-globex.test', 'deep.test', 'secret-other.test', 'dom.test', 'root.test',
    'secret-admin.test', 'secret-adm2.test', 'shared.test', 'net.test', 'gone.test', 'sub.acme.test', 'pool.test']) AS n;
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (z('acme.test'), u('a', 1), u('d', 2)), (z('secret-globex.test'), u('a', 2), u('d', 2)), (z('deep.test'), u('a', 3), u('d', 3)),
    (z('secret-other.test'), u('a', 4), u('d', 4)), (z('dom.test'), NULL, u('d', 2)), (z('root.test'), NULL, u('d', 1)), (z('secret-adm2.test'), NULL, NULL),
    (z('shared.test'), u('a', 2), u('d', 2)), (z('net.test'), NULL, NULL), (z('gone.test'), u('a', 5), u('d', 2)), (z('sub.acme.test'), u('a', 4), u('d', 4)), (z('pool.test'), NULL, NULL);
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.test h.test 1 2 3 4 5', 60 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'NS', 'ns.test', 60 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, CASE WHEN name LIKE 'secret%' THEN 'secret-www.' ELSE 'www.' END || name, 'A', '192.0.2.1', 60 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (z('acme.test'), 'lua.acme.test', 'LUA', 'A "1"', 60);
INSERT INTO csdns.network (uuid, name, account, domain) VALUES (u('w', 1), 'net-acme', u('a', 1), u('d', 2)), (u('w', 2), 'secret-net', u('a', 2), u('d', 2)), (u('w', 3), 'shared-net', NULL, NULL),
    (u('w', 4), 'secret-net4', u('a', 4), u('d', 4));
INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (z('shared.test'), u('a', 1));
INSERT INTO csdns.zone_delegation (domain_id, domain) VALUES (z('pool.test'), u('d', 2));
INSERT INTO csdns.zone_delegation (domain_id, network) VALUES (z('net.test'), u('w', 1));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 3), z('shared.test')), (u('w', 2), z('secret-globex.test'));
INSERT INTO csdns.instance (uuid, name, "group", account, domain) VALUES (u('i', 1), 'mine', 'web', u('a', 1), u('d', 2)), (u('i', 2), 'secret-vm', 'secret-group', u('a', 2), u('d', 2)),
    (u('i', 3), 'deepvm', NULL, u('a', 3), u('d', 3)), (u('i', 4), 'secret-ovm', NULL, u('a', 4), u('d', 4));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 3), '192.0.2.11'), (u('n', 2), u('i', 2), u('w', 3), '192.0.2.12'),
    (u('n', 3), u('i', 2), u('w', 2), '192.0.2.13'), (u('n', 4), u('i', 4), u('w', 4), '192.0.2.14');
INSERT INTO csdns.public_address (uuid, address, account, domain, network) VALUES (u('p', 1), '203.0.113.1', u('a', 1), u('d', 2), u('w', 1)), (u('p', 2), '203.0.113.2', u('a', 2), u('d', 2), u('w', 2));
INSERT INTO csdns.floating_address (uuid, name, address, account, domain) VALUES (u('f', 1), 'vip', '203.0.113.11', u('a', 1), u('d', 2)), (u('f', 2), 'secret-vip', '203.0.113.12', u('a', 2), u('d', 2));
INSERT INTO csdns.floating_member VALUES (u('f', 1), u('i', 1)), (u('f', 2), u('i', 2));
INSERT INTO csdns.dns_server (name, name_servers, is_public, account, domain, state) VALUES ('pub', '{ns.test}', true, NULL, NULL, 'Enabled'), ('secret-priv', '{ns.test}', false, NULL, NULL, 'Enabled'),
    ('secret-off', '{ns.test}', true, NULL, NULL, 'Disabled'), ('secret-elsewhere', '{ns.test}', true, u('a', 4), u('d', 4), 'Enabled'), ('mine', '{ns.test}', false, u('a', 1), u('d', 2), 'Enabled'), ('rootpub', '{ns.test}', true, NULL, u('d', 1), 'Enabled');
INSERT INTO csdns.policy (scope, ttl) VALUES (u('a', 1), 60), (u('a', 2), 61), (u('d', 2), 62), (u('d', 4), 63), (u('w', 2), 64);
INSERT INTO csdns.instance_name VALUES (u('i', 2), z('shared.test'), 'secret-alias.shared.test');
INSERT INTO csdns.hold (domain_id, name, type, source, how) VALUES (z('secret-globex.test'), 'secret', 'A', u('i', 2), 'edited'), (z('acme.test'), 'x.acme.test', 'A', u('i', 2), 'edited');
INSERT INTO csdns.collision (domain_id, name, source, rule, holder) VALUES (z('secret-globex.test'), 'secret', u('i', 2), 'host', NULL), (z('shared.test'), 'x.shared.test', u('i', 1), 'host', u('i', 2));
INSERT INTO csdns.event (at, type, zone, name, source, description) VALUES (now() - interval '1 day', 'OLD', 'acme.test', 'secret', u('i', 9), 'of who had the zone before'),
    (now(), 'X', 'secret-globex.test', 'secret', u('i', 2), 'secret'), (now(), 'X', 'acme.test', 'x', u('i', 2), 'in my zone'), (now(), 'X', 'shared.test', 'y', u('i', 1), 'my instance');

INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'ALLOW-AXFR-FROM', 'secret' FROM domains;
INSERT INTO cryptokeys (domain_id, flags, active, content) SELECT id, 257, true, 'secret' FROM domains;

-- before the first tenant: nothing
SELECT is(try('tt_norow', format('SELECT FROM %s', t)), '42501', 'no tenant yet: ' || t) FROM unnest(ARRAY['domains', 'records', 'csdns.instance', 'csdns.policy', 'csdns.dns_zone']) AS t;
SELECT ok(NOT bool_or(relrowsecurity), 'no row-level security yet') FROM pg_class WHERE relkind = 'r';
SELECT is(count(*), 0::bigint, 'nor policies') FROM pg_policy;
SELECT is(try('tt_write', 'SELECT * FROM csdns.add_tenant(role => ''tt_acme'', account => ''acme'')'), '42501', 'adding is for administrators');
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_nobody', account => 'acme')$$, 'P0002'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme')$$, '22023'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'none')$$, 'P0002'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme', domainid => u('d', 4)::text)$$, 'P0002'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme', domainid => 'x')$$, '22023'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme', domainid => u('d', 77)::text)$$, 'P0002'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_write', account => 'acme')$$, '55000'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_cloud', account => 'acme')$$, '55000'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_admin', account => 'acme')$$, '55000'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_pdns', account => 'acme')$$, '55000'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'csdns_tenant', account => 'acme')$$, '22023'),
    ('postgres', $$SELECT * FROM csdns.add_tenant(role => 'postgres', account => 'acme')$$, '55000'),
    ('postgres', $$ALTER ROLE tt_acme BYPASSRLS; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$ALTER ROLE tt_acme CREATEROLE; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$ALTER ROLE tt_acme NOINHERIT; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$GRANT pg_read_all_data TO tt_acme; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$GRANT postgres TO tt_acme; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$GRANT CREATE ON SCHEMA csdns TO tt_acme; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$GRANT SELECT ON cryptokeys TO tt_acme; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$GRANT TRUNCATE ON records TO tt_acme; SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('postgres', $$CREATE POLICY own ON records USING (true); SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '55000'),
    ('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$, '1'),
    ('tt_admin', $$SELECT csdns.remove_tenant('tt_acme')$$, 'P0002')) AS v (who, what, want);

SET ROLE tt_admin;
SELECT csdns.add_tenant(role => 'tt_acme', account => 'acme') \g /dev/null
SELECT csdns.add_tenant(role => 'tt_globex', account => 'secret-globex') \g /dev/null
SELECT csdns.add_tenant(role => 'tt_dom', domainid => u('d', 2)::text) \g /dev/null
SELECT csdns.add_tenant(role => 'tt_other', account => 'secret-other') \g /dev/null
SELECT csdns.add_tenant(role => 'tt_gone', account => 'gone') \g /dev/null
RESET ROLE;
SELECT is(string_agg(concat_ws(' ', role, account, domain, state), ', '), 'tt_acme acme ROOT/cust enabled, tt_dom ROOT/cust enabled, tt_globex secret-globex ROOT/cust enabled, tt_gone gone ROOT/cust enabled, tt_other secret-other ROOT/secret enabled', 'list_tenants') FROM csdns.list_tenants();
UPDATE csdns.account SET removed = now() WHERE name = 'gone';
SELECT is(state, 'removed from the cloud', 'list_tenants says what is wrong') FROM csdns.list_tenants() WHERE role = 'tt_gone';
SELECT is(try('tt_admin', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$), '23505', 'a tenant twice');
SELECT is(try('postgres', $$GRANT tt_globex TO tt_pdns; SELECT * FROM csdns.add_tenant(role => 'tt_pdns', account => 'acme')$$), '55000', 'a member of another tenant');
SELECT is(try('tt_acme', $$SELECT * FROM csdns.add_tenant(role => 'tt_acme', account => 'acme')$$), '42501', 'a tenant adds none');
SELECT is(try('tt_acme', 'SELECT * FROM csdns.remove_tenant(''tt_acme'')'), '42501', 'nor removes one');
SELECT is(try('tt_acme', 'SELECT * FROM csdns.list_tenants()'), '42501', 'nor lists them');

-- what each sees, exactly
CREATE FUNCTION public.seen(who text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE format('SELECT coalesce(string_agg(x, '' '' ORDER BY x COLLATE "C"), '''') FROM (%s) AS t (x)', what) INTO found;
    RESET ROLE;
    RETURN found;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END
$$;
SELECT is(seen(who, what), want, who || ' sees: ' || what) FROM (VALUES
    ('tt_acme', 'SELECT name FROM domains', 'acme.test dom.test net.test pool.test root.test shared.test'),
    ('tt_globex', 'SELECT name FROM domains', 'dom.test pool.test root.test secret-globex.test shared.test'),
    ('tt_dom', 'SELECT name FROM domains', 'acme.test deep.test dom.test gone.test net.test pool.test root.test secret-globex.test shared.test'),
    ('tt_other', 'SELECT name FROM domains', 'root.test secret-other.test sub.acme.test'),
    ('tt_gone', 'SELECT name FROM domains', ''),
    ('tt_norow', 'SELECT name FROM domains', ''),
    ('tt_acme', $$SELECT name FROM records WHERE type = 'A'$$, 'mine.shared.test secret-alias.shared.test secret-alias.shared.test secret-vm.shared.test secretgroup-' || left(u('a', 2)::text, 8) || '.shared.test web-' || left(u('a', 1)::text, 8) || '.shared.test www.acme.test www.dom.test www.net.test www.pool.test www.root.test www.shared.test'),
    ('tt_acme', 'SELECT name FROM csdns.domain', 'ROOT cust'),
    ('tt_dom', 'SELECT name FROM csdns.domain', 'ROOT cust deep'),
    ('tt_acme', 'SELECT name FROM csdns.account', 'acme'),
    ('tt_dom', 'SELECT name FROM csdns.account', 'acme deep gone secret-globex'),
    ('tt_acme', 'SELECT name FROM csdns.network', 'net-acme shared-net'),
    ('tt_other', 'SELECT name FROM csdns.network', 'secret-net4'),
    ('tt_acme', 'SELECT name FROM csdns.instance', 'mine'),
    ('tt_dom', 'SELECT name FROM csdns.instance', 'deepvm mine secret-vm'),
    ('tt_acme', 'SELECT host(ip4) FROM csdns.nic', '192.0.2.11'),
    ('tt_acme', 'SELECT host(address) FROM csdns.public_address', '203.0.113.1'),
    ('tt_acme', 'SELECT name FROM csdns.floating_address', 'vip'),
    ('tt_acme', 'SELECT count(*)::text FROM csdns.floating_member', '1'),
    ('tt_acme', 'SELECT name FROM csdns.dns_server', 'mine pub rootpub'),
    ('tt_other', 'SELECT name FROM csdns.dns_server', 'pub rootpub secret-elsewhere'),
    ('tt_acme', 'SELECT d.name FROM csdns.dns_zone z JOIN domains d ON d.id = z.domain_id', 'acme.test dom.test net.test pool.test root.test shared.test'),
    ('tt_acme', 'SELECT d.name FROM csdns.zone_delegation z JOIN domains d ON d.id = z.domain_id', 'net.test pool.test shared.test'),
    ('tt_globex', 'SELECT d.name FROM csdns.zone_delegation z JOIN domains d ON d.id = z.domain_id', 'pool.test shared.test'),
    ('tt_other', 'SELECT count(*)::text FROM csdns.zone_delegation', '0'),
    ('tt_acme', 'SELECT count(*)::text FROM csdns.network_zone', '1'),
    ('tt_acme', 'SELECT count(*)::text FROM csdns.instance_name', '0'),
    ('tt_globex', 'SELECT count(*)::text FROM csdns.instance_name', '1'),
    ('tt_acme', 'SELECT ttl::text FROM csdns.policy', '3600 60 62'),
    ('tt_acme', 'SELECT name FROM csdns.event WHERE type = ''X''', 'x y'),
    ('tt_acme', 'SELECT name FROM csdns.event WHERE type = ''OLD''', ''),
    ('tt_acme', 'SELECT name FROM csdns.collision', 'x.shared.test'),
    ('tt_acme', 'SELECT name FROM csdns.hold', 'x.acme.test'),
    ('tt_acme', 'SELECT DISTINCT zone FROM csdns.audit', 'acme.test'),
    ('tt_acme', 'SELECT DISTINCT what FROM csdns.audit', 'dns_zone domains records'),
    ('tt_acme', 'SELECT holder::text FROM csdns.collision', '42501'),
    ('tt_acme', 'SELECT description FROM csdns.event', '42501'),
    ('tt_acme', 'SELECT d::text FROM unnest(csdns.my_zones()) AS d WHERE d = z(''secret-globex.test'')', '')) AS v (who, what, want);
SELECT is(seen(who, format('SELECT 1::text FROM %s LIMIT 1', t)), '', who || ' sees nothing of ' || t)
  FROM unnest(ARRAY['tt_norow', 'tt_gone']) AS who,
       unnest(ARRAY['domains', 'records', 'csdns.domain', 'csdns.account', 'csdns.network', 'csdns.instance', 'csdns.nic', 'csdns.public_address', 'csdns.floating_address', 'csdns.floating_member',
                    'csdns.dns_server', 'csdns.dns_zone', 'csdns.zone_delegation', 'csdns.network_zone', 'csdns.instance_name', 'csdns.policy', 'csdns.event', 'csdns.collision', 'csdns.hold', 'csdns.audit']) AS t;
-- every other table and view: no right at all
SELECT is(string_agg(c.oid::regclass::text, ' '), NULL, 'no right on any other table, view or sequence')
  FROM pg_class c
 WHERE c.relnamespace IN ('csdns'::regnamespace, 'public'::regnamespace) AND c.relkind IN ('r', 'v', 'm', 'S') AND c.relname NOT LIKE 'v\_%' AND c.relname NOT IN ('said', 'records_id_seq')
   AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('csdns_tenant', c.oid, 'USAGE, SELECT, UPDATE')
            ELSE has_table_privilege('csdns_tenant', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AND c.oid <> 'records'::regclass
                 OR has_table_privilege('csdns_tenant', c.oid, 'SELECT') AND NOT c.relrowsecurity END;
SELECT ok(NOT has_table_privilege('csdns_tenant', 'records', 'INSERT, UPDATE, TRUNCATE, REFERENCES, TRIGGER') AND NOT has_sequence_privilege('csdns_tenant', 'records_id_seq', 'SELECT, UPDATE'), 'nor more than columns of records');
SELECT is(try('tt_acme', format('SELECT * FROM %s', t)), '42501', 'nothing: ' || t) FROM unnest(ARRAY['comments', 'domainmetadata', 'cryptokeys', 'tsigkeys', 'supermasters', 'csdns.version',
    'csdns.journal', 'csdns.setting', 'csdns.tenant', 'csdns.rule_record', 'csdns.pdns_record', 'csdns.pdns_domain', 'csdns.pdns_key', 'csdns.served_record', 'csdns.served_key', 'csdns.desired_record',
    'csdns.drift', 'csdns.change', 'csdns.domain_policy', 'csdns.reverse_zone', 'csdns.rule_record_state', 'csdns.live_nic', 'csdns.pending', 'csdns.serial_debt']) AS t;

-- views for people, whichever there are
SELECT is(seen(who, format('SELECT v::text FROM %s AS v LIMIT 1', c.oid::regclass)), '', who || ' sees nothing in ' || c.oid::regclass)
  FROM pg_class c, unnest(ARRAY['tt_norow', 'tt_gone']) AS who
 WHERE c.relnamespace = 'csdns'::regnamespace AND c.relkind = 'v' AND c.relname LIKE 'v\_%' AND has_table_privilege('csdns_tenant', c.oid, 'SELECT');
SELECT doesnt_match(seen('tt_acme', format('SELECT v::text FROM %s AS v', c.oid::regclass)), 'secret-(other|admin|adm2|ovm|net4|domain|globex.test|priv)', 'nothing of others in ' || c.oid::regclass)
  FROM pg_class c
 WHERE c.relnamespace = 'csdns'::regnamespace AND c.relkind = 'v' AND c.relname LIKE 'v\_%' AND has_table_privilege('csdns_tenant', c.oid, 'SELECT');

-- writing
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2')$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2') RETURNING id$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('dom.test'), 'n.dom.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('root.test'), 'n.root.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('net.test'), 'n.net.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('pool.test'), 'n.pool.test', 'A', '192.0.2.2')$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'n.shared.test', 'A', '192.0.2.2')$$, '1'),
    ('tt_dom', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2'), (z('deep.test'), 'n.deep.test', 'A', '192.0.2.2'), (z('dom.test'), 'n.dom.test', 'A', '192.0.2.2')$$, '3'),
    ('tt_dom', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2'), (z('root.test'), 'n.root.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_dom', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('secret-other.test'), 'n.secret-other.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('secret-globex.test'), 'n.secret-globex.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('secret-admin.test'), 'n.secret-admin.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('secret-adm2.test'), 'n.secret-adm2.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (999999, 'n.acme.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (NULL, 'n.acme.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (name, type, content) VALUES ('n.acme.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_gone', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('gone.test'), 'n.gone.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_norow', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2')$$, '42501'),
    -- names outside: own zone, another's name, a name that another's zone below has
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'www.secret-globex.test', 'A', '192.0.2.2')$$, '23514'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'test', 'A', '192.0.2.2')$$, '23514'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'xacme.test', 'A', '192.0.2.2')$$, '23514'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'x\.acme.test', 'A', '192.0.2.2')$$, '23514'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'x.acme.test.', 'A', '192.0.2.2')$$, '23514'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'x.ACME.test', 'A', '192.0.2.2')$$, '23514'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), NULL, 'A', '192.0.2.2')$$, '23514'),
    ('tt_acme', $$UPDATE records SET name = 'www.secret-globex.test' WHERE name = 'www.acme.test'$$, '23514'),
    ('tt_acme', $$UPDATE records SET name = 'new.acme.test' WHERE name = 'www.acme.test'$$, '1'),
    -- to and from another's zone
    ('tt_acme', $$UPDATE records SET domain_id = z('secret-globex.test'), name = 'x.secret-globex.test' WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET domain_id = 999999 WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET domain_id = NULL WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET domain_id = z('root.test'), name = 'x.root.test' WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET domain_id = z('shared.test'), name = 'x.shared.test' WHERE name = 'www.acme.test'$$, '1'),
    ('tt_acme', $$UPDATE records SET domain_id = z('acme.test'), name = 'x.acme.test' WHERE name = 'www.shared.test'$$, '1'),
    ('tt_acme', $$UPDATE records SET domain_id = z('acme.test'), name = 'x.acme.test' WHERE name = 'www.root.test'$$, '0'),
    ('tt_acme', $$UPDATE records SET content = '192.0.2.99' WHERE domain_id = z('secret-globex.test')$$, '0'),
    ('tt_acme', $$UPDATE records SET content = '192.0.2.99' WHERE id = r('secret-www.secret-globex.test')$$, '0'),
    ('tt_acme', $$UPDATE records SET content = '192.0.2.99' WHERE id = r('secret-www.secret-globex.test') RETURNING *$$, '0'),
    ('tt_acme', $$UPDATE records SET content = '192.0.2.99' WHERE name = 'www.root.test'$$, '0'),
    ('tt_acme', $$DELETE FROM records WHERE id = r('secret-www.secret-globex.test') RETURNING *$$, '0'),
    ('tt_acme', $$DELETE FROM records WHERE name = 'www.root.test'$$, '0'),
    ('tt_acme', $$DELETE FROM records WHERE name IN ('www.net.test', 'www.dom.test', 'www.sub.acme.test')$$, '0'),
    ('tt_acme', $$DELETE FROM records WHERE domain_id = z('acme.test') AND type NOT IN ('SOA', 'LUA')$$, '2'),
    ('tt_dom', $$UPDATE records SET ttl = 61 WHERE name IN ('secret-www.secret-globex.test', 'www.deep.test', 'www.root.test', 'secret-www.secret-other.test', 'secret-www.secret-admin.test')$$, '2'),
    -- SOA, code, and their other names
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'acme.test', 'SOA', 'ns.test h.test 1 2 3 4 5')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'sub.acme.test', 'SOA', 'ns.test h.test 1 2 3 4 5')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'acme.test', 'TYPE6', '\# 0')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'acme.test', 'soa', 'ns.test h.test 1 2 3 4 5')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'acme.test', 'SOA ', 'ns.test h.test 1 2 3 4 5')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'l.acme.test', 'LUA', 'A "os.execute()"')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'l.acme.test', 'TYPE65402', '\# 0')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'l.acme.test', '', '')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'l.acme.test', NULL, NULL)$$, '42501'),
    ('tt_acme', $$UPDATE records SET type = 'SOA', content = 'ns.test h.test 1 2 3 4 5' WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET type = 'LUA' WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET content = 'ns.test h.test 9 2 3 4 5' WHERE type = 'SOA'$$, '0'),
    ('tt_acme', $$UPDATE records SET content = 'A "os.execute()"' WHERE type = 'LUA'$$, '0'),
    ('tt_acme', $$DELETE FROM records WHERE type IN ('SOA', 'LUA')$$, '0'),
    -- NS of a zone: of one's own
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'acme.test', 'NS', 'ns2.test')$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'shared.test', 'NS', 'ns2.test')$$, '42501'),
    ('tt_acme', $$UPDATE records SET name = 'shared.test', type = 'NS', content = 'ns2.test' WHERE name = 'www.shared.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET content = 'ns2.test' WHERE type = 'NS' AND name = 'shared.test'$$, '0'),
    ('tt_acme', $$DELETE FROM records WHERE type = 'NS' AND name = 'shared.test'$$, '0'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'd.shared.test', 'NS', 'ns2.test')$$, '1'),
    -- rules' records in a zone that is delegated: one's own, not others'
    ('tt_acme', $$UPDATE records SET content = '192.0.2.99' WHERE name = 'mine.shared.test'$$, '1'),
    ('tt_acme', $$DELETE FROM records WHERE name LIKE 'web-%.shared.test'$$, '1'),
    ('tt_acme', $$UPDATE records SET content = '192.0.2.99' WHERE name = 'secret-vm.shared.test'$$, '0'),
    ('tt_acme', $$DELETE FROM records WHERE name = 'secret-vm.shared.test'$$, '0'),
    ('tt_acme', $$SELECT FROM records WHERE name = 'secret-vm.shared.test' FOR UPDATE$$, '0'),
    ('tt_acme', $$SELECT FROM records WHERE name = 'mine.shared.test' FOR UPDATE$$, '1'),
    ('tt_acme', $$SELECT FROM records WHERE name = 'www.root.test' FOR KEY SHARE$$, '0'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'secret-vm.shared.test', 'A', '192.0.2.66')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'secret-vm.shared.test', 'AAAA', '::66')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'secret-vm.shared.test', 'CNAME', 'x.test')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'secret-vm.shared.test', 'A', '192.0.2.66') ON CONFLICT DO NOTHING$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'secret-vm.shared.test', 'TXT', '"beside"')$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'secret-vm.shared.test', 'NS', 'ns.acme.test')$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'shared.test', 'DNAME', 'acme.test')$$, '42501'),
    ('tt_acme', $$UPDATE records SET name = 'secret-vm.shared.test' WHERE name = 'www.shared.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET name = 'secret-vm.shared.test', domain_id = z('shared.test') WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_globex', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'mine.shared.test', 'CNAME', 'x.test')$$, '1'),
    ('tt_globex', $$DELETE FROM records WHERE name IN ('secret-vm.shared.test', 'mine.shared.test')$$, '2'),
    -- columns, conflicts, other commands
    ('tt_acme', $$INSERT INTO records (id, domain_id, name, type, content) VALUES (r('secret-www.secret-globex.test'), z('acme.test'), 'n.acme.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$UPDATE records SET id = 1 WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$UPDATE records SET auth = false, ordername = 'x' WHERE name = 'www.acme.test'$$, '42501'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2') ON CONFLICT (id) DO UPDATE SET content = '192.0.2.3'$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('secret-globex.test'), 'n.secret-globex.test', 'A', '192.0.2.2') ON CONFLICT DO NOTHING$$, '42501'),
    ('tt_acme', $$MERGE INTO records r USING (SELECT 1) AS s ON r.domain_id = z('secret-globex.test') WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING$$, '0'),
    ('tt_acme', $$MERGE INTO records r USING (SELECT 1) AS s ON r.name = 'www.root.test' WHEN MATCHED THEN UPDATE SET content = '192.0.2.9'$$, '42501'),
    ('tt_acme', $$MERGE INTO records r USING (SELECT 1) AS s ON r.name = 'none' WHEN NOT MATCHED THEN INSERT (domain_id, name, type, content) VALUES (z('secret-globex.test'), 'n.secret-globex.test', 'A', '192.0.2.2')$$, '42501'),
    ('tt_acme', $$WITH x AS (DELETE FROM records WHERE domain_id = z('secret-globex.test') RETURNING *) SELECT * FROM x$$, '0'),
    ('tt_acme', $$WITH x AS (INSERT INTO records (domain_id, name, type, content) VALUES (z('root.test'), 'n.root.test', 'A', '192.0.2.2') RETURNING *) SELECT * FROM x$$, '42501'),
    ('tt_acme', $$TRUNCATE records$$, '42501'),
    ('tt_acme', $$TRUNCATE domains CASCADE$$, '42501'),
    ('tt_acme', $$LOCK TABLE csdns.pending IN SHARE MODE$$, '42501'),
    ('tt_acme', $$LOCK TABLE csdns.instance IN ROW EXCLUSIVE MODE$$, '42501'),
    ('tt_acme', $$INSERT INTO domains (name, type) VALUES ('new.test', 'NATIVE')$$, '42501'),
    ('tt_acme', $$INSERT INTO domains (name, type) VALUES ('secret-globex.test', 'NATIVE')$$, '42501'),
    ('tt_acme', $$UPDATE domains SET name = 'other.test' WHERE name = 'acme.test'$$, '42501'),
    ('tt_acme', $$DELETE FROM domains WHERE name = 'acme.test'$$, '42501'),
    ('tt_acme', $$SELECT FROM domains FOR UPDATE$$, '42501'),
    ('tt_acme', $$CREATE TRIGGER t AFTER INSERT ON records EXECUTE FUNCTION csdns.on_record_insert()$$, '42501'),
    ('tt_acme', $$CREATE TEMP TABLE f (id int REFERENCES domains)$$, '42P16'),
    ('tt_acme', $$ALTER TABLE records DISABLE ROW LEVEL SECURITY$$, '42501'),
    ('tt_acme', $$ALTER TABLE records DISABLE TRIGGER ALL$$, '42501'),
    ('tt_acme', $$CREATE POLICY p ON records USING (true)$$, '42501'),
    ('tt_acme', $$SET LOCAL row_security = off; SELECT * FROM records$$, '42501'),
    ('tt_acme', $$SET LOCAL session_replication_role = replica$$, '42501'),
    ('tt_acme', $$CREATE FUNCTION csdns.f() RETURNS int LANGUAGE sql AS 'SELECT 1'$$, '42501'),
    ('tt_acme', $$INSERT INTO csdns.policy (scope, max_zones) VALUES (u('a', 1), 1000)$$, '42501'),
    ('tt_acme', $$UPDATE csdns.policy SET max_records = NULL$$, '42501'),
    ('tt_acme', $$UPDATE csdns.dns_zone SET account = u('a', 1)$$, '42501'),
    ('tt_acme', $$INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (z('secret-globex.test'), u('a', 1))$$, '42501'),
    ('tt_acme', $$INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), z('secret-globex.test'))$$, '42501'),
    ('tt_acme', $$INSERT INTO csdns.instance_name VALUES (u('i', 1), z('secret-globex.test'), 'x.secret-globex.test')$$, '42501'),
    ('tt_acme', $$UPDATE csdns.instance SET name = 'x'$$, '42501'),
    ('tt_acme', $$UPDATE csdns.account SET removed = NULL$$, '42501'),
    ('tt_acme', $$INSERT INTO csdns.tenant (role, account) VALUES ('tt_norow', u('a', 2))$$, '42501'),
    ('tt_acme', $$DELETE FROM csdns.event$$, '42501'),
    ('tt_acme', $$SELECT setval('records_id_seq', 1)$$, '42501'),
    ('tt_acme', $$SELECT nextval('domains_id_seq')$$, '42501')) AS v (who, what, want);
SELECT is(try('tt_acme', 'LOCK TABLE records IN ACCESS EXCLUSIVE MODE'), '0', 'a known limit: who may delete may lock the table');

-- everybody else as before
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tt_write', 'SELECT FROM domains', '13'),
    ('tt_pdns', 'SELECT FROM domains', '13'),
    ('tt_pdns', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('secret-admin.test'), 'l.secret-admin.test', 'LUA', 'A "1"')$$, '1'),
    ('tt_write', $$UPDATE records SET ttl = 99 WHERE type = 'SOA'$$, '13'),
    ('tt_cloud', 'SELECT FROM csdns.instance', '4'),
    ('tt_cloud', $$UPDATE csdns.instance SET state = 'Stopped'$$, '4'),
    ('tt_cloud', 'SELECT FROM csdns.served_domain', '13'),
    ('tt_admin', $$UPDATE csdns.policy SET ttl = 99$$, '6'),
    ('postgres', 'SELECT FROM domains', '13')) AS v (who, what, want);
-- both kinds of rights: being a tenant wins in tables
GRANT SELECT, INSERT, UPDATE, DELETE ON domains, records TO tt_globex;
SELECT is(seen('tt_globex', 'SELECT name FROM domains'), 'dom.test pool.test root.test secret-globex.test shared.test', 'rights besides do not open another''s rows');
SELECT is(try('tt_globex', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2')$$), '42501', 'nor for writing');
SELECT matches(state, 'role must not be a tenant: it has the right .* on ', 'list_tenants tells of them') FROM csdns.list_tenants() WHERE role = 'tt_globex';
REVOKE ALL ON domains, records FROM tt_globex;

-- quotas on tables
UPDATE csdns.policy SET max_records = 4, allowed_types = '{A,TXT}' WHERE scope = u('a', 1);
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2')$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'A', '192.0.2.2'), (z('acme.test'), 'n.acme.test', 'A', '192.0.2.3')$$, '53400'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) SELECT z('acme.test'), n || '.acme.test', 'A', '192.0.2.2' FROM generate_series(1, 9000) AS n$$, '53400'),
    ('tt_acme', $$UPDATE records SET domain_id = z('acme.test'), name = replace(name, 'shared', 'acme') WHERE name IN ('www.shared.test', 'mine.shared.test')$$, '53400'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'AAAA', '::1')$$, '22023'),
    ('tt_acme', $$UPDATE records SET type = 'AAAA', content = '::1' WHERE name = 'www.acme.test'$$, '22023'),
    ('tt_acme', $$UPDATE records SET ttl = 5 WHERE name = 'www.acme.test'$$, '1'),
    ('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'n.shared.test', 'AAAA', '::1')$$, '1'),
    ('tt_dom', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'AAAA', '::1')$$, '22023'),
    ('tt_write', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('acme.test'), 'n.acme.test', 'AAAA', '::1')$$, '1')) AS v (who, what, want);
UPDATE csdns.policy SET max_records = 1 WHERE scope = u('a', 1);
SELECT is(try('tt_acme', $$UPDATE records SET content = '192.0.2.77' WHERE name = 'www.acme.test'$$), '1', 'a zone that is over its quota can be edited');
UPDATE csdns.policy SET max_records = 2 WHERE scope = u('a', 2);
INSERT INTO csdns.policy (scope, max_records) SELECT u('a', 2), 2 WHERE NOT EXISTS (SELECT FROM csdns.policy WHERE scope = u('a', 2));
SELECT is(try('tt_acme', $$INSERT INTO records (domain_id, name, type, content) VALUES (z('shared.test'), 'n.shared.test', 'A', '192.0.2.2')$$), '53400', 'in a delegated zone its owner''s quota holds');
SELECT is(try('tt_acme', $$UPDATE records SET ttl = 5 WHERE name = 'mine.shared.test'$$), '53400', 'also for records taken over from rules');
UPDATE csdns.policy SET max_records = NULL, allowed_types = NULL;

-- what ends, ends at once
DELETE FROM csdns.zone_delegation WHERE domain_id = z('shared.test');
SELECT is(seen('tt_acme', 'SELECT name FROM domains'), 'acme.test dom.test net.test pool.test root.test', 'a delegation that ended');
SELECT is(try('tt_acme', $$DELETE FROM records WHERE domain_id = z('shared.test')$$), '0', 'also for writing');
UPDATE csdns.dns_zone SET account = u('a', 2) WHERE domain_id = z('acme.test');
SELECT is(seen('tt_acme', 'SELECT name FROM domains'), 'dom.test net.test pool.test root.test', 'a zone that changed hands');
UPDATE csdns.dns_zone SET account = u('a', 1) WHERE domain_id = z('acme.test');
UPDATE csdns.domain SET parent = u('d', 4) WHERE uuid = u('d', 3);
SELECT is(seen('tt_dom', $$SELECT name FROM domains WHERE name = 'deep.test'$$), '', 'a domain that moved away');
UPDATE csdns.domain SET removed = now() WHERE uuid = u('d', 2);
SELECT is(seen('tt_dom', 'SELECT name FROM domains'), '', 'a domain that was removed');
UPDATE csdns.domain SET removed = NULL WHERE uuid = u('d', 2);

SELECT is(string_agg(concat_ws(' | ', who, what, text), E'\n'), NULL, 'no error tells another''s name')
  FROM said WHERE who LIKE 'tt\_%' AND who NOT IN ('tt_admin', 'tt_write', 'tt_dom', 'tt_other', 'tt_globex') AND text LIKE '%secret%' AND what NOT LIKE '%''www.secret%';

-- installed again: as before; then off with the last
CREATE FUNCTION public.rights() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(t, ' ' ORDER BY t)) FROM (
        SELECT polrelid::regclass::text || polname || oid FROM pg_policy
        UNION ALL SELECT oid::regclass || coalesce(relacl::text, '') || relrowsecurity FROM pg_class WHERE relnamespace IN ('csdns'::regnamespace, 'public'::regnamespace)
        UNION ALL SELECT attrelid::regclass || attname || coalesce(attacl::text, '') FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid > 16384
        UNION ALL SELECT concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal) AS r (t) $$;
SELECT rights() AS before \gset
SELECT csdns.switch_policies_on() \g /dev/null
SELECT is(rights(), :'before', 'switched on again: nothing changes');
COMMENT ON POLICY csdns_tenant_select ON records IS 'an older rule';
SELECT csdns.switch_policies_on() \g /dev/null
SELECT isnt(rights(), :'before', 'another rule: made anew');
SELECT is(seen('tt_acme', 'SELECT name FROM domains'), 'acme.test dom.test net.test pool.test root.test', 'and in force');
SET ROLE tt_admin;
SELECT csdns.remove_tenant(r) FROM unnest(ARRAY['tt_acme', 'tt_globex', 'tt_dom', 'tt_other']::name[]) AS r \g /dev/null
RESET ROLE;
SELECT is(try('tt_acme', 'SELECT FROM domains'), '42501', 'who is no tenant any more has no right');
SELECT is(seen('tt_norow', 'SELECT name FROM domains'), '', 'a member without a row still sees nothing');
SELECT ok(relrowsecurity, 'another tenant is left') FROM pg_class WHERE oid = 'records'::regclass;
SELECT csdns.remove_tenant('tt_gone') \g /dev/null
SELECT ok(NOT bool_or(relrowsecurity), 'with the last tenant row-level security goes off') FROM pg_class WHERE relkind = 'r';
SELECT is(count(*), 0::bigint, 'and the policies') FROM pg_policy;
SELECT is(count(*), 0::bigint, 'and the triggers') FROM pg_trigger WHERE tgrelid = 'records'::regclass AND tgname LIKE 'csdns\_tenant%';
SELECT is(try('tt_norow', format('SELECT FROM %s', t)), '42501', 'and the rights: ' || t) FROM unnest(ARRAY['domains', 'records', 'csdns.instance', 'csdns.policy', 'csdns.dns_zone', 'csdns.event']) AS t;
SELECT is(try('tt_norow', $$SELECT nextval('records_id_seq')$$), '42501', 'and the sequence');
SELECT is(string_agg(attrelid::regclass || '.' || attname, ' '), NULL, 'and columns') FROM pg_attribute WHERE attacl::text LIKE '%csdns_tenant%';
SELECT * FROM finish();
