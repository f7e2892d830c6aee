INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('second.example.org', 'SLAVE');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600 FROM domains;
INSERT INTO cryptokeys (domain_id, flags, active, published, content) VALUES (1, 257, true, true, 'k1'), (1, 256, true, true, 'k2'), (2, 257, true, true, 'k3');
UPDATE cryptokeys SET active = false;
