-- JSON of the wrong shape: an error that names the entity and what is wrong, never one about casts; nothing is stored.
SELECT no_plan();
CREATE FUNCTION public.u(kind text, n int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT md5(kind || n)::uuid $$;
CREATE FUNCTION public.fault(what text, told jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT csdns.%s($1)', what) USING told;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- an entity that is in order, with more keys
CREATE FUNCTION public.good(what text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', u('x', 1), 'name', 'x1', 'domainid', u('d', 1), 'account', 'acme') || CASE what
               WHEN 'upsert_domain' THEN '{}'
               WHEN 'upsert_public_address' THEN jsonb_build_object('ipaddress', '192.0.2.1', 'associatednetworkid', u('w', 1))
               ELSE '{}' END || more $$;
CREATE FUNCTION public.nic(more jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('nic', jsonb_build_array(jsonb_build_object('id', u('n', 1), 'networkid', u('w', 1)) || more)) $$;

SELECT is(fault(what, '[]'), 'ok', what || ': none') FROM unnest(ARRAY['upsert_domain', 'upsert_account', 'upsert_network', 'upsert_instance', 'upsert_public_address', 'upsert_floating_address']) AS what;

-- whatever a key holds, all kinds of entities refuse it or take it, but say so in words
CREATE TABLE public.odd (name text, value jsonb);
INSERT INTO odd VALUES ('null', 'null'), ('number', '7'), ('huge number', '1e300'), ('fraction', '-0.5'), ('true', 'true'), ('empty', '""'), ('blank', '" "'),
    ('text', '"x y"'), ('dots', '"..."'), ('quote', '"\"''\\"'), ('line', '"a\nb"'), ('control', '"\u0001"'), ('non-ASCII', '"größe"'), ('array', '[]'), ('nested array', '[[[["x"]]]]'),
    ('array of null', '[null]'), ('array of numbers', '[1, 2]'), ('array of objects', '[{}]'), ('object', '{}'), ('nested object', '{"a": {"b": [1]}}'),
    ('a megabyte', to_jsonb(repeat('x', 1048576))), ('a megabyte of what does not compress', to_jsonb((SELECT string_agg(md5(g::text), '') FROM generate_series(1, 32768) g))),
    ('date', '"2024-02-30"'), ('uuid in braces', '"{00000000-0000-0000-0000-000000000001}"'),
    ('uuid without hyphens', '"00000000000000000000000000000001"'), ('network', '"192.0.2.0/24"'), ('zone index', '"fe80::1%eth0"');
CREATE TABLE public.tried AS
    SELECT what, key, o.name, fault('upsert_' || what, good('upsert_' || what, jsonb_build_object(key, o.value))) AS said
      FROM (VALUES ('domain', '{id,name,path,parentdomainid,networkdomain,parentdomainname}'::text[]),
                   ('account', '{id,name,domainid,networkdomain,domain,state}'),
                   ('network', '{id,name,type,vpcid,account,accountid,projectid,project,domainid,domain,networkdomain,state}'),
                   ('instance', '{id,name,displayname,group,state,account,accountid,project,projectid,domainid,domain,created,nic}'),
                   ('public_address', '{id,ipaddress,associatednetworkid,vpcid,account,accountid,project,projectid,domainid,domain,isstaticnat,virtualmachineid,vmipaddress,issourcenat,state}'),
                   ('floating_address', '{id,name,ipaddress,networkid,account,accountid,project,projectid,domainid,domain,mode,virtualmachineids}')) AS k (what, keys),
           unnest(keys) AS key, odd o;
INSERT INTO tried SELECT 'instance', 'nic.' || key, o.name, fault('upsert_instance', good('upsert_instance', nic(jsonb_build_object(key, o.value))))
    FROM unnest('{id,networkid,ipaddress,ip6address,isdefault,secondaryip}'::text[]) AS key, odd o;
INSERT INTO tried SELECT 'instance', 'nic.secondaryip.ipaddress', o.name, fault('upsert_instance', good('upsert_instance', nic(jsonb_build_object('secondaryip', jsonb_build_array(jsonb_build_object('ipaddress', o.value))))))
    FROM odd o;
INSERT INTO tried SELECT what, 'entity', o.name, fault(what, o.value)
    FROM unnest(ARRAY['upsert_domain', 'upsert_account', 'upsert_network', 'upsert_instance', 'upsert_public_address', 'upsert_floating_address',
                      'remove_domain', 'remove_account', 'remove_network', 'remove_instance', 'remove_public_address', 'remove_floating_address']) AS what, odd o;
SELECT cmp_ok((SELECT count(*)::int FROM tried), '>', 1500, 'many are tried');
SELECT cmp_ok((SELECT count(*)::int FROM tried WHERE said <> 'ok'), '>', 900, 'most are refused');
SELECT is_empty($$SELECT what, key, name, left(said, 120) FROM tried WHERE said <> 'ok' AND said !~ '^(22023|P0002) '$$, 'none with an error of PostgreSQL''s own');
SELECT is_empty($$SELECT what, key, name, left(said, 120) FROM tried
                   WHERE said ~ 'syntax|invalid|cast|type|constraint|relation|null value|argument' AND said !~ 'type ".*" is not Shared'$$, 'nor with its words');
SELECT is_empty($$SELECT what, key, name, length(said) FROM tried WHERE length(said) > 500$$, 'nor with a megabyte of them');
SELECT is_empty($$SELECT what, key, name, said FROM tried WHERE said <> 'ok' AND key <> 'entity' AND key <> 'id' AND strpos(said, u('x', 1)::text) = 0$$, 'each names the entity');

-- what is said
SELECT is(fault(what, told), want, want) FROM (VALUES
    ('upsert_instance', '{"listvirtualmachinesresponse": {"errorcode": 431, "errortext": "no"}}'::jsonb,
        '22023 virtualmachine: the answer is an error: {"errorcode": 431, "errortext": "no"}'),
    ('upsert_instance', '{"listvirtualmachinesresponse": 7}', '22023 virtualmachine: not an object or an array of objects but number'),
    ('upsert_instance', '{"virtualmachine": null}', '22023 virtualmachine: not an object or an array of objects but null'),
    ('upsert_instance', good('i', '{"nic": [7]}'), format('22023 instance %s ("x1"): nic is not an array of objects', u('x', 1))),
    ('upsert_instance', good('i', nic('{"isdefault": 1}')), format('22023 instance %s ("x1"): nic %s: isdefault "1" is neither true nor false', u('x', 1), u('n', 1))),
    ('upsert_instance', good('i', '{"created": "2024-02-30T00:00:00+0000"}'), format('22023 instance %s ("x1"): created "2024-02-30T00:00:00+0000" is not a time', u('x', 1))),
    ('upsert_instance', jsonb_build_array(good('i'), good('i', '{"name": "x2"}')), format('22023 instance %s ("x1"): is there twice (and 1 more)', u('x', 1))),
    ('upsert_domain', good('d', jsonb_build_object('parentdomainid', upper(u('x', 1)::text))), format('22023 domain %s ("x1"): is below itself', u('x', 1))),
    ('upsert_floating_address', good('f', '{"mode": "both"}'), format('22023 floating address %s ("x1"): mode "both" is not address or members', u('x', 1))),
    ('upsert_floating_address', good('f', '{"virtualmachineids": ["x"]}'), format('22023 floating address %s ("x1"): virtualmachineids has what is not a uuid', u('x', 1))),
    ('upsert_public_address', good('upsert_public_address', '{"isstaticnat": true}') - 'account', format('22023 public address %s ("192.0.2.1"): account or domainid is missing', u('x', 1)))
  ) AS v (what, told, want);
SELECT is((SELECT count(*)::int FROM csdns.instance WHERE uuid = u('x', 2)), 0, 'nothing is stored');

-- a NUL never gets as far as that
SELECT throws_ok($$SELECT csdns.upsert_instance('{"name": "a\u0000b"}')$$, '22P05', NULL, 'a NUL is no JSON for PostgreSQL');

-- addresses in all spellings: canonical or refused
CREATE FUNCTION public.spelt(address text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    said text := fault('upsert_instance', good('i', nic(jsonb_build_object(CASE WHEN address LIKE '%:%' THEN 'ip6address' ELSE 'ipaddress' END, address))));
BEGIN
    RETURN CASE said WHEN 'ok' THEN (SELECT csdns.address_text(coalesce(n.ip4, n.ip6)) FROM csdns.nic n WHERE n.uuid = u('n', 1)) ELSE 'refused' END;
END $$;
SELECT is(spelt(address), want, address) FROM (VALUES
    ('192.0.2.1', '192.0.2.1'), ('0.0.0.0', '0.0.0.0'), ('255.255.255.255', '255.255.255.255'),
    ('192.0.2.01', 'refused'), ('192.000.2.1', 'refused'), ('0300.0.2.1', 'refused'), ('0x7f.1', 'refused'), ('127.1', 'refused'), ('192.0.2.1/32', 'refused'), ('192.0.2.1 ', 'refused'), ('192.0.2.256', 'refused'),
    ('2001:DB8::A', '2001:db8::a'), ('2001:0db8:0000:0000:0000:0000:0000:000a', '2001:db8::a'), ('2001:db8:0:0:0::a', '2001:db8::a'), ('::', '::'), ('::1', '::1'), ('1::', '1::'),
    ('2001:db8:0:1:0:0:0:1', '2001:db8:0:1::1'), ('2001:db8::1:0:0:1', '2001:db8::1:0:0:1'),
    ('::ffff:192.0.2.1', '0000:0000:0000:0000:0000:ffff:c000:0201'), ('::FFFF:c000:201', '0000:0000:0000:0000:0000:ffff:c000:0201'),
    ('2001:db8::1/128', 'refused'), ('2001:db8::1/64', 'refused'), ('fe80::1%eth0', 'refused'), ('[2001:db8::1]', 'refused'), ('2001:db8:::1', 'refused'), ('2001:db8::1::2', 'refused'),
    ('1:2:3:4:5:6:7', 'refused'), ('1:2:3:4:5:6:7:8:9', 'refused'), ('1:2:3:4:5:6:7::8:9', 'refused'), ('2001:db8::12345', 'refused'), ('2001:db8::g', 'refused'), ('::ffff:192.0.2.01', 'refused')
  ) AS v (address, want);
SELECT * FROM finish();
