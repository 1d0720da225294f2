/// Why a configuration could not be used: the file could not be read, nobody trusted has signed it, or what it says is
/// wrong.
package enum ConfigurationFailure: Error, CustomStringConvertible {
  case unreadable(String)
  case untrusted(TrustFailure)
  case wrong(ConfigurationErrors)

  package var description: String {
    switch self {
    case .unreadable(let sentence): sentence
    case .untrusted(let failure): failure.description
    case .wrong(let errors): errors.description
    }
  }
}

extension Configuration {
  /// With trust the octets that are read are those whose signature is verified, and nothing of an untrusted file is
  /// looked at.
  package static func load(_ path: String, _ trust: Trust? = nil) throws(ConfigurationFailure) -> Configuration {
    let octets: [UInt8]
    do {
      octets = try FileOctets.read(path, atMost: YAMLLimits.maximumBytes)
    } catch {
      throw .unreadable("cannot read the configuration \(path): \(error)")
    }
    var signer: String?
    do {
      signer = try trust?.signer(of: octets, path)
    } catch {
      throw .untrusted(error)
    }
    do {
      var configuration = try Configuration(YAMLDocument(octets, file: path))
      configuration.signer = signer
      return configuration
    } catch {
      throw .wrong(error)
    }
  }
}
