import Cluster
import Contract
import Dataplane

/// IPsec, as the cluster's application (X21): what SAs know moves with their work sets.
struct MovingStates: Application {
  let gateway: LiveGateway

  mutating func opinion(on unit: MemberNumber, certificate: [UInt8]) -> Opinion { .welcome }
  mutating func joined(_ unit: MemberNumber) {}
  mutating func left(_ unit: MemberNumber) {}

  mutating func state(of set: Int) -> [UInt8]? { gateway.stateOfSet(set) }

  mutating func begin(_ sets: WorkSetBitmap, _ how: Beginning) {
    var list: [Int] = []
    sets.forEach { list.append($0) }
    gateway.beginSets(list, how)
  }

  mutating func take(_ state: [UInt8], of set: Int) {
    // What makes no sense says nothing of the SAs: they are as if their owner had died.
    if !gateway.take(state, ofSet: set) { gateway.beginSets(CollectionOfOne(set), .bereft) }
  }
}
