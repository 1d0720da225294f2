/// For keys that are drawn in this process and never leave it: their state may end with it.
public final class MemoryDisk: NonceDisk {
  private var files: [String: [UInt8]] = [:]
  private var isWritten = false

  public init() {}

  public func read(_ name: String) throws(DiskFailure) -> [UInt8]? { files[name] }
  public func write(_ name: String, _ octets: [UInt8]) throws(DiskFailure) {
    files[name] = octets
    isWritten = true
  }
  public func sync() throws(DiskFailure) {
    guard isWritten else { throw DiskFailure("nothing was written that could be synced") }
    isWritten = false
  }
  public func rename(_ old: String, to new: String) throws(DiskFailure) {
    files[new] = files[old]
    files[old] = nil
  }
  public func syncNames() throws(DiskFailure) {}
  public func remove(_ name: String) { files[name] = nil }
}
