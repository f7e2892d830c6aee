-- What has gone from the cloud: csdns.remove_*, and what comes back by upsert.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.names() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(r.name, ' ' ORDER BY r.name COLLATE "C"), '') FROM records r WHERE r.type IN ('A', 'PTR') $$;
INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'), ('113.0.203.in-addr.arpa', 'NATIVE');
-- ROOT (d1) > mid (d2) > leaf (d3); an account in each, an instance in each account
SELECT csdns.upsert_domain((SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('id', u('d', n), 'name', 'd' || n, 'parentdomainid', CASE WHEN n > 1 THEN u('d', n - 1) END,
    'networkdomain', CASE n WHEN 1 THEN 'a.test' END))) FROM generate_series(1, 3) n));
SELECT csdns.upsert_account((SELECT jsonb_agg(jsonb_build_object('id', u('a', n), 'name', 'acc' || n, 'domainid', u('d', n))) FROM generate_series(1, 3) n));
SELECT csdns.upsert_network((SELECT jsonb_agg(jsonb_build_object('id', u('w', n), 'name', 'net' || n, 'type', 'Isolated')) FROM generate_series(1, 3) n));
CREATE FUNCTION public.vm(n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', u('i', n), 'name', 'vm' || n, 'account', 'acc' || n, 'domainid', u('d', n), 'state', 'Running', 'nic', jsonb_build_array(
        jsonb_build_object('id', u('n', n), 'networkid', u('w', n), 'ipaddress', '203.0.113.' || n, 'isdefault', true))) $$;
SELECT csdns.upsert_instance((SELECT jsonb_agg(vm(n)) FROM generate_series(1, 3) n));
SELECT is(names(), '1.113.0.203.in-addr.arpa 2.113.0.203.in-addr.arpa 3.113.0.203.in-addr.arpa vm1.a.test vm2.a.test vm3.a.test', 'all there');

CREATE FUNCTION public.list(kind text, VARIADIC n int[]) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_agg(u(kind, k)) FROM unnest(n) k $$;
SELECT is(csdns.remove_instance(list('i', 1, 3)), 2, 'two instances');
SELECT is(names(), '2.113.0.203.in-addr.arpa vm2.a.test', 'names go with them');
SELECT is(csdns.remove_instance(list('i', 1, 3, 1)), 0, 'once');
SELECT is((SELECT string_agg(concat_ws(' ', name, removed IS NOT NULL), ', ' ORDER BY name) FROM csdns.instance), 'vm1 t, vm2 f, vm3 t', 'the rows stay');
SELECT is(csdns.upsert_instance(jsonb_build_array(vm(1), vm(2), vm(3))), 2, 'told again');
SELECT is(names(), '1.113.0.203.in-addr.arpa 2.113.0.203.in-addr.arpa 3.113.0.203.in-addr.arpa vm1.a.test vm2.a.test vm3.a.test', 'they are back');

SELECT throws_ok(format('SELECT csdns.remove_instance(%L)', list('i', 1, 8, 9)), 'P0002', NULL, 'unknown ones');
SELECT throws_like(format('SELECT csdns.remove_instance(%L)', list('i', 1, 8)), 'instance ' || u('i', 8) || ': not found', 'are named');
SELECT throws_like(format('SELECT csdns.remove_network(%L)', list('w', 9)), 'network ' || u('w', 9) || ': not found', 'for other kinds too');
SELECT is((SELECT count(*)::int FROM csdns.instance WHERE removed IS NOT NULL), 0, 'all or nothing');
SELECT is(csdns.remove_instance(list('i', 1, 8), unknown_ok => true), 1, 'or let pass');
SELECT is(csdns.remove_instance(to_jsonb(u('i', 2))), 1, 'one uuid');
SELECT is(csdns.remove_instance(jsonb_build_object('id', u('i', 3), 'name', 'vm3')), 1, 'one entity');
SELECT is(csdns.remove_instance('[]'), 0, 'none');
SELECT throws_ok('SELECT csdns.remove_instance(NULL)', '22023', 'instance to remove: ids are missing', 'NULL is not none');
SELECT throws_ok($$SELECT csdns.remove_instance('["x", 7, null, {}]')$$, '22023', 'instance "x": is not a uuid (and 3 more)', 'what is no uuid');
SELECT is(csdns.upsert_instance(jsonb_build_array(vm(1), vm(2), vm(3))), 3, 'all back');

-- what hangs on them
SELECT is(csdns.remove_network(list('w', 2)), 1, 'a network');
SELECT is(names(), '1.113.0.203.in-addr.arpa 3.113.0.203.in-addr.arpa vm1.a.test vm3.a.test', 'takes the names by its NICs');
SELECT is(csdns.upsert_instance(vm(2)), 0, 'an instance in it');
SELECT is(csdns.upsert_network(jsonb_build_object('id', u('w', 2), 'name', 'net2', 'type', 'Isolated')), 1, 'and back');
SELECT is(csdns.remove_account(list('a', 2)), 1, 'an account');
SELECT is(names(), '1.113.0.203.in-addr.arpa 3.113.0.203.in-addr.arpa vm1.a.test vm3.a.test', 'takes the names of its instances');
SELECT is((SELECT removed FROM csdns.instance WHERE uuid = u('i', 2)), NULL, 'which are not marked themselves');
SELECT is(csdns.upsert_account(jsonb_build_object('id', u('a', 2), 'name', 'acc2', 'domainid', u('d', 2))), 1, 'and back');
SELECT is(names(), '1.113.0.203.in-addr.arpa 2.113.0.203.in-addr.arpa 3.113.0.203.in-addr.arpa vm1.a.test vm2.a.test vm3.a.test', 'with its names');
SELECT is(csdns.remove_domain(list('d', 2)), 1, 'a domain');
SELECT is(names(), '1.113.0.203.in-addr.arpa vm1.a.test', 'takes those below with it');
SELECT is((SELECT count(*)::int FROM csdns.domain_policy), 1, 'and has no policy');
SELECT is(csdns.upsert_domain(jsonb_build_object('id', u('d', 2), 'name', 'd2', 'parentdomainid', u('d', 1))), 1, 'and back');
SELECT is(names(), '1.113.0.203.in-addr.arpa 2.113.0.203.in-addr.arpa 3.113.0.203.in-addr.arpa vm1.a.test vm2.a.test vm3.a.test', 'with all of them');
SELECT throws_ok(format('UPDATE csdns.domain SET parent = %L WHERE uuid = %L', u('d', 3), u('d', 2)), '23514', NULL, 'no circles');
SELECT csdns.remove_domain(list('d', 2));
SELECT throws_ok(format('UPDATE csdns.domain SET parent = %L WHERE uuid = %L', u('d', 3), u('d', 2)), '23514', NULL, 'not among the removed either');
SELECT csdns.upsert_domain(jsonb_build_object('id', u('d', 2), 'name', 'd2', 'parentdomainid', u('d', 1)));

-- an account of the same name comes after the removed one
SELECT csdns.remove_account(list('a', 3));
SELECT is(csdns.upsert_instance(vm(3)), 1, 'an instance of an account by the name of a removed one');
SELECT is((SELECT concat_ws(' ', a.uuid <> u('a', 3), a.placeholder) FROM csdns.instance i JOIN csdns.account a ON a.uuid = i.account WHERE i.uuid = u('i', 3)), 't t', 'is another''s');
SELECT csdns.remove_account((SELECT to_jsonb(account) FROM csdns.instance WHERE uuid = u('i', 3)));
SELECT is(csdns.upsert_instance(vm(3)), 0, 'a removed placeholder that is told of again');
SELECT is(names(), '1.113.0.203.in-addr.arpa 2.113.0.203.in-addr.arpa 3.113.0.203.in-addr.arpa vm1.a.test vm2.a.test vm3.a.test', 'is there again');

-- addresses
SELECT csdns.upsert_public_address(jsonb_build_object('id', u('p', 1), 'ipaddress', '198.51.100.1', 'associatednetworkid', u('w', 1), 'account', 'acc1', 'domainid', u('d', 1),
    'isstaticnat', true, 'virtualmachineid', u('i', 1), 'vmipaddress', '203.0.113.1'));
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM records WHERE content = '198.51.100.1'), '*.public-ip-198-51-100-1.a.test public-ip-198-51-100-1.a.test vm1.a.test', 'a public address');
SELECT is(csdns.remove_public_address(list('p', 1)), 1, 'released');
SELECT is((SELECT string_agg(content, ' ') FROM records WHERE name LIKE 'vm1%' OR content LIKE '198%'), '203.0.113.1', 'the inner one again');
SELECT csdns.upsert_floating_address(jsonb_build_object('id', u('f', 1), 'name', 'db', 'ipaddress', '203.0.113.99', 'account', 'acc1', 'domainid', u('d', 1)));
SELECT is((SELECT content FROM records WHERE name = 'db.a.test'), '203.0.113.99', 'a floating address');
SELECT is(csdns.remove_floating_address(list('f', 1)), 1, 'removed');
SELECT is((SELECT count(*)::int FROM records WHERE name = 'db.a.test' OR content = 'db.a.test'), 0, 'has no name');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT is((SELECT count(*)::int FROM csdns.reconcile()), 0, 'nothing to reconcile');

-- many at once
SELECT csdns.upsert_instance((SELECT jsonb_agg(vm(1) || jsonb_build_object('id', u('i', n), 'name', 'vm' || n, 'nic', jsonb_build_array(
    jsonb_build_object('id', u('n', n), 'networkid', u('w', 1), 'ipaddress', host('10.0.0.0'::inet + n))))) FROM generate_series(100, 1599) n));
SELECT version AS v FROM csdns.head() \gset
SELECT is(csdns.remove_instance((SELECT jsonb_agg(u('i', n)) FROM generate_series(100, 1599) n)), 1500, '1500 at once');
SELECT is((SELECT version FROM csdns.head()) - :v, 1::bigint, 'are one version');
SELECT is((SELECT count(*)::int FROM records WHERE content LIKE '10.%'), 0, 'gone');
SELECT * FROM finish();
