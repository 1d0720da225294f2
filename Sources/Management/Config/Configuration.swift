package import Contract
import Wire

/// What a configuration file says.
package struct Configuration: Sendable {
  package var classify = ClassifyDescription()
  /// How many frames, and of how many bytes; nil leaves the default.
  package var frames: Int?
  package var frameBytes: Int?
  /// Which of the units that share keys this is.
  package var unitNumber: Int?
  /// Where the record of used nonces is.
  package var stateDirectory: String?
  /// What computes ciphers; nil chooses.
  package var engine: String?

  package init(_ document: YAMLDocument) throws(ConfigurationErrors) {
    let sections = try document.read { reader in
      let memory = reader.optional("memory", .section(MemorySection.read))
      var classify = ClassifyDescription()
      let unit = reader.optional("unit", .section(UnitSection.read))
      let cluster = reader.optional("cluster", .section(ClusterSection.read))
      if let cluster {
        classify.clusterAddresses = cluster.addresses
        classify.hash = cluster.hash
        classify.key = cluster.key
        if unit == nil, cluster.unicastMAC != nil || cluster.multicastMAC != nil {
          reader.reject("cluster", "MAC addresses are given, but no 'unit' whose own address completes them")
        }
      }
      classify.accept = unit.map { unit in
        AcceptDescription(
          unitMAC: unit.mac, clusterUnicastMAC: cluster?.unicastMAC, clusterMulticastMAC: cluster?.multicastMAC,
          groups: unit.groups)
      }
      classify.tunnels = reader.field("tunnels", .list(of: .section(TunnelSection.read)), default: [])
      classify.groups = reader.field("groups", .list(of: .section(GroupSection.read)), default: [])
      refuseRepeatedSPIs(classify, reader)
      if classify.clusterAddresses.isEmpty, !classify.tunnels.isEmpty || !classify.groups.isEmpty {
        reader.reject(
          classify.tunnels.isEmpty ? "groups" : "tunnels",
          "security associations end at a cluster address, expected 'cluster.addresses' as well")
      }
      return (classify: classify, memory: memory)
    }
    classify = sections.classify
    frames = sections.memory?.frames
    frameBytes = sections.memory?.frameBytes
  }
}

/// Two SAs with one SPI cannot be told apart on the wire.
private func refuseRepeatedSPIs(_ classify: ClassifyDescription, _ reader: borrowing FieldReader) {
  var seen = Set<UInt32>()
  for spi in classify.tunnels.map(\.inboundSPI) where !seen.insert(spi).inserted {
    reader.reject("tunnels", "found inbound SPI 0x\(String(spi, radix: 16)) twice, expected each once")
  }
  for spi in classify.groups.map(\.spi) where !seen.insert(spi).inserted {
    reader.reject("groups", "found SPI 0x\(String(spi, radix: 16)) twice, expected each once")
  }
}
