-- Verbs for DNS servers: who may, what is refused, whom a server is shown to, name servers that move.
\ir verb.inc
CREATE FUNCTION public.apex(zone text) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s', r.type, r.content), ', ' ORDER BY r.type, r.content COLLATE "C") FROM records r WHERE r.name = zone $$;

SELECT is(ask('v_admin', $$SELECT name, url, port, ispublic, publicdomainsuffix, nameservers, account, domain, state, zones
    FROM csdns.add_dns_server(name => ' main ', nameservers => '{NS1.Example.NET., ns2.example.net}', url => 'https://dns.example.net', port => 8081, provider => 'powerdns',
                              ispublic => true, publicdomainsuffix => 'Pub.Test.')$$),
    '(main,https://dns.example.net,8081,t,pub.test,"{ns1.example.net,ns2.example.net}",,,Enabled,0)', 'a public server of the administrator');
SELECT is(ask('v_admin', $$SELECT name, account, domain, domainid FROM csdns.add_dns_server('acmes', '{ns.acme.test}', account => 'acme', domainid => u('d', 3)::text, url => 'https://dns.example.net/')$$),
    format('(acmes,acme,leaf,%s)', u('d', 3)), 'an account''s, with the url of another owner');
SELECT is(ask('v_admin', $$SELECT name, account, domain FROM csdns.add_dns_server('mids', '{ns.mid.test}', ispublic => true, publicdomainsuffix => 'mid.test', domainid => u('d', 2)::text, provider => 'CSDNS')$$),
    '(mids,,mid)', 'a domain''s');

SELECT is(ask(who, format('SELECT name FROM csdns.add_dns_server(%s)', what)), want, coalesce(want, '') || ': ' || what) FROM (VALUES
    ('v_acme', $$'x', '{ns.test}'$$, '42501 addDnsServer is for administrators: v_acme is none'),
    ('v_none', $$'x', '{ns.test}'$$, '42501 addDnsServer is for administrators: v_none is none'),
    ('v_admin', $$NULL, '{ns.test}'$$, '22023 name is missing'),
    ('v_admin', $$'  ', '{ns.test}'$$, '22023 name is missing'),
    ('v_admin', $$E'a\nb', '{ns.test}'$$, '22023 name has a control character'),
    ('v_admin', $$repeat('x', 256), '{ns.test}'$$, '22023 name is longer than 255 characters'),
    ('v_admin', $$'a0000000-0000-0000-0000-000000000001', '{ns.test}'$$, '22023 name "a0000000-0000-0000-0000-000000000001": is no name for a DNS server'),
    ('v_admin', $$'main', '{ns.test}'$$, '23505 DNS server "main": exists already'),
    ('v_admin', $$'x', NULL$$, '22023 nameservers is missing'),
    ('v_admin', $$'x', '{}'$$, '22023 nameservers is missing'),
    ('v_admin', $$'x', '{ns.test,NULL}'$$, '22023 name server "": is empty'),
    ('v_admin', $$'x', '{ns.test,NS.test.}'$$, '22023 name server "ns.test": is there twice'),
    ('v_admin', $$'x', '{ns_1.test}'$$, '22023 name server "ns_1.test": has an underscore'),
    ('v_admin', $$'x', '{ns.test,192.0.2.1}'$$, '22023 name server "192.0.2.1": is an address and no name'),
    ('v_admin', $$'x', '{*.test}'$$, '22023 name server "*.test": has a wildcard'),
    ('v_admin', $$'x', ARRAY['ns1 .test']$$, '22023 name server "ns1 .test": has a space'),
    ('v_admin', $$'x', '{ns..test}'$$, '22023 name server "ns..test": has an empty label'),
    ('v_admin', $$'x', '{-ns.test}'$$, '22023 name server "-ns.test": has a label that starts or ends with a hyphen'),
    ('v_admin', $$'x', ARRAY(SELECT 'ns' || n || '.test' FROM generate_series(1, 33) AS n)$$, '22023 nameservers has 33 names; 32 are the most'),
    ('v_admin', $$'x', '{ns.test}', provider => 'bind'$$, '22023 provider "bind": is not PowerDNS or csdns'),
    ('v_admin', $$'x', '{ns.test}', port => 0$$, '22023 port 0: is not from 1 to 65535'),
    ('v_admin', $$'x', '{ns.test}', port => 65536$$, '22023 port 65536: is not from 1 to 65535'),
    ('v_admin', $$'x', '{ns.test}', url => 'http://a b'$$, '22023 url "http://a b": has a space or a character outside of ASCII'),
    ('v_admin', $$'x', '{ns.test}', url => 'https://dns.example.net/'$$, '23505 DNS server "x": DNS server "main" of the same owner has url "https://dns.example.net/" already'),
    ('v_admin', $$'x', '{ns.test}', ispublic => true$$, '22023 DNS server "x": is public, publicdomainsuffix is missing'),
    ('v_admin', $$'x', '{ns.test}', publicdomainsuffix => 'a b'$$, '22023 publicdomainsuffix "a b": has a space'),
    ('v_admin', $$'x', '{ns.test}', account => 'acme'$$, '22023 account "acme": domainid is missing'),
    ('v_admin', $$'x', '{ns.test}', domainid => 'x'$$, '22023 domainid "x": not a uuid'),
    ('v_admin', $$'x', '{ns.test}', domainid => u('d', 9)::text$$, format('P0002 domain %s: not found', u('d', 9))),
    ('v_admin', $$'x', '{ns.test}', account => 'evil', domainid => u('d', 3)::text$$, format('P0002 account "evil" in domain %s: not found', u('d', 3)))
  ) AS v (who, what, want);

-- who sees which
SELECT is(ask(who, 'SELECT name FROM csdns.list_dns_servers()'), want, who || ' sees ' || want) FROM (VALUES
    ('v_admin', '(acmes); (main); (mids)'), ('v_acme', '(acmes); (main); (mids)'), ('v_mid', '(acmes); (main); (mids)'), ('v_evil', '(main)'), ('v_none', '')) AS v (who, want);
SELECT is(ask('v_admin', 'SELECT name FROM csdns.list_dns_servers(' || what || ')'), want, 'listed by ' || what) FROM (VALUES
    ($$name => 'main'$$, '(main)'), ($$id => 'main'$$, '(main)'), ($$id => (SELECT uuid::text FROM csdns.dns_server WHERE name = 'mids')$$, '(mids)'), ($$keyword => 'M'$$, '(acmes); (main); (mids)'),
    ($$keyword => 'MID'$$, '(mids)'), ($$account => 'ACME'$$, '(acmes)'), ($$domainid => u('d', 2)::text$$, '(mids)'), ($$name => 'absent'$$, ''),
    ($$domainid => 'x'$$, '22023 domainid "x": not a uuid')) AS v (what, want);

-- changes
SELECT is(ask('v_admin', $$SELECT name FROM csdns.create_dns_zone('a.pub.test', 'main')$$), '(a.pub.test)', 'a zone');
SELECT is(ask('v_admin', $$SELECT name FROM csdns.create_dns_zone('b.pub.test', 'main')$$), '(b.pub.test)', 'another');
UPDATE records SET content = 'own.test' WHERE name = 'b.pub.test' AND type = 'NS' AND content = 'ns2.example.net';
UPDATE records SET content = regexp_replace(content, '^\S+', 'hidden.test') WHERE name = 'b.pub.test' AND type = 'SOA';
SELECT apex('b.pub.test') AS was \gset
SELECT version AS v FROM csdns.head() \gset
SELECT is(ask('v_admin', $$SELECT name FROM csdns.update_dns_server('main', nameservers => '{ns1.example.net.,NS2.example.net}', port => 8081, state => 'enabled')$$), '(main)', 'nothing new');
SELECT is((SELECT version FROM csdns.head()), :v::bigint, 'makes no version');
SELECT is(ask('v_admin', $$SELECT nameservers FROM csdns.update_dns_server('main', nameservers => '{n3.test,ns2.example.net}')$$), '("{n3.test,ns2.example.net}")', 'new name servers');
SELECT is(apex('a.pub.test'), 'NS n3.test, NS ns2.example.net, SOA n3.test hostmaster.a.pub.test 2 10800 3600 604800 3600', 'take the place of the old ones, the serial moves');
SELECT is(apex('b.pub.test'), 'NS n3.test, NS ns2.example.net, NS own.test, SOA hidden.test hostmaster.b.pub.test 4 10800 3600 604800 3600', 'what people made stays');

DELETE FROM records WHERE name = 'b.pub.test' AND type = 'NS' AND content <> 'own.test';
SELECT is(ask('v_admin', $$SELECT nameservers FROM csdns.update_dns_server('main', nameservers => '{n5.test}')$$), '({n5.test})', 'fewer');
SELECT is(apex('a.pub.test') || '; ' || apex('b.pub.test'), 'NS n5.test, SOA n5.test hostmaster.a.pub.test 3 10800 3600 604800 3600; NS own.test, SOA hidden.test hostmaster.b.pub.test 5 10800 3600 604800 3600',
    'where nothing is left of them people chose so');
SELECT is(ask(who, format('SELECT name, url, ispublic, publicdomainsuffix, state FROM csdns.update_dns_server(%s)', what)), want, coalesce(want, '') || ': ' || what) FROM (VALUES
    ('v_acme', $$'acmes', name => 'x'$$, '42501 updateDnsServer is for administrators: v_acme is none'),
    ('v_admin', $$'absent'$$, 'P0002 DNS server "absent": not found'),
    ('v_admin', $$''$$, '22023 dnsserverid is missing'),
    ('v_admin', $$u('s', 1)::text$$, format('P0002 DNS server "%s": not found', u('s', 1))),
    ('v_admin', $$'main', publicdomainsuffix => ''$$, '22023 DNS server "main": is public, publicdomainsuffix is missing'),
    ('v_admin', $$'main', state => 'off'$$, '22023 state "off": is not Enabled or Disabled'),
    ('v_admin', $$'main', nameservers => '{}'$$, '22023 nameservers is missing'),
    ('v_admin', $$'main', name => 'mids'$$, '23505 DNS server "mids": exists already'),
    ('v_admin', $$'main', name => 'renamed', url => '', state => 'disabled'$$, '(renamed,,t,pub.test,Disabled)'),
    ('v_admin', $$'renamed', name => 'main', ispublic => false, publicdomainsuffix => ''$$, '(main,,f,,Disabled)'),
    ('v_admin', $$'main', ispublic => true, publicdomainsuffix => 'pub.test'$$, '(main,,t,pub.test,Disabled)')
  ) AS v (who, what, want);
SELECT is(ask('v_evil', 'SELECT name FROM csdns.list_dns_servers()'), '', 'a disabled public server is not shown to others');
SELECT is(ask('v_admin', $$SELECT name FROM csdns.create_dns_zone('c.pub.test', 'main')$$), '55000 zone "c.pub.test": DNS server "main" is disabled', 'and takes no zones');

-- away
SELECT is(ask(who, format('SELECT displaytext FROM csdns.delete_dns_server(%s)', what)), want, want) FROM (VALUES
    ('v_acme', $$'acmes'$$, '42501 deleteDnsServer is for administrators: v_acme is none'),
    ('v_admin', $$'absent'$$, 'P0002 DNS server "absent": not found'),
    ('v_admin', $$'main'$$, '55000 DNS server "main": has 2 zones'),
    ('v_admin', $$'main', cleanup => true, unmanage => true$$, '22023 cleanup and unmanage: only one of them'),
    ('v_admin', $$'acmes'$$, '("DNS server ""acmes"" is deleted")'),
    ('v_admin', $$'main', unmanage => true$$, '("DNS server ""main"" is deleted; unmanaged from now on: 2 zones")')) AS v (who, what, want);
SELECT is((SELECT count(*)::int FROM domains) || ' ' || (SELECT count(*) FROM csdns.dns_zone), '2 0', 'PowerDNS keeps the zones');
SELECT is(ask('v_admin', $$SELECT name FROM csdns.create_dns_zone('a.pub.test', 'mids', existing => true)$$), '(a.pub.test)', 'taken over by another server');
SELECT is(ask('v_admin', $$SELECT success, displaytext FROM csdns.delete_dns_server('mids', cleanup => true)$$), '(t,"DNS server ""mids"" is deleted, and 1 zone")', 'with its zones');
SELECT is((SELECT string_agg(name, ' ') FROM domains), 'b.pub.test', 'which are gone');
SELECT * FROM finish();
