import ArgumentParser
import NationalRegistry

@main
struct Main {
    static func main() async { await RegistryCommand.main() }
}
