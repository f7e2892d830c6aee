INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('empty.example.org', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES
    (1, 'example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600, NULL, false),
    (1, 'a.b.example.org', 'MX', 'mx.example.org', NULL, 10, false),
    (1, 'off.example.org', 'A', '192.0.2.9', 300, NULL, true),
    (1, 'd.example.org', 'NS', 'ns.d.example.org', 300, NULL, false),
    (1, 'ns.d.example.org', 'A', '192.0.2.10', 300, NULL, false);
