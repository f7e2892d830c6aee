-- Views for people, as those of 192-view.sql: what happened, and which settings are in force.
--
-- Where time passes the newest comes first: the order is in the view, because PostgreSQL carries none into a view with security_barrier,
-- and a reader who wants the last five must not have everything unfolded.

CREATE OR REPLACE VIEW csdns.v_drift WITH (security_barrier) AS
    SELECT d.difference, d.zone, d.name, d.ttl, d.type, d.content, d.rule,
           coalesce((SELECT s.words FROM csdns.source s WHERE s.source = d.source LIMIT 1), d.source::text) AS source
      FROM csdns.drift d
     WHERE (SELECT csdns.sees_all());
COMMENT ON VIEW csdns.v_drift IS 'Differences between what rules want and what is there, for people; not for tenants. Reads everything.';
COMMENT ON COLUMN csdns.v_drift.difference IS 'missing: to be added; extra: to be deleted; ttl: there with another TTL.';
COMMENT ON COLUMN csdns.v_drift.zone IS 'Zone.';
COMMENT ON COLUMN csdns.v_drift.name IS 'Name.';
COMMENT ON COLUMN csdns.v_drift.ttl IS 'TTL as it should be.';
COMMENT ON COLUMN csdns.v_drift.type IS 'Type.';
COMMENT ON COLUMN csdns.v_drift.content IS 'Content.';
COMMENT ON COLUMN csdns.v_drift.rule IS 'Rule.';
COMMENT ON COLUMN csdns.v_drift.source IS 'What it is for, in words.';

CREATE OR REPLACE VIEW csdns.v_collision WITH (security_barrier) AS
    SELECT d.name::text AS zone, c.name,
           CASE WHEN t.all_told OR c.source = ANY (ARRAY(SELECT csdns.my_sources()))
                THEN concat_ws(' ', (SELECT s.words FROM csdns.source s WHERE s.source = c.source LIMIT 1), '(' || left(c.source::text, 8) || ')') ELSE 'another owner''s' END AS wants,
           c.rule,
           CASE WHEN c.holder IS NULL THEN 'a person'
                WHEN t.all_told OR c.holder = ANY (ARRAY(SELECT csdns.my_sources()))
                THEN concat_ws(' ', (SELECT s.words FROM csdns.source s WHERE s.source = c.holder LIMIT 1), '(' || left(c.holder::text, 8) || ')') ELSE 'another owner''s' END AS has,
           c.since::timestamptz(0) AS since
      FROM csdns.collision c
     CROSS JOIN LATERAL (SELECT (SELECT csdns.sees_all()) OR c.domain_id = ANY ((SELECT csdns.my_own_zones())::int[]) AS all_told) AS t
      JOIN csdns.pdns_domain d ON d.id = c.domain_id
     WHERE t.all_told OR c.source = ANY (ARRAY(SELECT csdns.my_sources()));
COMMENT ON VIEW csdns.v_collision IS 'Names that somebody wants and somebody else has, for people. A tenant sees those in its own zones and of its own things.';
COMMENT ON COLUMN csdns.v_collision.zone IS 'Zone.';
COMMENT ON COLUMN csdns.v_collision.name IS 'Name.';
COMMENT ON COLUMN csdns.v_collision.wants IS 'Who does not have it, in words, with the first digits of its uuid.';
COMMENT ON COLUMN csdns.v_collision.rule IS 'By which rule it wants it.';
COMMENT ON COLUMN csdns.v_collision.has IS 'Who has it, in words, with the first digits of its uuid.';
COMMENT ON COLUMN csdns.v_collision.since IS 'Since when.';

CREATE OR REPLACE VIEW csdns.v_event WITH (security_barrier) AS
    SELECT e.id, e.at::timestamptz(0) AS at, e.type, coalesce(e.name, e.zone) AS name,
           CASE WHEN (SELECT csdns.sees_all()) THEN regexp_replace(e.description, '([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '\1', 'g')
                ELSE CASE e.type WHEN 'DNS.NAME.COLLISION' THEN 'the name is taken'
                                 WHEN 'DNS.RECORD.TAKEN' THEN 'a person edited or deleted the record, and owns it now'
                                 WHEN 'DNS.RECORD.RELEASED' THEN 'given back to the rules' ELSE e.description END END AS description
      FROM csdns.event e
     WHERE (SELECT csdns.sees_all()) OR e.source = ANY (ARRAY(SELECT csdns.my_sources()))
        OR EXISTS (SELECT FROM csdns.my_zone_times() AS z WHERE z.name = e.zone AND e.at >= z.since)
     ORDER BY e.id DESC;
COMMENT ON VIEW csdns.v_event IS 'Events, for people. A tenant sees those of its own zones and things, without who the other party is.';
COMMENT ON COLUMN csdns.v_event.id IS 'Number, rising.';
COMMENT ON COLUMN csdns.v_event.at IS 'When.';
COMMENT ON COLUMN csdns.v_event.type IS 'As csdns.event.type.';
COMMENT ON COLUMN csdns.v_event.name IS 'Name of the record, or of the zone.';
COMMENT ON COLUMN csdns.v_event.description IS 'In words; of a uuid the first digits.';

CREATE OR REPLACE VIEW csdns.v_version WITH (security_barrier) AS
    SELECT v.version, v.at::timestamptz(0) AS at,
           c.first_zone || CASE c.zones WHEN 1 THEN '' WHEN 2 THEN ', ' || c.last_zone ELSE format(' and %s more', c.zones - 1) END AS zones,
           c.first_name || CASE c.names WHEN 1 THEN '' ELSE format(' and %s more', c.names - 1) END AS names
      FROM csdns.version v
     CROSS JOIN LATERAL (SELECT count(DISTINCT z.zone) AS zones, min(z.zone) AS first_zone, max(z.zone) AS last_zone,
                                count(DISTINCT z.name) AS names, min(z.name) AS first_name
                           FROM (SELECT coalesce(d.name::text, CASE WHEN j.what <> 'n' THEN j.name END) AS zone, CASE WHEN j.what = 'n' THEN j.name END AS name
                                   FROM csdns.journal j
                                   LEFT JOIN csdns.pdns_domain d ON d.id = j.domain_id
                                  WHERE j.txid = v.txid AND j.what IN ('n', 'z', 'd')) AS z) AS c
     WHERE (SELECT csdns.sees_all())
     ORDER BY v.version DESC;
COMMENT ON VIEW csdns.v_version IS 'Versions of the store, one line each, for people; not for tenants. csdns.change has every name.';
COMMENT ON COLUMN csdns.v_version.version IS 'Version.';
COMMENT ON COLUMN csdns.v_version.at IS 'When it was committed.';
COMMENT ON COLUMN csdns.v_version.zones IS 'Zones that it touched.';
COMMENT ON COLUMN csdns.v_version.names IS 'Names whose records it touched, the first and how many more.';

-- Each setting of each scope, from the nearest scope that has it.
CREATE OR REPLACE VIEW csdns.v_policy WITH (security_barrier) AS
    SELECT s.kind, s.name AS scope, e.setting, e.value, CASE e.kind WHEN 'all' THEN e.name ELSE e.kind || ' ' || e.name END AS "from"
      FROM csdns.scope s
     CROSS JOIN LATERAL (SELECT DISTINCT ON (t.key) t.key AS setting, t.value, o.kind, o.name
                           FROM unnest(s.chain) WITH ORDINALITY AS c (scope, place)
                           JOIN csdns.policy p ON p.scope = c.scope
                           JOIN csdns.scope o ON o.scope = c.scope
                          CROSS JOIN LATERAL jsonb_each_text(to_jsonb(p) - 'scope') AS t
                          WHERE t.value IS NOT NULL
                          ORDER BY t.key, c.place DESC) AS e
     WHERE (SELECT csdns.sees_all()) OR s.scope = ANY ((SELECT csdns.my_scopes())::uuid[]);
COMMENT ON VIEW csdns.v_policy IS 'Settings in force, by scope, for people. A tenant sees those of its accounts, networks and domains, of the domains above, and of everything.';
COMMENT ON COLUMN csdns.v_policy.kind IS 'Kind of the scope: network, account, domain or all.';
COMMENT ON COLUMN csdns.v_policy.scope IS 'Its name; of a domain its path.';
COMMENT ON COLUMN csdns.v_policy.setting IS 'Setting: a column of csdns.policy.';
COMMENT ON COLUMN csdns.v_policy.value IS 'Value in force.';
COMMENT ON COLUMN csdns.v_policy."from" IS 'Scope that it comes from.';

-- Columns of an object that differ from the other's, or all that have a value.
CREATE OR REPLACE FUNCTION csdns.audit_columns(object jsonb, other jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT string_agg(t.key || '=' || coalesce(t.value, 'NULL'), ', ' ORDER BY t.key)
      FROM jsonb_each_text(object) AS t
     WHERE CASE WHEN other IS NULL THEN t.value IS NOT NULL ELSE other ->> t.key IS DISTINCT FROM t.value END
$$;
COMMENT ON FUNCTION csdns.audit_columns(jsonb, jsonb) IS 'For csdns.audit_lines: columns of an object that differ from the other''s, or all that have a value.';

-- One line a name and type of records, one for everything else.
CREATE OR REPLACE FUNCTION csdns.audit_lines(what text, action text, object_name text, was json, becomes json)
RETURNS TABLE (name text, before text, after text)
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF audit_lines.what <> 'records' OR action = 'truncate' THEN
        RETURN QUERY SELECT object_name, audit_columns(was::jsonb, becomes::jsonb), audit_columns(becomes::jsonb, was::jsonb);
        RETURN;
    END IF;
    RETURN QUERY
        SELECT t.name, string_agg(t.text, '; ' ORDER BY t.ttl) FILTER (WHERE t.old), string_agg(t.text, '; ' ORDER BY t.ttl) FILTER (WHERE NOT t.old)
          FROM (SELECT r.old, r.name, r.type, r.ttl, concat_ws(' ', r.ttl, nullif(r.type, ''), string_agg(r.content, ', ' ORDER BY r.content)) AS text
                  FROM (SELECT e.old, e.r ->> 0 AS name, e.r ->> 1 AS type, (e.r ->> 3)::int AS ttl,
                               coalesce(served_content(e.r ->> 1, e.r ->> 2, (e.r ->> 4)::int), '')
                               || CASE WHEN (e.r ->> 5)::boolean THEN ' (disabled)' ELSE '' END AS content
                          FROM (SELECT true AS old, r FROM json_array_elements(was) AS r
                                UNION ALL SELECT false, r FROM json_array_elements(becomes) AS r) AS e) AS r
                 GROUP BY r.old, r.name, r.type, r.ttl) AS t
         GROUP BY t.name, t.type
         ORDER BY t.name, t.type;
END
$$;
COMMENT ON FUNCTION csdns.audit_lines(text, text, text, json, json) IS 'A row of csdns.audit as lines for people: csdns.v_audit shows them.';

CREATE OR REPLACE VIEW csdns.v_audit WITH (security_barrier) AS
    SELECT a.id, a.at::timestamptz(0) AS at,
           a.role || coalesce(' (' || a.login || ')', '') || coalesce(' for ' || a.cloud_user, '') AS who,
           a.path, CASE a.what WHEN 'records' THEN 'record' WHEN 'domains' THEN 'zone' WHEN 'domainmetadata' THEN 'metadata' WHEN 'cryptokeys' THEN 'key'
                               WHEN 'tsigkeys' THEN 'TSIG key' WHEN 'supermasters' THEN 'autoprimary' ELSE a.what END
                   || CASE a.action WHEN 'truncate' THEN ' (all)' ELSE '' END AS what,
           a.zone, l.name, l.before, l.after
      FROM csdns.audit a
     CROSS JOIN LATERAL csdns.audit_lines(a.what, a.action, a.name, a.before, a.after) AS l
     WHERE (SELECT csdns.is_admin()) OR a.zone_id = ANY ((SELECT csdns.my_own_zones())::int[])
     ORDER BY a.id DESC;
COMMENT ON VIEW csdns.v_audit IS
    'Who changed what, for people: a line for each name and type of records, and for each other object. For administrators; a tenant sees the zones that it owns. Try: SELECT * FROM csdns.v_audit WHERE zone = ''example.org'' ORDER BY id DESC LIMIT 20.';
COMMENT ON COLUMN csdns.v_audit.id IS 'csdns.audit.id; a row there can be several lines here.';
COMMENT ON COLUMN csdns.v_audit.at IS 'When.';
COMMENT ON COLUMN csdns.v_audit.who IS 'Database role, in brackets the login if that is another, and the user of the cloud that the session said it acts for; only the first two can be trusted.';
COMMENT ON COLUMN csdns.v_audit.path IS 'rules, the API''s name of a verb, or sql; as told by the session where it is not csdns'' own function.';
COMMENT ON COLUMN csdns.v_audit.what IS 'record, zone, metadata, key, dns_zone, zone_delegation, network_zone, instance_name, dns_server, policy, tenant, setting, TSIG key or autoprimary; (all): TRUNCATE.';
COMMENT ON COLUMN csdns.v_audit.zone IS 'Zone, by its name at that time.';
COMMENT ON COLUMN csdns.v_audit.name IS 'Name of the record or object.';
COMMENT ON COLUMN csdns.v_audit.before IS 'Before: TTL, type and contents, or columns that changed; NULL for what is new.';
COMMENT ON COLUMN csdns.v_audit.after IS 'After; NULL for what is gone.';

GRANT SELECT ON csdns.v_collision, csdns.v_event, csdns.v_policy TO csdns_cloud, csdns_tenant;
GRANT SELECT ON csdns.v_drift, csdns.v_version TO csdns_cloud;
GRANT SELECT ON csdns.v_version TO csdns_read;
GRANT SELECT ON csdns.v_audit TO csdns_admin, csdns_tenant;
GRANT EXECUTE ON FUNCTION csdns.audit_lines(text, text, text, json, json) TO csdns_admin, csdns_tenant;
GRANT EXECUTE ON FUNCTION csdns.audit_columns(jsonb, jsonb) TO csdns_admin, csdns_tenant;
