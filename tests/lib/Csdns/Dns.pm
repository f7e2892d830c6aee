package Csdns::Dns;

# Asks one DNS server many questions quickly: persistent sockets, several
# questions under way, its own small wire decoder (Net::DNS would take most of
# the time). Replies come in a canonical text form that can be compared as is.

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use Socket qw(inet_ntop AF_INET6 IPPROTO_TCP TCP_NODELAY);

use Csdns::Wait qw(now_s);

our @EXPORT_OK = qw(name_to_wire);

my %TYPE = (
    A => 1, NS => 2, CNAME => 5, SOA => 6, PTR => 12, HINFO => 13, MX => 15, TXT => 16, RP => 17, AFSDB => 18,
    KEY => 25, AAAA => 28, LOC => 29, SRV => 33, NAPTR => 35, KX => 36, CERT => 37, DNAME => 39, OPT => 41, DS => 43,
    SSHFP => 44, IPSECKEY => 45, RRSIG => 46, NSEC => 47, DNSKEY => 48, DHCID => 49, NSEC3 => 50, NSEC3PARAM => 51,
    TLSA => 52, SMIMEA => 53, HIP => 55, CDS => 59, CDNSKEY => 60, OPENPGPKEY => 61, CSYNC => 62, ZONEMD => 63,
    SVCB => 64, HTTPS => 65, SPF => 99, EUI48 => 108, EUI64 => 109, TKEY => 249, TSIG => 250, IXFR => 251, AXFR => 252,
    ANY => 255, URI => 256, CAA => 257,
);
my %TYPE_NAME = reverse %TYPE;
my @RCODE = qw(NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE);
my @SECTIONS = qw(answer authority additional);

sub type_number {
    my ($name) = @_;
    return $TYPE{$name} // ($name =~ /^TYPE(\d+)$/ ? $1 : croak "unknown type $name");
}

sub type_name { my ($number) = @_; return $TYPE_NAME{$number} // "TYPE$number" }

# new(port => N, address => '127.0.0.1', window => 64, edns => 4096, retries => 3,
#     timeout => 2): edns 0 sends none. The timeout is for one try.
sub new {
    my ($class, %args) = @_;
    my $self = bless {
        address => '127.0.0.1', window => 64, edns => 4096, retries => 4, timeout => 2, next_id => int rand 65536,
        %args,
    }, $class;
    $self->{udp} = IO::Socket::INET->new(
        PeerAddr => $self->{address}, PeerPort => $self->{port}, Proto => 'udp',
    ) or croak "udp socket to port $self->{port}: $!";
    return $self;
}

# One question: { rcode, aa, tc, answer => [..], authority => [..], additional => [..], text }.
# Options: tcp => 1, rd, do.
sub ask {
    my ($self, $name, $type, %options) = @_;
    return $self->ask_many([[$name, $type]], %options)->[0];
}

# Whether the answer holds this data (NXDOMAIN: whether there is no such name).
sub shows {
    my ($self, $name, $type, $expected) = @_;
    my $reply = $self->ask($name, $type);
    return $reply->{rcode} eq 'NXDOMAIN' if $expected eq 'NXDOMAIN';
    return grep { / \Q$expected\E\z/ } @{ $reply->{answer} };
}

# Many: [[name, type], ...] gives the replies in the same order. A truncated
# reply is asked for again over TCP. A question without a reply after all tries
# has rcode TIMEOUT.
sub ask_many {
    my ($self, $questions, %options) = @_;
    my @packets = map { $self->_question(@$_, %options) } @$questions;
    my @replies = map { _decode($_) } $options{tcp} ? () : $self->_exchange_udp(\@packets);
    for my $i (0 .. $#packets) {
        next if $replies[$i] && !$replies[$i]{tc};
        $replies[$i] = _decode($self->_exchange_tcp($packets[$i])) if $options{tcp} || $replies[$i]{tc};
    }
    return \@replies;
}

# For asking the same again and again: the questions as packets; their replies as
# packets, undef where there was none, in the same order; and what ask() makes of one.
sub packets { my ($self, $questions, %options) = @_; return [map { $self->_question(@$_, %options) } @$questions] }
sub exchange { my ($self, $packets) = @_; return [$self->_exchange_udp($packets)] }
sub decode { my ($self, $packet) = @_; return _decode($packet) }

# A whole zone transfer: the records as canonical lines in the order received,
# or undef with the reason in the second value.
sub transfer {
    my ($self, $zone, %options) = @_;
    my @lines;
    my $soa = 0;
    my $socket = $self->_new_tcp;
    _send_tcp($socket, $self->_question($zone, 'AXFR', %options, edns => 0));
    my $deadline = now_s() + ($options{timeout} // 60);
    while ($soa < 2) {
        my $packet = _receive_tcp($socket, $deadline) // return (undef, 'connection ended');
        my $reply = _decode($packet);
        return (undef, $reply->{rcode}) if $reply->{rcode} ne 'NOERROR';
        return (undef, 'empty') if !@{ $reply->{answer} };
        push @lines, @{ $reply->{answer} };
        $soa += grep { /^\S+ \d+ IN SOA / } @{ $reply->{answer} };
    }
    return \@lines;
}

sub _question {
    my ($self, $name, $type, %options) = @_;
    my $id = $self->{next_id} = ($self->{next_id} + 1) & 0xffff;
    my $edns = $options{edns} // $self->{edns};
    my $flags = $options{rd} ? 0x0100 : 0;
    my $packet = pack('n6', $id, $flags, 1, 0, 0, $edns ? 1 : 0) . name_to_wire($name)
        . pack('n2', type_number($type), 1);
    $packet .= pack('CnnNn', 0, 41, $edns, $options{do} ? 0x8000 : 0, 0) if $edns;
    return $packet;
}

# Text with escapes to wire form, in the case given.
sub name_to_wire {
    my ($name) = @_;
    my $wire = '';
    $name =~ s/(?<!\\)((?:\\\\)*)\.\z/$1/;
    return "\0" if $name eq '';
    for my $label (_split_labels($name)) {
        $label =~ s/\\(\d\d\d|.)/length $1 == 3 ? chr $1 : $1/gse;
        $wire .= chr(length $label) . $label;
    }
    return "$wire\0";
}

sub _split_labels { my ($name) = @_; return $name =~ /((?:[^.\\]|\\\d\d\d|\\.)+)(?:\.|\z)/gs }

# Keeps up to window questions under way; asks again what is not answered.
sub _exchange_udp {
    my ($self, $packets) = @_;
    my @replies;
    my @waiting = (0 .. $#$packets);
    for my $try (1 .. $self->{retries}) {
        @waiting = $self->_udp_round($packets, \@replies, @waiting);
        last if !@waiting;
    }
    return map { $replies[$_] } 0 .. $#$packets;
}

sub _udp_round {
    my ($self, $packets, $replies, @waiting) = @_;
    my (%sent, @lost);
    my $socket = $self->{udp};
    my $select = IO::Select->new($socket);
    while (@waiting || %sent) {
        while (@waiting && keys %sent < $self->{window}) {
            my $index = shift @waiting;
            my $key = _question_key($packets->[$index]);
            if ($sent{$key}) { unshift @waiting, $index; last }
            $sent{$key} = $index;
            send $socket, $packets->[$index], 0;
        }
        if (!$select->can_read($self->{timeout})) {
            push @lost, values %sent;
            last;
        }
        while (defined recv $socket, my $reply, 65535, Socket::MSG_DONTWAIT()) {
            last if $reply eq '';
            my $index = delete $sent{ _question_key($reply) };
            $replies->[$index] = $reply if defined $index;
        }
    }
    return (@lost, @waiting);
}

# The id and the question as sent: a late reply to another question never counts.
sub _question_key {
    my ($packet) = @_;
    my $end = 12;
    while ($end < length $packet) {
        my $length = ord substr $packet, $end, 1;
        $end += 1 + $length;
        last if !$length;
    }
    return substr($packet, 0, 2) . substr($packet, 12, $end - 12 + 4);
}

sub _new_tcp {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => $self->{address}, PeerPort => $self->{port}, Proto => 'tcp', Timeout => 5,
    ) or croak "tcp connection to port $self->{port}: $!";
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    return $socket;
}

# The server may close an idle connection at any time: try a fresh one once.
sub _exchange_tcp {
    my ($self, $packet) = @_;
    for my $fresh (0, 1) {
        $self->{tcp} = $self->_new_tcp if $fresh || !$self->{tcp};
        next if !_send_tcp($self->{tcp}, $packet);
        my $reply = _receive_tcp($self->{tcp}, now_s() + 10);
        return $reply if defined $reply;
    }
    delete $self->{tcp};
    return;
}

sub _send_tcp {
    my ($socket, $packet) = @_;
    my $bytes = pack('n', length $packet) . $packet;
    return (syswrite($socket, $bytes) // 0) == length $bytes;
}

sub _receive_tcp {
    my ($socket, $deadline) = @_;
    my $length = _read_exactly($socket, 2, $deadline) // return;
    return _read_exactly($socket, unpack('n', $length), $deadline);
}

sub _read_exactly {
    my ($socket, $wanted, $deadline) = @_;
    my $bytes = '';
    my $select = IO::Select->new($socket);
    while (length $bytes < $wanted) {
        return if !$select->can_read($deadline - now_s() > 0 ? $deadline - now_s() : 0);
        sysread $socket, $bytes, $wanted - length $bytes, length $bytes or return;
    }
    return $bytes;
}

# --- from wire to text ---

sub _decode {
    my ($packet) = @_;
    return { rcode => 'TIMEOUT', aa => 0, tc => 0, text => 'TIMEOUT', map { $_ => [] } @SECTIONS } if !defined $packet;
    my (undef, $flags, $questions, @counts) = unpack 'n6', $packet;
    my $position = 12;
    for (1 .. $questions) {
        _name(\$packet, \$position);
        $position += 4;
    }
    my %reply = (
        rcode => $RCODE[$flags & 15] // 'RCODE' . ($flags & 15),
        aa => $flags & 0x0400 ? 1 : 0, tc => $flags & 0x0200 ? 1 : 0, size => length $packet,
    );
    for my $section (@SECTIONS) {
        my @lines;
        for (1 .. shift @counts) {
            my $line = _record(\$packet, \$position);
            push @lines, $line if defined $line;
        }
        $reply{$section} = [sort @lines];
    }
    $reply{text} = join "\n", "rcode $reply{rcode} aa $reply{aa} tc $reply{tc}",
        map { my $section = $_; map {"$section: $_"} @{ $reply{$section} } } @SECTIONS;
    return \%reply;
}

my %LABEL_TEXT;    # decoded labels, because they repeat

sub _label_text {
    my ($label) = @_;
    return $LABEL_TEXT{$label} //= lc $label =~ s/([^-_*a-zA-Z0-9\/])/_escape($1)/gser;
}

sub _escape {
    my ($byte) = @_;
    return "\\$byte" if $byte =~ /[.\\"();@\$]/;
    my $code = ord $byte;
    return $code > 32 && $code < 127 ? $byte : sprintf '\\%03d', $code;
}

# A possibly compressed name at *position, which moves behind it. In lower case:
# which case a compressed name has depends on the order in which the server put
# the records, and PowerDNS shuffles them.
sub _name {
    my ($packet, $position) = @_;
    my $at = $$position;
    my $jumped = 0;
    my @labels;
    while (1) {
        my $length = ord substr $$packet, $at, 1;
        if ($length >= 192) {
            my $target = unpack('n', substr $$packet, $at, 2) & 0x3fff;
            $$position = $at + 2 if !$jumped;
            $jumped = 1;
            croak 'compression loop' if $target >= $at;
            $at = $target;
            next;
        }
        $at++;
        last if !$length;
        push @labels, _label_text(substr $$packet, $at, $length);
        $at += $length;
    }
    $$position = $at if !$jumped;
    return join('.', @labels) . '.';
}

sub _record {
    my ($packet, $position) = @_;
    my $owner = _name($packet, $position);
    my ($type, $class, $ttl, $length) = unpack 'nnNn', substr $$packet, $$position, 10;
    my $start = $$position + 10;
    $$position = $start + $length;
    return if $type == 41;
    return "$owner $ttl IN " . type_name($type) . ' ' . _rdata($packet, $type, $start, $length);
}

sub _two_names {
    my ($packet, $at) = @_;
    return join ' ', _name($packet, $at), _name($packet, $at);
}

# Types whose names may be compressed, or that people like to read; the rest in hex.
my %RDATA = (
    (map { $_ => sub { my ($packet, $at) = @_; _name($packet, \$at) } } @TYPE{qw(NS CNAME PTR DNAME)}),
    $TYPE{A} => sub { my ($packet, $at) = @_; join '.', unpack 'C4', substr $$packet, $at, 4 },
    $TYPE{AAAA} => sub { my ($packet, $at) = @_; inet_ntop AF_INET6, substr $$packet, $at, 16 },
    (map { $_ => sub {
        my ($packet, $at) = @_;
        my $number = unpack 'n', substr $$packet, $at, 2;
        $at += 2;
        "$number " . _name($packet, \$at);
    } } @TYPE{qw(MX AFSDB KX)}),
    $TYPE{SRV} => sub {
        my ($packet, $at) = @_;
        my @numbers = unpack 'n3', substr $$packet, $at, 6;
        $at += 6;
        join ' ', @numbers, _name($packet, \$at);
    },
    $TYPE{SOA} => sub {
        my ($packet, $at) = @_;
        my $names = _two_names($packet, \$at);
        join ' ', $names, unpack 'N5', substr $$packet, $at, 20;
    },
    $TYPE{RP} => sub { my ($packet, $at) = @_; _two_names($packet, \$at) },
    $TYPE{TXT} => sub {
        my ($packet, $at, $length) = @_;
        join ' ', map { '"' . s/([^ -~]|["\\])/sprintf '\\%03d', ord $1/gser . '"' }
            unpack '(C/a*)*', substr $$packet, $at, $length;
    },
);

sub _rdata {
    my ($packet, $type, $start, $length) = @_;
    return $RDATA{$type}->($packet, $start, $length) if $RDATA{$type} && $length;
    return "\\# $length " . unpack 'H*', substr $$packet, $start, $length;
}

1;
