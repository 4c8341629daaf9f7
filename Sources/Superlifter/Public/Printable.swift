// Names are bytes and may hold anything. What is shown to a person is made harmless here: a name must not be able to
// move the cursor, ring the bell, turn the text round or begin a line of its own.

import LifterSystem

/// Names and texts as one printable line.
public enum Printable {
    /// `bytes` as one line of printable UTF-8, in rsync's notation: control characters, characters that reorder what
    /// stands beside them, and bytes that are not UTF-8 appear as `\#ooo` (three octal digits), and so does a backslash
    /// that would otherwise read like one of these.
    public static func bytes(_ bytes: some Collection<UInt8>) -> [UInt8] { Display.escapedBytes(bytes) }

    /// The same as text.
    public static func text(_ bytes: some Collection<UInt8>) -> String { Display.escaped(bytes) }

    /// Text from elsewhere (a peer's words, a program's standard error, an error's causes) as one printable line. Names
    /// in it may have been made printable before; what reads as an escape stays.
    public static func line(_ text: String) -> String { Display.line(text) }
}
