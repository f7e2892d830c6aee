-- Passes: what they store, what they take for missing, and what they do not.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.vm(n int, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', u('i', n), 'name', 'vm' || n, 'account', 'acme', 'domainid', u('d', 1), 'state', 'Running') || more $$;
CREATE FUNCTION public.vms(a int, b int) RETURNS jsonb LANGUAGE sql AS $$ SELECT coalesce(jsonb_agg(vm(g)), '[]') FROM generate_series(a, b) g $$;
CREATE FUNCTION public.tasks(why text) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM csdns.sync_task WHERE reason = why $$;

SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w1', NULL, false)$$, 'VALUES (false)', 'without an interval only when somebody asks');
SELECT results_eq($$SELECT begin, forced FROM csdns.sync_begin_reconcile('w1', '1 hour', false)$$, 'VALUES (true, false)', 'there was none yet');
SELECT results_eq($$SELECT begin, forced FROM csdns.sync_begin_reconcile('w2', '1 hour', true)$$, 'VALUES (false, false)', 'one at a time, from the beginning');
SELECT pass, now FROM csdns.sync_begin_pass('w1', 'instance') \gset
SELECT results_eq($$SELECT begin, forced FROM csdns.sync_begin_reconcile('w2', '1 hour', true)$$, 'VALUES (false, false)', 'while it goes on');
SELECT results_eq(format('SELECT changed, faulty FROM csdns.sync_page(%s, %L, vms(1, 100))', :pass, :'now'), 'VALUES (100, 0)', 'a page');
SELECT results_eq(format('SELECT changed, faulty FROM csdns.sync_page(%s, %L, vms(101, 150) || vm(151, ''{"name": "a b"}''))', :pass, :'now'), 'VALUES (50, 1)', 'one with a bad entity');
SELECT results_eq(format('SELECT missing, error FROM csdns.sync_end_pass(%s, NULL, false)', :pass), $$VALUES (0::bigint, NULL::text)$$, 'the end');
SELECT is(tasks('refused'), 1::bigint, 'the bad one is a task, and shows the reason there');
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w2', '1 hour', true)$$, 'VALUES (false)', 'and between its passes');
UPDATE csdns.sync_turn SET renewed = now() - interval '121 s';
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w2', '1 hour', true)$$, 'VALUES (true)', 'until nobody has heard of it for 2 minutes');
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w1', '1 hour', true)$$, 'VALUES (false)', 'then it is the other''s turn');
UPDATE csdns.sync_turn SET backend = 0;
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w1', '1 hour', true)$$, 'VALUES (true)', 'until its connection ends');
DELETE FROM csdns.sync_turn;
SELECT results_eq('SELECT state, listed, changed, faulty, missing FROM csdns.v_sync_pass', $$VALUES ('complete', 151::bigint, 150::bigint, 1::bigint, 0::bigint)$$, 'people see it');
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w2', '1 hour', false)$$, 'VALUES (false)', 'not again within an hour');
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w2', '0 s', false)$$, 'VALUES (true)', 'but after it');
SELECT csdns.sync_now(true);
SELECT results_eq($$SELECT begin, forced FROM csdns.sync_begin_reconcile('w2', '1 hour', false)$$, 'VALUES (true, true)', 'and when somebody asks');
SELECT results_eq($$SELECT begin, forced FROM csdns.sync_begin_reconcile('w2', '1 hour', false)$$, 'VALUES (false, false)', 'once');
DELETE FROM csdns.sync_turn;
SELECT throws_ok(format('SELECT csdns.sync_page(%s, %L, vms(1, 1))', :pass, :'now'), '55000', NULL, 'an ended pass takes nothing');

-- an answer to an event is newer than a page that was asked for before it
SELECT pass, now FROM csdns.sync_begin_pass('w1', 'instance') \gset
SELECT csdns.sync_ask('instance', u('i', 1)), csdns.sync_ask('instance', u('i', 200)), csdns.sync_ask('instance', u('i', 150));
SELECT csdns.sync_claim('w1', 10, '1 minute');
SELECT csdns.sync_store('w1', jsonb_build_array(
    jsonb_build_object('kind', 'instance', 'uuid', u('i', 1), 'generation', 1, 'entity', vm(1, '{"state": "Stopped"}')),
    jsonb_build_object('kind', 'instance', 'uuid', u('i', 200), 'generation', 1, 'entity', vm(200)),
    jsonb_build_object('kind', 'instance', 'uuid', u('i', 150), 'generation', 1, 'gone', true)));
SELECT results_eq(format('SELECT changed, now IS NOT NULL FROM csdns.sync_page(%s, %L, vms(1, 147) || vm(150))', :pass, :'now'), 'VALUES (0, true)', 'a page from before');
SELECT is((SELECT state FROM csdns.instance WHERE uuid = u('i', 1)), 'Stopped', 'does not undo what was told since');
SELECT is((SELECT removed IS NOT NULL FROM csdns.instance WHERE uuid = u('i', 150)), true, 'nor bring back what is gone');
SELECT results_eq(format('SELECT missing FROM csdns.sync_end_pass(%s, NULL, false)', :pass), 'VALUES (2::bigint)', 'two were not listed, and nobody told of them');
SELECT results_eq($$SELECT uuid FROM csdns.sync_task WHERE reason = 'missing' ORDER BY uuid$$, $$SELECT u('i', g) FROM generate_series(148, 149) g ORDER BY 1$$, 'they are asked for');
SELECT is((SELECT count(*) FROM csdns.instance WHERE removed IS NULL), 150::bigint, 'and not removed');

-- of an answer and a page the one that was asked for later counts
CREATE FUNCTION public.state(n int) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN removed IS NOT NULL THEN 'gone' ELSE state END FROM csdns.instance WHERE uuid = u('i', n) $$;
CREATE FUNCTION public.answer(n int, told jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT outcome FROM csdns.sync_store('w2', (SELECT jsonb_build_array(jsonb_build_object('kind', 'instance', 'uuid', uuid, 'generation', generation) || told)
                                                  FROM csdns.sync_task WHERE uuid = u('i', n))) $$;
CREATE FUNCTION public.state_told(n int, state text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('entity', vm(n, jsonb_build_object('state', state))) $$;
UPDATE csdns.sync_task SET due = 'infinity';
SELECT csdns.sync_ask('instance', u('i', g)) FROM generate_series(2, 5) g;
SELECT csdns.sync_claim('w2', 10, '1 minute');
SELECT pass, now FROM csdns.sync_begin_pass('w1', 'instance') \gset
SELECT is(answer(2, state_told(2, 'Stopped')), 'stored', 'an answer, asked for before a page');
SELECT results_eq(format('SELECT changed FROM csdns.sync_page(%s, %L, vms(2, 3) || vm(4, ''{"name": "a b"}''))', :pass, :'now'), 'VALUES (1)', 'the page');
SELECT is(state(2), 'Running', 'is newer, also when it is stored later');
SELECT is(answer(3, state_told(3, 'Stopped')), 'stored', 'an answer to an older question than a page');
SELECT is(state(3), 'Running', 'does not undo the page');
SELECT is((SELECT count(*) FROM csdns.sync_task WHERE uuid = u('i', 3)), 0::bigint, 'and is not asked for again');
SELECT is(answer(4, state_told(4, 'Stopped')), 'stored', 'but where the page was refused');
SELECT is(state(4), 'Stopped', 'it counts');
SELECT csdns.sync_page(:pass, :'now', vms(5, 5));
SELECT csdns.sync_end_pass(:pass, 'broken off', false);
SELECT is(answer(5, '{"gone": true}'), 'gone', 'an answer that is older than a pass that has ended');
SELECT is(state(5), 'Running', 'removes nothing that it listed');
SELECT csdns.sync_ask('instance', u('i', 5));
SELECT csdns.sync_claim('w2', 10, '1 minute');
SELECT is(answer(5, state_told(5, 'Stopped')), 'stored', 'a later one');
SELECT is(state(5), 'Stopped', 'counts');
DELETE FROM csdns.sync_pass WHERE error = 'broken off';
UPDATE csdns.sync_task SET due = clock_timestamp();

-- not complete: nothing is missing
SELECT pass, now FROM csdns.sync_begin_pass('w1', 'instance') \gset
SELECT csdns.sync_page(:pass, :'now', vms(1, 100));
SELECT results_eq(format('SELECT missing, error FROM csdns.sync_end_pass(%s, %L, false)', :pass, 'an empty page'), $$VALUES (0::bigint, 'an empty page')$$, 'a pass that broke off');
SELECT is(tasks('missing'), 2::bigint, 'asks for nothing more');

-- too much is missing
SELECT pass, now FROM csdns.sync_begin_pass('w1', 'instance') \gset
SELECT csdns.sync_page(:pass, :'now', vms(1, 90));
SELECT matches((SELECT error FROM csdns.sync_end_pass(:pass, NULL, false)), '^60 of 150 are not listed', 'more than a fifth is not believed');
SELECT is(tasks('missing'), 2::bigint, 'nothing is asked for');
UPDATE csdns.sync_pass SET started = started - interval '2 hours' WHERE complete OR error = 'an empty page';
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w1', '1 hour', false)$$, 'VALUES (false)', 'nor listed again before its time: it would be the same');
UPDATE csdns.sync_pass SET started = started - interval '2 hours' WHERE NOT complete AND missing > 0;
UPDATE csdns.sync_pass SET started = now() - interval '4 minutes' WHERE error = 'an empty page';
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w1', '1 hour', false)$$, 'VALUES (false)', 'one that broke off is not repeated at once');
UPDATE csdns.sync_pass SET started = now() - interval '6 minutes' WHERE error = 'an empty page';
SELECT results_eq($$SELECT begin FROM csdns.sync_begin_reconcile('w1', '1 hour', false)$$, 'VALUES (true)', 'but long before its time');
SELECT is((SELECT count(*) FROM csdns.event WHERE type = 'SYNC.PASS.REFUSED'), 1::bigint, 'there is an event');
SELECT pass, now FROM csdns.sync_begin_pass('w1', 'instance') \gset
SELECT csdns.sync_page(:pass, :'now', vms(1, 90));
SELECT results_eq(format('SELECT missing FROM csdns.sync_end_pass(%s, NULL, true)', :pass), 'VALUES (60::bigint)', 'unless it is forced');
SELECT is(tasks('missing'), 60::bigint, 'then they are');

-- placeholders are not missing, accounts are no projects
SELECT pass FROM csdns.sync_begin_pass('w1', 'account') \gset
SELECT results_eq(format('SELECT missing FROM csdns.sync_end_pass(%s, NULL, false)', :pass), 'VALUES (0::bigint)', 'a placeholder is not missing');
-- a key that sees nothing any more
SELECT csdns.upsert_domain(jsonb_build_object('id', u('d', 1), 'name', 'ROOT'));
SELECT pass FROM csdns.sync_begin_pass('w1', 'domain') \gset
SELECT matches((SELECT error FROM csdns.sync_end_pass(:pass, NULL, false)), '^none of 1 is listed', 'a cloud without domains is not believed');
SELECT is(tasks('missing'), 60::bigint, 'no domain is asked for');
SELECT pass FROM csdns.sync_begin_pass('w1', 'domain') \gset
SELECT results_eq(format('SELECT missing FROM csdns.sync_end_pass(%s, NULL, true)', :pass), 'VALUES (1::bigint)', 'unless it is forced');
UPDATE csdns.sync_pass SET complete = false WHERE kind = 'domain';
UPDATE csdns.domain SET placeholder = true;
SELECT is((SELECT last_complete FROM csdns.v_sync), NULL, 'not all kinds were listed');
DELETE FROM csdns.sync_turn;
SELECT clock_timestamp() AS wanted \gset
CREATE FUNCTION public.done_since(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', CASE WHEN begin THEN 'begins' END, CASE WHEN done THEN 'done' END) FROM csdns.sync_begin_reconcile('w2', NULL, true, clock_timestamp() - at) $$;
SELECT csdns.sync_end_pass(pass, NULL, false) FROM unnest(ARRAY['network', 'domain', 'public_address', 'project']) k, csdns.sync_begin_pass('w1', k);
SELECT is(done_since(:'wanted'), 'begins', 'what somebody wants is not done with some kinds');
DELETE FROM csdns.sync_turn;
SELECT csdns.sync_end_pass(pass, NULL, true) FROM unnest(ARRAY['account', 'instance']) k, csdns.sync_begin_pass('w1', k);
SELECT is(done_since(:'wanted'), 'done', 'but with all');
SELECT is(done_since(clock_timestamp()), 'begins', 'unless they were listed before somebody wanted it');
SELECT pass FROM csdns.sync_begin_pass('w2', 'domain') \gset
SELECT csdns.sync_end_pass(:pass, NULL, false, true);
SELECT is_empty('SELECT * FROM csdns.sync_turn', 'with the last pass the turn ends');
SELECT isnt((SELECT last_complete FROM csdns.v_sync), NULL, 'now they were');
SELECT csdns.sync_caught_up('2026-01-01Z', false);
SELECT csdns.sync_caught_up('2025-01-01Z', false);
SELECT results_eq($$SELECT last_at FROM csdns.sync_source WHERE source = 'catchup'$$, $$VALUES ('2026-01-01Z'::timestamptz)$$, 'catching up goes forward');
-- what is refused for another reason than its form
CREATE FUNCTION public.refuse_mars() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no %', NEW.name; END $$;
CREATE TRIGGER refuse_mars BEFORE INSERT ON csdns.account FOR EACH ROW WHEN (NEW.name = 'mars') EXECUTE FUNCTION public.refuse_mars();
CREATE FUNCTION public.project(n int, name text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('id', u('p', n), 'name', name, 'domainid', u('d', 1)) $$;
SELECT pass, now FROM csdns.sync_begin_pass('w1', 'project') \gset
SELECT results_eq(format($$SELECT changed, faulty FROM csdns.sync_page(%s, %L, jsonb_build_array(project(1, 'moon'), project(2, 'mars'), project(3,
                          (SELECT string_agg(md5(g::text), '') FROM generate_series(1, 300) g)), project(4, 'venus')))$$, :pass, :'now'), 'VALUES (2, 2)',
                  'one by a trigger and one with a name that is too long for an index hold up nobody');
SELECT csdns.sync_end_pass(:pass, NULL, false);
DROP TRIGGER refuse_mars ON csdns.account;
SELECT is_empty('SELECT l.pass FROM csdns.sync_listed l WHERE l.pass NOT IN (SELECT max(p.id) FROM csdns.sync_pass p GROUP BY p.kind)',
                'of each kind the last pass is left');
UPDATE csdns.sync_pass SET renewed = renewed - interval '2 hours';
SELECT csdns.sync_begin_pass('w1', 'domain');
SELECT is_empty('SELECT * FROM csdns.sync_listed', 'for an hour');
SELECT * FROM finish();
