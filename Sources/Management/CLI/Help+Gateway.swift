/// The help pages of commands to a running gateway.
extension Help {
  package static let run = """
    Usage: hauberk run CONFIG [OPTIONS]

    Runs a gateway on the devices that CONFIG names under 'ports', in the foreground, until SIGINT, SIGTERM or
    `hauberk stop`. Clear packets come in inside, are sealed as policies say and leave outside; what comes back
    is opened and forwarded. The addresses under 'ports' belong to the gateway and must not be the kernel's;
    'takeAddresses: yes' for a port takes the kernel's away from its device meanwhile. A device that vanishes is
    opened again when it is back.

    Options:
    \(listing(RunOptions.options))

    Examples:
      hauberk run /etc/hauberk/gateway.yaml
      hauberk status --watch
    """

  package static let sign = """
    Usage: hauberk sign FILE --key KEY

    Signs the octets of FILE with an Ed25519 key and writes the signature into FILE.sig: 64 octets, as OpenSSL makes
    and verifies them. Where a machine trusts keys, `hauberk run`, `check` and `reload` take no configuration but
    one that a trusted key has signed: those in the file of --trust, or in /etc/hauberk/trust.pem where it is there.

    Options:
    \(listing(SignOptions.options))

    Examples:
      openssl genpkey -algorithm ed25519 -out key.pem
      openssl pkey -in key.pem -pubout -out trust.pem
      hauberk sign gateway.yaml --key key.pem
      openssl pkeyutl -sign -inkey key.pem -rawin -in gateway.yaml -out gateway.yaml.sig
      hauberk check gateway.yaml --trust trust.pem
    """

  package static let status = """
    Usage: hauberk status [OPTIONS]

    Asks the gateway that runs on this machine what it does: how long it runs and under which configuration,
    its ports and workers and what they have done, and why packets went no further. With --watch there are
    rates, redrawn in place on a terminal, one answer after the other elsewhere.

    Options:
    \(listing(StatusOptions.options))

    Examples:
      hauberk status --watch
      hauberk status --json | jq '.drops'
    """

  package static let show = """
    Usage: hauberk show WHAT [OPTIONS]

    Shows one part of the running gateway. WHAT is one of:

    \(Shown.allCases.map { "  " + Format.left($0.rawValue, 12) + " " + $0.meaning }.joined(separator: "\n"))

    Options:
    \(listing(ShowOptions.options))

    Examples:
      hauberk show drops --watch 1
      hauberk show sas --json --most 100000
    """

  package static let trace = """
    Usage: hauberk trace [OPTIONS]

    Tells what becomes of the next packets that reach the running gateway, at most \(Request.mostTraced): where each
    came in and by which worker, what it was, which policy or SA took it, and what became of it: sealed, opened,
    forwarded by which port to whom, handed to the control thread, or dropped, and why. A packet fits if its headers
    do, as it came or as it left; what it carries is never shown. The gateway goes on working meanwhile. Where more
    packets fit than can be told, some are left out and counted. Ctrl-C ends the trace.

    Options:
    \(listing(TraceOptions.options))

    Examples:
      hauberk trace --count 3
      hauberk trace --from 10.1.0.0/16 --protocol icmp
      hauberk trace --spi 0x1000 --count 100 --seconds 10 --json | jq -r .fate
    """

  package static let reload = """
    Usage: hauberk reload [OPTIONS]

    Makes the running gateway read its configuration again, as the signal SIGHUP does. The file is checked as a
    whole and put into force as a whole: no packet is lost, and an SA that did not change goes on. A file that is
    wrong changes nothing, and ends in exit code 6 with what is wrong with it. Devices, their methods, the number
    of workers and memory stay as they are until the gateway is started again.

    A key that is new to the gateway needs a record of its nonces. --begin begins it, and claims that nobody has
    ever encrypted with that key; a gateway that was started with `run --begin` does so at every reload.

    Options:
    \(listing(ReloadOptions.options))
    """

  package static let drain = """
    Usage: hauberk drain [OPTIONS]

    Makes the running gateway take nothing new from its ports, finish what is under way, and end: packets between
    its threads, those that wait for a neighbour's MAC address (3 s at most), and datagrams of which some fragments
    are there (30 s at most). Says what was left. What comes meanwhile is lost, unless somebody else takes it.

    Options:
    \(listing(DrainOptions.options))
    """

  package static let stop = """
    Usage: hauberk stop [OPTIONS]

    Ends the running gateway, as the signal SIGTERM does: packets under way are finished, and what it set up in
    the kernel is taken back. Waits until it has ended.

    Options:
    \(listing(StopOptions.options))
    """

  package static let completions = """
    Usage: hauberk completions SHELL

    Prints what makes a shell complete commands and options: SHELL is bash, zsh or fish.

    Examples:
      hauberk completions bash > /etc/bash_completion.d/hauberk
      hauberk completions zsh > /usr/local/share/zsh/site-functions/_hauberk
      hauberk completions fish > ~/.config/fish/completions/hauberk.fish
    """

  package static let help = """
    Usage: hauberk help [COMMAND] [OPTIONS]

    Prints the overview, or a command's page.

    Options:
    \(listing(Command.helpOptions))

    Examples:
      hauberk help replay
      hauberk help --man > /usr/local/share/man/man8/hauberk.8
    """

  package static let versionPage = """
    Usage: hauberk version

    Prints which version of hauberk this is.
    """
}
