/// A city of a labelled set.
struct CityProfile {
    let code: String
    let name: String
    let englishName: String
    /// What the city pays of an invoice, in percent.
    let subsidyPercent: Int

    /// The first cities of the sample, and made-up ones beyond its 17.
    static func first(_ count: Int) -> [CityProfile] {
        Array((sample + (0..<max(0, count - sample.count)).map(further)).prefix(count))
    }

    /// The most cities that have a code of their own.
    static let most = 300

    /// How often each city is drawn as the one where something happens: the first is the largest, as in life, and large
    /// enough that a set of 20,000 claims has peers for price outliers there.
    static func weights(_ count: Int) -> [Int] { (0..<count).map { 1_000_000 / ($0 + 3) } }

    /// Codes of the form of GB/T 2260 that no prefecture has: its third and fourth digits are above 50.
    private static func further(_ index: Int) -> CityProfile {
        let provinces = [13, 14, 21, 22, 23, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 51, 52, 53, 61]
        let code = provinces[index % provinces.count] * 10_000 + (70 + index / provinces.count) * 100
        return CityProfile(
            code: String(code), name: "示例\(index + 1)市", englishName: "Example \(index + 1)",
            subsidyPercent: [20, 30, 50][index % 3])
    }

    private static let sample = [
        CityProfile(code: "110000", name: "北京市", englishName: "Beijing", subsidyPercent: 20),
        CityProfile(code: "310000", name: "上海市", englishName: "Shanghai", subsidyPercent: 30),
        CityProfile(code: "440300", name: "深圳市", englishName: "Shenzhen", subsidyPercent: 50),
        CityProfile(code: "330100", name: "杭州市", englishName: "Hangzhou", subsidyPercent: 30),
        CityProfile(code: "510100", name: "成都市", englishName: "Chengdu", subsidyPercent: 30),
        CityProfile(code: "420100", name: "武汉市", englishName: "Wuhan", subsidyPercent: 30),
        CityProfile(code: "320500", name: "苏州市", englishName: "Suzhou", subsidyPercent: 30),
        CityProfile(code: "321000", name: "扬州市", englishName: "Yangzhou", subsidyPercent: 30),
        CityProfile(code: "410100", name: "郑州市", englishName: "Zhengzhou", subsidyPercent: 20),
        CityProfile(code: "370100", name: "济南市", englishName: "Jinan", subsidyPercent: 30),
        CityProfile(code: "340100", name: "合肥市", englishName: "Hefei", subsidyPercent: 30),
        CityProfile(code: "340200", name: "芜湖市", englishName: "Wuhu", subsidyPercent: 30),
        CityProfile(code: "520100", name: "贵阳市", englishName: "Guiyang", subsidyPercent: 30),
        CityProfile(code: "530100", name: "昆明市", englishName: "Kunming", subsidyPercent: 30),
        CityProfile(code: "131000", name: "廊坊市", englishName: "Langfang", subsidyPercent: 50),
        CityProfile(code: "330200", name: "宁波市", englishName: "Ningbo", subsidyPercent: 30),
        CityProfile(code: "120000", name: "天津市", englishName: "Tianjin", subsidyPercent: 30),
    ]
}
