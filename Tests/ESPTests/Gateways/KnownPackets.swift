import Contract
import PacketMaking

/// What these sources give is an ESP packet without its IP header: here it goes from one end of documentation's
/// networks to the other.
private func known(
  _ source: String, _ suite: CipherSuite, _ mode: ESPDescription.Mode, key: String, salt: String,
  sequence: UInt64?, clear: String, esp: String
) -> KnownPacket {
  let (from, to) = ("203.0.113.1", "203.0.113.2")
  return KnownPacket(
    source: source, suite: suite, material: hex(key) + hex(salt), mode: mode, extendedSequence: sequence,
    clear: mode == .tunnel ? hex(clear) : ipv4(.icmp, from: from, to: to, hex(clear)),
    sealed: ipv4(.esp, from: from, to: to, hex(esp)))
}

/// draft-mcgrew-gcm-test-01, section 4, in its order; numbers are 64 bits wide where `sequence` says one. All of its
/// trailers say next header 1, although most have an IPv4 packet in front: that is transport mode.
private func draft(
  _ name: String, _ cipher: Cipher = .aesGCM, key: String, salt: String, sequence: UInt64? = nil, clear: String,
  esp: String
) -> KnownPacket {
  known(
    "draft-mcgrew-gcm-test-01, \(name)", try! CipherSuite(cipher, keyBits: key.utf8.count * 4), .transport,
    key: key, salt: salt, sequence: sequence, clear: clear, esp: esp)
}

private let feff = "feffe9928665731c6d6a8f9467308308"
private let abbc = "abbccddef00112233445566778899aab"
private let threeD = "3de09874b388e6491988d0c3607eae1f"

/// Case 4 has SPI 0, which no SA has (RFC 4303 section 2.1): it is among the answers of ciphers.
private let draftPackets = [
  draft(
    "1", key: "4c80cdefbb5d10da906ac73c3613a634", salt: "2e443b68", sequence: 0x8765_4321_0000_0000,
    clear: """
      45000048699a000080114db7c0a80102c0a801010a9bf15638d3010000010000
      00000000045f736970045f756470037369700963796265726369747902646b00
      00210001
      """,
    esp: """
      00004321000000004956ed7e3b244cfefecf537e729d5b07dc30df528dd22b76
      8d1b98736696a6fd348509fa13ceac34cfa2436f14a3f3cf65925bf1f4a13c5d
      15b21e1884f5ff6247aeabb786b93bce61bc17d768fd9732459018148f6cbe72
      2fd04796562dfdb4
      """),
  draft(
    "2", key: feff, salt: "cafebabe",
    clear: """
      4500003e698f000080114dccc0a80102c0a801010a980035002a2343b2d00100
      0001000000000000037369700963796265726369747902646b0000010001
      """,
    esp: """
      0000a5f80000000afacedbaddecaf888deb22cd9b07c72c16e3a65beeb8df304
      a5a5897d33ae530f1ba76d5d114d2a5c3de81827c10e9a4f51330d0eec416642
      cfbb85a5b47e48a4ec3b9ba95d918bd183b70d3aa8bc6ee4c309e9d85a41ad4a
      """),
  draft(
    "3", key: abbc + abbc, salt: "11223344",
    clear: """
      4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee000000000
      7002400020bf0000020405b401010402
      """,
    esp: """
      4a2cbfe3000000020102030405060708ff425c9b724599df7a3bcd510194e00d
      6a78107f1b0b1cbf06efae9d65a5d763748a637985771d347f0545659f14e99d
      ef842d8eb335f4eecfdbf831824b4c4915956c96
      """),
  draft(
    "5", key: threeD, salt: "57690e43", sequence: 0x1010_1010_1010_1010,
    clear: """
      4500003c99c300008001cb7c40679318010101010800085c0200430061626364
      65666768696a6b6c6d6e6f7071727374757677616263646566676869
      """,
    esp: """
      42f67e3f101010104e280000a2fca1a3fba2caa4853cf9f0f22cb10d86dd83b0
      fec75691cf1a04b00d1138ec9c35791765acbd8701ad79845bf9fe3fba487bc9
      1755e6662b4c8d0d1f5e22739530320ae0d731cc978ecafaeae88f00e80d6e48
      """),
  draft(
    "6", key: threeD, salt: "57690e43", sequence: 0x1010_1010_1010_1010,
    clear: "4500001c42a200008001441f406793b6e00000020a00f5ff",
    esp: """
      42f67e3f101010104e280000a2fca1a3fba2ca845e5df9f0f22c3e6e86dd831e
      1fc65792cd1af9130e1379ed369f071f35e034be95f112e4e7d05d35
      """),
  draft(
    "7", key: feff + "feffe9928665731c", salt: "cafebabe",
    clear: "45000028a4ad4000400678800a01038f0a010612802306b8cb712602dd6bb03e501016d07568",
    esp: """
      0000a5f80000000afacedbaddecaf888a5b1f8066029aea40e598b8122de0242
      0938b3ab33f828e687b8858b5bfbdbd0315b27452144cc7795457b9652037f53
      18027b5b4cd7a636
      """),
  draft(
    "8", key: abbc, salt: "decaf888", sequence: 1,
    clear: """
      4500004933ba00007f119106c3fb1d10c2b1d326c02831ce0035dd7b800302d5
      00004e20001e8c18d75b81dc91baa0476b91b924b280389d92c963bac046ec95
      9b6266c04722b14923
      """,
    esp: """
      0000010000000001cafedebaceface7418a6fd42f72cbf4ab2a2ea901f73d814
      e3e7f243d95412e1c349c1d2fbec168f9190feebaf2cb01984e65863965d7472
      b79da345e0e780191f0d2f0e0f496c226f2127b27db35724e7845d68651f57e6
      5f354f75ff17015769623436
      """),
  draft(
    "9", key: abbc + abbc, salt: "73616c74", sequence: 0x156f_3126_dd0d_b99b,
    clear: "45080028732c00004006e9f90a0106120a01038f06b88023dd6bafbecb71260250101f646d54",
    esp: """
      17405e67dd0db99b616e640169766563f2d69ecdbd5a0d5b8d5ef38bad4da58d
      1f278fde98ef67549d524a3018d9a57ff4d3a31ce673119e451626c2415771e3
      b7eebca614c89b35
      """),
  draft(
    "10", key: threeD, salt: "57690e43", sequence: 0x1010_1010_1010_1010,
    clear: """
      45000049333e00007f119182c3fb1d10c2b1d326c02831ce0035cb458003025b
      000001e0001e8c18d65759d52284a0352c71475c8880391c764d6e5ee0496b32
      5ae270c03899493915
      """,
    esp: """
      42f67e3f101010104e280000a2fca1a3fba2cad12fc1f9f00d3cebf305410db8
      3d7784b607323d220f24b0a97d54182800cadb0f68d99ef0e0c0c89ae9bea888
      4e52d65bc1afd0740f742444747b5b39ab533163aad4550ee5160975cdb608c5
      769189609763b8e18caa81e2
      """),
  draft(
    "11", key: abbc + abbc, salt: "73616c74", sequence: 0x156f_3126_dd0d_b99b,
    clear: """
      636973636f0172756c65730174686501 6e6574776501646566696e6501746865
      746563686e6f6c6f67696573017468617477696c6c01646566696e65746f6d6f
      72726f77
      """,
    esp: """
      17405e67dd0db99b616e640169766563d4b7ed86a1777f2ea13d6973d324c69e
      7b43f826fb56831226508bebd2dceb18d0a6df10e5487df074113e14c641024e
      3e6773d91a62ee429b043a10e3efe6b012a49363412364f8c0cac587f249e56b
      11e24f30e44ccc76
      """),
  // The last number there is with 32 bits, and nothing inside but the trailer.
  draft(
    "12", key: "7d773d00c144c525ac619d18c84a3f47", salt: "d9664267", clear: "",
    esp: "335467aeffffffff43457e9182443bc6437f866bcb3f699fe9b0822bac961c4504bef270"),
  draft(
    "13", key: abbc, salt: "decaf888", sequence: 1, clear: "746f016265016f72016e6f7401746f016265",
    esp: "0000010000000001cafedebaceface7429c9fc69a197d038ccdd14e2ddfcaa0543332164412503524303ed3c6c5f283843af8c3e"),
  // The last number there is with 64 bits.
  draft(
    "14", key: "6c6567616c697a656d6172696a75616e61616e64646f69746265666f72656961", salt: "7475726e",
    sequence: .max,
    clear: """
      45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364
      65666768696a6b6c6d6e6f7071727374
      """,
    esp: """
      796b6963ffffffff333021696765746df97ab2aa356d8edce17644ac8c78e25d
      d24dedbb29ebf1b64a274b39b49c3a864cd3d78ca4ae68a32b42458fb57dbe82
      1dcc63b9d0937ba2945f669368661a329fb4c053
      """),
  // Its first of AES-GMAC (RFC 4543): nothing is hidden.
  draft(
    "GMAC", .aesGMAC, key: "4c80cdefbb5d10da906ac73c3613a634", salt: "22433c64",
    clear: """
      45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364
      65666768696a6b6c6d6e6f7071727374
      """,
    esp: """
      00004321000000070000000000000000
      45000030da3a00008001df3bc0a80005c0a800010800c6cd0200070061626364
      65666768696a6b6c6d6e6f707172737401020201f2a9a836e155106aa8dcd618e4099aaa
      """),
]

/// Sources with whole ESP packets.
let knownPackets: [KnownPacket] =
  draftPackets + [
    known(
      "RFC 7634, appendix A", try! CipherSuite(.chacha20Poly1305, keyBits: 256), .tunnel,
      key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", salt: "a0a1a2a3", sequence: nil,
      clear: """
        45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10
        0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223
        2425262728292a2b2c2d2e2f3031323334353637
        """,
      esp: """
        0102030400000005101112131415161724039428b97f417e3c13753a4f05087b
        67c352e6a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f7
        2aa71e7c4c4f64c9befe2facc638e8f3cbec163fac469b502773f6fb94e664da
        9165b82829f641e076aaa8266b7fb0f7b11b369907e1ad43
        """)
  ]
