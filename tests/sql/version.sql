-- Versions: one a changing transaction, gapless; head, follows, pruning.
SELECT no_plan();

SELECT is((SELECT version FROM csdns.head()), 1::bigint, 'an installation starts with version 1');
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
SELECT id AS a FROM domains \gset
SELECT is((SELECT version FROM csdns.head()), 2::bigint, 'a transaction makes a version');
UPDATE domains SET type = type;
SELECT is((SELECT version FROM csdns.head()), 2::bigint, 'one that changes nothing does not');
BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'x.a.test', 'A', '192.0.2.1', 60);
SELECT is((SELECT version FROM csdns.head()), 2::bigint, 'not before the commit');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT is((SELECT version FROM csdns.head()), 3::bigint, 'constraints immediate: at once');
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'y.a.test', 'A', '192.0.2.1', 60);
SELECT is((SELECT version FROM csdns.head()), 3::bigint, 'later writes join it');
COMMIT;
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM csdns.touched(2)), 'x.a.test y.a.test', 'and its journal');
BEGIN;
DELETE FROM records;
ROLLBACK;
DELETE FROM records WHERE name = 'y.a.test';
SELECT is((SELECT version FROM csdns.head()), 4::bigint, 'a transaction rolled back leaves no gap');
SELECT is((SELECT array_agg(version ORDER BY version) FROM csdns.version), ARRAY[1, 2, 3, 4]::bigint[], 'no gap');

BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM records;
COMMIT;
SELECT is((SELECT version FROM csdns.head()), 5::bigint, 'repeatable read works where nothing was in between');
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'x.a.test', 'A', '192.0.2.1', 60);
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'y.a.test', 'A', '192.0.2.1', 60);
COMMIT;
SELECT is((SELECT version FROM csdns.head()), 6::bigint, 'serializable too');

SELECT version, at FROM csdns.head() \gset
SELECT ok(csdns.follows(:version, :'at'), 'the newest version follows');
SELECT ok(csdns.follows(version, at), 'every version follows') FROM csdns.version;
SELECT ok(NOT csdns.follows(:version, :'at'::timestamptz + interval '1 microsecond'), 'the same number of another time does not');
SELECT ok(NOT csdns.follows(:version + 1, :'at'), 'a version of the future does not');
SELECT ok(NOT csdns.follows(NULL, NULL), 'nothing does not');

SELECT is(csdns.prune('1 hour'), 0::bigint, 'nothing is an hour old');
UPDATE csdns.version SET at = at - interval '2 hours' WHERE version <= 3;
SELECT is(csdns.prune(), 3::bigint, 'pruning by the setting');
SELECT is((SELECT array_agg(version ORDER BY version) FROM csdns.version), ARRAY[4, 5, 6]::bigint[], 'the younger ones stay');
SELECT is((SELECT count(*) FROM csdns.journal j WHERE NOT EXISTS (SELECT FROM csdns.version v WHERE v.txid = j.txid)), 0::bigint, 'their journal is gone');
SELECT is(csdns.prune('0'), 2::bigint, 'pruning all');
SELECT is((SELECT array_agg(version) FROM csdns.version), ARRAY[6]::bigint[], 'the newest stays');
SELECT ok(csdns.follows(:version, :'at'), 'and follows');
SELECT is((SELECT count(*) FROM csdns.touched(5)), 2::bigint, 'with its journal');

-- commits prune by themselves, a little at a time
UPDATE csdns.setting SET value = '0' WHERE name = 'retention';
DO $$
BEGIN
    FOR i IN 1..200 LOOP
        UPDATE records SET ttl = i WHERE name = 'x.a.test';
        COMMIT;
    END LOOP;
END
$$;
SELECT is((SELECT max(version) FROM csdns.version), 206::bigint, '200 commits');
SELECT cmp_ok((SELECT count(*) FROM csdns.version), '<', 20::bigint, 'are not kept');
SELECT is((SELECT count(*) FROM csdns.journal j WHERE NOT EXISTS (SELECT FROM csdns.version v WHERE v.txid = j.txid)), 0::bigint, 'nor their journal');
SELECT is((SELECT max(version) - min(version) + 1 - count(*) FROM csdns.version), 0::bigint, 'no gap among those that are');

-- a part of an old version's journal may be gone, but only while the version is the oldest
UPDATE csdns.setting SET value = '1 hour' WHERE name = 'retention';
INSERT INTO records (domain_id, name, type, content, ttl) SELECT :a, 'b' || g || '.a.test', 'A', '192.0.2.1', 60 FROM generate_series(1, 900) g;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'last.a.test', 'A', '192.0.2.1', 60);
SELECT version AS last FROM csdns.head() \gset
SELECT csdns.prune_step(now() + interval '1 day', 100, 100) \gset
SELECT cmp_ok((SELECT min(version) FROM csdns.version), '<', :last::bigint, 'a large version goes in steps');
SELECT is((SELECT count(*) FROM csdns.touched(:last - 1)), 1::bigint, 'what is after it is complete');
SELECT is(csdns.prune_step(now() + interval '1 day', 100, 10000) > 0, true, 'and in the end it is gone');
SELECT is((SELECT array_agg(version) FROM csdns.version), ARRAY[:last]::bigint[], 'the newest stays');

-- a clock that was set back: versions with a time of the future, and later ones that are old by now
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'c1.a.test', 'A', '192.0.2.1', 60);
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'c2.a.test', 'A', '192.0.2.1', 60);
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (:a, 'c3.a.test', 'A', '192.0.2.1', 60);
UPDATE csdns.version SET at = at + interval '5 hours' WHERE version IN (:last, :last + 1);
UPDATE csdns.version SET at = at - interval '2 hours' WHERE version = :last + 2;
SELECT csdns.prune() \gset
SELECT is((SELECT array_agg(version ORDER BY version) FROM csdns.version), ARRAY[:last + 3]::bigint[],
          'what comes before an old version goes with it: no follower is let go on behind a gap');

SELECT * FROM finish();
