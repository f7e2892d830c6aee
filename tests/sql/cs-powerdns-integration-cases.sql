-- cs-powerdns-integration, case by case (cs-powerdns-integration-cases.txt; reference-cases.inc says how to read it), its weaknesses avoided.
SELECT no_plan();
\i reference-cases.inc
\set lines `cat cs-powerdns-integration-cases.txt`
SELECT read_cases(:'lines');
SELECT cmp_ok(count(DISTINCT title), '>=', 30::bigint, 'at least 30 cases') FROM step;
SELECT is_empty('SELECT line FROM step WHERE fault IS NULL', 'all rows have four columns');
SELECT is_empty($$SELECT n FROM unnest(ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15]) AS n WHERE NOT EXISTS (SELECT FROM step WHERE fault ~ format('^%s\M', n))$$,
    'every weakness that concerns records has a case');
SELECT play(title, 'networkdomain cust cloud.test') FROM (SELECT title FROM step GROUP BY title ORDER BY min(line)) AS t;

-- what records do not show: serials move, and no ordername has to be kept (14)
SELECT world();
SELECT happen('networkdomain cust cloud.test');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.cloud.test hostmaster.cloud.test 7 3600 600 86400 60', 3600 FROM domains;
SELECT happen('create web net1 10.0.0.5');
SELECT isnt((SELECT split_part(content, ' ', 3) FROM records WHERE type = 'SOA'), '7', 'the serial moves with the records');
SELECT is((SELECT count(*)::int FROM records WHERE ordername IS NOT NULL), 0, 'no ordername is needed, nor wrong');
SELECT * FROM finish();
