-- Takes csdns away: its triggers and policies on PowerDNS' tables and the schema csdns.  PowerDNS' tables keep their rows and go on
-- working with gpgsql.  The roles stay, another database of the cluster may use them; their rights here go.
DO $$
DECLARE
    it record;
BEGIN
    FOR it IN SELECT g.tgname, g.tgrelid::regclass AS tab
                FROM pg_trigger g
                JOIN pg_proc p ON p.oid = g.tgfoid
               WHERE p.pronamespace = to_regnamespace('csdns') AND NOT g.tgisinternal
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', it.tgname, it.tab);
    END LOOP;

    FOR it IN SELECT l.polname, l.polrelid::regclass AS tab
                FROM pg_policy l JOIN pg_class c ON c.oid = l.polrelid
               WHERE (l.polname = 'csdns_all' OR l.polname LIKE 'csdns\_tenant\_%') AND c.relnamespace IS DISTINCT FROM to_regnamespace('csdns')
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', it.polname, it.tab);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', it.tab);
    END LOOP;

    IF to_regnamespace('csdns') IS NOT NULL THEN
        SET LOCAL client_min_messages = warning;
        DROP SCHEMA csdns CASCADE;
    END IF;

    FOR it IN SELECT format('REVOKE ALL ON %s %s FROM %I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                            c.oid::regclass, r.rolname) AS sql
                FROM pg_class c, aclexplode(c.relacl) a
                JOIN pg_roles r ON r.oid = a.grantee
               WHERE r.rolname IN ('csdns_read', 'csdns_write', 'csdns_cloud', 'csdns_admin', 'csdns_tenant', 'csdns_sync')
               GROUP BY c.relkind, c.oid, r.rolname
              UNION ALL
              SELECT format('REVOKE ALL (%I) ON TABLE %s FROM %I', t.attname, t.attrelid::regclass, r.rolname)
                FROM pg_attribute t, aclexplode(t.attacl) a
                JOIN pg_roles r ON r.oid = a.grantee
               WHERE r.rolname = 'csdns_tenant'
               GROUP BY t.attname, t.attrelid, r.rolname
              UNION ALL
              SELECT format('REVOKE ALL ON SCHEMA %I FROM %I', n.nspname, r.rolname)
                FROM pg_namespace n, aclexplode(n.nspacl) a
                JOIN pg_roles r ON r.oid = a.grantee
               WHERE r.rolname IN ('csdns_read', 'csdns_write', 'csdns_cloud', 'csdns_admin', 'csdns_tenant', 'csdns_sync')
               GROUP BY n.nspname, r.rolname
    LOOP
        EXECUTE it.sql;
    END LOOP;
END
$$;
