-- Events: written by functions, read by tools, gone by age.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;
CREATE ROLE e_admin LOGIN IN ROLE csdns_admin;
CREATE ROLE e_cloud LOGIN IN ROLE csdns_cloud;

SELECT csdns.log_event('DNS.REQUEST.REFUSED', 'a.test', 'www.a.test', NULL, NULL, 'because');
SELECT results_eq($$SELECT type, zone, name, source, holder, description FROM csdns.event$$,
                  $$VALUES ('DNS.REQUEST.REFUSED', 'a.test', 'www.a.test', NULL::uuid, NULL::uuid, 'because')$$, 'an event is written');
SELECT is((SELECT value FROM csdns.setting WHERE name = 'event_retention'), '30 days', 'events are kept for 30 days');
SELECT throws_ok($$UPDATE csdns.setting SET value = '-1 day' WHERE name = 'event_retention'$$, '23514', NULL, 'not for less than nothing');

INSERT INTO csdns.event (at, type, description) SELECT now() - interval '31 days', 'OLD', 'old' FROM generate_series(1, 300);
SELECT is((SELECT count(*) FROM csdns.event WHERE type = 'OLD'), 0::bigint, 'writing many events prunes many');
ALTER TABLE csdns.event DISABLE TRIGGER prune;
INSERT INTO csdns.event (at, type, description) SELECT now() - make_interval(days => g), 'OLD', g::text FROM generate_series(29, 230) g;
ALTER TABLE csdns.event ENABLE TRIGGER prune;
SELECT csdns.log_event('NEW', NULL, NULL, NULL, NULL, 'new');
SELECT results_eq($$SELECT count(*), max(description::int) FROM csdns.event WHERE type = 'OLD'$$, $$VALUES (136::bigint, 164)$$,
                  'writing one event prunes a few, the oldest first');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT csdns.log_event('NEW', NULL, NULL, NULL, NULL, 'new');
SELECT is((SELECT count(*) FROM csdns.event WHERE type = 'OLD'), 136::bigint, 'nothing is pruned with an old snapshot');
COMMIT;

SET ROLE e_admin;
SELECT is(csdns.prune_events('100 days'), 65::bigint, 'an administrator prunes at once');
SELECT is(csdns.prune_events(), 70::bigint, 'by default as the setting says');
SELECT throws_ok($$SELECT csdns.log_event('X', NULL, NULL, NULL, NULL, 'x')$$, '42501', NULL, 'but writes no events');
SET ROLE e_cloud;
SELECT throws_ok($$SELECT csdns.prune_events()$$, '42501', NULL, 'writers of facts do not prune');
SELECT throws_ok($$INSERT INTO csdns.event (type, description) VALUES ('X', 'x')$$, '42501', NULL, 'nor write');
RESET ROLE;
SELECT results_eq($$SELECT type FROM csdns.event WHERE type <> 'NEW' ORDER BY id$$, $$VALUES ('DNS.REQUEST.REFUSED'), ('OLD')$$, 'younger events stay');
SELECT * FROM finish();
