-- csdns.api(): the verbs under the names of CloudStack's API, parameters and answers as JSON.
--
-- csdns.command is the registry: only what is in it can be called.  Names, types and defaults of parameters are the functions' own.
-- A refusal is an answer, so that the transaction goes on and the event that tells of it stays.

-- The function of createDnsZone is create_dns_zone.  A command whose function is not there is not either.
CREATE OR REPLACE VIEW csdns.command AS
    SELECT c.name, p.proname::text AS function, c.element, c.many, c.help, p.oid AS function_oid,
           CASE WHEN p.provolatile = 'v' THEN true ELSE false END AS writes
      FROM (VALUES
            ('addDnsServer', 'dnsserver', false, 'Adds a set of name servers that zones can be created for.'),
            ('updateDnsServer', 'dnsserver', false, 'Changes a DNS server.'),
            ('listDnsServers', 'dnsserver', true, 'Lists DNS servers.'),
            ('deleteDnsServer', NULL, false, 'Deletes a DNS server.'),
            ('listDnsProviders', 'dnsprovider', true, 'Lists kinds of DNS servers.'),
            ('createDnsZone', 'dnszone', false, 'Creates a zone with its SOA and NS records.'),
            ('updateDnsZone', 'dnszone', false, 'Changes a zone''s description or state.'),
            ('listDnsZones', 'dnszone', true, 'Lists zones.'),
            ('deleteDnsZone', NULL, false, 'Deletes a zone with its records.'),
            ('createDnsZones', 'dnszone', true, 'Creates several zones, all or none.'),
            ('deleteDnsZones', NULL, false, 'Deletes several zones, all or none.'),
            ('delegateDnsZone', 'dnszonedelegation', false, 'Lets an account, a domain or a network use a zone.'),
            ('undelegateDnsZone', NULL, false, 'Takes a delegation of a zone back.'),
            ('listDnsZoneDelegations', 'dnszonedelegation', true, 'Lists who may use zones beside their owners.'),
            ('associateDnsZoneToNetwork', 'dnszonenetwork', false, 'Gives the instances of a network their names in a zone.'),
            ('disassociateDnsZoneFromNetwork', NULL, false, 'Ends that association; the names go.'),
            ('listDnsZoneNetworks', 'dnszonenetwork', true, 'Lists networks with their zones.'),
            ('registerDnsRecordForVm', 'dnsrecord', true, 'Gives an instance a further name.'),
            ('unregisterDnsRecordForVm', NULL, false, 'Takes a further name from an instance.'),
            ('listDnsRecordsForVm', 'dnsrecord', true, 'Lists the records that instances have.'),
            ('createDnsRecord', 'dnsrecord', false, 'Creates the records of a name and type.'),
            ('updateDnsRecord', 'dnsrecord', false, 'Replaces the records of a name and type, or only their TTL.'),
            ('deleteDnsRecord', NULL, false, 'Deletes the records of a name and type, or some of them.'),
            ('listDnsRecords', 'dnsrecord', true, 'Lists the records of a zone.'),
            ('createDnsRecords', NULL, false, 'Creates records of many names and types, all or none.'),
            ('updateDnsRecords', NULL, false, 'Replaces records of many names and types, all or none.'),
            ('deleteDnsRecords', NULL, false, 'Deletes records of many names and types, all or none.'),
            ('releaseDnsRecord', NULL, false, 'Gives records that a person took over back to the rules.'),
            ('reconcileDns', 'change', true, 'Brings all records in line with the rules.'),
            ('listDnsDrift', 'drift', true, 'Lists differences between what rules want and what is there.'),
            ('listDnsEvents', 'event', true, 'Lists events, oldest first.'),
            ('listDnsCollisions', 'collision', true, 'Lists names that somebody wants and somebody else has.'),
            ('listDnsPolicies', 'dnspolicy', true, 'Lists settings by scope.'),
            ('updateDnsPolicy', 'dnspolicy', false, 'Changes settings of a scope.'),
            ('listDnsAudit', 'audit', true, 'Lists who changed what.'),
            ('listApis', 'api', true, 'Lists the commands with their parameters.')) AS c (name, element, many, help)
      JOIN pg_proc p ON p.pronamespace = 'csdns'::regnamespace AND p.proname = lower(regexp_replace(c.name, '([A-Z])', '_\1', 'g'));
COMMENT ON VIEW csdns.command IS 'Commands that csdns.api() runs.';
COMMENT ON COLUMN csdns.command.name IS 'Name, as in CloudStack''s API.';
COMMENT ON COLUMN csdns.command.function IS 'Function in the schema csdns.';
COMMENT ON COLUMN csdns.command.element IS 'Key of the rows in the answer; NULL: the answer is the one row, success and displaytext.';
COMMENT ON COLUMN csdns.command.many IS 'Whether the answer is a count and an array of rows.';
COMMENT ON COLUMN csdns.command.help IS 'What it does.';
COMMENT ON COLUMN csdns.command.function_oid IS 'The function''s pg_proc.oid.';
COMMENT ON COLUMN csdns.command.writes IS 'Whether it may change something.';

-- What parameters mean; a row with a command wins over the one without.
CREATE OR REPLACE VIEW csdns.parameter_help AS
    SELECT NULL::text AS command, a.attname::text AS name, col_description(a.attrelid, a.attnum) AS help
      FROM pg_attribute a
     WHERE a.attrelid = 'csdns.policy'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'scope'
    UNION ALL
    VALUES
        (NULL, 'id', 'uuid or name'),
        (NULL, 'name', 'name'),
        (NULL, 'dnszoneid', 'zone: uuid or name'),
        (NULL, 'dnsserverid', 'DNS server: uuid or name'),
        (NULL, 'networkid', 'network: uuid'),
        (NULL, 'virtualmachineid', 'instance: uuid'),
        (NULL, 'domainid', 'domain of the cloud: uuid'),
        (NULL, 'account', 'name of an account, in domainid'),
        (NULL, 'keyword', 'only what has this text in it'),
        (NULL, 'type', 'type of the record'),
        (NULL, 'contents', 'what the records say, as in a zone file'),
        (NULL, 'description', 'for people'),
        (NULL, 'state', 'state'),
        (NULL, 'subdomain', 'labels between the host name and the zone'),
        (NULL, 'url', 'where people find it'),
        (NULL, 'port', 'port of the url'),
        (NULL, 'nameservers', 'names of the name servers'),
        (NULL, 'ispublic', 'whether others than the owner may create zones on it'),
        (NULL, 'publicdomainsuffix', 'domain name under which others'' zones are placed'),
        (NULL, 'unmanage', 'forget it, and leave records as they are'),
        (NULL, 'existing', 'take over a zone that is there'),
        (NULL, 'records', 'array of objects with the parameters of the command for one'),
        (NULL, 'zones', 'array of objects with the parameters of the command for one'),
        (NULL, 'since', 'only what came after this'),
        (NULL, 'unset', 'settings to take back'),
        (NULL, 'who', 'role or user'),
        (NULL, 'limit', 'at most so many rows'),
        (NULL, 'provider', 'PowerDNS or csdns'),
        (NULL, 'providertype', 'PowerDNS or csdns'),
        (NULL, 'cleanup', 'delete its zones too'),
        ('listDnsAudit', 'since', 'only what came after this time'),
        ('createDnsRecord', 'name', 'name in the zone; @ for the zone itself'),
        ('updateDnsRecord', 'name', 'name in the zone; @ for the zone itself'),
        ('deleteDnsRecord', 'name', 'name in the zone; @ for the zone itself'),
        ('releaseDnsRecord', 'name', 'name in the zone; @ for the zone itself'),
        ('listDnsRecords', 'name', 'name in the zone; @ for the zone itself'),
        ('createDnsRecord', 'ttl', 'time to live in seconds; default: by policy'),
        ('updateDnsRecord', 'ttl', 'time to live in seconds; default: as it was'),
        ('updateDnsRecord', 'contents', 'what the records say, as in a zone file; default: as they were'),
        ('deleteDnsRecord', 'contents', 'only these of the records; default: all'),
        ('createDnsZone', 'type', 'Public or Private'),
        ('updateDnsZone', 'type', 'Public or Private'),
        ('listDnsZones', 'type', 'Public or Private'),
        ('listDnsEvents', 'type', 'type of event'),
        ('listDnsEvents', 'since', 'only events with a higher id'),
        ('listApis', 'name', 'only this command');
COMMENT ON VIEW csdns.parameter_help IS 'What the parameters of commands mean.';
COMMENT ON COLUMN csdns.parameter_help.command IS 'Command, or NULL for all that have no row of their own.';
COMMENT ON COLUMN csdns.parameter_help.name IS 'Parameter.';
COMMENT ON COLUMN csdns.parameter_help.help IS 'What it means.';

CREATE OR REPLACE VIEW csdns.command_parameter AS
    SELECT c.name AS command, a.at::int AS position, p.proargnames[a.at] AS name, format_type(a.type, NULL) AS type,
           a.at <= p.pronargs - p.pronargdefaults AS required, h.help
      FROM csdns.command c
      JOIN pg_proc p ON p.oid = c.function_oid
     CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a (type, at)
      LEFT JOIN csdns.parameter_help h ON h.name = p.proargnames[a.at] AND h.command IS NOT DISTINCT FROM
                (SELECT o.command FROM csdns.parameter_help o WHERE o.name = p.proargnames[a.at] AND o.command = c.name);
COMMENT ON VIEW csdns.command_parameter IS 'Parameters of the commands that csdns.api() runs.';
COMMENT ON COLUMN csdns.command_parameter.command IS 'Command.';
COMMENT ON COLUMN csdns.command_parameter.position IS 'Place among the function''s parameters.';
COMMENT ON COLUMN csdns.command_parameter.name IS 'Name.';
COMMENT ON COLUMN csdns.command_parameter.type IS 'Type in PostgreSQL: text, text[], integer, bigint, boolean, jsonb, ...';
COMMENT ON COLUMN csdns.command_parameter.required IS 'Whether it must be given.';
COMMENT ON COLUMN csdns.command_parameter.help IS 'What it means.';

-- What a client sends for parameters.

-- A value as the function's parameter takes it; for errors, values are shown but for those that may be secrets.
CREATE OR REPLACE FUNCTION csdns.shown(key text, value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT CASE WHEN key ~ 'key|secret|password|token|credential' THEN '...' ELSE left(coalesce(value #>> '{}', 'null'), 80) END
$$;

CREATE OR REPLACE FUNCTION csdns.refuse_argument(key text, reason text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'parameter %: %', left(key, 80), reason USING ERRCODE = 'invalid_parameter_value';
END
$$;

CREATE OR REPLACE FUNCTION csdns.list_argument(key text, value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    bad record;
    parts text[];
BEGIN
    IF jsonb_typeof(value) = 'array' THEN
        SELECT e.at, jsonb_typeof(e.value) AS type INTO bad
          FROM jsonb_array_elements(value) WITH ORDINALITY AS e (value, at)
         WHERE jsonb_typeof(e.value) NOT IN ('string', 'number') LIMIT 1;
        IF FOUND THEN
            PERFORM refuse_argument(key, format('number %s of the list is not a string but %s', bad.at, bad.type));
        END IF;
        RETURN value;
    ELSIF jsonb_typeof(value) NOT IN ('string', 'number') THEN
        PERFORM refuse_argument(key, format('not a list of strings but %s', jsonb_typeof(value)));
    END IF;
    parts := split_list(value #>> '{}');
    IF parts IS NULL THEN
        PERFORM refuse_argument(key, format('"%s" has a double quote that is not closed', shown(key, value)));
    END IF;
    RETURN to_jsonb(parts);
END
$$;

CREATE OR REPLACE FUNCTION csdns.number_argument(key text, value jsonb, lowest numeric, highest numeric) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    word text := btrim(value #>> '{}');
    number numeric;
BEGIN
    IF jsonb_typeof(value) NOT IN ('string', 'number') OR length(word) > 100 OR word !~ '^[+-]?[0-9]+(\.0*)?$' THEN
        PERFORM refuse_argument(key, format('"%s" is not a whole number', shown(key, value)));
    END IF;
    number := trunc(word::numeric);
    IF number NOT BETWEEN lowest AND highest THEN
        PERFORM refuse_argument(key, format('%s is not from %s to %s', word, lowest, highest));
    END IF;
    RETURN to_jsonb(number);
END
$$;

CREATE OR REPLACE FUNCTION csdns.api_argument(key text, type text, value jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    CASE type
        WHEN 'text' THEN
            IF jsonb_typeof(value) NOT IN ('string', 'number') THEN
                PERFORM refuse_argument(key, format('not a string but %s', jsonb_typeof(value)));
            END IF;
            RETURN to_jsonb(value #>> '{}');
        WHEN 'text[]' THEN
            RETURN list_argument(key, value);
        WHEN 'integer' THEN
            RETURN number_argument(key, value, -2147483648, 2147483647);
        WHEN 'bigint' THEN
            RETURN number_argument(key, value, -9223372036854775808, 9223372036854775807);
        WHEN 'boolean' THEN
            IF jsonb_typeof(value) NOT IN ('string', 'boolean') OR lower(value #>> '{}') NOT IN ('true', 'false') THEN
                PERFORM refuse_argument(key, format('"%s" is neither true nor false', shown(key, value)));
            END IF;
            RETURN to_jsonb(lower(value #>> '{}')::boolean);
        WHEN 'jsonb' THEN
            BEGIN
                RETURN CASE WHEN jsonb_typeof(value) = 'string' THEN (value #>> '{}')::jsonb ELSE value END;
            EXCEPTION WHEN data_exception OR statement_too_complex THEN
                PERFORM refuse_argument(key, format('"%s" is not JSON', shown(key, value)));
            END;
        ELSE
            BEGIN
                EXECUTE format('SELECT %L::%s', value #>> '{}', type);
                RETURN value;
            EXCEPTION WHEN data_exception THEN
                PERFORM refuse_argument(key, format('"%s" is not %s', shown(key, value), CASE type WHEN 'timestamp with time zone' THEN 'a time' ELSE 'of type ' || type END));
            END;
    END CASE;
END
$$;

-- Parameters as the command's function wants them: names known, all required ones there, types right.
CREATE OR REPLACE FUNCTION csdns.api_arguments(command text, params jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    usage text := (SELECT format('%s takes: %s', api_arguments.command, coalesce(string_agg(CASE WHEN p.required THEN p.name || ' (required)' ELSE p.name END, ', '
                                                                             ORDER BY p.position), 'no parameters'))
                     FROM command_parameter p WHERE p.command = api_arguments.command);
    given jsonb;
    bad text;
BEGIN
    IF jsonb_typeof(params) <> 'object' THEN
        RAISE EXCEPTION '%: parameters are not an object but %', api_arguments.command, jsonb_typeof(params) USING ERRCODE = 'invalid_parameter_value', DETAIL = usage;
    ELSIF octet_length(params::text) > 16777216 THEN
        RAISE EXCEPTION '%: parameters are larger than 16 MB', command USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT left(min(e.key), 80) INTO bad FROM jsonb_each(params) AS e GROUP BY lower(e.key) HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '%: parameter % is there twice', api_arguments.command, bad USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT coalesce(jsonb_object_agg(lower(e.key), e.value), '{}') INTO given FROM jsonb_each(params) AS e WHERE e.value <> 'null';

    -- what CloudStack's clients send for a server behind another's API: csdns writes the store itself, and keeps no secrets
    IF command IN ('addDnsServer', 'updateDnsServer') THEN
        given := given - ARRAY(SELECT k FROM jsonb_object_keys(given) AS k WHERE k ~ '^(dnsapikey|dnsusername|credentials|details(\[.*)?)$');
    END IF;
    SELECT string_agg(left(k, 80), ', ') INTO bad
      FROM (SELECT k FROM jsonb_object_keys(given) AS k
             WHERE NOT EXISTS (SELECT FROM command_parameter p WHERE p.command = api_arguments.command AND p.name = k) ORDER BY k LIMIT 10) AS u;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION '%: parameter not known: %', api_arguments.command, bad USING ERRCODE = 'invalid_parameter_value', DETAIL = usage;
    END IF;
    SELECT string_agg(p.name, ', ' ORDER BY p.position) INTO bad
      FROM command_parameter p WHERE p.command = api_arguments.command AND p.required AND NOT given ? p.name;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION '%: parameter missing: %', api_arguments.command, bad USING ERRCODE = 'invalid_parameter_value', DETAIL = usage;
    END IF;
    RETURN coalesce((SELECT jsonb_object_agg(p.name, api_argument(p.name, p.type, given -> p.name))
                       FROM command_parameter p WHERE p.command = api_arguments.command AND given ? p.name), '{}');
END
$$;

-- Calling.

-- create_dns_zone(name => $1 ->> 'name', ...): names are the function's, values stay parameters.
CREATE OR REPLACE FUNCTION csdns.api_call(command text, given jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT format('csdns.%I(%s)', c.function, coalesce((
               SELECT string_agg(format(CASE p.type WHEN 'text[]' THEN '%I => ARRAY(SELECT jsonb_array_elements_text($1 -> %L))'
                                                    WHEN 'jsonb' THEN '%I => $1 -> %L'
                                                    ELSE '%I => ($1 ->> %L)::' || p.type END, p.name, p.name), ', ')
                 FROM command_parameter p WHERE p.command = c.name AND given ? p.name), ''))
      FROM command c WHERE c.name = command
$$;

-- One page of a list; both or neither, as CloudStack has it.
CREATE OR REPLACE FUNCTION csdns.page_of(command text, params jsonb, OUT first bigint, OUT size bigint) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    page jsonb := nullif(params -> 'page', 'null');
    pagesize jsonb := nullif(params -> 'pagesize', 'null');
BEGIN
    IF num_nulls(page, pagesize) = 1 THEN
        RAISE EXCEPTION '%: page and pagesize go together', command USING ERRCODE = 'invalid_parameter_value';
    ELSIF page IS NOT NULL THEN
        size := number_argument('pagesize', pagesize, 1, 500) #>> '{}';
        first := (number_argument('page', page, 1, 2147483647)::bigint - 1) * size;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION csdns.run_command(name text, params jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    c command;
    page record;
    given jsonb;
    rows json;
    total bigint;
BEGIN
    SELECT * INTO STRICT c FROM command k WHERE k.name = run_command.name;
    IF NOT has_function_privilege(caller(), c.function_oid, 'EXECUTE') THEN
        RAISE EXCEPTION '%: % may not do that', c.name, caller() USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF c.name LIKE 'list%' AND jsonb_typeof(params) = 'object' THEN
        SELECT * INTO page FROM page_of(c.name, params);
        params := params - 'page' - 'pagesize';
    ELSE
        SELECT NULL::bigint AS first, NULL::bigint AS size INTO page;
    END IF;
    given := api_arguments(c.name, params);
    EXECUTE format('SELECT count(*), coalesce(json_agg(r.row ORDER BY r.at) FILTER (WHERE r.at > $2 AND r.at <= $2 + $3), ''[]'')
                      FROM (SELECT row_to_json(x) AS row, row_number() OVER () AS at FROM %s AS x) AS r', api_call(c.name, given))
       INTO total, rows USING given, coalesce(page.first, 0), coalesce(page.size, 9223372036854775807);
    RETURN CASE WHEN c.many THEN json_build_object('count', total, c.element, rows)
                WHEN c.element IS NULL THEN rows -> 0
                ELSE json_build_object(c.element, rows -> 0) END;
END
$$;

-- Refusing.

-- CloudStack's ApiErrorCode: 431 parameter, 432 unsupported action, 530 internal, 531 account, 535 resource allocation, 536 in use.
CREATE OR REPLACE FUNCTION csdns.api_error_code(state text) RETURNS int
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN state = '42501' THEN 531
                WHEN state = '53400' THEN 535
                WHEN state IN ('55000', '23503') THEN 536
                WHEN state = '0A000' THEN 432
                WHEN left(state, 2) IN ('22', '23') OR state = 'P0002' THEN 431
                ELSE 530 END
$$;
COMMENT ON FUNCTION csdns.api_error_code(text) IS 'CloudStack''s error code for an SQLSTATE.';

-- Not answers: what the client can repeat (serialization failure, deadlock), what ends the session or the server.
CREATE OR REPLACE FUNCTION csdns.is_passed_on(state text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT state <> '53400' AND left(state, 2) IN ('40', '53', '57', '58', 'XX')
$$;

CREATE OR REPLACE FUNCTION csdns.seen_zone(zone text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    RETURN (SELECT d.name FROM pdns_domain d WHERE d.id = find_zone(zone));
EXCEPTION
    WHEN no_data_found OR invalid_parameter_value THEN
        RETURN NULL;
END
$$;

-- Bounded, on one line, without passwords in addresses.  The parameters are not told: what matters of them is in the reason.
CREATE OR REPLACE FUNCTION csdns.log_refusal(command text, params jsonb, state text, reason text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    who text := concat_ws(' for ', caller(), nullif(left(current_setting('csdns.cloud_user', true), 100), ''));
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    PERFORM log_event(CASE state WHEN '53400' THEN 'DNS.QUOTA.EXCEEDED' ELSE 'DNS.REQUEST.REFUSED' END,
                      seen_zone(left(params ->> 'dnszoneid', 255)), left(params ->> 'name', 255), NULL, NULL,
                      left(regexp_replace(regexp_replace(format('%s by %s: %s', left(command, 80), who, reason),
                                                         '://[^/@[:space:]]*@', '://...@', 'g'), '[[:cntrl:]]+', ' ', 'g'), 1000));
END
$$;

-- Commands whose name has the given one in it, or the other way round, whatever is between its words.
CREATE OR REPLACE FUNCTION csdns.near_commands(given text) RETURNS text
LANGUAGE sql STABLE SET search_path = csdns, pg_temp AS $$
    SELECT string_agg(c.name, E'\n' ORDER BY c.name)
      FROM (SELECT k.name, replace(lower(k.name), 'dns', '') AS bare FROM command k) AS c,
           (SELECT replace(regexp_replace(lower(left(given, 80)), '[^a-z]+', '', 'g'), 'dns', '') AS bare) AS g
     WHERE length(g.bare) > 3 AND (strpos(c.bare, g.bare) > 0 OR strpos(g.bare, c.bare) > 0)
$$;

CREATE OR REPLACE FUNCTION csdns.api(command text, params jsonb DEFAULT '{}') RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    known command;
    state text;
    reason text;
    details text;
    hint text;
    tab text;
BEGIN
    params := coalesce(params, '{}');
    SELECT * INTO known FROM command c WHERE lower(c.name) = lower(api.command);
    BEGIN
        IF known.name IS NULL THEN
            RAISE EXCEPTION 'command "%": not known', left(coalesce(command, ''), 80)
                  USING ERRCODE = 'feature_not_supported', DETAIL = coalesce(near_commands(command), ''), HINT = 'listApis lists the commands.';
        END IF;
        RETURN json_build_object(lower(known.name) || 'response', run_command(known.name, params));
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, reason = MESSAGE_TEXT, details = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
                                tab = TABLE_NAME;
        IF is_passed_on(state) THEN
            RAISE;
        END IF;
    END;
    IF known.writes IS DISTINCT FROM false OR state = '42501' THEN
        PERFORM log_refusal(coalesce(known.name, command), params, state, reason);
    END IF;
    -- PostgreSQL's own details of a table show rows as they are stored
    RETURN json_build_object(coalesce(lower(known.name), 'error') || 'response', json_strip_nulls(
               json_build_object('errorcode', api_error_code(state), 'sqlstate', state, 'errortext', left(reason, 2000),
                                 'details', CASE WHEN tab = '' THEN string_to_array(nullif(concat_ws(E'\n', nullif(details, ''), nullif(hint, '')), ''), E'\n') END)));
END
$$;
COMMENT ON FUNCTION csdns.api(text, jsonb) IS
    'Runs a command of csdns.command, its name in any case, with its parameters as a JSON object: {"creatednszoneresponse": {"dnszone": {...}}}. A refusal is an answer too, with errorcode (CloudStack''s), sqlstate, errortext and details (lines; what to do about it is the last), and leaves an event. What can be repeated (class 40) and what is the server''s own trouble is an exception. Lists take page and pagesize (1 to 500).';

CREATE OR REPLACE FUNCTION csdns.list_apis(name text DEFAULT NULL) RETURNS TABLE (name text, description text, isasync boolean, params json)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT c.name, c.help, false,
           coalesce((SELECT json_agg(json_build_object('name', p.name, 'type', CASE p.type WHEN 'text' THEN 'string' WHEN 'text[]' THEN 'list' WHEN 'bigint' THEN 'long'
                                                                                  WHEN 'jsonb' THEN 'json' ELSE p.type END,
                                                      'required', p.required, 'description', p.help) ORDER BY p.position)
                       FROM command_parameter p WHERE p.command = c.name), '[]')
      FROM command c
     WHERE (list_apis.name IS NULL OR lower(c.name) = lower(list_apis.name)) AND has_function_privilege(caller(), c.function_oid, 'EXECUTE')
     ORDER BY c.name
$$;
COMMENT ON FUNCTION csdns.list_apis(text) IS 'The commands that the caller may run with csdns.api(), with their parameters.';

GRANT EXECUTE ON FUNCTION csdns.api(text, jsonb), csdns.list_apis(text) TO csdns_admin, csdns_tenant;
