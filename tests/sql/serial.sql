-- SOA serials: arithmetic, styles, once a transaction, and whose change counts.
SELECT no_plan();

SELECT is(csdns.soa_serial('ns.test h.test 42 1 2 3 4'), 42::bigint, 'serial of a SOA');
SELECT is(csdns.soa_serial(E'ns.test.\t h.test  4294967295 1 2 3 4'), 4294967295::bigint, 'serial behind tabs and spaces');
SELECT is(csdns.soa_serial('ns.test h.test'), NULL, 'no serial');
SELECT is(csdns.is_serial_after(2, 1), true, '2 is after 1');
SELECT is(csdns.is_serial_after(1, 1), false, '1 is not after 1');
SELECT is(csdns.is_serial_after(1, 2), false, '1 is not after 2');
SELECT is(csdns.is_serial_after(0, 4294967295), true, '0 is after 2^32-1');
SELECT is(csdns.is_serial_after(2147483647, 0), true, '2^31-1 is after 0');
SELECT is(csdns.is_serial_after(2147483648, 0), false, '2^31 is not after 0');
SELECT is(csdns.next_serial(1, 'counter'), 2::bigint, 'counter');
SELECT is(csdns.next_serial(4294967295, 'counter'), 0::bigint, 'counter past 2^32');
SELECT is(csdns.next_serial(1, 'epoch', '2026-01-02 03:04:05+00'), 1767323045::bigint, 'epoch');
SELECT is(csdns.next_serial(1767323045, 'epoch', '2026-01-02 03:04:05+00'), 1767323046::bigint, 'epoch within the same second');
SELECT is(csdns.next_serial(2026010203, 'epoch', '2026-01-02 03:04:05+00'), 2026010204::bigint, 'epoch behind the present serial counts on');
SELECT is(csdns.next_serial(4000000000, 'epoch', '2026-01-02 03:04:05+00'), 1767323045::bigint, 'epoch after the present serial in RFC 1982');
SELECT is(csdns.next_serial(1, 'date', '2026-01-02 23:30:00-05'), 2026010301::bigint, 'date, in UTC');
SELECT is(csdns.next_serial(2026010301, 'date', '2026-01-03 00:00:00+00'), 2026010302::bigint, 'date, second change');
SELECT is(csdns.next_serial(2026010399, 'date', '2026-01-03 00:00:00+00'), 2026010400::bigint, 'date, hundredth change counts on');
SELECT is(csdns.next_serial(2026010407, 'date', '2026-01-03 00:00:00+00'), 2026010408::bigint, 'date ahead counts on');

INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'MASTER'), ('s.test', 'SLAVE'), ('p.test', 'NATIVE'), ('n.test', 'NATIVE');
SELECT id AS a FROM domains WHERE name = 'a.test' \gset
SELECT id AS b FROM domains WHERE name = 'b.test' \gset
CREATE FUNCTION public.serial(zone text) RETURNS bigint LANGUAGE sql AS $$
    SELECT split_part(content, ' ', 3)::bigint FROM records WHERE name = zone AND type = 'SOA' ORDER BY id DESC LIMIT 1
$$;
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns.test h.test 10 1 2 3 4', 60 FROM domains WHERE name <> 'n.test';
SELECT is(serial('a.test'), 10::bigint, 'the serial of a new SOA is the writer''s');

INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'x.a.test', 'A', '192.0.2.1', 60);
SELECT is(serial('a.test'), 11::bigint, 'INSERT moves it');
SELECT is(serial('b.test'), 10::bigint, 'of the touched zone alone');
SELECT is((SELECT content::text FROM records WHERE name = 'a.test' AND type = 'SOA'), 'ns.test h.test 11 1 2 3 4', 'and nothing else of the SOA');
BEGIN;
UPDATE records SET ttl = 61 WHERE name = 'x.a.test';
UPDATE records SET ttl = 62 WHERE name = 'x.a.test';
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'y.a.test', 'A', '192.0.2.1', 60);
COMMIT;
SELECT is(serial('a.test'), 12::bigint, 'once a transaction');
UPDATE records SET auth = NOT auth;
SELECT is(serial('a.test'), 12::bigint, 'not for what is not served');
UPDATE domains SET notified_serial = 12 WHERE id = :a;
SELECT is(serial('a.test'), 12::bigint, 'not for the row in domains');
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (:a, 'X-FOO', '1');
SELECT is(serial('a.test'), 13::bigint, 'for metadata');
INSERT INTO cryptokeys (domain_id, flags, content) VALUES (:a, 257, 'x');
SELECT is(serial('a.test'), 14::bigint, 'for keys');
DELETE FROM records WHERE name = 'y.a.test';
SELECT is(serial('a.test'), 15::bigint, 'for DELETE');
SELECT is((SELECT string_agg(DISTINCT name, ' ') FROM csdns.touched((SELECT version - 1 FROM csdns.head()))), 'a.test y.a.test',
    'the SOA''s own change is journaled');

UPDATE records SET content = 'ns.test h.test 100 1 2 3 4' WHERE name = 'a.test' AND type = 'SOA';
SELECT is(serial('a.test'), 100::bigint, 'a serial that the writer changed stays');
UPDATE records SET content = 'ns.test h.test 50 1 2 3 4' WHERE name = 'a.test' AND type = 'SOA';
SELECT is(serial('a.test'), 50::bigint, 'even backwards');
UPDATE records SET content = 'ns.test h.test 50 1 2 3 9' WHERE name = 'a.test' AND type = 'SOA';
SELECT is((SELECT content::text FROM records WHERE name = 'a.test' AND type = 'SOA'), 'ns.test h.test 51 1 2 3 9', 'another field of the SOA changed: it moves');
BEGIN;
DELETE FROM records WHERE name = 'a.test' AND type = 'SOA';
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'a.test', 'SOA', 'ns.test h.test 60 1 2 3 4', 60);
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'z.a.test', 'A', '192.0.2.1', 60);
COMMIT;
SELECT is(serial('a.test'), 60::bigint, 'the SOA replaced with a new serial');
BEGIN;
DELETE FROM records WHERE name = 'a.test' AND type = 'SOA';
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'a.test', 'SOA', 'ns.test h.test 60 1 2 3 4', 60);
COMMIT;
SELECT is(serial('a.test'), 61::bigint, 'the SOA replaced with the same serial moves');
UPDATE records SET ttl = 63 WHERE name = 'z.a.test';
UPDATE records SET ttl = 64 WHERE name = 'z.a.test';
UPDATE records SET content = 'ns.test h.test 62 1 2 3 4' WHERE name = 'a.test' AND type = 'SOA';
SELECT is(serial('a.test'), 64::bigint, 'the next of a serial that others have just moved on from was read before they did');
BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'a.test', 'SOA', 'ns.test h.test 70 1 2 3 4', 60);
DELETE FROM records WHERE name = 'a.test' AND type = 'SOA' AND content LIKE '% 64 %';
COMMIT;
SELECT is(serial('a.test'), 70::bigint, 'the new SOA inserted before the old one is deleted');
BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'i.a.test', 'A', '192.0.2.1', 60);
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'j.a.test', 'A', '192.0.2.1', 60);
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'k.a.test', 'A', '192.0.2.1', 60);
COMMIT;
SELECT is(serial('a.test'), 71::bigint, 'once a transaction with constraints immediate');
BEGIN;
SAVEPOINT s;
UPDATE records SET content = 'ns.test h.test 90 1 2 3 4' WHERE name = 'a.test' AND type = 'SOA';
ROLLBACK TO s;
DELETE FROM records WHERE name = 'k.a.test';
COMMIT;
SELECT is(serial('a.test'), 72::bigint, 'a change of the SOA that was rolled back does not count');
UPDATE records SET content = 'ns.test h.test 4294967295 1 2 3 4' WHERE name = 'a.test' AND type = 'SOA';
DELETE FROM records WHERE name = 'j.a.test';
SELECT is(serial('a.test'), 0::bigint, 'past 2^32');
UPDATE records SET content = E'ns.test.  h.test.\t7  1 2 3 4' WHERE name = 'a.test' AND type = 'SOA';
DELETE FROM records WHERE name = 'i.a.test';
SELECT is((SELECT content::text FROM records WHERE name = 'a.test' AND type = 'SOA'), E'ns.test.  h.test.\t8  1 2 3 4', 'spacing of the SOA is kept');
UPDATE records SET content = 'ns.test h.test 7 1 2 3 4' WHERE name = 'a.test' AND type = 'SOA';

INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, 'v.' || name, 'A', '192.0.2.1', 60 FROM domains;
SELECT is(serial('a.test'), 8::bigint, 'several zones at once: one');
SELECT is(serial('b.test'), 11::bigint, 'several zones at once: the other');
SELECT is(serial('s.test'), 10::bigint, 'never in a secondary zone');
SELECT is(serial('n.test'), NULL, 'a zone without SOA is fine');
UPDATE domains SET type = 'CONSUMER' WHERE name = 's.test';
DELETE FROM records WHERE name = 'v.s.test';
SELECT is(serial('s.test'), 10::bigint, 'never in a consumer zone');
SELECT is(serial('p.test'), 11::bigint, 'before PRESIGNED');
INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'PRESIGNED', '1' FROM domains WHERE name = 'p.test';
DELETE FROM records WHERE name = 'v.p.test';
SELECT is(serial('p.test'), 11::bigint, 'never in a presigned zone');
UPDATE records SET disabled = true WHERE name = 'b.test' AND type = 'SOA';
DELETE FROM records WHERE name = 'v.b.test';
SELECT is(serial('b.test'), 11::bigint, 'never a disabled SOA');
UPDATE records SET disabled = false WHERE name = 'b.test' AND type = 'SOA';
SELECT is(serial('b.test'), 11::bigint, 'a SOA that is enabled is the writer''s');

SELECT is(csdns.serial_style(:a), 'counter', 'style by default');
UPDATE csdns.setting SET value = 'date' WHERE name = 'serial_style';
SELECT is(csdns.serial_style(:a), 'date', 'style of the store');
UPDATE records SET ttl = 5 WHERE name = 'v.a.test';
SELECT is(serial('a.test') / 100, to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')::bigint, 'date');
SELECT csdns.set_serial_style('B.test.', 'epoch');
SELECT is(csdns.serial_style(:b), 'epoch', 'style of the zone');
SELECT cmp_ok(abs(serial('b.test') - extract(epoch FROM now())), '<', 60::numeric, 'epoch');
SELECT csdns.set_serial_style('b.test', 'counter');
SELECT serial('b.test') AS was \gset
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:b, 'q.b.test', 'A', '192.0.2.1', 60);
SELECT is(serial('b.test'), :was::bigint + 1, 'counter');
SELECT csdns.set_serial_style('b.test', NULL);
SELECT is(csdns.serial_style(:b), 'date', 'back to the store''s');
SELECT throws_ok($$SELECT csdns.set_serial_style('b.test', 'odd')$$, '23514', 'metadata X-CSDNS-SERIAL "odd": not one of counter, epoch, date');
SELECT throws_ok($$SELECT csdns.set_serial_style('none.test', 'date')$$, 'P0002', 'zone "none.test": not found');
SELECT throws_ok($$UPDATE csdns.setting SET value = 'odd' WHERE name = 'serial_style'$$, '23514');
SELECT throws_ok($$UPDATE csdns.setting SET value = 'odd' WHERE name = 'retention'$$, '22007');
SELECT is((SELECT count(*) FROM csdns.serial_debt), 0::bigint, 'nothing owed');

SELECT * FROM finish();
