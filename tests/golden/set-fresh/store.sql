INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('second.example.org', 'SLAVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600 FROM domains;
