-- Quotas by the policy of a zone's owner.  Two sessions at once: tenant-breakout.t.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.z(zone text) RETURNS int STABLE LANGUAGE sql AS $$ SELECT id FROM domains WHERE name = zone $$;
INSERT INTO domains (name, type) SELECT 'z' || n || '.test', 'NATIVE' FROM generate_series(1, 9) AS n;
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1), 'ROOT');
INSERT INTO csdns.domain (uuid, parent, name) VALUES (u('d', 2), u('d', 1), 'sub');
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 1), 'acme'), (u('a', 2), u('d', 2), 'below');
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (z('z1.test'), u('a', 1), u('d', 1)), (z('z2.test'), u('a', 1), u('d', 1)), (z('z3.test'), u('a', 2), u('d', 2));
INSERT INTO csdns.dns_zone (domain_id, domain) VALUES (z('z4.test'), u('d', 2));
INSERT INTO csdns.dns_zone (domain_id) VALUES (z('z5.test'));

SELECT lives_ok(format('SELECT csdns.check_zone_quota(%L, %L)', u('a', 1), u('d', 1)), 'no quota: any number of zones');
INSERT INTO csdns.policy (scope, max_zones) VALUES (u('a', 1), 1);
SELECT throws_ok(format('SELECT csdns.check_zone_quota(%L, %L)', u('a', 1), u('d', 1)), '53400', 'account acme may own 1 zone and has 1', 'one zone too many');
SELECT throws_ok(format('SELECT csdns.check_zone_quota(%L, %L, 2)', u('a', 1), u('d', 1)), '53400', 'account acme may own 1 zone and has 0', 'two added at once');
UPDATE csdns.policy SET max_zones = 2 WHERE scope = u('a', 1);
SELECT lives_ok(format('SELECT csdns.check_zone_quota(%L, %L)', u('a', 1), u('d', 1)), 'as many as allowed');
SELECT lives_ok(format('SELECT csdns.check_zone_quota(%L, %L)', u('a', 2), u('d', 2)), 'another account has none');
UPDATE csdns.policy SET max_zones = 0 WHERE scope = u('d', 0) OR scope = '00000000-0000-0000-0000-000000000000';
SELECT lives_ok(format('SELECT csdns.check_zone_quota(%L, %L)', u('a', 1), u('d', 1)), 'the account''s own setting wins');
SELECT throws_ok(format('SELECT csdns.check_zone_quota(%L, %L)', u('a', 2), u('d', 2)), '53400', 'account below may own 0 zones and has 0', 'else that of everything');
SELECT throws_ok(format('SELECT csdns.check_zone_quota(NULL, %L)', u('d', 2)), '53400', 'domain sub may own 0 zones and has 0', 'a domain''s zones count by themselves');
SELECT lives_ok('SELECT csdns.check_zone_quota(NULL, NULL)', 'the administrator has no quota');
INSERT INTO csdns.policy (scope, max_zones) VALUES (u('d', 1), 1);
SELECT lives_ok(format('SELECT csdns.check_zone_quota(%L, %L)', u('a', 2), u('d', 2)), 'the domain above wins over everything');

-- records
CREATE FUNCTION public.add(zone text, label text, type text DEFAULT 'A', content text DEFAULT '192.0.2.1') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO records (domain_id, name, type, content) VALUES (z(zone), concat_ws('.', label, zone), type, content);
    PERFORM csdns.check_record_quota(ARRAY[z(zone)]);
END $$;
UPDATE csdns.policy SET max_records = 2 WHERE scope = u('a', 1);
SELECT lives_ok($$SELECT add('z1.test', NULL, 'SOA', 'ns.test h.test 1 2 3 4 5')$$, 'SOA does not count');
SELECT lives_ok($$SELECT add('z1.test', 'a')$$, 'the first');
SELECT lives_ok($$SELECT add('z1.test', 'b')$$, 'the second');
SELECT throws_ok($$SELECT add('z1.test', 'c')$$, '53400', 'zone "z1.test" may hold 2 records and would have more', 'the third');
SELECT throws_ok($$SELECT add('z1.test', 'c', NULL, NULL)$$, '53400', NULL, 'an empty non-terminal counts');
SELECT lives_ok($$SELECT add('z2.test', 'a')$$, 'by zone');
SELECT lives_ok($$SELECT add('z3.test', 'a'), add('z3.test', 'b'), add('z3.test', 'c')$$, 'others have none');
SELECT lives_ok($$SELECT add('z5.test', 'a'), add('z5.test', 'b'), add('z5.test', 'c')$$, 'nor has the administrator');
SELECT lives_ok($$SELECT add('z6.test', 'a'), add('z6.test', 'b'), add('z6.test', 'c')$$, 'nor a zone of which csdns knows nothing');
INSERT INTO csdns.network (uuid) VALUES (u('w', 1));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), z('z1.test'));
INSERT INTO csdns.instance (uuid, name, account, domain) SELECT u('i', n), 'vm' || n, u('a', 1), u('d', 1) FROM generate_series(1, 5) AS n;
INSERT INTO csdns.nic (uuid, instance, network, ip4) SELECT u('n', n), u('i', n), u('w', 1), '198.51.100.0'::inet + n FROM generate_series(1, 5) AS n;
SELECT is((SELECT count(*)::int FROM csdns.rule_record), 5, 'rules made five');
SELECT lives_ok($$SELECT csdns.check_record_quota(ARRAY[z('z1.test')])$$, 'which do not count');
DELETE FROM records WHERE name = 'a.z1.test';
SELECT lives_ok($$SELECT add('z1.test', 'c')$$, 'one gone, one more');
UPDATE records SET ttl = 77 WHERE name = 'vm1.z1.test';
SELECT throws_ok($$SELECT csdns.check_record_quota(ARRAY[z('z2.test'), z('z1.test')])$$, '53400', NULL, 'what a person took over counts');

INSERT INTO csdns.instance_name SELECT u('i', 5), z('z2.test'), 'n' || n || '.z2.test' FROM generate_series(1, 2) AS n;
SELECT throws_ok($$SELECT csdns.check_record_quota(ARRAY[z('z2.test')])$$, '53400', NULL, 'names that people gave to instances count');

-- types
UPDATE csdns.policy SET max_records = NULL, allowed_types = '{A,aaaa}' WHERE scope = u('a', 1);
SELECT lives_ok($$SELECT add('z1.test', 'd')$$, 'an allowed type');
SELECT throws_ok($$SELECT add('z1.test', 's', 'SRV', '1 2 3 x.test')$$, '22023', 'type SRV is not allowed in zone "z1.test"; allowed: A, aaaa', 'another');
SELECT throws_ok($$SELECT add('z1.test', 's', '', '')$$, '22023', NULL, 'no type is none that is allowed');
SELECT throws_ok($$SELECT add('z1.test', 's', 'NS', 'ns.test')$$, '22023', NULL, 'NS below the apex');
SELECT lives_ok($$SELECT add('z1.test', NULL, 'NS', 'ns.test')$$, 'NS at the apex comes with the zone');
INSERT INTO records (domain_id, name, type, content) VALUES (z('z1.test'), 'old.z1.test', 'TXT', '"from before"');
SELECT lives_ok($$SELECT add('z1.test', 'e')$$, 'what is there from before is no obstacle');
SELECT lives_ok($$SELECT csdns.check_record_quota(ARRAY[z('z1.test')], '{A,AAAA}')$$, 'types as said');
SELECT throws_ok($$SELECT csdns.check_record_quota(ARRAY[z('z1.test')], '{A,TXT}')$$, '22023', NULL, 'types as said, one not allowed');
SELECT lives_ok($$SELECT add('z3.test', 's', 'SRV', '1 2 3 x.test')$$, 'others may');
UPDATE csdns.policy SET allowed_types = '{}' WHERE scope = u('a', 1);
SELECT throws_ok($$SELECT add('z1.test', 'f')$$, '22023', 'type A is not allowed in zone "z1.test"; allowed: none', 'none is allowed');
SELECT * FROM finish();
