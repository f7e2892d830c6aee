-- Tenants: adding and removing them, and quotas on what they write into PowerDNS' table of records themselves.

-- Only a tenant's own statements: verbs and rules run as the owner of the schema, who may create in it, and check for themselves.  After
-- the rules' triggers, so that what the statement took over from rules counts.
CREATE OR REPLACE FUNCTION csdns.guard_records(records regclass) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    own_statement text := $w$pg_has_role(current_user, 'csdns_tenant', 'USAGE') AND NOT has_schema_privilege(current_user, 'csdns', 'CREATE')$w$;
BEGIN
    IF (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = records AND g.tgname IN ('csdns_tenant_insert', 'csdns_tenant_update')) = 2 THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE OR REPLACE TRIGGER csdns_tenant_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows
                        FOR EACH STATEMENT WHEN (%s) EXECUTE FUNCTION csdns.on_tenant_insert()', records, own_statement);
    EXECUTE format('CREATE OR REPLACE TRIGGER csdns_tenant_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                        FOR EACH STATEMENT WHEN (%s) EXECUTE FUNCTION csdns.on_tenant_update()', records, own_statement);
END
$$;

CREATE OR REPLACE FUNCTION csdns.on_tenant_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    z record;
BEGIN
    FOR z IN SELECT n.domain_id, array_agg(DISTINCT n.type::text) AS types FROM new_rows n GROUP BY n.domain_id ORDER BY n.domain_id LOOP
        PERFORM check_record_quota(ARRAY[z.domain_id], z.types);
    END LOOP;
    RETURN NULL;
END
$$;

-- A change counts where it adds: a record that moved into the zone, or one of a rule's that is the tenant's now.
CREATE OR REPLACE FUNCTION csdns.on_tenant_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    z record;
BEGIN
    FOR z IN SELECT x.domain_id, array_agg(DISTINCT x.type) AS types
               FROM (SELECT n.domain_id, n.type::text AS type
                       FROM (SELECT id, domain_id, type FROM new_rows EXCEPT SELECT id, domain_id, type FROM old_rows) AS n
                     UNION ALL
                     SELECT o.domain_id, o.type::text FROM old_rows o
                      WHERE EXISTS (SELECT FROM hold h WHERE h.domain_id = o.domain_id AND h.name = o.name AND h.type = o.type AND h.at = now())) AS x
              GROUP BY x.domain_id ORDER BY x.domain_id
    LOOP
        PERFORM check_record_quota(ARRAY[z.domain_id], z.types);
    END LOOP;
    RETURN NULL;
END
$$;

-- Names that a tenant's verb gives to instances, of which rules make records.
CREATE OR REPLACE FUNCTION csdns.on_instance_name_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    me name := caller();
BEGIN
    IF EXISTS (SELECT FROM tenant t WHERE t.role = me) THEN
        PERFORM check_record_quota(ARRAY(SELECT DISTINCT n.domain_id FROM new_rows n), '{}');
    END IF;
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER csdns_tenant_insert AFTER INSERT ON csdns.instance_name REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_instance_name_insert();

-- csdns.rules = later is for functions that apply the rules themselves.  A tenant's session that sets it would leave records behind in
-- others' zones when it ends an association or takes a name back.
CREATE OR REPLACE FUNCTION csdns.on_tenant_reference() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    me name := caller();
BEGIN
    IF is_later() AND EXISTS (SELECT FROM tenant t WHERE t.role = me) THEN
        PERFORM set_config('csdns.rules', '', true);
    END IF;
    RETURN NULL;
END
$$;
DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['network_zone', 'instance_name', 'zone_delegation'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER csdns_tenant_rules BEFORE INSERT OR UPDATE OR DELETE ON csdns.%I
                            FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_tenant_reference()', tab);
    END LOOP;
END
$$;

-- Why a role cannot be a tenant, or NULL: any right that it has besides would be a way round.
CREATE OR REPLACE FUNCTION csdns.tenant_fault(role name) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT coalesce(
        (SELECT format('%s %s', CASE r.rolname WHEN tenant_fault.role THEN 'it' ELSE format('it is a member of "%s", which', r.rolname) END,
                       CASE WHEN r.rolsuper THEN 'is a superuser' WHEN r.rolbypassrls THEN 'has BYPASSRLS'
                            WHEN r.rolcreaterole THEN 'has CREATEROLE' ELSE 'has REPLICATION' END)
           FROM pg_roles r
          WHERE (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication)
            AND (r.rolname = tenant_fault.role OR pg_has_role(tenant_fault.role, r.oid, 'MEMBER'))
          ORDER BY r.rolname <> tenant_fault.role, r.rolname LIMIT 1),
        (SELECT format('it is a member of "%s"', r.rolname)
           FROM pg_roles r
          WHERE (r.rolname IN ('csdns_read', 'csdns_write', 'csdns_cloud', 'csdns_admin', 'pg_read_all_data', 'pg_write_all_data', 'pg_database_owner',
                               'pg_read_all_stats', 'pg_monitor', 'pg_signal_backend', 'pg_read_server_files', 'pg_write_server_files',
                               'pg_execute_server_program', 'pg_maintain', 'pg_create_subscription')
                 OR r.rolname <> tenant_fault.role AND EXISTS (SELECT FROM tenant t WHERE t.role = r.rolname))
            AND pg_has_role(tenant_fault.role, r.oid, 'MEMBER')
          ORDER BY r.rolname LIMIT 1),
        (SELECT 'it owns the schema csdns or objects in it, or may create there'
          WHERE has_schema_privilege(tenant_fault.role, 'csdns', 'CREATE')
             OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'csdns'::regnamespace AND pg_has_role(tenant_fault.role, c.relowner, 'MEMBER'))),
        (SELECT format('it owns table %s', c.oid::regclass)
           FROM pg_class c WHERE c.oid = ANY (pdns_tables()) AND pg_has_role(tenant_fault.role, c.relowner, 'MEMBER') LIMIT 1),
        (SELECT format('it has the right %s on %s', p.right, c.oid::regclass)
           FROM pg_class c, (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE'), ('TRIGGER'), ('REFERENCES')) AS p ("right")
          WHERE (c.oid = ANY (pdns_tables()) OR c.relnamespace = 'csdns'::regnamespace AND c.relkind IN ('r', 'v'))
            AND has_table_privilege(tenant_fault.role, c.oid, p.right) AND NOT has_table_privilege('csdns_tenant', c.oid, p.right)
          ORDER BY 1 LIMIT 1))
$$;

CREATE OR REPLACE FUNCTION csdns.join_tenants(role name) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(role, 'csdns_tenant', 'MEMBER') THEN
        EXECUTE format('GRANT csdns_tenant TO %I', role);
    END IF;
    IF NOT pg_has_role(role, 'csdns_tenant', 'USAGE') THEN
        RAISE EXCEPTION 'role "%": does not inherit the rights of csdns_tenant', role
              USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('As a superuser: ALTER ROLE %I INHERIT;', role);
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'role "%": is not a member of csdns_tenant and % may not make it one', role, current_user
              USING ERRCODE = 'insufficient_privilege', HINT = format('As a superuser: GRANT csdns_tenant TO %I; then repeat this.', role);
END
$$;

CREATE OR REPLACE FUNCTION csdns.add_tenant(role name, account text DEFAULT NULL, domainid text DEFAULT NULL)
RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
DECLARE
    fault text;
    of_account uuid;
    of_domain uuid;
    found int;
BEGIN
    PERFORM require_admin('add_tenant');
    LOCK TABLE tenant IN EXCLUSIVE MODE;
    IF domainid IS NOT NULL AND NOT is_uuid(domainid) THEN
        RAISE EXCEPTION 'domainid "%": not a uuid', domainid USING ERRCODE = 'invalid_parameter_value';
    ELSIF domainid IS NOT NULL AND NOT EXISTS (SELECT FROM domain d WHERE d.uuid = domainid::uuid AND d.removed IS NULL) THEN
        RAISE EXCEPTION 'domain %: not found', domainid USING ERRCODE = 'no_data_found';
    ELSIF add_tenant.account IS NULL AND domainid IS NULL THEN
        RAISE EXCEPTION 'role "%": account or domainid is missing', role USING ERRCODE = 'invalid_parameter_value';
    ELSIF add_tenant.account IS NULL THEN
        of_domain := domainid;
    ELSE
        SELECT count(*), min(a.uuid::text)::uuid INTO found, of_account
          FROM account a WHERE a.name = add_tenant.account AND a.removed IS NULL AND (domainid IS NULL OR a.domain = domainid::uuid);
        IF found = 0 THEN
            RAISE EXCEPTION 'account "%": not found', add_tenant.account USING ERRCODE = 'no_data_found';
        ELSIF found > 1 THEN
            RAISE EXCEPTION 'account "%": is there in % domains; say which with domainid', add_tenant.account, found USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = add_tenant.role) THEN
        RAISE EXCEPTION 'role "%": not found', role USING ERRCODE = 'no_data_found';
    ELSIF EXISTS (SELECT FROM tenant t WHERE t.role = add_tenant.role) THEN
        RAISE EXCEPTION 'role "%": is a tenant already', role USING ERRCODE = 'unique_violation';
    ELSIF add_tenant.role = 'csdns_tenant' THEN
        RAISE EXCEPTION 'role "%": is the group of all tenants', role USING ERRCODE = 'invalid_parameter_value';
    END IF;
    fault := tenant_fault(add_tenant.role);
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'role "%": cannot be a tenant: %', role, fault USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM join_tenants(add_tenant.role);
    INSERT INTO tenant (role, account, domain) VALUES (add_tenant.role, of_account, of_domain);
    PERFORM switch_policies_on();
    RETURN QUERY SELECT true, format('role "%s" stands for %s', add_tenant.role,
        coalesce((SELECT 'account ' || a.name FROM account a WHERE a.uuid = of_account), (SELECT 'domain ' || coalesce(d.path, d.name, d.uuid::text) FROM domain d WHERE d.uuid = of_domain)));
END
$$;
COMMENT ON FUNCTION csdns.add_tenant(name, text, text) IS
    'Makes a database role stand for an account (its name, with domainid where several have it), or with domainid alone for a domain and all below. The first tenant switches row-level security on. For administrators.';

CREATE OR REPLACE FUNCTION csdns.remove_tenant(role name) RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_admin('remove_tenant');
    LOCK TABLE tenant IN EXCLUSIVE MODE;
    DELETE FROM tenant t WHERE t.role = remove_tenant.role;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'role "%": is not a tenant', role USING ERRCODE = 'no_data_found';
    END IF;
    IF EXISTS (SELECT FROM pg_roles r WHERE r.rolname = remove_tenant.role) THEN
        BEGIN
            EXECUTE format('REVOKE csdns_tenant FROM %I', role);
        EXCEPTION
            WHEN insufficient_privilege THEN
                NULL;                   -- a member that stands for nobody sees nothing
        END;
    END IF;
    IF NOT EXISTS (SELECT FROM tenant) THEN
        PERFORM switch_policies_off();
    END IF;
    RETURN QUERY SELECT true, format('role "%s" is no tenant any more', remove_tenant.role);
END
$$;
COMMENT ON FUNCTION csdns.remove_tenant(name) IS 'Takes a tenant''s rights from its role. With the last one row-level security goes off. For administrators.';

CREATE OR REPLACE FUNCTION csdns.list_tenants()
RETURNS TABLE (role name, account text, domainid uuid, domain text, state text, created timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM require_admin('list_tenants');
    RETURN QUERY
        SELECT t.role, a.name, d.uuid, coalesce(d.path, d.name),
               CASE WHEN r.oid IS NULL THEN 'role is missing'
                    WHEN NOT pg_has_role(r.oid, 'csdns_tenant', 'USAGE') THEN 'role is not a member of csdns_tenant'
                    WHEN a.removed IS NOT NULL OR d.removed IS NOT NULL THEN 'removed from the cloud'
                    ELSE coalesce('role must not be a tenant: ' || tenant_fault(t.role), 'enabled') END,
               t.created
          FROM tenant t
          LEFT JOIN account a ON a.uuid = t.account
          LEFT JOIN domain d ON d.uuid = coalesce(t.domain, a.domain)
          LEFT JOIN pg_roles r ON r.rolname = t.role
         ORDER BY t.role;
END
$$;
COMMENT ON FUNCTION csdns.list_tenants() IS 'Tenants, and what is wrong with them if anything is. For administrators.';

-- Installed again: rights and policies as they should be now.
DO $$
BEGIN
    IF EXISTS (SELECT FROM csdns.tenant) THEN
        PERFORM csdns.switch_policies_on();
    ELSE
        PERFORM csdns.switch_policies_off();
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION csdns.add_tenant(name, text, text), csdns.remove_tenant(name), csdns.list_tenants() TO csdns_admin;
