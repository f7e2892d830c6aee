#!/usr/bin/perl
# A table or row that somebody has locked for long: csdnsd answers, follows when it
# can, and its sessions in PostgreSQL do not pile up behind the lock.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb csdnsd));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'); GRANT csdns_write TO csdnsd;
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'www.a.test', 'A', '192.0.2.1', 60)});
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
my $remote = $csdnsd->remote(timeout => 30);
my $watch = $cluster->dbh('store');

sub sessions {
    return $watch->selectrow_array(q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'csdnsd' AND wait_event_type = 'Lock'});
}

my $locker = $cluster->dbh('store');
$locker->begin_work;
$locker->do('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
$locker->do('UPDATE domains SET notified_serial = 1 WHERE id = 1');
$csdnsd->reload;
wait_until { sessions() == 1 } 5, 'csdnsd to wait for the lock';
my $writing = $csdnsd->remote(timeout => 30);
$writing->send_text(qq({"method":"setNotified","parameters":{"id":1,"serial":5}}\n));
wait_until { sessions() == 2 } 5, 'the write to wait for the lock';
like $writing->read_line, qr/"result":false.*lock timeout/, 'a write that cannot have its lock fails';
is_deeply [map { $_->{content} } $remote->lookup('www.a.test', 'A')], ['192.0.2.1'], 'lookups are answered';
$csdnsd->wait_log(qr/WARNING.*no connection.*lock timeout/, 20);
cmp_ok sessions(), '<=', 1, 'PostgreSQL holds no sessions that csdnsd has left';
$locker->do(q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'new.a.test', 'A', '192.0.2.2', 60)});
$locker->commit;
wait_until { $remote->lookup('new.a.test', 'A') } 20, 'what the lock held back';
pass 'the lock goes: it follows';
is $csdnsd->status->{loads}, 2, 'and the reload that the lock ended has been made';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
