package Csdns::CloudStack;

# A small cloud: the double of CloudStack's API (tests/double/cloudstack), which a
# test changes, and a sender of webhooks that behaves as CloudStack does.

use strict;
use warnings;

use Carp qw(croak);
use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(hmac_sha256_base64);
use HTTP::Tiny;
use JSON::PP ();
use POSIX qw(strftime);

use Csdns::Ports qw(free_port);
use Csdns::Process qw(temp_dir);
use Csdns::Programs qw(source_dir);

my $json = JSON::PP->new->utf8->canonical;

# new(delay_ms => 10): starts the double.
sub new {
    my ($class, %set) = @_;
    my $self = bless { port => free_port(), key => 'api-key', secret => 'secret-key', dir => temp_dir(), events => 0 }, $class;
    $self->{process} = Csdns::Process->start(
        name => 'cloudstack', log => "$self->{dir}/log",
        command => ['perl', source_dir() . '/tests/double/cloudstack', @$self{qw(port key secret)}],
    );
    $self->{process}->wait_ready(sub { $self->{process}->log_text =~ /ready/ }, 20);
    $self->control(set => \%set) if %set;
    $self->{domain} = uuid('d', 1);
    $self->put(domain => { id => $self->{domain}, name => 'ROOT', path => 'ROOT' });
    return $self;
}

sub uuid { my ($kind, $n) = @_; return md5_hex("$kind$n") =~ s/^(.{8})(.{4})(.{4})(.{4})(.{12})$/$1-$2-$3-$4-$5/r }

sub url { my ($self) = @_; return "http://127.0.0.1:$self->{port}/client/api" }

# The key and the secret key as files for csdns-sync.
sub secret_files {
    my ($self) = @_;
    for my $name (qw(key secret)) {
        open my $file, '>', "$self->{dir}/$name" or croak "$name: $!";
        print {$file} "$self->{$name}\n";
        close $file;
    }
    return (api_key_file => "$self->{dir}/key", api_secret_file => "$self->{dir}/secret");
}

# control(put => [[kind, entity]...], remove => [[kind, id]...], set => {}, fault => { stall|fail|html|half|down => TIMES }, cloud => 1)
sub control {
    my ($self, %wanted) = @_;
    my $reply = HTTP::Tiny->new(timeout => 60)->post("http://127.0.0.1:$self->{port}/control", { content => $json->encode(\%wanted) });
    croak "the double does not answer: $reply->{content}" if !$reply->{success};
    my $answer = $json->decode($reply->{content});
    croak $answer->{error} if $answer->{error};
    return $answer;
}

sub put { my ($self, $kind, $entity) = @_; return $self->control(put => [[$kind => $entity]]) }
sub remove { my ($self, $kind, $id) = @_; return $self->control(remove => [[$kind => $id]]) }
sub fault { my ($self, %times) = @_; return $self->control(fault => \%times) }
sub set { my ($self, %set) = @_; return $self->control(set => \%set) }
sub requests { my ($self, $command) = @_; return $self->control->{count}{ lc $command } // 0 }
sub process { my ($self) = @_; return $self->{process} }

# account(1, networkdomain => 'acme.test') and so on: puts it, returns it.
sub account {
    my ($self, $n, %more) = @_;
    return $self->_put(account => { id => uuid('a', $n), name => "account$n", domainid => $self->{domain}, domain => 'ROOT', %more });
}

sub network {
    my ($self, $n, %more) = @_;
    return $self->_put(network => { id => uuid('w', $n), name => "net$n", type => 'Shared', %more });
}

# vm(1, account => 'account1', network => 1, ip => '192.0.2.1')
sub vm {
    my ($self, $n, %more) = @_;
    my $network = delete $more{network} // 1;
    my $ip = delete $more{ip} // "192.0.2.$n";
    return $self->_put(virtualmachine => {
        id => uuid('i', $n), name => "vm$n", displayname => "VM $n", account => 'account1', domainid => $self->{domain}, domain => 'ROOT',
        state => 'Running', created => '2026-11-21T00:00:00+0000', hostname => 'hypervisor', nic => [{
            id => uuid('n', $n), networkid => uuid('w', $network), ipaddress => $ip, isdefault => JSON::PP::true, type => 'Shared', secondaryip => [] }], %more });
}

sub address {
    my ($self, $n, %more) = @_;
    return $self->_put(publicipaddress => {
        id => uuid('p', $n), ipaddress => "198.51.100.$n", account => 'account1', domainid => $self->{domain}, domain => 'ROOT',
        isstaticnat => JSON::PP::false, issourcenat => JSON::PP::false, state => 'Allocated', %more });
}

# A row of listEvents, as 4.17 and later have it: happened('VM.START', VirtualMachine => UUID, ago => 60). Rows come in the
# order of their times. Its id is also that of the webhook.
sub happened {
    my ($self, $type, $class, $uuid, %more) = @_;
    my $ago = delete $more{ago} // 0;
    return $self->_put(event => {
        id => uuid("event-$$-", ++$self->{events}), type => $type, level => 'INFO', state => 'Completed', account => 'admin', domainid => $self->{domain},
        domain => 'ROOT', username => 'admin', description => "Successfully completed $type. Id: $uuid", resourcetype => $class, resourceid => $uuid,
        created => strftime('%Y-%m-%dT%H:%M:%S+0000', gmtime(time - $ago)), %more });
}

sub _put { my ($self, $kind, $entity) = @_; $self->put($kind, $entity); return $entity }

# --- webhooks

# The body of an ActionEvent: action('VM.START', VirtualMachine => UUID, status => 'Completed')
sub action {
    my ($self, $type, $class, $uuid, %more) = @_;
    return {
        event => $type, status => 'Completed', entity => $class, entityuuid => $uuid, $class => $uuid, account => uuid('caller', 1), user => uuid('user', 1),
        description => "Successfully completed $type. Id: $uuid", eventDateTime => '2026-11-21 00:00:00 +0000', %more,
    };
}

# Sends it as CloudStack does: three tries at once, ten seconds each, and only 200
# with a body counts. Returns { ok, tries, status }. id =>, secret =>, raw => BYTES.
sub deliver {
    my ($self, $url, $event, %how) = @_;
    my $body = $how{raw} // $json->encode($event);
    my $id = $how{id} // uuid("event-$$-", ++$self->{events});
    my %headers = ('X-CS-Event-ID' => $id, 'X-CS-Event' => ref $event ? $event->{event} // '' : '', 'Content-Type' => 'application/json; charset=UTF-8');
    if (defined $how{secret}) {
        my $signature = hmac_sha256_base64($body, $how{secret});
        $signature .= '=' while length($signature) % 4;
        $headers{'X-CS-Signature'} = $signature;
    }
    $self->{http} //= HTTP::Tiny->new(timeout => 10, agent => 'CS-Hookshot/' . uuid('a', 0), verify_SSL => 0);
    my $status;
    for my $try (1 .. $how{tries} // 3) {
        my $reply = $self->{http}->post($url, { headers => \%headers, content => $body });
        $status = $reply->{status};
        return { ok => 1, tries => $try, status => $status, content => $reply->{content}, id => $id } if $status == 200 && length $reply->{content};
    }
    return { ok => 0, tries => $how{tries} // 3, status => $status, id => $id };
}

1;
