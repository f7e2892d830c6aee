INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('a\.b.example.net', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) VALUES
    (1, 'example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600),
    (1, 'dot\.ted.example.org', 'A', '192.0.2.1', 300),
    (1, 'sp\032ace.example.org', 'A', '192.0.2.2', 300),
    (1, 'back\\slash.example.org', 'CNAME', 'sp\032ace.example.org', 300),
    (1, 'text.example.org', 'TXT', '"caf\195\169" "tab\009"', 300),
    (1, 'utf8.example.org', 'TXT', U&'"caf\00e9"', 300),
    (2, 'a\.b.example.net', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600);
