INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('sub.example.org', 'NATIVE'), ('org', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) VALUES
    (1, 'example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600),
    (1, 'sub.example.org', 'NS', 'ns1.sub.example.org', 300),
    (1, 'ns1.sub.example.org', 'A', '192.0.2.1', 300),
    (1, 'deep.ns1.sub.example.org', 'TXT', '"below the cut"', 300),
    (1, 'sub.example.org', 'DS', '1 13 2 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 300),
    (2, 'sub.example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600),
    (2, 'ns1.sub.example.org', 'A', '192.0.2.2', 300),
    (3, 'org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600),
    (3, 'example.org', 'NS', 'ns.example.net', 300);
