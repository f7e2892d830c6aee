-- Verbs for many at once: shapes that are refused, every fault told, all or nothing, many at once.
\ir verb.inc
INSERT INTO domains (name, type) VALUES ('z.test', 'NATIVE'), ('own.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, t.type, t.content, 3600 FROM domains, (VALUES ('SOA', 'ns.test h.test 1 3600 600 86400 60'), ('NS', 'ns.test')) AS t (type, content);
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (id('own.test'), u('a', 1), u('d', 3));
CREATE FUNCTION public.head_version() RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT version FROM csdns.head() $$;
-- error, message and lines of detail of a verb
CREATE FUNCTION public.bulk(verb text, entries jsonb, who text DEFAULT 'v_admin') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    detail text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE format('SELECT string_agg(t::text, '' '') FROM csdns.%s($1) AS t', verb) USING entries INTO answer;
    RESET ROLE;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RESET ROLE;
    RETURN SQLSTATE || ' ' || SQLERRM || coalesce(E'\n' || nullif(detail, ''), '');
END
$$;
CREATE FUNCTION public.r(name text, type text, contents jsonb, zone text DEFAULT 'z.test', ttl jsonb DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('dnszoneid', zone, 'name', name, 'type', type, 'contents', contents, 'ttl', ttl)) $$;

-- shapes
SELECT is(split_part(bulk('create_dns_records', entries), E'\n', 1), want, left(entries::text, 60)) FROM (VALUES
    (NULL::jsonb, '22023 records: is missing'), ('null', '22023 records: not an array of objects but null'), ('{}', '22023 records: not an array of objects but object'), ('"x"', '22023 records: not an array of objects but string'),
    ('[1]', '22023 records: number 1: not an object but number'), ('[{}, [], null]', '22023 records: number 2: not an object but array (and 1 more)'),
    ('[{}]', '22023 records: number 1: dnszoneid is missing'), ('[{"dnszoneid": "z.test", "name": "a"}]', '22023 records: number 1 a: type is missing'),
    ('[{"dnszoneid": null, "name": "a", "type": "A"}]', '22023 records: number 1 a A: dnszoneid is missing'),
    ('[{"dnszoneid": "z.test", "name": "a", "type": "A"}]', '22023 records: number 1 a.z.test A: contents is missing'),
    ('[{"dnszoneid": "z.test", "name": "a", "type": "A", "content": "192.0.2.1"}]', '22023 records: number 1 a A: key "content" is not known; known: dnszoneid, name, type, contents, ttl'),
    ('[{"dnszoneid": 5, "name": "a", "type": "A"}]', '22023 records: number 1 a A: dnszoneid is not a string but number'),
    ('[{"dnszoneid": "z.test", "name": ["a"], "type": "A"}]', '22023 records: number 1 ["a"] A: name is not a string but array'),
    ('[{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": {}}]', '22023 records: number 1 a A: contents is not a list of strings but object'),
    ('[{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": [["192.0.2.1"]]}]', '22023 records: number 1 a A: contents has array in place of a string'),
    ('[{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": ["192.0.2.1", null]}]', '22023 records: number 1 a A: contents has null in place of a string'),
    ('[{"dnszoneid": "z.test", "name": "a", "type": "TXT", "contents": "\"x"}]', '22023 records: number 1 a TXT: contents has a double quote that is not closed'),
    ('[{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": [], "ttl": 1}]', '22023 records: number 1 a.z.test A: contents is missing')) AS v (entries, want);
SELECT is(split_part(bulk('create_dns_records', jsonb_build_array(r('a', 'A', '["192.0.2.1"]', ttl => ttl))), E'\n', 1), '22023 records: number 1 a A: ttl is not a number from 0 to 2147483647', 'ttl ' || left(ttl::text, 20))
  FROM (VALUES ('-1'::jsonb), ('1.5'), ('1e10'), ('2147483648'), ('99999999999999999999'), ('"x"'), ('""'), ('true'), ('[]'), ('1e1000')) AS v (ttl);
SELECT is(bulk('create_dns_records', (SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 10001))), '22023 records: 10001 entries, more than 10000', 'too many');
SELECT ok(bulk('create_dns_records', (repeat('[', 1000) || repeat(']', 1000))::jsonb) LIKE '22023 records: number 1: not an object but array%', 'deep');
SELECT is(bulk('delete_dns_records', '[{"dnszoneid": "z.test", "name": "a", "type": "A", "ttl": 1}]'), E'22023 records: number 1 a A: key "ttl" is not known; known: dnszoneid, name, type, contents\nnumber 1 a A: key "ttl" is not known; known: dnszoneid, name, type, contents', 'deletion takes no ttl');
SELECT is(bulk(verb, '[]'), format('(t,"0 of 0 names and types %s")', done), verb || ': nothing to do') FROM (VALUES ('create_dns_records', 'created'), ('update_dns_records', 'changed'), ('delete_dns_records', 'deleted')) AS v (verb, done);

-- every fault, nothing stored
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (id('z.test'), 'here.z.test', 'A', '192.0.2.1', 60);
SELECT head_version() AS v \gset
SELECT is(bulk('create_dns_records', jsonb_build_array(r('ok', 'A', '["192.0.2.1"]'), r('www', 'A', '["192.0.2.1", "x"]'), r('a', 'A', '["192.0.2.1"]', 'nope.test'), r('ok.z.test.', 'a', '"192.0.2.9"'), r('here', 'A', '["192.0.2.2"]'),
               r('b.test.', 'A', '["192.0.2.1"]'), r('s', 'SOA', '["x"]'), r('@', 'CNAME', '["x.test"]'))),
    E'22023 records: number 2 www.z.test A: "x": content is not an IPv4 address (and 5 more)\nnumber 2 www.z.test A: "x": content is not an IPv4 address\nnumber 3 a A: zone "nope.test": not found\n'
    'number 4 ok.z.test A: is there twice\nnumber 5 here.z.test A: exists already; update it instead\nnumber 6 b.test A: name is not in zone "z.test"\nnumber 7 s.z.test SOA: SOA comes and goes with its zone', 'all faults of a list');
SELECT is(bulk('create_dns_records', jsonb_build_array(r('ok', 'A', '["192.0.2.1"]'), '{}'::jsonb, r('www', 'A', '["x"]'), r('a', 'A', '[5]'), r('here', 'A', '["192.0.2.2"]'))),
    E'22023 records: number 2: dnszoneid is missing (and 3 more)\nnumber 2: dnszoneid is missing\nnumber 3 www.z.test A: "x": content is not an IPv4 address\n'
    'number 4 a A: contents has number in place of a string\nnumber 5 here.z.test A: exists already; update it instead', 'faults of shape and of content together');
SELECT is(bulk('create_dns_records', jsonb_build_array(r('ok', 'A', '["192.0.2.1"]'), r('ok', 'CNAME', '["x.test"]'), r('here', 'CNAME', '["x.test"]'))),
    E'23514 records: number 1 ok.z.test A: CNAME beside A (and 2 more)\nnumber 1 ok.z.test A: CNAME beside A\nnumber 2 ok.z.test CNAME: CNAME beside A\nnumber 3 here.z.test CNAME: CNAME beside A', 'CNAME beside others');
SELECT is(split_part(bulk('update_dns_records', jsonb_build_array(r('here', 'A', '["192.0.2.2"]'), r('gone', 'A', '["192.0.2.1"]'))), E'\n', 1), 'P0002 records: number 2 gone.z.test A: not found; create it instead', 'update of what is not there');
SELECT is(split_part(bulk('delete_dns_records', jsonb_build_array(r('here', 'A', NULL), r('gone', 'A', NULL))), E'\n', 1), 'P0002 records: number 2 gone.z.test A: not found', 'deletion of what is not there');
SELECT is(rr('z.test'), 'here.z.test A 192.0.2.1', 'nothing was stored');
SELECT is(head_version(), :v::bigint, 'and no version made');
SELECT is(bulk('create_dns_records', jsonb_build_array(r('a', 'A', '"192.0.2.1,192.0.2.2"', ttl => '"60"'), r('a', 'MX', '["10 b.test"]'), r('@', 'TXT', '"\"a,b\",c"'), r('x', 'A', '["192.0.2.1"]', 'own.test'))), '(t,"4 of 4 names and types created")', 'several zones, lists as one string');
SELECT is(rr('z.test'), 'a.z.test A 192.0.2.1, a.z.test A 192.0.2.2, a.z.test MX b.test, here.z.test A 192.0.2.1, z.test TXT "a,b", z.test TXT "c"', 'created');
SELECT is(head_version(), :v::bigint + 1, 'in one version');
SELECT is(bulk('update_dns_records', jsonb_build_array(r('a', 'A', '["192.0.2.2", "192.0.2.1"]'), r('a', 'MX', NULL, ttl => '5'), r('here', 'A', '["192.0.2.7"]'))), '(t,"2 of 3 names and types changed")', 'only what differs is changed');
SELECT is(bulk('delete_dns_records', jsonb_build_array(r('a', 'A', '["192.0.2.2"]'), r('a', 'MX', NULL), r('@', 'TXT', NULL))), '(t,"3 of 3 names and types deleted")', 'deleted');
SELECT is(rr('z.test'), 'a.z.test A 192.0.2.1, here.z.test A 192.0.2.7', 'what was asked for');

-- quotas and tenants
INSERT INTO csdns.policy (scope, max_records, allowed_types) VALUES (u('a', 1), 3, '{A}');
SELECT is(bulk('create_dns_records', jsonb_build_array(r('q', 'A', '["192.0.2.1","192.0.2.2"]', 'own.test')), 'v_acme'), '53400 zone "own.test" may hold 3 records and would have more', 'a quota');
SELECT is(split_part(bulk('create_dns_records', jsonb_build_array(r('q', 'MX', '["1 a"]', 'own.test'), r('q', 'A', '["192.0.2.1"]')), 'v_acme'), E'\n', 3), 'number 2 q A: zone "z.test": not found', 'another''s zone');
SELECT is(split_part(bulk('create_dns_records', jsonb_build_array(r('q', 'A', '["192.0.2.1"]', 'own.test')), 'v_evil'), E'\n', 1), 'P0002 records: number 1 q A: zone "own.test": not found', 'a stranger');
DELETE FROM csdns.policy WHERE scope = u('a', 1);

-- rules' records among them
INSERT INTO csdns.network (uuid, name) VALUES (u('w', 1), 'net');
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), id('own.test'));
INSERT INTO csdns.instance (uuid, name, account, domain) SELECT u('i', n), 'vm' || n, u('a', 1), u('d', 3) FROM generate_series(1, 3) AS n;
INSERT INTO csdns.nic (uuid, instance, network, ip4) SELECT u('n', n), u('i', n), u('w', 1), '192.0.2.0'::inet + n FROM generate_series(1, 3) AS n;
SELECT is(bulk('update_dns_records', (SELECT jsonb_agg(r('vm' || n, 'A', to_jsonb(ARRAY['198.51.100.1', '192.0.2.' || n]), 'own.test')) FROM generate_series(1, 2) AS n), 'v_acme'), '(t,"2 of 2 names and types changed")', 'rules'' records are taken over');
SELECT is(bulk('delete_dns_records', jsonb_build_array(r('vm3', 'A', NULL, 'own.test')), 'v_acme'), '(t,"1 of 1 names and types deleted")', 'or deleted');
SELECT is((SELECT string_agg(name || ' ' || how, ', ' ORDER BY name) FROM csdns.hold), 'vm1.own.test edited, vm2.own.test edited, vm3.own.test deleted', 'and held');
SELECT is(rr('own.test'), 'vm1.own.test A 192.0.2.1, vm1.own.test A 198.51.100.1, vm2.own.test A 192.0.2.2, vm2.own.test A 198.51.100.1, x.own.test A 192.0.2.1', 'as asked for');

-- zones
INSERT INTO csdns.dns_server (name, name_servers) VALUES ('main', '{ns1.test}');
SELECT is(bulk('create_dns_zones', '[{"name": "b1.test", "dnsserverid": "main"}, {"name": "z.test", "dnsserverid": "main"}, {"name": "b2.test", "dnsserverid": "nope"}, {"nam": "b3.test"}]'),
    E'23505 zones: number 2 z.test: zone "z.test": exists already (and 2 more)\nnumber 2 z.test: zone "z.test": exists already\nnumber 3 b2.test: DNS server "nope": not found\nnumber 4: createDnsZone: parameter not known: nam', 'faults of zones');
SELECT is((SELECT count(*)::int FROM domains WHERE name LIKE 'b%'), 0, 'no zone was made');
SELECT is(ask('v_admin', $$SELECT name, dnsservername, records FROM csdns.create_dns_zones('[{"name": "b1.test", "dnsserverid": "main"}, {"name": "B2.test.", "dnsserverid": "main"}]')$$), '(b1.test,main,2); (b2.test,main,2)', 'two zones');
SELECT is(split_part(bulk('delete_dns_zones', '[{"id": "b1.test"}, {"id": "b3.test"}]'), E'\n', 1), 'P0002 zones: number 2 b3.test: zone "b3.test": not found', 'one is not there');
SELECT is(bulk('delete_dns_zones', '[{"id": "b1.test"}, {"id": "b2.test"}]'), '(t,"2 zones deleted")', 'deleted');
SELECT is((SELECT count(*)::int FROM domains WHERE name LIKE 'b%'), 0, 'gone');
SELECT is(bulk('delete_dns_zones', '{}'), '22023 zones: not an array of objects but object', 'no array');

-- many: each kind of statement once, so that the time is linear
SELECT clock_timestamp() AS began \gset
SELECT is(bulk('create_dns_records', (SELECT jsonb_agg(r('h' || n, 'A', to_jsonb(ARRAY['192.0.2.1', '192.0.2.' || 2 + n % 200]))) FROM generate_series(1, 10000) AS n)), '(t,"10000 of 10000 names and types created")', 'ten thousand');
SELECT is(bulk('update_dns_records', (SELECT jsonb_agg(r('h' || n, 'A', to_jsonb(ARRAY['192.0.2.1', '192.0.3.' || 2 + n % 200]))) FROM generate_series(1, 10000) AS n)), '(t,"10000 of 10000 names and types changed")', 'changed');
SELECT is(bulk('delete_dns_records', (SELECT jsonb_agg(r('h' || n, 'A', NULL)) FROM generate_series(1, 10000) AS n)), '(t,"10000 of 10000 names and types deleted")', 'deleted');
SELECT cmp_ok(clock_timestamp() - :'began', '<', interval '60 seconds', 'in time, also on a slow machine');
SELECT ok(length(bulk('create_dns_records', (SELECT jsonb_agg(r('h' || n, 'A', '["x"]')) FROM generate_series(1, 10000) AS n))) < 100000, 'the error is bounded');
SELECT * FROM finish();
