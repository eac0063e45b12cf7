"""Figures, and the table that shows them."""
import math


def percentile(values, share):
    """The smallest value that at least this share of the values does not exceed; None of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def upper_bound(count, trials):
    """The rate that `count` of `trials` does not exceed with 95 % confidence (Clopper and Pearson, one-sided)."""
    if trials == 0 or count >= trials:
        return 1.0

    def at_most(rate):
        logs = (math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * math.log(rate)
                + (trials - k) * math.log1p(-rate) for k in range(count + 1))
        return sum(math.exp(value) for value in logs)

    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(middle) > 0.05 else (low, middle)
    return high


def rate(count, trials):
    return f"{count} of {trials} (at most {upper_bound(count, trials):.2g} with 95 % confidence)"


def times(values):
    """p50, p99 and the longest, in seconds."""
    if not values:
        return "none measured"
    return f"p50 {percentile(values, 0.5):.2f} s, p99 {percentile(values, 0.99):.2f} s, longest {max(values):.2f} s, {len(values)} times"


def rows(pairs):
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in pairs)
