-- PowerDNS' tables as its gpgsql backend knows them; csdns' own, each with a description.
BEGIN;
SELECT no_plan();

SELECT columns_are('public', 'domains', ARRAY['id', 'name', 'master', 'last_check', 'type', 'notified_serial', 'account', 'options', 'catalog']);
SELECT columns_are('public', 'records', ARRAY['id', 'domain_id', 'name', 'type', 'content', 'ttl', 'prio', 'disabled', 'ordername', 'auth']);
SELECT columns_are('public', 'domainmetadata', ARRAY['id', 'domain_id', 'kind', 'content']);
SELECT columns_are('public', 'cryptokeys', ARRAY['id', 'domain_id', 'flags', 'active', 'published', 'content']);
SELECT columns_are('public', 'tsigkeys', ARRAY['id', 'name', 'algorithm', 'secret']);
SELECT columns_are('public', 'supermasters', ARRAY['ip', 'nameserver', 'account']);
SELECT columns_are('public', 'comments', ARRAY['id', 'domain_id', 'name', 'type', 'modified_at', 'account', 'comment']);
SELECT col_type_is('public', 'records', 'id', 'bigint', 'records.id');
SELECT col_type_is('public', 'records', 'content', 'character varying(65535)', 'records.content');
SELECT col_type_is('public', 'domains', 'notified_serial', 'bigint', 'domains.notified_serial');
SELECT col_type_is('public', 'supermasters', 'ip', 'inet', 'supermasters.ip');
SELECT col_default_is('public', 'records', 'disabled', 'false', 'a record is enabled by default');
SELECT col_default_is('public', 'cryptokeys', 'published', 'true', 'a key is published by default');
SELECT fk_ok('public', 'records', 'domain_id', 'public', 'domains', 'id');
SELECT index_is_unique('public', 'domains', 'name_index', 'a zone is there once');
SELECT index_is_unique('public', 'tsigkeys', 'namealgoindex', 'a TSIG key is there once');
SELECT has_index('public', 'records', 'rec_name_index', 'name'::name);

-- "whoever may touch it": what a role of ours has rights on
SELECT is_empty($$
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'csdns'::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL
$$, 'every table and view of csdns has a description');
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'v') AND col_description(c.oid, a.attnum) IS NULL
       AND (c.relnamespace = 'csdns'::regnamespace AND c.relname NOT LIKE 'pdns\_%'
            OR c.relname IN ('domains', 'records', 'domainmetadata', 'cryptokeys', 'tsigkeys', 'supermasters', 'comments')
               AND c.relnamespace = 'public'::regnamespace)
$$, 'every column has a description');
SELECT is_empty($$
    SELECT p.oid::regprocedure::text FROM pg_proc p, (VALUES ('csdns_read'), ('csdns_write'), ('csdns_cloud'), ('csdns_admin'), ('csdns_tenant'), ('csdns_sync')) AS r (role)
     WHERE p.pronamespace = 'csdns'::regnamespace AND has_function_privilege(r.role, p.oid, 'EXECUTE')
       AND obj_description(p.oid, 'pg_proc') IS NULL
$$, 'every function that a role may call has a description');
SELECT is_empty($$
    SELECT p.oid::regprocedure::text FROM pg_proc p
     WHERE p.pronamespace = 'csdns'::regnamespace AND p.prosecdef
       AND NOT coalesce('search_path=csdns, pg_temp' = ANY (p.proconfig), false)
$$, 'every SECURITY DEFINER function pins search_path');
SELECT results_eq('SELECT version FROM csdns.schema_version', ARRAY[1], 'the schema''s version is recorded');

SELECT * FROM finish();
ROLLBACK;
