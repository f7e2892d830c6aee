-- What verbs are given: checked, and found among what the caller may name.  Errors say which parameter it is.

CREATE OR REPLACE FUNCTION csdns.uuid_argument(key text, value text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF coalesce(is_uuid(value), true) THEN
        RETURN value::uuid;
    END IF;
    RAISE EXCEPTION '% "%": not a uuid', key, left(value, 80) USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION csdns.uuid_argument(text, text) IS 'A parameter that is a uuid, NULL if it is not given; 22023 if it is something else.';

CREATE OR REPLACE FUNCTION csdns.require_argument(key text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF coalesce(btrim(value), '') = '' THEN
        RAISE EXCEPTION '% is missing', key USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.require_argument(text, text) IS 'Refuses (22023) a parameter that is not given or empty.';

-- One of several words, in any case; NULL if it is not given.
CREATE OR REPLACE FUNCTION csdns.word_argument(key text, value text, VARIADIC words text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    word text := (SELECT w FROM unnest(words) AS w WHERE lower(w) = lower(value));
BEGIN
    IF word IS NULL AND value IS NOT NULL THEN
        RAISE EXCEPTION '% "%": is not %', key, left(value, 80), array_to_string(words, ' or ') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN word;
END
$$;
COMMENT ON FUNCTION csdns.word_argument(text, text, text[]) IS 'A parameter that is one of these words, in any case; NULL if it is not given, 22023 if it is something else.';

CREATE OR REPLACE FUNCTION csdns.text_argument(key text, value text, most int) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF length(value) > most THEN
        RAISE EXCEPTION '% is longer than % characters', key, most USING ERRCODE = 'invalid_parameter_value';
    ELSIF value ~ '[\x01-\x1f\x7f]' THEN
        RAISE EXCEPTION '% has a control character', key USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN btrim(value);
END
$$;
COMMENT ON FUNCTION csdns.text_argument(text, text, int) IS 'A parameter for people, trimmed; 22023 if it is too long or has control characters.';

-- How many, in words.
CREATE OR REPLACE FUNCTION csdns.counted(count bigint, one text, many text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT count || ' ' || CASE count WHEN 1 THEN one ELSE coalesce(many, one || 's') END
$$;
COMMENT ON FUNCTION csdns.counted(bigint, text, text) IS '"1 zone", "2 zones".';

-- Names of the DNS as people write them: in any case, a final dot or none, spaces around.
CREATE OR REPLACE FUNCTION csdns.plain_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = csdns, pg_temp AS $$
    SELECT regexp_replace(lower(btrim(name, E' \t\r\n')), '\.$', '')
$$;
COMMENT ON FUNCTION csdns.plain_name(text) IS 'A name in lower case, without spaces around it and without its final dot.';

CREATE OR REPLACE FUNCTION csdns.host_name_argument(key text, value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    fault text := host_name_fault(plain_name(value));
BEGIN
    IF value IS NOT NULL AND fault IS NOT NULL THEN
        RAISE EXCEPTION '% "%": %', key, left(value, 255), fault USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN plain_name(value);
END
$$;
COMMENT ON FUNCTION csdns.host_name_argument(text, text) IS 'A parameter that is a name of host name labels, as csdns.plain_name; NULL if it is not given, 22023 if it is something else.';

-- Entities of the cloud.  What is removed is only found where something is to be taken back.

CREATE OR REPLACE FUNCTION csdns.find_domain(domainid text, removed_too boolean DEFAULT false) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    wanted uuid := uuid_argument('domainid', domainid);
BEGIN
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'domainid is missing' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT EXISTS (SELECT FROM domain d WHERE d.uuid = wanted AND (removed_too OR d.removed IS NULL)) THEN
        RAISE EXCEPTION 'domain %: not found', wanted USING ERRCODE = 'no_data_found';
    END IF;
    RETURN wanted;
END
$$;
COMMENT ON FUNCTION csdns.find_domain(text, boolean) IS 'A domain of the cloud by its uuid; 22023 if it is no uuid, P0002 if it is not there.';

-- Names are unique in a domain but for removed accounts, of which the last is meant.
CREATE OR REPLACE FUNCTION csdns.find_account(account text, domainid uuid, removed_too boolean DEFAULT false) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    found_uuid uuid;
BEGIN
    IF domainid IS NULL THEN
        RAISE EXCEPTION 'account "%": domainid is missing', left(account, 80) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT a.uuid INTO found_uuid
      FROM account a
     WHERE a.domain = find_account.domainid AND lower(a.name) = lower(btrim(find_account.account)) AND (removed_too OR a.removed IS NULL)
     ORDER BY a.removed DESC NULLS FIRST, a.name = find_account.account DESC LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account "%" in domain %: not found', left(account, 80), domainid USING ERRCODE = 'no_data_found';
    END IF;
    RETURN found_uuid;
END
$$;
COMMENT ON FUNCTION csdns.find_account(text, uuid, boolean) IS 'uuid of an account by its name in a domain of the cloud; P0002 if it is not there.';

-- The domain that a name of an account means where none is given: the caller's own, and none for the administrator.
CREATE OR REPLACE FUNCTION csdns.my_domain() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
    SELECT (my_lineage())[cardinality(my_lineage())]
$$;
COMMENT ON FUNCTION csdns.my_domain() IS 'Domain of the cloud that the calling tenant belongs to; NULL for others.';

-- Who shall own something new.
CREATE OR REPLACE FUNCTION csdns.find_owner(account text, domainid text, OUT owner_account uuid, OUT owner_domain uuid) RETURNS record
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    me tenant;
BEGIN
    account := nullif(btrim(account), '');
    domainid := nullif(btrim(domainid), '');
    SELECT t.* INTO me FROM tenant t WHERE t.role = caller();
    IF NOT is_admin() AND my_domain() IS NULL THEN
        RAISE EXCEPTION 'role "%" stands for no account and no domain', caller() USING ERRCODE = 'insufficient_privilege';
    ELSIF account IS NULL AND domainid IS NULL THEN
        owner_account := me.account;
        owner_domain := my_domain();
        RETURN;
    END IF;
    owner_domain := CASE WHEN domainid IS NULL THEN my_domain() ELSE uuid_argument('domainid', domainid) END;
    IF NOT is_admin() AND owner_domain <> ALL (CASE WHEN me.account IS NULL THEN my_domains() ELSE ARRAY[my_domain()] END) THEN
        RAISE EXCEPTION 'domain %: not found', owner_domain USING ERRCODE = 'no_data_found';
    ELSIF owner_domain IS NOT NULL THEN
        PERFORM find_domain(owner_domain::text);
    END IF;
    IF account IS NOT NULL THEN
        owner_account := find_account(account, owner_domain);
    END IF;
    IF me.account IS NOT NULL AND account IS NULL THEN
        owner_account := me.account;
    ELSIF me.account <> owner_account THEN
        RAISE EXCEPTION 'account "%" in domain %: not found', left(account, 80), owner_domain USING ERRCODE = 'no_data_found';
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.find_owner(text, text) IS
    'Who shall own something new: an account in a domain of the cloud, a domain, or the caller. Nobody (both NULL) is the administrator. P0002 for what the caller does not stand for.';

CREATE OR REPLACE FUNCTION csdns.find_network(networkid text, removed_too boolean DEFAULT false) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    wanted uuid := uuid_argument('networkid', networkid);
BEGIN
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'networkid is missing' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT is_admin() AND wanted <> ALL (my_networks())
          OR NOT EXISTS (SELECT FROM network w WHERE w.uuid = wanted AND (removed_too OR w.removed IS NULL)) THEN
        RAISE EXCEPTION 'network %: not found', wanted USING ERRCODE = 'no_data_found';
    END IF;
    RETURN wanted;
END
$$;
COMMENT ON FUNCTION csdns.find_network(text, boolean) IS 'A network of the caller''s, or any for the administrator; 22023 if it is no uuid, P0002 if it is not there.';

CREATE OR REPLACE FUNCTION csdns.find_instance(virtualmachineid text) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
DECLARE
    wanted uuid := uuid_argument('virtualmachineid', virtualmachineid);
BEGIN
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'virtualmachineid is missing' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT EXISTS (SELECT FROM instance i WHERE i.uuid = wanted AND i.removed IS NULL AND (is_admin() OR i.account = ANY (my_accounts()))) THEN
        RAISE EXCEPTION 'instance %: not found', wanted USING ERRCODE = 'no_data_found';
    END IF;
    RETURN wanted;
END
$$;
COMMENT ON FUNCTION csdns.find_instance(text) IS 'An instance of the caller''s, or any for the administrator; 22023 if it is no uuid, P0002 if it is not there.';

CREATE OR REPLACE FUNCTION csdns.require_admin(what text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = csdns, pg_temp AS $$
BEGIN
    IF NOT is_admin() THEN
        RAISE EXCEPTION '% is for administrators: % is none', what, caller() USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
COMMENT ON FUNCTION csdns.require_admin(text) IS 'Refuses (42501) callers who are no administrators.';
