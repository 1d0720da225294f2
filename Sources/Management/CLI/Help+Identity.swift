/// The help page of `hauberk identity`.
extension Help {
  package static let identity = """
    Usage: hauberk identity ACTION [OPTIONS]

    The units of a cluster know each other by certificates. Each unit has a key of its own and a certificate that
    says its cluster, its number (0 to 63) and its addresses; all of them trust one authority, which has signed
    them. The authority's key belongs on a machine that is no unit, and in no backup that others read.

      authority    make an authority: authority.pem (units need it), authority.key (nobody else needs it) and
                   revoked.pem (units need it) in the folder --out
      unit         make a unit's certificate and key. With --public-key the key stays where it was made, and only
                   its public half is needed here
      revoke       take back a unit's certificates, all (--number) or one (--serial): they are added to revoked.pem,
                   which then has to be taken to every unit; `hauberk reload` there first whose it is: it gives
                   its work away, and loses nothing
      show FILE    what a file says: certificates, or a list of revoked ones. With --authority, whether it holds
                   now; if not, the command ends with code 10

    A certificate counts from an hour before it was made, because clocks differ, and no longer than the authority's.
    A unit that gets a new one may use it at once; the old one is not taken any more where the new one was seen.
    Keys are Ed25519, files are PEM: `openssl x509 -text -in FILE` and `openssl verify` read them.

    Options:
    \(listing(IdentityOptions.options))

    Examples:
      hauberk identity authority --cluster north --out authority
      hauberk identity unit --authority authority --number 3 --address 192.0.2.13 --out unit-3.pem
      hauberk identity show unit-3.pem --authority authority
      hauberk identity revoke --authority authority --number 3

    Exit codes:
    \(exitCodes)
    """
}
