INSERT INTO supermasters VALUES ('192.0.2.1', 'ns1.prov.test', 'prov'), ('2001:db8::1', 'ns1.prov.test', 'prov');
