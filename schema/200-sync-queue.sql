-- The work of csdns-sync: which entities of the cloud are to be asked for.  An event is a hint and no more; however many come for an entity,
-- there is one row, and the cloud's API is asked what the entity looks like now.  Several csdns-sync share the queue.

CREATE TABLE IF NOT EXISTS csdns.sync_task (
    kind       text NOT NULL,
    uuid       uuid NOT NULL,
    generation bigint NOT NULL DEFAULT 1,
    since      timestamptz NOT NULL DEFAULT clock_timestamp(),
    due        timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker     text,
    attempts   int NOT NULL DEFAULT 0,
    last_error text,
    source     text NOT NULL,
    reason     text NOT NULL,
    hint       jsonb,
    PRIMARY KEY (kind, uuid),
    CONSTRAINT kind_is_known CHECK (kind IN ('instance', 'network', 'account', 'domain', 'public_address', 'project'))
) WITH (fillfactor = 60, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE csdns.sync_task ADD COLUMN IF NOT EXISTS asked timestamptz;
CREATE INDEX IF NOT EXISTS sync_task_due_idx ON csdns.sync_task (due);
CREATE INDEX IF NOT EXISTS sync_task_worker_idx ON csdns.sync_task (worker) WHERE worker IS NOT NULL;
COMMENT ON TABLE csdns.sync_task IS 'Entities of the cloud that csdns-sync still has to ask for.';
COMMENT ON COLUMN csdns.sync_task.kind IS 'instance, network, account, domain, public_address or project.';
COMMENT ON COLUMN csdns.sync_task.uuid IS 'CloudStack''s uuid.';
COMMENT ON COLUMN csdns.sync_task.generation IS 'Moves with each event, so that one that comes while the entity is being asked for is not lost.';
COMMENT ON COLUMN csdns.sync_task.since IS 'When the first event came that is not handled yet.';
COMMENT ON COLUMN csdns.sync_task.due IS 'When it may be taken: now, after a pause, or when its worker''s lease is over.';
COMMENT ON COLUMN csdns.sync_task.worker IS 'csdns-sync that has it in hand, or NULL.';
COMMENT ON COLUMN csdns.sync_task.attempts IS 'How often it failed in a row.';
COMMENT ON COLUMN csdns.sync_task.last_error IS 'Why it failed last.';
COMMENT ON COLUMN csdns.sync_task.source IS 'Where the last hint came from: webhook, kafka, rabbitmq, catchup, reconcile, hand, refer.';
COMMENT ON COLUMN csdns.sync_task.reason IS 'What the last hint was: the type of the event, missing (a complete pass did not list it), refer (something refers to it), nic (an event told of a NIC of it before it was known).';
COMMENT ON COLUMN csdns.sync_task.hint IS 'What the event itself told of the entity, or how to find it where its uuid is not known.';
COMMENT ON COLUMN csdns.sync_task.asked IS 'When it was claimed last: the question to the API is from after that, and so is what it answers.';

CREATE TABLE IF NOT EXISTS csdns.sync_seen (
    source   text NOT NULL,
    event_id text NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, event_id)
);
CREATE INDEX IF NOT EXISTS sync_seen_at_idx ON csdns.sync_seen (at);
COMMENT ON TABLE csdns.sync_seen IS 'Events that were taken, so that a replay does nothing. Pruned by age (setting sync_seen_retention).';
COMMENT ON COLUMN csdns.sync_seen.source IS 'Where it came from.';
COMMENT ON COLUMN csdns.sync_seen.event_id IS 'Its id there.';
COMMENT ON COLUMN csdns.sync_seen.at IS 'When it was taken.';

CREATE TABLE IF NOT EXISTS csdns.sync_source (
    source  text PRIMARY KEY,
    last_at timestamptz NOT NULL,
    events  bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE csdns.sync_source IS 'When each source of events was last heard of.';
COMMENT ON COLUMN csdns.sync_source.source IS 'Source; catchup: until when the cloud''s own list of events has been read.';
COMMENT ON COLUMN csdns.sync_source.last_at IS 'When.';
COMMENT ON COLUMN csdns.sync_source.events IS 'How many events came from it.';

CREATE UNLOGGED TABLE IF NOT EXISTS csdns.sync_told (
    kind text NOT NULL,
    uuid uuid NOT NULL,
    at   timestamptz NOT NULL,
    PRIMARY KEY (kind, uuid)
) WITH (fillfactor = 60);
CREATE INDEX IF NOT EXISTS sync_told_at_idx ON csdns.sync_told (at);
COMMENT ON TABLE csdns.sync_told IS 'When what was stored as the answer to an event had been asked for: pages of a pass that were asked for before do not undo it.';
COMMENT ON COLUMN csdns.sync_told.kind IS 'As in csdns.sync_task.';
COMMENT ON COLUMN csdns.sync_told.uuid IS 'CloudStack''s uuid.';
COMMENT ON COLUMN csdns.sync_told.at IS 'When.';

CREATE TABLE IF NOT EXISTS csdns.sync_part (
    uuid     uuid PRIMARY KEY,
    instance uuid NOT NULL
);
CREATE INDEX IF NOT EXISTS sync_part_instance_idx ON csdns.sync_part (instance);
COMMENT ON TABLE csdns.sync_part IS 'Secondary addresses of instances: an event tells only their uuid.';
COMMENT ON COLUMN csdns.sync_part.uuid IS 'Of the secondary address.';
COMMENT ON COLUMN csdns.sync_part.instance IS 'Instance that has it.';

CREATE TABLE IF NOT EXISTS csdns.sync_stray (
    uuid uuid PRIMARY KEY,
    at   timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
ALTER TABLE csdns.sync_stray ADD COLUMN IF NOT EXISTS due timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE csdns.sync_stray ADD COLUMN IF NOT EXISTS id bigint GENERATED BY DEFAULT AS IDENTITY;
CREATE INDEX IF NOT EXISTS sync_stray_due_idx ON csdns.sync_stray (due);
CREATE INDEX IF NOT EXISTS sync_stray_id_idx ON csdns.sync_stray (id);
COMMENT ON TABLE csdns.sync_stray IS 'NICs and secondary addresses that events told of before anybody knew whose they are: the API lists them by instance alone. Forgotten after an hour, or when 10000 newer ones are there.';
COMMENT ON COLUMN csdns.sync_stray.uuid IS 'Of the NIC or secondary address.';
COMMENT ON COLUMN csdns.sync_stray.at IS 'When an event last told of it.';
COMMENT ON COLUMN csdns.sync_stray.due IS 'When a claim looks next whose it is: at once, after 4 minutes, and after an hour for the last time. In between whoever stores an instance looks for its own.';
COMMENT ON COLUMN csdns.sync_stray.id IS 'Number, rising with each event: the lowest are the oldest.';

INSERT INTO csdns.setting (name, value, description) VALUES
    ('sync_seen_retention', '3 days', 'How long ids of events are remembered (csdns.sync_seen), an interval: a replay within that time does nothing.')
    ON CONFLICT (name) DO NOTHING;

-- Oldest first; rows that somebody else is deleting are left to them.
CREATE OR REPLACE FUNCTION csdns.prune_sync(most bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    before timestamptz := clock_timestamp() - (SELECT s.value::interval FROM setting s WHERE s.name = 'sync_seen_retention');
    long_ago timestamptz := clock_timestamp() - interval '1 day';    -- a variable: clock_timestamp() itself is no index condition
BEGIN
    DELETE FROM sync_seen s
     USING (SELECT o.source, o.event_id FROM sync_seen o WHERE o.at < before ORDER BY o.at LIMIT most FOR UPDATE SKIP LOCKED) AS o
     WHERE s.source = o.source AND s.event_id = o.event_id;
    DELETE FROM sync_told t
     USING (SELECT o.kind, o.uuid FROM sync_told o WHERE o.at < long_ago ORDER BY o.at LIMIT most FOR UPDATE SKIP LOCKED) AS o
     WHERE t.kind = o.kind AND t.uuid = o.uuid;
END
$$;

-- Everybody locks tasks in the order of their keys.
CREATE OR REPLACE FUNCTION csdns.put_tasks(hints jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    put int;
BEGIN
    INSERT INTO sync_task AS t (kind, uuid, source, reason, hint)
        SELECT DISTINCT ON (h.kind, h.uuid) h.kind, h.uuid, left(h.source, 40), left(h.reason, 100), h.hint
          FROM ROWS FROM (jsonb_to_recordset(hints) AS (kind text, uuid uuid, source text, reason text, hint jsonb)) WITH ORDINALITY
               AS h (kind, uuid, source, reason, hint, at)
         ORDER BY h.kind, h.uuid, h.hint IS NULL, h.at DESC
        ON CONFLICT (kind, uuid) DO UPDATE SET generation = t.generation + 1, source = excluded.source, reason = excluded.reason,
            due = CASE WHEN t.worker IS NULL THEN least(t.due, excluded.due) ELSE t.due END, hint = coalesce(excluded.hint, t.hint);
    GET DIAGNOSTICS put = ROW_COUNT;
    RETURN put;
END
$$;

-- Strays whose instance is known by now: it may have been asked for before the event that told of them.  Without instances those that are due,
-- however many there are beside them; else the instances' own, which are stored by now.
-- Whoever stores an instance while the event is being taken sees no stray, and the event no instance: that is what is looked at after 4 minutes,
-- when statements from then have ended.
CREATE OR REPLACE FUNCTION csdns.ask_for_strays(instances uuid[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    this_moment timestamptz := clock_timestamp();
    found uuid[];
BEGIN
    IF instances IS NULL THEN
        WITH looked AS MATERIALIZED (
            SELECT o.uuid, o.at, coalesce(n.instance, p.instance) AS instance
              FROM (SELECT s.uuid, s.at FROM sync_stray s WHERE s.due <= this_moment ORDER BY s.due LIMIT 1000 FOR UPDATE SKIP LOCKED) AS o
              LEFT JOIN nic n ON n.uuid = o.uuid LEFT JOIN sync_part p ON p.uuid = o.uuid
        ), later AS (
            UPDATE sync_stray s SET due = l.at + CASE WHEN l.at + interval '4 minutes' > this_moment THEN interval '4 minutes' ELSE interval '1 hour' END
              FROM looked l WHERE s.uuid = l.uuid AND l.instance IS NULL AND l.at + interval '1 hour' > this_moment
        ), ended AS (
            DELETE FROM sync_stray s USING looked l WHERE s.uuid = l.uuid AND (l.instance IS NOT NULL OR l.at + interval '1 hour' <= this_moment)
        )
        SELECT array_agg(DISTINCT l.instance) INTO found FROM looked l WHERE l.instance IS NOT NULL;
    ELSE
        WITH ended AS (
            DELETE FROM sync_stray s
             USING (SELECT o.uuid, k.instance
                      FROM (SELECT n.uuid, n.instance FROM nic n WHERE n.instance = ANY (instances)
                            UNION SELECT p.uuid, p.instance FROM sync_part p WHERE p.instance = ANY (instances)) AS k
                      JOIN sync_stray o ON o.uuid = k.uuid
                       FOR UPDATE OF o SKIP LOCKED) AS l
             WHERE s.uuid = l.uuid
            RETURNING l.instance
        )
        SELECT array_agg(DISTINCT e.instance) INTO found FROM ended e;
    END IF;
    IF found IS NOT NULL THEN
        PERFORM put_tasks((SELECT jsonb_agg(jsonb_build_object('kind', 'instance', 'uuid', f, 'source', 'refer', 'reason', 'nic')) FROM unnest(found) AS f));
        PERFORM pg_notify('csdns_sync', 'task');
    END IF;
END
$$;
DO $$
BEGIN
    IF to_regprocedure('csdns.ask_for_strays()') IS NOT NULL THEN       -- from before `instances`
        DROP FUNCTION csdns.ask_for_strays();
    END IF;
END
$$;

-- A sender of many unknown ones costs no more than this: 10000, the oldest go first.  Each event has a number, so that nobody has to count.
CREATE OR REPLACE FUNCTION csdns.trim_strays() RETURNS void
LANGUAGE sql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
    DELETE FROM sync_stray s
     USING (SELECT o.uuid FROM sync_stray o WHERE o.id <= (SELECT max(m.id) FROM sync_stray m) - 10000 ORDER BY o.id FOR UPDATE SKIP LOCKED) AS o
     WHERE s.uuid = o.uuid
$$;

CREATE OR REPLACE FUNCTION csdns.sync_take(events jsonb) RETURNS TABLE (at int, outcome text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    fresh int[];
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN       -- whoever sent them forgets them now
        PERFORM set_config('synchronous_commit', 'local', true);
    END IF;
    WITH told AS (
        SELECT DISTINCT ON (e.source, e.id) e.source, e.id, e.at
          FROM ROWS FROM (jsonb_to_recordset(events) AS (source text, id text)) WITH ORDINALITY AS e (source, id, at)
         WHERE e.id IS NOT NULL
         ORDER BY e.source, e.id, e.at
    ), put AS (
        INSERT INTO sync_seen (source, event_id)
            SELECT told.source, told.id FROM told
             WHERE told.source <> 'catchup' OR NOT EXISTS (SELECT FROM sync_seen s WHERE s.source = 'webhook' AND s.event_id = told.id)
             ORDER BY told.source, told.id
        ON CONFLICT DO NOTHING RETURNING source, event_id
    )
    SELECT array_agg(told.at) INTO fresh FROM put JOIN told ON told.source = put.source AND told.id = put.event_id;
    fresh := coalesce(fresh, '{}') || ARRAY(SELECT e.at FROM ROWS FROM (jsonb_to_recordset(events) AS (id text)) WITH ORDINALITY AS e (id, at) WHERE e.id IS NULL);
    -- before tasks: who asks for strays takes both in this order
    INSERT INTO sync_stray AS s (uuid)
        SELECT DISTINCT h.uuid
          FROM ROWS FROM (jsonb_to_recordset(events) AS (hints jsonb)) WITH ORDINALITY AS e (hints, at)
         CROSS JOIN LATERAL jsonb_to_recordset(e.hints) AS h (kind text, uuid uuid)
         WHERE e.at = ANY (fresh) AND h.kind = 'nic' AND NOT e.hints @> '[{"kind": "instance"}]'
           AND NOT EXISTS (SELECT FROM nic n WHERE n.uuid = h.uuid) AND NOT EXISTS (SELECT FROM sync_part p WHERE p.uuid = h.uuid)
         ORDER BY h.uuid
        ON CONFLICT (uuid) DO UPDATE SET at = excluded.at, due = excluded.due, id = excluded.id;
    IF FOUND THEN
        PERFORM trim_strays();
    END IF;
    PERFORM put_tasks(coalesce((
        SELECT jsonb_agg(jsonb_build_object('kind', CASE h.kind WHEN 'nic' THEN 'instance' ELSE h.kind END, 'uuid', coalesce(n.instance, p.instance, h.uuid),
                                            'source', e.source, 'reason', e.type, 'hint', h.hint))
          FROM ROWS FROM (jsonb_to_recordset(events) AS (source text, type text, hints jsonb)) WITH ORDINALITY AS e (source, type, hints, at)
         CROSS JOIN LATERAL jsonb_to_recordset(e.hints) AS h (kind text, uuid uuid, hint jsonb)
          LEFT JOIN nic n ON h.kind = 'nic' AND n.uuid = h.uuid
          LEFT JOIN sync_part p ON h.kind = 'nic' AND p.uuid = h.uuid
         WHERE e.at = ANY (fresh) AND (h.kind <> 'nic' OR coalesce(n.uuid, p.uuid) IS NOT NULL)), '[]'));
    INSERT INTO sync_source AS s (source, last_at, events)
        -- catchup: see csdns.sync_caught_up
        SELECT e.source, CASE WHEN e.source = 'catchup' THEN '-infinity' ELSE clock_timestamp() END, count(*)
          FROM jsonb_to_recordset(events) AS e (source text) GROUP BY e.source ORDER BY e.source
        ON CONFLICT (source) DO UPDATE SET last_at = greatest(s.last_at, excluded.last_at), events = s.events + excluded.events;
    PERFORM prune_sync(2 * jsonb_array_length(events) + 16);
    PERFORM pg_notify('csdns_sync', 'task');
    RETURN QUERY SELECT n, CASE WHEN n = ANY (fresh) THEN 'taken' ELSE 'replay' END FROM generate_series(1, jsonb_array_length(events)) AS n;
END
$$;
COMMENT ON FUNCTION csdns.sync_take(jsonb) IS
    'Takes events, an array of {source, id, type, hints: [{kind, uuid, hint}]}: puts the entities that they are about into csdns.sync_task, all or nothing, and notifies csdns_sync. Kind nic stands for the instance that has the NIC or secondary address; one that nobody knows and that comes without an instance is kept in csdns.sync_stray, for an hour and up to 10000 of them. Durable when it is committed, whatever synchronous_commit says. Answers for each event, by its number from 1: taken, or replay where source and id were seen before, or a webhook brought what catchup reads; an event without id is always taken.';

CREATE OR REPLACE FUNCTION csdns.sync_claim(worker text, most int, lease interval)
RETURNS TABLE (kind text, uuid uuid, generation bigint, attempts int, hint jsonb, reason text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
#variable_conflict use_column
DECLARE
    this_moment timestamptz;
BEGIN
    this_moment := clock_timestamp();
    IF EXISTS (SELECT FROM sync_stray s WHERE s.due <= this_moment) THEN
        PERFORM ask_for_strays();
        this_moment := clock_timestamp();
    END IF;
    RETURN QUERY
        UPDATE sync_task t SET worker = sync_claim.worker, due = this_moment + lease, asked = this_moment
          FROM (SELECT o.kind, o.uuid FROM sync_task o WHERE o.due <= this_moment ORDER BY o.due LIMIT most FOR UPDATE SKIP LOCKED) AS o
         WHERE t.kind = o.kind AND t.uuid = o.uuid
        RETURNING t.kind, t.uuid, t.generation, t.attempts, t.hint, t.reason;
END
$$;
COMMENT ON FUNCTION csdns.sync_claim(text, int, interval) IS
    'Takes up to so many tasks that are due, the longest due first, for a worker and a time; after that time anybody may take them over.';

-- The one with two arguments is from before `held`.
DO $$
BEGIN
    IF to_regprocedure('csdns.sync_renew(text, interval)') IS NOT NULL THEN
        DROP FUNCTION csdns.sync_renew(text, interval);
    END IF;
END
$$;
CREATE OR REPLACE FUNCTION csdns.sync_renew(worker text, lease interval, held jsonb DEFAULT NULL) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    renewed int;
BEGIN
    UPDATE sync_task t SET due = clock_timestamp() + lease
      FROM (SELECT o.kind, o.uuid FROM sync_task o
             WHERE o.worker = sync_renew.worker
               AND (held IS NULL OR (o.kind, o.uuid) IN (SELECT h.kind, h.uuid FROM jsonb_to_recordset(held) AS h (kind text, uuid uuid)))
             ORDER BY o.kind, o.uuid FOR UPDATE SKIP LOCKED) AS o
     WHERE t.kind = o.kind AND t.uuid = o.uuid AND t.worker = sync_renew.worker;
    GET DIAGNOSTICS renewed = ROW_COUNT;
    RETURN renewed;
END
$$;
COMMENT ON FUNCTION csdns.sync_renew(text, interval, jsonb) IS
    'Prolongs what a worker has in hand, an array of {kind, uuid}, or NULL for all that it claimed. Returns how many tasks that are.';

CREATE OR REPLACE FUNCTION csdns.sync_release(worker text) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    released int;
BEGIN
    UPDATE sync_task t SET worker = NULL, due = clock_timestamp()
      FROM (SELECT o.kind, o.uuid FROM sync_task o WHERE o.worker = sync_release.worker ORDER BY o.kind, o.uuid FOR UPDATE) AS o
     WHERE t.kind = o.kind AND t.uuid = o.uuid AND t.worker = sync_release.worker;
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END
$$;
COMMENT ON FUNCTION csdns.sync_release(text) IS 'Gives back what a worker has in hand: it stops, or starts anew. Returns how many tasks that were.';

-- 1 s, 2 s, 4 s ... 10 min, and half of it more or less, so that what failed together does not come back together.
CREATE OR REPLACE FUNCTION csdns.sync_pause(attempts int) RETURNS interval
LANGUAGE sql VOLATILE AS $$
    SELECT make_interval(secs => least(600, power(2, least(attempts, 20) - 1)) * (0.75 + random() / 2))
$$;
COMMENT ON FUNCTION csdns.sync_pause(int) IS 'How long a task waits after so many failures.';

CREATE OR REPLACE FUNCTION csdns.sync_fail(worker text, failed jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    changed int;
BEGIN
    UPDATE sync_task t SET worker = NULL, attempts = t.attempts + 1, last_error = left(o.error, 500),
           due = clock_timestamp() + CASE WHEN o.generation <> t.generation THEN interval '0'
                                          ELSE sync_pause(CASE WHEN o.passing THEN least(t.attempts + 1, 4) ELSE t.attempts + 1 END) END
      FROM (SELECT k.kind, k.uuid, f.generation, f.error, f.passing
              FROM sync_task k JOIN jsonb_to_recordset(failed) AS f (kind text, uuid uuid, generation bigint, error text, passing boolean) ON k.kind = f.kind AND k.uuid = f.uuid
             WHERE k.worker = sync_fail.worker ORDER BY k.kind, k.uuid FOR UPDATE OF k) AS o
     WHERE t.kind = o.kind AND t.uuid = o.uuid AND t.worker = sync_fail.worker;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION csdns.sync_fail(text, jsonb) IS
    'Puts tasks of a worker back, an array of {kind, uuid, generation, error, passing}: each waits longer than the last time, at most 10 minutes, or some 8 s where passing says that nothing of the API answers, or not at all where an event came meanwhile, so that generation has moved; it is kept. Returns how many.';

CREATE OR REPLACE FUNCTION csdns.sync_ask(kind text, uuid uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM put_tasks(jsonb_build_array(jsonb_build_object('kind', sync_ask.kind, 'uuid', sync_ask.uuid, 'source', 'hand', 'reason', 'asked')));
    UPDATE sync_task t SET due = clock_timestamp() WHERE t.kind = sync_ask.kind AND t.uuid = sync_ask.uuid AND t.worker IS NULL;
    PERFORM pg_notify('csdns_sync', 'task');
END
$$;
COMMENT ON FUNCTION csdns.sync_ask(text, uuid) IS 'Has csdns-sync ask for one entity now: instance, network, account, domain, public_address or project.';
