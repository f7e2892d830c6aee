package Csdns::Wait;

# Waits for a condition with a deadline. Tests never sleep for any other reason.

use strict;
use warnings;

use Carp qw(croak);
use Exporter 'import';
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @EXPORT = qw(wait_until now_s);
our @EXPORT_OK = qw(try_until);

# Deadlines grow where everything is slow: CSDNS_SLOW=3 makes them three times as long.
my $SLOW = ($ENV{CSDNS_SLOW} // '') =~ /^(\d+(?:\.\d+)?)$/ ? $1 : 1;

# Seconds on a clock that never jumps.
sub now_s() { return clock_gettime(CLOCK_MONOTONIC) }

# wait_until { condition } $seconds, "what": the condition's true value, or dies
# naming what it waited for. The condition is asked once more after the deadline.
sub wait_until(&;$$) {
    my ($condition, $seconds, $what) = @_;
    my $value = &try_until($condition, $seconds);
    croak sprintf('waited %gs in vain for %s', ($seconds // 10) * $SLOW, $what // 'a condition') if !$value;
    return $value;
}

# The same, but answers false when the time is up.
sub try_until(&;$) {
    my ($condition, $seconds) = @_;
    my $deadline = now_s() + ($seconds // 10) * $SLOW;
    my $pause = 0.001;
    while (1) {
        my $late = now_s() >= $deadline;
        my $value = $condition->();
        return $value if $value || $late;
        select undef, undef, undef, $pause;
        $pause = $pause * 1.5 > 0.02 ? 0.02 : $pause * 1.5;
    }
}

1;
