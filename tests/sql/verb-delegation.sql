-- Delegation: who may do what with a zone before, during and after; what ends with it.
\ir verb.inc
INSERT INTO csdns.account (uuid, domain, name) VALUES (u('a', 4), u('d', 4), 'other');
INSERT INTO csdns.dns_server (name, name_servers, is_public, public_suffix) VALUES ('pub', '{ns1.test}', true, 'pub.test');
INSERT INTO csdns.network (uuid, name, account, domain) VALUES (u('w', 1), 'evil1', u('a', 2), u('d', 4)), (u('w', 2), 'evil2', u('a', 2), u('d', 4)), (u('w', 3), 'other1', u('a', 4), u('d', 4)),
    (u('w', 4), 'acme1', u('a', 1), u('d', 3));
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'e1', u('a', 2), u('d', 4)), (u('i', 2), 'e2', u('a', 2), u('d', 4)), (u('i', 3), 'o1', u('a', 4), u('d', 4)), (u('i', 4), 'ac1', u('a', 1), u('d', 3));
INSERT INTO csdns.nic (uuid, instance, network, ip4) SELECT u('n', n), u('i', n), u('w', n), '192.0.2.0'::inet + n FROM generate_series(1, 4) AS n;
SELECT ask('v_acme', $$SELECT name FROM csdns.create_dns_zone('z.pub.test', 'pub')$$);
SELECT is(rr('z.pub.test'), '', 'nothing there');

SELECT is(ask(who, format('SELECT account, domainid, domain, networkid, network, dnszonename FROM csdns.delegate_dns_zone(%s)', what)), want, format('%s: %s', what, want)) FROM (VALUES
    ('v_acme', $$'z.pub.test'$$, '22023 zone "z.pub.test": a delegation is to exactly one of account (with domainid), domainid and networkid'),
    ('v_acme', $$'z.pub.test', domainid => u('d', 4)::text, networkid => u('w', 1)::text$$, '22023 zone "z.pub.test": a delegation is to exactly one of account (with domainid), domainid and networkid'),
    ('v_acme', $$'z.pub.test', 'evil'$$, format('P0002 account "evil" in domain %s: not found', u('d', 3))),
    ('v_acme', $$'z.pub.test', 'gone'$$, format('P0002 account "gone" in domain %s: not found', u('d', 3))),
    ('v_admin', $$'z.pub.test', 'evil'$$, '22023 account "evil": domainid is missing'),
    ('v_acme', $$'z.pub.test', domainid => 'x'$$, '22023 domainid "x": not a uuid'),
    ('v_acme', $$'z.pub.test', domainid => u('d', 9)::text$$, format('P0002 domain %s: not found', u('d', 9))),
    ('v_acme', $$'z.pub.test', networkid => 'x'$$, '22023 networkid "x": not a uuid'),
    ('v_acme', $$'z.pub.test', networkid => u('w', 9)::text$$, format('P0002 network %s: not found', u('w', 9))),
    ('v_evil', $$'z.pub.test', domainid => u('d', 4)::text$$, 'P0002 zone "z.pub.test": not found'),
    ('v_none', $$'z.pub.test', domainid => u('d', 4)::text$$, 'P0002 zone "z.pub.test": not found'),
    ('v_acme', $$'absent.test', domainid => u('d', 4)::text$$, 'P0002 zone "absent.test": not found')) AS v (who, what, want);

-- before
SELECT is(ask('v_evil', format('SELECT * FROM csdns.associate_dns_zone_to_network(%L, %L)', 'z.pub.test', u('w', 1))), 'P0002 zone "z.pub.test": not found', 'not before');
SELECT is(ask('v_evil', 'SELECT name FROM csdns.list_dns_zones()'), '', 'nor seen');
-- a network
SELECT is(ask('v_acme', format('SELECT account, domain, network, dnszonename FROM csdns.delegate_dns_zone(%L, networkid => %L)', 'z.pub.test', u('w', 1))), '(,,evil1,z.pub.test)', 'to a network');
SELECT is(ask('v_evil', 'SELECT name FROM csdns.list_dns_zones()'), '(z.pub.test)', 'its owner sees the zone');
SELECT is(ask('v_evil', format('SELECT * FROM csdns.associate_dns_zone_to_network(%L, %L)', 'z.pub.test', u('w', 2))), '42501 zone "z.pub.test": is not yours to change', 'not another network');
SELECT is(ask('v_evil', format('SELECT network, instances FROM csdns.associate_dns_zone_to_network(%L, %L, %L)', 'z.pub.test', u('w', 1), 'e')), '(evil1,1)', 'that network');
SELECT is(ask('v_evil', format('SELECT * FROM csdns.register_dns_record_for_vm(%L, %L)', u('i', 2), 'z.pub.test')), '42501 zone "z.pub.test": is not yours to change', 'no registrations');
SELECT is(ask('v_evil', format('SELECT * FROM csdns.delegate_dns_zone(%L, domainid => %L)', 'z.pub.test', u('d', 4))), '42501 zone "z.pub.test": is not yours to change', 'nor passing it on');
SELECT is(ask('v_acme', format('SELECT success, displaytext FROM csdns.undelegate_dns_zone(%L, networkid => %L)', 'z.pub.test', u('w', 1))),
    '(t,"zone ""z.pub.test"" is no longer delegated to network ""evil1""; ended with it: 1 association with a network, 0 registered names")', 'taken back');
SELECT is(rr('z.pub.test') || (SELECT count(*) FROM csdns.network_zone), '0', 'the names are gone');
SELECT is(ask('v_acme', format('SELECT * FROM csdns.undelegate_dns_zone(%L, networkid => %L)', 'z.pub.test', u('w', 1))), 'P0002 zone "z.pub.test": is not delegated to network "evil1"', 'once');
-- an account
SELECT is(ask('v_acme', format('SELECT account, domain FROM csdns.delegate_dns_zone(%L, %L, %L)', 'z.pub.test', 'Evil', u('d', 4))), '(evil,side)', 'to an account');
SELECT version AS v FROM csdns.head() \gset
SELECT is(ask('v_acme', format('SELECT account, domain FROM csdns.delegate_dns_zone(%L, %L, %L)', 'z.pub.test', 'evil', u('d', 4))), '(evil,side)', 'again');
SELECT is((SELECT version FROM csdns.head()) || ' ' || (SELECT count(*) FROM csdns.zone_delegation), :v || ' 1', 'changes nothing');
SELECT is(ask('v_evil', format('SELECT network, instances FROM csdns.associate_dns_zone_to_network(%L, %L)', 'z.pub.test', u('w', 1))), '(evil1,1)', 'its networks');
SELECT is(ask('v_evil', format('SELECT name, state FROM csdns.register_dns_record_for_vm(%L, %L, %L)', u('i', 2), 'z.pub.test', 'www')), '(www.z.pub.test,given)', 'its instances');
SELECT is(ask('v_evil', $$SELECT * FROM csdns.delete_dns_zone('z.pub.test')$$), '42501 zone "z.pub.test": is not yours to change', 'not more');
SELECT is(ask('v_admin', format('SELECT account FROM csdns.delegate_dns_zone(%L, domainid => %L)', 'z.pub.test', u('d', 4))), '()', 'and to its domain');
SELECT is(ask('v_admin', format('SELECT network FROM csdns.associate_dns_zone_to_network(%L, %L)', 'z.pub.test', u('w', 3))), '(other1)', 'another account there');
SELECT is(ask('v_acme', format('SELECT network FROM csdns.associate_dns_zone_to_network(%L, %L)', 'z.pub.test', u('w', 4))), '(acme1)', 'and the owner''s own');
SELECT is(ask(who, 'SELECT account, domain, network FROM csdns.list_dns_zone_delegations(' || what || ')'), want, who || ' sees ' || want) FROM (VALUES
    ('v_admin', '', '(evil,side,); (,side,)'), ('v_acme', $$'z.pub.test'$$, '(evil,side,); (,side,)'), ('v_mid', '', '(evil,side,); (,side,)'), ('v_evil', '', '(evil,side,); (,side,)'), ('v_none', '', ''),
    ('v_none', $$'z.pub.test'$$, 'P0002 zone "z.pub.test": not found')) AS v (who, what, want);
SELECT is(ask('v_acme', format('SELECT displaytext FROM csdns.undelegate_dns_zone(%L, %L, %L)', 'z.pub.test', 'evil', u('d', 4))),
    '("zone ""z.pub.test"" is no longer delegated to account ""evil""; ended with it: 0 associations with networks, 0 registered names")', 'what the domain''s delegation allows stays');
SELECT is(rr('z.pub.test'), 'ac1.z.pub.test A 192.0.2.4, e1.z.pub.test A 192.0.2.1, o1.z.pub.test A 192.0.2.3, www.z.pub.test A 192.0.2.2', 'all names are there');
UPDATE csdns.account SET removed = now() WHERE name = 'evil';
SELECT is(ask('v_acme', format('SELECT displaytext FROM csdns.undelegate_dns_zone(%L, domainid => %L)', 'z.pub.test', u('d', 4))),
    '("zone ""z.pub.test"" is no longer delegated to domain ""side""; ended with it: 2 associations with networks, 1 registered name")', 'the rest goes with that');
SELECT is(rr('z.pub.test'), 'ac1.z.pub.test A 192.0.2.4', 'the owner''s stay');
SELECT is(ask('v_acme', format('SELECT displaytext FROM csdns.undelegate_dns_zone(%L, %L, %L)', 'z.pub.test', 'evil', u('d', 4))), 'P0002 zone "z.pub.test": is not delegated to account "evil"', 'from a removed account');
-- a zone of a domain, and of nobody
SELECT ask('v_mid', $$SELECT name FROM csdns.create_dns_zone('m.pub.test', 'pub')$$);
SELECT is(ask('v_acme', format('SELECT network FROM csdns.associate_dns_zone_to_network(%L, %L)', 'm.pub.test', u('w', 4))), '42501 zone "m.pub.test": is not yours to change', 'a domain''s zone is not its accounts''');
SELECT is(ask('v_mid', format('SELECT account FROM csdns.delegate_dns_zone(%L, %L, %L)', 'm.pub.test', 'acme', u('d', 3))), '(acme)', 'until delegated');
SELECT is(ask('v_acme', format('SELECT name FROM csdns.register_dns_record_for_vm(%L, %L)', u('i', 4), 'm.pub.test')), '(ac1.m.pub.test)', 'then it may');
INSERT INTO domains (name, type) VALUES ('free.test', 'NATIVE');
SELECT is(ask('v_admin', format('SELECT dnszoneid, account FROM csdns.delegate_dns_zone(%L, %L, %L)', 'free.test', 'acme', u('d', 3))), '(,acme)', 'a zone that csdns did not make');
SELECT is(ask('v_acme', format('SELECT name FROM csdns.register_dns_record_for_vm(%L, %L)', u('i', 4), 'free.test')), '(ac1.free.test)', 'is usable too');
SELECT is(ask('v_admin', format('SELECT success FROM csdns.undelegate_dns_zone(%L, %L, %L)', 'free.test', 'acme', u('d', 3))), '(t)', 'taken back');
SELECT is(rr('free.test'), '', 'the name goes');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
