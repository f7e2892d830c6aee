-- What changed in facts, policy, zones and records, as sources whose records are put right in the same transaction.  One call a
-- statement, on its transition tables.  Functions that write several tables and apply the rules themselves set csdns.rules = 'later'.

CREATE OR REPLACE FUNCTION csdns.is_later() RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('csdns.rules', true), '') = 'later'
$$;

-- Instances, with the groups they are in and the floating addresses they share.
CREATE OR REPLACE FUNCTION csdns.apply_instances(instances uuid[], more uuid[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    sources uuid[];
BEGIN
    SELECT array_agg(s.source)
      INTO sources
      FROM (SELECT unnest(instances) AS source
            UNION SELECT unnest(more)
            UNION SELECT i.group_source FROM instance i WHERE i.uuid = ANY (instances)
            UNION SELECT m.floating FROM floating_member m WHERE m.instance = ANY (instances)) AS s
     WHERE s.source IS NOT NULL;
    FOR at IN 1..coalesce(cardinality(sources), 0) BY 1000 LOOP
        PERFORM apply_rules(sources[at:at + 999]);
    END LOOP;
END
$$;

-- Everything that is in these networks, or belongs to these accounts or domains of the cloud.
CREATE OR REPLACE FUNCTION csdns.apply_scopes(networks uuid[], accounts uuid[] DEFAULT NULL, domains uuid[] DEFAULT NULL) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM apply_instances(
        ARRAY(SELECT n.instance FROM nic n WHERE n.network = ANY (networks)
              UNION SELECT i.uuid FROM instance i WHERE i.account = ANY (accounts)
              UNION SELECT i.uuid FROM instance i WHERE i.domain = ANY (domains)),
        ARRAY(SELECT p.uuid FROM public_address p WHERE p.network = ANY (networks)
              UNION SELECT p.uuid FROM public_address p WHERE p.account = ANY (accounts)
              UNION SELECT p.uuid FROM public_address p WHERE p.domain = ANY (domains)
              UNION SELECT p.uuid FROM network w JOIN public_address p ON p.vpc = w.vpc WHERE w.uuid = ANY (networks)
              UNION SELECT f.uuid FROM floating_address f WHERE f.network = ANY (networks)
              UNION SELECT f.uuid FROM floating_address f WHERE f.account = ANY (accounts)
              UNION SELECT f.uuid FROM floating_address f WHERE f.domain = ANY (domains)));
END
$$;

CREATE OR REPLACE FUNCTION csdns.apply_domain_policy() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    changed uuid[] := refresh_domain_policy();
BEGIN
    IF cardinality(changed) > 0 THEN
        PERFORM apply_scopes(NULL, NULL, changed);
    END IF;
END
$$;

-- Zones that came, went, were renamed or changed owner.
CREATE OR REPLACE FUNCTION csdns.apply_zones(ids int[], names text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    nets cidr[] := ARRAY(SELECT n.net FROM unnest(names) AS z CROSS JOIN LATERAL reverse_networks(z) AS n);
BEGIN
    PERFORM apply_scopes(
        ARRAY(SELECT z.network FROM network_zone z WHERE z.domain_id = ANY (ids)
              UNION SELECT w.uuid FROM network w WHERE w.network_domain = ANY (names)
              UNION SELECT p.scope FROM policy p WHERE p.common_zone = ANY (names)),
        ARRAY(SELECT a.uuid FROM account a WHERE a.network_domain = ANY (names)
              UNION SELECT p.scope FROM policy p WHERE p.common_zone = ANY (names)),
        ARRAY(SELECT p.domain FROM domain_policy p WHERE p.network_domain = ANY (names) OR p.common_zone = ANY (names)));
    PERFORM apply_instances(
        ARRAY(SELECT m.instance FROM instance_name m WHERE m.domain_id = ANY (ids)
              UNION SELECT n.instance FROM unnest(nets) AS z JOIN nic n ON n.ip4 BETWEEN host(z)::inet AND host(broadcast(z))::inet
              UNION SELECT n.instance FROM unnest(nets) AS z JOIN nic n ON n.ip6 BETWEEN host(z)::inet AND host(broadcast(z))::inet
              UNION SELECT n.instance FROM unnest(nets) AS z JOIN nic n ON n.secondary <> '{}'
                                       AND EXISTS (SELECT FROM unnest(n.secondary) AS s WHERE s <<= z)
              UNION SELECT p.instance FROM unnest(nets) AS z JOIN public_address p ON p.instance IS NOT NULL AND p.address <<= z),
        ARRAY(SELECT f.uuid FROM unnest(nets) AS z JOIN floating_address f ON f.address <<= z));
END
$$;

CREATE OR REPLACE FUNCTION csdns.refresh_reverse_zones() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    WITH wanted AS MATERIALIZED (
        SELECT n.net, d.id AS domain_id, n.classless
          FROM pdns_domain d CROSS JOIN LATERAL reverse_networks(d.name) AS n WHERE d.name LIKE '%arpa'
    ), gone AS (
        DELETE FROM reverse_zone r WHERE (r.net, r.domain_id) NOT IN (SELECT w.net, w.domain_id FROM wanted w)
    )
    INSERT INTO reverse_zone (net, domain_id, classless) SELECT w.net, w.domain_id, w.classless FROM wanted w ON CONFLICT DO NOTHING;
END
$$;

-- Facts.  SELECT s FROM ... gives what is touched; rows that are as before are not.

CREATE OR REPLACE FUNCTION csdns.on_instance_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET jit = off AS $$
DECLARE
    touched uuid[];
    groups uuid[];
BEGIN
    IF is_later() THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        touched := ARRAY(SELECT n.uuid FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        touched := ARRAY(SELECT o.uuid FROM old_rows o);
        groups := ARRAY(SELECT o.group_source FROM old_rows o WHERE o.group_source IS NOT NULL);
    ELSE
        touched := ARRAY(SELECT x.uuid FROM (SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) AS x
                         UNION SELECT x.uuid FROM (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows) AS x);
        groups := ARRAY(SELECT o.group_source FROM old_rows o WHERE o.group_source IS NOT NULL);
    END IF;
    IF cardinality(touched) > 0 THEN
        PERFORM apply_instances(touched, groups);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_nic_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET jit = off AS $$
DECLARE
    touched uuid[];
BEGIN
    IF is_later() THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        touched := ARRAY(SELECT n.instance FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        touched := ARRAY(SELECT o.instance FROM old_rows o);
    ELSE
        touched := ARRAY(SELECT x.instance FROM (SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) AS x
                         UNION SELECT x.instance FROM (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows) AS x);
    END IF;
    IF cardinality(touched) > 0 THEN
        PERFORM apply_instances(touched);
    END IF;
    RETURN NULL;
END
$$;

-- Tables whose key is a network or an account; argument: the column, and the kind of scope.
CREATE OR REPLACE FUNCTION csdns.on_scope_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET jit = off AS $$
DECLARE
    touched uuid[];
BEGIN
    IF is_later() THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        EXECUTE format('SELECT array_agg(n.%I) FROM new_rows n', TG_ARGV[0]) INTO touched;
    ELSIF TG_OP = 'DELETE' THEN
        EXECUTE format('SELECT array_agg(o.%I) FROM old_rows o', TG_ARGV[0]) INTO touched;
    ELSE
        EXECUTE format('SELECT array_agg(x.%1$I) FROM (SELECT * FROM ((SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) UNION ALL
                                                       (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows)) AS y) AS x', TG_ARGV[0]) INTO touched;
    END IF;
    CASE WHEN touched IS NULL THEN
        RETURN NULL;
    WHEN TG_ARGV[1] = 'network' THEN
        PERFORM apply_scopes(touched);
    WHEN TG_ARGV[1] = 'account' THEN
        PERFORM apply_scopes(NULL, touched);
    WHEN TG_ARGV[1] = 'instance' THEN
        PERFORM apply_instances(touched);
    ELSE
        PERFORM apply_instances(NULL, touched);
    END CASE;
    RETURN NULL;
END
$$;

-- A network that changed may have left a VPC; its public addresses and the instance behind are touched by their own.
CREATE OR REPLACE FUNCTION csdns.on_public_address_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp SET jit = off AS $$
DECLARE
    touched uuid[];
    instances uuid[];
BEGIN
    IF is_later() THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        touched := ARRAY(SELECT n.uuid FROM new_rows n);
        instances := ARRAY(SELECT n.instance FROM new_rows n WHERE n.instance IS NOT NULL);
    ELSIF TG_OP = 'DELETE' THEN
        touched := ARRAY(SELECT o.uuid FROM old_rows o);
        instances := ARRAY(SELECT o.instance FROM old_rows o WHERE o.instance IS NOT NULL);
    ELSE
        touched := ARRAY(SELECT x.uuid FROM ((SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) UNION ALL
                                             (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows)) AS x);
        instances := ARRAY(SELECT x.instance FROM ((SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) UNION ALL
                                                   (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows)) AS x WHERE x.instance IS NOT NULL);
    END IF;
    IF cardinality(touched) > 0 THEN
        PERFORM apply_instances(instances, touched);
    END IF;
    RETURN NULL;
END
$$;

-- A change in the tree, or of a network domain; the name alone matters to nobody.
CREATE OR REPLACE FUNCTION csdns.on_domain_fact_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM apply_domain_policy();
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_policy_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    touched uuid[];
    stray uuid;
BEGIN
    IF TG_OP = 'INSERT' THEN
        touched := ARRAY(SELECT n.scope FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        touched := ARRAY(SELECT o.scope FROM old_rows o);
        IF '00000000-0000-0000-0000-000000000000' = ANY (touched) THEN
            RAISE EXCEPTION 'policy: the settings for everything cannot be deleted, only changed' USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        touched := ARRAY(SELECT x.scope FROM ((SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) UNION ALL
                                              (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows)) AS x);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT n.scope INTO stray FROM new_rows n
         WHERE n.scope <> '00000000-0000-0000-0000-000000000000' AND NOT EXISTS (SELECT FROM network w WHERE w.uuid = n.scope)
           AND NOT EXISTS (SELECT FROM account a WHERE a.uuid = n.scope) AND NOT EXISTS (SELECT FROM domain d WHERE d.uuid = n.scope)
         LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'policy for %: no such network, account or domain', stray USING ERRCODE = 'foreign_key_violation';
        END IF;
        IF EXISTS (SELECT FROM new_rows n WHERE n.scope = '00000000-0000-0000-0000-000000000000'
                      AND (n.ttl IS NULL OR n.minimum_ttl IS NULL OR n.on_stop IS NULL OR n.ptr IS NULL OR n.common IS NULL OR n.groups IS NULL
                           OR n.secondary_addresses IS NULL OR n.public_names IS NULL OR n.static_nat IS NULL OR n.floating IS NULL
                           OR n.host_template IS NULL OR n.public_template IS NULL)) THEN
            RAISE EXCEPTION 'policy: the settings for everything need a value each' USING ERRCODE = 'not_null_violation';
        END IF;
    END IF;
    PERFORM apply_domain_policy();
    IF cardinality(touched) > 0 THEN
        PERFORM apply_scopes(touched, touched);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_zone_fact_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    ids int[];
    stray int;
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := ARRAY(SELECT n.domain_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        ids := ARRAY(SELECT o.domain_id FROM old_rows o);
    ELSE
        ids := ARRAY(SELECT x.domain_id FROM ((SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) UNION ALL
                                              (SELECT * FROM old_rows EXCEPT SELECT * FROM new_rows)) AS x);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM require_zones(ids);
    END IF;
    IF NOT is_later() THEN
        PERFORM apply_zones(ids, ARRAY(SELECT d.name::text FROM pdns_domain d WHERE d.id = ANY (ids)));
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.require_zones(ids int[]) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    stray int;
BEGIN
    SELECT i INTO stray FROM unnest(ids) AS i WHERE NOT EXISTS (SELECT FROM pdns_domain d WHERE d.id = i) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'zone %: not in domains', stray USING ERRCODE = 'foreign_key_violation';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_zone_reference() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM require_zones(ARRAY(SELECT DISTINCT n.domain_id FROM new_rows n));
    RETURN NULL;
END
$$;

-- Before the index of 105-cloud-policy.sql says the same with less words.
CREATE OR REPLACE FUNCTION csdns.on_network_zone_claim() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    other record;
BEGIN
    SELECT coalesce(w.name, w.uuid::text) AS network, d.name AS zone INTO other
      FROM network_zone z
      JOIN network w ON w.uuid = z.network
      LEFT JOIN pdns_domain d ON d.id = z.domain_id
     WHERE z.domain_id = NEW.domain_id AND z.subdomain = NEW.subdomain AND z.network <> NEW.network;
    IF FOUND THEN
        RAISE EXCEPTION 'network %: network "%" has subdomain "%" of zone "%" already', NEW.network, other.network, NEW.subdomain, other.zone
              USING ERRCODE = 'unique_violation', SCHEMA = 'csdns', CONSTRAINT = 'network_zone_subdomain_idx';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER csdns_claim BEFORE INSERT OR UPDATE OF domain_id, subdomain ON csdns.network_zone
    FOR EACH ROW EXECUTE FUNCTION csdns.on_network_zone_claim();

-- PowerDNS' zones.

CREATE OR REPLACE FUNCTION csdns.on_pdns_domain_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    ids int[];
    names text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id), array_agg(n.name::text) INTO ids, names FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(o.id), array_agg(o.name::text) INTO ids, names FROM old_rows o;
        IF ids IS NOT NULL THEN
            DELETE FROM dns_zone z WHERE z.domain_id = ANY (ids);
            DELETE FROM network_zone z WHERE z.domain_id = ANY (ids);
            DELETE FROM instance_name z WHERE z.domain_id = ANY (ids);
            DELETE FROM zone_delegation z WHERE z.domain_id = ANY (ids);
            DELETE FROM hold z WHERE z.domain_id = ANY (ids);
            DELETE FROM collision z WHERE z.domain_id = ANY (ids);
        END IF;
    ELSE
        SELECT array_agg(x.id), array_agg(x.name::text) INTO ids, names
          FROM ((SELECT id, name, type FROM new_rows EXCEPT SELECT id, name, type FROM old_rows) UNION ALL
                (SELECT id, name, type FROM old_rows EXCEPT SELECT id, name, type FROM new_rows)) AS x;
    END IF;
    IF ids IS NULL THEN
        RETURN NULL;
    END IF;
    IF EXISTS (SELECT FROM unnest(names) AS n WHERE n LIKE '%arpa') THEN
        DELETE FROM reverse_zone r WHERE r.domain_id = ANY (ids);
        INSERT INTO reverse_zone (net, domain_id, classless)
            SELECT n.net, d.id, n.classless FROM pdns_domain d CROSS JOIN LATERAL reverse_networks(d.name) AS n WHERE d.id = ANY (ids)
            ON CONFLICT DO NOTHING;
    END IF;
    IF NOT is_later() AND EXISTS (SELECT FROM instance) THEN
        PERFORM apply_zones(ids, names);
    END IF;
    RETURN NULL;
END
$$;

-- PowerDNS' records: what people do to rules' records and to names that rules want.

CREATE OR REPLACE FUNCTION csdns.on_pdns_record_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    sources uuid[];
BEGIN
    IF NOT EXISTS (SELECT FROM rule_record) AND NOT EXISTS (SELECT FROM hold) THEN
        RETURN NULL;
    END IF;
    sources := ARRAY(
        SELECT h.source
          FROM new_rows n
         CROSS JOIN LATERAL (SELECT h.source FROM hold h WHERE h.domain_id = n.domain_id AND h.name = n.name AND h.type = n.type OFFSET 0) AS h
        UNION
        SELECT DISTINCT m.source
          FROM (SELECT n.domain_id, n.name FROM new_rows n
                 WHERE n.type IN ('A', 'AAAA', 'PTR', 'CNAME', 'NS', 'DNAME', 'ALIAS')
                   AND NOT EXISTS (SELECT FROM rule_record m WHERE m.record_id = n.id) OFFSET 0) AS n
         CROSS JOIN LATERAL (SELECT r.id FROM pdns_record r WHERE r.name = n.name AND r.domain_id + 0 = n.domain_id OFFSET 0) AS r
         CROSS JOIN LATERAL (SELECT m.source FROM rule_record m WHERE m.record_id = r.id OFFSET 0) AS m);
    IF cardinality(sources) > 0 THEN
        PERFORM apply_rules(sources);
    END IF;
    RETURN NULL;
END
$$;

-- Hash joins: a zone of 100 000 records may go at once.
CREATE OR REPLACE FUNCTION csdns.take_records(how text, ids bigint[], zones int[], names text[], types text[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp
SET enable_nestloop = off SET enable_hashjoin = on SET enable_seqscan = on SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    sources uuid[];
BEGIN
    WITH gone AS (
        DELETE FROM rule_record m WHERE m.record_id = ANY (ids) RETURNING m.record_id, m.source
    ), taken AS (
        SELECT u.domain_id, u.name, u.type, min(g.source::text)::uuid AS source
          FROM gone g JOIN unnest(ids, zones, names, types) AS u (id, domain_id, name, type) ON u.id = g.record_id
         WHERE EXISTS (SELECT FROM pdns_domain d WHERE d.id = u.domain_id)
         GROUP BY u.domain_id, u.name, u.type
    ), held AS (
        INSERT INTO hold (domain_id, name, type, source, how)
            SELECT t.domain_id, t.name, t.type, t.source, take_records.how FROM taken t
            ON CONFLICT (domain_id, name, type) DO UPDATE SET how = excluded.how, at = excluded.at, by = excluded.by, source = excluded.source
    ), told AS (
        INSERT INTO event (type, zone, name, source, description)
            SELECT 'DNS.RECORD.TAKEN', d.name, t.name, t.source,
                   format('%s %s of %s was %s by %s, who owns it now', t.name, t.type, source_name(t.source), take_records.how, session_user)
              FROM taken t JOIN pdns_domain d ON d.id = t.domain_id
    )
    SELECT array_agg(DISTINCT g.source) INTO sources FROM gone g;
    RETURN sources;
END
$$;

-- Sources that wait for one of these names, or had records there that people took over.
CREATE OR REPLACE FUNCTION csdns.waiting_for(zones int[], names text[]) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = csdns, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
    SELECT array_agg(DISTINCT c.source)
      FROM (SELECT DISTINCT domain_id, name FROM unnest(zones, names) AS u (domain_id, name)) AS n
     CROSS JOIN LATERAL (SELECT c.source FROM collision c WHERE c.domain_id = n.domain_id AND c.name = n.name
                         UNION ALL SELECT h.source FROM hold h WHERE h.domain_id = n.domain_id AND h.name = n.name OFFSET 0) AS c
$$;

CREATE OR REPLACE FUNCTION csdns.on_pdns_record_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    marked boolean := EXISTS (SELECT FROM rule_record);
    waiting boolean := EXISTS (SELECT FROM collision) OR EXISTS (SELECT FROM hold);
    was record;
    sources uuid[];
BEGIN
    IF NOT (marked OR waiting) OR NOT EXISTS (SELECT FROM old_rows o WHERE o.type <> 'SOA') THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(x.id) AS ids, array_agg(x.domain_id) AS zones, array_agg(x.name::text) AS names, array_agg(x.type::text) AS types
      INTO was
      FROM (SELECT id, domain_id, name, type, content, ttl, prio, disabled FROM old_rows WHERE type <> 'SOA'
            EXCEPT ALL SELECT id, domain_id, name, type, content, ttl, prio, disabled FROM new_rows) AS x;
    IF was.ids IS NULL THEN
        RETURN NULL;
    END IF;
    IF marked THEN
        sources := take_records('edited', was.ids, was.zones, was.names, was.types);
        sources := sources || ARRAY(
            SELECT DISTINCT m.source
              FROM (SELECT id, domain_id, name FROM new_rows EXCEPT ALL SELECT id, domain_id, name FROM old_rows) AS n
             CROSS JOIN LATERAL (SELECT r.id FROM pdns_record r WHERE r.name = n.name AND r.domain_id + 0 = n.domain_id OFFSET 0) AS r
             CROSS JOIN LATERAL (SELECT m.source FROM rule_record m WHERE m.record_id = r.id OFFSET 0) AS m);
    END IF;
    IF waiting THEN
        sources := sources || waiting_for(was.zones, was.names);
    END IF;
    IF cardinality(sources) > 0 THEN
        PERFORM apply_rules(sources);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_pdns_record_delete() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    marked boolean := EXISTS (SELECT FROM rule_record);
    waiting boolean := EXISTS (SELECT FROM collision) OR EXISTS (SELECT FROM hold);
    was record;
    sources uuid[];
BEGIN
    IF NOT (marked OR waiting) THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(o.id) AS ids, array_agg(o.domain_id) AS zones, array_agg(o.name::text) AS names, array_agg(o.type::text) AS types
      INTO was FROM old_rows o;
    IF was.ids IS NULL THEN
        RETURN NULL;
    END IF;
    IF marked THEN
        sources := take_records('deleted', was.ids, was.zones, was.names, was.types);
    END IF;
    IF waiting THEN
        sources := sources || waiting_for(was.zones, was.names);
    END IF;
    FOR at IN 1..coalesce(cardinality(sources), 0) BY 1000 LOOP
        PERFORM apply_rules(sources[at:at + 999]);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_pdns_record_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
BEGIN
    DELETE FROM rule_record;
    DELETE FROM hold;
    DELETE FROM collision;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES
            ('csdns.instance', 'on_instance_change', ''), ('csdns.nic', 'on_nic_change', ''), ('csdns.network', 'on_scope_change', '''uuid'', ''network'''),
            ('csdns.network_zone', 'on_scope_change', '''network'', ''network'''), ('csdns.account', 'on_scope_change', '''uuid'', ''account'''),
            ('csdns.instance_name', 'on_scope_change', '''instance'', ''instance'''),
            ('csdns.floating_address', 'on_scope_change', '''uuid'', ''source'''),
            ('csdns.floating_member', 'on_scope_change', '''floating'', ''source'''),
            ('csdns.public_address', 'on_public_address_change', ''), ('csdns.domain', 'on_domain_fact_change', ''),
            ('csdns.policy', 'on_policy_change', ''), ('csdns.dns_zone', 'on_zone_fact_change', ''),
            ('csdns.zone_delegation', 'on_zone_fact_change', ''),
            ('domains', 'on_pdns_domain_change', '')) AS v (tab, fn, args)
    LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_rules_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.%I(%s)', t.tab, t.fn, t.args);
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_rules_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.%I(%s)', t.tab, t.fn, t.args);
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_rules_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.%I(%s)', t.tab, t.fn, t.args);
    END LOOP;
END
$$;
CREATE OR REPLACE TRIGGER csdns_zone_insert AFTER INSERT ON csdns.network_zone REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_zone_reference();
CREATE OR REPLACE TRIGGER csdns_zone_update AFTER UPDATE ON csdns.network_zone REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_zone_reference();
CREATE OR REPLACE TRIGGER csdns_zone_insert AFTER INSERT ON csdns.instance_name REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_zone_reference();
CREATE OR REPLACE TRIGGER csdns_zone_update AFTER UPDATE ON csdns.instance_name REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_zone_reference();

CREATE OR REPLACE TRIGGER csdns_rules_insert AFTER INSERT ON records REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_pdns_record_insert();
CREATE OR REPLACE TRIGGER csdns_rules_update AFTER UPDATE ON records REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_pdns_record_update();
CREATE OR REPLACE TRIGGER csdns_rules_delete AFTER DELETE ON records REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_pdns_record_delete();
CREATE OR REPLACE TRIGGER csdns_rules_truncate AFTER TRUNCATE ON records
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_pdns_record_truncate();

DO $$ BEGIN PERFORM csdns.refresh_reverse_zones(); END $$;
