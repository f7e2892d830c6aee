-- Who may do what with facts, policy and rules.

GRANT SELECT ON csdns.domain, csdns.account, csdns.network, csdns.instance, csdns.nic, csdns.public_address, csdns.floating_address,
    csdns.floating_member, csdns.dns_server, csdns.dns_zone, csdns.zone_delegation, csdns.network_zone, csdns.instance_name, csdns.policy, csdns.domain_policy,
    csdns.reverse_zone, csdns.rule_zone, csdns.live_nic, csdns.static_nat, csdns.live_address, csdns.live_floating, csdns.rule_host, csdns.rule_common,
    csdns.rule_name, csdns.rule_ptr, csdns.rule_group, csdns.rule_public, csdns.rule_floating, csdns.desired_record, csdns.rule_record,
    csdns.rule_record_state, csdns.hold, csdns.collision, csdns.event, csdns.drift TO csdns_cloud;
GRANT EXECUTE ON FUNCTION csdns.placement(uuid, uuid, uuid), csdns.is_label(text), csdns.is_host(text), csdns.is_address(inet),
    csdns.are_addresses(inet[]), csdns.group_label(text), csdns.group_uuid(uuid, text), csdns.reverse_name(inet), csdns.address_text(inet),
    csdns.template_label(text, text, text, text, uuid, inet), csdns.reverse_networks(text), csdns.source_name(uuid), csdns.is_uuid(text), csdns.is_ip(text) TO csdns_read, csdns_cloud;

-- writers of cloud facts: facts, and what policy associates with them; not who owns a zone, nor what facts mean
GRANT INSERT, UPDATE, DELETE ON csdns.domain, csdns.account, csdns.network, csdns.instance, csdns.nic, csdns.public_address,
    csdns.floating_address, csdns.floating_member TO csdns_cloud;
GRANT EXECUTE ON FUNCTION csdns.upsert_domain(jsonb), csdns.upsert_account(jsonb), csdns.upsert_network(jsonb), csdns.upsert_instance(jsonb),
    csdns.upsert_public_address(jsonb), csdns.upsert_floating_address(jsonb), csdns.remove_domain(jsonb, boolean), csdns.remove_account(jsonb, boolean),
    csdns.remove_network(jsonb, boolean), csdns.remove_instance(jsonb, boolean), csdns.remove_public_address(jsonb, boolean),
    csdns.remove_floating_address(jsonb, boolean), csdns.reconcile() TO csdns_cloud;

GRANT INSERT, UPDATE, DELETE ON csdns.dns_server, csdns.dns_zone, csdns.zone_delegation, csdns.network_zone, csdns.instance_name, csdns.policy TO csdns_admin;
GRANT DELETE ON csdns.event TO csdns_admin;
GRANT EXECUTE ON FUNCTION csdns.release(text, text), csdns.apply_rules(uuid[]) TO csdns_admin;
