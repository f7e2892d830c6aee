package Csdns::Proxy;

# A TCP proxy on the loopback address in front of a unix socket, that cuts, delays
# or chops what it passes on: what a bad network does to a connection to
# PostgreSQL. A process of its own; gone when the test ends.

use strict;
use warnings;

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOL_SOCKET SO_LINGER AF_UNIX SOCK_STREAM PF_UNSPEC);

use Csdns::Process qw(fork_helper);
use Csdns::Wait qw(now_s);

# new(to => PATH of a unix socket)
sub new {
    my ($class, %args) = @_;
    my $listen = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or croak "proxy: $!";
    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or croak "socketpair: $!";
    my $pid = fork_helper(sub { _serve($args{to}, $listen, $theirs) });    # until its end of the pair closes
    $ours->autoflush(1);
    return bless { port => $listen->sockport, control => $ours, pid => $pid }, $class;
}

sub port { my ($self) = @_; return $self->{port} }

# A libpq connection string through it, after that for the same database directly.
sub conninfo {
    my ($self, $direct) = @_;
    return $direct =~ s/host=\S+ port=\d+/host=127.0.0.1 port=$self->{port}/r;
}

# cut(after => OCTETS, how => 'end' or 'reset', chunk => OCTETS, stall => SECONDS):
# of the connections that are there, both directions together; next => 1: of the
# next one instead. It passes on at most a chunk at once, and before it cuts it
# holds everything back for a while. Several cuts of next ones wait in line.
sub cut {
    my ($self, %args) = @_;
    $self->_say(join ' ', $args{next} ? 'next' : 'now', map { $args{$_->[0]} // $_->[1] } ['after', 0], ['how', 'end'], ['chunk', 65536], ['stall', 0]);
    return;
}

# How many connections it has cut.
sub cuts { my ($self) = @_; return $self->_say('cuts') }

sub _say {
    my ($self, $line) = @_;
    my $control = $self->{control};
    print {$control} "$line\n";
    my $answer = <$control> // croak 'the proxy is gone';
    chomp $answer;
    return $answer;
}

# --- the proxy's process ---

sub _serve {
    my ($to, $listen, $control) = @_;
    $control->autoflush(1);
    my $self = { to => $to, listen => $listen, control => $control, links => [], line => [], cuts => 0 };
    while (1) {
        my ($handles, $wait) = _handles($self);
        for my $ready (IO::Select->new(@$handles)->can_read($wait)) {
            if ($ready == $control) { _obey($self) // return }
            elsif ($ready == $listen) { _accept($self) }
            else { _pass($self, $ready) }
        }
        _end($self, $_) for grep { $_->{ends} && $_->{ends} <= now_s() } @{ $self->{links} };
        $self->{links} = [grep { !$_->{gone} } @{ $self->{links} }];
    }
    return;
}

sub _handles {
    my ($self) = @_;
    my @stalled = grep { $_->{ends} } @{ $self->{links} };
    my ($first) = sort { $a <=> $b } map { $_->{ends} - now_s() } @stalled;
    $first = 0 if defined $first && $first < 0;
    return [$self->{control}, $self->{listen}, map { @$_{qw(client server)} } grep { !$_->{ends} } @{ $self->{links} }], $first;
}

sub _obey {
    my ($self) = @_;
    my $line = readline($self->{control}) // return;
    my ($word, @fate) = split ' ', $line;
    my %fate;
    @fate{qw(after how chunk stall)} = @fate;
    if ($word eq 'next') { push @{ $self->{line} }, \%fate }
    elsif ($word eq 'now') { _doom($self, $_, \%fate) for @{ $self->{links} } }
    print { $self->{control} } "$self->{cuts}\n";
    return 1;
}

sub _doom {
    my ($self, $link, $fate) = @_;
    @$link{keys %$fate} = values %$fate;
    return;
}

sub _accept {
    my ($self) = @_;
    my $client = $self->{listen}->accept or return;
    my $server = IO::Socket::UNIX->new(Peer => $self->{to}) or return;
    my $link = { client => $client, server => $server, chunk => 65536 };
    _doom($self, $link, shift @{ $self->{line} }) if @{ $self->{line} };
    push @{ $self->{links} }, $link;
    return;
}

sub _pass {
    my ($self, $from) = @_;
    my ($link) = grep { !$_->{gone} && !$_->{ends} && ($_->{client} == $from || $_->{server} == $from) } @{ $self->{links} };
    return if !$link;
    my $to = $link->{client} == $from ? $link->{server} : $link->{client};
    my $most = $link->{chunk};
    $most = $link->{after} if defined $link->{after} && $link->{after} < $most;
    my $n = $most ? sysread $from, my $octets, $most : 1;
    if (!$n) { $link->{how} = 'end'; $self->{cuts}--; return _end($self, $link) }    # not our doing
    if ($most) {
        for (my $at = 0; $at < $n;) { $at += syswrite($to, $octets, $n - $at, $at) // last }
    }
    return if !defined $link->{after};
    $link->{after} -= $n if $most;
    $link->{ends} = now_s() + $link->{stall} if $link->{after} <= 0;
    return;
}

sub _end {
    my ($self, $link) = @_;
    setsockopt $link->{client}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if ($link->{how} // '') eq 'reset';
    close $link->{client};
    close $link->{server};
    $link->{gone} = 1;
    $self->{cuts}++;
    return;
}

1;
