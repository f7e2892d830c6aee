-- Bringing records in line with the rules: marks, what people took over, collisions, events, and the difference that is written.
--
-- rule_record marks the records that rules made.  Nobody but apply_rules() writes it for a record that stays: a marked record that
-- changes or goes otherwise was changed by a person, who owns it from then on (130-cloud-trigger.sql).

CREATE TABLE IF NOT EXISTS csdns.rule_record (
    record_id bigint PRIMARY KEY,
    source    uuid NOT NULL,
    rule      text NOT NULL
);
CREATE INDEX IF NOT EXISTS rule_record_source_idx ON csdns.rule_record (source);
COMMENT ON TABLE csdns.rule_record IS 'Records that rules made. All others are people''s.';
COMMENT ON COLUMN csdns.rule_record.record_id IS 'records.id.';
COMMENT ON COLUMN csdns.rule_record.source IS 'What it was made for: as csdns.desired_record.source.';
COMMENT ON COLUMN csdns.rule_record.rule IS 'Rule that made it.';

CREATE TABLE IF NOT EXISTS csdns.hold (
    domain_id int NOT NULL,
    name      text NOT NULL,
    type      text NOT NULL,
    source    uuid NOT NULL,
    how       text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    by        text NOT NULL DEFAULT session_user,
    PRIMARY KEY (domain_id, name, type)
);
CREATE INDEX IF NOT EXISTS hold_source_idx ON csdns.hold (source);
COMMENT ON TABLE csdns.hold IS 'Records of rules that people edited or deleted: rules leave name and type alone until csdns.release().';
COMMENT ON COLUMN csdns.hold.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.hold.name IS 'Name.';
COMMENT ON COLUMN csdns.hold.type IS 'Type.';
COMMENT ON COLUMN csdns.hold.source IS 'Whose record it was.';
COMMENT ON COLUMN csdns.hold.how IS 'edited or deleted.';
COMMENT ON COLUMN csdns.hold.at IS 'When.';
COMMENT ON COLUMN csdns.hold.by IS 'By which database role.';

CREATE TABLE IF NOT EXISTS csdns.collision (
    domain_id int NOT NULL,
    name      text NOT NULL,
    source    uuid NOT NULL,
    rule      text NOT NULL,
    holder    uuid,
    since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (domain_id, name, source)
);
CREATE INDEX IF NOT EXISTS collision_source_idx ON csdns.collision (source);
COMMENT ON TABLE csdns.collision IS 'Names that somebody wants and somebody else has. The name is given when it becomes free.';
COMMENT ON COLUMN csdns.collision.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.collision.name IS 'Name.';
COMMENT ON COLUMN csdns.collision.source IS 'Who does not have it.';
COMMENT ON COLUMN csdns.collision.rule IS 'By which rule it wants it.';
COMMENT ON COLUMN csdns.collision.holder IS 'Who has it: source of rules, or NULL for a person.';
COMMENT ON COLUMN csdns.collision.since IS 'Since when.';

CREATE TABLE IF NOT EXISTS csdns.event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    type        text NOT NULL,
    zone        text,
    name        text,
    source      uuid,
    holder      uuid,
    description text NOT NULL
);
CREATE INDEX IF NOT EXISTS event_at_idx ON csdns.event (at);
COMMENT ON TABLE csdns.event IS 'What people should know of, for tools to poll by id.';
COMMENT ON COLUMN csdns.event.id IS 'Number, rising.';
COMMENT ON COLUMN csdns.event.at IS 'When.';
COMMENT ON COLUMN csdns.event.type IS 'DNS.NAME.COLLISION: a name could not be given; DNS.RECORD.TAKEN: a person edited or deleted a rule''s record; DNS.RECORD.RELEASED: given back; DNS.REQUEST.REFUSED, DNS.QUOTA.EXCEEDED: csdns.api() refused a command; DNS.VERIFY.FAILED: a DNS server does not answer as the store says; DNS.VERIFY.OK: it does again; SYNC.PASS.REFUSED: a listing of the cloud lacked so much that nothing is taken for gone.';
COMMENT ON COLUMN csdns.event.zone IS 'Zone.';
COMMENT ON COLUMN csdns.event.name IS 'Name.';
COMMENT ON COLUMN csdns.event.source IS 'Whom it happened to: uuid of an instance or an address, or csdns.group_uuid of a group.';
COMMENT ON COLUMN csdns.event.holder IS 'The other party, NULL for a person.';
COMMENT ON COLUMN csdns.event.description IS 'In words.';

DO $$
BEGIN
    IF to_regtype('csdns.wish') IS NULL THEN
        CREATE TYPE csdns.wish AS (domain_id int, name text, type text, content text, ttl int, rule text, source uuid, since timestamptz);
    END IF;
END
$$;
COMMENT ON TYPE csdns.wish IS 'A record that a rule wants.';

-- Numbers in the order of commits, so that who polls by id misses nothing: whoever writes events holds the rules' lock until the end.
CREATE OR REPLACE FUNCTION csdns.on_event_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM lock_rules();
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER in_order BEFORE INSERT ON csdns.event FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_event_insert();

-- Who a source is, for people.
CREATE OR REPLACE FUNCTION csdns.source_name(source uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT coalesce(
        (SELECT format('instance %s (%s)', i.name, i.uuid) FROM instance i WHERE i.uuid = source),
        (SELECT format('public address %s (%s)', host(p.address), p.uuid) FROM public_address p WHERE p.uuid = source),
        (SELECT format('floating address %s (%s)', f.name, f.uuid) FROM floating_address f WHERE f.uuid = source),
        (SELECT format('group %s of account %s', i."group", i.account) FROM instance i WHERE i.group_source = source LIMIT 1),
        source::text)
$$;
COMMENT ON FUNCTION csdns.source_name(uuid) IS 'What a source of rules is, in words.';

-- Rules are applied by one transaction at a time, until it ends: each sees what the one before it gave to whom.  A lock for each name or
-- source would let more go side by side, and deadlock as soon as a freed name is handed on.  Whoever has many changes to tell puts
-- them into one call.  The number beside the commit's (070-commit.sql), which is taken after this one.
CREATE OR REPLACE FUNCTION csdns.lock_rules() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(99101, 0);
END
$$;

-- Pinned to index lookups: the sources are few beside the cloud.
CREATE OR REPLACE FUNCTION csdns.wishes_of(sources uuid[]) RETURNS csdns.wish[]
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wishes wish[];
BEGIN
    SELECT array_agg(ROW (d.domain_id, d.name, d.type, d.content, d.ttl, d.rule, d.source, d.since)::wish)
      INTO wishes
      FROM (SELECT DISTINCT ON (w.domain_id, w.name, w.type, w.content, w.source)
                   w.domain_id, w.name, w.type, w.content, w.ttl, w.rule, w.source, w.since
              FROM desired_record w
             WHERE w.source = ANY (sources) AND length(w.name) <= 253
             ORDER BY w.domain_id, w.name, w.type, w.content, w.source, w.ttl, w.rule) AS d;
    RETURN wishes;
END
$$;

-- Lookups in tables are lateral with OFFSET 0, which leaves only nested loops by index; what is at hand is hashed, however many.
-- Which of the wishes can be fulfilled: not those for a name that a person has or took over, or that another source has.  Records
-- of types that live beside addresses (TXT, MX, ...) are in nobody's way.
CREATE OR REPLACE FUNCTION csdns.judge(sources uuid[], wishes csdns.wish[],
    OUT gone bigint[], OUT fresh csdns.wish[], OUT denied csdns.wish[], OUT holders uuid[]) RETURNS record
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_mergejoin = off SET enable_nestloop = off SET enable_hashjoin = on SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    WITH own AS MATERIALIZED (
        SELECT DISTINCT s FROM unnest(sources) AS s
    ), w AS MATERIALIZED (
        SELECT u.domain_id, u.name, u.type, u.content, u.ttl, u.rule, u.source, u.since FROM unnest(wishes) AS u
    ), present AS MATERIALIZED (
        SELECT m.record_id, m.source, r.domain_id, r.name, r.type, r.content, r.ttl
          FROM own
         CROSS JOIN LATERAL (SELECT m.record_id, m.source FROM rule_record m WHERE m.source = own.s OFFSET 0) AS m
          LEFT JOIN LATERAL (SELECT r.domain_id, r.name::text AS name, r.type::text AS type, r.content::text AS content, r.ttl
                               FROM pdns_record r WHERE r.id = m.record_id OFFSET 0) AS r ON true
    ), there AS MATERIALIZED (          -- others' records at the wanted names
        SELECT n.domain_id, n.name, r.type, m.source
          FROM (SELECT DISTINCT domain_id, name FROM w) AS n
         CROSS JOIN LATERAL (SELECT r.id, r.type::text AS type FROM pdns_record r
                              WHERE r.name = n.name AND r.domain_id + 0 = n.domain_id
                                AND r.type IN ('A', 'AAAA', 'PTR', 'CNAME', 'NS', 'DNAME', 'ALIAS') OFFSET 0) AS r
          LEFT JOIN LATERAL (SELECT m.source FROM rule_record m WHERE m.record_id = r.id OFFSET 0) AS m ON true
         WHERE m.source IS NULL OR NOT EXISTS (SELECT FROM own WHERE own.s = m.source)
    ), held AS MATERIALIZED (
        SELECT h.domain_id, h.name, h.type, h.source,
               NOT EXISTS (SELECT FROM pdns_record r WHERE r.name = h.name AND r.domain_id + 0 = h.domain_id AND r.type = h.type) AS is_gone
          FROM (SELECT DISTINCT domain_id, name, type FROM w) AS n
         CROSS JOIN LATERAL (SELECT h.domain_id, h.name, h.type, h.source FROM hold h
                              WHERE h.domain_id = n.domain_id AND h.name = n.name AND h.type = n.type OFFSET 0) AS h
    ), blocked AS MATERIALIZED (        -- a record that a person took over blocks its own type only, CNAME all
        SELECT DISTINCT ON (t.domain_id, t.name, t.type = 'A' OR t.type = 'AAAA') t.domain_id, t.name, t.type, t.source
          FROM there t
         WHERE (t.type = 'CNAME' OR t.source IS NOT NULL
                OR NOT EXISTS (SELECT FROM held h WHERE h.domain_id = t.domain_id AND h.name = t.name AND h.type = t.type))
           AND NOT (t.type = 'NS' AND EXISTS (SELECT FROM pdns_domain d WHERE d.id = t.domain_id AND d.name = t.name))
         ORDER BY t.domain_id, t.name, t.type = 'A' OR t.type = 'AAAA', t.source NULLS FIRST
    ), claim AS MATERIALIZED (          -- among the sources at hand, who has the name keeps it
        SELECT c.domain_id, c.name, c.source, bool_or(c.has) AS has, min(c.since) AS since, min(c.target) AS target
          FROM (SELECT domain_id, name, source, since, CASE type WHEN 'PTR' THEN content END AS target, false AS has, true AS wants FROM w
                UNION ALL SELECT domain_id, name, source, NULL, NULL, true, false FROM present) AS c
         GROUP BY c.domain_id, c.name, c.source
        HAVING bool_or(c.wants)
    ), host AS MATERIALIZED (           -- names that their sources will have
        SELECT DISTINCT v.source, v.name
          FROM (SELECT DISTINCT ON (domain_id, name) domain_id, name, source FROM claim
                 WHERE target IS NULL ORDER BY domain_id, name, has DESC, since NULLS LAST, source) AS v
          JOIN w ON w.domain_id = v.domain_id AND w.name = v.name AND w.source = v.source
         WHERE NOT EXISTS (SELECT FROM held h WHERE h.domain_id = w.domain_id AND h.name = w.name AND h.type = w.type AND h.is_gone)
           AND NOT EXISTS (SELECT FROM blocked b WHERE b.domain_id = w.domain_id AND b.name = w.name)
    ), winner AS MATERIALIZED (         -- a PTR only for who has the name that it points to
        SELECT DISTINCT ON (domain_id, name) domain_id, name, source FROM claim c
         WHERE c.target IS NULL OR EXISTS (SELECT FROM host h WHERE h.source = c.source AND h.name = c.target)
         ORDER BY domain_id, name, has DESC, since NULLS LAST, source
    ), judged AS MATERIALIZED (         -- waiting: for a name whose records a person took over from somebody else
        SELECT w.*, h.name IS NOT NULL AS is_held, coalesce(h.source <> w.source, false) AS is_waiting,
               b.name IS NOT NULL OR v.source <> w.source AS is_denied,
               nullif(CASE WHEN b.name IS NULL THEN v.source ELSE b.source END, w.source) AS holder
          FROM w
          JOIN winner v ON v.domain_id = w.domain_id AND v.name = w.name
          LEFT JOIN held h ON h.domain_id = w.domain_id AND h.name = w.name AND h.type = w.type
          LEFT JOIN (SELECT b.domain_id, b.name, min(b.source::text)::uuid AS source FROM blocked b GROUP BY b.domain_id, b.name) AS b
                 ON b.domain_id = w.domain_id AND b.name = w.name
    ), given AS MATERIALIZED (
        SELECT DISTINCT ON (domain_id, name, type, content) domain_id, name, type, content, ttl, rule, source
          FROM judged j WHERE NOT j.is_held AND NOT j.is_denied
         ORDER BY domain_id, name, type, content, rule
    )
    SELECT (SELECT array_agg(p.record_id)
              FROM (SELECT source, domain_id, name, type, content, ttl FROM present
                    EXCEPT SELECT source, domain_id, name, type, content, ttl FROM given) AS x
              JOIN present p ON p.source = x.source AND p.domain_id IS NOT DISTINCT FROM x.domain_id AND p.name IS NOT DISTINCT FROM x.name
                            AND p.type IS NOT DISTINCT FROM x.type AND p.content IS NOT DISTINCT FROM x.content
                            AND p.ttl IS NOT DISTINCT FROM x.ttl),
           (SELECT array_agg(ROW (k.domain_id, k.name, k.type, k.content, k.ttl, k.rule, k.source, NULL)::wish)
              FROM (SELECT source, domain_id, name, type, content, ttl FROM given
                    EXCEPT SELECT source, domain_id, name, type, content, ttl FROM present) AS x
              JOIN given k ON k.domain_id = x.domain_id AND k.name = x.name AND k.type = x.type AND k.content = x.content),
           d.denied, d.holders
      INTO gone, fresh, denied, holders
      FROM (SELECT array_agg(ROW (c.domain_id, c.name, NULL, NULL, NULL, c.rule, c.source, NULL)::wish) AS denied, array_agg(c.holder) AS holders
              FROM (SELECT DISTINCT ON (domain_id, name, source) domain_id, name, source, rule, holder
                      FROM judged WHERE is_denied AND (NOT is_held OR holder IS NOT NULL) OR is_waiting ORDER BY domain_id, name, source) AS c) AS d;
END
$$;

CREATE OR REPLACE FUNCTION csdns.put_records(fresh csdns.wish[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_nestloop = off SET enable_hashjoin = on SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    WITH put AS (
        INSERT INTO pdns_record (domain_id, name, type, content, ttl)
            SELECT u.domain_id, u.name, u.type, u.content, u.ttl FROM unnest(fresh) AS u
            RETURNING id, domain_id, name::text, type::text, content::text
    )
    INSERT INTO rule_record (record_id, source, rule)
        SELECT put.id, u.source, u.rule
          FROM put
          JOIN unnest(fresh) AS u ON u.domain_id = put.domain_id AND u.name = put.name AND u.type = put.type AND u.content = put.content;
END
$$;

-- Collisions of the sources, an event for each new one.
CREATE OR REPLACE FUNCTION csdns.note_collisions(sources uuid[], denied csdns.wish[], holders uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    IF EXISTS (SELECT FROM collision) THEN
        DELETE FROM collision c
         WHERE c.source = ANY (sources)
           AND (c.domain_id, c.name, c.source) NOT IN (SELECT u.domain_id, u.name, u.source FROM unnest(denied) AS u);
    END IF;
    IF denied IS NULL THEN
        RETURN;
    END IF;
    WITH noted AS (
        INSERT INTO collision AS c (domain_id, name, source, rule, holder)
            SELECT u.domain_id, u.name, u.source, u.rule, u.holder
              FROM unnest(denied, holders) AS u (domain_id, name, type, content, ttl, rule, source, since, holder)
            ON CONFLICT (domain_id, name, source) DO UPDATE SET holder = excluded.holder
                WHERE c.holder IS DISTINCT FROM excluded.holder
            RETURNING c.*
    )
    INSERT INTO event (type, zone, name, source, holder, description)
        SELECT 'DNS.NAME.COLLISION', d.name, n.name, n.source, n.holder,
               format('%s cannot have "%s": %s has it', source_name(n.source), n.name, coalesce(source_name(n.holder), 'a person''s record'))
          FROM noted n
          LEFT JOIN LATERAL (SELECT d.name FROM pdns_domain d WHERE d.id = n.domain_id OFFSET 0) AS d ON true;
END
$$;

-- Puts the records of these sources right.  New records come before old ones go: a name that stays with its source is never
-- free in between, and the trigger on deletion gives a name that did become free to who waits for it.
CREATE OR REPLACE FUNCTION csdns.apply_rules(sources uuid[], OUT gone bigint[], OUT fresh csdns.wish[]) RETURNS record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'rules' SET enable_seqscan = off SET jit = off AS $$
DECLARE
    wishes wish[];
    verdict record;
BEGIN
    IF cardinality(sources) IS NULL OR cardinality(sources) = 0 THEN
        RETURN;
    END IF;
    PERFORM lock_rules();
    wishes := wishes_of(sources);
    SELECT * INTO verdict FROM judge(sources, wishes);
    gone := verdict.gone;
    fresh := verdict.fresh;
    IF fresh IS NOT NULL THEN
        PERFORM put_records(fresh);
    END IF;
    IF gone IS NOT NULL THEN
        DELETE FROM rule_record m WHERE m.record_id = ANY (gone);
        DELETE FROM pdns_record r WHERE r.id = ANY (gone);
    END IF;
    PERFORM note_collisions(sources, verdict.denied, verdict.holders);
END
$$;
COMMENT ON FUNCTION csdns.apply_rules(uuid[]) IS
    'Brings the records of these sources (instances, groups, public and floating addresses) in line with csdns.desired_record; returns the ids of deleted records and what was added.';

CREATE OR REPLACE VIEW csdns.rule_record_state AS
    SELECT m.record_id, m.source, m.rule, r.domain_id, r.name::text AS name, r.type::text AS type, r.content::text AS content, r.ttl
      FROM csdns.rule_record m
      LEFT JOIN csdns.pdns_record r ON r.id = m.record_id;
COMMENT ON VIEW csdns.rule_record_state IS 'Records that rules made, as they are.';
COMMENT ON COLUMN csdns.rule_record_state.record_id IS 'records.id.';
COMMENT ON COLUMN csdns.rule_record_state.source IS 'What it was made for.';
COMMENT ON COLUMN csdns.rule_record_state.rule IS 'Rule that made it.';
COMMENT ON COLUMN csdns.rule_record_state.domain_id IS 'Zone (domains.id), NULL if the record is gone.';
COMMENT ON COLUMN csdns.rule_record_state.name IS 'Name.';
COMMENT ON COLUMN csdns.rule_record_state.type IS 'Type.';
COMMENT ON COLUMN csdns.rule_record_state.content IS 'Content.';
COMMENT ON COLUMN csdns.rule_record_state.ttl IS 'TTL.';

-- Everything at once: hash joins over whole tables, whatever the statistics say.
CREATE OR REPLACE FUNCTION csdns.find_drift()
RETURNS TABLE (difference text, zone text, name text, type text, content text, ttl int, rule text, source uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_nestloop = off SET enable_hashjoin = on SET enable_seqscan = on SET enable_mergejoin = off SET random_page_cost = 1.1 SET jit = off
SET work_mem = '128MB' AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT CASE WHEN x.wanted AND x.there THEN 'ttl' WHEN x.wanted THEN 'missing' ELSE 'extra' END AS difference,
               d.name::text AS zone, x.name, x.type, x.content, x.ttl, x.rule, x.source
          FROM (SELECT w.domain_id IS NOT NULL AS wanted, p.record_id IS NOT NULL AS there,
                       coalesce(w.domain_id, p.domain_id) AS domain_id, coalesce(w.name, p.name) AS name, coalesce(w.type, p.type) AS type,
                       coalesce(w.content, p.content) AS content, coalesce(w.ttl, p.ttl) AS ttl, coalesce(w.rule, p.rule) AS rule,
                       coalesce(w.source, p.source) AS source
                  FROM (SELECT r.domain_id, r.name, r.type, r.content, r.source, min(r.ttl) AS ttl, min(r.rule) AS rule
                          FROM desired_record r
                         WHERE length(r.name) <= 253
                         GROUP BY r.domain_id, r.name, r.type, r.content, r.source) AS w
                  FULL JOIN rule_record_state p
                         ON p.source = w.source AND p.domain_id = w.domain_id AND p.name = w.name AND p.type = w.type AND p.content = w.content
                 WHERE w.domain_id IS NULL OR p.record_id IS NULL OR w.ttl IS DISTINCT FROM p.ttl) AS x
          LEFT JOIN pdns_domain d ON d.id = x.domain_id
         WHERE x.there
            OR NOT EXISTS (SELECT FROM collision c WHERE c.source = x.source AND c.domain_id = x.domain_id AND c.name = x.name)
               AND NOT EXISTS (SELECT FROM hold h WHERE h.domain_id = x.domain_id AND h.name = x.name AND h.type = x.type)
               AND (x.type <> 'PTR'         -- to a name that is another's, or where a person took something over: judge() knows
                    OR NOT EXISTS (SELECT FROM collision c WHERE c.source = x.source AND c.name = x.content)
                       AND NOT EXISTS (SELECT FROM hold h WHERE h.name = x.content AND h.source = x.source));
END
$$;
COMMENT ON FUNCTION csdns.find_drift() IS 'What csdns.drift shows.';
GRANT EXECUTE ON FUNCTION csdns.find_drift() TO csdns_cloud;

CREATE OR REPLACE VIEW csdns.drift AS
    SELECT d.difference, d.zone, d.name, d.type, d.content, d.ttl, d.rule, d.source FROM csdns.find_drift() AS d;
COMMENT ON VIEW csdns.drift IS 'Differences between what rules want and what is there, apart from collisions and what people took over. Usually empty. Reads everything.';
COMMENT ON COLUMN csdns.drift.difference IS 'missing: to be added; extra: to be deleted; ttl: there with another TTL.';
COMMENT ON COLUMN csdns.drift.zone IS 'Zone.';
COMMENT ON COLUMN csdns.drift.name IS 'Name.';
COMMENT ON COLUMN csdns.drift.type IS 'Type.';
COMMENT ON COLUMN csdns.drift.content IS 'Content.';
COMMENT ON COLUMN csdns.drift.ttl IS 'TTL as it should be.';
COMMENT ON COLUMN csdns.drift.rule IS 'Rule.';
COMMENT ON COLUMN csdns.drift.source IS 'What it is for.';

CREATE OR REPLACE FUNCTION csdns.drifting() RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT ARRAY(SELECT d.source FROM drift d UNION SELECT c.source FROM collision c UNION SELECT h.source FROM hold h)
$$;

CREATE OR REPLACE FUNCTION csdns.reconcile() RETURNS TABLE (change text, zone text, name text, type text, content text, ttl int, rule text, source uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    todo uuid[];
    step uuid[];
    was csdns.rule_record_state[];
    verdict record;
BEGIN
    PERFORM refresh_domain_policy();
    PERFORM refresh_reverse_zones();
    todo := drifting();
    FOR at IN 1..coalesce(cardinality(todo), 0) BY 500 LOOP
        step := todo[at:at + 499];
        was := ARRAY(SELECT s FROM unnest(step) AS u CROSS JOIN LATERAL (SELECT t.* FROM rule_record_state t WHERE t.source = u OFFSET 0) AS s);
        SELECT * INTO verdict FROM apply_rules(step);
        RETURN QUERY
            SELECT 'deleted', d.name::text, p.name, p.type, p.content, p.ttl, p.rule, p.source
              FROM unnest(was) AS p LEFT JOIN pdns_domain d ON d.id = p.domain_id
             WHERE p.record_id = ANY (verdict.gone)
            UNION ALL
            SELECT 'added', d.name::text, f.name, f.type, f.content, f.ttl, f.rule, f.source
              FROM unnest(verdict.fresh) AS f JOIN pdns_domain d ON d.id = f.domain_id;
    END LOOP;
END
$$;
COMMENT ON FUNCTION csdns.reconcile() IS 'Brings all records in line with the rules and returns what it changed: added and deleted records. Nothing to do makes no version.';

-- In one zone, or with NULL in all.
CREATE OR REPLACE FUNCTION csdns.release_holds(zone_id int, record_name text, record_type text) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    freed hold[];
BEGIN
    WITH gone AS (
        DELETE FROM hold h
         WHERE h.name = record_name AND (zone_id IS NULL OR h.domain_id = zone_id) AND (record_type IS NULL OR h.type = upper(record_type))
        RETURNING h.*
    )
    SELECT array_agg(g::hold) INTO freed FROM gone g;
    IF freed IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM pdns_record r
     USING unnest(freed) AS f
     WHERE r.domain_id = f.domain_id AND r.name = f.name AND r.type = f.type
       AND NOT EXISTS (SELECT FROM rule_record m WHERE m.record_id = r.id);
    INSERT INTO event (type, zone, name, source, description)
        SELECT 'DNS.RECORD.RELEASED', d.name, f.name, f.source, format('%s %s given back to %s', f.name, f.type, source_name(f.source))
          FROM unnest(freed) AS f LEFT JOIN pdns_domain d ON d.id = f.domain_id;
    PERFORM apply_rules(ARRAY(SELECT f.source FROM unnest(freed) AS f)
                        || waiting_for(ARRAY(SELECT f.domain_id FROM unnest(freed) AS f), ARRAY(SELECT f.name FROM unnest(freed) AS f)));
    RETURN cardinality(freed);
END
$$;

CREATE OR REPLACE FUNCTION csdns.release(record_name text, record_type text DEFAULT NULL) RETURNS int
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT release_holds(NULL, lower(rtrim(record_name, '.')), record_type)
$$;
COMMENT ON FUNCTION csdns.release(text, text) IS
    'Gives records that a person took over from rules back to them: deletes what the person put under that name (and type, or NULL for all), then applies the rules. Returns how many were given back.';
