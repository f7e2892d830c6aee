package Csdns::Bench;

# What the programs in bench/ share: options, an optimised build, a private store
# with a large zone, and the figures, printed for people and as JSON.

use strict;
use warnings;

use Exporter 'import';
use Getopt::Long qw(GetOptions);
use JSON::PP ();
use POSIX qw(floor);

use FindBin;
use lib "$FindBin::Bin/../tests/lib";
use Csdns::Cluster;
use Csdns::Programs qw(source_dir);

our @EXPORT_OK = qw(bench_options option quick figure figure_of_rounds merge_figures figures note finish read_json client
    client_start program_start client_result store_with_zone median percentile build_dir ZONE);

use constant ZONE => 'bench.example';

my %option;
my %figures;

# bench_options('what the bench is for'): reads --quick, --json FILE, --help and builds. Also usage =>
# the lines of --help about further options, more => those in the way of Getopt::Long, and
# measures => sub { whether it is going to measure anything }, without which nothing is built.
sub bench_options {
    my ($about, %args) = @_;
    GetOptions(\%option, 'quick', 'json=s', 'help', @{ $args{more} // [] }) or exit 2;
    if ($option{help}) {
        print "Usage: bench/$FindBin::Script [--quick] [--json FILE]", $args{usage} ? ' [OPTION]... [ARGUMENT]...' : '', "\n$about\n",
            "  --quick       smaller and shorter, under a minute\n",
            "  --json FILE   write the figures as one flat JSON object\n", $args{usage} // '',
            "Builds in bench/.state/build; CSDNS_BUILD=DIR measures another build.\n";
        exit 0;
    }
    $| = 1;
    _build() if !$args{measures} || $args{measures}->();
    return;
}

sub option { my ($name) = @_; return $option{$name} }

sub quick { return $option{quick} ? 1 : 0 }

sub build_dir { return $ENV{CSDNS_BUILD} }

sub _build {
    if ($> == 0) {
        system(source_dir() . '/tools/install-deps', 'build', 'run', 'bench') == 0 or exit 1;
    }
    $ENV{CSDNS_BUILD} //= source_dir() . '/bench/.state/build';
    system(source_dir() . '/tools/build', $ENV{CSDNS_BUILD}, 'CFLAGS=-O2 -g') == 0 or exit 1;
    system('make', '-s', '-C', $ENV{CSDNS_BUILD}, 'bench-programs') == 0 or exit 1;
    return;
}

# A figure: its name as in the JSON file, its value, the unit for people, and what is wanted of it.
sub figure {
    my ($name, $value, $unit, $wanted) = @_;
    _keep($name, $value);
    _print_figure($name, $unit, $wanted);
    return;
}

# The same from the values of several rounds: their median. The lowest and the highest are figures as
# well, NAME_low and NAME_high.
sub figure_of_rounds {
    my ($name, $rounds, $unit, $wanted) = @_;
    _keep($name, median(@$rounds));
    _keep("${name}_low", percentile(0, @$rounds));
    _keep("${name}_high", percentile(1, @$rounds));
    _print_figure($name, $unit, $wanted, scalar @$rounds);
    return;
}

sub _keep {
    my ($name, $value) = @_;
    $figures{$name} = sprintf($value >= 10_000 ? '%.0f' : '%.4g', $value) + 0;
    return;
}

sub _print_figure {
    my ($name, $unit, $wanted, $rounds) = @_;
    my $spread = $rounds ? sprintf '%s to %s in %d rounds', @figures{ "${name}_low", "${name}_high" }, $rounds : '';
    my $line = sprintf '%-28s %10s %-9s %-34s %s', $name, $figures{$name}, $unit // '', $spread, defined $wanted ? "(wanted: $wanted)" : '';
    print $line =~ s/\s+\z//r, "\n";
    return;
}

# Takes figures over that another program has measured and printed.
sub merge_figures {
    my ($others) = @_;
    @figures{ keys %$others } = values %$others;
    return;
}

# All figures so far, name => value.
sub figures { return \%figures }

sub note { my ($text) = @_; print {*STDERR} "# $text\n"; return }

sub read_json {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!\n";
    local $/ = undef;
    return JSON::PP::decode_json(<$file>);
}

sub finish {
    my ($status) = @_;
    if ($option{json}) {
        open my $file, '>', $option{json} or die "$option{json}: $!\n";
        print {$file} JSON::PP->new->canonical->pretty->encode(\%figures);
        close $file or die "$option{json}: $!\n";
    }
    exit($status // 0);
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[$#sorted / 2] }

sub percentile {
    my ($share, @values) = @_;
    my @sorted = sort { $a <=> $b } @values;
    return $sorted[floor($share * $#sorted + 0.5)];
}

# SQL that fills the bench zone with n A records, vm-0000000 and so on.
sub _zone_sql {
    my ($records) = @_;
    my $zone = ZONE;
    my $last = $records - 1;
    return <<"SQL";
INSERT INTO domains (name, type) VALUES ('$zone', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns1.$zone hostmaster.$zone 1 10800 3600 604800 3600', 3600 FROM domains WHERE name = '$zone'
    UNION ALL SELECT id, name, 'NS', 'ns1.$zone', 3600 FROM domains WHERE name = '$zone';
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, 'vm-' || lpad(i::text, 7, '0') || '.$zone', 'A',
           '10.' || (i >> 16) % 256 || '.' || (i >> 8) % 256 || '.' || i % 256, 3600
      FROM domains, generate_series(0, $last) i WHERE domains.name = '$zone';
SQL
}

# A cluster with the schema and the bench zone, put in without triggers.
sub store_with_zone {
    my ($records, %conf) = @_;
    my $cluster = Csdns::Cluster->new(name => 'bench', conf => { shared_buffers => '512MB', max_wal_size => '4GB', %conf });
    $cluster->create_db('pdns');
    $cluster->install_schema('pdns');
    note("putting $records records into the store");
    $cluster->psql('pdns', 'SET session_replication_role = replica; ' . _zone_sql($records) . 'ANALYZE');
    return $cluster;
}

# Runs bench/client against a socket; returns its figures.
sub client {
    my ($socket, %how) = @_;
    return client_result(client_start($socket, %how));
}

sub client_start {
    my ($socket, %how) = @_;
    return program_start('client', socket => $socket, %how);
}

# Starts one of the programs of bench/ that ask for names of the bench zone; options without a value are undef.
sub program_start {
    my ($name, %how) = @_;
    my @command = ("$ENV{CSDNS_BUILD}/bench/$name", '--zone', ZONE);
    push @command, map { defined $how{$_} ? ("--$_", $how{$_}) : "--$_" } sort keys %how;
    open my $pipe, '-|', @command or die "$command[0]: $!\n";
    return $pipe;
}

# Waits for its end; what it printed.
sub client_result {
    my ($pipe) = @_;
    local $/ = undef;
    my $text = <$pipe>;
    close $pipe or die "a program of bench/ failed\n";
    return JSON::PP::decode_json($text);
}

1;
