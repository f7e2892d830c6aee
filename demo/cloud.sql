-- What CloudStack says of a small cloud before its first instance: a domain, an account, two networks. csdns.upsert_* take the same
-- from a page of its API.
INSERT INTO csdns.domain (uuid, name, path) VALUES ('d0000000-0000-0000-0000-000000000001', 'ROOT', 'ROOT');
INSERT INTO csdns.account (uuid, domain, name)
    VALUES ('a0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', 'acme');
INSERT INTO csdns.network (uuid, name, type, account, domain) VALUES
    ('c0000000-0000-0000-0000-000000000001', 'front', 'isolated', 'a0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001');
