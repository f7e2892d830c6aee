-- Roles.  They are groups for the whole cluster and cannot log in: GRANT csdns_read TO your_login.  What they may do: 900-grant.sql.

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['csdns_read', 'csdns_write', 'csdns_cloud', 'csdns_admin', 'csdns_tenant', 'csdns_sync'] LOOP
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            CONTINUE;
        END IF;
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'role "%" is missing and % may not create roles', wanted, current_user
                      USING ERRCODE = 'insufficient_privilege',
                            HINT = 'As a superuser: CREATE ROLE csdns_read; CREATE ROLE csdns_write; CREATE ROLE csdns_cloud; CREATE ROLE csdns_admin; CREATE ROLE csdns_tenant; CREATE ROLE csdns_sync; GRANT SET ON PARAMETER csdns.path TO PUBLIC;';
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
    IF NOT pg_has_role('csdns_sync', 'csdns_cloud', 'USAGE') THEN
        GRANT csdns_cloud TO csdns_sync;
    END IF;
END
$$;

-- Functions say on which path they were called (SET csdns.path).  PostgreSQL lets only those attach a parameter of which it knows nothing
-- to a function who are granted it; setting it in a session is open to all anyway.  The grant is the cluster's, as the roles are.
DO $$
BEGIN
    IF has_parameter_privilege('csdns.path', 'SET') AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
       OR EXISTS (SELECT FROM pg_parameter_acl WHERE parname = 'csdns.path') THEN
        RETURN;
    END IF;
    GRANT SET ON PARAMETER csdns.path TO PUBLIC;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% may not attach the parameter csdns.path to functions', current_user
              USING ERRCODE = 'insufficient_privilege', HINT = 'As a superuser: GRANT SET ON PARAMETER csdns.path TO PUBLIC;';
    WHEN unique_violation THEN
        NULL;                           -- another database of the cluster was installed at the same moment
END
$$;
