package import Arbitration
import Foundation
import SwiftProtobuf
import VoucherDomain

/// Rows of the ownership file and of the provider list, to and from payload bytes.
extension PayloadCoding {
    package static func encode(_ companies: [Register.Company]) -> [UInt8] {
        var message = WireCompaniesListed()
        message.companies = companies.map { company in
            var item = WireCompany()
            item.code = company.code.rawValue
            item.name = company.name
            item.headOffice = company.headOffice?.rawValue ?? ""
            for attribute in company.attributes { item[keyPath: attribute.kind.field] = Data(attribute.hash) }
            return item
        }
        return message.bytes
    }

    package static func companies(_ payload: [UInt8]) throws(WireFault) -> [Register.Company] {
        var companies: [Register.Company] = []
        for item in try WireCompaniesListed(decoding: payload).companies {
            guard let code = CreditCode(rawValue: item.code) else {
                throw WireFault("a company's code is not canonical")
            }
            let headOffice = CreditCode(rawValue: item.headOffice)
            guard item.headOffice.isEmpty || headOffice != nil else { throw WireFault("head_office is not canonical") }
            if let fault = Claim.textFault("name", item.name, atMost: 200), !item.name.isEmpty {
                throw WireFault(fault)
            }
            var attributes: [Register.Attribute] = []
            for kind in Register.Attribute.Kind.allCases {
                let hash = Array(item[keyPath: kind.field])
                if hash.isEmpty { continue }
                guard hash.count == Register.Attribute.hashLength else {
                    throw WireFault("\(kind.rawValue) is no hash")
                }
                attributes.append(Register.Attribute(kind: kind, hash: hash))
            }
            companies.append(
                Register.Company(code: code, name: item.name, headOffice: headOffice, attributes: attributes))
        }
        return companies
    }

    package static func encode(_ providers: [Register.Provider]) -> [UInt8] {
        var message = WireProvidersListed()
        message.providers = providers.map { provider in
            var item = WireProvider()
            item.code = provider.code.rawValue
            item.name = provider.name
            item.listedFrom = provider.listedFrom.rawValue
            if let until = provider.listedUntil { item.listedUntil = until.rawValue }
            item.stateRun = provider.isStateRun
            return item
        }
        return message.bytes
    }

    package static func providers(_ payload: [UInt8]) throws(WireFault) -> [Register.Provider] {
        var providers: [Register.Provider] = []
        for item in try WireProvidersListed(decoding: payload).providers {
            guard let code = CreditCode(rawValue: item.code) else {
                throw WireFault("a provider's code is not canonical")
            }
            if let fault = Claim.textFault("name", item.name, atMost: 200), !item.name.isEmpty {
                throw WireFault(fault)
            }
            providers.append(
                Register.Provider(
                    code: code, name: item.name, listedFrom: CalendarDate(rawValue: item.listedFrom),
                    listedUntil: item.hasListedUntil ? CalendarDate(rawValue: item.listedUntil) : nil,
                    isStateRun: item.stateRun))
        }
        return providers
    }
}

extension Register.Attribute.Kind {
    fileprivate var field: WritableKeyPath<WireCompany, Data> {
        switch self {
        case .representative: \.representative
        case .controller: \.controller
        case .address: \.address
        case .phone: \.phone
        case .account: \.account
        }
    }
}
