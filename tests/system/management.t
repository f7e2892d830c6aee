#!/usr/bin/perl
# The two PowerDNS instances of pdns-conf/ side by side, as an operator runs them:
# zones and records made through the management instance's tools and HTTP API are
# answered by the edge at once; the edge sends NOTIFY and keeps account of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Select;
use IO::Socket::INET;
use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs source_dir);
use Csdns::Wait;

need_programs(qw(initdb csdnsd pdns_server pdnsutil pdns:remote pdns:gpgsql));

# --- the files as they are ---

for my $conf (glob source_dir() . '/pdns-conf/*.conf') {
    my ($name) = $conf =~ m{([^/]+)$};
    my $dir = temp_dir();
    symlink $conf, "$dir/pdns.conf" or die "symlink: $!";
    my $done = run_program(command => [find_program('pdns_server'), "--config-dir=$dir", '--config=check']);
    is $done->{status}, 0, "$name: PowerDNS finds nothing wrong with it";
    open my $file, '<', $conf or die "$conf: $!";
    my @settings = grep {/^[a-z]/} <$file>;
    cmp_ok scalar(@settings), '>', 10, "$name: it says what it sets";
}

# --- store, csdnsd, edge, management ---

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'pdns'));
my $management = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('store', 'pdns'));
my $notify_port = free_port();
my $notified = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $notify_port, Proto => 'udp') or die "udp: $!";
my $edge = Csdns::Pdns->remote(
    socket => $csdnsd->socket, primary => 'yes', xfr_cycle_interval => 1, also_notify => "127.0.0.1:$notify_port",
    only_notify => '',
);
my $dns = $edge->dns;

sub answer { my ($name, $type) = @_; my $reply = $dns->ask($name, $type); return join '|', $reply->{rcode}, @{ $reply->{answer} } }

sub soon {
    my ($what, $name, $type, $expected) = @_;
    Csdns::Wait::try_until { answer($name, $type) =~ $expected } 5;
    like answer($name, $type), $expected, $what;
    return;
}

# --- pdnsutil ---

soon 'no zone', 'util.test', 'SOA', qr/^REFUSED/;
$management->pdnsutil('create-zone', 'util.test', 'ns1.util.test');
soon 'pdnsutil create-zone', 'util.test', 'SOA', qr/^NOERROR.*SOA/;
$management->pdnsutil('add-record', 'util.test', 'www', 'A', '300', '192.0.2.1');
soon 'pdnsutil add-record', 'www.util.test', 'A', qr/300 IN A 192\.0\.2\.1$/;
$management->pdnsutil('replace-rrset', 'util.test', 'www', 'A', '300', '192.0.2.2', '192.0.2.3');
soon 'pdnsutil replace-rrset', 'www.util.test', 'A', qr/192\.0\.2\.2\|.*192\.0\.2\.3$/;
$management->pdnsutil('delete-rrset', 'util.test', 'www', 'A');
soon 'pdnsutil delete-rrset', 'www.util.test', 'A', qr/^NXDOMAIN/;
like $management->pdnsutil('check-all-zones'), qr/Checked 1 zones, 0 had errors/, 'pdnsutil check-all-zones';
$management->pdnsutil('delete-zone', 'util.test');
soon 'pdnsutil delete-zone', 'util.test', 'SOA', qr/^REFUSED/;

# --- HTTP API ---

$management->api(POST => '/zones', {
    name => 'api.test.', kind => 'Native', nameservers => ['ns1.api.test.'],
    rrsets => [{ name => 'ns1.api.test.', type => 'A', ttl => 60, records => [{ content => '192.0.2.9', disabled => JSON::PP::false() }] }],
});
soon 'API: a zone', 'ns1.api.test', 'A', qr/60 IN A 192\.0\.2\.9$/;

sub patch {
    my ($name, $type, $changetype, @contents) = @_;
    return $management->api(PATCH => '/zones/api.test.', { rrsets => [{
        name => "$name.", type => $type, ttl => 120, changetype => $changetype,
        records => [map { { content => $_, disabled => JSON::PP::false() } } @contents],
    }] });
}

my ($serial) = answer('api.test', 'SOA') =~ / SOA \S+ \S+ (\d+)/;
patch('www.api.test', 'A', 'REPLACE', '192.0.2.1', '192.0.2.2');
soon 'API: a record set', 'www.api.test', 'A', qr/192\.0\.2\.1\|.*192\.0\.2\.2$/;
my ($later) = answer('api.test', 'SOA') =~ / SOA \S+ \S+ (\d+)/;
cmp_ok $later, '>', $serial, 'the serial has moved';
patch('www.api.test', 'A', 'DELETE');
patch('www.api.test', 'CNAME', 'REPLACE', 'ns1.api.test.');
soon 'API: a CNAME in its place', 'www.api.test', 'A', qr/CNAME ns1\.api\.test\.\|.*192\.0\.2\.9$|192\.0\.2\.9\|.*CNAME/;
patch('mail.api.test', 'MX', 'REPLACE', '10 ns1.api.test.');
soon 'API: MX', 'mail.api.test', 'MX', qr/120 IN MX 10 ns1\.api\.test\.$/;
patch('text.api.test', 'TXT', 'REPLACE', '"one" "two"');
soon 'API: TXT', 'text.api.test', 'TXT', qr/TXT "one" "two"$/;
ok !eval { patch('bad.api.test', 'A', 'REPLACE', '192.0.2.300'); 1 }, 'API: nonsense is refused';
soon 'and not there', 'bad.api.test', 'A', qr/^NXDOMAIN/;
$management->api(DELETE => '/zones/api.test.');
soon 'API: the zone is deleted', 'api.test', 'SOA', qr/^REFUSED/;

# --- NOTIFY ---

# The zone that the next NOTIFY is about, answered as a secondary does.
sub next_notify {
    my ($seconds) = @_;
    return if !IO::Select->new($notified)->can_read($seconds);
    my $from = recv $notified, my $packet, 4096, 0;
    my ($id, $flags) = unpack 'n2', $packet;
    return if ($flags >> 11 & 15) != 4;
    send $notified, pack('n2', $id, $flags | 0x8400) . substr($packet, 4), 0, $from;
    my @labels = unpack '(C/a*)*', substr($packet, 12) =~ s/\0.*//sr;
    return join '.', @labels;
}

sub notified_serial { return $dbh->selectrow_array(q{SELECT notified_serial FROM domains WHERE name = 'primary.test'}) }
sub stored_serial { return $dbh->selectrow_array(q{SELECT split_part(content, ' ', 3) FROM records WHERE name = 'primary.test' AND type = 'SOA'}) }

$dbh->do(q{INSERT INTO domains (name, type) VALUES ('primary.test', 'MASTER')});
$dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns1.primary.test hostmaster.primary.test 1 10800 3600 604800 60', 60 FROM domains WHERE name = 'primary.test'});
is next_notify(20), 'primary.test', 'a new primary zone: NOTIFY';
Csdns::Wait::try_until { (notified_serial() // 0) == stored_serial() } 10;
is notified_serial(), stored_serial(), 'and the store knows';
my $told = stored_serial();
$dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, 'www.primary.test', 'A', '192.0.2.1', 60 FROM domains WHERE name = 'primary.test'});
wait_until { (next_notify(1) // '') eq 'primary.test' && stored_serial() > $told } 20, 'the second NOTIFY';
pass 'a row is inserted: NOTIFY, though nobody touched the SOA';
Csdns::Wait::try_until { notified_serial() == stored_serial() } 10;
is notified_serial(), stored_serial(), 'and the store knows';

is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
