-- Association of zones with networks: who may, one zone a network, a subdomain is one network's, names at once.
\ir verb.inc
INSERT INTO csdns.dns_server (name, name_servers, is_public, public_suffix) VALUES ('pub', '{ns1.test}', true, 'pub.test');
INSERT INTO csdns.network (uuid, name, type, account, domain) VALUES (u('w', 1), 'net1', 'shared', u('a', 1), u('d', 3)), (u('w', 2), 'net2', 'isolated', u('a', 1), u('d', 3)), (u('w', 3), 'net3', 'l2', u('a', 1), u('d', 3)),
    (u('w', 4), 'tier', 'vpc', u('a', 1), u('d', 3)), (u('w', 5), 'evils', 'isolated', u('a', 2), u('d', 4)), (u('w', 6), 'mids', 'shared', NULL, u('d', 2)), (u('w', 7), NULL, 'shared', NULL, NULL),
    (u('w', 8), 'gone', 'isolated', u('a', 1), u('d', 3));
INSERT INTO csdns.instance (uuid, name, account, domain) SELECT u('i', n), 'vm' || n, u('a', 1), u('d', 3) FROM generate_series(1, 4) AS n;
INSERT INTO csdns.nic (uuid, instance, network, ip4, ip6) SELECT u('n', n), u('i', n), u('w', 1), '192.0.2.0'::inet + n, '2001:db8::'::inet + n FROM generate_series(1, 3) AS n;
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 4), u('i', 4), u('w', 2), '192.0.2.4'), (u('n', 5), u('i', 1), u('w', 2), '192.0.2.5');
UPDATE csdns.network SET removed = now() WHERE uuid = u('w', 8);
SELECT ask('v_acme', $$SELECT name FROM csdns.create_dns_zone('a.pub.test', 'pub')$$), ask('v_evil', $$SELECT name FROM csdns.create_dns_zone('e.pub.test', 'pub')$$),
       ask('v_mid', $$SELECT name FROM csdns.create_dns_zone('m.pub.test', 'pub')$$);
INSERT INTO records (domain_id, name, type, content) VALUES (id('a.pub.test'), 'vm3.a.pub.test', 'CNAME', 'elsewhere.test');

CREATE FUNCTION public.associate(who text, zone text, network uuid, subdomain text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT ask(who, format('SELECT dnszonename, network, subdomain, instances, collisions FROM csdns.associate_dns_zone_to_network(%L, %L, %L)', zone, network, subdomain)) $$;
SELECT is(associate(who, zone, u('w', net), sub), want, format('%s: %s to %s: %s', who, zone, net, want)) FROM (VALUES
    ('v_evil', 'e.pub.test', 1, NULL, format('P0002 network %s: not found', u('w', 1))),
    ('v_evil', 'a.pub.test', 5, NULL, 'P0002 zone "a.pub.test": not found'),
    ('v_none', 'a.pub.test', 1, NULL, format('P0002 network %s: not found', u('w', 1))),
    ('v_acme', 'a.pub.test', 9, NULL, format('P0002 network %s: not found', u('w', 9))),
    ('v_acme', 'a.pub.test', 8, NULL, format('P0002 network %s: not found', u('w', 8))),
    ('v_acme', 'a.pub.test', 7, NULL, format('P0002 network %s: not found', u('w', 7))),
    ('v_acme', 'absent.test', 1, NULL, 'P0002 zone "absent.test": not found'),
    ('v_acme', 'm.pub.test', 1, NULL, '42501 zone "m.pub.test": is not yours to change'),
    ('v_acme', '', 1, NULL, '22023 zone is missing'),
    ('v_acme', 'a.pub.test', 1, 'a b', '22023 subdomain "a b": has a space'),
    ('v_acme', 'a.pub.test', 1, '_a', '22023 subdomain "_a": has an underscore'),
    ('v_acme', 'a.pub.test', 1, '*', '22023 subdomain "*": has a wildcard'),
    ('v_acme', 'a.pub.test', 1, 'a..b', '22023 subdomain "a..b": has an empty label'),
    ('v_acme', 'a.pub.test', 1, repeat('a.', 121) || 'a', '22023 subdomain "' || repeat('a.', 121) || 'a": leaves no room for host names in zone "a.pub.test"')
  ) AS v (who, zone, net, sub, want);
SELECT is(ask('v_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('a.pub.test', 'net1')$$), '22023 networkid "net1": not a uuid', 'not a uuid');
SELECT is(ask('v_acme', $$SELECT * FROM csdns.associate_dns_zone_to_network('a.pub.test', NULL)$$), '22023 networkid is missing', 'no network');
SELECT is(rr('a.pub.test'), 'vm3.a.pub.test CNAME elsewhere.test', 'no names yet');

SELECT is(associate('v_acme', 'A.pub.test.', u('w', 1)), '(a.pub.test,net1,,2,1)', 'instances that are there have names, one collides');
SELECT is(rr('a.pub.test'), 'vm1.a.pub.test A 192.0.2.1, vm1.a.pub.test AAAA 2001:db8::1, vm2.a.pub.test A 192.0.2.2, vm2.a.pub.test AAAA 2001:db8::2, vm3.a.pub.test CNAME elsewhere.test', 'at once');
SELECT version AS v FROM csdns.head() \gset
SELECT is(associate('v_acme', 'a.pub.test', u('w', 1), ' '), '(a.pub.test,net1,,2,1)', 'the same again');
SELECT is((SELECT version FROM csdns.head()), :v::bigint, 'changes nothing');
SELECT is(associate('v_acme', 'a.pub.test', u('w', 1), 'x'), '23505 network "net1": has zone "a.pub.test" already', 'one zone a network');
SELECT is(associate('v_admin', 'e.pub.test', u('w', 1)), '23505 network "net1": has zone "a.pub.test" already', 'for everybody');
SELECT is(associate('v_acme', 'a.pub.test', u('w', 2), 'Isolated.Nets.'), '(a.pub.test,net2,isolated.nets,2,0)', 'another network, isolated, with a subdomain');
SELECT is(associate('v_acme', 'a.pub.test', u('w', 2)), '23505 network "net2": has zone "a.pub.test" with subdomain "isolated.nets" already', 'and without');
SELECT is(associate('v_acme', 'a.pub.test', u('w', 3), 'isolated.nets'), format('23505 network %s: network "net2" has subdomain "isolated.nets" of zone "a.pub.test" already', u('w', 3)), 'a subdomain is one network''s');
SELECT throws_ok(format('INSERT INTO csdns.network_zone VALUES (%L, %s, %L)', u('w', 3), id('a.pub.test'), 'isolated.nets'), '23505', NULL, 'for plain SQL, too');
SELECT throws_ok(format('UPDATE csdns.network_zone SET subdomain = %L WHERE network = %L', 'isolated.nets', u('w', 1)), '23505', NULL, 'and changes by it');
SELECT is(associate('v_acme', 'a.pub.test', u('w', 3)), '(a.pub.test,net3,,0,0)', 'several without subdomain; l2');
SELECT is(associate('v_mid', 'a.pub.test', u('w', 4), 'tier'), '(a.pub.test,tier,tier,0,0)', 'a tier, by the domain''s tenant');
SELECT is(associate('v_mid', 'm.pub.test', u('w', 6)), '(m.pub.test,mids,,0,0)', 'a domain''s network');
SELECT is(associate('v_admin', 'm.pub.test', u('w', 7), 'all'), '(m.pub.test,,all,0,0)', 'everybody''s network, by the administrator');

SELECT is(ask(who, 'SELECT dnszonename, network FROM csdns.list_dns_zone_networks(' || what || ')'), want, format('%s: %s: %s', who, what, want)) FROM (VALUES
    ('v_acme', '', '(a.pub.test,net1); (a.pub.test,net3); (a.pub.test,net2); (a.pub.test,tier)'), ('v_evil', '', ''), ('v_evil', $$'a.pub.test'$$, 'P0002 zone "a.pub.test": not found'),
    ('v_acme', $$'m.pub.test'$$, ''), ('v_mid', $$'m.pub.test'$$, '(m.pub.test,mids); (m.pub.test,)'), ('v_admin', $$networkid => u('w', 6)::text$$, '(m.pub.test,mids)'),
    ('v_evil', $$networkid => u('w', 1)::text$$, ''), ('v_acme', $$networkid => 'x'$$, '22023 networkid "x": not a uuid')) AS v (who, what, want);

SELECT is(ask(who, format('SELECT success, displaytext FROM csdns.disassociate_dns_zone_from_network(%L)', u('w', net))), want, format('%s: %s', net, want)) FROM (VALUES
    ('v_evil', 1, format('P0002 network %s: not found', u('w', 1))), ('v_acme', 7, format('P0002 network %s: not found', u('w', 7))), ('v_evil', 5, 'P0002 network "evils": has no zone'),
    ('v_acme', 1, '(t,"network ""net1"" no longer uses zone ""a.pub.test""; 2 instances had names there")'), ('v_acme', 1, 'P0002 network "net1": has no zone')) AS v (who, net, want);
SELECT is(rr('a.pub.test'), 'vm1.isolated.nets.a.pub.test A 192.0.2.5, vm3.a.pub.test CNAME elsewhere.test, vm4.isolated.nets.a.pub.test A 192.0.2.4', 'its names are gone, others'' stay');
SELECT is((SELECT count(*)::int FROM csdns.collision), 0, 'nobody waits');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
