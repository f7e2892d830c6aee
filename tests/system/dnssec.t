#!/usr/bin/perl
# Signed zones: one pdns_server asks csdnsd, the other is PowerDNS' own gpgsql backend
# on the same database. csdnsd answers from the rows as they are written; gpgsql after
# "pdnsutil rectify-zone". The answers must be equal but for signatures' octets and
# times: names, types, denials, wildcards, delegations, for NSEC, NSEC3, opt-out and
# narrow, then again after random changes. BIND's tools, which know nothing of
# PowerDNS, have to find them valid: dnssec-verify whole zones, delv single answers.
#
# CSDNS_SEED=n repeats a run    CSDNS_SECONDS=n time for random changes (20)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Canonical qw(canonical_line);
use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs);
use Csdns::Sentinel;
use Csdns::Validate;
use Csdns::Wait;
use Csdns::Zones qw(seed draw pick);

need_programs(qw(initdb pdns_server pdns:remote pdns:gpgsql pdnsutil dig delv dnssec-verify));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
my $deadline;
seed($seed);
diag "CSDNS_SEED=$seed";

my $cluster = Csdns::Cluster->new(name => 'store');
$cluster->create_db('store', icu => 'en');
$cluster->install_schema('store');
my $dbh = $cluster->dbh('store');
my $csdnsd = Csdns::Csdnsd->start(db => $cluster->conninfo('store', 'csdnsd'));
my $sentinel = Csdns::Sentinel->new(dbh => $dbh, socket => $csdnsd->socket);
my %same = (any_to_tcp => 'no', dnssec_key_cache_ttl => 0, zone_metadata_cache_ttl => 0);
my $gpgsql = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('store', 'pdns'), gpgsql_dnssec => 'yes', %same);
my $edge = Csdns::Pdns->remote(socket => $csdnsd->socket, remote_dnssec => 'yes', %same);
my $validator = Csdns::Validate->new(port => $edge->port);

# --- the zones ---

my %zones = (
    'nsec.test' => { keys => 'csk' },
    'nsec3.test' => { keys => 'pair', nsec3 => '1 0 1 ab' },
    'optout.test' => { keys => 'csk', nsec3 => '1 1 0 -' },
    # Not compared: empty non-terminals above nothing but delegations. gpgsql has no
    # NSEC3 for them with opt-out, or has one and says that they prove nothing, and makes
    # one up where it needs it; csdnsd always has one. BIND's tools judge.
    'bare.test' => { keys => 'csk', nsec3 => '1 1 1 5a', alone => 1 },
    'narrow.test' => { keys => 'pair', nsec3 => '1 0 1 cafe', narrow => 1 },
);
my $ds = '12345 13 2 ' . 'ab' x 32;

# Below a delegation only addresses: gpgsql gives other types there a place in the
# chain of NSEC, which is not right.
my @first = (
    ['', 'NS', 'ns1'], ['', 'MX', '10 mail'], ['', 'TXT', '"apex"'], ['ns1', 'A', '192.0.2.1'], ['www', 'A', '192.0.2.2'],
    ['www', 'AAAA', '2001:db8::2'], ['mail', 'A', '192.0.2.3'], ['alias', 'CNAME', 'www'], ['dangling', 'CNAME', 'nothing'],
    ['away', 'CNAME', 'www.example.net.'], ['*.wild', 'TXT', '"wild"'], ['x.wild', 'A', '192.0.2.4'], ['*.cwild', 'CNAME', 'www'],
    ['a.b.ent', 'A', '192.0.2.5'], ['e.f.g.h.deep', 'TXT', '"deep"'], ['deleg', 'NS', 'ns.deleg'], ['ns.deleg', 'A', '192.0.2.6'],
    ['a.b.deleg', 'A', '192.0.2.6'], ['secure', 'NS', 'ns.secure'], ['secure', 'DS', $ds], ['ns.secure', 'A', '192.0.2.7'],
    ['plain.insecure', 'NS', 'ns1'], ['plain.mixed', 'NS', 'ns1'], ['secure.mixed', 'NS', 'ns1'], ['secure.mixed', 'DS', $ds],
    ['0', 'A', '192.0.2.8'], ['zzz', 'A', '192.0.2.9'], ['do\\.t', 'A', '192.0.2.10'], ['sp\\032ace', 'A', '192.0.2.11'],
    ['_sip._tcp', 'SRV', '1 2 3 www'], (map { ["host-$_", 'A', "192.0.2.$_"] } 20 .. 40),
);

sub full { my ($name, $zone) = @_; return $name eq '' ? $zone : "$name.$zone" }

# Names in contents are relative to the zone, or end with a dot.
sub content {
    my ($zone, $type, $content) = @_;
    return $content if $type !~ /^(?:NS|CNAME|MX|SRV)$/;
    return $content =~ /\.$/ ? $content : "$content.$zone";
}

sub insert {
    my ($zone, @rows) = @_;
    my $insert = $dbh->prepare('INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (?, ?, ?, ?, 300, NULL, ?)');
    $insert->execute($zones{$zone}{id}, full($_->[0], $zone), $_->[1], content($zone, @$_[1, 2]), $_->[3] // 0) for @rows;
    return;
}

for my $zone (sort keys %zones) {
    $dbh->begin_work;
    ($zones{$zone}{id}) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, undef, $zone);
    insert($zone, map { ["a.$_", 'A', '192.0.2.12'] } 'insecure', 'mixed') if $zone eq 'optout.test';
    insert($zone, ['', 'SOA', "ns1.$zone hostmaster.$zone 1 10800 3600 604800 60"], @first, ['off', 'A', '192.0.2.99', 1]);
    $dbh->commit;
    if ($zones{$zone}{keys} eq 'csk') { $gpgsql->pdnsutil('secure-zone', $zone) }
    else {
        for my $role (qw(ksk zsk)) { $gpgsql->pdnsutil('add-zone-key', $zone, $role, 'active', 'published', 'ecdsa256') }
    }
    $gpgsql->pdnsutil('set-nsec3', $zone, $zones{$zone}{nsec3}, $zones{$zone}{narrow} ? 'narrow' : ()) if $zones{$zone}{nsec3};
}

# --- asking ---

# Rectify moves the serial.
sub canonical_reply {
    my ($reply) = @_;
    return join "\n", "rcode $reply->{rcode} aa $reply->{aa}",
        map { my $section = $_; map {"$section: $_"} sort map { canonical_line($_, 1) } @{ $reply->{$section} } } qw(answer authority additional);
}

sub ask { my ($server, $questions) = @_; return map { canonical_reply($_) } @{ $server->dns->ask_many($questions, do => 1) } }

my $shown = 0;

sub same {
    my ($what, $questions, $ours, $theirs, $other) = @_;
    my @bad = grep { $ours->[$_] ne $theirs->[$_] } 0 .. $#$questions;
    for my $i (@bad) {
        next if ++$shown > 6;
        diag "--- @{ $questions->[$i] }\n    csdns:\n", (map {"      $_\n"} split /\n/, $ours->[$i]), "    $other:\n", map {"      $_\n"} split /\n/, $theirs->[$i];
    }
    return ok !@bad, "$what: " . @$questions . ' answers are equal' . (@bad ? ', but ' . @bad : '');
}

# Names of the zone and near them, each with some types.
sub questions {
    my ($zone, $about) = @_;
    my $names = $dbh->selectcol_arrayref('SELECT DISTINCT name FROM records WHERE domain_id = ? ORDER BY 1', undef, $zones{$zone}{id});
    my %ask;
    $ask{"$zone $_"} = 1 for qw(SOA NS DNSKEY NSEC3PARAM NSEC DS CDS TXT AAAA);
    $ask{"$_.$zone A"} = 1 for '\\000', '!', 'zzzzz', '~', '\\255', 'a' x 63;
    for my $name (@$names) {
        my $parent = $name eq $zone ? $zone : $name =~ s/^(?:[^.\\]|\\.)+\.//r;
        for my $near ($name, $name, $name, $name, "q.$name", "q.r.$name", "*.$name", "\\000.$name", "-$name", $parent, "q.$parent", "ab.$parent") {
            next if length $near > 200 || $near !~ /(?:^|\.)\Q$zone\E$/;
            $ask{"$near " . pick(qw(A A AAAA TXT DS NS NSEC MX SRV CNAME SOA))} = 1;
        }
    }
    my @questions = map { [split / /] } sort keys %ask;
    splice @questions, draw(scalar @questions), 1 while $about && @questions > $about;
    return \@questions;
}

# csdnsd answers from the rows as they are; gpgsql after rectify.
sub compare {
    my ($what, $about) = @_;
    $sentinel->sync;
    my @compared = grep { !$zones{$_}{alone} } sort keys %zones;
    my %questions = map { $_ => questions($_, $about) } @compared;
    my %before = map { $_ => [ask($edge, $questions{$_})] } @compared;
    for my $zone (@compared) { $gpgsql->pdnsutil('rectify-zone', $zone) }
    $sentinel->sync;
    for my $zone (@compared) {
        same("$what, $zone", $questions{$zone}, $before{$zone}, [ask($gpgsql, $questions{$zone})], 'gpgsql');
        same("$what, $zone, rectified", $questions{$zone}, [ask($edge, $questions{$zone})], $before{$zone}, 'csdns before');
    }
    # Rows that rectify wrote are taken out again: csdnsd must not need them.
    $dbh->do(q{DELETE FROM records WHERE coalesce(type, '') = ''});
    $dbh->do(q{UPDATE records SET auth = true, ordername = NULL});
    return;
}

# --- validation ---

sub verify_zones {
    my ($what) = @_;
    $sentinel->sync;
    for my $zone (grep { !$zones{$_}{narrow} } sort keys %zones) {
        my $complaint = $validator->dnssec_verify($zone);
        is $complaint, '', "$what: dnssec-verify takes $zone";
    }
    return;
}

sub validate {
    my ($what, $count) = @_;
    $sentinel->sync;
    for my $zone (sort keys %zones) {
        my $anchors = $validator->anchors($zone);
        # delv follows delegations and aliases to servers that there are not. To names with
        # unusual characters PowerDNS answers SERVFAIL, whatever backend it has.
        my $cuts = $dbh->selectcol_arrayref(q{SELECT DISTINCT name FROM records WHERE domain_id = ? AND (type = 'NS' AND name <> ? OR type = 'CNAME')},
            undef, $zones{$zone}{id}, $zone);
        my $not = join '|', map { quotemeta s/^\*\.//r } @$cuts;
        my @questions = grep { $not eq '' || $_->[0] !~ /(?:^|\.)(?:$not)$/ } grep { $_->[1] ne 'NSEC' && $_->[0] =~ m{^[-0-9a-z_*./@]+$} } @{ questions($zone) };
        @questions = grep { "@$_" ne "$zone DS" } @questions;    # the zone above would have that, and there is none
        splice @questions, draw(scalar @questions), 1 while @questions > $count;
        # With opt-out what is not there might be an unsigned delegation (RFC 5155 section 9.2).
        my $good = ($zones{$zone}{nsec3} // '') =~ /^1 1/ ? qr/fully validated|unsigned answer/ : qr/fully validated/;
        my @bad = grep { $validator->delv($zone, $anchors, @$_) !~ $good } @questions;
        ok !@bad, "$what: delv validates " . @questions . " answers of $zone";
        diag "@$_:\n", $validator->delv($zone, $anchors, @$_) for @bad[0 .. ($#bad > 2 ? 2 : $#bad)];
    }
    return;
}

# --- random changes ---

my @LABELS = (qw(a b c d www host-20 host-25 n1 n2 wild ent deleg secure insecure mixed x-ray 0 zzz), 'q\\.q');

sub label_path { return join '.', map { pick(@LABELS) } 1 .. 1 + draw(3) }

my @changes = (
    (['add' => sub { insert($_[0], [label_path(), 'A', '192.0.2.' . draw(256)]) }]) x 4,
    ['add text' => sub { insert($_[0], [pick('t.', '') . pick(@LABELS), 'TXT', '"' . draw(1e6) . '"']) }],
    ['add wildcard' => sub { insert($_[0], ['*.' . label_path(), 'A', '192.0.2.77']) }],
    (['add delegation' => sub { my $name = label_path(); insert($_[0], [$name, 'NS', "ns.$name"], ["ns.$name", 'A', '192.0.2.78']) }]) x 2,
    ['add secure delegation' => sub { my $name = label_path(); insert($_[0], [$name, 'NS', "ns.$name"], [$name, 'DS', $ds], ["ns.$name", 'A', '192.0.2.79']) }],
    ['add DS' => sub {
        my ($name) = some($_[0], q{type = 'NS'}) or return;
        $dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) VALUES (?, ?, 'DS', ?, 300)}, undef, $zones{ $_[0] }{id}, $name, $ds);
    }],
    ['remove DS' => sub { $dbh->do(q{DELETE FROM records WHERE domain_id = ? AND name = ? AND type = 'DS'}, undef, $zones{ $_[0] }{id}, some($_[0], q{type = 'DS'})) }],
    ['remove NS' => sub { $dbh->do(q{DELETE FROM records WHERE domain_id = ? AND name = ? AND type IN ('NS', 'DS')}, undef, $zones{ $_[0] }{id}, some($_[0], q{type = 'NS'})) }],
    (['remove name' => sub { $dbh->do(q{DELETE FROM records WHERE domain_id = ? AND name = ?}, undef, $zones{ $_[0] }{id}, some($_[0])) }]) x 4,
    ['disable' => sub { $dbh->do(q{UPDATE records SET disabled = NOT disabled WHERE domain_id = ? AND name = ?}, undef, $zones{ $_[0] }{id}, some($_[0])) }],
);

# Are there empty non-terminals above nothing but delegations?
sub has_bare_ones {
    my ($zone) = @_;
    my $rows = $dbh->selectall_arrayref(q{SELECT name, bool_or(type = 'NS') FROM records r WHERE domain_id = ? AND NOT disabled AND type <> ''
        AND NOT EXISTS (SELECT FROM records d WHERE d.domain_id = r.domain_id AND d.type = 'NS' AND NOT d.disabled AND d.name <> ?
            AND right(r.name, length(d.name) + 1) = '.' || d.name) GROUP BY name}, undef, $zones{$zone}{id}, $zone);
    my %own = map { $_->[0] => 1 } @$rows;
    my %bare;
    for my $row (@$rows) {
        my ($name, $is_cut) = @$row;
        next if $name eq $zone;
        $bare{$name} = ($bare{$name} // 1) && $is_cut while $name =~ s/^(?:[^.\\]|\\.)+\.// && $name ne $zone;
    }
    return grep { $bare{$_} && !$own{$_} } keys %bare;
}

# A name that is not the apex.
sub some {
    my ($zone, $which) = @_;
    my $names = $dbh->selectcol_arrayref('SELECT DISTINCT name FROM records WHERE domain_id = ? AND name <> ? AND ' . ($which // 'true') . ' ORDER BY 1',
        undef, $zones{$zone}{id}, $zone);
    return @$names ? pick(@$names) : undef;
}

# Other data at a delegation, or other than addresses below one, gpgsql chains
# otherwise than it should; such changes are taken back.
sub is_odd {
    my ($zone) = @_;
    return $dbh->selectrow_array(q{SELECT EXISTS (SELECT FROM records d JOIN records r USING (domain_id)
        WHERE d.domain_id = ? AND d.type = 'NS' AND d.name <> ? AND
            (r.name = d.name AND r.type NOT IN ('NS', 'DS') OR right(r.name, length(d.name) + 1) = '.' || d.name AND r.type NOT IN ('A', 'AAAA')))
        OR EXISTS (SELECT FROM records s WHERE s.domain_id = ? AND s.type = 'DS' AND NOT s.disabled AND NOT EXISTS (SELECT FROM records d WHERE d.domain_id = s.domain_id
            AND d.name = s.name AND d.type = 'NS' AND NOT d.disabled))}, undef, $zones{$zone}{id}, $zone, $zones{$zone}{id});
}

sub change {
    my ($count) = @_;
    my %done;
    for (1 .. $count) {
        my $zone = pick(sort keys %zones);
        my $change = pick(@changes);
        my $ok = eval {
            $dbh->begin_work;
            $change->[1]->($zone);
            die "odd\n" if is_odd($zone) || $zone eq 'optout.test' && has_bare_ones($zone);
            $dbh->commit;
            1;
        };
        $done{ $ok ? $change->[0] : 'refused' }++;
        $dbh->rollback if !$dbh->{AutoCommit};
    }
    note join ', ', map {"$_: $done{$_}"} sort keys %done;
    cmp_ok $done{refused} // 0, '<', $count * 0.8, 'enough random changes are accepted';
    return;
}

# --- the run ---

compare('as they were written');
verify_zones('as they were written');
validate('as they were written', 25);
$deadline = now_s() + ($ENV{CSDNS_SECONDS} // 20);
my $round = 0;
do {
    $round++;
    change(60);
    compare("round $round", 150);
    verify_zones("round $round");
    validate("round $round", 5);
} while ($round < 2 || now_s() < $deadline);

# From one kind of denial to another, and to none.
$gpgsql->pdnsutil('set-nsec3', 'nsec.test', '1 0 3 1234');
$gpgsql->pdnsutil('unset-nsec3', 'nsec3.test');
$gpgsql->pdnsutil('set-nsec3', 'optout.test', $zones{'optout.test'}{nsec3} = '1 0 0 -');
$gpgsql->pdnsutil('set-nsec3', 'narrow.test', '1 0 0 -');
delete $zones{'narrow.test'}{narrow};
compare('other settings', 150);
verify_zones('other settings');
validate('other settings', 5);
$gpgsql->pdnsutil('disable-dnssec', 'nsec.test');
$sentinel->sync;
my $plain = $edge->dns->ask('nothing.nsec.test', 'A', do => 1);
is_deeply [grep {/RRSIG|NSEC/} @{ $plain->{authority} }], [], 'a zone without keys is not signed any more';
is $csdnsd->stop, 0, 'csdnsd ends well';
done_testing;
