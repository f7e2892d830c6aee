-- Verbs for zones: names, placing under a public suffix, overlap, owners, quotas, what comes with a zone and what goes with it.
\ir verb.inc

-- composition
CREATE FUNCTION public.compose(name text, suffix text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN csdns.compose_zone_name(name, suffix);
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN SQLERRM;
END
$$;
SELECT is(compose(name, suffix), want, format('%s under %s: %s', name, suffix, want)) FROM (VALUES
    ('test.com', 'example.com', 'test.example.com'),
    ('a.b.com', 'example.com', 'a.b.example.com'),
    ('x.example.com', 'example.com', 'x.example.com'),
    ('a.x.example.com', 'example.com', 'a.x.example.com'),
    ('xexample.com', 'example.com', 'xexample.example.com'),
    ('test.com', 'com', 'test.com'),
    ('example.com', 'a.example.com', 'example.a.example.com'),
    ('example.com', 'example.com', 'zone "example.com": is the public suffix of the DNS server itself'),
    ('test.org', 'example.com', 'zone "test.org": ends with "org", and the public suffix "example.com" of the DNS server with "com"'),
    ('2.0.192.in-addr.arpa', 'example.com', 'zone "2.0.192.in-addr.arpa": ends with "arpa", and the public suffix "example.com" of the DNS server with "com"'),
    ('com', 'example.com', 'zone "com": has no label to put before the public suffix "example.com" of the DNS server')) AS v (name, suffix, want);
SELECT is(compose(rpad('a.', 230, 'a.') || 'b.com', 'cloud.example.com'), format('zone "%s": name is longer than 242 octets', rpad('a.', 230, 'a.') || 'b.cloud.example.com'), 'too long together');

-- names
SELECT is(csdns.zone_name_fault_of(csdns.plain_name(name)), want, format('"%s" %s', name, coalesce(want, 'is a zone'))) FROM (VALUES
    (' Example.ORG. ', NULL), ('a-b.c9.example', NULL), ('org', NULL), ('xn--mnchen-3ya.de', NULL), (repeat('a', 63) || '.org', NULL),
    ('2.0.192.in-addr.arpa', NULL), ('0-63.2.0.192.in-addr.arpa', NULL), ('0/26.2.0.192.in-addr.arpa', NULL), ('0_26.2.0.192.in-addr.arpa', NULL),
    ('8.b.d.0.1.0.0.2.ip6.arpa', NULL), ('in-addr.arpa', NULL),
    ('', 'is empty'), (NULL, 'is missing'), ('.', 'is empty'), ('..', 'has an empty label'), ('a..org', 'has an empty label'), ('.org', 'has an empty label'), ('org..', 'has an empty label'),
    ('a b.org', 'has a space'), (E'a\tb.org', 'has a space'), ('a_b.org', 'has an underscore'), ('*.org', 'has a wildcard'), ('a/b.org', 'has the character "/"'),
    ('0/99.2.0.192.in-addr.arpa', 'has the character "/"'), ('a\b.org', 'has the character "\"'), ('-a.org', 'has a label that starts or ends with a hyphen'), ('a-.org', 'has a label that starts or ends with a hyphen'),
    ('münchen.de', 'has characters outside of ASCII; an international name is given in its ASCII form (xn--...)'),
    (repeat('a', 64) || '.org', 'has a label longer than 63 octets'), (repeat('a.', 120) || 'org', 'is longer than 242 octets'), (repeat('a.', 130) || 'org', 'is longer than 255 octets'),
    ('192.0.2.1', 'ends with a number: it is an address and no name')) AS v (name, want);

UPDATE csdns.account SET network_domain = 'shop.pub.test' WHERE name <> 'gone';
INSERT INTO csdns.network (uuid, name, account, domain) VALUES (u('w', 1), 'net', u('a', 1), u('d', 3));
INSERT INTO csdns.instance (uuid, name, account, domain) VALUES (u('i', 1), 'web', u('a', 1), u('d', 3)), (u('i', 2), 'web', u('a', 2), u('d', 4));
INSERT INTO csdns.nic (uuid, instance, network, ip4) VALUES (u('n', 1), u('i', 1), u('w', 1), '192.0.2.1'), (u('n', 2), u('i', 2), u('w', 1), '192.0.2.2');
INSERT INTO csdns.dns_server (name, name_servers, is_public, public_suffix) VALUES ('pub', '{ns1.test,ns2.test}', true, 'pub.test'), ('private', '{ns.test}', false, NULL);
INSERT INTO csdns.dns_server (name, name_servers, account, domain) VALUES ('acmes', '{ns.acme.test}', u('a', 1), u('d', 3));

-- what comes with a zone
SELECT is(ask('v_acme', $$SELECT name, dnsservername, type, state, description, account, domain, domainid, records FROM csdns.create_dns_zone(' Shop.TEST. ', 'pub', description => ' shop ')$$),
    format('(shop.pub.test,pub,Public,Active,shop,acme,leaf,%s,4)', u('d', 3)), 'a tenant''s zone, placed under the suffix');
SELECT is((SELECT string_agg(concat_ws(' ', r.name, type, content, ttl), ', ' ORDER BY type, content) FROM records r WHERE type IN ('SOA', 'NS')),
    'shop.pub.test NS ns1.test 3600, shop.pub.test NS ns2.test 3600, shop.pub.test SOA ns1.test hostmaster.shop.pub.test 1 10800 3600 604800 3600 3600', 'SOA and NS');
SELECT is((SELECT type FROM domains), 'NATIVE', 'of PowerDNS'' type NATIVE');
SELECT is(rr('shop.pub.test'), 'web.shop.pub.test A 192.0.2.1', 'instances whose network domain it is have their names, others'' do not');
SELECT is((SELECT count(*)::int FROM csdns.event), 0, 'nobody else had them in between');
UPDATE csdns.setting SET value = 'date' WHERE name = 'serial_style';
SELECT is(ask('v_acme', $$SELECT name FROM csdns.create_dns_zone('dated.pub.test', 'pub')$$), '(dated.pub.test)', 'below the suffix: as it is');
SELECT matches((SELECT content FROM records WHERE name = 'dated.pub.test' AND type = 'SOA'), ' \d{8}01 10800', 'serial by style');
UPDATE csdns.setting SET value = 'counter' WHERE name = 'serial_style';

-- refused
INSERT INTO domains (name, type) VALUES ('pub.test', 'NATIVE'), ('corp.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content) SELECT id, 'www.pub.test', 'A', '192.0.2.80' FROM domains WHERE name = 'pub.test';
INSERT INTO records (domain_id, name, type, content) SELECT id, 'a.deep.pub.test', 'A', '192.0.2.80' FROM domains WHERE name = 'pub.test';
SELECT is(ask(who, format('SELECT name, account, domain FROM csdns.create_dns_zone(%s)', what)), want, format('%s: %s: %s', who, what, want)) FROM (VALUES
    ('v_none', $$'x.test', 'pub'$$, 'P0002 DNS server "pub": not found'),
    ('v_acme', $$'x.test', 'private'$$, 'P0002 DNS server "private": not found'),
    ('v_evil', $$'x.test', 'acmes'$$, 'P0002 DNS server "acmes": not found'),
    ('v_acme', $$'x.test', 'absent'$$, 'P0002 DNS server "absent": not found'),
    ('v_acme', $$'x.test', NULL$$, '22023 dnsserverid is missing'),
    ('v_acme', $$NULL, 'pub'$$, '22023 name is missing'),
    ('v_acme', $$' . ', 'pub'$$, '22023 zone " . ": name is empty'),
    ('v_acme', $$'a b.test', 'pub'$$, '22023 zone "a b.test": name has a space'),
    ('v_acme', $$'x.org', 'pub'$$, '22023 zone "x.org": ends with "org", and the public suffix "pub.test" of the DNS server with "test"'),
    ('v_acme', $$'pub.test', 'pub'$$, '22023 zone "pub.test": is the public suffix of the DNS server itself'),
    ('v_acme', $$'x.test', 'pub', type => 'secret'$$, '22023 type "secret": is not Public or Private'),
    ('v_acme', $$'x.test', 'pub', description => repeat('x', 4097)$$, '22023 description is longer than 4096 characters'),
    ('v_acme', $$'x.test', 'pub', account => 'evil'$$, format('P0002 account "evil" in domain %s: not found', u('d', 3))),
    ('v_acme', $$'x.test', 'pub', account => 'evil', domainid => u('d', 4)::text$$, format('P0002 domain %s: not found', u('d', 4))),
    ('v_acme', $$'x.test', 'pub', domainid => u('d', 2)::text$$, format('P0002 domain %s: not found', u('d', 2))),
    ('v_acme', $$'x.test', 'pub', domainid => 'd'$$, '22023 domainid "d": not a uuid'),
    ('v_mid', $$'x.test', 'pub', domainid => u('d', 1)::text$$, format('P0002 domain %s: not found', u('d', 1))),
    ('v_mid', $$'x.test', 'pub', account => 'acme'$$, format('P0002 account "acme" in domain %s: not found', u('d', 2))),
    ('v_mid', $$'x.test', 'pub', account => 'gone', domainid => u('d', 3)::text$$, format('P0002 account "gone" in domain %s: not found', u('d', 3))),
    ('v_acme', $$'shop.test', 'pub'$$, '23505 zone "shop.pub.test": exists already'),
    ('v_evil', $$'shop.test', 'pub'$$, '23505 zone "shop.pub.test": exists already'),
    ('v_evil', $$'a.shop.test', 'pub'$$, '23505 zone "a.shop.pub.test": lies below zone "shop.pub.test" of another owner'),
    ('v_mid', $$'a.shop.test', 'pub'$$, '23505 zone "a.shop.pub.test": lies below zone "shop.pub.test" of another owner'),
    ('v_admin', $$'a.shop.pub.test', 'pub', account => 'evil', domainid => u('d', 4)::text$$, '23505 zone "a.shop.pub.test": lies below zone "shop.pub.test" of another owner (account "acme")'),
    ('v_admin', $$'a.shop.pub.test', 'pub'$$, '23505 zone "a.shop.pub.test": lies below zone "shop.pub.test" of another owner (account "acme")'),
    ('v_acme', $$'a.shop.test', 'pub'$$, '(a.shop.pub.test,acme,leaf)'),
    ('v_acme', $$'x.y.z.test', 'pub'$$, '(x.y.z.pub.test,acme,leaf)'),
    ('v_evil', $$'z.test', 'pub'$$, '23505 zone "z.pub.test": lies above a zone of another owner'),
    ('v_evil', $$'www.test', 'pub'$$, '23505 zone "www.pub.test": zone "pub.test" has records under this name'),
    ('v_evil', $$'deep.test', 'pub'$$, '23505 zone "deep.pub.test": zone "pub.test" has records under this name'),
    ('v_evil', $$'eep.test', 'pub'$$, '(eep.pub.test,evil,side)'),
    ('v_acme', $$'sub.corp.test', 'acmes'$$, '23505 zone "sub.corp.test": lies below zone "corp.test" of another owner'),
    ('v_acme', $$'test', 'acmes'$$, '42501 zone "test": only administrators may create it'),
    ('v_acme', $$'in-addr.arpa', 'acmes'$$, '42501 zone "in-addr.arpa": only administrators may create it'),
    ('v_acme', $$'100.51.198.in-addr.arpa', 'acmes'$$, '42501 zone "100.51.198.in-addr.arpa": only administrators may create it'),
    ('v_acme', $$'d.b.0.1.0.0.2.ip6.arpa', 'acmes'$$, '42501 zone "d.b.0.1.0.0.2.ip6.arpa": only administrators may create it'),
    ('v_acme', $$'acme.example', 'acmes'$$, '(acme.example,acme,leaf)'),
    ('v_mid', $$'m.test', 'pub'$$, '(m.pub.test,,mid)'),
    ('v_mid', $$'m2.test', 'pub', domainid => u('d', 3)::text$$, '(m2.pub.test,,leaf)'),
    ('v_mid', $$'m3.test', 'pub', account => 'acme', domainid => u('d', 3)::text$$, '(m3.pub.test,acme,leaf)'),
    ('v_admin', $$'as.given', 'pub', account => 'evil', domainid => u('d', 4)::text$$, '(as.given,evil,side)'),
    ('v_admin', $$'mine.corp.test', 'private'$$, '(mine.corp.test,,)'),
    ('v_admin', $$'evils.corp.test', 'private', account => 'evil', domainid => u('d', 4)::text$$, '(evils.corp.test,evil,side)'),
    ('v_admin', $$'0/26.2.0.192.in-addr.arpa', 'private', domainid => u('d', 2)::text$$, '(0/26.2.0.192.in-addr.arpa,,mid)'),
    ('v_admin', $$'test', 'private'$$, '(test,,)')
  ) AS v (who, what, want);
SELECT is((SELECT count(*)::int FROM domains d WHERE NOT EXISTS (SELECT FROM records r WHERE r.domain_id = d.id AND r.type = 'SOA')), 2, 'refusals leave nothing behind');

-- lists
SELECT is(ask(who, 'SELECT name FROM csdns.list_dns_zones()'), want, who || ' sees ' || want) FROM (VALUES
    ('v_acme', '(0/26.2.0.192.in-addr.arpa); (a.shop.pub.test); (acme.example); (dated.pub.test); (m.pub.test); (m2.pub.test); (m3.pub.test); (shop.pub.test); (x.y.z.pub.test)'),
    ('v_evil', '(as.given); (eep.pub.test); (evils.corp.test)'), ('v_none', '')) AS v (who, want);
BEGIN;
INSERT INTO csdns.dns_zone (domain_id, server) SELECT d.id, s.uuid FROM domains d, csdns.dns_server s WHERE d.name = 'corp.test' AND s.name = 'acmes';
SELECT is(ask('v_acme', 'SELECT name FROM csdns.list_dns_zones(dnsserverid => ''acmes'')'), '(acme.example); (corp.test)', 'the owner of a server sees others'' zones on it');
SELECT is(ask('v_acme', 'SELECT name FROM csdns.list_dns_records(''corp.test'')'), 'P0002 zone "corp.test": not found', 'but not what is in them');
ROLLBACK;
SELECT is(ask('v_admin', 'SELECT count(*) FROM csdns.list_dns_zones()'), '(' || (SELECT count(*) FROM domains) || ')', 'administrators see all');
SELECT is(ask('v_admin', 'SELECT id, name, type, state FROM csdns.list_dns_zones(' || what || ')'), want, 'listed by ' || what) FROM (VALUES
    ($$name => 'Corp.test.'$$, '(,corp.test,Public,Active)'), ($$id => 'corp.test'$$, '(,corp.test,Public,Active)'), ($$id => 'absent'$$, ''),
    ($$domainid => u('d', 9)::text$$, ''), ($$domainid => '1'$$, '22023 domainid "1": not a uuid')) AS v (what, want);
SELECT is(ask('v_admin', 'SELECT name FROM csdns.list_dns_zones(' || what || ')'), want, 'listed by ' || what) FROM (VALUES
    ($$id => (SELECT uuid::text FROM csdns.dns_zone z JOIN domains d ON d.id = z.domain_id WHERE d.name = 'm.pub.test')$$, '(m.pub.test)'),
    ($$dnsserverid => 'acmes'$$, '(acme.example)'), ($$account => 'evil', keyword => 'EEP'$$, '(eep.pub.test)'),
    ($$domainid => u('d', 2)::text$$, '(0/26.2.0.192.in-addr.arpa); (m.pub.test)')) AS v (what, want);

-- existing zones
SELECT is(ask(who, format('SELECT name, account, records FROM csdns.create_dns_zone(%s, existing => true)', what)), want, format('%s: %s', what, want)) FROM (VALUES
    ('v_evil', $$'corp.test', 'pub'$$, '42501 zone "corp.pub.test": only administrators and the owner of DNS server "pub" may take over existing zones'),
    ('v_acme', $$'corp.test', 'acmes'$$, 'P0002 zone "corp.test": not found'),
    ('v_acme', $$'absent.test', 'acmes'$$, 'P0002 zone "absent.test": not found'),
    ('v_admin', $$'absent.test', 'private'$$, 'P0002 zone "absent.test": not found'),
    ('v_admin', $$'as.given', 'private'$$, '23505 zone "as.given": has an owner already, account "evil"'),
    ('v_admin', $$'pub.test', 'private'$$, '(pub.test,,2)'),
    ('v_admin', $$'pub.test', 'private', account => 'acme', domainid => u('d', 3)::text$$, '23505 zone "pub.test": lies above zone "eep.pub.test" of another owner (account "evil")')) AS v (who, what, want);
INSERT INTO domains (name, type) VALUES ('acme.old', 'NATIVE');
INSERT INTO csdns.dns_zone (domain_id, server) SELECT d.id, s.uuid FROM domains d, csdns.dns_server s WHERE d.name = 'acme.old' AND s.name = 'acmes';
SELECT is(ask('v_acme', $$SELECT name, account FROM csdns.create_dns_zone('acme.old', 'acmes', existing => true)$$), '(acme.old,acme)', 'one that the administrator noted for their server');

-- changes
SELECT version AS v FROM csdns.head() \gset
SELECT is(ask('v_acme', $$SELECT name, state, type, description FROM csdns.update_dns_zone('shop.pub.test', 'shop', 'active', 'public')$$), '(shop.pub.test,Active,Public,shop)', 'nothing new');
SELECT is((SELECT version FROM csdns.head()), :v::bigint, 'makes no version');
SELECT is(ask(who, format('SELECT name, state, type, description FROM csdns.update_dns_zone(%s)', what)), want, format('%s: %s', what, want)) FROM (VALUES
    ('v_acme', $$'shop.pub.test', description => '', type => 'private'$$, '(shop.pub.test,Active,Private,)'),
    ('v_acme', $$'shop.pub.test', state => 'inactive'$$, '(shop.pub.test,Inactive,Private,)'),
    ('v_acme', $$'shop.pub.test', state => 'off'$$, '22023 state "off": is not Active or Inactive'),
    ('v_acme', $$'m.pub.test', state => 'Inactive'$$, '42501 zone "m.pub.test": is not yours to change'),
    ('v_evil', $$'shop.pub.test', state => 'Inactive'$$, 'P0002 zone "shop.pub.test": not found'),
    ('v_evil', $$'absent.test', state => 'Inactive'$$, 'P0002 zone "absent.test": not found'),
    ('v_admin', $$'corp.test', 'of ours'$$, '(corp.test,Active,Public,"of ours")')) AS v (who, what, want);
SELECT is(rr('shop.pub.test'), '', 'inactive: no names');
SELECT is(ask('v_mid', $$SELECT state FROM csdns.update_dns_zone('shop.pub.test', state => 'Active')$$), '(Active)', 'a domain''s tenant acts for accounts below');
SELECT is(rr('shop.pub.test'), 'web.shop.pub.test A 192.0.2.1', 'active: names');

-- quota
INSERT INTO csdns.policy (scope, max_zones) VALUES (u('a', 2), 3);
SELECT is(ask('v_evil', $$SELECT name FROM csdns.create_dns_zone('fourth.test', 'pub')$$), '53400 account evil may own 3 zones and has 3', 'quota');
SELECT is((SELECT count(*)::int FROM domains WHERE name = 'fourth.pub.test'), 0, 'nothing of it stays');
SELECT is(ask('v_evil', $$SELECT displaytext FROM csdns.delete_dns_zone('eep.pub.test')$$), '("zone ""eep.pub.test"" is deleted with 3 records")', 'one gone');
SELECT is(ask('v_evil', $$SELECT name FROM csdns.create_dns_zone('fourth.test', 'pub')$$), '(fourth.pub.test)', 'one more');

-- away
INSERT INTO csdns.network_zone (network, domain_id) SELECT u('w', 1), id FROM domains WHERE name = 'acme.example';
INSERT INTO csdns.instance_name (instance, domain_id, name) SELECT u('i', 1), id, 'www.acme.example' FROM domains WHERE name = 'acme.example';
SELECT is(rr('acme.example'), 'web.acme.example A 192.0.2.1, www.acme.example A 192.0.2.1', 'names by association and by hand');
DELETE FROM csdns.event;
SELECT is(ask(who, format('SELECT success, displaytext FROM csdns.delete_dns_zone(%s)', what)), want, format('%s: %s', what, want)) FROM (VALUES
    ('v_evil', $$'acme.example'$$, 'P0002 zone "acme.example": not found'),
    ('v_acme', $$'m.pub.test'$$, '42501 zone "m.pub.test": is not yours to change'),
    ('v_acme', $$''$$, '22023 zone is missing'),
    ('v_acme', $$'acme.example', unmanage => true$$, '42501 zone "acme.example": only administrators may leave it unmanaged'),
    ('v_admin', $$'acme.example', unmanage => true$$, '(t,"zone ""acme.example"" is no longer managed; what stays there: 4 records")')) AS v (who, what, want);
SELECT is(rr('acme.example'), 'web.acme.example A 192.0.2.1, www.acme.example A 192.0.2.1', 'records of an unmanaged zone stay');
SELECT is((SELECT count(*)::int FROM csdns.rule_record_state WHERE name LIKE '%acme.example') || ' ' || (SELECT count(*) FROM csdns.network_zone) || ' ' || (SELECT count(*) FROM csdns.instance_name), '0 0 0',
    'and are nobody''s rules''; associations and names are forgotten');
SELECT is(rr('shop.pub.test'), 'web.shop.pub.test A 192.0.2.1', 'the instance goes back to its network domain');
SELECT is((SELECT count(*)::int FROM csdns.event), 0, 'no event');
UPDATE csdns.instance SET removed = now() WHERE uuid = u('i', 1);
SELECT is(rr('acme.example') || '; ' || rr('shop.pub.test'), 'web.acme.example A 192.0.2.1, www.acme.example A 192.0.2.1; ', 'what was forgotten stays when the instance goes');
UPDATE csdns.instance SET removed = NULL WHERE uuid = u('i', 1);
SELECT is(ask('v_admin', $$SELECT displaytext FROM csdns.delete_dns_zone('shop.pub.test', unmanage => true)$$), '("zone ""shop.pub.test"" is no longer managed; what stays there: 4 records")', 'a zone that is somebody''s network domain');
SELECT is(rr('shop.pub.test') || '; ' || (SELECT count(*) FROM csdns.rule_record_state WHERE name = 'web.shop.pub.test'), 'web.shop.pub.test A 192.0.2.1; 1', 'is still filled by rules');
SELECT is((SELECT string_agg(source || name, ' ') FROM csdns.collision), u('i', 2) || 'web.shop.pub.test', 'and open to others now, who come later');
SELECT is(ask('v_admin', $$SELECT success FROM csdns.delete_dns_zone('shop.pub.test')$$), '(t)', 'deleted');
SELECT is((SELECT count(*)::int FROM records WHERE name LIKE '%shop.pub.test' AND name NOT LIKE 'a.%') || ' ' || (SELECT count(*) FROM csdns.hold) || ' ' || (SELECT count(*) FROM csdns.collision), '0 0 0', 'with everything');
SELECT is(ask('v_admin', $$SELECT success FROM csdns.delete_dns_zone('shop.pub.test')$$), 'P0002 zone "shop.pub.test": not found', 'once');
SELECT is((SELECT count(*)::int FROM csdns.drift), 0, 'no drift');
SELECT * FROM finish();
