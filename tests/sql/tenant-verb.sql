-- Verbs called by tenants against what is another's, and as a way round quotas.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.zu(zone text) RETURNS text STABLE SECURITY DEFINER SET search_path = public LANGUAGE sql AS $$ SELECT z.uuid::text FROM domains d JOIN csdns.dns_zone z ON z.domain_id = d.id WHERE name = zone $$;
CREATE FUNCTION public.z(zone text) RETURNS int STABLE SECURITY DEFINER SET search_path = public LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
CREATE TABLE public.said (who text, what text, text text);
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
CREATE FUNCTION public.seen(who text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE format('SELECT coalesce(string_agg(x, '' '' ORDER BY x COLLATE "C"), '''') FROM (%s) AS t (x)', what) INTO found;
    RESET ROLE;
    RETURN found;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE ROLE tv_acme LOGIN; CREATE ROLE tv_dom LOGIN; CREATE ROLE tv_norow LOGIN IN ROLE csdns_tenant;
INSERT INTO csdns.domain (uuid, parent, name, path) VALUES (u('d', 1), NULL, 'ROOT', 'ROOT'), (u('d', 2), u('d', 1), 'cust', 'ROOT/cust'),
    (u('d', 3), u('d', 2), 'deep', 'ROOT/cust/deep'), (u('d', 4), u('d', 1), 'secret-domain', 'ROOT/secret');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 2), 'acme'), (u('a', 2), u('d', 2), 'secret-globex'), (u('a', 3), u('d', 3), 'deep'), (u('a', 4), u('d', 4), 'secret-other');
INSERT INTO domains (name, type) SELECT n, 'NATIVE' FROM unnest(ARRAY['acme.test', 'secret-globex.test', 'deep.test', 'secret-other.test', 'dom.test', 'root.test', 'secret-admin.test', 'shared.test', 'net.test', 'secret.corp.test']) AS n;
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (z('acme.test'), u('a', 1), u('d', 2)), (z('secret-globex.test'), u('a', 2), u('d', 2)), (z('deep.test'), u('a', 3), u('d', 3)),
    (z('secret-other.test'), u('a', 4), u('d', 4)), (z('dom.test'), NULL, u('d', 2)), (z('root.test'), NULL, u('d', 1)), (z('shared.test'), u('a', 2), u('d', 2)), (z('net.test'), NULL, NULL), (z('secret.corp.test'), u('a', 4), u('d', 4));
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.test h.test 1 2 3 4 5', 60 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'NS', 'ns.test', 60 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'www.' || name, 'A', '192.0.2.1', 60 FROM domains;
INSERT INTO csdns.network (uuid, name, account, domain) VALUES (u('w', 1), 'net-acme', u('a', 1), u('d', 2)), (u('w', 2), 'secret-net', u('a', 2), u('d', 2)), (u('w', 3), 'common-net', NULL, NULL);
INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (z('shared.test'), u('a', 1));
INSERT INTO csdns.zone_delegation (domain_id, network) VALUES (z('net.test'), u('w', 1));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 3), z('shared.test')), (u('w', 2), z('secret-globex.test'));
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'mine', u('a', 1), u('d', 2)), (u('i', 2), 'secret-vm', u('a', 2), u('d', 2)), (u('i', 3), 'deepvm', u('a', 3), u('d', 3)), (u('i', 4), 'mine2', u('a', 1), u('d', 2));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 3), '192.0.2.11'), (u('n', 2), u('i', 2), u('w', 3), '192.0.2.12');
INSERT INTO csdns.dns_server (name, name_servers, is_public, public_suffix, account, domain, state) VALUES ('pub', '{ns.test}', true, 'pub.test', NULL, NULL, 'Enabled'), ('secret-priv', '{ns.test}', false, NULL, NULL, NULL, 'Enabled'),
    ('secret-elsewhere', '{ns.test}', true, 'else.test', u('a', 4), u('d', 4), 'Enabled'), ('mine', '{ns.test}', false, NULL, u('a', 1), u('d', 2), 'Enabled');
SELECT csdns.add_tenant(role => 'tv_acme', account => 'acme') \g /dev/null
SELECT csdns.add_tenant(role => 'tv_dom', domainid => u('d', 2)::text) \g /dev/null

-- every verb that takes a zone, given another's in every way to say it
SELECT is(try(who, format(verb, how)), 'P0002', who || ': ' || format(verb, how))
  FROM unnest(ARRAY[
        $$SELECT * FROM csdns.list_dns_records(%1$s) WHERE true$$,
        $$SELECT * FROM csdns.create_dns_record(%1$s, 'x', 'A', '{192.0.2.66}')$$,
        $$SELECT * FROM csdns.update_dns_record(%1$s, 'www', 'A', '{192.0.2.66}')$$,
        $$SELECT * FROM csdns.delete_dns_record(%1$s, 'www', 'A')$$,
        $$SELECT * FROM csdns.update_dns_zone(%1$s, description => 'x')$$,
        $$SELECT * FROM csdns.delete_dns_zone(%1$s)$$,
        $$SELECT * FROM csdns.delete_dns_zone(%1$s, unmanage => true)$$]) AS verb,
       unnest(ARRAY['''secret-other.test''', '''SECRET-other.test''', '''secret-other.test.''', '''secret-other.test..''', '''secret-admin.test''', 'zu(''secret-other.test'')', 'upper(zu(''secret-other.test''))', '''none.test''',
                    '''00000000-0000-0000-0000-000000000000''']) AS how,
       unnest(ARRAY['tv_acme', 'tv_dom', 'tv_norow']) AS who;
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('www.acme.test', 'x', 'A', '{192.0.2.66}')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'A', '{192.0.2.66}')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'www.secret-globex.test.', 'A', '{192.0.2.66}')$$, '22023'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', '@', 'SOA', '{ns.test h.test 1 2 3 4 5}')$$, '22023'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'LUA', ARRAY['A "1"'])$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'TYPE65402', ARRAY['\# 0'])$$, '22023'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'TYPE6', ARRAY['\# 0'])$$, '22023'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'type6', ARRAY['\# 0'])$$, '22023'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('root.test', 'x', 'A', '{192.0.2.66}')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('net.test', 'x', 'A', '{192.0.2.66}')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('dom.test', 'x', 'A', '{192.0.2.66}')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('shared.test', 'x', 'A', '{192.0.2.66}')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('shared.test', 'secret-vm', 'AAAA', '{::66}')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_record('shared.test', 'secret-vm', 'A', '{192.0.2.66}')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_record('shared.test', 'secret-vm', 'A')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_record('shared.test', 'mine', 'A', '{192.0.2.66}')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_record('shared.test', '@', 'NS', '{ns2.test}')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_zone('shared.test', description => 'x')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_zone('dom.test', description => 'x')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_zone('shared.test')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_zone('root.test')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_zone('acme.test')$$, '1'),
    -- a zone that csdns forgets is nobody's: it does not count, and the name stays taken
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_zone('acme.test', unmanage => true)$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'secret-priv')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'secret-elsewhere')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'mine')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'pub')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'secret-globex.test', dnsserverid => 'mine')$$, '23505'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'sub.secret-globex.test', dnsserverid => 'mine')$$, '23505'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'corp.test', dnsserverid => 'mine')$$, '23505'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'sub.acme.test', dnsserverid => 'mine')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'secret-admin.test', dnsserverid => 'mine', existing => true)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'secret-globex.test', dnsserverid => 'mine', existing => true)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'test', dnsserverid => 'mine')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'mine', account => 'secret-globex')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'mine', domainid => u('d', 4)::text)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'mine', domainid => u('d', 1)::text)$$, 'P0002'),
    ('tv_dom', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'pub', account => 'secret-other', domainid => u('d', 4)::text)$$, 'P0002'),
    ('tv_dom', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'pub', account => 'deep', domainid => u('d', 3)::text)$$, '1'),
    ('tv_norow', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'pub')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.add_dns_server(name => 'x', nameservers => '{ns.test}')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_server(id => 'mine', name => 'x')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_server(id => 'mine')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_server(id => 'secret-priv', name => 'x')$$, '42501'),
    ('tv_norow', $$SELECT * FROM csdns.add_dns_server(name => 'x', nameservers => '{ns.test}')$$, '42501')) AS v (who, what, want);
SELECT is(seen(who, what), want, who || ' sees: ' || what) FROM (VALUES
    ('tv_acme', 'SELECT name FROM csdns.list_dns_zones()', 'acme.test dom.test net.test root.test shared.test'),
    ('tv_dom', 'SELECT name FROM csdns.list_dns_zones()', 'acme.test deep.test dom.test net.test root.test secret-globex.test shared.test'),
    ('tv_norow', 'SELECT name FROM csdns.list_dns_zones()', ''),
    ('tv_acme', $$SELECT name FROM csdns.list_dns_zones(keyword => 'secret')$$, ''),
    ('tv_acme', $$SELECT name FROM csdns.list_dns_zones(id => zu('secret-other.test'))$$, ''),
    ('tv_acme', 'SELECT name FROM csdns.list_dns_servers()', 'mine pub'),
    ('tv_norow', 'SELECT name FROM csdns.list_dns_servers()', ''),
    ('tv_norow', 'SELECT name FROM csdns.list_dns_records()', ''),
    ('tv_acme', $$SELECT name FROM csdns.list_dns_records(name => 'www.secret-globex.test')$$, ''),
    ('tv_acme', $$SELECT DISTINCT dnszonename FROM csdns.list_dns_records()$$, 'acme.test dom.test net.test root.test shared.test'),
    ('tv_acme', $$SELECT source FROM csdns.list_dns_records('shared.test', 'secret-vm')$$, 'another owner''s')) AS v (who, what, want);

-- many at once, and by csdns.api(): one entry of another's and nothing is done
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tv_acme', $$SELECT * FROM csdns.create_dns_records('[{"dnszoneid": "acme.test", "name": "x", "type": "A", "contents": ["192.0.2.66"]}, {"dnszoneid": "secret-globex.test", "name": "x", "type": "A", "contents": ["192.0.2.66"]}]')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_records('[{"dnszoneid": "secret-globex.test", "name": "www", "type": "A", "contents": ["192.0.2.66"]}]')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_records('[{"dnszoneid": "secret-globex.test", "name": "www", "type": "A"}]')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_records('[{"dnszoneid": "shared.test", "name": "secret-vm", "type": "A"}]')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_zones('[{"id": "acme.test"}, {"id": "secret-globex.test"}]')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.delete_dns_zones('[{"id": "acme.test", "unmanage": true}]')$$, '42501')) AS v (who, what, want);
CREATE FUNCTION public.answer(command text, params jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found jsonb;
BEGIN
    SET LOCAL ROLE tv_acme;
    found := csdns.api(command, params);
    RESET ROLE;
    RETURN coalesce(jsonb_path_query_first(found, '$.*.sqlstate')::text, jsonb_path_query_first(found, '$.*.count')::text, found::text);
END
$$;
SELECT is(answer(command, params), want, format('api %s %s', command, params)) FROM (VALUES
    ('listDnsZones', jsonb '{}', '5'),
    ('listDnsZones', '{"account": "secret-globex"}', '1'),
    ('listDnsRecords', '{"dnszoneid": "secret-globex.test"}', '"P0002"'),
    ('deleteDnsZone', '{"id": "secret-globex.test"}', '"P0002"'),
    ('addDnsServer', '{"name": "x", "nameservers": "ns.test"}', '"42501"'),
    ('addTenant', '{"role": "tv_norow", "account": "secret-globex"}', '"0A000"'),
    ('applyRules', '{}', '"0A000"'),
    ('createDnsZone; DROP', '{}', '"0A000"')) AS v (command, params, want);

-- networks, instances, delegations, policy
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tv_acme', $$SELECT * FROM csdns.delegate_dns_zone('secret-globex.test', account => 'acme')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.delegate_dns_zone('shared.test', account => 'acme')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delegate_dns_zone('net.test', account => 'acme')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.delegate_dns_zone('acme.test', account => 'secret-globex')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.undelegate_dns_zone('shared.test', account => 'acme')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('acme.test', u('w', 1)::text)$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('net.test', u('w', 1)::text)$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('root.test', u('w', 1)::text)$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('secret-globex.test', u('w', 1)::text)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('acme.test', u('w', 2)::text)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('acme.test', u('w', 3)::text)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.disassociate_dns_zone_from_network(u('w', 2)::text)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.disassociate_dns_zone_from_network(u('w', 3)::text)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.register_dns_record_for_vm(u('i', 1)::text, 'shared.test', 'x')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.register_dns_record_for_vm(u('i', 1)::text, 'secret-globex.test', 'x')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.register_dns_record_for_vm(u('i', 1)::text, 'root.test', 'x')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.register_dns_record_for_vm(u('i', 1)::text, 'net.test', 'x')$$, '42501'),
    ('tv_acme', $$SELECT * FROM csdns.register_dns_record_for_vm(u('i', 2)::text, 'acme.test', 'x')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.register_dns_record_for_vm(u('i', 1)::text, 'acme.test', 'x.secret-globex.test.')$$, '22023'),
    ('tv_acme', $$SELECT * FROM csdns.unregister_dns_record_for_vm(u('i', 2)::text, 'shared.test', 'secret-alias')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.list_dns_records_for_vm(u('i', 2)::text)$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.list_dns_zone_delegations('secret-globex.test')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.list_dns_zone_networks('secret-globex.test')$$, 'P0002'),
    ('tv_acme', $$SELECT * FROM csdns.list_dns_zone_networks(networkid => u('w', 2)::text)$$, '0'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_policy(max_zones => 1000)$$, '42501'),
    ('tv_dom', $$SELECT * FROM csdns.associate_dns_zone_to_network('secret-globex.test', u('w', 1)::text)$$, '1'),
    ('tv_norow', $$SELECT * FROM csdns.list_dns_zone_delegations()$$, '0'),
    ('tv_norow', $$SELECT * FROM csdns.list_dns_zone_networks()$$, '0')) AS v (who, what, want);
SELECT is(seen(who, what), want, who || ' sees: ' || what) FROM (VALUES
    ('tv_acme', 'SELECT dnszonename FROM csdns.list_dns_zone_delegations()', 'net.test shared.test'),
    ('tv_acme', 'SELECT network FROM csdns.list_dns_zone_networks()', ''),
    ('tv_acme', $$SELECT displaytext FROM csdns.register_dns_record_for_vm(u('i', 1)::text, 'shared.test', 'secret-vm')$$, 'somebody else has the name; it is given when that is free')) AS v (who, what, want);

-- quotas by verbs
INSERT INTO csdns.policy (scope, max_zones, max_records, allowed_types) VALUES (u('a', 1), 1, 3, '{A,TXT}');
SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'mine')$$, '53400'),
    ('tv_dom', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'pub', account => 'acme')$$, '53400'),
    ('tv_dom', $$SELECT * FROM csdns.create_dns_zone(name => 'new.test', dnsserverid => 'pub')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'A', '{192.0.2.66}')$$, '1'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'A', '{192.0.2.66,192.0.2.67}')$$, '53400'),
    ('tv_acme', $$SELECT * FROM csdns.update_dns_record('acme.test', 'www', 'A', '{192.0.2.66,192.0.2.67,192.0.2.68}')$$, '53400'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'AAAA', '{::1}')$$, '22023'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_zones('[{"name": "n1.acme.test", "dnsserverid": "mine"}, {"name": "n2.acme.test", "dnsserverid": "mine"}]')$$, '53400'),
    ('tv_acme', $$SELECT * FROM csdns.create_dns_records('[{"dnszoneid": "acme.test", "name": "x", "type": "A", "contents": ["192.0.2.66"]}, {"dnszoneid": "acme.test", "name": "y", "type": "A", "contents": ["192.0.2.66"]}]')$$, '53400'),
    ('tv_dom', $$SELECT * FROM csdns.create_dns_record('acme.test', 'x', 'AAAA', '{::1}')$$, '22023')) AS v (who, what, want);

SELECT is(try('tv_acme', $$SELECT csdns.register_dns_record_for_vm(virtualmachineid => u('i', 1)::text, dnszoneid => 'acme.test', name => n::text) FROM generate_series(1, 3) AS n$$), '53400',
    'names for instances are no way round');
-- settings of the session are no way to leave records behind
UPDATE csdns.policy SET max_zones = NULL, max_records = NULL, allowed_types = NULL;
SET ROLE tv_acme;
SELECT csdns.register_dns_record_for_vm(u('i', 1)::text, 'shared.test', 'stale') \g /dev/null
SET csdns.rules = 'later';
SELECT csdns.unregister_dns_record_for_vm(u('i', 1)::text, 'shared.test', 'stale') \g /dev/null
RESET csdns.rules;
RESET ROLE;
SELECT is((SELECT count(*)::int FROM records WHERE name = 'stale.shared.test'), 0, 'csdns.rules = later leaves none');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'and no drift');

-- functions: only those that are meant for tenants
SELECT is(string_agg(p.oid::regprocedure::text, E'\n' ORDER BY 1), NULL, 'no function for tenants beside verbs and who they are')
  FROM pg_proc p
 WHERE p.pronamespace = 'csdns'::regnamespace AND has_function_privilege('csdns_tenant', p.oid, 'EXECUTE')
   AND p.proname NOT IN ('caller', 'my_domains', 'my_accounts', 'my_lineage', 'my_networks', 'my_own_zones', 'my_record_zones', 'my_zones', 'my_scopes', 'my_nic_networks', 'my_sources', 'my_zone_times',
                         'is_tenant_type', 'may_edit', 'may_put', 'api',
                         'sees_all', 'is_admin', 'audit_lines')      -- views for people call them
   AND p.provolatile <> 'i' AND NOT EXISTS (SELECT FROM csdns.command c WHERE c.function_oid = p.oid);
SELECT is(string_agg(p.oid::regprocedure::text, E'\n' ORDER BY 1), NULL, 'no function of csdns for everybody')
  FROM pg_proc p WHERE p.pronamespace = 'csdns'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE');
SELECT is(string_agg(p.oid::regprocedure::text, E'\n' ORDER BY 1), NULL, 'functions for tenants have a fixed search_path')
  FROM pg_proc p WHERE p.pronamespace = 'csdns'::regnamespace AND has_function_privilege('csdns_tenant', p.oid, 'EXECUTE') AND p.provolatile <> 'i' AND NOT coalesce('search_path=csdns, pg_temp' = ANY (p.proconfig), false);
-- a zone that is named by who made it is no other's word
SELECT is(string_agg(concat_ws(' | ', who, what, text), E'\n'), NULL, 'no error tells another''s name')
  FROM said WHERE who = 'tv_acme' AND text LIKE '%secret%' AND what NOT LIKE '%''%secret%';
SELECT * FROM finish();
