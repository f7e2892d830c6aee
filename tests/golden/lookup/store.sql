INSERT INTO domains (name, type) VALUES ('example.org', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES
    (1, 'example.org', 'SOA', 'ns1.example.org hostmaster.example.org 2024010101 10800 3600 604800 300', 3600, NULL, false),
    (1, 'example.org', 'NS', 'ns1.example.org', 3600, NULL, false),
    (1, 'www.example.org', 'A', '192.0.2.1', 300, NULL, false),
    (1, 'www.example.org', 'A', '192.0.2.2', 300, 0, false),
    (1, 'www.example.org', 'AAAA', '2001:db8::1', 60, NULL, false),
    (1, 'www.example.org', 'TXT', '"with \"quotes\" and \\"', NULL, NULL, false),
    (1, 'off.example.org', 'A', '192.0.2.9', 300, NULL, true),
    (1, 'half.example.org', 'A', '192.0.2.9', 300, NULL, true),
    (1, 'half.example.org', 'A', '192.0.2.10', 300, NULL, false),
    (1, '*.wild.example.org', 'A', '192.0.2.3', 300, NULL, false),
    (1, 'mail.example.org', 'MX', 'mx.example.org', 300, 10, false),
    (1, 'mail.example.org', 'MX', '20 mx2.example.org', 300, NULL, false),
    (1, '_sip._tcp.example.org', 'SRV', '5 5060 sip.example.org', 300, 1, false),
    (1, '_sip._tcp.example.org', 'SRV', '2 5 5061 sip.example.org', 300, NULL, false),
    (1, 'raw.example.org', 'TYPE65534', '\# 4 0a000001', 300, NULL, false);
