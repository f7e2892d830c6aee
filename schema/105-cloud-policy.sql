-- Policy: which zone a network uses, who owns a zone, and what the facts shall mean.  The nearest setting wins: network, account,
-- domain, the domains above, everything.

CREATE TABLE IF NOT EXISTS csdns.dns_server (
    uuid          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name          text NOT NULL UNIQUE,
    name_servers  text[] NOT NULL,
    is_public     boolean NOT NULL DEFAULT false,
    public_suffix text,
    account       uuid REFERENCES csdns.account ON UPDATE CASCADE,
    domain        uuid REFERENCES csdns.domain ON UPDATE CASCADE,
    url           text,
    port          int,
    state         text NOT NULL DEFAULT 'Enabled',
    created       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT port_is_port CHECK (port BETWEEN 1 AND 65535),
    CONSTRAINT name_servers_are_there CHECK (cardinality(name_servers) > 0),
    CONSTRAINT suffix_is_name CHECK (csdns.is_host(public_suffix)),
    CONSTRAINT state_is_known CHECK (state IN ('Enabled', 'Disabled'))
);
COMMENT ON TABLE csdns.dns_server IS 'Sets of name servers that zones are created for.';
COMMENT ON COLUMN csdns.dns_server.uuid IS 'Key.';
COMMENT ON COLUMN csdns.dns_server.name IS 'Name, unique.';
COMMENT ON COLUMN csdns.dns_server.name_servers IS 'Names for the NS records of its zones; the first is the SOA''s.';
COMMENT ON COLUMN csdns.dns_server.is_public IS 'Whether others than the owner may create zones on it.';
COMMENT ON COLUMN csdns.dns_server.public_suffix IS 'Domain name under which others'' zones are placed.';
COMMENT ON COLUMN csdns.dns_server.account IS 'Owner, NULL for the administrator.';
COMMENT ON COLUMN csdns.dns_server.domain IS 'Domain of the owner.';
COMMENT ON COLUMN csdns.dns_server.url IS 'Where people find it; csdns does not call it.';
COMMENT ON COLUMN csdns.dns_server.port IS 'Port of that url, where it is not in it.';
COMMENT ON COLUMN csdns.dns_server.state IS 'Enabled or Disabled.';
COMMENT ON COLUMN csdns.dns_server.created IS 'When it was added.';

-- No foreign key to PowerDNS' table: TRUNCATE and removal stay as they were.  Triggers keep the two together.
CREATE TABLE IF NOT EXISTS csdns.dns_zone (
    domain_id   int PRIMARY KEY,
    uuid        uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    server      uuid REFERENCES csdns.dns_server ON UPDATE CASCADE,
    account     uuid REFERENCES csdns.account ON UPDATE CASCADE,
    domain      uuid REFERENCES csdns.domain ON UPDATE CASCADE,
    description text,
    type        text NOT NULL DEFAULT 'Public',
    state       text NOT NULL DEFAULT 'Active',
    created     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT type_is_known CHECK (type IN ('Public', 'Private')),
    CONSTRAINT state_is_known CHECK (state IN ('Active', 'Inactive'))
);
CREATE INDEX IF NOT EXISTS dns_zone_account_idx ON csdns.dns_zone (account);
CREATE INDEX IF NOT EXISTS dns_zone_domain_idx ON csdns.dns_zone (domain);
COMMENT ON TABLE csdns.dns_zone IS 'What csdns knows of a zone beside PowerDNS'' own row: owner, state. A zone without a row here is the administrator''s.';
COMMENT ON COLUMN csdns.dns_zone.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.dns_zone.uuid IS 'Key for the API.';
COMMENT ON COLUMN csdns.dns_zone.server IS 'DNS server that it was created for.';
COMMENT ON COLUMN csdns.dns_zone.account IS 'Account that owns it; only its instances get names there by network domain.';
COMMENT ON COLUMN csdns.dns_zone.domain IS 'Without account: domain that owns it, with all below. With account: domain of the account.';
COMMENT ON COLUMN csdns.dns_zone.description IS 'For people.';
COMMENT ON COLUMN csdns.dns_zone.type IS 'Public or Private.';
COMMENT ON COLUMN csdns.dns_zone.state IS 'Active, or Inactive: rules put no records there.';
COMMENT ON COLUMN csdns.dns_zone.created IS 'When it was created.';

-- Who may use a zone beside its owner.
CREATE TABLE IF NOT EXISTS csdns.zone_delegation (
    uuid      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    domain_id int NOT NULL,
    account   uuid REFERENCES csdns.account ON UPDATE CASCADE ON DELETE CASCADE,
    domain    uuid REFERENCES csdns.domain ON UPDATE CASCADE ON DELETE CASCADE,
    network   uuid REFERENCES csdns.network ON UPDATE CASCADE ON DELETE CASCADE,
    created   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT to_one CHECK (num_nonnulls(account, domain, network) = 1),
    UNIQUE (domain_id, account),
    UNIQUE (domain_id, domain),
    UNIQUE (domain_id, network)
);
CREATE INDEX IF NOT EXISTS zone_delegation_account_idx ON csdns.zone_delegation (account) WHERE account IS NOT NULL;
CREATE INDEX IF NOT EXISTS zone_delegation_domain_idx ON csdns.zone_delegation (domain) WHERE domain IS NOT NULL;
CREATE INDEX IF NOT EXISTS zone_delegation_network_idx ON csdns.zone_delegation (network) WHERE network IS NOT NULL;
COMMENT ON TABLE csdns.zone_delegation IS
    'Zones that others than the owner may use. An account, or all accounts of a domain and below: records, registrations, association with their networks, names by network domain. A network: only its association, by the network''s owner.';
COMMENT ON COLUMN csdns.zone_delegation.uuid IS 'Key.';
COMMENT ON COLUMN csdns.zone_delegation.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.zone_delegation.account IS 'Account that may use it, or NULL.';
COMMENT ON COLUMN csdns.zone_delegation.domain IS 'Domain of the cloud whose accounts, and those below, may use it, or NULL.';
COMMENT ON COLUMN csdns.zone_delegation.network IS 'Network that it may be associated with, or NULL.';
COMMENT ON COLUMN csdns.zone_delegation.created IS 'Since when.';

CREATE TABLE IF NOT EXISTS csdns.network_zone (
    network   uuid PRIMARY KEY REFERENCES csdns.network ON UPDATE CASCADE ON DELETE CASCADE,
    domain_id int NOT NULL,
    subdomain text,
    CONSTRAINT subdomain_is_name CHECK (csdns.is_host(subdomain))
);
CREATE INDEX IF NOT EXISTS network_zone_domain_id_idx ON csdns.network_zone (domain_id);
CREATE UNIQUE INDEX IF NOT EXISTS network_zone_subdomain_idx ON csdns.network_zone (domain_id, subdomain);
COMMENT ON TABLE csdns.network_zone IS 'The zone that instances of a network have their names in. One for a network; a zone may serve many.';
COMMENT ON COLUMN csdns.network_zone.network IS 'Network.';
COMMENT ON COLUMN csdns.network_zone.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.network_zone.subdomain IS 'Labels between host name and zone, of one network only; NULL for none.';

CREATE TABLE IF NOT EXISTS csdns.instance_name (
    instance  uuid NOT NULL REFERENCES csdns.instance ON UPDATE CASCADE ON DELETE CASCADE,
    domain_id int NOT NULL,
    name      text NOT NULL,
    PRIMARY KEY (instance, domain_id, name),
    CONSTRAINT name_is_name CHECK (csdns.is_host(name))
);
CREATE INDEX IF NOT EXISTS instance_name_domain_id_idx ON csdns.instance_name (domain_id);
COMMENT ON TABLE csdns.instance_name IS 'Further names of an instance, given by hand.';
COMMENT ON COLUMN csdns.instance_name.instance IS 'Instance.';
COMMENT ON COLUMN csdns.instance_name.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.instance_name.name IS 'Full name, inside the zone; lower case, no final dot.';

CREATE TABLE IF NOT EXISTS csdns.policy (
    scope               uuid PRIMARY KEY DEFAULT '00000000-0000-0000-0000-000000000000',
    ttl                 int,
    minimum_ttl         int,
    on_stop             text,
    ptr                 boolean,
    common              boolean,
    common_zone         text,
    groups              boolean,
    secondary_addresses boolean,
    public_names        boolean,
    static_nat          text,
    floating            text,
    host_template       text,
    public_template     text,
    max_zones           int,
    max_records         int,
    allowed_types       text[],
    CONSTRAINT ttl_is_ttl CHECK (ttl >= 0 AND minimum_ttl >= 0),
    CONSTRAINT on_stop_is_known CHECK (on_stop IN ('keep', 'remove')),
    CONSTRAINT static_nat_is_known CHECK (static_nat IN ('also', 'instead', 'off')),
    CONSTRAINT floating_is_known CHECK (floating IN ('address', 'members')),
    CONSTRAINT common_zone_is_name CHECK (csdns.is_host(common_zone)),
    CONSTRAINT template_is_known CHECK (regexp_replace(concat(host_template), '\{(name|account|network|uuid8)\}', '', 'g') !~ '[{}]'
                                        AND regexp_replace(concat(public_template), '\{(ip|account|network|uuid8)\}', '', 'g') !~ '[{}]'),
    CONSTRAINT template_has_name CHECK (host_template LIKE '%{name}%' OR host_template LIKE '%{uuid8}%'),
    CONSTRAINT template_has_ip CHECK (public_template LIKE '%{ip}%' OR public_template LIKE '%{uuid8}%')
);
COMMENT ON TABLE csdns.policy IS 'What facts mean, by scope; NULL leaves a setting to the next scope: network, account, domain, domains above, everything.';
COMMENT ON COLUMN csdns.policy.scope IS 'uuid of a network, account or domain; all zeros (default) for everything.';
COMMENT ON COLUMN csdns.policy.ttl IS 'TTL of records made by rules, in seconds.';
COMMENT ON COLUMN csdns.policy.minimum_ttl IS 'No TTL below this.';
COMMENT ON COLUMN csdns.policy.on_stop IS 'What a stopped instance means: keep its names, or remove them.';
COMMENT ON COLUMN csdns.policy.ptr IS 'Whether addresses get PTR records where a reverse zone is present.';
COMMENT ON COLUMN csdns.policy.common IS 'Whether instances also get a name in the common zone.';
COMMENT ON COLUMN csdns.policy.common_zone IS 'Name of the common zone.';
COMMENT ON COLUMN csdns.policy.groups IS 'Whether instance groups get names.';
COMMENT ON COLUMN csdns.policy.secondary_addresses IS 'Whether secondary addresses are part of the instance''s name.';
COMMENT ON COLUMN csdns.policy.public_names IS 'Whether public addresses get a name and its wildcard.';
COMMENT ON COLUMN csdns.policy.static_nat IS 'The public address that an instance has by static NAT: also under its name, instead of the inner IPv4 address, or off.';
COMMENT ON COLUMN csdns.policy.floating IS 'What the name of a floating address answers with: its address, or the addresses of its members.';
COMMENT ON COLUMN csdns.policy.host_template IS 'First label of an instance''s name: {name}, {account}, {network}, {uuid8} (first 8 digits of its uuid).';
COMMENT ON COLUMN csdns.policy.public_template IS 'First label of a public address''s name: {ip} (dashes for dots and colons), {account}, {network}, {uuid8}.';
COMMENT ON COLUMN csdns.policy.max_zones IS 'Zones that an account may own, NULL for any number.';
COMMENT ON COLUMN csdns.policy.max_records IS 'Records that a zone may hold, NULL for any number.';
COMMENT ON COLUMN csdns.policy.allowed_types IS 'Types of records that owners may make by hand, NULL for any.';

INSERT INTO csdns.policy (scope, ttl, minimum_ttl, on_stop, ptr, common, groups, secondary_addresses, public_names, static_nat, floating,
                          host_template, public_template)
    VALUES ('00000000-0000-0000-0000-000000000000', 3600, 0, 'keep', true, false, true, false, true, 'instead', 'address', '{name}',
            'public-ip-{ip}')
    ON CONFLICT (scope) DO NOTHING;

-- Kept by csdns.refresh_domain_policy().
CREATE TABLE IF NOT EXISTS csdns.domain_policy (
    domain              uuid PRIMARY KEY,
    lineage             uuid[] NOT NULL,
    network_domain      text,
    ttl                 int,
    minimum_ttl         int,
    on_stop             text,
    ptr                 boolean,
    common              boolean,
    common_zone         text,
    groups              boolean,
    secondary_addresses boolean,
    public_names        boolean,
    static_nat          text,
    floating            text,
    host_template       text,
    public_template     text,
    max_zones           int,
    max_records         int,
    allowed_types       text[]
);
COMMENT ON TABLE csdns.domain_policy IS 'What policy comes to in each domain of the cloud: its own settings, else those of the domains above, else of everything; no row for a removed domain and those below. Derived.';
DO $$
DECLARE
    col record;
BEGIN
    FOR col IN SELECT a.attname, coalesce(col_description('csdns.policy'::regclass, p.attnum),
                             CASE a.attname WHEN 'domain' THEN 'Domain of the cloud.'
                                            WHEN 'lineage' THEN 'The domain and all above it, ROOT first.'
                                            ELSE 'DNS zone of the nearest domain that has one.' END) AS text
                 FROM pg_attribute a
                 LEFT JOIN pg_attribute p ON p.attrelid = 'csdns.policy'::regclass AND p.attname = a.attname
                WHERE a.attrelid = 'csdns.domain_policy'::regclass AND a.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN csdns.domain_policy.%I IS %L', col.attname, col.text);
    END LOOP;
END
$$;

-- The whole tree but what is removed and below: it is small and seldom changes.  Returns the domains for which something changed.
CREATE OR REPLACE FUNCTION csdns.refresh_domain_policy() RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    changed uuid[];
    lost uuid;
BEGIN
    WITH RECURSIVE tree AS (
        SELECT d.uuid AS domain, ARRAY[d.uuid] AS lineage, d.network_domain,
               coalesce(p.ttl, g.ttl) AS ttl, coalesce(p.minimum_ttl, g.minimum_ttl) AS minimum_ttl,
               coalesce(p.on_stop, g.on_stop) AS on_stop, coalesce(p.ptr, g.ptr) AS ptr, coalesce(p.common, g.common) AS common,
               coalesce(p.common_zone, g.common_zone) AS common_zone, coalesce(p.groups, g.groups) AS groups,
               coalesce(p.secondary_addresses, g.secondary_addresses) AS secondary_addresses,
               coalesce(p.public_names, g.public_names) AS public_names, coalesce(p.static_nat, g.static_nat) AS static_nat,
               coalesce(p.floating, g.floating) AS floating, coalesce(p.host_template, g.host_template) AS host_template,
               coalesce(p.public_template, g.public_template) AS public_template, coalesce(p.max_zones, g.max_zones) AS max_zones,
               coalesce(p.max_records, g.max_records) AS max_records, coalesce(p.allowed_types, g.allowed_types) AS allowed_types
          FROM domain d
          LEFT JOIN policy p ON p.scope = d.uuid
          LEFT JOIN policy g ON g.scope = '00000000-0000-0000-0000-000000000000'
         WHERE d.parent IS NULL AND d.removed IS NULL
        UNION ALL
        SELECT d.uuid, t.lineage || d.uuid, coalesce(d.network_domain, t.network_domain),
               coalesce(p.ttl, t.ttl), coalesce(p.minimum_ttl, t.minimum_ttl), coalesce(p.on_stop, t.on_stop), coalesce(p.ptr, t.ptr),
               coalesce(p.common, t.common), coalesce(p.common_zone, t.common_zone), coalesce(p.groups, t.groups),
               coalesce(p.secondary_addresses, t.secondary_addresses), coalesce(p.public_names, t.public_names),
               coalesce(p.static_nat, t.static_nat), coalesce(p.floating, t.floating), coalesce(p.host_template, t.host_template),
               coalesce(p.public_template, t.public_template), coalesce(p.max_zones, t.max_zones),
               coalesce(p.max_records, t.max_records), coalesce(p.allowed_types, t.allowed_types)
          FROM tree t
          JOIN domain d ON d.parent = t.domain AND d.removed IS NULL
          LEFT JOIN policy p ON p.scope = d.uuid
    ), gone AS (
        DELETE FROM domain_policy o WHERE NOT EXISTS (SELECT FROM tree t WHERE t.domain = o.domain) RETURNING o.domain
    ), put AS (
        INSERT INTO domain_policy AS o
            SELECT t.* FROM (SELECT * FROM tree EXCEPT SELECT * FROM domain_policy) AS t
            ON CONFLICT (domain) DO UPDATE SET
                lineage = excluded.lineage, network_domain = excluded.network_domain, ttl = excluded.ttl,
                minimum_ttl = excluded.minimum_ttl, on_stop = excluded.on_stop, ptr = excluded.ptr, common = excluded.common,
                common_zone = excluded.common_zone, groups = excluded.groups,
                secondary_addresses = excluded.secondary_addresses, public_names = excluded.public_names,
                static_nat = excluded.static_nat, floating = excluded.floating, host_template = excluded.host_template,
                public_template = excluded.public_template, max_zones = excluded.max_zones,
                max_records = excluded.max_records, allowed_types = excluded.allowed_types
            RETURNING o.domain
    )
    SELECT array_agg(c.domain) INTO changed FROM (SELECT domain FROM gone UNION ALL SELECT domain FROM put) AS c;

    WITH RECURSIVE reached AS (
        SELECT d.uuid FROM domain d WHERE d.parent IS NULL
        UNION ALL
        SELECT d.uuid FROM reached r JOIN domain d ON d.parent = r.uuid
    )
    SELECT d.uuid INTO lost FROM domain d WHERE d.uuid NOT IN (SELECT r.uuid FROM reached r) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'domain %: is below itself', lost USING ERRCODE = 'check_violation', SCHEMA = 'csdns', CONSTRAINT = 'domain_tree';
    END IF;
    RETURN coalesce(changed, '{}');
END
$$;

-- Which addresses a reverse zone is for.  RFC 2317 zones ("0-63.2.0.192.in-addr.arpa", "0/26...", "0_26...") become as many networks
-- as they need.
CREATE TABLE IF NOT EXISTS csdns.reverse_zone (
    net       cidr NOT NULL,
    domain_id int NOT NULL,
    classless boolean NOT NULL,
    PRIMARY KEY (net, domain_id)
);
CREATE INDEX IF NOT EXISTS reverse_zone_net_idx ON csdns.reverse_zone USING gist (net inet_ops);
CREATE INDEX IF NOT EXISTS reverse_zone_domain_id_idx ON csdns.reverse_zone (domain_id);
COMMENT ON TABLE csdns.reverse_zone IS 'Networks that reverse zones are for. Derived from the zones'' names.';
COMMENT ON COLUMN csdns.reverse_zone.net IS 'Network.';
COMMENT ON COLUMN csdns.reverse_zone.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.reverse_zone.classless IS 'Whether the zone is a part of a /24 as in RFC 2317: names in it are the last number alone.';
