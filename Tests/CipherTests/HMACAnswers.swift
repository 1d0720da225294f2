@testable import Contract
import Dataplane

private struct HMACCase {
  let key, text: [UInt8]
  let digests: [(Integrity, String)]
}

private let cases: [HMACCase] = [
  HMACCase(
    key: [UInt8](repeating: 0x0b, count: 20), text: Array("Hi There".utf8),
    digests: [
      (.hmacSHA1, "b617318655057264e28bc0b6fb378c8ef146be00"),
      (.hmacSHA256, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
      (.hmacSHA384, "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"),
      (
        .hmacSHA512,
        """
        87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde
        daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
        """
      ),
    ]),
  HMACCase(
    key: Array("Jefe".utf8), text: Array("what do ya want for nothing?".utf8),
    digests: [
      (.hmacSHA1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
      (.hmacSHA256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
      (.hmacSHA384, "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"),
      (
        .hmacSHA512,
        """
        164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554
        9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737
        """
      ),
    ]),
  HMACCase(
    key: [UInt8](repeating: 0xaa, count: 20), text: [UInt8](repeating: 0xdd, count: 50),
    digests: [
      (.hmacSHA1, "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
      (.hmacSHA256, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
      (.hmacSHA384, "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27"),
      (
        .hmacSHA512,
        """
        fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39
        bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb
        """
      ),
    ]),
]

/// RFC 2202, 3 (SHA-1) and RFC 4231, 4: the cases whose key is no longer than IPsec's.
let hmacAnswers: [KnownAnswer] = cases.enumerated().flatMap { number, one in
  one.digests.map { integrity, digest in
    KnownAnswer("\(integrity.name), case \(number + 1)", integrity, key: one.key, text: one.text, digest: digest)
  }
}
