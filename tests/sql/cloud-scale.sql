-- A look at the whole cloud goes once through each table, and never through all zones for each address; a commit finds its own entry
-- among those that went before.
SELECT no_plan();

INSERT INTO domains (name, type) SELECT 'z' || g || '.example', 'NATIVE' FROM generate_series(1, 1000) g;
INSERT INTO domains (name, type) VALUES ('10.in-addr.arpa', 'NATIVE');
INSERT INTO csdns.domain (uuid, name) VALUES (md5('domain')::uuid, 'ROOT');
INSERT INTO csdns.account (uuid, domain, name) SELECT md5('account' || g)::uuid, md5('domain')::uuid, 'acme' || g FROM generate_series(1, 200) g;
INSERT INTO csdns.network (uuid, name) VALUES (md5('network')::uuid, 'net');
INSERT INTO csdns.network_zone (network, domain_id) SELECT md5('network')::uuid, id FROM domains WHERE name = 'z1.example';
INSERT INTO csdns.instance (uuid, name, account, domain, state)
    SELECT md5('i' || g)::uuid, 'vm' || g, md5('account' || g % 200 + 1)::uuid, md5('domain')::uuid, 'Running' FROM generate_series(1, 300) g;
INSERT INTO csdns.nic (uuid, instance, network, is_default, ip4)
    SELECT md5('n' || g)::uuid, md5('i' || g)::uuid, md5('network')::uuid, true, '10.0.0.0'::inet + g FROM generate_series(1, 300) g;
ANALYZE;

CREATE FUNCTION rows_read(relation text) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT sum(s.seq_tup_read + coalesce(s.idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables s WHERE s.relname = relation
$$;
CREATE FUNCTION reads(statement text, relation text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    before bigint := rows_read(relation);
BEGIN
    EXECUTE statement;
    RETURN rows_read(relation) - before;
END
$$;

SELECT is((SELECT count(*) FROM csdns.rule_record), 600::bigint, 'each instance has its address and the way back');
SELECT is_empty('SELECT * FROM csdns.drift', 'and nothing is missing');
SELECT cmp_ok(reads('SELECT count(*) FROM csdns.find_drift()', 'domains'), '<', 30 * 1001::bigint, 'zones');
SELECT cmp_ok(reads('SELECT count(*) FROM csdns.find_drift()', 'account'), '<', 30 * 200::bigint, 'accounts');

-- Entries of transactions that are over stay in the table until it is vacuumed.
BEGIN;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'www.' || name, 'A', '192.0.2.1', 60 FROM domains WHERE name = 'z2.example';
SET CONSTRAINTS ALL IMMEDIATE;
SELECT is((SELECT s.seq_scan FROM pg_stat_xact_user_tables s WHERE s.relname = 'pending'), 0::bigint, 'a commit finds its entry by index');
COMMIT;
SELECT * FROM finish();
