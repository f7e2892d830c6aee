-- Verbs for records: names, contents, types, TTLs; what is there already; what rules made; tenants.
\ir verb.inc

-- names
SELECT is(csdns.absolute_name(name, 'z.test'), want, format('name "%s" in z.test', name)) FROM (VALUES
    ('@', 'z.test'), ('', 'z.test'), ('  ', 'z.test'), ('www', 'www.z.test'), ('WWW.Z.Test', 'www.z.test'), ('z.test', 'z.test'), ('z.test.', 'z.test'),
    ('a.b', 'a.b.z.test'), ('a.b.', 'a.b'), ('az.test', 'az.test.z.test'), ('*', '*.z.test'), ('*.a', '*.a.z.test'), ('_sip._tcp', '_sip._tcp.z.test'),
    ('a\.', 'a\..z.test'), ('a\046', 'a\..z.test'), ('\087ww', 'www.z.test'), ('a\ b', 'a\032b.z.test'), ('\w', 'w.z.test'), ('\\', '\\.z.test'),
    ('a\000', 'a\000.z.test'), ('\z.test', 'z.test'), ('a\.z.test', 'a\.z.test.z.test'), ('www.z.test.z.test', 'www.z.test.z.test'), (' www ', 'www.z.test')) AS v (name, want);
SELECT is(csdns.absolute_name(name, '.'), want, format('name "%s" in the root zone', name)) FROM (VALUES ('@', '.'), ('.', '.'), ('org', 'org'), ('a.org.', 'a.org')) AS v (name, want);
SELECT is(csdns.zone_member_fault(csdns.absolute_name(name, 'z.test'), 'z.test'), want, format('name "%s": %s', left(name, 30), want)) FROM (VALUES
    ('www', NULL), ('a.test.', 'name is not in zone "z.test"'), ('.', 'name is empty'), ('a..b', 'name has an empty label'), ('.a', 'name has an empty label'), ('a\9', 'name has a broken escape'),
    ('a\999', 'name has a broken escape'), ('a\', 'name is not in zone "z.test"'), ('a b', 'name has a character that must be written as \DDD'), ('ä', 'name has a character that must be written as \DDD'),
    (repeat('a', 64), 'name has a label longer than 63 octets'), (repeat('a.', 130), 'name is longer than 255 octets'), (NULL, 'name is missing')) AS v (name, want);

-- contents: what is stored, or why not
SELECT is(coalesce(n.fault, n.content), want, format('%s "%s"', type, left(given, 40)))
  FROM (VALUES
    ('A', ' 192.0.2.1 ', '192.0.2.1'), ('A', '192.0.2.01', 'content is not an IPv4 address'), ('A', '192.0.2', 'content is not an IPv4 address'), ('A', '2001:db8::1', 'content is not an IPv4 address'), ('A', '', 'content is missing'),
    ('A', '192.0.2.0/24', 'content is not an IPv4 address'), ('A', NULL, 'content is missing'),
    ('AAAA', '2001:DB8:0:0::1', '2001:db8::1'), ('AAAA', '::ffff:192.0.2.1', '0000:0000:0000:0000:0000:ffff:c000:0201'), ('AAAA', '192.0.2.1', 'content is not an IPv6 address'), ('AAAA', 'fe80::1%eth0', 'content is not an IPv6 address'),
    ('CNAME', 'Www.Example.ORG.', 'www.example.org'), ('CNAME', '_dmarc.example.org', '_dmarc.example.org'), ('CNAME', 'a b', 'content is not "name"'), ('CNAME', '192.0.2.1', 'content is an address, not a name'), ('CNAME', '192.0.2.1.', 'content is an address, not a name'),
    ('CNAME', '@', 'content is "@": only the name of a record can be that'), ('CNAME', 'a..b', 'content has an empty label'), ('CNAME', 'ä', 'content has a character that must be written as \DDD'), ('CNAME', 'a\.b.', 'a\.b'), ('CNAME', 'x\.', 'x\.'),
    ('NS', 'NS1.example.org', 'ns1.example.org'), ('NS', '2001:db8::1', 'content is an address, not a name'), ('PTR', 'Host.example.org.', 'host.example.org'), ('PTR', '192.0.2.1', 'content is an address, not a name'), ('DNAME', 'a.test.', 'a.test'), ('ALIAS', 'A.test', 'a.test'),
    ('MX', '10 Mail.example.org.', '10 mail.example.org'), ('MX', '010  mail', '10 mail'), ('MX', '0 .', '0 .'), ('MX', 'mail', 'content is not "priority host"'), ('MX', '65536 mail', 'priority is not a number from 0 to 65535'), ('MX', '-1 mail', 'priority is not a number from 0 to 65535'),
    ('MX', '10 192.0.2.1', 'host is an address, not a name'), ('SRV', '1 2 443 _h.Example.org.', '1 2 443 _h.example.org'), ('SRV', '1 2 x', 'content is not "priority weight port target"'), ('SRV', '1 2 65536 x', 'port is not a number from 0 to 65535'), ('SRV', '1 2 3 ::1', 'target is an address, not a name'),
    ('TXT', 'plain text', '"plain text"'), ('TXT', 'say "hi" \ bye', '"say \"hi\" \\ bye"'), ('TXT', '"in quotes" "twice"', '"in quotes" "twice"'), ('TXT', '', '""'), ('TXT', '"open', 'content is not a list of quoted strings'), ('TXT', ' a', '" a"'),
    ('TXT', repeat('x', 65534), 'content is longer than 65535 octets'), ('CAA', '0 issue "ca.test"', '0 issue "ca.test"'), ('CAA', '0 issue', 'content is not "flags tag value"'), ('CAA', '256 issue "x"', 'flags is not a number from 0 to 255'),
    ('TLSA', '3 1 1 zz', 'data is not in hexadecimal'), ('HTTPS', ' 1 . alpn=h2 ', '1 . alpn=h2'), ('HTTPS', '', 'content is missing')) AS v (type, given, want)
 CROSS JOIN LATERAL csdns.normal_content(type, given) AS n;
SELECT is_empty($$
    SELECT n.* FROM (VALUES ('A', '192.0.2.1'), ('AAAA', '2001:DB8::1'), ('MX', '1 a.test.'), ('SRV', '1 2 3 a.test'), ('TXT', 'a"b\c'), ('CNAME', 'A.')) AS v (type, given)
     CROSS JOIN LATERAL csdns.normal_content(type, given) AS n CROSS JOIN LATERAL csdns.normal_content(type, n.content) AS again
     WHERE again.content IS DISTINCT FROM n.content OR n.fault IS NOT NULL
$$, 'the stored form stays as it is');
SELECT is(n.fault, want, format('%s %s', type, left(given::text, 60))) FROM (VALUES
    ('A', '{192.0.2.1,192.0.2.2}'::text[], NULL), ('A', '{}', 'contents is missing'), ('A', NULL, 'contents is missing'), ('A', '{192.0.2.1,x}', '"x": content is not an IPv4 address'),
    ('AAAA', '{2001:db8::1,2001:DB8:0::1}', '"2001:DB8:0::1": content is there twice'), ('CNAME', '{a,b}', 'more than one CNAME'), ('A', '{{192.0.2.1},{192.0.2.2}}', 'contents is not a list of strings'),
    ('A', '{192.0.2.1,NULL}', '"": content is missing'), ('TXT', (SELECT array_agg(n::text) FROM generate_series(1, 1001) AS n), '1001 contents, more than 1000')) AS v (type, given, want)
  CROSS JOIN LATERAL csdns.normal_contents(type, given) AS n;
SELECT is(csdns.type_fault(type), want, format('type "%s": %s', type, want)) FROM (VALUES
    ('A', NULL), ('CAA', NULL), ('EUI48', NULL), ('TYPE65300', NULL), ('', 'type is missing'), (NULL, 'type is missing'), ('SOA', 'SOA comes and goes with its zone'), ('RRSIG', 'RRSIG is made by DNSSEC, not by hand'),
    ('NSEC', 'NSEC is made by DNSSEC, not by hand'), ('NSEC3', 'NSEC3 is made by DNSSEC, not by hand'), ('ANY', 'ANY is not a type of records'), ('FOO', 'type is not known'), ('A B', 'type is not letters and digits'), ('A;', 'type is not letters and digits'),
    ('TYPE6', 'type has a name, use that'), ('TYPE65402', 'type has a name, use that'), ('TYPE0', 'type is not known'), ('TYPE99999', 'type is not known')) AS v (type, want);

-- one after the other, as the administrator
INSERT INTO domains (name, type) VALUES ('z.test', 'NATIVE'), ('own.test', 'NATIVE'), ('shared.test', 'NATIVE'), ('2.0.192.in-addr.arpa', 'NATIVE'), ('sec.test', 'SLAVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.test h.test 1 3600 600 86400 60', 3600 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'NS', 'ns.test', 3600 FROM domains;
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (id('own.test'), u('a', 1), u('d', 3));
INSERT INTO csdns.dns_zone (domain_id, domain) VALUES (id('shared.test'), u('d', 2));
-- verb with arguments, as a role: its row without the zone, or its error
CREATE FUNCTION public.verb(who text, verb text) RETURNS text LANGUAGE sql AS $$
    SELECT ask(who, CASE WHEN starts_with(verb, 'delete') THEN format('SELECT displaytext FROM csdns.%s', verb)
                         ELSE format('SELECT name, type, contents, ttl, origin FROM csdns.%s', verb) END) $$;
CREATE FUNCTION public.head_version() RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT version FROM csdns.head() $$;

SELECT is(verb('v_admin', v.verb), want, v.verb) FROM (VALUES
    (1, $$create_dns_record('z.test', 'www', 'a', '{192.0.2.1,192.0.2.2}')$$, '(www.z.test,A,"{192.0.2.1,192.0.2.2}",3600,hand)'),
    (2, $$create_dns_record('z.test.', 'www.z.test.', 'A', '{192.0.2.3}')$$, '23505 record "www.z.test" A: exists already; update it instead'),
    (3, $$create_dns_record('z.test', 'www', 'AAAA', '{2001:DB8::1}', 60)$$, '(www.z.test,AAAA,{2001:db8::1},60,hand)'),
    (4, $$create_dns_record('z.test', '@', 'MX', '{10 Mail.z.test.}', 0)$$, '(z.test,MX,"{""10 mail.z.test""}",0,hand)'),
    (5, $$create_dns_record('z.test', '@', 'MX', '{20 b.test}')$$, '23505 record "z.test" MX: exists already; update it instead'),
    (6, $$create_dns_record('z.test', 'www', 'CNAME', '{x.test}')$$, '23514 record "www.z.test" CNAME: CNAME beside A'),
    (7, $$create_dns_record('z.test', 'c', 'CNAME', '{x.test}')$$, '(c.z.test,CNAME,{x.test},3600,hand)'),
    (8, $$create_dns_record('z.test', 'c', 'TXT', '{x}')$$, '23514 record "c.z.test" TXT: CNAME beside TXT'),
    (9, $$create_dns_record('z.test', 'www.other.test.', 'A', '{192.0.2.1}')$$, '22023 record "www.other.test" A: name is not in zone "z.test"'),
    (10, $$create_dns_record('nope.test', 'www', 'A', '{192.0.2.1}')$$, 'P0002 zone "nope.test": not found'),
    (11, $$create_dns_record('', 'www', 'A', '{192.0.2.1}')$$, '22023 zone is missing'),
    (12, $$create_dns_record('sec.test', 'www', 'A', '{192.0.2.1}')$$, '55000 zone "sec.test": is secondary, its records come from its primary'),
    (13, $$create_dns_record('z.test', 'www', 'SOA', '{x}')$$, '22023 record "www.z.test" SOA: SOA comes and goes with its zone'),
    (14, $$create_dns_record('z.test', 'www', NULL, '{x}')$$, '22023 record "www.z.test": type is missing'),
    (15, $$create_dns_record('z.test', 't', 'A', '{x}')$$, '22023 record "t.z.test" A: "x": content is not an IPv4 address'),
    (16, $$create_dns_record('z.test', 't', 'A', '{192.0.2.1}', -1)$$, '22023 record "t.z.test" A: ttl is not a number from 0 to 2147483647'),
    (17, $$update_dns_record('z.test', 'www', 'A', '{192.0.2.2,192.0.2.1}')$$, '(www.z.test,A,"{192.0.2.1,192.0.2.2}",3600,hand)'),
    (18, $$update_dns_record('z.test', 'www', 'A', '{192.0.2.2,192.0.2.9}')$$, '(www.z.test,A,"{192.0.2.2,192.0.2.9}",3600,hand)'),
    (19, $$update_dns_record('z.test', 'www', 'A', ttl => 77)$$, '(www.z.test,A,"{192.0.2.2,192.0.2.9}",77,hand)'),
    (20, $$update_dns_record('z.test', 'www', 'A', '{192.0.2.5}')$$, '(www.z.test,A,{192.0.2.5},77,hand)'),
    (21, $$update_dns_record('z.test', 'www', 'A')$$, '22023 record "www.z.test" A: contents and ttl are missing'),
    (22, $$update_dns_record('z.test', 'nope', 'A', '{192.0.2.5}')$$, 'P0002 record "nope.z.test" A: not found; create it instead'),
    (23, $$update_dns_record('z.test', 'c', 'CNAME', '{y.test}')$$, '(c.z.test,CNAME,{y.test},3600,hand)'),
    (24, $$update_dns_record('z.test', '@', 'NS', '{ns1.test,ns2.test}')$$, '(z.test,NS,"{ns1.test,ns2.test}",3600,hand)'),
    (25, $$update_dns_record('z.test', '@', 'SOA', '{x}')$$, '22023 record "z.test" SOA: SOA comes and goes with its zone'),
    (26, $$delete_dns_record('z.test', '@', 'NS')$$, '22023 record "z.test" NS: a zone keeps its name servers; update them instead'),
    (27, $$delete_dns_record('z.test', '@', 'SOA')$$, '22023 record "z.test" SOA: SOA comes and goes with its zone'),
    (28, $$delete_dns_record('z.test', 'www', 'A', '{192.0.2.6}')$$, 'P0002 record "www.z.test" A: "192.0.2.6" is not there'),
    (29, $$delete_dns_record('z.test', 'www', 'A', '{192.0.2.5}')$$, '("record ""www.z.test"" A: deleted")'),
    (30, $$delete_dns_record('z.test', 'www', 'A')$$, 'P0002 record "www.z.test" A: not found'),
    (31, $$delete_dns_record('z.test', 'www', NULL)$$, '22023 record "www.z.test": type is missing'),
    (32, $$create_dns_record('z.test', 'lua', 'LUA', '{A \"x\"}')$$, '(lua.z.test,LUA,"{""A \\""x\\""""}",3600,hand)')) AS v (n, verb, want) ORDER BY n;
SELECT is((SELECT string_agg(format('%s|%s', content, prio), ' ') FROM records WHERE name = 'z.test' AND type = 'MX'), 'mail.z.test|10', 'the priority has its own column');
SELECT head_version() AS v \gset
SELECT isnt(verb('v_admin', $$update_dns_record('z.test', 'www', 'AAAA', '{2001:0db8::1}', 60)$$), '', 'the same again');
SELECT is(head_version(), :v::bigint, 'writes nothing and makes no version');
UPDATE records SET content = 'MAIL.z.test.', prio = NULL WHERE false;
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (id('z.test'), 'odd.z.test', 'MX', '10 MAIL.test.', 60);
SELECT head_version() AS v \gset
SELECT is(verb('v_admin', $$update_dns_record('z.test', 'odd', 'MX', '{10 mail.test}')$$), '(odd.z.test,MX,"{""10 MAIL.test.""}",60,hand)', 'another spelling of the same is the same');
SELECT is(head_version(), :v::bigint, 'and is left as it is');
SELECT is(verb('v_admin', $$delete_dns_record('z.test', 'odd', 'MX', '{10 mail.test}')$$), '("record ""odd.z.test"" MX: deleted")', 'and found for deletion');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id('z.test'), 'twice.z.test', 'CNAME', c, 60 FROM unnest('{X.test}'::text[]) AS c;
INSERT INTO records (domain_id, name, type, content, ttl, disabled) SELECT id('z.test'), 'twice.z.test', 'CNAME', c, 60, true FROM unnest('{x.test,x.test.}'::text[]) AS c;
SELECT is(verb('v_admin', $$update_dns_record('z.test', 'twice', 'CNAME', '{x.test}')$$), '(twice.z.test,CNAME,{X.test},60,hand)', 'of several spellings of the same');
SELECT is((SELECT count(*)::int FROM records WHERE name = 'twice.z.test'), 1, 'one stays, the enabled one');

-- disabled records
INSERT INTO records (domain_id, name, type, content, ttl, disabled) VALUES (id('z.test'), 'off.z.test', 'A', '192.0.2.1', 60, true);
SELECT is(ask('v_admin', $$SELECT name, disabled FROM csdns.list_dns_records('z.test', 'off')$$), '(off.z.test,t)', 'a disabled record is listed as such');
SELECT is(verb('v_admin', $$create_dns_record('z.test', 'off', 'A', '{192.0.2.1}')$$), '23505 record "off.z.test" A: exists already, disabled; updating its contents enables it', 'and is in the way');
SELECT isnt(verb('v_admin', $$update_dns_record('z.test', 'off', 'A', ttl => 5)$$), '', 'its TTL changes');
SELECT ok(disabled AND ttl = 5, 'and it stays disabled') FROM records WHERE name = 'off.z.test';
SELECT isnt(verb('v_admin', $$update_dns_record('z.test', 'off', 'A', '{192.0.2.1}')$$), '', 'with contents');
SELECT ok(NOT disabled AND ttl = 5, 'it is enabled') FROM records WHERE name = 'off.z.test';

-- TTLs, types, quotas by policy of the owner
UPDATE csdns.policy SET ttl = 300, minimum_ttl = 30;
INSERT INTO csdns.policy (scope, ttl, minimum_ttl, allowed_types, max_records) VALUES (u('d', 2), 600, 60, NULL, NULL), (u('a', 1), NULL, NULL, '{a,TXT}', 4);
SELECT is(verb('v_admin', v.verb), want, v.verb) FROM (VALUES
    (1, $$create_dns_record('z.test', 'p', 'A', '{192.0.2.1}')$$, '(p.z.test,A,{192.0.2.1},300,hand)'),
    (2, $$create_dns_record('z.test', 'q', 'A', '{192.0.2.1}', 29)$$, '22023 record "q.z.test" A: ttl 29 is below the minimum of 30'),
    (3, $$update_dns_record('z.test', 'p', 'A', ttl => 29)$$, '22023 record "p.z.test" A: ttl 29 is below the minimum of 30'),
    (4, $$create_dns_record('own.test', 'p', 'A', '{192.0.2.1}')$$, '(p.own.test,A,{192.0.2.1},600,hand)'),
    (5, $$create_dns_record('own.test', 'q', 'A', '{192.0.2.1}', 59)$$, '22023 record "q.own.test" A: ttl 59 is below the minimum of 60'),
    (6, $$create_dns_record('own.test', 'q', 'SRV', '{1 2 3 x.test}')$$, '22023 record "q.own.test" SRV: type SRV is not allowed in zone "own.test"; allowed: a, TXT'),
    (7, $$create_dns_record('shared.test', 'q', 'SRV', '{1 2 3 x.test}')$$, '(q.shared.test,SRV,"{""1 2 3 x.test""}",600,hand)'),
    (8, $$update_dns_record('own.test', '@', 'NS', '{ns9.test}')$$, '(own.test,NS,{ns9.test},3600,hand)'),
    (9, $$create_dns_record('own.test', 'q', 'TXT', '{a,b}')$$, '(q.own.test,TXT,"{""\\""a\\"""",""\\""b\\""""}",600,hand)'),
    (10, $$create_dns_record('own.test', 'r', 'TXT', '{a}')$$, '53400 zone "own.test" may hold 4 records and would have more')) AS v (n, verb, want) ORDER BY n;
DELETE FROM csdns.policy WHERE scope <> '00000000-0000-0000-0000-000000000000';
UPDATE csdns.policy SET ttl = 3600, minimum_ttl = 0;

-- what rules made
INSERT INTO csdns.network (uuid, name) VALUES (u('w', 1), 'net');
INSERT INTO csdns.network_zone (network, domain_id) VALUES (u('w', 1), id('shared.test'));
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'one', u('a', 1), u('d', 3)), (u('i', 2), 'two', u('a', 2), u('d', 4)), (u('i', 3), 'three', u('a', 1), u('d', 3));
INSERT INTO csdns.nic (uuid, instance, network, ip4, ip6, secondary) SELECT u('n', n), u('i', n), u('w', 1), '192.0.2.0'::inet + n, '2001:db8::'::inet + n, ARRAY['192.0.2.100'::inet + n] FROM generate_series(1, 3) AS n;
UPDATE csdns.policy SET secondary_addresses = true;
SELECT is(ask('v_admin', $$SELECT name, type, contents, origin, source FROM csdns.list_dns_records('shared.test', 'one', 'a')$$),
          format('(one.shared.test,A,"{192.0.2.1,192.0.2.101}",host,"instance one (%s)")', u('i', 1)), 'a rule''s record says which and whose');
SELECT is(verb('v_admin', $$create_dns_record('shared.test', 'one', 'A', '{192.0.2.200}')$$),
          format('23505 record "one.shared.test" A: exists already: instance one (%s) has it; updating it takes it over', u('i', 1)), 'create says who has it');
SELECT is(verb('v_admin', $$update_dns_record('shared.test', 'one', 'A', '{192.0.2.1,192.0.2.200}')$$), '(one.shared.test,A,"{192.0.2.1,192.0.2.200}",3600,"taken over")', 'update takes it over and keeps what was asked for');
SELECT is((SELECT string_agg(how || ' ' || type, ', ') FROM csdns.hold), 'edited A', 'as edited');
SELECT is(ask('v_admin', $$SELECT name, type, contents, origin FROM csdns.list_dns_records('shared.test', 'one', 'AAAA')$$), '(one.shared.test,AAAA,{2001:db8::1},host)', 'the other type stays the rule''s');
SELECT is((SELECT count(*)::int FROM records WHERE type = 'PTR' AND content = 'one.shared.test'), 2, 'PTR records stay');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT is(ask('v_admin', $$SELECT * FROM csdns.release_dns_record('shared.test', 'one', 'a')$$), '(t,"record ""one.shared.test"" A: given back to the rules")', 'released');
SELECT is(ask('v_admin', $$SELECT contents, origin FROM csdns.list_dns_records('shared.test', 'one', 'A')$$), '("{192.0.2.1,192.0.2.101}",host)', 'it is as the rule has it');
SELECT is(ask('v_admin', $$SELECT * FROM csdns.release_dns_record('shared.test', 'one')$$), 'P0002 record "one.shared.test": nobody took it over from rules', 'once');
SELECT isnt(verb('v_admin', $$update_dns_record('shared.test', 'one', 'A', ttl => 5)$$), '', 'a TTL alone');
SELECT is((SELECT string_agg(content || ' ' || ttl, ', ' ORDER BY content) FROM records WHERE name = 'one.shared.test' AND type = 'A'), '192.0.2.1 5, 192.0.2.101 5', 'takes all records over');
SELECT is(ask('v_admin', $$SELECT success FROM csdns.release_dns_record('shared.test', 'one')$$), '(t)', 'released');
SELECT is(verb('v_admin', $$delete_dns_record('shared.test', 'one', 'A', '{192.0.2.101}')$$), '("record ""one.shared.test"" A: deleted")', 'one of two');
SELECT is(ask('v_admin', $$SELECT contents, origin FROM csdns.list_dns_records('shared.test', 'one', 'A')$$), '({192.0.2.1},"taken over")', 'the other stays, taken over');
SELECT is(verb('v_admin', $$delete_dns_record('shared.test', 'one', 'A')$$), '("record ""one.shared.test"" A: deleted")', 'deleted');
SELECT is((SELECT how FROM csdns.hold WHERE name = 'one.shared.test'), 'edited', 'it stays the person''s');
SELECT is(ask('v_admin', $$SELECT success FROM csdns.release_dns_record('shared.test', 'one')$$), '(t)', 'released');
SELECT is(ask('v_admin', $$SELECT contents, origin FROM csdns.list_dns_records('shared.test', 'one', 'A')$$), '("{192.0.2.1,192.0.2.101}",host)', 'and back');
-- the same name in two zones: only what was asked for
INSERT INTO domains (name, type) VALUES ('test', 'NATIVE');
INSERT INTO csdns.hold (domain_id, name, type, source, how) SELECT id(zone), 'x.shared.test', 'A', u('i', 1), 'edited' FROM (VALUES ('test'), ('shared.test')) AS v (zone);
SELECT is(ask('v_admin', $$SELECT success FROM csdns.release_dns_record('shared.test', 'x')$$), '(t)', 'a name that is in two zones');
SELECT is((SELECT string_agg(d.name, ', ') FROM csdns.hold h JOIN domains d ON d.id = h.domain_id), 'test', 'is released in one');
SELECT is(csdns.release('x.shared.test'), 1, 'csdns.release() takes all');

-- tenants: acme owns own.test, and has shared.test by delegation; two is evil's
INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (id('shared.test'), u('a', 1));
SELECT is(verb(who, v.verb), want, who || ': ' || v.verb) FROM (VALUES
    (1, 'v_acme', $$create_dns_record('own.test', 'mine', 'A', '{192.0.2.1}')$$, '(mine.own.test,A,{192.0.2.1},3600,hand)'),
    (2, 'v_acme', $$update_dns_record('own.test', '@', 'NS', '{ns.acme.test}')$$, '(own.test,NS,{ns.acme.test},3600,hand)'),
    (3, 'v_acme', $$create_dns_record('own.test', 'lua', 'LUA', '{A \"x\"}')$$, '42501 record "lua.own.test" LUA: type LUA is for administrators'),
    (4, 'v_acme', $$create_dns_record('own.test', 'lua', 'TYPE65300', '{x}')$$, '42501 record "lua.own.test" TYPE65300: type TYPE65300 is for administrators'),
    (5, 'v_acme', $$create_dns_record('shared.test', 'mine', 'A', '{192.0.2.1}')$$, '(mine.shared.test,A,{192.0.2.1},3600,hand)'),
    (6, 'v_acme', $$update_dns_record('shared.test', 'three', 'A', '{192.0.2.99}')$$, '(three.shared.test,A,{192.0.2.99},3600,"taken over")'),
    (7, 'v_acme', $$update_dns_record('shared.test', 'two', 'A', '{192.0.2.99}')$$, '42501 record "two.shared.test" A: the name belongs to another owner''s instance or address'),
    (8, 'v_acme', $$create_dns_record('shared.test', 'two', 'A', '{192.0.2.99}')$$, '42501 record "two.shared.test" A: the name belongs to another owner''s instance or address'),
    (9, 'v_acme', $$delete_dns_record('shared.test', 'two', 'AAAA')$$, '42501 record "two.shared.test" AAAA: the name belongs to another owner''s instance or address'),
    (10, 'v_acme', $$create_dns_record('shared.test', 'two', 'CNAME', '{x.test}')$$, '42501 record "two.shared.test" CNAME: the name belongs to another owner''s instance or address'),
    (11, 'v_acme', $$create_dns_record('shared.test', 'two', 'TXT', '{x}')$$, '(two.shared.test,TXT,"{""\\""x\\""""}",3600,hand)'),
    (12, 'v_acme', $$update_dns_record('shared.test', '@', 'NS', '{ns.evil.test}')$$, '42501 record "shared.test" NS: the name servers of a zone are its owner''s to change'),
    (13, 'v_acme', $$create_dns_record('shared.test', '@', 'DNAME', '{x.test}')$$, '42501 record "shared.test" DNAME: the name belongs to another owner''s instance or address'),
    (14, 'v_acme', $$create_dns_record('shared.test', 'sub', 'NS', '{x.test}')$$, '(sub.shared.test,NS,{x.test},3600,hand)'),
    (15, 'v_acme', $$create_dns_record('z.test', 'x', 'A', '{192.0.2.1}')$$, 'P0002 zone "z.test": not found'),
    (16, 'v_evil', $$create_dns_record('own.test', 'x', 'A', '{192.0.2.1}')$$, 'P0002 zone "own.test": not found'),
    (17, 'v_evil', $$list_dns_records('own.test')$$, 'P0002 zone "own.test": not found'),
    (18, 'v_evil', $$list_dns_records()$$, ''),
    (19, 'v_none', $$list_dns_records()$$, ''),
    (20, 'v_none', $$create_dns_record('own.test', 'x', 'A', '{192.0.2.1}')$$, 'P0002 zone "own.test": not found'),
    (21, 'v_mid', $$update_dns_record('shared.test', 'two', 'A', '{192.0.2.98}')$$, '(two.shared.test,A,{192.0.2.98},3600,"taken over")')) AS v (n, who, verb, want) ORDER BY n;
SELECT is(ask('v_acme', $$SELECT name, source FROM csdns.list_dns_records('shared.test', type => 'AAAA')$$),
          format('(one.shared.test,"instance one (%s)"); (three.shared.test,"instance three (%s)"); (two.shared.test,"another owner''s")', u('i', 1), u('i', 3)), 'who else''s a record is, is not told');
SELECT is(ask('v_acme', $$SELECT * FROM csdns.release_dns_record('shared.test', 'two', 'A')$$), '42501 record "two.shared.test" A: belongs to another owner''s instance or address', 'nor is it given back');
SELECT is(ask('v_acme', $$SELECT success FROM csdns.release_dns_record('shared.test', 'three')$$), '(t)', 'one''s own is');

-- listing
SELECT is(ask('v_admin', $$SELECT name, type FROM csdns.list_dns_records('own.test')$$), '(own.test,NS); (own.test,SOA); (mine.own.test,A); (p.own.test,A); (q.own.test,TXT)', 'the zone first, then by name');
SELECT is(ask('v_admin', $$SELECT name, type FROM csdns.list_dns_records(keyword => '2001:DB8::2')$$), '(two.shared.test,AAAA)', 'a keyword in the content, over all zones');
SELECT is(ask('v_admin', $$SELECT name, type FROM csdns.list_dns_records(name => 'Two.shared.test.', type => 'txt')$$), '(two.shared.test,TXT)', 'a full name, over all zones');
SELECT is(ask('v_admin', $$SELECT count(*) FROM csdns.list_dns_records('own.test', '@')$$), '(2)', 'the zone itself');
SELECT is(ask('v_admin', $$SELECT name FROM csdns.list_dns_records('own.test', keyword => '%')$$), '', 'a keyword is no pattern');

-- policy
SELECT is(ask(who, format('SELECT scope, account, domain, ttl, max_zones, allowed_types FROM csdns.update_dns_policy(%s)', args)), want, who || ' ' || args) FROM (VALUES
    (1, 'v_admin', 'ttl => 60, max_zones => 5', '(everything,,,60,5,)'),
    (2, 'v_admin', 'unset => ''{max_zones}''', '(everything,,,60,,)'),
    (3, 'v_admin', 'unset => ''{ttl}''', '22023 policy: ttl cannot be unset for everything: nothing is left to take it from'),
    (4, 'v_admin', 'unset => ''{foo}''', '22023 policy: unset has "foo"; settings are ttl, minimum_ttl, on_stop, ptr, common, common_zone, groups, secondary_addresses, public_names, static_nat, floating, host_template, public_template, max_zones, max_records, allowed_types'),
    (5, 'v_admin', 'ttl => 1, unset => ''{ttl}''', '22023 policy: ttl is given and unset'),
    (6, 'v_admin', '', '22023 policy: no setting is given'),
    (7, 'v_admin', format('account => ''acme'', domainid => %L, ttl => 30, allowed_types => ''{A}''', u('d', 3)), '(account,acme,leaf,30,,{A})'),
    (8, 'v_admin', format('account => ''acme'', domainid => %L, unset => ''{ttl,allowed_types}''', u('d', 3)), '(account,acme,leaf,,,)'),
    (9, 'v_admin', format('account => ''nobody'', domainid => %L, ttl => 30', u('d', 3)), format('P0002 account "nobody" in domain %s: not found', u('d', 3))),
    (10, 'v_admin', format('networkid => %L, ttl => 30', u('w', 1)), '(network,,,30,,)'),
    (11, 'v_admin', format('networkid => %L, max_zones => 30', u('w', 1)), '22023 policy: max_zones, max_records and allowed_types are for accounts and domains, not for networks'),
    (12, 'v_admin', format('networkid => %L, domainid => %L, ttl => 30', u('w', 1), u('d', 3)), '22023 networkid and account or domainid: settings are for one of them'),
    (13, 'v_admin', 'networkid => ''x'', ttl => 3', '22023 networkid "x": not a uuid'),
    (14, 'v_admin', 'ttl => -1', '22023 policy: ttl -1 is not from 0 to 2147483647'),
    (15, 'v_admin', 'on_stop => ''x''', '22023 policy: on_stop "x" is not keep or remove'),
    (16, 'v_admin', 'static_nat => ''x''', '22023 policy: static_nat "x" is not also, instead or off'),
    (17, 'v_admin', 'floating => ''x''', '22023 policy: floating "x" is not address or members'),
    (18, 'v_admin', 'common_zone => ''a b''', '22023 policy: common_zone "a b" is not a domain name in lower case without final dot'),
    (19, 'v_admin', 'host_template => ''x''', '22023 policy: host_template "x" has neither {name} nor {uuid8}'),
    (20, 'v_admin', 'public_template => ''x''', '22023 policy: public_template "x" has neither {ip} nor {uuid8}'),
    (24, 'v_admin', 'host_template => ''{nam}-{name}''', '22023 policy: host_template "{nam}-{name}": {nam} is not known; there is {name}, {account}, {network}, {uuid8}'),
    (25, 'v_admin', 'public_template => ''{ip}-{uuid8''', '22023 policy: public_template "{ip}-{uuid8": {uuid8 is not known; there is {ip}, {account}, {network}, {uuid8}'),
    (26, 'v_admin', format('account => ''acme'', domainid => %L, allowed_types => ''{a, aaaa}''', u('d', 3)), '(account,acme,leaf,,,"{A,AAAA}")'),
    (27, 'v_admin', format('account => ''acme'', domainid => %L, unset => ''{allowed_types}''', u('d', 3)), '(account,acme,leaf,,,)'),
    (21, 'v_admin', 'max_records => -1', '22023 policy: max_records -1 is below 0'),
    (22, 'v_admin', 'allowed_types => ''{A,SOA}''', '22023 policy: allowed_types has "SOA": SOA comes and goes with its zone'),
    (23, 'v_acme', 'ttl => 5', '42501 updateDnsPolicy is for administrators: v_acme is none')) AS v (n, who, args, want) ORDER BY n;
SELECT is(ask('v_admin', 'SELECT scope, network, account, domain, ttl FROM csdns.list_dns_policies()'), '(everything,,,,60); (account,,acme,leaf,); (network,net,,,30)', 'policies');
SELECT is(ask('v_acme', 'SELECT scope, account, ttl FROM csdns.list_dns_policies()'), '(everything,,60); (account,acme,)', 'those that concern a tenant');
SELECT is(ask('v_evil', format('SELECT scope FROM csdns.list_dns_policies(account => ''acme'', domainid => %L)', u('d', 3))), '', 'not another''s');
SELECT is(ask('v_admin', format('SELECT scope FROM csdns.list_dns_policies(networkid => %L)', u('w', 1))), '(network)', 'of one scope');

-- what rules want, collisions, events
SELECT is(ask('v_acme', 'SELECT * FROM csdns.reconcile_dns()'), '42501 reconcileDns is for administrators: v_acme is none', 'reconciling is the administrator''s');
ALTER TABLE records DISABLE TRIGGER csdns_rules_delete;
DELETE FROM records WHERE name = 'one.shared.test';
ALTER TABLE records ENABLE TRIGGER csdns_rules_delete;
SELECT is(ask('v_admin', 'SELECT difference, name, type, content FROM csdns.list_dns_drift() WHERE zone = ''shared.test'''),
          '(missing,one.shared.test,A,192.0.2.1); (missing,one.shared.test,A,192.0.2.101); (missing,one.shared.test,AAAA,2001:db8::1)', 'drift');
SELECT is(ask('v_evil', 'SELECT * FROM csdns.list_dns_drift()'), '', 'not another''s');
SELECT is(ask('v_acme', 'SELECT count(*) FROM csdns.list_dns_drift() WHERE zone = ''shared.test'''), '(3)', 'one''s own');
SELECT is(ask('v_admin', 'SELECT zone, rule, added FROM csdns.reconcile_dns() WHERE zone = ''shared.test'''), '(shared.test,host,3)', 'reconciled');
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 4), 'one', u('a', 2), u('d', 4));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 4), u('i', 4), u('w', 1), '192.0.2.4');
SELECT is(ask('v_admin', 'SELECT name, source, holder FROM csdns.list_dns_collisions() WHERE name LIKE ''one%'''), format('(one.shared.test,"instance one (%s)","instance one (%s)")', u('i', 4), u('i', 1)), 'a collision');
SELECT is(ask('v_evil', 'SELECT name, source, holder FROM csdns.list_dns_collisions()'), format('(one.shared.test,"instance one (%s)","another owner''s")', u('i', 4)), 'whose holder is not told');
SELECT is(ask('v_acme', 'SELECT count(*) FROM csdns.list_dns_collisions()'), '(0)', 'and which is not the holder''s');
SELECT is(ask('v_evil', 'SELECT type, name, description FROM csdns.list_dns_events()'), '(DNS.RECORD.TAKEN,two.shared.test,"a person edited or deleted the record, and owns it now"); (DNS.NAME.COLLISION,one.shared.test,"the name is taken")', 'events of one''s own');
SELECT ok(ask('v_admin', 'SELECT description FROM csdns.list_dns_events(type => ''dns.name.collision'')') LIKE '%one.shared.test%has it%', 'events by type');
SELECT is(ask('v_admin', format('SELECT count(*) FROM csdns.list_dns_events(since => %s)', (SELECT max(id) FROM csdns.event))), '(0)', 'events since');
SELECT is(ask('v_admin', 'SELECT DISTINCT name FROM csdns.list_dns_events(keyword => ''THREE'')'), '(three.shared.test)', 'events by keyword');

-- who changed what
SELECT is(ask('v_admin', 'SELECT role, path, what, action, zone FROM csdns.list_dns_audit(''own.test'', ''mine'')'), '(v_acme,createDnsRecord,records,insert,own.test)', 'audit of a name');
SELECT is(ask('v_acme', 'SELECT path FROM csdns.list_dns_audit(''own.test'', ''@'', who => ''v_acme'')'), '(updateDnsRecord); (updateDnsRecord)', 'of a zone by its owner, by role');
SELECT is(ask('v_evil', 'SELECT path FROM csdns.list_dns_audit()'), '', 'others see nothing');
SELECT is(ask('v_evil', 'SELECT path FROM csdns.list_dns_audit(''own.test'')'), 'P0002 zone "own.test": not found', 'of another''s zone');
SELECT is(ask('v_acme', 'SELECT path FROM csdns.list_dns_audit(''shared.test'')'), '42501 zone "shared.test": is not yours to change', 'nor of a zone that is delegated');
SELECT is(ask('v_admin', 'SELECT count(*) FROM csdns.list_dns_audit(since => now() + interval ''1 day'')'), '(0)', 'since a time');
SELECT is(ask('v_admin', 'SELECT count(*) FROM csdns.list_dns_audit("limit" => 2)'), '(2)', 'at most so many');
SELECT is(ask('v_admin', 'SELECT count(*) FROM csdns.list_dns_audit("limit" => -2)'), '22023 limit -2: is below 0', 'but not less than none');
SELECT is(ask('v_admin', 'SELECT action FROM csdns.list_dns_audit(keyword => ''FOO-bar'')'), '', 'by keyword');
SELECT * FROM finish();
