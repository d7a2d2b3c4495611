extension Detection {
    /// One sentence in Chinese and one in English, for the officer.
    var message: String {
        switch self {
        case .invoiceAlias:
            "疑为同一张发票的新旧两种号码 / this may be one invoice under its old and its new number"
        case .splitContracts:
            "疑为拆分合同：多份合同均略低于限额 / several contracts of this pair stay just under the threshold"
        case .relatedParties: "买卖双方为关联方 / buyer and supplier are related"
        case .sharedWorkload: "关联企业申报同一笔算力 / a related buyer claims the same work"
        case .movedCompany:
            "同一企业或其分支在多个城市申报 / the company, or its head office or branch, also claims in another city"
        case .similarInvoice: "发票号码仅差一两位 / the invoice number is nearly that of another claim"
        case .similarContract: "合同编号仅差一位 / the contract number is nearly that of another claim"
        case .wrongName: "统一社会信用代码与企业名称不符 / the code belongs to another company's name"
        case .sharedAccount: "同一银行账户对应多个企业 / the company's bank account is also another company's"
        case .forumShopping: "曾在其他城市因不合规被拒 / refused for cause in another city"
        case .crossProgramme: "同一发票用于不可叠加的两个项目 / one invoice under two programmes that may not be combined"
        case .priceOutlier: "单价明显高于同类 / the price per card-hour is above nearly all others"
        case .unlistedProvider: "供应商不在名录内 / the supplier is not on the national list on that day"
        }
    }
}

extension FieldMatch {
    /// The fields that agree, in brackets; empty for none.
    static func sentence(_ matches: [FieldMatch]) -> String {
        matches.isEmpty
            ? "" : " (\(matches.map { "\($0.relation.word) \($0.field.rawValue)" }.joined(separator: ", ")))"
    }
}

extension FieldMatch.Relation {
    private var chinese: String {
        switch self {
        case .same: "相同"
        case .near: "相近"
        case .differs: "不同"
        }
    }

    fileprivate var word: String {
        switch self {
        case .same: "\(chinese)/same"
        case .near: "\(chinese)/similar"
        case .differs: "\(chinese)/other"
        }
    }
}
