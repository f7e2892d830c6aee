INSERT INTO domains (name, type) VALUES ('.', 'NATIVE'), ('test', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl) VALUES
    (1, '.', 'SOA', 'a.root hostmaster.root 1 2 3 4 5', 60),
    (1, '.', 'NS', 'a.root', 60),
    (1, 'com', 'NS', 'a.gtld.com', 60),
    (1, 'a.gtld.com', 'A', '192.0.2.1', 60),
    (1, 'x.y.z', 'A', '192.0.2.2', 60),
    (1, 'null.z', 'MX', '0 .', 60),
    (2, 'test', 'SOA', 'a.root hostmaster.root 1 2 3 4 5', 60),
    (2, 'www.test', 'CNAME', '.', 60);
