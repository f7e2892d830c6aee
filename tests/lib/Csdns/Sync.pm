package Csdns::Sync;

# The csdns-sync under test: like Csdns::Csdnsd. A sanitizer's report in its log
# fails the test.

use strict;
use warnings;

use parent -norequire, 'Csdns::Csdnsd';

use Csdns::Csdnsd;
use Csdns::Ports qw(free_port);
use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program need_programs);
use Csdns::Wait qw(wait_until);

# start(cloud => Csdns::CloudStack, db => CONNINFO, option => VALUE ...); also
# files => { option => [lines of a file, which is the option's value] }, flags => ['api-post'], env => {}
sub start {
    my ($class, %args) = @_;
    need_programs('csdns-sync');
    my $cloud = delete $args{cloud};
    my $files = delete $args{files} // {};
    my %how = map { $_ => delete $args{$_} } grep { exists $args{$_} } qw(wait name flags env);
    my $self = bless { name => $how{name} // 'csdns-sync', dir => temp_dir(), how => \%how, port => free_port() }, $class;
    $self->{log} = "$self->{dir}/log";
    $self->{secret} = 'topsecret';
    $self->write_secrets($self->{secret});
    $args{$_} = $self->write_file($_, @{ $files->{$_} }) for keys %$files;
    $self->{options} = {
        ($cloud ? (api_url => $cloud->url, $cloud->secret_files) : ()), listen => $self->{port},
        webhook_secret_file => "$self->{dir}/secret", log_level => 'debug', %args,
    };
    Csdns::Csdnsd::register($self->{name}, $self->{log});
    return $self->spawn;
}

sub write_secrets { my ($self, @secrets) = @_; return $self->write_file('secret', @secrets) }

# Writes lines into a file of its directory; returns its path.
sub write_file {
    my ($self, $name, @lines) = @_;
    open my $file, '>', "$self->{dir}/$name" or die "$name: $!\n";
    print {$file} map { "$_\n" } @lines;
    close $file;
    return "$self->{dir}/$name";
}

sub spawn {
    my ($self) = @_;
    $self->{process} = Csdns::Process->start(
        name => $self->{name}, log => $self->{log}, cwd => $self->{dir},
        env => { ASAN_OPTIONS => 'abort_on_error=0:detect_leaks=1', UBSAN_OPTIONS => 'print_stacktrace=1', %{ $self->{how}{env} // {} } },
        command => [find_program('csdns-sync'), $self->arguments, map {"--$_"} @{ $self->{how}{flags} // [] }],
    );
    $self->{process}->wait_ready(sub { $self->log_text =~ / works as / }, 20) if $self->{how}{wait} // 1;
    return $self;
}

sub webhook_url { my ($self) = @_; return "http://127.0.0.1:$self->{port}/webhook" }

# Waits until nothing is left to do.
sub wait_idle {
    my ($self, $dbh, $seconds) = @_;
    return wait_until { !$dbh->selectrow_array('SELECT count(*) FROM csdns.sync_task') } $seconds // 20, 'the queue to be empty';
}

sub run {
    my ($class, @arguments) = @_;
    need_programs('csdns-sync');
    return run_program(command => [find_program('csdns-sync'), @arguments], timeout => 20);
}

1;
