-- csdns.api(): envelopes, parameters of every kind, refusals and their events, paging, what is not to be called.
\ir verb.inc
INSERT INTO domains (name, type) VALUES ('z.test', 'NATIVE'), ('own.test', 'NATIVE'), ('shared.test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, t.type, t.content, 3600 FROM domains, (VALUES ('SOA', 'ns.test h.test 1 3600 600 86400 60'), ('NS', 'ns.test')) AS t (type, content);
INSERT INTO csdns.dns_zone (domain_id, account, domain) VALUES (id('own.test'), u('a', 1), u('d', 3)), (id('shared.test'), u('a', 1), u('d', 3));
INSERT INTO csdns.zone_delegation (domain_id, account) VALUES (id('shared.test'), u('a', 2));
CREATE FUNCTION public.api(command text, params jsonb, who text DEFAULT 'v_admin') RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    answer json;
BEGIN
    EXECUTE format('SET LOCAL ROLE %I', who);
    answer := csdns.api(command, params);
    RESET ROLE;
    RETURN answer;
END
$$;
-- the refusal in an answer
CREATE FUNCTION public.refusal(command text, params jsonb, who text DEFAULT 'v_admin') RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s %s %s', key, value ->> 'errorcode', value ->> 'sqlstate', value ->> 'errortext') FROM json_each(api(command, params, who)) $$;

-- envelopes
SELECT is(api('createDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": ["192.0.2.1"], "ttl": 60}')::text,
    '{"creatednsrecordresponse" : {"dnsrecord" : {"name":"a.z.test","type":"A","contents":["192.0.2.1"],"ttl":60,"disabled":false,"origin":"hand","source":null,"dnszoneid":null,"dnszonename":"z.test"}}}', 'one, in the order of columns');
SELECT is(api('LISTDNSRECORDS', '{"dnszoneid": "z.test", "type": "a"}')::text,
    '{"listdnsrecordsresponse" : {"count" : 1, "dnsrecord" : [{"name":"a.z.test","type":"A","contents":["192.0.2.1"],"ttl":60,"disabled":false,"origin":"hand","source":null,"dnszoneid":null,"dnszonename":"z.test"}]}}', 'a list, the command in any case');
SELECT is(api('listDnsRecords', '{"dnszoneid": "z.test", "name": "nope"}')::text, '{"listdnsrecordsresponse" : {"count" : 0, "dnsrecord" : []}}', 'an empty list');
SELECT is(api('deleteDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A"}')::text, '{"deletednsrecordresponse" : {"success":true,"displaytext":"record \"a.z.test\" A: deleted"}}', 'a deletion');
SELECT is(api('createDnsRecords', '{"records": [{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": ["192.0.2.1"]}]}')::text, '{"creatednsrecordsresponse" : {"success":true,"displaytext":"1 of 1 names and types created"}}', 'many');
SELECT is(api('deleteDnsRecords', jsonb_build_object('records', '[{"dnszoneid": "z.test", "name": "a", "type": "A"}]'))::text, '{"deletednsrecordsresponse" : {"success":true,"displaytext":"1 of 1 names and types deleted"}}', 'JSON within a string');
SELECT is(api('createDnsRecord', '{"dnszoneid": "nope.test", "name": "a", "type": "A", "contents": "x"}')::text,
    '{"creatednsrecordresponse" : {"errorcode":431,"sqlstate":"P0002","errortext":"zone \"nope.test\": not found"}}', 'a refusal');
SELECT is(api('createDnsRecords', '{"records": [{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": ["x"]}, {"dnszoneid": "z.test", "name": "b", "type": "A"}]}')::text,
    '{"creatednsrecordsresponse" : {"errorcode":431,"sqlstate":"22023","errortext":"records: number 1 a.z.test A: \"x\": content is not an IPv4 address (and 1 more)","details":["number 1 a.z.test A: \"x\": content is not an IPv4 address","number 2 b.z.test A: contents is missing","Nothing was stored."]}}', 'with details');

-- parameters
SELECT is(csdns.split_list(word), want, format('split %s', word)) FROM (VALUES
    ('', '{}'::text[]), ('a', '{a}'), ('a,b', '{a,b}'), (' a , b ', '{a,b}'), ('a,,b,', '{a,b}'), ('"a,b",c', ARRAY['"a,b"', 'c']), ('"a\",b",c', ARRAY['"a\",b"', 'c']), ('"a" "b,c"', ARRAY['"a" "b,c"']),
    ('10 a.test,20 b.test', ARRAY['10 a.test', '20 b.test']), ('a\,b', '{"a\\,b"}'), ('"a', NULL), ('a\', NULL)) AS v (word, want);
SELECT is(api('createDnsRecord', jsonb_build_object('dnszoneid', 'z.test', 'name', 'p' || n, 'type', type, 'contents', contents) || more) #>> '{creatednsrecordresponse,dnsrecord,contents}', want, format('contents %s', contents)) FROM (VALUES
    (1, 'A', '"192.0.2.1,192.0.2.2"'::jsonb, '{"ttl": "60"}'::jsonb, '["192.0.2.1","192.0.2.2"]'), (2, 'TXT', '"\"a,b\",c"', '{"TTL": 60}', '["\"a,b\"","\"c\""]'), (3, 'TXT', '[5, "x"]', '{"ttl": null}', '["\"5\"","\"x\""]'),
    (4, 'TXT', '7', '{"ttl": 60.0}', '["\"7\""]')) AS v (n, type, contents, more, want);
SELECT is(refusal(command, params), want, format('%s %s', command, left(params::text, 80))) FROM (VALUES
    ('nope', '{}'::jsonb, 'errorresponse 432 0A000 command "nope": not known'), ('', '{}', 'errorresponse 432 0A000 command "": not known'), (NULL, '{}', 'errorresponse 432 0A000 command "": not known'),
    ('create_dns_zone', '{}', 'errorresponse 432 0A000 command "create_dns_zone": not known'), ('take_mutex', '{}', 'errorresponse 432 0A000 command "take_mutex": not known'),
    ('list''; DROP TABLE csdns.event; --', '{}', 'errorresponse 432 0A000 command "list''; DROP TABLE csdns.event; --": not known'),
    ('createDnsRecord', '[]', 'creatednsrecordresponse 431 22023 createDnsRecord: parameters are not an object but array'), ('createDnsRecord', '"x"', 'creatednsrecordresponse 431 22023 createDnsRecord: parameters are not an object but string'),
    ('createDnsRecord', 'null', 'creatednsrecordresponse 431 22023 createDnsRecord: parameters are not an object but null'),
    ('createDnsRecord', '{}', 'creatednsrecordresponse 431 22023 createDnsRecord: parameter missing: dnszoneid, name, type, contents'),
    ('createDnsRecord', '{"dnszoneid": null, "name": "a", "type": "A", "contents": "x"}', 'creatednsrecordresponse 431 22023 createDnsRecord: parameter missing: dnszoneid'),
    ('createDnsRecord', '{"dnszoneid": "z.test", "foo": 1, "bar": 2}', 'creatednsrecordresponse 431 22023 createDnsRecord: parameter not known: bar, foo'),
    ('createDnsRecord', '{"dnszoneid": "z.test", "Name": "a", "name": "b"}', 'creatednsrecordresponse 431 22023 createDnsRecord: parameter Name is there twice'),
    ('createDnsRecord', '{"dnszoneid": "z.test", "name) => 1); --": "a"}', 'creatednsrecordresponse 431 22023 createDnsRecord: parameter not known: name) => 1); --'),
    ('listDnsRecords', '{"dnszoneid": {}}', 'listdnsrecordsresponse 431 22023 parameter dnszoneid: not a string but object'), ('listDnsRecords', '{"dnszoneid": true}', 'listdnsrecordsresponse 431 22023 parameter dnszoneid: not a string but boolean'),
    ('updateDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "ttl": "x"}', 'updatednsrecordresponse 431 22023 parameter ttl: "x" is not a whole number'),
    ('updateDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "ttl": 1.5}', 'updatednsrecordresponse 431 22023 parameter ttl: "1.5" is not a whole number'),
    ('updateDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "ttl": 2147483648}', 'updatednsrecordresponse 431 22023 parameter ttl: 2147483648 is not from -2147483648 to 2147483647'),
    ('updateDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "ttl": true}', 'updatednsrecordresponse 431 22023 parameter ttl: "true" is not a whole number'),
    ('updateDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": {}}', 'updatednsrecordresponse 431 22023 parameter contents: not a list of strings but object'),
    ('updateDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": ["x", null]}', 'updatednsrecordresponse 431 22023 parameter contents: number 2 of the list is not a string but null'),
    ('updateDnsRecord', '{"dnszoneid": "z.test", "name": "a", "type": "A", "contents": "\"x"}', 'updatednsrecordresponse 431 22023 parameter contents: ""x" has a double quote that is not closed'),
    ('listDnsAudit', '{"since": "soon"}', 'listdnsauditresponse 431 22023 parameter since: "soon" is not a time'),
    ('updateDnsPolicy', '{"ptr": "maybe"}', 'updatednspolicyresponse 431 22023 parameter ptr: "maybe" is neither true nor false'), ('updateDnsPolicy', '{"ptr": 1}', 'updatednspolicyresponse 431 22023 parameter ptr: "1" is neither true nor false'),
    ('createDnsRecords', '{"records": "[{"}', 'creatednsrecordsresponse 431 22023 parameter records: "[{" is not JSON'), ('createDnsRecords', '{"records": true}', 'creatednsrecordsresponse 431 22023 records: not an array of objects but boolean'),
    ('listDnsEvents', '{"since": "9223372036854775808"}', 'listdnseventsresponse 431 22023 parameter since: 9223372036854775808 is not from -9223372036854775808 to 9223372036854775807'),
    ('createDnsRecord', '{"dnszoneid": "z.test", "name": "p1", "type": "A", "contents": "192.0.2.1"}', 'creatednsrecordresponse 431 23505 record "p1.z.test" A: exists already; update it instead'),
    ('createDnsRecord', '{"dnszoneid": "z.test", "name": "p1", "type": "CNAME", "contents": "x"}', 'creatednsrecordresponse 431 23514 record "p1.z.test" CNAME: CNAME beside A')) AS v (command, params, want);
SELECT is(api('updateDnsPolicy', jsonb_build_object('ptr', word)) #>> '{updatednspolicyresponse,dnspolicy,ptr}', want, 'boolean ' || word::text) FROM (VALUES ('"TRUE"'::jsonb, 'true'), ('false', 'false'), ('"true"', 'true')) AS v (word, want);
SELECT is(api('createDnsRecord', '{"dnszoneid": "z.test"}') #>> '{creatednsrecordresponse,details}', '["createDnsRecord takes: dnszoneid (required), name (required), type (required), contents (required), ttl"]', 'what there is, is told');
SELECT is(api(command, '{}') #>> '{errorresponse,details}', want, 'near ' || command) FROM (VALUES
    ('nope', '["listApis lists the commands."]'), ('', '["listApis lists the commands."]'), ('create_dns_zone', '["createDnsZone","createDnsZones","listApis lists the commands."]'),
    ('listZone', '["listDnsZoneDelegations","listDnsZoneNetworks","listDnsZones","listApis lists the commands."]')) AS v (command, want);
SELECT is(api('addDnsServer', '{"name": "full", "nameservers": "ns.test"}') #>> '{adddnsserverresponse,dnsserver,name}', 'full', 'a server');
SELECT is(api('updateDnsServer', '{"id": "full", "dnsapikey": "topsecret", "dnsusername": "me", "details[0].pdnsServerId": "localhost", "details": {"a": 1}}')
              #>> '{updatednsserverresponse,dnsserver,provider}', 'PowerDNS', 'what CloudStack sends for a server behind an API is taken');
SELECT is((SELECT count(*)::int FROM csdns.audit a WHERE a::text LIKE '%topsecret%') + (SELECT count(*)::int FROM csdns.event e WHERE e::text LIKE '%topsecret%'), 0, 'and kept nowhere');
SELECT is(api('listDnsProviders', '{}')::jsonb, '{"listdnsprovidersresponse": {"count": 1, "dnsprovider": [{"name": "PowerDNS", "description": "csdns, as PowerDNS'' backend"}]}}'::jsonb, 'providers');
SELECT is(api('listDnsServers', '{"providertype": "powerdns", "name": "full"}') #>> '{listdnsserversresponse,count}', '1', 'servers by provider');
SELECT is(api('listDnsServers', '{"providertype": "bind"}') #>> '{listdnsserversresponse,errorcode}', '431', 'no such provider');
SELECT is(api('createDnsZone', '{"name": "in-full.test", "dnsserverid": "full"}') #>> '{creatednszoneresponse,dnszone,name}', 'in-full.test', 'with a zone');
SELECT is(api('deleteDnsServer', '{"id": "full"}') #>> '{deletednsserverresponse,details}', '["With cleanup its zones are deleted too, with unmanage they stay as they are."]', 'what to do about it is told');
SELECT is(api('deleteDnsServer', '{"id": "full", "cleanup": true}') #>> '{deletednsserverresponse,displaytext}', 'DNS server "full" is deleted, and 1 zone', 'and helps');
SELECT is(api('createDnsRecords', '{"records": [{}]}') #>> '{creatednsrecordsresponse,details}', '["number 1: dnszoneid is missing","Nothing was stored."]', 'behind the details');
SELECT is(api('listDnsRecords', NULL) #>> '{listdnsrecordsresponse,count}', (SELECT count(DISTINCT (domain_id, name, type))::text FROM records), 'no parameters are an empty object');

-- paging
SELECT is((api('listDnsRecords', '{"dnszoneid": "z.test"}' || params)::jsonb #>> '{listdnsrecordsresponse,count}') || ' '
          || (SELECT coalesce(string_agg(left(e ->> 'name', -7), ' '), '') FROM jsonb_array_elements(api('listDnsRecords', '{"dnszoneid": "z.test"}' || params)::jsonb #> '{listdnsrecordsresponse,dnsrecord}') AS e), want, params::text) FROM (VALUES
    ('{"type": "TXT"}'::jsonb, '3 p2 p3 p4'), ('{"type": "TXT", "page": 1, "pagesize": 2}', '3 p2 p3'), ('{"type": "TXT", "page": "2", "pagesize": "2"}', '3 p4'), ('{"type": "TXT", "page": 3, "pagesize": 2}', '3 '),
    ('{"type": "TXT", "page": 2147483647, "pagesize": 500}', '3 '), ('{"type": "TXT", "page": null, "pagesize": null}', '3 p2 p3 p4')) AS v (params, want);
SELECT is(refusal('listDnsRecords', params), want, params::text) FROM (VALUES
    ('{"page": 1}'::jsonb, 'listdnsrecordsresponse 431 22023 listDnsRecords: page and pagesize go together'), ('{"pagesize": 1}', 'listdnsrecordsresponse 431 22023 listDnsRecords: page and pagesize go together'),
    ('{"page": 0, "pagesize": 1}', 'listdnsrecordsresponse 431 22023 parameter page: 0 is not from 1 to 2147483647'), ('{"page": 1, "pagesize": 501}', 'listdnsrecordsresponse 431 22023 parameter pagesize: 501 is not from 1 to 500'),
    ('{"page": 1, "pagesize": 0}', 'listdnsrecordsresponse 431 22023 parameter pagesize: 0 is not from 1 to 500'), ('{"page": "x", "pagesize": 1}', 'listdnsrecordsresponse 431 22023 parameter page: "x" is not a whole number')) AS v (params, want);
SELECT is(refusal('deleteDnsRecord', '{"dnszoneid": "z.test", "name": "x", "type": "A", "page": 1, "pagesize": 1}'), 'deletednsrecordresponse 431 22023 deleteDnsRecord: parameter not known: page, pagesize', 'only lists have pages');

-- error codes
SELECT is(csdns.api_error_code(state), code, 'SQLSTATE ' || state) FROM (VALUES ('22023', 431), ('22P02', 431), ('23505', 431), ('23514', 431), ('P0002', 431), ('42501', 531), ('53400', 535), ('55000', 536), ('23503', 536), ('0A000', 432), ('42883', 530), ('P0001', 530)) AS v (state, code);

-- refusals leave an event, and nothing else
TRUNCATE csdns.event;
SET csdns.cloud_user = 'carol';
SELECT is(refusal('createDnsRecord', '{"dnszoneid": "own.test", "name": "e", "type": "A", "contents": "x"}', 'v_acme'), 'creatednsrecordresponse 431 22023 record "e.own.test" A: "x": content is not an IPv4 address', 'refused');
SELECT is((SELECT format('%s %s %s %s', type, zone, name, description) FROM csdns.event), 'DNS.REQUEST.REFUSED own.test e createDnsRecord by v_acme for carol: record "e.own.test" A: "x": content is not an IPv4 address', 'its event');
RESET csdns.cloud_user;
INSERT INTO csdns.policy (scope, max_records) VALUES (u('a', 1), 1);
SELECT is(refusal('createDnsRecord', '{"dnszoneid": "own.test", "name": "e", "type": "A", "contents": "192.0.2.1"}', 'v_acme'), 'creatednsrecordresponse 535 53400 zone "own.test" may hold 1 record and would have more', 'a quota');
SELECT is((SELECT type FROM csdns.event ORDER BY id DESC LIMIT 1), 'DNS.QUOTA.EXCEEDED', 'its event');
SELECT is(rr('own.test'), '', 'the record is not there');
DELETE FROM csdns.policy WHERE scope = u('a', 1);
SELECT is(refusal('listDnsRecords', '{"dnszoneid": "z.test"}', 'v_evil'), 'listdnsrecordsresponse 431 P0002 zone "z.test": not found', 'a question that is refused');
SELECT is((SELECT count(*)::int FROM csdns.event), 2, 'is no event');
SELECT is(refusal('deleteDnsRecord', '{"dnszoneid": "own.test", "name": "e", "type": "A"}', 'v_evil'), 'deletednsrecordresponse 431 P0002 zone "own.test": not found', 'a stranger');
SELECT is((SELECT zone FROM csdns.event ORDER BY id DESC LIMIT 1), NULL, 'names no zone that it does not see');
SELECT is(refusal('deleteDnsRecord', '{"dnszoneid": "shared.test", "name": "e", "type": "A"}', 'v_evil'), 'deletednsrecordresponse 431 P0002 record "e.shared.test" A: not found', 'one that sees it');
SELECT is((SELECT zone FROM csdns.event ORDER BY id DESC LIMIT 1), 'shared.test', 'does');
SELECT is(api('listDnsEvents', '{"keyword": "v_evil"}', 'v_acme') #>> '{listdnseventsresponse,count}', '1', 'the owner of the zone may read it');
SELECT is(refusal('updateDnsPolicy', '{"ttl": 5}', 'v_acme'), 'updatednspolicyresponse 531 42501 updateDnsPolicy is for administrators: v_acme is none', 'not permitted');
SELECT ok(octet_length(api(repeat('x', 100000), '{}')::text) < 4000, 'a long command is cut');
SELECT ok(octet_length(api('deleteDnsRecord', jsonb_build_object('dnszoneid', repeat('x', 1000000), 'name', repeat('y', 100000), 'type', 'A'))::text) < 4000, 'as are long parameters');
SELECT lives_ok($$SELECT api('createDnsRecord', jsonb_build_object('dnszoneid', E'a\nb', 'name', E'c\nd', 'type', 'A', 'contents', 'x'))$$, 'line ends in parameters');
SELECT cmp_ok(max(length(description)), '<=', 1000, 'events are bounded') FROM csdns.event;
SELECT is((SELECT count(*)::int FROM csdns.event WHERE description ~ '[[:cntrl:]]'), 0, 'and on one line');
SELECT is(refusal('addDnsServer', '{"name": "s", "url": "https://me:secret@ns.test/ x", "nameservers": "ns.test", "port": 0}') IS NOT NULL, true, 'a password in an address');
SELECT is((SELECT count(*)::int FROM csdns.event WHERE description LIKE '%secret%'), 0, 'is in no event');
SELECT is(csdns.shown('dnsapikey', '"s3cret"'), '...', 'nor is a key in an error');

-- what came before in the transaction stays, what the verb did is undone
BEGIN;
SELECT api('createDnsRecord', '{"dnszoneid": "z.test", "name": "t1", "type": "A", "contents": "192.0.2.1"}') \g /dev/null
SELECT api('createDnsRecords', '{"records": [{"dnszoneid": "z.test", "name": "t2", "type": "A", "contents": "192.0.2.1"}, {"dnszoneid": "z.test", "name": "t1", "type": "CNAME", "contents": "x"}]}') \g /dev/null
COMMIT;
SELECT is((SELECT string_agg(name, ' ') FROM records WHERE name LIKE 't_.z.test'), 't1.z.test', 'subtransaction');

-- passed on
SELECT is(csdns.is_passed_on(state), want, 'SQLSTATE ' || state) FROM (VALUES ('40001', true), ('40P01', true), ('53200', true), ('53100', true), ('57014', true), ('57P01', true), ('58030', true), ('XX000', true), ('53400', false), ('22023', false), ('42501', false)) AS v (state, want);

-- who may call, and read-only transactions
SELECT is(ask('v_none', $$SELECT csdns.api('listDnsZones') #>> '{listdnszonesresponse,dnszone}'$$), '([])', 'a tenant that stands for nothing');
DO $$ BEGIN IF to_regrole('api_reader') IS NULL THEN CREATE ROLE api_reader LOGIN IN ROLE csdns_read; END IF; END $$;
SELECT is(ask('api_reader', $$SELECT csdns.api('listDnsZones')$$), '42501 permission denied for function api', 'readers may not');
REVOKE EXECUTE ON FUNCTION csdns.list_dns_drift() FROM csdns_tenant;
SELECT is(refusal('listDnsDrift', '{}', 'v_acme'), 'listdnsdriftresponse 531 42501 listDnsDrift: v_acme may not do that', 'a command that is not granted');
SELECT is(api('listApis', '{"name": "listDnsDrift"}', 'v_acme') #>> '{listapisresponse,count}', '0', 'is not listed');
GRANT EXECUTE ON FUNCTION csdns.list_dns_drift() TO csdns_tenant;
BEGIN READ ONLY;
SELECT is(refusal('createDnsRecord', '{"dnszoneid": "z.test", "name": "ro", "type": "A", "contents": "x"}'), 'creatednsrecordresponse 431 22023 record "ro.z.test" A: "x": content is not an IPv4 address', 'refused without an event where nothing can be written');
SELECT ok(api('createDnsRecord', '{"dnszoneid": "z.test", "name": "ro", "type": "A", "contents": "192.0.2.1"}') #>> '{creatednsrecordresponse,sqlstate}' = '25006', 'a read-only transaction');
SELECT ok((api('listDnsZones', '{}') #>> '{listdnszonesresponse,count}')::int >= 3, 'lists work there');
COMMIT;

-- the registry
SELECT is_empty($$SELECT c.name FROM csdns.command c WHERE c.help IS NULL OR c.element IS NULL AND c.many$$, 'every command says what it does');
SELECT is_empty($$SELECT p.command, p.name FROM csdns.command_parameter p WHERE p.help IS NULL$$, 'and every parameter what it means');
SELECT is_empty($$SELECT name FROM csdns.command GROUP BY name HAVING count(*) > 1$$, 'each is one function');
SELECT is_empty($$SELECT c.name FROM csdns.command c JOIN pg_proc p ON p.oid = c.function_oid WHERE NOT p.prosecdef OR p.proconfig IS NULL$$, 'with the owner''s rights and a fixed search_path');
SELECT is_empty($$SELECT c.name FROM csdns.command c WHERE NOT has_function_privilege('csdns_admin', c.function_oid, 'EXECUTE') OR NOT has_function_privilege('csdns_tenant', c.function_oid, 'EXECUTE')
    OR has_function_privilege('csdns_write', c.function_oid, 'EXECUTE')$$, 'for administrators and tenants');
SELECT is_empty($$SELECT c.name, p.proargnames FROM csdns.command c JOIN pg_proc p ON p.oid = c.function_oid
    WHERE c.element IS NULL AND NOT coalesce(p.proargnames @> '{success,displaytext}', false)$$, 'a command without rows answers success and displaytext');
SELECT is((api('listApis', '{"name": "creatednsrecord"}')::jsonb #> '{listapisresponse,api,0,params}') -> 3, '{"name": "contents", "type": "list", "required": true, "description": "what the records say, as in a zone file"}', 'listApis');
SELECT is((api('listApis', '{}') #>> '{listapisresponse,count}')::int, (SELECT count(*)::int FROM csdns.command), 'all of them');
SELECT * FROM finish();
