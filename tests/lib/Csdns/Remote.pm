package Csdns::Remote;

# Speaks PowerDNS' remote protocol straight over csdnsd's unix socket: one JSON
# object and a newline there, one JSON object and a newline back. Or over the
# standard input and output of csdns-pipe, as PowerDNS' pipe connector does; or
# over HTTP, as its HTTP connector does.

use strict;
use warnings;

use Carp qw(croak);
use HTTP::Tiny;
use IO::Select;
use IO::Socket::UNIX;
use JSON;
use Socket qw(AF_UNIX SOCK_STREAM PF_UNSPEC);

use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Wait qw(now_s);

my $JSON = JSON->new->canonical->utf8;

# new(socket => PATH, timeout => 10, initialize => 1); pipe => [options of csdns-pipe]
# joins the socket by that program; http => PORT and form => 1 post there. initialize may be a hash with its parameters.
sub new {
    my ($class, %args) = @_;
    my $self = bless { timeout => 10, initialize => 1, buffer => '', %args }, $class;
    if ($self->{http}) { $self->{agent} = HTTP::Tiny->new(timeout => $self->{timeout}) }
    elsif ($self->{pipe}) { $self->_start_pipe }
    else { $self->{handle} = IO::Socket::UNIX->new(Peer => $self->{socket}) or croak "$self->{socket}: $!" }
    my $parameters = ref $self->{initialize} ? $self->{initialize} : { path => $self->{socket} };
    $self->call('initialize', %$parameters) if $self->{initialize};
    return $self;
}

sub _start_pipe {
    my ($self) = @_;
    need_programs('csdns-pipe');
    ($self->{handle}, my $its) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, PF_UNSPEC) or croak "socketpair: $!";
    $self->{process} = Csdns::Process->start(
        name => 'csdns-pipe', log => temp_dir() . '/log', fds => { 0 => $its, 1 => $its },
        command => [find_program('csdns-pipe'), "--socket=$self->{socket}", @{ $self->{pipe} }],
    );
    return;
}

# Of csdns-pipe.
sub process { my ($self) = @_; return $self->{process} }

# call('lookup', qname => 'a.example.', qtype => 'ANY'): the value of "result".
sub call {
    my ($self, $method, %parameters) = @_;
    return $self->request({ method => $method, parameters => \%parameters })->{result};
}

# A request as a Perl structure; the whole reply as one.
sub request {
    my ($self, $request) = @_;
    $self->send_text($JSON->encode($request) . "\n");
    my $line = $self->read_line // croak 'no reply to ' . $JSON->encode($request);
    return $JSON->decode($line);
}

# lookup('www.example.org', 'ANY', zone-id): the records, or an empty list.
sub lookup {
    my ($self, $name, $type, $zone_id) = @_;
    my $result = $self->call('lookup', qname => $name =~ s/\.?\z/./r, qtype => $type // 'ANY',
        'zone-id' => ($zone_id // -1) + 0, remote => '127.0.0.1', local => '127.0.0.1', 'real-remote' => '127.0.0.1/32');
    return ref $result eq 'ARRAY' ? @$result : ();
}

# Bytes as they are.
sub send_text {
    my ($self, $text) = @_;
    return $self->_post($text) if $self->{http};
    my $deadline = now_s() + $self->{timeout};
    my $select = IO::Select->new($self->{handle});
    while (length $text) {
        $select->can_write($deadline - now_s() > 0 ? $deadline - now_s() : 0) or croak 'peer does not read';
        my $sent = syswrite $self->{handle}, $text;
        return 0 if !defined $sent;
        substr $text, 0, $sent, '';
    }
    return 1;
}

# The replies wait in the buffer.
sub _post {
    my ($self, $text) = @_;
    for my $line (split /\n/, $text) {
        my $request = $self->{form} && eval { $JSON->decode($line) };
        my $is_form = ref $request eq 'HASH' && defined $request->{method} && !ref $request->{method};
        my ($url, $type, $content) = ("http://127.0.0.1:$self->{http}/dns", 'text/javascript; charset=utf-8', $line);
        if ($is_form) {
            $url .= "/$request->{method}.suffix";
            $type = 'application/x-www-form-urlencoded; charset=utf-8';
            $content = 'parameters=' . $JSON->encode($request->{parameters} // {}) =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger;
        }
        my $reply = $self->{agent}->post($url, { headers => { 'Content-Type' => $type }, content => $content });
        $self->{status} = $reply->{status};
        $self->{buffer} .= $reply->{content};
    }
    return 1;
}

# One line without its newline; undef when the peer closed or the time is up.
sub read_line {
    my ($self, $seconds) = @_;
    my $deadline = now_s() + ($seconds // $self->{timeout});
    my $select = IO::Select->new($self->{handle});
    my $from = 0;
    while (1) {
        my $end = index $self->{buffer}, "\n", $from;
        return substr($self->{buffer}, 0, $end + 1, '') =~ s/\n\z//r if $end >= 0;
        return if $self->{http};
        $from = length $self->{buffer};
        return if !$select->can_read($deadline - now_s() > 0 ? $deadline - now_s() : 0);
        if (!sysread $self->{handle}, $self->{buffer}, 1 << 20, length $self->{buffer}) {
            $self->{closed} = 1;
            return;
        }
    }
}

# Whether the peer has closed the connection; waits for it up to the deadline.
sub is_closed {
    my ($self, $seconds) = @_;
    $self->read_line($seconds // 5) if !$self->{closed};
    return $self->{closed} ? 1 : 0;
}

sub handle { my ($self) = @_; return $self->{handle} }
sub close { my ($self) = @_; CORE::close $self->{handle}; return }

1;
