package Csdns::Csdnsd;

# The csdnsd under test: CSDNS_BUILD names the build directory, else the source
# tree. A sanitizer's report in its log fails the test, whatever else it found.

use strict;
use warnings;

use Carp qw(croak);

use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Remote;
use Csdns::Wait qw(wait_until);

my @started;    # [name, log] of each, for the last look at their logs
my $OWNER = $$;

# start(db => CONNINFO, other_option => VALUE ...): underscores stand for dashes,
# a value of undef leaves the option out, a list repeats it. Also user =>, env =>,
# fds =>, wait => 0 (do not wait until it answers), extra => [more arguments].
sub start {
    my ($class, %args) = @_;
    need_programs('csdnsd');
    my %how = map { $_ => delete $args{$_} } grep { exists $args{$_} } qw(user env fds wait name extra);
    my $self = bless {
        name => $how{name} // 'csdnsd', dir => temp_dir(user => $how{user}), how => \%how,
    }, $class;
    $self->{log} = "$self->{dir}/log";
    $self->{socket} = exists $args{socket} ? $args{socket} : "$self->{dir}/csdnsd.sock";
    $self->{options} = { socket => $self->{socket}, %args };
    push @started, [$self->{name}, $self->{log}];
    return $self->spawn;
}

# A log to look at in the end, for what is started like csdnsd.
sub register { my ($name, $log) = @_; push @started, [$name, $log]; return }

# Starts it (again) with the same options.
sub spawn {
    my ($self) = @_;
    my %how = %{ $self->{how} };
    delete $self->{status_remote};
    $self->{process} = Csdns::Process->start(
        name => $self->{name}, log => $self->{log}, cwd => $self->{dir}, user => $how{user}, fds => $how{fds},
        env => { ASAN_OPTIONS => 'abort_on_error=0:detect_leaks=1', UBSAN_OPTIONS => 'print_stacktrace=1', %{ $how{env} // {} } },
        command => [find_program('csdnsd'), $self->arguments, @{ $how{extra} // [] }],
    );
    $self->wait_ready if $how{wait} // 1;
    return $self;
}

sub arguments {
    my ($self) = @_;
    my @arguments;
    for my $name (sort keys %{ $self->{options} }) {
        my $value = $self->{options}{$name};
        my $option = '--' . ($name =~ tr/_/-/r);
        push @arguments, map {"$option=$_"} ref $value ? @$value : defined $value ? $value : ();
    }
    return @arguments;
}

# Ready: it accepts a connection and has data.
sub wait_ready {
    my ($self, $seconds) = @_;
    $self->{process}->wait_ready(sub { $self->has_data }, $seconds // 20, 'data loaded');
    return $self;
}

# Whether it has loaded the store; before that it refuses lookups.
sub has_data {
    my ($self) = @_;
    my $status = eval { $self->status };
    return $status && exists $status->{age_ms} ? 1 : 0;
}

sub process { my ($self) = @_; return $self->{process} }
sub pid { my ($self) = @_; return $self->{process}->pid }
sub socket { my ($self) = @_; return $self->{socket} }
sub dir { my ($self) = @_; return $self->{dir} }
sub is_running { my ($self) = @_; return $self->{process}->is_running }
sub log_text { my ($self) = @_; return $self->{process}->log_text }
sub rss_kb { my ($self) = @_; return $self->{process}->rss_kb }
sub remote { my ($self, %args) = @_; return Csdns::Remote->new(socket => $self->{socket}, %args) }
sub reload { my ($self) = @_; $self->{process}->signal('HUP'); return $self }

# What it says of itself: { database, listening, mirror_version, store_version, age_ms, ... }.
sub status {
    my ($self) = @_;
    my $remote = $self->{status_remote};
    my $text = $remote && eval { $remote->call('directBackendCmd', query => 'status') };
    $text //= ($self->{status_remote} = $self->remote(timeout => 2))->call('directBackendCmd', query => 'status');
    return { map { split / /, $_, 2 } split /\n/, $text };
}

# Waits until it has everything that is committed in the store of this handle.
sub wait_current {
    my ($self, $dbh, $seconds) = @_;
    my ($version) = $dbh->selectrow_array('SELECT version FROM csdns.head()');
    wait_until { $self->status->{mirror_version} >= $version } $seconds // 20, "csdnsd to reach version $version";
    return $version;
}

# Ends it with SIGTERM and returns its exit status as $? would hold it.
sub stop { my ($self) = @_; return $self->{process}->stop('TERM', 10) }

sub kill_hard { my ($self) = @_; return $self->{process}->stop('KILL', 10) }

# Waits until something stands in the log.
sub wait_log {
    my ($self, $pattern, $seconds) = @_;
    return wait_until { $self->log_text =~ $pattern } $seconds // 10, "$pattern in the log of $self->{name}";
}

# Runs it to its end (--check, --help, wrong options): { status, out, err }.
sub run {
    my ($class, @arguments) = @_;
    need_programs('csdnsd');
    return run_program(command => [find_program('csdnsd'), @arguments], timeout => 20);
}

# Whether it was built with --enable-test-hooks, which --enable-sanitizers implies.
sub has_hooks {
    my ($class) = @_;
    open my $file, '<:raw', find_program('csdnsd') or croak "csdnsd: $!";
    local $/ = undef;
    return <$file> =~ /CSDNS_TEST_OFF/;
}

my $SANITIZER = qr/(?:ERROR|WARNING): (?:Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer|runtime error:/;

# The sanitizers' complaints in a log, if any.
sub _report_in {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/ = undef;
    my $text = <$file> // '';
    return $text =~ $SANITIZER ? substr $text, $-[0], 4000 : '';
}

# Runs before the clean-up of Csdns::Process, because this END is compiled later.
END {
    if ($$ == $OWNER) {
        my $status = $?;
        Csdns::Process::stop_all() if @started;
        for my $started (@started) {
            my $report = _report_in($started->[1]) or next;
            print {*STDERR} map {"# $started->[0]: $_\n"} split /\n/, $report;
            $status ||= 1;
        }
        $? = $status;
    }
}

1;
