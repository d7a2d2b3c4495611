#if SeededBugs
    import Foundation
#endif

/// Which defect a process has: none, but in a build with the trait `SeededBugs`, and there at most one.
extension SeededBug {
    /// The environment variable that names the defect of a process, by its raw value.
    package static let variable = "SEEDED_BUG"

    #if SeededBugs
        /// Whether this build has the defects in it.
        package static let areCompiledIn = true

        /// Read once, at the first question.
        private static let active = ProcessInfo.processInfo.environment[variable].flatMap(SeededBug.init(rawValue:))

        /// Whether the counter-measure is away.
        public var isActive: Bool { SeededBug.active == self }
    #else
        /// Whether this build has the defects in it.
        package static let areCompiledIn = false

        /// Whether the counter-measure is away: never in this build.
        ///
        /// Public, for what is `package` is not inlined into other modules: the question leaves nothing behind.
        @inlinable public var isActive: Bool { false }
    #endif
}
