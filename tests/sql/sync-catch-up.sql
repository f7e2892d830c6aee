-- From when on the cloud's list of events is read, and how that moves.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.event(source text, id text, n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_array(jsonb_build_object('source', source, 'id', id, 'type', 'VM.START',
                                                'hints', jsonb_build_array(jsonb_build_object('kind', 'instance', 'uuid', u('i', n))))) $$;
CREATE FUNCTION public.mark() RETURNS timestamptz LANGUAGE sql AS $$ SELECT last_at FROM csdns.sync_source WHERE source = 'catchup' $$;

SELECT is((SELECT since FROM csdns.sync_begin_catch_up('1 hour', true)), NULL, 'at first there is nothing to catch up with');
SELECT ok(mark() > now() - interval '1 minute', 'but from now on');
SELECT is((SELECT since FROM csdns.sync_begin_catch_up('1 hour', false)), NULL, 'not again within the interval');
SELECT is((SELECT since FROM csdns.sync_begin_catch_up('1 hour', true)), mark(), 'but at the start');
SELECT is((SELECT since FROM csdns.sync_begin_catch_up('0 s', false)), mark(), 'and after the interval');
SELECT is((SELECT since FROM csdns.sync_begin_catch_up(NULL, false)), NULL, 'without one only at the start');
UPDATE csdns.sync_source SET last_at = now() - interval '2 hours' WHERE source = 'catchup';
SELECT is((SELECT since FROM csdns.sync_begin_catch_up('1 hour', false)), mark(), 'two hours ago');
SELECT is((SELECT outcome FROM csdns.sync_take(event('catchup', 'a', 1))), 'taken', 'an event is taken');
SELECT ok(mark() < now() - interval '1 hour', 'and does not say how far the list has been read');
SELECT is((SELECT outcome FROM csdns.sync_take(event('catchup', 'a', 1))), 'replay', 'once');
SELECT csdns.sync_take(event('webhook', 'b', 2));
SELECT is((SELECT outcome FROM csdns.sync_take(event('catchup', 'b', 2))), 'replay', 'what a webhook brought is not taken again');
SELECT is((SELECT generation FROM csdns.sync_task WHERE uuid = u('i', 2)), 1::bigint, 'nor asked for');
SELECT is((SELECT outcome FROM csdns.sync_take(event('webhook', 'a', 1))), 'taken', 'a webhook that comes late is');
SELECT is((SELECT events FROM csdns.sync_source WHERE source = 'catchup'), 3::bigint, 'counted');
SELECT now() - interval '1 minute' AS until \gset
SELECT csdns.sync_caught_up(:'until', false);
SELECT is(mark(), :'until', 'the end moves it');
SELECT csdns.sync_caught_up(now() - interval '1 hour', false);
SELECT is(mark(), :'until', 'only forwards');
SELECT is((SELECT count(*) FROM csdns.sync_wish), 0::bigint, 'no reconcile');
SELECT csdns.sync_caught_up(now(), true);
SELECT is((SELECT count(*) FROM csdns.sync_wish), 1::bigint, 'one, when the list did not tell all');
UPDATE csdns.sync_source SET last_at = now() - interval '4 days' WHERE source = 'catchup';
DELETE FROM csdns.sync_wish;
SELECT is((SELECT since FROM csdns.sync_begin_catch_up('1 hour', true)), NULL, 'too long ago');
SELECT is((SELECT count(*) FROM csdns.sync_wish), 1::bigint, 'everything is listed instead');
SELECT ok(mark() > now() - interval '1 minute', 'and it goes on from now');
DELETE FROM csdns.sync_source WHERE source = 'catchup';
SELECT is((SELECT since FROM csdns.sync_begin_catch_up('1 hour', true)), (SELECT max(last_at) FROM csdns.sync_source), 'after an update from before there was this: since the last event');
SELECT is(string_agg(format('%s: %s', r, (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'csdns'::regnamespace AND p.proname IN ('sync_begin_catch_up', 'sync_caught_up')
                                        AND has_function_privilege(r, p.oid, 'EXECUTE'))), ', ' ORDER BY r), 'csdns_admin: 0, csdns_cloud: 0, csdns_read: 0, csdns_sync: 2', 'who may')
  FROM unnest(ARRAY['csdns_admin', 'csdns_cloud', 'csdns_read', 'csdns_sync']) r;
SELECT * FROM finish();
