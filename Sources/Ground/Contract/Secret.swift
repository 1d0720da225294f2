internal import Glibc

/// Octets that nobody is to see: wiped when the last holder lets go, and without a description.
public struct Secret: Sendable, CustomStringConvertible, CustomReflectable {
  nonisolated(unsafe) private let octets: SecretOctets

  public init(_ octets: [UInt8]) {
    self.octets = octets.withUnsafeBytes { SecretOctets.copy(of: $0) }
  }

  private init(_ octets: SecretOctets) { self.octets = octets }

  public var count: Int { octets.header }

  /// The same in memory of its own.
  public var copied: Secret { withOctets { Secret(SecretOctets.copy(of: $0)) } }

  public func withOctets<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try octets.withUnsafeMutablePointers { count, start in
      try body(UnsafeRawBufferPointer(start: start, count: count.pointee))
    }
  }

  public func isSame(as other: Secret) -> Bool {
    withOctets { mine in other.withOctets { mine.elementsEqual($0) } }
  }

  public var description: String { "secret" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// In one piece of memory: there may be two for each of very many tunnels.
private final class SecretOctets: ManagedBuffer<Int, UInt8> {
  static func copy(of octets: UnsafeRawBufferPointer) -> SecretOctets {
    let made = SecretOctets.create(minimumCapacity: octets.count) { _ in octets.count }
    made.withUnsafeMutablePointerToElements { start in
      UnsafeMutableRawBufferPointer(start: start, count: octets.count).copyMemory(from: octets)
    }
    return unsafeDowncast(made, to: SecretOctets.self)
  }

  deinit {
    // Unlike memset, never left out as a store that nobody reads.
    withUnsafeMutablePointers { count, start in explicit_bzero(start, count.pointee) }
  }
}
