INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('key', 'hmac-sha256', 'c2VjcmV0'), ('other.key', 'hmac-md5', 'b3RoZXI=');
