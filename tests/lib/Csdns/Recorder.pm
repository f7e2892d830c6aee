package Csdns::Recorder;

# A Unix socket in front of csdnsd's that writes down what PowerDNS sends, as it
# sends it. A process of its own; gone when the test ends.

use strict;
use warnings;

use Carp qw(croak);
use IO::Select;
use IO::Socket::UNIX;

use Csdns::Process qw(fork_helper temp_dir);

# new(to => PATH of csdnsd's socket)
sub new {
    my ($class, %args) = @_;
    my $dir = temp_dir();
    my $self = bless { socket => "$dir/sock", file => "$dir/requests", to => $args{to}, read => 0 }, $class;
    my $listen = IO::Socket::UNIX->new(Local => $self->{socket}, Listen => 50) or croak "recorder: $!";
    open my $out, '>>', $self->{file} or croak "$self->{file}: $!";
    $out->autoflush(1);
    my $owner = $$;
    fork_helper(sub { _serve($self, $owner, $listen, $out) });
    return $self;
}

sub socket { my ($self) = @_; return $self->{socket} }

# What was sent since the last call: the requests of each connection together, in the
# order of the connections' first requests. What a connection sent belongs together,
# because transactions do.
sub requests {
    my ($self) = @_;
    open my $file, '<', $self->{file} or croak "$self->{file}: $!";
    seek $file, $self->{read}, 0;
    my (@order, %of);
    while (my $line = <$file>) {
        last if $line !~ /\n\z/;
        $self->{read} += length $line;
        my ($connection, $request) = $line =~ /^(\d+) (.*)\n/ or next;
        push @order, $connection if !$of{$connection};
        push @{ $of{$connection} }, $request;
    }
    return map { @{ $of{$_} } } @order;
}

# --- the recorder's process ---

sub _serve {
    my ($self, $owner, $listen, $out) = @_;
    my (%peer, %number, %rest);
    my $select = IO::Select->new($listen);
    my $count = 0;
    while (1) {
        for my $from ($select->can_read(0.5)) {
            if ($from == $listen) {
                my $client = $listen->accept or next;
                my $server = IO::Socket::UNIX->new(Peer => $self->{to}) or next;
                @peer{ $client, $server } = ($server, $client);
                $number{$client} = ++$count;
                $rest{$client} = '';
                $select->add($client, $server);
                next;
            }
            my $to = $peer{$from} // next;
            if (!sysread $from, my $octets, 65536) {
                $select->remove($from, $to);
                delete @$_{ $from, $to } for \%peer, \%number, \%rest;
                close $_ for $from, $to;
                next;
            }
            elsif ($number{$from}) {
                $rest{$from} .= $octets;
                print {$out} "$number{$from} $1\n" while $rest{$from} =~ s/^([^\n]*)\n//;
                _pass($to, $octets);
            }
            else { _pass($to, $octets) }
        }
        return if getppid != $owner;
    }
    return;
}

sub _pass {
    my ($to, $octets) = @_;
    for (my $at = 0; $at < length $octets;) { $at += syswrite($to, $octets, length($octets) - $at, $at) // last }
    return;
}

1;
