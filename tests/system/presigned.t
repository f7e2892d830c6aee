#!/usr/bin/perl
# Zones that are signed where they come from, with NSEC and with NSEC3: transferred from
# named into secondary zones through the remote backend, beside the same through
# gpgsql. They are served as PRESIGNED, and BIND's tools find answers and denials valid.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Named;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Twin;
use Csdns::Validate;

need_programs(qw(named dnssec-keygen dnssec-signzone dnssec-verify dig delv));
my %nsec3 = ('nsec.test' => [], 'nsec3.test' => [qw(-3 ab -H 1)]);
my $dir = temp_dir();

sub run {
    my (@command) = @_;
    my $done = run_program(command => [find_program(shift @command), @command], cwd => $dir);
    die "@command: $done->{err}$done->{out}" if $done->{status} != 0;
    return;
}

# The text of the zone, signed.
sub signed_zone {
    my ($zone) = @_;
    open my $out, '>', "$dir/$zone" or die "$zone: $!";
    print {$out} <<"ZONE";
\$TTL 300
@ SOA ns.$zone. hostmaster.$zone. 7 3600 600 604800 60
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
a.b.ent TXT "x"
*.wild A 192.0.2.2
sub NS ns.sub
ns.sub A 192.0.2.3
zzz A 192.0.2.4
ZONE
    close $out or die "$zone: $!";
    run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', '-f', 'KSK', $zone);
    run('dnssec-keygen', '-q', '-a', 'ECDSAP256SHA256', $zone);
    run('dnssec-signzone', '-q', '-S', @{ $nsec3{$zone} }, '-o', $zone, '-f', "$dir/$zone.signed", "$dir/$zone");
    open my $in, '<', "$dir/$zone.signed" or die "$zone: $!";
    local $/ = undef;
    return <$in>;
}

my $twin = Csdns::Twin->new(pdns => { secondary => 'yes', xfr_cycle_interval => 1, secondary_do_renotify => 'no', dnssec_key_cache_ttl => 0, zone_metadata_cache_ttl => 0 });
my $port = free_port();
$twin->psql("INSERT INTO domains (name, type, master) VALUES ('$_', 'SLAVE', '127.0.0.1:$port')") for sort keys %nsec3;
my $named = Csdns::Named->new(port => $port, zones => { map { $_ => signed_zone($_) } keys %nsec3 });
my $validator = Csdns::Validate->new(port => $twin->pdns('remote')->port);

for my $zone (sort keys %nsec3) {
    $twin->retrieve($zone);
    $twin->arrives($zone, $zone, 7);
}
$twin->same_tables('both zones', qw(records soa serials metadata));
like $twin->table('remote', 'metadata'), qr/^nsec\.test\|PRESIGNED\|1\nnsec3\.test\|NSEC3PARAM\|1 0 1 ab\nnsec3\.test\|PRESIGNED\|1$/m, 'PowerDNS has set what says so';
$twin->csdnsd->wait_current($twin->cluster->dbh('remote'));

for my $zone (sort keys %nsec3) {
    my %lines = map { $_ => join "\n", sort @{ ($twin->pdns($_)->dns->transfer($zone))[0] // ['none'] } } $twin->sides;
    is $lines{remote}, $lines{gpgsql}, "$zone, transferred on, is the same as gpgsql's";
    # PowerDNS keeps the parameters of NSEC3, but not the TTL that their record had, here 0.
    is $validator->dnssec_verify($zone, edit => sub {s/^(\S+\s+)\d+(\s+IN\s+NSEC3PARAM)/${1}0$2/m}), '', "dnssec-verify takes $zone, transferred on";
    my $anchors = $validator->anchors($zone);
    for my $question (['www', 'A'], ['www', 'TXT'], ['nothing', 'A'], ['b.ent', 'A'], ['x.wild', 'A'], ['x.wild', 'TXT'], ['a.zzz', 'A'], ['0', 'A']) {
        my ($label, $type) = @$question;
        like $validator->delv($zone, $anchors, "$label.$zone", $type), qr/fully validated/, "delv validates $label.$zone $type";
    }
    for my $question (['www', 'A'], ['nothing', 'A'], ['b.ent', 'A'], ['x.wild', 'A'], ['sub', 'DS'], ['a.sub', 'A'], ['0', 'A']) {
        my ($label, $type) = @$question;
        my %text = map { $_ => $twin->pdns($_)->dns->ask("$label.$zone", $type, do => 1)->{text} } $twin->sides;
        is $text{remote}, $text{gpgsql}, "$label.$zone $type: the same answer as gpgsql's";
    }
}
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
