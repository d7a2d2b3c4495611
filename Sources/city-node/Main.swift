import ArgumentParser
import CityNode

@main
struct Main {
    static func main() async { await CityNodeCommand.main() }
}
