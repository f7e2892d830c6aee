-- The audit trail: who, when, through which path, what, before and after; what is not in it; and that nobody can write it.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;
CREATE ROLE u_write LOGIN IN ROLE csdns_write;
CREATE ROLE u_cloud LOGIN IN ROLE csdns_cloud;
CREATE ROLE u_admin LOGIN IN ROLE csdns_admin;
CREATE ROLE u_tenant LOGIN IN ROLE csdns_tenant;
GRANT TEMPORARY ON DATABASE t_audit TO PUBLIC;
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.try(who text, what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE what;
    RESET ROLE;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RESET ROLE;
    RETURN SQLSTATE;
END
$$;
-- What the trail got since it was last asked.
CREATE TABLE public.seen (id bigint);
CREATE FUNCTION public.news() RETURNS TABLE (line text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, public AS $$
DECLARE
    last bigint := (SELECT coalesce(max(id), 0) FROM seen);
BEGIN
    INSERT INTO seen SELECT max(id) FROM audit;
    RETURN QUERY SELECT concat_ws(' ', a.path, a.what, a.action, a.zone, a.name, coalesce(a.before::text, '-'), coalesce(a.after::text, '-'))
                   FROM audit a WHERE a.id > last ORDER BY a.id;
END
$$;
CREATE FUNCTION public.soa(zone text, serial bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO records (domain_id, name, type, content, ttl)
        SELECT id, name, 'SOA', 'ns.test host.test ' || serial || ' 1 1 1 1', 60 FROM domains WHERE name = zone $$;
SELECT csdns.prune_audit('0');

-- records
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE');
SELECT results_eq('SELECT line FROM news()', $$VALUES
    ('sql domains insert a.test a.test - {"id": 1, "name": "a.test", "type": "NATIVE", "master": null, "account": null, "catalog": null, "options": null}'),
    ('sql domains insert b.test b.test - {"id": 2, "name": "b.test", "type": "NATIVE", "master": null, "account": null, "catalog": null, "options": null}')$$, 'zones');
SELECT soa('a.test', 1);
SELECT results_eq('SELECT line FROM news()', $$VALUES ('sql records insert a.test - [["a.test", "SOA", "ns.test host.test 1 1 1 1 1", 60]]')$$, 'a record');
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (1, 'a.test', 'MX', 'mx.a.test', 60, 10, false),
    (2, 'x.b.test', 'A', '192.0.2.1', NULL, NULL, true), (1, 'q.a.test', 'TXT', '"\"quoted\""', 60, NULL, false);
SELECT results_eq('SELECT line FROM news() ORDER BY line', $$VALUES
    ('sql records insert a.test - [["a.test", "MX", "mx.a.test", 60, 10, false], ["q.a.test", "TXT", "\"\\\"quoted\\\"\"", 60]]'),
    ('sql records insert b.test - [["x.b.test", "A", "192.0.2.1", null, null, true]]')$$, 'one row a zone, quotes and all');
UPDATE records SET content = '192.0.2.2', disabled = false WHERE name = 'x.b.test';
SELECT results_eq('SELECT line FROM news()', $$VALUES
    ('sql records update b.test [["x.b.test", "A", "192.0.2.1", null, null, true]] [["x.b.test", "A", "192.0.2.2", null]]')$$, 'an update is one row');
UPDATE records SET ttl = ttl, content = content || '';
UPDATE records SET ordername = 'x', auth = false;
UPDATE records SET ttl = 61 WHERE type = 'A' AND false;
INSERT INTO records (domain_id, name, type) SELECT 1, 'a.test', 'A' WHERE false;
DELETE FROM records WHERE false;
SELECT is_empty('SELECT line FROM news()', 'what changes nothing leaves nothing, nor do ordername and auth');
UPDATE records SET ttl = CASE WHEN type = 'MX' THEN 61 ELSE ttl END;
SELECT results_eq('SELECT line FROM news()', $$VALUES ('sql records update a.test [["a.test", "MX", "mx.a.test", 60, 10, false]] [["a.test", "MX", "mx.a.test", 61, 10, false]]')$$,
                  'only what changed is there');
UPDATE records SET domain_id = 1, name = 'x.a.test' WHERE name = 'x.b.test';
SELECT results_eq('SELECT line FROM news() ORDER BY line', $$VALUES
    ('sql records update a.test - [["x.a.test", "A", "192.0.2.2", null]]'),
    ('sql records update b.test [["x.b.test", "A", "192.0.2.2", null]] -')$$, 'from zone to zone: gone here, new there');
DELETE FROM records WHERE name = 'x.a.test';
SELECT results_eq('SELECT line FROM news()', $$VALUES ('sql records delete a.test [["x.a.test", "A", "192.0.2.2", null]] -')$$, 'a deletion');
BEGIN;
DELETE FROM records;
ROLLBACK;
SELECT is_empty('SELECT line FROM news()', 'what was rolled back is not there');

INSERT INTO records (domain_id, name, type, content, ttl) SELECT 1, 'h' || g || '.a.test', 'A', '192.0.2.1', 60 FROM generate_series(1, 1200) g;
SELECT results_eq($$SELECT json_array_length(after) FROM csdns.audit WHERE id > (SELECT max(id) FROM seen) ORDER BY 1$$, $$VALUES (200), (500), (500)$$, 'bulk: at most 500 records a row');
UPDATE records SET ttl = 61 WHERE name LIKE 'h%';
SELECT results_eq($$SELECT json_array_length(before), json_array_length(after) FROM csdns.audit WHERE action = 'update' AND id > (SELECT max(id) FROM seen) ORDER BY 1$$,
                  $$VALUES (200, 200), (500, 500), (500, 500)$$, 'of updates too');
SELECT is((SELECT count(*) FROM csdns.audit a, json_array_elements(a.before) WITH ORDINALITY b (r, n), json_array_elements(a.after) WITH ORDINALITY c (r, n)
            WHERE a.action = 'update' AND a.id > (SELECT max(id) FROM seen) AND b.n = c.n AND b.r ->> 0 = c.r ->> 0), 1200::bigint, 'before and after side by side');
SELECT FROM news();
INSERT INTO records (domain_id, name, type, content, ttl) SELECT 1 + g % 2, 'i' || g || CASE g % 2 WHEN 0 THEN '.a.test' ELSE '.b.test' END, 'A', '192.0.2.1', 60 FROM generate_series(1, 1200) g;
SELECT results_eq($$SELECT zone, json_array_length(after) FROM csdns.audit WHERE id > (SELECT max(id) FROM seen) ORDER BY 1, 2$$,
                  $$VALUES ('a.test', 100), ('a.test', 500), ('b.test', 100), ('b.test', 500)$$, 'of several zones too');
SELECT FROM news();
DELETE FROM records WHERE name ~ '^[hi]';
SELECT is((SELECT sum(json_array_length(before)) FROM csdns.audit WHERE action = 'delete' AND id > (SELECT max(id) FROM seen)), 2400::bigint, 'all of a deletion');
SELECT FROM news();

-- serials
SELECT isnt(csdns.soa_serial((SELECT content FROM records WHERE type = 'SOA')), 1::bigint, 'csdns moved the serial');
SELECT is((SELECT count(*) FROM csdns.audit WHERE after::text LIKE '%SOA%'), 1::bigint, 'which is not in the trail');
SET ROLE u_write;
UPDATE records SET content = 'ns.test host.test 100 1 1 1 1' WHERE type = 'SOA';
SELECT is((SELECT count(*) FROM news() WHERE line LIKE 'sql records update a.test %host.test 100 %'), 1::bigint, 'a person''s edit is');
UPDATE records SET content = 'ns.test host.test 100 1 1 1 2' WHERE type = 'SOA';
SELECT is((SELECT array_agg(line LIKE '% 100 1 1 1 2"%') FROM news()), '{t}', 'also where csdns moves the serial after it');
CREATE TEMP TABLE trap (x int);
CREATE FUNCTION pg_temp.move_serials() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE public.records SET content = 'ns.test host.test 200 1 1 1 2' WHERE type = 'SOA'; RETURN NULL; END $$;
CREATE TRIGGER commit AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION pg_temp.move_serials();
SET csdns.path = 'serial';
INSERT INTO trap VALUES (1);
SELECT is((SELECT array_agg(line LIKE 'serial records update %') FROM news()), '{t}', 'nobody can pass as csdns moving serials');
RESET csdns.path;
RESET ROLE;
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'imm.a.test', 'A', '192.0.2.1', 60);
UPDATE records SET content = 'ns.test host.test 300 1 1 1 2' WHERE type = 'SOA';
COMMIT;
SELECT is((SELECT string_agg(split_part(line, ' ', 3), ' ') FROM news()), 'insert update', 'nor is anything lost after constraints were immediate');

-- who and how
SET ROLE u_write;
SET csdns.cloud_user = 'alice';
SET application_name = 'script';
SET csdns.path = 'createDnsRecord';
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'who.a.test', 'A', '192.0.2.1', 60);
RESET csdns.path;
RESET application_name;
SELECT FROM set_config('csdns.cloud_user', repeat('ä', 300), false);
RESET ROLE;
SELECT is((SELECT concat_ws(' ', role, login, cloud_user, path, application, txid IN (SELECT txid FROM csdns.version), now() - at < '1 minute')
             FROM csdns.audit ORDER BY id DESC LIMIT 1), 'u_write postgres alice createDnsRecord script t t', 'who, when and how');
DELETE FROM records WHERE name = 'who.a.test';
RESET csdns.cloud_user;
SELECT is((SELECT concat_ws(' ', role, coalesce(login, '-'), length(cloud_user), path) FROM csdns.audit ORDER BY id DESC LIMIT 1), 'postgres - 255 sql', 'login only where it differs; long names are cut');
SELECT FROM news();

-- rules
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1), 'ROOT');
INSERT INTO csdns.account (uuid, domain, name, network_domain) VALUES (u('a', 1), u('d', 1), 'acme', 'a.test');
INSERT INTO csdns.network (uuid, name) VALUES (u('w', 1), 'net');
SELECT is_empty('SELECT line FROM news()', 'facts are not in the trail');
SET ROLE u_cloud;
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'vm', u('a', 1), u('d', 1));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.9');
RESET ROLE;
SELECT is((SELECT role::text FROM csdns.audit ORDER BY id DESC LIMIT 1), 'u_cloud', 'rules act for who wrote the fact');
SELECT results_eq('SELECT line FROM news()', $$VALUES ('rules records insert a.test - [["vm.a.test", "A", "192.0.2.9", 3600]]')$$, 'records of rules');
SET ROLE u_write;
UPDATE records SET content = '192.0.2.10' WHERE name = 'vm.a.test';
RESET ROLE;
SELECT results_eq('SELECT line FROM news()', $$VALUES ('sql records update a.test [["vm.a.test", "A", "192.0.2.9", 3600]] [["vm.a.test", "A", "192.0.2.10", 3600]]')$$, 'taken over by hand');

-- everything else
CREATE FUNCTION public.short() RETURNS SETOF text LANGUAGE sql AS $$ SELECT array_to_string((string_to_array(line, ' '))[1:5], ' ') FROM news() $$;
UPDATE domains SET notified_serial = 5, last_check = 7;
SELECT is_empty('SELECT line FROM news()', 'what PowerDNS notes for itself is no change');
UPDATE domains SET type = 'MASTER' WHERE id = 2;
UPDATE domains SET name = 'c.test' WHERE id = 2;
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'ALLOW-AXFR-FROM', '192.0.2.0/24');
UPDATE domainmetadata SET content = content;
UPDATE domainmetadata SET content = '192.0.2.0/25';
DELETE FROM domainmetadata;
INSERT INTO csdns.dns_server (uuid, name, name_servers) VALUES (u('s', 1), 'main', '{ns1.test}');
UPDATE csdns.dns_server SET state = 'Disabled';
INSERT INTO csdns.dns_zone (domain_id, uuid, account, domain) VALUES (1, u('z', 1), u('a', 1), u('d', 1));
INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (1, u('a', 1));
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), 1);
INSERT INTO csdns.instance_name (instance, domain_id, name) VALUES (u('i', 1), 1, 'extra.a.test');
UPDATE csdns.policy SET max_zones = 7;
UPDATE csdns.policy SET max_zones = 7;
INSERT INTO csdns.policy (scope, ttl) VALUES (u('a', 1), 99);
INSERT INTO csdns.tenant (role, account) VALUES ('u_tenant', u('a', 1));
UPDATE csdns.setting SET value = 'epoch' WHERE name = 'serial_style';
INSERT INTO supermasters VALUES ('192.0.2.53', 'ns.test', 'x');
SELECT results_eq('SELECT short()', $$VALUES
    ('sql domains update b.test b.test'), ('sql domains update c.test c.test'),
    ('sql domainmetadata insert a.test ALLOW-AXFR-FROM'), ('sql domainmetadata update a.test ALLOW-AXFR-FROM'), ('sql domainmetadata delete a.test ALLOW-AXFR-FROM'),
    ('sql dns_server insert main -'), ('sql dns_server update main {"url":'),
    ('sql dns_zone insert a.test ' || u('z', 1)), ('sql zone_delegation insert a.test account'), ('sql network_zone insert a.test network'),
    ('sql instance_name insert a.test extra.a.test'), ('rules records insert a.test -'),
    ('sql policy update everything {"ptr":'), ('sql policy insert account acme'), ('rules records insert a.test -'), ('rules records delete a.test [["extra.a.test",'),
    ('sql tenant insert u_tenant -'), ('sql setting update serial_style {"name":'), ('sql supermasters insert 192.0.2.53 ns.test')$$, 'each kind of object');
SELECT results_eq($$SELECT before ->> 'state', after ->> 'state', after ->> 'name' FROM csdns.audit WHERE what = 'dns_server' AND action = 'update'$$,
                  $$VALUES ('Enabled', 'Disabled', 'main')$$, 'with all columns before and after');

-- keys
INSERT INTO cryptokeys (domain_id, flags, active, published, content) VALUES (1, 257, true, true, 'SECRET-1');
UPDATE cryptokeys SET active = false;
UPDATE cryptokeys SET content = 'SECRET-2';
DELETE FROM cryptokeys;
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('k', 'hmac-sha256', 'SECRET-3');
UPDATE tsigkeys SET secret = 'SECRET-4';
SELECT results_eq('SELECT line FROM news()', $$VALUES
    ('sql cryptokeys insert a.test key 1 - {"id": 1, "flags": 257, "active": true, "domain_id": 1, "published": true}'),
    ('sql cryptokeys update a.test key 1 {"id": 1, "flags": 257, "active": true, "domain_id": 1, "published": true} {"id": 1, "flags": 257, "active": false, "domain_id": 1, "published": true}'),
    ('sql cryptokeys update a.test key 1 {"id": 1, "flags": 257, "active": false, "domain_id": 1, "published": true} {"id": 1, "flags": 257, "active": false, "content": "changed", "domain_id": 1, "published": true}'),
    ('sql cryptokeys delete a.test key 1 {"id": 1, "flags": 257, "active": false, "domain_id": 1, "published": true} -'),
    ('sql tsigkeys insert k - {"id": 1, "name": "k", "algorithm": "hmac-sha256"}'),
    ('sql tsigkeys update k {"id": 1, "name": "k", "algorithm": "hmac-sha256"} {"id": 1, "name": "k", "secret": "changed", "algorithm": "hmac-sha256"}')$$, 'keys without what is secret');
SELECT is((SELECT count(*) FROM csdns.audit a WHERE a::text LIKE '%SECRET%'), 0::bigint, 'which is nowhere');

-- a zone that is gone, and everything at once
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (2, 'y.c.test', 'A', '192.0.2.1', 60);
DELETE FROM csdns.audit;
DELETE FROM domains WHERE id IN (1, 2);
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', zone_id, coalesce(zone, 'NULL'), what), ', ') FROM csdns.audit WHERE zone_id IS NOT NULL),
          '1 a.test dns_zone, 1 a.test domains, 1 a.test instance_name, 1 a.test network_zone, 1 a.test records, 1 a.test zone_delegation, 2 c.test domains, 2 c.test records',
          'a zone''s last rows have its name');
SELECT FROM news();
TRUNCATE domains CASCADE;
SELECT set_eq('SELECT line FROM news()', $$VALUES ('sql domains truncate - -'), ('sql records truncate - -'), ('sql domainmetadata truncate - -'), ('sql cryptokeys truncate - -')$$, 'TRUNCATE');

-- nobody writes it
SELECT is(try(who, what), '42501', who || ': ' || what)
  FROM (VALUES ('u_write'), ('u_cloud'), ('u_admin'), ('u_tenant')) AS w (who),
       (VALUES ('INSERT INTO csdns.audit (what, action) VALUES (''records'', ''insert'')'), ('DELETE FROM csdns.audit'), ('UPDATE csdns.audit SET role = ''x'''),
               ('TRUNCATE csdns.audit'), ('SELECT csdns.prune_audit(''0'')'), ('SELECT csdns.prune_audit_step(now(), 1)'), ('UPDATE csdns.pending SET moving = true'),
               ('UPDATE csdns.setting SET value = ''0'' WHERE name = ''audit_retention'''), ('ALTER TABLE csdns.audit DISABLE TRIGGER ALL'),
               ('ALTER TABLE records DISABLE TRIGGER ALL'), ('SET session_replication_role = replica'),
               ('SELECT csdns.audit_objects(''policy'', ''insert'', ''{}'', ''{}'', '''', NULL, NULL)')) AS v (what);
SELECT is(try('u_admin', 'UPDATE csdns.setting SET value = ''2 hours'' WHERE name = ''retention'''), 'ok', 'administrators change other settings');
SELECT is(try(who, 'SELECT FROM csdns.audit'), want, who || ' reads the table') FROM (VALUES ('u_admin', 'ok'), ('u_write', '42501'), ('u_cloud', '42501')) AS v (who, want);

-- by age
SELECT is((SELECT value FROM csdns.setting WHERE name = 'audit_retention'), '90 days', 'kept for 90 days');
SELECT throws_ok($$UPDATE csdns.setting SET value = '-1 day' WHERE name = 'audit_retention'$$, '23514', NULL, 'not for less than nothing');
INSERT INTO csdns.audit (at, what, action, name) SELECT now() - make_interval(days => 80 + g), 'x', 'x', g::text FROM generate_series(1, 200) g;
INSERT INTO domains (name, type) SELECT 'n' || g || '.test', 'NATIVE' FROM generate_series(1, 9) g;
SELECT results_eq($$SELECT count(*), max(name::int) FROM csdns.audit WHERE what = 'x'$$, $$VALUES (118::bigint, 118)$$, 'writers prune in proportion, the oldest first');
DO $$ BEGIN FOR i IN 1..64 LOOP UPDATE domains SET account = i::text WHERE name = 'n1.test'; COMMIT; END LOOP; END $$;
SELECT is((SELECT max(name::int) FROM csdns.audit WHERE what = 'x') <= 10, true, 'small ones now and then');
INSERT INTO csdns.audit (at, what, action) SELECT now() - interval '91 days', 'y', 'x' FROM generate_series(1, 200) g;
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO domains (name, type) SELECT 'm' || g || '.test', 'NATIVE' FROM generate_series(1, 9) g;
SELECT is((SELECT count(*) FROM csdns.audit WHERE what = 'y'), 200::bigint, 'not with an old snapshot');
COMMIT;
SELECT is(csdns.prune_audit(), 200::bigint, 'the owner prunes at once');
SELECT is(csdns.prune_audit('85 days'), 5::bigint, 'and sooner if he wants');
SELECT * FROM finish();
