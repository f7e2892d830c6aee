#!/usr/bin/perl
# The connection that a transaction gets. After a reload that names another database
# what is written goes there, also when a transaction was open meanwhile, which ends
# where it began. One that has been free for long is not used again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(wait_until);

need_programs(qw(initdb csdnsd));

my $TRUE = JSON::true();
my $cluster = Csdns::Cluster->new;
for my $db (qw(one two)) {
    $cluster->create_db($db);
    $cluster->install_schema($db);
    $cluster->psql($db, qq{
        INSERT INTO domains (name, type) VALUES ('a.test', 'NATIVE');
        INSERT INTO records (domain_id, name, type, content, ttl) VALUES
            (1, 'a.test', 'SOA', 'ns.a.test hostmaster.a.test 1 2 3 4 5', 60), (1, '$db.a.test', 'A', '192.0.2.1', 60)});
}

my $conf = temp_dir() . '/csdnsd.conf';

sub write_conf {
    my ($db) = @_;
    open my $file, '>', $conf or die "$conf: $!";
    print {$file} 'db = ' . $cluster->conninfo($db, 'pdns') . "\n";
    close $file or die "$conf: $!";
    return;
}

write_conf('one');
my $csdnsd = Csdns::Csdnsd->start(config => $conf);
my ($remote, $other) = map { $csdnsd->remote } 1 .. 2;

sub begin { my ($peer) = @_; return $peer->call('startTransaction', domain => 'a.test.', domain_id => -1, trxid => 1) }
sub commit { my ($peer) = @_; return $peer->call('commitTransaction', trxid => 1) }

sub put {
    my ($peer, $name) = @_;
    return $peer->call('replaceRRSet', domain_id => 1, qname => "$name.", qtype => 'TXT', trxid => 1,
        rrset => [{ qname => "$name.", qtype => 'TXT', qclass => 1, ttl => 60, content => '"x"', auth => $TRUE }]);
}

# The names with TXT records in both databases.
sub written { return join '|', map { $cluster->psql($_, q{SELECT string_agg(name, ' ' ORDER BY name) FROM records WHERE type = 'TXT'}) } qw(one two) }

begin($_) for $remote, $other;
is put($remote, 'begun.a.test'), $TRUE, 'a transaction is open';
write_conf('two');
$csdnsd->reload;
wait_until { scalar $csdnsd->remote->lookup('two.a.test', 'A') } 20, 'the other database to be served';
is commit($remote), $TRUE, 'it is committed';
is written(), 'begun.a.test|', 'where it began';
is $other->call('abortTransaction', trxid => 1), $TRUE, 'another one is rolled back';
for my $n (1 .. 3) {
    is begin($_), $TRUE, "transaction $n after the reload" for $remote, $other;
    put($remote, "new$n.a.test");
    is commit($remote), $TRUE, 'is committed';
    $other->call('abortTransaction', trxid => 1);
}
is written(), 'begun.a.test|new1.a.test new2.a.test new3.a.test', 'in the database that the configuration names now';
is put($remote, 'single.a.test'), $TRUE, 'a write by itself';
is written(), 'begun.a.test|new1.a.test new2.a.test new3.a.test single.a.test', 'goes there too';
is $csdnsd->stop, 0, 'csdnsd ends well';

# The backends of three transactions, one after the other.
sub backends {
    my (%env) = @_;
    my $daemon = Csdns::Csdnsd->start(db => $cluster->conninfo('two', 'pdns'), env => \%env);
    my $peer = $daemon->remote;
    my @pids;
    for (1 .. 3) {
        begin($peer);
        push @pids, $cluster->psql('two', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'csdnsd transaction' AND state LIKE 'idle in%'});
        commit($peer);
    }
    is $daemon->stop, 0, 'csdnsd ends well';
    return scalar keys %{ { map { $_ => 1 } @pids } };
}

is backends(), 1, 'a connection is used again';
SKIP: {
    skip 'csdnsd was built without --enable-test-hooks', 2 if !Csdns::Csdnsd->has_hooks;
    is backends(CSDNS_TEST_REUSE_MS => 0), 3, 'but not when it has been free for too long';
}
done_testing;
