import Terminal

/// The system's own programs, for what a drill does to its machine.
enum SystemTool {
    /// Runs a program, which is looked for in PATH, to its end.
    ///
    /// - Returns: Whether it was there and succeeded.
    static func run(_ command: [String]) -> Bool {
        (try? ChildProgram.run(["/usr/bin/env"] + command, output: "/dev/null")) == 0
    }
}
