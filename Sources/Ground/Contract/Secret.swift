internal import Glibc

/// Octets that nobody is to see: wiped when the last holder lets go, and without a description.
public final class Secret: Sendable, CustomStringConvertible, CustomReflectable {
  nonisolated(unsafe) private let octets: UnsafeMutableRawBufferPointer

  public init(_ octets: [UInt8]) {
    self.octets = .allocate(byteCount: max(1, octets.count), alignment: 16)
    self.octets.copyBytes(from: octets)
    count = octets.count
  }

  deinit {
    // Unlike memset, never left out as a store that nobody reads.
    if let start = octets.baseAddress { explicit_bzero(start, octets.count) }
    octets.deallocate()
  }

  public let count: Int

  public func withOctets<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(octets)[..<count]))
  }

  public func isSame(as other: Secret) -> Bool {
    withOctets { mine in other.withOctets { mine.elementsEqual($0) } }
  }

  public var description: String { "secret" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
