import Glibc
import Nonces

// A process to be killed: it opens the nonces of the tests' key, says `open`, and then for every block that it gets
// `id first count`, until somebody ends it. Arguments: the directory, the octet of the fingerprint.

/// One line, in one piece.
func say(_ line: String, to file: Int32 = 1) {
  let octets = Array((line + "\n").utf8)
  guard unsafe write(file, octets, octets.count) == octets.count else { exit(2) }
}

@main enum Main {
  static func main() {
    guard CommandLine.arguments.count == 3, let octet = UInt8(CommandLine.arguments[2]),
      let key = NonceKey(fingerprint: [UInt8](repeating: octet, count: NonceKey.fingerprintBytes), born: 1000)
    else { exit(64) }
    do {
      let ids = try SenderIDs(width: .eight, units: 4, unit: 1, workers: 2)
      let directory = try NonceStateDirectory(path: CommandLine.arguments[1])
      let nonces = try directory.open(key, .known(used: []), ids: ids)
      let leases = [try nonces.lease(worker: 0), try nonces.lease(worker: 1)]
      say("open")
      while true {
        for lease in leases {
          var block = try lease.nextBlock()
          let count = block.left
          var iv = CounterIV(raw: 0)
          guard block.take(&iv) else { exit(3) }
          say("\(lease.id) \(iv.value) \(count)")
        }
      }
    } catch {
      say("\(error)", to: 2)
      exit(1)
    }
  }
}
