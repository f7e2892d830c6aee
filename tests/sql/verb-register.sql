-- Registered names, and all names of an instance.
\ir verb.inc
INSERT INTO csdns.dns_server (name, name_servers, is_public, public_suffix) VALUES ('pub', '{ns1.test}', true, 'pub.test');
INSERT INTO csdns.network (uuid, name, account, domain) VALUES (u('w', 1), 'net1', u('a', 1), u('d', 3)), (u('w', 2), 'net2', u('a', 2), u('d', 4));
INSERT INTO csdns.instance (uuid, name, "group", account, domain) VALUES (u('i', 1), 'Web', 'G', u('a', 1), u('d', 3)), (u('i', 2), 'db', 'G', u('a', 1), u('d', 3)), (u('i', 3), 'bad', NULL, u('a', 2), u('d', 4));
INSERT INTO csdns.instance (uuid, account, domain, placeholder) VALUES (u('i', 4), u('a', 1), u('d', 3), true);
INSERT INTO csdns.instance (uuid, name, account, domain, removed) VALUES (u('i', 5), 'gone', u('a', 1), u('d', 3), now());
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1'), (u('n', 2), u('i', 2), u('w', 1), '192.0.2.2'), (u('n', 3), u('i', 3), u('w', 2), '192.0.2.3');
INSERT INTO csdns.nic (uuid, instance, network, ip6) VALUES (u('n', 4), u('i', 1), u('w', 1), '2001:db8::1');
SELECT ask('v_acme', $$SELECT name FROM csdns.create_dns_zone('a.pub.test', 'pub')$$), ask('v_evil', $$SELECT name FROM csdns.create_dns_zone('e.pub.test', 'pub')$$),
       ask('v_mid', $$SELECT name FROM csdns.create_dns_zone('m.pub.test', 'pub')$$);

CREATE FUNCTION public.register(who text, vm int, zone text, name text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT ask(who, format('SELECT name, type, contents, origin, state, displaytext FROM csdns.register_dns_record_for_vm(%L, %L, %L)', u('i', vm), zone, name)) $$;
SELECT is(register(who, vm, zone, name), want, format('%s: %s %s %s: %s', who, vm, zone, name, want)) FROM (VALUES
    ('v_evil', 1, 'e.pub.test', 'www', format('P0002 instance %s: not found', u('i', 1))),
    ('v_evil', 3, 'a.pub.test', 'www', 'P0002 zone "a.pub.test": not found'),
    ('v_none', 1, 'a.pub.test', 'www', format('P0002 instance %s: not found', u('i', 1))),
    ('v_acme', 1, 'm.pub.test', 'www', '42501 zone "m.pub.test": is not yours to change'),
    ('v_acme', 9, 'a.pub.test', 'www', format('P0002 instance %s: not found', u('i', 9))),
    ('v_admin', 5, 'a.pub.test', 'www', format('P0002 instance %s: not found', u('i', 5))),
    ('v_acme', 1, NULL, 'www', '22023 zone is missing'),
    ('v_acme', 1, 'a.pub.test', '*', '22023 name "*": has a wildcard'),
    ('v_acme', 1, 'a.pub.test', '*.x', '22023 name "*.x": has a wildcard'),
    ('v_acme', 1, 'a.pub.test', '_sip', '22023 name "_sip": has an underscore'),
    ('v_acme', 1, 'a.pub.test', 'a b', '22023 name "a b": has a space'),
    ('v_acme', 1, 'a.pub.test', 'a..b', '22023 name "a..b": has an empty label'),
    ('v_acme', 1, 'a.pub.test', '.', '22023 name ".": is empty'),
    ('v_acme', 1, 'a.pub.test', 'www.e.pub.test.', '22023 name "www.e.pub.test.": is not in zone "a.pub.test"'),
    ('v_acme', 1, 'a.pub.test', repeat('a.', 125) || 'a', '22023 name "' || repeat('a.', 125) || 'a" in zone "a.pub.test": is no host name'),
    ('v_acme', 4, 'a.pub.test', NULL, '22023 name is missing')
  ) AS v (who, vm, zone, name, want);
SELECT is(ask('v_acme', $$SELECT * FROM csdns.register_dns_record_for_vm('web', 'a.pub.test')$$), '22023 virtualmachineid "web": not a uuid', 'not a uuid');
SELECT is((SELECT count(*)::int FROM csdns.instance_name), 0, 'nothing so far');

SELECT is(register(who, vm, zone, name), want, format('%s: %s %s %s: %s', who, vm, zone, name, want)) FROM (VALUES
    ('v_acme', 1, 'a.pub.test', NULL, '(web.a.pub.test,A,{192.0.2.1},name,given,); (web.a.pub.test,AAAA,{2001:db8::1},name,given,)'),
    ('v_acme', 1, 'a.pub.test', 'Web', '(web.a.pub.test,A,{192.0.2.1},name,given,); (web.a.pub.test,AAAA,{2001:db8::1},name,given,)'),
    ('v_acme', 2, 'a.pub.test', ' @ ', '(a.pub.test,A,{192.0.2.2},name,given,)'),
    ('v_acme', 2, 'a.pub.test', 'x.Y.a.pub.test', '(x.y.a.pub.test,A,{192.0.2.2},name,given,)'),
    ('v_acme', 2, 'a.pub.test', 'z.a.pub.test.', '(z.a.pub.test,A,{192.0.2.2},name,given,)'),
    ('v_acme', 2, 'a.pub.test', 'a.pub', '(a.pub.a.pub.test,A,{192.0.2.2},name,given,)'),
    ('v_mid', 2, 'm.pub.test', NULL, '(db.m.pub.test,A,{192.0.2.2},name,given,)'),
    ('v_admin', 3, 'm.pub.test', NULL, '(bad.m.pub.test,A,{192.0.2.3},name,given,)')
  ) AS v (who, vm, zone, name, want);
SELECT version AS v FROM csdns.head() \gset
SELECT is(register('v_acme', 2, 'a.pub.test', '@'), '(a.pub.test,A,{192.0.2.2},name,given,)', 'again');
SELECT is((SELECT version FROM csdns.head()), :v::bigint, 'changes nothing');

-- names that are not free
SELECT is(register('v_acme', 2, 'a.pub.test', 'web'), format('(web.a.pub.test,A,{192.0.2.2},name,waiting,"instance Web (%s) has the name; it is given when that is free")', u('i', 1)), 'one''s own instance has it');
INSERT INTO records (domain_id, name, type, content) VALUES (id('a.pub.test'), 'www.a.pub.test', 'CNAME', 'elsewhere.test');
SELECT is(register('v_acme', 1, 'a.pub.test', 'www'),
    '(www.a.pub.test,A,{192.0.2.1},name,waiting,"a person''s record has the name; it is given when that is free"); (www.a.pub.test,AAAA,{2001:db8::1},name,waiting,"a person''s record has the name; it is given when that is free")',
    'a person has it');
DELETE FROM records WHERE type = 'CNAME';
SELECT is(register('v_acme', 1, 'a.pub.test', 'www'), '(www.a.pub.test,A,{192.0.2.1},name,given,); (www.a.pub.test,AAAA,{2001:db8::1},name,given,)', 'given when it is free');
INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (id('a.pub.test'), u('a', 2));
SELECT is(register('v_evil', 3, 'a.pub.test', 'web'), '(web.a.pub.test,A,{192.0.2.3},name,waiting,"somebody else has the name; it is given when that is free")', 'another''s is not named');
UPDATE csdns.instance SET state = 'Destroyed' WHERE uuid = u('i', 2);
SELECT is(register('v_acme', 2, 'a.pub.test', 'later'), '(later.a.pub.test,,{},name,absent,"no address to answer with: the instance has none or does not run, or the zone is inactive")', 'nothing to answer with');
UPDATE csdns.instance SET state = 'Running' WHERE uuid = u('i', 2);
SELECT is((SELECT content FROM records WHERE name = 'later.a.pub.test'), '192.0.2.2', 'until there is');

-- away
SELECT is(ask(who, format('SELECT success, displaytext FROM csdns.unregister_dns_record_for_vm(%L, %L, %L)', u('i', vm), zone, name)), want, format('%s: %s %s %s: %s', who, vm, zone, name, want)) FROM (VALUES
    ('v_evil', 1, 'a.pub.test', 'www', format('P0002 instance %s: not found', u('i', 1))),
    ('v_evil', 1, 'absent.test', 'www', 'P0002 zone "absent.test": not found'),
    ('v_acme', 1, 'a.pub.test', 'absent', format('P0002 instance %s: has no registered name "absent.a.pub.test"', u('i', 1))),
    ('v_acme', 1, 'a.pub.test', NULL, format('(t,"instance Web (%s) no longer has the name ""web.a.pub.test""")', u('i', 1))),
    ('v_acme', 1, 'a.pub.test', 'web.a.pub.test.', format('P0002 instance %s: has no registered name "web.a.pub.test"', u('i', 1))),
    ('v_acme', 2, 'a.pub.test', '@', format('(t,"instance db (%s) no longer has the name ""a.pub.test""")', u('i', 2))),
    ('v_acme', 3, 'a.pub.test', 'web', format('(t,"instance bad (%s) no longer has the name ""web.a.pub.test""")', u('i', 3)))) AS v (who, vm, zone, name, want);
SELECT is((SELECT content FROM records WHERE name = 'web.a.pub.test' AND type = 'A'), '192.0.2.2', 'who waited has the name');
SELECT is((SELECT count(*)::int FROM records WHERE name = 'a.pub.test' AND type = 'A'), 0, 'the apex is free');
SELECT is(ask('v_admin', 'SELECT * FROM csdns.unregister_dns_record_for_vm(NULL, ''a.pub.test'')'), '22023 virtualmachineid is missing', 'no instance');

-- all names of an instance
INSERT INTO domains (name, type) VALUES ('2.0.192.in-addr.arpa', 'NATIVE');
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), id('a.pub.test'));
INSERT INTO csdns.floating_address (uuid, name, address, account, domain, network) VALUES (u('f', 1), 'vip', '192.0.2.100', u('a', 1), u('d', 3), u('w', 1));
INSERT INTO csdns.floating_member (floating, instance) VALUES (u('f', 1), u('i', 1)), (u('f', 1), u('i', 2));
INSERT INTO csdns.public_address (uuid, address, network, account, domain, instance) VALUES (u('p', 1), '198.51.100.1', u('w', 1), u('a', 1), u('d', 3), u('i', 2));
UPDATE records SET ttl = 5 WHERE name = 'www.a.pub.test' AND type = 'A';
SELECT is(replace(ask('v_acme', format('SELECT name, type, contents, origin, state, dnszonename FROM csdns.list_dns_records_for_vm(%L)', u('i', 1))), '; ', E'\n'),
'(g-' || left(u('a', 1)::text, 8) || '.a.pub.test,A,{192.0.2.1},group,given,a.pub.test)
(g-' || left(u('a', 1)::text, 8) || '.a.pub.test,AAAA,{2001:db8::1},group,given,a.pub.test)
(vip.a.pub.test,A,{192.0.2.100},floating,given,a.pub.test)
(web.a.pub.test,A,{192.0.2.1},host,waiting,a.pub.test)
(web.a.pub.test,AAAA,{2001:db8::1},host,waiting,a.pub.test)
(www.a.pub.test,A,{192.0.2.1},name,"taken over",a.pub.test)
(www.a.pub.test,AAAA,{2001:db8::1},name,given,a.pub.test)
(1.2.0.192.in-addr.arpa,PTR,{web.a.pub.test},ptr,absent,2.0.192.in-addr.arpa)
(100.2.0.192.in-addr.arpa,PTR,{vip.a.pub.test},floating,given,2.0.192.in-addr.arpa)', 'every rule, each with its state');
SELECT matches(ask('v_acme', format('SELECT DISTINCT name, state FROM csdns.list_dns_records_for_vm(%L)', u('i', 2))), 'public-ip-198-51-100-1.a.pub.test,given', 'public addresses, too');
SELECT is(ask('v_acme', format($$SELECT source, ttl, displaytext, virtualmachineid = %1$L AS mine, dnszoneid IS NOT NULL AS zone FROM csdns.list_dns_records_for_vm(%1$L) WHERE name = 'www.a.pub.test'$$, u('i', 1))),
    '("instance Web, name given by hand",3600,"a person edited it",t,t); ("instance Web, name given by hand",3600,,t,t)', 'why, and what happened');
SELECT is(ask('v_evil', format('SELECT * FROM csdns.list_dns_records_for_vm(%L)', u('i', 1))), format('P0002 instance %s: not found', u('i', 1)), 'not of others');
SELECT is(ask('v_evil', 'SELECT * FROM csdns.list_dns_records_for_vm(NULL)'), '22023 virtualmachineid is missing', 'of which');
SELECT * FROM finish();
