#!/usr/bin/perl
# Two pdns_servers on one database: one asks csdnsd, the other is PowerDNS' own
# gpgsql backend. The same question must get the same answer from both, section by
# section, for generated zones, and again after random changes.
#
# CSDNS_SEED=n       repeats a run          CSDNS_NAMES=n      names per zone (25)
# CSDNS_SECONDS=n    time for it (60)       CSDNS_QUESTIONS=n  questions a pass (3000)
# CSDNS_EDGE=gpgsql  gpgsql on both sides: a test of this test
# CSDNS_BREAK=1      changes a record behind csdnsd's back: must fail
#
# Accepted difference, and the only one. Empty non-terminals: csdns computes them
# by itself; gpgsql knows them only after "pdnsutil rectify-all-zones". Before that
# gpgsql denies the name (NXDOMAIN) or answers from a wildcard that the empty
# non-terminal should have blocked. Each such case is held to this: the name asked
# for, or one on its CNAME chain, has an empty non-terminal as its closest
# encloser, or one as the wildcard there (made by a.*.example); and csdns' answer
# is the one that gpgsql gives once it is rectified. In the pass after rectify there
# must be no difference at all. The other way round, rows that rectify wrote and
# that have outlived the names below them keep a name alive in gpgsql until the
# next rectify; csdns never needs them, and lets the name go at once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs);
use Csdns::Sentinel;
use Csdns::Wait;
use Csdns::Zones qw(seed);

need_programs(qw(initdb pdns_server pdns:remote pdns:gpgsql pdnsutil));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
my $deadline = now_s() + ($ENV{CSDNS_SECONDS} // 60);
my $questions_a_pass = $ENV{CSDNS_QUESTIONS} // 3000;
my $edge_is_gpgsql = ($ENV{CSDNS_EDGE} // '') eq 'gpgsql';
seed($seed);
diag "CSDNS_SEED=$seed";

# Names sort differently by language than in DNS: a database made for people.
my $cluster = Csdns::Cluster->new(name => 'store');
$cluster->create_db('store', icu => 'en');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');

my $zones = Csdns::Zones->new(names => $ENV{CSDNS_NAMES} // 25);
$zones->store($dbh, $zones->make);
my ($csdnsd, $sentinel);
if (!$edge_is_gpgsql) {
    $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
    $sentinel = Csdns::Sentinel->new(dbh => $dbh, socket => $csdnsd->socket);
}

# DNAME is off in the shipped files; here both sides process it.
my %same = (dname_processing => 'yes', any_to_tcp => 'no');
# The shipped files sign; then gpgsql needs rectify for unsigned zones too, to know which
# names are authoritative. So what is not rectified is compared without.
my %unsigned = (remote => { remote_dnssec => 'no' }, gpgsql => { gpgsql_dnssec => 'no' });
my $conninfo = $cluster->conninfo('store', 'pdns');
my $gpgsql = Csdns::Pdns->gpgsql(conninfo => $conninfo, %same, %{ $unsigned{gpgsql} });
my $edge = $edge_is_gpgsql
    ? Csdns::Pdns->gpgsql(conninfo => $conninfo, name => 'edge', %same, %{ $unsigned{gpgsql} })
    : Csdns::Pdns->remote(socket => $csdnsd->socket, %same, %{ $unsigned{remote} });
our ($ask_gpgsql, $ask_edge) = ($gpgsql->dns, $edge->dns);
my @signing = $edge_is_gpgsql ? ()
    : (Csdns::Pdns->gpgsql(conninfo => $conninfo, name => 'gpgsql-signing', %same), Csdns::Pdns->remote(socket => $csdnsd->socket, name => 'edge-signing', %same));

my %ever;              # each name that was ever in the store
my ($asked, $accepted) = (0, 0);

sub sync { $sentinel->sync if $sentinel; return }

# --- the model of empty non-terminals ---

# All names that own an enabled record or lie between one and its zone's apex:
# name => 1 where it owns one itself, 0 for an empty non-terminal; by zone.
sub names_by_zone {
    my %zone;
    my $rows = $dbh->selectall_arrayref(
        q{SELECT DISTINCT d.name, r.name FROM domains d JOIN records r ON r.domain_id = d.id WHERE NOT r.disabled});
    $zone{ $_->[0] }{ $_->[1] } = 1 for @$rows;
    for my $apex (keys %zone) {
        for my $name (keys %{ $zone{$apex} }) {
            my $above = $name;
            while ($above ne $apex && $above =~ s/^(?:[^.\\]|\\.)+\.//) { $zone{$apex}{$above} //= 0 }
        }
    }
    return \%zone;
}

# Whether the name, or the longest of its parents that exists, or the wildcard
# there, is an empty non-terminal of a zone that holds it.
sub is_at_empty_non_terminal {
    my ($names, $name) = @_;
    $name = lc($name) =~ s/\.\z//r;
    for my $apex (keys %$names) {
        next if $name ne $apex && substr($name, -1 - length $apex) ne ".$apex";
        my $encloser = $name;
        while (!exists $names->{$apex}{$encloser} && $encloser =~ s/^(?:[^.\\]|\\.)+\.//) { }
        return 1 if grep { exists $names->{$apex}{$_} && !$names->{$apex}{$_} } $encloser, "*.$encloser";
    }
    return 0;
}

# The name asked for and every name that the answers lead to.
sub chain {
    my ($question, @replies) = @_;
    my @names = ($question->[0]);
    for my $line (map { @{ $_->{answer} } } @replies) {
        push @names, $1 if $line =~ /^\S+ \d+ IN CNAME (\S+)/;
    }
    return @names;
}

# --- asking and comparing ---

# The serial moves when rectify writes its rows; nothing else may.
sub without_serial {
    my ($text) = @_;
    return $text =~ s/( IN SOA \S+ \S+) \d+ /$1 serial /gr;
}

sub ask_both {
    my ($questions) = @_;
    $asked += @$questions;
    return ($ask_edge->ask_many($questions), $ask_gpgsql->ask_many($questions));
}

# The numbers of the questions whose answers differ, after a second look: a UDP
# packet may get lost on a busy machine.
sub differences {
    my ($questions, $one, $other) = @_;
    my @different = grep { $one->[$_]{text} ne $other->[$_]{text} } 0 .. $#$questions;
    return if !@different;
    my ($again_one, $again_other) = ask_both([@$questions[@different]]);
    @$one[@different] = @$again_one;
    @$other[@different] = @$again_other;
    return grep { $one->[$_]{text} ne $other->[$_]{text} } @different;
}

my $shown = 0;

sub show {
    my ($question, $ours, $theirs, $other_name) = @_;
    return if ++$shown > 8;
    diag "--- @$question\n    csdns:";
    diag map {"    $_\n"} split /\n/, $ours->{text};
    diag "    ", $other_name // 'gpgsql', ':';
    diag map {"    $_\n"} split /\n/, $theirs->{text};
    return;
}

# A pass that allows nothing.
sub same_answers {
    my ($what, $questions) = @_;
    my ($ours, $theirs) = ask_both($questions);
    my @bad = differences($questions, $ours, $theirs);
    show($questions->[$_], $ours->[$_], $theirs->[$_]) for @bad;
    ok !@bad, "$what: " . @$questions . ' answers are equal' . (@bad ? ', but ' . @bad : '');
    return ($ours, $theirs);
}

# A pass before rectify, followed by rectify and a pass that allows nothing.
sub both_passes {
    my ($what) = @_;
    my $questions = $zones->questions($dbh, ever => \%ever, about => $questions_a_pass);
    my $names = names_by_zone();
    my ($before, $plain) = ask_both($questions);
    my @different = differences($questions, $before, $plain);
    my (@bad, @later);
    for my $i (@different) {
        my $at_one = grep { is_at_empty_non_terminal($names, $_) } chain($questions->[$i], $before->[$i], $plain->[$i]);
        push @{ $at_one ? \@later : \@bad }, $i;
    }
    show($questions->[$_], $before->[$_], $plain->[$_]) for @bad;
    ok !@bad, "$what, unrectified: answers are equal except at empty non-terminals (" . @later . ')';
    $accepted += @later;
    same_transfers($what);
    $gpgsql->pdnsutil('rectify-all-zones', 'quiet');
    sync();
    my ($after) = same_answers("$what, rectified", $questions);
    my @moved = $edge_is_gpgsql ? () : grep { without_serial($before->[$_]{text}) ne without_serial($after->[$_]{text}) } 0 .. $#$questions;
    show($questions->[$_], $before->[$_], $after->[$_], 'csdns after rectify') for @moved;
    ok !@moved, "$what: rectify changed none of csdns' answers";
    same_transfers("$what, rectified");
    return if !@signing;
    $signing[0]->pdnsutil('rectify-all-zones', 'quiet');
    sync();
    local ($ask_gpgsql, $ask_edge) = map { $_->dns } @signing;
    # A DS below another delegation is hidden by it; gpgsql takes every DS for authoritative.
    my $hidden = $dbh->selectcol_arrayref(q{SELECT DISTINCT s.name FROM records s JOIN records d USING (domain_id) JOIN domains z ON z.id = s.domain_id
        WHERE s.type = 'DS' AND d.type = 'NS' AND d.name <> z.name AND right(s.name, length(d.name) + 1) = '.' || d.name});
    my %is_hidden = map { $_ => 1 } @$hidden;
    same_answers("$what, rectified, with DNSSEC", [grep { !$is_hidden{ lc $_->[0] } } @$questions]);
    return;
}

sub same_transfers {
    my ($what) = @_;
    my $names = $dbh->selectcol_arrayref('SELECT name FROM domains ORDER BY name');
    my @bad;
    for my $zone (@$names) {
        my ($ours, $reason) = $ask_edge->transfer($zone);
        my ($theirs, $their_reason) = $ask_gpgsql->transfer($zone);
        my @texts = map { join "\n", sort @$_ } $ours // [$reason], $theirs // [$their_reason];
        push @bad, $zone if $texts[0] ne $texts[1];
    }
    ok !@bad, "$what: " . @$names . ' transfers are equal' . (@bad ? ", but @bad" : '');
    return;
}

# Random transactions; empty non-terminals that rectify wrote are taken out again,
# so that csdns computes them and the two passes can be held against each other.
sub change {
    my ($count) = @_;
    $dbh->do(q{DELETE FROM records WHERE coalesce(type, '') = ''});
    my %done;
    for (1 .. $count) { $done{ $zones->change($dbh) // 'refused' }++ }
    note join ', ', map {"$_: $done{$_}"} sort keys %done;
    diag "last refusal: $zones->{refused}" if ($done{refused} // 0) > $count / 2;
    cmp_ok $done{refused} // 0, '<=', $count / 2, "most of $count random changes are accepted";
    return;
}

sync();
if ($ENV{CSDNS_BREAK}) { change_in_secret() }
both_passes('generated zones');
my $round = 0;
do {
    change(40);
    sync();
    both_passes('after changes, round ' . ++$round);
} while ($round < 2 || now_s() < $deadline);
cmp_ok $accepted, '>', 0, "the accepted difference occurred ($accepted times in $asked questions)" if !$edge_is_gpgsql;

# With replication's role set, no trigger runs: gpgsql has the change, csdnsd has not.
sub change_in_secret {
    my ($name) = $dbh->selectrow_array(q{SELECT r.name FROM records r JOIN domains d ON d.id = r.domain_id
        WHERE d.name = 'alpha.test' AND r.name = 'ns1.alpha.test' AND r.type = 'A' AND NOT disabled LIMIT 1}) or return;
    $dbh->begin_work;
    $dbh->do('SET LOCAL session_replication_role = replica');
    $dbh->do(q{UPDATE records SET content = '203.0.113.99' WHERE name = ? AND type = 'A'}, undef, $name);
    $dbh->commit;
    return $name;
}

sub rcodes { my ($name) = @_; return [map { $_->[0]{rcode} } ask_both([[$name, 'A']])] }

SKIP: {
    skip 'gpgsql on both sides', 4 if $edge_is_gpgsql;
    # The accepted difference in both directions, at one name.
    my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES ('ent.test', 'NATIVE') RETURNING id});
    $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES
        (?, 'ent.test', 'SOA', 'ns.ent.test hostmaster.ent.test 1 2 3 4 5', 60), (?, 'a.b.ent.test', 'A', '192.0.2.1', 60)}, undef, $id, $id);
    sync();
    is_deeply rcodes('b.ent.test'), ['NOERROR', 'NXDOMAIN'], 'an empty non-terminal before rectify';
    $gpgsql->pdnsutil('rectify-zone', 'ent.test');
    sync();
    is_deeply rcodes('b.ent.test'), ['NOERROR', 'NOERROR'], 'after rectify';
    $dbh->do(q{DELETE FROM records WHERE name = 'a.b.ent.test'});
    sync();
    is_deeply rcodes('b.ent.test'), ['NXDOMAIN', 'NOERROR'], 'and when what was below it has gone';

    my $name = change_in_secret() or skip 'the seed left no record to change', 1;
    my ($ours, $theirs) = ask_both([[$name, 'A']]);
    ok differences([[$name, 'A']], $ours, $theirs), 'the comparison notices a change that csdnsd was not told of';
}
is $csdnsd->stop, 0, 'csdnsd ends well' if $csdnsd;
done_testing;
