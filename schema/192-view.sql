-- Views for people.  They run with the rights of the schema's owner and show tenants what is theirs.  Sorting is left to the reader.
--
-- (SELECT csdns.f()) is asked once a statement, and only if it is needed.

CREATE INDEX IF NOT EXISTS instance_host_idx ON csdns.instance (name);

-- For the views below, without a right for anybody.
CREATE OR REPLACE VIEW csdns.source AS
    SELECT i.uuid AS source, 'instance ' || coalesce(i.name, i.uuid::text) AS words FROM csdns.instance i
    UNION ALL
    SELECT p.uuid, 'public address ' || host(p.address) FROM csdns.public_address p
    UNION ALL
    SELECT f.uuid, 'floating address ' || f.name FROM csdns.floating_address f
    UNION ALL
    SELECT i.group_source, 'group ' || min(i."group") FROM csdns.instance i WHERE i.group_source IS NOT NULL GROUP BY i.group_source;
COMMENT ON VIEW csdns.source IS 'What records can be made for.';
COMMENT ON COLUMN csdns.source.source IS 'As csdns.desired_record.source.';
COMMENT ON COLUMN csdns.source.words IS 'In words.';

CREATE OR REPLACE VIEW csdns.scope AS
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS scope, 'all' AS kind, 'everything' AS name, ARRAY['00000000-0000-0000-0000-000000000000'::uuid] AS chain
    UNION ALL
    SELECT p.domain, 'domain', coalesce(d.path, d.name, d.uuid::text), '00000000-0000-0000-0000-000000000000'::uuid || p.lineage
      FROM csdns.domain_policy p JOIN csdns.domain d ON d.uuid = p.domain
    UNION ALL
    SELECT a.uuid, 'account', coalesce(a.name, a.uuid::text), '00000000-0000-0000-0000-000000000000'::uuid || p.lineage || a.uuid
      FROM csdns.account a JOIN csdns.domain_policy p ON p.domain = a.domain
    UNION ALL
    SELECT w.uuid, 'network', coalesce(w.name, w.uuid::text), '00000000-0000-0000-0000-000000000000'::uuid || p.lineage || w.account || w.uuid
      FROM csdns.network w
      LEFT JOIN csdns.account a ON a.uuid = w.account
      LEFT JOIN csdns.domain_policy p ON p.domain = coalesce(a.domain, w.domain);
COMMENT ON VIEW csdns.scope IS 'What can have settings of its own.';
COMMENT ON COLUMN csdns.scope.scope IS 'As csdns.policy.scope.';
COMMENT ON COLUMN csdns.scope.kind IS 'all, domain, account or network.';
COMMENT ON COLUMN csdns.scope.name IS 'Name; of a domain its path.';
COMMENT ON COLUMN csdns.scope.chain IS 'Scopes whose settings it has, the nearest last.';

CREATE OR REPLACE VIEW csdns.v_zone WITH (security_barrier) AS
    SELECT d.name::text AS zone, coalesce(z.type, 'Public') AS type, d.type::text AS kind, coalesce(z.state, 'Active') AS state,
           (SELECT o.kind || ' ' || o.name FROM csdns.scope o WHERE o.scope = coalesce(z.account, z.domain)) AS owner,
           (SELECT s.name FROM csdns.dns_server s WHERE s.uuid = z.server) AS server,
           (SELECT csdns.soa_serial(r.content) FROM csdns.pdns_record r
             WHERE r.name = d.name AND r.type = 'SOA' AND r.domain_id + 0 = d.id AND NOT r.disabled ORDER BY r.id LIMIT 1) AS serial,
           (SELECT count(*) FROM csdns.pdns_record r WHERE r.domain_id = d.id) AS records
      FROM csdns.pdns_domain d
      LEFT JOIN csdns.dns_zone z ON z.domain_id = d.id
     WHERE (SELECT csdns.sees_all()) OR d.id = ANY ((SELECT csdns.my_zones())::int[]);
COMMENT ON VIEW csdns.v_zone IS 'Zones, for people. A tenant sees those that csdns.my_zones() names.';
COMMENT ON COLUMN csdns.v_zone.zone IS 'Name.';
COMMENT ON COLUMN csdns.v_zone.type IS 'Public or Private.';
COMMENT ON COLUMN csdns.v_zone.kind IS 'PowerDNS'' type: NATIVE, MASTER, SLAVE, ...';
COMMENT ON COLUMN csdns.v_zone.state IS 'Active or Inactive.';
COMMENT ON COLUMN csdns.v_zone.owner IS 'Account or domain of the cloud that owns it, NULL for the administrator.';
COMMENT ON COLUMN csdns.v_zone.server IS 'DNS server that it was created for.';
COMMENT ON COLUMN csdns.v_zone.serial IS 'Serial of its SOA record, NULL if it has none.';
COMMENT ON COLUMN csdns.v_zone.records IS 'How many records it has.';

CREATE OR REPLACE VIEW csdns.v_record WITH (security_barrier) AS
    SELECT d.name::text AS zone, r.name::text AS name, r.ttl, r.type::text AS type, csdns.served_content(r.type, r.content, r.prio) AS content,
           CASE WHEN m.rule IS NOT NULL THEN m.rule WHEN h.source IS NOT NULL THEN 'taken over' ELSE 'hand' END AS origin,
           CASE WHEN coalesce(m.source, h.source) IS NULL THEN NULL
                WHEN (SELECT csdns.sees_all()) OR r.domain_id = ANY ((SELECT csdns.my_own_zones())::int[])
                     OR coalesce(m.source, h.source) = ANY (ARRAY(SELECT csdns.my_sources()))
                THEN coalesce((SELECT s.words FROM csdns.source s WHERE s.source = coalesce(m.source, h.source) LIMIT 1), coalesce(m.source, h.source)::text)
                ELSE 'another owner''s' END AS source,
           r.disabled
      FROM csdns.pdns_record r
      JOIN csdns.pdns_domain d ON d.id = r.domain_id
      LEFT JOIN csdns.rule_record m ON m.record_id = r.id
      LEFT JOIN csdns.hold h ON h.domain_id = r.domain_id AND h.name = r.name AND h.type = r.type
     WHERE r.type <> '' AND ((SELECT csdns.sees_all()) OR r.domain_id = ANY ((SELECT csdns.my_zones())::int[]));
COMMENT ON VIEW csdns.v_record IS 'Records and where they come from, for people. A tenant sees those of the zones that csdns.my_zones() names.';
COMMENT ON COLUMN csdns.v_record.zone IS 'Zone.';
COMMENT ON COLUMN csdns.v_record.name IS 'Name.';
COMMENT ON COLUMN csdns.v_record.ttl IS 'TTL in seconds, NULL for PowerDNS'' default.';
COMMENT ON COLUMN csdns.v_record.type IS 'Type.';
COMMENT ON COLUMN csdns.v_record.content IS 'Content, with the priority.';
COMMENT ON COLUMN csdns.v_record.origin IS 'hand; the rule that made it (host, ptr, ...); or taken over: a person changed a rule''s record.';
COMMENT ON COLUMN csdns.v_record.source IS 'For records of rules, also those taken over: what it was made for, in words; a tenant is not told of other owners'' things outside of its own zones.';
COMMENT ON COLUMN csdns.v_record.disabled IS 'Whether it is not served.';

CREATE OR REPLACE VIEW csdns.v_instance WITH (security_barrier) AS
    SELECT i.name AS instance, coalesce(a.name, a.uuid::text) AS owner, CASE WHEN i.removed IS NULL THEN i.state ELSE 'removed' END AS state,
           (SELECT string_agg(host(t.address), ', ' ORDER BY n.is_default DESC, family(t.address), t.place, t.address)
              FROM csdns.nic n CROSS JOIN LATERAL unnest(n.ip4 || (n.ip6 || n.secondary)) WITH ORDINALITY AS t (address, place)
             WHERE n.instance = i.uuid AND t.address IS NOT NULL) AS addresses,
           (SELECT string_agg(DISTINCT r.name::text, ', ') FROM csdns.rule_record m JOIN csdns.pdns_record r ON r.id = m.record_id
             WHERE m.source = i.uuid AND r.type <> 'PTR') AS names,
           i.uuid
      FROM csdns.instance i
      JOIN csdns.account a ON a.uuid = i.account
     WHERE (SELECT csdns.sees_all()) OR i.account = ANY ((SELECT csdns.my_accounts())::uuid[]);
COMMENT ON VIEW csdns.v_instance IS 'Instances with their addresses and the names that rules gave them, for people. A tenant sees its own.';
COMMENT ON COLUMN csdns.v_instance.instance IS 'Host name.';
COMMENT ON COLUMN csdns.v_instance.owner IS 'Account.';
COMMENT ON COLUMN csdns.v_instance.state IS 'State in the cloud, or removed.';
COMMENT ON COLUMN csdns.v_instance.addresses IS 'Addresses of its NICs, those of the default NIC first.';
COMMENT ON COLUMN csdns.v_instance.names IS 'Names that lead to it by rules.';
COMMENT ON COLUMN csdns.v_instance.uuid IS 'uuid, the API''s virtualmachineid.';

CREATE OR REPLACE VIEW csdns.v_network WITH (security_barrier) AS
    SELECT w.name AS network, w.type, d.name::text AS zone, z.subdomain,
           (SELECT o.kind || ' ' || o.name FROM csdns.scope o WHERE o.scope = coalesce(w.account, w.domain)) AS owner,
           (SELECT count(DISTINCT n.instance) FROM csdns.nic n JOIN csdns.instance i ON i.uuid = n.instance
             WHERE n.network = w.uuid AND i.removed IS NULL
               AND ((SELECT csdns.sees_all()) OR w.uuid = ANY ((SELECT csdns.my_networks())::uuid[]) OR i.account = ANY ((SELECT csdns.my_accounts())::uuid[]))) AS instances,
           w.uuid
      FROM csdns.network w
      LEFT JOIN csdns.network_zone z ON z.network = w.uuid
      LEFT JOIN csdns.pdns_domain d ON d.id = z.domain_id
     WHERE w.removed IS NULL
       AND ((SELECT csdns.sees_all()) OR w.uuid = ANY ((SELECT csdns.my_networks())::uuid[]) OR w.uuid = ANY (ARRAY(SELECT csdns.my_nic_networks())));
COMMENT ON VIEW csdns.v_network IS 'Networks and the zones that they are associated with, for people. A tenant sees its own and those that its instances are in.';
COMMENT ON COLUMN csdns.v_network.network IS 'Name.';
COMMENT ON COLUMN csdns.v_network.type IS 'shared, isolated, l2 or vpc.';
COMMENT ON COLUMN csdns.v_network.zone IS 'Associated zone; NULL where the network domain of the account or domain decides.';
COMMENT ON COLUMN csdns.v_network.subdomain IS 'Labels between host name and zone.';
COMMENT ON COLUMN csdns.v_network.owner IS 'Account or domain that owns it, NULL for everybody''s.';
COMMENT ON COLUMN csdns.v_network.instances IS 'How many instances are in it; of others'' networks a tenant counts its own.';
COMMENT ON COLUMN csdns.v_network.uuid IS 'uuid, the API''s networkid.';

CREATE OR REPLACE VIEW csdns.v_server WITH (security_barrier) AS
    SELECT s.name AS server, array_to_string(s.name_servers, ', ') AS nameservers, s.is_public AS public, s.public_suffix AS suffix, s.state,
           (SELECT o.kind || ' ' || o.name FROM csdns.scope o WHERE o.scope = coalesce(s.account, s.domain)) AS owner,
           (SELECT count(*) FROM csdns.dns_zone z
             WHERE z.server = s.uuid AND ((SELECT csdns.sees_all()) OR z.domain_id = ANY ((SELECT csdns.my_zones())::int[]))) AS zones
      FROM csdns.dns_server s
     WHERE (SELECT csdns.sees_all()) OR s.account = ANY ((SELECT csdns.my_accounts())::uuid[])
        OR s.account IS NULL AND s.domain = ANY ((SELECT csdns.my_domains())::uuid[])
        OR s.is_public AND s.state = 'Enabled' AND (SELECT csdns.my_lineage())::uuid[] <> '{}'
           AND (s.domain = ANY ((SELECT csdns.my_lineage())::uuid[]) OR num_nonnulls(s.account, s.domain) = 0);
COMMENT ON VIEW csdns.v_server IS 'DNS servers, for people. A tenant sees its own and those that it may create zones on.';
COMMENT ON COLUMN csdns.v_server.server IS 'Name.';
COMMENT ON COLUMN csdns.v_server.nameservers IS 'Names for the NS records of its zones.';
COMMENT ON COLUMN csdns.v_server.public IS 'Whether others than the owner may create zones on it.';
COMMENT ON COLUMN csdns.v_server.suffix IS 'Domain name under which others'' zones are placed.';
COMMENT ON COLUMN csdns.v_server.state IS 'Enabled or Disabled.';
COMMENT ON COLUMN csdns.v_server.owner IS 'Account or domain that owns it, NULL for the administrator.';
COMMENT ON COLUMN csdns.v_server.zones IS 'How many zones were created for it, as far as the reader sees them.';

GRANT SELECT ON csdns.v_zone, csdns.v_record, csdns.v_instance, csdns.v_network, csdns.v_server TO csdns_cloud, csdns_tenant;
GRANT SELECT ON csdns.v_zone, csdns.v_record TO csdns_read;
-- views run with their owner's rights, functions in them with the reader's
GRANT EXECUTE ON FUNCTION csdns.sees_all(), csdns.is_admin(), csdns.my_zones(), csdns.my_own_zones(), csdns.my_sources(), csdns.my_accounts(), csdns.my_networks(),
    csdns.my_nic_networks(), csdns.my_domains(), csdns.my_lineage(), csdns.my_scopes(), csdns.my_zone_times(), csdns.soa_serial(text),
    csdns.served_content(text, text, int) TO csdns_read, csdns_cloud, csdns_tenant;
