INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE'), ('plain.example.org', 'NATIVE');
INSERT INTO cryptokeys (domain_id, flags, active, published, content) VALUES
    (1, 257, true, true, E'Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: i3G0jqGlaNqjqobDsSaS70BPxj/AFHiPQA/fIM306F0=\n'),
    (1, 256, false, false, E'Private-key-format: v1.2\n');
