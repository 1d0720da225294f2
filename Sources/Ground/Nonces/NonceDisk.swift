/// The steps by which state reaches a disk, each of which can fail, and between any two of which the process can end.
public protocol NonceDisk: AnyObject {
  /// The whole file; nil when there is none.
  func read(_ name: String) throws(DiskFailure) -> [UInt8]?
  /// Makes or empties the file and writes all of this into it. After a failure, nothing is left that could be synced.
  func write(_ name: String, _ octets: [UInt8]) throws(DiskFailure)
  /// All that was written since the last time is on the disk when this returns.
  func sync() throws(DiskFailure)
  /// The new name takes the place of an old file of that name in one step.
  func rename(_ old: String, to new: String) throws(DiskFailure)
  /// The names are on the disk when this returns.
  func syncNames() throws(DiskFailure)
  /// Best effort: a left-over is overwritten anyway.
  func remove(_ name: String)
}

public struct DiskFailure: Error, Equatable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}
