-- The triggers on PowerDNS' tables: what a statement touched goes to the journal, rows that break a rule are refused.
-- One call a statement, on its transition tables, whatever the number of rows.  SECURITY DEFINER: whoever may write
-- PowerDNS' tables needs no right on csdns.
--
-- Queries on transition tables keep the plan of the first call in a session, which may have had one row: only plans that stay
-- good with 100 000 are used (set operations, DISTINCT, index lookups; no joins between transition tables).

CREATE OR REPLACE FUNCTION csdns.refuse_record(domain_id int, name text, type text, content text, fault text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'record "%" % "%": %', name, type, left(content, 300), fault
          USING ERRCODE = 'check_violation', SCHEMA = 'csdns', CONSTRAINT = 'record_rule',
                DETAIL = format('Zone "%s" (domain_id %s).',
                                (SELECT d.name FROM pdns_domain d WHERE d.id = refuse_record.domain_id), domain_id);
END
$$;

-- Serial before the first touch of a zone's SOA: of the row that this statement changed (row_ids are all that it touched), else
-- of a row that it left alone, else NULL.
CREATE OR REPLACE FUNCTION csdns.note_serial(zone_id int, serial_before bigint, row_ids bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    IF serial_before IS NULL THEN
        SELECT soa_serial(r.content)
          INTO serial_before
          FROM pdns_domain d
          JOIN pdns_record r ON r.name = d.name AND r.type = 'SOA' AND r.domain_id + 0 = d.id AND r.disabled = false
         WHERE d.id = zone_id AND r.id <> ALL (row_ids)
         ORDER BY r.id LIMIT 1;
    END IF;
    INSERT INTO journal (txid, what, domain_id, serial)
        VALUES (pg_current_xact_id(), 's', zone_id, serial_before)
        ON CONFLICT (txid, domain_id) WHERE what = 's' DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_record_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    me xid8;
    rows bigint;
    odd bigint;
    soas bigint;
BEGIN
    SELECT count(*), count(*) FILTER (WHERE is_plain_record(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio) IS NOT TRUE),
           count(*) FILTER (WHERE n.type = 'SOA')
      INTO rows, odd, soas
      FROM new_rows n;
    IF rows = 0 THEN
        RETURN NULL;
    END IF;
    IF odd > 0 THEN
        PERFORM refuse_record(n.domain_id, n.name, n.type, n.content,
                              record_fault(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio))
           FROM new_rows n
          WHERE is_plain_record(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio) IS NOT TRUE
            AND record_fault(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio) IS NOT NULL
          LIMIT 1;
    END IF;
    me := pg_current_xact_id();
    INSERT INTO journal (txid, what, domain_id, name, added)
        SELECT me, 'n', n.domain_id, n.name, true FROM (SELECT DISTINCT n.domain_id, n.name FROM new_rows n) AS n;
    IF soas > 0 THEN
        PERFORM note_serial(n.domain_id, NULL, array_agg(n.id)) FROM new_rows n WHERE n.type = 'SOA' GROUP BY n.domain_id;
    END IF;
    PERFORM await_commit();
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_record_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    me xid8 := pg_current_xact_id();
    rows bigint;
    odd bigint;
    soas bigint;
BEGIN
    -- The serials' own change, at each commit and under the mutex.  Rows that are not what move_serials() makes of them, because
    -- somebody else's trigger had a hand in it, go the long way.
    IF EXISTS (SELECT FROM pending p WHERE p.txid = me AND p.moving)
       AND NOT EXISTS (SELECT id, domain_id, name, type, ttl, prio, disabled FROM new_rows
                       EXCEPT SELECT id, domain_id, name, type, ttl, prio, disabled FROM old_rows WHERE type = 'SOA' AND NOT disabled)
       AND NOT EXISTS (SELECT FROM new_rows n
                        WHERE is_plain_record(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio) IS NOT TRUE) THEN
        INSERT INTO journal (txid, what, domain_id, name, added, serial)
            SELECT me, 'n'::"char", n.domain_id, n.name, true, NULL FROM new_rows n
            UNION ALL SELECT me, 's', o.domain_id, NULL, NULL, soa_serial(o.content) FROM old_rows o
            ON CONFLICT (txid, domain_id) WHERE what = 's' DO NOTHING;
        RETURN NULL;
    END IF;
    -- added and removed: rows that differ in what is served; placed: new places or contents, which the rules among several records
    -- care about; shaped: what the rules for single records care about
    WITH added AS MATERIALIZED (
        SELECT id, domain_id, name, type, content, ttl, prio, disabled FROM new_rows
        EXCEPT ALL SELECT id, domain_id, name, type, content, ttl, prio, disabled FROM old_rows
    ), removed AS MATERIALIZED (
        SELECT id, domain_id, name, type, content, ttl, prio, disabled FROM old_rows
        EXCEPT ALL SELECT id, domain_id, name, type, content, ttl, prio, disabled FROM new_rows
    ), placed AS (
        SELECT domain_id, name, type, content, prio, disabled FROM added
        EXCEPT ALL SELECT domain_id, name, type, content, prio, disabled FROM removed
    ), shaped AS (
        SELECT domain_id, name, type, content, ttl, prio FROM added
        EXCEPT ALL SELECT domain_id, name, type, content, ttl, prio FROM removed
    ), noted AS (
        INSERT INTO journal (txid, what, domain_id, name, added)
            SELECT me, 'n', t.domain_id, t.name, bool_or(t.added)
              FROM (SELECT domain_id, name, true AS added FROM placed
                    UNION ALL SELECT domain_id, name, false FROM added
                    UNION ALL SELECT domain_id, name, false FROM removed) AS t
             WHERE t.domain_id IS NOT NULL
             GROUP BY t.domain_id, t.name
    )
    SELECT (SELECT count(*) FROM added),
           (SELECT count(*) FROM shaped n WHERE is_plain_record(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio) IS NOT TRUE)
      INTO rows, odd;
    SELECT count(*) INTO soas FROM old_rows o WHERE o.type = 'SOA';

    IF odd > 0 THEN
        PERFORM refuse_record(n.domain_id, n.name, n.type, n.content,
                              record_fault(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio))
           FROM (SELECT domain_id, name, type, content, ttl, prio FROM new_rows
                 EXCEPT ALL SELECT domain_id, name, type, content, ttl, prio FROM old_rows) AS n
          WHERE is_plain_record(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio) IS NOT TRUE
            AND record_fault(n.domain_id, n.name, n.type, n.content, n.ttl, n.prio) IS NOT NULL
          LIMIT 1;
    END IF;
    IF rows > 0 AND (soas > 0 OR EXISTS (SELECT FROM new_rows n WHERE n.type = 'SOA')) THEN
        PERFORM note_serial(t.domain_id, min(t.serial), array_agg(t.id))
           FROM (SELECT o.domain_id, o.id, CASE WHEN o.disabled = false THEN soa_serial(o.content) END AS serial
                   FROM old_rows o WHERE o.type = 'SOA'
                 UNION ALL
                 SELECT n.domain_id, n.id, NULL FROM new_rows n WHERE n.type = 'SOA') AS t
          WHERE t.domain_id IS NOT NULL
          GROUP BY t.domain_id;
    END IF;
    -- a SOA row that was held up someone's serial, even if nothing served changed in it
    IF rows > 0 OR soas > 0 THEN
        PERFORM await_commit();
    END IF;
    RETURN NULL;
END
$$;

-- Records that went with their zone are covered by the zone's own entry: a zone of a million names is one row of journal.
CREATE OR REPLACE FUNCTION csdns.on_record_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    me xid8 := pg_current_xact_id();
    alive int[];
BEGIN
    SELECT array_agg(o.domain_id)
      INTO alive
      FROM (SELECT DISTINCT o.domain_id FROM old_rows o) AS o
     WHERE EXISTS (SELECT FROM pdns_domain d WHERE d.id = o.domain_id);
    IF alive IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO journal (txid, what, domain_id, name)
        SELECT me, 'n', o.domain_id, o.name
          FROM (SELECT DISTINCT o.domain_id, o.name FROM old_rows o WHERE o.domain_id = ANY (alive)) AS o;
    IF EXISTS (SELECT FROM old_rows o WHERE o.type = 'SOA') THEN
        PERFORM note_serial(o.domain_id, min(soa_serial(o.content)) FILTER (WHERE o.disabled = false), array_agg(o.id))
           FROM old_rows o
          WHERE o.type = 'SOA' AND o.domain_id = ANY (alive)
          GROUP BY o.domain_id;
    END IF;
    PERFORM await_commit();
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.refuse_domain(name text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'zone "%": name %', name, coalesce(name_fault(name), 'is not in lower case')
          USING ERRCODE = 'check_violation', SCHEMA = 'csdns', CONSTRAINT = 'domain_rule';
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_domain_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    PERFORM refuse_domain(n.name) FROM new_rows n WHERE name_fault(n.name) IS NOT NULL OR n.name ~ '[A-Z]' LIMIT 1;
    INSERT INTO journal (txid, what, domain_id, name)
        SELECT pg_current_xact_id(), 'z', n.id, n.name FROM new_rows n;
    IF FOUND THEN
        PERFORM await_commit();
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_domain_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    me xid8 := pg_current_xact_id();
    touched boolean;
BEGIN
    PERFORM refuse_domain(n.name)
       FROM (SELECT name FROM new_rows EXCEPT SELECT name FROM old_rows) AS n
      WHERE name_fault(n.name) IS NOT NULL OR n.name ~ '[A-Z]' LIMIT 1;
    INSERT INTO journal (txid, what, domain_id, name)
        SELECT me, w.what, n.id, n.name
          FROM (SELECT id, name FROM new_rows EXCEPT ALL SELECT id, name FROM old_rows) AS n,
               (VALUES ('z'::"char"), ('r')) AS w (what)
        UNION ALL
        SELECT me, 'z', o.id, o.name FROM (SELECT id, name FROM old_rows EXCEPT ALL SELECT id, name FROM new_rows) AS o;
    touched := FOUND;
    INSERT INTO journal (txid, what, domain_id, name)
        SELECT me, 'd', n.id, n.name
          FROM (SELECT id, name, master, last_check, type, notified_serial, account, options, catalog FROM new_rows
                EXCEPT ALL SELECT id, name, master, last_check, type, notified_serial, account, options, catalog FROM old_rows) AS n;
    IF touched OR FOUND THEN
        PERFORM await_commit();
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_domain_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    INSERT INTO journal (txid, what, domain_id, name)
        SELECT pg_current_xact_id(), 'z', o.id, o.name FROM old_rows o;
    IF FOUND THEN
        PERFORM await_commit();
    END IF;
    RETURN NULL;
END
$$;

-- domainmetadata and cryptokeys alike: the zones of the rows.
CREATE OR REPLACE FUNCTION csdns.journal_zones(ids int[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    INSERT INTO journal (txid, what, domain_id, name)
        SELECT pg_current_xact_id(), 'z', d.id, d.name FROM pdns_domain d WHERE d.id = ANY (ids);
    IF FOUND THEN
        PERFORM await_commit();
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.check_serial_style(style text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE EXCEPTION 'metadata X-CSDNS-SERIAL "%": not one of counter, epoch, date', style
          USING ERRCODE = 'check_violation', SCHEMA = 'csdns', CONSTRAINT = 'metadata_rule';
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_metadata_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM check_serial_style(n.content) FROM new_rows n
      WHERE n.kind = 'X-CSDNS-SERIAL' AND coalesce(n.content, '') NOT IN ('counter', 'epoch', 'date');
    PERFORM journal_zones(array_agg(DISTINCT n.domain_id)) FROM new_rows n;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_metadata_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM check_serial_style(n.content) FROM new_rows n
      WHERE n.kind = 'X-CSDNS-SERIAL' AND coalesce(n.content, '') NOT IN ('counter', 'epoch', 'date');
    PERFORM journal_zones(array_agg(DISTINCT t.domain_id))
       FROM ((SELECT id, domain_id, kind, content FROM new_rows EXCEPT ALL SELECT id, domain_id, kind, content FROM old_rows)
             UNION ALL
             (SELECT id, domain_id, kind, content FROM old_rows EXCEPT ALL SELECT id, domain_id, kind, content FROM new_rows)) AS t;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_key_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM journal_zones(array_agg(DISTINCT n.domain_id)) FROM new_rows n;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_key_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM journal_zones(array_agg(DISTINCT t.domain_id))
       FROM ((SELECT id, domain_id, flags, active, published, content FROM new_rows
              EXCEPT ALL SELECT id, domain_id, flags, active, published, content FROM old_rows)
             UNION ALL
             (SELECT id, domain_id, flags, active, published, content FROM old_rows
              EXCEPT ALL SELECT id, domain_id, flags, active, published, content FROM new_rows)) AS t;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_zone_row_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM journal_zones(array_agg(DISTINCT o.domain_id)) FROM old_rows o;
    RETURN NULL;
END
$$;

-- Before the rows are gone: which zones had any.
CREATE OR REPLACE FUNCTION csdns.on_metadata_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM journal_zones(array_agg(DISTINCT m.domain_id)) FROM pdns_metadata m;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_key_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM journal_zones(array_agg(DISTINCT k.domain_id)) FROM pdns_key k;
    RETURN NULL;
END
$$;

-- What belongs to no zone: the trigger's argument is the journal entry (t, a or *).
CREATE OR REPLACE FUNCTION csdns.on_whole_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    INSERT INTO journal (txid, what) VALUES (pg_current_xact_id(), TG_ARGV[0]::"char");
    PERFORM await_commit();
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_whole_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows) THEN
        INSERT INTO journal (txid, what) VALUES (pg_current_xact_id(), TG_ARGV[0]::"char");
        PERFORM await_commit();
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_whole_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM old_rows) THEN
        INSERT INTO journal (txid, what) VALUES (pg_current_xact_id(), TG_ARGV[0]::"char");
        PERFORM await_commit();
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_whole_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT t.* FROM new_rows t EXCEPT ALL SELECT t.* FROM old_rows t) THEN
        INSERT INTO journal (txid, what) VALUES (pg_current_xact_id(), TG_ARGV[0]::"char");
        PERFORM await_commit();
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER csdns_insert AFTER INSERT ON records REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_record_insert();
CREATE OR REPLACE TRIGGER csdns_update AFTER UPDATE ON records REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_record_update();
CREATE OR REPLACE TRIGGER csdns_delete AFTER DELETE ON records REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_record_delete();
CREATE OR REPLACE TRIGGER csdns_truncate AFTER TRUNCATE ON records
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_change('*');

CREATE OR REPLACE TRIGGER csdns_insert AFTER INSERT ON domains REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_domain_insert();
CREATE OR REPLACE TRIGGER csdns_update AFTER UPDATE ON domains REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_domain_update();
CREATE OR REPLACE TRIGGER csdns_delete AFTER DELETE ON domains REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_domain_delete();
CREATE OR REPLACE TRIGGER csdns_truncate AFTER TRUNCATE ON domains
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_change('*');

CREATE OR REPLACE TRIGGER csdns_insert AFTER INSERT ON domainmetadata REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_metadata_insert();
CREATE OR REPLACE TRIGGER csdns_update AFTER UPDATE ON domainmetadata REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_metadata_update();
CREATE OR REPLACE TRIGGER csdns_delete AFTER DELETE ON domainmetadata REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_zone_row_delete();
CREATE OR REPLACE TRIGGER csdns_truncate BEFORE TRUNCATE ON domainmetadata
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_metadata_truncate();

CREATE OR REPLACE TRIGGER csdns_insert AFTER INSERT ON cryptokeys REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_key_insert();
CREATE OR REPLACE TRIGGER csdns_update AFTER UPDATE ON cryptokeys REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_key_update();
CREATE OR REPLACE TRIGGER csdns_delete AFTER DELETE ON cryptokeys REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_zone_row_delete();
CREATE OR REPLACE TRIGGER csdns_truncate BEFORE TRUNCATE ON cryptokeys
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_key_truncate();

CREATE OR REPLACE TRIGGER csdns_insert AFTER INSERT ON tsigkeys REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_insert('t');
CREATE OR REPLACE TRIGGER csdns_update AFTER UPDATE ON tsigkeys REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_update('t');
CREATE OR REPLACE TRIGGER csdns_delete AFTER DELETE ON tsigkeys REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_delete('t');
CREATE OR REPLACE TRIGGER csdns_truncate AFTER TRUNCATE ON tsigkeys
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_change('t');

CREATE OR REPLACE TRIGGER csdns_insert AFTER INSERT ON supermasters REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_insert('a');
CREATE OR REPLACE TRIGGER csdns_update AFTER UPDATE ON supermasters REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_update('a');
CREATE OR REPLACE TRIGGER csdns_delete AFTER DELETE ON supermasters REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_delete('a');
CREATE OR REPLACE TRIGGER csdns_truncate AFTER TRUNCATE ON supermasters
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_change('a');
