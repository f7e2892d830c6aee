-- Last: record the version of the schema, and on the day of installation tell what the rules would refuse.

DO $$
DECLARE
    bad bigint;
BEGIN
    IF EXISTS (SELECT FROM csdns.schema_version) THEN
        RETURN;
    END IF;
    SELECT count(*) INTO bad FROM csdns.invalid_record;
    IF bad > 0 THEN
        RAISE WARNING 'records here already that break a rule: %', bad
              USING HINT = 'They are left as they are. SELECT * FROM csdns.invalid_record lists them with the reason.';
    END IF;
END
$$;

INSERT INTO csdns.schema_version (version) VALUES (1) ON CONFLICT (version) DO NOTHING;
