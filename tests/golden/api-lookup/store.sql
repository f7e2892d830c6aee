INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl, disabled) VALUES
    (1, 'example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600, false),
    (1, 'www.example.org', 'A', '192.0.2.1', 300, false),
    (1, 'www.example.org', 'A', '192.0.2.2', 300, true);
