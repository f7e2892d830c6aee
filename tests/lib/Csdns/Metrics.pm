package Csdns::Metrics;

# Prometheus' text format: reading it, and checking it line by line.

use strict;
use warnings;

use Exporter qw(import);
use HTTP::Tiny;
use JSON ();
use Test::More;

use Csdns::Process qw(run_program temp_dir);
use Csdns::Programs qw(find_program source_dir);

our @EXPORT_OK = qw(format_ok health_at metrics_at names_ok);

my $LABEL = qr/[a-z_]+="(?:[^"\\\n]|\\["\\n])*"/;
my $http = HTTP::Tiny->new(timeout => 10);

# { 'name{labels}' => value }
sub metrics_at {
    my ($base) = @_;
    my $answer = $http->get("$base/metrics");
    die "/metrics: $answer->{status} $answer->{content}" if !$answer->{success};
    return { map { /^([^#].*) (\S+)$/ ? ($1 => $2) : () } split /\n/, $answer->{content} };
}

# status, and the object that /healthz answers with
sub health_at {
    my ($base) = @_;
    my $answer = $http->get("$base/healthz");
    return ($answer->{status}, JSON->new->utf8->decode($answer->{content}));
}

# The lines that are wrong, and how many samples there are; prefix: qr/csdns/ of the program's own metrics.
sub check {
    my ($text, $prefix) = @_;
    my ($name, $type, %seen, %sample, @wrong);
    for my $line (split /\n/, $text) {
        if ($line =~ /^# HELP (\S+) \S.*$/) {
            push @wrong, "twice: $1" if $seen{$1}++;
            ($name, $type) = ($1, undef);
        }
        elsif ($line =~ /^# TYPE (\S+) (counter|gauge|histogram)$/) {
            $type = $2;
            push @wrong, $line if $1 ne $name || ($type eq 'counter') != ($name =~ /_total$/);
            push @wrong, $line if $name !~ /^(?:$prefix|process)_[a-z_]+$/;
        }
        elsif ($line =~ /^([a-z_]+)(\{$LABEL(?:,$LABEL)*\})? -?\d+(?:\.\d+)?$/) {
            my ($of, $sample) = ($1, $1 . ($2 // ''));
            $of =~ s/_(?:bucket|sum|count)$// if ($type // '') eq 'histogram';
            push @wrong, $line if $of ne $name || !$type || $sample{$sample}++;
        }
        else { push @wrong, $line }
    }
    return (\@wrong, scalar keys %sample);
}

# What promtool thinks of a file of rules, or (without arguments) of metrics on its standard input: an empty text where it has nothing
# to say. Skips one test where it is not there.
sub promtool_ok {
    my ($what, $subject, %input) = @_;
    my $promtool = find_program('promtool');
  SKIP: {
        skip 'program missing: promtool' . ($ENV{CSDNS_NO_PROMTOOL} ? ": $ENV{CSDNS_NO_PROMTOOL}" : ''), 1 if !$promtool;
        my $done = run_program(command => [$promtool, 'check', @$subject], %input);
        ok($done->{status} == 0 && ($done->{out} . $done->{err}) !~ /\b(?:error|FAILED)\b/i, $what) or diag $done->{out} . $done->{err};
    }
    return;
}

# Every line of /metrics, with promtool's opinion where it is there.
sub format_ok {
    my ($base, $prefix, $least) = @_;
    my $answer = $http->get("$base/metrics");
    is($answer->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', 'its type');
    my ($wrong, $samples) = check($answer->{content}, $prefix);
    is_deeply($wrong, [], 'every line');
    cmp_ok($samples, '>', $least, 'many samples');
    promtool_ok('promtool has nothing to say', ['metrics'], stdin => $answer->{content});
    is($http->head("$base/metrics")->{content} // '', '', 'HEAD');
    is($http->post("$base/metrics")->{headers}{allow}, 'GET, HEAD', 'POST is refused');
    is($http->get("$base/other")->{status}, 404, 'another address');
    return $answer->{content};
}

# The queries of the dashboard's panels, as a file of rules. Grafana puts its variables in.
sub panels_as_rules {
    my ($dashboard) = @_;
    my @queries = map { $_->{expr} } map { @{ $_->{targets} // [] } } map { ($_, @{ $_->{panels} // [] }) } @{ $dashboard->{panels} };
    my $n = 0;
    my @rules = map { { record => 'panel:' . $n++, expr => s/\$__rate_interval/5m/gr =~ s/\$\w+/.*/gr } } @queries;
    my $path = temp_dir() . '/panels.yml';
    open my $out, '>', $path or die "$path: $!";
    print {$out} JSON->new->utf8->encode({ groups => [{ name => 'panels', rules => \@rules }] });    # which is YAML, too
    close $out or die "$path: $!";
    return $path;
}

# Labels that a file selects by or adds up, of metrics whose samples do not have them.
sub wrong_labels {
    my ($text, $metrics) = @_;
    my %has;
    for my $line (split /\n/, $metrics) {
        my ($name, $labels) = $line =~ /^([a-z_]+)(\{.*\})? / or next;
        $has{$name}{$_} = 1 for '', ($labels // '') =~ /[{,]([a-z_]+)=/g;
    }
    my @wrong;
    while ($text =~ /(?:by \(([^)]*)\) \((?:\w+\()?)?\b((?:csdns|process)_[a-z_]+)(?:\{([^}]*)\})?/g) {
        my ($by, $name, $selects) = ($1 // '', $2, $3 // '');
        my @labels = ($by =~ /\w+/g, $selects =~ /(\w+)=/g);
        push @wrong, map {"$name: $_"} grep { !/^(?:instance|job)$/ && $has{$name} && !$has{$name}{$_} } @labels;
    }
    return \@wrong;
}

# The dashboard and the alerts know only metrics that exist, of those whose names are like this.
sub names_ok {
    my ($base, $like) = @_;
    my $metrics = $http->get("$base/metrics")->{content};
    my %exists = map { $_ => 1 } $metrics =~ /^(?:# TYPE )?([a-z_]+)/mg;    # also those without samples yet
    for my $file (qw(docs/grafana-dashboard.json docs/prometheus-alerts.yml)) {
        open my $in, '<', source_dir() . "/$file" or do { fail("$file: $!"); next };
        my $text = do { local $/ = undef; <$in> };
        my %names = map { $_ => 1 } grep { $_ =~ $like } $text =~ /\b((?:csdns|process)_[a-z_]+)\b/g;
        cmp_ok(scalar keys %names, '>', 2, "$file has metrics");
        is_deeply([grep { !$exists{$_} } sort keys %names], [], 'all of them exist');
        is_deeply(wrong_labels($text =~ s/\\"/"/gr, $metrics), [], 'and so do the labels');
        my $rules = $file =~ /json$/ ? panels_as_rules(JSON->new->utf8->decode($text)) : source_dir() . "/$file";
        promtool_ok("promtool takes the queries of $file", ['rules', $rules]);
    }
    return;
}

1;
