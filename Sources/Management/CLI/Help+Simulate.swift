internal import ClusterSimulation

/// The page of the cluster's simulation.
extension Help {
  package static let simulate = """
    Usage: hauberk simulate [OPTIONS]

    Runs a whole cluster on one thread: the same code that joins, leases and hands work over in a gateway, with
    clocks, wires, hosts and trouble made up from a seed. The same seed is the same run, to the last step. What
    must never be is looked for at every step: two units that work on one set of packets, two masters, a set that
    stays without an owner after the last fault, work that is dealt unevenly. Needs no rights and sends nothing.

    Prints the faults, the outages (a time in which some sets had no owner) and the verdict. A run that breaks a
    rule is printed step by step and ends the command with code 1. Without any option but --seed it is the run
    that the tests make of that seed.

    Kinds of faults:
    \(kinds)

    Options:
    \(listing(SimulateOptions.options))

    Examples:
      hauberk simulate --seed 42 --timeline run.svg
      hauberk simulate --seed 7 --members 3 --faults crash --seconds 10 --profile fast
      hauberk simulate --seeds 1-1000
    """

  private static let kinds = Fault.Name.allCases.map {
    "  " + Format.left($0.rawValue, 12) + " " + $0.meaning
  }.joined(separator: "\n")
}
