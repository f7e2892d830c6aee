-- Random events (reference-cases.inc) in a small cloud, with few names and addresses, so that they get into each other's way.  After each
-- the records are what the rules want, a collision has its event and its reason, and a reconcile finds nothing.
SELECT no_plan();
\i reference-cases.inc
\getenv seed CSDNS_SEED
\if :{?seed}
\else
SELECT (random() * 1e9)::int AS seed \gset
\endif
SELECT diag('CSDNS_SEED=' || :seed);
SELECT setseed((:seed % 1000000) / 1000000.0);

CREATE FUNCTION public.any_of(words text) RETURNS text VOLATILE LANGUAGE sql AS $$
    SELECT w[1 + floor(random() * cardinality(w))::int] FROM string_to_array(words, ' ') AS w $$;
CREATE FUNCTION public.random_event() RETURNS text VOLATILE LANGUAGE plpgsql AS $$
DECLARE
    vm text := any_of('v1 v2 v3 v4 v5 v6');
    net text := any_of('net1 net1 net2 iso tier l2');
    address text := any_of('10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.1.1 10.0.1.2');
    v6 text := any_of('- 2001:db8::1 2001:db8::2 2001:db8:1::1');
    name text := any_of('a b c d');
    zone text := any_of('cloud.test other.test sub.cloud.test');
    reverse text := any_of('10.in-addr.arpa 0.0.10.in-addr.arpa 0-3.0.0.10.in-addr.arpa 2/31.0.0.10.in-addr.arpa 8.b.d.0.1.0.0.2.ip6.arpa');
BEGIN
    RETURN replace(replace(CASE any_of('create state state rename rename group move nic nic nic unplug default acquire nat unnat free floating networkdomain associate disassociate'
                       || ' zone drop owner policy policy policy person edit delete release quiet resync lose remove')
        WHEN 'create' THEN format('create %s %s %s %s', vm, net, address, v6)
        WHEN 'state' THEN format('%s %s', any_of('start start stop destroy recover error migrate again'), vm)
        WHEN 'rename' THEN format('rename %s %s', vm, name)
        WHEN 'group' THEN format('group %s %s', vm, any_of('g h -'))
        WHEN 'move' THEN format('move %s %s', vm, any_of('acme other admin'))
        WHEN 'nic' THEN format('nic %s %s %s %s %s', vm, net, address, v6, any_of('- +10.0.0.3 +10.0.1.2'))
        WHEN 'unplug' THEN format('unplug %s %s', vm, net)
        WHEN 'default' THEN format('default %s %s', vm, net)
        WHEN 'acquire' THEN format('acquire %s %s', any_of('203.0.113.1 203.0.113.2'), any_of('iso vpc'))
        WHEN 'nat' THEN format('nat %s %s %s', any_of('203.0.113.1 203.0.113.2'), vm, any_of('- 10.0.0.1 10.0.0.2 10.0.0.3'))
        WHEN 'unnat' THEN format('unnat %s', any_of('203.0.113.1 203.0.113.2'))
        WHEN 'free' THEN format('free %s', any_of('203.0.113.1 203.0.113.2'))
        WHEN 'floating' THEN format('floating %s %s %s', name, address, any_of('- v1 v2 v3'))
        WHEN 'networkdomain' THEN format('networkdomain %s %s', any_of('acme other cust ROOT net1 iso'), any_of('- cloud.test other.test'))
        WHEN 'associate' THEN format('associate %s %s %s', net, zone, any_of('- - ' || net))
        WHEN 'disassociate' THEN format('disassociate %s', net)
        WHEN 'zone' THEN format('zone %s', any_of(zone || ' ' || reverse))
        WHEN 'drop' THEN format('drop %s', any_of(zone || ' ' || reverse))
        WHEN 'owner' THEN format('owner %s %s', any_of('cloud.test other.test'), any_of('acme other'))
        WHEN 'policy' THEN format('policy %s %s', any_of('on_stop=keep on_stop=remove ptr=true ptr=false common=true common=false common_zone=other.test groups=true groups=false secondary_addresses=true'
            || ' static_nat=also static_nat=instead static_nat=off floating=members floating=address host_template={name} host_template={name}-{account} ttl=60 ttl=3600'), any_of('- - net1 acme cust'))
        WHEN 'person' THEN format('person %s %s', any_of(name || ' ' || name || '.other.test'), any_of('A=192.0.2.9 AAAA=2001:db8::99 CNAME=x.example'))
        WHEN 'edit' THEN format('edit %s A 192.0.2.8', name)
        WHEN 'delete' THEN format('delete %s %s', name, any_of('A AAAA CNAME'))
        WHEN 'release' THEN format('release %s', name)
        WHEN 'quiet' THEN format('quiet nic %s %s %s', vm, net, address)
        WHEN 'lose' THEN format('lose %s', name)
        WHEN 'remove' THEN format('remove %s', any_of('acme other cust net1 iso tier'))
        ELSE 'resync' END, ' -', ''), '=', ' ');
END $$;

-- What names a collision must be about: somebody else's, or a person's, are there.
CREATE FUNCTION public.amiss() RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(fault, '; '), 'nothing') FROM (
        SELECT concat_ws(' ', 'drift:', difference, name, type, content) AS fault FROM csdns.drift
        UNION ALL
        SELECT 'untold: ' || c.name FROM csdns.collision c
         WHERE NOT EXISTS (SELECT FROM csdns.event e WHERE e.type = 'DNS.NAME.COLLISION' AND e.name = c.name AND e.source = c.source)
        UNION ALL
        SELECT 'waits for nobody: ' || c.name FROM csdns.collision c
         WHERE NOT EXISTS (SELECT FROM records r LEFT JOIN csdns.rule_record m ON m.record_id = r.id
                            WHERE r.domain_id = c.domain_id AND r.name = c.name AND m.source IS DISTINCT FROM c.source)
           AND NOT EXISTS (SELECT FROM csdns.hold h WHERE h.domain_id = c.domain_id AND h.name = c.name)
        UNION ALL
        SELECT 'two have ' || r.name FROM csdns.rule_record m JOIN records r ON r.id = m.record_id GROUP BY r.domain_id, r.name HAVING count(DISTINCT m.source) > 1
        UNION ALL
        SELECT 'twice: ' || r.name FROM records r GROUP BY r.domain_id, r.name, r.type, r.content HAVING count(*) > 1
        UNION ALL
        SELECT 'points nowhere: ' || r.name FROM csdns.rule_record m JOIN records r ON r.id = m.record_id
         WHERE r.type = 'PTR' AND NOT EXISTS (SELECT FROM records t WHERE t.name = r.content AND t.type IN ('A', 'AAAA'))) AS f $$;

CREATE TABLE public.done (n int, event text, said text, fault text);
CREATE FUNCTION public.play_random(steps int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    event text;
    said text;
    fault text;
BEGIN
    PERFORM world();
    INSERT INTO domains (name, type) VALUES ('other.test', 'NATIVE'), ('10.in-addr.arpa', 'NATIVE');
    PERFORM happen('associate net1 cloud.test');
    PERFORM happen(format('create v%s net1 10.0.0.%s', n, n)), happen(format('rename v%s %s', n, substr('abcd', n, 1))) FROM generate_series(1, 4) n;
    FOR n IN 1..steps LOOP
        event := random_event();
        said := 'ok';
        BEGIN
            PERFORM happen(event);
            IF event LIKE 'lose%' OR event LIKE 'quiet%' THEN
                PERFORM happen('resync');
            END IF;
            SET CONSTRAINTS ALL IMMEDIATE;      -- as at commit
        EXCEPTION WHEN OTHERS THEN
            said := SQLSTATE || ' ' || SQLERRM;
        END;
        SET CONSTRAINTS ALL DEFERRED;
        fault := amiss();
        INSERT INTO done VALUES (n, event, said, nullif(fault, 'nothing'));
        EXIT WHEN fault <> 'nothing';
    END LOOP;
END $$;
SELECT play_random(1500);
SELECT is((SELECT concat_ws(': ', n, event, fault) FROM done WHERE fault IS NOT NULL), NULL, 'nothing is ever amiss');
SELECT is_empty($$SELECT event, said FROM done WHERE said <> 'ok' AND said !~ '^(23505|23514|P0001 no such event|P0002|22023 public address .* ipaddress is missing)'$$, 'errors are those of the events alone');
SELECT cmp_ok((SELECT count(*)::int FROM done WHERE said = 'ok'), '>', 500, 'most events happen');
SELECT is((SELECT count(*)::int FROM csdns.reconcile()), 0, 'a reconcile finds nothing');
SELECT * FROM finish();
