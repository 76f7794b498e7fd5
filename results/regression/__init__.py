"""Has anything become worse? Two sets of results, joined on cell ids, and what moved between them.

`traces` finds the cells whose records moved at all; only those go to statistics. `costs`, `times` make one paired number a cell
of them, `pools` tests those pooled per optimizer and family of games, `faults` are findings without statistics, `golden` is the
committed table of deterministic traces, `comparison` puts all of it together and `power` simulates nights.
"""
