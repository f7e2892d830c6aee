package Csdns::Life;

# The life of an instance and of what it needs, from the domain to the removal of its account, each step as CloudStack tells it: what changes in
# the cloud, which event says so and with which uuids, and what DNS answers afterwards. Life number K has names, zones and addresses of its own.

use strict;
use warnings;

use JSON::PP ();

use Csdns::CloudStack;

my $CALLER = Csdns::CloudStack::uuid('caller', 1);

# SQL for the lives 1 to so many: each has two zones, lifeK.test and farK.test; addresses are below 10.K. Names go while an instance is stopped,
# secondary addresses have them.
sub zones_sql {
    my ($lives) = @_;
    return <<"SQL";
INSERT INTO domains (name, type)
    SELECT z || g || '.test', 'NATIVE' FROM generate_series(1, $lives) g, unnest(ARRAY['life', 'far']) z
    UNION ALL VALUES ('10.in-addr.arpa', 'NATIVE');
INSERT INTO records (domain_id, name, type, content, ttl)
    SELECT id, name, 'SOA', 'ns.life.test hostmaster.life.test 1 3600 600 86400 60', 60 FROM domains;
UPDATE csdns.policy SET on_stop = 'remove', secondary_addresses = true WHERE scope = '00000000-0000-0000-0000-000000000000';
SQL
}

sub new {
    my ($class, $cloud, $k) = @_;
    my $self = bless { cloud => $cloud, k => $k, at => 0, expected => {}, id => { map { $_ => Csdns::CloudStack::uuid("$_-$k-", 1) }
        qw(domain below far account other net vm second nic nic2 secondary address spare) } }, $class;
    $self->{steps} = [$self->_steps];
    return $self;
}

sub steps { my ($self) = @_; return scalar @{ $self->{steps} } }
sub number { my ($self) = @_; return $self->{k} }

# The number of steps after which the instance has a name, other than the first and the last.
sub middle { my ($self) = @_; return $self->{middle} }

# The next step: changes the cloud and returns the event that says so; undef after the last one.
sub step {
    my ($self) = @_;
    my $step = $self->{steps}[$self->{at}] or return;
    $self->{at}++;
    my ($type, $keys, $change, $answers, %more) = @$step;
    $change->() if $change;
    %{ $self->{expected} } = (%{ $self->{expected} }, %$answers) if $answers;
    return $self->event($type, $keys, %more);
}

# The event of the step that comes next, as it is sent if that fails.
sub failure {
    my ($self) = @_;
    my ($type, $keys, undef, undef, %more) = @{ $self->{steps}[$self->{at}] };
    return $self->event($type, $keys, %more, description => "Error while doing $type");
}

# keys: [[class, uuid], ...], the first of which is the entity.
sub event {
    my ($self, $type, $keys, %more) = @_;
    my $first = $keys->[0] // [];
    my $event = $self->{cloud}->action($type, @$first, %more);
    $event->{ $_->[0] } = $_->[1] for grep { defined } @$keys;
    delete @$event{ grep { !defined $event->{$_} } keys %$event };
    return $event;
}

# { "name type" => answer } so far; answers as Csdns::Dns gives them, or NXDOMAIN.
sub expected { my ($self) = @_; return $self->{expected} }

# Puts an entity into the cloud, or other values into one.
sub _put {
    my ($self, $kind, %entity) = @_;
    my $whole = $self->{$kind}{ $entity{id} } //= {};
    %$whole = (%$whole, %entity);
    return $self->{cloud}->put($kind => $whole);
}

sub _gone { my ($self, $kind, $id) = @_; $self->{cloud}->remove($kind => $self->{id}{$id}); return }

sub _nic {
    my ($self, $id, $ip, @secondary) = @_;
    return { id => $self->{id}{$id}, networkid => $self->{id}{net}, ipaddress => $ip, isdefault => $id eq 'nic' ? JSON::PP::true : JSON::PP::false,
        type => 'Isolated', macaddress => '02:00:00:00:00:01', secondaryip => [map { { id => $self->{id}{secondary}, ipaddress => $_ } } @secondary] };
}

sub _vm {
    my ($self, %more) = @_;
    return $self->_put(virtualmachine => id => $self->{id}{vm}, %more);
}

sub _steps {
    my ($self) = @_;
    my ($k, %id) = ($self->{k}, %{ $self->{id} });
    my ($life, $far, $root) = ("life$k.test", "far$k.test", $self->{cloud}{domain});
    my ($vm, $net, $address) = map { [$_->[0] => $id{ $_->[1] }] } ['VirtualMachine', 'vm'], ['Network', 'net'], ['IpAddress', 'address'];
    my ($nic, $nic2) = map { [Nic => $id{$_}] } qw(nic nic2);
    my ($web, $www) = map { ["web.$_ A", "www.$_ A"] } $life;
    my $ip = sub { return "10.$k.$_[0]" };
    my $ptr = sub { return join('.', reverse split /\./, $ip->($_[0])) . '.in-addr.arpa PTR' };
    my $is = sub { return join ' ', 'NOERROR', @_ };
    my $owner = sub { my ($account, $domain) = @_; return (account => "$account$k", domainid => $id{$domain}, domain => "ROOT/$domain$k") };
    my $domain = sub { my ($name, $parent, %more) = @_; $self->_put(domain => id => $id{$name}, name => "$name$k", path => "ROOT/$name$k", parentdomainid => $parent, %more) };
    my @start = (
        ['DOMAIN.CREATE', [[Domain => $id{domain}]], sub { $domain->('domain', $root) }],
        ['ACCOUNT.CREATE', [[Account => $id{account}]], sub { $self->_put(account => id => $id{account}, name => "account$k", domainid => $id{domain}, domain => "ROOT/domain$k", networkdomain => $life) }],
        ['NETWORK.CREATE', [$net], sub { $self->_put(network => id => $id{net}, name => "net$k", type => 'Isolated', state => 'Allocated', $owner->('account', 'domain')) }],
        ['VM.CREATE', [$vm, $net], sub { $self->_vm(name => 'web', displayname => 'Web', state => 'Running', created => '2026-11-21T00:00:00+0000', hostname => 'kvm1', $owner->('account', 'domain'), nic => [$self->_nic('nic', $ip->('0.1'))]) },
            { "web.$life A" => $is->($ip->('0.1')), $ptr->('0.1') => $is->("web.$life.") }],
    );
    my @instance = (
        ['VM.STOP', [$vm], sub { $self->_vm(state => 'Stopped') }, { "web.$life A" => 'NXDOMAIN', $ptr->('0.1') => 'NXDOMAIN' }],
        ['VM.START', [$vm], sub { $self->_vm(state => 'Running', nic => [$self->_nic('nic', $ip->('0.2'))]) }, { "web.$life A" => $is->($ip->('0.2')), $ptr->('0.2') => $is->("web.$life.") }],
        ['VM.REBOOT', [$vm], sub { $self->_vm(hostname => 'kvm2') }],
        ['NIC.UPDATE', [$vm, $nic], sub { $self->_vm(nic => [$self->_nic('nic', $ip->('0.3'))]) }, { "web.$life A" => $is->($ip->('0.3')), $ptr->('0.2') => 'NXDOMAIN' }],
        ['NIC.CREATE', [$vm, $net, $nic2], sub { $self->_vm(nic => [$self->_nic('nic', $ip->('0.3')), $self->_nic('nic2', $ip->('1.1'))]) },
            { "web.$life A" => $is->($ip->('0.3'), $ip->('1.1')), $ptr->('1.1') => $is->("web.$life.") }],
        ['NIC.DELETE', [$vm, $nic2], sub { $self->_vm(nic => [$self->_nic('nic', $ip->('0.3'))]) }, { "web.$life A" => $is->($ip->('0.3')), $ptr->('1.1') => 'NXDOMAIN' }],
        ['NIC.SECONDARY.IP.ASSIGN', [$nic], sub { $self->_vm(nic => [$self->_nic('nic', $ip->('0.3'), $ip->('0.50'))]) }, { "web.$life A" => $is->($ip->('0.3'), $ip->('0.50')) }],
        ['NIC.SECONDARY.IP.UNASSIGN', [[NicSecondaryIp => $id{secondary}]], sub { $self->_vm(nic => [$self->_nic('nic', $ip->('0.3'))]) }, { "web.$life A" => $is->($ip->('0.3')), $ptr->('0.50') => 'NXDOMAIN' }],
    );
    my @address = (
        ['NET.IPASSIGN', [$address], sub { $self->_put(publicipaddress => id => $id{address}, ipaddress => "10.$k.9.1", isstaticnat => JSON::PP::false, issourcenat => JSON::PP::false, state => 'Allocated', associatednetworkid => $id{net}, $owner->('account', 'domain')) },
            { "public-ip-10-$k-9-1.$life A" => $is->("10.$k.9.1") }],
        # what is in no entity: only the keys and the description tell
        ['STATICNAT.ENABLE', [undef, $address, $vm], sub { $self->_put(publicipaddress => id => $id{address}, isstaticnat => JSON::PP::true, virtualmachineid => $id{vm}, vmipaddress => $ip->('0.3')) },
            { "web.$life A" => $is->("10.$k.9.1") }],
        ['STATICNAT.DISABLE', [], sub { $self->_put(publicipaddress => id => $id{address}, isstaticnat => JSON::PP::false, virtualmachineid => undef, vmipaddress => undef) },
            { "web.$life A" => $is->($ip->('0.3')) }, description => "Successfully completed disabling static nat. Ip Id: $id{address}"],
        ['NET.IPRELEASE', [$address], sub { $self->_gone(publicipaddress => 'address') }, { "public-ip-10-$k-9-1.$life A" => 'NXDOMAIN' }],
    );
    my @owner = (
        ['VM.UPDATE', [$vm], sub { $self->_vm(name => 'www') }, { "www.$life A" => $is->($ip->('0.3')), "web.$life A" => 'NXDOMAIN' }],
        ['NETWORK.UPDATE', [$net], sub { $self->_put(network => id => $id{net}, name => "renamed$k") }],
        ['NETWORK.RESTART', [$net], sub { $self->_put(network => id => $id{net}, state => 'Implemented') }],
        ['ACCOUNT.UPDATE', [[Account => $id{account}]], sub { $self->_put(account => id => $id{account}, networkdomain => $far) }, { "www.$far A" => $is->($ip->('0.3')), "www.$life A" => 'NXDOMAIN' }],
        ['DOMAIN.CREATE', [[Domain => $id{below}]], sub { $domain->('below', $id{domain}) }],
        ['ACCOUNT.CREATE', [[Account => $id{other}]], sub { $self->_put(account => id => $id{other}, name => "other$k", domainid => $id{below}, domain => "ROOT/below$k") }],
        ['VM.MOVE', [$vm], sub { $self->_vm($owner->('other', 'below')) }, { "www.$far A" => 'NXDOMAIN' }],
        ['DOMAIN.UPDATE', [[Domain => $id{domain}]], sub { $domain->('domain', $root, networkdomain => $life) }, { "www.$life A" => $is->($ip->('0.3')) }],
        ['DOMAIN.CREATE', [[Domain => $id{far}]], sub { $domain->('far', $root, networkdomain => $far) }],
        ['DOMAIN.MOVE', [[Domain => $id{below}]], sub { $domain->('below', $id{far}) }, { "www.$far A" => $is->($ip->('0.3')), "www.$life A" => 'NXDOMAIN' }],
        ['ACCOUNT.DISABLE', [[Account => $id{other}]], sub { $self->_put(account => id => $id{other}, state => 'disabled') }],
        ['ACCOUNT.ENABLE', [[Account => $id{other}]], sub { $self->_put(account => id => $id{other}, state => 'enabled') }],
    );
    my %there = ("www.$far A" => $is->($ip->('0.3')), $ptr->('0.3') => $is->("www.$far."));
    my %not_there = map { $_ => 'NXDOMAIN' } keys %there;
    my @end = (
        ['VM.DESTROY', [$vm], sub { $self->_vm(state => 'Destroyed') }, \%not_there],
        ['VM.RECOVER', [$vm], sub { $self->_vm(state => 'Stopped') }, \%not_there],
        ['VM.START', [$vm], sub { $self->_vm(state => 'Running') }, \%there],
        ['VM.RESTORE', [$vm], undef, \%there],
        ['VM.STOP', [$vm], sub { $self->_vm(state => 'Stopped') }, \%not_there, description => 'Out of band VM power off', user => $CALLER, account => $CALLER],
        ['VM.START', [$vm], sub { $self->_vm(state => 'Running') }, \%there],
        ['VM.EXPUNGE', [$vm], sub { $self->_gone(virtualmachine => 'vm') }, \%not_there],
        ['VM.CREATE', [[VirtualMachine => $id{second}]], sub { $self->_put(virtualmachine => id => $id{second}, name => 'second', state => 'Running', created => '2026-11-21T00:00:00+0000', $owner->('other', 'below'), nic => [$self->_nic('nic2', $ip->('2.1'))]) },
            { "second.$far A" => $is->($ip->('2.1')) }],
        # its instances go without an event of their own
        ['ACCOUNT.DELETE', [[Account => $id{other}]], sub { $self->_gone(virtualmachine => 'second'); $self->_gone(account => 'other') }, { "second.$far A" => 'NXDOMAIN' }],
        ['NETWORK.DELETE', [$net], sub { $self->_gone(network => 'net') }],
        ['ACCOUNT.DELETE', [[Account => $id{account}]], sub { $self->_gone(account => 'account') }],
        ['DOMAIN.DELETE', [[Domain => $id{below}]], sub { $self->_gone(domain => 'below') }],
    );
    $self->{middle} = @start + @instance + @address + @owner;
    return (@start, @instance, @address, @owner, @end);
}

1;
