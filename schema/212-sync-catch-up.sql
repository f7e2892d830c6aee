-- Catching up: what happened while nobody listened is read from the cloud's own list of events.  How far it has been read is the source catchup of
-- csdns.sync_source, which moves only when all of it is durable in the queue.

CREATE OR REPLACE FUNCTION csdns.sync_begin_catch_up(every interval, at_once boolean) RETURNS TABLE (since timestamptz, now timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    begun timestamptz := clock_timestamp();
    mark timestamptz := (SELECT s.last_at FROM sync_source s WHERE s.source = 'catchup');
BEGIN
    IF mark IS NULL THEN
        -- csdns-sync that did not do this yet: events came up to then
        mark := (SELECT max(s.last_at) FROM sync_source s);
        INSERT INTO sync_source (source, last_at) VALUES ('catchup', coalesce(mark, begun)) ON CONFLICT DO NOTHING;
    END IF;
    IF mark IS NULL OR NOT at_once AND (every IS NULL OR mark > begun - every) THEN
        mark := NULL;
    ELSIF mark < begun - interval '3 days' THEN
        -- listing everything is cheaper, and the cloud may have thrown away the events
        PERFORM sync_caught_up(begun, true);
        mark := NULL;
    END IF;
    RETURN QUERY SELECT mark, begun;
END
$$;
COMMENT ON FUNCTION csdns.sync_begin_catch_up(interval, boolean) IS
    'From when on the cloud''s list of events is to be read: NULL when it is not, because it was read within the interval (which is NULL where only at_once counts), there never was an event, or the last time is more than 3 days ago, which asks for a reconcile instead. And the time, for csdns.sync_caught_up.';

CREATE OR REPLACE FUNCTION csdns.sync_caught_up(until timestamptz, unsure boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    INSERT INTO sync_source AS s (source, last_at) VALUES ('catchup', until)
        ON CONFLICT (source) DO UPDATE SET last_at = greatest(s.last_at, excluded.last_at);
    IF unsure THEN
        PERFORM sync_now(false);
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.sync_caught_up(timestamptz, boolean) IS
    'Notes until when the cloud''s own list of events has been read. unsure: it did not tell all, so that a reconcile is asked for.';
