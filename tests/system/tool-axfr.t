#!/usr/bin/perl
# csdns import --axfr: transfers in which not each message is signed (RFC 8945 section 5.3.1), with dig as the judge of the
# server that makes them; and what nobody may believe: signatures that are left out, wrong, old or another's, and messages
# that were changed, lost or put in between them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use MIME::Base64 qw(encode_base64);
use Test::More;

use Csdns::Cluster;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Tool;

need_programs(qw(initdb csdns dig));

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $op = Csdns::Tool->new(cluster => $cluster, db => 'store');
my $dir = temp_dir();
plan(skip_all => 'this csdns was built without ldns') if $op->run('import', 'x')->{err} =~ /built without ldns/;

my $KEY = 'transfer.key';
my $SECRET = encode_base64('a secret of 32 octets, for tests', '');
my $key_file = "$dir/key";
open my $out, '>', $key_file or die "key: $!";
print {$out} "hmac-sha256:$KEY:$SECRET\n";
close $out or die "key: $!";

# zone => [plan, or for what is to be refused, plan and reason]
my $WRONG = qr/the answer's signature is wrong/;
my %zones = (
    'each' => ['ssss'],
    'one' => ['s'],
    'second' => ['susususus'],
    'most' => ['s' . ('u' x 99) . 's' . ('u' x 99) . 's'],
    'many' => ['s' . ('u' x 100) . 's', qr/too many messages of the answer in a row are not signed/],
    'first' => ['usss', qr/the first message of the answer is not signed/],
    'none' => ['uuu', qr/the first message of the answer is not signed/],
    'last' => ['suusuu', qr/the last message of the answer is not signed/],
    'only-first' => ['su', qr/the last message of the answer is not signed/],
    'bad-first' => ['bsss', $WRONG],
    'bad-last' => ['suub', $WRONG],
    'bad-between' => ['suubuus', $WRONG],
    'changed' => ['sufus', $WRONG],
    'lost' => ['sudus', $WRONG],
    'put-in' => ['suius', $WRONG],
    'put-in-signed' => ['sis', $WRONG],
    'lost-signed' => ['sdss', $WRONG],
    'old' => ['suuo', qr/the answer was signed at another time: is a clock off\?/],
    'old-first' => ['os', qr/the answer was signed at another time: is a clock off\?/],
    'other-key' => ['suuk', qr/the answer is signed with another key/],
    'other-key-first' => ['ksss', qr/the answer is signed with another key/],
    'cut' => ['suhus', qr/the transfer broke off/],
);
my $port = free_port();
my $server = Csdns::Process->start(
    name => 'signed_transfer', log => "$dir/server", env => { SECRET => $SECRET },
    command => [$^X, "$FindBin::Bin/../double/signed_transfer", $port, $KEY, map {"$_.test=$zones{$_}[0]"} sort keys %zones],
);
$server->wait_ready(sub { $server->log_text =~ /^ready$/m }, 10);

sub rows { my ($zone) = @_; return $cluster->psql('store', "SELECT count(*) FROM records r JOIN domains d ON d.id = r.domain_id WHERE d.name = '$zone'") }

for my $name (sort keys %zones) {
    my ($plan, $why) = @{ $zones{$name} };
    my $zone = "$name.test";
    my $done = $op->run('import', $zone, '--axfr', "127.0.0.1:$port", '--tsig-key-file', $key_file, '--yes');
    if ($why) {
        is $done->{status}, 1, "$name: refused";
        like $done->{err}, qr/^csdns: zone "\Q$zone\E" from 127\.0\.0\.1:$port: $why$/m, 'with the reason';
        is rows($zone), 0, 'and nothing is stored';
        next;
    }
    is $done->{status}, 0, "$name: taken" or diag $done->{err};
    is rows($zone), length $plan, 'the SOA and an address for each further message';
    my $dug = run_program(command => [find_program('dig'), '@127.0.0.1', '-p', $port, '-y', "hmac-sha256:$KEY:$SECRET", $zone, 'AXFR']);
    unlike "$dug->{out}$dug->{err}", qr/verify|validated|failed|expected/i, 'dig has nothing against the signatures either';
    is scalar(() = $dug->{out} =~ /^h\d+\.\Q$zone\E\..*\sA\s/mg), -1 + length $plan, 'and sees the same addresses';
}

# without a key nothing is asked of the signatures
is $op->run('import', 'last.test', '--axfr', "127.0.0.1:$port", '--yes')->{status}, 0, 'without a key';
done_testing;
