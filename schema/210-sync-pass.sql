-- A pass lists everything of one kind through the API, page by page.  What the facts have and a complete pass did not list is asked for by
-- itself: only the API's word that it is gone removes it.

CREATE TABLE IF NOT EXISTS csdns.sync_pass (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text NOT NULL,
    worker   text NOT NULL,
    started  timestamptz NOT NULL DEFAULT clock_timestamp(),
    renewed  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished timestamptz,
    complete boolean NOT NULL DEFAULT false,
    listed   bigint NOT NULL DEFAULT 0,
    changed  bigint NOT NULL DEFAULT 0,
    faulty   bigint NOT NULL DEFAULT 0,
    missing  bigint NOT NULL DEFAULT 0,
    error    text
);
CREATE INDEX IF NOT EXISTS sync_pass_kind_idx ON csdns.sync_pass (kind, id);
COMMENT ON TABLE csdns.sync_pass IS 'Passes of csdns-sync through the cloud''s API, of one kind of entity each. The last 1000 are kept.';
COMMENT ON COLUMN csdns.sync_pass.id IS 'Number, rising.';
COMMENT ON COLUMN csdns.sync_pass.kind IS 'instance, network, account, domain, public_address or project.';
COMMENT ON COLUMN csdns.sync_pass.worker IS 'csdns-sync that makes it.';
COMMENT ON COLUMN csdns.sync_pass.started IS 'When it began.';
COMMENT ON COLUMN csdns.sync_pass.renewed IS 'When its last page came.';
COMMENT ON COLUMN csdns.sync_pass.finished IS 'When it ended, NULL while it goes on or if its worker died.';
COMMENT ON COLUMN csdns.sync_pass.complete IS 'Whether all pages came, as many entities as the API counts.';
COMMENT ON COLUMN csdns.sync_pass.listed IS 'Entities listed.';
COMMENT ON COLUMN csdns.sync_pass.changed IS 'Of those: facts that were not so.';
COMMENT ON COLUMN csdns.sync_pass.faulty IS 'Of those: refused by the schema; each is in csdns.sync_task with the reason.';
COMMENT ON COLUMN csdns.sync_pass.missing IS 'Facts that it did not list, and that are asked for one by one.';
COMMENT ON COLUMN csdns.sync_pass.error IS 'Why it ended early, or why nothing is taken for missing.';

CREATE UNLOGGED TABLE IF NOT EXISTS csdns.sync_listed (
    pass bigint NOT NULL,
    uuid uuid NOT NULL,
    PRIMARY KEY (pass, uuid)
);
ALTER TABLE csdns.sync_listed ADD COLUMN IF NOT EXISTS asked timestamptz;
COMMENT ON TABLE csdns.sync_listed IS 'What the last pass of each kind has listed, for an hour after its last page.';
COMMENT ON COLUMN csdns.sync_listed.pass IS 'Pass.';
COMMENT ON COLUMN csdns.sync_listed.uuid IS 'Entity.';
COMMENT ON COLUMN csdns.sync_listed.asked IS 'From before its page was asked for: answers to questions from before that are older. NULL where it was not stored.';

CREATE TABLE IF NOT EXISTS csdns.sync_turn (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    worker  text NOT NULL,
    backend int NOT NULL DEFAULT pg_backend_pid(),
    renewed timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE csdns.sync_turn IS 'Whose turn it is to reconcile: one csdns-sync at a time, from its first pass to its last. No row: nobody''s.';
COMMENT ON COLUMN csdns.sync_turn.one IS 'True: there is one row at most.';
COMMENT ON COLUMN csdns.sync_turn.worker IS 'csdns-sync that reconciles.';
COMMENT ON COLUMN csdns.sync_turn.backend IS 'Process of PostgreSQL that serves it: when that has ended another may take over at once.';
COMMENT ON COLUMN csdns.sync_turn.renewed IS 'When it was heard of last: after 2 minutes another may take over anyhow.';

CREATE TABLE IF NOT EXISTS csdns.sync_wish (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    forced boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE csdns.sync_wish IS 'Reconciles that somebody asked for and no csdns-sync has begun yet.';
COMMENT ON COLUMN csdns.sync_wish.id IS 'Number.';
COMMENT ON COLUMN csdns.sync_wish.at IS 'When.';
COMMENT ON COLUMN csdns.sync_wish.forced IS 'Whether what is missing is asked for also if it is suspiciously much.';

CREATE OR REPLACE FUNCTION csdns.sync_now(forced boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    INSERT INTO sync_wish (forced) VALUES (sync_now.forced);
    PERFORM pg_notify('csdns_sync', 'reconcile');
END
$$;
COMMENT ON FUNCTION csdns.sync_now(boolean) IS
    'Has csdns-sync reconcile everything with the cloud''s API now. forced: what is missing there is asked for also if it is suspiciously much.';

-- Those from before there were turns.
DO $$
BEGIN
    IF to_regprocedure('csdns.sync_begin_reconcile(text, interval, boolean)') IS NOT NULL THEN
        DROP FUNCTION csdns.sync_begin_reconcile(text, interval, boolean);
    END IF;
    IF to_regprocedure('csdns.sync_end_pass(bigint, text, boolean)') IS NOT NULL THEN
        DROP FUNCTION csdns.sync_end_pass(bigint, text, boolean);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.sync_begin_reconcile(worker text, every interval, at_once boolean, waited interval DEFAULT NULL)
RETURNS TABLE (begin boolean, forced boolean, done boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
DECLARE
    wished int;
    force boolean;
    is_done boolean;
    shall boolean;
BEGIN
    IF NOT pg_try_advisory_xact_lock(1129531502, 3)
       OR EXISTS (SELECT FROM sync_turn t JOIN pg_stat_activity a ON a.pid = t.backend
                   WHERE t.worker <> sync_begin_reconcile.worker AND t.renewed > clock_timestamp() - interval '2 minutes') THEN
        RETURN QUERY SELECT false, false, false;
        RETURN;
    END IF;
    WITH gone AS (DELETE FROM sync_wish RETURNING forced)
    SELECT count(*), coalesce(bool_or(g.forced), false) INTO wished, force FROM gone g;
    is_done := waited IS NOT NULL AND (SELECT count(DISTINCT p.kind) = 6 FROM sync_pass p
                                        WHERE p.started > clock_timestamp() - waited AND p.finished IS NOT NULL AND (p.complete OR p.missing > 0));
    -- one that failed is repeated sooner, but listing all and taking too much for missing will not be otherwise the next time
    shall := at_once AND NOT is_done OR wished > 0
             OR every IS NOT NULL AND NOT EXISTS (
                SELECT FROM sync_pass p WHERE p.kind = 'instance' AND p.finished IS NOT NULL
                   AND p.started > clock_timestamp() - CASE WHEN p.complete OR p.missing > 0 THEN every ELSE least(every, interval '5 minutes') END);
    IF shall THEN
        INSERT INTO sync_turn (worker) VALUES (sync_begin_reconcile.worker)
            ON CONFLICT (one) DO UPDATE SET worker = excluded.worker, backend = excluded.backend, renewed = excluded.renewed;
    END IF;
    RETURN QUERY SELECT shall, force, is_done;
END
$$;
COMMENT ON FUNCTION csdns.sync_begin_reconcile(text, interval, boolean, interval) IS
    'Whether a worker shall reconcile now: it wants to (at_once), somebody asked for it, or the last pass of instances is older than the interval, if there is one, or than 5 minutes if it broke off; not while it is another worker''s turn. waited: for how long it has wanted to; done: that is not needed any more, one has begun since and listed all kinds. NULL: it is needed anyway. forced as in csdns.sync_now.';

CREATE OR REPLACE FUNCTION csdns.renew_turn(worker text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = csdns, pg_temp AS $$
    UPDATE sync_turn t SET renewed = clock_timestamp() WHERE t.worker = renew_turn.worker
$$;

CREATE OR REPLACE FUNCTION csdns.sync_begin_pass(worker text, kind text) RETURNS TABLE (pass bigint, now timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    id bigint;
BEGIN
    DELETE FROM sync_listed l WHERE NOT EXISTS (
        SELECT FROM sync_pass p WHERE p.id = l.pass AND p.kind <> sync_begin_pass.kind AND p.renewed > clock_timestamp() - interval '1 hour');
    DELETE FROM sync_pass p WHERE p.id <= (SELECT max(m.id) FROM sync_pass m) - 1000;
    INSERT INTO sync_pass AS p (kind, worker) VALUES (sync_begin_pass.kind, sync_begin_pass.worker) RETURNING p.id INTO id;
    PERFORM renew_turn(sync_begin_pass.worker);
    RETURN QUERY SELECT id, clock_timestamp();
END
$$;
COMMENT ON FUNCTION csdns.sync_begin_pass(text, text) IS 'Begins a pass of a kind. Returns its number, and the time for csdns.sync_page.';

CREATE OR REPLACE FUNCTION csdns.sync_page(pass bigint, asked timestamptz, list jsonb) RETURNS TABLE (changed int, faulty int, now timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    what text := (SELECT p.kind FROM sync_pass p WHERE p.id = sync_page.pass AND p.finished IS NULL);
    fresh jsonb;
    done record;
BEGIN
    IF what IS NULL THEN
        RAISE EXCEPTION 'pass % is over', pass USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM lock_rules();
    -- what was asked for since the page was asked for is newer than the page
    SELECT coalesce(jsonb_agg(e.value), '[]') INTO fresh
      FROM jsonb_array_elements(list) AS e
     WHERE NOT EXISTS (SELECT FROM sync_told t WHERE t.kind = what AND t.uuid = (e.value ->> 'id')::uuid AND t.at >= asked);
    SELECT * INTO done FROM store_each(what, fresh);
    INSERT INTO sync_listed (pass, uuid, asked)
        SELECT sync_page.pass, x.id, CASE WHEN f.uuid IS NULL THEN sync_page.asked END
          FROM jsonb_to_recordset(list) AS x (id uuid) LEFT JOIN jsonb_to_recordset(done.faults) AS f (uuid uuid) ON f.uuid = x.id
         ORDER BY x.id
        ON CONFLICT DO NOTHING;
    PERFORM put_tasks((SELECT jsonb_agg(jsonb_build_object('kind', what, 'uuid', f ->> 'uuid', 'source', 'reconcile', 'reason', 'refused'))
                         FROM jsonb_array_elements(done.faults) AS f
                        WHERE NOT EXISTS (SELECT FROM sync_task t WHERE t.kind = what AND t.uuid = (f ->> 'uuid')::uuid)));
    UPDATE sync_pass p
       SET renewed = clock_timestamp(), listed = p.listed + jsonb_array_length(list), changed = p.changed + done.changed,
           faulty = p.faulty + jsonb_array_length(done.faults)
     WHERE p.id = sync_page.pass;
    PERFORM renew_turn(p.worker) FROM sync_pass p WHERE p.id = sync_page.pass;
    IF what = 'instance' AND EXISTS (SELECT FROM sync_stray) THEN
        PERFORM ask_for_strays(ARRAY(SELECT x.id FROM jsonb_to_recordset(fresh) AS x (id uuid)));
    END IF;
    PERFORM ask_for_placeholders();
    RETURN QUERY SELECT done.changed, jsonb_array_length(done.faults), clock_timestamp();
END
$$;
COMMENT ON FUNCTION csdns.sync_page(bigint, timestamptz, jsonb) IS
    'Stores a page of a pass, an array of entities with id. asked: a time of this database from before the page was asked for. Returns how many changed, how many were refused, and the time for the next.';

CREATE OR REPLACE FUNCTION csdns.facts_of(kind text) RETURNS TABLE (uuid uuid)
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT i.uuid FROM instance i WHERE kind = 'instance' AND i.removed IS NULL AND NOT i.placeholder
    UNION ALL SELECT w.uuid FROM network w WHERE kind = 'network' AND w.removed IS NULL AND NOT w.placeholder
    UNION ALL SELECT d.uuid FROM domain d WHERE kind = 'domain' AND d.removed IS NULL AND NOT d.placeholder
    UNION ALL SELECT p.uuid FROM public_address p WHERE kind = 'public_address' AND p.removed IS NULL
    UNION ALL SELECT a.uuid FROM account a
               WHERE kind IN ('account', 'project') AND a.is_project = (kind = 'project') AND a.removed IS NULL AND NOT a.placeholder
$$;

CREATE OR REPLACE FUNCTION csdns.sync_end_pass(pass bigint, problem text, forced boolean, is_last boolean DEFAULT false) RETURNS TABLE (missing bigint, error text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
    p sync_pass := (SELECT o FROM sync_pass o WHERE o.id = sync_end_pass.pass AND o.finished IS NULL);
    wanting uuid[] := '{}';
    known bigint;
BEGIN
    IF p.id IS NULL THEN
        RAISE EXCEPTION 'pass % is over', pass USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF problem IS NULL AND p.listed > (SELECT count(*) FROM sync_listed l WHERE l.pass = p.id) + p.listed / 10 THEN
        problem := 'the cloud changed too much while it was listed';
    END IF;
    IF problem IS NULL THEN
        SELECT count(*), coalesce(array_agg(f.uuid) FILTER (WHERE l.uuid IS NULL AND t.uuid IS NULL), '{}') INTO known, wanting
          FROM facts_of(p.kind) AS f
          LEFT JOIN sync_listed l ON l.pass = p.id AND l.uuid = f.uuid
          LEFT JOIN sync_told t ON t.kind = p.kind AND t.uuid = f.uuid AND t.at >= p.started;
        IF cardinality(wanting) > 50 AND cardinality(wanting) * 5 > known AND NOT forced THEN
            problem := format('%s of %s are not listed: too many to believe, nothing is removed without SELECT csdns.sync_now(true)', cardinality(wanting), known);
            PERFORM log_event('SYNC.PASS.REFUSED', NULL, NULL, NULL, NULL, format('%s: %s', p.kind, problem));
        ELSIF p.listed = 0 AND cardinality(wanting) > 0 AND p.kind IN ('domain', 'account') AND NOT forced THEN
            -- whoever may ask sees his own; and with an account or domain all names of it would go
            problem := format('none of %s is listed: has the API''s key lost its rights? Nothing is removed without SELECT csdns.sync_now(true)', known);
            PERFORM log_event('SYNC.PASS.REFUSED', NULL, NULL, NULL, NULL, format('%s: %s', p.kind, problem));
        ELSE
            PERFORM put_tasks((SELECT jsonb_agg(jsonb_build_object('kind', p.kind, 'uuid', u, 'source', 'reconcile', 'reason', 'missing')) FROM unnest(wanting) AS u));
            PERFORM pg_notify('csdns_sync', 'task');
        END IF;
    END IF;
    UPDATE sync_pass o SET finished = clock_timestamp(), renewed = clock_timestamp(), complete = problem IS NULL, missing = cardinality(wanting), error = left(problem, 500)
     WHERE o.id = p.id;
    IF is_last THEN
        DELETE FROM sync_turn t WHERE t.worker = p.worker;
    ELSE
        PERFORM renew_turn(p.worker);
    END IF;
    RETURN QUERY SELECT cardinality(wanting)::bigint, problem;
END
$$;
COMMENT ON FUNCTION csdns.sync_end_pass(bigint, text, boolean, boolean) IS
    'Ends a pass. problem: why it is not complete, or NULL. is_last: of the reconcile, so that others may begin one. After a complete one the facts that it did not list and that nobody told of meanwhile become tasks; more than 50 that are more than a fifth of all are refused, with an event, unless forced, and so is a list of domains or accounts with nothing in it. Returns how many, and the error.';
