#!/usr/bin/perl
# Replies that PowerDNS' unix connector does not finish reading: csdnsd says so, once,
# and only where it is that connector and its timeout is too short.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs);

need_programs(qw(initdb csdnsd pdns_server pdns:remote));
my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
$cluster->psql('store', q{
    INSERT INTO domains (name, type) VALUES ('large.test', 'NATIVE'), ('small.test', 'NATIVE'), ('middle.test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT id, name, 'SOA', 'ns.a.test hostmaster.a.test 1 10800 3600 604800 60', 60 FROM domains;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT 1, 'n' || i || '.large.test', 'A', '192.0.2.3', 60 FROM generate_series(1, 20000) i;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT 2, 'n' || i || '.small.test', 'A', '192.0.2.3', 60 FROM generate_series(1, 1000) i;
    INSERT INTO records (domain_id, name, type, content, ttl) SELECT 3, 'n' || i || '.middle.test', 'A', '192.0.2.3', 60 FROM generate_series(1, 7000) i});
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'pdns'));

sub warnings_of { my ($zone) = @_; return scalar(() = $csdnsd->log_text =~ /WARNING: .*\Q$zone\E.*will not wait/g) }

sub list_is {
    my ($zone, $id, $warnings, $what, %initialize) = @_;
    my $list = $csdnsd->remote(initialize => \%initialize)->call('list', zonename => "$zone.", domain_id => $id);
    cmp_ok scalar @$list, '>', 1000, "$what: $zone is listed";
    return is warnings_of($zone), $warnings, "$what: $warnings warnings";
}

my %unix = (path => $csdnsd->socket);
list_is('large.test', 1, 0, 'pipe', command => 'csdns-pipe', timeout => '0');
list_is('large.test', 1, 0, 'unix, a long timeout', %unix, timeout => '60000');
list_is('small.test', 2, 0, 'unix, a small zone', %unix);
list_is('middle.test', 3, 0, 'unix, two seconds without saying so', %unix);
list_is('middle.test', 3, 1, 'unix, half a second', %unix, timeout => '500');
list_is('large.test', 1, 1, 'unix, two seconds', %unix, timeout => '2000');
list_is('large.test', 1, 1, 'once more', %unix, timeout => '2000');
like $csdnsd->log_text, qr/large\.test.*list: PowerDNS will not wait for the reply, 20001 records: its unix connector reads \d+ octets.*timeout is 2000 ms/, 'with what it is about';

# What the warning says happens, with the real one.
$csdnsd->kill_hard;
$csdnsd->spawn;
my $pdns = Csdns::Pdns->remote(socket => $csdnsd->socket, timeout => 1000, allow_axfr_ips => '127.0.0.0/8');
my ($records) = $pdns->dns(timeout => 30)->transfer('large.test');
ok !$records, 'PowerDNS gives up the transfer';
is warnings_of('large.test'), 1, 'and csdnsd has said why';
ok scalar @{ ($pdns->dns(timeout => 30)->transfer('small.test'))[0] // [] }, 'a small one is transferred';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
