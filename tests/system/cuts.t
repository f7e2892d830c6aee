#!/usr/bin/perl
# Connections to PostgreSQL that break at random octets: while csdnsd connects, in
# a load, in a step from one version to the next, with an end, a reset, a pause
# before it, or in small pieces. After each round of cuts every csdnsd must catch
# up, and what it serves must equal the tables.
#
# CSDNS_SEED=n   the choices       CSDNS_CUTS=n   how many (1000), or
# CSDNS_SECONDS=n   for how long at most (50)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Mirror qw(store_contents mirror_contents content_differences);
use Csdns::Programs qw(need_programs);
use Csdns::Proxy;
use Csdns::Wait qw(now_s try_until);
use Csdns::Zones qw(seed draw chance pick);

need_programs(qw(initdb csdnsd));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
my $wanted = $ENV{CSDNS_CUTS} // 1000;
my $until = now_s() + ($ENV{CSDNS_SECONDS} // 50);
seed($seed);
diag "CSDNS_SEED=$seed";

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');
my $zones = Csdns::Zones->new(names => 3);
$zones->store($dbh, $zones->make);

my @sides = map {
    my $proxy = Csdns::Proxy->new(to => $cluster->socket_dir . '/.s.PGSQL.5432');
    my $csdnsd = Csdns::Csdnsd->start(db => $proxy->conninfo($cluster->conninfo('store', 'csdnsd')), name => "csdnsd $_");
    { proxy => $proxy, csdnsd => $csdnsd, remote => $csdnsd->remote };
} 1 .. 16;

# A reload that somebody asked for is made, also when its connection breaks.
for my $side (@sides[0 .. 3]) {
    $side->{proxy}->cut(after => 2500, how => 'reset');
    $side->{csdnsd}->reload;
}
for my $side (@sides[0 .. 3]) {
    my $csdnsd = $side->{csdnsd};
    try_until { $csdnsd->status->{loads} == 2 } 15;
    is $csdnsd->status->{loads}, 2, "$csdnsd->{name}: a reload that is cut is made again";
    like $csdnsd->log_text, qr/no connection/, "$csdnsd->{name}: it was cut";
}

# As many octets as a few messages have, a step, or a load: each size as likely.
sub some_octets { return int exp(log(20_000) * draw(1000) / 1000) }

sub fate {
    return (after => some_octets(), how => pick('end', 'reset'), chunk => chance(0.3) ? 1 + draw(50) : 65536,
        stall => chance(0.2) ? draw(50) / 1000 : 0);
}

sub one_change {
    return $dbh->do('TRUNCATE domainmetadata') if chance(0.03);
    return $dbh->do(q{DELETE FROM csdns.version WHERE version < (SELECT max(version) FROM csdns.version)}) if chance(0.03);
    return $zones->change($dbh, steps => 1 + draw(3)) for 1 .. 1 + draw(3);
}

sub one_round {
    for my $side (@sides) {
        $side->{proxy}->cut(fate()) if chance(0.95);
        $side->{proxy}->cut(next => 1, fate()) if chance(0.3);
        $side->{csdnsd}->reload if chance(0.1);
    }
    one_change();
    my $store = store_contents($dbh);
    for my $side (@sides) {
        my @different;
        try_until { @different = content_differences($store, mirror_contents($side->{remote})); !@different } 15;
        return @different if @different;
    }
    return;
}

sub cuts { my $cuts = 0; $cuts += $_->{proxy}->cuts for @sides; return $cuts }

my ($rounds, @different) = (0);
while (!@different && cuts() < $wanted && now_s() < $until) {
    @different = one_round();
    $rounds++;
}
is_deeply \@different, [], sprintf 'everywhere what the tables hold, %d rounds with %d cuts', $rounds, cuts();
diag sprintf '%d rounds, %d cuts', $rounds, cuts();
cmp_ok cuts(), '>', 0, 'there were cuts';
for my $side (@sides) {
    my $csdnsd = $side->{csdnsd};
    cmp_ok $csdnsd->process->open_files, '<', 25, "$csdnsd->{name}: no descriptor is left behind";
    is $csdnsd->stop, 0, "$csdnsd->{name}: ends well";
}
done_testing;
