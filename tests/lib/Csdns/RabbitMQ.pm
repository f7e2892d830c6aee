package Csdns::RabbitMQ;

# A private RabbitMQ, with an epmd of its own, on loopback ports and under an
# unprivileged account; CloudStack's exchange, and a user for csdns-sync. Gone when
# the test ends.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha256);
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);

use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir unprivileged_user);
use Csdns::Programs qw(find_program need_programs);

# Debian's wrapper in PATH wants root or the account of the package.
my $BIN = '/usr/lib/rabbitmq/bin';

my $json = JSON::PP->new->utf8->canonical;

# new(tls => { ca =>, cert =>, key => } files that the account can read, declared => 0
# for a quorum queue that is there, and no exchange): starts it.
sub new {
    my ($class, %args) = @_;
    need_programs(qw(epmd erl amqp-publish setpriv));
    _need_server();
    my $user = unprivileged_user();
    my $self = bless {
        declared => 1, exchange => 'cloudstack-events', queue => 'csdns-sync', user => $user, dir => temp_dir(user => $user), password => 'mq-secret', %args,
        map { $_ => free_port() } qw(port tls_port epmd_port dist_port),
    }, $class;
    $self->_configure;
    $self->{epmd} = Csdns::Process->start(
        name => 'epmd', log => "$self->{dir}/epmd.log", user => $user, cwd => $self->{dir},
        command => [find_program('epmd'), '-port', $self->{epmd_port}, '-address', '127.0.0.1'],
    );
    $self->{epmd}->wait_ready(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{epmd_port}, Timeout => 1) }, 20);
    return $self->start;
}

sub _need_server {
    return if -x "$BIN/rabbitmq-server";
    need_programs('rabbitmq-server');
    croak "there is no $BIN/rabbitmq-server";
}

sub _write {
    my ($self, $name, $text) = @_;
    open my $file, '>', "$self->{dir}/$name" or croak "$name: $!";
    print {$file} $text;
    close $file;
    return;
}

sub _hash { my ($password) = @_; return encode_base64("salt" . sha256("salt$password"), '') }

sub _configure {
    my ($self) = @_;
    my @names = qw(csdns cloudstack);
    $self->_write('definitions.json', $json->encode({
        vhosts => [{ name => '/' }, { name => 'cloud' }],
        users => [map { { name => $_, password_hash => _hash($self->{password}), hashing_algorithm => 'rabbit_password_hashing_sha256', tags => '' } } @names],
        # What docs/cloudstack.md gives to csdns, and no more.
        permissions => [
            { user => 'csdns', vhost => 'cloud', configure => '^csdns-sync$', write => '^csdns-sync$', read => '^(csdns-sync|cloudstack-events)$' },
            { user => 'cloudstack', vhost => 'cloud', configure => '.*', write => '.*', read => '.*' },
        ],
        # As a queue that somebody chose to be another than csdns-sync declares.
        queues => $self->{declared} ? [] : [{ name => $self->{queue}, vhost => 'cloud', durable => JSON::PP::true, auto_delete => JSON::PP::false,
            arguments => { 'x-queue-type' => 'quorum' } }],
        exchanges => $self->{declared} ? [{
            name => $self->{exchange}, vhost => 'cloud', type => 'topic', durable => JSON::PP::true, auto_delete => JSON::PP::false,
            internal => JSON::PP::false, arguments => {} }] : [],
    }));
    my $tls = $self->{tls};
    $self->_write('rabbitmq.conf', join "\n", "listeners.tcp.1 = 127.0.0.1:$self->{port}", "load_definitions = $self->{dir}/definitions.json",
        'loopback_users = none', 'log.console = true', 'log.console.level = info', 'log.file = false', 'vm_memory_high_watermark.absolute = 512MB',
        'disk_free_limit.absolute = 1MB', $tls ? (
            "listeners.ssl.1 = 127.0.0.1:$self->{tls_port}", "ssl_options.cacertfile = $tls->{ca}", "ssl_options.certfile = $tls->{cert}",
            "ssl_options.keyfile = $tls->{key}", 'ssl_options.verify = verify_peer', 'ssl_options.fail_if_no_peer_cert = true') : (), '');
    $self->_write('enabled_plugins', "[].\n");
    return;
}

sub _env {
    my ($self) = @_;
    my $dir = $self->{dir};
    return {
        HOME => $dir, RABBITMQ_NODENAME => "csdns$self->{port}\@localhost", RABBITMQ_MNESIA_BASE => "$dir/mnesia", RABBITMQ_LOG_BASE => $dir,
        RABBITMQ_CONFIG_FILE => "$dir/rabbitmq.conf", RABBITMQ_CONF_ENV_FILE => '/dev/null', RABBITMQ_ENABLED_PLUGINS_FILE => "$dir/enabled_plugins",
        RABBITMQ_PID_FILE => "$dir/pid", RABBITMQ_DIST_PORT => $self->{dist_port}, ERL_EPMD_PORT => $self->{epmd_port}, ERL_EPMD_ADDRESS => '127.0.0.1',
        # So it becomes the process that was started, instead of a child of a shell.
        RUNNING_UNDER_SYSTEMD => 1,
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS => '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none',
    };
}

# Starts it, or again after stop, with the queues and the messages that it had.
sub start {
    my ($self) = @_;
    $self->{process} = Csdns::Process->start(
        name => 'rabbitmq', log => "$self->{dir}/rabbitmq.log", user => $self->{user}, cwd => $self->{dir}, env => $self->_env,
        command => ["$BIN/rabbitmq-server"],
    );
    $self->{process}->wait_ready(sub { $self->{process}->log_text =~ /Server startup complete|completed with \d+ plugins/ }, 60);
    return $self;
}

# 'TERM' is an orderly end, 'KILL' a crash.
sub stop { my ($self, $signal) = @_; $self->{process}->stop($signal // 'TERM', 60); return $self }

# Declares the exchange, as CloudStack does with its first event.
sub declare_exchange {
    my ($self) = @_;
    $self->ctl('eval', sprintf 'rabbit_exchange:declare(rabbit_misc:r(<<"cloud">>, exchange, <<"%s">>), topic, true, false, false, [], <<"test">>).', $self->{exchange});
    return;
}

sub uri {
    my ($self, %how) = @_;
    return sprintf '%s://csdns@%s:%d/cloud', $how{tls} ? 'amqps' : 'amqp', $how{host} // 'localhost', $how{port} // ($how{tls} ? $self->{tls_port} : $self->{port});
}

# As CloudStack's publisher makes it: "." in a part is "-", what is empty is "*".
sub routing_key { return join '.', map { my $part = ($_ // '') =~ tr/./-/r; $part eq '' ? '*' : $part } @_ }

sub _key_of {
    my ($event) = @_;
    return routing_key('management-server', 'AsyncJobEvent', 'complete', @$event{qw(instanceType instanceUuid)}) if $event->{jobId};
    return routing_key('management-server', 'ResourceStateEvent', 'operationsucceeded', @$event{qw(resource id)}) if $event->{'new-state'};
    return routing_key('management-server', 'ActionEvent', $event->{event}, @$event{qw(entity entityuuid)});
}

# Publishes events as CloudStack does: persistent, text/plain. What is no reference is
# sent as it is. All of a call go over one connection if key => KEY is given.
sub send_event {
    my ($self, $event, %how) = @_;
    my $key = $how{key} // (ref $event eq 'HASH' ? _key_of($event) : 'management-server.ActionEvent.VM-START.VirtualMachine.*');
    my @events = ref $event eq 'ARRAY' ? @$event : ($event);
    my $done = run_program(
        command => [
            find_program('amqp-publish'), '--server=127.0.0.1', "--port=$self->{port}", '--vhost=cloud', '--username=cloudstack',
            "--password=$self->{password}", "--exchange=$self->{exchange}", "--routing-key=$key", '--persistent', '--content-type=text/plain',
            @events > 1 ? '--line-buffered' : (),
        ],
        stdin => join("\n", map { ref $_ ? $json->encode($_) : $_ } @events), timeout => 60,
    );
    croak "amqp-publish: $done->{err}" if $done->{status} != 0;
    return;
}

# rabbitmqctl's answer; slow.
sub ctl {
    my ($self, @arguments) = @_;
    my $gid = $self->{user} ? (getpwnam $self->{user})[3] : undef;
    my @as_user = $self->{user} ? ('setpriv', "--reuid=$self->{user}", "--regid=$gid", '--init-groups', '--') : ();
    my $done = run_program(command => [@as_user, "$BIN/rabbitmqctl", '-q', @arguments], env => $self->_env, cwd => $self->{dir}, timeout => 60);
    croak "rabbitmqctl: $done->{out}$done->{err}" if $done->{status} != 0;
    return $done->{out};
}

# Messages that are in the queue, acknowledged ones are not.
sub messages {
    my ($self) = @_;
    my ($count) = $self->ctl('list_queues', '-p', 'cloud', '--no-table-headers', 'name', 'messages') =~ /^\Q$self->{queue}\E\s+(\d+)$/m;
    return $count;
}

1;
