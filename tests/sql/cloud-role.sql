-- What writers of cloud facts may do, and what not.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;
CREATE ROLE c_cloud LOGIN IN ROLE csdns_cloud;
CREATE ROLE c_write LOGIN IN ROLE csdns_write;
CREATE ROLE c_admin LOGIN IN ROLE csdns_admin;
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
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
INSERT INTO csdns.domain (uuid) VALUES (u('d', 1));
INSERT INTO csdns.account (uuid, domain, name, network_domain) VALUES (u('a', 1), u('d', 1), 'acme', 'a.test');
INSERT INTO csdns.network (uuid) VALUES (u('w', 1));

SELECT is(try(who, what), want, who || ': ' || what) FROM (VALUES
    ('c_cloud', $$INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'vm', u('a', 1), u('d', 1))$$, 'ok'),
    ('c_cloud', $$INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1')$$, 'ok'),
    ('c_cloud', $$SELECT csdns.upsert_domain(jsonb_build_object('id', u('d', 2), 'name', 'x'))$$, 'ok'),
    ('c_cloud', $$SELECT csdns.upsert_instance('[]')$$, 'ok'),
    ('c_cloud', $$SELECT csdns.upsert_floating_address('[]')$$, 'ok'),
    ('c_cloud', $$SELECT csdns.remove_domain(to_jsonb(u('d', 2)))$$, 'ok'),
    ('c_cloud', $$SELECT csdns.remove_account('[]'), csdns.remove_network('[]'), csdns.remove_instance('[]'), csdns.remove_public_address('[]'), csdns.remove_floating_address('[]')$$, 'ok'),
    ('c_cloud', $$SELECT csdns.remove_entities('records', 'record', '[]', true)$$, '42501'),
    ('c_cloud', $$SELECT * FROM csdns.static_nat$$, 'ok'),
    ('c_cloud', $$SELECT * FROM csdns.reconcile()$$, 'ok'),
    ('c_cloud', $$SELECT * FROM csdns.desired_record$$, 'ok'),
    ('c_cloud', $$SELECT * FROM csdns.drift$$, 'ok'),
    ('c_cloud', $$SELECT * FROM csdns.event$$, 'ok'),
    ('c_cloud', $$INSERT INTO records (domain_id, name, type, content) VALUES (1, 'x.a.test', 'A', '192.0.2.1')$$, '42501'),
    ('c_cloud', $$INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), 1)$$, '42501'),
    ('c_cloud', $$INSERT INTO csdns.dns_zone (domain_id) VALUES (1)$$, '42501'),
    ('c_cloud', $$UPDATE csdns.policy SET ttl = 1$$, '42501'),
    ('c_cloud', $$DELETE FROM csdns.rule_record$$, '42501'),
    ('c_cloud', $$INSERT INTO csdns.hold (domain_id, name, type, source, how) VALUES (1, 'x', 'A', u('i', 1), 'edited')$$, '42501'),
    ('c_cloud', $$SELECT csdns.release('x')$$, '42501'),
    ('c_cloud', $$SELECT csdns.apply_rules(ARRAY[u('i', 1)])$$, '42501'),
    ('c_write', $$UPDATE records SET content = '192.0.2.9' WHERE name = 'vm.a.test'$$, 'ok'),
    ('c_write', $$UPDATE csdns.instance SET name = 'x'$$, '42501'),
    ('c_write', $$SELECT csdns.upsert_instance('[]')$$, '42501'),
    ('c_write', $$SELECT csdns.remove_instance('[]')$$, '42501'),
    ('c_write', $$SELECT csdns.upsert_floating_address('[]')$$, '42501'),
    ('c_admin', $$SELECT csdns.release('vm.a.test')$$, 'ok'),
    ('c_admin', $$INSERT INTO csdns.network_zone (network, domain_id) SELECT u('w', 1), id FROM domains$$, 'ok'),
    ('c_admin', $$INSERT INTO csdns.dns_zone (domain_id) SELECT id FROM domains$$, 'ok'),
    ('c_admin', $$UPDATE csdns.policy SET ttl = 77$$, 'ok'),
    ('c_admin', $$DELETE FROM csdns.rule_record$$, '42501')
  ) AS v (who, what, want);
SELECT is((SELECT string_agg(concat_ws(' ', name, type, content, ttl), ', ') FROM records), 'vm.a.test A 192.0.2.1 77', 'a role without any right on records makes them by facts');
-- objects in public cannot get between
CREATE FUNCTION public.evil(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT 1 / 0 = 1 $$;
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.evil);
SET search_path = public, pg_catalog, tap;
UPDATE csdns.instance SET name = 'new';
RESET search_path;
SELECT is((SELECT max(r.name OPERATOR(pg_catalog.||) '') FROM records r), 'new.a.test', 'nor can operators of the caller''s');
SELECT * FROM finish();
