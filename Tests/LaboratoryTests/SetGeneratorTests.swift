import Testing
import VoucherDomain

@testable import Laboratory

@Suite("Generated sets")
struct SetGeneratorTests {
    private static let seeds: [UInt64] = [1, 2, 3]

    // MARK: Bytes and files

    @Test("one seed and size give the same bytes in every file")
    func sameSeed() throws {
        let set = try GeneratedSet(seed: 7, claims: 1_000)
        let again = try GeneratedSet(seed: 7, claims: 1_000)

        #expect(try set.files() == again.files())
    }

    @Test("another seed gives other bytes in every file but the list of cities")
    func otherSeed() throws {
        let files = try GeneratedSet(seed: 7, claims: 1_000).files()
        let others = try GeneratedSet(seed: 8, claims: 1_000).files()

        #expect(files.keys.sorted() == others.keys.sorted())
        #expect(files.keys.filter { files[$0] == others[$0] } == ["cities.csv"])
    }

    @Test("a set is four files, and two in the folder of each city", arguments: [SetGenerator.leastCities, 17, 20])
    func fileList(cities: Int) throws {
        let set = try GeneratedSet(claims: 100, cities: cities)

        #expect(Set(set.codes).count == cities)
        let expected =
            ["cities.csv", "companies.csv", "providers.csv", "truth.csv"]
            + set.codes.flatMap { ["\($0)/claims.csv", "\($0)/vouchers.csv"] }
        #expect(try set.files().keys.sorted() == expected.sorted())
    }

    @Test("each file has the columns of the form that reads it")
    func columns() throws {
        let set = try GeneratedSet(claims: 10)

        #expect(try set.header("companies.csv") == CompanyForm.columns)
        #expect(try set.header("providers.csv") == ProviderForm.columns)
        for code in set.codes {
            #expect(try set.header("\(code)/vouchers.csv") == VoucherForm.columns)
            #expect(try set.header("\(code)/claims.csv") == ClaimForm.columns)
        }
    }

    @Test("as many cities as a set can have are as many different codes")
    func cityCodes() {
        let codes = CityProfile.first(SetGenerator.mostCities).compactMap { CityCode($0.code) }

        #expect(Set(codes).count == SetGenerator.mostCities)
    }

    // MARK: Counts

    @Test("a set has as many claims as were asked for", arguments: [1, 2, 3, 50, 1_999])
    func claimCount(claims: Int) throws {
        let set = try GeneratedSet(claims: claims)

        #expect(set.summary.claims == claims)
        #expect(set.sample.labels.count == claims)
        #expect(try set.codes.reduce(0) { $0 + (try set.rows("\($1)/claims.csv").count) } == claims)
    }

    @Test("the summary counts what the labels say")
    func summary() throws {
        let set = try GeneratedSet.shared(claims: 1_500)

        let labels = Dictionary(grouping: set.sample.labels, by: \.pattern)
        for count in set.summary.counts {
            let own = labels[count.pattern.rawValue] ?? []
            #expect(own.count == count.claims, "\(count.pattern)")
            #expect(Set(own.map(\.group)).count == count.groups, "\(count.pattern)")
        }
    }

    @Test("every pattern occurs, but price outliers only where a set is large enough for their peers", arguments: seeds)
    func everyPattern(seed: UInt64) throws {
        let set = try GeneratedSet.shared(seed: seed, claims: 1_500)

        let missing = Set(Pattern.allCases.map(\.rawValue)).subtracting(set.sample.labels.map(\.pattern))
        #expect(missing == [Pattern.priceOutlier.rawValue])
    }

    // MARK: Rows

    @Test("a node lets every claim through but those that are labelled invalid", arguments: seeds)
    func validClaims(seed: UInt64) throws {
        for claim in try GeneratedSet.shared(seed: seed, claims: 1_500).claims() {
            let (name, validated) = ("\(claim.label.pattern) \(claim.label.claim)", claim.validated)
            #expect((validated.value == nil) == claim.isLabelledInvalid, "\(name): \(validated.problems)")
            #expect(validated.repairs == [], "\(name)")
        }
    }

    @Test("each claim is on a voucher of its city, issued to its enterprise", arguments: seeds)
    func vouchers(seed: UInt64) throws {
        let set = try GeneratedSet.shared(seed: seed, claims: 1_500)
        var vouchers: [String: Voucher] = [:]
        for code in set.codes {
            for voucher in try set.vouchers(of: code) {
                #expect(vouchers.updateValue(voucher, forKey: "\(code)/\(voucher.number)") == nil, "issued twice")
            }
        }

        for claim in try set.claims() {
            let voucher = vouchers["\(claim.label.city)/\(claim.fields["voucher_no"] ?? "")"]
            #expect(voucher != nil, "\(claim.label.claim)")
            guard let value = claim.validated.value else { continue }
            #expect(voucher?.enterprise == value.enterprise, "\(claim.label.claim)")
        }
    }

    @Test("every supplier is on the national list when its service begins, but the unlisted ones", arguments: seeds)
    func suppliers(seed: UInt64) throws {
        let set = try GeneratedSet.shared(seed: seed, claims: 1_500)
        let providers = Dictionary(grouping: try set.providers(), by: \.code)

        for claim in try set.claims() {
            let listed = CreditCode(rawValue: claim.fields["provider_uscc"] ?? "").flatMap { providers[$0] } ?? []
            guard let value = claim.validated.value else {
                #expect(listed.count == 1, "\(claim.label.claim)")
                continue
            }
            let isListed = listed.contains { provider in
                provider.listedFrom <= value.service.from
                    && provider.listedUntil.map { value.service.from < $0 } ?? true
            }
            #expect(isListed == (claim.label.pattern != "unlisted-provider"), "\(claim.label.claim)")
        }
    }

    @Test("every company of the ownership file is read, each once")
    func companies() throws {
        let companies = try GeneratedSet.shared(claims: 1_500).companies()

        #expect(Set(companies.map(\.code)).count == companies.count)
    }

    // MARK: Groups

    @Test("each claim has one row and one label")
    func oneLabelEach() throws {
        let set = try GeneratedSet.shared(claims: 1_500)

        let rows = try set.codes.flatMap { code in
            try set.rows("\(code)/claims.csv").map { "\(code)/\($0["claim_no"] ?? "")" }
        }
        #expect(rows.sorted() == set.sample.labels.map { "\($0.city)/\($0.claim)" }.sorted())
        #expect(Set(rows).count == rows.count)
    }

    @Test("the labels of a group stand together, and its rows in the file of each city", arguments: seeds)
    func groupsStandTogether(seed: UInt64) throws {
        let set = try GeneratedSet.shared(seed: seed, claims: 1_500)

        let groups = Dictionary(
            set.sample.labels.map { ("\($0.city)/\($0.claim)", $0.group) }, uniquingKeysWith: { first, _ in first })
        #expect(set.sample.labels.map(\.group).isInRuns)
        for code in set.codes {
            let rows = try set.rows("\(code)/claims.csv").map { groups["\(code)/\($0["claim_no"] ?? "")"] }
            #expect(rows.isInRuns, "\(code)")
        }
    }

    @Test("the labels of a group name one pattern, its expectation, and as many claims as it has", arguments: seeds)
    func groupsAreWhole(seed: UInt64) throws {
        let set = try GeneratedSet.shared(seed: seed, claims: 1_500)

        for (group, labels) in Dictionary(grouping: set.sample.labels, by: \.group) {
            let pattern = try #require(Pattern(rawValue: labels[0].pattern))
            #expect(labels.allSatisfy { $0.pattern == pattern.rawValue }, "\(group)")
            #expect(labels.allSatisfy { $0.expectation == pattern.expectation.rawValue }, "\(group)")
            #expect(pattern.size.contains(labels.count), "\(group) of \(pattern)")
        }
    }
}

extension Sequence where Element: Hashable {
    /// Whether equal elements stand next to each other.
    fileprivate var isInRuns: Bool {
        let elements = Array(self)
        let runs = zip(elements, elements.dropFirst()).count { $0 != $1 } + (elements.isEmpty ? 0 : 1)
        return runs == Set(elements).count
    }
}
