INSERT INTO domains (name, type, master) VALUES
    ('a.test', 'MASTER', NULL), ('signed.test', 'NATIVE', NULL), ('hashed.test', 'NATIVE', NULL),
    ('in.test', 'SLAVE', '127.0.0.1:5300'), ('in3.test', 'SLAVE', '127.0.0.1:5300');
INSERT INTO records (domain_id, name, type, content, ttl, disabled)
    SELECT d.id, r.label || d.name, r.type, r.content, 60, r.disabled FROM domains d, (VALUES
        ('', 'SOA', 'ns.a.test hostmaster.a.test 1 10800 3600 604800 60', false), ('', 'NS', 'ns.a.test', false), ('ns.', 'A', '192.0.2.1', false),
        ('www.', 'A', '192.0.2.2', false), ('www.', 'AAAA', '2001:db8::1', false), ('off.', 'A', '192.0.2.9', true), ('*.wild.', 'A', '192.0.2.3', false),
        ('deep.er.', 'TXT', '"one" "tw\"o"', false), ('', 'MX', '10 www.a.test', false), ('sub.', 'NS', 'ns.sub.a.test', false)) AS r (label, type, content, disabled)
    WHERE d.type <> 'SLAVE' ORDER BY 1, 2, 3, 4;
INSERT INTO supermasters VALUES ('127.9.9.9', 'ns.auto.test', 'prov');
