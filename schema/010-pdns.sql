-- PowerDNS' own tables, as its generic PostgreSQL backend (gpgsql, 4.7 and later) reads and writes them.
-- A table that is there already is kept as it is, rows, indexes and all; only what is absent is made, in the first
-- schema of the search_path.  Nothing here belongs to csdns: remove.sql leaves it.

DO $$
BEGIN
    IF current_setting('server_version_num')::int < 150000 THEN
        RAISE EXCEPTION 'csdns needs PostgreSQL 15 or later, this is %', current_setting('server_version');
    END IF;
    IF current_schema() IS NULL THEN
        RAISE EXCEPTION 'no schema in search_path "%" to hold PowerDNS'' tables', current_setting('search_path');
    END IF;
END
$$;

-- Installed again with another search_path, csdns would leave the tables that it serves.
DO $$
DECLARE
    served regclass;
BEGIN
    SELECT d.refobjid
      INTO served
      FROM pg_rewrite w
      JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
     WHERE w.ev_class = to_regclass('csdns.pdns_record') AND d.refobjid <> w.ev_class
     LIMIT 1;
    IF served IS DISTINCT FROM to_regclass('records') AND served IS NOT NULL THEN
        RAISE EXCEPTION 'csdns serves table % here, but search_path "%" leads to %', served, current_setting('search_path'),
                        coalesce(to_regclass('records')::text, 'none')
              USING HINT = 'Set search_path so that PowerDNS'' tables are found where they are.';
    END IF;
END
$$;

DO $$
BEGIN
    IF to_regclass('domains') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE domains (
        id              serial PRIMARY KEY,
        name            varchar(255) NOT NULL,
        master          varchar(128) DEFAULT NULL,
        last_check      int DEFAULT NULL,
        type            text NOT NULL,
        notified_serial bigint DEFAULT NULL,
        account         varchar(40) DEFAULT NULL,
        options         text DEFAULT NULL,
        catalog         text DEFAULT NULL,
        CONSTRAINT c_lowercase_name CHECK (name::text = lower(name::text))
    );
    CREATE UNIQUE INDEX name_index ON domains (name);
    CREATE INDEX catalog_idx ON domains (catalog);
    COMMENT ON TABLE domains IS 'PowerDNS'' zones.';
    COMMENT ON COLUMN domains.id IS 'Number of the zone; every other table refers to it.';
    COMMENT ON COLUMN domains.name IS 'Name of the zone: lower case, no final dot (the root zone alone is ".").';
    COMMENT ON COLUMN domains.master IS 'Secondary zones: addresses of the primaries, separated by commas.';
    COMMENT ON COLUMN domains.last_check IS 'Secondary zones: when the serial was last compared, in seconds since 1970. Written by PowerDNS.';
    COMMENT ON COLUMN domains.type IS 'NATIVE, MASTER, SLAVE, PRODUCER or CONSUMER.';
    COMMENT ON COLUMN domains.notified_serial IS 'Serial that secondaries were last notified of. Written by PowerDNS.';
    COMMENT ON COLUMN domains.account IS 'Free for the operator: who the zone belongs to.';
    COMMENT ON COLUMN domains.options IS 'JSON with catalog zone options. Written by PowerDNS.';
    COMMENT ON COLUMN domains.catalog IS 'Name of the catalog zone that lists this zone.';
END
$$;

DO $$
BEGIN
    IF to_regclass('records') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE records (
        id        bigserial PRIMARY KEY,
        domain_id int DEFAULT NULL,
        name      varchar(255) DEFAULT NULL,
        type      varchar(10) DEFAULT NULL,
        content   varchar(65535) DEFAULT NULL,
        ttl       int DEFAULT NULL,
        prio      int DEFAULT NULL,
        disabled  bool DEFAULT 'f',
        ordername varchar(255),
        auth      bool DEFAULT 't',
        CONSTRAINT domain_exists FOREIGN KEY (domain_id) REFERENCES domains (id) ON DELETE CASCADE,
        CONSTRAINT c_lowercase_name CHECK (name::text = lower(name::text))
    );
    CREATE INDEX rec_name_index ON records (name);
    CREATE INDEX nametype_index ON records (name, type);
    CREATE INDEX domain_id ON records (domain_id);
    CREATE INDEX recordorder ON records (domain_id, ordername text_pattern_ops);
    COMMENT ON TABLE records IS 'PowerDNS'' records, one row each.';
    COMMENT ON COLUMN records.id IS 'Number of the row.';
    COMMENT ON COLUMN records.domain_id IS 'Zone that the record belongs to (domains.id).';
    COMMENT ON COLUMN records.name IS 'Full name: lower case, no final dot; unusual octets as \DDD.';
    COMMENT ON COLUMN records.type IS 'Type in upper case (A, TXT, TYPE65534, ...); NULL or empty for an empty non-terminal.';
    COMMENT ON COLUMN records.content IS 'What the record says, as in a zone file; names in it are complete, with or without the final dot.';
    COMMENT ON COLUMN records.ttl IS 'Time to live in seconds, 0 to 2147483647; NULL means PowerDNS'' default-ttl.';
    COMMENT ON COLUMN records.prio IS 'Priority of MX and SRV; NULL where content starts with it. Unused by other types.';
    COMMENT ON COLUMN records.disabled IS 'Only a record with false here is served.';
    COMMENT ON COLUMN records.ordername IS 'Order for DNSSEC, written by PowerDNS'' rectify. csdnsd neither needs nor reads it.';
    COMMENT ON COLUMN records.auth IS 'Authoritative or glue, written by PowerDNS'' rectify. csdnsd neither needs nor reads it.';
END
$$;

DO $$
BEGIN
    IF to_regclass('supermasters') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE supermasters (
        ip         inet NOT NULL,
        nameserver varchar(255) NOT NULL,
        account    varchar(40) NOT NULL,
        PRIMARY KEY (ip, nameserver)
    );
    COMMENT ON TABLE supermasters IS 'PowerDNS'' autoprimaries: servers whose notifications may create secondary zones.';
    COMMENT ON COLUMN supermasters.ip IS 'Address of the autoprimary.';
    COMMENT ON COLUMN supermasters.nameserver IS 'Name that the new zone''s NS records must hold.';
    COMMENT ON COLUMN supermasters.account IS 'Account to give to the new zone.';
END
$$;

DO $$
BEGIN
    IF to_regclass('comments') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE comments (
        id          serial PRIMARY KEY,
        domain_id   int NOT NULL,
        name        varchar(255) NOT NULL,
        type        varchar(10) NOT NULL,
        modified_at int NOT NULL,
        account     varchar(40) DEFAULT NULL,
        comment     varchar(65535) NOT NULL,
        CONSTRAINT domain_exists FOREIGN KEY (domain_id) REFERENCES domains (id) ON DELETE CASCADE,
        CONSTRAINT c_lowercase_name CHECK (name::text = lower(name::text))
    );
    CREATE INDEX comments_domain_id_idx ON comments (domain_id);
    CREATE INDEX comments_name_type_idx ON comments (name, type);
    CREATE INDEX comments_order_idx ON comments (domain_id, modified_at);
    COMMENT ON TABLE comments IS 'Remarks on record sets, shown by PowerDNS'' API. Never served.';
    COMMENT ON COLUMN comments.id IS 'Number of the row.';
    COMMENT ON COLUMN comments.domain_id IS 'Zone (domains.id).';
    COMMENT ON COLUMN comments.name IS 'Name of the record set.';
    COMMENT ON COLUMN comments.type IS 'Type of the record set.';
    COMMENT ON COLUMN comments.modified_at IS 'Seconds since 1970.';
    COMMENT ON COLUMN comments.account IS 'Who wrote the remark.';
    COMMENT ON COLUMN comments.comment IS 'The remark.';
END
$$;

DO $$
BEGIN
    IF to_regclass('domainmetadata') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE domainmetadata (
        id        serial PRIMARY KEY,
        domain_id int REFERENCES domains (id) ON DELETE CASCADE,
        kind      varchar(32),
        content   text
    );
    CREATE INDEX domainidmetaindex ON domainmetadata (domain_id);
    COMMENT ON TABLE domainmetadata IS 'Settings of single zones (PowerDNS calls them domain metadata).';
    COMMENT ON COLUMN domainmetadata.id IS 'Number of the row.';
    COMMENT ON COLUMN domainmetadata.domain_id IS 'Zone (domains.id).';
    COMMENT ON COLUMN domainmetadata.kind IS 'Name of the setting, such as ALLOW-AXFR-FROM; X-CSDNS-SERIAL chooses the serial style.';
    COMMENT ON COLUMN domainmetadata.content IS 'One value; a setting with several values has several rows.';
END
$$;

DO $$
BEGIN
    IF to_regclass('cryptokeys') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE cryptokeys (
        id        serial PRIMARY KEY,
        domain_id int REFERENCES domains (id) ON DELETE CASCADE,
        flags     int NOT NULL,
        active    bool,
        published bool DEFAULT true,
        content   text
    );
    CREATE INDEX domainidindex ON cryptokeys (domain_id);
    COMMENT ON TABLE cryptokeys IS 'DNSSEC keys, private parts included.';
    COMMENT ON COLUMN cryptokeys.id IS 'Number of the key.';
    COMMENT ON COLUMN cryptokeys.domain_id IS 'Zone (domains.id).';
    COMMENT ON COLUMN cryptokeys.flags IS '256 zone signing key, 257 key signing key.';
    COMMENT ON COLUMN cryptokeys.active IS 'Whether PowerDNS signs with it.';
    COMMENT ON COLUMN cryptokeys.published IS 'Whether its DNSKEY is published.';
    COMMENT ON COLUMN cryptokeys.content IS 'The private key in ISC format.';
END
$$;

DO $$
BEGIN
    IF to_regclass('tsigkeys') IS NOT NULL THEN
        RETURN;
    END IF;
    CREATE TABLE tsigkeys (
        id        serial PRIMARY KEY,
        name      varchar(255),
        algorithm varchar(50),
        secret    varchar(255),
        CONSTRAINT c_lowercase_name CHECK (name::text = lower(name::text))
    );
    CREATE UNIQUE INDEX namealgoindex ON tsigkeys (name, algorithm);
    COMMENT ON TABLE tsigkeys IS 'Shared secrets for transfers and updates.';
    COMMENT ON COLUMN tsigkeys.id IS 'Number of the row.';
    COMMENT ON COLUMN tsigkeys.name IS 'Name of the key: lower case, no final dot.';
    COMMENT ON COLUMN tsigkeys.algorithm IS 'Such as hmac-sha256.';
    COMMENT ON COLUMN tsigkeys.secret IS 'The secret in base64.';
END
$$;

-- Tables of an older PowerDNS lack columns; its own upgrade scripts add them.
DO $$
DECLARE
    absent text;
BEGIN
    SELECT string_agg(w.tab || '.' || w.col, ', ')
      INTO absent
      FROM (VALUES ('domains', 'notified_serial'), ('domains', 'account'), ('domains', 'options'), ('domains', 'catalog'),
                   ('records', 'disabled'), ('records', 'ordername'), ('records', 'auth'), ('cryptokeys', 'active'),
                   ('cryptokeys', 'published'), ('domainmetadata', 'kind'), ('tsigkeys', 'algorithm'),
                   ('supermasters', 'account')) AS w (tab, col)
     WHERE NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = to_regclass(w.tab) AND a.attname = w.col AND NOT a.attisdropped);
    IF absent IS NOT NULL THEN
        RAISE EXCEPTION 'PowerDNS'' tables here are older than 4.7: % missing', absent
              USING HINT = 'Run the upgrade scripts of PowerDNS'' own PostgreSQL backend first.';
    END IF;
END
$$;

-- Whoever changes the schema waits for the writers first, in the order in which most of them go, and never holds one table long
-- while it waits for another: some writers go in another order, and none of them shall be the victim of a deadlock.
DO $$
DECLARE
    patience text := current_setting('lock_timeout');
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR try IN 1..300 LOOP
        BEGIN
            LOCK TABLE records, domains, domainmetadata, cryptokeys, tsigkeys, supermasters IN SHARE ROW EXCLUSIVE MODE;
            EXIT;
        EXCEPTION
            WHEN lock_not_available THEN
                IF try = 300 THEN
                    RAISE EXCEPTION 'could not lock PowerDNS'' tables: other transactions keep them'
                          USING ERRCODE = 'lock_not_available', HINT = 'End long transactions on them, then try again.';
                END IF;
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', patience, true);
END
$$;
