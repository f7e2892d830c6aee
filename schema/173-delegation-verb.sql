-- Verbs for delegation: who may use a zone beside its owner.

DO $$
BEGIN
    IF to_regtype('csdns.delegation_answer') IS NULL THEN
        CREATE TYPE csdns.delegation_answer AS (id uuid, dnszoneid uuid, dnszonename text, account text, domainid uuid, domain text,
                                                networkid uuid, network text, created timestamptz);
    END IF;
END
$$;
COMMENT ON TYPE csdns.delegation_answer IS 'A delegation of a zone as verbs answer it: to an account, a domain of the cloud, or a network.';

CREATE OR REPLACE FUNCTION csdns.delegation_answers(ids uuid[]) RETURNS SETOF csdns.delegation_answer
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT g.uuid, z.uuid, p.name::text, a.name, d.uuid, d.name, w.uuid, w.name, g.created
      FROM zone_delegation g
      JOIN pdns_domain p ON p.id = g.domain_id
      LEFT JOIN dns_zone z ON z.domain_id = g.domain_id
      LEFT JOIN account a ON a.uuid = g.account
      LEFT JOIN network w ON w.uuid = g.network
      LEFT JOIN domain d ON d.uuid = coalesce(g.domain, a.domain)
     WHERE g.uuid = ANY (ids)
     ORDER BY p.name COLLATE "C", g.created, g.uuid
$$;

-- To whom: exactly one.  The caller need not stand for it.  What is gone from the cloud can still be taken back from.
CREATE OR REPLACE FUNCTION csdns.delegation_target(zone text, account text, domainid text, networkid text, removed_too boolean,
    OUT account_uuid uuid, OUT domain_uuid uuid, OUT network_uuid uuid) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    account := nullif(btrim(account), '');
    IF num_nonnulls(coalesce(account, domainid), networkid) <> 1 THEN
        RAISE EXCEPTION 'zone "%": a delegation is to exactly one of account (with domainid), domainid and networkid', zone USING ERRCODE = 'invalid_parameter_value';
    ELSIF networkid IS NOT NULL THEN
        network_uuid := uuid_argument('networkid', networkid);
        IF NOT EXISTS (SELECT FROM network w WHERE w.uuid = network_uuid AND (removed_too OR w.removed IS NULL)) THEN
            RAISE EXCEPTION 'network %: not found', network_uuid USING ERRCODE = 'no_data_found';
        END IF;
        RETURN;
    END IF;
    domain_uuid := CASE WHEN domainid IS NULL THEN my_domain() ELSE find_domain(domainid, removed_too) END;
    IF account IS NOT NULL THEN
        account_uuid := find_account(account, domain_uuid, removed_too);
        domain_uuid := NULL;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.target_name(account uuid, domain uuid, network uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN network IS NULL THEN owner_name(account, domain)
                ELSE (SELECT format('network "%s"', coalesce(w.name, w.uuid::text)) FROM network w WHERE w.uuid = target_name.network) END
$$;

CREATE OR REPLACE FUNCTION csdns.delegate_dns_zone(dnszoneid text, account text DEFAULT NULL, domainid text DEFAULT NULL, networkid text DEFAULT NULL)
RETURNS SETOF csdns.delegation_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'delegateDnsZone' AS $$
DECLARE
    zone_id int;
    target record;
BEGIN
    PERFORM lock_rules();
    zone_id := find_zone(dnszoneid, 'own');
    target := delegation_target((SELECT d.name FROM pdns_domain d WHERE d.id = zone_id), account, domainid, networkid, false);
    INSERT INTO zone_delegation (domain_id, account, domain, network)
        VALUES (zone_id, target.account_uuid, target.domain_uuid, target.network_uuid) ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT d.*
          FROM delegation_answers(ARRAY(SELECT g.uuid FROM zone_delegation g
                                         WHERE g.domain_id = zone_id
                                           AND (g.account, g.domain, g.network) IS NOT DISTINCT FROM (target.account_uuid, target.domain_uuid, target.network_uuid))) AS d;
END
$$;
COMMENT ON FUNCTION csdns.delegate_dns_zone(text, text, text, text) IS
    'Lets others use a zone: an account (with domainid), all of a domain of the cloud and below (domainid), or one network, whose owner may then associate it. Again changes nothing. For the zone''s owner.';

-- Who may use a zone without the administrator's help.
CREATE OR REPLACE FUNCTION csdns.is_entitled(zone_id int, of_account uuid, of_domain uuid, of_network uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT EXISTS (SELECT FROM dns_zone z WHERE z.domain_id = zone_id AND (z.account = of_account OR z.account IS NULL AND z.domain = ANY (l.lineage)))
        OR EXISTS (SELECT FROM zone_delegation g WHERE g.domain_id = zone_id AND (g.account = of_account OR g.network = of_network OR g.domain = ANY (l.lineage)))
      FROM (SELECT (SELECT p.lineage FROM domain_policy p WHERE p.domain = of_domain) AS lineage) AS l
$$;

-- What rested on a delegation that is gone: networks and instances of the target's in the zone that nothing else entitles to it.
CREATE OR REPLACE FUNCTION csdns.end_delegation(zone_id int, target_account uuid, target_domain uuid, target_network uuid, OUT networks bigint, OUT names bigint) RETURNS record
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    DELETE FROM network_zone z
     USING network w LEFT JOIN account a ON a.uuid = w.account LEFT JOIN domain_policy p ON p.domain = coalesce(a.domain, w.domain)
     WHERE z.domain_id = zone_id AND w.uuid = z.network
       AND (w.account = target_account OR target_domain = ANY (p.lineage) OR w.uuid = target_network)
       AND NOT is_entitled(zone_id, w.account, coalesce(a.domain, w.domain), w.uuid);
    GET DIAGNOSTICS networks = ROW_COUNT;
    DELETE FROM instance_name n
     USING instance i LEFT JOIN domain_policy p ON p.domain = i.domain
     WHERE n.domain_id = zone_id AND i.uuid = n.instance
       AND (i.account = target_account OR target_domain = ANY (p.lineage))
       AND NOT is_entitled(zone_id, i.account, i.domain, NULL);
    GET DIAGNOSTICS names = ROW_COUNT;
END
$$;

CREATE OR REPLACE FUNCTION csdns.undelegate_dns_zone(dnszoneid text, account text DEFAULT NULL, domainid text DEFAULT NULL, networkid text DEFAULT NULL)
RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'undelegateDnsZone' AS $$
DECLARE
    zone_id int;
    zone text;
    target record;
    target_text text;
    ended record;
BEGIN
    PERFORM lock_rules();
    zone_id := find_zone(dnszoneid, 'own');
    zone := (SELECT d.name FROM pdns_domain d WHERE d.id = zone_id);
    target := delegation_target(zone, account, domainid, networkid, true);
    target_text := target_name(target.account_uuid, target.domain_uuid, target.network_uuid);
    DELETE FROM zone_delegation g
     WHERE g.domain_id = zone_id AND (g.account, g.domain, g.network) IS NOT DISTINCT FROM (target.account_uuid, target.domain_uuid, target.network_uuid);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'zone "%": is not delegated to %', zone, target_text USING ERRCODE = 'no_data_found';
    END IF;
    ended := end_delegation(zone_id, target.account_uuid, target.domain_uuid, target.network_uuid);
    RETURN QUERY SELECT true, format('zone "%s" is no longer delegated to %s; ended with it: %s, %s',
                                     zone, target_text, counted(ended.networks, 'association with a network', 'associations with networks'),
                                     counted(ended.names, 'registered name'));
END
$$;
COMMENT ON FUNCTION csdns.undelegate_dns_zone(text, text, text, text) IS
    'Takes a delegation back, and ends what rested on it: associations of the target''s networks with the zone, and names of its instances registered there. Records made by hand stay. For the zone''s owner.';

-- An owner sees all of its zones' delegations, others those that let them in.
CREATE OR REPLACE FUNCTION csdns.list_dns_zone_delegations(dnszoneid text DEFAULT NULL) RETURNS SETOF csdns.delegation_answer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsZoneDelegations' AS $$
DECLARE
    zone_id int := CASE WHEN dnszoneid IS NOT NULL THEN find_zone(dnszoneid) END;
BEGIN
    RETURN QUERY
        SELECT d.*
          FROM delegation_answers(ARRAY(SELECT g.uuid FROM zone_delegation g
                                         WHERE (zone_id IS NULL OR g.domain_id = zone_id)
                                           AND ((SELECT is_admin()) OR g.domain_id = ANY ((SELECT my_own_zones())::int[]) OR g.account = ANY ((SELECT my_accounts())::uuid[])
                                                OR g.domain = ANY ((SELECT my_lineage() || my_domains())::uuid[]) OR g.network = ANY ((SELECT my_networks())::uuid[])))) AS d;
END
$$;
COMMENT ON FUNCTION csdns.list_dns_zone_delegations(text) IS 'Delegations of a zone, or of all: those that its owner made, and for others those to them.';

GRANT EXECUTE ON FUNCTION csdns.delegate_dns_zone(text, text, text, text), csdns.undelegate_dns_zone(text, text, text, text),
    csdns.list_dns_zone_delegations(text) TO csdns_admin, csdns_tenant;
