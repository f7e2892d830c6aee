package Csdns::Bench::Plot;

# Figures of bench/run as an SVG picture, drawn by gnuplot: nothing but what the JSON file holds.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(plot);

my %COLOR = (csdns => '#1b7837', floor => '#999999', fresh => '#8e0152', records_fresh => '#c51b7d', default => '#e9a3c9', gpgsql => '#c51b7d', bind => '#4393c3');
my %TITLE = (
    csdns => 'csdns', floor => 'constant replies', gpgsql => 'gpgsql', bind => 'bind',
    fresh => 'gpgsql, as fresh', records_fresh => 'gpgsql, records fresh', default => 'gpgsql, default caches',
);

# Below narrow bars.
my %SHORT = (csdns => 'csdns', default => 'gpgsql\ndefaults', records_fresh => 'gpgsql\nrecords', fresh => 'gpgsql\nas fresh');

# plot(\%figures, 'FILE.svg')
sub plot {
    my ($figures, $file) = @_;
    my $script = join "\n",
        "set terminal svg size 960,720 font 'sans-serif,13' background '#ffffff'", "set output '$file'",
        'set multiplot layout 2,2', 'set border 3', 'set tics nomirror', 'set grid ytics lc rgb "#dddddd"',
        'set boxwidth 0.8', 'set style fill solid', 'set bars 0.6',
        _steady($figures), _visible($figures), _miss($figures), _growth($figures), 'unset multiplot', '';
    open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!\n";
    print {$gnuplot} $script;
    close $gnuplot or die "gnuplot failed\n";
    return;
}

# Bars with their spread: [x, name of the figure, colour, title] each.
sub _bars {
    my ($figures, $title, $ytics, @bars) = @_;
    my @there = grep { exists $figures->{ $_->[1] } } @bars;
    return _empty($title) if !@there;
    my (@blocks, @plots, @labels);
    for my $bar (@there) {
        my ($x, $name, $color, $label) = @$bar;
        my ($value, $low, $high) = map { $figures->{"$name$_"} // $figures->{$name} } '', '_low', '_high';
        my $block = '$bar' . (scalar(@blocks) + 1);
        push @blocks, "$block << EOD\n$x $value $low $high\nEOD";
        push @plots, "$block using 1:2:3:4:(0.8) with boxerrorbars lc rgb '$color' fs solid border lc rgb '#333333' notitle",
            "$block using 1:4:(sprintf('%.3gk', \$2 / 1000)) with labels offset 0,0.8 notitle";
        push @labels, "'$label' $x";
    }
    return (
        @blocks, "set title '$title'", 'set ylabel "queries a second"', 'unset xlabel', 'unset key', $ytics,
        'set xtics (' . join(', ', @labels) . ')', "set xrange [0.3:$there[-1][0].7]",
        'plot ' . join(', ', @plots), 'unset logscale', 'set yrange [*:*]', 'unset xrange',
    );
}

# Says so where figures are missing, so that the others keep their places.
sub _empty {
    my ($title) = @_;
    return ("set title '$title (not measured)'", 'unset xlabel', 'unset ylabel', 'unset key', 'unset logscale',
        'set xtics autofreq', 'set xrange [0:1]', 'set yrange [0:1]', 'plot NaN notitle', 'set yrange [*:*]');
}

sub _steady {
    my ($figures) = @_;
    my @bars;
    my $x = 0;
    for my $mix (qw(zipf uniform)) {
        push @bars, map { [++$x, "steady_${mix}_${_}_per_s", $COLOR{$_}, "$SHORT{$_}\\n$mix"] } qw(csdns default records_fresh fresh);
    }
    my @script = _bars($figures, '100 000 names, 10 changes a second', "set logscale y\nset yrange [1000:1000000]", @bars);
    return ('set xtics font ",9"', map { s/'((?:csdns|gpgsql)[^']*)' (\d)/"$1" $2/gr } @script);
}

sub _miss {
    my ($figures) = @_;
    my $x = 0;
    return ('set xtics font ",11"', _bars($figures, 'Each name asked once', 'set yrange [0:*]',
        map { [++$x, "miss_${_}_per_s", $COLOR{$_}, $TITLE{$_}] } qw(csdns floor gpgsql bind)));
}

sub _visible {
    my ($figures) = @_;
    my %suffix = (1 => '_at_1', 10 => '_at_10', 100 => '', 500 => '_at_500');
    my @rates = grep { exists $figures->{"dns_visible_p50_ms$suffix{$_}"} } sort { $a <=> $b } keys %suffix;
    my $title = 'From commit to answer over DNS, under full load';
    return _empty($title) if !@rates;
    my @lines = map { my $rate = $_; join ' ', $rate, map { $figures->{"dns_visible_${_}_ms$suffix{$rate}"} } qw(p50 p99 max) } @rates;
    my @plots = map { "\$visible using 1:$_->[0] with linespoints pt 7 lc rgb '$_->[1]' title 'csdns, $_->[2]'" }
        [4, '#a6dba0', 'longest'], [3, '#5aae61', '99th percentile'], [2, '#1b7837', 'median'];
    my $late = $figures->{steady_default_late_p50_s};
    unshift @plots, sprintf "%g with lines dt 2 lc rgb '%s' title 'gpgsql, default caches, median'", $late * 1000, $COLOR{default} if $late;
    return (
        '$visible << EOD', @lines, 'EOD', "set title '$title'", 'set ylabel "ms"', 'set xlabel "changes a second"', 'set key top left',
        'set logscale xy', 'set yrange [0.1:1000000]', 'set xrange [0.7:700]', 'set xtics (1, 10, 100, 500) font ",11"',
        'plot ' . join(', ', @plots), 'unset logscale', 'set yrange [*:*]', 'unset xrange',
    );
}

sub _growth {
    my ($figures) = @_;
    my %records = ('1k' => 1e3, '10k' => 1e4, '100k' => 1e5, '1m' => 1e6, '10m' => 1e7);
    my @sizes = grep { exists $figures->{"load_${_}_s"} } sort { $records{$a} <=> $records{$b} } keys %records;
    my $title = 'csdnsd loads the store';
    return _empty($title) if !@sizes;
    my @lines = map { "$records{$_} $figures->{\"load_${_}_s\"} $figures->{\"load_${_}_rss_mb\"}" } @sizes;
    return (
        '$growth << EOD', @lines, 'EOD', "set title '$title'", 'set xlabel "records"', 'set ylabel "s, MB"', 'set key top left', 'set logscale xy',
        'set xtics autofreq font ",11"', 'set format x "10^%T"', 'set xrange [500:20000000]', 'set yrange [0.01:*]',
        "plot \$growth using 1:3 with linespoints pt 5 lc rgb '#4393c3' title 'memory, MB', "
            . "\$growth using 1:2 with linespoints pt 7 lc rgb '#1b7837' title 'time, s'",
        'unset logscale',
    );
}

1;
