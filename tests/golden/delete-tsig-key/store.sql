INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('key.test', 'hmac-sha256', 'QUJDREVG');
