-- For people: the journal as a table that reads well, records that break a rule, and the serial style of a zone as a verb.

CREATE OR REPLACE VIEW csdns.change AS
    SELECT v.version, v.at,
           CASE j.what WHEN 'n' THEN 'records' WHEN 'z' THEN 'zone' WHEN 'd' THEN 'domains row'
                       WHEN 't' THEN 'TSIG keys' WHEN 'a' THEN 'autoprimaries' WHEN '*' THEN 'everything' END AS what,
           coalesce(d.name::text, CASE WHEN j.what <> 'n' THEN j.name END) AS zone,
           CASE WHEN j.what = 'n' THEN j.name END AS name
      FROM csdns.version v
      LEFT JOIN csdns.journal j ON j.txid = v.txid AND j.what IN ('n', 'z', 'd', 't', 'a', '*')
      LEFT JOIN domains d ON d.id = j.domain_id;
COMMENT ON VIEW csdns.change IS 'What changed when: versions with their journal, for people. Try: SELECT * FROM csdns.change ORDER BY version DESC LIMIT 20.';
COMMENT ON COLUMN csdns.change.version IS 'Version of the store.';
COMMENT ON COLUMN csdns.change.at IS 'When it was committed.';
COMMENT ON COLUMN csdns.change.what IS 'records, zone, domains row, TSIG keys, autoprimaries or everything.';
COMMENT ON COLUMN csdns.change.zone IS 'Zone, where one was touched.';
COMMENT ON COLUMN csdns.change.name IS 'Name whose records were touched.';

CREATE OR REPLACE VIEW csdns.invalid_record AS
    SELECT r.id, d.name::text AS zone, r.name::text AS name, r.type::text AS type, r.content::text AS content,
           coalesce(csdns.record_fault(r.domain_id, r.name, r.type, r.content, r.ttl, r.prio),
                    CASE WHEN NOT csdns.is_inside(r.name, d.name) THEN 'name is outside its zone'
                         ELSE csdns.rrset_fault(r.domain_id, r.name) END) AS reason
      FROM records r
      LEFT JOIN domains d ON d.id = r.domain_id
     WHERE csdns.is_plain_record(r.domain_id, r.name, r.type, r.content, r.ttl, r.prio) IS NOT TRUE
           AND csdns.record_fault(r.domain_id, r.name, r.type, r.content, r.ttl, r.prio) IS NOT NULL
        OR NOT csdns.is_inside(r.name, d.name)
        OR r.disabled = false AND r.type <> '' AND (r.domain_id, r.name) IN (
               SELECT s.domain_id, s.name
                 FROM records s
                WHERE s.disabled = false AND s.type <> ''
                GROUP BY s.domain_id, s.name
               HAVING count(*) > 1
                  AND (count(DISTINCT s.type || ' ' || coalesce(csdns.served_content(s.type, s.content, s.prio), '')) < count(*)
                       OR count(*) FILTER (WHERE s.type = 'CNAME') > 1
                       OR count(*) FILTER (WHERE s.type = 'SOA') > 1
                       OR count(*) FILTER (WHERE s.type = 'CNAME') > 0
                          AND count(*) FILTER (WHERE s.type NOT IN ('CNAME', 'RRSIG', 'NSEC', 'NSEC3', 'KEY', 'SIG', 'NXT')) > 0));
COMMENT ON VIEW csdns.invalid_record IS
    'Records that break a rule: written before csdns was installed here, or with triggers off. Reads the whole table. They can be deleted or corrected one by one.';
COMMENT ON COLUMN csdns.invalid_record.id IS 'records.id.';
COMMENT ON COLUMN csdns.invalid_record.zone IS 'Zone, NULL where the record has none.';
COMMENT ON COLUMN csdns.invalid_record.name IS 'Name of the record.';
COMMENT ON COLUMN csdns.invalid_record.type IS 'Type of the record.';
COMMENT ON COLUMN csdns.invalid_record.content IS 'Content of the record.';
COMMENT ON COLUMN csdns.invalid_record.reason IS 'The rule that it breaks.';

CREATE OR REPLACE FUNCTION csdns.set_serial_style(zone text, style text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    zone_id int := (SELECT d.id FROM pdns_domain d WHERE d.name = lower(rtrim(zone, '.')) OR d.name = zone);
BEGIN
    IF zone_id IS NULL THEN
        RAISE EXCEPTION 'zone "%": not found', zone USING ERRCODE = 'no_data_found';
    END IF;
    DELETE FROM pdns_metadata m WHERE m.domain_id = zone_id AND m.kind = 'X-CSDNS-SERIAL' AND m.content IS DISTINCT FROM style;
    IF style IS NOT NULL AND NOT EXISTS (SELECT FROM pdns_metadata m WHERE m.domain_id = zone_id AND m.kind = 'X-CSDNS-SERIAL') THEN
        INSERT INTO pdns_metadata (domain_id, kind, content) VALUES (zone_id, 'X-CSDNS-SERIAL', style);
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.set_serial_style(text, text) IS
    'Chooses how the serial of a zone (by name) moves: counter, epoch, date, or NULL for the setting serial_style. The same as PowerDNS'' metadata X-CSDNS-SERIAL.';
