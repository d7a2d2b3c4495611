import Testing

@testable import VoucherDomain

@Suite("City code")
struct CityCodeTests {
    @Test("six digits are read and written back", arguments: ["000000", "000001", "110000", "330100", "999999"])
    func sixDigits(text: String) {
        #expect(CityCode(text)?.description == text)
    }

    @Test(
        "anything but six digits is refused",
        arguments: ["", "11000", "1100000", "11000a", "+11000", "１１００００", " 11000"])
    func refused(text: String) {
        #expect(CityCode(text) == nil)
    }

    @Test("a number of more than six digits is refused, zero is the registry")
    func numbers() {
        #expect(CityCode(rawValue: 1_000_000) == nil)
        #expect(CityCode(rawValue: 0) == .registry)
    }
}
