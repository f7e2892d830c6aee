-- Facts in the shape in which CloudStack's API tells them: one entity, an array of them, or a whole answer of a list command.  All or
-- nothing; the error names every bad entity.  Unknown keys are ignored.  What is referred to and not there yet becomes a placeholder.
-- Only what differs is written, and the rules are applied once, at the end.

CREATE OR REPLACE FUNCTION csdns.is_uuid(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT word ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
$$;
COMMENT ON FUNCTION csdns.is_uuid(text) IS 'Whether the text is a uuid as CloudStack writes it.';

CREATE OR REPLACE FUNCTION csdns.is_ip(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN strpos(word, ':') = 0 THEN csdns.is_ipv4(word)
                WHEN word ~ '^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){0,5}::([0-9a-f]{1,4})?$' THEN true
                ELSE csdns.is_ipv6(word) END
$$;
COMMENT ON FUNCTION csdns.is_ip(text) IS 'Whether the text is an IPv4 or IPv6 address.';

CREATE OR REPLACE FUNCTION csdns.is_time(word text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN word ~ '^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])?)?$'
                THEN substr(word, 9, 2)::int <= extract(day FROM (left(word, 8) || '01')::date + interval '1 month - 1 day')
                WHEN word IS NOT NULL THEN false END
$$;

-- What is wrong with one key of an entity, or NULL; absent keys are in order.  An entity's faults are a coalesce() of these.  Not
-- IMMUTABLE, as format() is not: they would not be inlined then, and pages take twice as long.
CREATE OR REPLACE FUNCTION csdns.uuid_fault(key text, value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT csdns.is_uuid(value) THEN format('%s "%s" is not a uuid', key, left(value, 80)) END
$$;
CREATE OR REPLACE FUNCTION csdns.flag_fault(key text, value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value NOT IN ('true', 'false') THEN format('%s "%s" is neither true nor false', key, left(value, 80)) END
$$;
CREATE OR REPLACE FUNCTION csdns.address_fault(key text, value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT csdns.is_ip(value) THEN format('%s "%s" is not an address', key, left(value, 80)) END
$$;
CREATE OR REPLACE FUNCTION csdns.zone_name(networkdomain text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(rtrim(nullif(networkdomain, ''), '.'))
$$;
CREATE OR REPLACE FUNCTION csdns.zone_name_fault(networkdomain text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT csdns.is_host(csdns.zone_name(networkdomain)) THEN format('networkdomain "%s" is not a domain name', left(networkdomain, 80)) END
$$;
-- An account by uuid or by name in a domain, or a project.
CREATE OR REPLACE FUNCTION csdns.owner_fault(domainid text, account text, accountid text, projectid text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(csdns.uuid_fault('domainid', domainid), csdns.uuid_fault('accountid', accountid), csdns.uuid_fault('projectid', projectid),
                    CASE WHEN account = '' OR length(account) > 255 THEN format('account "%s" is not a name', left(account, 80)) END)
$$;
CREATE OR REPLACE FUNCTION csdns.entity_title(id text, name text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT format('%s ("%s")', coalesce(left(id, 80), 'without id'), left(name, 80))
$$;
-- The key, which must be there, once.
CREATE OR REPLACE FUNCTION csdns.id_fault(id text, times bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT coalesce(csdns.is_uuid(id), false) THEN 'id is not a uuid' WHEN times > 1 THEN 'is there twice' END
$$;

-- The entities in an answer: {"listvirtualmachinesresponse": {"count": 2, "virtualmachine": [...]}}, {"virtualmachine": [...]}, an array, or one.
CREATE OR REPLACE FUNCTION csdns.entities(told jsonb, kind text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := told;
    bad text;
BEGIN
    IF jsonb_typeof(list) = 'object' AND NOT list ? 'id' THEN
        SELECT coalesce(e.value, list) INTO list FROM jsonb_each(list) AS e WHERE e.key LIKE 'list%response' LIMIT 1;
        list := coalesce(list, told);
        IF jsonb_typeof(list) = 'object' AND list ? kind THEN
            list := list -> kind;
        ELSIF jsonb_typeof(list) = 'object' AND list - 'count' = '{}' AND list <> told THEN
            list := '[]';               -- an empty page
        ELSIF jsonb_typeof(list) = 'object' AND list <> told AND NOT list ? 'errorcode' THEN
            RAISE EXCEPTION '%: the answer has none but %', kind, left((SELECT string_agg(k, ', ') FROM jsonb_object_keys(list - 'count') AS k), 300)
                  USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
    IF jsonb_typeof(list) = 'object' AND NOT list ? 'errorcode' THEN
        list := jsonb_build_array(list);
    END IF;
    IF list ? 'errorcode' THEN
        RAISE EXCEPTION '%: the answer is an error: %', kind, left(list::text, 300) USING ERRCODE = 'invalid_parameter_value';
    ELSIF list IS NULL OR jsonb_typeof(list) <> 'array' THEN
        RAISE EXCEPTION '%: not an object or an array of objects but %', kind, coalesce(jsonb_typeof(list), 'NULL')
              USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT string_agg(format('number %s is %s', e.at, jsonb_typeof(e.value)), ', ') INTO bad
      FROM jsonb_array_elements(list) WITH ORDINALITY AS e (value, at) WHERE jsonb_typeof(e.value) <> 'object';
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION '%: not objects: %', kind, left(bad, 1000) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN list;
END
$$;

CREATE OR REPLACE FUNCTION csdns.refuse_entities(kind text, faults text[], code text DEFAULT 'invalid_parameter_value') RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF cardinality(faults) > 0 THEN
        RAISE EXCEPTION '%', kind || ' ' || faults[1] || CASE WHEN cardinality(faults) > 1 THEN format(' (and %s more)', cardinality(faults) - 1) ELSE '' END
              USING ERRCODE = code, DETAIL = array_to_string(faults[1:1000], E'\n'), HINT = 'Nothing was stored.';
    END IF;
END
$$;

-- Owners as the API names them: a project by uuid, an account by name in its domain.  Makes placeholders for those that are unknown.
CREATE OR REPLACE FUNCTION csdns.know_owners(owners jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    INSERT INTO domain (uuid, name, path, placeholder)
        SELECT DISTINCT ON (x.domainid) x.domainid, regexp_replace(x.domain, '^.*/', ''), x.domain, true
          FROM jsonb_to_recordset(owners) AS x (domainid uuid, domain text)
         WHERE x.domainid IS NOT NULL AND NOT EXISTS (SELECT FROM domain d WHERE d.uuid = x.domainid)
         ORDER BY x.domainid
        ON CONFLICT DO NOTHING;
    INSERT INTO account AS a (uuid, domain, name, is_project, placeholder)
        SELECT DISTINCT ON (x.uuid) x.uuid, x.domainid, x.name, x.is_project, true
          FROM (SELECT o.domainid, coalesce(o.projectid, o.accountid, md5(o.domainid::text || ' ' || o.account)::uuid) AS uuid,
                       coalesce(o.project, o.account) AS name, o.projectid IS NOT NULL AS is_project
                  FROM jsonb_to_recordset(owners) AS o (domainid uuid, account text, accountid uuid, project text, projectid uuid)
                 WHERE o.domainid IS NOT NULL AND coalesce(o.projectid::text, o.accountid::text, o.account) IS NOT NULL
                   AND NOT EXISTS (SELECT FROM account a WHERE a.uuid = coalesce(o.projectid, o.accountid))
                   AND (o.projectid IS NOT NULL OR o.accountid IS NOT NULL
                        OR NOT EXISTS (SELECT FROM account a WHERE a.domain = o.domainid AND a.name = o.account AND a.removed IS NULL))) AS x
         ORDER BY x.uuid
        ON CONFLICT (uuid) DO UPDATE SET removed = NULL WHERE a.removed IS NOT NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.owner_uuid(domain_uuid uuid, account_name text, account_uuid uuid, project_uuid uuid) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT coalesce(project_uuid, account_uuid,
                    (SELECT a.uuid FROM csdns.account a WHERE a.domain = domain_uuid AND a.name = account_name AND a.removed IS NULL
                      ORDER BY a.placeholder, a.uuid LIMIT 1))
$$;

CREATE OR REPLACE FUNCTION csdns.know_networks(ids uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET jit = off AS $$
BEGIN
    INSERT INTO network (uuid, placeholder)
        SELECT DISTINCT i, true FROM unnest(ids) AS i WHERE i IS NOT NULL AND NOT EXISTS (SELECT FROM network w WHERE w.uuid = i) ORDER BY i
        ON CONFLICT DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION csdns.upsert_domain(told jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := entities(told, 'domain');
    changed int;
BEGIN
    PERFORM refuse_entities('domain', ARRAY(
        SELECT entity_title(x.id, x.name) || ': ' || x.fault
          FROM (SELECT x.id, x.name,
                       coalesce(id_fault(x.id, count(*) OVER (PARTITION BY lower(x.id))), uuid_fault('parentdomainid', x.parentdomainid),
                                CASE WHEN lower(x.id) = lower(x.parentdomainid) THEN 'is below itself' END,
                                zone_name_fault(x.networkdomain)) AS fault
                  FROM jsonb_to_recordset(list) AS x (id text, name text, parentdomainid text, networkdomain text)) AS x
         WHERE x.fault IS NOT NULL));
    INSERT INTO domain (uuid, placeholder)
        SELECT DISTINCT x.parentdomainid, true
          FROM jsonb_to_recordset(list) AS x (parentdomainid uuid)
         WHERE x.parentdomainid IS NOT NULL AND NOT EXISTS (SELECT FROM domain d WHERE d.uuid = x.parentdomainid)
        ON CONFLICT DO NOTHING;
    INSERT INTO domain AS d (uuid, parent, name, path, network_domain)
        SELECT x.id, x.parentdomainid, x.name, x.path, zone_name(x.networkdomain)
          FROM jsonb_to_recordset(list) AS x (id uuid, parentdomainid uuid, name text, path text, networkdomain text)
         WHERE NOT EXISTS (SELECT FROM domain o WHERE o.uuid = x.id AND NOT o.placeholder AND o.removed IS NULL
                              AND (o.parent, o.name, o.path, o.network_domain) IS NOT DISTINCT FROM
                                  (x.parentdomainid, x.name, x.path, zone_name(x.networkdomain)))
         ORDER BY x.id
        ON CONFLICT (uuid) DO UPDATE SET parent = excluded.parent, name = excluded.name, path = excluded.path,
            network_domain = excluded.network_domain, placeholder = false, removed = NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION csdns.upsert_domain(jsonb) IS
    'Stores domains of the cloud as listDomains tells them (id, name, path, parentdomainid, networkdomain): one, an array or an answer. Returns how many changed.';

CREATE OR REPLACE FUNCTION csdns.upsert_account(told jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := entities(told, 'account');
    changed int;
BEGIN
    PERFORM refuse_entities('account', ARRAY(
        SELECT entity_title(x.id, x.name) || ': ' || x.fault
          FROM (SELECT x.id, x.name,
                       coalesce(id_fault(x.id, count(*) OVER (PARTITION BY lower(x.id))),
                                CASE WHEN coalesce(x.name, '') = '' THEN 'name is missing' WHEN length(x.name) > 255 THEN 'name is too long'
                                     WHEN x.domainid IS NULL THEN 'domainid is missing' END,
                                uuid_fault('domainid', x.domainid), zone_name_fault(x.networkdomain)) AS fault
                  FROM jsonb_to_recordset(list) AS x (id text, name text, domainid text, networkdomain text)) AS x
         WHERE x.fault IS NOT NULL));
    PERFORM know_owners((SELECT jsonb_agg(e - 'account' - 'accountid' - 'projectid') FROM jsonb_array_elements(list) AS e));
    -- a placeholder turns into the account; who refers to it follows
    UPDATE account a SET uuid = x.id
      FROM jsonb_to_recordset(list) AS x (id uuid, name text, domainid uuid)
     WHERE a.placeholder AND a.domain = x.domainid AND a.name = x.name AND a.uuid <> x.id
       AND NOT EXISTS (SELECT FROM account o WHERE o.uuid = x.id);
    INSERT INTO account AS a (uuid, domain, name, network_domain)
        SELECT x.id, x.domainid, x.name, zone_name(x.networkdomain)
          FROM jsonb_to_recordset(list) AS x (id uuid, name text, domainid uuid, networkdomain text)
         WHERE NOT EXISTS (SELECT FROM account o WHERE o.uuid = x.id AND NOT o.placeholder AND o.removed IS NULL
                              AND (o.domain, o.name, o.network_domain) IS NOT DISTINCT FROM
                                  (x.domainid, x.name, zone_name(x.networkdomain)))
         ORDER BY x.id
        ON CONFLICT (uuid) DO UPDATE SET domain = excluded.domain, name = excluded.name, network_domain = excluded.network_domain,
            placeholder = false, removed = NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION csdns.upsert_account(jsonb) IS
    'Stores accounts as listAccounts tells them (id, name, domainid, networkdomain): one, an array or an answer. Returns how many changed.';

CREATE OR REPLACE FUNCTION csdns.upsert_network(told jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := entities(told, 'network');
    changed int;
BEGIN
    PERFORM refuse_entities('network', ARRAY(
        SELECT entity_title(x.id, x.name) || ': ' || x.fault
          FROM (SELECT x.id, x.name,
                       coalesce(id_fault(x.id, count(*) OVER (PARTITION BY lower(x.id))), owner_fault(x.domainid, x.account, x.accountid, x.projectid),
                                uuid_fault('vpcid', x.vpcid),
                                CASE WHEN lower(x.type) NOT IN ('shared', 'isolated', 'l2')
                                     THEN format('type "%s" is not Shared, Isolated or L2', left(x.type, 80)) END,
                                zone_name_fault(x.networkdomain)) AS fault
                  FROM jsonb_to_recordset(list) AS x (id text, name text, type text, domainid text, account text, accountid text,
                                                      projectid text, vpcid text, networkdomain text)) AS x
         WHERE x.fault IS NOT NULL));
    PERFORM know_owners(list);
    INSERT INTO network AS w (uuid, name, type, vpc, account, domain, network_domain, state)
        SELECT y.*
          FROM (SELECT x.id AS uuid, x.name, CASE WHEN x.vpcid IS NOT NULL THEN 'vpc' ELSE coalesce(lower(x.type), 'shared') END AS type, x.vpcid,
                       owner_uuid(x.domainid, x.account, x.accountid, x.projectid) AS account, x.domainid,
                       zone_name(x.networkdomain) AS network_domain, x.state
                  FROM jsonb_to_recordset(list) AS x (id uuid, name text, type text, vpcid uuid, account text, accountid uuid, projectid uuid,
                                                      domainid uuid, networkdomain text, state text)) AS y
         WHERE NOT EXISTS (SELECT FROM network o WHERE o.uuid = y.uuid AND NOT o.placeholder AND o.removed IS NULL
                              AND (o.name, o.type, o.vpc, o.account, o.domain, o.network_domain, o.state) IS NOT DISTINCT FROM
                                  (y.name, y.type, y.vpcid, y.account, y.domainid, y.network_domain, y.state))
         ORDER BY y.uuid
        ON CONFLICT (uuid) DO UPDATE SET name = excluded.name, type = excluded.type, vpc = excluded.vpc, account = excluded.account,
            domain = excluded.domain, network_domain = excluded.network_domain, state = excluded.state, placeholder = false, removed = NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION csdns.upsert_network(jsonb) IS
    'Stores networks as listNetworks tells them (id, name, type, vpcid, account or projectid, domainid, networkdomain, state): one, an array or an answer. Returns how many changed.';

-- In PL/pgSQL, which keeps its plan: planning it takes longer than a few instances.
CREATE OR REPLACE FUNCTION csdns.instance_faults(list jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN (SELECT array_agg(entity_title(f.id, f.name) || ': ' || f.fault ORDER BY f.at)
      FROM (SELECT x.at, x.id, x.name,
                   coalesce(id_fault(x.id, count(*) OVER (PARTITION BY lower(x.id))),
                            CASE WHEN NOT coalesce(is_label(x.name), false) THEN 'name ' || label_fault(x.name)
                                 WHEN x.domainid IS NULL THEN 'domainid is missing' END,
                            owner_fault(x.domainid, x.account, x.accountid, x.projectid),
                            CASE WHEN coalesce(x.account, x.accountid, x.projectid) IS NULL THEN 'account is missing'
                                 WHEN NOT is_time(x.created) THEN format('created "%s" is not a time', left(x.created, 80))
                                 WHEN jsonb_typeof(x.nic) NOT IN ('array', 'null') THEN 'nic is not an array'
                                 WHEN jsonb_path_exists(x.nic, 'strict $[*] ? (@.type() != "object")', silent => true) THEN 'nic is not an array of objects' END) AS fault
              FROM ROWS FROM (jsonb_to_recordset(list) AS (id text, name text, domainid text, account text, accountid text, projectid text,
                                                           created text, nic jsonb)) WITH ORDINALITY
                   AS x (id, name, domainid, account, accountid, projectid, created, nic, at)
            UNION ALL
            SELECT v.at, v.value ->> 'id', v.value ->> 'name', format('nic %s: ', coalesce(left(n.id, 80), 'without id')) ||
                   coalesce(id_fault(n.id, count(*) OVER (PARTITION BY lower(n.id))),
                            CASE WHEN n.networkid IS NULL THEN 'networkid is missing' END, uuid_fault('networkid', n.networkid),
                            CASE WHEN NOT is_ipv4(n.ipaddress) THEN format('ipaddress "%s" is not an IPv4 address', left(n.ipaddress, 80))
                                 WHEN NOT (strpos(n.ip6address, ':') > 0 AND is_ip(n.ip6address))
                                     THEN format('ip6address "%s" is not an IPv6 address', left(n.ip6address, 80)) END,
                            flag_fault('isdefault', n.isdefault),
                            CASE WHEN jsonb_typeof(n.secondaryip) NOT IN ('array', 'null') THEN 'secondaryip is not an array'
                                 WHEN jsonb_typeof(n.secondaryip) = 'array'
                                      AND EXISTS (SELECT FROM jsonb_array_elements(n.secondaryip) AS s WHERE NOT coalesce(is_ip(s ->> 'ipaddress'), false))
                                     THEN 'secondaryip has what is not an address' END)
              FROM jsonb_array_elements(list) WITH ORDINALITY AS v (value, at)
             CROSS JOIN LATERAL jsonb_to_recordset(CASE WHEN jsonb_typeof(v.value -> 'nic') = 'array'
                                                        THEN jsonb_path_query_array(v.value -> 'nic', 'strict $[*] ? (@.type() == "object")') ELSE '[]' END)
                   AS n (id text, networkid text, ipaddress text, ip6address text, secondaryip jsonb, isdefault text)) AS f
     WHERE f.fault IS NOT NULL);
END
$$;

CREATE OR REPLACE FUNCTION csdns.upsert_instance(told jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    list jsonb := entities(told, 'virtualmachine');
    nics nic[];
    touched uuid[];
    groups uuid[];
    leaving uuid[];
BEGIN
    PERFORM refuse_entities('instance', instance_faults(list));
    PERFORM know_owners(list);
    SELECT array_agg(ROW (n.id, v.id, n.networkid, n.ipaddress, n.ip6address,
                          CASE WHEN n.secondaryip IS NULL OR n.secondaryip = '[]' THEN '{}'
                               ELSE ARRAY(SELECT (s ->> 'ipaddress')::inet AS a FROM jsonb_array_elements(n.secondaryip) AS s ORDER BY 1) END,
                          coalesce(n.isdefault, false))::nic)
      INTO nics
      FROM jsonb_to_recordset(list) AS v (id uuid, nic jsonb)
     CROSS JOIN LATERAL jsonb_to_recordset(CASE jsonb_typeof(v.nic) WHEN 'array' THEN v.nic ELSE '[]' END)
           AS n (id uuid, networkid uuid, ipaddress inet, ip6address inet, secondaryip jsonb, isdefault boolean);
    PERFORM know_networks(ARRAY(SELECT DISTINCT n.network FROM unnest(nics) AS n));
    PERFORM set_config('csdns.rules', 'later', true);

    WITH x AS MATERIALIZED (
        SELECT v.id, v.name, v.displayname, nullif(v."group", '') AS "group", coalesce(v.state, 'Running') AS state,
               owner_uuid(v.domainid, v.account, v.accountid, v.projectid) AS account, v.domainid, v.created
          FROM jsonb_to_recordset(list) AS v (id uuid, name text, displayname text, "group" text, state text, account text, accountid uuid,
                                              projectid uuid, domainid uuid, created timestamptz)
    ), differs AS MATERIALIZED (
        SELECT x.*, o.group_source AS was
          FROM x
          LEFT JOIN LATERAL (SELECT * FROM instance i WHERE i.uuid = x.id OFFSET 0) AS o ON true
         WHERE o.uuid IS NULL OR o.placeholder OR o.removed IS NOT NULL
            OR (o.name, o.display_name, o."group", o.state, o.account, o.domain, o.created) IS DISTINCT FROM
               (x.name, x.displayname, x."group", x.state, x.account, x.domainid, coalesce(x.created, o.created))
    ), put AS (
        INSERT INTO instance AS i (uuid, name, display_name, "group", state, account, domain, created)
            SELECT d.id, d.name, d.displayname, d."group", d.state, d.account, d.domainid, d.created FROM differs d ORDER BY d.id
            ON CONFLICT (uuid) DO UPDATE SET name = excluded.name, display_name = excluded.display_name, "group" = excluded."group",
                state = excluded.state, account = excluded.account, domain = excluded.domain, created = coalesce(excluded.created, i.created),
                placeholder = false, removed = NULL
    )
    SELECT array_agg(d.id), array_agg(d.was) INTO touched, groups FROM differs d;

    -- lateral with OFFSET 0: by index, also when the plan was made with few NICs
    leaving := ARRAY(SELECT n.uuid
                       FROM jsonb_to_recordset(list) AS v (id uuid, nic jsonb)
                      CROSS JOIN LATERAL (SELECT n.uuid FROM nic n WHERE n.instance = v.id OFFSET 0) AS n
                      WHERE jsonb_typeof(v.nic) = 'array' AND n.uuid NOT IN (SELECT k.uuid FROM unnest(nics) AS k));
    WITH gone AS (
        DELETE FROM nic n WHERE n.uuid = ANY (leaving) RETURNING n.instance
    ), differs AS MATERIALIZED (
        SELECT k.*, o.instance AS was
          FROM unnest(nics) AS k
          LEFT JOIN LATERAL (SELECT n.* FROM nic n WHERE n.uuid = k.uuid OFFSET 0) AS o ON true
         WHERE o.uuid IS NULL
            OR (o.instance, o.network, o.ip4, o.ip6, o.secondary, o.is_default) IS DISTINCT FROM
               (k.instance, k.network, k.ip4, k.ip6, k.secondary, k.is_default)
    ), put AS (
        INSERT INTO nic (uuid, instance, network, ip4, ip6, secondary, is_default)
            SELECT d.uuid, d.instance, d.network, d.ip4, d.ip6, d.secondary, d.is_default FROM differs d ORDER BY d.uuid
            ON CONFLICT (uuid) DO UPDATE SET instance = excluded.instance, network = excluded.network, ip4 = excluded.ip4, ip6 = excluded.ip6,
                secondary = excluded.secondary, is_default = excluded.is_default
    )
    SELECT array_agg(DISTINCT t.instance) INTO touched
      FROM (SELECT unnest(touched) AS instance UNION SELECT instance FROM gone UNION SELECT instance FROM differs
            UNION SELECT was FROM differs) AS t
     WHERE t.instance IS NOT NULL;
    PERFORM set_config('csdns.rules', '', true);
    IF touched IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM apply_instances(touched, groups);
    RETURN cardinality(touched);
END
$$;
COMMENT ON FUNCTION csdns.upsert_instance(jsonb) IS
    'Stores instances with their NICs as listVirtualMachines tells them (id, name, displayname, group, state, account or projectid, domainid, created, nic[] of id, networkid, ipaddress, ip6address, secondaryip[], isdefault): one, an array or an answer. Without nic the NICs stay as they are. Returns how many changed.';
