-- The rule book: which records the facts mean, from facts and policy alone.  One small view a rule, all of them together are
-- csdns.desired_record.  Whether a record can be put where it belongs is not decided here (120-cloud-apply.sql).
--
-- Every view can be asked for one source (an instance, a group, an address) and then reads by index only: what is filtered by
-- must stay a plain column of the table that it comes from.  OFFSET 0 leaves PostgreSQL no choice but to go from the zone's id or
-- name to its row: else it may read all zones for each address.

CREATE OR REPLACE VIEW csdns.rule_zone AS
    SELECT d.id AS domain_id, d.name::text AS name, z.account, z.domain, z.domain_id IS NOT NULL AND coalesce(z.account, z.domain) IS NOT NULL AS is_owned
      FROM csdns.pdns_domain d
      LEFT JOIN csdns.dns_zone z ON z.domain_id = d.id
     WHERE upper(d.type) IN ('NATIVE', 'MASTER', 'PRODUCER') AND coalesce(z.state, 'Active') = 'Active';
COMMENT ON VIEW csdns.rule_zone IS 'Zones that rules may put records in: no secondary and no inactive ones.';
COMMENT ON COLUMN csdns.rule_zone.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.rule_zone.name IS 'Its name.';
COMMENT ON COLUMN csdns.rule_zone.account IS 'Account that owns it.';
COMMENT ON COLUMN csdns.rule_zone.domain IS 'Domain that owns it.';
COMMENT ON COLUMN csdns.rule_zone.is_owned IS 'Whether it has an owner.';

-- The zone for what an owner has in a network, and the settings there.  The zone associated with the network; else the one named
-- after the account's network domain, else the nearest domain's, else the network's.  The last three only if the zone is theirs or
-- delegated to them or, but for the network's, which any tenant may set, nobody's.  No row for what belongs to a removed account or
-- domain, or is in a removed network.
CREATE OR REPLACE FUNCTION csdns.placement(network uuid, account uuid, domain uuid)
RETURNS TABLE (domain_id int, zone text, suffix text, because text, common_id int, common_name text, ttl int, on_stop text, ptr boolean,
               groups boolean, secondary_addresses boolean, public_names boolean, static_nat text, floating text,
               host_template text, public_template text, account_name text, network_name text)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
    SELECT CASE WHEN nz.network IS NULL THEN zd.domain_id ELSE zn.domain_id END,
           CASE WHEN nz.network IS NULL THEN zd.name ELSE zn.name END,
           coalesce('.' || nz.subdomain, '') || '.' || CASE WHEN nz.network IS NULL THEN zd.name ELSE zn.name END,
           CASE WHEN nz.network IS NOT NULL THEN 'network''s zone'
                WHEN a.network_domain IS NOT NULL THEN 'account''s network domain'
                WHEN dp.network_domain IS NOT NULL THEN 'domain''s network domain'
                ELSE 'network''s network domain' END,
           zc.domain_id, zc.name,
           greatest(coalesce(pn.ttl, pa.ttl, dp.ttl), coalesce(pn.minimum_ttl, pa.minimum_ttl, dp.minimum_ttl)),
           coalesce(pn.on_stop, pa.on_stop, dp.on_stop),
           coalesce(pn.ptr, pa.ptr, dp.ptr),
           coalesce(pn.groups, pa.groups, dp.groups),
           coalesce(pn.secondary_addresses, pa.secondary_addresses, dp.secondary_addresses),
           coalesce(pn.public_names, pa.public_names, dp.public_names),
           coalesce(pn.static_nat, pa.static_nat, dp.static_nat),
           coalesce(pn.floating, pa.floating, dp.floating),
           coalesce(pn.host_template, pa.host_template, dp.host_template),
           coalesce(pn.public_template, pa.public_template, dp.public_template),
           a.name, w.name
      FROM csdns.domain_policy dp
      JOIN csdns.account a ON a.uuid = placement.account AND a.removed IS NULL
      LEFT JOIN csdns.network w ON w.uuid = placement.network
      LEFT JOIN csdns.policy pn ON pn.scope = placement.network
      LEFT JOIN csdns.policy pa ON pa.scope = placement.account
      LEFT JOIN csdns.network_zone nz ON nz.network = placement.network
      LEFT JOIN LATERAL (SELECT z.domain_id, z.name FROM csdns.rule_zone z WHERE z.domain_id = nz.domain_id OFFSET 0) AS zn ON true
      LEFT JOIN LATERAL (SELECT z.domain_id, z.name, z.account, z.domain, z.is_owned FROM csdns.rule_zone z
                          WHERE z.name = coalesce(a.network_domain, dp.network_domain, w.network_domain) OFFSET 0) AS zd
             ON CASE WHEN NOT zd.is_owned THEN coalesce(a.network_domain, dp.network_domain) IS NOT NULL
                     WHEN zd.account = placement.account OR zd.account IS NULL AND zd.domain = ANY (dp.lineage) THEN true
                     ELSE EXISTS (SELECT FROM csdns.zone_delegation g
                                   WHERE g.domain_id = zd.domain_id AND (g.account = placement.account OR g.domain = ANY (dp.lineage))) END
      LEFT JOIN LATERAL (SELECT z.domain_id, z.name FROM csdns.rule_zone z
                          WHERE z.name = coalesce(pn.common_zone, pa.common_zone, dp.common_zone) OFFSET 0) AS zc
             ON coalesce(pn.common, pa.common, dp.common)
     WHERE dp.domain = placement.domain AND w.removed IS NULL;
END;
COMMENT ON FUNCTION csdns.placement(uuid, uuid, uuid) IS
    'Zone (NULL: none), what follows the first label, why that zone, common zone, and the settings in force for a network (or NULL), account and domain of the cloud.';

CREATE OR REPLACE VIEW csdns.live_nic AS
    SELECT i.uuid AS instance, i.group_source, i.account, i.created AS since, n.uuid AS nic, n.network, n.is_default, n.ip4, n.ip6, n.secondary,
           i.state, i."group" AS group_name, i.name AS host,
           p.domain_id, p.zone, p.suffix, p.because, p.common_id, p.common_name, p.ttl, p.ptr, p.groups, p.secondary_addresses, p.static_nat,
           CASE p.host_template WHEN '{name}' THEN lower(i.name)
                ELSE csdns.template_label(p.host_template, i.name, p.account_name, p.network_name, i.uuid, NULL) END AS label
      FROM csdns.instance i
      JOIN csdns.nic n ON n.instance = i.uuid
     CROSS JOIN LATERAL csdns.placement(n.network, i.account, i.domain) AS p
     WHERE i.removed IS NULL AND i.name IS NOT NULL
       AND (i.state IN ('Running', 'Starting', 'Stopping', 'Migrating', 'Unknown') OR i.state IN ('Stopped', 'Shutdown', 'Restoring') AND p.on_stop = 'keep');
COMMENT ON VIEW csdns.live_nic IS 'NICs of instances that have names, each with its zone and the settings in force.';
COMMENT ON COLUMN csdns.live_nic.instance IS 'Instance.';
COMMENT ON COLUMN csdns.live_nic.group_source IS 'Its group.';
COMMENT ON COLUMN csdns.live_nic.account IS 'Its owner.';
COMMENT ON COLUMN csdns.live_nic.since IS 'When the instance was created.';
COMMENT ON COLUMN csdns.live_nic.nic IS 'NIC.';
COMMENT ON COLUMN csdns.live_nic.network IS 'Its network.';
COMMENT ON COLUMN csdns.live_nic.is_default IS 'Whether it is the default one.';
COMMENT ON COLUMN csdns.live_nic.ip4 IS 'Its IPv4 address.';
COMMENT ON COLUMN csdns.live_nic.ip6 IS 'Its IPv6 address.';
COMMENT ON COLUMN csdns.live_nic.secondary IS 'Its secondary addresses.';
COMMENT ON COLUMN csdns.live_nic.state IS 'State of the instance.';
COMMENT ON COLUMN csdns.live_nic.group_name IS 'Name of the group.';
COMMENT ON COLUMN csdns.live_nic.host IS 'Host name of the instance.';
COMMENT ON COLUMN csdns.live_nic.domain_id IS 'Zone, NULL if none.';
COMMENT ON COLUMN csdns.live_nic.zone IS 'Name of the zone.';
COMMENT ON COLUMN csdns.live_nic.suffix IS 'What follows the first label: subdomain and zone, with a dot in front.';
COMMENT ON COLUMN csdns.live_nic.because IS 'Why that zone.';
COMMENT ON COLUMN csdns.live_nic.common_id IS 'Common zone, NULL if none.';
COMMENT ON COLUMN csdns.live_nic.common_name IS 'Name of the common zone.';
COMMENT ON COLUMN csdns.live_nic.ttl IS 'TTL.';
COMMENT ON COLUMN csdns.live_nic.ptr IS 'Policy: PTR records.';
COMMENT ON COLUMN csdns.live_nic.groups IS 'Policy: groups.';
COMMENT ON COLUMN csdns.live_nic.secondary_addresses IS 'Policy: secondary addresses.';
COMMENT ON COLUMN csdns.live_nic.static_nat IS 'Policy: static NAT.';
COMMENT ON COLUMN csdns.live_nic.label IS 'First label of the name.';

-- Which address of a NIC a public address stands for: the one that the cloud names, else the first.
CREATE OR REPLACE VIEW csdns.static_nat AS
    SELECT n.uuid AS nic, p.instance, coalesce(p.nat_address, n.ip4) AS inner_address, p.address
      FROM csdns.public_address p
      JOIN csdns.nic n ON n.instance = p.instance
     WHERE p.state = 'Allocated' AND p.removed IS NULL
       AND CASE WHEN p.nat_address IS NULL THEN p.network = n.network
                ELSE coalesce(p.network, n.network) = n.network AND p.nat_address = ANY (n.secondary || n.ip4 || n.ip6) END;
COMMENT ON VIEW csdns.static_nat IS 'Public addresses that instances have by static NAT.';
COMMENT ON COLUMN csdns.static_nat.nic IS 'NIC.';
COMMENT ON COLUMN csdns.static_nat.instance IS 'Instance that the NIC belongs to.';
COMMENT ON COLUMN csdns.static_nat.inner_address IS 'Address of the NIC that the public one stands for; NULL if it has none.';
COMMENT ON COLUMN csdns.static_nat.address IS 'Public address.';

-- Each address once, and whether it is part of the instance's names.  A public address is if the one that it stands for would be,
-- and may take its place there.
CREATE OR REPLACE VIEW csdns.live_address AS
    SELECT n.*, a.address, a.named
      FROM csdns.live_nic n
     CROSS JOIN LATERAL (
           SELECT i.address, i.named AND NOT (n.static_nat = 'instead' AND EXISTS (SELECT FROM csdns.static_nat s
                                                                                    WHERE s.instance = n.instance AND s.nic = n.nic
                                                                                      AND s.inner_address = i.address)) AS named
             FROM (SELECT n.ip4, true WHERE n.ip4 IS NOT NULL
                   UNION ALL
                   SELECT n.ip6, true WHERE n.ip6 IS NOT NULL
                   UNION ALL
                   SELECT s, n.secondary_addresses FROM unnest(n.secondary) AS s) AS i (address, named)
           UNION ALL
           SELECT s.address, n.secondary_addresses OR s.inner_address IS NULL OR s.inner_address <> ALL (n.secondary)
             FROM csdns.static_nat s
            WHERE s.instance = n.instance AND s.nic = n.nic AND n.static_nat IN ('also', 'instead')) AS a;
COMMENT ON VIEW csdns.live_address IS 'Addresses of NICs of instances that have names, public addresses by static NAT included.';
DO $$
DECLARE
    col record;
BEGIN
    FOR col IN SELECT a.attname, coalesce(col_description('csdns.live_nic'::regclass, n.attnum),
                             CASE a.attname WHEN 'address' THEN 'Address.' ELSE 'Whether names answer with it.' END) AS text
                 FROM pg_attribute a
                 LEFT JOIN pg_attribute n ON n.attrelid = 'csdns.live_nic'::regclass AND n.attname = a.attname
                WHERE a.attrelid = 'csdns.live_address'::regclass AND a.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN csdns.live_address.%I IS %L', col.attname, col.text);
    END LOOP;
END
$$;

CREATE OR REPLACE VIEW csdns.rule_host AS
    SELECT n.domain_id, n.label || n.suffix AS name, CASE family(n.address) WHEN 4 THEN 'A' ELSE 'AAAA' END AS type,
           csdns.address_text(n.address) AS content, n.ttl, 'host' AS rule, n.instance AS source, n.since,
           format('instance %s, %s', n.host, n.because) AS reason
      FROM csdns.live_address n
     WHERE n.domain_id IS NOT NULL AND n.named;
COMMENT ON VIEW csdns.rule_host IS 'Rule: an instance has host[.subdomain].zone with all its addresses in networks that use the zone.';

CREATE OR REPLACE VIEW csdns.rule_common AS
    SELECT n.common_id AS domain_id, n.label || '.' || n.common_name AS name, CASE family(n.address) WHEN 4 THEN 'A' ELSE 'AAAA' END AS type,
           csdns.address_text(n.address) AS content, n.ttl, 'common' AS rule, n.instance AS source, n.since,
           format('instance %s, common zone', n.host) AS reason
      FROM csdns.live_address n
     WHERE n.common_id IS NOT NULL AND n.named;
COMMENT ON VIEW csdns.rule_common IS 'Rule: an instance also has a name in the common zone, where that is on.';

CREATE OR REPLACE VIEW csdns.rule_name AS
    SELECT z.domain_id, m.name, CASE family(n.address) WHEN 4 THEN 'A' ELSE 'AAAA' END AS type,
           csdns.address_text(n.address) AS content, n.ttl, 'name' AS rule, n.instance AS source, n.since,
           format('instance %s, name given by hand', n.host) AS reason
      FROM csdns.live_address n
      JOIN csdns.instance_name m ON m.instance = n.instance
      JOIN csdns.rule_zone z ON z.domain_id = m.domain_id AND csdns.is_inside(m.name, z.name)
     WHERE n.named;
COMMENT ON VIEW csdns.rule_name IS 'Rule: names given to an instance by hand answer with all its addresses.';

CREATE OR REPLACE VIEW csdns.rule_ptr AS
    SELECT z.domain_id,
           CASE WHEN z.classless THEN regexp_replace(host(n.address), '^.*\.', '') || '.' || z.name ELSE csdns.reverse_name(n.address) END AS name,
           'PTR' AS type, n.target AS content, n.ttl, 'ptr' AS rule, n.instance AS source, n.since,
           format('%s is an address of instance %s', host(n.address), n.host) AS reason
      FROM (SELECT a.instance, a.address, a.ptr, a.ttl, a.since, a.host,
                   first_value(coalesce(a.label || a.suffix, a.label || '.' || a.common_name))
                       OVER (PARTITION BY a.instance ORDER BY a.domain_id IS NULL, a.common_id IS NULL, a.is_default DESC, a.nic) AS target
              FROM csdns.live_address a) AS n
     CROSS JOIN LATERAL (SELECT r.domain_id, r.classless, z.name
                           FROM csdns.reverse_zone r
                          CROSS JOIN LATERAL (SELECT z.name FROM csdns.rule_zone z WHERE z.domain_id = r.domain_id OFFSET 0) AS z
                          WHERE r.net >>= n.address
                          ORDER BY masklen(r.net) DESC, r.domain_id LIMIT 1) AS z
     WHERE n.ptr AND n.target IS NOT NULL;
COMMENT ON VIEW csdns.rule_ptr IS 'Rule: an instance''s addresses point to its primary name, in the longest matching reverse zone.';

CREATE OR REPLACE VIEW csdns.rule_group AS
    SELECT n.domain_id, csdns.group_label(n.group_name) || '-' || left(n.account::text, 8) || '.' || n.zone AS name,
           CASE family(n.address) WHEN 4 THEN 'A' ELSE 'AAAA' END AS type, csdns.address_text(n.address) AS content, n.ttl,
           'group' AS rule, n.group_source AS source, NULL::timestamptz AS since,
           format('instance %s in group %s', n.host, n.group_name) AS reason
      FROM csdns.live_address n
     WHERE n.group_source IS NOT NULL AND n.groups AND n.domain_id IS NOT NULL AND n.named AND n.state IN ('Running', 'Migrating');
COMMENT ON VIEW csdns.rule_group IS 'Rule: a group''s name answers with the addresses of its running instances.';

CREATE OR REPLACE VIEW csdns.rule_public AS
    SELECT p.domain_id, w.wild || p.label || p.suffix AS name, CASE family(p.address) WHEN 4 THEN 'A' ELSE 'AAAA' END AS type,
           csdns.address_text(p.address) AS content, p.ttl, 'public' AS rule, p.source, NULL::timestamptz AS since,
           format('public address %s, %s', host(p.address), p.because) AS reason
      FROM (SELECT a.uuid AS source, a.address, p.domain_id, p.suffix, p.ttl, p.because,
                   csdns.template_label(p.public_template, NULL, p.account_name, p.network_name, a.uuid, a.address) AS label
              FROM csdns.public_address a
              LEFT JOIN LATERAL (SELECT t.uuid FROM csdns.network t JOIN csdns.network_zone z ON z.network = t.uuid
                                  WHERE t.vpc = a.vpc AND t.removed IS NULL AND a.network IS NULL
                                  ORDER BY t.uuid LIMIT 1) AS tier ON true
             CROSS JOIN LATERAL csdns.placement(coalesce(a.network, tier.uuid), a.account, a.domain) AS p
             WHERE a.removed IS NULL AND a.state = 'Allocated' AND p.public_names AND p.domain_id IS NOT NULL
               AND (a.network IS NOT NULL OR a.vpc IS NOT NULL)) AS p,
           (VALUES (''), ('*.')) AS w (wild);
COMMENT ON VIEW csdns.rule_public IS 'Rule: a public address in use by a network or a VPC has a name and its wildcard.';

CREATE OR REPLACE VIEW csdns.live_floating AS
    SELECT f.uuid AS source, f.name AS label, f.address, coalesce(f.mode, p.floating) AS mode, p.domain_id, p.suffix, p.ttl, p.ptr, p.because
      FROM csdns.floating_address f
     CROSS JOIN LATERAL csdns.placement(f.network, f.account, f.domain) AS p
     WHERE f.removed IS NULL AND p.domain_id IS NOT NULL;
COMMENT ON VIEW csdns.live_floating IS 'Floating addresses that have names, each with its zone and the settings in force.';
COMMENT ON COLUMN csdns.live_floating.source IS 'Floating address.';
COMMENT ON COLUMN csdns.live_floating.label IS 'First label of the name.';
COMMENT ON COLUMN csdns.live_floating.address IS 'The address.';
COMMENT ON COLUMN csdns.live_floating.mode IS 'address or members.';
COMMENT ON COLUMN csdns.live_floating.domain_id IS 'Zone.';
COMMENT ON COLUMN csdns.live_floating.suffix IS 'What follows the first label.';
COMMENT ON COLUMN csdns.live_floating.ttl IS 'TTL.';
COMMENT ON COLUMN csdns.live_floating.ptr IS 'Policy: PTR records.';
COMMENT ON COLUMN csdns.live_floating.because IS 'Why that zone.';

CREATE OR REPLACE VIEW csdns.rule_floating AS
    SELECT f.domain_id, lower(f.label) || f.suffix AS name, CASE family(a.address) WHEN 4 THEN 'A' ELSE 'AAAA' END AS type,
           csdns.address_text(a.address) AS content, f.ttl, 'floating' AS rule, f.source, NULL::timestamptz AS since,
           format('floating address %s, %s', f.label, a.reason) AS reason
      FROM csdns.live_floating f
     CROSS JOIN LATERAL (
           SELECT f.address, 'its address' AS reason WHERE f.mode = 'address' AND f.address IS NOT NULL
           UNION ALL
           SELECT n.address, format('member %s', n.host)
             FROM csdns.floating_member m
             JOIN csdns.live_address n ON n.instance = m.instance
            WHERE m.floating = f.source AND f.mode = 'members' AND n.named AND n.state IN ('Running', 'Migrating')) AS a
    UNION ALL
    SELECT z.domain_id,
           CASE WHEN z.classless THEN regexp_replace(host(f.address), '^.*\.', '') || '.' || z.name ELSE csdns.reverse_name(f.address) END,
           'PTR', lower(f.label) || f.suffix, f.ttl, 'floating', f.source, NULL::timestamptz,
           format('%s is floating address %s', host(f.address), f.label)
      FROM csdns.live_floating f
     CROSS JOIN LATERAL (SELECT r.domain_id, r.classless, z.name
                           FROM csdns.reverse_zone r
                          CROSS JOIN LATERAL (SELECT z.name FROM csdns.rule_zone z WHERE z.domain_id = r.domain_id OFFSET 0) AS z
                          WHERE r.net >>= f.address
                          ORDER BY masklen(r.net) DESC, r.domain_id LIMIT 1) AS z
     WHERE f.mode = 'address' AND f.ptr;
COMMENT ON VIEW csdns.rule_floating IS 'Rule: a floating address''s name answers with the address, which points back, or with the addresses of all running members.';

CREATE OR REPLACE VIEW csdns.desired_record AS
    SELECT * FROM csdns.rule_host
    UNION ALL SELECT * FROM csdns.rule_common
    UNION ALL SELECT * FROM csdns.rule_name
    UNION ALL SELECT * FROM csdns.rule_ptr
    UNION ALL SELECT * FROM csdns.rule_group
    UNION ALL SELECT * FROM csdns.rule_public
    UNION ALL SELECT * FROM csdns.rule_floating;
COMMENT ON VIEW csdns.desired_record IS 'All records that the facts mean, whether or not they can be put where they belong. A record may be wanted by several.';
DO $$
DECLARE
    col record;
BEGIN
    FOR col IN SELECT t.rel, c.name, c.text
                 FROM unnest(ARRAY['rule_host', 'rule_common', 'rule_name', 'rule_ptr', 'rule_group', 'rule_public', 'rule_floating', 'desired_record']) AS t (rel),
                      (VALUES ('domain_id', 'Zone (domains.id).'), ('name', 'Full name.'), ('type', 'A, AAAA or PTR.'), ('content', 'Content.'),
                              ('ttl', 'TTL.'), ('rule', 'Rule: host, common, name, ptr, group, public or floating.'),
                              ('source', 'Who wants it: uuid of an instance, public address or floating address, or csdns.group_uuid of a group.'),
                              ('since', 'Of two that want a free name, the older gets it.'), ('reason', 'Why, for people.')) AS c (name, text)
    LOOP
        EXECUTE format('COMMENT ON COLUMN csdns.%I.%I IS %L', col.rel, col.name, col.text);
    END LOOP;
END
$$;
