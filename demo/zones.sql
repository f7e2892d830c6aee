-- The zones of a small cloud, as a person would write them: forward, IPv4 and IPv6 reverse.
-- The serial in each SOA moves by itself with every change.

BEGIN;

INSERT INTO domains (name, type) VALUES
    ('cloud.example', 'NATIVE'),
    ('1.1.10.in-addr.arpa', 'NATIVE'),
    ('1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa', 'NATIVE');

-- every zone: SOA and name servers
INSERT INTO records (domain_id, name, type, content, ttl)
SELECT id, name, 'SOA', 'ns1.cloud.example hostmaster.cloud.example 1 10800 3600 604800 60', 3600 FROM domains
UNION ALL
SELECT id, name, 'NS', 'ns1.cloud.example', 3600 FROM domains
UNION ALL
SELECT id, name, 'NS', 'ns2.cloud.example', 3600 FROM domains;

-- forward
INSERT INTO records (domain_id, name, type, content, ttl, prio)
SELECT d.id, v.name, v.type, v.content, v.ttl, v.prio
  FROM domains d,
       (VALUES
        ('ns1.cloud.example', 'A', '10.1.1.2', 3600, NULL),
        ('ns2.cloud.example', 'A', '10.1.1.3', 3600, NULL),
        ('web1.cloud.example', 'A', '10.1.1.11', 300, NULL),
        ('web1.cloud.example', 'AAAA', '2001:db8:1::11', 300, NULL),
        ('web2.cloud.example', 'A', '10.1.1.12', 300, NULL),
        ('web2.cloud.example', 'AAAA', '2001:db8:1::12', 300, NULL),
        ('db1.cloud.example', 'A', '10.1.1.21', 300, NULL),
        ('www.cloud.example', 'CNAME', 'web1.cloud.example', 300, NULL),
        ('*.apps.cloud.example', 'A', '10.1.1.80', 300, NULL),
        ('mail.cloud.example', 'A', '10.1.1.25', 300, NULL),
        ('cloud.example', 'MX', 'mail.cloud.example', 300, 10),
        ('cloud.example', 'TXT', '"v=spf1 mx -all"', 300, NULL),
        ('_ldap._tcp.cloud.example', 'SRV', '5 389 db1.cloud.example', 300, 0)
       ) AS v (name, type, content, ttl, prio)
 WHERE d.name = 'cloud.example';

-- reverse
INSERT INTO records (domain_id, name, type, content, ttl)
SELECT d.id, v.label || '.1.1.10.in-addr.arpa', 'PTR', v.host || '.cloud.example', 300
  FROM domains d,
       (VALUES ('11', 'web1'), ('12', 'web2'), ('21', 'db1'), ('25', 'mail')) AS v (label, host)
 WHERE d.name = '1.1.10.in-addr.arpa';

INSERT INTO records (domain_id, name, type, content, ttl)
SELECT d.id, v.last || '.' || repeat('0.', 18) || d.name, 'PTR', v.host || '.cloud.example', 300
  FROM domains d,
       (VALUES ('1.1', 'web1'), ('2.1', 'web2')) AS v (last, host)
 WHERE d.name = '1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa';

COMMIT;
