-- The work queue of csdns-sync: taking events, claiming, storing, failing, and several workers at it.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.vm(n int, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', u('i', n), 'name', 'vm' || n, 'account', 'acme', 'domainid', u('d', 1), 'state', 'Running',
        'nic', jsonb_build_array(jsonb_build_object('id', u('n', n), 'networkid', u('w', 1), 'ipaddress', '192.0.2.' || n, 'isdefault', true))) || more $$;
CREATE FUNCTION public.event(id text, kind text, n int, type text DEFAULT 'VM.START') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('source', 'webhook', 'id', id, 'type', type, 'hints',
        jsonb_build_array(jsonb_build_object('kind', kind, 'uuid', u(left(CASE kind WHEN 'instance' THEN 'i' WHEN 'nic' THEN 'n' ELSE kind END, 1), n)))) $$;
CREATE FUNCTION public.take(VARIADIC events jsonb[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(outcome, ' ' ORDER BY at) FROM csdns.sync_take(to_jsonb(events)) $$;
CREATE FUNCTION public.claim(worker text, most int DEFAULT 10, lease interval DEFAULT '1 minute') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(t, ', ' ORDER BY t), '')
      FROM (SELECT concat_ws(' ', kind, CASE uuid WHEN u('i', 1) THEN 'vm1' WHEN u('i', 2) THEN 'vm2' WHEN u('i', 3) THEN 'vm3' ELSE '?' END, generation) AS t
              FROM csdns.sync_claim(worker, most, lease)) AS c $$;
CREATE FUNCTION public.store(worker text, VARIADIC answers jsonb[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat_ws(' ', outcome, error), ', ' ORDER BY kind, uuid) FROM csdns.sync_store(worker, to_jsonb(answers)) $$;
CREATE FUNCTION public.answer(n int, generation bigint, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('kind', 'instance', 'uuid', u('i', n), 'generation', generation, 'entity', vm(n, more)) $$;
CREATE FUNCTION public.task(n int) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', generation, attempts, worker, CASE WHEN due > clock_timestamp() THEN 'later' ELSE 'due' END)
      FROM csdns.sync_task WHERE kind = 'instance' AND uuid = u('i', n) $$;
INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE');
SELECT csdns.upsert_account(jsonb_build_object('id', u('a', 1), 'name', 'acme', 'domainid', u('d', 1), 'networkdomain', 'acme.test'));
SELECT csdns.upsert_domain(jsonb_build_object('id', u('d', 1), 'name', 'ROOT'));
SELECT csdns.upsert_network(jsonb_build_object('id', u('w', 1), 'name', 'net', 'type', 'Shared'));
CREATE FUNCTION public.names() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(name || ' ' || content, ', ' ORDER BY name), '') FROM records WHERE type = 'A' $$;

-- taking
SELECT is(take(event('e1', 'instance', 1), event('e2', 'instance', 1), event('e3', 'instance', 2)), 'taken taken taken', 'three events');
SELECT results_eq('SELECT count(*) FROM csdns.sync_task', 'VALUES (2::bigint)', 'of two instances are two tasks');
SELECT is(take(event('e1', 'instance', 1), event('e4', 'instance', 3), event('e4', 'instance', 3)), 'replay taken replay', 'a replay is told, also in one batch');
SELECT is(task(1), '1 0 due', 'and moves nothing');
SELECT is(take(event('e1', 'instance', 1) || '{"source": "kafka"}'), 'taken', 'ids are those of a source');
SELECT is(task(1), '2 0 due', 'a further event moves the generation');
SELECT is(take(event('x', 'instance', 1) - 'id', event('x', 'instance', 1) - 'id'), 'taken taken', 'without id nothing is a replay');
SELECT results_eq('SELECT source, events FROM csdns.sync_source ORDER BY source', $$VALUES ('kafka', 1::bigint), ('webhook', 8)$$, 'sources are counted');
SELECT throws_ok($$SELECT take(event('e9', 'volume', 1))$$, '23514', NULL, 'an unknown kind is refused');
SELECT is(take(event('e9', 'instance', 3)), 'taken', 'and so is not seen');

-- claiming
SELECT is(claim('w1', 1), 'instance vm1 3', 'one is claimed, the one that waits longest');
SELECT is(claim('w2'), 'instance vm2 1, instance vm3 2', 'another worker gets the others');
SELECT is(claim('w1'), '', 'no more for anybody');
SELECT is(store('w2', answer(1, 3)), 'lost', 'who does not have the task does not store');
SELECT is(names(), '', 'nothing is there');
SELECT is(store('w1', answer(1, 3)), 'stored', 'who has it does');
SELECT is(names(), 'vm1.acme.test 192.0.2.1', 'the facts mean a record');
SELECT is(task(1), NULL, 'the task is done');

-- an event while it is asked for
SELECT take(event('e10', 'instance', 2));
SELECT is(task(2), '2 0 w2 later', 'the worker keeps it');
SELECT is(store('w2', answer(2, 1)), 'stored', 'what it has is stored');
SELECT is(task(2), '2 0 due', 'and it is asked for again');

-- failing
SELECT is(csdns.sync_fail('w2', jsonb_build_array(jsonb_build_object('kind', 'instance', 'uuid', u('i', 3), 'error', 'HTTP 503'))), 1, 'one fails');
SELECT is(task(3), '2 1 later', 'and waits');
SELECT results_eq('SELECT name, attempts, last_error FROM csdns.v_sync_failing', $$VALUES (NULL::text, 1, 'HTTP 503')$$, 'people see it');
SELECT is(claim('w2'), 'instance vm2 2', 'others go on');
SELECT take(event('e11', 'instance', 3));
SELECT is(task(3), '3 1 due', 'a new event has it asked for at once');
SELECT csdns.sync_claim('w2', 10, '1 minute');
SELECT is(csdns.sync_fail('w2', jsonb_build_array(jsonb_build_object('kind', 'instance', 'uuid', u('i', 3), 'generation', 2, 'error', 'HTTP 503'))), 1, 'it fails again');
SELECT is(task(3), '3 2 due', 'what came while it was asked for is asked for at once');
UPDATE csdns.sync_task SET attempts = 1 WHERE uuid = u('i', 3);
SELECT csdns.sync_claim('w2', 10, '1 minute');
SELECT is(csdns.sync_fail('w2', jsonb_build_array(jsonb_build_object('kind', 'instance', 'uuid', u('i', 3), 'generation', 3, 'error', 'HTTP 503'))), 1, 'and again');
SELECT is(task(3), '3 2 later', 'with no event meanwhile it waits');
UPDATE csdns.sync_task SET due = clock_timestamp() WHERE uuid = u('i', 3);
SELECT ok(csdns.sync_pause(1) BETWEEN '0.7 s' AND '1.3 s' AND csdns.sync_pause(4) BETWEEN '5.9 s' AND '10.1 s' AND csdns.sync_pause(99) BETWEEN '449 s' AND '751 s',
          'pauses grow, to ten minutes');

-- the lease
SELECT is(claim('w1', 10, '-1 s'), 'instance vm3 3', 'a worker takes it and dies');
SELECT is(claim('w2'), 'instance vm3 3', 'another takes it over');
SELECT is(store('w1', answer(3, 3)), 'lost', 'the first one is too late');
SELECT is(csdns.sync_renew('w2', '2 minutes'), 2, 'a lease is prolonged');
SELECT is(csdns.sync_renew('w2', '1 hour', jsonb_build_array(jsonb_build_object('kind', 'instance', 'uuid', u('i', 3)))), 1, 'or that of what is in hand');
SELECT results_eq($$SELECT uuid = u('i', 3), due > clock_timestamp() + interval '30 minutes' FROM csdns.sync_task WHERE worker = 'w2' ORDER BY 1$$,
                  'VALUES (false, false), (true, true)', 'and of nothing else');
SELECT is(csdns.sync_release('w2'), 2, 'and given back');
SELECT is(claim('w3'), 'instance vm2 2, instance vm3 3', 'for the next');

-- a bad one among good ones
SELECT is(store('w3', answer(2, 2, '{"name": "vm two"}'), answer(3, 3)),
          'stored, failed instance ' || u('i', 2) || ' ("vm two"): name has a space', 'the good one is stored, the bad one waits')
  WHERE u('i', 3) < u('i', 2);
SELECT is(store('w3', answer(2, 2, '{"name": "vm two"}'), answer(3, 3)),
          'failed instance ' || u('i', 2) || ' ("vm two"): name has a space, stored', 'the good one is stored, the bad one waits')
  WHERE u('i', 3) > u('i', 2);
SELECT is(task(2), '2 1 later', 'with its error');
SELECT take(event('e12a', 'instance', 2));
SELECT csdns.sync_claim('w3', 10, '1 minute');
SELECT take(event('e12b', 'instance', 2));
SELECT matches(store('w3', answer(2, 3, '{"name": "vm two"}')), '^failed', 'it is bad again');
SELECT is(task(2), '4 2 due', 'but an event came meanwhile: it is asked for at once');
UPDATE csdns.sync_task SET due = 'infinity' WHERE uuid = u('i', 2);
SELECT is(names(), 'vm1.acme.test 192.0.2.1, vm2.acme.test 192.0.2.2, vm3.acme.test 192.0.2.3', 'the facts from before stay');

-- gone
SELECT take(event('e12', 'instance', 3), event('e13', 'nic', 1), event('e14', 'nic', 99));
SELECT is(claim('w1'), 'instance vm1 1, instance vm3 1', 'a NIC stands for its instance, an unknown one for nothing');
SELECT is(store('w1', jsonb_build_object('kind', 'instance', 'uuid', u('i', 3), 'generation', 1, 'gone', true)), 'gone', 'one is gone');
SELECT is(names(), 'vm1.acme.test 192.0.2.1, vm2.acme.test 192.0.2.2', 'and its name');
SELECT is(store('w1', jsonb_build_object('kind', 'instance', 'uuid', u('i', 1), 'generation', 1, 'gone', true)), 'gone', 'another');

-- what is referred to is asked for
SELECT take(event('e15', 'instance', 5));
SELECT csdns.sync_claim('w1', 10, '1 minute');
SELECT is(store('w1', answer(5, 1, jsonb_build_object('account', 'other', 'domainid', u('d', 9)))), 'stored', 'an instance of an unknown account');
SELECT results_eq($$SELECT kind, reason, hint ->> 'name' FROM csdns.sync_task WHERE reason = 'refer' ORDER BY kind$$,
                  $$VALUES ('account', 'refer', 'other'), ('domain', 'refer', NULL)$$, 'account and domain are asked for');
SELECT is(csdns.upsert_project(jsonb_build_object('id', u('p', 1), 'name', 'moon', 'domainid', u('d', 1))), 1, 'a project');
SELECT is(csdns.upsert_project(jsonb_build_object('id', u('p', 1), 'name', 'moon', 'domainid', u('d', 1))), 0, 'twice is once');
SELECT results_eq($$SELECT name, is_project, placeholder FROM csdns.account WHERE uuid = u('p', 1)$$, $$VALUES ('moon', true, false)$$, 'is an account');

-- NICs that nobody knows yet
SELECT take(event('s1', 'nic', 7), event('s2', 'nic', 8) || jsonb_build_object('hints', jsonb_build_array(
    jsonb_build_object('kind', 'nic', 'uuid', u('n', 8)), jsonb_build_object('kind', 'instance', 'uuid', u('i', 8)))));
SELECT results_eq($$SELECT uuid FROM csdns.sync_stray ORDER BY uuid$$, $$SELECT uuid FROM (VALUES (u('n', 7)), (u('n', 99))) v (uuid) ORDER BY 1$$,
                  'a NIC that comes without its instance is kept');
SELECT is((SELECT count(*) FROM csdns.sync_task WHERE uuid IN (u('i', 7), u('n', 7))), 0::bigint, 'nobody is asked for, and not the NIC itself');
SELECT csdns.upsert_instance(vm(7));
SELECT ok(EXISTS (SELECT FROM csdns.sync_claim('w7', 100, '1 minute') WHERE uuid = u('i', 7)), 'until it is known whose it is: what is known may be from before the event');
SELECT results_eq('SELECT uuid FROM csdns.sync_stray', $$VALUES (u('n', 99))$$, 'once');
-- an answer and a page look for their own, a claim looks at what is due
CREATE FUNCTION public.asked_again(n int) RETURNS boolean LANGUAGE sql AS $$ SELECT EXISTS (SELECT FROM csdns.sync_task WHERE uuid = u('i', n) AND reason = 'nic') $$;
SELECT take(event('s3', 'nic', 10), event('s4', 'nic', 11), event('s5', 'nic', 12), event('s6', 'instance', 10));
SELECT count(*) FROM csdns.sync_claim('w7', 100, '1 minute');
SELECT is(store('w7', answer(10, 1)), 'stored', 'an instance whose NIC an event told of while it was asked for');
SELECT ok(asked_again(10), 'is asked for again');
SELECT pass, now FROM csdns.sync_begin_pass('w7', 'instance') \gset
SELECT changed FROM csdns.sync_page(:pass, :'now', jsonb_build_array(vm(11)));
SELECT ok(asked_again(11), 'so is one that a page tells of');
SELECT csdns.upsert_instance(vm(12));
SELECT count(*) FROM csdns.sync_claim('w7', 100, '1 minute');
SELECT ok(NOT asked_again(12), 'a claim looks once at what nobody knows');
UPDATE csdns.sync_stray SET due = due - interval '4 minutes';
SELECT count(*) FROM csdns.sync_claim('w7', 100, '1 minute');
SELECT ok(asked_again(12), 'once more after 4 minutes');
SELECT results_eq('SELECT uuid FROM csdns.sync_stray', $$VALUES (u('n', 99))$$, 'only what nobody knows is kept');
UPDATE csdns.sync_stray SET at = now() - interval '2 hours', due = now() - interval '1 hour';
SELECT count(*) FROM csdns.sync_claim('w7', 100, '1 minute');
SELECT is_empty('SELECT * FROM csdns.sync_stray', 'what stays unknown is forgotten');
-- however many a sender makes up
CREATE FUNCTION public.make_up(a int, b int) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM csdns.sync_take((SELECT jsonb_agg(event('m' || g, 'nic', g)) FROM generate_series(a, b) g)) $$;
SELECT make_up(1001, 1030), make_up(1031, 11030);
SELECT results_eq($$SELECT count(*), bool_or(uuid = u('n', 1001)), bool_or(uuid = u('n', 11030)) FROM csdns.sync_stray$$, 'VALUES (10000::bigint, false, true)',
                  '10000 are kept, the oldest go first');
SELECT take(event('m', 'nic', 1040));
SELECT make_up(12001, 21000);
SELECT ok(EXISTS (SELECT FROM csdns.sync_stray WHERE uuid = u('n', 1040)), 'one that is told of again is new');
DELETE FROM csdns.sync_stray;
DELETE FROM csdns.sync_task WHERE worker = 'w7' OR reason = 'nic';

-- an answer to whoever sends events says that they are durable
SET synchronous_commit = off;
SELECT is((SELECT current_setting('synchronous_commit') FROM (SELECT count(*) FROM csdns.sync_take('[]')) AS t), 'local', 'events are on the disk when they are committed');
SET synchronous_commit = 'remote_write';
SELECT is((SELECT current_setting('synchronous_commit') FROM (SELECT count(*) FROM csdns.sync_take('[]')) AS t), 'remote_write', 'or more than that');
RESET synchronous_commit;

-- by hand, and old things
SELECT csdns.sync_ask('network', u('w', 1));
SELECT results_eq($$SELECT source, name, state FROM csdns.v_sync_task WHERE kind = 'network'$$, $$VALUES ('hand', 'net', 'waiting')$$, 'asked for by hand');
UPDATE csdns.sync_seen SET at = now() - interval '4 days' WHERE event_id = 'e1';
SELECT take(event('e16', 'instance', 1));
SELECT is((SELECT count(*) FROM csdns.sync_seen WHERE event_id = 'e1'), 0::bigint, 'old ids are forgotten');
SELECT throws_ok($$UPDATE csdns.setting SET value = '-1 day' WHERE name = 'sync_seen_retention'$$, '23514', NULL, 'not before they are old');

-- who may
CREATE ROLE q_sync LOGIN IN ROLE csdns_sync;
CREATE ROLE q_cloud LOGIN IN ROLE csdns_cloud;
CREATE ROLE q_admin LOGIN IN ROLE csdns_admin;
SET ROLE q_sync;
SELECT lives_ok($$SELECT csdns.sync_take('[]'), csdns.sync_claim('w', 1, '1 s'), csdns.sync_store('w', '[]'), csdns.sync_now()$$, 'csdns-sync works');
SELECT throws_ok($$DELETE FROM csdns.sync_task$$, '42501', NULL, 'through functions only');
SELECT throws_ok($$SELECT csdns.put_tasks('[]')$$, '42501', NULL, 'those that are meant for it');
SET ROLE q_cloud;
SELECT throws_ok($$SELECT csdns.sync_take('[]')$$, '42501', NULL, 'writers of facts take no events');
SELECT lives_ok($$SELECT * FROM csdns.v_sync, csdns.v_sync_task, csdns.v_sync_pass$$, 'but look');
SET ROLE q_admin;
SELECT lives_ok($$SELECT csdns.sync_now(true), csdns.sync_ask('instance', gen_random_uuid())$$, 'administrators ask for more');
SELECT throws_ok($$SELECT csdns.sync_claim('w', 1, '1 s')$$, '42501', NULL, 'and leave the work to csdns-sync');
RESET ROLE;
SELECT is_empty('SELECT * FROM csdns.drift', 'no drift');

-- failures of an entity, and of the API as a whole
CREATE FUNCTION public.pause_after(attempts int, passing boolean) RETURNS interval LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO csdns.sync_task (kind, uuid, source, reason, worker, attempts) VALUES ('instance', u('i', 99), 'webhook', 'x', 'w9', pause_after.attempts)
        ON CONFLICT (kind, uuid) DO UPDATE SET worker = 'w9', attempts = excluded.attempts;
    PERFORM csdns.sync_fail('w9', jsonb_build_array(jsonb_build_object('kind', 'instance', 'uuid', u('i', 99), 'error', 'x', 'passing', passing)));
    RETURN (SELECT t.due - clock_timestamp() FROM csdns.sync_task t WHERE t.uuid = u('i', 99));
END
$$;
SELECT cmp_ok(pause_after(8, NULL), '>', interval '3 minutes', 'what fails by itself again and again waits long');
SELECT cmp_ok(pause_after(8, true), '<', interval '11 s', 'while the API does not answer nobody waits long');
SELECT cmp_ok(pause_after(0, true), '<', interval '2 s', 'and shortly at first');
DELETE FROM csdns.sync_task WHERE uuid = u('i', 99);
SELECT * FROM finish();
DROP ROLE q_sync, q_cloud, q_admin;
