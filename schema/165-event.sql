-- Events: writing one, and letting old ones go.  The table is in 120-cloud-apply.sql.

CREATE OR REPLACE FUNCTION csdns.log_event(type text, zone text, name text, source uuid, holder uuid, description text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = csdns, pg_temp AS $$
    INSERT INTO event (type, zone, name, source, holder, description) VALUES (type, zone, name, source, holder, description)
$$;
COMMENT ON FUNCTION csdns.log_event(text, text, text, uuid, uuid, text) IS
    'Writes an event; its columns are those of csdns.event. For functions that run with the owner''s rights. Takes the lock of the rules until the end of the transaction.';

-- Oldest first; rows that somebody else is deleting are left to them, so nobody waits here.
CREATE OR REPLACE FUNCTION csdns.prune_event_step(before timestamptz, most bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM event e
     WHERE e.id = ANY (ARRAY(SELECT o.id FROM event o WHERE o.at < before ORDER BY o.at LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

-- Writers of events let twice as many old ones go.  With an old snapshot a row that is gone would be an error instead of skipped.
CREATE OR REPLACE FUNCTION csdns.on_event_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') = 'read committed' THEN
        PERFORM prune_event_step(clock_timestamp() - s.value::interval, 64 + 2 * (SELECT count(*) FROM new_rows))
           FROM setting s WHERE s.name = 'event_retention';
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER prune AFTER INSERT ON csdns.event REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_event_written();

CREATE OR REPLACE FUNCTION csdns.prune_events(older_than interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN prune_event_step(clock_timestamp() - coalesce(older_than, (SELECT s.value::interval FROM setting s WHERE s.name = 'event_retention')),
                            9223372036854775807);
END
$$;
COMMENT ON FUNCTION csdns.prune_events(interval) IS
    'Deletes events older than the interval (default: the setting event_retention) and returns how many. Whoever writes events does this too, a little at a time.';

GRANT EXECUTE ON FUNCTION csdns.prune_events(interval) TO csdns_admin;
