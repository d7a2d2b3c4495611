import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Where a page of cases ends")
struct CasePlaceTests {
    @Test("a cursor is read back as it was written")
    func roundTrip() {
        for claimed in [nil, Money.zero, Money(rawValue: 123_456)] {
            let place = RegistryStore.CasePlace(position: 990, claimed: claimed)
            #expect(RegistryStore.CasePlace(place.description) == place)
        }
        #expect(RegistryStore.CasePlace(position: 990, claimed: Money(rawValue: 5)).description == "5:990")
        #expect(RegistryStore.CasePlace(position: 990).description == "990")
    }

    @Test("a place is one in its own order alone")
    func order() {
        var filter = RegistryStore.CaseFilter()
        #expect(filter.place("990") == .init(position: 990))
        #expect(filter.place("5:990") == nil)
        filter.isByMoney = true
        #expect(filter.place("5:990") == .init(position: 990, claimed: Money(rawValue: 5)))
        #expect(filter.place("990") == nil)
    }

    @Test(
        "nothing else is read",
        arguments: ["", ":", "5:", ":5", "1:2:3", "+5", "-5", "5:-1", " 5", "٥", "99999999999999999999"])
    func noCursor(text: String) { #expect(RegistryStore.CasePlace(text) == nil) }
}
