-- Verbs for the association of zones with networks.

DO $$
BEGIN
    IF to_regtype('csdns.zone_network_answer') IS NULL THEN
        CREATE TYPE csdns.zone_network_answer AS (dnszoneid uuid, dnszonename text, networkid uuid, network text, subdomain text, instances bigint, collisions bigint);
    END IF;
END
$$;
COMMENT ON TYPE csdns.zone_network_answer IS
    'A zone of a network as verbs answer it. instances: how many of the network have names there; collisions: how many wait for a name that somebody else has.';

CREATE OR REPLACE FUNCTION csdns.zone_network_answers(networks uuid[]) RETURNS SETOF csdns.zone_network_answer
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT z.uuid, p.name::text, w.uuid, w.name, n.subdomain,
           (SELECT count(DISTINCT m.source)
              FROM nic i JOIN rule_record m ON m.source = i.instance JOIN pdns_record r ON r.id = m.record_id
             WHERE i.network = n.network AND r.domain_id = n.domain_id AND r.type IN ('A', 'AAAA')
               AND is_inside(r.name, coalesce(n.subdomain || '.', '') || p.name)),
           (SELECT count(DISTINCT c.source)
              FROM nic i JOIN collision c ON c.source = i.instance
             WHERE i.network = n.network AND c.domain_id = n.domain_id AND is_inside(c.name, coalesce(n.subdomain || '.', '') || p.name))
      FROM network_zone n
      JOIN network w ON w.uuid = n.network
      JOIN pdns_domain p ON p.id = n.domain_id
      LEFT JOIN dns_zone z ON z.domain_id = n.domain_id
     WHERE n.network = ANY (networks)
     ORDER BY p.name COLLATE "C", n.subdomain COLLATE "C" NULLS FIRST, w.name, w.uuid
$$;

-- The zone must be the caller's to put records into, or delegated to this very network.
CREATE OR REPLACE FUNCTION csdns.find_zone_for_network(dnszoneid text, network uuid) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    zone_id int := find_zone(dnszoneid);
BEGIN
    IF NOT EXISTS (SELECT FROM zone_delegation g WHERE g.domain_id = zone_id AND g.network = find_zone_for_network.network) THEN
        PERFORM find_zone(dnszoneid, 'record');
    END IF;
    RETURN zone_id;
END
$$;

CREATE OR REPLACE FUNCTION csdns.subdomain_argument(subdomain text, zone text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    subdomain := host_name_argument('subdomain', nullif(btrim(subdomain), ''));
    IF length(subdomain) + length(zone) > 250 THEN
        RAISE EXCEPTION 'subdomain "%": leaves no room for host names in zone "%"', subdomain, zone USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN subdomain;
END
$$;

CREATE OR REPLACE FUNCTION csdns.associate_dns_zone_to_network(dnszoneid text, networkid text, subdomain text DEFAULT NULL)
RETURNS SETOF csdns.zone_network_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'associateDnsZoneToNetwork' AS $$
DECLARE
    net network;
    zone_id int;
    part text;
    present record;
BEGIN
    PERFORM lock_rules();
    SELECT w.* INTO net FROM network w WHERE w.uuid = find_network(networkid);
    zone_id := find_zone_for_network(dnszoneid, net.uuid);
    part := subdomain_argument(subdomain, (SELECT d.name FROM pdns_domain d WHERE d.id = zone_id));
    SELECT z.domain_id, z.subdomain, d.name AS zone INTO present
      FROM network_zone z LEFT JOIN pdns_domain d ON d.id = z.domain_id WHERE z.network = net.uuid;
    IF NOT FOUND THEN
        INSERT INTO network_zone (network, domain_id, subdomain) VALUES (net.uuid, zone_id, part);
    ELSIF present.domain_id <> zone_id OR present.subdomain IS DISTINCT FROM part THEN
        RAISE EXCEPTION 'network "%": has zone "%"% already', coalesce(net.name, net.uuid::text), present.zone,
                        coalesce(' with subdomain "' || present.subdomain || '"', '')
              USING ERRCODE = 'unique_violation', HINT = 'Disassociate the network from that zone first.';
    END IF;
    RETURN QUERY SELECT * FROM zone_network_answers(ARRAY[net.uuid]);
END
$$;
COMMENT ON FUNCTION csdns.associate_dns_zone_to_network(text, text, text) IS
    'Gives the instances of a network, those that are there too, names in a zone, with a subdomain in between if one is given. A network has one zone; the same again changes nothing. For the network''s owner, who may put records into the zone or whose network it is delegated to.';

CREATE OR REPLACE FUNCTION csdns.disassociate_dns_zone_from_network(networkid text) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'disassociateDnsZoneFromNetwork' AS $$
DECLARE
    net network;
    gone record;
BEGIN
    PERFORM lock_rules();
    SELECT w.* INTO net FROM network w WHERE w.uuid = find_network(networkid, true);
    SELECT a.dnszonename AS zone, a.instances INTO gone FROM zone_network_answers(ARRAY[net.uuid]) AS a;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'network "%": has no zone', coalesce(net.name, net.uuid::text) USING ERRCODE = 'no_data_found';
    END IF;
    DELETE FROM network_zone z WHERE z.network = net.uuid;
    RETURN QUERY SELECT true, format('network "%s" no longer uses zone "%s"; %s had names there', coalesce(net.name, net.uuid::text), gone.zone, counted(gone.instances, 'instance'));
END
$$;
COMMENT ON FUNCTION csdns.disassociate_dns_zone_from_network(text) IS 'Ends the association of a network with its zone: the records that came from it go. For the network''s owner.';

-- Those of the caller's networks, and of the zones that it owns.
CREATE OR REPLACE FUNCTION csdns.list_dns_zone_networks(dnszoneid text DEFAULT NULL, networkid text DEFAULT NULL) RETURNS SETOF csdns.zone_network_answer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsZoneNetworks' AS $$
DECLARE
    zone_id int := CASE WHEN dnszoneid IS NOT NULL THEN find_zone(dnszoneid) END;
    of_network uuid := uuid_argument('networkid', networkid);
BEGIN
    RETURN QUERY
        SELECT a.*
          FROM zone_network_answers(ARRAY(SELECT z.network FROM network_zone z
                                           WHERE (zone_id IS NULL OR z.domain_id = zone_id) AND (of_network IS NULL OR z.network = of_network)
                                             AND ((SELECT is_admin()) OR z.network = ANY ((SELECT my_networks())::uuid[]) OR z.domain_id = ANY ((SELECT my_own_zones())::int[])))) AS a;
END
$$;
COMMENT ON FUNCTION csdns.list_dns_zone_networks(text, text) IS 'Networks with their zones, by zone or network: the caller''s networks, and all networks of its zones.';

GRANT EXECUTE ON FUNCTION csdns.associate_dns_zone_to_network(text, text, text), csdns.disassociate_dns_zone_from_network(text),
    csdns.list_dns_zone_networks(text, text) TO csdns_admin, csdns_tenant;
