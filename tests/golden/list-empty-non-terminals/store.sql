INSERT INTO domains (name, type) VALUES ('nsec3.test', 'NATIVE'), ('nsec.test', 'NATIVE');
INSERT INTO domainmetadata (domain_id, kind, content) VALUES (1, 'NSEC3PARAM', '1 0 0 -');
INSERT INTO cryptokeys (domain_id, flags, active, content) SELECT id, 257, true, 'a key' FROM domains;
INSERT INTO records (domain_id, name, type, content, ttl, disabled)
    SELECT id, r.label || name, r.type, r.content, 300, r.disabled
      FROM domains, (VALUES ('', 'SOA', 'ns1.example.org hostmaster.example.org 7 10800 3600 604800 300', false),
        ('a.b.', 'A', '192.0.2.1', false), ('off.under.', 'A', '192.0.2.9', true), ('off.', 'A', '192.0.2.8', true), ('x.off.', 'A', '192.0.2.2', false),
        ('d.', 'NS', 'ns.c.d.example.org', false), ('ns.c.d.', 'A', '192.0.2.10', false)) AS r (label, type, content, disabled);
