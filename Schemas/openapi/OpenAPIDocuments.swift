/// The OpenAPI 3.1 documents of both programs, embedded from the files beside this one.
package enum OpenAPIDocuments {
    /// The query API of the registry.
    package static var registry: [UInt8] { PackageResources.registry_json }
    /// The local API of a city node.
    package static var city: [UInt8] { PackageResources.city_json }
}
