import CBaseline
import CKernel
import Dataplane
import Memory
import Rings

/// A burst in and a burst out on one core: the cost of the ring itself, without the travel of its lines.
func ringOnOneCore(burst: Int, iterations: Int) -> Comparison {
  let ring = SPSCRing<baseline_element>(capacity: 1024)
  let elements = UnsafeMutablePointer<baseline_element>.allocate(capacity: 2 * burst)
  elements.initialize(repeating: baseline_element(), count: 2 * burst)
  return Comparison(
    name: "ring, one core, burst \(burst)", unit: "element",
    ours: Runner(units: iterations * burst) {
      var sum: UInt64 = 0
      for iteration in 0..<UInt64(iterations) {
        var slot = 0
        while slot < burst {
          elements[slot] = baseline_element(first: iteration &+ UInt64(slot), second: UInt64(slot))
          slot &+= 1
        }
        _ = ring.enqueue(elements, burst)
        let count = ring.dequeue(elements + burst, burst)
        sum &+= elements[burst].first &+ elements[burst &+ count &- 1].second
      }
      return sum
    },
    other: Runner(units: iterations * burst) { baseline_ring_bench(UInt64(iterations), UInt32(burst)) },
    otherName: "C, same design", isHot: true)
}

/// From one thread to another, each on a core of its own.
func ringAcrossCores(burst: Int, elements count: Int) -> Comparison? {
  let processors = Processors.allowed()
  guard processors.count >= 2 else { return nil }
  let consumer = processors[processors.count - 1]
  let ring = SPSCRing<baseline_element>(capacity: 1024)
  let other = baseline_ring_create(1024)!
  let batch = UnsafeMutablePointer<baseline_element>.allocate(capacity: burst)
  batch.initialize(repeating: baseline_element(first: 1, second: 1), count: burst)
  return Comparison(
    name: "ring, two cores, burst \(burst)", unit: "element",
    ours: Runner(units: count) {
      let sum = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
      sum.initialize(to: 0)
      let thread = try? WorkerThread(name: "consumer", processor: consumer) {
        let target = UnsafeMutablePointer<baseline_element>.allocate(capacity: burst)
        var left = count
        while left > 0 {
          let taken = ring.dequeue(target, min(burst, left))
          if taken == 0 { hauberk_pause() }
          var index = 0
          while index < taken {
            sum.pointee &+= target[index].first &+ target[index].second
            index &+= 1
          }
          left -= taken
        }
        target.deallocate()
      }
      var left = count
      while left > 0 {
        let put = ring.enqueue(batch, min(burst, left))
        if put == 0 { hauberk_pause() }
        left -= put
      }
      thread?.join()
      return sum.pointee
    },
    other: Runner(units: count) {
      let thread = baseline_ring_thread_start(other, Int32(consumer), UInt64(count), UInt32(burst))
      baseline_ring_produce(other, UInt64(count), UInt32(burst))
      return baseline_ring_thread_join(thread)
    },
    otherName: "C, same design")
}

/// A burst of frames taken and given back.
func pool(burst: Int, iterations: Int) throws -> Comparison {
  var sizes = PacketMemorySizes()
  sizes.largeFrames = 0
  let memory = try PacketMemory(sizes, near: nil)
  let pool = FramePool(capacity: sizes.frames, reserve: memory.reserve)
  let frames = UnsafeMutablePointer<UInt32>.allocate(capacity: burst)
  frames.initialize(repeating: 0, count: burst)
  return Comparison(
    name: "pool, burst \(burst)", unit: "frame taken and given",
    ours: Runner(units: iterations * burst) {
      var sum: UInt64 = 0
      for _ in 0..<iterations {
        let taken = pool.take(frames, count: burst)
        sum &+= UInt64(frames[0]) &+ UInt64(frames[taken &- 1])
        pool.give(frames, count: taken)
      }
      return sum
    },
    other: Runner(units: iterations * burst) { baseline_pool_bench(UInt64(iterations), UInt32(burst)) },
    otherName: "C array, whole bursts", isHot: true)
}
