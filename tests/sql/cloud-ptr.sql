-- PTR: the longest matching reverse zone that is there, of any size, in every notation; only to a name that is there; one for an address.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.id(zone text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
CREATE FUNCTION public.ptr() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(name || ' ' || content, ', ' ORDER BY name COLLATE "C", content), '') FROM records WHERE type = 'PTR' $$;

-- what a zone's name stands for
SELECT is((SELECT coalesce(string_agg(net::text || CASE WHEN classless THEN ' classless' ELSE '' END, ' ' ORDER BY net), 'none') FROM csdns.reverse_networks(zone)), want, zone) FROM (VALUES
    ('in-addr.arpa', '0.0.0.0/0'), ('10.in-addr.arpa', '10.0.0.0/8'), ('168.192.in-addr.arpa', '192.168.0.0/16'), ('2.0.192.in-addr.arpa', '192.0.2.0/24'), ('7.2.0.192.in-addr.arpa', '192.0.2.7/32'),
    ('0/25.2.0.192.in-addr.arpa', '192.0.2.0/25 classless'), ('128/26.2.0.192.in-addr.arpa', '192.0.2.128/26 classless'), ('32/27.2.0.192.in-addr.arpa', '192.0.2.32/27 classless'),
    ('16/28.2.0.192.in-addr.arpa', '192.0.2.16/28 classless'), ('8/29.2.0.192.in-addr.arpa', '192.0.2.8/29 classless'), ('4/30.2.0.192.in-addr.arpa', '192.0.2.4/30 classless'),
    ('2/31.2.0.192.in-addr.arpa', '192.0.2.2/31 classless'), ('5/32.2.0.192.in-addr.arpa', '192.0.2.5/32 classless'),
    ('0_26.2.0.192.in-addr.arpa', '192.0.2.0/26 classless'), ('0-63.2.0.192.in-addr.arpa', '192.0.2.0/26 classless'), ('64-127.2.0.192.in-addr.arpa', '192.0.2.64/26 classless'),
    ('0-255.2.0.192.in-addr.arpa', '192.0.2.0/24 classless'), ('0-26.2.0.192.in-addr.arpa', '192.0.2.0/28 classless 192.0.2.16/29 classless 192.0.2.24/31 classless 192.0.2.26/32 classless'),
    ('10-12.2.0.192.in-addr.arpa', '192.0.2.10/31 classless 192.0.2.12/32 classless'),
    ('0/24.2.0.192.in-addr.arpa', 'none'), ('0/33.2.0.192.in-addr.arpa', 'none'), ('1/25.2.0.192.in-addr.arpa', 'none'), ('63-0.2.0.192.in-addr.arpa', 'none'), ('0-256.2.0.192.in-addr.arpa', 'none'),
    ('300/25.2.0.192.in-addr.arpa', 'none'), ('0-63.0.192.in-addr.arpa', 'none'), ('customer.2.0.192.in-addr.arpa', 'none'), ('256.0.192.in-addr.arpa', 'none'), ('02.0.192.in-addr.arpa', 'none'),
    ('5.0-63.2.0.192.in-addr.arpa', 'none'), ('1.7.2.0.192.in-addr.arpa', 'none'), ('-1.2.0.192.in-addr.arpa', 'none'), ('arpa', 'none'), ('xin-addr.arpa', 'none'), ('x.in-addr.arpa', 'none'),
    ('ip6.arpa', '::/0'), ('8.b.d.0.1.0.0.2.ip6.arpa', '2001:db8::/32'), ('2.ip6.arpa', '2000::/4'), ('1.0.8.b.d.0.1.0.0.2.ip6.arpa', '2001:db8:100::/40'),
    ('5.' || repeat('0.', 23) || '8.b.d.0.1.0.0.2.ip6.arpa', '2001:db8::5/128'), ('0.5.' || repeat('0.', 23) || '8.b.d.0.1.0.0.2.ip6.arpa', 'none'), ('g.b.d.0.1.0.0.2.ip6.arpa', 'none'), ('db8.2001.ip6.arpa', 'none'),
    ('example.org', 'none')
  ) AS v (zone, want);
SELECT is((SELECT count(*)::int FROM csdns.reverse_networks(repeat('1.', 60) || 'in-addr.arpa')), 0, 'as deep as a name can be');

INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE'), ('in-addr.arpa', 'NATIVE');
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1), 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 1), 'acme');
INSERT INTO csdns.network (uuid) VALUES (u('w', 1)), (u('w', 2)), (u('w', 3));
INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 1), id('a.test'), NULL), (u('w', 2), id('a.test'), 'two');
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'vm', u('a', 1), u('d', 1));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.5');
-- longer and longer zones, and shorter again
CREATE TABLE public.longer (n int, zone text, name text);
INSERT INTO longer VALUES (1, '192.in-addr.arpa', '5.2.0.192.in-addr.arpa'), (2, '0.192.in-addr.arpa', '5.2.0.192.in-addr.arpa'), (3, '2.0.192.in-addr.arpa', '5.2.0.192.in-addr.arpa'),
    (4, '0-127.2.0.192.in-addr.arpa', '5.0-127.2.0.192.in-addr.arpa'), (5, '0/26.2.0.192.in-addr.arpa', '5.0/26.2.0.192.in-addr.arpa'), (6, '0_27.2.0.192.in-addr.arpa', '5.0_27.2.0.192.in-addr.arpa'),
    (7, '0/28.2.0.192.in-addr.arpa', '5.0/28.2.0.192.in-addr.arpa'), (8, '0-7.2.0.192.in-addr.arpa', '5.0-7.2.0.192.in-addr.arpa'), (9, '4/30.2.0.192.in-addr.arpa', '5.4/30.2.0.192.in-addr.arpa'),
    (10, '4/31.2.0.192.in-addr.arpa', '5.4/31.2.0.192.in-addr.arpa'), (11, '5.2.0.192.in-addr.arpa', '5.2.0.192.in-addr.arpa');
CREATE FUNCTION public.run(what text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; RETURN ptr(); END $$;
SELECT is(run(format('INSERT INTO domains (name, type) VALUES (%L, ''NATIVE'')', zone)), name || ' vm.a.test', zone) FROM longer ORDER BY n;
SELECT is((SELECT d.name::text FROM records r JOIN domains d ON d.id = r.domain_id WHERE r.type = 'PTR'), '5.2.0.192.in-addr.arpa', 'in the longest, even a single address''s');
SELECT is(run(format('DELETE FROM domains WHERE name = %L', l.zone)), coalesce((SELECT o.name FROM longer o WHERE o.n = l.n - 1), '5.2.0.192.in-addr.arpa') || ' vm.a.test', 'without ' || l.zone) FROM longer l ORDER BY n DESC;
SELECT is(run($$UPDATE domains SET type = 'SLAVE' WHERE name = 'in-addr.arpa'$$), '', 'none in a secondary zone');
INSERT INTO domains (name, type) VALUES ('2.0.192.in-addr.arpa', 'NATIVE');
INSERT INTO csdns.dns_zone (domain_id, state) VALUES (id('2.0.192.in-addr.arpa'), 'Inactive');
SELECT is(ptr(), '', 'nor in an inactive one');
SELECT is(run($$UPDATE csdns.dns_zone SET state = 'Active'$$), '5.2.0.192.in-addr.arpa vm.a.test', 'until it is active');
-- IPv6 zones end at nibbles: any number of them
SELECT is(run($$UPDATE csdns.nic SET ip4 = NULL, ip6 = '2001:db8:0:7::5'$$), '', 'no zone for IPv6');
CREATE FUNCTION public.nibbles(n int) RETURNS text LANGUAGE sql AS $$ SELECT right(csdns.reverse_name('2001:db8:0:7::5'), n * 2 + 8) $$;
CREATE TABLE public.v6 AS SELECT n, run(format('INSERT INTO domains (name, type) VALUES (%L, ''NATIVE'')', nibbles(n))) AS said,
    (SELECT d.name::text FROM records r JOIN domains d ON d.id = r.domain_id WHERE r.type = 'PTR' AND d.name LIKE '%ip6.arpa') AS zone FROM generate_series(1, 32) n ORDER BY n;
SELECT is((SELECT string_agg(DISTINCT said, ' ') FROM v6), csdns.reverse_name('2001:db8:0:7::5') || ' vm.a.test', 'a PTR in each of 32 zones');
SELECT is((SELECT d.name::text FROM records r JOIN domains d ON d.id = r.domain_id WHERE r.type = 'PTR'), nibbles(32), 'the longest');
DELETE FROM domains WHERE name LIKE '%ip6.arpa' AND name <> nibbles(8);
SELECT is((SELECT d.name::text FROM records r JOIN domains d ON d.id = r.domain_id WHERE r.type = 'PTR'), nibbles(8), 'and back');
UPDATE csdns.nic SET ip4 = '192.0.2.5', ip6 = NULL;

-- the primary name: the default NIC's, if it has a name; it must be there
INSERT INTO csdns.nic (uuid, instance, network, ip4, secondary) VALUES (u('n', 2), u('i', 1), u('w', 2), '192.0.2.6', '{192.0.2.60}'), (u('n', 3), u('i', 1), u('w', 3), '192.0.2.7', '{}');
SELECT matches(ptr(), '^5\S+ (vm(.two)?.a.test), 6\S+ \1, 60\S+ \1, 7\S+ \1$', 'all addresses to one name, the secondary one too, and that in a network without a zone');
UPDATE csdns.nic SET is_default = (uuid = u('n', 2));
SELECT is(ptr(), '5.2.0.192.in-addr.arpa vm.two.a.test, 6.2.0.192.in-addr.arpa vm.two.a.test, 60.2.0.192.in-addr.arpa vm.two.a.test, 7.2.0.192.in-addr.arpa vm.two.a.test', 'the default NIC''s');
UPDATE csdns.nic SET is_default = (uuid = u('n', 3));
SELECT matches(ptr(), '^5\S+ (vm(.two)?.a.test), 6\S+ \1, 60\S+ \1, 7\S+ \1$', 'a default NIC without a name has none to give');
UPDATE csdns.nic SET is_default = (uuid = u('n', 2));
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (id('a.test'), 'vm.two.a.test', 'CNAME', 'x.test', 60);
SELECT is(ptr(), '', 'nothing points to a name that is a person''s');
DELETE FROM records WHERE type = 'CNAME';
SELECT is(run($$INSERT INTO csdns.policy (scope, ptr) VALUES (u('w', 2), false)$$), '5.2.0.192.in-addr.arpa vm.two.a.test, 7.2.0.192.in-addr.arpa vm.two.a.test', 'off for a network');
DELETE FROM csdns.policy WHERE scope = u('w', 2);
DELETE FROM csdns.network_zone WHERE network = u('w', 2);
SELECT matches(ptr(), '^5\S+ vm.a.test, 6\S+ vm.a.test, 60\S+ vm.a.test, 7\S+ vm.a.test$', 'the next name when the default NIC''s goes');
UPDATE csdns.policy SET common = true, common_zone = 'b.test';
SELECT matches(ptr(), '^5\S+ vm.a.test, ', 'the common zone''s comes last');
DELETE FROM csdns.network_zone WHERE network = u('w', 1);
SELECT matches(ptr(), '^5\S+ vm.b.test, 6\S+ vm.b.test, 60\S+ vm.b.test, 7\S+ vm.b.test$', 'better than none');
UPDATE csdns.policy SET common = false;
SELECT is(ptr(), '', 'no name, no PTR');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');

-- one address in two networks that overlap: the first keeps the PTR
INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 1), id('a.test'), NULL), (u('w', 2), id('a.test'), 'two');
DELETE FROM csdns.nic WHERE uuid <> u('n', 1);
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 2), 'other', u('a', 1), u('d', 1));
SELECT is(run($$INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 9), u('i', 2), u('w', 2), '192.0.2.5')$$), '5.2.0.192.in-addr.arpa vm.a.test', 'who has the address first');
SELECT is((SELECT content FROM records WHERE name = 'other.two.a.test'), '192.0.2.5', 'the other has its name all the same');
SELECT is((SELECT string_agg(concat_ws(' ', type, name, source = u('i', 2), holder = u('i', 1)), ', ') FROM csdns.event WHERE name LIKE '%arpa'), 'DNS.NAME.COLLISION 5.2.0.192.in-addr.arpa t t', 'an event');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT is(run($$UPDATE csdns.instance SET state = 'Destroyed' WHERE uuid = u('i', 1)$$), '5.2.0.192.in-addr.arpa other.two.a.test', 'handed on when the first goes');
SELECT is(run($$UPDATE csdns.instance SET state = 'Running' WHERE uuid = u('i', 1)$$), '5.2.0.192.in-addr.arpa other.two.a.test', 'and kept');
SELECT is(run($$UPDATE csdns.nic SET ip4 = '192.0.2.99' WHERE uuid = u('n', 9)$$), '5.2.0.192.in-addr.arpa vm.a.test, 99.2.0.192.in-addr.arpa other.two.a.test', 'when its address changes too');
-- one instance in both
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 10), u('i', 1), u('w', 2), '192.0.2.5');
SELECT matches(ptr(), '^5.2.0.192.in-addr.arpa vm(.two)?.a.test, 99\S+ other.two.a.test$', 'one PTR for one instance that has it twice');
SELECT is((SELECT count(*)::int FROM csdns.collision), 0, 'no collision');
-- a floating address that an instance has as well
INSERT INTO csdns.floating_address (uuid, name, address, network, account, domain) VALUES (u('f', 1), 'vip', '192.0.2.99', u('w', 1), u('a', 1), u('d', 1));
SELECT is((SELECT content FROM records WHERE name = '99.2.0.192.in-addr.arpa'), 'other.two.a.test', 'a floating address that an instance has: who has it first');
SELECT is((SELECT content FROM records WHERE name = 'vip.a.test'), '192.0.2.99', 'but its name');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
