extension [UInt8] {
    /// So many bytes, to be read into before anybody looks at them: what they are until then is left to chance.
    package init(unfilled count: Int) {
        self.init(unsafeUninitializedCapacity: count) { $1 = count }
    }
}
