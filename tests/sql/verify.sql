-- Verification: which servers are asked, what they should answer, and events.
SELECT no_plan();
INSERT INTO csdns.domain (uuid, name, path, network_domain) VALUES (md5('d')::uuid, 'ROOT', 'ROOT', 'v.test');
INSERT INTO csdns.account (uuid, domain, name) VALUES (md5('a')::uuid, md5('d')::uuid, 'acme');
INSERT INTO csdns.network (uuid, name, account, domain) VALUES (md5('w')::uuid, 'lan', md5('a')::uuid, md5('d')::uuid);
INSERT INTO domains (name, type) VALUES ('v.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'v.test', 'SOA', 'n. h. 1 2 3 4 5', 60 FROM domains;
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (md5('i')::uuid, 'vm', md5('a')::uuid, md5('d')::uuid);
INSERT INTO csdns.nic (uuid, instance, network, ip4, is_default) VALUES (md5('n')::uuid, md5('i')::uuid, md5('w')::uuid, '192.0.2.7', true);
CREATE FUNCTION public.wanted() RETURNS SETOF text LANGUAGE sql AS $$ SELECT concat_ws(' ', server, port, zone, name, type, records) FROM csdns.verify_wanted(ARRAY[md5('i')::uuid]) ORDER BY 1 $$;

SELECT is_empty('SELECT wanted()', 'nobody is asked without servers');
SELECT throws_ok($$INSERT INTO csdns.verify_server (address) VALUES ('192.0.2.0/24')$$, '23514', NULL, 'a network is no server');
SELECT throws_ok($$INSERT INTO csdns.verify_server (address, port) VALUES ('192.0.2.1', 0)$$, '23514', NULL, 'nor is port 0');
SELECT throws_ok($$INSERT INTO csdns.verify_server (address, zone) VALUES ('192.0.2.1', 'A.test.')$$, '23514', NULL, 'a zone is a name');
INSERT INTO csdns.verify_server (address, port, zone) VALUES ('192.0.2.1', 53, ''), ('2001:db8::1', 5353, ''), ('192.0.2.2', 53, 'other.test');
SELECT results_eq($$SELECT address, port FROM csdns.verify_servers('v.test')$$, $$VALUES ('192.0.2.1', 53), ('2001:db8::1', 5353)$$, 'the servers of all zones');
SELECT results_eq($$SELECT address, port FROM csdns.verify_servers('other.test')$$, $$VALUES ('192.0.2.2', 53)$$, 'a zone''s own');
DELETE FROM csdns.verify_server WHERE port = 5353;
SELECT results_eq('SELECT wanted()', $$VALUES ('192.0.2.1 53 v.test vm.v.test A [{"ttl": 3600, "content": "192.0.2.7"}]')$$, 'what an instance has');
DELETE FROM csdns.nic;
SELECT results_eq('SELECT wanted()', $$VALUES ('192.0.2.1 53 v.test vm.v.test A []')$$, 'what it had must be gone');
SELECT is_empty('SELECT wanted()', 'that is asked once');
INSERT INTO csdns.nic (uuid, instance, network, ip4, is_default) VALUES (md5('n')::uuid, md5('i')::uuid, md5('w')::uuid, '192.0.2.7', true);
SELECT count(*) > 0 FROM wanted();
DELETE FROM csdns.nic;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, '*.v.test', 'A', '192.0.2.9', 60 FROM domains;
SELECT is_empty('SELECT wanted()', 'what a wildcard answers is not asked for');

CREATE FUNCTION public.noted(got text) RETURNS int LANGUAGE sql AS $$
    SELECT csdns.verify_noted(jsonb_build_array(jsonb_build_object('server', 's:53', 'zone', 'v.test', 'name', 'vm.v.test', 'type', 'A', 'expected', 'x', 'got', got))) $$;
SELECT is(noted(NULL), 0, 'as expected: no event');
SELECT is(noted('y'), 1, 'a difference is an event');
SELECT is(noted('y'), 0, 'once');
SELECT is(noted('z'), 1, 'another one is another event');
SELECT is(noted(NULL), 1, 'and so is its end');
SELECT is(noted(NULL), 0, 'once');
SELECT results_eq($$SELECT type, zone, name, description FROM csdns.event WHERE type LIKE 'DNS.VERIFY%' ORDER BY id$$,
    $$VALUES ('DNS.VERIFY.FAILED', 'v.test', 'vm.v.test', 's:53, A: expected x, got y'), ('DNS.VERIFY.FAILED', 'v.test', 'vm.v.test', 's:53, A: expected x, got z'),
             ('DNS.VERIFY.OK', 'v.test', 'vm.v.test', 's:53 answers A as the store says')$$, 'events say what and where');
SELECT is_empty('SELECT * FROM csdns.verify_fault', 'nothing is left');
SELECT noted('y');
INSERT INTO csdns.verify_fault (server, zone, name, type, expected, got)
    VALUES ('192.0.2.1:53', 'v.test', 'v.test', 'SOA', 'x', 'y'), ('192.0.2.1:5353', 'v.test', 'v.test', 'SOA', 'x', 'y'), ('192.0.2.1:53', 'gone.test', 'gone.test', 'SOA', 'x', 'y'),
           ('192.0.2.1:53', 'v.test', 'wild.v.test', 'A', 'x', 'y'), ('192.0.2.1:53', 'v.test', 'lost.v.test', 'MX', 'x', 'y');
UPDATE records SET disabled = true WHERE name = '*.v.test';
SELECT results_eq('SELECT zone, name, type FROM csdns.verify_faulty()', $$VALUES ('v.test', 'lost.v.test', 'MX'), ('v.test', 'v.test', 'SOA'), ('v.test', 'wild.v.test', 'A')$$,
                  'what differs is asked again; a server that is not asked any more, and a zone that is gone, are forgotten');
UPDATE records SET disabled = false WHERE name = '*.v.test';
SELECT results_eq('SELECT name FROM csdns.verify_faulty()', $$VALUES ('v.test')$$, 'and what a wildcard answers');
SELECT ok(has_function_privilege('csdns_sync', 'csdns.verify_noted(jsonb)', 'EXECUTE') AND has_function_privilege('csdns_sync', 'csdns.verify_wanted(uuid[])', 'EXECUTE')
          AND NOT has_function_privilege('csdns_tenant', 'csdns.verify_noted(jsonb)', 'EXECUTE'), 'for csdns-sync');
SELECT finish();
