INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES
    (1, 'example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600, 0, false),
    (1, 'www.example.org', 'A', '192.0.2.1', 300, 0, false), (1, 'off.example.org', 'A', '192.0.2.2', 300, 0, true),
    (1, 'm.example.org', 'MX', 'mail.example.org', 300, 10, false);
