INSERT INTO domains (name, type, master, last_check) VALUES ('example.org', 'SLAVE', '192.0.2.1', 1700000000), ('example.net', 'NATIVE', NULL, NULL),
    ('fresh.example.org', 'SLAVE', '192.0.2.1', 2147000000);
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600 FROM domains;
