-- Groups: <letters and digits>-<first 8 of the account>.zone, with the addresses of all running members.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.zone(zone text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s', CASE WHEN r.name = d.name THEN '@' ELSE left(r.name, -length(d.name) - 1) END, r.type, r.content), ', '
                               ORDER BY r.name COLLATE "C", r.type, r.content COLLATE "C"), '')
      FROM domains d JOIN records r ON r.domain_id = d.id WHERE d.name = zone AND r.type NOT IN ('SOA', 'NS') $$;
CREATE FUNCTION public.id(zone text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE');
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1), 'ROOT');
INSERT INTO csdns.account (uuid, domain, name, network_domain) VALUES ('edd2ab05-0000-0000-0000-000000000001', u('d', 1), 'acme', 'a.test');
INSERT INTO csdns.network (uuid) VALUES (u('w', 1)), (u('w', 2));
INSERT INTO csdns.instance (uuid, name, "group", account, domain)
    SELECT u('i', n), 'vm' || n, g, 'edd2ab05-0000-0000-0000-000000000001', u('d', 1) FROM (VALUES (1, 'W.w-w'), (2, 'www'), (3, '_-_'), (4, NULL)) AS v (n, g);
INSERT INTO csdns.nic (uuid, instance, network, ip4, ip6) SELECT u('n', n), u('i', n), u('w', 1), format('192.0.2.%s', n)::inet, format('2001:db8::%s', n)::inet FROM generate_series(1, 4) n;
CREATE FUNCTION public.groups() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(r.name || ' ' || content, ', ' ORDER BY r.name COLLATE "C", content COLLATE "C"), '') FROM records r WHERE r.name ~ 'edd2ab05' AND type = 'A' $$;
SELECT is(groups(), 'www-edd2ab05.a.test 192.0.2.1, www-edd2ab05.a.test 192.0.2.2', 'members of a group');
SELECT is((SELECT count(*)::int FROM records WHERE name = 'www-edd2ab05.a.test' AND type = 'AAAA'), 2, 'with IPv6');
UPDATE csdns.instance SET state = 'Stopped' WHERE uuid = u('i', 1);
SELECT is(groups(), 'www-edd2ab05.a.test 192.0.2.2', 'a stopped one is no member');
SELECT is((SELECT count(*)::int FROM records WHERE name = 'vm1.a.test'), 2, 'though it keeps its own name');
UPDATE csdns.instance SET state = 'Running', "group" = 'db' WHERE uuid = u('i', 1);
SELECT is(groups(), 'db-edd2ab05.a.test 192.0.2.1, www-edd2ab05.a.test 192.0.2.2', 'another group');
UPDATE csdns.nic SET ip4 = '192.0.2.200' WHERE uuid = u('n', 1);
SELECT is(groups(), 'db-edd2ab05.a.test 192.0.2.200, www-edd2ab05.a.test 192.0.2.2', 'another address');
DELETE FROM csdns.instance WHERE uuid = u('i', 2);
SELECT is(groups(), 'db-edd2ab05.a.test 192.0.2.200', 'the last member gone');
UPDATE csdns.policy SET groups = false;
SELECT is(groups(), '', 'groups off');
UPDATE csdns.policy SET groups = true;
INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 1), id('b.test'), 's');
SELECT is(groups(), 'db-edd2ab05.b.test 192.0.2.200', 'the zone''s name without the subdomain');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
