import Testing
import VoucherDomain

@testable import Replication

@Suite("Detail cipher")
struct DetailCipherTests {
    private let master = [UInt8](0..<32)
    private let text = Array("发票已被占用".utf8)

    private func cipher(_ city: CityCode) -> DetailCipher {
        DetailCipher(key: DetailCipher.cityKey(master: master, city: city))
    }

    @Test("the city's key opens what was sealed for it at that position", arguments: [0, 1, 17, 4_096])
    func opens(length: Int) throws {
        let text = [UInt8](repeating: 0xAB, count: length)
        let sealed = try cipher(.shenzhen).seal(text, position: 7)

        #expect(sealed.count == 12 + length + 16)
        #expect(cipher(.shenzhen).open(sealed, position: 7) == text)
    }

    @Test("another city's key, another master or another position opens nothing")
    func othersDoNotOpen() throws {
        let sealed = try cipher(.shenzhen).seal(text, position: 7)
        let stranger = DetailCipher(key: DetailCipher.cityKey(master: [UInt8](1...32), city: .shenzhen))

        #expect(cipher(.beijing).open(sealed, position: 7) == nil)
        #expect(stranger.open(sealed, position: 7) == nil)
        #expect(cipher(.shenzhen).open(sealed, position: 8) == nil)
    }

    @Test("sealing the same text at the same position twice gives the same bytes")
    func deterministic() throws {
        #expect(try cipher(.shenzhen).seal(text, position: 7) == cipher(.shenzhen).seal(text, position: 7))
    }

    @Test("two texts, positions or cities never share a nonce")
    func nonces() throws {
        let sealed = [
            try cipher(.shenzhen).seal(text, position: 7), try cipher(.shenzhen).seal(text, position: 8),
            try cipher(.shenzhen).seal(text + [0], position: 7), try cipher(.beijing).seal(text, position: 7),
        ]

        #expect(Set(sealed.map { Array($0.prefix(12)) }).count == 4)
    }

    @Test("any flipped bit, and any cut, is found")
    func damaged() throws {
        let sealed = try cipher(.shenzhen).seal(text, position: 7)

        for index in 0..<sealed.count * 8 {
            var damaged = sealed
            damaged[index / 8] ^= 1 << (index % 8)
            #expect(cipher(.shenzhen).open(damaged, position: 7) == nil)
        }
        for count in 0..<sealed.count {
            #expect(cipher(.shenzhen).open(Array(sealed.prefix(count)), position: 7) == nil)
        }
        #expect(cipher(.shenzhen).open(sealed + [0], position: 7) == nil)
    }

    @Test("each city has a key of its own, 32 bytes, the same every time")
    func cityKeys() {
        let keys = [CityCode.shenzhen, .beijing, .registry].map { DetailCipher.cityKey(master: master, city: $0) }

        #expect(Set(keys).count == 3)
        #expect(keys.allSatisfy { $0.count == 32 })
        #expect(keys[0] == DetailCipher.cityKey(master: master, city: .shenzhen))
    }

    @Test("a key of another length than AES knows seals nothing and opens nothing", arguments: [0, 5, 33])
    func badKey(count: Int) throws {
        let sealed = try cipher(.shenzhen).seal(text, position: 7)
        let broken = DetailCipher(key: [UInt8](repeating: 1, count: count))

        #expect(throws: (any Error).self) { try broken.seal(text, position: 7) }
        #expect(broken.open(sealed, position: 7) == nil)
    }
}
