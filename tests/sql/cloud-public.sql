-- Public addresses: a name and its wildcard; static NAT gives the instance's name the public address.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.zone(zone text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s', CASE WHEN r.name = d.name THEN '@' ELSE left(r.name, -length(d.name) - 1) END, r.type, r.content), ', '
                               ORDER BY r.name COLLATE "C", r.type, r.content COLLATE "C"), '')
      FROM domains d JOIN records r ON r.domain_id = d.id WHERE d.name = zone AND r.type NOT IN ('SOA', 'NS') $$;
CREATE FUNCTION public.id(zone text) RETURNS int LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('113.0.203.in-addr.arpa', 'NATIVE');
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1), 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 1), 'acme');
INSERT INTO csdns.network (uuid, type, vpc) VALUES (u('w', 1), 'isolated', NULL), (u('w', 2), 'vpc', u('v', 1));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), id('a.test'));
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'vm', u('a', 1), u('d', 1));
INSERT INTO csdns.nic (uuid, instance, network, ip4, ip6) VALUES (u('n', 1), u('i', 1), u('w', 1), '10.1.1.5', '2001:db8::5');
INSERT INTO csdns.public_address (uuid, address, network, account, domain, source_nat) VALUES (u('p', 1), '203.0.113.1', u('w', 1), u('a', 1), u('d', 1), true);
SELECT is(zone('a.test'), '*.public-ip-203-0-113-1 A 203.0.113.1, public-ip-203-0-113-1 A 203.0.113.1, vm A 10.1.1.5, vm AAAA 2001:db8::5', 'a name and its wildcard');
UPDATE csdns.policy SET public_template = 'nat-{ip}-{account}';
SELECT is(zone('a.test'), '*.nat-203-0-113-1-acme A 203.0.113.1, nat-203-0-113-1-acme A 203.0.113.1, vm A 10.1.1.5, vm AAAA 2001:db8::5', 'by template');
UPDATE csdns.policy SET public_names = false;
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm AAAA 2001:db8::5', 'or none');
UPDATE csdns.public_address SET instance = u('i', 1), nat_address = '10.1.1.5';
SELECT is(zone('a.test') || '; ' || zone('113.0.203.in-addr.arpa'), 'vm A 203.0.113.1, vm AAAA 2001:db8::5; 1 PTR vm.a.test', 'static NAT: instead of the inner address, and back');
UPDATE csdns.policy SET static_nat = 'also';
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm A 203.0.113.1, vm AAAA 2001:db8::5', 'as well');
UPDATE csdns.policy SET static_nat = 'off';
SELECT is(zone('a.test') || zone('113.0.203.in-addr.arpa'), 'vm A 10.1.1.5, vm AAAA 2001:db8::5', 'off');
UPDATE csdns.policy SET static_nat = 'instead', public_names = true, public_template = 'public-ip-{ip}';
UPDATE csdns.public_address SET state = 'Releasing';
SELECT is(zone('a.test') || zone('113.0.203.in-addr.arpa'), 'vm A 10.1.1.5, vm AAAA 2001:db8::5', 'released: all of it is gone');
UPDATE csdns.public_address SET state = 'Allocated', instance = NULL, network = NULL, vpc = u('v', 1);
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm AAAA 2001:db8::5', 'of a VPC without zone');
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 2), id('a.test'));
SELECT is(zone('a.test'), '*.public-ip-203-0-113-1 A 203.0.113.1, public-ip-203-0-113-1 A 203.0.113.1, vm A 10.1.1.5, vm AAAA 2001:db8::5', 'of a VPC with a zone for a tier');
DELETE FROM csdns.public_address;
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm AAAA 2001:db8::5', 'deleted');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');

-- which address a public one stands for
UPDATE csdns.policy SET public_names = false;
UPDATE csdns.nic SET secondary = '{10.1.1.6}', ip6 = NULL;
INSERT INTO csdns.public_address (uuid, address, network, account, domain, instance, nat_address) VALUES (u('p', 2), '203.0.113.2', u('w', 1), u('a', 1), u('d', 1), u('i', 1), '10.1.1.6');
SELECT is(zone('a.test') || '; ' || zone('113.0.203.in-addr.arpa'), 'vm A 10.1.1.5; 2 PTR vm.a.test', 'for a secondary one: not in the name, as the secondary one');
UPDATE csdns.policy SET secondary_addresses = true;
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm A 203.0.113.2', 'in its place, where secondary addresses are on');
INSERT INTO csdns.public_address (uuid, address, network, account, domain, instance, nat_address) VALUES (u('p', 1), '203.0.113.1', u('w', 1), u('a', 1), u('d', 1), u('i', 1), '10.1.1.5');
SELECT is(zone('a.test') || '; ' || zone('113.0.203.in-addr.arpa'), 'vm A 203.0.113.1, vm A 203.0.113.2; 1 PTR vm.a.test, 2 PTR vm.a.test', 'two for two addresses of one NIC');
UPDATE csdns.policy SET static_nat = 'also';
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm A 10.1.1.6, vm A 203.0.113.1, vm A 203.0.113.2', 'as well');
UPDATE csdns.policy SET static_nat = 'instead';
UPDATE csdns.public_address SET nat_address = '10.9.9.9' WHERE uuid = u('p', 1);
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm A 203.0.113.2', 'for an address that the NIC does not have: nothing');
UPDATE csdns.public_address SET nat_address = NULL WHERE uuid = u('p', 1);
SELECT is(zone('a.test'), 'vm A 203.0.113.1, vm A 203.0.113.2', 'without: the first');
UPDATE csdns.public_address SET network = u('w', 2), nat_address = '10.1.1.5' WHERE uuid = u('p', 1);
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm A 203.0.113.2', 'in another network: nothing');
UPDATE csdns.public_address SET network = NULL, vpc = u('v', 1) WHERE uuid = u('p', 1);
SELECT is(zone('a.test'), 'vm A 203.0.113.1, vm A 203.0.113.2', 'of a VPC, no network named: by the address');
-- two NICs with one address in networks that know nothing of each other
INSERT INTO csdns.network (uuid) VALUES (u('w', 3));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 3), id('a.test'));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 3), u('i', 1), u('w', 3), '10.1.1.5');
UPDATE csdns.public_address SET network = u('w', 3) WHERE uuid = u('p', 1);
SELECT is(zone('a.test'), 'vm A 10.1.1.5, vm A 203.0.113.1, vm A 203.0.113.2', 'the NIC''s in the named network');
UPDATE csdns.instance SET state = 'Destroyed';
SELECT is(zone('a.test') || zone('113.0.203.in-addr.arpa'), '', 'all gone with the instance');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
