-- Names of the DNS as PowerDNS writes them: labels separated by dots, octets outside the printable ones as \DDD, a dot
-- within a label as \. and a backslash as \\.  Pure functions, no tables.

CREATE OR REPLACE FUNCTION csdns.name_fault(name text, in_content boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    shape text := name;                 -- every escape replaced by one character: an octet on the wire, a character here
BEGIN
    IF name IS NULL THEN
        RETURN 'is missing';
    ELSIF name = '' THEN
        RETURN 'is empty';
    ELSIF name = '.' THEN
        RETURN NULL;
    ELSIF NOT in_content AND name ~ '[^!-~]' THEN
        RETURN 'has a character that must be written as \DDD';
    END IF;
    IF strpos(shape, '\') > 0 THEN
        shape := regexp_replace(shape, '\\([01][0-9][0-9]|2[0-4][0-9]|25[0-5]|[^0-9])', 'x', 'g');
        IF strpos(shape, '\') > 0 THEN
            RETURN 'has a broken escape';
        -- each name has one spelling: PowerDNS looks for no other
        ELSIF NOT in_content AND strpos(regexp_replace(name, '\\(0[0-2][0-9]|03[0-2]|12[7-9]|1[3-9][0-9]|2[0-4][0-9]|25[0-5]|[.\\])', '', 'g'), '\') > 0 THEN
            RETURN 'has an escape that is not needed';
        END IF;
    END IF;
    IF right(shape, 1) = '.' THEN
        IF NOT in_content AND shape NOT LIKE '%..' THEN
            RETURN 'ends with a dot';
        END IF;
        shape := left(shape, -1);
    END IF;
    IF shape = '' OR left(shape, 1) = '.' OR right(shape, 1) = '.' OR strpos(shape, '..') > 0 THEN
        RETURN 'has an empty label';
    ELSIF octet_length(shape) > 63
          AND (SELECT max(octet_length(label)) FROM unnest(string_to_array(shape, '.')) AS label) > 63 THEN
        RETURN 'has a label longer than 63 octets';
    ELSIF octet_length(shape) > 253 THEN
        RETURN 'is longer than 255 octets';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION csdns.name_fault(text, boolean) IS
    'What is wrong with a domain name in PowerDNS'' spelling ("has an empty label", ...), or NULL. With in_content it is judged as a name in record content: a dot at the end and any octets are allowed. Does not judge upper and lower case.';

CREATE OR REPLACE FUNCTION csdns.is_inside(name text, zone text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT zone = '.' OR name = zone
        OR right(name, length(zone) + 1) = '.' || zone
           AND (strpos(name, '\') = 0 OR left(name, -length(zone) - 1) ~ '^([^\\]|\\.)*$')
$$;
COMMENT ON FUNCTION csdns.is_inside(text, text) IS 'Whether a name (lower case, no final dot) is the zone''s name or below it.';
