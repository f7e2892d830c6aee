-- What people give for records, checked and brought into the form in which PowerDNS' tables hold it.  Pure functions; the rules that hold
-- for every record are in 050-record.sql.

-- PowerDNS' spelling: \DDD only where it must be, lower case.
CREATE OR REPLACE FUNCTION csdns.canonical_escape(piece text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN piece ~ '^\\[0-9]{3}$' THEN
                    CASE WHEN right(piece, 3)::int IN (46, 92) THEN '\' || chr(right(piece, 3)::int)
                         WHEN right(piece, 3)::int BETWEEN 33 AND 126 THEN lower(chr(right(piece, 3)::int))
                         ELSE piece END
                WHEN piece ~ '^\\[^0-9.\\]$' THEN
                    CASE WHEN piece ~ '^\\[!-~]$' THEN lower(right(piece, 1))
                         WHEN octet_length(piece) = 2 THEN '\' || lpad(ascii(right(piece, 1))::text, 3, '0')
                         ELSE piece END
                WHEN starts_with(piece, '\') THEN piece
                ELSE lower(piece) END
$$;

CREATE OR REPLACE FUNCTION csdns.canonical_name(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF strpos(name, '\') = 0 THEN
        RETURN lower(name);
    END IF;
    RETURN (SELECT string_agg(canonical_escape(m[1]), '' ORDER BY t.at)
              FROM regexp_matches(name, '(\\[0-9]{3}|\\.|[^\\]+|\\)', 'g') WITH ORDINALITY AS t (m, at));
END
$$;
COMMENT ON FUNCTION csdns.canonical_name(text) IS 'A domain name in the one spelling that PowerDNS looks up: lower case, \DDD only for what has no other form. What is wrong with it stays wrong.';

CREATE OR REPLACE FUNCTION csdns.is_absolute(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT right(name, 1) = '.' AND name ~ '^([^\\]|\\.)*\.$'
$$;
COMMENT ON FUNCTION csdns.is_absolute(text) IS 'Whether a name ends with a dot that is not part of its last label.';

-- @ and nothing: the zone itself.  With a final dot, or with the zone's name at its end: as it is.  Else: in the zone.
CREATE OR REPLACE FUNCTION csdns.absolute_name(name text, zone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN c.name IN ('', '@') OR c.name = '.' AND zone = '.' THEN zone
                WHEN is_absolute(c.name) THEN left(c.name, -1)
                WHEN zone = '.' OR is_inside(c.name, zone) THEN c.name
                ELSE c.name || '.' || zone END
      FROM (VALUES (canonical_name(btrim(absolute_name.name)))) AS c (name)
$$;
COMMENT ON FUNCTION csdns.absolute_name(text, text) IS
    'The full name of what people call a name in a zone: @ or nothing is the zone itself; with a final dot, or ending with the zone''s name, it is full already; anything else is below the zone.';

CREATE OR REPLACE FUNCTION csdns.zone_member_fault(name text, zone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN name_fault(name) IS NOT NULL THEN 'name ' || name_fault(name)
                WHEN NOT is_inside(name, zone) THEN format('name is not in zone "%s"', zone)
                WHEN length(name) > 253 THEN 'name is longer than 253 characters' END
$$;

-- Types that PowerDNS knows by name, apart from those that are no records.
CREATE OR REPLACE FUNCTION csdns.type_fault(type text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN coalesce(type, '') = '' THEN 'type is missing'
                WHEN type !~ '^[A-Z0-9]+$' THEN 'type is not letters and digits'
                WHEN type = 'SOA' THEN 'SOA comes and goes with its zone'
                WHEN type IN ('RRSIG', 'NSEC', 'NSEC3', 'NSEC3PARAM') THEN type || ' is made by DNSSEC, not by hand'
                WHEN type IN ('OPT', 'TKEY', 'TSIG', 'IXFR', 'AXFR', 'MAILB', 'MAILA', 'ANY', 'ADDR') THEN type || ' is not a type of records'
                WHEN type ~ '^TYPE[1-9][0-9]{0,4}$' THEN
                    CASE WHEN substr(type, 5)::int > 65535 THEN 'type is not known'
                         WHEN substr(type, 5)::int IN (1, 2, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 18, 24, 25, 28, 29, 33, 35, 36, 37, 38, 39, 41, 42, 43, 44, 45,
                                  46, 47, 48, 49, 50, 51, 52, 53, 57, 59, 60, 61, 62, 63, 64, 65, 99, 104, 105, 106, 107, 108, 109, 256, 257, 32769)
                           OR substr(type, 5)::int BETWEEN 249 AND 255 OR substr(type, 5)::int BETWEEN 65400 AND 65402 THEN 'type has a name, use that'
                         END
                WHEN type NOT IN ('A', 'NS', 'CNAME', 'MB', 'MG', 'MR', 'PTR', 'HINFO', 'MINFO', 'MX', 'TXT', 'RP', 'AFSDB', 'SIG', 'KEY', 'AAAA', 'LOC', 'SRV',
                                  'NAPTR', 'KX', 'CERT', 'A6', 'DNAME', 'APL', 'DS', 'SSHFP', 'IPSECKEY', 'DNSKEY', 'DHCID', 'TLSA', 'SMIMEA', 'RKEY', 'CDS',
                                  'CDNSKEY', 'OPENPGPKEY', 'CSYNC', 'ZONEMD', 'SVCB', 'HTTPS', 'SPF', 'NID', 'L32', 'L64', 'LP', 'EUI48', 'EUI64', 'URI', 'CAA',
                                  'DLV', 'ALIAS', 'LUA') THEN 'type is not known' END
$$;
COMMENT ON FUNCTION csdns.type_fault(text) IS 'Why records of that type (upper case) are not written by hand, or NULL.';

-- Contents.

-- A name that a record points to, as PowerDNS' tables hold it: lower case, no final dot.
CREATE OR REPLACE FUNCTION csdns.canonical_target(word text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN word <> '.' AND is_absolute(word) THEN left(canonical_name(word), -1) ELSE canonical_name(word) END
$$;

CREATE OR REPLACE FUNCTION csdns.target_fault(word text, what text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN is_ip(word) THEN what || ' is an address, not a name'
                WHEN word = '@' THEN what || ' is "@": only the name of a record can be that'
                ELSE what || ' ' || name_fault(word) END
$$;
COMMENT ON FUNCTION csdns.target_fault(text, text) IS 'What is wrong with a name that a record points to (csdns.canonical_target), or NULL.';

-- One content as people write it, MX and SRV with the priority in front, to the same as it is served; or what is wrong with it.
CREATE OR REPLACE FUNCTION csdns.normal_content(type text, given text, OUT content text, OUT fault text) RETURNS record
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    word text[];
BEGIN
    IF given IS NULL OR btrim(given, E' \t\r\n') = '' AND type <> 'TXT' THEN
        fault := 'content is missing';
        RETURN;
    END IF;
    content := btrim(given, E' \t\r\n');
    IF type = 'TXT' AND left(content, 1) <> '"' THEN
        content := '"' || replace(replace(given, '\', '\\'), '"', '\"') || '"';
    END IF;
    fault := content_fault(type, content);
    IF fault IS NULL AND octet_length(content) > 65535 THEN
        fault := 'content is longer than 65535 octets';
    END IF;
    IF fault IS NOT NULL THEN
        RETURN;
    END IF;

    CASE
        WHEN type = 'A' THEN
            IF NOT is_ipv4(content) THEN
                fault := 'content is not an IPv4 address';       -- zeros in front: octal to some
            END IF;
        WHEN type = 'AAAA' THEN
            content := address_text(content::inet);
        WHEN type IN ('CNAME', 'DNAME', 'ALIAS', 'NS', 'PTR') THEN
            content := canonical_target(content);
            fault := target_fault(content, 'content');
        WHEN type IN ('MX', 'SRV') THEN
            word := regexp_split_to_array(content, '[ \t\r\n]+');
            content := canonical_target(word[cardinality(word)]);
            fault := target_fault(content, CASE type WHEN 'MX' THEN 'host' ELSE 'target' END);
            content := array_to_string(ARRAY(SELECT n::bigint::text FROM unnest(word[:cardinality(word) - 1]) AS n) || content, ' ');
        ELSE
    END CASE;
END
$$;
COMMENT ON FUNCTION csdns.normal_content(text, text) IS
    'A record''s content as people write it, in the form in which it is served (MX and SRV with the priority in front): addresses in canonical text, targets in lower case without final dot, TXT in quotes; or what is wrong with it.';

-- Split at commas that are not within double quotes; the quotes stay, they are part of a TXT record.
CREATE OR REPLACE FUNCTION csdns.split_list(word text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN word ~ '^([^"\\]|\\.|"([^"\\]|\\.)*")*$'
                THEN ARRAY(SELECT btrim(m[1]) FROM regexp_matches(word, '((?:[^",\\]|\\.|"(?:[^"\\]|\\.)*")+)', 'g') AS m) END
$$;
COMMENT ON FUNCTION csdns.split_list(text) IS 'The parts of a list in one string, separated by commas outside of double quotes; NULL if a quote is not closed.';

-- The contents of one name and type together.
CREATE OR REPLACE FUNCTION csdns.normal_contents(type text, given text[], OUT contents text[], OUT fault text) RETURNS record
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    one record;
    piece text;
BEGIN
    contents := '{}';
    IF coalesce(cardinality(given), 0) = 0 THEN
        fault := 'contents is missing';
    ELSIF array_ndims(given) > 1 THEN
        fault := 'contents is not a list of strings';
    ELSIF cardinality(given) > 1000 THEN
        fault := format('%s contents, more than 1000', cardinality(given));
    END IF;
    IF fault IS NOT NULL THEN
        RETURN;
    END IF;
    FOREACH piece IN ARRAY given LOOP
        SELECT * INTO one FROM normal_content(type, piece);
        IF one.fault IS NULL AND one.content = ANY (contents) THEN
            one.fault := 'content is there twice';
        END IF;
        IF one.fault IS NOT NULL THEN
            fault := format('"%s": %s', left(piece, 100), one.fault);
            RETURN;
        END IF;
        contents := contents || one.content;
    END LOOP;
    IF type IN ('CNAME', 'DNAME') AND cardinality(contents) > 1 THEN
        fault := format('more than one %s', type);
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION csdns.canonical_name(text), csdns.is_absolute(text), csdns.absolute_name(text, text), csdns.type_fault(text),
    csdns.normal_content(text, text) TO csdns_read, csdns_cloud, csdns_tenant;
