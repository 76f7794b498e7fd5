"""Statistics of benchmark results, on plain arrays: smaller is better, and infinity is a run that never got there.

>>> from saddlebench.results.statistics import wilson
>>> wilson(8, 10)
Interval(estimate=0.8, low=0.490..., high=0.943...)

Nothing is imputed: a censored run stays infinite, and where a statistic needs it (a mean, a median that falls among the censored)
the result is infinite too. Whatever draws random numbers takes a numpy Generator.
"""

from saddlebench.results.statistics.aggregates import iqm, median, probability_of_improvement
from saddlebench.results.statistics.intervals import Interval, stratified_bootstrap, wilson
from saddlebench.results.statistics.ranks import ranks
from saddlebench.results.statistics.runtime import average_runtime, ecdf, performance_profiles
from saddlebench.results.statistics.testing import benjamini_hochberg, mcnemar, wilcoxon

__all__ = [
    "Interval",
    "average_runtime",
    "benjamini_hochberg",
    "ecdf",
    "iqm",
    "mcnemar",
    "median",
    "performance_profiles",
    "probability_of_improvement",
    "ranks",
    "stratified_bootstrap",
    "wilcoxon",
    "wilson",
]
