import ArgumentParser
import Laboratory

@main
struct Main {
    static func main() async { await LabCommand.main() }
}
