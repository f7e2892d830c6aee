-- What csdns-sync calls reads by index only, however large the cloud and the queue are.
SELECT no_plan();

SET session_replication_role = replica;
INSERT INTO csdns.instance (uuid, name, account, domain)
    SELECT md5('i' || g)::uuid, 'vm' || g, md5('account')::uuid, md5('domain')::uuid FROM generate_series(1, 5000) g;
INSERT INTO csdns.network (uuid, name) VALUES (md5('network')::uuid, 'net');
INSERT INTO csdns.nic (uuid, instance, network) SELECT md5('n' || g)::uuid, md5('i' || g)::uuid, md5('network')::uuid FROM generate_series(1, 5000) g;
RESET session_replication_role;
INSERT INTO csdns.domain (uuid, name) VALUES (md5('domain')::uuid, 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) VALUES (md5('account')::uuid, md5('domain')::uuid, 'acme');
INSERT INTO csdns.sync_told SELECT 'instance', md5('i' || g)::uuid, now() FROM generate_series(1, 5000) g;
INSERT INTO csdns.sync_seen SELECT 'webhook', 'e' || g FROM generate_series(1, 5000) g;
INSERT INTO csdns.sync_part SELECT md5('s' || g)::uuid, md5('i' || g)::uuid FROM generate_series(1, 5000) g;
-- most of the queue waits for its next try
INSERT INTO csdns.sync_task (kind, uuid, source, reason, due)
    SELECT 'instance', md5('i' || g)::uuid, 'webhook', 'x', now() + CASE WHEN g > 10 THEN interval '1 hour' ELSE interval '-1 s' END FROM generate_series(1, 5000) g;
-- NICs that nobody knows, of which one turns out to be an instance's
INSERT INTO csdns.sync_stray (uuid) SELECT md5('u' || g)::uuid FROM generate_series(1, 5000) g;
SELECT csdns.sync_claim('w0', 0, '1 s') FROM generate_series(1, 5);
INSERT INTO csdns.sync_stray (uuid, due) VALUES (md5('n20')::uuid, now() + interval '4 minutes');
ANALYZE;

-- Rows of the tables of csdns-sync, and of NICs, that have been read in this transaction.
CREATE FUNCTION rows_read() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT sum(s.seq_tup_read + coalesce(s.idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables s
     WHERE s.schemaname = 'csdns' AND (s.relname LIKE 'sync\_%' OR s.relname = 'nic')
$$;
-- How many a statement reads.
CREATE FUNCTION reads(statement text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    before bigint := rows_read();
BEGIN
    EXECUTE statement;
    RETURN rows_read() - before;
END
$$;

SELECT cmp_ok(reads($$SELECT csdns.sync_take(jsonb_agg(jsonb_build_object('source', 'webhook', 'id', 'new' || g, 'type', 'NIC.UPDATE', 'hints',
                      jsonb_build_array(jsonb_build_object('kind', CASE WHEN g % 2 = 0 THEN 'nic' ELSE 'instance' END, 'uuid', md5('n' || g))))))
                      FROM generate_series(1, 20) g$$), '<', 300::bigint, 'events are taken');
SELECT cmp_ok(reads($$SELECT csdns.sync_claim('w', 100, '30 s')$$), '<', 300::bigint, 'tasks are claimed');
INSERT INTO csdns.sync_stray (uuid) SELECT md5('v' || g)::uuid FROM generate_series(1, 10) g;
SELECT cmp_ok(reads($$SELECT csdns.sync_claim('w', 100, '30 s')$$), '<', 300::bigint, 'also among many NICs that nobody knows');
SELECT cmp_ok(reads($$SELECT csdns.ask_for_strays(ARRAY(SELECT md5('i' || g)::uuid FROM generate_series(11, 30) g))$$), '<', 300::bigint, 'who stores instances looks for their own');
SELECT is((SELECT count(*) FROM csdns.sync_stray WHERE uuid = md5('n20')::uuid), 0::bigint, 'and finds one');
SELECT cmp_ok(reads($$SELECT csdns.sync_renew('w', '30 s')$$), '<', 300::bigint, 'renewed');
SELECT cmp_ok(reads($$SELECT csdns.sync_renew('w', '30 s', (SELECT jsonb_agg(t) FROM csdns.sync_task t WHERE t.worker = 'w'))$$), '<', 600::bigint, 'what is in hand too');
SELECT cmp_ok(reads($$SELECT csdns.sync_store('w', jsonb_agg(jsonb_build_object('kind', t.kind, 'uuid', t.uuid, 'generation', t.generation, 'entity',
                      jsonb_build_object('id', t.uuid, 'name', 'new', 'account', 'acme', 'domainid', md5('domain')::uuid, 'nic', '[]'::jsonb))))
                      FROM (SELECT * FROM csdns.sync_task WHERE worker = 'w' LIMIT 5) AS t$$), '<', 600::bigint, 'stored');
SELECT cmp_ok(reads($$SELECT csdns.sync_release('w')$$), '<', 300::bigint, 'given back');
SELECT * FROM finish();
