#!/usr/bin/perl
# The cases of record contents that the schema and csdnsd are held to, put before the judge: PowerDNS' own gpgsql backend.
# What the cases call "ok" it must serve; what they refuse it must answer with SERVFAIL, but for those of which the file
# says that PowerDNS serves something of them that nobody meant. PowerDNS 5 serves more, so only the first half holds for it.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Pdns;
use Csdns::Programs qw(need_programs pdns_version source_dir);

need_programs(qw(initdb psql pdns_server pdns:gpgsql));

# Types whose contents are checked; the others pass, whatever PowerDNS says.
my %CHECKED = map { $_ => 1 }
    qw(A AAAA CNAME NS PTR DNAME ALIAS MX SRV TXT SPF CAA SOA DS TLSA SSHFP NAPTR);

my $cluster = Csdns::Cluster->new(name => 'contents');
$cluster->create_db('pdns');
$cluster->psql_file('pdns', source_dir() . '/schema/010-pdns.sql');
$cluster->psql('pdns', <<~'SQL');
    INSERT INTO domains (id, name, type) VALUES (1, 'test', 'NATIVE');
    INSERT INTO records (domain_id, name, type, content, ttl) VALUES (1, 'test', 'SOA', 'ns.test h.test 1 2 3 4 5', 60);
    SQL
my $pdns = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('pdns'));

for my $path ('tests/unit/record-cases.tsv', 'tests/sql/record-cases.tsv') {
    SKIP: {
        skip "$path is not there", 1 if !-f source_dir() . "/$path";
        subtest $path => sub { check_file($path) };
    }
}

done_testing;

# The lines of a file as { type, prio, content, verdict, name, strict }; prio and content as COPY writes them.
sub read_cases {
    my ($path) = @_;
    my @cases;
    my $strict = $path =~ /unit/;    # its refusals are those of PowerDNS, up to the last part
    open my $file, '<:encoding(UTF-8)', source_dir() . "/$path" or die "$path: $!";
    while (my $line = <$file>) {
        chomp $line;
        $strict = 0 if $line =~ /^# served, refused here/;
        next if $line eq '' || $line =~ /^#/;
        my ($type, $prio, $content, $verdict) = split /\t/, $line, -1;
        next if !$CHECKED{$type};
        # a SOA that it cannot parse ends PowerDNS' thread, and the test with it
        next if $type eq 'SOA' && $verdict ne 'ok';
        push @cases, {
            type => $type, prio => $prio eq '' ? '\N' : $prio, content => $content, verdict => $verdict,
            strict => $strict, name => sprintf($type eq 'SOA' ? 'c%d' : 'c%d.test', scalar @cases),
        };
    }
    return @cases;
}

sub store {
    my (@cases) = @_;
    my @soas = grep { $_->{type} eq 'SOA' } @cases;
    my $id = 1;
    my %zone = map { $_->{name} => ++$id } @soas;
    my $sql = "BEGIN;\nDELETE FROM records WHERE name <> 'test'; DELETE FROM domains WHERE id > 1;\n"
        . "COPY domains (id, name, type) FROM STDIN;\n" . join('', map {"$zone{$_}\t$_\tNATIVE\n"} sort keys %zone) . "\\.\n"
        . "COPY records (domain_id, name, type, ttl, prio, content) FROM STDIN;\n"
        . join('', map { join("\t", $zone{ $_->{name} } // 1, @$_{qw(name type)}, 60, @$_{qw(prio content)}) . "\n" } @cases)
        . "\\.\nCOMMIT;\n";
    utf8::encode($sql);
    $cluster->psql('pdns', $sql);
    $pdns->restart;    # it remembers the zones that were there
    return;
}

sub check_file {
    my ($path) = @_;
    my @cases = read_cases($path);
    store(@cases);
    my @types = map { $_->{type} eq 'ALIAS' ? 'TYPE65401' : $_->{type} } @cases;
    my $replies = $pdns->dns->ask_many([map { [$cases[$_]{name}, $types[$_]] } 0 .. $#cases]);
    for my $i (0 .. $#cases) {
        my $case = $cases[$i];
        my $rcode = $replies->[$i]{rcode};
        my $text = "$case->{type} $case->{prio} $case->{content}" =~ s/(.{100}).+/$1.../r;
        utf8::encode($text);
        $text =~ s/#/\\#/g;
        if ($case->{verdict} eq 'ok') {
            is $rcode, 'NOERROR', "served: $text";
        } elsif ($case->{strict} && pdns_version() < 5) {
            is $rcode, 'SERVFAIL', "refused: $text";
        }
    }
    return;
}
