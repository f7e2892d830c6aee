#!/usr/bin/perl
# Several hosts in the connection string, of which the first refuses, drops what it
# is sent, or takes the connection and says nothing: csdnsd goes on to the next.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::INET;
use JSON ();
use Socket qw(inet_aton pack_sockaddr_in);
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Proxy;
use Csdns::SlowName qw(slow_name_env);
use Csdns::Wait qw(wait_until try_until now_s);

need_programs(qw(initdb csdnsd));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE'); GRANT csdns_write TO csdnsd});
my $proxy = Csdns::Proxy->new(to => $cluster->socket_dir . '/.s.PGSQL.5432');

# A queue of connections that is full: the kernel drops what comes.
my $hole = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "hole: $!";
listen $hole, 0;
my @fill = map { IO::Socket::INET->new(Proto => 'tcp', Blocking => 0) } 1 .. 8;
connect $_, pack_sockaddr_in($hole->sockport, inet_aton('127.0.0.1')) for @fill;
# One that nobody takes connections from: the kernel does.
my $mute = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die "mute: $!";

sub conninfo {
    my (@ports) = @_;
    return sprintf 'host=%s port=%s dbname=store user=csdnsd', join(',', map {'127.0.0.1'} @ports), join ',', @ports;
}

my @daemons = map {
    my ($what, @ports) = @$_;
    Csdns::Csdnsd->start(db => conninfo(@ports, $proxy->port), name => $what, wait => 0);
} ['refuses', free_port()], ['drops', $hole->sockport], ['says nothing', $mute->sockport],
    ['all three kinds', $mute->sockport, free_port(), $hole->sockport];
for my $daemon (@daemons) {
    try_until { $daemon->has_data } 30;
    ok $daemon->has_data, "the first host $daemon->{name}: the next one is asked";
}

# A host that turns mute later, as a machine does that is switched off.
my $other = Csdns::Proxy->new(to => $cluster->socket_dir . '/.s.PGSQL.5432');
my $daemon = Csdns::Csdnsd->start(db => conninfo($other->port, $proxy->port), name => 'switched off');
$other->cut(next => 1, after => 0, stall => 1000) for 1 .. 5;
$other->cut(after => 0, how => 'reset');
$cluster->psql('store', q{INSERT INTO domains (name, type) VALUES ('b.test', 'NATIVE')});
$daemon->wait_current($cluster->dbh('store'), 20);
pass 'the host goes, the other one is followed';
is $daemon->status->{loads}, 1, 'without loading everything again';

# The same for writes.
my $remote = $daemon->remote;
my ($id) = $cluster->psql('store', q{SELECT id FROM domains WHERE name = 'b.test'});
wait_until { $remote->call('setNotified', id => $id + 0, serial => 5) } 20, 'a write';
is $cluster->psql('store', q{SELECT notified_serial FROM domains WHERE name = 'b.test'}), 5, 'and written to';
is $_->stop, 0, "$_->{name}: ends well" for @daemons, $daemon;

# --- a name that takes its time ---

SKIP: {
    my $env = slow_name_env(2) or skip 'no C compiler', 3;
    my $slow = Csdns::Csdnsd->start(
        db => conninfo($proxy->port) =~ s/host=/host=slow.test,/r =~ s/port=/port=5432,/r, name => 'slow name',
        env => $env,
    );
    my $peer = $slow->remote;
    $proxy->cut(after => 0);
    $slow->wait_log(qr/WARNING.*no connection/);
    my $longest = 0;
    for (1 .. 50) {
        my $begin = now_s();
        $peer->call('getAllDomains', include_disabled => JSON::true());
        $longest = now_s() - $begin if now_s() - $begin > $longest;
        select undef, undef, undef, 0.01;
    }
    cmp_ok $longest, '<', 1, 'nobody waits while a name of the connection string is looked up';
    $cluster->psql('store', q{INSERT INTO domains (name, type) VALUES ('c.test', 'NATIVE')});
    $slow->wait_current($cluster->dbh('store'), 20);
    pass 'the next host is asked';
    $proxy->cut(after => 0);
    wait_until { $slow->status->{database} eq 'connecting' } 10, 'another attempt';
    is $slow->stop, 0, 'ends well while it connects';
}
done_testing;
