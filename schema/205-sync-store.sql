-- What the cloud's API answered goes into the facts.  Who stores takes the rules' lock first: stores come one after the other, and what
-- is checked before is still so when they write.

-- A project owns things like an account.
CREATE OR REPLACE FUNCTION csdns.upsert_project(told jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := entities(told, 'project');
    changed int;
BEGIN
    PERFORM refuse_entities('project', ARRAY(
        SELECT entity_title(x.id, x.name) || ': ' || x.fault
          FROM (SELECT x.id, x.name,
                       coalesce(id_fault(x.id, count(*) OVER (PARTITION BY lower(x.id))), CASE WHEN x.domainid IS NULL THEN 'domainid is missing' END,
                                uuid_fault('domainid', x.domainid)) AS fault
                  FROM jsonb_to_recordset(list) AS x (id text, name text, domainid text)) AS x
         WHERE x.fault IS NOT NULL));
    PERFORM know_owners((SELECT jsonb_agg(jsonb_build_object('domainid', e ->> 'domainid', 'domain', e ->> 'domain')) FROM jsonb_array_elements(list) AS e));
    INSERT INTO account AS a (uuid, domain, name, is_project)
        SELECT x.id, x.domainid, x.name, true FROM jsonb_to_recordset(list) AS x (id uuid, name text, domainid uuid)
         WHERE NOT EXISTS (SELECT FROM account o WHERE o.uuid = x.id AND NOT o.placeholder AND o.removed IS NULL AND o.is_project
                              AND (o.domain, o.name) IS NOT DISTINCT FROM (x.domainid, x.name))
         ORDER BY x.id
        ON CONFLICT (uuid) DO UPDATE SET domain = excluded.domain, name = excluded.name, is_project = true, placeholder = false, removed = NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION csdns.upsert_project(jsonb) IS
    'Stores projects as listProjects tells them (id, name, domainid), in csdns.account: one, an array or an answer. Returns how many changed.';

-- Which instance has which secondary address, for events that tell only the address.
CREATE OR REPLACE FUNCTION csdns.note_parts(list jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    instances uuid[] := ARRAY(SELECT v.id FROM jsonb_to_recordset(list) AS v (id uuid, nic jsonb) WHERE jsonb_typeof(v.nic) = 'array');
BEGIN
    WITH told AS MATERIALIZED (
        SELECT DISTINCT ON (s.id) s.id, v.id AS instance
          FROM jsonb_to_recordset(list) AS v (id uuid, nic jsonb)
         CROSS JOIN LATERAL jsonb_to_recordset(CASE jsonb_typeof(v.nic) WHEN 'array' THEN v.nic ELSE '[]' END) AS n (secondaryip jsonb)
         CROSS JOIN LATERAL jsonb_to_recordset(CASE jsonb_typeof(n.secondaryip) WHEN 'array' THEN n.secondaryip ELSE '[]' END) AS t (id text)
         CROSS JOIN LATERAL (SELECT t.id::uuid WHERE is_uuid(t.id)) AS s (id)
         ORDER BY s.id
    ), gone AS (
        DELETE FROM sync_part p WHERE p.instance = ANY (instances) AND NOT EXISTS (SELECT FROM told WHERE told.id = p.uuid)
    )
    INSERT INTO sync_part AS p (uuid, instance) SELECT told.id, told.instance FROM told
        ON CONFLICT (uuid) DO UPDATE SET instance = excluded.instance WHERE p.instance <> excluded.instance;
END
$$;

CREATE OR REPLACE FUNCTION csdns.store_entities(kind text, list jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    changed int;
BEGIN
    changed := CASE kind WHEN 'instance' THEN upsert_instance(list) WHEN 'network' THEN upsert_network(list) WHEN 'account' THEN upsert_account(list)
                     WHEN 'domain' THEN upsert_domain(list) WHEN 'public_address' THEN upsert_public_address(list) WHEN 'project' THEN upsert_project(list) END;
    IF kind = 'instance' THEN
        PERFORM note_parts(list);
    END IF;
    RETURN changed;
END
$$;

CREATE OR REPLACE FUNCTION csdns.forget_entities(kind text, ids jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF kind = 'instance' THEN
        DELETE FROM sync_part p WHERE p.instance IN (SELECT e::uuid FROM jsonb_array_elements_text(ids) AS e);
    END IF;
    RETURN CASE kind WHEN 'instance' THEN remove_instance(ids, true) WHEN 'network' THEN remove_network(ids, true)
                     WHEN 'domain' THEN remove_domain(ids, true) WHEN 'public_address' THEN remove_public_address(ids, true)
                     ELSE remove_account(ids, true) END;
END
$$;

-- A bad entity shall not hold up the others: all at once, and where that fails each by itself.
CREATE OR REPLACE FUNCTION csdns.store_each(kind text, list jsonb, OUT changed int, OUT faults jsonb)
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    entity jsonb;
BEGIN
    faults := '[]';
    BEGIN
        changed := store_entities(kind, list);
        RETURN;
    EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR raise_exception THEN
        changed := 0;
        IF jsonb_array_length(list) = 1 THEN
            faults := jsonb_build_array(jsonb_build_object('kind', kind, 'uuid', list -> 0 ->> 'id', 'error', SQLERRM));
            RETURN;
        END IF;
    END;
    FOR entity IN SELECT * FROM jsonb_array_elements(list) LOOP
        BEGIN
            changed := changed + store_entities(kind, jsonb_build_array(entity));
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded OR raise_exception THEN
            faults := faults || jsonb_build_array(jsonb_build_object('kind', kind, 'uuid', entity ->> 'id', 'error', SQLERRM));
        END;
    END LOOP;
END
$$;

-- What facts refer to and nobody has told of yet is asked for.  An account is only known by name and domain.
CREATE OR REPLACE FUNCTION csdns.ask_for_placeholders() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    wanted jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('kind', p.kind, 'uuid', p.uuid, 'hint', p.hint, 'source', 'refer', 'reason', 'refer')) INTO wanted
      FROM (SELECT 'domain' AS kind, d.uuid, NULL::jsonb AS hint FROM domain d WHERE d.placeholder AND d.removed IS NULL
            UNION ALL SELECT 'network', w.uuid, NULL FROM network w WHERE w.placeholder AND w.removed IS NULL
            UNION ALL SELECT CASE WHEN a.is_project THEN 'project' ELSE 'account' END, a.uuid,
                             CASE WHEN NOT a.is_project THEN jsonb_build_object('name', a.name, 'domainid', a.domain) END
                        FROM account a WHERE a.placeholder AND a.removed IS NULL) AS p
     WHERE NOT EXISTS (SELECT FROM sync_task t WHERE t.kind = p.kind AND t.uuid = p.uuid);
    IF wanted IS NOT NULL THEN
        PERFORM put_tasks(wanted);
        PERFORM pg_notify('csdns_sync', 'task');
    END IF;
END
$$;
CREATE INDEX IF NOT EXISTS domain_placeholder_idx ON csdns.domain (uuid) WHERE placeholder AND removed IS NULL;
CREATE INDEX IF NOT EXISTS network_placeholder_idx ON csdns.network (uuid) WHERE placeholder AND removed IS NULL;
CREATE INDEX IF NOT EXISTS account_placeholder_idx ON csdns.account (uuid) WHERE placeholder AND removed IS NULL;

CREATE OR REPLACE FUNCTION csdns.sync_store(worker text, answers jsonb) RETURNS TABLE (kind text, uuid uuid, outcome text, error text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
DECLARE
    mine jsonb;
    faults jsonb := '[]';
    part record;
    done record;
BEGIN
    PERFORM lock_rules();
    SELECT coalesce(jsonb_agg(a.value), '[]') INTO mine
      FROM jsonb_array_elements(answers) AS a
      JOIN sync_task t ON t.kind = a.value ->> 'kind' AND t.uuid = (a.value ->> 'uuid')::uuid AND t.worker = sync_store.worker
     -- a page that was asked for later is there already, and has all that this answer can know
     WHERE NOT EXISTS (SELECT FROM sync_listed l WHERE l.pass = (SELECT max(p.id) FROM sync_pass p WHERE p.kind = t.kind) AND l.uuid = t.uuid AND l.asked > t.asked);
    FOR part IN
        SELECT k.kind, jsonb_agg(a.value -> 'entity') FILTER (WHERE jsonb_typeof(a.value -> 'entity') = 'object') AS told,
               jsonb_agg(a.value -> 'uuid') FILTER (WHERE a.value -> 'gone' = 'true') AS gone
          FROM unnest(ARRAY['domain', 'account', 'project', 'network', 'instance', 'public_address']) WITH ORDINALITY AS k (kind, at)
          JOIN jsonb_array_elements(mine) AS a ON a.value ->> 'kind' = k.kind
         GROUP BY k.kind, k.at ORDER BY k.at
    LOOP
        IF part.told IS NOT NULL THEN
            SELECT * INTO done FROM store_each(part.kind, part.told);
            faults := faults || done.faults;
        END IF;
        IF part.gone IS NOT NULL THEN
            PERFORM forget_entities(part.kind, part.gone);
        END IF;
    END LOOP;
    RETURN QUERY
        WITH a AS MATERIALIZED (
            SELECT x.kind, x.uuid, x.generation, x.gone, f.error
              FROM jsonb_to_recordset(answers) AS x (kind text, uuid uuid, generation bigint, gone boolean, entity jsonb)
              LEFT JOIN jsonb_to_recordset(faults) AS f (kind text, uuid text, error text)
                ON f.kind = x.kind AND lower(f.uuid) = lower(x.entity ->> 'id')
        ), held AS MATERIALIZED (
            SELECT t.kind, t.uuid, t.asked, t.generation = a.generation AS is_same, a.error
              FROM sync_task t JOIN a ON a.kind = t.kind AND a.uuid = t.uuid
             WHERE t.worker = sync_store.worker ORDER BY t.kind, t.uuid FOR UPDATE OF t
        ), told AS (
            INSERT INTO sync_told (kind, uuid, at) SELECT h.kind, h.uuid, coalesce(h.asked, clock_timestamp()) FROM held h WHERE h.error IS NULL ORDER BY h.kind, h.uuid
            ON CONFLICT (kind, uuid) DO UPDATE SET at = excluded.at
        ), ended AS (
            DELETE FROM sync_task t USING held h WHERE t.kind = h.kind AND t.uuid = h.uuid AND h.is_same AND h.error IS NULL
        ), again AS (
            UPDATE sync_task t
               SET worker = NULL, attempts = CASE WHEN h.error IS NULL THEN 0 ELSE t.attempts + 1 END, last_error = left(h.error, 500),
                   due = clock_timestamp() + CASE WHEN h.is_same AND h.error IS NOT NULL THEN sync_pause(t.attempts + 1) ELSE interval '0' END,
                   since = CASE WHEN h.error IS NULL THEN clock_timestamp() ELSE t.since END
              FROM held h WHERE t.kind = h.kind AND t.uuid = h.uuid AND NOT (h.is_same AND h.error IS NULL)
            RETURNING t.kind
        )
        SELECT a.kind, a.uuid, CASE WHEN h.kind IS NULL THEN 'lost' WHEN a.error IS NOT NULL THEN 'failed' WHEN a.gone THEN 'gone' ELSE 'stored' END, a.error
          FROM a LEFT JOIN held h ON h.kind = a.kind AND h.uuid = a.uuid;
    IF EXISTS (SELECT FROM sync_stray) THEN
        PERFORM ask_for_strays(ARRAY(SELECT a.uuid FROM jsonb_to_recordset(mine) AS a (kind text, uuid uuid) WHERE a.kind = 'instance'));
    END IF;
    IF EXISTS (SELECT FROM jsonb_array_elements(answers) AS a WHERE a.value -> 'told' IS DISTINCT FROM 'true') THEN
        PERFORM ask_for_placeholders();
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.sync_store(text, jsonb) IS
    'Stores what the API answered to tasks of a worker, an array of {kind, uuid, generation, entity} or {kind, uuid, generation, gone: true}; with told: true it is an event''s word where no API can be asked, so that what it refers to is not asked for either, and ends the tasks; one whose generation has moved is due again. Answers for each: stored or gone, also where a page of a pass that was asked for later is there already, failed with the error (it waits, the others are stored), or lost: another worker has the task.';
