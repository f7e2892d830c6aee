#!/usr/bin/perl
# Runs every pgTAP file beside it: one private cluster, a database of its own with the schema installed for each file.
#
# prove tests/sql/pgtap.t :: serial.sql     runs only these

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use Csdns::Cluster;
use Csdns::Process qw(run_program);
use Csdns::Programs qw(find_program need_programs);

need_programs(qw(initdb psql));

my @files = @ARGV ? map {"$FindBin::Bin/$_"} @ARGV : sort glob "$FindBin::Bin/*.sql";
my $cluster = Csdns::Cluster->new(name => 'pgtap');
if (!$cluster->psql('postgres', q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pgtap'})) {
    need_programs('postgresql-15-pgtap');
}
$cluster->create_db('installed');
$cluster->install_schema('installed');
$cluster->psql('installed', 'CREATE SCHEMA tap; CREATE EXTENSION pgtap SCHEMA tap');

for my $file (@files) {
    my ($name) = $file =~ m{([^/]+)\.sql$};
    subtest $name => sub { run_file($file, "t_$name" =~ tr/-/_/r) };
}

done_testing;

sub run_file {
    my ($file, $db) = @_;
    $cluster->psql('postgres', "CREATE DATABASE $db TEMPLATE installed");
    $cluster->psql('postgres', "ALTER DATABASE $db SET search_path = public, tap");
    my $done = run_program(
        command => [
            find_program('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-P', 'pager=off',
            '-d', $cluster->conninfo($db), '-f', $file,
        ],
        cwd => $FindBin::Bin, timeout => 120,
    );
    my $plan;
    my $count = 0;
    for my $line (split /\n/, $done->{out}) {
        if ($line =~ /^(not )?ok \d+(?: - (.*))?$/) {
            $count++;
            ok !$1, $2;
        } elsif ($line =~ /^1\.\.(\d+)$/) {
            $plan = $1;
        } elsif ($line =~ /^#/) {
            diag $line;
        }
    }
    is $done->{status}, 0, 'psql came to the end' or diag $done->{err};
    is $count, $plan // 'no plan', 'as many tests as planned';
    return;
}
