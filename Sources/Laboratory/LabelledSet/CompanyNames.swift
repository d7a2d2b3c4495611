import Replication

/// Names of companies that do not exist.
enum CompanyNames {
    /// No character of these occurs in a line of business.
    private static let characters = Array("银达深博辰舟元睿河图瑞恒方安海远启星明泰华景思光子年灵蓝创源天新")
    private static let businesses = ["智能科技", "数据服务", "信息技术", "软件工程", "机器人", "语音识别"]
    private static let surnames = Array("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗")
    private static let given = Array("伟芳娜敏静强磊军洋勇艳杰涛超霞平刚桂英华")

    /// Three characters, all different.
    private static func brand(_ random: inout SeededGenerator) -> String {
        var drawn: [Character] = []
        while drawn.count < 3 {
            let character = random.choose(characters)
            if !drawn.contains(character) { drawn.append(character) }
        }
        return String(drawn)
    }

    static func buyer(_ random: inout SeededGenerator) -> String {
        brand(&random) + random.choose(businesses) + "有限公司"
    }

    static func provider(_ random: inout SeededGenerator) -> String { brand(&random) + "算力中心有限公司" }

    /// A person's name, made unlike any other by the number.
    static func person(_ number: Int, _ random: inout SeededGenerator) -> String {
        "\(random.choose(surnames))\(random.choose(given))\(random.choose(given))\(number)"
    }

    /// A buyer's name that has at most one character of business in common with `name`.
    static func other(than name: String, _ random: inout SeededGenerator) -> String {
        while true {
            let other = buyer(&random)
            let core = other.dropLast("有限公司".count)
            if core.count(where: { name.dropLast("有限公司".count).contains($0) }) <= 1 { return other }
        }
    }

    /// The same company in another spelling: another legal form, brackets, spaces.
    static func respelled(_ name: String, _ random: inout SeededGenerator) -> String {
        let core = String(name.dropLast("有限公司".count))
        switch random.below(5) {
        case 0: return core + "有限责任公司"
        case 1: return core + "股份有限公司"
        case 2: return "\(core.prefix(3))（\(core.dropFirst(3))）有限公司"
        case 3: return "\(core.prefix(3))(中国)\(core.dropFirst(3))有限公司"
        default: return "\(core.prefix(3)) \(core.dropFirst(3)) 公司"
        }
    }
}
