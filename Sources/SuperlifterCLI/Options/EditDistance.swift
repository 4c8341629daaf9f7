// How far one word is from another, for "did you mean".

enum EditDistance {
    /// The candidate nearest to `word`, no more than `limit` insertions, deletions or replacements away; the first of
    /// several that are equally near. A word of which more than half would have to change has no nearest candidate.
    static func nearest(to word: String, among candidates: [String], atMost limit: Int) -> String? {
        let letters = Array(word.utf8.prefix(64))
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let distance = between(letters, Array(candidate.utf8))
            if distance <= limit, distance * 2 <= letters.count, distance < best?.distance ?? .max {
                best = (distance, candidate)
            }
        }
        return best?.candidate
    }

    /// Levenshtein's distance, one row at a time.
    private static func between(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
