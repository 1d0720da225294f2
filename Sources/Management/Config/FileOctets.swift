internal import Glibc

/// A whole file, which is not to be longer than something of its kind can be.
package enum FileOctets {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
  }

  package static func read(_ path: String, atMost most: Int) throws(Failure) -> [UInt8] {
    let file = unsafe fopen(path, "re")
    guard let file = unsafe file else { throw failure() }
    defer { unsafe fclose(file) }
    var octets: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while octets.count <= most {
      let count = unsafe fread(&buffer, 1, buffer.count, file)
      octets += buffer[0..<count]
      if count < buffer.count { break }
    }
    guard unsafe ferror(file) == 0 else { throw failure() }
    return octets
  }

  private static func failure() -> Failure { Failure(description: unsafe String(cString: strerror(errno))) }
}
