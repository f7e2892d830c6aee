-- Verbs for zones.

DO $$
BEGIN
    IF to_regtype('csdns.zone_answer') IS NULL THEN
        CREATE TYPE csdns.zone_answer AS (id uuid, name text, dnsserverid uuid, dnsservername text, type text, state text, description text,
                                          account text, domainid uuid, domain text, records bigint, created timestamptz);
    END IF;
END
$$;
COMMENT ON TYPE csdns.zone_answer IS 'A zone as verbs answer it. id is NULL for one that was made beside csdns; account, domainid and domain are NULL for one of the administrator''s.';

CREATE OR REPLACE FUNCTION csdns.zone_answers(ids int[]) RETURNS SETOF csdns.zone_answer
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT z.uuid, p.name::text, s.uuid, s.name, coalesce(z.type, 'Public'), coalesce(z.state, 'Active'), z.description, a.name, d.uuid, d.name,
           (SELECT count(*) FROM pdns_record r WHERE r.domain_id = p.id AND r.type <> ''), z.created
      FROM pdns_domain p
      LEFT JOIN dns_zone z ON z.domain_id = p.id
      LEFT JOIN dns_server s ON s.uuid = z.server
      LEFT JOIN account a ON a.uuid = z.account
      LEFT JOIN domain d ON d.uuid = coalesce(a.domain, z.domain)
     WHERE p.id = ANY (ids)
     ORDER BY p.name COLLATE "C"
$$;

-- The zone that is given, and only what a caller sees.
CREATE OR REPLACE FUNCTION csdns.list_dns_zones(id text DEFAULT NULL, dnsserverid text DEFAULT NULL, name text DEFAULT NULL, keyword text DEFAULT NULL,
    account text DEFAULT NULL, domainid text DEFAULT NULL)
RETURNS SETOF csdns.zone_answer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsZones' AS $$
DECLARE
    of_domain uuid := uuid_argument('domainid', domainid);
    servers uuid[] := my_own_servers();
    ids int[] := CASE WHEN NOT is_admin() THEN my_zones() || ARRAY(SELECT z.domain_id FROM dns_zone z WHERE z.server = ANY (servers)) END;
BEGIN
    ids := ARRAY(
        SELECT p.id
          FROM pdns_domain p
          LEFT JOIN dns_zone z ON z.domain_id = p.id
          LEFT JOIN dns_server s ON s.uuid = z.server
          LEFT JOIN account a ON a.uuid = z.account
         WHERE (ids IS NULL OR p.id = ANY (ids))
           AND (list_dns_zones.id IS NULL OR lower(list_dns_zones.id) = z.uuid::text OR plain_name(list_dns_zones.id) = p.name)
           AND (list_dns_zones.name IS NULL OR plain_name(list_dns_zones.name) = p.name)
           AND (dnsserverid IS NULL OR lower(dnsserverid) = s.uuid::text OR dnsserverid = s.name)
           AND (keyword IS NULL OR strpos(p.name, lower(keyword)) > 0)
           AND (list_dns_zones.account IS NULL OR lower(list_dns_zones.account) = lower(a.name))
           AND (of_domain IS NULL OR of_domain = coalesce(a.domain, z.domain)));
    RETURN QUERY SELECT * FROM zone_answers(ids);
END
$$;
COMMENT ON FUNCTION csdns.list_dns_zones(text, text, text, text, text, text) IS
    'Zones that the caller sees, and all on DNS servers that it owns, by id (or name), DNS server, name, part of the name, owner. Administrators see all, also those made beside csdns.';

-- The zone as PowerDNS needs it.  Rules wait until it has its owner.
CREATE OR REPLACE FUNCTION csdns.insert_zone(name text, name_servers text[]) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    zone_id int;
BEGIN
    INSERT INTO pdns_domain (name, type) VALUES (name, 'NATIVE') RETURNING id INTO zone_id;
    INSERT INTO pdns_record (domain_id, name, type, content, ttl)
        SELECT zone_id, insert_zone.name, 'SOA',
               format('%s hostmaster.%s %s 10800 3600 604800 3600', name_servers[1], insert_zone.name, next_serial(0, serial_style(zone_id), clock_timestamp())), 3600
        UNION ALL
        SELECT zone_id, insert_zone.name, 'NS', n, 3600 FROM unnest(name_servers) AS n;
    RETURN zone_id;
END
$$;

-- A zone of the administrator's, for an administrator; or one without owner that is noted for the server, for the server's owner.
CREATE OR REPLACE FUNCTION csdns.find_adoptable(zone text, server csdns.dns_server) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    found_zone record;
BEGIN
    SELECT d.id, z.account, z.domain, z.server AS on_server INTO found_zone
      FROM pdns_domain d LEFT JOIN dns_zone z ON z.domain_id = d.id
     WHERE d.name = zone;
    IF NOT FOUND OR NOT is_admin() AND found_zone.on_server IS DISTINCT FROM server.uuid THEN
        RAISE EXCEPTION 'zone "%": not found', zone USING ERRCODE = 'no_data_found';
    ELSIF num_nonnulls(found_zone.account, found_zone.domain) > 0 THEN
        RAISE EXCEPTION 'zone "%": has an owner already%', zone, CASE WHEN is_admin() THEN ', ' || owner_name(found_zone.account, found_zone.domain) ELSE '' END
              USING ERRCODE = 'unique_violation';
    END IF;
    RETURN found_zone.id;
END
$$;

CREATE OR REPLACE FUNCTION csdns.create_dns_zone(name text, dnsserverid text, type text DEFAULT NULL, description text DEFAULT NULL,
    existing boolean DEFAULT NULL, account text DEFAULT NULL, domainid text DEFAULT NULL)
RETURNS SETOF csdns.zone_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'createDnsZone' AS $$
DECLARE
    zone text := zone_name_argument(name);
    kind text := coalesce(word_argument('type', type, 'Public', 'Private'), 'Public');
    what text := nullif(text_argument('description', description, 4096), '');
    server dns_server;
    owner record;
    zone_id int;
    rules text := current_setting('csdns.rules', true);
BEGIN
    PERFORM lock_rules();               -- two at once would not see each other's zones
    server := find_server(dnsserverid);
    owner := find_owner(account, domainid);
    IF server.state <> 'Enabled' THEN
        RAISE EXCEPTION 'zone "%": DNS server "%" is disabled', zone, server.name USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF server.uuid <> ALL (my_own_servers()) THEN
        zone := compose_zone_name(zone, server.public_suffix);
    ELSIF NOT is_admin() AND (strpos(zone, '.') = 0 OR zone ~ '(^|\.)(in-addr|ip6)\.arpa$') THEN        -- a reverse zone takes everybody's PTRs
        RAISE EXCEPTION 'zone "%": only administrators may create it', zone USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF existing AND server.uuid <> ALL (my_own_servers()) THEN
        RAISE EXCEPTION 'zone "%": only administrators and the owner of DNS server "%" may take over existing zones', zone, server.name
              USING ERRCODE = 'insufficient_privilege';
    ELSIF existing THEN
        zone_id := find_adoptable(zone, server);
    ELSIF EXISTS (SELECT FROM pdns_domain d WHERE d.name = zone) THEN
        RAISE EXCEPTION 'zone "%": exists already', zone USING ERRCODE = 'unique_violation';
    END IF;
    PERFORM check_zone_overlap(zone, server, owner.owner_account, owner.owner_domain), check_hidden_records(zone);

    PERFORM set_config('csdns.rules', 'later', true);
    IF zone_id IS NULL THEN
        zone_id := insert_zone(zone, server.name_servers);
    END IF;
    INSERT INTO dns_zone AS z (domain_id, server, account, domain, description, type)
        VALUES (zone_id, server.uuid, owner.owner_account, owner.owner_domain, what, kind)
        ON CONFLICT (domain_id) DO UPDATE
            SET server = excluded.server, account = excluded.account, domain = excluded.domain, description = coalesce(excluded.description, z.description),
                type = excluded.type;
    PERFORM set_config('csdns.rules', coalesce(rules, ''), true);
    PERFORM apply_zones(ARRAY[zone_id], ARRAY[zone]);
    PERFORM check_zone_quota(owner.owner_account, owner.owner_domain);
    RETURN QUERY SELECT * FROM zone_answers(ARRAY[zone_id]);
END
$$;
COMMENT ON FUNCTION csdns.create_dns_zone(text, text, text, text, boolean, text, text) IS
    'Creates a zone with SOA and NS records of a DNS server. On another''s public server it is placed under the public suffix. existing takes over a zone without owner that is there. The owner is the caller, or an account or domain that it stands for; the administrator names anyone, or nobody.';

CREATE OR REPLACE FUNCTION csdns.update_dns_zone(id text, description text DEFAULT NULL, state text DEFAULT NULL, type text DEFAULT NULL)
RETURNS SETOF csdns.zone_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'updateDnsZone' AS $$
DECLARE
    zone_id int := find_zone(id, 'own');
    what text := text_argument('description', description, 4096);
    now_state text := word_argument('state', state, 'Active', 'Inactive');
    kind text := word_argument('type', type, 'Public', 'Private');
BEGIN
    PERFORM lock_rules();
    INSERT INTO dns_zone (domain_id) SELECT zone_id WHERE num_nonnulls(what, now_state, kind) > 0 ON CONFLICT DO NOTHING;
    UPDATE dns_zone z
       SET description = CASE what WHEN '' THEN NULL ELSE coalesce(what, z.description) END, state = coalesce(now_state, z.state), type = coalesce(kind, z.type)
     WHERE z.domain_id = zone_id
       AND (what IS NOT NULL AND nullif(what, '') IS DISTINCT FROM z.description OR now_state <> z.state OR kind <> z.type);
    RETURN QUERY SELECT * FROM zone_answers(ARRAY[zone_id]);
END
$$;
COMMENT ON FUNCTION csdns.update_dns_zone(text, text, text, text) IS
    'Changes what is given of a zone: description (empty: none), state (Active, or Inactive: rules put no records there), type (Public or Private). For its owner.';

-- PowerDNS' row goes first: records that go with it are not taken from the rules by a person.
CREATE OR REPLACE FUNCTION csdns.drop_zones(ids int[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    DELETE FROM pdns_domain d WHERE d.id = ANY (ids);
    DELETE FROM pdns_record r WHERE r.domain_id = ANY (ids);       -- older tables have no foreign keys
    DELETE FROM pdns_metadata m WHERE m.domain_id = ANY (ids);
    DELETE FROM pdns_key k WHERE k.domain_id = ANY (ids);
END
$$;

-- Records of rules become people's, but for those that rules want in a zone of nobody, too: by network domain, or in a reverse zone.
CREATE OR REPLACE FUNCTION csdns.forget_zones(ids int[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    networks uuid[] := ARRAY(SELECT z.network FROM network_zone z WHERE z.domain_id = ANY (ids));
    instances uuid[] := ARRAY(SELECT n.instance FROM instance_name n WHERE n.domain_id = ANY (ids));
    rules text := current_setting('csdns.rules', true);
BEGIN
    PERFORM set_config('csdns.rules', 'later', true);
    DELETE FROM network_zone z WHERE z.domain_id = ANY (ids);
    DELETE FROM instance_name n WHERE n.domain_id = ANY (ids);
    DELETE FROM zone_delegation g WHERE g.domain_id = ANY (ids);
    DELETE FROM dns_zone z WHERE z.domain_id = ANY (ids);
    DELETE FROM rule_record m
     USING pdns_record r
     WHERE r.domain_id = ANY (ids) AND m.record_id = r.id
       AND NOT EXISTS (SELECT FROM desired_record w
                        WHERE w.source = m.source AND w.domain_id = r.domain_id AND w.name = r.name AND w.type = r.type AND w.content = r.content);
    DELETE FROM hold h WHERE h.domain_id = ANY (ids);
    PERFORM set_config('csdns.rules', coalesce(rules, ''), true);
    PERFORM apply_zones(ids, ARRAY(SELECT d.name::text FROM pdns_domain d WHERE d.id = ANY (ids)));
    PERFORM apply_scopes(networks), apply_instances(instances);
END
$$;

CREATE OR REPLACE FUNCTION csdns.delete_dns_zone(id text, unmanage boolean DEFAULT NULL) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'deleteDnsZone' AS $$
DECLARE
    zone_id int;
    zone record;
BEGIN
    PERFORM lock_rules();
    zone_id := find_zone(id, 'own');
    IF unmanage AND NOT is_admin() THEN             -- nobody's zone would count for no quota
        RAISE EXCEPTION 'zone "%": only administrators may leave it unmanaged', id USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT d.name, count(r.id) AS records INTO zone
      FROM pdns_domain d LEFT JOIN pdns_record r ON r.domain_id = d.id AND r.type <> '' WHERE d.id = zone_id GROUP BY d.name;
    IF unmanage THEN
        PERFORM forget_zones(ARRAY[zone_id]);
    ELSE
        PERFORM drop_zones(ARRAY[zone_id]);
    END IF;
    RETURN QUERY SELECT true, format(CASE WHEN unmanage THEN 'zone "%s" is no longer managed; what stays there: %s'
                                          ELSE 'zone "%s" is deleted with %s' END, zone.name, counted(zone.records, 'record'));
END
$$;
COMMENT ON FUNCTION csdns.delete_dns_zone(text, boolean) IS
    'Deletes a zone with its records. With unmanage csdns forgets it, owner, associations and registered names, and the records stay. For its owner; unmanage for administrators.';

GRANT EXECUTE ON FUNCTION csdns.create_dns_zone(text, text, text, text, boolean, text, text), csdns.update_dns_zone(text, text, text, text),
    csdns.list_dns_zones(text, text, text, text, text, text), csdns.delete_dns_zone(text, boolean) TO csdns_admin, csdns_tenant;
