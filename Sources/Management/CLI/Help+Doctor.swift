extension Help {
  package static let doctor = """
    Usage: hauberk doctor [CONFIG] [OPTIONS]

    Looks at this machine and says in plain words what would hold a gateway back, why that matters, and the
    command that mends it: processors, large pages, rights, the kernel, the processor's ciphers, the clock, and
    the devices that are to be ports. Changes nothing. Run it as the user that the gateway will run as.

      wrong        a gateway would not start, or would lose or spoil packets; ends the command with code 1
      better       it would work, slower or with less margin than it could

    Devices that are not named may serve something else: what is found there is never 'wrong'.

    Options:
    \(listing(DoctorOptions.options))

    Examples:
      sudo hauberk doctor --device eth1 --device eth2
      hauberk doctor --json | jq '.findings[] | select(.level == "wrong")'
    """
}
