-- What a single record must look like.  record_fault() is the rule book: pure, exact, with a reason.  is_plain_record() is its
-- fast half: it says true only for records without fault, of the kinds that come by the hundred thousand, and is inlined into
-- set-based queries.  tests/sql/record-cases.tsv holds the cases; csdnsd keeps the same rules and the same cases.

CREATE OR REPLACE FUNCTION csdns.is_ipv4(address text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT address ~ '^((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(\.|$)){4}$' AND right(address, 1) <> '.'
$$;
COMMENT ON FUNCTION csdns.is_ipv4(text) IS 'Whether the text is an IPv4 address: four decimal numbers without leading zeros.';

CREATE OR REPLACE FUNCTION csdns.is_ipv6(address text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    tail text := substring(address FROM '[^:]*$');
BEGIN
    IF strpos(tail, '.') > 0 THEN       -- ::ffff:192.0.2.1
        IF NOT is_ipv4(tail) THEN
            RETURN false;
        END IF;
        address := left(address, -length(tail)) || '0:0';
    END IF;
    IF strpos(address, '::') = 0 THEN
        RETURN address ~ '^([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}$';
    END IF;
    RETURN address ~ '^([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?::([0-9A-Fa-f]{1,4}(:[0-9A-Fa-f]{1,4})*)?$'
       AND cardinality(array_remove(string_to_array(address, ':'), '')) <= 7;
END
$$;
COMMENT ON FUNCTION csdns.is_ipv6(text) IS 'Whether the text is an IPv6 address (RFC 4291 section 2.2, the forms that inet_pton reads).';

CREATE OR REPLACE FUNCTION csdns.is_plain_record(domain_id int, name text, type text, content text, ttl int, prio int) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT domain_id IS NOT NULL
       AND (ttl IS NULL OR ttl >= 0)
       AND octet_length(name) <= 253
       AND name ~ '^[a-z0-9_*-]+(\.[a-z0-9_*-]+)*$'
       AND (octet_length(name) <= 63 OR name !~ '[^.]{64}')
       AND CASE
               WHEN type = 'A' THEN
                   content ~ '^([01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])(\.([01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])){3}$'
               WHEN type = 'AAAA' THEN
                   content ~ '^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$'
                   OR length(content) - length(replace(content, ':', '')) <= 7
                      AND content ~ '^[0-9a-f]{1,4}(:[0-9a-f]{1,4})*::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?$'
               WHEN type IN ('CNAME', 'NS', 'PTR') THEN
                   length(content) <= 253 AND content ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$'
                   AND (length(content) <= 63 OR content !~ '[^.]{64}')
               WHEN type = 'TXT' THEN
                   content ~ '^"[^"\\]*"$'
               WHEN type = 'MX' THEN
                   prio BETWEEN 0 AND 65535 AND length(content) <= 63 AND content ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$'
               WHEN type = 'SOA' THEN
                   length(content) <= 253
                   AND content ~ '^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)* [A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)* [1-3]?[0-9]{1,9}( [0-9]{1,9}){4}$'
                   AND content !~ '[^. ]{64}'
               ELSE coalesce(type, '') = ''
           END
$$;
COMMENT ON FUNCTION csdns.is_plain_record(int, text, text, text, int, int) IS
    'True only if csdns.record_fault finds nothing; false or NULL says nothing. Fast, for the common kinds of records.';

-- <character-string>s up to the end, spaces between them or not; PowerDNS takes letters and digits without quotes for the last.
-- An escape above \255 is garbled by PowerDNS 4.7, and SERVFAIL with 5.1.
CREATE OR REPLACE FUNCTION csdns.is_strings(content text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT content ~ '^("([^"\\]|\\[^0-9]|\\([01][0-9]|2[0-4])[0-9]|\\25[0-5])*"[ \t\n\r]*)*([A-Za-z0-9]+[ \t\n\r]*)?$'
$$;
COMMENT ON FUNCTION csdns.is_strings(text) IS
    'Whether the text is a list of quoted strings as PowerDNS reads it. A string may be longer than 255 octets: PowerDNS cuts it into several.';

-- RFC 1035 section 3.3: a string of at most 255 octets, escapes counted as one.
CREATE OR REPLACE FUNCTION csdns.is_short_string(quoted text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT octet_length(regexp_replace(quoted, '\\([0-9][0-9][0-9]|[^0-9])', 'x', 'g')) <= 257
$$;
COMMENT ON FUNCTION csdns.is_short_string(text) IS 'Whether a string in quotes holds at most 255 octets.';

CREATE OR REPLACE FUNCTION csdns.number_fault(word text, what text, highest bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN word ~ '^0*[0-9]{1,10}$' AND ('0' || right(word, 10))::bigint <= highest THEN NULL
                ELSE format('%s is not a number from 0 to %s', what, highest) END
$$;
COMMENT ON FUNCTION csdns.number_fault(text, text, bigint) IS 'NULL if the word is a whole number from 0 to highest, else the reason.';

CREATE OR REPLACE FUNCTION csdns.host_fault(word text, what text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT what || ' ' || csdns.name_fault(word, true)
$$;
COMMENT ON FUNCTION csdns.host_fault(text, text) IS 'NULL if the word is a domain name as record content may hold it, else the reason.';

CREATE OR REPLACE FUNCTION csdns.hex_fault(words text[], what text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN words = '{-}' OR array_to_string(words, '') ~ '^([0-9A-Fa-f]{2})+$' THEN NULL
                ELSE what || ' is not in hexadecimal' END
$$;
COMMENT ON FUNCTION csdns.hex_fault(text[], text) IS
    'NULL if the words joined are whole octets in hexadecimal, or a dash for none, else the reason.';

-- Content of the types whose form is known; prio has been joined to it already.  The measure is what PowerDNS can serve and what its
-- own tools write: a content that it cannot parse makes it answer SERVFAIL for the whole name.
CREATE OR REPLACE FUNCTION csdns.content_fault(type text, content text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    bare text := btrim(content, E' \t\n\r');
    quoted CONSTANT text := '("(?:[^"\\]|\\[^0-9]|\\(?:[01][0-9]|2[0-4])[0-9]|\\25[0-5])*")[ \t\n\r]*';
    word text[];
    fields int;
BEGIN
    IF type NOT IN ('A', 'AAAA', 'CNAME', 'DNAME', 'ALIAS', 'NS', 'PTR', 'MX', 'SRV', 'TXT', 'SPF', 'CAA', 'SOA', 'DS', 'TLSA', 'SSHFP',
                    'NAPTR') THEN
        RETURN NULL;
    ELSIF content IS NULL OR bare = '' AND type NOT IN ('TXT', 'SPF') THEN
        RETURN 'content is missing';
    END IF;

    CASE type
        WHEN 'A' THEN
            RETURN CASE WHEN NOT is_ipv4(regexp_replace(bare, '(^|\.)0+(?=[0-9])', '\1', 'g')) THEN 'content is not an IPv4 address' END;
        WHEN 'AAAA' THEN
            RETURN CASE WHEN NOT is_ipv6(bare) THEN 'content is not an IPv6 address' END;
        WHEN 'TXT' THEN
            -- PowerDNS puts quotes around a text that does not start with one
            IF left(content, 1) = '"' AND is_strings(content)
               OR left(content, 1) <> '"' AND is_strings('"' || content || '"') THEN
                RETURN NULL;
            END IF;
            RETURN 'content is not a list of quoted strings';
        WHEN 'SPF' THEN
            RETURN CASE WHEN NOT is_strings(bare) THEN 'content is not a list of quoted strings' END;
        WHEN 'CAA' THEN
            word := regexp_match(bare, '^([^ \t\n\r]+)[ \t\n\r]+([^ \t\n\r]+)[ \t\n\r]+(.*)$');
            IF word IS NULL THEN
                RETURN 'content is not "flags tag value"';
            END IF;
            RETURN coalesce(number_fault(word[1], 'flags', 255),
                            CASE WHEN octet_length(word[2]) > 255 THEN 'tag is longer than 255 octets'
                                 WHEN NOT is_strings(word[3]) THEN 'value is not a quoted string' END);
        WHEN 'NAPTR' THEN
            word := regexp_match(bare, '^([^ \t\n\r]+)[ \t\n\r]+([^ \t\n\r]+)[ \t\n\r]+' || quoted || quoted || quoted || '([^ \t\n\r]+)$');
            IF word IS NULL THEN
                RETURN 'content is not "order preference "flags" "service" "regexp" replacement"';
            END IF;
            RETURN coalesce(number_fault(word[1], 'order', 65535),
                            number_fault(word[2], 'preference', 65535),
                            CASE WHEN NOT (is_short_string(word[3]) AND is_short_string(word[4]) AND is_short_string(word[5]))
                                 THEN 'flags, service or regexp is longer than 255 octets' END,
                            host_fault(word[6], 'replacement'));
        ELSE
    END CASE;

    word := regexp_split_to_array(bare, '[ \t\n\r]+');
    fields := CASE type WHEN 'MX' THEN 2 WHEN 'SRV' THEN 4 WHEN 'SOA' THEN 7 WHEN 'SSHFP' THEN 3
                        WHEN 'DS' THEN 4 WHEN 'TLSA' THEN 4 ELSE 1 END;
    IF cardinality(word) < fields OR cardinality(word) > fields AND type NOT IN ('DS', 'TLSA', 'SSHFP') THEN
        RETURN format('content is not "%s"',
                      CASE type WHEN 'MX' THEN 'priority host'
                                WHEN 'SRV' THEN 'priority weight port target'
                                WHEN 'SOA' THEN 'primary mailbox serial refresh retry expire minimum'
                                WHEN 'SSHFP' THEN 'algorithm type fingerprint'
                                WHEN 'DS' THEN 'tag algorithm digest-type digest'
                                WHEN 'TLSA' THEN 'usage selector matching data'
                                ELSE 'name' END);
    ELSIF word[fields] = '-' AND right(content, 1) <> '-' THEN
        RETURN 'content has a space behind "-"';
    END IF;

    RETURN CASE type
        WHEN 'MX' THEN
            coalesce(number_fault(word[1], 'priority', 65535), host_fault(word[2], 'host'))
        WHEN 'SRV' THEN
            coalesce(number_fault(word[1], 'priority', 65535), number_fault(word[2], 'weight', 65535),
                     number_fault(word[3], 'port', 65535), host_fault(word[4], 'target'))
        WHEN 'SOA' THEN
            coalesce(host_fault(word[1], 'primary'), host_fault(word[2], 'mailbox'),
                     number_fault(word[3], 'serial', 4294967295), number_fault(word[4], 'refresh', 4294967295),
                     number_fault(word[5], 'retry', 4294967295), number_fault(word[6], 'expire', 4294967295),
                     number_fault(word[7], 'minimum', 4294967295))
        WHEN 'DS' THEN
            coalesce(number_fault(word[1], 'tag', 65535), number_fault(word[2], 'algorithm', 255),
                     number_fault(word[3], 'digest-type', 255), hex_fault(word[4:], 'digest'))
        WHEN 'TLSA' THEN
            coalesce(number_fault(word[1], 'usage', 255), number_fault(word[2], 'selector', 255),
                     number_fault(word[3], 'matching', 255), hex_fault(word[4:], 'data'))
        WHEN 'SSHFP' THEN
            coalesce(number_fault(word[1], 'algorithm', 255), number_fault(word[2], 'type', 255),
                     hex_fault(word[3:], 'fingerprint'))
        ELSE
            host_fault(word[1], 'content')
    END;
END
$$;
COMMENT ON FUNCTION csdns.content_fault(text, text) IS
    'What is wrong with a record''s content ("content is not an IPv4 address", ...), or NULL; types other than the checked ones have no fault. MX and SRV with the priority in front.';

CREATE OR REPLACE FUNCTION csdns.served_content(type text, content text, prio int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN type IN ('MX', 'SRV') AND prio IS NOT NULL THEN prio || ' ' || coalesce(content, '') ELSE content END
$$;
COMMENT ON FUNCTION csdns.served_content(text, text, int) IS 'Content as it is served: MX and SRV with the priority of its own column in front.';

CREATE OR REPLACE FUNCTION csdns.record_fault(domain_id int, name text, type text, content text, ttl int, prio int) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF domain_id IS NULL THEN
        RETURN 'domain_id is missing';
    ELSIF name_fault(name) IS NOT NULL THEN
        RETURN 'name ' || name_fault(name);
    ELSIF name ~ '[A-Z]' THEN
        RETURN 'name is not in lower case';
    ELSIF ttl < 0 THEN
        RETURN 'ttl is not a number from 0 to 2147483647';
    ELSIF coalesce(type, '') = '' THEN
        RETURN NULL;                    -- an empty non-terminal
    ELSIF type !~ '^[A-Z0-9-]+$' THEN
        RETURN 'type is not in upper case';
    END IF;
    RETURN content_fault(type, served_content(type, content, prio));
END
$$;
COMMENT ON FUNCTION csdns.record_fault(int, text, text, text, int, int) IS
    'Which rule for single records a row of PowerDNS'' records breaks, as text, or NULL.';
