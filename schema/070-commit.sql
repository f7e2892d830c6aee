-- The end of every writing transaction: one deferred trigger takes the store's mutex, checks what only holds among several
-- records, moves the serials, gives the transaction the next version and notifies.
--
-- Whoever holds the mutex never waits for another lock: all tables that are needed are locked before it, rows of others are skipped,
-- nothing is inserted that has a foreign key.  So transactions that wait for the mutex always get it, and it takes part in
-- no deadlock.  It is held until the commit is visible: versions are in commit order, and the checks see all that was committed.

-- 99 is 'c', 100 is 'd': any two numbers, the same for everybody.
CREATE OR REPLACE FUNCTION csdns.take_mutex() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(99100, 110115);
END
$$;

-- In REPEATABLE READ and SERIALIZABLE the checks would look at an old state.  Another transaction's newer version cannot be seen
-- there, but it is in the way of ours; and if it has been pruned, so has the one that we see.
CREATE OR REPLACE FUNCTION csdns.refuse_old_snapshot(me xid8) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    newest bigint := (SELECT max(v.version) FROM version v);
BEGIN
    IF EXISTS (SELECT FROM version v WHERE v.version = newest AND v.txid = me) THEN
        RETURN;
    END IF;
    PERFORM FROM version v WHERE v.version = newest FOR KEY SHARE;
    INSERT INTO version (version, txid, at) VALUES (newest + 1, me, clock_timestamp());
EXCEPTION
    WHEN unique_violation OR serialization_failure THEN
        RAISE EXCEPTION 'could not serialize access: the store has changed since this transaction''s snapshot, at version %', newest
              USING ERRCODE = 'serialization_failure', HINT = 'Repeat the transaction.';
END
$$;

-- Rules among the enabled records of one name.  RRSIG, NSEC and their like live beside a CNAME (RFC 4034, RFC 2181 section 10.1).
CREATE OR REPLACE FUNCTION csdns.rrset_fault(zone_id int, rname text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
    WITH r AS (
        SELECT r.type, served_content(r.type, r.content, r.prio) AS content
          FROM pdns_record r
         WHERE r.name = rname AND r.domain_id + 0 = zone_id AND r.disabled = false AND r.type <> ''
    )
    SELECT coalesce(
        (SELECT format('%s "%s" is there twice', r.type, r.content) FROM r GROUP BY r.type, r.content HAVING count(*) > 1 LIMIT 1),
        (SELECT 'more than one CNAME' FROM r WHERE r.type = 'CNAME' HAVING count(*) > 1),
        (SELECT format('CNAME beside %s', min(r.type)) FROM r
          WHERE r.type NOT IN ('CNAME', 'RRSIG', 'NSEC', 'NSEC3', 'KEY', 'SIG', 'NXT')
            AND EXISTS (SELECT FROM r c WHERE c.type = 'CNAME') HAVING count(*) > 0),
        (SELECT 'more than one SOA' FROM r WHERE r.type = 'SOA' HAVING count(*) > 1))
$$;
COMMENT ON FUNCTION csdns.rrset_fault(int, text) IS
    'Which rule among several records the enabled records of a zone and name break (twice the same, CNAME beside others, ...), or NULL.';

-- PowerDNS' gpgsql backend writes the SOA that ends a transfer as well, when the whole zone is the answer to IXFR (PowerDNS issue
-- 12984).  Only what this transaction wrote: an SOA with the serial from before it is refused.  True when there was one.
CREATE OR REPLACE FUNCTION csdns.drop_repeated_soas(me xid8) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    DELETE FROM pdns_record r
     WHERE r.id IN (SELECT n.id
                      FROM (SELECT DISTINCT j.domain_id, j.name FROM journal j WHERE j.txid = me AND j.what = 'n' AND j.added) AS t
                     CROSS JOIN LATERAL (SELECT k.serial FROM journal k
                                          WHERE k.txid = me AND k.domain_id = t.domain_id AND k.what = 's' OFFSET 0) AS before
                     CROSS JOIN LATERAL (SELECT s.id
                                           FROM pdns_record s
                                          WHERE s.name = t.name AND s.domain_id + 0 = t.domain_id AND s.type = 'SOA' AND s.disabled = false
                                            AND soa_serial(s.content) IS DISTINCT FROM before.serial
                                            AND EXISTS (SELECT FROM pdns_record o
                                                         WHERE o.name = s.name AND o.domain_id + 0 = s.domain_id AND o.type = 'SOA'
                                                           AND o.disabled = false AND o.id < s.id
                                                           AND (o.content, o.ttl, o.prio) IS NOT DISTINCT FROM (s.content, s.ttl, s.prio))
                                            FOR UPDATE SKIP LOCKED) AS n);
    RETURN FOUND;
END
$$;

CREATE OR REPLACE FUNCTION csdns.check_names(me xid8) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_hashagg = off SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    bad record;
BEGIN
    SELECT t.domain_id, t.name, d.name AS zone, is_inside(t.name, d.name) AS inside
      INTO bad
      FROM (SELECT DISTINCT ON (j.domain_id, j.name COLLATE "C") j.domain_id, j.name FROM journal j WHERE j.txid = me AND j.what = 'n' AND j.added) AS t
     CROSS JOIN LATERAL (SELECT d.name FROM pdns_domain d WHERE d.id = t.domain_id OFFSET 0) AS d
     CROSS JOIN LATERAL (SELECT count(*) AS rows FROM pdns_record r WHERE r.name = t.name AND r.domain_id + 0 = t.domain_id) AS c
     WHERE c.rows > 0
       AND (NOT is_inside(t.name, d.name)
            OR c.rows > 1 AND (         -- most names have one record and end here
               SELECT s.enabled > 1 AND (s.cnames > 1 OR s.soas > 1 OR s.cnames > 0 AND s.others > 0 OR s.lowest = s.highest
                                         OR s.enabled > 2 AND rrset_fault(t.domain_id, t.name) IS NOT NULL)
                 FROM (SELECT count(*) AS enabled,
                              count(*) FILTER (WHERE r.type = 'CNAME') AS cnames,
                              count(*) FILTER (WHERE r.type = 'SOA') AS soas,
                              count(*) FILTER (WHERE r.type NOT IN ('CNAME', 'RRSIG', 'NSEC', 'NSEC3', 'KEY', 'SIG', 'NXT')) AS others,
                              min(r.type || ' ' || served_content(r.type, r.content, r.prio) COLLATE "C") AS lowest,
                              max(r.type || ' ' || served_content(r.type, r.content, r.prio) COLLATE "C") AS highest
                         FROM pdns_record r
                        WHERE r.name = t.name AND r.domain_id + 0 = t.domain_id AND r.disabled = false AND r.type <> '') AS s))
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF drop_repeated_soas(me) THEN
        PERFORM check_names(me);
    ELSE
        RAISE EXCEPTION 'records of "%" in zone "%": %', bad.name, bad.zone,
                        CASE WHEN bad.inside THEN rrset_fault(bad.domain_id, bad.name) ELSE 'name is outside its zone' END
              USING ERRCODE = 'check_violation', SCHEMA = 'csdns', CONSTRAINT = 'rrset_rule';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.check_renamed_zones(me xid8) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    bad record;
BEGIN
    SELECT r.name, d.name AS zone
      INTO bad
      FROM journal j
      JOIN pdns_domain d ON d.id = j.domain_id
      JOIN pdns_record r ON r.domain_id = d.id
     WHERE j.txid = me AND j.what = 'r' AND NOT is_inside(r.name, d.name)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'records of "%" in zone "%": name is outside its zone', bad.name, bad.zone
              USING ERRCODE = 'check_violation', SCHEMA = 'csdns', CONSTRAINT = 'rrset_rule';
    END IF;
END
$$;

-- Oldest first, and a version only after its journal: a reader whose own version is still there finds all that came after it.
CREATE OR REPLACE FUNCTION csdns.prune_step(before timestamptz, most_versions bigint, most_rows bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    old bigint[];
    gone bigint;
BEGIN
    -- what is before something old is old as well, whatever the clock said then: a gap would be a change that followers miss
    WITH o AS MATERIALIZED (SELECT v.version, v.at FROM version v
                             WHERE v.version < (SELECT max(n.version) FROM version n)
                             ORDER BY v.version LIMIT most_versions)
    SELECT array_agg(o.version ORDER BY o.version)
      INTO old
      FROM o
     WHERE o.version <= (SELECT max(p.version) FROM o p WHERE p.at < before);
    IF old IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM journal j
     WHERE j.ctid = ANY (ARRAY(SELECT k.ctid
                                 FROM unnest(old) AS o (version)
                                CROSS JOIN LATERAL (SELECT v.txid FROM version v WHERE v.version = o.version OFFSET 0) AS v
                                CROSS JOIN LATERAL (SELECT k.ctid FROM journal k WHERE k.txid = v.txid OFFSET 0) AS k
                                LIMIT most_rows));
    DELETE FROM version v
     WHERE v.version = ANY (old)
       AND v.version < ALL (SELECT min(w.version) FROM version w
                             WHERE w.version = ANY (old) AND EXISTS (SELECT FROM journal k WHERE k.txid = w.txid)
                            HAVING min(w.version) IS NOT NULL);
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

CREATE OR REPLACE FUNCTION csdns.prune(older_than interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    keep interval := coalesce(older_than, (SELECT s.value::interval FROM setting s WHERE s.name = 'retention'));
BEGIN
    LOCK TABLE version, journal IN ROW EXCLUSIVE MODE;
    PERFORM take_mutex();
    RETURN prune_step(clock_timestamp() - keep, 9223372036854775807, 9223372036854775807);
END
$$;
COMMENT ON FUNCTION csdns.prune(interval) IS
    'Deletes versions older than the interval (default: the setting retention) with their journal, never the newest; returns how many. Commits do this by themselves, a little at a time.';

-- Checks, serials, version, notification of the present transaction.  Can run several times in one transaction
-- (SET CONSTRAINTS ALL IMMEDIATE): the version stays, later changes join it.
CREATE OR REPLACE FUNCTION csdns.commit_changes() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    me xid8 := pg_current_xact_id();
    fresh boolean := current_setting('transaction_isolation') = 'read committed';
    wrote bigint;
    renamed bigint;
    moved int := 0;
    last record;
BEGIN
    LOCK TABLE pdns_domain, pdns_record, pdns_metadata IN ROW EXCLUSIVE MODE;
    PERFORM take_mutex();

    SELECT count(*), count(*) FILTER (WHERE j.what = 'r') INTO wrote, renamed FROM journal j WHERE j.txid = me AND j.what <> 's';
    IF NOT fresh AND wrote > 0 THEN
        PERFORM refuse_old_snapshot(me);
    END IF;
    IF wrote > 0 THEN
        PERFORM check_names(me);
    END IF;
    IF renamed > 0 THEN
        PERFORM check_renamed_zones(me);
    END IF;
    IF fresh OR wrote > 0 THEN
        moved := move_serials(me);
    END IF;
    IF wrote = 0 AND moved = 0 THEN
        RETURN;
    END IF;

    SELECT v.version, v.txid INTO last FROM version v ORDER BY v.version DESC LIMIT 1;
    IF last.txid IS DISTINCT FROM me THEN
        last.version := coalesce(last.version, 0) + 1;
        INSERT INTO version (version, txid, at) VALUES (last.version, me, clock_timestamp());
    END IF;
    PERFORM pg_notify('csdns', last.version::text);

    -- now and then, in proportion to what is written
    IF last.version % 16 = 0 OR wrote > 1000 THEN
        PERFORM prune_step(clock_timestamp() - s.value::interval, 64, 4096 + 2 * wrote) FROM setting s WHERE s.name = 'retention';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
BEGIN
    PERFORM commit_changes();
    -- last, so that the serials' own change queues nothing; whoever writes after this is pending again
    DELETE FROM pending p WHERE p.txid = NEW.txid;
    RETURN NULL;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'csdns.pending'::regclass AND tgname = 'commit') THEN
        CREATE CONSTRAINT TRIGGER commit AFTER INSERT ON csdns.pending
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION csdns.on_commit();
    END IF;
END
$$;

-- Asks for commit_changes() at the end of this transaction.
CREATE OR REPLACE FUNCTION csdns.await_commit() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    INSERT INTO pending (txid) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION csdns.settle() RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM serial_debt) THEN
        PERFORM await_commit();
    END IF;
    RETURN (SELECT count(*) FROM serial_debt);
END
$$;
COMMENT ON FUNCTION csdns.settle() IS
    'Moves the serials that csdns.serial_debt owes, at the end of this transaction, as far as their SOA records are free; returns how many were owed. For csdnsd, after a writer rolled back.';
