-- The thinnest path: facts in, host names and PTRs out; collisions, what people take over, drift and reconcile.
SELECT no_plan();

CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
-- records of a zone but SOA and NS, as text
CREATE FUNCTION public.zone(zone text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s', CASE WHEN r.name = d.name THEN '@' ELSE left(r.name, -length(d.name) - 1) END, r.type, r.content), ', '
                               ORDER BY r.name COLLATE "C", r.type, r.content COLLATE "C"), '')
      FROM domains d JOIN records r ON r.domain_id = d.id WHERE d.name = zone AND r.type NOT IN ('SOA', 'NS') $$;
CREATE FUNCTION public.drift() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(concat_ws(' ', difference, name, type, content), ', ' ORDER BY name, type, content), '') FROM csdns.drift $$;

INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE'), ('2.0.192.in-addr.arpa', 'NATIVE'), ('d.b.8.b.d.0.1.0.0.2.ip6.arpa', 'NATIVE');
INSERT INTO domains (name, type) VALUES ('8.b.d.0.1.0.0.2.ip6.arpa', 'NATIVE');
SELECT id AS a FROM domains WHERE name = 'a.test' \gset
SELECT id AS b FROM domains WHERE name = 'b.test' \gset
INSERT INTO csdns.domain (uuid, name, path) VALUES (u('d', 1), 'ROOT', 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 1), 'acme');
INSERT INTO csdns.network (uuid, name, account, domain) VALUES (u('w', 1), 'net1', u('a', 1), u('d', 1)), (u('w', 2), 'net2', u('a', 1), u('d', 1));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), :a);
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'Vm1', u('a', 1), u('d', 1));
SELECT is(zone('a.test'), '', 'an instance without NIC has no name');
INSERT INTO csdns.nic (uuid, instance, network, ip4, ip6, is_default) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1', '2001:db8::1', true);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.1, vm1 AAAA 2001:db8::1', 'a NIC makes A and AAAA');
SELECT is(zone('2.0.192.in-addr.arpa'), '1 PTR vm1.a.test', 'PTR for IPv4');
SELECT is(zone('8.b.d.0.1.0.0.2.ip6.arpa'), '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR vm1.a.test', 'PTR for IPv6');
SELECT is(drift(), '', 'no drift');
SELECT is((SELECT ttl FROM records WHERE name = 'vm1.a.test' AND type = 'A'), 3600, 'TTL by policy');

SELECT version AS v FROM csdns.head() \gset
UPDATE csdns.nic SET ip4 = ip4, is_default = is_default;
UPDATE csdns.instance SET display_name = 'other';
SELECT is((SELECT count(*)::int FROM csdns.reconcile()), 0, 'reconcile finds nothing');
SELECT is((SELECT version FROM csdns.head()), :v::bigint, 'nothing to do makes no version');

INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 2), u('i', 1), u('w', 1), '192.0.2.2'), (u('n', 3), u('i', 1), u('w', 2), '192.0.2.3');
SELECT is(zone('a.test'), 'vm1 A 192.0.2.1, vm1 A 192.0.2.2, vm1 AAAA 2001:db8::1', 'several NICs under one name');
SELECT is(zone('2.0.192.in-addr.arpa'), '1 PTR vm1.a.test, 2 PTR vm1.a.test, 3 PTR vm1.a.test', 'each points to the primary name');
INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 2), :b, 'sub');
SELECT is(zone('b.test'), 'vm1.sub A 192.0.2.3', 'an association gives names to instances that are there');
UPDATE csdns.nic SET is_default = (uuid = u('n', 3));
SELECT is(zone('2.0.192.in-addr.arpa'), '1 PTR vm1.sub.b.test, 2 PTR vm1.sub.b.test, 3 PTR vm1.sub.b.test', 'default NIC changed');
UPDATE csdns.network_zone SET subdomain = NULL WHERE network = u('w', 2);
SELECT is(zone('b.test'), 'vm1 A 192.0.2.3', 'subdomain changed');
DELETE FROM csdns.network_zone WHERE network = u('w', 2);
SELECT is(zone('b.test'), '', 'association removed');
DELETE FROM csdns.nic WHERE uuid IN (u('n', 2), u('n', 3));
SELECT is(zone('a.test'), 'vm1 A 192.0.2.1, vm1 AAAA 2001:db8::1', 'NICs removed');
UPDATE csdns.nic SET ip4 = '192.0.2.7', ip6 = NULL WHERE uuid = u('n', 1);
SELECT is(zone('a.test') || '; ' || zone('2.0.192.in-addr.arpa') || zone('8.b.d.0.1.0.0.2.ip6.arpa'), 'vm1 A 192.0.2.7; 7 PTR vm1.a.test', 'addresses changed');
UPDATE csdns.nic SET secondary = '{192.0.2.8,2001:db8::8}' WHERE uuid = u('n', 1);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7', 'secondary addresses are off');
UPDATE csdns.policy SET secondary_addresses = true;
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7, vm1 A 192.0.2.8, vm1 AAAA 2001:db8::8', 'and on');
UPDATE csdns.nic SET secondary = '{}';

UPDATE csdns.instance SET name = 'renamed' WHERE uuid = u('i', 1);
SELECT is(zone('a.test') || '; ' || zone('2.0.192.in-addr.arpa'), 'renamed A 192.0.2.7; 7 PTR renamed.a.test', 'renamed');
UPDATE csdns.instance SET name = 'vm1', state = 'Stopped' WHERE uuid = u('i', 1);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7', 'a stopped instance keeps its name');
INSERT INTO csdns.policy (scope, on_stop) VALUES (u('w', 1), 'remove');
SELECT is(zone('a.test'), '', 'or not, by policy of the network');
UPDATE csdns.instance SET state = 'Running' WHERE uuid = u('i', 1);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7', 'started');
UPDATE csdns.instance SET state = 'Destroyed' WHERE uuid = u('i', 1);
SELECT is(zone('a.test') || zone('2.0.192.in-addr.arpa'), '', 'destroyed');
UPDATE csdns.instance SET state = 'Stopped' WHERE uuid = u('i', 1);
DELETE FROM csdns.policy WHERE scope = u('w', 1);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7', 'recovered');
UPDATE csdns.instance SET state = 'Running', removed = now() WHERE uuid = u('i', 1);
SELECT is(zone('a.test'), '', 'expunged');
UPDATE csdns.instance SET removed = NULL WHERE uuid = u('i', 1);

-- settings: the nearest wins
UPDATE csdns.policy SET ttl = 100;
INSERT INTO csdns.policy (scope, ttl) VALUES (u('d', 1), 200);
SELECT is((SELECT ttl FROM records WHERE name = 'vm1.a.test'), 200, 'TTL of the domain');
INSERT INTO csdns.policy (scope, ttl) VALUES (u('a', 1), 300);
SELECT is((SELECT ttl FROM records WHERE name = 'vm1.a.test'), 300, 'TTL of the account');
INSERT INTO csdns.policy (scope, ttl) VALUES (u('w', 1), 400);
SELECT is((SELECT ttl FROM records WHERE name = 'vm1.a.test'), 400, 'TTL of the network');
UPDATE csdns.policy SET minimum_ttl = 500 WHERE scope = u('d', 1);
SELECT is((SELECT string_agg(ttl::text, ' ') FROM records), '500 500', 'and its minimum');
DELETE FROM csdns.policy WHERE scope <> '00000000-0000-0000-0000-000000000000';
SELECT throws_ok('DELETE FROM csdns.policy', '23514', 'policy: the settings for everything cannot be deleted, only changed');
SELECT throws_ok($$INSERT INTO csdns.policy (scope, ttl) VALUES (u('x', 1), 1)$$, '23503', NULL, 'policy for nobody');
UPDATE csdns.policy SET ptr = false;
SELECT is(zone('2.0.192.in-addr.arpa'), '', 'PTR off');
UPDATE csdns.policy SET ptr = true;
UPDATE csdns.policy SET host_template = '{name}-{uuid8}';
SELECT is(zone('a.test'), 'vm1-' || left(u('i', 1)::text, 8) || ' A 192.0.2.7', 'names by template');
UPDATE csdns.policy SET host_template = '{name}';

-- collisions
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'vm2.a.test', 'A', '198.51.100.1', 60), (:a, 'vm3.a.test', 'TXT', '"x"', 60);
INSERT INTO csdns.instance (uuid, name, account, domain) SELECT u('i', n), 'vm' || n, u('a', 1), u('d', 1) FROM generate_series(2, 3) n;
INSERT INTO csdns.nic (uuid, instance, network, ip4) SELECT u('n', n), u('i', n), u('w', 1), format('192.0.2.%s', n)::inet FROM generate_series(2, 3) n;
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7, vm2 A 198.51.100.1, vm3 A 192.0.2.3, vm3 TXT "x"', 'a person''s address stays, a TXT is not in the way');
SELECT is(zone('2.0.192.in-addr.arpa'), '3 PTR vm3.a.test, 7 PTR vm1.a.test', 'no PTR to a name that is not the instance''s');
SELECT is((SELECT string_agg(format('%s %s %s', type, name, holder), ', ') FROM csdns.event), 'DNS.NAME.COLLISION vm2.a.test ', 'one event');
SELECT is(drift(), '', 'a collision is no drift');
SELECT is((SELECT count(*)::int FROM csdns.reconcile()), 0, 'nor work for reconcile');
UPDATE csdns.nic SET ip4 = '192.0.2.22' WHERE uuid = u('n', 2);
SELECT is((SELECT count(*)::int FROM csdns.event), 1, 'told once');
DELETE FROM records WHERE name = 'vm2.a.test';
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7, vm2 A 192.0.2.22, vm3 A 192.0.2.3, vm3 TXT "x"', 'taken up when the name is free');
SELECT is((SELECT count(*)::int FROM csdns.collision), 0, 'no collision any more');
UPDATE csdns.instance SET name = 'vm3' WHERE uuid = u('i', 2);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7, vm3 A 192.0.2.3, vm3 TXT "x"', 'another instance''s name');
SELECT is((SELECT concat_ws(' ', type, name, source, holder) FROM csdns.event ORDER BY id DESC LIMIT 1),
    concat_ws(' ', 'DNS.NAME.COLLISION', 'vm3.a.test', u('i', 2), u('i', 3)), 'the event names both');
UPDATE csdns.nic SET ip4 = '192.0.2.33' WHERE uuid = u('n', 3);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7, vm3 A 192.0.2.33, vm3 TXT "x"', 'who has it keeps it when its address changes');
UPDATE csdns.instance SET state = 'Destroyed' WHERE uuid = u('i', 3);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7, vm3 A 192.0.2.22, vm3 TXT "x"', 'the other gets it when it is free');
UPDATE csdns.instance SET state = 'Running' WHERE uuid = u('i', 3);
SELECT is(zone('a.test'), 'vm1 A 192.0.2.7, vm3 A 192.0.2.22, vm3 TXT "x"', 'and keeps it');
UPDATE csdns.instance SET name = CASE uuid WHEN u('i', 2) THEN 'vm1' WHEN u('i', 1) THEN 'vm2' ELSE name END;
SELECT is(zone('a.test'), 'vm1 A 192.0.2.22, vm2 A 192.0.2.7, vm3 A 192.0.2.33, vm3 TXT "x"', 'names change hands in one statement');
SELECT is(zone('2.0.192.in-addr.arpa'), '22 PTR vm1.a.test, 33 PTR vm3.a.test, 7 PTR vm2.a.test', 'with their PTRs');
INSERT INTO csdns.instance (uuid, name, account, domain, created) VALUES (u('i', 8), 'new', u('a', 1), u('d', 1), '2020-02-02'), (u('i', 9), 'new', u('a', 1), u('d', 1), '2020-01-01');
INSERT INTO csdns.nic (uuid, instance, network, ip4) SELECT u('n', n), u('i', n), u('w', 1), format('192.0.2.%s', n)::inet FROM generate_series(8, 9) n;
SELECT is((SELECT content FROM records WHERE name = 'new.a.test'), '192.0.2.9', 'of two that come together the older gets the name');
DELETE FROM csdns.instance WHERE uuid IN (u('i', 8), u('i', 9), u('i', 3));

-- people win
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'vm1.a.test', 'CNAME', 'elsewhere.test', 60);
SELECT is(zone('a.test'), 'vm1 CNAME elsewhere.test, vm2 A 192.0.2.7, vm3 TXT "x"', 'a person''s CNAME takes the name');
DELETE FROM records WHERE type = 'CNAME';
SELECT is(zone('a.test'), 'vm1 A 192.0.2.22, vm2 A 192.0.2.7, vm3 TXT "x"', 'and gives it back');
UPDATE csdns.nic SET ip6 = '2001:db8::22' WHERE uuid = u('n', 2);
UPDATE records SET content = '203.0.113.1' WHERE name = 'vm1.a.test' AND type = 'A';
UPDATE csdns.nic SET ip4 = '192.0.2.23', ip6 = '2001:db8::23' WHERE uuid = u('n', 2);
SELECT is(zone('a.test'), 'vm1 A 203.0.113.1, vm1 AAAA 2001:db8::23, vm2 A 192.0.2.7, vm3 TXT "x"', 'an edited record is the person''s, the other type still the rule''s');
SELECT is(drift(), '', 'no drift');
DELETE FROM records WHERE name = 'vm2.a.test';
UPDATE csdns.nic SET ip4 = '192.0.2.77' WHERE uuid = u('n', 1);
SELECT is(zone('a.test'), 'vm1 A 203.0.113.1, vm1 AAAA 2001:db8::23, vm3 TXT "x"', 'a deleted record stays deleted');
SELECT is(zone('2.0.192.in-addr.arpa'), '23 PTR vm1.a.test', 'and nothing points to it');
SELECT is((SELECT count(*)::int FROM csdns.event WHERE type = 'DNS.RECORD.TAKEN'), 2, 'events tell');
SELECT is(csdns.release('vm1.a.test', 'A') + csdns.release('vm2.a.test'), 2, 'release');
SELECT is(zone('a.test'), 'vm1 A 192.0.2.23, vm1 AAAA 2001:db8::23, vm2 A 192.0.2.77, vm3 TXT "x"', 'gives them back');
UPDATE records SET ordername = 'x', auth = true;
SELECT is((SELECT count(*)::int FROM csdns.hold), 0, 'rectify is no edit');

-- zones come and go
DELETE FROM domains WHERE name = '8.b.d.0.1.0.0.2.ip6.arpa';
DELETE FROM domains WHERE name = 'a.test';
SELECT is(zone('2.0.192.in-addr.arpa'), '', 'without a name no PTR');
SELECT is((SELECT count(*)::int FROM csdns.rule_record) + (SELECT count(*)::int FROM csdns.network_zone), 0, 'nothing is left of a zone');
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
SELECT id AS a FROM domains WHERE name = 'a.test' \gset
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), :a);
INSERT INTO domains (name, type) VALUES ('0-31.2.0.192.in-addr.arpa', 'NATIVE'), ('ip6.arpa', 'NATIVE'), ('8.b.d.0.1.0.0.2.ip6.arpa', 'SLAVE');
SELECT is(zone('0-31.2.0.192.in-addr.arpa') || '; ' || zone('2.0.192.in-addr.arpa'), '23 PTR vm1.a.test; 77 PTR vm2.a.test', 'the longest matching reverse zone, RFC 2317');
SELECT matches(zone('ip6.arpa'), '^3.2.0.* PTR vm1.a.test$', 'a secondary zone gets no records');
UPDATE domains SET name = '64/27.2.0.192.in-addr.arpa' WHERE name = '0-31.2.0.192.in-addr.arpa';
SELECT is(zone('64/27.2.0.192.in-addr.arpa') || '; ' || zone('2.0.192.in-addr.arpa'), '77 PTR vm2.a.test; 23 PTR vm1.a.test', 'a zone renamed: its records with it');

-- what went past the triggers
SET session_replication_role = replica;
DELETE FROM records WHERE name = 'vm1.a.test' AND type = 'A';
UPDATE csdns.nic SET ip4 = '192.0.2.5' WHERE uuid = u('n', 1);
RESET session_replication_role;
SELECT is(drift(), 'missing 5.2.0.192.in-addr.arpa PTR vm2.a.test, extra 77.64/27.2.0.192.in-addr.arpa PTR vm2.a.test, missing vm1.a.test A 192.0.2.23, missing vm2.a.test A 192.0.2.5, extra vm2.a.test A 192.0.2.77, extra', 'drift');
SELECT results_eq('SELECT change, name FROM csdns.reconcile() ORDER BY 1, 2', $$VALUES
    ('added', '5.2.0.192.in-addr.arpa'), ('added', 'vm1.a.test'), ('added', 'vm2.a.test'), ('deleted', '77.64/27.2.0.192.in-addr.arpa'), ('deleted', 'vm2.a.test'), ('deleted', NULL)$$,
    'reconcile puts it right and says what it did');
SELECT is(drift(), '', 'no drift after');
SELECT is((SELECT count(*)::int FROM csdns.reconcile()), 0, 'nor anything to do');
TRUNCATE records;
SELECT cmp_ok((SELECT count(*)::int FROM csdns.reconcile()), '>', 0, 'reconcile after TRUNCATE');
SELECT is(zone('a.test'), 'vm1 A 192.0.2.23, vm1 AAAA 2001:db8::23, vm2 A 192.0.2.5', 'brings all back');
SELECT * FROM finish();
