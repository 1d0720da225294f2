/// The help pages: written for somebody who has never seen the program.
package enum Help {
  package static let version = "0.1.0"

  package static let overview = """
    hauberk \(version) - several machines, one gateway

    Usage:
    \(usage)

    Try:
      hauberk replay                         a capture that ships inside the program
      hauberk replay my.pcap                 every packet through a tunnel and back
      hauberk replay my.pcap --members 3     who would do what in a cluster of three
      hauberk replay my.pcap --trace 5       the story of the first five packets
      hauberk classify my.pcap | head
      hauberk audit my.pcap                  was an IV used twice?
      hauberk status --watch                 the running gateway, every two seconds
      sudo hauberk lab                       a cluster of three on this machine: kill one and watch

    Exit codes:
    \(exitCodes)
    """

  private static var usage: String {
    Command.all.map { command in
      let words = "hauberk \(command.name) \(command.usage)"
      return "  " + Format.left(words, 38) + " " + command.summary
    }.joined(separator: "\n")
  }

  package static var exitCodes: String {
    ExitCode.allCases.map { "  \($0.rawValue)  \($0.meaning)" }.joined(separator: "\n")
  }

  package static let replay = """
    Usage: hauberk replay [CAPTURE] [OPTIONS]

    Runs every packet of CAPTURE through the pipeline: pinned workers accept it, parse it, find its work
    set and its owner, and seal or open it. CAPTURE is pcap or pcapng, gzip or not, '-' for standard
    input; without one, a capture that ships inside the program is played.

    What is done with a packet:
      with --config     what its tunnels, groups and policies say: clear packets become ESP, ESP for one
                        of the cluster's addresses becomes clear
      without           a round trip: sealed by one gateway, opened by another under a key drawn now,
                        and compared; --out holds what was opened
      --members, --plain, or a configuration without keys
                        nothing: packets are classified, owned and passed on

    The output holds the packets that went out, in the order of the input and with its time stamps,
    however many workers there are. Without --config every MAC address is accepted. Without --key (or a
    configuration that has one) the hash key is all zero, so that two runs agree.

    Options:
    \(listing(ReplayOptions.options))

    Examples:
      hauberk replay trace.pcapng.gz --members 4 --member 0 --out mine.pcap
      hauberk replay --generate packets=5000000,size=64 --workers 2 --json
      hauberk replay trace.pcap --faults flip=0.01,truncate=0.01 --trace 3

    Exit codes:
    \(exitCodes)
    """

  package static let classify = """
    Usage: hauberk classify [CAPTURE] [OPTIONS]

    Prints one line for every packet: number,workset,reason. Packets are numbered from 1. The work set is
    -1 where there is none, and only then is there a reason. Classification looks at structure alone.

    Options:
    \(listing(ClassifyOptions.options))

    Reasons are the names of drops in 'hauberk replay'.
    """

  package static let check = """
    Usage: hauberk check CONFIG [OPTIONS]

    Reads a configuration and says in plain words what it would do: the unit, tunnels and groups with their
    suites, work sets, windows and lifetimes, the policies in the order in which they count, and what is
    allowed but hardly meant. Changes nothing. A configuration that is wrong ends in exit code 6 and a list of
    errors by file, line and column.

    Options:
    \(listing(CheckOptions.options))
    """

  package static let keys = """
    Usage: hauberk keys CONFIG [OPTIONS]

    Lists every key by its fingerprint, the first 16 octets of its SHA-256, and what the state directory
    (unit.stateDirectory) says of its nonces: how often it was started, where each sender id goes on, how much
    is left. No octet of a key is ever shown.

    --begin begins the record of keys that have none and never had. It claims that nobody has encrypted with
    them: a key that was used and has lost its record is to be replaced, not begun. Whatever could repeat a
    nonce is refused, and ends in exit code 6.

    Options:
    \(listing(KeysOptions.options))
    """

  package static let audit = """
    Usage: hauberk audit CAPTURE [OPTIONS]

    Reads the ESP packets of CAPTURE, bare or in UDP port 4500, without any key, and tells for every
    destination, SPI and sender:

      missing      sequence numbers between the lowest and the highest that did not come
      holes        in how many places
      duplicates   the very same packet again, as a mirror port makes them
      repeats      the same destination, SPI and IV with other bytes

    A repeat is the one mistake that cannot be undone: with a counter mode (AES-GCM, AES-CTR,
    ChaCha20-Poly1305) two packets under one IV open each other. It ends the command with code 1. The
    packets of the first ones are shown, numbered from 1 as they come: with --filter among those that match.

    Without --config, every IV is taken for a counter of 8 bytes, and nobody for a group's sender (shown
    as '-'). With it, a group's senders are told apart by the first bits of the IV: each has sequence
    numbers of its own, and one counter for all destinations. IVs of other ciphers may come again, and are
    counted apart. If the sequence numbers are 64 bits long, those 32 that are not sent are inferred.

    CAPTURE is pcap or pcapng, gzip or not, '-' for standard input. Packets that the capture or a router
    has cut are compared as far as they are there. What cannot be audited is counted by name.

    Options:
    \(listing(AuditOptions.options))

    Examples:
      hauberk audit wan.pcap
      hauberk audit wan.pcapng.gz --config hauberk.yaml --json
      hauberk audit wan.pcap --filter 'dst host 192.0.2.1'
      tcpdump -i eth0 -c 100000 -w - 'esp or udp port 4500' | hauberk audit -

    Exit codes:
    \(exitCodes)
    """

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

  static func listing(_ options: [Option]) -> String {
    options.map { option in
      let name = option.name + (option.placeholder.map { " \($0)" } ?? "")
      return "  " + Format.left(name, 18) + " " + option.help
    }.joined(separator: "\n")
  }
}
