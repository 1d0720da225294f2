import Contract

extension EarlyFilter {
  /// As workers decide by this table.
  init(_ rules: EarlyRules, _ dispositions: UnsafePointer<Disposition>) {
    self.init(rules) { dispositions[$0].bits == Disposition(.notMine).bits }
  }
}
