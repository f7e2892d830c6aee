-- The audit trail: who changed what, when, through which path, before and after.  Written by one trigger a statement, so that bulk
-- stays quick: records as one row a zone with up to 500 of them, everything else as one row an object.
--
-- What is there was committed: rows of a transaction that is rolled back go with it.  Triggers that are switched off
-- (session_replication_role = replica, ALTER TABLE ... DISABLE TRIGGER), which takes the owner or a superuser, leave no trail.

CREATE TABLE IF NOT EXISTS csdns.audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    txid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    role        name NOT NULL DEFAULT csdns.caller(),
    login       name DEFAULT nullif(session_user, csdns.caller()),
    cloud_user  text DEFAULT left(nullif(current_setting('csdns.cloud_user', true), ''), 255),
    path        text NOT NULL DEFAULT left(coalesce(nullif(current_setting('csdns.path', true), ''), 'sql'), 64),
    application text DEFAULT nullif(current_setting('application_name', true), ''),
    what        text NOT NULL,
    action      text NOT NULL,
    zone_id     int,
    zone        text,
    name        text,
    before      json,
    after       json
);
CREATE INDEX IF NOT EXISTS audit_at_idx ON csdns.audit ((at::timestamptz(0)));
CREATE INDEX IF NOT EXISTS audit_zone_idx ON csdns.audit (zone);
CREATE INDEX IF NOT EXISTS audit_zone_id_idx ON csdns.audit (zone_id, id);
COMMENT ON TABLE csdns.audit IS
    'Audit trail of records, zones, DNS servers, policy, tenants and settings; csdns.v_audit is the same for people. Written by triggers; only the owner of the schema can write or delete rows. Old rows go by the setting audit_retention.';
COMMENT ON COLUMN csdns.audit.id IS 'Number, rising in the order of statements; transactions may commit in another order.';
COMMENT ON COLUMN csdns.audit.at IS 'When the statement ran.';
COMMENT ON COLUMN csdns.audit.txid IS 'Transaction; csdns.version has it with the version that it made, as long as versions are kept.';
COMMENT ON COLUMN csdns.audit.role IS 'Database role that did it: logged in with, or SET ROLE to. Known to PostgreSQL: it cannot be feigned.';
COMMENT ON COLUMN csdns.audit.login IS 'Role that the session logged in with, where that is another. It cannot be feigned.';
COMMENT ON COLUMN csdns.audit.cloud_user IS 'User of the cloud, from the setting csdns.cloud_user of the session, at most 255 characters. As told by the session: not to be trusted further than its role.';
COMMENT ON COLUMN csdns.audit.path IS
    'rules, the API''s name of a verb such as createDnsZone, or sql: the setting csdns.path. Verbs and rules set it themselves; anybody else may pretend to be one of them.';
COMMENT ON COLUMN csdns.audit.application IS 'application_name, as told by the session.';
COMMENT ON COLUMN csdns.audit.what IS 'Table: records, domains, domainmetadata, cryptokeys, tsigkeys, supermasters, dns_zone, zone_delegation, network_zone, instance_name, dns_server, policy, tenant, setting.';
COMMENT ON COLUMN csdns.audit.action IS 'insert, update, delete or truncate.';
COMMENT ON COLUMN csdns.audit.zone_id IS 'Zone (domains.id), also of one that is gone; NULL for what belongs to no zone, and for truncate.';
COMMENT ON COLUMN csdns.audit.zone IS 'Name of the zone at that time.';
COMMENT ON COLUMN csdns.audit.name IS 'What the object is called; NULL for records, whose names are in before and after.';
COMMENT ON COLUMN csdns.audit.before IS
    'Before: NULL for insert. records: an array of at most 500 records, each [name, type, content, ttl], with prio and disabled after them where they are set. Everything else: an object, column by column, without the contents of keys.';
COMMENT ON COLUMN csdns.audit.after IS 'After, in the same form: NULL for delete. A key whose content or secret was replaced shows that as "changed".';

-- Name of a zone, also of one that this transaction deletes.
CREATE OR REPLACE FUNCTION csdns.zone_called(id int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT d.name FROM pdns_domain d WHERE d.id = zone_called.id),
                    (SELECT a.zone FROM audit a WHERE a.zone_id = zone_called.id ORDER BY a.id DESC LIMIT 1));
END
$$;

-- Oldest first; rows that somebody else is deleting are left to them, so nobody waits here.
CREATE OR REPLACE FUNCTION csdns.prune_audit_step(until timestamptz, most bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    gone bigint;
BEGIN
    DELETE FROM audit a
     WHERE a.id = ANY (ARRAY(SELECT o.id FROM audit o WHERE o.at::timestamptz(0) < until + interval '1 second' AND o.at < until
                              ORDER BY o.at::timestamptz(0) LIMIT most FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

CREATE OR REPLACE FUNCTION csdns.prune_audit(older_than interval DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN prune_audit_step(clock_timestamp() - coalesce(older_than, (SELECT s.value::interval FROM setting s WHERE s.name = 'audit_retention')),
                            9223372036854775807);
END
$$;
COMMENT ON FUNCTION csdns.prune_audit(interval) IS
    'Deletes rows of the audit trail older than the interval (default: the setting audit_retention) and returns how many. For the owner of the schema alone; writers do it too, a little at a time.';

-- Writers let old rows go: every 16th transaction, and those that write much in proportion.  With an old snapshot a row that is
-- gone would be an error instead of skipped.
CREATE OR REPLACE FUNCTION csdns.audit_written(rows bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF (rows > 8 OR rows > 0 AND pg_current_xact_id()::text::numeric % 16 = 0) AND current_setting('transaction_isolation') = 'read committed' THEN
        PERFORM prune_audit_step(clock_timestamp() - s.value::interval, 64 + 2 * rows) FROM setting s WHERE s.name = 'audit_retention';
    END IF;
END
$$;

-- Records.  Transition tables keep the plan of the session's first call: the settings leave one that is good for 1 and for 100 000
-- rows, which sorts by zone and no further.

CREATE OR REPLACE FUNCTION csdns.audit_record(name text, type text, content text, ttl int, prio int, disabled boolean) RETURNS json
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN prio IS NULL AND NOT disabled THEN json_build_array(name, type, content, ttl)
                ELSE json_build_array(name, type, content, ttl, prio, disabled) END
$$;

-- json_agg() by string_agg(), at half the price.
CREATE OR REPLACE FUNCTION csdns.audit_records(list text) RETURNS json
LANGUAGE sql IMMUTABLE AS $$
    SELECT ('[' || list || ']')::json
$$;

CREATE OR REPLACE FUNCTION csdns.on_record_insert_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_sort = off SET enable_incremental_sort = off SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    first_zone int := (SELECT n.domain_id FROM new_rows n LIMIT 1);
    rows bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows n WHERE n.domain_id IS DISTINCT FROM first_zone) THEN     -- most often, and a bulk that need not be sorted
        INSERT INTO audit (what, action, zone_id, zone, after)
            SELECT 'records', 'insert', first_zone, zone_called(first_zone),
                   audit_records(string_agg(audit_record(g.name, g.type, g.content, g.ttl, g.prio, g.disabled)::text, ', '))
              FROM (SELECT n.name, n.type, n.content, n.ttl, n.prio, n.disabled, (row_number() OVER () - 1) / 500 AS chunk FROM new_rows n) AS g
             GROUP BY g.chunk;
    ELSE
        INSERT INTO audit (what, action, zone_id, zone, after)
            SELECT 'records', 'insert', g.domain_id, zone_called(g.domain_id),
                   audit_records(string_agg(audit_record(g.name, g.type, g.content, g.ttl, g.prio, g.disabled)::text, ', '))
              FROM (SELECT n.domain_id, n.name, n.type, n.content, n.ttl, n.prio, n.disabled,
                           (row_number() OVER (PARTITION BY n.domain_id) - 1) / 500 AS chunk
                      FROM new_rows n) AS g
             GROUP BY g.domain_id, g.chunk;
    END IF;
    GET DIAGNOSTICS rows = ROW_COUNT;
    PERFORM audit_written(rows);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_record_delete_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET enable_sort = off SET enable_incremental_sort = off SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    rows bigint;
BEGIN
    INSERT INTO audit (what, action, zone_id, zone, before)
        SELECT 'records', 'delete', g.domain_id, zone_called(g.domain_id),
               audit_records(string_agg(audit_record(g.name, g.type, g.content, g.ttl, g.prio, g.disabled)::text, ', '))
          FROM (SELECT o.domain_id, o.name, o.type, o.content, o.ttl, o.prio, o.disabled,
                       (row_number() OVER (PARTITION BY o.domain_id) - 1) / 500 AS chunk
                  FROM old_rows o) AS g
         GROUP BY g.domain_id, g.chunk;
    GET DIAGNOSTICS rows = ROW_COUNT;
    PERFORM audit_written(rows);
    RETURN NULL;
END
$$;

-- A record that moves to another zone is gone from one and new in the other.  While csdns moves serials at commit, which nobody
-- else can say of himself, nothing else is written.
CREATE OR REPLACE FUNCTION csdns.on_record_update_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_sort = off SET enable_incremental_sort = off SET enable_nestloop = off SET enable_mergejoin = off SET jit = off SET work_mem = '64MB' AS $$
DECLARE
    rows bigint;
BEGIN
    IF EXISTS (SELECT FROM pending p WHERE p.txid = pg_current_xact_id() AND p.moving) THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit (what, action, zone_id, zone, before, after)
        SELECT 'records', 'update', g.zone_id, zone_called(g.zone_id), json_agg(g.was) FILTER (WHERE g.was IS NOT NULL),
               json_agg(g.becomes) FILTER (WHERE g.becomes IS NOT NULL)
          FROM (SELECT coalesce(o.domain_id, n.domain_id) AS zone_id,
                       CASE WHEN o.id IS NOT NULL THEN audit_record(o.name, o.type, o.content, o.ttl, o.prio, o.disabled) END AS was,
                       CASE WHEN n.id IS NOT NULL THEN audit_record(n.name, n.type, n.content, n.ttl, n.prio, n.disabled) END AS becomes,
                       (row_number() OVER (PARTITION BY coalesce(o.domain_id, n.domain_id)) - 1) / 500 AS chunk
                  FROM old_rows o
                  FULL JOIN new_rows n ON n.id = o.id AND coalesce(n.domain_id, 0) = coalesce(o.domain_id, 0)
                 WHERE (o.name, o.type, o.content, o.ttl, o.prio, o.disabled) IS DISTINCT FROM (n.name, n.type, n.content, n.ttl, n.prio, n.disabled)
                ) AS g
         GROUP BY g.zone_id, g.chunk;
    GET DIAGNOSTICS rows = ROW_COUNT;
    PERFORM audit_written(rows);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_truncate_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    INSERT INTO audit (what, action) VALUES (TG_TABLE_NAME, 'truncate');
    PERFORM audit_written(1);
    RETURN NULL;
END
$$;

-- Everything else: few rows, one of audit each.

-- What an object is called, by people.
CREATE OR REPLACE FUNCTION csdns.object_name(what text, object jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    other uuid := CASE WHEN what IN ('policy', 'network_zone', 'zone_delegation')
                       THEN coalesce(object ->> 'scope', object ->> 'network', object ->> 'account', object ->> 'domain') END;
BEGIN
    RETURN CASE
        WHEN what IN ('domains', 'dns_server', 'instance_name', 'tsigkeys', 'setting') THEN object ->> 'name'
        WHEN what = 'domainmetadata' THEN object ->> 'kind'
        WHEN what = 'cryptokeys' THEN 'key ' || (object ->> 'id')
        WHEN what = 'supermasters' THEN concat_ws(' ', object ->> 'ip', object ->> 'nameserver')
        WHEN what = 'tenant' THEN object ->> 'role'
        WHEN what = 'dns_zone' THEN object ->> 'uuid'
        WHEN other = '00000000-0000-0000-0000-000000000000' THEN 'everything'
        ELSE coalesce((SELECT 'network ' || w.name FROM network w WHERE w.uuid = other),
                      (SELECT 'account ' || a.name FROM account a WHERE a.uuid = other),
                      (SELECT 'domain ' || d.name FROM domain d WHERE d.uuid = other), other::text) END;
END
$$;

-- quiet: columns that are nobody's change; hidden: a column that is compared and not shown.
CREATE OR REPLACE FUNCTION csdns.audit_objects(what text, action text, key text[], quiet text[], hidden text, was jsonb[], becomes jsonb[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_nestloop = off SET enable_mergejoin = off SET enable_sort = off SET jit = off AS $$
DECLARE
    rows bigint;
BEGIN
    INSERT INTO audit (what, action, zone_id, zone, name, before, after)
        SELECT audit_objects.what, audit_objects.action, x.zone_id, zone_called(x.zone_id), object_name(audit_objects.what, x.seen),
               x.was - hidden,
               x.becomes - hidden
               || CASE WHEN x.was -> hidden IS DISTINCT FROM x.becomes -> hidden AND x.was IS NOT NULL
                       THEN jsonb_build_object(hidden, 'changed') ELSE '{}' END
          FROM (SELECT o.row AS was, n.row AS becomes, coalesce(n.row, o.row) AS seen,
                       (coalesce(n.row, o.row) ->> CASE audit_objects.what WHEN 'domains' THEN 'id' ELSE 'domain_id' END)::int AS zone_id
                  FROM (SELECT r - quiet AS row, ARRAY(SELECT r ->> k FROM unnest(key) AS k) AS key FROM unnest(was) AS r) AS o
                  FULL JOIN (SELECT r - quiet AS row, ARRAY(SELECT r ->> k FROM unnest(key) AS k) AS key FROM unnest(becomes) AS r) AS n
                         ON n.key = o.key
                 WHERE o.row IS DISTINCT FROM n.row) AS x;
    GET DIAGNOSTICS rows = ROW_COUNT;
    PERFORM audit_written(rows);
END
$$;

-- Arguments: columns of the key, quiet columns, hidden column.
CREATE OR REPLACE FUNCTION csdns.on_object_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    was jsonb[];
    becomes jsonb[];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        was := ARRAY(SELECT to_jsonb(o) FROM old_rows o);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        becomes := ARRAY(SELECT to_jsonb(n) FROM new_rows n);
    END IF;
    PERFORM audit_objects(TG_TABLE_NAME, lower(TG_OP), TG_ARGV[0]::text[], TG_ARGV[1]::text[], TG_ARGV[2], was, becomes);
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'domains' THEN      -- its records went first, and their zone was gone
        UPDATE audit a SET zone = o ->> 'name' FROM unnest(was) AS o WHERE a.zone_id = (o ->> 'id')::int AND a.zone IS NULL;
    END IF;
    RETURN NULL;
END
$$;

-- The names sort before those of the other triggers: the cause before its effects.
DO $$
DECLARE
    t record;
    args text;
BEGIN
    FOR t IN SELECT * FROM (VALUES
            ('records', NULL, NULL, NULL),
            ('domains', '{id}', '{last_check,notified_serial}', ''),
            ('domainmetadata', '{id}', '{}', ''),
            ('cryptokeys', '{id}', '{}', 'content'),
            ('tsigkeys', '{id}', '{}', 'secret'),
            ('supermasters', '{ip,nameserver}', '{}', ''),
            ('csdns.dns_zone', '{domain_id}', '{}', ''),
            ('csdns.zone_delegation', '{uuid}', '{}', ''),
            ('csdns.network_zone', '{network}', '{}', ''),
            ('csdns.instance_name', '{instance,domain_id,name}', '{}', ''),
            ('csdns.dns_server', '{uuid}', '{}', ''),
            ('csdns.policy', '{scope}', '{}', ''),
            ('csdns.tenant', '{role}', '{}', ''),
            ('csdns.setting', '{name}', '{description}', '')) AS v (tab, key, quiet, hidden)
    LOOP
        args := CASE WHEN t.key IS NOT NULL THEN format('%L, %L, %L', t.key, t.quiet, t.hidden) ELSE '' END;
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_audit_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.%I(%s)',
                       t.tab, CASE WHEN t.key IS NULL THEN 'on_record_insert_audit' ELSE 'on_object_audit' END, args);
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_audit_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.%I(%s)',
                       t.tab, CASE WHEN t.key IS NULL THEN 'on_record_update_audit' ELSE 'on_object_audit' END, args);
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_audit_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.%I(%s)',
                       t.tab, CASE WHEN t.key IS NULL THEN 'on_record_delete_audit' ELSE 'on_object_audit' END, args);
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_audit_truncate AFTER TRUNCATE ON %s
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_truncate_audit()', t.tab);
    END LOOP;
END
$$;

-- Whoever may change settings could else let the trail prune itself.
CREATE OR REPLACE FUNCTION csdns.on_setting_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    IF NOT is_owner() AND EXISTS (SELECT FROM (SELECT name, value FROM new_rows EXCEPT SELECT name, value FROM old_rows) AS x
                                   WHERE x.name = 'audit_retention') THEN
        RAISE EXCEPTION 'setting "audit_retention": only the owner of the schema may change it' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER guard AFTER UPDATE ON csdns.setting REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_setting_change();

GRANT SELECT ON csdns.audit TO csdns_admin;
