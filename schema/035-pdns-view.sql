-- PowerDNS' tables under names that do not depend on where they live.  Views are bound to tables, not to names, so the functions
-- of csdns pin search_path to csdns alone: nobody who may create objects in PowerDNS' schema can slip an operator under them.
-- All are updatable; triggers of the tables fire as usual.

CREATE OR REPLACE VIEW csdns.pdns_domain AS
    SELECT id, name, master, last_check, type, notified_serial, account, options, catalog FROM domains;
COMMENT ON VIEW csdns.pdns_domain IS 'PowerDNS'' table domains, wherever it lives.';

CREATE OR REPLACE VIEW csdns.pdns_record AS
    SELECT id, domain_id, name, type, content, ttl, prio, disabled, ordername, auth FROM records;
COMMENT ON VIEW csdns.pdns_record IS 'PowerDNS'' table records, wherever it lives.';

CREATE OR REPLACE VIEW csdns.pdns_metadata AS
    SELECT id, domain_id, kind, content FROM domainmetadata;
COMMENT ON VIEW csdns.pdns_metadata IS 'PowerDNS'' table domainmetadata, wherever it lives.';

CREATE OR REPLACE VIEW csdns.pdns_key AS
    SELECT id, domain_id, flags, active, published, content FROM cryptokeys;
COMMENT ON VIEW csdns.pdns_key IS 'PowerDNS'' table cryptokeys, wherever it lives.';
