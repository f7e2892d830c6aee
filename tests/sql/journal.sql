-- What each kind of statement leaves in the journal, and that statements which change nothing served leave nothing.
SELECT no_plan();

INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('b.test', 'NATIVE'), ('c.test', 'SLAVE');
SELECT id AS a FROM domains WHERE name = 'a.test' \gset
SELECT id AS b FROM domains WHERE name = 'b.test' \gset
SELECT id AS c FROM domains WHERE name = 'c.test' \gset

-- what a transaction touched, as text; everything later than the last call
CREATE TABLE public.seen (version bigint);
INSERT INTO seen SELECT version FROM csdns.head();
CREATE FUNCTION public.news() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    news text;
BEGIN
    SELECT string_agg(concat_ws(' ', t.what, d.name, t.name), ', ' ORDER BY t.what::text COLLATE "C", d.name, t.name)
      INTO news FROM csdns.touched((SELECT version FROM seen)) t LEFT JOIN domains d ON d.id = t.domain_id;
    UPDATE seen SET version = (SELECT version FROM csdns.head());
    RETURN coalesce(news, '');
END
$$;

SELECT is(news(), '', 'nothing yet');

INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'x.a.test', 'A', '192.0.2.1', 60);
SELECT is(news(), 'n a.test x.a.test', 'INSERT');
INSERT INTO records (domain_id, name, type, content, ttl)
    VALUES (:a, 'x.a.test', 'A', '192.0.2.2', 60), (:a, 'y.a.test', 'A', '192.0.2.2', 60), (:b, 'x.b.test', 'A', '192.0.2.2', 60);
SELECT is(news(), 'n a.test x.a.test, n a.test y.a.test, n b.test x.b.test', 'INSERT of several rows');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT :a, 'z.a.test', 'A', '192.0.2.1', 60 WHERE false;
SELECT is(news(), '', 'INSERT of no row');
COPY records (domain_id, name, type, content, ttl) FROM PROGRAM 'printf "1\tcopied.a.test\tA\t192.0.2.1\t60\n"';
SELECT is(news(), 'n a.test copied.a.test', 'COPY');

UPDATE records SET content = '192.0.2.9' WHERE name = 'y.a.test';
SELECT is(news(), 'n a.test y.a.test', 'UPDATE of content');
UPDATE records SET ttl = 61 WHERE name = 'y.a.test';
SELECT is(news(), 'n a.test y.a.test', 'UPDATE of ttl');
UPDATE records SET prio = 1 WHERE name = 'y.a.test';
SELECT is(news(), 'n a.test y.a.test', 'UPDATE of prio');
UPDATE records SET disabled = true WHERE name = 'y.a.test';
SELECT is(news(), 'n a.test y.a.test', 'a record disabled');
UPDATE records SET disabled = NULL WHERE name = 'y.a.test';
SELECT is(news(), 'n a.test y.a.test', 'disabled unknown');
UPDATE records SET type = 'TXT', content = '"x"' WHERE name = 'y.a.test';
SELECT is(news(), 'n a.test y.a.test', 'UPDATE of type');
UPDATE records SET name = 'w.a.test' WHERE name = 'y.a.test';
SELECT is(news(), 'n a.test w.a.test, n a.test y.a.test', 'a record moved to another name');
UPDATE records SET domain_id = :b, name = 'w.b.test' WHERE name = 'w.a.test';
SELECT is(news(), 'n a.test w.a.test, n b.test w.b.test', 'a record moved to another zone');
UPDATE records SET id = id + 1000 WHERE name = 'w.b.test';
SELECT is(news(), 'n b.test w.b.test', 'UPDATE of the primary key');
UPDATE records SET ordername = 'w', auth = false;
SELECT is(news(), '', 'UPDATE of ordername and auth alone');
UPDATE records SET ttl = ttl, content = content;
SELECT is(news(), '', 'UPDATE that changes nothing');
UPDATE records SET ttl = 62 WHERE false;
SELECT is(news(), '', 'UPDATE of no row');
UPDATE records SET ttl = CASE name WHEN 'x.b.test' THEN 99 ELSE ttl END;
SELECT is(news(), 'n b.test x.b.test', 'UPDATE of all rows that changes one');
INSERT INTO records (id, domain_id, name, type, content, ttl) SELECT id, domain_id, name, type, content, 77 FROM records WHERE name = 'x.b.test'
    ON CONFLICT (id) DO UPDATE SET ttl = excluded.ttl;
SELECT is(news(), 'n b.test x.b.test', 'INSERT ON CONFLICT DO UPDATE');

DELETE FROM records WHERE name = 'w.b.test';
SELECT is(news(), 'n b.test w.b.test', 'DELETE');
DELETE FROM records WHERE false;
SELECT is(news(), '', 'DELETE of no row');

INSERT INTO comments (domain_id, name, type, modified_at, comment) VALUES (:a, 'x.a.test', 'A', 1, 'hello');
SELECT is(news(), '', 'comments are not served');

INSERT INTO domains (name, type) VALUES ('new.test', 'NATIVE');
SELECT is(news(), 'z new.test', 'a zone created');
UPDATE domains SET notified_serial = 5, last_check = 6, master = '192.0.2.1' WHERE name = 'a.test';
SELECT is(news(), 'd a.test', 'the row in domains');
UPDATE domains SET type = 'MASTER' WHERE name = 'a.test';
SELECT is(news(), 'd a.test', 'the type of a zone');
UPDATE domains SET account = 'x', options = '{}', catalog = 'cat.test' WHERE name = 'a.test';
SELECT is(news(), 'd a.test', 'account, options and catalog');
UPDATE domains SET type = type;
SELECT is(news(), '', 'UPDATE of domains that changes nothing');
UPDATE domains SET name = 'newer.test' WHERE name = 'new.test';
SELECT is(news(), 'd newer.test, z newer.test', 'a zone renamed');
DELETE FROM domains WHERE name = 'newer.test';
SELECT is(news(), 'z', 'a zone deleted');

INSERT INTO domainmetadata (domain_id, kind, content) VALUES (:a, 'ALLOW-AXFR-FROM', '192.0.2.1');
SELECT is(news(), 'z a.test', 'metadata added');
UPDATE domainmetadata SET content = '192.0.2.2' WHERE domain_id = :a;
SELECT is(news(), 'z a.test', 'metadata changed');
UPDATE domainmetadata SET domain_id = :c WHERE domain_id = :a;
SELECT is(news(), 'z a.test, z c.test', 'metadata moved');
UPDATE domainmetadata SET kind = kind;
SELECT is(news(), '', 'metadata not changed');
DELETE FROM domainmetadata;
SELECT is(news(), 'z c.test', 'metadata deleted');
INSERT INTO cryptokeys (domain_id, flags, active, content) VALUES (:a, 257, true, 'x');
SELECT is(news(), 'z a.test', 'key added');
UPDATE cryptokeys SET active = false;
SELECT is(news(), 'z a.test', 'key deactivated');
UPDATE cryptokeys SET published = published;
SELECT is(news(), '', 'key not changed');
DELETE FROM cryptokeys;
SELECT is(news(), 'z a.test', 'key deleted');
INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('k', 'hmac-sha256', 'eA==');
SELECT is(news(), 't', 'TSIG key added');
UPDATE tsigkeys SET secret = secret;
SELECT is(news(), '', 'TSIG key not changed');
UPDATE tsigkeys SET secret = 'eQ==';
SELECT is(news(), 't', 'TSIG key changed');
DELETE FROM tsigkeys;
SELECT is(news(), 't', 'TSIG key deleted');
INSERT INTO supermasters VALUES ('192.0.2.1', 'ns.test', 'x');
SELECT is(news(), 'a', 'autoprimary added');
UPDATE supermasters SET account = 'y';
SELECT is(news(), 'a', 'autoprimary changed');
DELETE FROM supermasters;
SELECT is(news(), 'a', 'autoprimary deleted');

BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'r.a.test', 'A', '192.0.2.1', 60);
ROLLBACK;
SELECT is(news(), '', 'a transaction rolled back');
BEGIN;
SAVEPOINT s;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'r.a.test', 'A', '192.0.2.1', 60);
ROLLBACK TO s;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 's.a.test', 'A', '192.0.2.1', 60);
COMMIT;
SELECT is(news(), 'n a.test s.a.test', 'the first write rolled back to a savepoint, then another');
BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 't.a.test', 'A', '192.0.2.1', 60);
SAVEPOINT s;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK TO s;
COMMIT;
SELECT is(news(), 'n a.test t.a.test', 'constraints immediate, rolled back to a savepoint');

-- deleting a zone: one entry, not one for each name
BEGIN;
DELETE FROM domains WHERE id = :b;
SELECT is((SELECT count(*) FROM csdns.journal WHERE txid = pg_current_xact_id()), 1::bigint, 'a deleted zone is one row of journal');
COMMIT;
SELECT is(news(), 'z', 'a zone deleted with its records');
BEGIN;
DELETE FROM records WHERE domain_id = :a;
DELETE FROM domains WHERE id = :a;
COMMIT;
SELECT is(news() LIKE 'n x.a.test%z', false, 'records deleted first, then the zone');

INSERT INTO domains (name, type) VALUES ('e.test', 'NATIVE'), ('f.test', 'NATIVE');
INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'X-A', '1' FROM domains WHERE name = 'e.test';
INSERT INTO cryptokeys (domain_id, flags, content) SELECT id, 257, 'x' FROM domains WHERE name = 'f.test';
SELECT news() <> '';
TRUNCATE domainmetadata;
SELECT is(news(), 'z e.test', 'TRUNCATE of metadata');
TRUNCATE cryptokeys;
SELECT is(news(), 'z f.test', 'TRUNCATE of keys');
TRUNCATE tsigkeys;
SELECT is(news(), 't', 'TRUNCATE of TSIG keys');
TRUNCATE supermasters;
SELECT is(news(), 'a', 'TRUNCATE of autoprimaries');
TRUNCATE records;
SELECT is(news(), '*', 'TRUNCATE of records');
TRUNCATE domains CASCADE;
SELECT is(news(), '*', 'TRUNCATE of domains');
SELECT is((SELECT count(*) FROM csdns.pending), 0::bigint, 'nothing is pending');

SELECT * FROM finish();
