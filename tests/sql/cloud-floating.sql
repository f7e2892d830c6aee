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
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
