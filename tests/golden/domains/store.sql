INSERT INTO domains (name, type, master, last_check, notified_serial) VALUES
    ('example.org', 'NATIVE', NULL, NULL, NULL), ('primary.example.org', 'MASTER', NULL, 5, 7),
    ('secondary.example.org', 'SLAVE', '192.0.2.1, 2001:db8::1,192.0.2.2:5300', 1700000000, NULL),
    ('small.example.org', 'native', '', NULL, NULL), ('nosoa.example.org', 'NATIVE', NULL, NULL, NULL);
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600 FROM domains WHERE name <> 'nosoa.example.org';
