package Csdns::Twin;

# The same store twice, with two pdns_servers: one asks csdnsd through the remote
# backend, the other is PowerDNS' own gpgsql backend. The same command is given to
# both; what then stands in the tables must be the same.

use strict;
use warnings;

use Test::More;

use Csdns::Cluster;
use Csdns::Csdnsd;
use Csdns::Pdns;
use Csdns::Ports qw(free_port);
use Csdns::Programs qw(need_programs);
use Csdns::Wait qw(try_until);

my @SIDES = qw(remote gpgsql);

# new(sql => what both stores hold at first, pdns => { options of both servers })
sub new {
    my ($class, %args) = @_;
    need_programs(qw(initdb csdnsd pdns_server pdns:remote pdns:gpgsql pdnsutil));
    my $cluster = Csdns::Cluster->new;
    my $self = bless { cluster => $cluster }, $class;
    for my $side (@SIDES) {
        $cluster->create_db($side);
        $cluster->install_schema($side);
        $cluster->psql($side, $args{sql}) if $args{sql};
    }
    $self->{csdnsd} = Csdns::Csdnsd->start(db => $cluster->conninfo('remote', 'pdns'), %{ $args{csdnsd} // {} });
    my %api = (loglevel => 6, webserver => 'yes', api => 'yes', api_key => 'test', default_soa_content => 'ns.@ hostmaster.@ 1 10800 3600 604800 3600');
    my $timeout = $args{timeout} // 10_000;
    $self->{remote} = Csdns::Pdns->remote(
        socket => $self->{csdnsd}->socket, timeout => $timeout, remote_dnssec => 'yes', webserver_port => free_port(), %api, %{ $args{pdns} // {} },
    );
    $self->{gpgsql} = Csdns::Pdns->gpgsql(conninfo => $cluster->conninfo('gpgsql', 'pdns'), name => 'gpgsql', gpgsql_dnssec => 'yes', %api, %{ $args{pdns} // {} });
    return $self;
}

sub sides { return @SIDES }
sub cluster { my ($self) = @_; return $self->{cluster} }
sub csdnsd { my ($self) = @_; return $self->{csdnsd} }
sub pdns { my ($self, $side) = @_; return $self->{$side} }

# Runs SQL in both stores.
sub psql {
    my ($self, $sql) = @_;
    $self->{cluster}->psql($_, $sql) for @SIDES;
    my $dbh = $self->{cluster}->dbh('remote');
    $self->{csdnsd}->wait_current($dbh);
    return;
}

my %TABLE = (
    domains => q{SELECT name, type, master, account, notified_serial FROM domains ORDER BY name},
    # The rows that rectify writes are not ours; nor is what it puts into ordername and auth.
    records => q{SELECT d.name, r.name, r.type, r.content, r.ttl, r.prio, r.disabled FROM records r JOIN domains d ON d.id = r.domain_id
        WHERE r.type <> '' AND r.type <> 'SOA' ORDER BY 1, 2, 3, 4},
    soa => q{SELECT name, regexp_replace(content, '^(\S+ \S+) \d+', '\1'), ttl, prio FROM records WHERE type = 'SOA' ORDER BY 1},
    serials => q{SELECT name, split_part(content, ' ', 3) FROM records WHERE type = 'SOA' ORDER BY 1},
    metadata => q{SELECT d.name, m.kind, m.content FROM domainmetadata m JOIN domains d ON d.id = m.domain_id ORDER BY 1, 2, m.id},
    # Private keys are made at random.
    cryptokeys => q{SELECT d.name, k.id, k.flags, k.active, k.published, left(k.content, 40) FROM cryptokeys k JOIN domains d ON d.id = k.domain_id ORDER BY 1, 2},
    tsigkeys => q{SELECT name, algorithm, secret FROM tsigkeys ORDER BY 1, 2},
    tsignames => q{SELECT name, algorithm, length(secret) FROM tsigkeys ORDER BY 1, 2},
    comments => q{SELECT d.name, c.name, c.type, c.comment FROM comments c JOIN domains d ON d.id = c.domain_id ORDER BY 1, 2, 3},
);

sub table { my ($self, $side, $name) = @_; return $self->{cluster}->psql($side, $TABLE{$name} // $name) }

# The tables (or SELECTs) hold the same on both sides; more than nothing, if at_least is given.
sub same_tables {
    my ($self, $what, @names) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my %found;
    for my $side (@SIDES) { $found{$side} = join "\n", map { "-- $_\n" . $self->table($side, $_) } @names }
    return is $found{remote}, $found{gpgsql}, "$what: the same in the tables";
}

sub serial {
    my ($self, $side, $zone) = @_;
    return $self->{cluster}->psql($side, "SELECT split_part(content, ' ', 3) FROM records WHERE type = 'SOA' AND name = '$zone'");
}

# The zone comes by transfer, with this serial, on both sides.
sub arrives {
    my ($self, $what, $zone, $serial) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for my $side (@SIDES) {
        try_until { $self->serial($side, $zone) eq $serial } 20;
        is $self->serial($side, $zone), $serial, "$what: has come ($side)";
    }
    return;
}

# The port of each, for whoever notifies them.
sub ports { my ($self) = @_; return [map { $self->{$_}->port } @SIDES] }

# Has them transfer a zone.
sub retrieve { my ($self, $zone) = @_; $self->{$_}->control("RETRIEVE $zone") for @SIDES; return }

# Gives the command to both, which must do it; the tables must be the same.
sub pdnsutil { my ($self, @args) = @_; return $self->_pdnsutil('done', @args) }

# The same for one that both must refuse.
sub pdnsutil_refused { my ($self, @args) = @_; return $self->_pdnsutil('refused', @args) }

sub _pdnsutil {
    my ($self, $expected, $command, @tables) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my @command = ref $command ? @$command : split / /, $command;
    my %done;
    for my $side (@SIDES) {
        $done{$side} = $self->{$side}->try_pdnsutil(@command);
        is $done{$side}{status} == 0 ? 'done' : 'refused', $expected, "pdnsutil @command ($side)" or diag "$done{$side}{err}$done{$side}{out}";
    }
    $self->same_tables("pdnsutil @command", @tables) if @tables;
    return \%done;
}

# The same for the HTTP API. The reply of both, or the error.
sub api { my ($self, @args) = @_; return $self->_api('done', @args) }

# With the status that both must refuse it with.
sub api_refused { my ($self, $status, @args) = @_; return $self->_api($status, @args) }

sub _api {
    my ($self, $expected, $method, $path, $body, @tables) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    my %reply;
    for my $side (@SIDES) {
        my $reply = eval { { reply => $self->{$side}->api($method, $path, $body) } } // { error => $@ =~ s/ at \S+ line.*//sr };
        $reply{$side} = $reply;
        my $outcome = !exists $reply->{error} ? 'done' : $reply->{error} =~ /: (\d{3})/ ? $1 : $reply->{error};
        is $outcome, $expected, "$method $path ($side)" or diag $reply->{error} // '';
    }
    $self->same_tables("$method $path", @tables) if @tables;
    return \%reply;
}

1;
