-- Floating addresses: one name, answering with the address or with those of all members.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.zone(zone text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s', CASE WHEN r.name = d.name THEN '@' ELSE left(r.name, -length(d.name) - 1) END, r.type, r.content), ', '
                               ORDER BY r.name COLLATE "C", r.type, r.content COLLATE "C"), '')
      FROM domains d JOIN records r ON r.domain_id = d.id WHERE d.name = zone AND r.type NOT IN ('SOA', 'NS') $$;
CREATE FUNCTION public.id(zone text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('2.0.192.in-addr.arpa', 'NATIVE');
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1), 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 1), 'acme');
INSERT INTO csdns.network (uuid) VALUES (u('w', 1)), (u('w', 2));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), id('a.test'));
INSERT INTO csdns.instance (uuid, name, account, domain) SELECT u('i', n), 'vm' || n, u('a', 1), u('d', 1) FROM generate_series(1, 2) n;
INSERT INTO csdns.nic (uuid, instance, network, ip4, ip6) SELECT u('n', n), u('i', n), u('w', 2), format('192.0.2.%s', n)::inet, format('2001:db8::%s', n)::inet FROM generate_series(1, 2) n;
INSERT INTO csdns.floating_address (uuid, name, address, network, account, domain) VALUES (u('f', 1), 'db', '192.0.2.100', u('w', 1), u('a', 1), u('d', 1));
INSERT INTO csdns.floating_member SELECT u('f', 1), u('i', n) FROM generate_series(1, 2) n;
SELECT is(zone('a.test') || '; ' || zone('2.0.192.in-addr.arpa'), 'db A 192.0.2.100; 100 PTR db.a.test', 'its address, and back');
UPDATE csdns.floating_address SET mode = 'members';
SELECT is(zone('a.test') || '; ' || zone('2.0.192.in-addr.arpa'), 'db A 192.0.2.1, db A 192.0.2.2, db AAAA 2001:db8::1, db AAAA 2001:db8::2; ', 'all members');
UPDATE csdns.instance SET state = 'Stopped' WHERE uuid = u('i', 1);
SELECT is(zone('a.test'), 'db A 192.0.2.2, db AAAA 2001:db8::2', 'that run');
UPDATE csdns.nic SET ip4 = '192.0.2.22' WHERE uuid = u('n', 2);
SELECT is(zone('a.test'), 'db A 192.0.2.22, db AAAA 2001:db8::2', 'a member''s address changed');
UPDATE csdns.instance SET state = 'Running' WHERE uuid = u('i', 1);
DELETE FROM csdns.floating_member WHERE instance = u('i', 2);
SELECT is(zone('a.test'), 'db A 192.0.2.1, db AAAA 2001:db8::1', 'moved to the other');
UPDATE csdns.floating_address SET mode = NULL;
UPDATE csdns.policy SET floating = 'members';
SELECT is(zone('a.test'), 'db A 192.0.2.1, db AAAA 2001:db8::1', 'by policy');
UPDATE csdns.floating_address SET name = 'sql';
SELECT is(zone('a.test'), 'sql A 192.0.2.1, sql AAAA 2001:db8::1', 'renamed');
UPDATE csdns.floating_address SET removed = now();
SELECT is(zone('a.test'), '', 'removed');

-- told
UPDATE csdns.policy SET floating = 'address';
CREATE FUNCTION public.floating(n int, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', u('f', n), 'name', 'Front' || n, 'ipaddress', '192.0.2.' || 200 + n, 'networkid', u('w', 1), 'account', 'acme', 'domainid', u('d', 1)) || more $$;
SELECT is(csdns.upsert_floating_address(jsonb_build_array(floating(2), floating(3, jsonb_build_object('mode', 'members', 'virtualmachineids', jsonb_build_array(u('i', 1), u('i', 2)))))), 2, 'an array');
SELECT is(zone('a.test'), 'front2 A 192.0.2.202, front3 A 192.0.2.1, front3 A 192.0.2.22, front3 AAAA 2001:db8::1, front3 AAAA 2001:db8::2', 'one by address, one by members');
SELECT version AS v FROM csdns.head() \gset
SELECT is(csdns.upsert_floating_address(jsonb_build_object('floatingaddress', jsonb_build_array(floating(2), floating(3, jsonb_build_object('mode', 'members', 'virtualmachineids', jsonb_build_array(u('i', 2), u('i', 1), u('i', 1))))))), 0, 'the same again');
SELECT is((SELECT version FROM csdns.head()), :v::bigint, 'makes no version');
SELECT is(csdns.upsert_floating_address(floating(3, '{"mode": "members"}')), 0, 'without members they stay');
SELECT is(csdns.upsert_floating_address(floating(3, jsonb_build_object('mode', 'members', 'virtualmachineids', jsonb_build_array(u('i', 2))))), 1, 'a member left');
SELECT is(zone('a.test'), 'front2 A 192.0.2.202, front3 A 192.0.2.22, front3 AAAA 2001:db8::2', 'its addresses with it');
SELECT is(csdns.upsert_floating_address(floating(3, jsonb_build_object('mode', 'members', 'virtualmachineids', jsonb_build_array(u('i', 77))))), 1, 'a member that is not there yet');
SELECT is(zone('a.test') || ' ' || (SELECT placeholder FROM csdns.instance WHERE uuid = u('i', 77)), 'front2 A 192.0.2.202 true', 'is a placeholder');
SELECT is(csdns.upsert_instance(jsonb_build_object('id', u('i', 77), 'name', 'late', 'account', 'acme', 'domainid', u('d', 1),
    'nic', jsonb_build_array(jsonb_build_object('id', u('n', 77), 'networkid', u('w', 2), 'ipaddress', '192.0.2.77')))), 1, 'until it is told');
SELECT is(zone('a.test'), 'front2 A 192.0.2.202, front3 A 192.0.2.77', 'and has the name');
SELECT is(csdns.upsert_floating_address(floating(3, '{"virtualmachineids": []}')), 1, 'no members, by address');
SELECT is(zone('a.test') || '; ' || zone('2.0.192.in-addr.arpa'), 'front2 A 192.0.2.202, front3 A 192.0.2.203; 202 PTR front2.a.test, 203 PTR front3.a.test', 'points back');
SELECT is(csdns.upsert_floating_address(floating(3, '{"ipaddress": "192.0.2.250", "networkid": null}')), 1, 'another address, no network');
SELECT is(zone('a.test') || '; ' || zone('2.0.192.in-addr.arpa'), 'front2 A 192.0.2.202; 202 PTR front2.a.test', 'nor zone then');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
