/// The page of the lab.
extension Help {
  package static let lab = """
    Usage: hauberk lab [OPTIONS]

    Builds a cluster on this machine, to be watched and broken: two hosts, and between them --members machines
    that wear one address on each side, all in network namespaces. Nothing of this machine's own network is
    touched. Numbered probes go from one host to the other, and every one that is lost or comes twice is counted.

      host A -- bridge inside --+-- member 1 --+-- bridge outside -- host B
                                +-- member 2 --+
                                +-- member 3 --+

    On a terminal the screen shows who is there, whose each of the 1024 work sets is, and what became of the
    probes. Elsewhere, or with --json, there is a line every second. Either way it takes orders, a line each,
    where N is a member's number or 'master':

    \(orders)

    An outage is what one flow missed in a row, in steps of --flows divided by --rate: 16 ms if nothing else is
    said. A probe is lost when it has not come within half a second. What is told 'since' an order is of the
    probes that were sent after it, until the next order.

    It needs root and the command `ip` of iproute2. It ends with `quit`, Ctrl-C, a signal, after --seconds, or,
    without those, three seconds after the end of its input and the last order; then everything it made is taken
    away.
    What a lab that was killed has left, the next one takes away. Configurations, logs and control sockets lie
    meanwhile in /run/hauberk-labs/NAME; namespaces are called hauberk-NAME-hostA, -hostB, -member1 and so on.

    Options:
    \(listing(LabOptions.options))

    Examples:
      sudo hauberk lab --members 3
      sudo hauberk lab --pace fast --seconds 10 --do 'at 3 kill master' --json
      sudo hauberk show work --watch 1 --control /run/hauberk-labs/lab/member1.sock
      sudo ip netns exec hauberk-lab-hostA ping 10.2.0.100

    Exit codes:
    \(exitCodes)
    """

  private static let orders =
    (LabOrder.Deed.allCases.map { ("\($0.rawValue) N", $0.meaning) }
    + [("help", "these orders, on the screen"), ("quit", "take everything away, and end")])
    .map { "  " + Format.left($0.0, 12) + " " + $0.1 }.joined(separator: "\n")
}
