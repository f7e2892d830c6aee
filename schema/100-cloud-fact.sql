-- Facts about the cloud, as its writers report them: who owns what, and which address is where.  Nothing here says which records
-- that means (115-cloud-rule.sql).  Keys are CloudStack's uuids.  A row that is only referred to so far is a placeholder.

CREATE OR REPLACE FUNCTION csdns.is_label(word text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT word ~ '^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$'
$$;
COMMENT ON FUNCTION csdns.is_label(text) IS 'Whether the word can be a label of a host name: letters, digits and inner hyphens, 1 to 63 of them.';

CREATE OR REPLACE FUNCTION csdns.host_name_fault(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN name IS NULL THEN 'is missing'
        WHEN name = '' THEN 'is empty'
        WHEN name ~ '[^\x01-\x7f]' THEN 'has characters outside of ASCII; an international name is given in its ASCII form (xn--...)'
        WHEN name ~ '\s' THEN 'has a space'
        WHEN name ~ '(^|\.)(\.|$)' THEN 'has an empty label'
        WHEN name ~ '[^.]{64}' THEN 'has a label longer than 63 octets'
        WHEN length(name) > 253 THEN 'is longer than 255 octets'
        WHEN name ~ '(^|\.)\*' THEN 'has a wildcard'
        WHEN name ~ '_' THEN 'has an underscore'
        WHEN name ~ '[^a-z0-9.-]' THEN format('has the character "%s"', substring(name FROM '[^a-z0-9.-]'))
        WHEN name ~ '(^|\.)-|-(\.|$)' THEN 'has a label that starts or ends with a hyphen'
    END;
END
$$;
COMMENT ON FUNCTION csdns.host_name_fault(text) IS
    'Why a name (csdns.plain_name) is not one of host name labels ("has an underscore", ...), or NULL.';

CREATE OR REPLACE FUNCTION csdns.label_fault(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN coalesce(is_label(word), false) THEN NULL
                ELSE coalesce(host_name_fault(lower(word)), CASE WHEN strpos(word, '.') > 0 THEN 'has a dot' ELSE 'is not a host name' END) END
$$;
COMMENT ON FUNCTION csdns.label_fault(text) IS 'Why a word cannot be a label of a host name ("has a space", ...), or NULL.';

CREATE OR REPLACE FUNCTION csdns.is_host(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT length(name) <= 253 AND name ~ '^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$'
$$;
COMMENT ON FUNCTION csdns.is_host(text) IS 'Whether the text is a domain name of host name labels in lower case without a final dot.';

CREATE OR REPLACE FUNCTION csdns.is_address(address inet) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT masklen(address) = CASE family(address) WHEN 4 THEN 32 ELSE 128 END
$$;
COMMENT ON FUNCTION csdns.is_address(inet) IS 'Whether it is a single address and no network.';

CREATE OR REPLACE FUNCTION csdns.are_addresses(addresses inet[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(bool_and(a IS NOT NULL AND masklen(a) = CASE family(a) WHEN 4 THEN 32 ELSE 128 END), true) FROM unnest(addresses) AS a
$$;
COMMENT ON FUNCTION csdns.are_addresses(inet[]) IS 'Whether all are single addresses and no networks.';

-- What identifies a group of instances of an account: its letters and digits, so that "Web 1" and "web1" are one.
CREATE OR REPLACE FUNCTION csdns.group_label(group_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT nullif(left(lower(regexp_replace(group_name, '[^A-Za-z0-9]', '', 'g')), 54), '')
$$;
COMMENT ON FUNCTION csdns.group_label(text) IS 'Name of an instance group as part of a name: its letters and digits in lower case, NULL if there are none.';

CREATE OR REPLACE FUNCTION csdns.group_uuid(account uuid, group_name text) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT md5(account::text || ' ' || csdns.group_label(group_name))::uuid
$$;
COMMENT ON FUNCTION csdns.group_uuid(uuid, text) IS 'Stands for a group of instances of an account where a uuid is wanted; NULL for no group.';

CREATE TABLE IF NOT EXISTS csdns.domain (
    uuid           uuid PRIMARY KEY,
    parent         uuid REFERENCES csdns.domain ON UPDATE CASCADE,
    name           text,
    path           text,
    network_domain text,
    placeholder    boolean NOT NULL DEFAULT false,
    removed        timestamptz,
    CONSTRAINT network_domain_is_name CHECK (csdns.is_host(network_domain)),
    CONSTRAINT parent_is_another CHECK (parent <> uuid)
);
CREATE INDEX IF NOT EXISTS domain_parent_idx ON csdns.domain (parent);
COMMENT ON TABLE csdns.domain IS 'CloudStack''s domains: the tree that accounts hang in. Not DNS zones.';
COMMENT ON COLUMN csdns.domain.uuid IS 'CloudStack''s uuid.';
COMMENT ON COLUMN csdns.domain.parent IS 'Domain above, NULL for ROOT.';
COMMENT ON COLUMN csdns.domain.name IS 'Name.';
COMMENT ON COLUMN csdns.domain.path IS 'Path, such as ROOT/customers/acme.';
COMMENT ON COLUMN csdns.domain.network_domain IS 'DNS zone for instances of this domain and those below that have none nearer; lower case, no final dot.';
COMMENT ON COLUMN csdns.domain.placeholder IS 'Only referred to so far; the cloud has not reported it yet.';
COMMENT ON COLUMN csdns.domain.removed IS 'When it was removed from the cloud.';

CREATE TABLE IF NOT EXISTS csdns.account (
    uuid           uuid PRIMARY KEY,
    domain         uuid NOT NULL REFERENCES csdns.domain ON UPDATE CASCADE,
    name           text,
    network_domain text,
    is_project     boolean NOT NULL DEFAULT false,
    placeholder    boolean NOT NULL DEFAULT false,
    removed        timestamptz,
    CONSTRAINT network_domain_is_name CHECK (csdns.is_host(network_domain))
);
CREATE INDEX IF NOT EXISTS account_domain_idx ON csdns.account (domain, name);
CREATE INDEX IF NOT EXISTS account_network_domain_idx ON csdns.account (network_domain) WHERE network_domain IS NOT NULL;
COMMENT ON TABLE csdns.account IS 'CloudStack''s accounts, and projects, which own things like an account.';
COMMENT ON COLUMN csdns.account.uuid IS 'CloudStack''s uuid of the account or project.';
COMMENT ON COLUMN csdns.account.domain IS 'Domain that it belongs to.';
COMMENT ON COLUMN csdns.account.name IS 'Name, unique in its domain among those not removed.';
COMMENT ON COLUMN csdns.account.network_domain IS 'DNS zone for its instances in networks without an associated zone.';
COMMENT ON COLUMN csdns.account.is_project IS 'True for a project.';
COMMENT ON COLUMN csdns.account.placeholder IS 'Only referred to so far; the cloud has not reported it yet.';
COMMENT ON COLUMN csdns.account.removed IS 'When it was removed from the cloud.';

CREATE TABLE IF NOT EXISTS csdns.network (
    uuid           uuid PRIMARY KEY,
    name           text,
    type           text NOT NULL DEFAULT 'shared',
    vpc            uuid,
    account        uuid REFERENCES csdns.account ON UPDATE CASCADE,
    domain         uuid REFERENCES csdns.domain ON UPDATE CASCADE,
    network_domain text,
    state          text,
    placeholder    boolean NOT NULL DEFAULT false,
    removed        timestamptz,
    CONSTRAINT type_is_known CHECK (type IN ('shared', 'isolated', 'l2', 'vpc')),
    CONSTRAINT network_domain_is_name CHECK (csdns.is_host(network_domain))
);
CREATE INDEX IF NOT EXISTS network_vpc_idx ON csdns.network (vpc) WHERE vpc IS NOT NULL;
CREATE INDEX IF NOT EXISTS network_account_idx ON csdns.network (account);
CREATE INDEX IF NOT EXISTS network_domain_idx ON csdns.network (domain);
CREATE INDEX IF NOT EXISTS network_network_domain_idx ON csdns.network (network_domain) WHERE network_domain IS NOT NULL;
COMMENT ON TABLE csdns.network IS 'CloudStack''s guest networks.';
COMMENT ON COLUMN csdns.network.uuid IS 'CloudStack''s uuid.';
COMMENT ON COLUMN csdns.network.name IS 'Name.';
COMMENT ON COLUMN csdns.network.type IS 'shared, isolated, l2 or vpc (a tier of a VPC).';
COMMENT ON COLUMN csdns.network.vpc IS 'CloudStack''s uuid of the VPC, for a tier.';
COMMENT ON COLUMN csdns.network.account IS 'Owner, NULL for a shared network of a whole domain or of all.';
COMMENT ON COLUMN csdns.network.domain IS 'Domain of the owner.';
COMMENT ON COLUMN csdns.network.network_domain IS 'The network''s own domain name: the last choice of zone, and only if the zone has the same owner.';
COMMENT ON COLUMN csdns.network.state IS 'State in the cloud.';
COMMENT ON COLUMN csdns.network.placeholder IS 'Only referred to so far; the cloud has not reported it yet.';
COMMENT ON COLUMN csdns.network.removed IS 'When it was removed from the cloud.';

CREATE TABLE IF NOT EXISTS csdns.instance (
    uuid         uuid PRIMARY KEY,
    name         text,
    display_name text,
    "group"      text,
    state        text NOT NULL DEFAULT 'Running',
    account      uuid NOT NULL REFERENCES csdns.account ON UPDATE CASCADE,
    domain       uuid NOT NULL REFERENCES csdns.domain ON UPDATE CASCADE,
    created      timestamptz,
    placeholder  boolean NOT NULL DEFAULT false,
    removed      timestamptz,
    group_source uuid GENERATED ALWAYS AS (csdns.group_uuid(account, "group")) STORED,
    CONSTRAINT name_is_host_name CHECK (csdns.is_label(name)),
    CONSTRAINT name_is_there CHECK (placeholder OR name IS NOT NULL)
);
CREATE INDEX IF NOT EXISTS instance_account_idx ON csdns.instance (account);
CREATE INDEX IF NOT EXISTS instance_domain_idx ON csdns.instance (domain);
CREATE INDEX IF NOT EXISTS instance_group_idx ON csdns.instance (group_source) WHERE group_source IS NOT NULL;
COMMENT ON TABLE csdns.instance IS 'CloudStack''s instances (virtual machines), those that are gone too.';
COMMENT ON COLUMN csdns.instance.uuid IS 'CloudStack''s uuid.';
COMMENT ON COLUMN csdns.instance.name IS 'Host name: one label. CloudStack''s API calls it name.';
COMMENT ON COLUMN csdns.instance.display_name IS 'Name for people; anything.';
COMMENT ON COLUMN csdns.instance."group" IS 'Name of its instance group.';
COMMENT ON COLUMN csdns.instance.state IS 'State in the cloud: Running, Stopped, Destroyed, ...; names stand for Running, Starting, Stopping, Migrating and Unknown, and for Stopped, Shutdown and Restoring by policy.';
COMMENT ON COLUMN csdns.instance.account IS 'Owner.';
COMMENT ON COLUMN csdns.instance.domain IS 'Domain of the owner.';
COMMENT ON COLUMN csdns.instance.created IS 'When it was created in the cloud: of two that want a free name, the older gets it.';
COMMENT ON COLUMN csdns.instance.placeholder IS 'Only referred to so far; the cloud has not reported it yet.';
COMMENT ON COLUMN csdns.instance.removed IS 'When it was removed (expunged) from the cloud.';
COMMENT ON COLUMN csdns.instance.group_source IS 'csdns.group_uuid of its account and group.';

CREATE TABLE IF NOT EXISTS csdns.nic (
    uuid       uuid PRIMARY KEY,
    instance   uuid NOT NULL REFERENCES csdns.instance ON UPDATE CASCADE ON DELETE CASCADE,
    network    uuid NOT NULL REFERENCES csdns.network ON UPDATE CASCADE,
    ip4        inet,
    ip6        inet,
    secondary  inet[] NOT NULL DEFAULT '{}',
    is_default boolean NOT NULL DEFAULT false,
    CONSTRAINT ip4_is_ipv4 CHECK (family(ip4) = 4 AND csdns.is_address(ip4)),
    CONSTRAINT ip6_is_ipv6 CHECK (family(ip6) = 6 AND csdns.is_address(ip6)),
    CONSTRAINT secondary_are_addresses CHECK (secondary = '{}' OR csdns.are_addresses(secondary))
);
CREATE INDEX IF NOT EXISTS nic_instance_idx ON csdns.nic (instance);
CREATE INDEX IF NOT EXISTS nic_network_idx ON csdns.nic (network);
CREATE INDEX IF NOT EXISTS nic_ip4_idx ON csdns.nic (ip4);
CREATE INDEX IF NOT EXISTS nic_ip6_idx ON csdns.nic (ip6);
COMMENT ON TABLE csdns.nic IS 'Network interfaces of instances, with their addresses.';
COMMENT ON COLUMN csdns.nic.uuid IS 'CloudStack''s uuid.';
COMMENT ON COLUMN csdns.nic.instance IS 'Instance that it belongs to.';
COMMENT ON COLUMN csdns.nic.network IS 'Network that it is in.';
COMMENT ON COLUMN csdns.nic.ip4 IS 'IPv4 address.';
COMMENT ON COLUMN csdns.nic.ip6 IS 'IPv6 address.';
COMMENT ON COLUMN csdns.nic.secondary IS 'Secondary addresses, of either family.';
COMMENT ON COLUMN csdns.nic.is_default IS 'The instance''s default interface: its name is the instance''s primary name.';

CREATE TABLE IF NOT EXISTS csdns.public_address (
    uuid        uuid PRIMARY KEY,
    address     inet NOT NULL,
    network     uuid REFERENCES csdns.network ON UPDATE CASCADE,
    vpc         uuid,
    account     uuid REFERENCES csdns.account ON UPDATE CASCADE,
    domain      uuid REFERENCES csdns.domain ON UPDATE CASCADE,
    instance    uuid REFERENCES csdns.instance ON UPDATE CASCADE ON DELETE SET NULL,
    nat_address inet,
    source_nat  boolean NOT NULL DEFAULT false,
    state       text NOT NULL DEFAULT 'Allocated',
    removed     timestamptz,
    CONSTRAINT address_is_address CHECK (csdns.is_address(address))
);
CREATE INDEX IF NOT EXISTS public_address_network_idx ON csdns.public_address (network);
CREATE INDEX IF NOT EXISTS public_address_account_idx ON csdns.public_address (account);
CREATE INDEX IF NOT EXISTS public_address_domain_idx ON csdns.public_address (domain);
CREATE INDEX IF NOT EXISTS public_address_vpc_idx ON csdns.public_address (vpc) WHERE vpc IS NOT NULL;
CREATE INDEX IF NOT EXISTS public_address_instance_idx ON csdns.public_address (instance) WHERE instance IS NOT NULL;
COMMENT ON TABLE csdns.public_address IS 'Public addresses that accounts have acquired for isolated networks and VPCs.';
COMMENT ON COLUMN csdns.public_address.uuid IS 'CloudStack''s uuid.';
COMMENT ON COLUMN csdns.public_address.address IS 'The address.';
COMMENT ON COLUMN csdns.public_address.network IS 'Guest network that it is associated with (associatednetworkid), if any.';
COMMENT ON COLUMN csdns.public_address.vpc IS 'VPC that it belongs to.';
COMMENT ON COLUMN csdns.public_address.account IS 'Owner.';
COMMENT ON COLUMN csdns.public_address.domain IS 'Domain of the owner.';
COMMENT ON COLUMN csdns.public_address.instance IS 'Instance that has it by static NAT.';
COMMENT ON COLUMN csdns.public_address.nat_address IS 'Address of the instance that static NAT leads to.';
COMMENT ON COLUMN csdns.public_address.source_nat IS 'Whether it is the source NAT address of its network.';
COMMENT ON COLUMN csdns.public_address.state IS 'State in the cloud; only Allocated means names.';
COMMENT ON COLUMN csdns.public_address.removed IS 'When it was released.';

CREATE TABLE IF NOT EXISTS csdns.floating_address (
    uuid    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name    text NOT NULL,
    address inet,
    network uuid REFERENCES csdns.network ON UPDATE CASCADE,
    account uuid NOT NULL REFERENCES csdns.account ON UPDATE CASCADE,
    domain  uuid NOT NULL REFERENCES csdns.domain ON UPDATE CASCADE,
    mode    text,
    removed timestamptz,
    CONSTRAINT name_is_host_name CHECK (csdns.is_label(name)),
    CONSTRAINT address_is_address CHECK (csdns.is_address(address)),
    CONSTRAINT mode_is_known CHECK (mode IN ('address', 'members'))
);
CREATE INDEX IF NOT EXISTS floating_address_network_idx ON csdns.floating_address (network);
CREATE INDEX IF NOT EXISTS floating_address_account_idx ON csdns.floating_address (account);
CREATE INDEX IF NOT EXISTS floating_address_domain_idx ON csdns.floating_address (domain);
COMMENT ON TABLE csdns.floating_address IS 'Names for an address that moves between instances, or for all of several instances.';
COMMENT ON COLUMN csdns.floating_address.uuid IS 'Key.';
COMMENT ON COLUMN csdns.floating_address.name IS 'Host name: one label.';
COMMENT ON COLUMN csdns.floating_address.address IS 'The floating address; NULL where only the members have addresses.';
COMMENT ON COLUMN csdns.floating_address.network IS 'Network whose zone the name is in; NULL for the account''s or the domain''s zone.';
COMMENT ON COLUMN csdns.floating_address.account IS 'Owner.';
COMMENT ON COLUMN csdns.floating_address.domain IS 'Domain of the owner.';
COMMENT ON COLUMN csdns.floating_address.mode IS 'address: the name answers with the floating address; members: with the addresses of all members; NULL: as policy says.';
COMMENT ON COLUMN csdns.floating_address.removed IS 'When it was removed.';

CREATE TABLE IF NOT EXISTS csdns.floating_member (
    floating uuid NOT NULL REFERENCES csdns.floating_address ON UPDATE CASCADE ON DELETE CASCADE,
    instance uuid NOT NULL REFERENCES csdns.instance ON UPDATE CASCADE ON DELETE CASCADE,
    PRIMARY KEY (floating, instance)
);
CREATE INDEX IF NOT EXISTS floating_member_instance_idx ON csdns.floating_member (instance);
COMMENT ON TABLE csdns.floating_member IS 'Which instances share a floating address.';
COMMENT ON COLUMN csdns.floating_member.floating IS 'Floating address.';
COMMENT ON COLUMN csdns.floating_member.instance IS 'Instance.';
