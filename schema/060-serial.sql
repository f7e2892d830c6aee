-- SOA serials: arithmetic of RFC 1982, the styles, and moving the serials of the zones that a transaction touched.

CREATE OR REPLACE FUNCTION csdns.soa_serial(content text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (regexp_match(content, '^\s*\S+\s+\S+\s+(\d{1,10})(?:\s|$)'))[1]::bigint
$$;
COMMENT ON FUNCTION csdns.soa_serial(text) IS 'Serial in the content of a SOA record, NULL if there is none.';

CREATE OR REPLACE FUNCTION csdns.is_serial_after(serial bigint, other bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((serial - other) & 4294967295) BETWEEN 1 AND 2147483647
$$;
COMMENT ON FUNCTION csdns.is_serial_after(bigint, bigint) IS 'Whether a serial is after another one in the arithmetic of RFC 1982, modulo 2^32.';

CREATE OR REPLACE FUNCTION csdns.next_serial(serial bigint, style text, at timestamptz DEFAULT now()) RETURNS bigint
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    wanted bigint := CASE style
                         WHEN 'epoch' THEN floor(extract(epoch FROM at))::bigint & 4294967295
                         WHEN 'date' THEN to_char(at AT TIME ZONE 'UTC', 'YYYYMMDD')::bigint * 100 + 1
                     END;
BEGIN
    RETURN CASE WHEN is_serial_after(wanted, serial) THEN wanted ELSE (serial + 1) & 4294967295 END;
END
$$;
COMMENT ON FUNCTION csdns.next_serial(bigint, text, timestamptz) IS
    'Serial that follows: counter adds one; epoch takes the seconds since 1970 and date YYYYMMDD01 (UTC) when that is after the present one, else they add one. Never backwards.';

CREATE OR REPLACE FUNCTION csdns.serial_style(zone_id int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT m.content FROM pdns_metadata m
                      WHERE m.domain_id = zone_id AND m.kind = 'X-CSDNS-SERIAL' AND m.content IN ('counter', 'epoch', 'date')
                      LIMIT 1),
                    (SELECT s.value FROM setting s WHERE s.name = 'serial_style'));
END
$$;
COMMENT ON FUNCTION csdns.serial_style(int) IS 'How the serial of a zone (domains.id) moves: its X-CSDNS-SERIAL metadata, else the setting serial_style.';

-- A writer that read serial 7 while others moved it to 9 sets 8 (PowerDNS' API does): that serial has been served with other content.
-- Someone who sets a serial back with nobody else about means it.  A version is stamped a moment before its commit can be seen: who began
-- in between read the serial before it too, and is known by setting the next of one that others moved on from within the last seconds.
CREATE OR REPLACE FUNCTION csdns.lost_serial_race(zone_id int, me xid8, was bigint, is_now bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF was IS NULL OR is_serial_after(is_now, was) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM (SELECT v.txid, v.at FROM version v ORDER BY v.version DESC LIMIT 10000) AS v
                    CROSS JOIN LATERAL (SELECT j.serial FROM journal j
                                         WHERE j.txid = v.txid AND j.what = 's' AND j.domain_id = zone_id OFFSET 0) AS j
                    WHERE v.txid <> me
                      AND (v.at >= transaction_timestamp()
                           OR v.at >= transaction_timestamp() - interval '10 seconds' AND is_now = ((j.serial + 1) & 4294967295)));
END
$$;

-- Runs at commit, under the store's mutex, so it waits for nobody: a SOA row that another open transaction holds is skipped, and
-- the move is owed until a later commit finds the row free.  The other transaction's own commit comes later too, and a serial that
-- it changed settles the debt.
--
-- Whose turn it is: a zone that this transaction touched and whose serial is still the one of before its first touch of the SOA
-- (journal entry 's'; none: it never touched it; with NULL: the SOA is new and the writer's own), and a zone with a debt whose
-- serial is still the one of the debt.
CREATE OR REPLACE FUNCTION csdns.move_serials(me xid8) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET jit = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    due int[];
    held int[];
    ids bigint[];
    contents text[];
    moved int := 0;
BEGIN
    SELECT array_agg(z.domain_id)
      INTO due
      FROM (SELECT j.domain_id FROM journal j WHERE j.txid = me AND j.what IN ('n', 'z')
            UNION
            SELECT o.domain_id FROM serial_debt o) AS z
     CROSS JOIN LATERAL (SELECT d.type FROM pdns_domain d WHERE d.id = z.domain_id OFFSET 0) AS d
     WHERE upper(d.type) NOT IN ('SLAVE', 'CONSUMER')
       AND NOT EXISTS (SELECT FROM pdns_metadata m WHERE m.domain_id = z.domain_id AND m.kind = 'PRESIGNED');

    IF due IS NOT NULL THEN
        -- OFFSET 0 and domain_id + 0: from the due zones, to the zone's row, to the SOA by name; never through all zones or
        -- all records of one, whatever the statistics said when this was planned
        WITH soa AS MATERIALIZED (
            SELECT r.id, r.domain_id, r.content, soa_serial(r.content) AS serial
              FROM unnest(due) AS z (id)
             CROSS JOIN LATERAL (SELECT d.id, d.name FROM pdns_domain d WHERE d.id = z.id OFFSET 0) AS d
             CROSS JOIN LATERAL (SELECT r.id, r.domain_id, r.content
                                   FROM pdns_record r
                                  WHERE r.name = d.name AND r.type = 'SOA' AND r.domain_id + 0 = d.id AND r.disabled = false
                                    FOR NO KEY UPDATE SKIP LOCKED) AS r
        ), judged AS (
            SELECT s.id, s.domain_id, s.content,
                   CASE WHEN j.txid IS NULL THEN
                            CASE WHEN o.domain_id IS NULL OR o.serial = s.serial
                                      OR EXISTS (SELECT FROM journal t WHERE t.txid = me AND t.domain_id = s.domain_id
                                                                        AND t.what IN ('n', 'z'))
                                 THEN s.serial END
                        WHEN j.serial = s.serial THEN s.serial
                        WHEN lost_serial_race(s.domain_id, me, j.serial, s.serial) THEN j.serial
                   END AS after
              FROM soa s
              LEFT JOIN LATERAL (SELECT k.txid, k.serial FROM journal k
                                  WHERE k.txid = me AND k.domain_id = s.domain_id AND k.what = 's' OFFSET 0) AS j ON true
              LEFT JOIN LATERAL (SELECT p.domain_id, p.serial FROM serial_debt p
                                  WHERE p.domain_id = s.domain_id OFFSET 0) AS o ON true
        )
        SELECT array_agg(g.domain_id), array_agg(g.id) FILTER (WHERE g.after IS NOT NULL),
               array_agg(regexp_replace(g.content, '^(\s*\S+\s+\S+\s+)\d+',
                                        '\1' || next_serial(g.after, serial_style(g.domain_id), clock_timestamp())))
                   FILTER (WHERE g.after IS NOT NULL)
          INTO held, ids, contents
          FROM judged g;

        UPDATE pending p SET moving = true WHERE p.txid = me AND ids IS NOT NULL;
        UPDATE pdns_record r SET content = m.content
          FROM unnest(ids, contents) AS m (id, content)
         WHERE r.id = m.id;
        GET DIAGNOSTICS moved = ROW_COUNT;

        -- zones whose SOA is there but was not to be had
        IF cardinality(held) IS DISTINCT FROM cardinality(due) THEN
            INSERT INTO serial_debt (domain_id, serial)
                SELECT d.id, min(soa_serial(r.content))
                  FROM unnest(due) AS z (id)
                 CROSS JOIN LATERAL (SELECT d.id, d.name FROM pdns_domain d WHERE d.id = z.id OFFSET 0) AS d
                 CROSS JOIN LATERAL (SELECT r.content FROM pdns_record r
                                      WHERE r.name = d.name AND r.type = 'SOA' AND r.domain_id + 0 = d.id AND r.disabled = false
                                     OFFSET 0) AS r
                 WHERE d.id <> ALL (coalesce(held, '{}'))
                 GROUP BY d.id
                ON CONFLICT (domain_id) DO UPDATE SET serial = excluded.serial;
        END IF;
    END IF;


    IF EXISTS (SELECT FROM serial_debt) THEN
        -- what was held is settled; so is a zone that is gone, has no SOA, or is none to move
        DELETE FROM serial_debt o
         WHERE o.domain_id = ANY (held) OR o.domain_id <> ALL (coalesce(due, '{}'))
            OR NOT EXISTS (SELECT FROM pdns_domain d JOIN pdns_record r ON r.name = d.name AND r.type = 'SOA'
                                                           AND r.domain_id + 0 = d.id AND r.disabled = false
                            WHERE d.id = o.domain_id);
    END IF;
    RETURN moved;
END
$$;
