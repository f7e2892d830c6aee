-- What has gone from the cloud.  Rows stay, marked with the time, and mean no records from then on; what belongs to a removed domain
-- or account, or is in a removed network, is not marked itself: names go with it, and come back should it be told again by upsert.

CREATE OR REPLACE FUNCTION csdns.remove_entities(tab text, kind text, ids jsonb, unknown_ok boolean) RETURNS int
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := CASE jsonb_typeof(ids) WHEN 'array' THEN ids ELSE jsonb_build_array(ids) END;
    words text[] := ARRAY(SELECT coalesce(CASE jsonb_typeof(e) WHEN 'object' THEN e ->> 'id' ELSE e #>> '{}' END, 'null') FROM jsonb_array_elements(list) AS e);
    keys uuid[];
    changed int;
BEGIN
    IF ids IS NULL THEN
        RAISE EXCEPTION '% to remove: ids are missing', kind USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM refuse_entities(kind, ARRAY(SELECT format('"%s": is not a uuid', left(w, 80)) FROM unnest(words) AS w WHERE NOT is_uuid(w)));
    keys := ARRAY(SELECT DISTINCT w::uuid FROM unnest(words) AS w ORDER BY 1);
    EXECUTE format('SELECT refuse_entities($2, ARRAY(SELECT k || '': not found'' FROM unnest($1) AS k
                                                      WHERE NOT EXISTS (SELECT FROM %I t WHERE t.uuid = k)), ''no_data_found'')', tab)
      USING CASE WHEN unknown_ok THEN NULL ELSE keys END, kind;
    EXECUTE format('UPDATE %I SET removed = now() WHERE uuid = ANY ($1) AND removed IS NULL', tab) USING keys;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;

-- csdns.remove_domain(ids, unknown_ok) and its like
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT * FROM (VALUES
            ('domain', 'domain', 'domains of the cloud as removed, and so what belongs to them or those below'),
            ('account', 'account', 'accounts and projects as removed, and so what belongs to them'),
            ('network', 'network', 'networks as removed, and so what is in them'),
            ('instance', 'instance', 'instances as removed'),
            ('public_address', 'public address', 'public addresses as released'),
            ('floating_address', 'floating address', 'floating addresses as removed')) AS v (tab, kind, what)
    LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION csdns.remove_%1$s(ids jsonb, unknown_ok boolean DEFAULT false) RETURNS int
                            LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp
                            AS $fn$ SELECT remove_entities(%1$L, %2$L, ids, unknown_ok) $fn$', t.tab, t.kind);
        EXECUTE format('COMMENT ON FUNCTION csdns.remove_%s(jsonb, boolean) IS %L', t.tab,
                       'Marks ' || t.what || '; their names go. Takes a uuid, or an array of uuids or of entities with id. Unknown ones are an error, unless told otherwise. Returns how many were not marked before.');
    END LOOP;
END
$$;
