import Config
import FuzzKit

/// Any bytes as a configuration: a value, or errors that can be shown.
@main
enum YAMLDriver {
  static func main() {
    fuzz { data, size in
      withExactCopy(data, size) { start in
        let bytes = UnsafeRawBufferPointer(start: start, count: size)
        fuzzYAML(bytes)
        fuzzConfiguration(bytes)
      }
    }
  }
}
