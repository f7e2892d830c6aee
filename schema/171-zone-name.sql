-- Names of zones: what a name must look like, where others' zones on a public server are placed, and who is in whose way.

-- "hostmaster." and the zone must fit into a name.
CREATE OR REPLACE FUNCTION csdns.zone_name_fault_of(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM reverse_networks(name)) THEN NULL
                WHEN host_name_fault(name) IS NOT NULL THEN host_name_fault(name)
                WHEN length(name) > 242 THEN 'is longer than 242 octets'
                WHEN name ~ '(^|\.)\d+$' THEN 'ends with a number: it is an address and no name' END
$$;
COMMENT ON FUNCTION csdns.zone_name_fault_of(text) IS
    'Why a name (csdns.plain_name) cannot be a zone''s, or NULL: host names, reverse zones, RFC 2317 included.';

CREATE OR REPLACE FUNCTION csdns.zone_name_argument(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    clean text := plain_name(name);
    fault text := zone_name_fault_of(clean);
BEGIN
    PERFORM require_argument('name', name);
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'zone "%": name %', left(name, 255), fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN clean;
END
$$;
COMMENT ON FUNCTION csdns.zone_name_argument(text) IS 'Name of a zone, as csdns.plain_name; 22023 if it cannot be one.';

-- On a public server others' zones lie below its suffix; the last label stands for it.
CREATE OR REPLACE FUNCTION csdns.compose_zone_name(name text, suffix text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    composed text;
BEGIN
    IF name = suffix THEN
        RAISE EXCEPTION 'zone "%": is the public suffix of the DNS server itself', name USING ERRCODE = 'invalid_parameter_value';
    ELSIF is_inside(name, suffix) THEN
        RETURN name;
    ELSIF substring(name FROM '[^.]+$') <> substring(suffix FROM '[^.]+$') THEN
        RAISE EXCEPTION 'zone "%": ends with "%", and the public suffix "%" of the DNS server with "%"', name, substring(name FROM '[^.]+$'), suffix,
                        substring(suffix FROM '[^.]+$') USING ERRCODE = 'invalid_parameter_value';
    ELSIF strpos(name, '.') = 0 THEN
        RAISE EXCEPTION 'zone "%": has no label to put before the public suffix "%" of the DNS server', name, suffix
              USING ERRCODE = 'invalid_parameter_value';
    END IF;
    composed := regexp_replace(name, '[^.]+$', '') || suffix;
    IF zone_name_fault_of(composed) IS NOT NULL THEN
        RAISE EXCEPTION 'zone "%": name %', composed, zone_name_fault_of(composed) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN composed;
END
$$;
COMMENT ON FUNCTION csdns.compose_zone_name(text, text) IS
    'Name of a zone that somebody creates on another''s public server: below its suffix as it is, else with the suffix in place of the last label, which must be the suffix'' last ("test.com" and "example.com" make "test.example.com"). 22023 if it cannot be placed.';

-- The names above a name, the nearest first, without itself.
CREATE OR REPLACE FUNCTION csdns.names_above(name text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY(SELECT array_to_string(l.labels[at:], '.')
                   FROM (SELECT string_to_array(name, '.') AS labels) AS l, generate_series(2, cardinality(l.labels)) AS at ORDER BY at)
$$;
COMMENT ON FUNCTION csdns.names_above(text) IS 'The names above a name, the nearest first, without itself and the root.';

-- Zones above and below a name, with what matters about them.  A zone without owner is the administrator's.
CREATE OR REPLACE FUNCTION csdns.zones_around(name text)
RETURNS TABLE (id int, zone text, above boolean, account uuid, domain uuid)
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT d.id, d.name::text, d.above, z.account, CASE WHEN z.account IS NULL THEN z.domain END
      FROM (SELECT p.id, p.name, true AS above FROM unnest(names_above(name)) AS n CROSS JOIN LATERAL (SELECT p.id, p.name FROM pdns_domain p WHERE p.name = n) AS p
            UNION ALL
            SELECT p.id, p.name, false FROM pdns_domain p WHERE right(p.name, length(zones_around.name) + 1) = '.' || zones_around.name) AS d
      LEFT JOIN dns_zone z ON z.domain_id = d.id
$$;

-- Zones of different owners lie apart.  The administrator's may lie above others' if they hold the public suffix under which the lower
-- one was placed, or if it is an administrator who puts them there.
CREATE OR REPLACE FUNCTION csdns.check_zone_overlap(name text, server csdns.dns_server, owner_account uuid, owner_domain uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    mine text := coalesce(owner_account, owner_domain)::text;
    other record;
BEGIN
    SELECT z.zone, z.above, z.account, z.domain INTO other
      FROM zones_around(name) AS z
     WHERE coalesce(z.account, z.domain)::text IS DISTINCT FROM mine
       AND NOT CASE WHEN z.above THEN num_nonnulls(z.account, z.domain) = 0 AND (is_admin() OR coalesce(is_inside(server.public_suffix, z.zone), false))
                    ELSE mine IS NULL END
     ORDER BY z.above DESC, length(z.zone) DESC LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'zone "%": lies % %', name, CASE WHEN other.above THEN 'below' ELSE 'above' END,
                        CASE WHEN is_admin() THEN format('zone "%s" of another owner (%s)', other.zone, owner_name(other.account, other.domain))
                             WHEN other.above THEN format('zone "%s" of another owner', other.zone)
                             ELSE 'a zone of another owner' END                -- names below are not for everybody to find
              USING ERRCODE = 'unique_violation';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.owner_name(account uuid, domain uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT coalesce((SELECT format('account "%s"', coalesce(a.name, a.uuid::text)) FROM account a WHERE a.uuid = owner_name.account),
                    (SELECT format('domain "%s"', coalesce(d.name, d.uuid::text)) FROM domain d WHERE d.uuid = owner_name.domain),
                    'the administrator')
$$;
COMMENT ON FUNCTION csdns.owner_name(uuid, uuid) IS 'Who owns something, in words: an account, a domain of the cloud, or the administrator.';

-- A new zone hides what the zone above has under its name.
CREATE OR REPLACE FUNCTION csdns.check_hidden_records(name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    enclosing record;
    hidden text;
BEGIN
    SELECT z.id, z.zone INTO enclosing FROM zones_around(name) AS z WHERE z.above ORDER BY length(z.zone) DESC LIMIT 1;
    IF NOT FOUND OR is_admin() OR enclosing.id = ANY (my_own_zones()) THEN
        RETURN;
    END IF;
    SELECT r.name INTO hidden
      FROM pdns_record r
     WHERE r.domain_id = enclosing.id AND (r.name = check_hidden_records.name OR right(r.name, length(check_hidden_records.name) + 1) = '.' || check_hidden_records.name)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'zone "%": zone "%" has records under this name', name, enclosing.zone USING ERRCODE = 'unique_violation';
    END IF;
END
$$;
