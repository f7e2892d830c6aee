#!/usr/bin/perl
# csdns export: what the store holds, as zone files that named-checkzone takes and that
# PowerDNS' bind backend and named load with the records that PowerDNS serves from the
# store: every content that csdns allows, and random zones with odd names.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON::PP qw(decode_json);
use Test::More;

use Csdns::Cluster;
use Csdns::Named;
use Csdns::Pdns;
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs source_dir);
use Csdns::Tool;
use Csdns::Zones qw(seed);

need_programs(qw(initdb csdns pdns_server pdns:gpgsql pdns:bind named named-checkzone));

my $seed = $ENV{CSDNS_SEED} // ($$ * 7919 + time) % 1_000_000;
seed($seed);
diag "CSDNS_SEED=$seed";

# Types whose contents csdns checks, but for PowerDNS' own.
my %CHECKED = map { $_ => 1 } qw(A AAAA CNAME NS PTR DNAME MX SRV TXT SPF CAA SOA DS TLSA SSHFP NAPTR);
my @OTHERS = (
    ['RP', 'h.test t.test'], ['HINFO', '"PC" "Linux"'], ['LOC', '51 56 0.123 N 5 54 0.000 E 4.00m 1.00m 10000.00m 10.00m'],
    ['SVCB', '1 foo.test alpn="h2,h3" port=8443 ipv4hint=192.0.2.1'], ['HTTPS', '0 svc.test'], ['URI', '10 1 "https://x.test/?a=1;b=2"'],
    ['OPENPGPKEY', 'mQINBFit2ioBEADhTnFxbqG4'],
    ['TYPE65500', '\\# 3 abcdef'], ['AFSDB', '1 afs.test'], ['SMIMEA', '3 0 0 308202C5'], ['EUI48', '00-00-5e-00-53-2a'],
    ['TXT', 'no quotes; but (a comment) "inside"' =~ s/"/\\"/gr], ['TXT', '"' . 'x' x 700 . '"'], ['TXT', '"' . '\\200' x 300 . '" "' . 'y' x 255 . '"'],
    ['TXT', "\"line\nend\ttab \x{fc}\x{20ac}\" word"], ['TXT', ''], ['TXT', '""'], ['TXT', '"a""b"'], ['TXT', '"\\\\" "\\"" "\\;" "$x @ ;c"'],
    ['CNAME', 'semi;colon.test'], ['CNAME', 'paren(s).test'], ['CNAME', 'at@sign.test.'], ['CNAME', '@'], ['CNAME', '.'], ['CNAME', '$dollar.test'],
    ['CNAME', 'esc\\.dot.\\032space.test'], ['CNAME', 'label'],
);
my @ODD_NAMES = ('$ttl', '@', 'a@b', 'semi;colon', 'paren(', 'quote"', 'back\\\\slash', 'dot\\.dot', 'space\\032', '\\200', '*', '*.sub', '_x._y', '#', "'");

my $cluster = Csdns::Cluster->new;
$cluster->create_db('store', icu => 'en');
$cluster->install_schema('store');
$cluster->psql('store', 'CREATE ROLE op LOGIN IN ROLE csdns_admin');
my $dbh = $cluster->dbh('store');
my $op = Csdns::Tool->new(cluster => $cluster, db => 'store', role => 'op');

sub add_zone {
    my ($zone) = @_;
    my ($id) = $dbh->selectrow_array(q{INSERT INTO domains (name, type) VALUES (?, 'NATIVE') RETURNING id}, undef, $zone);
    add($id, $zone, $_->[0], undef, $_->[1]) for ['SOA', 'ns.test h.test 1 3600 600 86400 60'], ['NS', 'ns.test'];
    return $id;
}

sub add {
    my ($zone, $name, $type, $prio, $content, %more) = @_;
    $dbh->do('INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled) VALUES (?, ?, ?, ?, ?, ?, ?)', undef,
        $zone, $name, $type, $content, exists $more{ttl} ? $more{ttl} : 60, $prio, $more{disabled} // 0);
    return;
}

# What PowerDNS reads, and no other parser of zone files.
my %LENIENT = (
    CAA => qr/^\S+ (?:"|iss-ue|\x{e9})|"a"b|"a" \S/, DS => qr/ 2 (?i:-|abcd|ab cd|abcd ef01)$/, SSHFP => qr/ 1 (?i:-|abcd|ab cd|a b c d)$/, TLSA => qr/-$/,
    NAPTR => qr/a\\{4}1\@b/, NS => qr/^1\.2\.3\.4$/, TXT => qr/\\(?:256|999)/,
);

# Contents as COPY writes them.
my %COPY = (t => "\t", n => "\n", r => "\r", '\\' => '\\');
sub uncopy { my ($text) = @_; return $text eq '\N' ? undef : $text =~ s/\\(.)/$COPY{$1}/gr }

sub good_cases {
    my @cases;
    for my $path ('tests/unit/record-cases.tsv', 'tests/sql/record-cases.tsv') {
        open my $file, '<:encoding(UTF-8)', source_dir() . "/$path" or die "$path: $!";
        while (my $line = <$file>) {
            chomp $line;
            next if $line =~ /^#/ || $line eq '';
            my ($type, $prio, $content, $verdict) = split /\t/, $line, -1;
            next if $verdict ne 'ok' || !$CHECKED{$type} || $content =~ ($LENIENT{$type} // qr/\A\b\B/);
            push @cases, [$type, uncopy($prio eq '' ? '\N' : $prio), uncopy($content)];
        }
    }
    return @cases;
}

# Every content that is allowed, each under a name of its own; a SOA is a zone.
my $n = 0;
my @soa_zones;
$dbh->begin_work;
my $cases = add_zone('cases.test');
for my $case (good_cases(), map { [$_->[0], undef, $_->[1]] } @OTHERS) {
    my ($type, $prio, $content) = @$case;
    my $name = 'c' . ++$n;
    if ($type eq 'SOA') {
        push @soa_zones, $name;
        my $id = add_zone($name);
        $dbh->do(q{UPDATE records SET content = ? WHERE domain_id = ? AND type = 'SOA'}, undef, $content, $id);
    } else {
        add($cases, "$name.cases.test", $type, $prio, $content);
    }
}
add($cases, "$_.odd.cases.test", 'A', undef, '192.0.2.1') for @ODD_NAMES;
add($cases, 'nottl.cases.test', 'A', undef, '192.0.2.1', ttl => undef);
add($cases, 'off.cases.test', 'A', undef, '192.0.2.99', disabled => 1);
add($cases, 'alias.cases.test', 'ALIAS', undef, 'www.test');
my $rfc2317 = add_zone('0/26.2.0.192.in-addr.arpa');
add($rfc2317, '1.0/26.2.0.192.in-addr.arpa', 'PTR', undef, 'one.test');
$dbh->do(q{INSERT INTO domains (name, type) VALUES ('nosoa.test', 'NATIVE')});
$dbh->commit;

my $dir = temp_dir() . '/made';
my $done = $op->run('export', '--all', '--dir', $dir, '--json');
is $done->{status}, 0, 'all zones' or diag $done->{err};
like $done->{err}, qr/^csdns: zone "cases.test": 1 of its records are comments/m, 'it tells what is no record';
like $done->{err}, qr/^csdns: zone "nosoa.test" has no SOA record: no server will load it$/m, 'and what is no zone';
my %told = map { $_->{zone} => $_ } @{ decode_json($done->{out})->{zones} };
is $told{'cases.test'}{leftout}, 1, 'in JSON, too';
is $told{'0/26.2.0.192.in-addr.arpa'}{file}, "$dir/0%2F26.2.0.192.in-addr.arpa.zone", 'a zone with a slash is a file';
my $file = slurp("$dir/cases.test.zone");
unlike $file, qr/192\.0\.2\.99/, 'no disabled record';
like $file, qr/^; only PowerDNS knows this type: alias\.cases\.test\.\t60\tIN\tALIAS\twww\.test$/m, 'a comment for the others';
like $file, qr/^\Q$file\E\z/, 'text';

sub slurp { my ($path) = @_; open my $handle, '<:raw', $path or die "$path: $!"; local $/ = undef; return scalar <$handle> }

# Its own checker, and two servers.
my @zones = ('cases.test', '0/26.2.0.192.in-addr.arpa', @soa_zones);
sub path_of { my ($zone) = @_; return $told{$zone}{file} }
for my $zone (@zones) {
    my $check = run_program(command => [find_program('named-checkzone'), '-k', 'ignore', '-i', 'local-sibling', $zone, path_of($zone)]);
    is $check->{status}, 0, "named-checkzone takes $zone" or diag $check->{out};
}
my $gpgsql = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('store', 'pdns'), gpgsql_dnssec => 'no', allow_axfr_ips => '127.0.0.1');
my $bind = bind_backend(map { $_ => path_of($_) } @zones);
my $named = Csdns::Named->new(zones => { map { $_ => slurp(path_of($_)) } grep { !m{/} } @zones });

sub bind_backend {
    my (%file) = @_;
    my $conf = temp_dir();
    my %files = (
        'named.conf' => join('', map {qq(zone "$_" { type native; file "$file{$_}"; };\n)} sort keys %file),
        'pdns.conf' => "launch=bind\nbind-config=$conf/named.conf\nsecurity-poll-suffix=\nallow-axfr-ips=127.0.0.1\n",
    );
    for my $name (keys %files) {
        open my $handle, '>', "$conf/$name" or die "$name: $!";
        print {$handle} $files{$name};
        close $handle or die "$name: $!";
    }
    return Csdns::Pdns->other(file => "$conf/pdns.conf", name => 'bind');
}

# Records of a zone from a server, in the order of their text; a SOA once.
sub records {
    my ($server, $zone) = @_;
    my ($lines, $why) = $server->dns->transfer($zone);
    return ["transfer: $why"] if !$lines;
    my %seen;
    return [sort grep { !$seen{$_}++ } @$lines];
}

sub same_records {
    my ($server, $zone, $expected, $what) = @_;
    my $got = records($server, $zone);
    my %got = map { $_ => 1 } @$got;
    my %expected = map { $_ => 1 } @$expected;
    my @differences = ((map {"-$_"} grep { !$got{$_} } @$expected), map {"+$_"} grep { !$expected{$_} } @$got);
    ok !@differences, $what or diag join "\n", splice @differences, 0, 20;
    return;
}

for my $zone (@zones) {
    my $expected = records($gpgsql, $zone);
    cmp_ok scalar @$expected, '>', $zone eq 'cases.test' ? 250 : 1, "$zone has records";
    my @common = grep { !/ IN TYPE65401 | IN ALIAS / } @$expected;
    same_records($bind, $zone, \@common, "PowerDNS' bind backend has those of $zone");
    same_records($named, $zone, \@common, "named has those of $zone") if $zone !~ m{/};
}

# Odd and random zones, as they are in a store that many hands wrote.
$dbh->do('DELETE FROM domains');
my $random = Csdns::Zones->new(names => 30);
$random->store($dbh, $random->make);
my $random_dir = temp_dir();
$done = $op->run('export', '-a', '--dir', $random_dir, '--json', '--pdns-types');
is $done->{status}, 0, 'random zones' or diag $done->{err};
my %file = map { $_->{zone} => $_->{file} } grep { $_->{zone} !~ /^(?:nosoa|empty)/ } @{ decode_json($done->{out})->{zones} };
cmp_ok scalar keys %file, '>', 5, 'many of them';
my $random_bind = bind_backend(%file);
same_records($random_bind, $_, records($gpgsql, $_), "$_ is the same") for sort keys %file;

# One zone, to standard output; options; what is refused
$dbh->do('DELETE FROM domains');
my $id = add_zone('one.test');
add($id, 'off.one.test', 'A', undef, '192.0.2.99', disabled => 1);
add($id, 'nottl.one.test', 'A', undef, '192.0.2.1', ttl => undef);
my $plain = $op->run('export', 'ONE.test.');
is $plain->{out} =~ s/\b4 3600/1 3600/r, <<'END', 'a zone file';
; zone one.test, by csdns
$ORIGIN .
one.test.	60	IN	SOA	ns.test h.test 1 3600 600 86400 60
one.test.	60	IN	NS	ns.test
nottl.one.test.	3600	IN	A	192.0.2.1
END
is $plain->{err}, '', 'and nothing else';
is $op->run('export', 'one.test', '-')->{out}, $plain->{out}, 'the same with -';
like $op->run('export', 'one.test', '--disabled', '--default-ttl=77')->{out}, qr/^nottl\.one\.test\.\t77\t.*\noff\.one\.test\.\t60\tIN\tA\t192\.0\.2\.99\n\z/m, 'with disabled ones';
for my $wrong (
    [['missing.test'], 1, qr/^csdns: zone "missing\.test" is not there$/], [[], 2, qr/which zone/], [['--all'], 2, qr/needs --dir/],
    [['one.test', '--json'], 2, qr/needs --dir/], [['one.test', 'two.test'], 2, qr/one zone, or --all/],
    [['one.test', '--all'], 2, qr/which\?/], [['one.test', '--dir', '/nowhere/at/all'], 1, qr{could not make "/nowhere/at/all": No such file}],
    [['one.test', '--dir', '/dev/null'], 1, qr{could not open "/dev/null/one\.test\.zone\.new": Not a directory}]
) {
    my ($words, $status, $why) = @$wrong;
    my $refused = $op->run('export', @$words);
    is "$refused->{status} $refused->{out}", "$status ", "export @$words: refused";
    like $refused->{err}, $why, 'with the reason';
}
my $full = $op->command(['bash', '-c', '"$0" export one.test >/dev/full', find_program('csdns')]);
is $full->{status}, 1, 'a disk that is full';
like $full->{err}, qr/could not write/, 'is told';

# a row from before the rules
$dbh->do('ALTER TABLE records DISABLE TRIGGER ALL');
add($id, 'bad.one.test', 'A', undef, '10.0.0.300');
$dbh->do('ALTER TABLE records ENABLE TRIGGER ALL');
my $bad = $op->run('export', 'one.test');
is $bad->{status}, 0, 'a record that breaks a rule';
like $bad->{out}, qr/^; content is not an IPv4 address: bad\.one\.test\./m, 'is a comment';

# a bar while it lasts, on a terminal alone
$dbh->do(q{INSERT INTO records (domain_id, name, type, content, ttl) SELECT ?, 'h' || n || '.one.test', 'A', '192.0.2.1', 60 FROM generate_series(1, 150000) n}, undef, $id);
my $script = find_program('script');
SKIP: {
    skip 'script is not there', 2 if !$script;
    my $csdns = find_program('csdns');
    my $bar = $op->command([$script, '-qec', "$csdns export one.test --dir $dir", '/dev/null'], stdin => '');
    like $bar->{out}, qr/\rexporting \[#*\.*\] +\d+% \d+\/150005/, 'a progress bar';
    unlike $op->command([$script, '-qec', "$csdns export one.test --dir $dir --quiet", '/dev/null'], stdin => '')->{out}, qr/exporting/, 'none with --quiet';
}
is $op->run('export', 'one.test', '--dir', $dir)->{err} =~ s/.*are comments.*\n//r, '', 'none without a terminal';

done_testing;
