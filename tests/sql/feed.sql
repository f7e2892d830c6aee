-- What csdnsd reads: shapes, contents, and that the touched_ functions give exactly the rows that a follower needs.
SELECT no_plan();

INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE');
SELECT id AS a FROM domains WHERE name = 'a.test' \gset
SELECT id AS b FROM domains WHERE name = 'b.test' \gset
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES
    (:a, 'x.a.test', 'MX', 'm.test', 60, 10, false), (:a, 'y.a.test', 'A', '192.0.2.1', NULL, NULL, true),
    (:a, 'z.a.test', 'A', '192.0.2.1', 60, 0, NULL), (:b, 'x.b.test', 'A', '192.0.2.1', 60, 0, false);
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (:a, 'K', '2'), (:a, 'K', '1'), (:b, 'K', '3');
INSERT INTO cryptokeys (domain_id, flags, active, content) VALUES (:a, 257, true, 'k');
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('t', 'hmac-md5', 'eA==');
INSERT INTO supermasters VALUES ('2001:db8::1', 'ns.test', 'acc');

SELECT columns_are('csdns', 'served_domain', ARRAY['id', 'name', 'type', 'master', 'last_check', 'notified_serial', 'account', 'options', 'catalog']);
SELECT columns_are('csdns', 'served_record', ARRAY['id', 'domain_id', 'name', 'type', 'content', 'ttl', 'prio', 'disabled']);
SELECT columns_are('csdns', 'served_metadata', ARRAY['id', 'domain_id', 'kind', 'content']);
SELECT columns_are('csdns', 'served_key', ARRAY['id', 'domain_id', 'flags', 'active', 'published', 'content']);
SELECT columns_are('csdns', 'served_tsigkey', ARRAY['name', 'algorithm', 'secret']);
SELECT columns_are('csdns', 'served_autoprimary', ARRAY['ip', 'nameserver', 'account']);
SELECT results_eq('SELECT name, disabled FROM csdns.served_record ORDER BY name',
    $$VALUES ('x.a.test', false), ('x.b.test', false), ('y.a.test', true), ('z.a.test', true)$$, 'only false is served');
SELECT results_eq('SELECT ip, nameserver, account FROM csdns.served_autoprimary', $$VALUES ('2001:db8::1', 'ns.test', 'acc')$$, 'autoprimaries');
SELECT results_eq('SELECT * FROM csdns.served_tsigkey', $$VALUES ('t', 'hmac-md5', 'eA==')$$, 'TSIG keys');

SELECT version AS v FROM csdns.head() \gset
SELECT is((SELECT count(*) FROM csdns.touched(:v)), 0::bigint, 'nothing touched');
SELECT is((SELECT count(*) FROM csdns.touched_record(:v)), 0::bigint, 'no record touched');
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'x.a.test', 'A', '192.0.2.5', 60);
DELETE FROM records WHERE name = 'z.a.test';
SELECT bag_eq(format('SELECT * FROM csdns.touched(%s)', :v), format($$VALUES ('n'::"char", %1$s, 'x.a.test'), ('n', %1$s, 'z.a.test')$$, :a), 'touched');
SELECT bag_eq(format('SELECT name, type FROM csdns.touched_record(%s)', :v), $$VALUES ('x.a.test', 'MX'), ('x.a.test', 'A')$$,
    'all records of a touched name, none of one that is gone');
SELECT bag_eq(format('SELECT * FROM csdns.touched_record(%s)', :v), $$SELECT * FROM csdns.served_record WHERE name = 'x.a.test'$$, 'in the shape of served_record');
SELECT is((SELECT count(*) FROM csdns.touched_domain(:v)), 0::bigint, 'no domain');
SELECT is((SELECT count(*) FROM csdns.touched_metadata(:v)) + (SELECT count(*) FROM csdns.touched_key(:v)), 0::bigint, 'no metadata, no key');

SELECT version AS v FROM csdns.head() \gset
UPDATE domains SET notified_serial = 7 WHERE id = :b;
SELECT bag_eq(format('SELECT * FROM csdns.touched_domain(%s)', :v), format('SELECT * FROM csdns.served_domain WHERE id = %s', :b), 'the row in domains alone');
SELECT is((SELECT count(*) FROM csdns.touched_record(:v)), 0::bigint, 'without records');
SELECT is((SELECT count(*) FROM csdns.touched_metadata(:v)), 0::bigint, 'without metadata');

SELECT version AS v FROM csdns.head() \gset
UPDATE cryptokeys SET active = false WHERE domain_id = :a;
UPDATE records SET ttl = 99 WHERE name IN ('x.b.test', 'y.a.test');
SELECT bag_eq(format('SELECT * FROM csdns.touched(%s)', :v),
    format($$VALUES ('z'::"char", %1$s, NULL), ('n', %1$s, 'y.a.test'), ('n', %2$s, 'x.b.test')$$, :a, :b), 'a whole zone and a name');
SELECT bag_eq(format('SELECT * FROM csdns.touched_record(%s)', :v), 'SELECT * FROM csdns.served_record', 'all records of the zone, each once');
SELECT bag_eq(format('SELECT * FROM csdns.touched_domain(%s)', :v), format('SELECT * FROM csdns.served_domain WHERE id = %s', :a), 'its row in domains');
SELECT results_eq(format('SELECT kind, content FROM csdns.touched_metadata(%s)', :v), $$VALUES ('K', '2'), ('K', '1')$$, 'its metadata in order');
SELECT bag_eq(format('SELECT * FROM csdns.touched_key(%s)', :v), format('SELECT * FROM csdns.served_key WHERE domain_id = %s', :a), 'its keys');

SELECT version AS v FROM csdns.head() \gset
UPDATE domains SET name = 'c.test' WHERE id = :b AND false;
DELETE FROM domains WHERE id = :b;
SELECT bag_eq(format('SELECT * FROM csdns.touched(%s)', :v), format($$VALUES ('z'::"char", %s, NULL::text)$$, :b), 'a zone deleted');
SELECT is((SELECT count(*) FROM csdns.touched_domain(:v)) + (SELECT count(*) FROM csdns.touched_record(:v)), 0::bigint, 'has no rows');

SELECT bag_eq('SELECT version, what, zone, name FROM csdns.change WHERE version = (SELECT version - 2 FROM csdns.head())',
    $$VALUES ((SELECT version - 2 FROM csdns.head()), 'zone', 'a.test', NULL)$$, 'csdns.change for people');
-- all of it in one statement: each part as the functions and views have it
CREATE FUNCTION parts(since bigint, wanted "char") RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws('|', f1, f2, f3, f4, f5, f6, f7, f8)
      FROM csdns.changes(since, (SELECT at FROM csdns.version WHERE version = since)) WITH ORDINALITY
     WHERE part = wanted ORDER BY ordinality
$$;
CREATE FUNCTION order_of_parts(since bigint) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(part::text, '' ORDER BY first) FROM (SELECT part, min(ordinality) AS first FROM csdns.changes(since, (SELECT at FROM csdns.version WHERE version = since)) WITH ORDINALITY GROUP BY part) p
$$;
SELECT version AS v FROM csdns.head() \gset
SELECT is(order_of_parts(:v), 'v', 'nothing but the version');
SELECT results_eq(format($$SELECT parts(%s, 'v')$$, :v), $$SELECT concat_ws('|', version, (extract(epoch FROM at) * 1000000)::bigint, true) FROM csdns.head()$$, 'it is followed');
SELECT is((SELECT f3 FROM csdns.changes(:v, 'epoch')), 'f', 'not with another time');
SELECT is((SELECT f3 FROM csdns.changes(0, now()) WHERE part = 'v'), 'f', 'nor one that is not there');
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'n.a.test', 'A', '192.0.2.6', 60), (:a, 'n.a.test', 'MX', '5 x.a.test', NULL);
SELECT is(order_of_parts(:v), 'vnR', 'names');
SELECT results_eq(format($$SELECT parts(%s, 'n')$$, :v), format($$VALUES ('%s|n.a.test')$$, :a), 'the touched name');
SELECT bag_eq(format($$SELECT concat_ws('|', f2, f3, f4, f5, f6, f7, f8) FROM csdns.changes(%1$s, (SELECT at FROM csdns.version WHERE version = %1$s)) WHERE part = 'R'$$, :v),
    format($$VALUES ('%1$s|n.a.test|A|192.0.2.6|60|f'), ('%1$s|n.a.test|MX|5 x.a.test|f')$$, :a), 'its records');
UPDATE domainmetadata SET content = '4' WHERE content = '1';
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('s', 'hmac-sha256', 'eQ==');
INSERT INTO supermasters VALUES ('192.0.2.1', 'ns.test', 'acc');
SELECT is(order_of_parts(:v), 'vztnaDMKTR', 'whole zones before names, zones before what they have');
SELECT results_eq(format($$SELECT parts(%s, 'M')$$, :v), format($$VALUES ('%1$s|K|2'), ('%1$s|K|4')$$, :a), 'metadata in order');
SELECT results_eq(format($$SELECT parts(%s, 'K')$$, :v),
    format($$SELECT concat_ws('|', id, domain_id, flags, active, published, content) FROM csdns.served_key WHERE domain_id = %s$$, :a), 'keys');
SELECT results_eq(format($$SELECT parts(%s, 'T')$$, :v), $$VALUES ('s|hmac-sha256|eQ=='), ('t|hmac-md5|eA==')$$, 'all TSIG keys');
SELECT bag_eq(format($$SELECT parts(%s, 'D')$$, :v),
    format($$SELECT concat_ws('|', id, name, type, master, last_check, notified_serial, account) FROM csdns.served_domain WHERE id = %s$$, :a), 'the zone');
SELECT bag_eq(format($$SELECT parts(%s, 'R')$$, :v),
    $$SELECT concat_ws('|', id, domain_id, name, type, content, ttl, prio, disabled) FROM csdns.served_record$$, 'all its records, each once');
SELECT version AS v FROM csdns.head() \gset
UPDATE domains SET notified_serial = 8 WHERE id = :a;
SELECT is(order_of_parts(:v), 'vdD', 'the row in domains alone');
SELECT results_eq(format($$SELECT part, f3 FROM csdns.changes(%s, 'epoch')$$, :v), $$VALUES ('v'::"char", 'f')$$, 'who has to load everything is told no more');
BEGIN;
UPDATE domains SET notified_serial = 9 WHERE id = :a;
INSERT INTO csdns.journal (txid, what) VALUES (pg_current_xact_id(), '*');
COMMIT;
SELECT is(order_of_parts(:v), 'v*', 'nor who has to because of a TRUNCATE');

-- everything of one moment, read only
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT lives_ok(format('SELECT csdns.head(); SELECT csdns.follows(1, now()); SELECT csdns.touched(%1$s); SELECT csdns.touched_record(%1$s);
    SELECT csdns.touched_domain(%1$s); SELECT csdns.touched_metadata(%1$s); SELECT csdns.touched_key(%1$s); SELECT csdns.changes(%1$s, now())', :v), 'in a read-only transaction');
COMMIT;
DELETE FROM csdns.version;
SELECT results_eq('SELECT version, at FROM csdns.head()', $$VALUES (0::bigint, 'epoch'::timestamptz)$$, 'no version at all');

SELECT * FROM finish();
