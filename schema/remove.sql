-- Takes csdns away: its triggers on PowerDNS' tables and the schema csdns.  PowerDNS' tables keep their rows and go on
-- working with gpgsql.  Roles stay where another database of the cluster may use them; their rights here go.
DO $$
DECLARE
    t record;
    r text;
BEGIN
    FOR t IN SELECT g.tgname, g.tgrelid::regclass AS tab
               FROM pg_trigger g
               JOIN pg_proc p ON p.oid = g.tgfoid
              WHERE p.pronamespace = to_regnamespace('csdns') AND NOT g.tgisinternal
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.tab);
    END LOOP;
    DROP SCHEMA IF EXISTS csdns CASCADE;
    FOREACH r IN ARRAY ARRAY['csdns_read', 'csdns_write', 'csdns_cloud', 'csdns_admin'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            -- rights only: these roles own nothing
            EXECUTE format('REVOKE ALL ON domains, records, domainmetadata, cryptokeys, tsigkeys, supermasters, comments FROM %I', r);
        END IF;
    END LOOP;
END
$$;
