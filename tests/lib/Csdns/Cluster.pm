package Csdns::Cluster;

# A private PostgreSQL cluster for one test: no TCP, trust authentication, a
# short socket path, an unprivileged account. Gone when the test ends.

use strict;
use warnings;

use Carp qw(croak);

use Csdns::Process qw(run_program temp_dir unprivileged_user);
use Csdns::Programs qw(find_program need_programs source_dir);
use Csdns::Wait qw(wait_until);

# The tests must not see the PostgreSQL that the person who runs them uses.
delete $ENV{$_} for grep { /^PG/ } keys %ENV;

my $SUPERUSER = 'postgres';

# fsync is off: only the death of the whole machine could lose something. Commits
# are synchronous, so that an immediate stop of PostgreSQL loses none.
my @CONF = (
    "listen_addresses = ''",
    'fsync = off',
    'full_page_writes = off',
    'shared_buffers = 32MB',
    'max_connections = 120',
    'wal_level = replica',
    'max_wal_senders = 6',
    'min_wal_size = 32MB',
    'autovacuum_naptime = 10s',
    'log_line_prefix = \'%m [%p] %u@%d %a \'',
    'lc_messages = C',
    'jit = off',
);

# new(name => 'main', conf => { 'max_connections' => 50 }, fsync => 1): creates
# and starts. conf wins over the settings above.
sub new {
    my ($class, %args) = @_;
    need_programs(qw(initdb postgres psql setpriv));
    my $user = unprivileged_user();
    my $self = bless {
        name => 'main', user => $user, dir => temp_dir(user => $user), pid_of_owner => $$, %args,
    }, $class;
    $self->{data} = "$self->{dir}/data";
    $self->_initdb;
    $self->_configure(@CONF, $args{fsync} ? ('fsync = on', 'full_page_writes = on') : ());
    return $self->start;
}

sub _as_user {
    my ($self, @command) = @_;
    return @command if !$self->{user};
    my (undef, undef, undef, $gid) = getpwnam $self->{user};
    return ('setpriv', "--reuid=$self->{user}", "--regid=$gid", '--init-groups', '--', @command);
}

sub _initdb {
    my ($self) = @_;
    my $done = run_program(command => [
        $self->_as_user(find_program('initdb')), '-D', $self->{data}, '-U', $SUPERUSER,
        '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C',
    ], cwd => '/');
    croak "initdb: $done->{err}" if $done->{status} != 0;
    return;
}

sub _configure {
    my ($self, @lines) = @_;
    my %extra = %{ $self->{conf} // {} };
    open my $file, '>>', "$self->{data}/postgresql.conf" or croak "postgresql.conf: $!";
    print {$file} map { "$_\n" } @lines, "unix_socket_directories = '$self->{dir}'";
    print {$file} "$_ = '$extra{$_}'\n" for sort keys %extra;
    close $file;
    return;
}

# Starts it and waits until it takes connections.
sub start {
    my ($self) = @_;
    return $self if $self->is_running;
    unlink "$self->{data}/postmaster.pid";    # left over from a kill
    $self->{process} = Csdns::Process->start(
        name => "postgres $self->{name}", user => $self->{user}, cwd => $self->{dir},
        command => [find_program('postgres'), '-D', $self->{data}],
        log => "$self->{dir}/log", env => { LC_ALL => 'C' },
        stop_signal => 'INT', end_signal => 'QUIT', death_signal => 'QUIT',
    );
    $self->{process}->wait_ready(sub { $self->_pid_file_says_ready }, 30);
    return $self;
}

# The postmaster writes its state into the eighth line.
sub _pid_file_says_ready {
    my ($self) = @_;
    open my $file, '<', "$self->{data}/postmaster.pid" or return 0;
    my @lines = <$file>;
    return ($lines[7] // '') =~ /^(?:ready|standby)/ ? 1 : 0;
}

my %SIGNAL = (smart => 'TERM', fast => 'INT', immediate => 'QUIT');

# stop('fast'), stop('immediate'): the latter is a crash, recovery follows at the next start.
sub stop {
    my ($self, $mode) = @_;
    my $signal = $SIGNAL{ $mode // 'fast' } // croak "unknown mode $mode";
    $self->{process}->stop($signal, 30) if $self->{process};
    return $self;
}

sub restart {
    my ($self, $mode) = @_;
    return $self->stop($mode)->start;
}

# Holds PostgreSQL still without ending it, as a hung disk would, and lets it go on.
sub freeze { my ($self) = @_; kill 'STOP', $self->_all_pids; return $self }
sub thaw { my ($self) = @_; kill 'CONT', $self->_all_pids; return $self }

sub _all_pids {
    my ($self) = @_;
    my $main = $self->{process}->pid;
    my @pids = ($main);
    for my $stat (glob '/proc/[0-9]*/stat') {
        open my $file, '<', $stat or next;
        my $line = <$file> // next;
        push @pids, $1 if $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $main;
    }
    return @pids;
}

sub is_running {
    my ($self) = @_;
    return $self->{process} && $self->{process}->is_running;
}

sub process { my ($self) = @_; return $self->{process} }
sub socket_dir { my ($self) = @_; return $self->{dir} }
sub log_text { my ($self) = @_; return $self->{process}->log_text(all => 1) }

# A libpq connection string, good for every local program.
sub conninfo {
    my ($self, $db, $user) = @_;
    return sprintf 'host=%s port=5432 dbname=%s user=%s', $self->{dir}, $db // 'postgres', $user // $SUPERUSER;
}

# create_db('name', icu => 'en'): optionally with a linguistic sort order, in
# which DNS names sort quite differently than in C.
sub create_db {
    my ($self, $db, %args) = @_;
    my $options = 'TEMPLATE template0';
    $options .= " LOCALE_PROVIDER icu ICU_LOCALE '$args{icu}'" if $args{icu};
    $self->psql('postgres', "CREATE DATABASE $db $options");
    return $self;
}

# Runs SQL with psql, several statements if need be; returns the rows unaligned,
# columns with "|". Dies with PostgreSQL's error.
sub psql {
    my ($self, $db, $sql, %args) = @_;
    return $self->_psql($db, ['-f', '-'], $sql, %args);
}

# The same for files, in one transaction.
sub psql_file {
    my ($self, $db, @files) = @_;
    return $self->_psql($db, ['-1', map { ('-f', $_) } @files], undef);
}

sub _psql {
    my ($self, $db, $what, $stdin, %args) = @_;
    my $done = run_program(
        command => [
            find_program('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1',
            '-d', $self->conninfo($db, $args{user}), @$what,
        ],
        stdin => $stdin, timeout => $args{timeout} // 120,
    );
    croak "psql: $done->{err}" if $done->{status} != 0;
    $self->{notices} = $done->{err};
    chomp(my $out = $done->{out});
    return $out;
}

# What the last psql call wrote to stderr (NOTICE, WARNING).
sub notices { my ($self) = @_; return $self->{notices} // '' }

sub dbh {
    my ($self, $db, $user) = @_;
    require DBI;
    my $conninfo = $self->conninfo($db, $user) =~ s/ /;/gr;
    return DBI->connect("dbi:Pg:$conninfo", '', '', {
        RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_enable_utf8 => 1, AutoInactiveDestroy => 1,
        pg_server_prepare => 0,
    });
}

# The numbered files of schema/, in one transaction; and two roles to log in with:
# csdnsd, which may only read, and pdns, which writes PowerDNS' tables.
sub install_schema {
    my ($self, $db) = @_;
    my $dir = $ENV{CSDNS_SCHEMA_DIR} // source_dir() . '/schema';
    my @files = sort glob "$dir/[0-9][0-9][0-9]-*.sql";
    croak 'no schema files' if !@files;
    $self->psql_file($db, @files);
    for my $login (['csdnsd', 'csdns_read'], ['pdns', 'csdns_write']) {
        my ($name, $role) = @$login;
        next if $self->psql($db, "SELECT 1 FROM pg_roles WHERE rolname = '$name'");
        next if !$self->psql($db, "SELECT 1 FROM pg_roles WHERE rolname = '$role'");    # another schema
        $self->psql($db, "CREATE ROLE $name LOGIN; GRANT $role TO $name");
    }
    return $self;
}

# A hot standby that streams from this cluster; another Csdns::Cluster.
sub standby {
    my ($self, %args) = @_;
    need_programs('pg_basebackup');
    my $user = $self->{user};
    my $other = bless {
        name => "$self->{name}-standby", user => $user, dir => temp_dir(user => $user),
        pid_of_owner => $$, conf => $args{conf} // {}, primary => $self,
    }, ref $self;
    $other->{data} = "$other->{dir}/data";
    my $done = run_program(command => [
        $self->_as_user(find_program('pg_basebackup')), '-D', $other->{data}, '-d', $self->conninfo('postgres'),
        '-R', '-X', 'stream', '-c', 'fast', '--no-sync',
    ], cwd => '/', timeout => 120);
    croak "pg_basebackup: $done->{err}" if $done->{status} != 0;
    $other->_configure('hot_standby = on', 'max_standby_streaming_delay = 1s');
    return $other->start;
}

# Makes a standby the new primary.
sub promote {
    my ($self) = @_;
    $self->psql('postgres', 'SELECT pg_promote(true, 30)');
    return $self;
}

# Waits until the standby has replayed all that its primary has committed.
sub catch_up {
    my ($self) = @_;
    my $lsn = $self->{primary}->psql('postgres', 'SELECT pg_current_wal_lsn()');
    wait_until {
        $self->psql('postgres', "SELECT pg_last_wal_replay_lsn() >= '$lsn'::pg_lsn") eq 't';
    } 30, "the standby to reach $lsn";
    return $self;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $self->{pid_of_owner} || ${^GLOBAL_PHASE} eq 'DESTRUCT';
    local ($@, $?, $!);
    $self->{process}->stop('QUIT', 10) if $self->{process};    # its log is still wanted, should the test fail
    return;
}

1;
