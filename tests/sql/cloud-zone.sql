-- Which zone: the network's, else the account's, the nearest domain's, the network's own domain; the common zone; who may use whose.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.zone(zone text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s', CASE WHEN r.name = d.name THEN '@' ELSE left(r.name, -length(d.name) - 1) END, r.type, r.content), ', '
                               ORDER BY r.name COLLATE "C", r.type, r.content COLLATE "C"), '')
      FROM domains d JOIN records r ON r.domain_id = d.id WHERE d.name = zone AND r.type NOT IN ('SOA', 'NS') $$;
CREATE FUNCTION public.id(zone text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
INSERT INTO domains (name, type) VALUES ('assoc.test', 'NATIVE'), ('account.test', 'NATIVE'), ('top.test', 'NATIVE'), ('sub.test', 'NATIVE'), ('own.test', 'NATIVE'), ('common.test', 'NATIVE'),
    ('2.0.192.in-addr.arpa', 'NATIVE');
INSERT INTO csdns.domain (uuid, parent, name) VALUES (u('d', 1), NULL, 'ROOT'), (u('d', 2), u('d', 1), 'mid'), (u('d', 3), u('d', 2), 'leaf');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 3), 'acme'), (u('a', 2), u('d', 3), 'evil');
INSERT INTO csdns.network (uuid, name, account, domain, network_domain) VALUES (u('w', 1), 'net', u('a', 1), u('d', 3), 'own.test');
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'vm', u('a', 1), u('d', 3));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1');
CREATE FUNCTION public.all_zones() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(r.name, ' ' ORDER BY r.name COLLATE "C"), '') FROM records r WHERE r.type = 'A' $$;
SELECT is(all_zones(), '', 'a network''s own domain is not enough for a zone of nobody: any tenant may set it');
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (id('own.test'), u('a', 1), u('d', 3));
SELECT is(all_zones(), 'vm.own.test', 'but for a zone of the same owner');
UPDATE csdns.dns_zone SET account = u('a', 2);
SELECT is(all_zones(), '', 'not for another''s');
UPDATE csdns.dns_zone SET account = NULL, domain = u('d', 2);
SELECT is(all_zones(), 'vm.own.test', 'nor not for that of a domain above');
UPDATE csdns.domain SET network_domain = 'top.test' WHERE uuid = u('d', 1);
SELECT is(all_zones(), 'vm.top.test', 'the domain''s network domain, two levels up');
UPDATE csdns.domain SET network_domain = 'sub.test' WHERE uuid = u('d', 2);
SELECT is(all_zones(), 'vm.sub.test', 'the nearest');
UPDATE csdns.domain SET parent = u('d', 1) WHERE uuid = u('d', 3);
SELECT is(all_zones(), 'vm.top.test', 'a domain moved');
UPDATE csdns.account SET network_domain = 'account.test' WHERE uuid = u('a', 1);
SELECT is(all_zones() || ' ' || zone('2.0.192.in-addr.arpa'), 'vm.account.test 1 PTR vm.account.test', 'the account''s alone is enough, and the PTR goes there');
UPDATE csdns.account SET network_domain = 'absent.test' WHERE uuid = u('a', 1);
SELECT is(all_zones(), '', 'a zone that is not there: none');
INSERT INTO domains (name, type) VALUES ('absent.test', 'NATIVE');
SELECT is(all_zones(), 'vm.absent.test', 'until it comes');
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (id('absent.test'), u('a', 2), u('d', 3));
SELECT is(all_zones(), '', 'and is another''s');
INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 1), id('assoc.test'), 'a.b');
SELECT is(all_zones(), 'vm.a.b.assoc.test', 'an associated zone goes first');
UPDATE csdns.policy SET common = true, common_zone = 'common.test';
SELECT is(all_zones(), 'vm.a.b.assoc.test vm.common.test', 'the common zone as well');
INSERT INTO csdns.policy (scope, common) VALUES (u('a', 1), false);
SELECT is(all_zones(), 'vm.a.b.assoc.test', 'off for an account');
UPDATE csdns.policy SET common = NULL, common_zone = 'top.test' WHERE scope = u('a', 1);
SELECT is(all_zones(), 'vm.a.b.assoc.test vm.top.test', 'another one for an account');
INSERT INTO csdns.dns_zone (domain_id, state) VALUES (id('assoc.test'), 'Inactive');
SELECT is(all_zones() || ' ' || zone('2.0.192.in-addr.arpa'), 'vm.top.test 1 PTR vm.top.test', 'nothing in an inactive zone');
UPDATE csdns.dns_zone SET state = 'Active';
UPDATE csdns.instance SET account = u('a', 2);
SELECT is(all_zones(), 'vm.a.b.assoc.test vm.common.test', 'moved to another account');
INSERT INTO csdns.instance_name (instance, domain_id, name) VALUES (u('i', 1), id('own.test'), 'www.own.test'), (u('i', 1), id('own.test'), 'own.test');
SELECT is(zone('own.test'), '@ A 192.0.2.1, www A 192.0.2.1', 'names given by hand, at the apex too');
INSERT INTO csdns.instance_name (instance, domain_id, name) VALUES (u('i', 1), id('own.test'), 'www.elsewhere.test');
SELECT is(zone('own.test'), '@ A 192.0.2.1, www A 192.0.2.1', 'not outside the zone');
DELETE FROM csdns.instance_name;
SELECT is(zone('own.test'), '', 'and taken away');
SELECT throws_ok($$INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), 99999)$$, '23505', NULL, 'one zone for a network');
SELECT throws_ok($$UPDATE csdns.network_zone SET domain_id = 99999$$, '23503', 'zone 99999: not in domains', 'that is there');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
-- two networks with one zone: one name, the first has it
INSERT INTO csdns.network (uuid) VALUES (u('w', 2));
SELECT throws_ok($$INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 2), id('assoc.test'), 'a.b')$$, '23505',
    format('network %s: network "net" has subdomain "a.b" of zone "assoc.test" already', u('w', 2)), 'a subdomain is one network''s');
SELECT throws_ok($$INSERT INTO csdns.network_zone (network, domain_id, subdomain) SELECT w, id('assoc.test'), 'c' FROM unnest(ARRAY[u('w', 2), u('w', 3)]) AS w$$, '23505',
    NULL, 'also within one statement');
UPDATE csdns.network_zone SET subdomain = NULL;
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 2), id('assoc.test'));
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 2), 'VM', u('a', 1), u('d', 3));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 2), u('i', 2), u('w', 2), '192.0.2.2');
SELECT is(zone('assoc.test'), 'vm A 192.0.2.1', 'two networks with one zone');
SELECT is((SELECT count(*)::int FROM csdns.event WHERE type = 'DNS.NAME.COLLISION' AND name = 'vm.assoc.test'), 1, 'is a collision');
SELECT * FROM finish();
