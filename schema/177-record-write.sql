-- Writing records by name and type, one or thousands: check what is asked for, look at what is there, write the difference in one
-- statement of each kind.  The single verbs (176-record-verb.sql) and the bulk ones (178-bulk-verb.sql) are this.

DO $$
BEGIN
    IF to_regtype('csdns.rrset_wish') IS NULL THEN
        CREATE TYPE csdns.rrset_wish AS (number int, dnszoneid text, name text, type text, contents text[], ttl int, fault text);
        CREATE TYPE csdns.rrset_plan AS (number int, domain_id int, zone text, own boolean, name text, type text, contents text[], ttl int, default_ttl int,
                                         code text, fault text);
    END IF;
END
$$;
COMMENT ON TYPE csdns.rrset_wish IS 'What a caller asks for; number: its place in the list; fault: why it cannot be understood, or NULL.';
COMMENT ON TYPE csdns.rrset_plan IS 'The same, checked: full name, contents as they are served (NULL: as they are), or what is wrong with it.';

-- Checking what is asked for.

-- TTLs and types by the policy in force for the owner of a zone; an administrator's zone may hold all types.
CREATE OR REPLACE FUNCTION csdns.zone_settings(zone_id int, OUT ttl int, OUT minimum_ttl int, OUT allowed_types text[])
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT coalesce(a.ttl, d.ttl, g.ttl), coalesce(a.minimum_ttl, d.minimum_ttl, g.minimum_ttl), q.allowed_types
      FROM (VALUES (zone_settings.zone_id)) AS v (id)
      LEFT JOIN dns_zone z ON z.domain_id = v.id
      LEFT JOIN account o ON o.uuid = z.account
      LEFT JOIN policy a ON a.scope = z.account
      LEFT JOIN domain_policy d ON d.domain = coalesce(o.domain, z.domain)
      LEFT JOIN policy g ON g.scope = '00000000-0000-0000-0000-000000000000'
      LEFT JOIN LATERAL quota_of(z.account, z.domain) AS q ON true
$$;

-- A zone to write records into, or why not.
CREATE OR REPLACE FUNCTION csdns.record_zone(dnszoneid text, OUT domain_id int, OUT zone text, OUT own boolean, OUT ttl int, OUT minimum_ttl int,
    OUT allowed_types text[], OUT code text, OUT fault text) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    kind text;
BEGIN
    domain_id := find_zone(dnszoneid, 'record');
    SELECT d.name, d.type INTO zone, kind FROM pdns_domain d WHERE d.id = record_zone.domain_id;
    IF kind IN ('SLAVE', 'CONSUMER') THEN
        code := '55000';
        fault := format('zone "%s": is secondary, its records come from its primary', zone);
    END IF;
    own := is_admin() OR record_zone.domain_id = ANY (my_own_zones());
    SELECT s.ttl, s.minimum_ttl, s.allowed_types INTO record_zone.ttl, record_zone.minimum_ttl, record_zone.allowed_types FROM zone_settings(record_zone.domain_id) AS s;
EXCEPTION
    WHEN no_data_found OR insufficient_privilege OR invalid_parameter_value THEN
        code := SQLSTATE;
        fault := SQLERRM;
END
$$;

CREATE OR REPLACE FUNCTION csdns.ttl_fault(ttl int, minimum int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ttl < 0 THEN 'ttl is not a number from 0 to 2147483647' WHEN ttl < minimum THEN format('ttl %s is below the minimum of %s', ttl, minimum) END
$$;

-- What the caller may not do with that type, for the reasons of code: 42501 it may not, 22023 nobody can.
CREATE OR REPLACE FUNCTION csdns.type_refusal(action text, name text, type text, zone text, own boolean, admin boolean, allowed text[],
    OUT code text, OUT fault text) RETURNS record
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    apex_ns boolean := type = 'NS' AND name = zone;
BEGIN
    code := '22023';
    fault := CASE WHEN action <> 'delete' OR coalesce(type, '') = '' OR type IN ('SOA', 'RRSIG', 'NSEC', 'NSEC3', 'NSEC3PARAM') OR type !~ '^[A-Z0-9-]+$' THEN type_fault(type) END;
    IF fault IS NULL AND action <> 'delete' AND NOT apex_ns AND allowed IS NOT NULL AND type <> ALL (ARRAY(SELECT upper(a) FROM unnest(allowed) AS a)) THEN
        fault := format('type %s is not allowed in zone "%s"; allowed: %s', type, zone, coalesce(nullif(array_to_string(allowed, ', '), ''), 'none'));
    ELSIF fault IS NULL AND action = 'delete' AND apex_ns THEN
        fault := 'a zone keeps its name servers; update them instead';
    END IF;
    IF fault IS NULL THEN
        code := '42501';
        fault := CASE WHEN NOT admin AND (type = 'LUA' OR type ~ '^TYPE[0-9]') THEN format('type %s is for administrators', type)
                      WHEN NOT own AND apex_ns THEN 'the name servers of a zone are its owner''s to change' END;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.plan_rrsets(action text, wishes csdns.rrset_wish[]) RETURNS csdns.rrset_plan[]
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    admin boolean := is_admin();
    plans rrset_plan[];
BEGIN
    WITH z AS MATERIALIZED (
        SELECT w.dnszoneid, r.* FROM (SELECT DISTINCT u.dnszoneid FROM unnest(wishes) AS u) AS w CROSS JOIN LATERAL record_zone(w.dnszoneid) AS r
    ), p AS MATERIALIZED (
        SELECT w.number, w.contents AS given, w.ttl, w.fault AS shape_fault, z.domain_id, z.zone, z.own, z.ttl AS policy_ttl, z.minimum_ttl, z.allowed_types,
               z.code AS zone_code, z.fault AS zone_fault, coalesce(absolute_name(w.name, z.zone), w.name) AS name, upper(btrim(w.type)) AS type
          FROM unnest(wishes) AS w JOIN z ON z.dnszoneid IS NOT DISTINCT FROM w.dnszoneid
    ), c AS (
        SELECT p.*, t.code AS type_code, t.fault AS type_fault, n.contents, n.fault AS content_fault, zone_member_fault(p.name, p.zone) AS name_fault,
               row_number() OVER (PARTITION BY p.domain_id, p.name, p.type ORDER BY p.number) AS nth
          FROM p
          LEFT JOIN LATERAL type_refusal(action, p.name, p.type, p.zone, p.own, admin, p.allowed_types) AS t ON p.zone_fault IS NULL
          LEFT JOIN LATERAL normal_contents(p.type, p.given) AS n ON t.fault IS NULL AND (action = 'create' OR p.given IS NOT NULL)
    )
    SELECT array_agg(ROW (c.number, c.domain_id, c.zone, c.own, c.name, c.type, c.contents, c.ttl, greatest(c.policy_ttl, c.minimum_ttl),
                          CASE WHEN c.shape_fault IS NOT NULL THEN '22023' WHEN c.zone_fault IS NOT NULL THEN c.zone_code WHEN c.name_fault IS NULL AND c.type_fault IS NOT NULL THEN c.type_code ELSE '22023' END,
                          coalesce(c.shape_fault, c.zone_fault, c.name_fault, c.type_fault, c.content_fault,
                                   CASE WHEN action <> 'delete' THEN ttl_fault(c.ttl, c.minimum_ttl) END,
                                   CASE WHEN action = 'update' AND num_nonnulls(c.contents, c.ttl) = 0 THEN 'contents and ttl are missing' END,
                                   CASE WHEN c.nth > 1 THEN 'is there twice' END))::rrset_plan ORDER BY c.number)
      INTO plans FROM c;
    RETURN coalesce(plans, '{}');
END
$$;

-- "record "www.example.org" A: ..." of one that was asked for alone, number and name of one in a list.
CREATE OR REPLACE FUNCTION csdns.refuse_plans(plans csdns.rrset_plan[], alone boolean) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    faults text[];
    first_code text;
BEGIN
    SELECT array_agg(CASE WHEN NOT alone THEN entry_title(p.number, p.name, p.type) || ': ' || p.fault
                          WHEN p.zone IS NULL OR starts_with(p.fault, 'zone "') THEN p.fault
                          ELSE format('record "%s"%s: %s', left(p.name, 255), ' ' || left(nullif(p.type, ''), 20), p.fault) END ORDER BY p.number),
           min(p.code) FILTER (WHERE p.number = f.first)
      INTO faults, first_code
      FROM unnest(plans) AS p, (SELECT min(number) AS first FROM unnest(plans) AS x WHERE x.fault IS NOT NULL) AS f
     WHERE p.fault IS NOT NULL;
    IF alone AND faults IS NOT NULL THEN
        RAISE EXCEPTION '%', faults[1] USING ERRCODE = first_code;
    ELSIF faults IS NOT NULL THEN
        PERFORM refuse_entities('records:', faults, first_code);
    END IF;
END
$$;

-- Looking at what is there.

CREATE OR REPLACE FUNCTION csdns.same_form(type text, served text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN n.fault IS NULL THEN n.content ELSE served END FROM normal_content(type, served) AS n
$$;

-- Rows that the plans are about.  form: as normal_content() has it, so that rows in another spelling are found.
CREATE OR REPLACE FUNCTION csdns.rows_of(plans csdns.rrset_plan[])
RETURNS TABLE (number int, id bigint, form text, ttl int, disabled boolean, rule text, source uuid)
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT p.number, r.id, same_form(p.type, r.content), r.ttl, r.disabled, m.rule, m.source
          FROM unnest(plans) AS p
         CROSS JOIN LATERAL (SELECT r.id, served_content(r.type, r.content, r.prio) AS content, r.ttl, r.disabled FROM pdns_record r
                              WHERE r.name = p.name AND r.domain_id + 0 = p.domain_id AND r.type = p.type OFFSET 0) AS r
          LEFT JOIN LATERAL (SELECT m.rule, m.source FROM rule_record m WHERE m.record_id = r.id OFFSET 0) AS m ON true;
END
$$;

-- In a zone that is only delegated to the caller: rules' records for others that the change would alter or put out of the way.  Records
-- that cannot live beside a rule's take its whole name; NS and DNAME hide what is below.
CREATE OR REPLACE FUNCTION csdns.others_in_the_way(plans csdns.rrset_plan[]) RETURNS SETOF int
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
    mine uuid[] := my_source_array();
BEGIN
    RETURN QUERY
        SELECT p.number
          FROM unnest(plans) AS p
         WHERE NOT p.own
           AND (EXISTS (SELECT FROM pdns_record r JOIN rule_record m ON m.record_id = r.id
                         WHERE r.name = p.name AND r.domain_id + 0 = p.domain_id AND m.source <> ALL (mine)
                           AND (r.type = p.type OR p.type IN ('A', 'AAAA', 'PTR', 'CNAME', 'NS', 'DNAME', 'ALIAS')))
                OR p.type IN ('NS', 'DNAME') AND EXISTS (
                        SELECT FROM pdns_record r JOIN rule_record m ON m.record_id = r.id
                         WHERE r.domain_id = p.domain_id AND m.source <> ALL (mine) AND is_inside(r.name, p.name)));
END
$$;

CREATE OR REPLACE FUNCTION csdns.judge_plans(action text, plans csdns.rrset_plan[]) RETURNS csdns.rrset_plan[]
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp SET enable_nestloop = off SET enable_hashjoin = on SET jit = off AS $$
DECLARE
    everything boolean := sees_all();
    mine uuid[] := my_source_array();
    judged rrset_plan[];
BEGIN
    WITH r AS MATERIALIZED (
        SELECT r.number, array_agg(r.form) AS forms, min(r.rule) AS rule, min(r.source::text)::uuid AS source, bool_and(r.disabled) AS disabled
          FROM rows_of(plans) AS r GROUP BY r.number
    ), o AS MATERIALIZED (
        SELECT DISTINCT o.number FROM others_in_the_way(plans) AS o (number)
    ), f AS (
        SELECT p.*, CASE WHEN o.number IS NOT NULL THEN '42501' WHEN action = 'create' THEN '23505' ELSE 'P0002' END AS new_code,
               CASE WHEN o.number IS NOT NULL THEN 'the name belongs to another owner''s instance or address'
                    WHEN action = 'create' AND r.source IS NOT NULL THEN
                        format('exists already: %s has it; updating it takes it over',
                               shown_source(r.source, everything OR p.own, mine))
                    WHEN action = 'create' AND r.disabled THEN 'exists already, disabled; updating its contents enables it'
                    WHEN action = 'create' AND r.number IS NOT NULL THEN 'exists already; update it instead'
                    WHEN action = 'update' AND r.number IS NULL THEN 'not found; create it instead'
                    WHEN action = 'delete' AND r.number IS NULL THEN 'not found'
                    WHEN action = 'delete' AND NOT p.contents <@ r.forms THEN
                        format('"%s" is not there', (SELECT left(c, 100) FROM unnest(p.contents) AS c WHERE c <> ALL (r.forms) LIMIT 1)) END AS new_fault
          FROM unnest(plans) AS p
          LEFT JOIN r ON r.number = p.number
          LEFT JOIN o ON o.number = p.number
    )
    SELECT array_agg(ROW (f.number, f.domain_id, f.zone, f.own, f.name, f.type, f.contents, f.ttl, f.default_ttl,
                          CASE WHEN f.fault IS NULL THEN f.new_code ELSE f.code END, coalesce(f.fault, f.new_fault))::rrset_plan ORDER BY f.number)
      INTO judged FROM f;
    RETURN coalesce(judged, '{}');
END
$$;

-- Writing.

CREATE OR REPLACE FUNCTION csdns.stored_content(type text, served text, OUT content text, OUT prio int)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN type IN ('MX', 'SRV') THEN substr(served, strpos(served, ' ') + 1) ELSE served END,
           CASE WHEN type IN ('MX', 'SRV') THEN split_part(served, ' ', 1)::int END
$$;

-- Records of rules become the caller's before they change, all of a name and type: else the rules would put back what stays of them.
CREATE OR REPLACE FUNCTION csdns.take_over(changing csdns.rrset_plan[]) RETURNS uuid[]
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    was record;
BEGIN
    SELECT array_agg(r.id) AS ids, array_agg(p.domain_id) AS zones, array_agg(p.name) AS names, array_agg(p.type) AS types
      INTO was
      FROM rows_of(changing) AS r JOIN unnest(changing) AS p ON p.number = r.number
     WHERE r.source IS NOT NULL;
    RETURN CASE WHEN was.ids IS NOT NULL THEN take_records('edited', was.ids, was.zones, was.names, was.types) END;
END
$$;

CREATE OR REPLACE FUNCTION csdns.insert_contents(plans csdns.rrset_plan[]) RETURNS void
LANGUAGE sql VOLATILE SET search_path = csdns, pg_temp AS $$
    INSERT INTO pdns_record (domain_id, name, type, content, ttl, prio)
        SELECT p.domain_id, p.name, p.type, s.content, p.ttl, s.prio
          FROM unnest(plans) AS p CROSS JOIN LATERAL unnest(p.contents) AS c CROSS JOIN LATERAL stored_content(p.type, c) AS s
$$;

-- What differs: new contents with the TTL that they get, rows to go, rows that stay and change.
CREATE OR REPLACE FUNCTION csdns.diff_rrsets(plans csdns.rrset_plan[], OUT fresh csdns.rrset_plan[], OUT gone bigint[], OUT kept bigint[], OUT changing csdns.rrset_plan[])
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp SET enable_nestloop = off SET enable_hashjoin = on SET jit = off AS $$
BEGIN
    WITH r AS MATERIALIZED (
        SELECT r.*, row_number() OVER (PARTITION BY r.number, r.form ORDER BY r.disabled, r.id) AS nth FROM rows_of(plans) AS r
    ), t AS MATERIALIZED (
        SELECT r.number, min(r.ttl) AS ttl FROM r GROUP BY r.number
    ), p AS MATERIALIZED (
        SELECT * FROM unnest(plans)
    ), j AS MATERIALIZED (
        SELECT p.number, r.id, p.contents IS NOT NULL AND (r.form <> ALL (p.contents) OR r.nth > 1) AS is_gone,
               r.ttl IS DISTINCT FROM coalesce(p.ttl, r.ttl) OR p.contents IS NOT NULL AND r.disabled AS differs
          FROM p JOIN r ON r.number = p.number
    ), f AS MATERIALIZED (
        SELECT p.number, c.content, coalesce(p.ttl, t.ttl) AS ttl
          FROM p JOIN t ON t.number = p.number CROSS JOIN LATERAL unnest(p.contents) AS c (content)
         WHERE NOT EXISTS (SELECT FROM r WHERE r.number = p.number AND r.form = c.content)
    )
    SELECT (SELECT array_agg(ROW (p.number, p.domain_id, p.zone, p.own, p.name, p.type, x.contents, x.ttl, p.default_ttl, NULL, NULL)::rrset_plan)
              FROM (SELECT f.number, f.ttl, array_agg(f.content) AS contents FROM f GROUP BY f.number, f.ttl) AS x JOIN p ON p.number = x.number),
           (SELECT array_agg(j.id) FROM j WHERE j.is_gone),
           (SELECT array_agg(j.id) FROM j WHERE NOT j.is_gone AND j.differs),
           (SELECT array_agg(p::rrset_plan) FROM p
             WHERE p.number IN (SELECT f.number FROM f UNION SELECT j.number FROM j WHERE j.is_gone OR j.differs))
      INTO fresh, gone, kept, changing;
END
$$;

-- New records come before old ones go: a name that stays is never free for those who wait for it.
CREATE OR REPLACE FUNCTION csdns.replace_rrsets(plans csdns.rrset_plan[]) RETURNS csdns.rrset_plan[]
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    d record;
    sources uuid[];
BEGIN
    SELECT * INTO d FROM diff_rrsets(plans);
    IF d.changing IS NULL THEN
        RETURN '{}';
    END IF;
    sources := take_over(d.changing);
    IF d.fresh IS NOT NULL THEN
        PERFORM insert_contents(d.fresh);
    END IF;
    IF d.gone IS NOT NULL THEN
        DELETE FROM pdns_record r WHERE r.id = ANY (d.gone);
    END IF;
    IF d.kept IS NOT NULL THEN
        UPDATE pdns_record r SET ttl = coalesce(k.ttl, r.ttl), disabled = r.disabled AND k.contents IS NULL
          FROM (SELECT w.id, p.ttl, p.contents FROM rows_of(d.changing) AS w JOIN unnest(d.changing) AS p ON p.number = w.number) AS k
         WHERE r.id = k.id AND r.id = ANY (d.kept);
    END IF;
    FOR at IN 1..coalesce(cardinality(sources), 0) BY 1000 LOOP
        PERFORM apply_rules(sources[at:at + 999]);
    END LOOP;
    RETURN d.changing;
END
$$;

-- Where only some go, what stays of a rule's becomes the caller's; where all go, the triggers see to it.
CREATE OR REPLACE FUNCTION csdns.delete_rrsets(plans csdns.rrset_plan[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    gone bigint[];
    partly rrset_plan[];
BEGIN
    SELECT array_agg(r.id) FILTER (WHERE p.contents IS NULL OR r.form = ANY (p.contents)),
           array_agg(DISTINCT p) FILTER (WHERE p.contents IS NOT NULL AND r.form <> ALL (p.contents))
      INTO gone, partly
      FROM rows_of(plans) AS r JOIN unnest(plans) AS p ON p.number = r.number;
    PERFORM apply_rules(take_over(partly));
    DELETE FROM pdns_record r WHERE r.id = ANY (gone);
END
$$;

-- Told at once, not at commit, and for the entry that it is about.
CREATE OR REPLACE FUNCTION csdns.refuse_cnames(plans csdns.rrset_plan[], alone boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
BEGIN
    PERFORM refuse_plans(ARRAY(
        SELECT ROW (p.number, p.domain_id, p.zone, p.own, p.name, p.type, p.contents, p.ttl, p.default_ttl, '23514', rrset_fault(p.domain_id, p.name))::rrset_plan
          FROM unnest(plans) AS p
         WHERE EXISTS (SELECT FROM pdns_record r WHERE r.name = p.name AND r.domain_id + 0 = p.domain_id AND r.type = 'CNAME')), alone);
END
$$;

-- Two that create the same name and type at once would both succeed: writers of a zone wait for each other.  Few locks, however many
-- zones, in one order.
CREATE OR REPLACE FUNCTION csdns.lock_zones(ids int[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(99104, b.n) FROM (SELECT DISTINCT i % 64 AS n FROM unnest(ids) AS i ORDER BY 1) AS b;
END
$$;

-- All or nothing.  Returns the plans as they were carried out.
CREATE OR REPLACE FUNCTION csdns.write_rrsets(action text, wishes csdns.rrset_wish[], alone boolean) RETURNS csdns.rrset_plan[]
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    checked rrset_plan[] := plan_rrsets(action, wishes);
    plans rrset_plan[];
    zones int[];
BEGIN
    zones := ARRAY(SELECT DISTINCT p.domain_id FROM unnest(checked) AS p WHERE p.domain_id IS NOT NULL);
    PERFORM lock_zones(zones);
    IF action <> 'create' AND EXISTS (SELECT FROM rows_of(checked) AS r WHERE r.source IS NOT NULL) THEN
        PERFORM lock_rules();
    END IF;
    plans := judge_plans(action, checked);
    PERFORM refuse_plans(plans, alone);

    IF action = 'create' THEN
        PERFORM insert_contents(ARRAY(SELECT ROW (p.number, p.domain_id, p.zone, p.own, p.name, p.type, p.contents, coalesce(p.ttl, p.default_ttl),
                                                  p.default_ttl, NULL, NULL)::rrset_plan FROM unnest(plans) AS p));
    ELSIF action = 'update' THEN
        plans := replace_rrsets(plans);
    ELSE
        PERFORM delete_rrsets(plans);
    END IF;
    IF action <> 'delete' AND cardinality(plans) > 0 THEN
        PERFORM refuse_cnames(plans, alone);
        PERFORM check_record_quota(zones, ARRAY(SELECT DISTINCT p.type FROM unnest(plans) AS p WHERE p.type <> 'NS' OR p.name <> p.zone));
    END IF;
    RETURN plans;
END
$$;
