-- Facts from JSON in the shape of CloudStack's API.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.zone(zone text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s %s', CASE WHEN r.name = d.name THEN '@' ELSE left(r.name, -length(d.name) - 1) END, r.type, r.content), ', '
                               ORDER BY r.name COLLATE "C", r.type, r.content COLLATE "C"), '')
      FROM domains d JOIN records r ON r.domain_id = d.id WHERE d.name = zone AND r.type NOT IN ('SOA', 'NS') $$;
CREATE FUNCTION public.vm(n int, more jsonb DEFAULT '{}', nic jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', u('i', n), 'name', 'vm' || n, 'account', 'acme', 'domainid', u('d', 1), 'domain', 'ROOT', 'state', 'Running',
        'templatename', 'ignored', 'created', '2024-01-31T10:00:00+0100',
        'nic', jsonb_build_array(jsonb_build_object('id', u('n', n), 'networkid', u('w', 1), 'ipaddress', '192.0.2.' || n, 'isdefault', true,
                                                    'ip6address', '2001:db8::' || n, 'macaddress', 'ignored') || nic)) || more $$;

INSERT INTO domains (name, type) VALUES ('acme.test', 'NATIVE'), ('2.0.192.in-addr.arpa', 'NATIVE');

-- everything in the wrong order: instances first
SELECT is(csdns.upsert_instance(jsonb_build_array(vm(1), vm(2))), 2, 'an array');
SELECT is(zone('acme.test'), '', 'no zone yet');
SELECT is((SELECT count(*)::int FROM (SELECT placeholder FROM csdns.domain UNION ALL SELECT placeholder FROM csdns.account
    UNION ALL SELECT placeholder FROM csdns.network) AS p WHERE placeholder), 3, 'placeholders for domain, account, network');
SELECT is(csdns.upsert_account(jsonb_build_object('id', u('a', 1), 'name', 'acme', 'domainid', u('d', 1), 'networkdomain', 'Acme.test')), 1, 'one object');
SELECT is(zone('acme.test'), 'vm1 A 192.0.2.1, vm1 AAAA 2001:db8::1, vm2 A 192.0.2.2, vm2 AAAA 2001:db8::2', 'the placeholder turned into the account');
SELECT is(csdns.upsert_network(jsonb_build_object('listnetworksresponse', jsonb_build_object('count', 1, 'network', jsonb_build_array(
    jsonb_build_object('id', u('w', 1), 'name', 'net', 'type', 'Isolated', 'account', 'acme', 'domainid', u('d', 1)))))), 1, 'an answer');
SELECT is(csdns.upsert_domain(jsonb_build_array(jsonb_build_object('id', u('d', 1), 'name', 'ROOT', 'path', 'ROOT'))), 1, 'a domain');
SELECT is((SELECT string_agg(concat_ws(' ', a.name, w.type, d.name, a.placeholder, w.placeholder, d.placeholder), ', ')
    FROM csdns.account a, csdns.network w, csdns.domain d), 'acme isolated ROOT f f f', 'no placeholders any more');
SELECT is((SELECT count(*)::int FROM csdns.account), 1, 'one account');

SELECT version AS v FROM csdns.head() \gset
SELECT is(csdns.upsert_instance(jsonb_build_array(vm(1), vm(2))), 0, 'the same again changes nothing');
SELECT is(csdns.upsert_instance('{"listvirtualmachinesresponse": {}}') + csdns.upsert_instance('[]') + csdns.upsert_instance('{"virtualmachine": []}'), 0, 'empty pages');
SELECT is((SELECT version FROM csdns.head()), :v::bigint, 'and makes no version');
SELECT is(csdns.upsert_instance(jsonb_build_array(vm(1), vm(2, '{}', '{"ipaddress": "192.0.2.22"}'))), 1, 'one of two changed');
SELECT is(csdns.upsert_instance(vm(1) - 'nic'), 0, 'without nic the NICs stay');
SELECT is(csdns.upsert_instance(vm(1, '{"nic": []}')), 1, 'an empty nic removes them');
SELECT is(zone('acme.test'), 'vm2 A 192.0.2.22, vm2 AAAA 2001:db8::2', 'with the names');
SELECT is(csdns.upsert_instance(vm(1, '{"state": "Stopped"}', '{"secondaryip": [{"id": "x", "ipaddress": "192.0.2.100"}]}')), 1, 'back with another address');
SELECT is((SELECT secondary::text FROM csdns.nic WHERE uuid = u('n', 1)), '{192.0.2.100}', 'secondary address');
SELECT is(csdns.upsert_instance(vm(2, '{"state": "Destroyed"}')), 1, 'destroyed');
SELECT is(zone('acme.test'), 'vm1 A 192.0.2.1, vm1 AAAA 2001:db8::1', 'has no name');
SELECT is(csdns.upsert_instance(vm(3, jsonb_build_object('projectid', u('p', 1), 'project', 'moon') - 'account')), 1, 'of a project');
SELECT is((SELECT concat_ws(' ', a.uuid = u('p', 1), a.name, a.is_project) FROM csdns.instance i JOIN csdns.account a ON a.uuid = i.account WHERE i.name = 'vm3'),
    't moon t', 'is the project''s');
SELECT is(csdns.upsert_instance(vm(3, '{"domainid": null}') || jsonb_build_object('domainid', u('d', 2), 'account', 'other')), 1, 'moved to an account in an unknown domain');

-- all or nothing
CREATE FUNCTION public.fault(what text, told jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT csdns.upsert_%s($1)', what) USING told;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || replace(replace(replace(SQLERRM, u('i', 1)::text, 'I1'), u('i', 4)::text, 'I4'), u('n', 4)::text, 'N4');
END $$;
SELECT is(fault(what, told), want, want) FROM (VALUES
    ('instance', vm(4, '{"name": "my vm"}'), '22023 instance I4 ("my vm"): name has a space'),
    ('instance', vm(4, '{"name": "my_vm"}'), '22023 instance I4 ("my_vm"): name has an underscore'),
    ('instance', vm(4, '{"name": "größe"}'), '22023 instance I4 ("größe"): name has characters outside of ASCII; an international name is given in its ASCII form (xn--...)'),
    ('instance', vm(4, '{"name": ""}'), '22023 instance I4 (""): name is empty'),
    ('instance', vm(4, '{"name": "a.b"}'), '22023 instance I4 ("a.b"): name has a dot'),
    ('instance', vm(4, '{"name": "-a"}'), '22023 instance I4 ("-a"): name has a label that starts or ends with a hyphen'),
    ('instance', '{"listnetworksresponse": {"count": 1, "network": [{"id": "x"}]}}', '22023 virtualmachine: the answer has none but network'),
    ('instance', vm(4) - 'name', '22023 instance I4 (""): name is missing'),
    ('instance', vm(4, jsonb_build_object('name', repeat('x', 64))), '22023 instance I4 ("' || repeat('x', 64) || '"): name has a label longer than 63 octets'),
    ('instance', vm(4, '{"id": "42"}'), '22023 instance 42 ("vm4"): id is not a uuid'),
    ('instance', vm(4) - 'id', '22023 instance without id ("vm4"): id is not a uuid'),
    ('instance', vm(4) - 'domainid', '22023 instance I4 ("vm4"): domainid is missing'),
    ('instance', vm(4) - 'account', '22023 instance I4 ("vm4"): account is missing'),
    ('instance', vm(4, '{"nic": 7}'), '22023 instance I4 ("vm4"): nic is not an array'),
    ('instance', vm(4, '{}', '{"ipaddress": "192.0.2.256"}'), '22023 instance I4 ("vm4"): nic N4: ipaddress "192.0.2.256" is not an IPv4 address'),
    ('instance', vm(4, '{}', '{"ip6address": "192.0.2.2"}'), '22023 instance I4 ("vm4"): nic N4: ip6address "192.0.2.2" is not an IPv6 address'),
    ('instance', vm(4, '{}', '{"networkid": "x"}'), '22023 instance I4 ("vm4"): nic N4: networkid "x" is not a uuid'),
    ('instance', vm(4, '{}', '{"secondaryip": [{"ipaddress": "x"}]}'), '22023 instance I4 ("vm4"): nic N4: secondaryip has what is not an address'),
    ('instance', jsonb_build_array(vm(1), vm(1)), '22023 instance I1 ("vm1"): is there twice (and 3 more)'),
    ('instance', '7', '22023 virtualmachine: not an object or an array of objects but number'),
    ('instance', '[{}, 7, "x"]', '22023 virtualmachine: not objects: number 2 is number, number 3 is string'),
    ('instance', NULL, '22023 virtualmachine: not an object or an array of objects but NULL'),
    ('account', '{"id": "x"}', '22023 account x (""): id is not a uuid'),
    ('network', jsonb_build_object('id', u('w', 9), 'type', 'Odd'), '22023 network ' || u('w', 9) || ' (""): type "Odd" is not Shared, Isolated or L2'),
    ('domain', jsonb_build_object('id', u('d', 9), 'networkdomain', 'a b'), '22023 domain ' || u('d', 9) || ' (""): networkdomain "a b" is not a domain name'),
    ('public_address', jsonb_build_object('id', u('p', 9), 'ipaddress', '1.2.3'), '22023 public address ' || u('p', 9) || ' ("1.2.3"): ipaddress "1.2.3" is not an address')
  ) AS v (what, told, want);
SELECT throws_like($$SELECT csdns.upsert_instance((SELECT jsonb_agg(vm(n, CASE n WHEN 77 THEN '{"name": "a b"}' ELSE '{}' END::jsonb)) FROM generate_series(10, 200) n))$$,
    '%("a b"): name has a space', 'a page with one bad entity');
SELECT is((SELECT count(*)::int FROM csdns.instance), 3, 'nothing of it is stored');
SELECT throws_ok(format('INSERT INTO csdns.nic (uuid, instance, network) VALUES (%L, %L, %L)', u('n', 9), u('i', 1), u('w', 9)), '23503', NULL, 'by hand a reference must be there');
SELECT throws_ok(format('UPDATE csdns.domain SET parent = %L WHERE uuid = %L; UPDATE csdns.domain SET parent = %L WHERE uuid = %L', u('d', 2), u('d', 1), u('d', 1), u('d', 2)),
    '23514', NULL, 'a domain below itself');

-- states as the API tells them: which mean names, and which once names are removed on stop
CREATE FUNCTION public.named(n int, state text, how text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE csdns.policy SET on_stop = how WHERE on_stop <> how;
    PERFORM csdns.upsert_instance(vm(n, jsonb_strip_nulls(jsonb_build_object('state', state)) - CASE WHEN state IS NULL THEN 'state' ELSE '' END));
    RETURN EXISTS (SELECT FROM records WHERE name = 'vm' || n || '.acme.test');
END $$;
SELECT is(concat_ws(' ', named(5, state, 'keep'), named(5, state, 'remove')), want, concat_ws(' ', 'state', state)) FROM (VALUES
    ('Running', 't t'), ('Starting', 't t'), ('Stopping', 't t'), ('Migrating', 't t'), ('Unknown', 't t'), ('Stopped', 't f'), ('Shutdown', 't f'), ('Restoring', 't f'),
    ('Destroyed', 'f f'), ('Expunging', 'f f'), ('Expunged', 'f f'), ('Error', 'f f'), ('Whatever', 'f f'), ('', 'f f')) AS v (state, want);
UPDATE csdns.policy SET on_stop = 'keep';
SELECT is((SELECT removed FROM csdns.instance WHERE uuid = u('i', 5)), NULL, 'no state marks it as removed');
SELECT csdns.upsert_instance(vm(5)), csdns.remove_instance(to_jsonb(u('i', 5)));
SELECT is(csdns.upsert_instance(vm(5, '{"state": "Expunging"}')) || ' ' || (SELECT count(*) FROM records WHERE name LIKE 'vm5.%'), '1 0', 'a late answer does not bring it back');

-- public addresses
SELECT is(csdns.upsert_public_address(jsonb_build_object('id', u('x', 1), 'ipaddress', '203.0.113.1', 'associatednetworkid', u('w', 1), 'account', 'acme',
    'domainid', u('d', 1), 'isstaticnat', true, 'virtualmachineid', u('i', 1), 'vmipaddress', '192.0.2.1', 'issourcenat', false, 'state', 'Allocated')), 1, 'a public address');
SELECT is(zone('acme.test'), '*.public-ip-203-0-113-1 A 203.0.113.1, public-ip-203-0-113-1 A 203.0.113.1, vm1 A 203.0.113.1, vm1 AAAA 2001:db8::1', 'has names');
SELECT is(csdns.upsert_public_address(jsonb_build_object('publicipaddress', jsonb_build_array(jsonb_build_object('id', u('x', 2), 'ipaddress', '203.0.113.2', 'associatednetworkid', u('w', 1), 'account', 'acme',
    'domainid', u('d', 1), 'isstaticnat', true, 'virtualmachineid', u('i', 77), 'state', 'Allocated')))), 1, 'of an instance that is not there yet');
SELECT is((SELECT placeholder FROM csdns.instance WHERE uuid = u('i', 77)), true, 'makes a placeholder');
SELECT * FROM finish();
