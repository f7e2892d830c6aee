package Csdns::Programs;

# Finds the programs that the tests drive. A program that is missing is a
# skipped test on a developer's machine and a failure where CI=true.
# CSDNS_PDNS names a directory made by tools/unpack-pdns, with another PowerDNS
# than the system's.

use strict;
use warnings;

use Cwd qw(realpath);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Spec;

our @EXPORT_OK = qw(find_program need_programs source_dir build_dir pdns_modules pdns_version);

my @SEARCH = (split(/:/, $ENV{PATH} // ''), qw(/usr/local/sbin /usr/sbin /sbin /usr/bin /bin));

my $source_dir = realpath(dirname(__FILE__) . '/../../..');

# The top of the source tree.
sub source_dir {
    return $source_dir;
}

# Where the programs under test were built: CSDNS_BUILD, else the source tree.
sub build_dir {
    return $ENV{CSDNS_BUILD} ? File::Spec->rel2abs($ENV{CSDNS_BUILD}) : source_dir();
}

my $postgres_bindir;

# PostgreSQL's server programs lie outside PATH on Debian.
sub _postgres_bindir {
    return $postgres_bindir if defined $postgres_bindir;
    my @dirs = map { s/\s+\z//r } `pg_config --bindir 2>/dev/null`;
    push @dirs, sort { _version($b) <=> _version($a) } glob('/usr/lib/postgresql/*/bin');
    ($postgres_bindir) = grep { -x "$_/initdb" } @dirs;
    return $postgres_bindir //= '';
}

sub _version { my ($dir) = @_; return $dir =~ m{/(\d+)[^/]*/bin$} ? $1 : 0 }

# The full path of a program, or undef.
sub find_program {
    my ($name) = @_;
    if ($name =~ /^(?:initdb|postgres|pg_ctl|pg_basebackup|psql|pgbench|pg_controldata)$/) {
        my $path = _postgres_bindir() . "/$name";
        return $path if -x $path;
    }
    if ($name =~ /^(?:csdnsd|csdns|csdns-pipe|csdns-sync)$/) {
        my $path = build_dir() . "/$name";
        return -x $path ? $path : undef;
    }
    if ($ENV{CSDNS_PDNS} && $name =~ /^(?:pdns_server|pdnsutil|zone2sql)$/) {
        my $path = File::Spec->rel2abs($ENV{CSDNS_PDNS}) . "/bin/$name";
        return -x $path ? $path : undef;
    }
    # Where tests/run has tools/unpack-promtool put it.
    for my $dir (@SEARCH, $name eq 'promtool' ? source_dir() . '/tests/.state/promtool' : ()) {
        return "$dir/$name" if $dir ne '' && -f "$dir/$name" && -x _;
    }
    return;
}

# Where the loadable backends of CSDNS_PDNS are; undef for the system's PowerDNS, which knows by itself.
sub pdns_modules { return $ENV{CSDNS_PDNS} ? File::Spec->rel2abs($ENV{CSDNS_PDNS}) . '/modules' : undef }

my $pdns_version;

# The version of PowerDNS as a number to compare with: 4.007 for 4.7.3, 5.001 for 5.1.5.
sub pdns_version {
    return $pdns_version if defined $pdns_version;
    my $program = find_program('pdns_server') // return $pdns_version = 0;
    my $said = `$program --version 2>&1`;
    return $pdns_version = $said =~ /PowerDNS Authoritative Server (\d+)\.(\d+)/ ? $1 + $2 / 1000 : 0;
}

# Skips the whole test (or fails it where CI=true) unless every program is there.
# "pdns:remote" and "pdns:gpgsql" name PowerDNS' loadable backends.
sub need_programs {
    my (@names) = @_;
    my @missing = grep { !_is_there($_) } @names;
    return if !@missing;
    my $list = join ', ', @missing;
    require Test::More;
    if (($ENV{CI} // '') eq 'true') {
        Test::More::plan(tests => 1);
        Test::More::fail("programs missing: $list");
        exit 1;
    }
    Test::More::plan(skip_all => "programs missing: $list");
    return;
}

sub _is_there {
    my ($name) = @_;
    return defined find_program($name) if $name !~ /^pdns:(.+)/;
    my @dirs = pdns_modules() // qw(/usr/lib/*/pdns /usr/lib/pdns);
    return scalar grep { -e } map { glob "$_/lib${1}backend.so" } @dirs;
}

1;
