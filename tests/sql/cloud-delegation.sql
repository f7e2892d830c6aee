-- Names by network domain in zones that somebody owns: the owner's, and of those that the zone is delegated to.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.id(zone text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
CREATE FUNCTION public.names() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(replace(r.name, '.own.test', ''), ' ' ORDER BY r.name COLLATE "C"), '') FROM records r WHERE r.type = 'A' $$;
CREATE FUNCTION public.run(what text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; RETURN names(); END $$;
INSERT INTO domains (name, type) VALUES ('own.test', 'NATIVE');
-- ROOT (1) > mid (2) > leaf (3), and side (4) below ROOT; an account with an instance in each; own.test is the network domain of all
INSERT INTO csdns.domain (uuid, parent, name) VALUES (u('d', 1), NULL, 'ROOT'), (u('d', 2), u('d', 1), 'mid'), (u('d', 3), u('d', 2), 'leaf'), (u('d', 4), u('d', 1), 'side');
INSERT INTO csdns.account (uuid, domain, name) SELECT u('a', n), u('d', n), 'acc' || n FROM generate_series(1, 4) n;
INSERT INTO csdns.network (uuid) VALUES (u('w', 1));
INSERT INTO csdns.instance (uuid, name, account, domain) SELECT u('i', n), 'vm' || n, u('a', n), u('d', n) FROM generate_series(1, 4) n;
INSERT INTO csdns.nic (uuid, instance, network, ip4) SELECT u('n', n), u('i', n), u('w', 1), format('192.0.2.%s', n)::inet FROM generate_series(1, 4) n;
UPDATE csdns.domain SET network_domain = 'own.test' WHERE uuid = u('d', 1);
SELECT is(names(), 'vm1 vm2 vm3 vm4', 'nobody''s zone: all that have its name as network domain');
SELECT is(run($$INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (id('own.test'), u('a', 2), u('d', 2))$$), 'vm2', 'an account''s: its own');
SELECT is(run(format('INSERT INTO csdns.zone_delegation (domain_id, %s) VALUES (id(''own.test''), %L)', kind, who)), want, format('delegated to %s %s', kind, who)) FROM (VALUES
    (1, 'account', u('a', 4), 'vm2 vm4'), (2, 'domain', u('d', 3), 'vm2 vm3 vm4'), (3, 'domain', u('d', 1), 'vm1 vm2 vm3 vm4')) AS v (n, kind, who, want) ORDER BY n;
SELECT is(run($$DELETE FROM csdns.zone_delegation WHERE domain = u('d', 1)$$), 'vm2 vm3 vm4', 'taken back');
SELECT is(run($$UPDATE csdns.zone_delegation SET account = u('a', 1) WHERE account = u('a', 4)$$), 'vm1 vm2 vm3', 'given to another');
SELECT is(run($$UPDATE csdns.account SET domain = u('d', 2) WHERE uuid = u('a', 3)$$), 'vm1 vm2 vm3', 'an account moves, its instances do not yet');
SELECT is(run($$UPDATE csdns.instance SET domain = u('d', 2) WHERE uuid = u('i', 3)$$), 'vm1 vm2', 'now they do');
SELECT is(run($$UPDATE csdns.domain SET parent = u('d', 3) WHERE uuid = u('d', 4)$$), 'vm1 vm2 vm4', 'a domain moves below one that it is delegated to');
SELECT is(run($$UPDATE csdns.domain SET parent = u('d', 1) WHERE uuid = u('d', 4)$$), 'vm1 vm2', 'and away');
SELECT is(run($$DELETE FROM csdns.zone_delegation$$), 'vm2', 'all taken back');
SELECT is(run($$INSERT INTO csdns.zone_delegation (domain_id, network) VALUES (id('own.test'), u('w', 1))$$), 'vm2', 'to a network: for association only');
SELECT is(run($$INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), id('own.test'))$$), 'vm1 vm2 vm3 vm4', 'which gives names to all in it');
SELECT is(run($$DELETE FROM csdns.network_zone$$), 'vm2', 'and takes them');
SELECT is(run($$UPDATE csdns.dns_zone SET account = NULL$$), 'vm2 vm3', 'a domain''s zone: of all in it and below');
SELECT is(run($$UPDATE csdns.dns_zone SET domain = NULL$$), 'vm1 vm2 vm3 vm4', 'nobody''s again');
SELECT is(run($$INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), id('own.test'))$$), 'vm1 vm2 vm3 vm4', 'associated');
SELECT is(run($$UPDATE csdns.dns_zone SET state = 'Inactive'$$), '', 'inactive: none at all');
UPDATE csdns.dns_zone SET state = 'Active';
SELECT throws_ok($$INSERT INTO csdns.zone_delegation (domain_id, account, domain) VALUES (id('own.test'), u('a', 1), u('d', 1))$$, '23514', NULL, 'to one at a time');
SELECT is(run($$DELETE FROM domains$$), '', 'a zone deleted');
SELECT is((SELECT count(*)::int FROM csdns.zone_delegation) + (SELECT count(*)::int FROM csdns.dns_zone), 0, 'takes its delegations along');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
