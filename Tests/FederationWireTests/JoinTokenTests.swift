import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Join token")
struct JoinTokenTests {
    private func token(anchor: [UInt8] = [UInt8](0..<250), name: String = "深圳市") -> JoinToken {
        JoinToken(
            url: "https://registry.example:8443", city: .shenzhen, cityName: name,
            secret: [UInt8](repeating: 0xFE, count: 32),
            expiresAt: 1_790_000_000_000, registryKeyDigest: SigningKey.registry.publicKey.fingerprint,
            trustAnchor: anchor)
    }

    @Test("a token is one line of safe characters and comes back from it", arguments: 0..<6)
    func roundTrip(length: Int) throws {
        let token = token(anchor: [UInt8](repeating: 0xFB, count: length))

        #expect(token.text.hasPrefix("vf1."))
        #expect(
            token.text.utf8.allSatisfy {
                $0.isASCIIDigit || $0.isASCIIUppercase || (0x61...0x7A).contains($0) || [0x2D, 0x2E, 0x5F].contains($0)
            })
        #expect(try JoinToken(text: token.text) == token)
    }

    @Test("white space around a pasted token does not matter")
    func pasted() throws {
        #expect(try JoinToken(text: "  \(token().text)\r\n\n") == token())
    }

    @Test("a text that is no token says how one begins", arguments: ["", "vf2.AAAA", "AAAA", "VF1.AAAA", "token"])
    func noToken(text: String) {
        #expect(throws: WireFault("a join token begins with vf1.: copy it whole")) { try JoinToken(text: text) }
    }

    @Test("a token cut anywhere is refused as cut or damaged")
    func cut() {
        let text = token().text

        for count in 4..<text.count {
            #expect(throws: WireFault.self, "\(count) of \(text.count) characters") {
                try JoinToken(text: String(text.prefix(count)))
            }
        }
    }

    @Test("a token wrapped onto two lines, or with a strange character, is refused")
    func wrapped() {
        let text = token().text

        for separator in [" ", "\n", "*", "é", "="] {
            #expect(throws: WireFault("the join token is cut or damaged: copy it whole, or ask for a new one")) {
                try JoinToken(text: text.prefix(40) + separator + text.dropFirst(40))
            }
        }
    }

    @Test("a token with one character changed is refused or is another token", arguments: ["A", "7", "-", "_"])
    func changed(character: Character) {
        let text = Array(token().text)
        for index in 4..<text.count where text[index] != character {
            var other = text
            other[index] = character
            #expect((try? JoinToken(text: String(other))) != token() || index == text.count - 1)
        }
    }

    @Test("a token without its secret, its address, its city or its key digest is refused")
    func incomplete() {
        let whole = token()
        let short = JoinToken(
            url: whole.url, city: whole.city, cityName: "", secret: [1], expiresAt: 1,
            registryKeyDigest: whole.registryKeyDigest, trustAnchor: [])
        let nowhere = JoinToken(
            url: "", city: whole.city, cityName: "", secret: whole.secret, expiresAt: 1,
            registryKeyDigest: whole.registryKeyDigest, trustAnchor: [])

        for token in [short, nowhere] {
            #expect(throws: WireFault("the join token is cut or damaged: copy it whole, or ask for a new one")) {
                try JoinToken(text: token.text)
            }
        }
        for text in ["vf1.", "vf1.AA", "vf1.____", "vf1.AAAAA"] {
            #expect(throws: WireFault("the join token is cut or damaged: copy it whole, or ask for a new one")) {
                try JoinToken(text: text)
            }
        }
    }
}
