-- The rules for records: single ones by the case files, those among several at commit, and what must pass.
SELECT no_plan();

\set own `cat record-cases.tsv`
\set unit `cat ../unit/record-cases.tsv`
\set names `cat name-cases.tsv`

-- escapes as COPY writes them
CREATE FUNCTION public.unescaped(text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN $1 <> '\N' THEN
        replace(replace(replace(replace(replace($1, '\\', E'\x01'), '\t', E'\t'), '\n', E'\n'), '\r', E'\r'), E'\x01', '\') END
$$;
CREATE TABLE public.record_case AS
    SELECT file, n, f[1] AS type, unescaped(f[2])::int AS prio, unescaped(f[3]) AS content, f[4] AS verdict
      FROM (SELECT 'record-cases' AS file, :'own' AS lines UNION ALL SELECT 'unit/record-cases', :'unit') AS s,
           regexp_split_to_table(lines, E'\n') WITH ORDINALITY AS l (line, n),
           string_to_array(line, E'\t') AS f
     WHERE line <> '' AND line NOT LIKE '#%';
SELECT cmp_ok(count(*), '>=', 200::bigint, 'at least 200 cases') FROM record_case WHERE file = 'record-cases';
SELECT is((SELECT count(*) FROM record_case WHERE file <> 'record-cases' AND verdict = 'ok') > 100, true, 'the cases tried with PowerDNS are there');

SELECT ok(CASE WHEN c.verdict = 'ok' THEN f.fault IS NULL ELSE coalesce(strpos(f.fault, c.verdict) > 0, false) END,
          format('line %s: %s %s "%s": %s', c.n, c.type, c.prio, left(c.content, 60), coalesce(f.fault, 'ok')))
  FROM record_case c, LATERAL (SELECT csdns.record_fault(1, 'a.test', c.type, c.content, 60, c.prio) AS fault) AS f
 WHERE c.file = 'record-cases';
SELECT is_empty($$
    SELECT type, prio, content, verdict FROM record_case
     WHERE file <> 'record-cases' AND (verdict = 'ok') <> (csdns.record_fault(1, 'a.test', type, content, 60, prio) IS NULL)
$$, 'csdnsd and the schema agree on the cases that were tried with PowerDNS');
SELECT is_empty($$
    SELECT type, prio, content FROM record_case
     WHERE csdns.is_plain_record(1, 'a.test', type, content, 60, prio) AND csdns.record_fault(1, 'a.test', type, content, 60, prio) IS NOT NULL
$$, 'the fast check passes nothing that the exact one refuses');
SELECT cmp_ok((SELECT count(*) FROM record_case WHERE csdns.is_plain_record(1, 'a.test', type, content, 60, prio)), '>', 40::bigint, 'and does pass some');

CREATE TABLE public.name_case AS
    SELECT unescaped(l[1]) AS name, l[2] AS verdict
      FROM regexp_split_to_table(:'names', E'\n') AS line, string_to_array(line, E'\t') AS l
     WHERE line <> '' AND line NOT LIKE '#%';
SELECT ok(CASE WHEN c.verdict = 'ok' THEN f.fault IS NULL ELSE coalesce(strpos(f.fault, c.verdict) > 0, false) END,
          format('name "%s": %s', translate(left(c.name, 60), '#', '_'), coalesce(f.fault, 'ok')))
  FROM name_case c, LATERAL (SELECT csdns.record_fault(1, c.name, 'A', '192.0.2.1', 60, NULL) AS fault) AS f;
SELECT is_empty($$SELECT name FROM name_case WHERE verdict <> 'ok' AND csdns.is_plain_record(1, name, 'A', '192.0.2.1', 60, NULL)$$,
    'the fast check passes no name that the exact one refuses');
SELECT is(csdns.record_fault(1, 'a.test', 'A', '192.0.2.1', t.ttl, NULL), t.fault, format('ttl %s', t.ttl))
  FROM (VALUES (0, NULL), (2147483647, NULL), (NULL, NULL), (-1, 'ttl is not a number from 0 to 2147483647')) AS t (ttl, fault);
SELECT is(csdns.record_fault(NULL, 'a.test', 'A', '192.0.2.1', 60, NULL), 'domain_id is missing', 'a record of no zone');
SELECT is(csdns.record_fault(1, 'a.test', NULL, NULL, NULL, NULL), NULL, 'an empty non-terminal, all NULL');
SELECT is(csdns.record_fault(1, 'a.test', '', '', NULL, NULL), NULL, 'an empty non-terminal, all empty');

INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE'), ('.', 'NATIVE');
SELECT id AS a FROM domains WHERE name = 'a.test' \gset
SELECT id AS b FROM domains WHERE name = 'b.test' \gset
SELECT id AS root FROM domains WHERE name = '.' \gset
CREATE FUNCTION public.put(zone int, rname text, rtype text, rcontent text, rttl int DEFAULT 60) RETURNS void LANGUAGE sql AS $$
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES (zone, rname, rtype, rcontent, rttl)
$$;
CREATE FUNCTION public.commit_now() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
END
$$;

-- the message names the record and the rule
PREPARE bad AS SELECT put((SELECT id FROM domains WHERE name = 'a.test'), 'w.a.test', 'A', '1.2.3');
SELECT throws_ok('bad', '23514', 'record "w.a.test" A "1.2.3": content is not an IPv4 address');
SELECT throws_like(format('SELECT put(%s, %L, %L, %L)', :a, 'w..a.test', 'A', '192.0.2.1'), 'record "w..a.test" A "192.0.2.1": name has an empty label');
SELECT throws_like(format('SELECT put(NULL, %L, %L, %L)', 'w.a.test', 'A', '192.0.2.1'), '%domain_id is missing');
SELECT throws_like(format('SELECT put(%s, NULL, %L, %L)', :a, 'A', '192.0.2.1'), '%name is missing');
SELECT throws_ok(format('SELECT put(%s, %L, %L, %L)', :a, 'W.a.test', 'A', '192.0.2.1'), '23514');
SELECT throws_like(format('SELECT put(%s, %L, %L, %L, -1)', :a, 'w.a.test', 'A', '192.0.2.1'), '%ttl is not a number from 0 to 2147483647');
SELECT throws_like(format('INSERT INTO records (domain_id, name, type, content) SELECT %s, ''x'' || g || ''.a.test'', ''A'', ''192.0.2.'' || g FROM generate_series(250, 260) g', :a),
    'record "x256.a.test" A "192.0.2.256": content is not an IPv4 address', 'one bad among many');
SELECT throws_like($$INSERT INTO domains (name, type) VALUES ('c..test', 'NATIVE')$$, 'zone "c..test": name has an empty label');
SELECT throws_like($$INSERT INTO domains (name, type) VALUES ('c.test.', 'NATIVE')$$, 'zone "c.test.": name ends with a dot');

-- several records: together at commit, in any order
BEGIN;
SELECT put(:a, 'c.a.test', 'CNAME', 'x.test');
SELECT put(:a, 'c.a.test', 'A', '192.0.2.1');
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "c.a.test" in zone "a.test": CNAME beside A');
ROLLBACK;
BEGIN;
SELECT put(:a, 'c.a.test', 'CNAME', 'x.test');
SELECT put(:a, 'c.a.test', 'CNAME', 'y.test');
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "c.a.test" in zone "a.test": more than one CNAME');
ROLLBACK;
BEGIN;
SELECT put(:a, 'c.a.test', 'A', '192.0.2.1');
SELECT put(:a, 'c.a.test', 'A', '192.0.2.1', 90);
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "c.a.test" in zone "a.test": A "192.0.2.1" is there twice');
ROLLBACK;
BEGIN;
SELECT put(:a, 'c.a.test', 'A', '192.0.2.' || g) FROM generate_series(1, 3) g;
SELECT put(:a, 'c.a.test', 'A', '192.0.2.2');
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "c.a.test" in zone "a.test": A "192.0.2.2" is there twice');
ROLLBACK;
BEGIN;
INSERT INTO records (domain_id, name, type, content, prio) VALUES (:a, 'c.a.test', 'MX', 'm.test', 10), (:a, 'c.a.test', 'MX', '10 m.test', NULL);
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "c.a.test" in zone "a.test": MX "10 m.test" is there twice');
ROLLBACK;
BEGIN;
SELECT put(:a, 'a.test', 'SOA', 'ns.test h.test 1 2 3 4 5');
SELECT put(:a, 'a.test', 'SOA', 'ns.test h.test 2 2 3 4 5');
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "a.test" in zone "a.test": more than one SOA');
ROLLBACK;

-- PowerDNS feeds the SOA that ends a transfer as well, when the whole zone is the answer to IXFR.
BEGIN;
SELECT put(:a, 'a.test', 'SOA', 'ns.test h.test 1 2 3 4 5') FROM generate_series(1, 3);
SELECT put(:a, 'n.a.test', 'A', '192.0.2.1');
SELECT lives_ok('SELECT commit_now()', 'the same SOA again in one transaction');
SELECT is(count(*), 1::bigint, 'is there once') FROM records WHERE domain_id = :a AND type = 'SOA';
ROLLBACK;
BEGIN;
SELECT put(:a, 'a.test', 'SOA', 'ns.test h.test 1 2 3 4 5') FROM generate_series(1, 2);
SELECT put(:a, 'n.a.test', 'A', '192.0.2.2') FROM generate_series(1, 2);
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "n.a.test" in zone "a.test": A "192.0.2.2" is there twice', 'other rules hold beside it');
ROLLBACK;
BEGIN;
SELECT put(:a, 'a.test', 'SOA', 'ns.test h.test 1 2 3 4 5', g) FROM generate_series(1, 2) g;
SELECT throws_ok('SELECT commit_now()', '23514', NULL, 'two that differ in their TTL are refused');
ROLLBACK;
SELECT put(:a, 'a.test', 'SOA', 'ns.test h.test 1 2 3 4 5');
BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT domain_id, name, type, content, ttl FROM records WHERE domain_id = :a AND type = 'SOA';
SELECT throws_ok('SELECT commit_now()', '23514', NULL, 'so is one that was there before');
ROLLBACK;
DELETE FROM records WHERE domain_id = :a AND type = 'SOA';
BEGIN;
SELECT put(:a, 'c.b.test', 'A', '192.0.2.1');
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "c.b.test" in zone "a.test": name is outside its zone');
ROLLBACK;
BEGIN;
SELECT put(:a, 'xa.test', 'A', '192.0.2.1');
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "xa.test" in zone "a.test": name is outside its zone');
ROLLBACK;
BEGIN;
SELECT put(:a, 'x\.a.test', 'A', '192.0.2.1');
SELECT throws_ok('SELECT commit_now()', '23514', 'records of "x\.a.test" in zone "a.test": name is outside its zone', 'the dot before the zone is part of a label');
ROLLBACK;

SELECT lives_ok(format('SELECT put(%s, %L, %L, %L)', :a, 'c.a.test', 'A', '192.0.2.1'));
SELECT lives_ok(format('INSERT INTO records (domain_id, name, type, content, prio) VALUES (%1$s, %2$L, ''MX'', ''m.test'', 10), (%1$s, %2$L, ''MX'', ''m.test'', 20)', :a, 'c.a.test'), 'MX that differ in priority');
SELECT lives_ok(format('SELECT put(%s, %L, %L, %L)', :root, 'anything.example', 'A', '192.0.2.1'), 'all is inside the root zone');
BEGIN;
SELECT put(:a, 'c.a.test', 'CNAME', 'x.test');
DELETE FROM records WHERE name = 'c.a.test' AND type <> 'CNAME';
SELECT lives_ok('SELECT commit_now()', 'A and MX replaced by a CNAME, the CNAME first');
SELECT put(:a, 'c.a.test', t, c) FROM (VALUES ('RRSIG', 'CNAME 8 2 60 20300101000000 20200101000000 1 a.test. AA=='), ('NSEC', 'd.a.test CNAME'), ('KEY', 'x')) AS r (t, c);
SELECT lives_ok('SELECT commit_now()', 'DNSSEC types beside a CNAME');
INSERT INTO records (domain_id, name, type, content, ttl, disabled) VALUES (:a, 'c.a.test', 'A', '192.0.2.1', 60, true), (:a, 'c.a.test', 'A', '192.0.2.1', 60, true);
SELECT lives_ok('SELECT commit_now()', 'disabled records beside a CNAME, twice');
UPDATE records SET disabled = false WHERE name = 'c.a.test' AND type = 'A';
SELECT throws_like('SELECT commit_now()', '%is there twice', 'enabled they count');
ROLLBACK;
BEGIN;
INSERT INTO records (domain_id, name, ttl) VALUES (:a, 'ent.a.test', NULL), (:a, 'ent.a.test', NULL);
SELECT lives_ok('SELECT commit_now()', 'empty non-terminals are not compared');
ROLLBACK;

BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT put(:a, 'imm.a.test', 'A', '192.0.2.1');
SELECT throws_like(format('SELECT put(%s, %L, %L, %L)', :a, 'imm.a.test', 'CNAME', 'x.test'), '%CNAME beside A', 'constraints immediate: every statement is checked');
ROLLBACK;

-- moving and renaming
BEGIN;
UPDATE records SET name = 'c.b.test' WHERE name = 'c.a.test';
SELECT throws_like('SELECT commit_now()', '%name is outside its zone', 'moved to a name outside');
ROLLBACK;
BEGIN;
UPDATE records SET domain_id = :b WHERE name = 'c.a.test';
SELECT throws_like('SELECT commit_now()', '%name is outside its zone', 'moved to another zone without its name');
ROLLBACK;
BEGIN;
UPDATE domains SET name = 'new.test' WHERE id = :a;
SELECT throws_like('SELECT commit_now()', 'records of "c.a.test" in zone "new.test": name is outside its zone', 'zone renamed without its records');
ROLLBACK;
BEGIN;
UPDATE domains SET name = 'new.test' WHERE id = :a;
UPDATE records SET name = replace(name, 'a.test', 'new.test') WHERE domain_id = :a;
SELECT lives_ok('SELECT commit_now()', 'zone renamed with its records');
ROLLBACK;

-- rows from before the rules: left alone, listed, repairable one by one
ALTER TABLE records DISABLE TRIGGER USER;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES
    (:a, 'old.a.test', 'A', 'bad', 60), (:a, 'two.a.test', 'CNAME', 'x.test', 60), (:a, 'two.a.test', 'A', '192.0.2.1', 60),
    (:a, 'two.a.test', 'A', '192.0.2.1', 61), (:b, 'out.a.test', 'A', '192.0.2.1', 60), (NULL, 'none.test', 'A', '192.0.2.1', 60);
ALTER TABLE records ENABLE TRIGGER USER;
SELECT bag_eq('SELECT name, reason FROM csdns.invalid_record', $$VALUES
    ('old.a.test', 'content is not an IPv4 address'), ('two.a.test', 'A "192.0.2.1" is there twice'), ('two.a.test', 'A "192.0.2.1" is there twice'),
    ('two.a.test', 'A "192.0.2.1" is there twice'), ('out.a.test', 'name is outside its zone'), ('none.test', 'domain_id is missing')$$, 'csdns.invalid_record');
SELECT lives_ok($$UPDATE records SET auth = false$$, 'rectify passes');
SELECT lives_ok($$UPDATE records SET disabled = true WHERE name = 'old.a.test'$$, 'a bad record can be disabled');
SELECT throws_like($$UPDATE records SET ttl = 61 WHERE name = 'old.a.test'$$, '%content is not an IPv4 address', 'a bad record cannot be changed into a bad one');
SELECT lives_ok($$UPDATE records SET ttl = 62 WHERE name = 'two.a.test' AND type = 'CNAME'$$, 'the TTL beside a clash can be changed');
SELECT lives_ok($$DELETE FROM records WHERE name = 'two.a.test' AND ttl = 61$$, 'one of three clashing records can be deleted');
SELECT is((SELECT reason FROM csdns.invalid_record WHERE name = 'two.a.test' LIMIT 1), 'CNAME beside A', 'then the next rule shows');
SELECT lives_ok($$UPDATE records SET content = '192.0.2.1', disabled = false WHERE name = 'old.a.test'$$, 'a bad record can be repaired');
SELECT lives_ok($$DELETE FROM records WHERE name IN ('out.a.test', 'none.test') OR name = 'two.a.test' AND type = 'A'$$, 'bad records can be deleted');
SELECT is((SELECT count(*) FROM csdns.invalid_record), 0::bigint, 'all is well');

SELECT * FROM finish();
