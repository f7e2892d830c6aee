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
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program source_dir);

my $json = JSON::PP->new->utf8->canonical;

# Every fact in a line, as _told writes them.
my $FACTS = <<'SQL';
SELECT concat_ws(' ', 'domain', uuid, name, coalesce(parent::text, '-'), coalesce(network_domain, '-')) FROM csdns.domain WHERE removed IS NULL AND NOT placeholder
UNION ALL SELECT concat_ws(' ', CASE WHEN is_project THEN 'project' ELSE 'account' END, uuid, name, domain, coalesce(network_domain, '-'))
  FROM csdns.account WHERE removed IS NULL AND NOT placeholder
UNION ALL SELECT concat_ws(' ', 'network', w.uuid, w.name, coalesce(a.name, '-'), coalesce(w.network_domain, '-'))
  FROM csdns.network w LEFT JOIN csdns.account a ON a.uuid = w.account WHERE w.removed IS NULL AND NOT w.placeholder
UNION ALL SELECT concat_ws(' ', 'address', p.uuid, host(p.address), coalesce(a.name, '-'), coalesce(p.instance::text, '-'))
  FROM csdns.public_address p LEFT JOIN csdns.account a ON a.uuid = p.account WHERE p.removed IS NULL AND a.removed IS NULL
UNION ALL SELECT concat_ws(' ', 'instance', i.uuid, i.name, i.state, a.name, i.domain, (
       SELECT string_agg(t, ' ' ORDER BY t COLLATE "C") FROM (
           SELECT concat_ws('/', n.network, host(n.ip4), host(n.ip6), (SELECT string_agg(host(s), '/' ORDER BY host(s) COLLATE "C") FROM unnest(n.secondary) s)) AS t
             FROM csdns.nic n WHERE n.instance = i.uuid) AS x))
  FROM csdns.instance i JOIN csdns.account a ON a.uuid = i.account WHERE i.removed IS NULL AND a.removed IS NULL AND NOT i.placeholder
SQL

# new(delay_ms => 10): starts the double. Also servers => 2 (management servers), tls => 1.
sub new {
    my ($class, %set) = @_;
    my ($servers, $tls) = (delete $set{servers} // 1, delete $set{tls});
    my $self = bless { ports => [map { free_port() } 1 .. $servers], tls => $tls, key => 'api-key', secret => 'secret-key', dir => temp_dir(), events => 0 }, $class;
    $self->{port} = $self->{ports}[0];
    $self->_certificate if $tls;
    $self->{process} = Csdns::Process->start(
        name => 'cloudstack', log => "$self->{dir}/log",
        command => ['perl', source_dir() . '/tests/double/cloudstack', ($tls ? ('--tls', "$self->{dir}/tls.pem") : ()), join(',', @{ $self->{ports} }), @$self{qw(key secret)}],
    );
    $self->{process}->wait_ready(sub { $self->{process}->log_text =~ /ready/ }, 20);
    $self->control(set => \%set) if %set;
    $self->{domain} = uuid('d', 1);
    $self->put(domain => { id => $self->{domain}, name => 'ROOT', path => 'ROOT' });
    return $self;
}

sub uuid { my ($kind, $n) = @_; return md5_hex("$kind$n") =~ s/^(.{8})(.{4})(.{4})(.{4})(.{12})$/$1-$2-$3-$4-$5/r }

# Key and certificate, for 127.0.0.1, in one file.
sub _certificate {
    my ($self) = @_;
    my $done = run_program(command => [find_program('openssl'), qw(req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=cloud.test -addext subjectAltName=IP:127.0.0.1),
        '-keyout', "$self->{dir}/tls.key", '-out', "$self->{dir}/tls.crt"]);
    croak "openssl: $done->{err}" if $done->{status};
    open my $out, '>', "$self->{dir}/tls.pem" or croak "tls.pem: $!";
    for my $part (qw(crt key)) {
        open my $in, '<', "$self->{dir}/tls.$part" or croak "tls.$part: $!";
        print {$out} <$in>;
    }
    return;
}

sub certificate { my ($self) = @_; return "$self->{dir}/tls.crt" }

sub base { my ($self, $port) = @_; return ($self->{tls} ? 'https' : 'http') . "://127.0.0.1:$port" }
sub url { my ($self) = @_; return $self->base($self->{port}) . '/client/api' }

# Of all management servers.
sub urls { my ($self) = @_; return [map { $self->base($_) . '/client/api' } @{ $self->{ports} }] }

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
# Answers { count => { command => requests, "command on PORT" => requests }, most_at_once => requests since the last set or fault, cloud => ... }. set: release => '4.11', delay_ms, clock (seconds that the
# cloud's clock is ahead), dead_ports => [PORT...] (but the last one, where /control is), empty_page, empty_kind, empty_for_absent, denied => [commands], strange => { refuse =>
# [code, text] | envelope => 1 | hollow => 1 | behind => 1 } (of one entity; {} for none).
sub control {
    my ($self, %wanted) = @_;
    my $reply = ($self->{control} //= HTTP::Tiny->new(timeout => 60, verify_SSL => 0))->post($self->base($self->{ports}[-1]) . '/control', { content => $json->encode(\%wanted) });
    croak "the double does not answer: $reply->{content}" if !$reply->{success};
    my $answer = $json->decode($reply->{content});
    croak $answer->{error} if $answer->{error};
    return $answer;
}

sub put { my ($self, $kind, $entity) = @_; return $self->control(put => [[$kind => $entity]]) }
sub remove { my ($self, $kind, $id) = @_; return $self->control(remove => [[$kind => $id]]) }
sub fault { my ($self, %times) = @_; return $self->control(fault => \%times) }
sub set { my ($self, %set) = @_; $self->{release} = $set{release} // $self->{release}; return $self->control(set => \%set) }
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

# How the facts in a store differ from the cloud: a text, '' if they do not. What belongs to an account or domain that is gone counts for nothing.
sub difference {
    my ($self, $dbh) = @_;
    my $cloud = $self->control(cloud => 1)->{cloud};
    my @cloud = map { _told($_, $cloud) } map { my $kind = $_; map { [$kind, $_] } values %{ $cloud->{$kind} } } keys %$cloud;
    my @facts = map { $_->[0] } @{ $dbh->selectall_arrayref($FACTS) };
    my %n;
    $n{$_}++ for @cloud;
    $n{$_}-- for @facts;
    return join "\n", map { ($n{$_} > 0 ? 'only in the cloud: ' : 'only in the facts: ') . $_ } grep { $n{$_} } sort keys %n;
}

sub _told {
    my ($kind, $e) = @{ $_[0] };
    my $text = sub { return join ' ', map { $_ // '-' } @_ };
    my $owner = $e->{project} // $e->{account};
    return $text->('domain', @$e{qw(id name parentdomainid networkdomain)}) if $kind eq 'domain';
    return $text->($kind, @$e{qw(id name domainid)}, $e->{networkdomain}) if $kind eq 'account' || $kind eq 'project';
    return $text->('network', @$e{qw(id name)}, $owner, $e->{networkdomain}) if $kind eq 'network';
    return $text->('address', @$e{qw(id ipaddress)}, $owner, $e->{isstaticnat} ? $e->{virtualmachineid} : undef) if $kind eq 'publicipaddress';
    return $text->('instance', @$e{qw(id name state)}, $owner, $e->{domainid}, sort map {
        my $nic = $_;
        join '/', $nic->{networkid}, grep { defined } $nic->{ipaddress}, $nic->{ip6address}, sort map { $_->{ipaddress} } @{ $nic->{secondaryip} // [] }
    } @{ $e->{nic} }) if $kind eq 'virtualmachine';
    return;
}

sub _put { my ($self, $kind, $entity) = @_; $self->put($kind, $entity); return $entity }

# --- webhooks

my %PACKAGE = (VirtualMachine => 'com.cloud.vm', Network => 'com.cloud.network', IpAddress => 'com.cloud.network', Account => 'com.cloud.user',
    Domain => 'com.cloud.domain', Nic => 'com.cloud.vm', NicSecondaryIp => 'com.cloud.vm');

# The body of an ActionEvent: action('VM.START', VirtualMachine => UUID, status => 'Completed'). Without a class there is no entity. As 4.11 spells it
# with set(release => '4.11').
sub action {
    my ($self, $type, $class, $uuid, %more) = @_;
    my $entity = $class && ($self->{release} // '') eq '4.11' && $PACKAGE{$class} ? "$PACKAGE{$class}.$class" : $class;
    return {
        event => $type, status => 'Completed', ($class ? (entity => $entity, entityuuid => $uuid, $class => $uuid) : ()), account => uuid('caller', 1), user => uuid('user', 1),
        description => "Successfully completed $type." . ($uuid ? " Id: $uuid" : ''), eventDateTime => '2026-11-21 00:00:00 +0000', %more,
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
