INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('hashed.org', 'NATIVE'), ('plain.org', 'NATIVE');
INSERT INTO cryptokeys (domain_id, flags, active, published, content) VALUES (1, 257, true, true, 'x'), (2, 257, true, true, 'x');
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (2, 'NSEC3PARAM', '1 0 0 -');
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600 FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, p || '.' || name, t, c, 300 FROM domains,
    (VALUES ('www', 'A', '192.0.2.1'), ('a.b.ent', 'A', '192.0.2.2'), ('sub', 'NS', 'ns.sub.example.org'), ('ns.sub', 'A', '192.0.2.3')) AS v (p, t, c);
