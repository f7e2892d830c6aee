INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('plain.example.org', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600);
INSERT INTO domainmetadata (domain_id, kind, content) VALUES
    (1, 'ALLOW-AXFR-FROM', 'AUTO-NS'), (1, 'ALLOW-AXFR-FROM', '192.0.2.0/24'), (1, 'SOA-EDIT', 'INCREMENT-WEEKS'), (1, 'X-QUOTE', 'a "b" \');
