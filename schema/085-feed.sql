-- What csdnsd reads, and all that it reads: everything that is served (served_*), and what changed after a version:
-- changes(), which is head(), follows() and the touched_* functions in one.  Nothing here writes or locks, so it works on a
-- hot standby too.  Whoever calls the parts by themselves does so in one REPEATABLE READ READ ONLY transaction.
--
-- The touched_* functions pin their plans to nested index lookups: right for one name in ten million rows, and bearable
-- for 100 000 names, whatever the statistics say at the moment.

CREATE OR REPLACE VIEW csdns.served_domain AS
    SELECT id, name::text AS name, type, master::text AS master, last_check, notified_serial::bigint AS notified_serial,
           account::text AS account, options, catalog
      FROM domains;
COMMENT ON VIEW csdns.served_domain IS 'All zones, as csdnsd reads them.';
COMMENT ON COLUMN csdns.served_domain.id IS 'Number of the zone.';
COMMENT ON COLUMN csdns.served_domain.name IS 'Name, lower case, no final dot.';
COMMENT ON COLUMN csdns.served_domain.type IS 'NATIVE, MASTER, SLAVE, PRODUCER or CONSUMER.';
COMMENT ON COLUMN csdns.served_domain.master IS 'Addresses of the primaries, separated by commas, or NULL.';
COMMENT ON COLUMN csdns.served_domain.last_check IS 'Seconds since 1970, or NULL.';
COMMENT ON COLUMN csdns.served_domain.notified_serial IS 'Serial, or NULL.';
COMMENT ON COLUMN csdns.served_domain.account IS 'Text or NULL.';
COMMENT ON COLUMN csdns.served_domain.options IS 'JSON text or NULL.';
COMMENT ON COLUMN csdns.served_domain.catalog IS 'Name of a catalog zone or NULL.';

CREATE OR REPLACE VIEW csdns.served_record AS
    SELECT id::bigint AS id, domain_id, name::text AS name, type::text AS type, content::text AS content, ttl, prio,
           disabled IS NOT FALSE AS disabled
      FROM records;
COMMENT ON VIEW csdns.served_record IS 'All records, disabled ones included, as csdnsd reads them.';
COMMENT ON COLUMN csdns.served_record.id IS 'Number of the row.';
COMMENT ON COLUMN csdns.served_record.domain_id IS 'Zone.';
COMMENT ON COLUMN csdns.served_record.name IS 'Full name, lower case, no final dot.';
COMMENT ON COLUMN csdns.served_record.type IS 'Type; NULL or empty for an empty non-terminal.';
COMMENT ON COLUMN csdns.served_record.content IS 'Content; of MX and SRV without the priority if prio is set.';
COMMENT ON COLUMN csdns.served_record.ttl IS 'Seconds, or NULL for PowerDNS'' default.';
COMMENT ON COLUMN csdns.served_record.prio IS 'Priority of MX and SRV, or NULL.';
COMMENT ON COLUMN csdns.served_record.disabled IS 'True for all that is not served: gpgsql serves only rows where disabled is false, not NULL.';

CREATE OR REPLACE VIEW csdns.served_metadata AS
    SELECT id, domain_id, kind::text AS kind, content FROM domainmetadata;
COMMENT ON VIEW csdns.served_metadata IS 'All settings of single zones; several values of one kind are in order of id.';
COMMENT ON COLUMN csdns.served_metadata.id IS 'Number of the row, for the order.';
COMMENT ON COLUMN csdns.served_metadata.domain_id IS 'Zone.';
COMMENT ON COLUMN csdns.served_metadata.kind IS 'Name of the setting.';
COMMENT ON COLUMN csdns.served_metadata.content IS 'One value.';

CREATE OR REPLACE VIEW csdns.served_key AS
    SELECT id, domain_id, flags, active, published, content FROM cryptokeys;
COMMENT ON VIEW csdns.served_key IS 'All DNSSEC keys, private parts included.';
COMMENT ON COLUMN csdns.served_key.id IS 'Number of the key.';
COMMENT ON COLUMN csdns.served_key.domain_id IS 'Zone.';
COMMENT ON COLUMN csdns.served_key.flags IS '256 or 257.';
COMMENT ON COLUMN csdns.served_key.active IS 'Whether it signs.';
COMMENT ON COLUMN csdns.served_key.published IS 'Whether its DNSKEY is published.';
COMMENT ON COLUMN csdns.served_key.content IS 'The private key in ISC format.';

CREATE OR REPLACE VIEW csdns.served_tsigkey AS
    SELECT name::text AS name, algorithm::text AS algorithm, secret::text AS secret FROM tsigkeys;
COMMENT ON VIEW csdns.served_tsigkey IS 'All TSIG keys.';
COMMENT ON COLUMN csdns.served_tsigkey.name IS 'Name of the key.';
COMMENT ON COLUMN csdns.served_tsigkey.algorithm IS 'Such as hmac-sha256.';
COMMENT ON COLUMN csdns.served_tsigkey.secret IS 'The secret in base64.';

CREATE OR REPLACE VIEW csdns.served_autoprimary AS
    SELECT host(ip) AS ip, nameserver::text AS nameserver, account::text AS account FROM supermasters;
COMMENT ON VIEW csdns.served_autoprimary IS 'All autoprimaries.';
COMMENT ON COLUMN csdns.served_autoprimary.ip IS 'Address as text.';
COMMENT ON COLUMN csdns.served_autoprimary.nameserver IS 'Name that the new zone''s NS records must hold.';
COMMENT ON COLUMN csdns.served_autoprimary.account IS 'Account to give to the new zone.';

CREATE OR REPLACE FUNCTION csdns.head(OUT version bigint, OUT at timestamptz) RETURNS record
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    SELECT v.version, v.at INTO head.version, head.at FROM version v ORDER BY v.version DESC LIMIT 1;
    IF NOT FOUND THEN
        version := 0;
        at := 'epoch';
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.head() IS
    'Newest version of the store and when it was committed (to the microsecond); 0 and 1970 if there is none.';

CREATE OR REPLACE FUNCTION csdns.follows(since bigint, since_at timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_seqscan = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (SELECT FROM version v WHERE v.version = since AND v.at = since_at);
END
$$;
COMMENT ON FUNCTION csdns.follows(bigint, timestamptz) IS
    'Whether what head() once returned is still part of this store''s history and the journal after it is complete. False after pruning past it, or when a failover lost it: then load everything again.';

-- For the functions below, which have it become part of their own plans; so nothing is pinned here.
CREATE OR REPLACE FUNCTION csdns.touched_rows(since bigint) RETURNS TABLE (what "char", domain_id int, name text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 AS $$
    -- OFFSET 0: the few new versions first, then their journal by index, never the other way round
    SELECT DISTINCT j.what, j.domain_id, CASE WHEN j.what = 'n' THEN j.name END
      FROM csdns.version v
     CROSS JOIN LATERAL (SELECT k.what, k.domain_id, k.name FROM csdns.journal k WHERE k.txid = v.txid OFFSET 0) AS j
     WHERE v.version > since AND j.what IN ('n', 'z', 'd', 't', 'a', '*')
$$;
COMMENT ON FUNCTION csdns.touched_rows(bigint) IS 'The query behind touched(); for the owner alone.';

CREATE OR REPLACE FUNCTION csdns.touched(since bigint) RETURNS TABLE (what "char", domain_id int, name text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100 SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
    RETURN QUERY SELECT t.* FROM touched_rows(since) AS t;
END
$$;
COMMENT ON FUNCTION csdns.touched(bigint) IS
    'What the transactions after a version touched, each once: n records of (domain_id, name); z the whole zone; d only its row in domains; t TSIG keys; a autoprimaries; * everything. name is NULL but for n.';

CREATE OR REPLACE FUNCTION csdns.touched_record(since bigint)
RETURNS TABLE (id bigint, domain_id int, name text, type text, content text, ttl int, prio int, disabled boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100 SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
    -- domain_id + 0: look up by name, never by zone, whatever the statistics say
    RETURN QUERY
        WITH t AS MATERIALIZED (SELECT x.what, x.domain_id, x.name FROM touched(since) AS x WHERE x.what IN ('n', 'z'))
        SELECT r.*
          FROM t
         CROSS JOIN LATERAL (SELECT s.* FROM served_record s WHERE s.domain_id = t.domain_id OFFSET 0) AS r
         WHERE t.what = 'z'
        UNION ALL
        SELECT r.*
          FROM t
         CROSS JOIN LATERAL (SELECT s.* FROM served_record s WHERE s.name = t.name AND s.domain_id + 0 = t.domain_id OFFSET 0) AS r
         WHERE t.what = 'n' AND t.domain_id NOT IN (SELECT z.domain_id FROM t z WHERE z.what = 'z');
END
$$;
COMMENT ON FUNCTION csdns.touched_record(bigint) IS
    'Records as they are now, in the shape of csdns.served_record: those of every touched (domain_id, name), and all records of every zone touched as a whole. A touched name without a row here has no records any more.';

CREATE OR REPLACE FUNCTION csdns.touched_domain(since bigint)
RETURNS TABLE (id int, name text, type text, master text, last_check int, notified_serial bigint, account text, options text, catalog text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10 SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
    RETURN QUERY
        WITH t AS MATERIALIZED (SELECT DISTINCT x.domain_id FROM touched(since) AS x WHERE x.what IN ('z', 'd'))
        SELECT d.* FROM t CROSS JOIN LATERAL (SELECT s.* FROM served_domain s WHERE s.id = t.domain_id OFFSET 0) AS d;
END
$$;
COMMENT ON FUNCTION csdns.touched_domain(bigint) IS
    'Zones touched as a whole or in their row of domains, as they are now, in the shape of csdns.served_domain. A touched zone without a row here is gone.';

CREATE OR REPLACE FUNCTION csdns.touched_metadata(since bigint)
RETURNS TABLE (id int, domain_id int, kind text, content text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10 SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
    RETURN QUERY
        WITH t AS MATERIALIZED (SELECT DISTINCT x.domain_id FROM touched(since) AS x WHERE x.what = 'z')
        SELECT m.* FROM t CROSS JOIN LATERAL (SELECT s.* FROM served_metadata s WHERE s.domain_id = t.domain_id OFFSET 0) AS m
         ORDER BY m.id;
END
$$;
COMMENT ON FUNCTION csdns.touched_metadata(bigint) IS
    'All settings of zones touched as a whole, in the shape of csdns.served_metadata and in order of id.';

CREATE OR REPLACE FUNCTION csdns.touched_key(since bigint)
RETURNS TABLE (id int, domain_id int, flags int, active boolean, published boolean, content text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 10 SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN
    RETURN QUERY
        WITH t AS MATERIALIZED (SELECT DISTINCT x.domain_id FROM touched(since) AS x WHERE x.what = 'z')
        SELECT k.* FROM t CROSS JOIN LATERAL (SELECT s.* FROM served_key s WHERE s.domain_id = t.domain_id OFFSET 0) AS k;
END
$$;
COMMENT ON FUNCTION csdns.touched_key(bigint) IS 'All DNSSEC keys of zones touched as a whole, in the shape of csdns.served_key.';

CREATE OR REPLACE FUNCTION csdns.changes(since bigint, since_at timestamptz)
RETURNS TABLE (part "char", f1 text, f2 text, f3 text, f4 text, f5 text, f6 text, f7 text, f8 text)
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 100 SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    newest bigint;
    newest_at timestamptz;
    is_led_on boolean;
    whats "char"[];
    domain_ids int[];
    names text[];
BEGIN
    -- As head() and follows(), and touched() and touched_record() below: a call of another function that pins its plans costs as much as its query.
    SELECT v.version, v.at, EXISTS (SELECT FROM version w WHERE w.version = since AND w.at = since_at)
      INTO newest, newest_at, is_led_on
      FROM version v ORDER BY v.version DESC LIMIT 1;
    part := 'v';
    f1 := coalesce(newest, 0);
    f2 := (extract(epoch FROM coalesce(newest_at, 'epoch')) * 1000000)::bigint;
    f3 := CASE WHEN is_led_on THEN 't' ELSE 'f' END;
    RETURN NEXT;
    -- whoever has to load everything needs no more, and all that is in the journal may be much
    IF is_led_on IS NOT TRUE THEN
        RETURN;
    END IF;
    SELECT array_agg(t.what), array_agg(t.domain_id), array_agg(t.name)
      INTO whats, domain_ids, names
      FROM (SELECT x.* FROM touched_rows(since) AS x ORDER BY x.what DESC) AS t;
    IF '*' = ANY (whats) THEN
        part := '*';
        f1 := NULL;
        f2 := NULL;
        f3 := NULL;
        RETURN NEXT;
        RETURN;
    END IF;
    RETURN QUERY SELECT u.what, u.domain_id::text, u.name, NULL, NULL, NULL, NULL, NULL, NULL FROM unnest(whats, domain_ids, names) AS u (what, domain_id, name);
    -- most transactions touch names alone
    IF whats && '{z,d}'::"char"[] THEN
        RETURN QUERY SELECT 'D'::"char", d.id::text, d.name, d.type, d.master, d.last_check::text, d.notified_serial::text, d.account, NULL FROM touched_domain(since) AS d;
    END IF;
    IF 'z' = ANY (whats) THEN
        RETURN QUERY SELECT 'M'::"char", m.domain_id::text, m.kind, m.content, NULL, NULL, NULL, NULL, NULL FROM touched_metadata(since) AS m ORDER BY m.id;
        RETURN QUERY SELECT 'K'::"char", k.id::text, k.domain_id::text, k.flags::text, CASE WHEN k.active THEN 't' ELSE 'f' END, CASE WHEN k.published THEN 't' ELSE 'f' END, k.content, NULL, NULL FROM touched_key(since) AS k ORDER BY k.id;
    END IF;
    IF 't' = ANY (whats) THEN
        RETURN QUERY SELECT 'T'::"char", k.name, k.algorithm, k.secret, NULL, NULL, NULL, NULL, NULL FROM served_tsigkey AS k ORDER BY k.name, k.algorithm;
    END IF;
    IF 'z' = ANY (whats) THEN
        RETURN QUERY SELECT 'R'::"char", r.id::text, r.domain_id::text, r.name, r.type, r.content, r.ttl::text, r.prio::text, CASE WHEN r.disabled THEN 't' ELSE 'f' END FROM touched_record(since) AS r;
    ELSIF 'n' = ANY (whats) THEN
        RETURN QUERY
            SELECT 'R'::"char", r.id::text, r.domain_id::text, r.name, r.type, r.content, r.ttl::text, r.prio::text, CASE WHEN r.disabled THEN 't' ELSE 'f' END
              FROM unnest(whats, domain_ids, names) AS u (what, domain_id, name)
             CROSS JOIN LATERAL (SELECT s.* FROM served_record s WHERE s.name = u.name AND s.domain_id + 0 = u.domain_id OFFSET 0) AS r
             WHERE u.what = 'n';
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.changes(bigint, timestamptz) IS
    'All that leads from what head() once returned to the present, in one statement and so of one moment. part says what the fields are: v the present version, microseconds since 1970, whether the old one is followed (f: load everything again, and that was all); * everything is touched, and that was all; n, z, d, t, a what is touched, as touched() has it: zone, name; then what is there now, in the columns of served_*: D domain (id, name, type, master, last_check, notified_serial, account), M metadata (domain_id, kind, content), K key (id, domain_id, flags, active, published, content), T every TSIG key if one was touched (name, algorithm, secret), R record (id, domain_id, name, type, content, ttl, prio, disabled). Whole zones come before names, D before what belongs to it.';
