-- What people look at.

CREATE OR REPLACE VIEW csdns.v_sync_task AS
    SELECT t.kind, t.uuid,
           CASE t.kind WHEN 'instance' THEN (SELECT i.name FROM csdns.instance i WHERE i.uuid = t.uuid)
                       WHEN 'network' THEN (SELECT w.name FROM csdns.network w WHERE w.uuid = t.uuid)
                       WHEN 'domain' THEN (SELECT d.name FROM csdns.domain d WHERE d.uuid = t.uuid)
                       WHEN 'public_address' THEN (SELECT host(p.address) FROM csdns.public_address p WHERE p.uuid = t.uuid)
                       ELSE (SELECT a.name FROM csdns.account a WHERE a.uuid = t.uuid) END AS name,
           CASE WHEN t.worker IS NOT NULL AND t.due > now() THEN 'working' WHEN t.attempts > 0 THEN 'failing' ELSE 'waiting' END AS state,
           t.source, t.reason, t.since, t.due, t.worker, t.attempts, t.last_error
      FROM csdns.sync_task t;
COMMENT ON VIEW csdns.v_sync_task IS 'The queue of csdns-sync, with names where they are known. state: working, failing, waiting.';

CREATE OR REPLACE VIEW csdns.v_sync_failing AS
    SELECT v.kind, v.uuid, v.name, v.attempts, v.since, v.due, v.last_error FROM csdns.v_sync_task v WHERE v.attempts > 0;
COMMENT ON VIEW csdns.v_sync_failing IS 'Entities that csdns-sync could not bring up to date, with the last error; each is tried again when it is due.';

CREATE OR REPLACE VIEW csdns.v_sync_pass AS
    SELECT p.id, p.kind, p.worker, p.started, p.finished, p.finished - p.started AS took,
           CASE WHEN p.complete THEN 'complete' WHEN p.finished IS NOT NULL THEN 'failed'
                WHEN p.renewed < now() - interval '2 minutes' THEN 'abandoned' ELSE 'running' END AS state,
           p.listed, p.changed, p.faulty, p.missing, p.error
      FROM csdns.sync_pass p;
COMMENT ON VIEW csdns.v_sync_pass IS 'Passes of csdns-sync through the cloud''s API. state: running, complete, failed, abandoned.';

CREATE OR REPLACE VIEW csdns.v_sync AS
    SELECT q.tasks, q.failing, q.working, q.oldest, s.last_event, c.last_complete, c.found, w.wished
      FROM (SELECT count(*) AS tasks, count(*) FILTER (WHERE t.attempts > 0) AS failing,
                   count(*) FILTER (WHERE t.worker IS NOT NULL AND t.due > now()) AS working, min(t.since) AS oldest FROM csdns.sync_task t) AS q,
           (SELECT max(o.last_at) AS last_event FROM csdns.sync_source o WHERE o.source <> 'catchup') AS s,
           (SELECT CASE WHEN count(*) = 6 THEN min(m.at) END AS last_complete, sum(m.found)::bigint AS found
              FROM (SELECT DISTINCT ON (p.kind) p.started AS at, p.changed + p.missing AS found
                      FROM csdns.sync_pass p WHERE p.complete ORDER BY p.kind, p.id DESC) AS m) AS c,
           (SELECT count(*) > 0 AS wished FROM csdns.sync_wish) AS w;
COMMENT ON VIEW csdns.v_sync IS
    'csdns-sync in one row: tasks in the queue, failing and worked on, since when the oldest waits; last event; when the last complete reconcile began (NULL: never one of all kinds), and how many differences it found; whether one is asked for.';

DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT w.view, v.col, v.what
               FROM (VALUES ('v_sync_task', 'kind uuid name state source reason since due worker attempts last_error'),
                            ('v_sync_failing', 'kind uuid name attempts since due last_error'),
                            ('v_sync_pass', 'id kind worker started finished took state listed changed faulty missing error'),
                            ('v_sync', 'tasks failing working oldest last_event last_complete found wished')) AS w (view, cols)
               JOIN (VALUES ('kind', 'instance, network, account, domain, public_address or project.'), ('uuid', 'CloudStack''s uuid.'),
                            ('name', 'Its name or address, NULL while the facts do not know it.'),
                            ('source', 'Where the last hint came from, as in csdns.sync_task.'), ('reason', 'What the last hint was, as in csdns.sync_task.'),
                            ('since', 'Since when it waits.'), ('due', 'When it is tried next, or when its worker''s lease is over.'),
                            ('attempts', 'How often it failed in a row.'), ('last_error', 'Why it failed last.'),
                            ('id', 'Number of the pass.'), ('worker', 'csdns-sync that has it in hand.'), ('started', 'When it began.'),
                            ('finished', 'When it ended.'), ('took', 'How long it took.'), ('state', 'See the view.'), ('listed', 'Entities listed.'),
                            ('changed', 'Facts that were not so.'), ('faulty', 'Entities that the schema refused.'),
                            ('missing', 'Facts that were not listed, and are asked for one by one.'), ('error', 'Why it ended early, or why nothing is taken for missing.'),
                            ('tasks', 'Entities in the queue.'), ('failing', 'Of those: failed the last time.'), ('working', 'Of those: in a worker''s hand.'),
                            ('oldest', 'Since when the oldest waits.'), ('last_event', 'When the last event came.'),
                            ('last_complete', 'When the last reconcile that listed all kinds began.'), ('found', 'Differences that it found.'),
                            ('wished', 'Whether somebody has asked for a reconcile that has not begun.')) AS v (col, what)
                 ON v.col = ANY (string_to_array(w.cols, ' '))
    LOOP
        EXECUTE format('COMMENT ON COLUMN csdns.%I.%I IS %L', c.view, c.col, c.what);
    END LOOP;
END
$$;
