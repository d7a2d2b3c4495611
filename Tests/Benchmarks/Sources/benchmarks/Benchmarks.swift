import BenchmarkSubjects

/// Runs one subject so many times, for a program that counts its instructions.
@main
struct Benchmarks {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        if arguments == ["list"] {
            for subject in BenchmarkSubjects.all { print(subject.name, subject.repetitions) }
            return
        }
        guard arguments.count == 2, let name = arguments.first, let count = arguments.last.flatMap({ Int($0) }),
            count >= 0, let subject = BenchmarkSubjects.all.first(where: { $0.name == name })
        else {
            print("usage: benchmarks list | benchmarks SUBJECT COUNT")
            return
        }
        print(subject.run(count))
    }
}
