-- Secondary addresses: by option part of the names; with a PTR in any case.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.run(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE what;
    RETURN coalesce((SELECT string_agg(content, ' ' ORDER BY type, content) FROM records WHERE type IN ('A', 'AAAA') AND name = 'vm.a.test'), '') || '; '
        || coalesce((SELECT string_agg(split_part(name, '.', 1), ' ' ORDER BY name) FROM records WHERE type = 'PTR'), '');
END $$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('2.0.192.in-addr.arpa', 'NATIVE'), ('8.b.d.0.1.0.0.2.ip6.arpa', 'NATIVE');
INSERT INTO csdns.domain (uuid, name) VALUES (u('d', 1), 'ROOT');
INSERT INTO csdns.account (uuid, domain, name, network_domain) VALUES (u('a', 1), u('d', 1), 'acme', 'a.test');
INSERT INTO csdns.network (uuid) VALUES (u('w', 1)), (u('w', 2));
INSERT INTO csdns.instance (uuid, name, account, domain, "group") VALUES (u('i', 1), 'vm', u('a', 1), u('d', 1), 'www');
SELECT is(run($$INSERT INTO csdns.nic (uuid, instance, network, ip4, secondary) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1', '{192.0.2.5,2001:db8::b}')$$), '192.0.2.1; 1 5 b', 'off: a PTR all the same');
SELECT is(run($$UPDATE csdns.policy SET secondary_addresses = true$$), '192.0.2.1 192.0.2.5 2001:db8::b; 1 5 b', 'on');
SELECT is((SELECT count(*)::int FROM records WHERE name LIKE 'www-%'), 3, 'in names of groups too');
SELECT is(run($$UPDATE csdns.nic SET secondary = secondary || '192.0.2.6'::inet$$), '192.0.2.1 192.0.2.5 192.0.2.6 2001:db8::b; 1 5 6 b', 'one more');
SELECT is(run($$UPDATE csdns.nic SET secondary = '{192.0.2.6}'$$), '192.0.2.1 192.0.2.6; 1 6', 'fewer');
SELECT is(run($$UPDATE csdns.nic SET secondary = '{192.0.2.6,192.0.2.6,192.0.2.1}'$$), '192.0.2.1 192.0.2.6; 1 6', 'one that is there already');
SELECT is(run($$UPDATE csdns.nic SET ip4 = NULL$$), '192.0.2.1 192.0.2.6; 1 6', 'without a first one');
SELECT is(run($$INSERT INTO csdns.nic (uuid, instance, network, ip4, secondary) VALUES (u('n', 2), u('i', 1), u('w', 2), '192.0.2.8', '{192.0.2.9}');
    INSERT INTO csdns.policy (scope, secondary_addresses) VALUES (u('w', 1), false)$$), '192.0.2.8 192.0.2.9; 1 6 8 9', 'off for one network');
SELECT is(run($$INSERT INTO csdns.policy (scope, secondary_addresses) VALUES (u('a', 1), false)$$), '192.0.2.8; 1 6 8 9', 'off for the account');
SELECT is(run($$UPDATE csdns.policy SET secondary_addresses = true WHERE scope = u('w', 2)$$), '192.0.2.8; 1 6 8 9', 'no row, no change');
-- moved between instances: never at both
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 2), 'vm2', u('a', 1), u('d', 1));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 3), u('i', 2), u('w', 2), '192.0.2.10');
SELECT is(run($$UPDATE csdns.nic SET secondary = CASE uuid WHEN u('n', 3) THEN '{192.0.2.9}'::inet[] ELSE '{}' END$$), '192.0.2.8; 10 8 9', 'moved');
SELECT is((SELECT content FROM records WHERE name = '9.2.0.192.in-addr.arpa'), 'vm2.a.test', 'with its PTR');
SELECT is(run($$UPDATE csdns.nic SET secondary = '{192.0.2.9}' WHERE uuid = u('n', 2)$$), '192.0.2.8; 10 8 9', 'told of the new holder first');
SELECT is((SELECT content FROM records WHERE name = '9.2.0.192.in-addr.arpa'), 'vm2.a.test', 'who has it keeps it');
SELECT is(run($$UPDATE csdns.nic SET secondary = '{}' WHERE uuid = u('n', 3)$$), '192.0.2.8; 10 8 9', 'until it lets go');
SELECT is((SELECT content FROM records WHERE name = '9.2.0.192.in-addr.arpa'), 'vm.a.test', 'then it is the other''s');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT throws_ok($$UPDATE csdns.nic SET secondary = '{192.0.2.0/24}'$$, '23514', NULL, 'no networks');
SELECT throws_ok($$UPDATE csdns.nic SET secondary = ARRAY[NULL]::inet[]$$, '23514', NULL, 'nor nothing');
SELECT * FROM finish();
