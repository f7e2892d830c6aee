#!/usr/bin/perl
# A serial that could not be moved at commit, because another transaction held the SOA and then gave up, is moved by
# csdnsd when nobody commits afterwards.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Wait qw(wait_until);
use Test::More;

my $cluster = Csdns::Cluster->new(name => 'main');
$cluster->create_db('store');
$cluster->install_schema('store');
my ($writer, $editor) = map { $cluster->dbh('store') } 1 .. 2;
$writer->do("INSERT INTO domains (name, type) VALUES ('z.test', 'NATIVE')");
$writer->do("INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, 'z.test', 'SOA', 'ns.z.test h.z.test 7 3600 600 86400 60', 60 FROM domains");
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));

$editor->begin_work;
$editor->do("UPDATE records SET content = 'ns.z.test h.z.test 9 3600 600 86400 60' WHERE type = 'SOA'");
$writer->do("INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, 'a.z.test', 'A', '192.0.2.1', 60 FROM domains");
is $writer->selectrow_array('SELECT count(*) FROM csdns.serial_debt'), 1, 'the serial is owed while another holds the SOA';
$editor->rollback;

wait_until { !$writer->selectrow_array('SELECT count(*) FROM csdns.serial_debt') } 30, 'the serial to be moved';
pass 'csdnsd moves it when the other has given up';
$csdnsd->wait_current($writer);
is $csdnsd->remote->call('getDomainInfo', name => 'z.test.')->{serial}, 8, 'and serves it';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
