package Csdns::AmqpProxy;

# A proxy on the loopback address in front of RabbitMQ that loses the rest of a message: what a
# broker that is broken does to its client. A process of its own; gone when the test ends.

use strict;
use warnings;

use Carp qw(croak);
use IO::Select;
use IO::Socket::INET;
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);

use Csdns::Process qw(fork_helper);

# Types of frames in AMQP 0-9-1.
my ($HEADER, $BODY) = (2, 3);

# new(to => PORT of RabbitMQ, without TLS)
sub new {
    my ($class, %args) = @_;
    my $listen = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or croak "proxy: $!";
    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or croak "socketpair: $!";
    fork_helper(sub { _serve($args{to}, $listen, $theirs) });    # until its end of the pair closes
    $ours->autoflush(1);
    return bless { port => $listen->sockport, control => $ours }, $class;
}

sub port { my ($self) = @_; return $self->{port} }

# The header and the body of the next message do not arrive.
sub lose {
    my ($self) = @_;
    my $control = $self->{control};
    print {$control} "lose\n";
    return readline($control) // croak 'the proxy is gone';
}

# --- the proxy's process ---

sub _serve {
    my ($to, $listen, $control) = @_;
    $control->autoflush(1);
    my $select = IO::Select->new($listen, $control);
    my (%peer, %in, $is_losing);
    while (1) {
        for my $ready ($select->can_read) {
            if ($ready == $control) {
                readline($control) // return;
                $is_losing = 1;
                print {$control} "ok\n";
                next;
            }
            if ($ready == $listen) {
                my $client = $listen->accept or next;
                my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or next;
                @peer{ $client, $server } = ($server, $client);
                $in{$server} = '';
                $select->add($client, $server);
                next;
            }
            my $other = $peer{$ready} or next;    # closed in this round
            if (!sysread $ready, my $octets, 65536) {
                $select->remove($ready, $other);
                delete @peer{ $ready, $other };
                close $_ for $ready, $other;
            } elsif (defined $in{$ready}) {
                $in{$ready} .= $octets;
                _write($other, _frames(\$in{$ready}, \$is_losing));
            } else {
                _write($other, $octets);
            }
        }
    }
    return;
}

# What of the frames that are complete goes on. A header that is lost takes the frames of its body with it.
sub _frames {
    my ($in, $is_losing) = @_;
    my $out = '';
    while (length $$in >= 7) {
        my ($type, undef, $size) = unpack 'CnN', $$in;
        last if length $$in < $size + 8;
        my $frame = substr $$in, 0, $size + 8, '';
        if ($$is_losing) {
            $$is_losing = 2 if $type == $HEADER;
            next if $type == $HEADER || $type == $BODY;
            $$is_losing = 0 if $$is_losing == 2;
        }
        $out .= $frame;
    }
    return $out;
}

sub _write {
    my ($to, $octets) = @_;
    for (my $at = 0; $at < length $octets;) { $at += syswrite($to, $octets, length($octets) - $at, $at) // return }
    return;
}

1;
