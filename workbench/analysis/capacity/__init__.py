"""When does a resource run out: levels, their limits, the risk, and what to do."""
