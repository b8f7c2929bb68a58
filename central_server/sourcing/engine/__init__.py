"""PURE: which locations ship an order, exactly, and why.

model     what goes in: order, locations, stock, tariff, rules; what comes out: plan and trace
network   locations made ready: points, calendars, capacity; every hard filter
tariffs   what a parcel costs and when it arrives
prices    what a unit is worth where it lies: shelf price, balance, failed picks
offers    all of it as one small optimisation problem, in goals that are weighted or ordered
solver    the exact search: lower bounds, pruning, branch and bound
checks    what the engine may be asked: mistakes by the names of their fields
routing   `route(order, candidates, rules, now_ms)`: the whole way
explain   the trace: a sentence for the plan, a finding for every candidate;
          `route_explained`: plan and trace in one call
reasons   the goal that decided against a plan that costs less, in words
learning  the probability that a store finds a unit (Beta posterior, category first)
duals     prices of units by linear programs over what will be asked for
batch     open orders decided anew, together
"""
