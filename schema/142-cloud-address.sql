-- Facts as told, continued: public addresses, and floating ones, which no API of CloudStack's tells yet but which are told alike.

-- Instances that are referred to and unknown become placeholders of the owner of what refers to them.
CREATE OR REPLACE FUNCTION csdns.know_instances(refers jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = csdns, pg_temp AS $$
BEGIN
    INSERT INTO instance (uuid, account, domain, placeholder)
        SELECT DISTINCT ON (x.virtualmachineid) x.virtualmachineid, owner_uuid(x.domainid, x.account, x.accountid, x.projectid), x.domainid, true
          FROM jsonb_to_recordset(refers) AS x (virtualmachineid uuid, account text, accountid uuid, projectid uuid, domainid uuid)
         WHERE x.virtualmachineid IS NOT NULL AND NOT EXISTS (SELECT FROM instance i WHERE i.uuid = x.virtualmachineid)
         ORDER BY x.virtualmachineid
        ON CONFLICT DO NOTHING;
END
$$;

CREATE OR REPLACE FUNCTION csdns.upsert_public_address(told jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := entities(told, 'publicipaddress');
    changed int;
BEGIN
    PERFORM refuse_entities('public address', ARRAY(
        SELECT entity_title(x.id, x.ipaddress) || ': ' || x.fault
          FROM (SELECT x.id, x.ipaddress,
                       coalesce(id_fault(x.id, count(*) OVER (PARTITION BY lower(x.id))), CASE WHEN x.ipaddress IS NULL THEN 'ipaddress is missing' END,
                                address_fault('ipaddress', x.ipaddress), owner_fault(x.domainid, x.account, x.accountid, x.projectid),
                                uuid_fault('associatednetworkid', x.associatednetworkid), uuid_fault('virtualmachineid', x.virtualmachineid),
                                uuid_fault('vpcid', x.vpcid), address_fault('vmipaddress', x.vmipaddress), flag_fault('isstaticnat', x.isstaticnat),
                                flag_fault('issourcenat', x.issourcenat),
                                CASE WHEN x.isstaticnat = 'true' AND (x.domainid IS NULL OR coalesce(x.account, x.accountid, x.projectid) IS NULL)
                                     THEN 'account or domainid is missing' END) AS fault
                  FROM jsonb_to_recordset(list) AS x (id text, ipaddress text, associatednetworkid text, virtualmachineid text, vpcid text,
                                                      domainid text, account text, accountid text, projectid text, vmipaddress text,
                                                      isstaticnat text, issourcenat text)) AS x
         WHERE x.fault IS NOT NULL));
    PERFORM know_owners(list);
    PERFORM know_networks(ARRAY(SELECT x.associatednetworkid FROM jsonb_to_recordset(list) AS x (associatednetworkid uuid)));
    PERFORM know_instances((SELECT jsonb_agg(e) FROM jsonb_array_elements(list) AS e WHERE e ->> 'isstaticnat' = 'true'));
    INSERT INTO public_address AS p (uuid, address, network, vpc, account, domain, instance, nat_address, source_nat, state)
        SELECT y.*
          FROM (SELECT x.id AS uuid, x.ipaddress, x.associatednetworkid, x.vpcid,
                       owner_uuid(x.domainid, x.account, x.accountid, x.projectid) AS account, x.domainid,
                       CASE WHEN x.isstaticnat THEN x.virtualmachineid END AS instance, CASE WHEN x.isstaticnat THEN x.vmipaddress END AS nat,
                       coalesce(x.issourcenat, false) AS source_nat, coalesce(x.state, 'Allocated') AS state
                  FROM jsonb_to_recordset(list) AS x (id uuid, ipaddress inet, associatednetworkid uuid, vpcid uuid, account text, accountid uuid,
                                                      projectid uuid, domainid uuid, isstaticnat boolean, virtualmachineid uuid,
                                                      vmipaddress inet, issourcenat boolean, state text)) AS y
         WHERE NOT EXISTS (SELECT FROM public_address o WHERE o.uuid = y.uuid AND o.removed IS NULL
                              AND (o.address, o.network, o.vpc, o.account, o.domain, o.instance, o.nat_address, o.source_nat, o.state)
                                  IS NOT DISTINCT FROM (y.ipaddress, y.associatednetworkid, y.vpcid, y.account, y.domainid, y.instance,
                                                        y.nat, y.source_nat, y.state))
         ORDER BY y.uuid
        ON CONFLICT (uuid) DO UPDATE SET address = excluded.address, network = excluded.network, vpc = excluded.vpc,
            account = excluded.account, domain = excluded.domain, instance = excluded.instance, nat_address = excluded.nat_address,
            source_nat = excluded.source_nat, state = excluded.state, removed = NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION csdns.upsert_public_address(jsonb) IS
    'Stores public addresses as listPublicIpAddresses tells them (id, ipaddress, associatednetworkid, vpcid, account or projectid, domainid, isstaticnat, virtualmachineid, vmipaddress, issourcenat, state): one, an array or an answer. Returns how many changed.';

CREATE OR REPLACE FUNCTION csdns.upsert_floating_address(told jsonb) RETURNS int
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = csdns, pg_temp AS $$
DECLARE
    list jsonb := entities(told, 'floatingaddress');
    touched uuid[];
    members floating_member[];
BEGIN
    PERFORM refuse_entities('floating address', ARRAY(
        SELECT entity_title(x.id, x.name) || ': ' || x.fault
          FROM (SELECT x.id, x.name,
                       coalesce(id_fault(x.id, count(*) OVER (PARTITION BY lower(x.id))),
                                CASE WHEN NOT coalesce(is_label(x.name), false) THEN 'name ' || label_fault(x.name)
                                     WHEN x.domainid IS NULL OR coalesce(x.account, x.accountid, x.projectid) IS NULL THEN 'account or domainid is missing' END,
                                owner_fault(x.domainid, x.account, x.accountid, x.projectid), address_fault('ipaddress', x.ipaddress),
                                uuid_fault('networkid', x.networkid),
                                CASE WHEN x.mode NOT IN ('address', 'members') THEN format('mode "%s" is not address or members', left(x.mode, 80))
                                     WHEN jsonb_typeof(x.virtualmachineids) NOT IN ('array', 'null') THEN 'virtualmachineids is not an array'
                                     WHEN jsonb_typeof(x.virtualmachineids) = 'array'
                                          AND EXISTS (SELECT FROM jsonb_array_elements_text(x.virtualmachineids) AS m WHERE NOT coalesce(is_uuid(m), false))
                                         THEN 'virtualmachineids has what is not a uuid' END) AS fault
                  FROM jsonb_to_recordset(list) AS x (id text, name text, ipaddress text, networkid text, domainid text, account text, accountid text,
                                                      projectid text, mode text, virtualmachineids jsonb)) AS x
         WHERE x.fault IS NOT NULL));
    PERFORM know_owners(list);
    PERFORM know_networks(ARRAY(SELECT x.networkid FROM jsonb_to_recordset(list) AS x (networkid uuid)));
    PERFORM know_instances((SELECT jsonb_agg((e - 'virtualmachineids') || jsonb_build_object('virtualmachineid', m))
                              FROM jsonb_array_elements(list) AS e, jsonb_array_elements(coalesce(nullif(e -> 'virtualmachineids', 'null'), '[]')) AS m));
    PERFORM set_config('csdns.rules', 'later', true);
    members := ARRAY(SELECT DISTINCT ROW (x.id, m::uuid)::floating_member
                       FROM jsonb_to_recordset(list) AS x (id uuid, virtualmachineids jsonb)
                      CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(nullif(x.virtualmachineids, 'null'), '[]')) AS m);
    WITH put AS (
        INSERT INTO floating_address AS f (uuid, name, address, network, account, domain, mode)
            SELECT y.*
              FROM (SELECT x.id AS uuid, x.name, x.ipaddress, x.networkid, owner_uuid(x.domainid, x.account, x.accountid, x.projectid) AS account,
                           x.domainid, x.mode
                      FROM jsonb_to_recordset(list) AS x (id uuid, name text, ipaddress inet, networkid uuid, domainid uuid, account text,
                                                          accountid uuid, projectid uuid, mode text)) AS y
             WHERE NOT EXISTS (SELECT FROM floating_address o WHERE o.uuid = y.uuid AND o.removed IS NULL
                                  AND (o.name, o.address, o.network, o.account, o.domain, o.mode)
                                      IS NOT DISTINCT FROM (y.name, y.ipaddress, y.networkid, y.account, y.domainid, y.mode))
             ORDER BY y.uuid
            ON CONFLICT (uuid) DO UPDATE SET name = excluded.name, address = excluded.address, network = excluded.network,
                account = excluded.account, domain = excluded.domain, mode = excluded.mode, removed = NULL
            RETURNING f.uuid
    ), gone AS (                        -- without virtualmachineids the members stay
        DELETE FROM floating_member m
         USING jsonb_to_recordset(list) AS x (id uuid, virtualmachineids jsonb)
         WHERE m.floating = x.id AND jsonb_typeof(x.virtualmachineids) = 'array'
           AND (m.floating, m.instance) NOT IN (SELECT k.floating, k.instance FROM unnest(members) AS k)
        RETURNING m.floating
    )
    SELECT array_agg(t.uuid) INTO touched FROM (SELECT uuid FROM put UNION SELECT floating FROM gone) AS t;
    WITH put AS (
        INSERT INTO floating_member (floating, instance) SELECT k.floating, k.instance FROM unnest(members) AS k ON CONFLICT DO NOTHING RETURNING floating
    )
    SELECT array_agg(DISTINCT t.uuid) INTO touched FROM (SELECT unnest(touched) AS uuid UNION ALL SELECT floating FROM put) AS t;
    PERFORM set_config('csdns.rules', '', true);
    PERFORM apply_rules(touched);
    RETURN coalesce(cardinality(touched), 0);
END
$$;
COMMENT ON FUNCTION csdns.upsert_floating_address(jsonb) IS
    'Stores floating addresses (id, name, ipaddress, networkid, account or projectid, domainid, mode: address or members, virtualmachineids[]): one, an array or an answer. Without virtualmachineids the members stay as they are. Returns how many changed.';
