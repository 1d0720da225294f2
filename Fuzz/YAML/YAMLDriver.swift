import Config
import FuzzKit

/// Any bytes as a configuration: a value, or errors that can be shown.
@main
enum YAMLDriver {
  static func main() {
    fuzz { data, size in
      withExactCopy(data, size) { fuzzYAML(UnsafeRawBufferPointer(start: $0, count: size)) }
    }
  }
}
