-- Verification: which DNS servers are asked whether they answer as the store says, what they should answer for an instance, and what
-- differs.  Asking is the work of csdns-sync and "csdns verify".

CREATE TABLE IF NOT EXISTS csdns.verify_server (
    zone    text NOT NULL DEFAULT '',
    address inet NOT NULL,
    port    int NOT NULL DEFAULT 53,
    PRIMARY KEY (zone, address, port),
    CONSTRAINT address_is_host CHECK (address = host(address)::inet),
    CONSTRAINT port_is_port CHECK (port BETWEEN 1 AND 65535),
    CONSTRAINT zone_is_name CHECK (zone = '' OR csdns.name_fault(zone) IS NULL AND zone = lower(zone))
);
COMMENT ON TABLE csdns.verify_server IS 'DNS servers that must answer as the store says. csdns-sync asks them after an instance has changed, "csdns verify" on demand; without rows nobody is asked.';
COMMENT ON COLUMN csdns.verify_server.zone IS 'Zone that the server is asked about; empty for all zones that have no row of their own.';
COMMENT ON COLUMN csdns.verify_server.address IS 'Its address.';
COMMENT ON COLUMN csdns.verify_server.port IS 'Its port.';

CREATE TABLE IF NOT EXISTS csdns.verify_name (
    instance uuid NOT NULL,
    zone     text NOT NULL,
    name     text NOT NULL,
    type     text NOT NULL,
    PRIMARY KEY (instance, zone, name, type)
);
COMMENT ON TABLE csdns.verify_name IS 'Record sets that an instance had when its answers were verified last: what is gone since must be gone from the servers.';
COMMENT ON COLUMN csdns.verify_name.instance IS 'Instance.';
COMMENT ON COLUMN csdns.verify_name.zone IS 'Zone.';
COMMENT ON COLUMN csdns.verify_name.name IS 'Name.';
COMMENT ON COLUMN csdns.verify_name.type IS 'Type.';

CREATE TABLE IF NOT EXISTS csdns.verify_fault (
    server   text NOT NULL,
    zone     text NOT NULL,
    name     text NOT NULL,
    type     text NOT NULL,
    since    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expected text NOT NULL,
    got      text NOT NULL,
    PRIMARY KEY (server, name, type)
);
COMMENT ON TABLE csdns.verify_fault IS 'Answers that differed when csdns-sync gave up asking, until a server answers as the store says.';
COMMENT ON COLUMN csdns.verify_fault.server IS 'Address and port.';
COMMENT ON COLUMN csdns.verify_fault.zone IS 'Zone.';
COMMENT ON COLUMN csdns.verify_fault.name IS 'Name that was asked for.';
COMMENT ON COLUMN csdns.verify_fault.type IS 'Type that was asked for.';
COMMENT ON COLUMN csdns.verify_fault.since IS 'When it was noted first.';
COMMENT ON COLUMN csdns.verify_fault.expected IS 'What the store says.';
COMMENT ON COLUMN csdns.verify_fault.got IS 'What the server answered, or why it did not.';

CREATE OR REPLACE FUNCTION csdns.verify_servers(zone text) RETURNS TABLE (address text, port int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT host(s.address), s.port FROM verify_server s
     WHERE s.zone = CASE WHEN EXISTS (SELECT FROM verify_server o WHERE o.zone = verify_servers.zone) THEN verify_servers.zone ELSE '' END
     ORDER BY s.address, s.port
$$;
COMMENT ON FUNCTION csdns.verify_servers(text) IS 'DNS servers to ask about a zone: those of the zone, else those of all zones.';

-- A name that is gone may still be answered by a wildcard: then it is not asked for.
CREATE OR REPLACE FUNCTION csdns.verify_expected(asked jsonb) RETURNS TABLE (server text, port int, zone text, name text, type text, records jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT s.address, s.port, a.zone, a.name, a.type, coalesce(e.records, '[]')
      FROM jsonb_to_recordset(asked) AS a (zone text, name text, type text)
      JOIN pdns_domain d ON d.name = a.zone
     CROSS JOIN LATERAL verify_servers(a.zone) AS s
      LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('ttl', coalesce(r.ttl, 3600), 'content', served_content(r.type, r.content, r.prio)) ORDER BY r.content) AS records
                           FROM pdns_record r
                          WHERE r.name = a.name AND r.domain_id + 0 = d.id AND r.type = a.type AND r.disabled = false) AS e ON true
     WHERE e.records IS NOT NULL
        OR NOT EXISTS (SELECT FROM pdns_record w
                        WHERE w.domain_id = d.id AND starts_with(w.name, '*.') AND right(a.name, length(w.name) - 1) = substr(w.name, 2) AND w.disabled = false)
$$;
COMMENT ON FUNCTION csdns.verify_expected(jsonb) IS
    'What the servers of csdns.verify_server should answer for record sets, an array of {zone, name, type}: records [{ttl, content}], empty for what must not be there.';

CREATE OR REPLACE FUNCTION csdns.verify_wanted(instances uuid[]) RETURNS TABLE (server text, port int, zone text, name text, type text, records jsonb)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
DECLARE
    asked jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM verify_server) THEN
        RETURN;
    END IF;
    WITH present AS MATERIALIZED (
        SELECT DISTINCT m.source AS instance, d.name::text AS zone, r.name::text AS name, r.type::text AS type
          FROM rule_record m JOIN pdns_record r ON r.id = m.record_id JOIN pdns_domain d ON d.id = r.domain_id
         WHERE m.source = ANY (instances)
    ), known AS MATERIALIZED (
        SELECT v.instance, v.zone, v.name, v.type FROM verify_name v WHERE v.instance = ANY (instances)
    ), forgotten AS (
        DELETE FROM verify_name v USING known k
         WHERE v.instance = k.instance AND v.zone = k.zone AND v.name = k.name AND v.type = k.type
           AND NOT EXISTS (SELECT FROM present p WHERE p.instance = k.instance AND p.zone = k.zone AND p.name = k.name AND p.type = k.type)
    ), learned AS (
        INSERT INTO verify_name (instance, zone, name, type) SELECT p.instance, p.zone, p.name, p.type FROM present p ON CONFLICT DO NOTHING
    )
    SELECT jsonb_agg(jsonb_build_object('zone', a.zone, 'name', a.name, 'type', a.type)) INTO asked
      FROM (SELECT p.zone, p.name, p.type FROM present p UNION SELECT k.zone, k.name, k.type FROM known k) AS a;
    RETURN QUERY SELECT e.* FROM verify_expected(coalesce(asked, '[]')) AS e;
END
$$;
COMMENT ON FUNCTION csdns.verify_wanted(uuid[]) IS
    'csdns.verify_expected of every record set that rules gave to these instances, and of those that they had when this was asked last.';

CREATE OR REPLACE FUNCTION csdns.verify_noted(results jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    r record;
    noted int := 0;
BEGIN
    FOR r IN SELECT * FROM jsonb_to_recordset(results) AS x (server text, zone text, name text, type text, expected text, got text)
              ORDER BY server, name, type
    LOOP
        IF r.got IS NULL THEN
            DELETE FROM verify_fault f WHERE f.server = r.server AND f.name = r.name AND f.type = r.type;
            IF FOUND THEN
                PERFORM log_event('DNS.VERIFY.OK', r.zone, r.name, NULL, NULL, format('%s answers %s as the store says', r.server, r.type));
                noted := noted + 1;
            END IF;
            CONTINUE;
        END IF;
        IF EXISTS (SELECT FROM verify_fault f WHERE f.server = r.server AND f.name = r.name AND f.type = r.type AND f.expected = r.expected AND f.got = r.got) THEN
            CONTINUE;
        END IF;
        INSERT INTO verify_fault AS f (server, zone, name, type, expected, got)
            VALUES (r.server, r.zone, r.name, r.type, left(r.expected, 1000), left(r.got, 1000))
            ON CONFLICT (server, name, type) DO UPDATE SET zone = excluded.zone, expected = excluded.expected, got = excluded.got;
        PERFORM log_event('DNS.VERIFY.FAILED', r.zone, r.name, NULL, NULL,
                          format('%s, %s: expected %s, got %s', r.server, r.type, left(r.expected, 1000), left(r.got, 1000)));
        noted := noted + 1;
    END LOOP;
    RETURN noted;
END
$$;
COMMENT ON FUNCTION csdns.verify_noted(jsonb) IS
    'Notes how servers answered, an array of {server, zone, name, type, expected, got}, got null for an answer as expected: an event DNS.VERIFY.FAILED for what differs, once, and DNS.VERIFY.OK when it does not any more. Returns how many events.';

-- A server or a record set that nobody is asked about any more can be at fault no more.
CREATE OR REPLACE FUNCTION csdns.verify_faulty() RETURNS TABLE (zone text, name text, type text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
BEGIN
    DELETE FROM verify_fault f
     WHERE NOT EXISTS (SELECT FROM verify_expected(jsonb_build_array(jsonb_build_object('zone', f.zone, 'name', f.name, 'type', f.type))) AS e
                        WHERE f.server = e.server || ':' || e.port);
    RETURN QUERY SELECT DISTINCT f.zone, f.name, f.type FROM verify_fault f ORDER BY f.zone, f.name, f.type LIMIT 1000;
END
$$;
COMMENT ON FUNCTION csdns.verify_faulty() IS
    'Record sets of csdns.verify_fault, 1000 at most, to be asked for again: csdns-sync does when it starts and every ten minutes. Forgets faults that nobody is asked about any more.';
