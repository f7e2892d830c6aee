package Csdns::Pdns;

# A real pdns_server for a test, run from the files of pdns-conf/ as they are;
# paths, ports and what a test asks for are changed on the command line. CSDNS_PDNS
# (see Csdns::Programs) has another version run; settings and commands are spelled as
# both 4.7 and 5.1 know them, and pdns_version() says which one it is.

use strict;
use warnings;

use Carp qw(croak);
use HTTP::Tiny;
use IO::Socket::UNIX;
use JSON::PP ();

use Csdns::Dns;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs pdns_modules pdns_version source_dir);

my $API_KEY = 'test';

# For tests in which nobody purges; PowerDNS may say in its log what it does then.
my %NO_CACHES = (loglevel => 4, map { $_ => 0 } qw(
    cache_ttl query_cache_ttl negquery_cache_ttl zone_cache_refresh_interval zone_metadata_cache_ttl dnssec_key_cache_ttl));

# The edge: answers from csdnsd. connector => 'unix' (as it is without), 'pipe', or 'http'
# with http => PORT, and form => 1 for post=1 alone.
# Its caches are off; caches => 1 leaves them as the file has them, for a csdnsd that purges.
# Underscores in option names stand for dashes: remote(socket => PATH, cache_ttl => 20).
sub remote {
    my ($class, %options) = @_;
    my $connector = delete $options{connector} // 'unix';
    my ($port, $is_form) = delete @options{qw(http form)};
    my $socket = delete $options{socket} // $port // croak 'remote needs a socket';
    my $timeout = delete $options{timeout} // 2000;
    my %caches = delete $options{caches} ? () : %NO_CACHES;
    my $pipe = join ' ', find_program('csdns-pipe') // '', "--socket=$socket", @{ delete $options{pipe} // [] };
    need_programs(qw(pdns_server pdns:remote), $connector eq 'pipe' ? 'csdns-pipe' : ());
    my %string = (unix => "unix:path=$socket,timeout=$timeout", pipe => "pipe:command=$pipe,timeout=0",
        http => 'http:url=http://127.0.0.1:' . ($port // '') . '/dns,post=1,' . ($is_form ? '' : 'post_json=1,') . "timeout=$timeout");
    return $class->_new("edge-remote-$connector.conf", { remote_connection_string => $string{$connector}, setgid => '', %caches }, %options);
}

# The management instance: PowerDNS' gpgsql backend on the database itself.
sub gpgsql {
    my ($class, %options) = @_;
    my %db = (delete $options{conninfo} // croak 'gpgsql needs a conninfo') =~ /(\w+)=(\S+)/g;
    need_programs(qw(pdns_server pdns:gpgsql));
    return $class->_new('management-gpgsql.conf', {
        gpgsql_host => $db{host}, gpgsql_port => $db{port}, gpgsql_dbname => $db{dbname}, gpgsql_user => $db{user},
        webserver_port => free_port(), api_key => $API_KEY,
    }, %options);
}

# Any other configuration file, for backends that a test brings along.
sub other {
    my ($class, %options) = @_;
    need_programs('pdns_server');
    return $class->_new(delete $options{file}, {}, %options);
}

sub _new {
    my ($class, $file, $wiring, %options) = @_;
    my $name = delete $options{name} // $file =~ s/\.conf$//r;
    my $self = bless { name => $name, file => $file, dir => temp_dir(), port => free_port() }, $class;
    my $source = $file =~ m{^/} ? $file : source_dir() . "/pdns-conf/$file";
    symlink $source, "$self->{dir}/pdns.conf" or croak "symlink: $!";
    $self->{options} = {
        local_address => '127.0.0.1', local_port => $self->{port}, socket_dir => $self->{dir},
        daemon => 'no', guardian => 'no', write_pid => 'no', disable_syslog => 'yes', log_timestamp => 'yes',
        %$wiring, %options,
    };
    return $self->start;
}

sub _dashed { my ($name) = @_; return $name =~ tr/_/-/r }

sub start {
    my ($self) = @_;
    my %options = %{ $self->{options} };
    $self->{process} = Csdns::Process->start(
        name => "pdns $self->{name}", log => "$self->{dir}/log", cwd => $self->{dir},
        command => [
            find_program('pdns_server'), "--config-dir=$self->{dir}",
            map { '--' . _dashed($_) . "=$options{$_}" } sort keys %options,
        ],
    );
    my $probe = Csdns::Dns->new(port => $self->{port}, timeout => 0.2, retries => 1);
    $self->{process}->wait_ready(sub { $probe->ask('ready.invalid', 'SOA')->{rcode} ne 'TIMEOUT' }, 20);
    return $self;
}

sub stop { my ($self, @args) = @_; $self->{process}->stop(@args); return $self }
sub restart { my ($self) = @_; return $self->stop->start }
sub process { my ($self) = @_; return $self->{process} }
sub port { my ($self) = @_; return $self->{port} }
sub log_text { my ($self) = @_; return $self->{process}->log_text }
sub control_socket { my ($self) = @_; return "$self->{options}{socket_dir}/pdns.controlsocket" }

# A client for its DNS port.
sub dns { my ($self, %args) = @_; return Csdns::Dns->new(port => $self->{port}, %args) }

# One command over the control socket ("PURGE example.org$"); returns the reply.
sub control {
    my ($self, $command) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => $self->control_socket) or croak "control socket: $!";
    syswrite $socket, "$command\n";
    my $reply = '';
    1 while sysread $socket, $reply, 65536, length $reply;
    return $reply =~ s/[\s\0]+\z//r;
}

# api('GET', '/zones/example.org.', { ... }): the decoded reply; dies unless 2xx.
sub api {
    my ($self, $method, $path, $body) = @_;
    my $json = JSON::PP->new->utf8->allow_nonref->canonical;
    my $url = "http://127.0.0.1:$self->{options}{webserver_port}/api/v1/servers/localhost$path";
    my $reply = HTTP::Tiny->new(timeout => 10)->request($method, $url, {
        headers => { 'X-API-Key' => $API_KEY, 'Content-Type' => 'application/json' },
        defined $body ? (content => $json->encode($body)) : (),
    });
    croak "$method $path: $reply->{status} $reply->{content}" if !$reply->{success};
    return ($reply->{content} // '') eq '' ? undef : $json->decode($reply->{content});
}

# The name of a record set is relative to its zone, "@" for the apex, in 4.x, and absolute in 5.x, which
# refuses the others before it asks the backend for anything. Tests write it as 4.x has it.
sub _spelled {
    my ($command, $zone, $name, @rest) = @_;
    return @_ if pdns_version() < 5 || ($command // '') !~ /^(?:add-record|replace-rrset|delete-rrset)$/;
    return ($command, $zone, $name eq '@' ? $zone : "$name.$zone", @rest);
}

# Runs pdnsutil on the same configuration; returns what run_program does.
sub try_pdnsutil {
    my ($self, @command) = @_;
    need_programs('pdnsutil');
    my $dir = "$self->{dir}/util";
    if (!-d $dir) {
        mkdir $dir or croak "$dir: $!";
        $self->_write_flat_conf("$dir/pdns.conf");
    }
    return run_program(command => [find_program('pdnsutil'), "--config-dir=$dir", _spelled(@command)]);
}

# The same; dies when it fails. Returns its standard output.
sub pdnsutil {
    my ($self, @command) = @_;
    my $done = $self->try_pdnsutil(@command);
    croak "pdnsutil @command: $done->{err}$done->{out}" if $done->{status} != 0;
    return $done->{out};
}

# pdnsutil takes no settings on its command line: the same file with them put in.
sub _write_flat_conf {
    my ($self, $path) = @_;
    my %options = map { _dashed($_) => $self->{options}{$_} } keys %{ $self->{options} };
    $options{'module-dir'} = pdns_modules() if pdns_modules();
    open my $in, '<', "$self->{dir}/pdns.conf" or croak "pdns.conf: $!";
    open my $out, '>', $path or croak "$path: $!";
    while (<$in>) {
        print {$out} $_ if !(/^([-a-z0-9]+)=/ && exists $options{$1});
    }
    print {$out} map {"$_=$options{$_}\n"} sort keys %options;
    return;
}

1;
