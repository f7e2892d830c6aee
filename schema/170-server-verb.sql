-- Verbs for DNS servers: sets of name servers that zones are created for.

DO $$
BEGIN
    IF to_regtype('csdns.server_answer') IS NULL THEN
        CREATE TYPE csdns.server_answer AS (id uuid, name text, provider text, url text, port int, ispublic boolean, publicdomainsuffix text, nameservers text[],
                                            account text, domainid uuid, domain text, state text, zones bigint);
    END IF;
END
$$;
COMMENT ON TYPE csdns.server_answer IS 'A DNS server as verbs answer it. account, domainid and domain are NULL for one of the administrator''s; zones are those that the caller sees.';

-- A server without owner is the administrator's, and so for all that are below ROOT.  (SELECT f()) is asked once, f() for every row.
CREATE OR REPLACE FUNCTION csdns.my_own_servers() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT ARRAY(SELECT s.uuid FROM dns_server s
                  WHERE (SELECT is_admin()) OR s.account = ANY ((SELECT my_accounts())::uuid[]) OR s.account IS NULL AND s.domain = ANY ((SELECT my_domains())::uuid[]))
$$;
COMMENT ON FUNCTION csdns.my_own_servers() IS 'DNS servers that the caller owns: names of zones there are as it gives them. The administrator''s are all.';

CREATE OR REPLACE FUNCTION csdns.my_servers() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT ARRAY(SELECT unnest(my_own_servers())
                 UNION SELECT s.uuid FROM dns_server s
                        WHERE s.is_public AND s.state = 'Enabled' AND (s.domain = ANY ((SELECT my_lineage())::uuid[]) OR s.domain IS NULL AND (SELECT my_domain()) IS NOT NULL))
$$;
COMMENT ON FUNCTION csdns.my_servers() IS 'DNS servers that the caller sees: its own, and the public ones of its domain and the domains above that are enabled.';

CREATE OR REPLACE FUNCTION csdns.find_server(dnsserverid text) RETURNS csdns.dns_server
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    server dns_server;
BEGIN
    PERFORM require_argument('dnsserverid', dnsserverid);
    SELECT s.* INTO server
      FROM dns_server s
     WHERE CASE WHEN is_uuid(dnsserverid) THEN s.uuid = dnsserverid::uuid ELSE s.name = btrim(dnsserverid) END AND s.uuid = ANY (my_servers());
    IF NOT FOUND THEN
        RAISE EXCEPTION 'DNS server "%": not found', left(dnsserverid, 255) USING ERRCODE = 'no_data_found';
    END IF;
    RETURN server;
END
$$;
COMMENT ON FUNCTION csdns.find_server(text) IS 'A DNS server that the caller sees, by csdns.dns_server.uuid or by name; P0002 if it is not there.';

CREATE OR REPLACE FUNCTION csdns.server_answers(ids uuid[]) RETURNS SETOF csdns.server_answer
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT s.uuid, s.name, 'PowerDNS', s.url, s.port, s.is_public, s.public_suffix, s.name_servers, a.name, d.uuid, d.name, s.state,
           (SELECT count(*) FROM dns_zone z WHERE z.server = s.uuid AND ((SELECT is_admin()) OR z.domain_id = ANY ((SELECT my_zones())::int[])))
      FROM dns_server s
      LEFT JOIN account a ON a.uuid = s.account
      LEFT JOIN domain d ON d.uuid = coalesce(a.domain, s.domain)
     WHERE s.uuid = ANY (ids)
     ORDER BY s.name
$$;

-- What a server must look like.

CREATE OR REPLACE FUNCTION csdns.nameservers_argument(nameservers text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    clean text[];
    address text;
    twice text;
BEGIN
    SELECT array_agg(host_name_argument('name server', coalesce(n.name, '')) ORDER BY n.at) INTO clean FROM unnest(nameservers) WITH ORDINALITY AS n (name, at);
    IF clean IS NULL THEN
        RAISE EXCEPTION 'nameservers is missing' USING ERRCODE = 'invalid_parameter_value';
    ELSIF cardinality(clean) > 32 THEN
        RAISE EXCEPTION 'nameservers has % names; 32 are the most', cardinality(clean) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT n INTO address FROM unnest(clean) AS n WHERE n ~ '(^|\.)\d+$' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'name server "%": is an address and no name', address USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT n INTO twice FROM unnest(clean) AS n GROUP BY n HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'name server "%": is there twice', twice USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN clean;
END
$$;

CREATE OR REPLACE FUNCTION csdns.url_argument(url text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    url := nullif(text_argument('url', url, 1024), '');
    IF url ~ '[^!-~]' THEN
        RAISE EXCEPTION 'url "%": has a space or a character outside of ASCII', left(url, 80) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN url;
END
$$;

CREATE OR REPLACE FUNCTION csdns.check_server(server csdns.dns_server) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    other text;
BEGIN
    IF server.name = '' OR is_uuid(server.name) THEN
        RAISE EXCEPTION 'name "%": is no name for a DNS server', server.name USING ERRCODE = 'invalid_parameter_value';
    ELSIF server.port NOT BETWEEN 1 AND 65535 THEN
        RAISE EXCEPTION 'port %: is not from 1 to 65535', server.port USING ERRCODE = 'invalid_parameter_value';
    ELSIF server.is_public AND server.public_suffix IS NULL THEN
        RAISE EXCEPTION 'DNS server "%": is public, publicdomainsuffix is missing', server.name USING ERRCODE = 'invalid_parameter_value';
    ELSIF EXISTS (SELECT FROM dns_server s WHERE s.name = server.name AND s.uuid <> server.uuid) THEN
        RAISE EXCEPTION 'DNS server "%": exists already', server.name USING ERRCODE = 'unique_violation';
    END IF;
    SELECT s.name INTO other
      FROM dns_server s
     WHERE lower(rtrim(s.url, '/')) = lower(rtrim(server.url, '/')) AND s.uuid <> server.uuid
       AND s.account IS NOT DISTINCT FROM server.account AND s.domain IS NOT DISTINCT FROM server.domain;
    IF FOUND THEN
        RAISE EXCEPTION 'DNS server "%": DNS server "%" of the same owner has url "%" already', server.name, other, server.url
              USING ERRCODE = 'unique_violation';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.add_dns_server(name text, nameservers text[], url text DEFAULT NULL, provider text DEFAULT NULL, port int DEFAULT NULL,
    ispublic boolean DEFAULT NULL, publicdomainsuffix text DEFAULT NULL, account text DEFAULT NULL, domainid text DEFAULT NULL)
RETURNS SETOF csdns.server_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'addDnsServer' AS $$
DECLARE
    server dns_server;
    owner record;
BEGIN
    PERFORM require_admin('addDnsServer');
    PERFORM require_argument('name', name), word_argument('provider', provider, 'PowerDNS', 'csdns');
    owner := find_owner(account, domainid);
    server := ROW (gen_random_uuid(), text_argument('name', name, 255), nameservers_argument(nameservers), coalesce(ispublic, false),
                   host_name_argument('publicdomainsuffix', nullif(publicdomainsuffix, '')), owner.owner_account, owner.owner_domain,
                   url_argument(url), port, 'Enabled', now());
    PERFORM check_server(server);
    INSERT INTO dns_server SELECT server.*;
    RETURN QUERY SELECT * FROM server_answers(ARRAY[server.uuid]);
END
$$;
COMMENT ON FUNCTION csdns.add_dns_server(text, text[], text, text, int, boolean, text, text, text) IS
    'Adds a DNS server. Zones get NS records for nameservers, the first is the SOA''s. A public one needs publicdomainsuffix, under which others'' zones are placed. provider: PowerDNS or csdns. For administrators.';

-- NS records and the SOA's primary of its zones, where they still are as the server made them: what people changed or added stays.
CREATE OR REPLACE FUNCTION csdns.move_name_servers(server uuid, was text[], is_now text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    IF was = is_now THEN
        RETURN;
    END IF;
    WITH apex AS MATERIALIZED (
        SELECT d.id AS domain_id, r.id, r.name, plain_name(r.content) AS host, r.ttl
          FROM dns_zone z
         CROSS JOIN LATERAL (SELECT d.id, d.name FROM pdns_domain d WHERE d.id = z.domain_id AND upper(d.type) NOT IN ('SLAVE', 'CONSUMER') OFFSET 0) AS d
         CROSS JOIN LATERAL (SELECT r.id, r.name, r.content, r.ttl FROM pdns_record r
                              WHERE r.name = d.name AND r.type = 'NS' AND r.domain_id + 0 = d.id AND NOT r.disabled OFFSET 0) AS r
         WHERE z.server = move_name_servers.server
    ), gone AS (
        DELETE FROM pdns_record r USING apex a WHERE r.id = a.id AND a.host = ANY (was) AND a.host <> ALL (is_now)
    )
    INSERT INTO pdns_record (domain_id, name, type, content, ttl)
        SELECT a.domain_id, a.name, 'NS', n.host, min(a.ttl)
          FROM apex a CROSS JOIN unnest(is_now) AS n (host)
         WHERE a.host = ANY (was) AND NOT EXISTS (SELECT FROM apex o WHERE o.domain_id = a.domain_id AND o.host = n.host)
         GROUP BY a.domain_id, a.name, n.host;
    UPDATE pdns_record r
       SET content = is_now[1] || substring(r.content FROM '\s.*$')
      FROM dns_zone z, pdns_domain d
     WHERE z.server = move_name_servers.server AND d.id = z.domain_id AND upper(d.type) NOT IN ('SLAVE', 'CONSUMER')
       AND r.name = d.name AND r.type = 'SOA' AND r.domain_id + 0 = d.id
       AND plain_name(substring(r.content FROM '^\S+')) = was[1] AND was[1] <> is_now[1];
END
$$;

CREATE OR REPLACE FUNCTION csdns.update_dns_server(id text, name text DEFAULT NULL, nameservers text[] DEFAULT NULL, url text DEFAULT NULL,
    port int DEFAULT NULL, ispublic boolean DEFAULT NULL, publicdomainsuffix text DEFAULT NULL, state text DEFAULT NULL)
RETURNS SETOF csdns.server_answer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'updateDnsServer' AS $$
DECLARE
    was dns_server;
    server dns_server;
BEGIN
    PERFORM require_admin('updateDnsServer');
    PERFORM lock_rules();
    was := find_server(id);
    server := was;
    server.name := coalesce(text_argument('name', name, 255), was.name);
    server.name_servers := CASE WHEN nameservers IS NULL THEN was.name_servers ELSE nameservers_argument(nameservers) END;
    server.url := CASE WHEN url IS NULL THEN was.url ELSE url_argument(url) END;
    server.port := coalesce(port, was.port);
    server.is_public := coalesce(ispublic, was.is_public);
    server.public_suffix := CASE publicdomainsuffix WHEN '' THEN NULL ELSE coalesce(host_name_argument('publicdomainsuffix', publicdomainsuffix), was.public_suffix) END;
    server.state := coalesce(word_argument('state', state, 'Enabled', 'Disabled'), was.state);
    PERFORM check_server(server);
    IF server IS DISTINCT FROM was THEN
        UPDATE dns_server s
           SET name = server.name, name_servers = server.name_servers, url = server.url, port = server.port, is_public = server.is_public,
               public_suffix = server.public_suffix, state = server.state
         WHERE s.uuid = server.uuid;
        PERFORM move_name_servers(server.uuid, was.name_servers, server.name_servers);
    END IF;
    RETURN QUERY SELECT * FROM server_answers(ARRAY[server.uuid]);
END
$$;
COMMENT ON FUNCTION csdns.update_dns_server(text, text, text[], text, int, boolean, text, text) IS
    'Changes what is given of a DNS server; an empty url or publicdomainsuffix takes it away. New nameservers replace the old ones in its zones, where people left them. state: Enabled, or Disabled for no new zones. For administrators.';

CREATE OR REPLACE FUNCTION csdns.list_dns_servers(id text DEFAULT NULL, name text DEFAULT NULL, keyword text DEFAULT NULL, account text DEFAULT NULL,
    domainid text DEFAULT NULL, providertype text DEFAULT NULL)
RETURNS SETOF csdns.server_answer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'listDnsServers' AS $$
DECLARE
    of_domain uuid := uuid_argument('domainid', domainid);
BEGIN
    PERFORM word_argument('providertype', providertype, 'PowerDNS', 'csdns');
    RETURN QUERY
        SELECT s.*
          FROM server_answers(my_servers()) AS s
         WHERE (list_dns_servers.id IS NULL OR lower(list_dns_servers.id) = s.id::text OR list_dns_servers.id = s.name)
           AND (list_dns_servers.name IS NULL OR list_dns_servers.name = s.name)
           AND (keyword IS NULL OR strpos(lower(s.name), lower(keyword)) > 0)
           AND (list_dns_servers.account IS NULL OR lower(list_dns_servers.account) = lower(s.account))
           AND (of_domain IS NULL OR of_domain = s.domainid);
END
$$;
COMMENT ON FUNCTION csdns.list_dns_servers(text, text, text, text, text, text) IS
    'DNS servers that the caller sees, by id (or name), name, part of the name, owner. A tenant sees its own and the public ones of its domain and the domains above.';

CREATE OR REPLACE FUNCTION csdns.list_dns_providers() RETURNS TABLE (name text, description text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT 'PowerDNS', 'csdns, as PowerDNS'' backend'
$$;
COMMENT ON FUNCTION csdns.list_dns_providers() IS 'Kinds of DNS servers: PowerDNS, which csdns is the backend of.';

CREATE OR REPLACE FUNCTION csdns.delete_dns_server(id text, cleanup boolean DEFAULT NULL, unmanage boolean DEFAULT NULL)
RETURNS TABLE (success boolean, displaytext text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp SET csdns.path = 'deleteDnsServer' AS $$
DECLARE
    server dns_server;
    zones int[];
BEGIN
    PERFORM require_admin('deleteDnsServer');
    IF cleanup AND unmanage THEN
        RAISE EXCEPTION 'cleanup and unmanage: only one of them' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM lock_rules();
    server := find_server(id);
    zones := ARRAY(SELECT z.domain_id FROM dns_zone z WHERE z.server = server.uuid);
    IF cleanup THEN
        PERFORM drop_zones(zones);
    ELSIF unmanage THEN
        PERFORM forget_zones(zones);
    ELSIF cardinality(zones) > 0 THEN
        RAISE EXCEPTION 'DNS server "%": has %', server.name, counted(cardinality(zones), 'zone')
              USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'With cleanup its zones are deleted too, with unmanage they stay as they are.';
    END IF;
    DELETE FROM dns_server s WHERE s.uuid = server.uuid;
    RETURN QUERY SELECT true, format('DNS server "%s" is deleted%s', server.name,
                                     CASE WHEN cardinality(zones) = 0 THEN ''
                                          WHEN cleanup THEN ', and ' || counted(cardinality(zones), 'zone')
                                          ELSE format('; unmanaged from now on: %s', counted(cardinality(zones), 'zone')) END);
END
$$;
COMMENT ON FUNCTION csdns.delete_dns_server(text, boolean, boolean) IS
    'Deletes a DNS server. One with zones only with cleanup, which deletes them, or unmanage, which leaves them to PowerDNS with their records. For administrators.';

GRANT EXECUTE ON FUNCTION csdns.add_dns_server(text, text[], text, text, int, boolean, text, text, text),
    csdns.update_dns_server(text, text, text[], text, int, boolean, text, text), csdns.list_dns_servers(text, text, text, text, text, text),
    csdns.list_dns_providers(), csdns.delete_dns_server(text, boolean, boolean) TO csdns_admin, csdns_tenant;
