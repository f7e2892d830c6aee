-- The common zone: a name for every instance that is to have one, beside the other or alone; one name for all accounts.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.id(zone text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
CREATE FUNCTION public.run(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE what;
    RETURN coalesce((SELECT string_agg(concat_ws(' ', name, CASE type WHEN 'A' THEN NULL ELSE type END, content), ', ' ORDER BY name COLLATE "C", type, content) FROM records), '');
END $$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('c.test', 'NATIVE'), ('d.test', 'NATIVE');
INSERT INTO csdns.domain (uuid, parent, name) VALUES (u('d', 1), NULL, 'ROOT'), (u('d', 2), u('d', 1), 'sub');
INSERT INTO csdns.account (uuid, domain, name, network_domain) VALUES (u('a', 1), u('d', 1), 'acme', 'a.test'), (u('a', 2), u('d', 2), 'other', NULL);
INSERT INTO csdns.network (uuid) VALUES (u('w', 1)), (u('w', 2));
INSERT INTO csdns.instance (uuid, name, account, domain, "group") VALUES (u('i', 1), 'vm', u('a', 1), u('d', 1), NULL), (u('i', 2), 'db', u('a', 2), u('d', 2), 'www');
SELECT is(run($$INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1'), (u('n', 2), u('i', 2), u('w', 1), '192.0.2.2')$$), 'vm.a.test 192.0.2.1', 'off');
SELECT is(run($$UPDATE csdns.policy SET common_zone = 'c.test'$$), 'vm.a.test 192.0.2.1', 'a zone alone does not switch it on');
SELECT is(run($$UPDATE csdns.policy SET common = true$$), 'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1', 'also for who has no other zone; no groups there');
SELECT is(run($$UPDATE csdns.policy SET common_zone = 'absent.test'$$), 'vm.a.test 192.0.2.1', 'a zone that is not there');
SELECT is(run($$INSERT INTO domains (name, type) VALUES ('absent.test', 'NATIVE')$$), 'db.absent.test 192.0.2.2, vm.a.test 192.0.2.1, vm.absent.test 192.0.2.1', 'until it comes');
SELECT is(run($$DELETE FROM domains WHERE name = 'absent.test'$$), 'vm.a.test 192.0.2.1', 'and goes');
SELECT is(run($$UPDATE csdns.policy SET common_zone = 'c.test'$$), 'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1', 'another');
SELECT is(run($$INSERT INTO csdns.policy (scope, common) VALUES (u('d', 2), false)$$), 'vm.a.test 192.0.2.1, vm.c.test 192.0.2.1', 'off in a domain');
SELECT is(run($$INSERT INTO csdns.policy (scope, common) VALUES (u('a', 2), true)$$), 'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1', 'on for an account of it');
SELECT is(run($$INSERT INTO csdns.policy (scope, common_zone) VALUES (u('w', 1), 'd.test')$$), 'db.d.test 192.0.2.2, vm.a.test 192.0.2.1, vm.d.test 192.0.2.1', 'another zone for a network');
SELECT is(run($$DELETE FROM csdns.policy WHERE scope <> '00000000-0000-0000-0000-000000000000'$$), 'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1', 'by default again');
-- the zone's owner does not matter: policy, which only administrators write, says who is in it
SELECT is(run($$INSERT INTO csdns.dns_zone (domain_id, account) VALUES (id('c.test'), u('a', 2))$$), 'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1', 'a zone with an owner');
SELECT is(run($$UPDATE csdns.dns_zone SET state = 'Inactive'$$), 'vm.a.test 192.0.2.1', 'an inactive one');
DELETE FROM csdns.dns_zone;
-- several NICs, in whatever networks: one name there
SELECT is(run($$INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 2), id('d.test'), 's');
    INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 3), u('i', 1), u('w', 2), '192.0.2.3')$$),
    'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1, vm.c.test 192.0.2.3, vm.s.d.test 192.0.2.3', 'one name for all NICs, no subdomain');
-- the same zone as the network's
SELECT is(run($$UPDATE csdns.network_zone SET domain_id = id('c.test'), subdomain = NULL$$), 'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1, vm.c.test 192.0.2.3', 'where it is the network''s zone too, each record once');
SELECT is(run($$DELETE FROM csdns.nic WHERE uuid = u('n', 3)$$), 'db.c.test 192.0.2.2, vm.a.test 192.0.2.1, vm.c.test 192.0.2.1', 'NIC removed');
-- names of two accounts collide there only
SELECT is(run($$UPDATE csdns.account SET network_domain = 'd.test' WHERE uuid = u('a', 2); UPDATE csdns.policy SET groups = false; UPDATE csdns.instance SET name = 'vm' WHERE uuid = u('i', 2)$$),
    'vm.a.test 192.0.2.1, vm.c.test 192.0.2.1, vm.d.test 192.0.2.2', 'another account''s of the same name');
SELECT is((SELECT string_agg(concat_ws(' ', type, name, source = u('i', 2), holder = u('i', 1)), ', ') FROM csdns.event), 'DNS.NAME.COLLISION vm.c.test t t', 'an event');
SELECT is(run($$UPDATE csdns.policy SET host_template = '{name}-{account}'$$), 'vm-acme.a.test 192.0.2.1, vm-acme.c.test 192.0.2.1, vm-other.c.test 192.0.2.2, vm-other.d.test 192.0.2.2', 'a template keeps them apart');
SELECT is(run($$UPDATE csdns.policy SET host_template = '{name}'; DELETE FROM csdns.instance WHERE uuid = u('i', 1)$$), 'vm.c.test 192.0.2.2, vm.d.test 192.0.2.2', 'handed on when free');
-- by a PTR only where there is no other name
INSERT INTO domains (name, type) VALUES ('2.0.192.in-addr.arpa', 'NATIVE');
SELECT is(run('SELECT'), '2.2.0.192.in-addr.arpa PTR vm.d.test, vm.c.test 192.0.2.2, vm.d.test 192.0.2.2', 'a PTR to the other name');
SELECT is(run($$UPDATE csdns.account SET network_domain = NULL$$), '2.2.0.192.in-addr.arpa PTR vm.c.test, vm.c.test 192.0.2.2', 'unless it is the only one');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
