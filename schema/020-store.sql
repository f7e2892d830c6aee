-- The store: one version for everything that is served, the journal of what each transaction touched, and settings.
-- Tables only.  Nobody writes them but the functions of the files that follow.

CREATE SCHEMA IF NOT EXISTS csdns;
COMMENT ON SCHEMA csdns IS 'csdns: journal, version, rules and feed beside PowerDNS'' own tables.';

CREATE TABLE IF NOT EXISTS csdns.schema_version (
    version      int PRIMARY KEY,
    installed_at timestamptz NOT NULL DEFAULT now(),
    installed_by text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE csdns.schema_version IS 'Versions of this schema that were installed here; the highest is the present one.';
COMMENT ON COLUMN csdns.schema_version.version IS 'Version of the schema.';
COMMENT ON COLUMN csdns.schema_version.installed_at IS 'When it was installed first.';
COMMENT ON COLUMN csdns.schema_version.installed_by IS 'Database role that installed it.';

CREATE TABLE IF NOT EXISTS csdns.version (
    version bigint PRIMARY KEY,
    txid    xid8 NOT NULL,
    at      timestamptz NOT NULL
);
COMMENT ON TABLE csdns.version IS
    'One row for each committed transaction that changed something served, in commit order and without gaps; old rows are pruned, the newest never.';
COMMENT ON COLUMN csdns.version.version IS 'Number of the version.';
COMMENT ON COLUMN csdns.version.txid IS 'Transaction that made it; finds its journal.';
COMMENT ON COLUMN csdns.version.at IS 'When it was committed.';

CREATE TABLE IF NOT EXISTS csdns.journal (
    txid      xid8 NOT NULL,
    domain_id int,
    what      "char" NOT NULL,
    added     boolean,
    name      text,
    serial    bigint
);
-- Many rows a second come and go: freeze and vacuum early, by number and not by share.
ALTER TABLE csdns.journal SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.5);
CREATE INDEX IF NOT EXISTS journal_txid_idx ON csdns.journal (txid);
CREATE UNIQUE INDEX IF NOT EXISTS journal_soa_idx ON csdns.journal (txid, domain_id) WHERE what = 's';
COMMENT ON TABLE csdns.journal IS 'What each transaction touched. csdns.change shows it with versions and zone names.';
COMMENT ON COLUMN csdns.journal.txid IS 'Transaction that touched it; csdns.version has its number and time.';
COMMENT ON COLUMN csdns.journal.domain_id IS 'Zone (domains.id), also of a zone that is gone; NULL for t, a and *.';
COMMENT ON COLUMN csdns.journal.what IS
    'n: records of (domain_id, name); z: the whole zone (created, deleted, renamed, metadata or keys); d: only the row in domains; t: TSIG keys; a: autoprimaries; *: everything. Not for followers: s: the serial before this transaction touched the SOA; r: the zone was renamed, its records'' names are checked at commit.';
COMMENT ON COLUMN csdns.journal.added IS 'n: true when records were added or changed, so that rules about several records are checked at commit.';
COMMENT ON COLUMN csdns.journal.name IS 'n: name of the records; z and d: name of the zone where it is known.';
COMMENT ON COLUMN csdns.journal.serial IS 's: the serial before, NULL when the zone had no SOA.';

-- One row an open transaction that has to do something at commit: its insertion queues the deferred trigger, and a rolled
-- back savepoint takes both away.  Rows never outlive their transaction, hence UNLOGGED.
CREATE UNLOGGED TABLE IF NOT EXISTS csdns.pending (
    txid   xid8 PRIMARY KEY,
    moving boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);
COMMENT ON TABLE csdns.pending IS 'Transactions that will get a version at commit. Always empty to a reader.';
COMMENT ON COLUMN csdns.pending.txid IS 'Transaction.';
COMMENT ON COLUMN csdns.pending.moving IS 'csdns moves serials itself: not for the audit trail.';

-- No foreign key: a check of it at commit could wait for another writer.
CREATE TABLE IF NOT EXISTS csdns.serial_debt (
    domain_id int PRIMARY KEY,
    serial    bigint,
    since     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE csdns.serial_debt IS
    'Zones that changed while another open transaction held their SOA: the serial is still to be moved, by the next commit of anybody or by csdns.settle(). Usually empty.';
COMMENT ON COLUMN csdns.serial_debt.domain_id IS 'Zone (domains.id).';
COMMENT ON COLUMN csdns.serial_debt.serial IS 'Serial that the change was first served with; any other serial settles the debt.';
COMMENT ON COLUMN csdns.serial_debt.since IS 'Since when the move is owed.';

CREATE TABLE IF NOT EXISTS csdns.setting (
    name        text PRIMARY KEY,
    value       text NOT NULL,
    description text NOT NULL,
    CONSTRAINT value_is_known CHECK (
        CASE name
            WHEN 'serial_style' THEN value IN ('counter', 'epoch', 'date')
            WHEN 'retention' THEN value::interval >= interval '0'
            WHEN 'event_retention' THEN value::interval >= interval '0'
            WHEN 'audit_retention' THEN value::interval >= interval '0'
            WHEN 'sync_seen_retention' THEN value::interval >= interval '0'
            ELSE true
        END)
);
COMMENT ON TABLE csdns.setting IS 'Settings of the whole store. Change a value with UPDATE; a wrong one is refused.';
COMMENT ON COLUMN csdns.setting.name IS 'Name of the setting.';
COMMENT ON COLUMN csdns.setting.value IS 'Its value.';
COMMENT ON COLUMN csdns.setting.description IS 'What it does and which values it takes.';

INSERT INTO csdns.setting (name, value, description) VALUES
    ('serial_style', 'counter', 'How SOA serials move: counter (plus one), epoch (seconds since 1970) or date (YYYYMMDDnn, UTC). A zone''s X-CSDNS-SERIAL metadata overrides it.'),
    ('retention', '1 hour', 'How long versions and their journal are kept, an interval; a csdnsd that was away for longer loads everything again.'),
    ('event_retention', '30 days', 'How long events (csdns.event) are kept, an interval.'),
    ('audit_retention', '90 days', 'How long the audit trail (csdns.audit) is kept, an interval. Only the owner of the schema may change it.')
    ON CONFLICT (name) DO NOTHING;

-- There is always a newest version.
INSERT INTO csdns.version (version, txid, at)
    SELECT 1, pg_current_xact_id(), clock_timestamp()
     WHERE NOT EXISTS (SELECT FROM csdns.version);
