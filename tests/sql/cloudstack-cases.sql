-- CloudStack's DNS framework, case by case (cloudstack-cases.txt; reference-cases.inc says how to read it), its faults avoided.
SELECT no_plan();
\i reference-cases.inc
\set lines `cat cloudstack-cases.txt`
SELECT read_cases(:'lines');
SELECT cmp_ok(count(DISTINCT title), '>=', 40::bigint, 'at least 40 cases') FROM step;
SELECT is_empty('SELECT line FROM step WHERE fault IS NULL', 'all rows have four columns');
SELECT play(title, 'associate net1 cloud.test') FROM (SELECT title FROM step GROUP BY title ORDER BY min(line)) AS t;
SELECT * FROM finish();
