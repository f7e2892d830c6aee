#!/usr/bin/perl
# PowerDNS' writes while the mirror lags behind: csdnsd reads from a standby that
# does not replay, and writes to the primary.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb csdnsd pg_basebackup));

my $primary = Csdns::Cluster->new(name => 'primary');
$primary->create_db('store');
$primary->install_schema('store');
$primary->psql('store', q{INSERT INTO domains (name, type) VALUES ('a.test', 'MASTER'); GRANT csdns_write TO csdnsd;
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, 'www.a.test', 'A', '192.0.2.1', 60)});
my $standby = $primary->standby;
$standby->catch_up;
my $csdnsd = Csdns::Csdnsd->start(
    db => sprintf 'host=%s,%s port=5432 dbname=store user=csdnsd', $standby->socket_dir, $primary->socket_dir,
);
is $csdnsd->status->{listening}, 'no', 'it reads from the standby';
my $remote = $csdnsd->remote(timeout => 20);

sub notified { my ($cluster) = @_; return $cluster->psql('store', q{SELECT notified_serial FROM domains WHERE id = 1}) }

sub mirror_notified { return $csdnsd->remote->call('getDomainInfo', name => 'a.test.')->{notified_serial} }

is $remote->call('setNotified', id => 1, serial => 7), JSON::true(), 'a write';
is notified($primary), 7, 'has been done in the primary';
is mirror_notified(), 7, 'and can be read back at once';

$standby->psql('store', 'SELECT pg_wal_replay_pause()');
my @peers = map { $csdnsd->remote(timeout => 20) } 1 .. 20;
$_->send_text(qq({"method":"setNotified","parameters":{"id":1,"serial":8}}\n)) for @peers;
is scalar(grep { ($_->read_line // '') =~ /"result":true/ } @peers), 20, 'the mirror does not come to show them: they are true all the same';
is notified($primary), 8, 'and done';
is mirror_notified(), 7, 'the mirror lags';
$_->send_text(qq({"method":"lookup","parameters":{"qname":"www.a.test.","qtype":"A"}}\n) x 20) for @peers;
is scalar(grep { my $peer = $_; 20 == grep { ($peer->read_line // '') =~ /192\.0\.2\.1/ } 1 .. 20 } @peers), 20, 'those connections are served on';
# A peer that does not wait for the answer, as PowerDNS after two seconds, leaves nothing behind.
$_->send_text(qq({"method":"setNotified","parameters":{"id":1,"serial":9}}\n)) for @peers;
undef @peers;
wait_until { $csdnsd->status->{connections} <= 2 } 10, 'connections of peers that went';
pass 'peers that went leave no connections';
$standby->psql('store', 'SELECT pg_wal_replay_resume()');
wait_until { mirror_notified() == 9 } 20, 'the mirror';
pass 'the mirror shows the last one';

# The primary goes: writes fail, and nothing else.
$primary->stop('immediate');
is $remote->call('setNotified', id => 1, serial => 10), JSON::false(), 'no primary: false';
ok $remote->lookup('www.a.test', 'A'), 'lookups are answered';
$primary->start;
wait_until { $remote->call('setNotified', id => 1, serial => 10) } 20, 'a write after that';
wait_until { mirror_notified() == 10 } 20, 'the mirror';
pass 'the primary is back: so are writes';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
