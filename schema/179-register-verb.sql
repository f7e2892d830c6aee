-- Verbs for further names of instances, and for all names that an instance has.

DO $$
BEGIN
    IF to_regtype('csdns.vm_record_answer') IS NULL THEN
        CREATE TYPE csdns.vm_record_answer AS (virtualmachineid uuid, name text, type text, contents text[], ttl int, origin text, source text, state text,
                                               displaytext text, dnszoneid uuid, dnszonename text);
    END IF;
END
$$;
COMMENT ON TYPE csdns.vm_record_answer IS
    'Records of a name and type that rules want for an instance. origin: the rule; source: why, in words; state: given, waiting (somebody else has the name), taken over (by a person) or absent, with displaytext saying more. type is NULL for a registered name without any record.';

-- The instance itself, its group, the floating addresses that it shares, and the public addresses that it has.
CREATE OR REPLACE FUNCTION csdns.sources_of_instance(instance uuid) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT ARRAY(SELECT sources_of_instance.instance
                 UNION SELECT i.group_source FROM instance i WHERE i.uuid = sources_of_instance.instance AND i.group_source IS NOT NULL
                 UNION SELECT m.floating FROM floating_member m WHERE m.instance = sources_of_instance.instance
                 UNION SELECT p.uuid FROM public_address p WHERE p.instance = sources_of_instance.instance)
$$;

-- Who has a name, as far as the caller may know.
CREATE OR REPLACE FUNCTION csdns.holder_name(holder uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN holder IS NULL THEN 'a person''s record'
                WHEN is_admin() OR EXISTS (SELECT FROM instance i WHERE i.uuid = holder AND i.account = ANY (my_accounts())) THEN source_name(holder)
                ELSE 'somebody else' END
$$;

-- Of what it shares with other instances, only what is its own.  Pinned to index lookups, as in 120-cloud-apply.sql.
CREATE OR REPLACE FUNCTION csdns.vm_record_answers(instance uuid) RETURNS SETOF csdns.vm_record_answer
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    me uuid := instance;
    sources uuid[] := sources_of_instance(instance);
    own text[] := ARRAY(SELECT address_text(a.address) FROM live_address a WHERE a.instance = me
                        UNION SELECT address_text(f.address) FROM floating_address f WHERE f.uuid = ANY (sources));
BEGIN
    RETURN QUERY
        WITH wish AS MATERIALIZED (
            SELECT d.domain_id, d.name, d.type, d.source, array_agg(DISTINCT d.content ORDER BY d.content) AS contents, min(d.ttl) AS ttl, min(d.rule) AS rule,
                   string_agg(DISTINCT d.reason, '; ' ORDER BY d.reason) AS reason
              FROM desired_record d
             WHERE d.source = ANY (sources) AND length(d.name) <= 253 AND (d.source = me OR d.rule = 'public' OR d.type = 'PTR' OR d.content = ANY (own))
             GROUP BY d.domain_id, d.name, d.type, d.source
        ), judged AS (
            SELECT w.*, h.how, c.name IS NOT NULL AS waits, c.holder,
                   EXISTS (SELECT FROM rule_record m JOIN pdns_record r ON r.id = m.record_id
                            WHERE m.source = w.source AND r.domain_id = w.domain_id AND r.name = w.name AND r.type = w.type) AS has
              FROM wish w
              LEFT JOIN hold h ON h.domain_id = w.domain_id AND h.name = w.name AND h.type = w.type
              LEFT JOIN collision c ON c.domain_id = w.domain_id AND c.name = w.name AND c.source = w.source
            UNION ALL
            SELECT n.domain_id, n.name, NULL, me, '{}', NULL, 'name', 'name given by hand', NULL, false, NULL, false
              FROM instance_name n
             WHERE n.instance = me AND NOT EXISTS (SELECT FROM wish w WHERE w.domain_id = n.domain_id AND w.name = n.name)
        )
        SELECT me, j.name, j.type, j.contents, j.ttl, j.rule, j.reason,
               CASE WHEN j.has THEN 'given' WHEN j.how IS NOT NULL THEN 'taken over' WHEN j.waits THEN 'waiting' ELSE 'absent' END,
               CASE WHEN j.has THEN NULL
                    WHEN j.how IS NOT NULL THEN format('a person %s it', j.how)
                    WHEN j.waits THEN format('%s has the name; it is given when that is free', holder_name(j.holder))
                    WHEN j.type IS NULL THEN 'no address to answer with: the instance has none or does not run, or the zone is inactive'
                    WHEN j.type = 'PTR' THEN 'the name that it points to is not there' END,
               z.uuid, p.name::text
          FROM judged j
          LEFT JOIN LATERAL (SELECT p.name FROM pdns_domain p WHERE p.id = j.domain_id OFFSET 0) AS p ON true
          LEFT JOIN dns_zone z ON z.domain_id = j.domain_id
         ORDER BY j.type = 'PTR' NULLS FIRST, p.name COLLATE "C", j.name COLLATE "C", j.type;
END
$$;

CREATE OR REPLACE FUNCTION csdns.list_dns_records_for_vm(virtualmachineid text) RETURNS SETOF csdns.vm_record_answer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsRecordsForVm' AS $$
BEGIN
    RETURN QUERY SELECT * FROM vm_record_answers(find_instance(virtualmachineid));
END
$$;
COMMENT ON FUNCTION csdns.list_dns_records_for_vm(text) IS
    'All names that an instance has or waits for, by every rule: its own, registered ones, of its addresses, group, floating and public addresses. For the instance''s owner.';

-- Relative to the zone, "@", or full; without a name the instance's own.
CREATE OR REPLACE FUNCTION csdns.registered_name(name text, host text, zone text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    given text := coalesce(nullif(btrim(name), ''), host);
    clean text;
BEGIN
    PERFORM require_argument('name', given);
    IF given = '@' THEN
        clean := zone;
    ELSE
        clean := host_name_argument('name', given);
        IF NOT is_inside(clean, zone) THEN
            IF given LIKE '%.' THEN
                RAISE EXCEPTION 'name "%": is not in zone "%"', given, zone USING ERRCODE = 'invalid_parameter_value';
            END IF;
            clean := clean || '.' || zone;
        END IF;
    END IF;
    IF is_host(clean) IS NOT TRUE THEN
        RAISE EXCEPTION 'name "%" in zone "%": is no host name', given, zone USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN clean;
END
$$;

CREATE OR REPLACE FUNCTION csdns.register_dns_record_for_vm(virtualmachineid text, dnszoneid text, name text DEFAULT NULL) RETURNS SETOF csdns.vm_record_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'registerDnsRecordForVm' AS $$
DECLARE
    vm instance;
    zone_id int;
    full_name text;
BEGIN
    PERFORM lock_rules();
    SELECT i.* INTO vm FROM instance i WHERE i.uuid = find_instance(virtualmachineid);
    zone_id := find_zone(dnszoneid, 'record');
    full_name := registered_name(name, vm.name, (SELECT d.name FROM pdns_domain d WHERE d.id = zone_id));
    INSERT INTO instance_name (instance, domain_id, name) VALUES (vm.uuid, zone_id, full_name) ON CONFLICT DO NOTHING;
    RETURN QUERY
        SELECT a.* FROM vm_record_answers(vm.uuid) AS a
         WHERE a.name = full_name AND a.dnszonename = (SELECT d.name FROM pdns_domain d WHERE d.id = zone_id);
END
$$;
COMMENT ON FUNCTION csdns.register_dns_record_for_vm(text, text, text) IS
    'Gives an instance a further name, with all its addresses: relative to the zone, @, or full; default its host name. If somebody else has the name, the answer says so and the instance gets it when it is free. For the instance''s owner, who may put records into the zone.';

-- The owner of the zone may take a name away from another's instance.
CREATE OR REPLACE FUNCTION csdns.unregister_dns_record_for_vm(virtualmachineid text, dnszoneid text, name text DEFAULT NULL)
RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'unregisterDnsRecordForVm' AS $$
DECLARE
    zone_id int;
    vm instance;
    full_name text;
BEGIN
    PERFORM lock_rules(), require_argument('virtualmachineid', virtualmachineid);
    zone_id := find_zone(dnszoneid);
    SELECT i.* INTO vm FROM instance i
     WHERE i.uuid = CASE WHEN zone_id = ANY (my_own_zones()) THEN uuid_argument('virtualmachineid', virtualmachineid) ELSE find_instance(virtualmachineid) END;
    full_name := registered_name(name, coalesce(vm.name, '@'), (SELECT d.name FROM pdns_domain d WHERE d.id = zone_id));
    DELETE FROM instance_name n WHERE n.instance = vm.uuid AND n.domain_id = zone_id AND n.name = full_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'instance %: has no registered name "%"', lower(virtualmachineid), full_name USING ERRCODE = 'no_data_found';
    END IF;
    RETURN QUERY SELECT true, format('instance %s (%s) no longer has the name "%s"', vm.name, vm.uuid, full_name);
END
$$;
COMMENT ON FUNCTION csdns.unregister_dns_record_for_vm(text, text, text) IS
    'Takes a registered name from an instance: relative to the zone, @, or full; default the instance''s host name. For the owner of the instance or of the zone.';

GRANT EXECUTE ON FUNCTION csdns.list_dns_records_for_vm(text), csdns.register_dns_record_for_vm(text, text, text),
    csdns.unregister_dns_record_for_vm(text, text, text) TO csdns_admin, csdns_tenant;
