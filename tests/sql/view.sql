-- Views for people: what they show, to whom, and that one row of many is found by index.
SELECT no_plan();
GRANT USAGE ON SCHEMA tap TO PUBLIC;
CREATE ROLE vw_read LOGIN IN ROLE csdns_read;
CREATE ROLE vw_cloud LOGIN IN ROLE csdns_cloud;
CREATE ROLE vw_admin LOGIN IN ROLE csdns_admin;
CREATE ROLE vw_acme LOGIN;
CREATE ROLE vw_dom LOGIN;
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
-- The rows of a query as a role sees them, a line each; or the error's SQLSTATE.
CREATE FUNCTION public.rows_of(who text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    EXECUTE format('SELECT string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C") FROM (%s) AS t', what) INTO found;
    RESET ROLE;
    RETURN found;
EXCEPTION WHEN OTHERS THEN
    RESET ROLE;
    RETURN SQLSTATE;
END
$$;
INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE'), ('shared.test', 'NATIVE'), ('other.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.test host.test 1 1 1 1 1', 60 FROM domains;
INSERT INTO csdns.domain (uuid, name, path, parent) VALUES (u('d', 0), 'ROOT', 'ROOT', NULL), (u('d', 1), 'one', 'ROOT/one', u('d', 0)), (u('d', 2), 'two', 'ROOT/two', u('d', 0));
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 1), u('d', 1), 'acme'), (u('a', 2), u('d', 2), 'other');
INSERT INTO csdns.network (uuid, name, type, account) VALUES (u('w', 1), 'front', 'isolated', u('a', 1)), (u('w', 2), 'back', 'isolated', u('a', 2));
INSERT INTO csdns.network (uuid, name) VALUES (u('w', 3), 'everybody');
INSERT INTO csdns.dns_server (uuid, name, name_servers, is_public, public_suffix) VALUES (u('s', 1), 'open', '{ns1.test,ns2.test}', true, 'test'), (u('s', 2), 'closed', '{ns3.test}', false, NULL);
INSERT INTO csdns.dns_zone (domain_id, account, domain, server) VALUES (1, u('a', 1), u('d', 1), u('s', 1)), (2, NULL, u('d', 0), NULL), (3, u('a', 2), u('d', 2), u('s', 2));
INSERT INTO csdns.network_zone (network, domain_id, subdomain) VALUES (u('w', 1), 1, NULL), (u('w', 2), 3, NULL), (u('w', 3), 2, 'vm');
INSERT INTO csdns.instance (uuid, name, account, domain, created) VALUES (u('i', 1), 'web', u('a', 1), u('d', 1), '2024-01-01'), (u('i', 2), 'web', u('a', 2), u('d', 2), '2024-01-02');
INSERT INTO csdns.nic (uuid, instance, network, ip4, ip6, secondary, is_default) VALUES
    (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1', '2001:db8::1', '{192.0.2.77}', false), (u('n', 2), u('i', 2), u('w', 2), '198.51.100.2', NULL, '{}', true),
    (u('n', 3), u('i', 1), u('w', 3), '203.0.113.1', NULL, '{}', true), (u('n', 4), u('i', 2), u('w', 3), '203.0.113.2', NULL, '{}', false);
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (1, 'acme.test', 'MX', 'mx.acme.test', 60, 10, false), (1, 'off.acme.test', 'A', '192.0.2.9', NULL, NULL, true);
UPDATE records SET ttl = 61 WHERE name = 'web.acme.test' AND type = 'AAAA';
UPDATE csdns.policy SET ttl = 1000;
INSERT INTO csdns.policy (scope, ttl, on_stop) VALUES (u('d', 1), 2000, NULL), (u('w', 1), NULL, 'remove');
SELECT success FROM csdns.add_tenant('vw_acme', 'acme');
SELECT success FROM csdns.add_tenant('vw_dom', domainid => u('d', 2)::text);

SELECT is(rows_of('vw_admin', 'SELECT * FROM csdns.v_zone'), E'(acme.test,Public,NATIVE,Active,"account acme",open,' || csdns.soa_serial((SELECT content FROM records WHERE type = 'SOA' AND domain_id = 1)) || E',5)\n'
    || E'(other.test,Public,NATIVE,Active,"account other",closed,' || csdns.soa_serial((SELECT content FROM records WHERE type = 'SOA' AND domain_id = 3)) || E',2)\n'
    || E'(shared.test,Public,NATIVE,Active,"domain ROOT",,' || csdns.soa_serial((SELECT content FROM records WHERE type = 'SOA' AND domain_id = 2)) || ',2)', 'v_zone');
SELECT is(rows_of('vw_acme', 'SELECT zone FROM csdns.v_zone'), E'(acme.test)\n(shared.test)', 'a tenant''s');
SELECT is(rows_of('vw_dom', 'SELECT zone FROM csdns.v_zone'), E'(other.test)\n(shared.test)', 'a domain''s');
SELECT is(rows_of('vw_admin', $$SELECT * FROM csdns.v_record WHERE zone <> 'other.test' AND type <> 'SOA'$$),
$$(acme.test,acme.test,60,MX,"10 mx.acme.test",hand,,f)
(acme.test,off.acme.test,,A,192.0.2.9,hand,,t)
(acme.test,web.acme.test,2000,A,192.0.2.1,host,"instance web",f)
(acme.test,web.acme.test,61,AAAA,2001:db8::1,"taken over","instance web",f)
(shared.test,web.vm.shared.test,2000,A,203.0.113.1,host,"instance web",f)$$, 'v_record');
SELECT is(rows_of('vw_acme', $$SELECT zone, name, source FROM csdns.v_record WHERE type = 'A'$$),
E'(acme.test,off.acme.test,)\n(acme.test,web.acme.test,"instance web")\n(shared.test,web.vm.shared.test,"instance web")', 'a tenant''s');
SELECT is(rows_of('vw_dom', $$SELECT zone, name, source FROM csdns.v_record WHERE type = 'A'$$),
E'(other.test,web.other.test,"instance web")\n(shared.test,web.vm.shared.test,"another owner''s")', 'others'' things in a shared zone are not told');
SELECT is(rows_of('vw_admin', 'SELECT instance, owner, state, addresses, names FROM csdns.v_instance'),
E'(web,acme,Running,"203.0.113.1, 192.0.2.1, 192.0.2.77, 2001:db8::1","web.acme.test, web.vm.shared.test")\n(web,other,Running,"198.51.100.2, 203.0.113.2",web.other.test)', 'v_instance');
SELECT is(rows_of('vw_acme', 'SELECT owner FROM csdns.v_instance'), '(acme)', 'a tenant''s');
SELECT is(rows_of('vw_admin', 'SELECT network, type, zone, subdomain, owner, instances FROM csdns.v_network'),
E'(back,isolated,other.test,,"account other",1)\n(everybody,shared,shared.test,vm,,2)\n(front,isolated,acme.test,,"account acme",1)', 'v_network');
SELECT is(rows_of('vw_acme', 'SELECT network, instances FROM csdns.v_network'), E'(everybody,1)\n(front,1)', 'a tenant''s, who counts its own');
SELECT is(rows_of('vw_admin', 'SELECT * FROM csdns.v_server'), E'(closed,ns3.test,f,,Enabled,,1)\n(open,"ns1.test, ns2.test",t,test,Enabled,,1)', 'v_server');
SELECT is(rows_of('vw_dom', 'SELECT server, zones FROM csdns.v_server'), '(open,0)', 'a tenant''s');
SELECT is(rows_of('vw_admin', 'SELECT zone, name, wants, rule, has FROM csdns.v_collision'),
    format('(shared.test,web.vm.shared.test,"instance web (%s)",host,"instance web (%s)")', left(u('i', 2)::text, 8), left(u('i', 1)::text, 8)), 'v_collision');
SELECT is(rows_of('vw_dom', 'SELECT wants, has FROM csdns.v_collision'), format('("instance web (%s)","another owner''s")', left(u('i', 2)::text, 8)), 'a tenant''s');
SELECT is(rows_of('vw_acme', 'SELECT * FROM csdns.v_collision'), NULL, 'and not who has it');
SELECT is(rows_of('vw_admin', 'SELECT type, name, description FROM csdns.v_event'),
    format($$(DNS.NAME.COLLISION,web.vm.shared.test,"instance web (%s) cannot have ""web.vm.shared.test"": instance web (%s) has it")
(DNS.RECORD.TAKEN,web.acme.test,"web.acme.test AAAA of instance web (%2$s) was edited by postgres, who owns it now")$$, left(u('i', 2)::text, 8), left(u('i', 1)::text, 8)), 'v_event');
SELECT is(rows_of('vw_dom', 'SELECT type, name, description FROM csdns.v_event'), '(DNS.NAME.COLLISION,web.vm.shared.test,"the name is taken")', 'a tenant''s');
SELECT is(rows_of('vw_read', 'SELECT zones, names FROM csdns.v_version ORDER BY version DESC LIMIT 1'), '("acme.test, shared.test","acme.test and 3 more")', 'v_version');
SELECT is(rows_of('vw_admin', $$SELECT kind, scope, value, "from" FROM csdns.v_policy WHERE setting = 'ttl'$$),
E'(account,acme,2000,"domain ROOT/one")\n(account,other,1000,everything)\n(all,everything,1000,everything)\n(domain,ROOT,1000,everything)\n(domain,ROOT/one,2000,"domain ROOT/one")\n(domain,ROOT/two,1000,everything)\n'
'(network,back,1000,everything)\n(network,everybody,1000,everything)\n(network,front,2000,"domain ROOT/one")', 'v_policy');
SELECT is(rows_of('vw_acme', $$SELECT kind, scope, value, "from" FROM csdns.v_policy WHERE setting = 'on_stop'$$),
E'(account,acme,keep,everything)\n(all,everything,keep,everything)\n(domain,ROOT,keep,everything)\n(domain,ROOT/one,keep,everything)\n(network,front,remove,"network front")', 'a tenant''s');
SELECT is(rows_of('vw_admin', 'SELECT * FROM csdns.v_drift'), NULL, 'v_drift: none');
SET session_replication_role = replica;
DELETE FROM records WHERE name = 'web.other.test';
RESET session_replication_role;
SELECT is(rows_of('vw_cloud', $$SELECT difference, name, type, source FROM csdns.v_drift WHERE difference = 'missing'$$), '(missing,web.other.test,A,"instance web")', 'v_drift: a lost record');

-- the audit trail
SELECT csdns.prune_audit('0');
SET csdns.cloud_user = 'alice';
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (1, 'x.acme.test', 'A', '192.0.2.2', 60, NULL, false), (1, 'x.acme.test', 'A', '192.0.2.1', 60, NULL, false),
    (1, 'x.acme.test', 'A', '192.0.2.3', 90, NULL, true), (1, 'x.acme.test', 'MX', 'mx.test', 60, 5, false);
RESET csdns.cloud_user;
SELECT is(rows_of('vw_admin', 'SELECT who, path, what, zone, name, before, after FROM csdns.v_audit'),
$$("postgres for alice",sql,record,acme.test,x.acme.test,,"60 A 192.0.2.1, 192.0.2.2; 90 A 192.0.2.3 (disabled)")
("postgres for alice",sql,record,acme.test,x.acme.test,,"60 MX 5 mx.test")$$, 'v_audit: a line a name and type');
SELECT csdns.prune_audit('0');
UPDATE records SET content = '192.0.2.8', ttl = 30 WHERE name = 'x.acme.test' AND content = '192.0.2.2';
UPDATE csdns.dns_zone SET description = 'd', state = 'Inactive' WHERE domain_id = 3;
UPDATE csdns.policy SET ttl = 999 WHERE ttl = 1000;
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'ALSO-NOTIFY', '192.0.2.5');
SELECT is(rows_of('vw_admin', $$SELECT who, path, what, zone, name, before, after FROM csdns.v_audit WHERE path = 'sql' AND what IN ('record', 'dns_zone', 'policy', 'metadata')$$),
format($$(postgres,sql,dns_zone,other.test,%s,"description=NULL, state=Active","description=d, state=Inactive")
(postgres,sql,metadata,acme.test,ALSO-NOTIFY,,"content=192.0.2.5, domain_id=1, id=1, kind=ALSO-NOTIFY")
(postgres,sql,policy,,everything,ttl=1000,ttl=999)
(postgres,sql,record,acme.test,x.acme.test,"60 A 192.0.2.2","30 A 192.0.2.8")$$, (SELECT uuid FROM csdns.dns_zone WHERE domain_id = 3)), 'an update is one line, with what changed');
SELECT is(rows_of('vw_acme', $$SELECT DISTINCT zone FROM csdns.v_audit$$), '(acme.test)', 'a tenant''s: zones that it owns');
DELETE FROM domains WHERE name = 'acme.test';
SELECT isnt(rows_of('vw_admin', $$SELECT FROM csdns.v_audit WHERE zone = 'acme.test' AND name = 'x.acme.test'$$), NULL, 'a zone that is gone is found by its name');

-- who may read which
SELECT is(rows_of(who, 'SELECT count(*) * 0 FROM csdns.' || v), CASE WHEN may THEN '(0)' ELSE '42501' END, who || ': ' || v)
  FROM (SELECT who, v, CASE v WHEN 'v_audit' THEN who IN ('vw_admin', 'vw_acme') WHEN 'v_version' THEN who <> 'vw_acme' WHEN 'v_drift' THEN who IN ('vw_admin', 'vw_cloud')
                       WHEN 'v_zone' THEN true WHEN 'v_record' THEN true WHEN 'source' THEN false WHEN 'scope' THEN false ELSE who <> 'vw_read' END AS may
          FROM unnest('{vw_read,vw_cloud,vw_admin,vw_acme}'::text[]) AS who,
               unnest('{v_zone,v_record,v_instance,v_network,v_server,v_drift,v_collision,v_event,v_version,v_audit,v_policy,source,scope}'::text[]) AS v) AS x;
-- a function of the reader's is not shown what the view hides
SET ROLE vw_dom;
CREATE FUNCTION pg_temp.peek(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN IF t ~ 'acme' THEN RAISE 'saw %', t; END IF; RETURN true; END $$;
SELECT lives_ok($$SELECT FROM csdns.v_zone WHERE pg_temp.peek(zone)$$, 'v_zone does not leak');
SELECT lives_ok($$SELECT FROM csdns.v_record WHERE pg_temp.peek(name)$$, 'nor v_record');
SELECT lives_ok($$SELECT FROM csdns.v_audit WHERE pg_temp.peek(zone)$$, 'nor v_audit');
RESET ROLE;

-- one of many
INSERT INTO records (domain_id, name, type, content, ttl) SELECT 2, 'h' || g || '.shared.test', 'A', '192.0.2.1', 60 FROM generate_series(1, 20000) g;
INSERT INTO csdns.audit (what, action, zone, after) SELECT 'records', 'insert', 'z' || g, '[]' FROM generate_series(1, 5000) g;
ANALYZE;
CREATE FUNCTION public.plan_of(what text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE line text; whole text := ''; BEGIN FOR line IN EXECUTE 'EXPLAIN ' || what LOOP whole := whole || line || E'\n'; END LOOP; RETURN whole; END $$;
GRANT ALL ON FUNCTION public.plan_of(text) TO PUBLIC;
SET ROLE vw_dom;
SELECT unalike(plan_of($$SELECT * FROM csdns.v_record WHERE name = 'h7.shared.test'$$), '%Seq Scan on records%', 'a record is found by index');
SELECT unalike(plan_of($$SELECT * FROM csdns.v_audit WHERE zone = 'z7'$$), '%Seq Scan on audit%', 'a zone''s trail too');
SELECT alike(plan_of($$SELECT * FROM csdns.v_audit ORDER BY id DESC LIMIT 5$$), '%Index Scan Backward using audit_pkey%', 'and the end of the trail');
SELECT unalike(plan_of($$SELECT * FROM csdns.v_audit WHERE at > now() + interval '1 hour'$$), '%Seq Scan on audit%', 'and a time');
RESET ROLE;
SELECT * FROM finish();
