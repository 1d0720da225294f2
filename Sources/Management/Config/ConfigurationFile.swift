import Glibc

/// Why a configuration could not be used: the file could not be read, or what it says is wrong.
package enum ConfigurationFailure: Error, CustomStringConvertible {
  case unreadable(String)
  case wrong(ConfigurationErrors)

  package var description: String {
    switch self {
    case .unreadable(let sentence): sentence
    case .wrong(let errors): errors.description
    }
  }
}

extension Configuration {
  package static func load(_ path: String) throws(ConfigurationFailure) -> Configuration {
    let bytes = try read(path)
    do {
      return try Configuration(YAMLDocument(bytes, file: path))
    } catch {
      throw .wrong(error)
    }
  }

  private static func read(_ path: String) throws(ConfigurationFailure) -> [UInt8] {
    let file = unsafe fopen(path, "re")
    guard let file = unsafe file else { throw unreadable(path) }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while bytes.count <= YAMLLimits.maximumBytes {
      let count = unsafe fread(&buffer, 1, buffer.count, file)
      bytes += buffer[0..<count]
      if count < buffer.count { break }
    }
    guard unsafe ferror(file) == 0 else { throw unreadable(path) }
    return bytes
  }

  private static func unreadable(_ path: String) -> ConfigurationFailure {
    .unreadable("cannot read the configuration \(path): \(unsafe String(cString: strerror(errno)))")
  }
}
