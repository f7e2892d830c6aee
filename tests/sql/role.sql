-- Who may do what.  Every role is tried by a login that is a member of it and of nothing else.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;

DO $$
BEGIN
    FOR r IN 1..1 LOOP
        CREATE ROLE t_read LOGIN IN ROLE csdns_read;
        CREATE ROLE t_write LOGIN IN ROLE csdns_write;
        CREATE ROLE t_cloud LOGIN IN ROLE csdns_cloud;
        CREATE ROLE t_admin LOGIN IN ROLE csdns_admin;
        CREATE ROLE t_none LOGIN;
        CREATE ROLE t_pdns LOGIN;
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON domains, records, domainmetadata, cryptokeys, tsigkeys, supermasters TO t_pdns;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO t_pdns;
-- pgTAP keeps its state in temporary objects of the session's user
CREATE FUNCTION public.try(who text, what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE what;
    RESET ROLE;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RESET ROLE;
    RETURN SQLSTATE;
END
$$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');

SELECT is(try(who, what), CASE WHEN may LIKE '%' || left(who, 3) || '%' THEN 'ok' ELSE '42501' END, who || ': ' || what)
  FROM (VALUES
    ('SELECT * FROM csdns.served_record', 't_r t_w t_c t_a'),
    ('SELECT * FROM csdns.served_domain', 't_r t_w t_c t_a'),
    ('SELECT * FROM csdns.served_metadata', 't_r t_w t_a'),
    ('SELECT * FROM csdns.served_key', 't_r t_w t_a'),
    ('SELECT * FROM csdns.served_tsigkey', 't_r t_w t_a'),
    ('SELECT * FROM csdns.served_autoprimary', 't_r t_w t_a'),
    ('SELECT * FROM csdns.head()', 't_r t_w t_c t_a'),
    ('SELECT csdns.follows(1, now())', 't_r t_w t_a'),
    ('SELECT * FROM csdns.touched(0)', 't_r t_w t_a'),
    ('SELECT * FROM csdns.touched_rows(0)', ''),
    ('SELECT * FROM csdns.touched_record(0)', 't_r t_w t_a'),
    ('SELECT * FROM csdns.touched_domain(0)', 't_r t_w t_a'),
    ('SELECT * FROM csdns.touched_metadata(0)', 't_r t_w t_a'),
    ('SELECT * FROM csdns.touched_key(0)', 't_r t_w t_a'),
    ('SELECT * FROM csdns.changes(0, now())', 't_r t_w t_a'),
    ('SELECT csdns.settle()', 't_r t_w t_a'),
    ('SELECT * FROM csdns.change', 't_r t_w t_c t_a'),
    ('SELECT * FROM csdns.invalid_record', 't_w t_c t_a'),
    ('SELECT * FROM csdns.setting', 't_r t_w t_a'),
    ('SELECT * FROM records', 't_w t_a t_p'),
    ('SELECT * FROM cryptokeys', 't_w t_a t_p'),
    ('INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, ''x.a.test'', ''A'', ''192.0.2.'' || (SELECT count(*) FROM records), 60)', 't_w t_a t_p'),
    ('UPDATE records SET ttl = ttl + 1', 't_w t_a t_p'),
    ('UPDATE domains SET notified_serial = coalesce(notified_serial, 0) + 1', 't_w t_a t_p'),
    ('INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, ''K'', ''1'')', 't_w t_a t_p'),
    ('INSERT INTO cryptokeys (domain_id, flags, content) VALUES (1, 257, ''k'')', 't_w t_a t_p'),
    ('DELETE FROM tsigkeys', 't_w t_a t_p'),
    ('DELETE FROM comments', 't_w t_a'),
    ('DELETE FROM records', 't_w t_a t_p'),
    ('SELECT csdns.set_serial_style(''a.test'', ''epoch'')', 't_w t_a'),
    ('UPDATE csdns.setting SET value = ''2 hours'' WHERE name = ''retention''', 't_a'),
    ('UPDATE csdns.setting SET name = ''x''', ''),
    ('SELECT csdns.prune(''1 year'')', 't_a'),
    ('INSERT INTO csdns.version VALUES (999, ''1'', now())', ''),
    ('UPDATE csdns.version SET at = now()', ''),
    ('DELETE FROM csdns.journal', ''),
    ('INSERT INTO csdns.journal (txid, what) VALUES (''1'', ''*'')', ''),
    ('INSERT INTO csdns.pending VALUES (''1'')', ''),
    ('DELETE FROM csdns.serial_debt', ''),
    ('UPDATE csdns.pdns_record SET ttl = 1', ''),
    ('SELECT csdns.commit_changes()', ''),
    ('SELECT csdns.take_mutex()', ''),
    ('SELECT csdns.await_commit()', ''),
    ('SELECT csdns.move_serials(pg_current_xact_id())', ''),
    ('SELECT csdns.prune_step(now(), 1, 1)', ''),
    ('SELECT csdns.note_serial(1, 1, NULL)', ''),
    ('SELECT csdns.journal_zones(ARRAY[1])', ''),
    ('CREATE TABLE csdns.x ()', ''),
    ('CREATE TRIGGER x AFTER INSERT ON records FOR EACH STATEMENT EXECUTE FUNCTION csdns.on_whole_change(''*'')', '')
  ) AS t (what, may),
  (VALUES ('t_read'), ('t_write'), ('t_cloud'), ('t_admin'), ('t_none'), ('t_pdns')) AS r (who);

SELECT is_empty($$
    SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'csdns'::regnamespace AND has_function_privilege('t_none', p.oid, 'EXECUTE')
$$, 'the public may call nothing');

-- a writer that knows nothing of csdns gets its version and serial, and cannot shadow what the triggers use
SELECT csdns.set_serial_style('a.test', 'counter');
GRANT CREATE ON SCHEMA public TO t_pdns;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'a.test', 'SOA', 'ns.test h.test 1 2 3 4 5', 60);
SELECT version AS v FROM csdns.head() \gset
SET ROLE t_pdns;
CREATE FUNCTION public.eat(varchar, varchar) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked as %', current_user; END $$;
CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = public.eat);
CREATE TEMP TABLE journal (x int);
CREATE TEMP TABLE pending (x int);
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'h.a.test', 'A', '192.0.2.1', 60);
DROP OPERATOR public.= (varchar, varchar);
RESET ROLE;
SELECT is((SELECT version FROM csdns.head()), :v::bigint + 1, 'a foreign writer makes a version');
SELECT is((SELECT content::text FROM records WHERE type = 'SOA'), 'ns.test h.test 2 2 3 4 5', 'and moves the serial');

SELECT * FROM finish();
REASSIGN OWNED BY t_pdns TO CURRENT_USER;
DROP OWNED BY t_pdns;
DROP ROLE t_read, t_write, t_cloud, t_admin, t_none, t_pdns;
