package Csdns::Process;

# A program that a test starts: its log, its readiness, its end. Whatever is
# still running when the test ends, dies or gets a signal is stopped by pid, and
# the temporary directories go away, unless CSDNS_KEEP=1. Should the test itself
# be killed with SIGKILL, the kernel stops the programs (parent death signal).

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';
use Fcntl qw(F_SETFD);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(:sys_wait_h dup2 _exit setsid);
use Scalar::Util qw(weaken);

use Csdns::Wait qw(wait_until try_until);

our @EXPORT_OK = qw(run_program fork_helper temp_dir unprivileged_user);

my $OWNER = $$;     # forked children must not clean up after their parent
my @running;        # weak references, in the order of starting
my @logs;           # [name, path] of everything that was started
my @dirs;           # temporary directories to remove
my @helpers;        # pids of fork_helper

# The account for programs that refuse to run as root: undef when we are not root.
sub unprivileged_user {
    return if $> != 0;
    for my $name (qw(postgres nobody)) {
        return $name if getpwnam $name;
    }
    die "no unprivileged account (postgres or nobody) on this machine\n";
}

# A short directory name, because a unix socket's path has 107 bytes at most.
# Owned by user if one is given.
sub temp_dir {
    my (%args) = @_;
    my $dir = tempdir('csXXXXXX', DIR => '/tmp', CLEANUP => 0);
    chown +(getpwnam $args{user})[2, 3], $dir if $args{user};
    chmod 0755, $dir;
    push @dirs, $dir if $$ == $OWNER;
    return $dir;
}

# start(command => [...], name =>, log => FILE, user =>, env => {}, cwd =>,
#       fds => { 3 => $handle }, stop_signal => 'TERM', death_signal => 'KILL')
# starts the program at once and returns its object. Its stdout and stderr are
# appended to log. An env value of undef removes the variable. In env, %PID%
# stands for the program's own pid.
sub start {
    my ($class, %args) = @_;
    my $self = bless {
        stop_signal => 'TERM', death_signal => 'KILL', name => $args{command}[0], %args,
    }, $class;
    croak 'a program needs a log file' if !$self->{log};
    push @logs, [$self->{name}, $self->{log}] if !grep { $_->[1] eq $self->{log} } @logs;
    $self->{log_start} = -s $self->{log} // 0;
    $self->{pid} = _spawn($self);
    push @running, $self;
    weaken $running[-1];
    return $self;
}

# setpriv changes the account and asks for the signal at our death; the pid stays.
sub _wrapped_command {
    my ($self) = @_;
    my @wrapper = ('setpriv', "--pdeathsig=$self->{death_signal}");
    if ($self->{user} && $> == 0) {
        my (undef, undef, undef, $gid) = getpwnam $self->{user};
        push @wrapper, "--reuid=$self->{user}", "--regid=$gid", '--init-groups';
    }
    return (@wrapper, '--', @{ $self->{command} });
}

sub _spawn {
    my ($self) = @_;
    pipe my $read, my $write or croak "pipe: $!";
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        close $read;
        eval { _become($self); 1 } or syswrite $write, $@;
        _exit(127);
    }
    close $write;
    my $error = do { local $/ = undef; <$read> };
    if (defined $error && $error ne '') {
        waitpid $pid, 0;
        die "could not start $self->{name}: $error";
    }
    return $pid;
}

sub _become {
    my ($self) = @_;
    setsid(); # a session of its own, as services have: Linux shares processors out by session (sched(7), autogroup)
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP QUIT PIPE CHLD);
    chdir($self->{cwd} // '/') or die "chdir $self->{cwd}: $!\n";
    open STDIN, '<', '/dev/null' or die "/dev/null: $!\n";
    open STDOUT, '>>', $self->{log} or die "$self->{log}: $!\n";
    open STDERR, '>&', \*STDOUT or die "dup: $!\n";
    for my $fd (sort keys %{ $self->{fds} // {} }) {
        my $handle = $self->{fds}{$fd};
        if (fileno $handle == $fd) { fcntl $handle, F_SETFD, 0 }
        else { dup2(fileno $handle, $fd) // die "dup2: $!\n" }
    }
    my %env = %{ $self->{env} // {} };
    for my $name (keys %env) {
        if (defined $env{$name}) { $ENV{$name} = $env{$name} =~ s/%PID%/$$/gr }
        else { delete $ENV{$name} }
    }
    no warnings 'exec';
    exec { 'setpriv' } _wrapped_command($self) or die "exec $self->{command}[0]: $!\n";
    return;
}

sub pid { my ($self) = @_; return $self->{pid} }
sub name { my ($self) = @_; return $self->{name} }

# Whether it runs; collects its exit status when it does not.
sub is_running {
    my ($self) = @_;
    return 0 if defined $self->{status};
    my $got = waitpid $self->{pid}, WNOHANG;
    return 1 if $got == 0;
    $self->{status} = $got == $self->{pid} ? $? : -1;
    return 0;
}

# As $? would hold it; undef while it runs.
sub status { my ($self) = @_; $self->is_running; return $self->{status} }

sub signal {
    my ($self, $signal) = @_;
    return $self->is_running ? kill($signal, $self->{pid}) : 0;
}

# Waits for its end; dies at the deadline. Returns the status.
sub wait_exit {
    my ($self, $seconds) = @_;
    wait_until { !$self->is_running } $seconds // 10, "$self->{name} (pid $self->{pid}) to end";
    return $self->{status};
}

# Stops it with its stop signal or the one given; SIGKILL after the deadline.
sub stop {
    my ($self, $signal, $seconds) = @_;
    return $self->{status} if !$self->is_running;
    kill $signal // $self->{stop_signal}, $self->{pid};
    if (!try_until { !$self->is_running } $seconds // 10) {
        warn "$self->{name} (pid $self->{pid}) did not stop, killing it\n";
        kill 'KILL', $self->{pid};
        wait_until { !$self->is_running } 10, "$self->{name} to die";
    }
    return $self->{status};
}

# Waits until the condition holds; dies at once, with the end of the log, when
# the program ends before that.
sub wait_ready {
    my ($self, $condition, $seconds, $what) = @_;
    my $ready = try_until { !$self->is_running || $condition->() } $seconds // 20;
    return $self if $ready && $self->is_running;
    my $state = $self->is_running ? 'is not ready in time' : "ended with status $self->{status}";
    die "$self->{name} $state" . ($what ? " ($what)" : '') . "; its log ends:\n" . $self->log_tail(30);
}

# What it logged since it was started (or everything in the file).
sub log_text {
    my ($self, %args) = @_;
    open my $file, '<', $self->{log} or return '';
    seek $file, $self->{log_start}, 0 if !$args{all};
    local $/ = undef;
    return <$file> // '';
}

sub log_tail {
    my ($self, $lines) = @_;
    return _tail($self->{log}, $lines // 30);
}

sub _tail {
    my ($path, $count) = @_;
    open my $file, '<', $path or return '';
    seek $file, -65536, 2 if -s $path > 65536;
    my @lines = <$file>;
    splice @lines, 0, @lines - $count if @lines > $count;
    return join '', @lines;
}

# Resident memory in kB.
sub rss_kb {
    my ($self) = @_;
    open my $file, '<', "/proc/$self->{pid}/status" or return 0;
    while (<$file>) { return $1 if /^VmRSS:\s+(\d+)/ }
    return 0;
}

sub open_files {
    my ($self) = @_;
    opendir my $dir, "/proc/$self->{pid}/fd" or return 0;
    return scalar grep { !/^\./ } readdir $dir;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != $OWNER || defined $self->{status} || !$self->{pid};
    local ($@, $?, $!);
    $self->stop;
    return;
}

# run_program(command => [...], stdin => TEXT, env => {}, timeout => 60): runs
# to its end and returns { status, out, err }.
sub run_program {
    my (%args) = @_;
    my %file = map { $_ => File::Temp->new(TEMPLATE => "cs-$_-XXXXXX", DIR => '/tmp') } qw(in out err);
    print { $file{in} } $args{stdin} // '';
    close $file{in};
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP QUIT PIPE CHLD);
        if (defined $args{cwd}) { chdir $args{cwd} or _exit(127) }
        open STDIN, '<', $file{in}->filename or _exit(127);
        open STDOUT, '>&', $file{out} or _exit(127);
        open STDERR, '>&', $file{err} or _exit(127);
        for my $name (keys %{ $args{env} // {} }) {
            if (defined $args{env}{$name}) { $ENV{$name} = $args{env}{$name} }
            else { delete $ENV{$name} }
        }
        no warnings 'exec';
        exec { $args{command}[0] } @{ $args{command} } or syswrite STDERR, "exec $args{command}[0]: $!\n";
        _exit(127);
    }
    my $status;
    if (!try_until { my $done = waitpid($pid, WNOHANG) == $pid; $status = $? if $done; $done } $args{timeout} // 60) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
        $status = -1;
    }
    return { status => $status, map { $_ => _slurp($file{$_}->filename) } qw(out err) };
}

sub _slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/ = undef;
    return <$file> // '';
}

# Runs code that serves the test in a process of its own, which ends with the test at the latest.
sub fork_helper {
    my ($code) = @_;
    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        eval { $code->() };
        _exit(0);
    }
    push @helpers, $pid;
    return $pid;
}

sub _test_failed {
    my ($status) = @_;
    return 1 if $status;
    return Test::Builder->can('new') && !Test::Builder->new->is_passing;
}

sub _show_logs {
    for my $log (@logs) {
        my ($name, $path) = @$log;
        next if !-s $path;
        print {*STDERR} "# --- end of the log of $name ($path)\n";
        print {*STDERR} map { "# $_\n" } split /\n/, _tail($path, 30);
    }
    return;
}

# Everything at once: first the signals, then the waiting. PostgreSQL is stopped
# in its immediate mode, its files are of no use any more.
sub stop_all {
    my @left = grep { defined && $_->is_running } reverse @running;
    kill $_->{end_signal} // $_->{stop_signal}, $_->{pid} for @left;
    for my $process (@left) {
        next if try_until { !$process->is_running } 10;
        kill 'KILL', $process->{pid};
        try_until { !$process->is_running } 5;
    }
    return;
}

sub _clean_up {
    return if $$ != $OWNER;
    my $status = $?;
    local ($@, $?, $!);
    $SIG{$_} = 'IGNORE' for qw(INT TERM HUP);
    _show_logs() if _test_failed($status);
    stop_all();
    for my $pid (@helpers) { kill 'TERM', $pid; waitpid $pid, 0 }
    if ($ENV{CSDNS_KEEP}) {
        print {*STDERR} "# kept: $_\n" for @dirs;
    }
    else {
        remove_tree($_, { error => \my $ignored }) for @dirs;
    }
    return;
}

for my $signal (qw(INT TERM HUP)) {
    $SIG{$signal} = sub { exit 1 };    # runs the END blocks
}
$SIG{PIPE} = 'IGNORE';

END { _clean_up() }

1;
