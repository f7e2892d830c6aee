-- What the roles may do, as little as they need.  Runs after everything that makes functions: PostgreSQL lets the public call new ones.

REVOKE ALL ON SCHEMA csdns FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA csdns FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA csdns FROM PUBLIC;

GRANT USAGE ON SCHEMA csdns TO csdns_read, csdns_cloud;

-- csdnsd: the feed, and paying owed serials; keys and secrets are part of the feed
GRANT SELECT ON csdns.served_domain, csdns.served_record, csdns.served_metadata, csdns.served_key, csdns.served_tsigkey,
    csdns.served_autoprimary TO csdns_read;
GRANT EXECUTE ON FUNCTION csdns.head(), csdns.follows(bigint, timestamptz), csdns.touched(bigint), csdns.touched_record(bigint),
    csdns.touched_domain(bigint), csdns.touched_metadata(bigint), csdns.touched_key(bigint), csdns.changes(bigint, timestamptz), csdns.settle() TO csdns_read;
GRANT SELECT ON csdns.schema_version, csdns.version, csdns.journal, csdns.change, csdns.serial_debt, csdns.setting TO csdns_read;

-- a csdnsd that writes, a gpgsql management instance, people and scripts
DO $$
DECLARE
    tab regclass;
    seq text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['domains', 'records', 'domainmetadata', 'cryptokeys', 'tsigkeys', 'supermasters', 'comments']::regclass[] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO csdns_write', tab);
        SELECT pg_get_serial_sequence(tab::text, a.attname) INTO seq
          FROM pg_attribute a WHERE a.attrelid = tab AND a.attname = 'id' AND NOT a.attisdropped;
        IF seq IS NOT NULL THEN
            EXECUTE format('GRANT USAGE, SELECT ON SEQUENCE %s TO csdns_write', seq);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %s TO csdns_write',
                       (SELECT c.relnamespace::regnamespace FROM pg_class c WHERE c.oid = tab));
    END LOOP;
END
$$;
GRANT SELECT ON csdns.invalid_record TO csdns_write, csdns_cloud;
GRANT EXECUTE ON FUNCTION csdns.set_serial_style(text, text) TO csdns_write;

-- cloud writers see zones and records, no keys
GRANT SELECT ON csdns.served_domain, csdns.served_record, csdns.schema_version, csdns.version, csdns.journal, csdns.change TO csdns_cloud;
GRANT EXECUTE ON FUNCTION csdns.head() TO csdns_cloud;

-- csdns-sync, beside facts: its queue and its passes; people look, and ask for more
GRANT SELECT ON csdns.sync_task, csdns.sync_source, csdns.sync_pass, csdns.sync_wish, csdns.v_sync, csdns.v_sync_task, csdns.v_sync_failing, csdns.v_sync_pass
    TO csdns_read, csdns_cloud;
GRANT EXECUTE ON FUNCTION csdns.sync_ask(text, uuid), csdns.sync_now(boolean) TO csdns_sync, csdns_admin;
GRANT EXECUTE ON FUNCTION csdns.sync_take(jsonb), csdns.sync_claim(text, int, interval), csdns.sync_renew(text, interval, jsonb), csdns.sync_release(text),
    csdns.sync_fail(text, jsonb), csdns.sync_store(text, jsonb), csdns.sync_begin_reconcile(text, interval, boolean, interval), csdns.sync_begin_pass(text, text),
    csdns.sync_page(bigint, timestamptz, jsonb), csdns.sync_end_pass(bigint, text, boolean, boolean), csdns.sync_begin_catch_up(interval, boolean),
    csdns.sync_caught_up(timestamptz, boolean) TO csdns_sync;
GRANT EXECUTE ON FUNCTION csdns.upsert_project(jsonb) TO csdns_cloud;

-- verification
GRANT SELECT ON csdns.verify_server, csdns.verify_fault TO csdns_read, csdns_cloud;
GRANT INSERT, UPDATE, DELETE ON csdns.verify_server TO csdns_admin;
GRANT EXECUTE ON FUNCTION csdns.verify_servers(text) TO csdns_read, csdns_cloud;
GRANT EXECUTE ON FUNCTION csdns.verify_wanted(uuid[]), csdns.verify_expected(jsonb), csdns.verify_noted(jsonb), csdns.verify_faulty() TO csdns_sync;

-- pure functions, for whoever sees the schema
GRANT EXECUTE ON FUNCTION csdns.name_fault(text, boolean), csdns.is_inside(text, text), csdns.is_ipv4(text), csdns.is_ipv6(text),
    csdns.is_plain_record(int, text, text, text, int, int), csdns.record_fault(int, text, text, text, int, int),
    csdns.content_fault(text, text), csdns.served_content(text, text, int), csdns.is_strings(text), csdns.is_short_string(text),
    csdns.number_fault(text, text, bigint), csdns.host_fault(text, text), csdns.hex_fault(text[], text),
    csdns.soa_serial(text), csdns.is_serial_after(bigint, bigint), csdns.next_serial(bigint, text, timestamptz),
    csdns.serial_style(int), csdns.rrset_fault(int, text) TO csdns_read, csdns_cloud;

GRANT SELECT, UPDATE (value) ON csdns.setting TO csdns_admin;
GRANT EXECUTE ON FUNCTION csdns.prune(interval) TO csdns_admin;
