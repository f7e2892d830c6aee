-- Who calls, and what is theirs.  The one place that decides it: verbs, row-level security and the views for people all ask here.
--
-- All in plpgsql, which keeps plans for the session: row-level security asks at each statement.
--
-- A caller is the role that the session logged in with or SET ROLE to, also inside of functions that run with their owner's rights.
-- A tenant is a role that stands for one account, or for one domain of the cloud with all below it; for nothing, when that is removed.

CREATE TABLE IF NOT EXISTS csdns.tenant (
    role    name PRIMARY KEY,
    account uuid REFERENCES csdns.account ON UPDATE CASCADE,
    domain  uuid REFERENCES csdns.domain ON UPDATE CASCADE,
    created timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stands_for_one CHECK (num_nonnulls(account, domain) = 1)
);
COMMENT ON TABLE csdns.tenant IS 'Database roles that stand for an account or a domain of the cloud. Written by csdns.add_tenant() and csdns.remove_tenant().';
COMMENT ON COLUMN csdns.tenant.role IS 'Role, a member of csdns_tenant.';
COMMENT ON COLUMN csdns.tenant.account IS 'Account that it stands for, or NULL.';
COMMENT ON COLUMN csdns.tenant.domain IS 'Domain that it stands for, with all accounts of it and of the domains below, or NULL.';
COMMENT ON COLUMN csdns.tenant.created IS 'When it was added.';

CREATE OR REPLACE FUNCTION csdns.caller() RETURNS name
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END;
END
$$;
COMMENT ON FUNCTION csdns.caller() IS 'The role that the session logged in with or SET ROLE to, also inside of functions that run with their owner''s rights.';

CREATE OR REPLACE FUNCTION csdns.is_owner() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN (SELECT pg_has_role(caller(), n.nspowner, 'MEMBER') FROM pg_namespace n WHERE n.nspname = 'csdns');
END
$$;

-- Being a tenant wins over every right that the role may have besides.
CREATE OR REPLACE FUNCTION csdns.sees_all() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    me name := caller();
BEGIN
    RETURN NOT EXISTS (SELECT FROM tenant t WHERE t.role = me)
       AND (is_owner() OR pg_has_role(me, 'csdns_read', 'MEMBER') OR pg_has_role(me, 'csdns_cloud', 'MEMBER'));
END
$$;
COMMENT ON FUNCTION csdns.sees_all() IS 'Whether the caller sees everybody''s zones and facts: all of csdns'' roles but tenants.';

CREATE OR REPLACE FUNCTION csdns.is_admin() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    me name := caller();
BEGIN
    RETURN NOT EXISTS (SELECT FROM tenant t WHERE t.role = me) AND (is_owner() OR pg_has_role(me, 'csdns_admin', 'MEMBER'));
END
$$;
COMMENT ON FUNCTION csdns.is_admin() IS 'Whether the caller may act for everybody: members of csdns_admin, and the owner of the schema.';

CREATE OR REPLACE FUNCTION csdns.my_domains() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    me name := caller();
BEGIN
    RETURN ARRAY(SELECT p.domain
                   FROM tenant t
                   JOIN domain d ON d.uuid = t.domain AND d.removed IS NULL
                   JOIN domain_policy p ON d.uuid = ANY (p.lineage)
                  WHERE t.role = me);
END
$$;
COMMENT ON FUNCTION csdns.my_domains() IS 'Domains of the cloud that the calling tenant stands for: its own and all below; none for a tenant that stands for an account.';

CREATE OR REPLACE FUNCTION csdns.my_accounts() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    domains uuid[] := my_domains();
    me name := caller();
BEGIN
    RETURN ARRAY(SELECT a.uuid FROM tenant t JOIN account a ON a.uuid = t.account WHERE t.role = me AND a.removed IS NULL
                 UNION SELECT a.uuid FROM account a WHERE a.domain = ANY (domains));
END
$$;
COMMENT ON FUNCTION csdns.my_accounts() IS 'Accounts that the calling tenant stands for.';

CREATE OR REPLACE FUNCTION csdns.my_lineage() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    me name := caller();
BEGIN
    RETURN coalesce((SELECT p.lineage
                       FROM tenant t
                       LEFT JOIN account a ON a.uuid = t.account AND a.removed IS NULL
                       JOIN domain d ON d.uuid = coalesce(t.domain, a.domain) AND d.removed IS NULL
                       JOIN domain_policy p ON p.domain = d.uuid
                      WHERE t.role = me), '{}');
END
$$;
COMMENT ON FUNCTION csdns.my_lineage() IS 'The domain of the calling tenant and all domains above it, ROOT first.';

CREATE OR REPLACE FUNCTION csdns.my_networks() RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    accounts uuid[] := my_accounts();
    domains uuid[] := my_domains();
BEGIN
    RETURN ARRAY(SELECT w.uuid FROM network w WHERE w.account = ANY (accounts)
                 UNION SELECT w.uuid FROM network w WHERE w.account IS NULL AND w.domain = ANY (domains));
END
$$;
COMMENT ON FUNCTION csdns.my_networks() IS 'Networks that the calling tenant owns.';

CREATE OR REPLACE FUNCTION csdns.my_own_zones() RETURNS int[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    accounts uuid[] := my_accounts();
    domains uuid[] := my_domains();
BEGIN
    RETURN ARRAY(SELECT z.domain_id FROM dns_zone z WHERE z.account = ANY (accounts)
                 UNION SELECT z.domain_id FROM dns_zone z WHERE z.account IS NULL AND z.domain = ANY (domains));
END
$$;
COMMENT ON FUNCTION csdns.my_own_zones() IS 'Zones (domains.id) that the calling tenant owns: it may change, delegate and delete them.';

CREATE OR REPLACE FUNCTION csdns.my_record_zones() RETURNS int[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    accounts uuid[] := my_accounts();
    domains uuid[] := my_domains();
    lineage uuid[] := my_lineage();
    own int[] := my_own_zones();
BEGIN
    RETURN ARRAY(SELECT unnest(own)
                 UNION SELECT g.domain_id FROM zone_delegation g WHERE g.account = ANY (accounts)
                 UNION SELECT g.domain_id FROM zone_delegation g WHERE g.domain = ANY (lineage || domains));
END
$$;
COMMENT ON FUNCTION csdns.my_record_zones() IS 'Zones (domains.id) that the calling tenant may put records into: its own, and those delegated to its account or domain.';

CREATE OR REPLACE FUNCTION csdns.my_zones() RETURNS int[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    lineage uuid[] := my_lineage();
    networks uuid[] := my_networks();
    zones int[] := my_record_zones();
BEGIN
    RETURN ARRAY(SELECT unnest(zones)
                 UNION SELECT z.domain_id FROM dns_zone z WHERE z.account IS NULL AND z.domain = ANY (lineage)
                 UNION SELECT g.domain_id FROM zone_delegation g WHERE g.network = ANY (networks));
END
$$;
COMMENT ON FUNCTION csdns.my_zones() IS
    'Zones (domains.id) that the calling tenant sees: those that it may put records into, those of the domains above it, and those delegated to its networks.';

CREATE OR REPLACE FUNCTION csdns.find_zone(zone text, need text DEFAULT 'see') RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    found_id int;
BEGIN
    IF coalesce(zone, '') = '' THEN
        RAISE EXCEPTION 'zone is missing' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT d.id INTO found_id
      FROM pdns_domain d
     WHERE CASE WHEN is_uuid(zone) THEN d.id = (SELECT z.domain_id FROM dns_zone z WHERE z.uuid = zone::uuid)
                ELSE d.name = lower(rtrim(zone, '.')) END;
    IF is_admin() THEN
        IF found_id IS NULL THEN
            RAISE EXCEPTION 'zone "%": not found', zone USING ERRCODE = 'no_data_found';
        END IF;
    ELSIF found_id IS NULL OR found_id <> ALL (my_zones()) THEN    -- whether another's zone is there is not told
        RAISE EXCEPTION 'zone "%": not found', zone USING ERRCODE = 'no_data_found';
    ELSIF need = 'record' AND found_id <> ALL (my_record_zones()) OR need = 'own' AND found_id <> ALL (my_own_zones()) THEN
        RAISE EXCEPTION 'zone "%": is not yours to change', zone USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION csdns.find_zone(text, text) IS
    'domains.id of a zone by csdns.dns_zone.uuid or by name. need: see, record (put records into it) or own. Errors: P0002 not there or not to be seen by the caller, 42501 seen but not the caller''s to change.';
