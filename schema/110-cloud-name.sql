-- Names made from facts: reverse names, templates, the networks of a reverse zone.  Pure functions.

CREATE OR REPLACE FUNCTION csdns.reverse_name(address inet) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE family(address)
               WHEN 4 THEN regexp_replace(host(address), '^(\d+)\.(\d+)\.(\d+)\.(\d+)$', '\4.\3.\2.\1.in-addr.arpa')
               ELSE regexp_replace(reverse(encode(substr(inet_send(address), 5), 'hex')), '(.)', '\1.', 'g') || 'ip6.arpa'
           END
$$;
COMMENT ON FUNCTION csdns.reverse_name(inet) IS 'Name of an address in in-addr.arpa or ip6.arpa.';

CREATE OR REPLACE FUNCTION csdns.address_text(address inet) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN family(address) = 6 AND host(address) ~ '\.'      -- ::ffff:192.0.2.1 in a form without dots
                THEN regexp_replace(encode(substr(inet_send(address), 5), 'hex'), '(....)(?=.)', '\1:', 'g')
                ELSE host(address) END
$$;
COMMENT ON FUNCTION csdns.address_text(inet) IS 'An address as content of an A or AAAA record.';

CREATE OR REPLACE FUNCTION csdns.template_label(template text, name text, account text, network text, uuid uuid, address inet) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT nullif(left(btrim(regexp_replace(lower(
               replace(replace(replace(replace(replace(template, '{name}', coalesce(name, '')), '{account}', coalesce(account, '')),
                       '{network}', coalesce(network, '')), '{uuid8}', coalesce(left(uuid::text, 8), '')),
                       '{ip}', coalesce(translate(host(address), '.:', '--'), ''))),
               '[^a-z0-9-]+', '-', 'g'), '-'), 63), '')
$$;
COMMENT ON FUNCTION csdns.template_label(text, text, text, text, uuid, inet) IS
    'A label by template: {name}, {account}, {network}, {uuid8}, {ip} are filled in; what a host name cannot hold becomes a hyphen.';

CREATE OR REPLACE FUNCTION csdns.reverse_networks(zone text) RETURNS TABLE (net cidr, classless boolean)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
DECLARE
    label text[] := string_to_array(zone, '.');
    depth int := cardinality(label) - 2;
    part text[];
    first int;
    last int;
    size int;
BEGIN
    IF zone LIKE '%.in-addr.arpa' AND depth <= 5 THEN
        IF depth = 4 AND label[1] !~ '^[0-9]+$' THEN
            part := regexp_match(label[1], '^([0-9]{1,3})(-|/|_)([0-9]{1,3})$');
            classless := true;
            IF part IS NULL OR array_to_string(label[2:4], '.') !~ '^[0-9]{1,3}(\.[0-9]{1,3}){2}$' OR NOT is_ipv4(label[4] || '.' || label[3] || '.' || label[2] || '.0') THEN
                RETURN;
            END IF;
            first := part[1]::int;
            IF part[2] = '-' THEN
                last := part[3]::int;
            ELSIF part[3]::int BETWEEN 25 AND 32 AND first % (1 << (32 - part[3]::int)) = 0 THEN
                last := first + (1 << (32 - part[3]::int)) - 1;
            END IF;
            IF last IS NULL OR last > 255 OR first > last THEN
                RETURN;
            END IF;
            WHILE first <= last LOOP
                size := 1;
                WHILE size < 256 AND first % (size * 2) = 0 AND first + size * 2 - 1 <= last LOOP
                    size := size * 2;
                END LOOP;
                net := format('%s.%s.%s.%s/%s', label[4], label[3], label[2], first, 32 - round(log(2, size)))::cidr;
                RETURN NEXT;
                first := first + size;
            END LOOP;
        ELSIF depth <= 4 THEN
            classless := false;
            label := label[1:depth];
            IF EXISTS (SELECT FROM unnest(label) AS l WHERE l !~ '^(0|[1-9][0-9]{0,2})$' OR l::int > 255) THEN
                RETURN;
            END IF;
            net := format('%s.%s.%s.%s/%s', label[depth], coalesce(label[depth - 1], '0'), coalesce(label[depth - 2], '0'),
                          coalesce(label[depth - 3], '0'), depth * 8)::cidr;
            RETURN NEXT;
        END IF;
    ELSIF zone LIKE '%.ip6.arpa' AND depth BETWEEN 1 AND 32 AND zone ~ '^([0-9a-f]\.)+ip6\.arpa$' THEN
        classless := false;
        net := (regexp_replace(rpad(reverse(replace(left(zone, -9), '.', '')), 32, '0'), '(....)(?=.)', '\1:', 'g') || '/' || depth * 4)::cidr;
        RETURN NEXT;
    ELSIF zone = 'in-addr.arpa' THEN
        RETURN QUERY SELECT '0.0.0.0/0'::cidr, false;
    ELSIF zone = 'ip6.arpa' THEN
        RETURN QUERY SELECT '::/0'::cidr, false;
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.reverse_networks(text) IS
    'Networks whose addresses have their names in a reverse zone; none for other zones. classless: a part of a /24 as in RFC 2317.';
