#!/usr/bin/perl
# Incremental transfers. In: what named changed comes as deltas into a secondary zone
# with the metadata IXFR, through the remote backend, beside the same through gpgsql.
# Out: what PowerDNS answers who asks for a difference.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Named;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Twin;
use Csdns::Wait qw(wait_until);

need_programs(qw(named dig));
my @ZONE = qw(records soa serials);
my $twin = Csdns::Twin->new(pdns => { secondary => 'yes', primary => 'yes', xfr_cycle_interval => 1, secondary_do_renotify => 'no', only_notify => '' });
my $port = free_port();
$twin->psql("INSERT INTO domains (name, type, master) VALUES ('a.test', 'SLAVE', '127.0.0.1:$port');
    INSERT INTO domainmetadata (domain_id, kind, content) SELECT id, 'IXFR', '1' FROM domains");

# The zone with this serial and these records; some that stay as they are.
sub zone {
    my ($serial, @lines) = @_;
    return join '', map {"$_\n"} '$TTL 300', "\@ IN SOA ns.a.test. hostmaster.a.test. $serial 3600 600 604800 60", '@ NS ns.a.test.', 'ns A 192.0.2.53',
        (map {"stays$_ A 192.0.2.$_"} 1 .. 50), @lines;
}

my $named = Csdns::Named->new(port => $port, notify => $twin->ports, zones => { 'a.test' => zone(1, 'www A 192.0.2.1') });
$twin->retrieve('a.test');
$twin->arrives('the zone', 'a.test', 1);
$twin->same_tables('the zone', @ZONE);

# What is not touched by a delta keeps its rows.
sub rows_of_what_stays { return $twin->cluster->psql('remote', q{SELECT string_agg(id::text, ' ' ORDER BY id) FROM records WHERE name LIKE 'stays%'}) }
my $rows = rows_of_what_stays();

sub change {
    my ($what, $serial, @lines) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $named->change_zone('a.test', zone($serial, @lines));
    $twin->arrives($what, 'a.test', $serial);
    $twin->same_tables($what, @ZONE);
    is rows_of_what_stays(), $rows, "$what: only what changed was written";
    return;
}

change('a record more in a set', 2, 'www A 192.0.2.1', 'www A 192.0.2.2');
change('one less', 3, 'www A 192.0.2.2');
change('a new name', 4, 'www A 192.0.2.2', 'deep.er.name TXT "one two" "th\\"ree"');
change('another type', 5, 'www A 192.0.2.2', 'deep.er.name TXT "one two" "th\\"ree"', 'www AAAA 2001:db8::1', '@ MX 10 Mail', 'mail A 192.0.2.3');
change('another TTL', 6, 'www 60 A 192.0.2.2', 'www AAAA 2001:db8::1');
change('names that go', 7, 'www A 192.0.2.2');
change('a CNAME for addresses', 8, 'www CNAME stays1');
change('many', 9, 'www A 192.0.2.2', (map {"new$_ A 192.0.2.$_"} 1 .. 20), '_s._tcp SRV 1 2 3 www', 'sub NS ns.sub', 'ns.sub A 192.0.2.4', 'odd\\.dot A 192.0.2.5');
change('back', 10, 'www A 192.0.2.2');
for my $serial (2 .. 10) {
    like $twin->pdns('remote')->log_text, qr/^.*IXFR-in zone:? 'a\.test'.* got 1 delta, zone committed with serial $serial$/m, "serial $serial came as IXFR";
}

# --- several deltas at once ---

sub serial_of_named { return $named->dns->ask('a.test', 'SOA')->{answer}[0] =~ / IN SOA \S+ \S+ (\d+) / ? $1 : 0 }

$twin->pdns($_)->stop for $twin->sides;
for my $step ([11, 'www A 192.0.2.2', 'www A 192.0.2.9'], [12, 'www A 192.0.2.9', 'once A 192.0.2.1'], [13, 'www A 192.0.2.9', 'www A 192.0.2.10', 'twice A 192.0.2.2']) {
    my ($serial, @lines) = @$step;
    $named->change_zone('a.test', zone($serial, @lines));
    wait_until { serial_of_named() == $serial } 10, "named to have serial $serial";
}
$twin->pdns($_)->start for $twin->sides;
$twin->retrieve('a.test');
$twin->arrives('three deltas', 'a.test', 13);
$twin->same_tables('three deltas', @ZONE);
is rows_of_what_stays(), $rows, 'three deltas: only what changed was written';
my $sorted = join ' ', sort map { (split)[4] } @{ $twin->pdns('remote')->dns->ask('www.a.test', 'A')->{answer} };
is $sorted, '192.0.2.10 192.0.2.9', 'they are answered';
is $twin->csdnsd->status->{transactions}, 0, 'no transaction is left';

# --- a delta that cannot be stored ---

$twin->psql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON records FOR EACH ROW WHEN (NEW.name = 'refused.a.test') EXECUTE FUNCTION refuse()});
my $before = $twin->table('remote', 'records');
$named->change_zone('a.test', zone(14, 'www A 192.0.2.11', 'refused A 192.0.2.12'));
$twin->csdnsd->wait_log(qr/not this one/, 20);
is $twin->table('remote', 'records'), $before, 'nothing of it is stored';
is $twin->serial('remote', 'a.test'), 13, 'and the serial stays';
$twin->psql('DROP TRIGGER refuse ON records');
$twin->retrieve('a.test');
$twin->arrives('the same again', 'a.test', 14);
$twin->same_tables('the same again', @ZONE);

# --- the whole zone as the answer to IXFR ---

# named does that when the differences are more than the zone. PowerDNS then feeds two SOAs (its issue 12984): csdnsd
# takes one, and of those that gpgsql puts into the table the schema leaves one.
$named->change_zone('a.test', zone(15, map {"more$_ A 192.0.2.$_"} 1 .. 200));
$twin->arrives('a whole zone', 'a.test', 15);
$twin->same_tables('a whole zone', @ZONE);
is $twin->table('remote', q{SELECT count(*) FROM records WHERE type = 'A'}), 251, 'all of it';
for my $side ($twin->sides) {
    like $twin->pdns($side)->log_text, qr/AXFR-in zone:? 'a\.test'.* zone committed with serial 15$/m, "as the answer to IXFR ($side)";
}

# --- out ---

# What is answered to who has this serial: the records, in their order.
sub difference {
    my ($side, $serial) = @_;
    my $done = run_program(command => [find_program('dig'), '@127.0.0.1', '-p', $twin->pdns($side)->port, 'a.test', "IXFR=$serial", qw(+noall +answer +tcp)]);
    return map { join ' ', split } split /\n/, $done->{out};
}

my $soa = 'a.test. 300 IN SOA ns.a.test. hostmaster.a.test. 15 3600 600 604800 60';
for my $side ($twin->sides) {
    is_deeply [difference($side, 15)], [$soa], "who has this serial is told that there is nothing new ($side)";
    my @all = difference($side, 14);
    is_deeply [@all[0, -1]], [$soa, $soa], "who has an older one gets the whole zone ($side)";
    is scalar(grep {/ A 192\.0\.2\./} @all), 251, "all of it ($side)";
}
is_deeply [sort(difference('remote', 14))], [sort(difference('gpgsql', 14))], 'the same from both';
is $twin->csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
