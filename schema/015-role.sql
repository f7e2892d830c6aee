-- Roles.  They are groups for the whole cluster and cannot log in: GRANT csdns_read TO your_login.  What they may do: 900-grant.sql.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['csdns_read', 'csdns_write', 'csdns_cloud', 'csdns_admin', 'csdns_tenant'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            CONTINUE;
        END IF;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role "%" is missing and % may not create roles', wanted, current_user
                      USING ERRCODE = 'insufficient_privilege',
                            HINT = 'As a superuser: CREATE ROLE csdns_read; CREATE ROLE csdns_write; CREATE ROLE csdns_cloud; CREATE ROLE csdns_admin; CREATE ROLE csdns_tenant;';
            WHEN duplicate_object OR unique_violation THEN
                NULL;                   -- another database of the cluster was installed at the same moment
        END;
    END LOOP;
END
$$;

-- Roles inherit upwards.  The grant is the cluster's: whoever may not give it finds it there or gets PostgreSQL's error.
DO $$
BEGIN
    IF NOT pg_has_role('csdns_write', 'csdns_read', 'USAGE') THEN
        GRANT csdns_read TO csdns_write;
    END IF;
    IF NOT pg_has_role('csdns_admin', 'csdns_write', 'USAGE') THEN
        GRANT csdns_write TO csdns_admin;
    END IF;
    IF NOT pg_has_role('csdns_admin', 'csdns_cloud', 'USAGE') THEN
        GRANT csdns_cloud TO csdns_admin;
    END IF;
END
$$;
