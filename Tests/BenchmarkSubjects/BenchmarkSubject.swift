/// A small piece of the product's work that is counted in instructions.
///
/// Public, and the only such target: `Tests/Benchmarks` is a package of its own, which sees nothing else of this one.
public struct BenchmarkSubject: Sendable {
    public let name: String
    /// How often it is done for one count: enough for some millions of instructions.
    public let repetitions: Int
    private let body: @Sendable (_ count: Int) -> Int

    /// - Parameter prepare: Makes what the work is done on and returns the work; what it takes does not count. The work
    ///   returns something that depends on all of it, so that no compiler leaves it out.
    init(_ name: String, repetitions: Int, _ prepare: @escaping @Sendable () -> () -> Int) {
        self.name = name
        self.repetitions = repetitions
        body = { count in
            let work = prepare()
            var sum = 0
            for _ in 0..<count { sum &+= work() }
            return sum
        }
    }

    /// Prepares, and does the work that many times: 0 prepares only.
    ///
    /// - Returns: The sum of what the work gave, the same each time.
    public func run(_ count: Int) -> Int { body(count) }
}
